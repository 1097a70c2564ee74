/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/amounts.h"

#include "policy/object/quantity.h"

#include <stdlib.h>

const struct mv_amount *mv_amounts_find(const struct mv_amounts *amounts, struct mv_str name) {
        size_t low = 0, high = amounts->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = mv_str_compare(amounts->items[middle].name, name);
                if (order == 0)
                        return &amounts->items[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

int64_t mv_amounts_get(const struct mv_amounts *amounts, struct mv_str name) {
        const struct mv_amount *found = mv_amounts_find(amounts, name);
        return found ? found->amount : 0;
}

int64_t mv_amount_add(int64_t a, int64_t b) {
        return a > INT64_MAX - b ? INT64_MAX : a + b;
}

int64_t mv_amount_multiply(int64_t a, int64_t b) {
        return a && b > INT64_MAX / a ? INT64_MAX : a * b;
}

bool mv_amount_read(struct mv_str name, struct mv_str text, int64_t *ret) {
        struct mv_quantity quantity;
        *ret = 0;
        if (mv_quantity_parse(text, &quantity, NULL) < 0)
                return false;
        if (mv_quantity_sign(&quantity) > 0)
                *ret = mv_str_is(name, "cpu") ? mv_quantity_milli_value(&quantity)
                                              : mv_quantity_value(&quantity);
        return true;
}

/* Also of a quota's names. */
static bool is_bytes(struct mv_str name) {
        return mv_str_is(name, "memory") || mv_str_ends_with(name, MV_STR(".memory")) ||
               mv_str_ends_with(name, MV_STR("storage")) || mv_str_starts_with(name, MV_STR("hugepages-")) ||
               mv_str_starts_with(name, MV_STR("requests.hugepages-"));
}

struct mv_str mv_amount_print(struct mv_arena *arena, struct mv_str name, int64_t amount) {
        char out[MV_QUANTITY_TEXT];
        bool cores = mv_str_is(name, "cpu") || mv_str_ends_with(name, MV_STR(".cpu"));
        struct mv_str digits = mv_arena_format(arena, "%lld%s", (long long)amount, cores ? "m" : "");
        struct mv_quantity quantity;
        if (mv_quantity_parse(digits, &quantity, NULL) < 0)
                return digits;
        if (is_bytes(name) && amount >= 1024)
                quantity.format = MV_QUANTITY_BINARY;
        return mv_arena_copy(arena, mv_quantity_print(&quantity, out));
}

struct mv_str mv_amount_show(struct mv_arena *arena, struct mv_str name, int64_t amount) {
        const int64_t mib = 1 << 20;
        if (is_bytes(name) && amount % mib && amount > mib && amount < INT64_MAX - mib)
                amount += mib - amount % mib;
        return mv_amount_print(arena, name, amount);
}

struct mv_amounts mv_amounts_read(struct mv_arena *arena, const struct mv_map *map) {
        struct mv_amounts amounts = { .items = mv_arena_new_array(arena, struct mv_amount, map->n) };
        for (; amounts.items && amounts.n < map->n; amounts.n++) {
                struct mv_amount *amount = &amounts.items[amounts.n];
                amount->name = map->items[amounts.n].key;
                mv_amount_read(amount->name, map->items[amounts.n].value, &amount->amount);
        }
        return amounts;
}

void mv_amounts_builder_init(struct mv_amounts_builder *builder, struct mv_arena *arena) {
        *builder = (struct mv_amounts_builder){ .arena = arena };
}

static void step(struct mv_amounts_builder *builder, struct mv_str name, int64_t amount, int what) {
        enum { FIRST = 16 };
        if (builder->n == builder->capacity) {
                size_t capacity = builder->capacity ? builder->capacity * 2 : FIRST;
                struct mv_amounts_step *steps =
                        mv_arena_new_array(builder->arena, struct mv_amounts_step, capacity);
                if (!steps)
                        return;
                if (builder->n)
                        memcpy(steps, builder->steps, builder->n * sizeof *steps);
                builder->steps = steps;
                builder->capacity = capacity;
        }
        builder->steps[builder->n] =
                (struct mv_amounts_step){ .name = name, .amount = amount, .order = builder->n, .what = what };
        builder->n++;
}

void mv_amounts_add(struct mv_amounts_builder *builder, struct mv_str name, int64_t amount) {
        step(builder, name, amount, MV_AMOUNT_ADD);
}

void mv_amounts_set(struct mv_amounts_builder *builder, struct mv_str name, int64_t amount) {
        step(builder, name, amount, MV_AMOUNT_SET);
}

/* By name; of one name in the order in which it was said. */
static int compare_steps(const void *a, const void *b) {
        const struct mv_amounts_step *left = a, *right = b;
        int order = mv_str_compare(left->name, right->name);
        return order ? order : (left->order > right->order) - (left->order < right->order);
}

/* Nearly always a handful, for which qsort takes longer to begin. */
static void sort_steps(struct mv_amounts_step *steps, size_t n) {
        enum { HANDFUL = 24 };
        if (n > HANDFUL) {
                qsort(steps, n, sizeof *steps, compare_steps);
                return;
        }
        for (size_t i = 1; i < n; i++) {
                const struct mv_amounts_step moved = steps[i];
                size_t at = i;
                for (; at && compare_steps(&steps[at - 1], &moved) > 0; at--)
                        steps[at] = steps[at - 1];
                steps[at] = moved;
        }
}

struct mv_amounts mv_amounts_build(struct mv_amounts_builder *builder) {
        struct mv_amounts amounts = { .items = mv_arena_new_array(builder->arena, struct mv_amount,
                                                                  builder->n) };
        if (!amounts.items || !builder->n)
                return (struct mv_amounts){ 0 };
        sort_steps(builder->steps, builder->n);
        for (size_t i = 0; i < builder->n;) {
                struct mv_str name = builder->steps[i].name;
                int64_t sum = 0, sidecars = 0, most = 0;
                for (; i < builder->n && mv_str_equal(builder->steps[i].name, name); i++) {
                        int64_t amount = builder->steps[i].amount;
                        switch (builder->steps[i].what) {
                        case MV_AMOUNT_SET:
                                sum = amount;
                                break;
                        case MV_AMOUNT_SIDECAR:
                                sidecars = mv_amount_add(sidecars, amount);
                                sum = mv_amount_add(sum, amount);
                                break;
                        case MV_AMOUNT_ADD:
                                sum = mv_amount_add(sum, amount);
                                break;
                        case MV_AMOUNT_INIT:
                                /* It meets the sidecars that were started before it. What it does not name cannot
                                 * exceed what runs later. */
                                amount = mv_amount_add(sidecars, amount);
                                most = amount > most ? amount : most;
                                break;
                        }
                }
                amounts.items[amounts.n++] =
                        (struct mv_amount){ .name = name, .amount = sum > most ? sum : most };
        }
        return amounts;
}

struct mv_amounts mv_amounts_default(struct mv_arena *arena, const struct mv_amounts *requests,
                                     const struct mv_amounts *limits) {
        struct mv_amounts both = { .items = mv_arena_new_array(arena, struct mv_amount,
                                                               requests->n + limits->n) };
        size_t i = 0, j = 0;
        while (both.items && (i < requests->n || j < limits->n)) {
                int order = i == requests->n ? 1
                            : j == limits->n ? -1
                                             : mv_str_compare(requests->items[i].name, limits->items[j].name);
                both.items[both.n++] = order > 0 ? limits->items[j] : requests->items[i];
                i += order <= 0;
                j += order >= 0;
        }
        return both;
}

struct mv_amounts mv_amounts_of_pod(struct mv_arena *arena, const struct mv_pod_part *parts, size_t n) {
        static const int what[] = {
                [MV_ROLE_CONTAINER] = MV_AMOUNT_ADD,
                [MV_ROLE_SIDECAR] = MV_AMOUNT_SIDECAR,
                [MV_ROLE_INIT] = MV_AMOUNT_INIT,
        };
        struct mv_amounts_builder builder;
        mv_amounts_builder_init(&builder, arena);
        for (size_t i = 0; i < n; i++) {
                const struct mv_pod_part *part = &parts[i];
                /* Init containers run one behind the other: several alike need what one needs. */
                int64_t count = part->role == MV_ROLE_INIT ? 1 : (int64_t)part->count;
                for (size_t k = 0; k < part->amounts.n; k++)
                        step(&builder, part->amounts.items[k].name,
                             mv_amount_multiply(count, part->amounts.items[k].amount), what[part->role]);
        }
        return mv_amounts_build(&builder);
}
