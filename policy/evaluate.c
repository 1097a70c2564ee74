/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/evaluate.h"

#include "policy/admission.h"
#include "policy/behaviour.h"
#include "policy/claims.h"
#include "policy/conditions.h"
#include "policy/context.h"
#include "policy/convergence.h"
#include "policy/drain/drain.h"
#include "policy/instancetype.h"
#include "policy/notice.h"
#include "policy/registry.h"
#include "policy/resolve.h"
#include "policy/config/scope.h"
#include "policy/unread.h"

/* --- running the rules --- */

/* requests: what is wrong with the request for a migration counts, too. */
static enum mv_outcome summed_up(const struct mv_finding *findings, bool requests) {
        enum mv_outcome outcome = MV_OUTCOME_PASS;
        for (const struct mv_finding *f = findings; f; f = f->next) {
                if (f->severity != MV_SEVERITY_BLOCKER || f->outcome == MV_OUTCOME_PASS ||
                    (f->rule->area == MV_AREA_REQUEST && !requests))
                        continue;
                if (f->outcome == MV_OUTCOME_FAIL)
                        return MV_OUTCOME_FAIL;
                outcome = MV_OUTCOME_UNKNOWN;
        }
        return outcome;
}

/* The subjects that are there: a bit each. */
static unsigned subjects(const struct mv_context *ctx) {
        const struct mv_migration *asked = ctx->migration;
        return (ctx->vmi ? 1u << MV_SUBJECT_INSTANCE : 0) |
               (asked && !asked->status.phase.n ? 1u << MV_SUBJECT_REQUEST : 0) |
               (ctx->policy ? 1u << MV_SUBJECT_POLICY : 0) |
               (ctx->maintenance ? 1u << MV_SUBJECT_MAINTENANCE : 0);
}

static void run_rule(struct mv_context *ctx, const struct mv_rule *rule) {
        const struct mv_revision *revision = mv_rule_revision(rule, ctx->version);
        ctx->rule = rule;
        ctx->revision = revision;
        if (revision)
                revision->check(ctx);
}

/* What the rules of the site look at: what the user wrote, or the instance that his migration names. */
static void run_site_rules(struct mv_context *ctx, const struct mv_evaluation *e,
                           const struct mv_verdict *verdict) {
        const struct mv_migration *asked = ctx->migration;
        const struct mv_vm *vm = ctx->vm;
        if (!e->config || !e->config->site_rules.n)
                return;
        const struct mv_vmi *vmi =
                mv_str_is(verdict->subject.kind, "VirtualMachineInstance") ? ctx->vmi : NULL;
        if (asked && ctx->instance) {
                struct mv_str namespace = asked->meta.namespace, name = asked->spec.vmi_name;
                vmi = mv_snapshot_find(e->snapshot, MV_KIND_VMI, namespace, name);
                vm = vmi ? NULL : mv_snapshot_find(e->snapshot, MV_KIND_VM, namespace, name);
        } else if (!mv_str_is(verdict->subject.kind, "VirtualMachine"))
                vm = NULL;
        ctx->written = vmi ? &vmi->meta : vm ? &vm->meta : NULL;
        ctx->written_kind = vmi ? MV_KIND_VMI : MV_KIND_VM;
        for (size_t i = 0; i < e->config->site_rules.n && !mv_arena_failed(ctx->arena); i++)
                run_rule(ctx, &e->config->site_rules.items[i].rule);
}

static void run_rules(struct mv_context *ctx, bool last) {
        const struct mv_migration *asked = ctx->migration;
        const bool leaves =
                asked && asked->spec.send_to && !asked->spec.receive; /* its targets are elsewhere */
        const unsigned there = subjects(ctx);
        for (size_t i = 0; mv_rules[i] && !mv_arena_failed(ctx->arena); i++) {
                const struct mv_rule *rule = mv_rules[i];
                if (rule->last == last && there >> rule->subject & 1 && !(rule->targets && leaves))
                        run_rule(ctx, rule);
        }
}

/* What the configuration makes of what was found so far. */
static void set_severities(struct mv_context *ctx) {
        if (ctx->scope)
                ctx->end = mv_scope_apply(ctx->scope, &ctx->findings, &ctx->off);
}

/* Where it is not known what a rule's findings count for, the verdict is not known. */
static void tell_doubt(struct mv_context *ctx) {
        struct mv_finding *finding = ctx->scope && ctx->scope->severities_in_doubt
                                             ? mv_arena_new(ctx->arena, struct mv_finding)
                                             : NULL;
        if (!finding)
                return;
        *finding = (struct mv_finding){ .rule = &mv_notice_configuration,
                                        .outcome = MV_OUTCOME_UNKNOWN,
                                        .severity = MV_SEVERITY_BLOCKER,
                                        .message = ctx->scope->doubt,
                                        .fix = mv_str_from(mv_notice_configuration.fix) };
        *ctx->end = finding;
        ctx->end = &finding->next;
}

static void conclude(struct mv_context *ctx, struct mv_verdict *ret) {
        set_severities(ctx);
        tell_doubt(ctx);
        ret->findings = ctx->findings;
        ret->off = ctx->off;
}

/* A migration between clusters copies the disks, so that they are not shared is only worth a note. */
static void ease_for_decentralized(struct mv_context *ctx) {
        if (!ctx->migration || (!ctx->migration->spec.send_to && !ctx->migration->spec.receive))
                return;
        for (struct mv_finding *f = ctx->findings; f; f = f->next)
                if (mv_is_volume_error(f))
                        f->severity = MV_SEVERITY_NOTE;
}

/* What is found in the instance is, for the user who wrote the migration, at the instance that he names. */
static void point_at_vmi_name(struct mv_context *ctx) {
        for (struct mv_finding *f = ctx->findings; ctx->migration && f; f = f->next)
                if (f->rule->area != MV_AREA_REQUEST)
                        f->field = MV_STR("spec.vmiName");
}

static void judge(const struct mv_evaluation *e, const struct mv_instance *instance, const struct mv_vm *vm,
                  const struct mv_migration *migration, struct mv_verdict *ret) {
        struct mv_context *ctx = mv_context_new(e, instance, vm, migration, ret);
        if (!ctx)
                return;
        instance = ctx->instance;
        if (instance) {
                ctx->claims = mv_claims_resolve(e->arena, e->snapshot, ctx->behaviour, instance);
                mv_context_set_fit(ctx, ret);
                ctx->resolution = mv_resolve(e->arena, e->snapshot, &instance->vmi, ctx->version);
                ctx->copy = mv_context_measure(ctx);
                ret->instance = instance;
                ret->resolution = ctx->resolution;
                ret->copy = ctx->copy;
                if (instance->vmi.status.conditions.n)
                        ret->observed = &instance->vmi.status.conditions;
        }
        if (instance)
                mv_report_unread(ctx);
        if (!mv_arena_failed(e->arena))
                run_rules(ctx, false);
        ret->findings = ctx->findings;
        if (instance && !mv_arena_failed(e->arena)) {
                mv_conditions_make(ctx, ret);
                ret->method = mv_migration_method(ctx, ret);
                set_severities(ctx);
                ease_for_decentralized(ctx);
                ctx->so_far = summed_up(ctx->findings, false);
                ctx->condition_status = mv_str_from(ret->conditions[0].status);
                run_rules(ctx, true);
        }
        mv_name_supplier(ctx);
        run_site_rules(ctx, e, ret); /* KubeVirt knows nothing of them */
        point_at_vmi_name(ctx);
        conclude(ctx, ret);
        ease_for_decentralized(ctx);
        ret->migratable = summed_up(ctx->findings, true);
        if (!instance && ret->migratable == MV_OUTCOME_PASS)
                ret->migratable = MV_OUTCOME_UNKNOWN; /* there was nothing to judge */
        if (mv_arena_failed(e->arena))
                mv_out_of_memory(ret);
}

/* --- the kinds --- */

static struct mv_subject subject_of(const char *kind, struct mv_str api_version, const struct mv_meta *meta) {
        return (struct mv_subject){ .api_version = api_version,
                                    .kind = mv_str_from(kind),
                                    .namespace = meta->namespace,
                                    .name = meta->name.n ? meta->name : meta->generate_name,
                                    .uid = meta->uid };
}

const struct mv_vmi *mv_vm_instance(const struct mv_snapshot *snapshot, const struct mv_vm *vm) {
        const struct mv_vmi *vmi =
                vm->meta.name.n ? mv_snapshot_find(snapshot, MV_KIND_VMI, vm->meta.namespace, vm->meta.name)
                                : NULL;
        const struct mv_owner *owner = vmi ? mv_meta_controller(&vmi->meta) : NULL;
        if (!vmi || mv_vmi_is_final(vmi))
                return NULL;
        /* An instance of the same name that somebody made by hand is not the VM's. */
        return owner && mv_str_is(owner->kind, "VirtualMachine") && mv_str_equal(owner->name, vm->meta.name)
                       ? vmi
                       : NULL;
}

/* The first thing that KubeVirt's webhook finds wrong with an instance, as its controller hears of it. */
static const struct mv_refused *refused_instance(const struct mv_evaluation *e,
                                                 const struct mv_kubevirt_config *config,
                                                 const struct mv_instance *instance, bool by_controller) {
        struct mv_admission admission = { .causes = { .arena = e->arena },
                                          .config = config,
                                          .kubevirt = by_controller };
        mv_admission_vmi(&admission, &instance->vmi.meta.labels, &instance->vmi.spec);
        struct mv_refused *refused = mv_causes_refuse(&admission.causes);
        if (!refused || !by_controller)
                return refused;
        refused->code = 0;
        refused->reason = "FailedCreate";
        refused->n_causes = 0;
        if (mv_str_starts_with(refused->field, MV_STR("spec.")))
                refused->field = mv_arena_format(e->arena, "%s%.*s", instance->spec_path,
                                                 MV_STR_ARG(mv_str_skip(refused->field, 4)));
        return refused;
}

/* The instance that KubeVirt makes of a VM; where it makes none, what it would have been, and *ret_refused says why.
 * NULL when memory is out. */
static struct mv_instance *make_instance(const struct mv_evaluation *e, const struct mv_vm *vm,
                                         const struct mv_vmi_status *status, bool submitted,
                                         const struct mv_refused **ret_refused) {
        const struct mv_kubevirt_config *config = mv_kubevirt_config_of(e);
        struct mv_made *made = mv_arena_new(e->arena, struct mv_made);
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        *ret_refused = NULL;
        if (!made || !instance)
                return NULL;
        mv_instancetype_make(e->arena, e->snapshot, config, vm, submitted, made);
        *ret_refused = mv_refused_by_schema(e->arena, &vm->forbidden);
        if (!*ret_refused)
                *ret_refused = made->refused;
        mv_expand_template(e->arena, config, &made->template, &vm->meta, status, instance);
        instance->default_network |= made->default_network;
        instance->supplied = made->supplied;
        instance->n_supplied = made->n_supplied;
        instance->vm = &made->vm;
        if (!*ret_refused)
                *ret_refused = refused_instance(e, config, instance, true);
        return instance;
}

/* What is said of the object as it is written, or of the cluster, whatever becomes of it. */
static bool stands_without_instance(const struct mv_rule *rule) {
        return rule->area == MV_AREA_EVICTION || (rule->area == MV_AREA_CONFIGURATION && !rule->last);
}

/* There is no instance, and will be none. */
static void judge_refused(const struct mv_evaluation *e, const struct mv_instance *instance,
                          const struct mv_vm *vm, const struct mv_refused *refused, struct mv_verdict *ret) {
        struct mv_context *ctx = mv_context_new(e, instance, vm, NULL, ret);
        struct mv_finding *finding = mv_arena_new(e->arena, struct mv_finding);
        if (!ctx || !finding) {
                mv_out_of_memory(ret);
                return;
        }
        bool pool = mv_str_is(ret->subject.kind, "VirtualMachinePool");
        *finding = (struct mv_finding){
                .rule = refused->named ? &mv_notice_instancetype : &mv_notice_admission,
                .outcome = MV_OUTCOME_UNKNOWN,
                .severity = MV_SEVERITY_BLOCKER,
                .message = mv_arena_format(e->arena, "%s: %.*s", mv_refused_title(refused),
                                           MV_STR_ARG(refused->message)),
                .field = pool && mv_str_starts_with(refused->field, MV_STR("spec.t"))
                                 ? mv_arena_format(e->arena, "spec.virtualMachineTemplate.%.*s",
                                                   MV_STR_ARG(refused->field))
                                 : refused->field,
                .fix = mv_refused_advice(e->arena, e->snapshot, refused, instance->vmi.meta.namespace),
        };
        if (refused->missing_kind != MV_KIND_COUNT)
                mv_report_missing(finding, refused->missing_kind,
                                  mv_kinds[refused->missing_kind].namespaced ? instance->vmi.meta.namespace
                                                                             : (struct mv_str){ 0 },
                                  refused->missing_name);
        *ctx->end = finding;
        ctx->end = &finding->next;
        ctx->so_far = MV_OUTCOME_UNKNOWN;
        for (size_t i = 0; mv_rules[i]; i++)
                if (stands_without_instance(mv_rules[i]))
                        run_rule(ctx, mv_rules[i]);
        run_site_rules(ctx, e, ret);
        conclude(ctx, ret);
        ret->refused = refused;
        ret->migratable = MV_OUTCOME_UNKNOWN;
        if (mv_arena_failed(e->arena))
                mv_out_of_memory(ret);
}

/* What of a running instance comes from what its VM names: what would come of it now. */
static void note_supplied(const struct mv_evaluation *e, const struct mv_vm *vm,
                          struct mv_instance *instance) {
        struct mv_made *made = mv_arena_new(e->arena, struct mv_made);
        if (!made || (!vm->spec.instancetype && !vm->spec.preference))
                return;
        mv_instancetype_make(e->arena, e->snapshot, mv_kubevirt_config_of(e), vm, false, made);
        if (made->refused)
                return;
        instance->supplied = made->supplied;
        instance->n_supplied = made->n_supplied;
}

void mv_evaluate_vm(const struct mv_evaluation *e, const struct mv_vm *vm, bool from_template,
                    struct mv_verdict *ret) {
        *ret = (struct mv_verdict){ .subject = subject_of("VirtualMachine", vm->api_version, &vm->meta),
                                    .method = "" };
        const struct mv_vmi *running = mv_vm_instance(e->snapshot, vm);
        const struct mv_refused *refused = NULL;
        struct mv_instance *instance;
        if (running && !from_template) {
                instance = mv_arena_new(e->arena, struct mv_instance);
                if (instance) {
                        mv_expand_vmi(e->arena, mv_kubevirt_config_of(e), running, instance);
                        instance->spec_path = "spec.template.spec";
                        instance->meta_path = "spec.template.metadata";
                        instance->vm = vm;
                        note_supplied(e, vm, instance);
                        instance->default_network =
                                vm->spec.template && mv_expand_has_no_network(&vm->spec.template->spec);
                }
        } else
                instance = make_instance(e, vm, running ? &running->status : NULL,
                                         from_template || !mv_vm_is_stored(vm), &refused);
        if (!instance)
                mv_out_of_memory(ret);
        else if (refused)
                judge_refused(e, instance, vm, refused, ret);
        else
                judge(e, instance, vm, NULL, ret);
}

/* The VM that controls an instance, from the snapshot. */
static const struct mv_vm *controlling_vm(const struct mv_snapshot *snapshot, const struct mv_vmi *vmi) {
        const struct mv_owner *owner = mv_meta_controller(&vmi->meta);
        if (!owner || !mv_str_is(owner->kind, "VirtualMachine"))
                return NULL;
        return mv_snapshot_find(snapshot, MV_KIND_VM, vmi->meta.namespace, owner->name);
}

void mv_evaluate_vmi(const struct mv_evaluation *e, const struct mv_vmi *vmi, struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("VirtualMachineInstance", vmi->api_version, &vmi->meta), .method = ""
        };
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        if (!instance) {
                mv_out_of_memory(ret);
                return;
        }
        const struct mv_kubevirt_config *config = mv_kubevirt_config_of(e);
        mv_expand_vmi(e->arena, config, vmi, instance);
        instance->vm = controlling_vm(e->snapshot, vmi);
        /* One that the API server has stored was admitted once. */
        bool submitted = !vmi->meta.uid.n && !vmi->status.phase.n;
        struct mv_str problem =
                submitted ? mv_admission_default_network(config, &vmi->spec) : (struct mv_str){ 0 };
        const struct mv_refused *unknown = submitted ? mv_refused_by_schema(e->arena, &vmi->forbidden) : NULL;
        const struct mv_refused *refused = unknown     ? unknown
                                           : problem.n ? mv_refused_new(e->arena, 400, "", problem)
                                           : submitted ? refused_instance(e, config, instance, false)
                                                       : NULL;
        if (refused)
                judge_refused(e, instance, NULL, refused, ret);
        else
                judge(e, instance, NULL, NULL, ret);
}

void mv_evaluate_migration(const struct mv_evaluation *e, const struct mv_migration *migration,
                           struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("VirtualMachineInstanceMigration", migration->api_version,
                                      &migration->meta),
                .method = "",
        };
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        if (!instance) {
                mv_out_of_memory(ret);
                return;
        }
        const struct mv_kubevirt_config *config = mv_kubevirt_config_of(e);
        struct mv_str namespace = migration->meta.namespace, name = migration->spec.vmi_name;
        const struct mv_vmi *vmi =
                name.n ? mv_snapshot_find(e->snapshot, MV_KIND_VMI, namespace, name) : NULL;
        const struct mv_vm *vm =
                name.n && !vmi ? mv_snapshot_find(e->snapshot, MV_KIND_VM, namespace, name) : NULL;
        if (vmi) {
                mv_expand_vmi(e->arena, config, vmi, instance);
                instance->vm = controlling_vm(e->snapshot, vmi);
        } else if (vm && vm->spec.template) {
                /* It does not run; what the VM would become can be judged all the same. */
                const struct mv_refused *refused;
                instance = make_instance(e, vm, NULL, !mv_vm_is_stored(vm), &refused);
                if (refused)
                        instance = NULL;
        } else
                instance = NULL;
        judge(e, instance, NULL, migration, ret);
}

void mv_evaluate_pool(const struct mv_evaluation *e, const struct mv_pool *pool, struct mv_verdict *ret) {
        *ret = (struct mv_verdict){ .subject =
                                            subject_of("VirtualMachinePool", pool->api_version, &pool->meta),
                                    .method = "" };
        struct mv_vm *vm = mv_arena_new(e->arena, struct mv_vm);
        const struct mv_refused *refused = NULL;
        if (vm) {
                mv_instancetype_pool_vm(e->arena, pool, vm);
                vm->forbidden = pool->forbidden;
        }
        struct mv_instance *instance = vm ? make_instance(e, vm, NULL, true, &refused) : NULL;
        if (!instance) {
                mv_out_of_memory(ret);
                return;
        }
        instance->spec_path = "spec.virtualMachineTemplate.spec.template.spec";
        instance->meta_path = "spec.virtualMachineTemplate.spec.template.metadata";
        if (refused)
                judge_refused(e, instance, vm, refused, ret);
        else
                judge(e, instance, vm, NULL, ret);
}

void mv_evaluate_replica_set(const struct mv_evaluation *e, const struct mv_replica_set *set,
                             struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("VirtualMachineInstanceReplicaSet", set->api_version, &set->meta),
                .method = "",
        };
        static const struct mv_vmi_template nothing = { 0 };
        const struct mv_vmi_template *template = set->spec.template ? set->spec.template : &nothing;
        const struct mv_kubevirt_config *config = mv_kubevirt_config_of(e);
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        if (!instance) {
                mv_out_of_memory(ret);
                return;
        }
        mv_expand_template(e->arena, config, template, &set->meta, NULL, instance);
        struct mv_str problem = mv_admission_default_network(config, &template->spec);
        const struct mv_refused *refused = mv_refused_by_schema(e->arena, &set->forbidden);
        if (!refused)
                refused = problem.n ? mv_refused_new(e->arena, 0, "FailedCreate", problem)
                                    : refused_instance(e, config, instance, true);
        if (refused)
                judge_refused(e, instance, NULL, refused, ret);
        else
                judge(e, instance, NULL, NULL, ret);
}

void mv_evaluate_policy(const struct mv_evaluation *e, const struct mv_migration_policy *policy,
                        struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("MigrationPolicy", MV_STR("migrations.kubevirt.io/v1alpha1"),
                                      &policy->meta),
                .method = "",
        };
        struct mv_context *ctx = mv_context_new(e, NULL, NULL, NULL, ret);
        if (!ctx)
                return;
        ctx->policy = policy;
        run_rules(ctx, false);
        conclude(ctx, ret);
        ret->migratable = summed_up(ctx->findings, true);
        if (mv_arena_failed(e->arena))
                mv_out_of_memory(ret);
}

void mv_evaluate_maintenance(const struct mv_evaluation *e, const struct mv_maintenance *maintenance,
                             struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("NodeMaintenance", maintenance->api_version, &maintenance->meta),
                .method = "",
        };
        struct mv_context *ctx = mv_context_new(e, NULL, NULL, NULL, ret);
        if (!ctx)
                return;
        ctx->maintenance = maintenance;
        struct mv_arena arena;
        const struct mv_drain_question about = { e->snapshot, ctx->config, ctx->version, 0 };
        bool simulated = mv_drain_for_review(&arena, e->arena->allocator, &about, maintenance->spec.node_name,
                                             &ctx->drain);
        if (simulated)
                run_rules(ctx, false);
        mv_arena_done(&arena);
        conclude(ctx, ret);
        ret->migratable = summed_up(ctx->findings, true);
        if (!simulated || mv_arena_failed(e->arena))
                mv_out_of_memory(ret);
}

bool mv_evaluate_entry(const struct mv_evaluation *e, const struct mv_entry *entry, struct mv_verdict *ret) {
        switch (entry->kind) {
        case MV_KIND_VM:
                mv_evaluate_vm(e, entry->object, false, ret);
                return true;
        case MV_KIND_VMI:
                mv_evaluate_vmi(e, entry->object, ret);
                return true;
        case MV_KIND_MIGRATION:
                mv_evaluate_migration(e, entry->object, ret);
                return true;
        case MV_KIND_POOL:
                mv_evaluate_pool(e, entry->object, ret);
                return true;
        case MV_KIND_REPLICA_SET:
                mv_evaluate_replica_set(e, entry->object, ret);
                return true;
        case MV_KIND_MIGRATION_POLICY:
                mv_evaluate_policy(e, entry->object, ret);
                return true;
        case MV_KIND_MAINTENANCE:
        case MV_KIND_LEGACY_MAINTENANCE:
                mv_evaluate_maintenance(e, entry->object, ret);
                return true;
        default:
                return false;
        }
}
