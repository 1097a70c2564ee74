/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/intern.h"

#include "policy/base/hash.h"

enum { LONGEST = 128 };

static struct mv_str *find_slot(const struct mv_intern *intern, struct mv_str s) {
        size_t mask = intern->n_slots - 1, at = (size_t)mv_hash_add(mv_hash_seed(intern->slots), s) & mask;
        while (intern->slots[at].p && !mv_str_equal(intern->slots[at], s))
                at = (at + 1) & mask;
        return &intern->slots[at];
}

static bool grow(struct mv_intern *intern) {
        struct mv_str *old = intern->slots;
        size_t n_old = intern->n_slots;
        size_t n_slots = n_old ? n_old * 2 : 1024;
        struct mv_str *slots = mv_arena_new_array(intern->table, struct mv_str, n_slots);
        if (!slots)
                return false;
        intern->slots = slots;
        intern->n_slots = n_slots;
        for (size_t i = 0; i < n_old; i++)
                if (old[i].p)
                        *find_slot(intern, old[i]) = old[i];
        return true;
}

struct mv_str mv_intern(struct mv_intern *intern, struct mv_str s) {
        if (s.n > LONGEST)
                return mv_arena_copy(intern->texts, s);
        if (intern->used * 2 >= intern->n_slots && !grow(intern)) {
                intern->texts->failed = true;
                return (struct mv_str){ 0 };
        }
        struct mv_str *slot = find_slot(intern, s);
        if (!slot->p) {
                *slot = mv_arena_copy(intern->texts, s);
                intern->used += slot->p != NULL;
        }
        return *slot;
}
