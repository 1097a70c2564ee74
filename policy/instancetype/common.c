/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this directory share: copies, maps, quantities. */
#include "policy/instancetype.h"

#include "policy/object/quantity.h"

bool mv_own_vm(struct mv_arena *arena, const struct mv_vm *vm, struct mv_vm *ret) {
        *ret = *vm;
        ret->spec.template = mv_own(arena, vm->spec.template);
        return ret->spec.template != NULL;
}

void *mv_own_bytes(struct mv_arena *arena, const void *object, size_t size) {
        void *copy = mv_arena_allocate(arena, size, alignof(max_align_t));
        if (copy && object)
                memcpy(copy, object, size);
        return copy;
}

void mv_map_set(struct mv_arena *arena, struct mv_map *map, struct mv_str key, struct mv_str value) {
        struct mv_pair *items = mv_arena_new_array(arena, struct mv_pair, map->n + 1);
        if (!items)
                return;
        size_t at = 0;
        while (at < map->n && mv_str_compare(map->items[at].key, key) < 0)
                at++;
        bool there = at < map->n && mv_str_equal(map->items[at].key, key);
        if (at)
                memcpy(items, map->items, at * sizeof *items);
        items[at] = (struct mv_pair){ key, value };
        if (map->n - at - there)
                memcpy(items + at + 1, map->items + at + there, (map->n - at - there) * sizeof *items);
        *map = (struct mv_map){ .items = items, .n = map->n + !there, .present = true };
}

struct mv_str mv_quantity_text(struct mv_arena *arena, struct mv_str text) {
        struct mv_quantity quantity;
        char out[MV_QUANTITY_TEXT];
        if (mv_quantity_parse(text, &quantity, NULL) < 0)
                return text;
        struct mv_str printed = mv_quantity_string(&quantity, text, out);
        return mv_str_equal(printed, text) ? text : mv_arena_copy(arena, printed);
}
