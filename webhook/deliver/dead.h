/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that a receiver will not take, each a file of its own in DIRECTORY/dead: a segment of one record, with the receiver's
 * name, how often it was tried and what it said. Takes no lock; of one thread.
 */
#pragma once

#include "webhook/deliver/segment.h"

struct mv_dead_letter {
        uint64_t sequence;
        uint64_t receiver; /* hash of its name */
        uint64_t bytes;
};

struct mv_dead {
        const struct mv_allocator *allocator;
        char *directory;
        bool look;
        struct mv_dead_letter *letters; /* by sequence */
        size_t n, capacity;
        uint64_t bytes;
};

/* The hash of a receiver's name, as the files are named by. */
uint64_t mv_dead_receiver(struct mv_str name);

/* Unless this is to look only, DIRECTORY/dead is made when it is missing, and what an interrupted write left there is removed.
 * MV_EIO, MV_ENOTFOUND (looking), MV_ENOMEM; on failure too mv_dead_done is due. */
int mv_dead_open(struct mv_dead *dead, const char *directory, bool look, const struct mv_allocator *allocator,
                 struct mv_err *err);
void mv_dead_done(struct mv_dead *dead);

/* Put it there, or in the place of the one with that receiver and sequence; it is on the disk then. */
int mv_dead_add(struct mv_dead *dead, const struct mv_outbox_letter *letter, struct mv_err *err);
/* Letter number `at`; buf is cleared, and the texts are in it. MV_ESYNTAX: damaged; MV_EIO, MV_ENOTFOUND, MV_ENOMEM. */
int mv_dead_read(const struct mv_dead *dead, size_t at, struct mv_buf *buf, struct mv_outbox_letter *ret,
                 struct mv_err *err);
/* The later ones move up. */
int mv_dead_remove(struct mv_dead *dead, size_t at, struct mv_err *err);
