/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of memory that many objects have in common (texts, members, lists of them), one copy of each, for as long as any of
 * them uses it: the machines of a cluster whose objects come and go are mostly alike.
 *
 * A piece is shared when it has come some times, lately: what is in one object only, its name, costs nothing here. Each use
 * is counted; a piece goes with its last use. What a piece points to is its user's business: uses that a piece has of other
 * pieces are given up when it goes.
 *
 * A pool belongs to one thread; the bytes of a piece do not change, and may be read by any thread while it is used. Sharing is never
 * necessary, so running out of memory only means that less is shared.
 */
#pragma once

#include "policy/base/alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_piece;

struct mv_pieces {
        const struct mv_allocator *allocator;
        struct mv_piece **slots; /* open addressing; n_slots a power of two */
        size_t n_slots, used;
        uint32_t *seen; /* what has come lately: some bits of its hash, and how often */
        size_t bytes;   /* that the pieces hold */
};

void mv_pieces_init(struct mv_pieces *pieces, const struct mv_allocator *allocator);
/* Nothing will come for now: forgets what has come. */
void mv_pieces_settle(struct mv_pieces *pieces);
/* No piece may be in use any more. */
void mv_pieces_done(struct mv_pieces *pieces);

/*
 * A use of the piece of these n bytes, aligned for everything and followed by a NUL byte; NULL when they are not shared. type is any
 * address that tells what the bytes are: those of different types are different pieces. *ret_made: it was made just now, so it
 * takes over the uses of the pieces that its bytes point to.
 */
const void *mv_pieces_take(struct mv_pieces *pieces, const void *type, const void *bytes, size_t n,
                           bool *ret_made);
/* Give up a use. True when it was the last one: the piece is to be dropped, once what it points to is given up. */
bool mv_pieces_release(const void *piece);
void mv_pieces_drop(struct mv_pieces *pieces, const void *piece);
