/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: records that wait on disk until every receiver has done them. It knows receivers by name, and nothing of
 * HTTP.
 *
 * On disk, in a directory of its own that one process has at a time (flock on `.lock`):
 *     NNNNNNNNNNNNNNNNNNNN.log   segments, append only, named by their first sequence; a record has a length and a CRC-32
 *     positions                  what each receiver has done; replaced as a whole
 *     dead/                      a file for each record that a receiver will not take, with what it said
 *     requests/                  what `migvet outbox` asks of the process that has the directory
 *
 * What it promises:
 * - A record that mv_outbox_append took survives the end of the process at any moment, kill -9 too. It is on the disk
 *   after the next mv_outbox_sync; a power cut loses what was appended since. mv_outbox_sync is called once a second.
 * - Sequences are 1, 2, ..., never used twice. After a crash some may be left out.
 * - What a receiver did since the last mv_outbox_sync it is given again after a crash: at least once, not exactly once.
 * - Where `positions` is lost or damaged nobody knows what was done: from the next list of receivers on each of them is given
 *   all records again. Until then nothing can be appended.
 * - Segments and dead letters together take at most max_bytes, 64 KiB of zeros ahead of the records, and up to a quarter more
 *   while dead letters come into an outbox that is full. When they do, the oldest records are kept and new ones are refused,
 *   but for records that nobody waits for who still wants any (mv_outbox_give_way); the oldest dead letters go when these
 *   alone take more than a quarter of it. Either is counted and logged.
 * - A torn last record (the process ended while it wrote) is cut off, a damaged one is passed over up to the next good
 *   one; either is logged, and counted where a record was lost. So is one that the disk does not give for ten minutes while it
 *   gives others and can be written to: it must not hold up what is behind it for ever. While the disk gives nothing, all waits.
 *
 * Threads: mv_outbox_append, mv_outbox_status and mv_outbox_receiver_status from any. All else from one, here the one
 * that delivers.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct mv_outbox;

enum {
        MV_OUTBOX_NAME_MAX = 128,                  /* bytes of a receiver's name */
        MV_OUTBOX_TEXT_MAX = 4096,                 /* of each short text of a record */
        MV_OUTBOX_RECORD_MAX = 16 << 20,           /* of a whole record */
        MV_OUTBOX_BUF = MV_OUTBOX_RECORD_MAX + 64, /* the maximum that the buffer of mv_outbox_next needs */
        MV_OUTBOX_SEQUENCE_DIGITS = 20,
};
#define MV_OUTBOX_LEAST_BYTES (UINT64_C(1) << 16) /* of max_bytes */

struct mv_outbox_options {
        const char *directory;  /* made, mode 0700, when it is missing; its parent must be there */
        uint64_t max_bytes;     /* at least MV_OUTBOX_LEAST_BYTES */
        unsigned lock_seconds;  /* how long to wait for another process to let go of the directory */
        unsigned unreadable_ms; /* so long a record may not be read while others are; 0: ten minutes */
        const struct mv_logger *logger;       /* may be NULL */
        const struct mv_allocator *allocator; /* NULL: malloc */
};

/* MV_ETIMEOUT: another process has the directory. MV_EIO, MV_ENOTFOUND (no parent), MV_ENOMEM. MV_ETYPE: a newer
 * version wrote it. options->directory is copied, the rest must outlive the outbox. */
int mv_outbox_open(const struct mv_outbox_options *options, struct mv_outbox **ret, struct mv_err *err);
/* Syncs, lets go of the directory. Takes NULL; returns NULL. */
struct mv_outbox *mv_outbox_close(struct mv_outbox *outbox);

/* What is kept beside the body, so that nobody has to parse it. */
struct mv_outbox_record {
        uint64_t sequence; /* set by mv_outbox_append */
        struct mv_str
                receiver; /* the only one that is to have it, again: its body has its first sequence; empty: all */
        struct mv_str subject;                  /* "namespace/kind/name": order matters within a subject */
        struct mv_str kind, namespace, verdict; /* for the filters of receivers */
        struct mv_str id;                       /* of the event */
        struct mv_str time;                     /* RFC 3339 */
        struct mv_str body;                     /* ready to be sent; not looked at by mv_outbox_append */
};

/*
 * Write a record for all receivers (record->receiver is empty). Its body is `before`, the sequence in 20 digits,
 * `after`, since the sequence is not known before. The n receivers of these names do not want it: for them it counts as done,
 * so nobody has to read it to find that out. *ret_sequence may be NULL. MV_ELIMIT: full, or a text or the record
 * is too large. MV_EIO: the disk would not have it; nothing of it stays. MV_ENOMEM. Each is counted; the log gets a
 * line once a minute.
 */
int mv_outbox_append(struct mv_outbox *outbox, const struct mv_outbox_record *record, struct mv_str before,
                     struct mv_str after, const struct mv_str *unwanted, size_t n, uint64_t *ret_sequence,
                     struct mv_err *err);

/*
 * The receivers, all of them, at the start and whenever the list changes; from then on a receiver is known by its
 * number in that list. One that is new begins behind the last record; what is known of one that is not among them is
 * forgotten, but not its dead letters. Names differ, have 1 to MV_OUTBOX_NAME_MAX bytes and no control characters
 * (MV_ETYPE). The same list as before needs no disk. On failure (MV_EIO, MV_ENOMEM) the list is as before.
 */
int mv_outbox_receivers(struct mv_outbox *outbox, const struct mv_str *names, size_t n, struct mv_err *err);
/* The same, unless it is not wanted any more when all that takes time has been done: then MV_ETIMEOUT, and the disk has the new
 * list until the next mv_outbox_sync. `wanted` is asked once, with the outbox locked, and what it says yes to is done before
 * anybody appends again. */
int mv_outbox_receivers_if(struct mv_outbox *outbox, const struct mv_str *names, size_t n,
                           bool (*wanted)(void *context), void *context, struct mv_err *err);

/* 1: the first record behind sequence `after` that the receiver has to do; its texts are in buf, which is cleared
 * before. 0: there is none. MV_EIO, MV_ENOMEM: it cannot be read now, and still waits; the log gets a line once a minute. */
int mv_outbox_next(struct mv_outbox *outbox, size_t receiver, uint64_t after, struct mv_buf *buf,
                   struct mv_outbox_record *ret);
/* The record is still to be done by the receiver: somebody may have dropped it (`migvet outbox drop`). */
bool mv_outbox_waits(struct mv_outbox *outbox, size_t receiver, uint64_t sequence);
/* Delivered, or not wanted. In any order; more than once does no harm. */
void mv_outbox_done(struct mv_outbox *outbox, size_t receiver, uint64_t sequence);
/* Put the record among the dead letters of the receiver, with how often it was tried and what came of it, on the
 * disk before it counts as done. On failure (MV_EIO, MV_ENOMEM) it still waits. */
int mv_outbox_bury(struct mv_outbox *outbox, size_t receiver, const struct mv_outbox_record *record,
                   unsigned tries, struct mv_str why, struct mv_err *err);

/*
 * While the outbox is full, receiver number i does not keep the oldest segment when gone[i] is set: it counts as having
 * done what is in there, which is counted and logged, unless others wait for that segment too. One segment each time.
 */
void mv_outbox_give_way(struct mv_outbox *outbox, const bool *gone, size_t n);

/* Once a second: everything appended and done so far is on the disk, and what `migvet outbox` asked is carried out. MV_EIO,
 * MV_ENOMEM: said in err, tried again by the next call. */
int mv_outbox_sync(struct mv_outbox *outbox, struct mv_err *err);

struct mv_outbox_status {
        uint64_t max_bytes, bytes; /* of segments and dead letters together */
        uint64_t dead_bytes;
        uint64_t last_sequence; /* 0: none yet */
        bool full;              /* the last append was refused for lack of room, and there is none yet */
        /* Since the start: */
        uint64_t appended;
        uint64_t refused; /* for lack of room */
        uint64_t failed;  /* the disk or the memory would not have them */
        uint64_t damaged; /* places with records that could not be read and were passed over */
        uint64_t
                passed; /* records that receivers were not given, since they want none and there was no room */
        uint64_t buried;
        uint64_t forgotten; /* dead letters, for lack of room */
        size_t dead;        /* dead letters there are now, of receivers that are not in the list too */
};
void mv_outbox_status(struct mv_outbox *outbox, struct mv_outbox_status *ret);

struct mv_outbox_receiver_status {
        uint64_t waiting; /* records that it has to do, those not wanted too until they are passed over */
        int64_t oldest;   /* time of the first of them, seconds since 1970; 0: none */
        uint64_t dead;    /* dead letters */
        char name[MV_OUTBOX_NAME_MAX + 1];
};
/* False: there is no receiver of that number. */
bool mv_outbox_receiver_status(struct mv_outbox *outbox, size_t receiver,
                               struct mv_outbox_receiver_status *ret);
