/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority in a Secret, and this replica's leaf under it: read again and again, made when there is none, carried
 * on by the leader. The leaf and its key never leave the process. Belongs to one thread; only the slot is shared.
 *
 * When the API cannot be reached, or the Secret is broken, what was read last stays in force. A Secret that was
 * deleted is written again from what is remembered; where another authority has come into its place, the one before
 * stays in the bundle until nothing of it can be alive.
 */
#pragma once

#include "certs/identity.h"
#include "certs/names.h"
#include "certs/shared_authority.h"
#include "cluster/kube/authority_secret.h"
#include "cluster/kube/object.h"
#include "cluster/kube/trouble.h"

struct mv_shared_identity_options {
        struct mv_kube_caller *caller;
        struct mv_str namespace, name; /* of the Secret */
        const struct mv_names *names;  /* of the leaf */
        struct mv_identity_slot *slot;
        const struct mv_logger *logger;
        long long ca_seconds, leaf_seconds, settle_ms;
};

struct mv_shared_identity {
        struct mv_shared_identity_options options; /* everything in it is borrowed */
        char collection[600], path[900];           /* of the Secret in the API */
        struct mv_shared_authority stored;         /* as read last; nothing before that */
        char *authority;                           /* certificate of the one in use, PEM; NULL before */
        struct mv_secret_state state;              /* what `stored` says */
        char version[MV_VERSION_TEXT];             /* of the Secret; "" when there is none */
        bool missing;                              /* the Secret is not there, or empty, and we know better */
        char *lost;    /* an authority that was in use, and is not in the bundle any more: PEM, or NULL */
        time_t read;   /* when it was read last */
        char *leaf_ca; /* the authority that signed the leaf; NULL: no leaf */
        struct mv_validity leaf;
        unsigned long long rotations; /* authorities put in use by us */
        struct mv_trouble reading, signing, writing;
};

void mv_shared_identity_init(struct mv_shared_identity *identity,
                             const struct mv_shared_identity_options *options);
void mv_shared_identity_done(struct mv_shared_identity *identity);

/* Read the Secret; make it where there is none and we never knew one. False when that failed. */
bool mv_shared_identity_read(struct mv_shared_identity *identity, time_t now);
/* Sign a leaf when one is due, and put it into the slot. ca_published: mv_secret_leaf_state. */
void mv_shared_identity_sign(struct mv_shared_identity *identity, bool ca_published, time_t now);

/* For the leader: do what is next for the authority. published, published_ms, clock_in_doubt: as in struct
 * mv_secret_state. *ret: what that is; true when something was written. */
bool mv_shared_identity_advance(struct mv_shared_identity *identity, bool published, long long published_ms,
                                bool clock_in_doubt, time_t now, struct mv_secret_decision *ret);
