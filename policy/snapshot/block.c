/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/block.h"

#include "policy/base/hash.h"
#include "policy/base/pieces.h"
#include "policy/snapshot/kindtable.h"
#include "policy/object/pack.h"
#include "policy/object/same.h"
#include "policy/object/scan.h"

#include <limits.h>
#include <stdio.h>

enum { SCRATCH_BYTES = 1024 * 1024 };

struct mv_block_pool {
        const struct mv_allocator *allocator;
        struct mv_pieces pieces;
        uint64_t texts_kept; /* kinds */
        char *scratch;       /* SCRATCH_BYTES: where an object is decoded first */
};

_Static_assert(MV_KIND_COUNT <= UCHAR_MAX, "a kind is a byte");

/* A block as it is allocated: this, the decoded object, the text that is kept. */
struct whole {
        struct mv_block block;
        alignas(MV_PACK_ALIGN) char bytes[];
};

/* What is behind it of one that is not packed: this, and what the arena has there. */
struct loose {
        struct mv_arena arena; /* with what did not fit: of huge objects */
        char bytes[];
};

struct mv_block_pool *mv_block_pool_new(const struct mv_allocator *allocator) {
        struct mv_block_pool *pool = allocator->allocate(allocator->context, sizeof *pool);
        char *scratch = allocator->allocate(allocator->context, SCRATCH_BYTES);
        if (!pool || !scratch) {
                allocator->release(allocator->context, pool);
                allocator->release(allocator->context, scratch);
                return NULL;
        }
        *pool = (struct mv_block_pool){ .allocator = allocator, .scratch = scratch };
        mv_pieces_init(&pool->pieces, allocator);
        return pool;
}

struct mv_block_pool *mv_block_pool_free(struct mv_block_pool *pool) {
        if (!pool)
                return NULL;
        const struct mv_allocator *allocator = pool->allocator;
        mv_pieces_done(&pool->pieces);
        allocator->release(allocator->context, pool->scratch);
        allocator->release(allocator->context, pool);
        return NULL;
}

void mv_block_pool_keep_texts(struct mv_block_pool *pool, uint64_t kinds) {
        pool->texts_kept = kinds;
}

size_t mv_block_pool_bytes(const struct mv_block_pool *pool) {
        return pool->pieces.bytes;
}

uint64_t mv_block_seed(const struct mv_block_pool *pool) {
        return mv_hash_seed(pool);
}

uint64_t mv_block_hash(const struct mv_block_pool *pool, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name) {
        return mv_kind_hash(mv_block_seed(pool), kind, namespace, name);
}

static struct mv_meta *meta_of(enum mv_kind kind, void *object) {
        return (struct mv_meta *)(void *)((char *)object + mv_kinds[kind].meta_offset);
}

static int decode(struct mv_arena *arena, enum mv_kind kind, struct mv_str json, void **ret,
                  struct mv_err *err) {
        const struct mv_kind_info *info = &mv_kinds[kind];
        const struct mv_decode decode = { .arena = arena, .copy = true };
        void *object = mv_arena_allocate(arena, info->table->size, info->table->align);
        int r = object ? mv_decode(&decode, json, info->table, object, err) : mv_err_oom(err);
        if (r == 0 && info->read)
                r = info->read(&decode, json, object, err);
        if (r == 0 && mv_arena_failed(arena))
                r = mv_err_oom(err);
        if (r < 0)
                return r;
        struct mv_meta *meta = meta_of(kind, object);
        if (!meta->name.n || (info->namespaced && !meta->namespace.n)) {
                if (err)
                        snprintf(err->path, sizeof err->path, "metadata.%s",
                                 meta->name.n ? "namespace" : "name");
                return mv_err_set(err, MV_ETYPE, "a %s without a %s", info->kind,
                                  meta->name.n ? "namespace" : "name");
        }
        if (!info->namespaced)
                meta->namespace = (struct mv_str){ 0 };
        *ret = object;
        return 0;
}

/* Everything in it is in the table. */
static bool is_table_alone(enum mv_kind kind, const struct mv_meta *meta) {
        const struct mv_kind_info *info = &mv_kinds[kind];
        return !info->read || (info->reads_written && meta->resource_version.n);
}

static struct whole *new_whole(const struct mv_block_pool *pool, size_t size) {
        struct whole *whole = pool->allocator->allocate(pool->allocator->context, sizeof *whole + size);
        if (whole)
                *whole = (struct whole){ .block = { .bytes = sizeof *whole + size } };
        return whole;
}

/* The object that is in the scratch moves into a block, followed by that much room. */
static int pack(struct mv_block_pool *pool, enum mv_kind kind, void *object, size_t room, struct whole **ret,
                struct mv_err *err) {
        const struct mv_table *table = mv_kinds[kind].table;
        const struct mv_range scratch = { pool->scratch, pool->scratch + SCRATCH_BYTES };
        size_t size = mv_pack_share(&pool->pieces, table, object);
        struct whole *whole = new_whole(pool, size + room);
        if (!whole) {
                mv_pack_release(&pool->pieces, scratch, table, object);
                return mv_err_oom(err);
        }
        whole->block.packed = true;
        whole->block.object = mv_pack_move(scratch, table, object, whole->bytes, size);
        *ret = whole;
        return 0;
}

static struct loose *loose_of(struct whole *whole) {
        return (struct loose *)(void *)whole->bytes;
}

/* A huge object, or one that was not read by its table alone, is decoded once more, to where it stays. */
static int decode_into_block(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json, size_t size,
                             size_t room, struct whole **ret, struct mv_err *err) {
        struct whole *whole = new_whole(pool, sizeof(struct loose) + size + room);
        void *object;
        if (!whole)
                return mv_err_oom(err);
        struct loose *loose = loose_of(whole);
        mv_arena_init_in(&loose->arena, pool->allocator, loose->bytes, size);
        int r = decode(&loose->arena, kind, json, &object, err);
        if (r < 0) {
                mv_arena_done(&loose->arena);
                pool->allocator->release(pool->allocator->context, whole);
                return r;
        }
        whole->block.object = object;
        whole->block.bytes += loose->arena.held;
        *ret = whole;
        return 0;
}

/* How many bytes of the arena, which began in the scratch, are in use; more when it went beyond. */
static size_t used(const struct mv_block_pool *pool, const struct mv_arena *arena) {
        return arena->chunks ? SCRATCH_BYTES + arena->held : (size_t)(arena->next - pool->scratch);
}

/* The text is the last thing in a block. */
static void keep_text(struct whole *whole, struct mv_meta *meta, struct mv_str json) {
        size_t elsewhere = whole->block.packed ? 0 : loose_of(whole)->arena.held;
        char *text = (char *)whole + whole->block.bytes - elsewhere - MV_SCAN_PADDING - json.n;
        memcpy(text, json.p, json.n);
        memset(text + json.n, 0, MV_SCAN_PADDING);
        meta->text = (struct mv_str){ text, json.n };
}

int mv_block_new(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json, struct mv_block **ret,
                 struct mv_err *err) {
        struct mv_arena scratch;
        struct whole *whole = NULL;
        void *object;
        size_t text = pool->texts_kept >> kind & 1 ? json.n + MV_SCAN_PADDING : 0;
        mv_arena_init_in(&scratch, pool->allocator, pool->scratch, SCRATCH_BYTES);
        int r = decode(&scratch, kind, json, &object, err);
        if (r == 0 && !scratch.chunks && is_table_alone(kind, meta_of(kind, object)))
                r = pack(pool, kind, object, text, &whole, err);
        else if (r == 0)
                r = decode_into_block(pool, kind, json, used(pool, &scratch), text, &whole, err);
        mv_arena_done(&scratch);
        if (r < 0)
                return r;
        struct mv_meta *meta = meta_of(kind, (void *)(uintptr_t)whole->block.object);
        if (text)
                keep_text(whole, meta, json);
        whole->block.hash = mv_block_hash(pool, kind, meta->namespace, meta->name);
        whole->block.kind = (unsigned char)kind;
        *ret = &whole->block;
        return 0;
}

/* What is read beside the table cannot be compared. */
bool mv_block_same(const struct mv_block *a, const struct mv_block *b) {
        const struct mv_meta *x = mv_block_meta(a), *y = mv_block_meta(b);
        return a->kind == b->kind && is_table_alone((enum mv_kind)a->kind, x) &&
               is_table_alone((enum mv_kind)b->kind, y) && mv_str_equal(x->text, y->text) &&
               mv_decoded_same(mv_kinds[a->kind].table, a->object, b->object);
}

struct mv_block *mv_block_free(struct mv_block_pool *pool, struct mv_block *block) {
        if (!block)
                return NULL;
        struct whole *whole = (struct whole *)(void *)block; /* its first member */
        if (block->packed)
                mv_pack_release(&pool->pieces,
                                (struct mv_range){ whole->bytes, (char *)whole + block->bytes },
                                mv_kinds[block->kind].table, block->object);
        else
                mv_arena_done(&loose_of(whole)->arena);
        pool->allocator->release(pool->allocator->context, whole);
        return NULL;
}
