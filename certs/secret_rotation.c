/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/secret_rotation.h"

#include "certs/authority.h"
#include "certs/rotation.h"

static bool in_time(const struct mv_validity *validity, time_t now) {
        return now >= validity->not_before && now < validity->not_after;
}

static struct mv_secret_decision decision(enum mv_secret_step step, const char *reason) {
        return (struct mv_secret_decision){ .step = step, .reason = reason };
}

/* The authority in use cannot be used now. */
static struct mv_secret_decision mend(const struct mv_secret_state *state, time_t now) {
        const bool expired = now >= state->ca.not_after;
        if (state->clock_in_doubt)
                return decision(MV_SECRET_NONE, "the clock is in doubt, so nothing is replaced");
        if (!state->ca_is_ours)
                return decision(MV_SECRET_STUCK, "the authority is not valid now and was not made by migvet");
        if (state->has_next && in_time(&state->next, now))
                return decision(MV_SECRET_SWITCH, "the authority in use is not valid now, the next one is");
        return decision(MV_SECRET_REPLACE,
                        expired ? "the authority has expired" : "the authority is not valid yet");
}

static struct mv_secret_decision go_on(const struct mv_secret_state *state, time_t now) {
        if (state->clock_in_doubt)
                return decision(MV_SECRET_NONE, "the clock is in doubt, so the rotation waits");
        if (!in_time(&state->next, now))
                return decision(MV_SECRET_STAGE, "the next authority is not valid now");
        if (!state->published)
                return decision(MV_SECRET_PUBLISH, "the next authority is not in every configuration yet");
        if (state->published_ms < state->settle_ms) {
                struct mv_secret_decision d = decision(
                        MV_SECRET_SETTLE, "API servers are given time to learn of the next authority");
                d.wait_ms = state->settle_ms - state->published_ms;
                return d;
        }
        return decision(MV_SECRET_SWITCH, "the next authority is published");
}

struct mv_secret_decision mv_secret_decide(const struct mv_secret_state *state, time_t now) {
        const time_t renewal = mv_rotation_renewal(&state->ca);
        const time_t last_leaf =
                state->in_use_since + (time_t)state->leaf_seconds + 2 * (time_t)MV_CERT_BACKDATE_SECONDS;
        if (!state->has_ca)
                return decision(MV_SECRET_CREATE, "there is no authority yet");
        if (!in_time(&state->ca, now))
                return mend(state, now);
        if (state->has_next)
                return go_on(state, now);
        if (state->requested && !state->ca_is_ours)
                return decision(MV_SECRET_STUCK,
                                "a rotation was asked for, but the authority was not made by migvet");
        if (state->requested || (state->ca_is_ours && now >= renewal)) {
                if (state->clock_in_doubt)
                        return decision(MV_SECRET_NONE, "the clock is in doubt, so the rotation waits");
                return decision(MV_SECRET_STAGE, state->requested ? "a rotation was asked for"
                                                                  : "two thirds of its life are over");
        }
        if (state->has_old && !state->clock_in_doubt) {
                if (!state->in_use_since)
                        return decision(MV_SECRET_MARK, "it is not known since when the authority is in use");
                if (now >= last_leaf)
                        return decision(MV_SECRET_DROP,
                                        "no certificate of an earlier authority can be alive");
        }
        struct mv_secret_decision none = decision(MV_SECRET_NONE, "");
        none.next = state->ca_is_ours ? renewal : state->ca.not_after;
        if (state->has_old && state->in_use_since && last_leaf < none.next)
                none.next = last_leaf;
        return none;
}

const char *mv_secret_step_name(enum mv_secret_step step) {
        static const char *const names[] = {
                [MV_SECRET_NONE] = "none",       [MV_SECRET_CREATE] = "create", [MV_SECRET_STAGE] = "stage",
                [MV_SECRET_PUBLISH] = "publish", [MV_SECRET_SETTLE] = "settle", [MV_SECRET_SWITCH] = "switch",
                [MV_SECRET_REPLACE] = "replace", [MV_SECRET_MARK] = "mark",     [MV_SECRET_DROP] = "drop",
                [MV_SECRET_STUCK] = "stuck",
        };
        return names[step];
}

bool mv_secret_leaf_due(const struct mv_secret_leaf_state *state, time_t now, const char **ret_reason) {
        const char *reason = NULL;
        /* One that is signed now ends then. */
        time_t end = state->read + (time_t)state->leaf_seconds;
        if (state->ca.not_after < end)
                end = state->ca.not_after;
        if (!in_time(&state->ca, now) || end <= now)
                return false; /* it would be of no use */
        if (!state->has_leaf)
                reason = "there is no certificate yet";
        else if (now >= state->leaf.not_after)
                reason = "the certificate has expired";
        else if (now < state->leaf.not_before)
                reason = "the certificate is not valid yet";
        else if (!state->from_ca && state->ca_published)
                reason = "another authority is in use";
        else if (!state->from_ca)
                return false; /* clients trust the present one, and not yet the other */
        else if (!state->has_names)
                reason = "the certificate lacks a name that is wanted";
        else if (now >= mv_rotation_renewal(&state->leaf) && end > state->leaf.not_after)
                reason = "two thirds of the certificate's life are over";
        if (reason)
                *ret_reason = reason;
        return reason != NULL;
}
