/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/block.h"

#include "policy/base/hash.h"
#include "policy/base/texts.h"
#include "policy/snapshot/kindtable.h"
#include "policy/object/same.h"
#include "policy/object/scan.h"

#include <stdio.h>

enum { SCRATCH_BYTES = 1024 * 1024 };

struct mv_block_pool {
        const struct mv_allocator *allocator;
        struct mv_texts texts;
        uint64_t texts_kept; /* kinds */
        char *scratch;       /* SCRATCH_BYTES: where an object is decoded to learn its size */
};

/* A block as it is allocated: this, the uses of shared texts, the decoded object. */
struct whole {
        struct mv_block block;
        struct mv_arena *rest; /* what did not fit behind it; NULL: nothing, but for huge objects */
        size_t n_uses;
        struct mv_text *uses[];
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
        mv_texts_init(&pool->texts, allocator);
        return pool;
}

struct mv_block_pool *mv_block_pool_free(struct mv_block_pool *pool) {
        if (!pool)
                return NULL;
        const struct mv_allocator *allocator = pool->allocator;
        mv_texts_done(&pool->texts);
        allocator->release(allocator->context, pool->scratch);
        allocator->release(allocator->context, pool);
        return NULL;
}

void mv_block_pool_keep_texts(struct mv_block_pool *pool, uint64_t kinds) {
        pool->texts_kept = kinds;
}

size_t mv_block_pool_bytes(const struct mv_block_pool *pool) {
        return pool->texts.bytes;
}

uint64_t mv_block_seed(const struct mv_block_pool *pool) {
        return mv_hash_seed(pool);
}

uint64_t mv_block_hash(const struct mv_block_pool *pool, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name) {
        return mv_kind_hash(mv_block_seed(pool), kind, namespace, name);
}

/* Decode into the arena, texts that repeat into the pool, where they belong to nobody yet. */
static int decode(struct mv_block_pool *pool, struct mv_arena *arena, enum mv_kind kind, struct mv_str json,
                  void **ret, struct mv_err *err) {
        const struct mv_kind_info *info = &mv_kinds[kind];
        struct mv_intern intern = { .shared = &pool->texts };
        const struct mv_decode decode = { .arena = arena, .copy = true, .intern = &intern };
        void *object = mv_arena_allocate(arena, info->table->size, info->table->align);
        int r = object ? mv_decode(&decode, json, info->table, object, err) : mv_err_oom(err);
        if (r == 0 && info->read)
                r = info->read(&decode, json, object, err);
        if (r == 0 && pool->texts_kept >> kind & 1)
                ((struct mv_meta *)(void *)((char *)object + info->meta_offset))->text =
                        mv_arena_copy_padded(arena, json, MV_SCAN_PADDING);
        if (r == 0 && (mv_arena_failed(arena) || pool->texts.failed))
                r = mv_err_oom(err);
        if (r < 0)
                return r;
        struct mv_meta *meta = (struct mv_meta *)(void *)((char *)object + info->meta_offset);
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

/* How many bytes of the arena, which began in the scratch, are in use; more when it went beyond. */
static size_t used(const struct mv_block_pool *pool, const struct mv_arena *arena) {
        return arena->chunks ? SCRATCH_BYTES + arena->held : (size_t)(arena->next - pool->scratch);
}

/* The second time, into memory that has just enough room: whatever was allocated the first time, in the same order. */
static int decode_again(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json,
                        struct mv_arena *arena, size_t n_uses, void **ret, struct mv_err *err) {
        int r = decode(pool, arena, kind, json, ret, err);
        if (r == 0 && mv_texts_taken(&pool->texts) != n_uses)
                return mv_err_set(err, MV_EIO, "an object changed while it was read");
        return r;
}

/* An arena that has gone beyond the block lives on the heap. */
static int keep_rest(struct mv_block_pool *pool, struct mv_arena *arena, struct whole *whole,
                     struct mv_err *err) {
        if (!arena->chunks)
                return 0;
        whole->rest = pool->allocator->allocate(pool->allocator->context, sizeof *arena);
        if (!whole->rest)
                return mv_err_oom(err);
        *whole->rest = *arena;
        return 0;
}

static int decode_into_block(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json, size_t size,
                             size_t n_uses, struct whole **ret, struct mv_err *err) {
        const struct mv_allocator *allocator = pool->allocator;
        const size_t align = alignof(max_align_t);
        size_t head = (sizeof(struct whole) + n_uses * sizeof(struct mv_text *) + align - 1) / align * align;
        struct whole *whole = allocator->allocate(allocator->context, head + size);
        struct mv_arena arena;
        void *object;
        if (!whole)
                return mv_err_oom(err);
        *whole = (struct whole){ .n_uses = n_uses };
        mv_arena_init_in(&arena, allocator, (char *)whole + head, size);
        int r = decode_again(pool, kind, json, &arena, n_uses, &object, err);
        if (r == 0)
                r = keep_rest(pool, &arena, whole, err);
        if (r < 0) {
                mv_texts_drop(&pool->texts);
                mv_arena_done(&arena);
                allocator->release(allocator->context, whole);
                return r;
        }
        mv_texts_keep(&pool->texts, whole->uses);
        const struct mv_meta *meta =
                (const struct mv_meta *)(void *)((char *)object + mv_kinds[kind].meta_offset);
        whole->block = (struct mv_block){ .object = object,
                                          .meta = meta,
                                          .hash = mv_block_hash(pool, kind, meta->namespace, meta->name),
                                          .kind = kind,
                                          .bytes = head + size + arena.held };
        *ret = whole;
        return 0;
}

int mv_block_new(struct mv_block_pool *pool, enum mv_kind kind, struct mv_str json, struct mv_block **ret,
                 struct mv_err *err) {
        struct mv_arena scratch;
        struct whole *whole = NULL;
        void *object;
        mv_arena_init_in(&scratch, pool->allocator, pool->scratch, SCRATCH_BYTES);
        int r = decode(pool, &scratch, kind, json, &object, err);
        size_t size = used(pool, &scratch), n_uses = mv_texts_taken(&pool->texts);
        mv_arena_done(&scratch);
        if (r < 0) {
                mv_texts_drop(&pool->texts);
                return r;
        }
        struct mv_text **uses =
                pool->allocator->allocate(pool->allocator->context, (n_uses + 1) * sizeof(struct mv_text *));
        if (!uses) {
                mv_texts_drop(&pool->texts);
                return mv_err_oom(err);
        }
        /* These uses are given up after the second time, so that no text goes and comes back. */
        mv_texts_keep(&pool->texts, uses);
        r = decode_into_block(pool, kind, json, size, n_uses, &whole, err);
        mv_texts_release(&pool->texts, uses, n_uses);
        pool->allocator->release(pool->allocator->context, uses);
        if (r == 0)
                *ret = &whole->block;
        return r;
}

/* What is read beside the table cannot be compared. */
static bool is_table_alone(const struct mv_block *block) {
        const struct mv_kind_info *info = &mv_kinds[block->kind];
        return !info->read || (info->reads_written && block->meta->resource_version.n);
}

bool mv_block_same(const struct mv_block *a, const struct mv_block *b) {
        return a->kind == b->kind && is_table_alone(a) && is_table_alone(b) &&
               mv_str_equal(a->meta->text, b->meta->text) &&
               mv_decoded_same(mv_kinds[a->kind].table, a->object, b->object);
}

struct mv_block *mv_block_free(struct mv_block_pool *pool, struct mv_block *block) {
        if (!block)
                return NULL;
        struct whole *whole = (struct whole *)(void *)block; /* its first member */
        mv_texts_release(&pool->texts, whole->uses, whole->n_uses);
        if (whole->rest)
                mv_arena_done(whole->rest);
        pool->allocator->release(pool->allocator->context, whole->rest);
        pool->allocator->release(pool->allocator->context, whole);
        return NULL;
}
