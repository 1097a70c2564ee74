/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is the leader: the holder of a Lease (coordination.k8s.io/v1), as a state machine. Pure: the time is given
 * (monotonic milliseconds), and the requests are made by the caller, who is told what to do next and tells what
 * came of it. One request at a time.
 *
 * What always holds, whatever the requests' delays and losses, as long as monotonic clocks run equally fast: two
 * candidates are never both leader. A holder counts from before it sent its last successful write, and gives up
 * after renew_ms; others count from when they saw the record change last, and take over after the duration that
 * stands in it, which is longer. Each write names the resourceVersion that it was decided on.
 * (Whoever deletes the Lease makes an exception, for renew_ms at most.) Wall clocks play no
 * part; a record's times are for people.
 *
 * A candidate that finds its own name in a record it has not written waits like any other: two processes may have
 * been given one name. A record that it wrote without getting the answer it knows by its times.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct mv_lease_options {
        const char *identity;  /* borrowed; not "" */
        long long duration_ms; /* whole seconds, at least one */
        unsigned seed;         /* of the jitter of waiting candidates */
};

/* spec of a Lease. Texts are cut to size, which only matters to names that no pod can have. */
struct mv_lease_record {
        char holder[260]; /* "": it was released */
        char acquire_time[32], renew_time[32];
        long long duration_seconds, transitions;
};

enum mv_lease_step {
        MV_LEASE_WAIT,   /* nothing until mv_lease_next's *ret_at */
        MV_LEASE_GET,    /* read the Lease, then mv_lease_seen, mv_lease_absent or mv_lease_failed */
        MV_LEASE_CREATE, /* make it of mv_lease_wanted, then mv_lease_written or mv_lease_failed */
        MV_LEASE_UPDATE, /* write mv_lease_wanted onto lease->version, likewise */
};

struct mv_lease {
        struct mv_lease_options options;
        long long renew_ms, retry_ms;   /* 2/3 and 2/15 of the duration */
        struct mv_lease_record record;  /* as last seen, or written */
        char version[64];               /* its resourceVersion */
        struct mv_lease_record pending; /* what was sent last, */
        long long sent_ms;              /* and when */
        bool known;                     /* record is that of the server, as far as we know */
        bool absent;                    /* the server has none */
        bool ours;                      /* the record was written by this process */
        long long changed_ms;           /* when the record was last seen to change */
        long long leader_until_ms;      /* with ours */
        long long next_ms;              /* when to do something */
        uint64_t random;
};

void mv_lease_init(struct mv_lease *lease, const struct mv_lease_options *options, long long now_ms);

/* What is to be done now. */
enum mv_lease_step mv_lease_next(struct mv_lease *lease, long long now_ms, long long *ret_at);

void mv_lease_seen(struct mv_lease *lease, const struct mv_lease_record *record, struct mv_str version,
                   long long now_ms);
void mv_lease_absent(struct mv_lease *lease, long long now_ms);
/* A write begins: the record that makes, or keeps, us leader. wall_us, microseconds since 1970, is for people, and
 * tells this write from others. */
void mv_lease_wanted(struct mv_lease *lease, long long wall_us, long long now_ms,
                     struct mv_lease_record *ret);
/* It succeeded; version is what the server made of it. */
void mv_lease_written(struct mv_lease *lease, struct mv_str version, long long now_ms);
/* A request failed, or may have. conflict: the server has another record, or none. */
void mv_lease_failed(struct mv_lease *lease, bool conflict, long long now_ms);

bool mv_lease_is_leader(const struct mv_lease *lease, long long now_ms);
/* The record that gives the Lease up, so that others need not wait; false when it is not ours. */
bool mv_lease_release(const struct mv_lease *lease, long long wall_us, struct mv_lease_record *ret);

/* The object, for a POST (version is "") or for a merge patch. */
void mv_lease_encode(const struct mv_lease_record *record, struct mv_str namespace, struct mv_str name,
                     struct mv_str version, struct mv_buf *out);
/* From the API server's answer, which is followed by 8 zero bytes. version is of size bytes. */
int mv_lease_decode(struct mv_str json, struct mv_lease_record *ret, char *version, size_t size,
                    struct mv_err *err);
