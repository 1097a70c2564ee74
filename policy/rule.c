/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rule.h"

#include "policy/base/growing.h"
#include "policy/base/names.h"
#include "policy/nodes/fitgroups.h"

#include <stdio.h>

static struct mv_str format_field(struct mv_arena *arena, const char *prefix, const char *format,
                                  va_list args) __attribute__((format(printf, 3, 0)));
static struct mv_str format_field(struct mv_arena *arena, const char *prefix, const char *format,
                                  va_list args) {
        char text[512];
        if (strchr(format, '%')) {
                vsnprintf(text, sizeof text, format, args);
                format = text;
        }
        const struct mv_str parts[] = { mv_str_from(prefix), prefix[0] ? MV_STR(".") : MV_STR(""),
                                        mv_str_from(format) };
        return mv_arena_join(arena, parts, sizeof parts / sizeof *parts);
}

struct mv_finding *mv_report(struct mv_context *ctx, enum mv_outcome outcome, const char *format, ...) {
        struct mv_finding *finding = mv_arena_new(ctx->arena, struct mv_finding);
        if (!finding) {
                ctx->scrap = (struct mv_finding){ 0 };
                finding = &ctx->scrap;
        } else {
                *ctx->end = finding;
                ctx->end = &finding->next;
        }
        if (outcome != MV_OUTCOME_PASS || !ctx->terse) {
                va_list args;
                va_start(args, format);
                finding->message = mv_arena_format_va(ctx->arena, format, args);
                va_end(args);
                finding->fix = mv_str_from(ctx->rule->fix);
        }
        finding->rule = ctx->rule;
        finding->outcome = outcome;
        finding->severity = ctx->rule->severity;
        finding->live_step = ctx->revision->live_step;
        finding->storage_step = ctx->revision->storage_step;
        return finding;
}

void mv_report_missing(struct mv_finding *finding, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name) {
        if (finding->n_missing < sizeof finding->missing / sizeof *finding->missing)
                finding->missing[finding->n_missing++] = (struct mv_missing){ kind, namespace, name };
}

/* What an instancetype or a preference supplied is, for the user, where he names it. */
static struct mv_str supplied_field(const struct mv_context *ctx, struct mv_str path) {
        static const char below[] = ".template.spec";
        const struct mv_instance *instance = ctx->instance;
        struct mv_str spec = mv_str_from(instance->spec_path);
        for (size_t i = 0; i < instance->n_supplied && mv_str_ends_with(spec, MV_STR(below)); i++) {
                struct mv_str part = mv_str_from(instance->supplied[i].path);
                struct mv_str rest = mv_str_skip(path, spec.n + 1);
                if (mv_str_starts_with(rest, part) &&
                    (rest.n == part.n || rest.p[part.n] == '.' || rest.p[part.n] == '['))
                        return mv_arena_format(ctx->arena, "%.*s.%s", (int)(spec.n - (sizeof below - 1)),
                                               spec.p, instance->supplied[i].by);
        }
        return path;
}

struct mv_str mv_missing_fix(struct mv_context *ctx, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name) {
        const struct mv_known *known = mv_snapshot_known(ctx->snapshot, kind);
        const char *slash = namespace.n ? "/" : "", *word = mv_kinds[kind].kind;
        switch (known->knowledge) {
        case MV_KNOWLEDGE_SOME:
                return mv_text(ctx, "give migvet %s %.*s%s%.*s too", word, MV_STR_ARG(namespace), slash,
                               MV_STR_ARG(name));
        case MV_KNOWLEDGE_ALL:
        case MV_KNOWLEDGE_ABSENT:
                return mv_text(ctx, "make %s %.*s%s%.*s, or mend the name", word, MV_STR_ARG(namespace),
                               slash, MV_STR_ARG(name));
        case MV_KNOWLEDGE_FORBIDDEN:
                return mv_text(ctx, "let migvet list %s: %.*s", mv_kinds[kind].plural,
                               MV_STR_ARG(known->reason));
        case MV_KNOWLEDGE_NONE:
        case MV_KNOWLEDGE_LOST:
        case MV_KNOWLEDGE_OUTDATED:
        case MV_KNOWLEDGE_NAMED:
                break;
        case MV_KNOWLEDGE_LATE:
                return MV_STR("try again");
        }
        return MV_STR("ask again when migvet has read it: /readyz?verbose says what it knows");
}

struct mv_str mv_spec_field(struct mv_context *ctx, const char *format, ...) {
        va_list args;
        va_start(args, format);
        struct mv_str field = format_field(ctx->arena, ctx->instance->spec_path, format, args);
        va_end(args);
        return field.n > strlen(ctx->instance->spec_path) ? supplied_field(ctx, field) : field;
}

struct mv_str mv_meta_field(struct mv_context *ctx, const char *format, ...) {
        va_list args;
        va_start(args, format);
        struct mv_str field = format_field(ctx->arena, ctx->instance->meta_path, format, args);
        va_end(args);
        return field;
}

const struct mv_network *mv_pod_network(const struct mv_vmi_spec *spec) {
        for (size_t i = 0; i < spec->networks.n; i++)
                if (spec->networks.items[i].pod)
                        return &spec->networks.items[i];
        return NULL;
}

const struct mv_interface *mv_network_interface(const struct mv_vmi_spec *spec, struct mv_str network,
                                                size_t *ret_index) {
        const struct mv_devices *devices = &spec->domain.devices;
        for (size_t i = 0; i < devices->interfaces.n; i++)
                if (mv_str_equal(devices->interfaces.items[i].name, network)) {
                        *ret_index = i;
                        return &devices->interfaces.items[i];
                }
        return NULL;
}

/* Where every check passes each of them does, and that is nearly always so: it is asked once for all rules. */
bool mv_has_target(struct mv_context *ctx, unsigned classes) {
        if (ctx->roomy == MV_UNSET)
                ctx->roomy = mv_fit_has_target(ctx->arena, ctx->fit_question, ctx->fit, MV_FIT_EVERYTHING)
                                     ? MV_TRUE
                                     : MV_FALSE;
        if (ctx->roomy == MV_TRUE)
                return true;
        return mv_fit_has_target(ctx->arena, ctx->fit_question, ctx->fit, classes);
}

size_t mv_count_targets(struct mv_context *ctx, unsigned classes) {
        return mv_fit_others(ctx->arena, ctx->fit, classes);
}

struct mv_str mv_text_list(struct mv_context *ctx, const struct mv_str *items, size_t n) {
        enum { SHOWN = 12 };
        struct mv_growing text = { .arena = ctx->arena };
        struct mv_names_index index;
        size_t distinct = 0;
        if (!mv_names_index_build(ctx->arena, &index, items, n, sizeof *items))
                return (struct mv_str){ 0 };
        for (size_t i = 0; i < n; i++)
                if (items[i].n && mv_names_index_find(&index, items[i]) == i && distinct++ < SHOWN)
                        mv_growing_add(&text, "%s%.*s", text.n ? ", " : "", MV_STR_ARG(items[i]));
        if (distinct > SHOWN)
                mv_growing_add(&text, ", and %zu more", distinct - SHOWN);
        return mv_growing_text(&text);
}

/* The causes of one node, among checks of these classes. */
static struct mv_str node_obstacles(struct mv_context *ctx, size_t node, unsigned classes) {
        const struct mv_fit *fit = ctx->fit;
        struct mv_str *tokens = mv_arena_new_array(ctx->arena, struct mv_str, fit->n_checks);
        size_t n = 0;
        for (size_t i = 0; tokens && i < fit->n_checks; i++) {
                const struct mv_fit_check *check = &fit->checks[i];
                if (!mv_node_set_has(check->pass, node) && classes & MV_FIT_BIT(check->class))
                        tokens[n++] = mv_fit_token(ctx->arena, check);
        }
        return mv_text_list(ctx, tokens, n);
}

struct mv_str mv_obstacles(struct mv_context *ctx, const uint64_t *set, unsigned classes) {
        enum { SHOWN = 4 };
        const struct mv_node_index *index = ctx->fit->index;
        const uint64_t *nodes = set ? set : mv_node_index_all(index);
        struct mv_growing text = { .arena = ctx->arena };
        size_t shown = 0, more = 0;
        for (size_t i = mv_node_set_next(index, nodes, 0); i != SIZE_MAX;
             i = mv_node_set_next(index, nodes, i + 1)) {
                if (i == ctx->fit->source)
                        continue;
                if (shown == SHOWN) {
                        more++;
                        continue;
                }
                struct mv_str causes = node_obstacles(ctx, i, classes);
                if (!causes.n)
                        continue;
                mv_growing_add(&text, "%s%.*s (%.*s)", shown++ ? ", " : "",
                               MV_STR_ARG(mv_node_index_at(index, i)->meta.name), MV_STR_ARG(causes));
        }
        if (more)
                mv_growing_add(&text, ", and %zu more", more);
        return mv_growing_text(&text);
}

bool mv_source_matters(const struct mv_context *ctx) {
        const struct mv_cpu *cpu = ctx->vmi->spec.domain.cpu;
        return ctx->fit->source_unknown &&
               (ctx->behaviour->cpu_vendor || (cpu && mv_str_is(cpu->model, "host-model")));
}

void mv_name_supplier(struct mv_context *ctx) {
        const struct mv_vm *vm = ctx->instance ? ctx->instance->vm : NULL;
        for (struct mv_finding *f = ctx->findings; vm && f; f = f->next) {
                bool type = mv_str_ends_with(f->field, MV_STR("spec.instancetype"));
                const struct mv_matcher *matcher = type ? vm->spec.instancetype
                                                   : mv_str_ends_with(f->field, MV_STR("spec.preference"))
                                                           ? vm->spec.preference
                                                           : NULL;
                if (!matcher || f->outcome == MV_OUTCOME_PASS)
                        continue;
                const char *what = matcher->revision_name.n ? "ControllerRevision"
                                   : type                   ? "instancetype"
                                                            : "preference";
                struct mv_str name = matcher->revision_name.n ? matcher->revision_name : matcher->name;
                f->message = mv_arena_format(ctx->arena, "%.*s (from %s %.*s)", MV_STR_ARG(f->message), what,
                                             MV_STR_ARG(name));
                f->fix = mv_arena_format(ctx->arena, "name another %s in the VM, or in %s %.*s: %.*s",
                                         type ? "instancetype" : "preference", what, MV_STR_ARG(name),
                                         MV_STR_ARG(f->fix));
        }
}
