/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/rule.h"

#include <stdio.h>

static struct mv_str format(struct mv_arena *arena, const char *prefix, const char *pattern, va_list args) {
        char text[512];
        vsnprintf(text, sizeof text, pattern, args);
        return mv_arena_format(arena, "%s%s%s", prefix, prefix[0] ? "." : "", text);
}

struct mv_finding *mv_report(struct mv_context *ctx, enum mv_outcome outcome, const char *pattern, ...) {
        struct mv_finding *finding = mv_arena_new(ctx->arena, struct mv_finding);
        if (!finding) {
                ctx->scrap = (struct mv_finding){ 0 };
                finding = &ctx->scrap;
        } else {
                *ctx->end = finding;
                ctx->end = &finding->next;
        }
        va_list args, again;
        va_start(args, pattern);
        va_copy(again, args);
        int n = vsnprintf(NULL, 0, pattern, args);
        va_end(args);
        char *message = n < 0 ? NULL : mv_arena_allocate(ctx->arena, (size_t)n + 1, 1);
        if (message) {
                vsnprintf(message, (size_t)n + 1, pattern, again);
                finding->message = (struct mv_str){ message, (size_t)n };
        }
        va_end(again);
        finding->rule = ctx->rule;
        finding->outcome = outcome;
        finding->severity = ctx->rule->severity;
        finding->fix = mv_str_from(ctx->rule->fix);
        return finding;
}

void mv_report_missing(struct mv_finding *finding, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        if (finding->n_missing < sizeof finding->missing / sizeof *finding->missing)
                finding->missing[finding->n_missing++] = (struct mv_missing){ mv_kinds[kind].kind, namespace, name };
}

struct mv_str mv_spec_field(struct mv_context *ctx, const char *pattern, ...) {
        va_list args;
        va_start(args, pattern);
        struct mv_str field = format(ctx->arena, ctx->instance->spec_path, pattern, args);
        va_end(args);
        return field;
}

struct mv_str mv_meta_field(struct mv_context *ctx, const char *pattern, ...) {
        va_list args;
        va_start(args, pattern);
        struct mv_str field = format(ctx->arena, ctx->instance->meta_path, pattern, args);
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
