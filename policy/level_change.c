/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/level_change.h"

#include "policy/base/growing.h"
#include "policy/evaluate.h"
#include "policy/snapshot/kindtable.h"

#include <stdlib.h>

enum {
        VM_BYTES = 8 << 20, /* that judging one VM may take */
        LINE_CHARACTERS = 120,
        MORE_CHARACTERS = 18, /* of ", and 100000 more" */
        MOST_LINES = 5,       /* of one list */
};

static const char *const level_labels[] = { "migvet.io/enforce", "migvet.io/warn", "migvet.io/audit" };
enum { LEVELS = sizeof level_labels / sizeof *level_labels };
#define MIGRATIONS_LABEL "migvet.io/migrations"

struct names {
        struct mv_str *items; /* "vm/NAME" */
        size_t n;
};

/* A label that asks for more than it did. */
struct raised {
        const char *label;
        enum mv_level level;
        struct names breaking, unknown;
};

struct change {
        const struct mv_review_input *in;
        const struct mv_snapshot *snapshot;      /* with the namespace as it will be */
        const struct mv_review_request *request; /* its namespace is the name of the object */
        struct mv_decision *decision;
        struct raised raised[LEVELS];
        size_t n_raised;
        size_t n_all, n_judged; /* VMs of the namespace */
};

bool mv_request_is_of_namespace(const struct mv_review_request *request) {
        return !request->sub_resource.n && request->object.n && !request->resource.group.n &&
               mv_str_is(request->resource.resource, "namespaces") && mv_str_is(request->operation, "UPDATE");
}

/* --- the labels --- */

static int value_of(const struct mv_map *labels, const char *label, const char *const *values, int n) {
        const struct mv_str *said = mv_map_get(labels, mv_str_from(label));
        for (int i = 0; said && i < n; i++)
                if (mv_str_is(*said, values[i]))
                        return i;
        return MV_UNSAID;
}

/* A value that is new and that nobody knows. */
static void warn_of_value(struct change *change, const char *label, const struct mv_map *now,
                          const struct mv_map *before, const char *known) {
        const struct mv_str *value = mv_map_get(now, mv_str_from(label)),
                            *old = mv_map_get(before, mv_str_from(label));
        if (value && !(old && mv_str_equal(*value, *old)))
                mv_decision_warn(change->in->arena, change->decision, mv_str_from(label),
                                 mv_arena_format(change->in->arena,
                                                 "unknown value \"%.*s\" is passed over: it must be %s",
                                                 MV_STR_ARG(*value), known));
}

static void read_labels(struct change *change, const struct mv_map *now, const struct mv_map *before) {
        for (size_t i = 0; i < LEVELS; i++) {
                int is = value_of(now, level_labels[i], mv_level_names, 4),
                    was = value_of(before, level_labels[i], mv_level_names, 4);
                if (is == MV_UNSAID)
                        warn_of_value(change, level_labels[i], now, before,
                                      "none, declared, migratable or resilient");
                else if (is > MV_LEVEL_NONE && is > was) /* that it was not said is less than any level */
                        change->raised[change->n_raised++] =
                                (struct raised){ .label = level_labels[i], .level = (enum mv_level)is };
        }
        if (value_of(now, MIGRATIONS_LABEL, mv_action_names, 3) == MV_UNSAID)
                warn_of_value(change, MIGRATIONS_LABEL, now, before, "audit, warn or deny");
}

/* --- the VMs --- */

/* VMs, and instances that no VM controls. What is being deleted does not count. */
static bool counts(enum mv_kind kind, const struct mv_meta *meta) {
        const struct mv_owner *owner = kind == MV_KIND_VMI ? mv_meta_controller(meta) : NULL;
        return !meta->deletion_timestamp.n && !(owner && mv_str_is(owner->kind, "VirtualMachine"));
}

static void note_name(const struct change *change, struct names *names, enum mv_kind kind,
                      const struct mv_meta *meta) {
        if (!names->items)
                names->items = mv_arena_new_array(change->in->arena, struct mv_str, change->n_all);
        if (names->items)
                names->items[names->n++] = mv_arena_format(change->in->arena, "%s/%.*s",
                                                           mv_kinds[kind].shorthand, MV_STR_ARG(meta->name));
}

static void judge(struct change *change, struct mv_arena *arena, enum mv_kind kind, const void *object) {
        const struct mv_review_input *in = change->in;
        const struct mv_evaluation evaluation = {
                .arena = arena, .snapshot = change->snapshot, .config = in->config, .version = in->version
        };
        struct mv_verdict verdict;
        if (kind == MV_KIND_VM)
                mv_evaluate_vm(&evaluation, object, true, &verdict);
        else
                mv_evaluate_vmi(&evaluation, object, &verdict);
        const struct mv_decide_input input = {
                .arena = arena,
                .snapshot = change->snapshot,
                .config = in->config,
                .request = change->request,
                .meta = mv_kind_meta(kind, object),
                .now = &verdict,
                .kind = kind,
                .live = in->live,
        };
        for (size_t i = 0; i < change->n_raised; i++) {
                struct raised *raised = &change->raised[i];
                enum mv_outcome outcome = mv_decide_level(&input, raised->level);
                if (outcome != MV_OUTCOME_PASS)
                        note_name(change, outcome == MV_OUTCOME_FAIL ? &raised->breaking : &raised->unknown,
                                  kind, input.meta);
        }
}

static bool has_time(const struct mv_review_input *in) {
        return !(in->hurried && in->hurried(in->context)) && !(in->expired && in->expired(in->context));
}

static void judge_all(struct change *change) {
        static const enum mv_kind kinds[] = { MV_KIND_VM, MV_KIND_VMI };
        const struct mv_snapshot *snapshot = change->in->snapshot;
        struct mv_arena arena;
        for (int pass = 0; pass < 2; pass++) { /* first they are counted */
                mv_arena_init(&arena, change->in->arena->allocator, VM_BYTES);
                for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
                        size_t n;
                        const void *const *objects =
                                mv_snapshot_of_namespace(snapshot, kinds[k], change->request->namespace, &n);
                        for (size_t i = 0; i < n; i++) {
                                if (!counts(kinds[k], mv_kind_meta(kinds[k], objects[i])))
                                        continue;
                                if (pass == 0) {
                                        change->n_all++;
                                        continue;
                                }
                                if (!has_time(change->in))
                                        break;
                                mv_arena_clear(&arena);
                                judge(change, &arena, kinds[k], objects[i]);
                                change->n_judged++;
                        }
                }
                mv_arena_done(&arena);
        }
}

/* --- telling --- */

static int by_name(const void *a, const void *b) {
        return mv_str_compare(*(const struct mv_str *)a, *(const struct mv_str *)b);
}

/* "HEAD: a, b, c", on as many lines as there may be, and how many more there are. */
static void tell_names(const struct change *change, const char *label, struct mv_str head,
                       const struct names *names) {
        struct mv_growing line = { .arena = change->in->arena };
        size_t shown = 0, least = strlen(label) + 2;
        qsort(names->items, names->n, sizeof *names->items, by_name);
        mv_growing_add(&line, "%.*s: ", MV_STR_ARG(head));
        for (int lines = 1; lines <= MOST_LINES; lines++) {
                size_t room = LINE_CHARACTERS - least - (lines == MOST_LINES ? MORE_CHARACTERS : 0);
                bool first = true;
                while (shown < names->n && (first || line.n + names->items[shown].n + 3 <= room)) {
                        mv_growing_add(&line, "%s%.*s", first ? "" : ", ", MV_STR_ARG(names->items[shown]));
                        first = false;
                        shown++;
                }
                if (lines == MOST_LINES && shown < names->n)
                        mv_growing_add(&line, ", and %zu more", names->n - shown);
                else if (shown < names->n)
                        mv_growing_add(&line, ",");
                mv_decision_warn(change->in->arena, change->decision, mv_str_from(label),
                                 mv_growing_text(&line));
                if (shown == names->n)
                        return;
                line = (struct mv_growing){ .arena = change->in->arena };
        }
}

static void tell(const struct change *change, const struct raised *raised) {
        struct mv_arena *arena = change->in->arena;
        const char *level = mv_level_names[raised->level];
        if (raised->breaking.n)
                tell_names(change, raised->label,
                           mv_arena_format(arena, "%zu of %zu VMs break%s level %s", raised->breaking.n,
                                           change->n_judged, raised->breaking.n == 1 ? "s" : "", level),
                           &raised->breaking);
        if (raised->unknown.n && change->in->config->unknown != MV_ACTION_AUDIT)
                tell_names(change, raised->label,
                           mv_arena_format(arena,
                                           "of %zu of %zu VMs it is not known whether they meet level %s",
                                           raised->unknown.n, change->n_judged, level),
                           &raised->unknown);
}

static void tell_rest(const struct change *change) {
        struct mv_arena *arena = change->in->arena;
        struct mv_str label = mv_str_from(change->raised[0].label);
        if (change->n_judged < change->n_all)
                mv_decision_warn(arena, change->decision, label,
                                 mv_arena_format(arena, "there was time to judge %zu of the %zu VMs only",
                                                 change->n_judged, change->n_all));
        static const enum mv_kind kinds[] = { MV_KIND_VM, MV_KIND_VMI };
        for (size_t i = 0; change->in->live && i < sizeof kinds / sizeof *kinds; i++)
                if (!mv_snapshot_has_all(change->in->snapshot, kinds[i]))
                        mv_decision_warn(arena, change->decision, label,
                                         mv_arena_format(arena, "there may be more: not every %s is known",
                                                         mv_kinds[kinds[i]].kind));
}

static bool read_meta(const struct mv_review_input *in, struct mv_str object, struct mv_any *ret) {
        const struct mv_decode decode = { .arena = in->arena };
        *ret = (struct mv_any){ 0 };
        return object.n && mv_decode(&decode, object, &mv_table_any, ret, NULL) == 0;
}

void mv_review_level_change(const struct mv_review_input *in, const struct mv_review_request *asked,
                            struct mv_decision *decision) {
        struct mv_review_request request = *asked;
        struct mv_any now, before;
        struct change change = { .in = in, .request = &request, .decision = decision };
        if (!read_meta(in, request.object, &now) || now.meta.deletion_timestamp.n)
                return;
        if (!read_meta(in, request.old_object, &before))
                before = (struct mv_any){ 0 };
        if (!now.meta.name.n)
                now.meta.name = request.name;
        request.namespace = now.meta.name;
        read_labels(&change, &now.meta.labels, &before.meta.labels);
        if (change.n_raised && !in->snapshot) {
                mv_decision_warn(
                        in->arena, decision, MV_STR("migvet"),
                        MV_STR("the cluster has not been read yet, so which VMs break the new level is "
                               "not known"));
                return;
        }
        if (in->snapshot && mv_request_is_exempt(in->config, mv_snapshot_config(in->snapshot), &request)) {
                mv_decision_init(
                        decision); /* nothing comes of the label there, and only people read warnings */
                return;
        }
        const struct mv_namespace as_it_will_be = { .meta = now.meta };
        change.snapshot =
                change.n_raised ? mv_snapshot_with_namespace(in->arena, in->snapshot, &as_it_will_be) : NULL;
        if (!change.snapshot)
                return; /* nothing to be told, or memory is out, and the answer says so */
        judge_all(&change);
        for (size_t i = 0; i < change.n_raised; i++)
                tell(&change, &change.raised[i]);
        tell_rest(&change);
}
