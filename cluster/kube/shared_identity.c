/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/shared_identity.h"

#include "certs/authority.h"
#include "certs/bundle.h"
#include "cluster/kube/wipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 4 * MV_PEM_MAX_BYTES, TRIES = 3 };

void mv_shared_identity_init(struct mv_shared_identity *identity,
                             const struct mv_shared_identity_options *options) {
        *identity = (struct mv_shared_identity){
                .options = *options,
                .reading = { .logger = options->logger, .component = "certs" },
                .signing = { .logger = options->logger, .component = "certs" },
                .writing = { .logger = options->logger, .component = "certs" },
        };
        snprintf(identity->collection, sizeof identity->collection, "/api/v1/namespaces/%.*s/secrets",
                 MV_STR_ARG(options->namespace));
        snprintf(identity->path, sizeof identity->path, "%s/%.*s", identity->collection,
                 MV_STR_ARG(options->name));
}

void mv_shared_identity_done(struct mv_shared_identity *identity) {
        mv_shared_authority_done(&identity->stored);
        free(identity->authority);
        free(identity->lost);
        free(identity->leaf_ca);
        identity->authority = identity->lost = identity->leaf_ca = NULL;
}

static int in_secret(const struct mv_shared_identity *identity, int code, struct mv_err *err) {
        if (err && !err->file[0])
                snprintf(err->file, sizeof err->file, "Secret %.*s/%.*s",
                         MV_STR_ARG(identity->options.namespace), MV_STR_ARG(identity->options.name));
        return code;
}

/* What was lost is in the bundle again. */
static void forget_lost(struct mv_shared_identity *identity, struct mv_str bundle) {
        bool covered = false;
        if (!identity->lost || mv_bundle_covers(bundle, mv_str_from(identity->lost), &covered, NULL) < 0 ||
            !covered)
                return;
        free(identity->lost);
        identity->lost = NULL;
}

/* The Secret holds that now; *authority is taken over. An authority that was in use and is gone is remembered. */
static int take(struct mv_shared_identity *identity, struct mv_shared_authority *authority,
                const char *version, struct mv_err *err) {
        struct mv_secret_state state;
        char *in_use = NULL;
        bool kept = true;
        int r = mv_shared_authority_study(authority, &state, err);
        if (r >= 0 && state.has_ca)
                r = mv_bundle_find(mv_str_from(authority->bundle), mv_str_from(authority->key), &in_use, err);
        if (r >= 0 && state.has_ca && identity->authority)
                r = mv_bundle_covers(mv_str_from(authority->bundle), mv_str_from(identity->authority), &kept,
                                     err);
        if (r < 0) {
                free(in_use);
                mv_shared_authority_done(authority);
                return r;
        }
        snprintf(identity->version, sizeof identity->version, "%s", version);
        identity->missing = !state.has_ca;
        if (identity->missing) {
                mv_shared_authority_done(authority); /* whatever was remembered stays */
                return 0;
        }
        if (!kept) {
                free(identity->lost);
                identity->lost = identity->authority;
        } else {
                free(identity->authority);
                forget_lost(identity, mv_str_from(authority->bundle));
        }
        identity->authority = in_use;
        mv_shared_authority_done(&identity->stored);
        identity->stored = *authority;
        identity->state = state;
        return 0;
}

/* Store it: POST where there is no Secret, else a patch of the version we know. What comes back is taken.
 * 0, MV_KUBE_CONFLICT, or an error. */
static int store(struct mv_shared_identity *identity, const struct mv_shared_authority *authority,
                 struct mv_err *err) {
        const struct mv_shared_identity_options *options = &identity->options;
        const bool create = !identity->version[0];
        struct mv_shared_authority stored = { 0 };
        char version[MV_VERSION_TEXT];
        struct mv_buf body, answer;
        mv_buf_init(&body, &mv_allocator_wiping, SECRET_BYTES);
        mv_buf_init(&answer, &mv_allocator_wiping, SECRET_BYTES);
        if (create)
                mv_authority_secret_encode(authority, options->namespace, options->name, &body);
        else
                mv_authority_secret_encode_patch(authority, mv_str_from(identity->version), &body);
        int r = mv_buf_failed(&body)
                        ? mv_err_oom(err)
                        : mv_kube_object_write(options->caller, create ? "POST" : "PATCH",
                                               mv_str_from(create ? identity->collection : identity->path),
                                               create ? MV_KUBE_JSON : MV_KUBE_MERGE_PATCH, mv_buf_str(&body),
                                               &answer, err);
        if (r == 0)
                r = mv_authority_secret_decode(mv_buf_str(&answer), &stored, version, err);
        if (r == 0)
                r = take(identity, &stored, version, err);
        mv_buf_done(&body);
        mv_buf_done(&answer);
        return r < 0 ? in_secret(identity, r, err) : r;
}

/* Read it as it is. */
static int fetch(struct mv_shared_identity *identity, struct mv_err *err) {
        struct mv_shared_authority stored = { 0 };
        char version[MV_VERSION_TEXT] = "";
        struct mv_buf answer;
        bool found;
        mv_buf_init(&answer, &mv_allocator_wiping, SECRET_BYTES);
        int r = mv_kube_object_get(identity->options.caller, mv_str_from(identity->path), &answer, &found,
                                   err);
        if (r >= 0 && found)
                r = mv_authority_secret_decode(mv_buf_str(&answer), &stored, version, err);
        if (r >= 0)
                r = take(identity, &stored, version, err);
        mv_buf_done(&answer);
        return r < 0 ? in_secret(identity, r, err) : r;
}

static void say_step(struct mv_shared_identity *identity, const char *message, const char *reason) {
        const struct mv_log_field fields[] = { { "secret", identity->options.name },
                                               { "reason", mv_str_from(reason) } };
        mv_trouble_say(&identity->writing, MV_LOG_INFO, message, fields, reason[0] ? 2 : 1);
}

/* The first authority: whoever stores it first, all use that one. */
static int create(struct mv_shared_identity *identity, time_t now, struct mv_err *err) {
        struct mv_shared_authority first;
        const struct mv_shared_authority nothing = { 0 };
        int r = mv_shared_authority_step(&nothing, MV_SECRET_CREATE, now, identity->options.ca_seconds,
                                         &first, err);
        if (r < 0)
                return r;
        r = store(identity, &first, err);
        mv_shared_authority_done(&first);
        if (r == 0)
                say_step(identity, "authority made", "there was none");
        return r;
}

bool mv_shared_identity_read(struct mv_shared_identity *identity, time_t now) {
        struct mv_err err = { 0 };
        int r = MV_KUBE_CONFLICT;
        for (unsigned tries = 0; r == MV_KUBE_CONFLICT && tries < TRIES; tries++) {
                r = fetch(identity, &err);
                if (r >= 0 && identity->missing && !identity->authority)
                        r = create(identity, now, &err);
        }
        if (r == MV_KUBE_CONFLICT)
                r = in_secret(identity, mv_err_set(&err, MV_EIO, "changes too often"), &err);
        if (r < 0) {
                mv_trouble_tell(&identity->reading, MV_LOG_WARNING,
                                "the authority cannot be read; the present identity stays", &err);
                return false;
        }
        mv_trouble_over(&identity->reading, "the authority can be read again");
        identity->read = now;
        return true;
}

static int sign(struct mv_shared_identity *identity, time_t now, struct mv_err *err) {
        const struct mv_shared_identity_options *options = &identity->options;
        struct mv_pem_pair pair = { 0 };
        struct mv_identity *made = NULL;
        char *signer = strdup(identity->authority);
        int r = signer ? 0 : mv_err_oom(err);
        if (r >= 0)
                r = mv_authority_sign_leaf(
                        mv_str_from(identity->authority), mv_str_from(identity->stored.key), options->names,
                        now, (long long)(identity->read - now) + options->leaf_seconds, &pair, err);
        if (r >= 0)
                r = mv_identity_new(mv_str_from(pair.certificate), mv_str_from(pair.key), &made, err);
        mv_pem_pair_done(&pair);
        if (r < 0) {
                free(signer);
                return in_secret(identity, r, err);
        }
        free(identity->leaf_ca);
        identity->leaf_ca = signer;
        identity->leaf = mv_identity_validity(made);
        mv_identity_slot_set(options->slot, made);
        return 0;
}

void mv_shared_identity_sign(struct mv_shared_identity *identity, bool ca_published, time_t now) {
        struct mv_err err = { 0 };
        const char *reason;
        if (!identity->authority)
                return;
        const struct mv_secret_leaf_state state = {
                .has_leaf = identity->leaf_ca != NULL,
                .leaf = identity->leaf,
                .from_ca = identity->leaf_ca && strcmp(identity->leaf_ca, identity->authority) == 0,
                .has_names = true, /* they do not change while we run */
                .ca = identity->state.ca,
                .ca_published = ca_published,
                .read = identity->read,
                .leaf_seconds = identity->options.leaf_seconds,
        };
        if (!mv_secret_leaf_due(&state, now, &reason))
                return;
        if (sign(identity, now, &err) < 0) {
                mv_trouble_tell(&identity->signing, MV_LOG_ERROR, "no certificate could be signed", &err);
                return;
        }
        mv_trouble_over(&identity->signing, "certificates can be signed again");
        say_step(identity, "TLS identity signed", reason);
}

/* What is to be stored now; *ret is to be freed when true. */
static bool wanted(struct mv_shared_identity *identity, const struct mv_secret_decision *decision, time_t now,
                   struct mv_shared_authority *ret, const char **ret_message, int *ret_code,
                   struct mv_err *err) {
        static const char *const messages[] = {
                [MV_SECRET_STAGE] = "next authority made",
                [MV_SECRET_SWITCH] = "next authority put in use",
                [MV_SECRET_REPLACE] = "authority replaced",
                [MV_SECRET_MARK] = "authority in use since now",
                [MV_SECRET_DROP] = "earlier authorities dropped",
        };
        if (identity->missing) {
                *ret_message = "authority written again";
                *ret_code = mv_shared_authority_copy(&identity->stored, ret, err);
                return *ret_code >= 0;
        }
        if (identity->lost) {
                *ret_message = "the authority before stays in the bundle";
                *ret_code = mv_shared_authority_adopt(&identity->stored, mv_str_from(identity->lost), now,
                                                      ret, err);
                return *ret_code >= 0;
        }
        switch (decision->step) {
        case MV_SECRET_STAGE:
        case MV_SECRET_SWITCH:
        case MV_SECRET_REPLACE:
        case MV_SECRET_MARK:
        case MV_SECRET_DROP:
                *ret_message = messages[decision->step];
                *ret_code = mv_shared_authority_step(&identity->stored, decision->step, now,
                                                     identity->options.ca_seconds, ret, err);
                return *ret_code >= 0;
        case MV_SECRET_NONE:
        case MV_SECRET_CREATE:
        case MV_SECRET_PUBLISH:
        case MV_SECRET_SETTLE:
                return false;
        case MV_SECRET_STUCK:
                *ret_code = mv_err_set(err, MV_ECRYPTO, "%s", decision->reason);
                return false;
        }
        return false;
}

bool mv_shared_identity_advance(struct mv_shared_identity *identity, bool published, long long published_ms,
                                bool clock_in_doubt, time_t now, struct mv_secret_decision *ret) {
        struct mv_secret_state state = identity->state;
        struct mv_shared_authority next;
        struct mv_err err = { 0 };
        const char *message = "";
        int r = 0;
        if (!identity->authority)
                return false;
        state.published = published;
        state.published_ms = published_ms;
        state.clock_in_doubt = clock_in_doubt;
        state.leaf_seconds = identity->options.leaf_seconds;
        state.settle_ms = identity->options.settle_ms;
        *ret = mv_secret_decide(&state, now);
        if (wanted(identity, ret, now, &next, &message, &r, &err)) {
                const bool rotated = ret->step == MV_SECRET_SWITCH || ret->step == MV_SECRET_REPLACE;
                const bool ordinary = !identity->missing && !identity->lost;
                r = store(identity, &next, &err);
                mv_shared_authority_done(&next);
                if (r == 0) {
                        say_step(identity, message, ordinary ? ret->reason : "");
                        identity->rotations += rotated && ordinary;
                        mv_trouble_over(&identity->writing, "the authority can be written again");
                        return true;
                }
        }
        if (r < 0) {
                in_secret(identity, r, &err);
                mv_trouble_tell(&identity->writing, MV_LOG_WARNING, "the authority cannot be written", &err);
        }
        return false;
}
