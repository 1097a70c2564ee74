/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an outbox is made of, for its own files. The lock is held for memory and one write, never for a sync or a removal:
 * only the thread that delivers reads, syncs, and changes the list of receivers and the dead letters, and it alone may look at
 * those without the lock: at who is in the list, not at what they have done, which changes with each record that somebody does
 * not want.
 */
#pragma once

#include "webhook/deliver/dead.h"
#include "webhook/deliver/journal.h"
#include "webhook/deliver/positions.h"

#include <pthread.h>

struct mv_outbox {
        /* Set once. */
        char *directory;
        const struct mv_allocator *allocator;
        const struct mv_logger *logger;
        char *requests; /* the directory */
        uint64_t max_bytes;
        int lock; /* file descriptor */

        /* Of the thread that delivers. */
        struct mv_dead dead;
        struct mv_buf text; /* the positions as they are written */
        /* Nobody knows any more what was done. Until there is a list of receivers no positions are written, so that
         * another process finds that too, and nothing is removed. */
        bool begin_at_oldest;
        long long said_reading_ms; /* when mv_outbox_next last logged a failure */
        unsigned unreadable_ms;
        bool sync_fails; /* the last sync of the journal did */

        pthread_mutex_t mutex; /* of what follows */
        struct mv_journal journal;
        struct mv_positions positions;
        uint64_t granted;   /* the `reserved` that is on the disk */
        bool changed;       /* positions are to be written */
        uint64_t too_large; /* bytes that the last append had no room for; 0: it had */
        struct mv_outbox_status
                counts; /* of which only what is counted since the start, and the dead letters, is kept here */
        long long said_ms; /* when append last logged a failure */
};

void mv_outbox_say(const struct mv_outbox *outbox, enum mv_log_level level, const char *message,
                   const char *key, struct mv_str value);
void mv_outbox_say_number(const struct mv_outbox *outbox, enum mv_log_level level, const char *message,
                          const char *key, uint64_t number);
/* mv_outbox_next with what a dead letter says beside the record. */
int mv_outbox_next_letter(struct mv_outbox *outbox, size_t receiver, uint64_t after, struct mv_buf *buf,
                          struct mv_outbox_letter *ret, struct mv_err *err);
/* Append a dead letter's record once more, for its receiver alone; files of `freed` bytes go afterwards. */
int mv_outbox_append_again(struct mv_outbox *outbox, const struct mv_outbox_letter *letter, uint64_t freed,
                           struct mv_err *err);
/* What was appended is on the disk. */
int mv_outbox_sync_journal(struct mv_outbox *outbox, struct mv_err *err);
int mv_outbox_write_positions(struct mv_outbox *outbox, struct mv_err *err);
/* mv_outbox_sync without the requests. */
int mv_outbox_sync_all(struct mv_outbox *outbox, struct mv_err *err);
/* After a change of the dead letters. */
void mv_outbox_count_dead(struct mv_outbox *outbox);
/* Bytes there is room for, with the lock held. */
uint64_t mv_outbox_room(const struct mv_outbox *outbox);

/* requests/ is made when it is missing. */
int mv_outbox_requests_open(struct mv_outbox *outbox, struct mv_err *err);
/* Carry out what is asked there. */
int mv_outbox_requests_tend(struct mv_outbox *outbox, struct mv_err *err);
