/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/refusal.h"

#include "policy/base/growing.h"

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
        struct mv_growing text = { .arena = causes->arena };
        for (size_t i = 0; i < causes->n; i++)
                mv_growing_add(&text, "%s%.*s", i ? ", " : "", MV_STR_ARG(causes->items[i].field));
        return mv_growing_text(&text);
}

struct mv_str mv_causes_message(const struct mv_causes *causes) {
        struct mv_str message = { 0 };
        /* No comma behind messages that are empty so far. */
        for (size_t i = 0; i < causes->n && i < MV_REFUSED_SHOWN; i++)
                message = message.n ? mv_arena_format(causes->arena, "%.*s, %.*s", MV_STR_ARG(message),
                                                      MV_STR_ARG(causes->items[i].message))
                                    : causes->items[i].message;
        if (causes->n > MV_REFUSED_SHOWN)
                message = mv_arena_format(causes->arena, "%.*s, and %zu more validation errors",
                                          MV_STR_ARG(message), causes->n - MV_REFUSED_SHOWN);
        return message;
}

struct mv_refused *mv_refused_new(struct mv_arena *arena, int code, const char *reason,
                                  struct mv_str message) {
        struct mv_refused *refused = mv_arena_new(arena, struct mv_refused);
        if (refused)
                *refused = (struct mv_refused){
                        .code = code, .reason = reason, .message = message, .missing_kind = MV_KIND_COUNT
                };
        return refused;
}

struct mv_refused *mv_causes_refuse(const struct mv_causes *causes) {
        struct mv_refused *refused =
                causes->n ? mv_refused_new(causes->arena, 422, "Invalid", mv_causes_message(causes)) : NULL;
        if (!refused)
                return NULL;
        refused->causes = causes->items;
        refused->n_causes = causes->n;
        refused->field = causes->items[0].field;
        return refused;
}

const char *mv_refused_title(const struct mv_refused *refused) {
        return refused->code        ? "KubeVirt refuses this VM"
               : refused->reason[0] ? "KubeVirt does not start this VM"
                                    : "KubeVirt makes no instance of this VM";
}

const char *mv_refused_fix(const struct mv_refused *refused) {
        if (refused->missing_kind != MV_KIND_COUNT)
                return "create it, or name one that exists";
        if (mv_str_contains(refused->message, MV_STR(" in body is a forbidden property")))
                return "KubeVirt's API has no field of that name there: correct its spelling, move it where it belongs, or "
                       "remove it";
        if (!refused->named)
                return "change the fields that KubeVirt's message is about";
        if (refused->code == 400)
                return "label what the volume is made from, or name the instancetype or preference in the VM";
        if (mv_str_contains(refused->message, MV_STR("conflicts with selected instance type")))
                return "remove these fields from the VM where its instancetype sets them, or name another instancetype or "
                       "preference";
        return "change the VM, or name another instancetype or preference";
}
