/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority that several replicas share, as it is stored: the texts of a Secret, what they say, and what each step
 * of a rotation (certs/secret_rotation.h) makes of them. No I/O, no clock.
 *
 * `bundle` holds every authority that clients are to believe: the one whose key is `key`, the one whose key is
 * `next_key` while there is one, and earlier ones. Which is which follows from the keys, so that there is nothing that
 * could contradict itself.
 */
#pragma once

#include "certs/secret_rotation.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <time.h>

/* PEM, NUL-terminated, from malloc; NULL: not there. Free with mv_shared_authority_done, which wipes the keys. */
struct mv_shared_authority {
        char *bundle, *key, *next_key;
        time_t in_use_since; /* 0: not known */
        bool requested;      /* somebody asks for a rotation */
};

void mv_shared_authority_done(struct mv_shared_authority *authority);
int mv_shared_authority_copy(const struct mv_shared_authority *from, struct mv_shared_authority *ret,
                             struct mv_err *err);
/* Both hold the same texts. */
bool mv_shared_authority_same(const struct mv_shared_authority *a, const struct mv_shared_authority *b);

/*
 * What is stored, as far as it can be told from the texts. Nothing at all is a state, too (has_ca is false); half of
 * it is an error, since what is signed with it may be in use: err->path is the name of the text at fault
 * (`ca.crt`, `ca.key`, `next.key`).
 */
int mv_shared_authority_study(const struct mv_shared_authority *authority, struct mv_secret_state *ret,
                              struct mv_err *err);

/* What CREATE, STAGE, SWITCH, REPLACE, MARK or DROP makes of it. ca_seconds: how long a new one lives. Authorities
 * that have expired leave the bundle with each of them. */
int mv_shared_authority_step(const struct mv_shared_authority *authority, enum mv_secret_step step,
                             time_t now, long long ca_seconds, struct mv_shared_authority *ret,
                             struct mv_err *err);

/* The authorities of `bundle`, too, in use until now: somebody put another Secret into the place of ours. */
int mv_shared_authority_adopt(const struct mv_shared_authority *authority, struct mv_str bundle, time_t now,
                              struct mv_shared_authority *ret, struct mv_err *err);

/* The certificate of key_pem in a bundle, as PEM to be freed; MV_ECRYPTO when it has none. */
int mv_bundle_find(struct mv_str bundle, struct mv_str key_pem, char **ret, struct mv_err *err);
