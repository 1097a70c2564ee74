/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/context.h"

#include "policy/behaviour.h"
#include "policy/claims.h"
#include "policy/convergence.h"
#include "policy/notice.h"
#include "policy/resolve.h"
#include "policy/config/scope.h"

#include <limits.h>

const struct mv_kubevirt_config *mv_kubevirt_config_of(const struct mv_evaluation *e) {
        return mv_kubevirt_config_at(e->arena, mv_snapshot_config(e->snapshot), e->version);
}

static void set_version(struct mv_context *ctx, struct mv_verdict *verdict) {
        verdict->version = ctx->config->version;
        verdict->version_from = ctx->config->version_from;
        ctx->version = ctx->config->version_number;
        ctx->version_known = ctx->version != 0;
        if (!ctx->version_known)
                ctx->version = UINT_MAX; /* every rule as in the newest version */
        ctx->behaviour = mv_behaviour_of(ctx->version);
}

/* The object that holds the instance's eviction strategy: KubeVirt writes the cluster's into instances that have none. */
static struct mv_str eviction_origin(const struct mv_context *ctx, const struct mv_subject *subject) {
        const struct mv_vmi_template *template = ctx->vm ? ctx->vm->spec.template : NULL;
        struct mv_str own = ctx->vmi->spec.eviction_strategy;
        bool from_template = !ctx->vm || (template && template->spec.eviction_strategy.p);
        if (!from_template && mv_str_equal(own, ctx->config->eviction_strategy))
                return ctx->config->eviction_from;
        bool instance = ctx->migration || !from_template;
        const struct mv_str parts[] = { instance ? MV_STR("VirtualMachineInstance") : subject->kind,
                                        MV_STR("/"), subject->namespace, MV_STR("/"),
                                        instance ? ctx->vmi->meta.name : subject->name };
        return mv_arena_join(ctx->arena, parts, sizeof parts / sizeof *parts);
}

/* The eviction strategy in force, and who set it. */
static void set_eviction(struct mv_context *ctx, struct mv_verdict *verdict) {
        struct mv_str own = ctx->vmi->spec.eviction_strategy;
        verdict->eviction_strategy = own.p ? own : ctx->config->eviction_strategy;
        verdict->eviction_from = own.p ? eviction_origin(ctx, &verdict->subject) : ctx->config->eviction_from;
        ctx->eviction_strategy = verdict->eviction_strategy;
        ctx->eviction_set = !mv_str_is(verdict->eviction_from, "default");
}

void mv_out_of_memory(struct mv_verdict *verdict) {
        static const struct mv_finding finding = {
                .rule = &mv_notice_out_of_memory,
                .outcome = MV_OUTCOME_UNKNOWN,
                .severity = MV_SEVERITY_BLOCKER,
                .message = { "there was not enough memory to judge this object", 48 },
                .fix = { "make the object smaller", 23 },
        };
        verdict->migratable = MV_OUTCOME_UNKNOWN;
        verdict->n_conditions = 0;
        verdict->resolution = NULL;
        verdict->fit = NULL;
        verdict->copy = NULL;
        verdict->fit_question = NULL;
        verdict->method = "";
        verdict->instance = NULL;
        verdict->refused = NULL;
        verdict->off = NULL;
        verdict->findings = &finding;
}

/* The instance with another CPU model. */
static const struct mv_instance *with_cpu_model(const struct mv_evaluation *e,
                                                const struct mv_instance *instance) {
        struct mv_instance *copy = mv_arena_new(e->arena, struct mv_instance);
        struct mv_cpu *cpu = mv_arena_new(e->arena, struct mv_cpu);
        if (!copy || !cpu)
                return instance; /* memory is out: the verdict will say so */
        *copy = *instance;
        if (instance->vmi.spec.domain.cpu)
                *cpu = *instance->vmi.spec.domain.cpu;
        cpu->model = e->cpu_model;
        copy->vmi.spec.domain.cpu = cpu;
        return copy;
}

void mv_context_set_fit(struct mv_context *ctx, struct mv_verdict *verdict) {
        const struct mv_migration_spec *asked = ctx->migration ? &ctx->migration->spec : NULL;
        struct mv_fit_question *question = mv_arena_new(ctx->arena, struct mv_fit_question);
        ctx->launcher = mv_launcher_make(ctx->arena, ctx->config, ctx->version, ctx->vmi);
        if (!question || !ctx->launcher || !mv_snapshot_count(ctx->snapshot, MV_KIND_NODE) ||
            (asked && asked->send_to && !asked->receive))
                return;
        *question = (struct mv_fit_question){
                .snapshot = ctx->snapshot,
                .config = ctx->config,
                .behaviour = ctx->behaviour,
                .vmi = ctx->vmi,
                .launcher = ctx->launcher,
                .added_node_selector = asked ? &asked->added_node_selector : NULL,
        };
        ctx->fit_question = verdict->fit_question = question;
        ctx->fit = verdict->fit = mv_fit_make(ctx->arena, question);
}

const struct mv_copy *mv_context_measure(const struct mv_context *ctx) {
        struct mv_copy *copy = mv_arena_new(ctx->arena, struct mv_copy);
        if (!copy || mv_arena_failed(ctx->arena) ||
            !mv_copy_size_of(ctx->arena, ctx->snapshot, ctx->behaviour, ctx->instance, ctx->claims,
                             &copy->size))
                return NULL;
        mv_convergence_of(&copy->size, ctx->resolution, ctx->config, ctx->behaviour, ctx->vmi,
                          &copy->figures);
        return copy;
}

struct mv_context *mv_context_new(const struct mv_evaluation *e, const struct mv_instance *instance,
                                  const struct mv_vm *vm, const struct mv_migration *migration,
                                  struct mv_verdict *ret) {
        struct mv_context *ctx = mv_arena_new(e->arena, struct mv_context);
        if (!ctx) {
                mv_out_of_memory(ret);
                return NULL;
        }
        if (instance && e->cpu_model.n)
                instance = with_cpu_model(e, instance);
        *ctx = (struct mv_context){
                .arena = e->arena,
                .snapshot = e->snapshot,
                .config = mv_kubevirt_config_of(e),
                .instance = instance,
                .vmi = instance ? &instance->vmi : NULL,
                .vm = vm,
                .migration = migration,
                .user = e->user,
                .terse = e->terse,
        };
        ctx->end = &ctx->findings;
        if (e->config) {
                struct mv_scope *scope = mv_arena_new(e->arena, struct mv_scope);
                if (scope)
                        mv_scope_of(e->arena, e->config, e->snapshot, ret->subject.namespace, scope);
                ctx->scope = scope;
        }
        set_version(ctx, ret);
        if (instance)
                set_eviction(ctx, ret);
        return ctx;
}
