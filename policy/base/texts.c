/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/texts.h"

#include "policy/base/hash.h"

#include <string.h>

struct mv_text {
        uint64_t hash; /* without the table's seed changing it: the pool's own address seeds it */
        uint32_t uses;
        uint32_t n : 31;
        bool taken : 1; /* this use belongs to nobody yet, and is taken but once */
        char bytes[];
};

enum { FIRST_SLOTS = 1024, FIRST_TAKEN = 256 };

void mv_texts_init(struct mv_texts *texts, const struct mv_allocator *allocator) {
        *texts = (struct mv_texts){ .allocator = allocator };
}

static void release(struct mv_texts *texts, void *memory) {
        texts->allocator->release(texts->allocator->context, memory);
}

void mv_texts_done(struct mv_texts *texts) {
        for (size_t i = 0; i < texts->n_slots; i++)
                release(texts, texts->slots[i]);
        release(texts, texts->slots);
        release(texts, texts->taken);
        mv_texts_init(texts, texts->allocator);
}

static struct mv_text **find_slot(const struct mv_texts *texts, uint64_t hash, struct mv_str s) {
        size_t mask = texts->n_slots - 1, at = (size_t)hash & mask;
        for (;; at = (at + 1) & mask) {
                struct mv_text *text = texts->slots[at];
                if (!text || (text->hash == hash && mv_str_equal((struct mv_str){ text->bytes, text->n }, s)))
                        return &texts->slots[at];
        }
}

static bool grow_slots(struct mv_texts *texts) {
        size_t n_old = texts->n_slots, n_slots = n_old ? n_old * 2 : FIRST_SLOTS;
        struct mv_text **old = texts->slots;
        struct mv_text **slots =
                texts->allocator->allocate(texts->allocator->context, n_slots * sizeof(struct mv_text *));
        if (!slots)
                return false;
        memset(slots, 0, n_slots * sizeof(struct mv_text *));
        texts->slots = slots;
        texts->n_slots = n_slots;
        for (size_t i = 0; i < n_old; i++)
                if (old[i])
                        *find_slot(texts, old[i]->hash, (struct mv_str){ old[i]->bytes, old[i]->n }) = old[i];
        release(texts, old);
        return true;
}

static bool reserve_taken(struct mv_texts *texts) {
        if (texts->n_taken < texts->capacity)
                return true;
        size_t capacity = texts->capacity ? texts->capacity * 2 : FIRST_TAKEN;
        struct mv_text **taken =
                texts->allocator->allocate(texts->allocator->context, capacity * sizeof(struct mv_text *));
        if (!taken)
                return false;
        if (texts->n_taken)
                memcpy(taken, texts->taken, texts->n_taken * sizeof(struct mv_text *));
        release(texts, texts->taken);
        texts->taken = taken;
        texts->capacity = capacity;
        return true;
}

static struct mv_str fail(struct mv_texts *texts) {
        texts->failed = true;
        return (struct mv_str){ 0 };
}

static struct mv_text *new_text(struct mv_texts *texts, uint64_t hash, struct mv_str s) {
        struct mv_text *text = texts->allocator->allocate(texts->allocator->context, sizeof *text + s.n + 1);
        if (!text)
                return NULL;
        *text = (struct mv_text){ .hash = hash, .n = (uint32_t)s.n & INT32_MAX };
        if (s.n)
                memcpy(text->bytes, s.p, s.n);
        text->bytes[s.n] = '\0';
        texts->bytes += sizeof *text + s.n + 1;
        return text;
}

struct mv_str mv_texts_take(struct mv_texts *texts, struct mv_str s) {
        if (s.n > INT32_MAX || (texts->used * 2 >= texts->n_slots && !grow_slots(texts)) ||
            !reserve_taken(texts))
                return fail(texts);
        uint64_t hash = mv_hash_add(mv_hash_seed(texts), s);
        struct mv_text **slot = find_slot(texts, hash, s);
        if (!*slot) {
                if (!(*slot = new_text(texts, hash, s)))
                        return fail(texts);
                texts->used++;
        }
        if (!(*slot)->taken) {
                (*slot)->taken = true;
                (*slot)->uses++;
                texts->taken[texts->n_taken++] = *slot;
        }
        return (struct mv_str){ (*slot)->bytes, s.n };
}

size_t mv_texts_taken(const struct mv_texts *texts) {
        return texts->n_taken;
}

void mv_texts_keep(struct mv_texts *texts, struct mv_text **uses) {
        for (size_t i = 0; i < texts->n_taken; i++) {
                uses[i] = texts->taken[i];
                uses[i]->taken = false;
        }
        texts->n_taken = 0;
        texts->failed = false;
}

void mv_texts_drop(struct mv_texts *texts) {
        for (size_t i = 0; i < texts->n_taken; i++)
                texts->taken[i]->taken = false;
        mv_texts_release(texts, texts->taken, texts->n_taken);
        texts->n_taken = 0;
        texts->failed = false;
}

/* Empty that slot, and move up those behind it that belong before the gap. */
static void empty_slot(struct mv_texts *texts, size_t at) {
        size_t mask = texts->n_slots - 1;
        for (size_t next = (at + 1) & mask; texts->slots[next]; next = (next + 1) & mask) {
                size_t home = (size_t)texts->slots[next]->hash & mask;
                if (((next - home) & mask) >= ((next - at) & mask)) {
                        texts->slots[at] = texts->slots[next];
                        at = next;
                }
        }
        texts->slots[at] = NULL;
}

void mv_texts_release(struct mv_texts *texts, struct mv_text *const *uses, size_t n) {
        for (size_t i = 0; i < n; i++) {
                struct mv_text *text = uses[i];
                if (--text->uses)
                        continue;
                struct mv_text **slot = find_slot(texts, text->hash, (struct mv_str){ text->bytes, text->n });
                empty_slot(texts, (size_t)(slot - texts->slots));
                texts->used--;
                texts->bytes -= sizeof *text + text->n + 1;
                release(texts, text);
        }
}
