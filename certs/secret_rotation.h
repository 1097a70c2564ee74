/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an authority that is kept in a Secret and shared by all replicas, each of which signs a leaf of its
 * own with it: (stored, published, now) -> next step. Pure decisions, as in certs/rotation.h, so that each point
 * where a crash, a change of the leader or a lost write may leave things is one row of a test.
 *
 * A rotation takes these steps, by the leader, each of them one atomic write:
 *
 *   STAGE   a second authority is stored beside the one in use, and is part of the bundle;
 *           the bundle is published (in the caBundle of the webhook configurations), seen there, and some time
 *           passes, in which API servers learn of it;
 *   SWITCH  the second one is in use; the replicas sign with it when they see that; the first stays in the bundle;
 *   DROP    no leaf of the first can be alive: it leaves the bundle.
 *
 * What always holds: whatever a replica may serve is in the bundle that was published before. An authority leaves
 * only when nothing of it can be alive, and nothing is replaced or dropped while the clock is in doubt.
 */
#pragma once

#include "certs/certificate.h"

#include <stdbool.h>
#include <time.h>

enum mv_secret_step {
        MV_SECRET_NONE,    /* nothing to do until `next` */
        MV_SECRET_CREATE,  /* there is no authority: make the first one */
        MV_SECRET_STAGE,   /* make the next authority (in the place of one that is staged and of no use) */
        MV_SECRET_PUBLISH, /* wait until the bundle with the staged one is in all configurations */
        MV_SECRET_SETTLE,  /* it is; wait until `wait_ms` more have passed */
        MV_SECRET_SWITCH,  /* put the staged one in use */
        MV_SECRET_REPLACE, /* the one in use is of no use to anybody: a new one at once */
        MV_SECRET_MARK,  /* write down that the one in use is in use since now, which nobody knows any more */
        MV_SECRET_DROP,  /* take those out of the bundle that are neither in use nor staged */
        MV_SECRET_STUCK, /* the authority was not made by migvet, and is not ours to replace */
};

struct mv_secret_state {
        bool has_ca; /* an authority with its key; without one the rest is not read */
        bool ca_is_ours;
        struct mv_validity ca;
        bool has_next; /* one is staged */
        struct mv_validity next;
        bool has_old;           /* the bundle holds others */
        time_t in_use_since;    /* when the one in use was put in use; 0: not known */
        bool requested;         /* somebody asked for a rotation */
        bool published;         /* the whole bundle is in every configuration that there is */
        long long published_ms; /* for how long that has been seen */
        bool clock_in_doubt;    /* our clock and the API server's differ, or one of them has leapt */
        long long leaf_seconds; /* how long leaves live at most */
        long long settle_ms;    /* how long API servers may need to learn of a bundle */
};

struct mv_secret_decision {
        enum mv_secret_step step;
        const char *reason; /* static text in words; "" for NONE, unless something is being waited for */
        time_t next;        /* NONE: when something will be due, as things are */
        long long wait_ms;  /* SETTLE */
};

struct mv_secret_decision mv_secret_decide(const struct mv_secret_state *state, time_t now);
const char *mv_secret_step_name(enum mv_secret_step step);

/* What a replica serves, and what it could serve. */
struct mv_secret_leaf_state {
        bool has_leaf;
        struct mv_validity leaf;
        bool from_ca;          /* signed by the authority in use */
        bool has_names;        /* all that are wanted */
        struct mv_validity ca; /* the authority in use */
        bool ca_published; /* it is in every configuration, and has been for settle_ms; or nobody can tell */
        time_t read;       /* when the Secret was read last: a leaf ends leaf_seconds after that */
        long long leaf_seconds;
};

/* A new leaf is to be signed. *ret_reason: why, static text. */
bool mv_secret_leaf_due(const struct mv_secret_leaf_state *state, time_t now, const char **ret_reason);
