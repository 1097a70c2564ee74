/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded object in as little memory as it takes: what other objects have as well (policy/base/pieces.h) is shared with them,
 * and the rest moves into one block of just its size. The object is walked member by member, as its decode table has it.
 *
 * What an object points to is in its own memory or else a piece; a piece points to pieces only. So whoever knows the object's
 * memory can tell, and nothing has to be noted of the uses. For that, everything must be in the table, and no two of its
 * rows may fill the same member.
 *
 * First mv_pack_share, which says how large the block is to be, then mv_pack_move, or mv_pack_release when there is no block.
 */
#pragma once

#include "policy/base/pieces.h"
#include "policy/object/decode.h"

/* How a block is aligned. */
enum { MV_PACK_ALIGN = 8 };

/* The memory of an object. */
struct mv_range {
        const char *begin, *end;
};

/* Share what can be; object was just decoded into an arena, with copies. Returns how many bytes the rest takes. */
size_t mv_pack_share(struct mv_pieces *pieces, const struct mv_table *table, void *object);
/* Move the rest from where it is to a block, which has that many bytes. Returns the object. */
void *mv_pack_move(struct mv_range from, const struct mv_table *table, const void *object, void *block,
                   size_t size);
/* Give up all uses of pieces of an object that was shared, and is in that memory, before the memory goes. */
void mv_pack_release(struct mv_pieces *pieces, struct mv_range own, const struct mv_table *table,
                     const void *object);
