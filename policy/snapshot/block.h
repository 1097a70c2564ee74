/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object of a live cluster in one block of memory, of just the size that its decoded form needs: objects come and go
 * one by one, and are freed one by one. What many have in common, texts, members and lists of them, the blocks of a pool share
 * (policy/object/pack.h).
 *
 * A pool and what makes and frees its blocks belong to one thread; any thread may read a block's object while it is there.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/snapshot/kindtable.h"

#include <stdint.h>

struct mv_block_pool;

struct mv_block {
        const void *object; /* as mv_kinds says */
        uint64_t hash; /* of namespace and name (policy/snapshot/kindtable.h), with the seed of the pool */
        size_t bytes;  /* that it holds itself */
        /* What whoever keeps it notes of it (cluster/live_making.h); of a new one all is zero. */
        struct mv_block *next; /* the one that replaced it */
        uint32_t round;        /* of the list that brought it last */
        bool dead, published;
        bool packed;        /* it has uses of what is shared */
        unsigned char kind; /* enum mv_kind */
};

static inline const struct mv_meta *mv_block_meta(const struct mv_block *block) {
        return mv_kind_meta((enum mv_kind)block->kind, block->object);
}

/* NULL when out of memory. */
struct mv_block_pool *mv_block_pool_new(const struct mv_allocator *allocator);
/* Blocks made from now on keep the text of objects of these kinds (1 << kind, or-ed), as mv_meta.text. */
void mv_block_pool_keep_texts(struct mv_block_pool *pool, uint64_t kinds);
/* No block of it may be left. Takes NULL; returns NULL. */
struct mv_block_pool *mv_block_pool_free(struct mv_block_pool *pool);
/* Bytes of what the blocks share. */
size_t mv_block_pool_bytes(const struct mv_block_pool *pool);

/*
 * Decode json, an object of that kind (which it need not name: items of a list do not), followed by at least 8 readable
 * bytes. Returns 0; MV_ESYNTAX, MV_ETYPE, MV_ELIMIT with err->path and offset; MV_ENOMEM.
 */
int mv_block_new(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json, struct mv_block **ret,
                 struct mv_err *err);
/* Takes NULL; returns NULL. */
struct mv_block *mv_block_free(struct mv_block_pool *pool, struct mv_block *block);
/* Both say the same, as far as that can be told: resource versions do not count, since a watch tells of many changes that touch
 * nothing which is kept. Of kinds whose text is kept, the texts are the same. */
bool mv_block_same(const struct mv_block *a, const struct mv_block *b);
uint64_t mv_block_seed(const struct mv_block_pool *pool);
/* The hash that a block of that name has. */
uint64_t mv_block_hash(const struct mv_block_pool *pool, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name);
