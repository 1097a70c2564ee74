/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/live_making.h"

#include <stdlib.h>

/* More of one kind are not told apart: the next whole list shows whether it is still so. */
enum { MOST_UNREADABLE = 64 };

/* --- items --- */

bool mv_items_reserve(struct mv_items *items, size_t more) {
        if (items->n + more <= items->capacity)
                return true;
        size_t capacity = items->capacity ? items->capacity * 2 : 64;
        while (capacity < items->n + more)
                capacity *= 2;
        struct mv_block **memory = reallocarray(items->items, capacity, sizeof(struct mv_block *));
        if (!memory)
                return false;
        items->items = memory;
        items->capacity = capacity;
        return true;
}

static void free_item(struct mv_live *live, struct mv_block *item) {
        live->bytes -= item->bytes;
        mv_block_free(live->pool, item);
}

void mv_items_free(struct mv_live *live, struct mv_items *items) {
        for (size_t i = 0; i < items->n; i++)
                free_item(live, items->items[i]);
        free(items->items);
        *items = (struct mv_items){ 0 };
}

static size_t find_slot(const struct mv_live *live, enum mv_kind kind, struct mv_str namespace,
                        struct mv_str name, uint64_t *ret_hash) {
        const struct mv_live_kind *state = &live->kinds[kind];
        uint64_t hash = mv_block_hash(live->pool, kind, namespace, name);
        size_t mask = state->n_slots - 1, at = (size_t)hash & mask;
        for (const struct mv_block *item; (item = state->slots[at]); at = (at + 1) & mask) {
                const struct mv_meta *meta = mv_block_meta(item);
                if (item->hash == hash && mv_str_equal(meta->name, name) &&
                    (!mv_kinds[kind].namespaced || mv_str_equal(meta->namespace, namespace)))
                        break;
        }
        *ret_hash = hash;
        return at;
}

static bool grow_slots(struct mv_live_kind *state) {
        size_t n_old = state->n_slots, n_slots = n_old ? n_old * 2 : 64;
        struct mv_block **slots = calloc(n_slots, sizeof(struct mv_block *)), **old = state->slots;
        if (!slots)
                return false;
        for (size_t i = 0; i < n_old; i++) {
                if (!old[i])
                        continue;
                size_t at = (size_t)old[i]->hash & (n_slots - 1);
                while (slots[at])
                        at = (at + 1) & (n_slots - 1);
                slots[at] = old[i];
        }
        free(old);
        state->slots = slots;
        state->n_slots = n_slots;
        return true;
}

/* Take the item out of its slot, and move up those behind it that belong before the gap. */
static void empty_slot(struct mv_live_kind *state, size_t at) {
        size_t mask = state->n_slots - 1;
        for (size_t next = (at + 1) & mask; state->slots[next]; next = (next + 1) & mask) {
                size_t home = (size_t)state->slots[next]->hash & mask;
                if (((next - home) & mask) >= ((next - at) & mask)) {
                        state->slots[at] = state->slots[next];
                        at = next;
                }
        }
        state->slots[at] = NULL;
        state->n--;
}

static void remove_at(struct mv_live_kind *state, size_t at) {
        state->slots[at]->dead = true;
        state->dirty = true;
        empty_slot(state, at);
}

/* --- objects that cannot be read --- */

static void forget_unreadable(struct mv_live *live, enum mv_kind kind, uint64_t hash) {
        struct mv_live_kind *state = &live->kinds[kind];
        for (size_t i = 0; i < state->n_unreadable; i++)
                if (state->unreadable[i].hash == hash) {
                        state->unreadable[i] = state->unreadable[--state->n_unreadable];
                        live->known_changed = true;
                        return;
                }
}

static bool note_unreadable(struct mv_live *live, enum mv_kind kind, uint64_t hash) {
        struct mv_live_kind *state = &live->kinds[kind];
        forget_unreadable(live, kind, hash);
        if (state->n_unreadable >= MOST_UNREADABLE) {
                state->swamped = state->round + 1;
                return true;
        }
        if (state->n_unreadable == state->unreadable_capacity) {
                size_t capacity = state->unreadable_capacity ? state->unreadable_capacity * 2 : 8;
                struct mv_unreadable *memory = reallocarray(state->unreadable, capacity, sizeof *memory);
                if (!memory)
                        return false;
                state->unreadable = memory;
                state->unreadable_capacity = capacity;
        }
        state->unreadable[state->n_unreadable++] = (struct mv_unreadable){ hash, state->round };
        live->known_changed = true;
        return true;
}

/* --- changes --- */

void mv_live_make_entries(struct mv_live *live) {
        live->entries = true;
}

void mv_live_keep_texts(struct mv_live *live, uint64_t kinds) {
        mv_block_pool_keep_texts(live->pool, kinds);
}

void mv_live_begin(struct mv_live *live, enum mv_kind kind) {
        live->kinds[kind].round++;
        live->kinds[kind].listing = true;
}

void mv_live_abandon(struct mv_live *live, enum mv_kind kind) {
        live->kinds[kind].listing = false;
}

void mv_live_end(struct mv_live *live, enum mv_kind kind) {
        struct mv_live_kind *state = &live->kinds[kind];
        if (!state->listing)
                return;
        state->listing = false;
        if (state->swamped && state->swamped <= state->round) {
                state->swamped = 0;
                live->known_changed = true;
        }
        for (size_t i = state->n_unreadable; i > 0; i--)
                if (state->unreadable[i - 1].round != state->round)
                        forget_unreadable(live, kind, state->unreadable[i - 1].hash);
        for (size_t at = 0; at < state->n_slots;) {
                if (state->slots[at] && state->slots[at]->round != state->round)
                        remove_at(state, at); /* another one may have moved to this slot */
                else
                        at++;
        }
}

/* An object that cannot be decoded takes the place of what had its name. */
static int put_unreadable(struct mv_live *live, enum mv_kind kind, struct mv_str json, int code,
                          struct mv_err *err) {
        struct mv_arena scratch;
        struct mv_any any = { 0 };
        mv_arena_init(&scratch, &mv_allocator_system, 0);
        const struct mv_decode decode = { .arena = &scratch };
        if (mv_decode(&decode, json, &mv_table_any, &any, NULL) == 0)
                mv_live_remove(live, kind, any.meta.namespace, any.meta.name);
        else
                any.meta = (struct mv_meta){ 0 }; /* one without a name */
        bool noted = note_unreadable(live, kind,
                                     mv_block_hash(live->pool, kind, any.meta.namespace, any.meta.name));
        mv_arena_done(&scratch);
        return noted ? code : mv_err_oom(err);
}

/* What is there under the name of the object in json; NULL when there is nothing. */
static struct mv_block *find_present(struct mv_live *live, enum mv_kind kind, const struct mv_block *block,
                                     size_t *ret_at) {
        const struct mv_live_kind *state = &live->kinds[kind];
        uint64_t hash;
        const struct mv_meta *meta = mv_block_meta(block);
        *ret_at = find_slot(live, kind, meta->namespace, meta->name, &hash);
        return state->slots[*ret_at];
}

int mv_live_put(struct mv_live *live, enum mv_kind kind, struct mv_str json, struct mv_err *err) {
        struct mv_live_kind *state = &live->kinds[kind];
        struct mv_block *item;
        if ((state->n * 2 >= state->n_slots && !grow_slots(state)) || !mv_items_reserve(&state->fresh, 1))
                return mv_err_oom(err);
        int r = mv_block_new(live->pool, kind, json, &item, err);
        if (r < 0)
                return r == MV_ENOMEM ? r : put_unreadable(live, kind, json, r, err);
        forget_unreadable(live, kind, item->hash);
        size_t at;
        struct mv_block *present = find_present(live, kind, item, &at);
        if (present && mv_block_same(present, item)) {
                present->round = state->round;
                mv_block_free(live->pool, item);
                return 0;
        }
        item->round = state->round;
        live->bytes += item->bytes;
        state->dirty = true;
        state->slots[at] = item;
        if (present) {
                present->dead = true;
                present->next = item;
        } else {
                state->n++;
                state->fresh.items[state->fresh.n++] = item;
        }
        return 0;
}

void mv_live_remove(struct mv_live *live, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        struct mv_live_kind *state = &live->kinds[kind];
        uint64_t hash;
        forget_unreadable(live, kind, mv_block_hash(live->pool, kind, namespace, name));
        if (!state->n_slots)
                return;
        size_t at = find_slot(live, kind, namespace, name, &hash);
        if (state->slots[at])
                remove_at(state, at);
}

const void *mv_live_find(const struct mv_live *live, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name) {
        const struct mv_live_kind *state = &live->kinds[kind];
        uint64_t hash;
        if (!state->n_slots)
                return NULL;
        const struct mv_block *item = state->slots[find_slot(live, kind, namespace, name, &hash)];
        return item ? item->object : NULL;
}

/* API servers count them up. Of some kinds they are not kept. */
static bool is_as_new(struct mv_str version, struct mv_str than) {
        unsigned long long a, b;
        return (version.n && mv_str_equal(version, than)) ||
               (mv_str_to_unsigned(version, UINT64_MAX, &a) && mv_str_to_unsigned(than, UINT64_MAX, &b) &&
                a >= b);
}

bool mv_live_is_current(struct mv_live *live, enum mv_kind kind, struct mv_str json) {
        struct mv_block *block;
        size_t at;
        if (!live->kinds[kind].n_slots || mv_block_new(live->pool, kind, json, &block, NULL) < 0)
                return false;
        const struct mv_block *present = find_present(live, kind, block, &at);
        bool current = present &&
                       (mv_block_same(present, block) || is_as_new(mv_block_meta(present)->resource_version,
                                                                   mv_block_meta(block)->resource_version));
        mv_block_free(live->pool, block);
        return current;
}

void mv_live_know(struct mv_live *live, enum mv_kind kind, enum mv_knowledge knowledge,
                  struct mv_str reason) {
        struct mv_live_kind *state = &live->kinds[kind];
        if (state->knowledge == knowledge &&
            mv_str_equal(mv_str_from(state->reason ? state->reason : ""), reason))
                return;
        free(state->reason);
        state->reason =
                strndup(reason.n ? reason.p : "", reason.n); /* without memory there is just no reason */
        state->knowledge = knowledge;
        live->known_changed = true;
}

size_t mv_live_count(const struct mv_live *live, enum mv_kind kind) {
        return live->kinds[kind].n;
}

/* --- the whole --- */

struct mv_live *mv_live_new(struct mv_store *store) {
        struct mv_live *live = calloc(1, sizeof *live);
        if (!live)
                return NULL;
        live->store = store;
        live->pool = mv_block_pool_new(&mv_allocator_system);
        if (!live->pool) {
                free(live);
                return NULL;
        }
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                live->kinds[kind].knowledge = MV_KNOWLEDGE_NONE;
        return live;
}

/* The dead on the ways from these; whoever is alive is in a slot. */
static void free_dead(struct mv_live *live, struct mv_items *items) {
        for (size_t i = 0; i < items->n; i++)
                for (struct mv_block *item = items->items[i], *next; item && item->dead; item = next) {
                        next = item->next;
                        free_item(live, item);
                }
        free(items->items);
}

struct mv_live *mv_live_free(struct mv_live *live) {
        if (!live)
                return NULL;
        mv_live_collect_garbage(live);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                struct mv_live_kind *state = &live->kinds[kind];
                free_dead(live, &state->order);
                free_dead(live, &state->fresh);
                for (size_t i = 0; i < state->n_slots; i++)
                        if (state->slots[i])
                                free_item(live, state->slots[i]);
                free(state->slots);
                free(state->reason);
                free(state->unreadable);
                mv_live_table_free(state->table);
        }
        mv_items_free(live, &live->deferred);
        mv_placed_nodes_free(live->placed);
        mv_block_pool_free(live->pool);
        free(live);
        return NULL;
}
