/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this directory share: causes, copies, maps, quantities. */
#include "policy/instancetype.h"

#include "policy/object/quantity.h"

void mv_causes_add(struct mv_causes *causes, const char *reason, struct mv_str message, struct mv_str field) {
        if (causes->n == causes->capacity) {
                size_t capacity = causes->capacity ? causes->capacity * 2 : 8;
                struct mv_refused_cause *items =
                        mv_arena_new_array(causes->arena, struct mv_refused_cause, capacity);
                if (!items)
                        return;
                if (causes->n)
                        memcpy(items, causes->items, causes->n * sizeof *items);
                causes->items = items;
                causes->capacity = capacity;
        }
        causes->items[causes->n++] = (struct mv_refused_cause){ reason, message, field };
}

struct mv_str mv_causes_fields(const struct mv_causes *causes) {
        struct mv_str text = { 0 };
        for (size_t i = 0; i < causes->n; i++)
                text = mv_arena_format(causes->arena, "%.*s%s%.*s", MV_STR_ARG(text), i ? ", " : "",
                                       MV_STR_ARG(causes->items[i].field));
        return text;
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

const char *mv_refused_title(const struct mv_refused *refused) {
        return refused->code        ? "KubeVirt refuses this VM"
               : refused->reason[0] ? "KubeVirt does not start this VM"
                                    : "KubeVirt makes no instance of this VM";
}

const char *mv_refused_fix(const struct mv_refused *refused) {
        if (refused->missing_kind != MV_KIND_COUNT)
                return "create it, or name one that exists; when the input is files, add it to them";
        if (refused->code == 400)
                return "label what the volume is made from, or name the instancetype or preference in the VM";
        if (refused->n_causes)
                return "remove these fields from the VM where its instancetype sets them, or name another instancetype or "
                       "preference";
        return "change the VM, or name another instancetype or preference";
}
