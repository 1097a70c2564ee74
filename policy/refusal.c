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

void mv_causes_add_unfamiliar(struct mv_causes *causes, const char *reason, struct mv_str message,
                              struct mv_str field) {
        causes->unfamiliar = true;
        mv_causes_add(causes, reason, message, field);
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
        refused->unfamiliar = causes->unfamiliar;
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

/* Where KubeVirt's words put a field, as people write it: with [0] for .0 of a list. */
static struct mv_str field_of(struct mv_arena *arena, struct mv_str words) {
        struct mv_str field = { 0 };
        size_t end = 0;
        while (end < words.n && words.p[end] != ' ')
                end++;
        for (size_t at = 0; at < end;) {
                size_t next = at;
                while (next < end && words.p[next] != '.')
                        next++;
                struct mv_str step = { words.p + at, next - at };
                unsigned long long index;
                bool is_index = mv_str_to_unsigned(step, SIZE_MAX, &index);
                if (step.n)
                        field = mv_arena_format(arena, is_index ? "%.*s%s[%.*s]" : "%.*s%s%.*s",
                                                MV_STR_ARG(field), field.n && !is_index ? "." : "",
                                                MV_STR_ARG(step));
                at = next + 1;
        }
        return field;
}

const struct mv_refused *mv_refused_by_schema(struct mv_arena *arena, const struct mv_forbidden *forbidden) {
        struct mv_causes causes = { .arena = arena };
        for (size_t i = 0; i < forbidden->n; i++)
                mv_causes_add_unfamiliar(&causes, "", forbidden->items[i],
                                         field_of(arena, forbidden->items[i]));
        return mv_causes_refuse(&causes);
}

struct mv_str mv_refused_advice(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                const struct mv_refused *refused, struct mv_str namespace) {
        static const struct {
                enum mv_kind missing, other;
                const char *field;
        } scopes[] = {
                { MV_KIND_INSTANCETYPE, MV_KIND_CLUSTER_INSTANCETYPE, "spec.instancetype" },
                { MV_KIND_CLUSTER_INSTANCETYPE, MV_KIND_INSTANCETYPE, "spec.instancetype" },
                { MV_KIND_PREFERENCE, MV_KIND_CLUSTER_PREFERENCE, "spec.preference" },
                { MV_KIND_CLUSTER_PREFERENCE, MV_KIND_PREFERENCE, "spec.preference" },
        };
        struct mv_str name = refused->missing_name;
        if (refused->missing_kind == MV_KIND_COUNT)
                return mv_str_from(mv_refused_fix(refused));
        for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
                const struct mv_kind_info *other = &mv_kinds[scopes[i].other];
                if (scopes[i].missing == refused->missing_kind &&
                    mv_snapshot_find(snapshot, scopes[i].other, namespace, name))
                        return mv_arena_format(arena, "%s %.*s%s%.*s exists: set kind: %s in %s", other->kind,
                                               other->namespaced ? (int)namespace.n : 0, namespace.p,
                                               other->namespaced ? "/" : "", MV_STR_ARG(name), other->kind,
                                               scopes[i].field);
        }
        if (mv_snapshot_has_all(snapshot, refused->missing_kind))
                return mv_arena_format(arena, "make %s %.*s, or %s", mv_kinds[refused->missing_kind].kind,
                                       MV_STR_ARG(name), mv_refused_fix(refused));
        return mv_arena_format(arena, "give migvet %s %.*s too, or %s", mv_kinds[refused->missing_kind].kind,
                               MV_STR_ARG(name), mv_refused_fix(refused));
}
