/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each receiver has done, and the text in which that is kept. Pure; the owner keeps receivers apart by their
 * number.
 *
 * A position is a sequence up to which everything is done, and ranges above it that are done too. Sequences that no
 * record has count as done (mv_position_fill), so a position moves on over them.
 */
#pragma once

#include "webhook/deliver/outbox.h"

struct mv_range {
        uint64_t from, to; /* both belong to it */
};

struct mv_position {
        char name[MV_OUTBOX_NAME_MAX + 1];
        uint64_t upto;
        struct mv_range *above; /* sorted, apart from one another and from upto by at least one */
        size_t n, capacity;
        /* Kept by the owner, not in the text: records that are not done, dead letters, a record that cannot be read (0: none),
         * and since when. */
        uint64_t waiting, dead, unreadable;
        long long unreadable_since_ms;
};

/* The ranges are the allocator's. */
void mv_position_done(struct mv_position *position, const struct mv_allocator *allocator);
bool mv_position_has(const struct mv_position *position, uint64_t sequence);
/* The first sequence behind `after` that is not done. */
uint64_t mv_position_next(const struct mv_position *position, uint64_t after);
/* from up to and with to are done. False: no memory, nothing has changed. */
bool mv_position_add(struct mv_position *position, const struct mv_allocator *allocator, uint64_t from,
                     uint64_t to);

#define MV_POSITIONS_FILE "positions"
#define MV_POSITIONS_MOST ((size_t)256 << 20) /* bytes of it */

struct mv_positions {
        const struct mv_allocator *allocator;
        struct mv_position *items;
        size_t n;
        uint64_t last;     /* sequence that was used when it was written */
        uint64_t reserved; /* none above it has been used since */
        char boot[64];     /* which start of the system wrote it; "" when that cannot be known */
};

void mv_positions_done(struct mv_positions *positions);
/* The receiver of that name, or NULL. */
struct mv_position *mv_positions_find(const struct mv_positions *positions, struct mv_str name);
/* A name that can be kept: see mv_outbox_receivers. */
bool mv_positions_name_is_good(struct mv_str name);

/* Append the text to buf, with these n receivers in the place of its own. */
void mv_positions_write(const struct mv_positions *positions, const struct mv_position *items, size_t n,
                        struct mv_buf *buf);
/* Read the text. positions is empty but for its allocator. MV_ESYNTAX: it is none, or damaged; MV_ENOMEM; then it is
 * empty again. */
int mv_positions_read(struct mv_positions *positions, struct mv_str text, struct mv_err *err);
