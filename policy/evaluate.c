/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/evaluate.h"

#include "policy/behaviour.h"
#include "policy/claims.h"
#include "policy/instancetype.h"
#include "policy/registry.h"
#include "policy/resolve.h"

#include <limits.h>

const char *mv_verdict_word(enum mv_outcome migratable) {
        static const char *const words[] = { "True", "False", "Unknown" };
        return words[migratable];
}

const char *mv_severity_name(enum mv_severity severity) {
        static const char *const names[] = { "note", "risk", "blocker" };
        return names[severity];
}

const char *mv_outcome_name(enum mv_outcome outcome) {
        static const char *const names[] = { "pass", "fail", "unknown" };
        return names[outcome];
}

const char *mv_area_name(enum mv_area area) {
        static const char *const names[] = { "storage",   "network",  "cpu",     "device",       "security",
                                             "placement", "eviction", "request", "configuration" };
        return names[area];
}

/* --- the two conditions --- */

/* KubeVirt's chain is rebuilt from what the rules reported: within a step, by the place in the spec. */
static bool before(const struct mv_finding *a, const struct mv_finding *b, unsigned step_a, unsigned step_b) {
        return step_a != step_b ? step_a < step_b : step_a && a->index < b->index;
}

/* The first failing step decides. */
static void live_condition(struct mv_verdict *verdict) {
        const struct mv_finding *first = NULL;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (f->condition.n && f->live_step &&
                    (!first || before(f, first, f->live_step, first->live_step)))
                        first = f;
        verdict->conditions[verdict->n_conditions++] = (struct mv_verdict_condition){
                .type = "LiveMigratable",
                .status = first ? "False" : "True",
                .reason = first ? mv_str_from(first->rule->reason) : (struct mv_str){ 0 },
                .message = first ? first->condition : (struct mv_str){ 0 },
        };
}

/* All failing steps are listed, each once. */
static void storage_condition(struct mv_arena *arena, struct mv_verdict *verdict) {
        struct mv_str message = { 0 };
        for (unsigned done = 0;;) {
                const struct mv_finding *next = NULL;
                for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                        if (f->condition.n && f->storage_step > done &&
                            (!next || before(f, next, f->storage_step, next->storage_step)))
                                next = f;
                if (!next)
                        break;
                message = mv_arena_format(arena, "%.*s%s%s: %.*s", MV_STR_ARG(message), message.n ? ", " : "",
                                          next->rule->reason, MV_STR_ARG(next->condition));
                done = next->storage_step;
        }
        verdict->conditions[verdict->n_conditions++] = (struct mv_verdict_condition){
                .type = "StorageLiveMigratable",
                .status = message.n ? "False" : "True",
                .reason = message.n ? MV_STR("NotMigratable") : (struct mv_str){ 0 },
                .message = message,
        };
}

/* KubeVirt's check of the volumes says no. */
static bool is_volume_error(const struct mv_finding *f) {
        return f->condition.n && (f->live_step == MV_STEP_VOLUMES || f->live_step == MV_STEP_VOLUMES_FIRST);
}

/* Shared storage moves nothing but memory; anything local, or an error of the volumes, means block migration. */
static const char *migration_method(const struct mv_context *ctx, const struct mv_verdict *verdict) {
        const struct mv_vmi *vmi = ctx->vmi;
        if (vmi->status.migrated_volumes.n && ctx->behaviour->migrated_volumes == MV_MIGRATED_COPIED)
                return "BlockMigration";
        for (size_t i = 0; i < vmi->spec.volumes.n; i++)
                if (ctx->claims[i].copied)
                        return "BlockMigration";
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (is_volume_error(f))
                        return "BlockMigration";
        return "LiveMigration";
}

/* --- running the rules --- */

/* requests: what is wrong with the request for a migration counts, too. */
static enum mv_outcome summed_up(const struct mv_finding *findings, bool requests) {
        enum mv_outcome outcome = MV_OUTCOME_PASS;
        for (const struct mv_finding *f = findings; f; f = f->next) {
                if (f->severity != MV_SEVERITY_BLOCKER || f->outcome == MV_OUTCOME_PASS ||
                    (f->rule->request && !requests))
                        continue;
                if (f->outcome == MV_OUTCOME_FAIL)
                        return MV_OUTCOME_FAIL;
                outcome = MV_OUTCOME_UNKNOWN;
        }
        return outcome;
}

static void run_rules(struct mv_context *ctx, bool last) {
        for (size_t i = 0; mv_rules[i]; i++) {
                const struct mv_rule *rule = mv_rules[i];
                const struct mv_migration_spec *asked = ctx->migration ? &ctx->migration->spec : NULL;
                if (rule->last != last ||
                    (rule->request ? !asked || ctx->migration->status.phase.n : !ctx->vmi) ||
                    (rule->targets && asked && asked->send_to && !asked->receive))
                        continue;
                const struct mv_revision *revision = mv_rule_revision(rule, ctx->version);
                ctx->rule = rule;
                ctx->revision = revision;
                if (revision)
                        revision->check(ctx);
        }
}

/* A migration between clusters copies the disks, so that they are not shared is only worth a note. */
static void ease_for_decentralized(struct mv_context *ctx) {
        if (!ctx->migration || (!ctx->migration->spec.send_to && !ctx->migration->spec.receive))
                return;
        for (struct mv_finding *f = ctx->findings; f; f = f->next)
                if (is_volume_error(f))
                        f->severity = MV_SEVERITY_NOTE;
}

/* What is found in the instance is, for the user who wrote the migration, at the instance that he names. */
static void point_at_vmi_name(struct mv_context *ctx) {
        for (struct mv_finding *f = ctx->findings; ctx->migration && f; f = f->next)
                if (!f->rule->request)
                        f->field = MV_STR("spec.vmiName");
}

static void set_version(const struct mv_evaluation *e, struct mv_context *ctx, struct mv_verdict *verdict) {
        struct mv_str text = { 0 };
        unsigned number = mv_kubevirt_version_parse(e->version, &text);
        verdict->version = number ? text : ctx->config->version;
        verdict->version_from = number ? MV_STR("flag") : ctx->config->version_from;
        ctx->version = number ? number : ctx->config->version_number;
        ctx->version_known = ctx->version != 0;
        if (!ctx->version_known)
                ctx->version = UINT_MAX; /* every rule as in the newest version */
        ctx->behaviour = mv_behaviour_of(ctx->version);
        struct mv_kubevirt_config *config = number ? mv_arena_new(e->arena, struct mv_kubevirt_config) : NULL;
        if (config) { /* the states of feature gates follow the version, too */
                *config = *ctx->config;
                config->version_number = number;
                ctx->config = config;
        }
}

/* The object that holds the instance's eviction strategy: KubeVirt writes the cluster's into instances that have none. */
static struct mv_str eviction_origin(const struct mv_context *ctx, const struct mv_subject *subject) {
        const struct mv_vmi_template *template = ctx->vm ? ctx->vm->spec.template : NULL;
        struct mv_str own = ctx->vmi->spec.eviction_strategy;
        bool from_template = !ctx->vm || (template && template->spec.eviction_strategy.p);
        if (!from_template && mv_str_equal(own, ctx->config->eviction_strategy))
                return ctx->config->eviction_from;
        bool instance = ctx->migration || !from_template;
        return mv_arena_format(ctx->arena, "%.*s/%.*s/%.*s",
                               MV_STR_ARG(instance ? MV_STR("VirtualMachineInstance") : subject->kind),
                               MV_STR_ARG(subject->namespace),
                               MV_STR_ARG(instance ? ctx->vmi->meta.name : subject->name));
}

/* The eviction strategy in force, and who set it. */
static void set_eviction(struct mv_context *ctx, struct mv_verdict *verdict) {
        struct mv_str own = ctx->vmi->spec.eviction_strategy;
        verdict->eviction_strategy = own.p ? own : ctx->config->eviction_strategy;
        verdict->eviction_from = own.p ? eviction_origin(ctx, &verdict->subject) : ctx->config->eviction_from;
        ctx->eviction_strategy = verdict->eviction_strategy;
        ctx->eviction_set = !mv_str_is(verdict->eviction_from, "default");
}

/* Memory ran out somewhere: nothing that was found can be trusted to be all. */
static void out_of_memory(struct mv_verdict *verdict) {
        static const struct mv_rule rule = { .id = "out-of-memory",
                                             .severity = MV_SEVERITY_BLOCKER,
                                             .reason = "" };
        static const struct mv_finding finding = {
                .rule = &rule,
                .outcome = MV_OUTCOME_UNKNOWN,
                .severity = MV_SEVERITY_BLOCKER,
                .message = { "there was not enough memory to judge this object", 48 },
                .fix = { "make the object smaller", 23 },
        };
        verdict->migratable = MV_OUTCOME_UNKNOWN;
        verdict->n_conditions = 0;
        verdict->resolution = NULL;
        verdict->fit = NULL;
        verdict->fit_question = NULL;
        verdict->method = "";
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

/* The launcher pod, and where it could go. An instance that leaves for another cluster goes to no node of this one. */
static void set_fit(struct mv_context *ctx, struct mv_verdict *verdict) {
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

static void judge(const struct mv_evaluation *e, const struct mv_instance *instance, const struct mv_vm *vm,
                  const struct mv_migration *migration, struct mv_verdict *ret) {
        struct mv_context *ctx = mv_arena_new(e->arena, struct mv_context);
        if (!ctx) {
                out_of_memory(ret);
                return;
        }
        if (instance && e->cpu_model.n)
                instance = with_cpu_model(e, instance);
        *ctx = (struct mv_context){
                .arena = e->arena,
                .snapshot = e->snapshot,
                .config = mv_snapshot_config(e->snapshot),
                .instance = instance,
                .vmi = instance ? &instance->vmi : NULL,
                .vm = vm,
                .migration = migration,
                .user = e->user,
        };
        ctx->end = &ctx->findings;
        set_version(e, ctx, ret);
        if (instance) {
                set_eviction(ctx, ret);
                ctx->claims = mv_claims_resolve(e->arena, e->snapshot, ctx->behaviour, instance);
                set_fit(ctx, ret);
                ret->instance = instance;
                ret->resolution = mv_resolve(e->arena, e->snapshot, &instance->vmi, ctx->version);
                if (instance->vmi.status.conditions.n)
                        ret->observed = &instance->vmi.status.conditions;
        }
        if (!mv_arena_failed(e->arena))
                run_rules(ctx, false);
        ret->findings = ctx->findings;
        if (instance && !mv_arena_failed(e->arena)) {
                live_condition(ret);
                if (ctx->behaviour->storage_condition)
                        storage_condition(e->arena, ret);
                ease_for_decentralized(ctx);
                ret->method = migration_method(ctx, ret);
                ctx->so_far = summed_up(ctx->findings, false);
                ctx->condition_status = mv_str_from(ret->conditions[0].status);
                run_rules(ctx, true);
        }
        point_at_vmi_name(ctx);
        ret->findings = ctx->findings;
        ret->migratable = summed_up(ctx->findings, true);
        if (!instance && ret->migratable == MV_OUTCOME_PASS)
                ret->migratable = MV_OUTCOME_UNKNOWN; /* there was nothing to judge */
        if (mv_arena_failed(e->arena))
                out_of_memory(ret);
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

/* The instance that KubeVirt makes of a VM. NULL when it makes none (*ret_refused says why), or memory is out. */
static struct mv_instance *make_instance(const struct mv_evaluation *e, const struct mv_vm *vm,
                                         const struct mv_vmi_status *status,
                                         const struct mv_refused **ret_refused) {
        struct mv_made *made = mv_arena_new(e->arena, struct mv_made);
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        *ret_refused = NULL;
        if (!made || !instance)
                return NULL;
        mv_instancetype_make(e->arena, e->snapshot, vm, made);
        *ret_refused = made->refused;
        if (made->refused)
                return NULL;
        mv_expand_template(e->arena, mv_snapshot_config(e->snapshot), &made->template, &vm->meta, status,
                           instance);
        instance->default_network |= made->default_network;
        instance->supplied = made->supplied;
        instance->n_supplied = made->n_supplied;
        instance->vm = &made->vm;
        return instance;
}

/* There is no instance, and will be none: nothing to judge but the VM's own word on eviction. What is found has no rule
 * of the registry. */
static void judge_refused(const struct mv_evaluation *e, const struct mv_vm *vm,
                          const struct mv_refused *refused, struct mv_verdict *ret) {
        const struct mv_kubevirt_config *config = mv_snapshot_config(e->snapshot);
        struct mv_str own =
                vm->spec.template ? vm->spec.template->spec.eviction_strategy : (struct mv_str){ 0 };
        judge(e, NULL, vm, NULL, ret);
        if (mv_arena_failed(e->arena))
                return;
        ret->eviction_strategy = own.p ? own : config->eviction_strategy;
        ret->eviction_from =
                own.p ? mv_arena_format(e->arena, "%.*s/%.*s/%.*s", MV_STR_ARG(ret->subject.kind),
                                        MV_STR_ARG(ret->subject.namespace), MV_STR_ARG(ret->subject.name))
                      : config->eviction_from;
        static const struct mv_rule rule = { .id = "instancetype",
                                             .severity = MV_SEVERITY_BLOCKER,
                                             .reason = "" };
        struct mv_finding *finding = mv_arena_new(e->arena, struct mv_finding);
        bool pool = mv_str_is(ret->subject.kind, "VirtualMachinePool");
        if (!finding) {
                out_of_memory(ret);
                return;
        }
        *finding = (struct mv_finding){
                .rule = &rule,
                .outcome = MV_OUTCOME_UNKNOWN,
                .severity = MV_SEVERITY_BLOCKER,
                .message = mv_arena_format(e->arena, "%s: %.*s", mv_refused_title(refused),
                                           MV_STR_ARG(refused->message)),
                .field = !refused->n_causes ? MV_STR("")
                         : pool             ? mv_arena_format(e->arena, "spec.virtualMachineTemplate.%.*s",
                                                              MV_STR_ARG(refused->causes[0].field))
                                            : refused->causes[0].field,
                .fix = mv_str_from(mv_refused_fix(refused)),
        };
        if (refused->missing_kind != MV_KIND_COUNT)
                mv_report_missing(finding, refused->missing_kind,
                                  mv_kinds[refused->missing_kind].namespaced ? vm->meta.namespace
                                                                             : (struct mv_str){ 0 },
                                  refused->missing_name);
        ret->findings = finding;
        ret->refused = refused;
        ret->migratable = MV_OUTCOME_UNKNOWN;
        if (mv_arena_failed(e->arena))
                out_of_memory(ret);
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
                        mv_expand_vmi(e->arena, mv_snapshot_config(e->snapshot), running, instance);
                        instance->spec_path = "spec.template.spec";
                        instance->meta_path = "spec.template.metadata";
                        instance->vm = vm;
                        instance->default_network =
                                vm->spec.template && mv_expand_has_no_network(&vm->spec.template->spec);
                }
        } else
                instance = make_instance(e, vm, running ? &running->status : NULL, &refused);
        if (instance)
                judge(e, instance, vm, NULL, ret);
        else if (refused)
                judge_refused(e, vm, refused, ret);
        else
                out_of_memory(ret);
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
                out_of_memory(ret);
                return;
        }
        mv_expand_vmi(e->arena, mv_snapshot_config(e->snapshot), vmi, instance);
        instance->vm = controlling_vm(e->snapshot, vmi);
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
                out_of_memory(ret);
                return;
        }
        const struct mv_kubevirt_config *config = mv_snapshot_config(e->snapshot);
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
                instance = make_instance(e, vm, NULL, &refused);
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
        if (vm)
                mv_instancetype_pool_vm(e->arena, pool, vm);
        struct mv_instance *instance = vm ? make_instance(e, vm, NULL, &refused) : NULL;
        if (instance) {
                instance->spec_path = "spec.virtualMachineTemplate.spec.template.spec";
                instance->meta_path = "spec.virtualMachineTemplate.spec.template.metadata";
                judge(e, instance, NULL, NULL, ret);
        } else if (refused)
                judge_refused(e, vm, refused, ret);
        else
                out_of_memory(ret);
}

void mv_evaluate_replica_set(const struct mv_evaluation *e, const struct mv_replica_set *set,
                             struct mv_verdict *ret) {
        *ret = (struct mv_verdict){
                .subject = subject_of("VirtualMachineInstanceReplicaSet", set->api_version, &set->meta),
                .method = "",
        };
        static const struct mv_vmi_template nothing = { 0 };
        struct mv_instance *instance = mv_arena_new(e->arena, struct mv_instance);
        if (!instance) {
                out_of_memory(ret);
                return;
        }
        mv_expand_template(e->arena, mv_snapshot_config(e->snapshot),
                           set->spec.template ? set->spec.template : &nothing, &set->meta, NULL, instance);
        judge(e, instance, NULL, NULL, ret);
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
        default:
                return false;
        }
}
