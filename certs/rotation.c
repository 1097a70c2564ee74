/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/rotation.h"

#include "certs/authority.h"

time_t mv_rotation_renewal(const struct mv_validity *validity) {
        time_t life = validity->not_after - validity->not_before;
        return life <= 0 ? validity->not_before : validity->not_after - life / 3;
}

time_t mv_rotation_old_ca_until(const struct mv_validity *old_ca, const struct mv_validity *current) {
        /* The current one was made MV_CERT_BACKDATE_SECONDS after its not_before. */
        time_t last_leaf = current->not_before + MV_CERT_BACKDATE_SECONDS + MV_LEAF_SECONDS;
        return old_ca->not_after < last_leaf ? old_ca->not_after : last_leaf;
}

static struct mv_rotation_decision decision(enum mv_rotation_step step, const char *reason) {
        return (struct mv_rotation_decision){ .step = step, .reason = reason };
}

struct mv_rotation_decision mv_rotation_decide(const struct mv_rotation_state *state, time_t now) {
        const time_t ca_renewal = mv_rotation_renewal(&state->ca);
        const time_t leaf_renewal = mv_rotation_renewal(&state->leaf);

        if (!state->has_ca)
                return decision(MV_ROTATION_CA, "there is no authority yet");
        if (!state->ca_is_ours && now >= state->ca.not_after)
                return decision(MV_ROTATION_STUCK, "the authority has expired and was not made by migvet");
        if (now >= state->ca.not_after)
                return decision(MV_ROTATION_CA, "the authority has expired");
        if (state->ca_is_ours && now >= ca_renewal)
                return decision(MV_ROTATION_CA, "two thirds of the authority's life are over");

        if (!state->has_leaf)
                return decision(MV_ROTATION_LEAF, "there is no usable certificate");
        if (!state->leaf_from_ca)
                return decision(MV_ROTATION_LEAF, "the certificate was signed by another authority");
        if (!state->leaf_has_names)
                return decision(MV_ROTATION_LEAF, "the certificate lacks a name that is wanted");
        if (now >= state->leaf.not_after)
                return decision(MV_ROTATION_LEAF, "the certificate has expired");
        if (now < state->leaf.not_before && now >= state->ca.not_before)
                return decision(MV_ROTATION_LEAF, "the certificate is not valid yet");
        /* A leaf that ends with its authority would not live longer when renewed. */
        const bool longer = state->leaf.not_after < state->ca.not_after;
        if (longer && now >= leaf_renewal)
                return decision(MV_ROTATION_LEAF, "two thirds of the certificate's life are over");

        struct mv_rotation_decision none = decision(MV_ROTATION_NONE, "");
        none.next = longer ? leaf_renewal : state->leaf.not_after;
        if (state->ca_is_ours && ca_renewal < none.next)
                none.next = ca_renewal;
        return none;
}

const char *mv_rotation_step_name(enum mv_rotation_step step) {
        switch (step) {
        case MV_ROTATION_NONE:
                return "none";
        case MV_ROTATION_LEAF:
                return "leaf";
        case MV_ROTATION_CA:
                return "ca";
        case MV_ROTATION_STUCK:
                return "stuck";
        }
        return "?";
}
