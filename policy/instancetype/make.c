/* SPDX-License-Identifier: Apache-2.0 */
/* A VM on its way through KubeVirt: the mutating webhook, the validating webhook, the controller. */
#include "policy/instancetype.h"

#include "policy/admission.h"
#include "policy/base/growing.h"

struct maker {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_kubevirt_config *config;
        const struct mv_refused *refused; /* the first that refuses */
        bool kubevirt;                    /* who asks is a service account of KubeVirt */
        bool draft;                       /* see struct mv_admission */
};

/* --- refusals --- */

static void refuse(struct maker *m, int code, const char *reason, struct mv_str message) {
        if (!m->refused)
                m->refused = mv_refused_new(m->arena, code, reason, message);
}

/* Likewise, because of what the VM names. */
static void refuse_named(struct maker *m, int code, const char *reason, struct mv_str message) {
        struct mv_refused *refused = m->refused ? NULL : mv_refused_new(m->arena, code, reason, message);
        if (!refused)
                return;
        refused->named = true;
        m->refused = refused;
}

/* The controller does not find what the VM names; before is what it was about to do. */
static void refuse_missing(struct maker *m, const char *reason, const char *before,
                           const struct mv_matched *matched) {
        struct mv_refused *refused = m->refused
                                             ? NULL
                                             : mv_refused_new(m->arena, 0, reason,
                                                              mv_arena_format(m->arena, "%s%.*s", before,
                                                                              MV_STR_ARG(matched->problem)));
        if (!refused)
                return;
        refused->named = true;
        refused->missing_kind = matched->missing_kind;
        refused->missing_name = matched->missing_name;
        m->refused = refused;
}

/* True when there are causes, or somebody has refused before. */
static bool refuse_causes(struct maker *m, const struct mv_causes *causes, bool named) {
        struct mv_refused *refused = m->refused ? NULL : mv_causes_refuse(causes);
        if (refused) {
                refused->named = named;
                m->refused = refused;
        }
        return m->refused != NULL;
}

static void refuse_crash(struct maker *m) {
        refuse_named(
                m, 0, "",
                MV_STR("KubeVirt crashes on this VM, so there is no verdict: the preference has CPU features while neither "
                       "the VM nor an instancetype says anything of the CPU, or it spreads vCPUs with a ratio of 0"));
}

/* --- the mutating webhook (pkg/instancetype/webhooks/vm/mutator.go) --- */

static void check_matcher(struct mv_causes *causes, const struct mv_matcher *matcher, enum mv_matcher_of of) {
        bool type = of == MV_OF_INSTANCETYPE;
        if (!matcher)
                return;
        if (!matcher->name.n && !matcher->infer_from_volume.n)
                mv_causes_add(causes, "FieldValueNotFound",
                              type ? MV_STR("Either Name or InferFromVolume should be provided within the "
                                            "InstancetypeMatcher")
                                   : MV_STR("Either Name or InferFromVolume should be provided within the "
                                            "PreferenceMatcher"),
                              type ? MV_STR("spec.instancetype") : MV_STR("spec.preference"));
        if (matcher->infer_from_volume.n && matcher->name.n)
                mv_causes_add(causes, "FieldValueNotSupported",
                              MV_STR("Name already set, should be cleared before setting inferFromVolume"),
                              type ? MV_STR("spec.instancetype.name") : MV_STR("spec.preference.name"));
        if (matcher->infer_from_volume.n && matcher->kind.n)
                mv_causes_add(causes, "FieldValueNotSupported",
                              MV_STR("Kind already set, should be cleared before setting inferFromVolume"),
                              type ? MV_STR("spec.instancetype.kind") : MV_STR("spec.preference.kind"));
        if (matcher->failure_policy.p && !mv_str_is(matcher->failure_policy, "Ignore") &&
            !mv_str_is(matcher->failure_policy, "Reject"))
                mv_causes_add_unfamiliar(
                        causes, "FieldValueInvalid",
                        mv_arena_format(causes->arena,
                                        "Invalid value '%.*s' for InferFromVolumeFailurePolicy",
                                        MV_STR_ARG(matcher->failure_policy)),
                        type ? MV_STR("spec.instancetype.inferFromVolumeFailurePolicy")
                             : MV_STR("spec.preference.inferFromVolumeFailurePolicy"));
}

/* Another name with the old revision would leave the VM as it was. */
static void check_matcher_update(struct mv_causes *causes, const struct mv_matcher *now,
                                 const struct mv_matcher *old, const char *field) {
        if (now && old && now->revision_name.n && mv_str_equal(now->revision_name, old->revision_name) &&
            !mv_str_equal(now->name, old->name))
                mv_causes_add(causes, "FieldValueInvalid",
                              MV_STR("the Matcher Name has been updated without updating the RevisionName"),
                              mv_str_from(field));
}

static void check_matchers(struct maker *m, const struct mv_vm *vm, const struct mv_vm *old) {
        for (int step = 0; !m->refused && step < 4; step++) {
                struct mv_causes causes = { .arena = m->arena };
                if (step == 0 && old)
                        check_matcher_update(&causes, vm->spec.instancetype, old->spec.instancetype,
                                             "spec.instancetype.revisionName");
                else if (step == 1 && old)
                        check_matcher_update(&causes, vm->spec.preference, old->spec.preference,
                                             "spec.preference.revisionName");
                else if (step == 2)
                        check_matcher(&causes, vm->spec.instancetype, MV_OF_INSTANCETYPE);
                else if (step == 3)
                        check_matcher(&causes, vm->spec.preference, MV_OF_PREFERENCE);
                refuse_causes(m, &causes, true);
        }
}

/* The preferred storage class of DataVolume templates that name none. */
static void prefer_storage_class(struct mv_arena *arena, struct mv_vm *vm, struct mv_str name) {
        size_t n = vm->spec.data_volume_templates.n;
        struct mv_data_volume *templates =
                name.n && n ? mv_arena_new_array(arena, struct mv_data_volume, n) : NULL;
        if (!templates)
                return;
        memcpy(templates, vm->spec.data_volume_templates.items, n * sizeof *templates);
        for (size_t i = 0; i < n; i++) {
                struct mv_claim_spec **both[] = { &templates[i].spec.pvc, &templates[i].spec.storage };
                for (size_t j = 0; j < 2; j++) {
                        struct mv_claim_spec *spec = *both[j] && !(*both[j])->storage_class_name.p
                                                             ? mv_own(arena, *both[j])
                                                             : NULL;
                        if (!spec)
                                continue;
                        spec->storage_class_name = name;
                        *both[j] = spec;
                }
        }
        vm->spec.data_volume_templates.items = templates;
}

static bool is_data_source(struct mv_str kind) {
        static const char word[] = "datasource";
        if (kind.n != sizeof word - 1)
                return false;
        for (size_t i = 0; i < kind.n; i++)
                if ((kind.p[i] | 0x20) != word[i])
                        return false;
        return true;
}

/* The architecture of the image that a DataVolume template is made from (setDefaultArchitectureFromDataSource). */
static struct mv_str source_architecture(const struct maker *m, const struct mv_vm *vm) {
        for (size_t i = 0; i < vm->spec.data_volume_templates.n; i++) {
                const struct mv_source_ref *ref = vm->spec.data_volume_templates.items[i].spec.source_ref;
                if (!ref || !is_data_source(ref->kind))
                        continue;
                const struct mv_data_source *source =
                        mv_snapshot_find(m->snapshot, MV_KIND_DATA_SOURCE,
                                         ref->namespace.n ? ref->namespace : vm->meta.namespace, ref->name);
                if (source && source->spec.source.data_source)
                        source = mv_snapshot_find(m->snapshot, MV_KIND_DATA_SOURCE,
                                                  source->spec.source.data_source->namespace,
                                                  source->spec.source.data_source->name);
                const struct mv_str *label =
                        source ? mv_map_get(&source->meta.labels, MV_STR("template.kubevirt.io/architecture"))
                               : NULL;
                if (label &&
                    (mv_str_is(*label, "amd64") || mv_str_is(*label, "arm64") || mv_str_is(*label, "s390x")))
                        return *label;
        }
        return (struct mv_str){ 0 };
}

/* What names can be inferred from, a later KubeVirt may know more of. */
static void refuse_inference(struct maker *m, struct mv_str problem) {
        struct mv_refused *refused = mv_refused_new(m->arena, 400, "", problem);
        if (!refused)
                return;
        refused->named = true;
        refused->unfamiliar = mv_str_contains(problem, MV_STR("not supported"));
        m->refused = refused;
}

/* vm is a copy with a template of its own. */
static void mutate(struct maker *m, struct mv_vm *vm, const struct mv_vm *old) {
        check_matchers(m, vm, old);
        for (enum mv_matcher_of of = MV_OF_INSTANCETYPE; !m->refused && of <= MV_OF_PREFERENCE; of++) {
                struct mv_str problem = mv_instancetype_infer(m->arena, m->snapshot, vm, of);
                if (problem.n)
                        refuse_inference(m, problem);
        }
        if (m->refused)
                return;
        struct mv_vmi_spec *spec = &vm->spec.template->spec;
        const struct mv_preference *preference =
                mv_instancetype_find(m->arena, m->snapshot, vm, MV_OF_PREFERENCE).object;
        if (preference) {
                if (!spec->architecture.n)
                        spec->architecture = preference->spec.architecture;
                if (!spec->domain.machine.type.n)
                        spec->domain.machine.type = preference->spec.machine.type;
                prefer_storage_class(m->arena, vm, preference->spec.volumes.storage_class_name);
        }
        if (!spec->architecture.n)
                spec->architecture = source_architecture(m, vm);
        mv_default_machine(m->config, spec);
}

/* --- the validating webhook --- */

static const struct mv_instancetype_spec *type_of(struct mv_matched matched) {
        return matched.object ? &((const struct mv_instancetype *)matched.object)->spec : NULL;
}

static const struct mv_preference_spec *preference_of(struct mv_matched matched) {
        return matched.object ? &((const struct mv_preference *)matched.object)->spec : NULL;
}

/* What is not found is left out, silently. create: it is no update. */
static void admit(struct maker *m, const struct mv_vm *vm, bool create) {
        struct mv_causes causes = { .arena = m->arena };
        struct mv_admission admission = { .causes = { .arena = m->arena },
                                          .config = m->config,
                                          .kubevirt = m->kubevirt,
                                          .draft = m->draft };
        const struct mv_instancetype_spec *type =
                type_of(mv_instancetype_find(m->arena, m->snapshot, vm, MV_OF_INSTANCETYPE));
        const struct mv_preference_spec *preference =
                preference_of(mv_instancetype_find(m->arena, m->snapshot, vm, MV_OF_PREFERENCE));
        struct mv_vmi_template result = *vm->spec.template;
        enum mv_applied applied = mv_topology_check(type, preference, &causes);
        if (applied == MV_APPLIED)
                applied = mv_instancetype_apply(m->arena, "spec.template.spec", type, preference, &result,
                                                &causes);
        if (applied == MV_APPLIED_CRASH)
                refuse_crash(m);
        if (m->refused || refuse_causes(m, &causes, true))
                return;
        struct mv_str problem = mv_admission_default_network(m->config, &result.spec);
        if (problem.n) {
                refuse(m, 400, "", problem);
                return;
        }
        mv_default_spec(m->arena, m->config, &result.spec);
        mv_requirements_check(type, preference, &result.spec, &causes);
        if (refuse_causes(m, &causes, true))
                return;
        /* Each of these is an answer of its own. */
        if (create)
                mv_admission_gates(&admission, &vm->spec.template->spec);
        if (create && !admission.causes.n)
                mv_admission_discontinued(&admission, "spec.template.spec", &result.spec);
        if (!admission.causes.n)
                mv_admission_vm(&admission, &vm->spec, &result.meta.labels, &result.spec);
        refuse_causes(m, &admission.causes, false);
}

/* --- the controller (pkg/instancetype/controller/vm/controller.go, pkg/virt-controller/watch/vm/vm.go: startVMI) --- */

static bool found(struct maker *m, const struct mv_matched *matched, const char *reason) {
        if (matched->problem.n)
                refuse_missing(m, reason, "", matched);
        return !matched->problem.n;
}

static bool has_recorded_revision(const struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher_status *status = mv_instancetype_status(vm, of);
        return status && status->revision_name.n;
}

/* The matcher is not what the recorded revision was made for, so the controller records the current object
 * (pkg/instancetype/revision/store.go: syncStatusWithMatcher). */
static bool is_recorded_anew(const struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        const struct mv_matcher_status *status = mv_instancetype_status(vm, of);
        if (!matcher || matcher->revision_name.n)
                return false;
        return !has_recorded_revision(vm, of) ||
               (matcher->name.n && !mv_str_equal(matcher->name, status->name)) ||
               (matcher->kind.n && !mv_str_equal(matcher->kind, status->kind)) ||
               (matcher->infer_from_volume.n &&
                !mv_str_equal(matcher->infer_from_volume, status->infer_from_volume));
}

#define STORING "error encountered while storing instancetype.kubevirt.io controllerRevisions: "
#define EXPANDING "error encountered while expanding into VirtualMachine: "
#define FIELDS "VM field(s) %.*s conflicts with selected instance type"
#define FAILED_CREATE "FailedCreate"

/* Record revisions; what is recorded anew is the current object, which counts from then on. */
static void store(struct maker *m, const struct mv_vm *vm, struct mv_matched *type,
                  struct mv_matched *preference) {
        struct mv_causes causes = { .arena = m->arena };
        struct mv_vmi_template copy = *vm->spec.template;
        if (is_recorded_anew(vm, MV_OF_INSTANCETYPE)) {
                *type = mv_instancetype_find_current(m->arena, m->snapshot, vm, MV_OF_INSTANCETYPE);
                if (type->problem.n)
                        refuse_missing(m, FAILED_CREATE, STORING, type);
                else if (mv_instancetype_apply(m->arena, "spec.template.spec", type_of(*type), NULL, &copy,
                                               &causes) == MV_APPLIED_CONFLICT)
                        refuse_named(m, 0, FAILED_CREATE,
                                     mv_arena_format(m->arena, STORING FIELDS,
                                                     MV_STR_ARG(mv_causes_fields(&causes))));
        }
        if (!m->refused && is_recorded_anew(vm, MV_OF_PREFERENCE)) {
                *preference = mv_instancetype_find_current(m->arena, m->snapshot, vm, MV_OF_PREFERENCE);
                if (preference->problem.n)
                        refuse_missing(m, FAILED_CREATE, STORING, preference);
        }
}

/* Who lists no networks gets the cluster's default one. False when the configuration does not allow that; before is what
 * the controller was about to do. */
static bool default_network(struct maker *m, const char *before, struct mv_made *ret) {
        struct mv_str problem = mv_admission_default_network(m->config, &ret->template.spec);
        if (problem.n)
                refuse(m, 0, FAILED_CREATE, mv_arena_format(m->arena, "%s%.*s", before, MV_STR_ARG(problem)));
        else
                ret->default_network = mv_default_network(m->arena, m->config, &ret->template.spec);
        return !problem.n;
}

/* Write the result into the VM (pkg/instancetype/expand/expand.go). */
static void expand(struct maker *m, const struct mv_instancetype_spec *type,
                   const struct mv_preference_spec *preference, struct mv_made *ret) {
        struct mv_causes causes = { .arena = m->arena };
        if (!default_network(m, EXPANDING, ret))
                return;
        switch (mv_instancetype_apply(m->arena, "spec.template.spec", type, preference, &ret->template,
                                      &causes)) {
        case MV_APPLIED:
                break;
        case MV_APPLIED_CONFLICT:
                refuse_named(
                        m, 0, FAILED_CREATE,
                        mv_arena_format(m->arena, EXPANDING FIELDS, MV_STR_ARG(mv_causes_fields(&causes))));
                break;
        case MV_APPLIED_CRASH:
                refuse_crash(m);
                break;
        }
}

/* Who the instance's annotations name. */
static void annotate(struct mv_arena *arena, const struct mv_vm *vm, enum mv_matcher_of of,
                     struct mv_map *annotations) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        if (!matcher)
                return;
        switch (mv_instancetype_kind(matcher->kind, of)) {
        case MV_KIND_INSTANCETYPE:
                mv_map_set(arena, annotations, MV_STR("kubevirt.io/instancetype-name"), matcher->name);
                break;
        case MV_KIND_CLUSTER_INSTANCETYPE:
                mv_map_set(arena, annotations, MV_STR("kubevirt.io/cluster-instancetype-name"),
                           matcher->name);
                break;
        case MV_KIND_PREFERENCE:
                mv_map_set(arena, annotations, MV_STR("kubevirt.io/preference-name"), matcher->name);
                break;
        case MV_KIND_CLUSTER_PREFERENCE:
                mv_map_set(arena, annotations, MV_STR("kubevirt.io/cluster-preference-name"), matcher->name);
                break;
        default:
                break;
        }
}

/* The controller asks itself before it creates the instance (pkg/virt-controller/watch/vm/vm.go: startVMI). */
static void check_discontinued(struct maker *m, const struct mv_vmi_spec *spec) {
        struct mv_admission admission = { .causes = { .arena = m->arena }, .config = m->config };
        struct mv_growing errors = { .arena = m->arena };
        mv_admission_discontinued(&admission, "spec", spec);
        for (size_t i = 0; i < admission.causes.n; i++)
                mv_growing_add(&errors, "%s&StatusCause{Type:%s,Message:%.*s,Field:%.*s,}", i ? "\n" : "",
                               admission.causes.items[i].reason,
                               MV_STR_ARG(admission.causes.items[i].message),
                               MV_STR_ARG(admission.causes.items[i].field));
        if (errors.n)
                refuse(m, 0, FAILED_CREATE,
                       mv_arena_format(m->arena, "failed create validation: %.*s",
                                       MV_STR_ARG(mv_growing_text(&errors))));
}

/* What the controller makes of running and runStrategy. Neither is as Halted: it starts when somebody asks. */
static void check_run_strategy(struct maker *m, const struct mv_vm_spec *spec) {
        static const char *const strategies[] = { "Halted",         "Manual", "Always",
                                                  "RerunOnFailure", "Once",   "WaitAsReceiver" };
        bool known = !spec->run_strategy.p;
        for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
                known = known || mv_str_is(spec->run_strategy, strategies[i]);
        if (spec->running != MV_UNSET && spec->run_strategy.p)
                refuse(m, 0, FAILED_CREATE,
                       MV_STR("Error fetching RunStrategy: running and runstrategy are mutually exclusive"));
        else if (!known)
                refuse(m, 0, FAILED_CREATE,
                       mv_arena_format(m->arena, "unknown runstrategy: %.*s",
                                       MV_STR_ARG(spec->run_strategy)));
}

/* A memory dump that is done is not loaded again (pkg/storage/memorydump: HasCompleted,
 * RemoveMemoryDumpVolumeFromVMISpec). Its volume has the claim's name. */
static void drop_memory_dump(struct mv_arena *arena, const struct mv_vm *vm, struct mv_vmi_spec *spec) {
        const struct mv_memory_dump *dump = vm->status.memory_dump;
        if (!dump || mv_str_is(dump->phase, "Associating") || mv_str_is(dump->phase, "InProgress"))
                return;
        struct mv_volume *kept = mv_arena_new_array(arena, struct mv_volume, spec->volumes.n);
        size_t n = 0;
        for (size_t i = 0; kept && i < spec->volumes.n; i++)
                if (!mv_str_equal(spec->volumes.items[i].name, dump->claim_name))
                        kept[n++] = spec->volumes.items[i];
        spec->volumes.items = kept;
        spec->volumes.n = n;
}

static void start(struct maker *m, const struct mv_vm *vm, const struct mv_instancetype_spec *type,
                  const struct mv_preference_spec *preference, struct mv_made *ret) {
        struct mv_causes causes = { .arena = m->arena };
        drop_memory_dump(m->arena, vm, &ret->template.spec);
        if (preference)
                mv_preference_apply_autoattach(preference, &ret->template.spec);
        if (!default_network(m, "", ret))
                return;
        annotate(m->arena, vm, MV_OF_INSTANCETYPE, &ret->template.meta.annotations);
        annotate(m->arena, vm, MV_OF_PREFERENCE, &ret->template.meta.annotations);
        switch (mv_instancetype_apply(m->arena, "spec", type, preference, &ret->template, &causes)) {
        case MV_APPLIED:
                break;
        case MV_APPLIED_CONFLICT:
                refuse_named(m, 0, FAILED_CREATE,
                             mv_arena_format(m->arena,
                                             "VMI conflicts with instancetype spec in fields: [%.*s]",
                                             MV_STR_ARG(mv_causes_fields(&causes))));
                break;
        case MV_APPLIED_CRASH:
                refuse_crash(m);
                break;
        }
}

/* The parts of the result that the VM's own template does not have. */
static void note_supplied(struct mv_arena *arena, const struct mv_vmi_spec *own,
                          const struct mv_instancetype_spec *type, struct mv_made *ret) {
        const struct mv_domain *domain = &ret->template.spec.domain, *before = &own->domain;
        const struct mv_hyperv *hyperv = domain->features ? domain->features->hyperv : NULL;
        const struct mv_hyperv *own_hyperv = before->features ? before->features->hyperv : NULL;
        const char *launch_by = type && type->launch_security ? "instancetype" : "preference";
        const struct {
                bool supplied;
                struct mv_supplied entry;
        } all[] = {
                { domain->devices.gpus.n && !before->devices.gpus.n,
                  { "domain.devices.gpus", "instancetype" } },
                { domain->devices.host_devices.n && !before->devices.host_devices.n,
                  { "domain.devices.hostDevices", "instancetype" } },
                { domain->launch_security && !before->launch_security,
                  { "domain.launchSecurity", launch_by } },
                { domain->cpu && domain->cpu->model.n && !(before->cpu && before->cpu->model.n),
                  { "domain.cpu.model", "instancetype" } },
                { domain->cpu && domain->cpu->dedicated_cpu_placement &&
                          !(before->cpu && before->cpu->dedicated_cpu_placement),
                  { "domain.cpu.dedicatedCpuPlacement", "instancetype" } },
                { ret->template.spec.node_selector.n && !own->node_selector.n,
                  { "nodeSelector", "instancetype" } },
                { hyperv && hyperv->reenlightenment && !(own_hyperv && own_hyperv->reenlightenment),
                  { "domain.features.hyperv.reenlightenment", "preference" } },
                { hyperv && hyperv->evmcs && !(own_hyperv && own_hyperv->evmcs),
                  { "domain.features.hyperv.evmcs", "preference" } },
                { domain->devices.tpm && !before->devices.tpm, { "domain.devices.tpm", "preference" } },
                { domain->firmware && domain->firmware->bootloader && domain->firmware->bootloader->efi &&
                          !(before->firmware && before->firmware->bootloader &&
                            before->firmware->bootloader->efi),
                  { "domain.firmware.bootloader.efi", "preference" } },
        };
        ret->supplied = mv_arena_new_array(arena, struct mv_supplied, sizeof all / sizeof *all);
        for (size_t i = 0; ret->supplied && i < sizeof all / sizeof *all; i++)
                if (all[i].supplied)
                        ret->supplied[ret->n_supplied++] = all[i].entry;
}

static bool names_any(const struct mv_vm *vm) {
        return vm->spec.instancetype || vm->spec.preference;
}

static void control(struct maker *m, const struct mv_vmi_spec *own, struct mv_made *ret) {
        const struct mv_vm *vm = &ret->vm;
        check_run_strategy(m, &vm->spec);
        if (m->refused)
                return;
        struct mv_str policy = m->config->spec->instancetype.reference_policy;
        struct mv_matched type = mv_instancetype_find(m->arena, m->snapshot, vm, MV_OF_INSTANCETYPE);
        if (!found(m, &type, "FailedFindInstancetype"))
                return;
        struct mv_matched preference = mv_instancetype_find(m->arena, m->snapshot, vm, MV_OF_PREFERENCE);
        if (!found(m, &preference, "FailedFindPreference"))
                return;
        bool revision =
                has_recorded_revision(vm, MV_OF_INSTANCETYPE) || has_recorded_revision(vm, MV_OF_PREFERENCE);
        if (names_any(vm) && (mv_str_is(policy, "expandAll") || (mv_str_is(policy, "expand") && !revision)))
                expand(m, type_of(type), preference_of(preference), ret);
        else {
                if (!policy.n || mv_str_is(policy, "reference"))
                        store(m, vm, &type, &preference);
                if (!m->refused)
                        start(m, vm, type_of(type), preference_of(preference), ret);
        }
        if (!m->refused)
                check_discontinued(m, &ret->template.spec);
        if (!m->refused)
                note_supplied(m->arena, own, type_of(type), ret);
}

/* --- all of it --- */

bool mv_vm_is_stored(const struct mv_vm *vm) {
        return vm->status.printable_status.n;
}

void mv_instancetype_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                          const struct mv_kubevirt_config *config, const struct mv_vm *vm, bool submitted,
                          struct mv_made *ret) {
        struct maker m = { .arena = arena, .snapshot = snapshot, .config = config, .draft = true };
        static const struct mv_vmi_spec nothing = { 0 };
        *ret = (struct mv_made){ 0 };
        if (!mv_own_vm(arena, vm, &ret->vm))
                return;
        mutate(&m, &ret->vm, NULL);
        ret->template = *ret->vm.spec.template;
        if (!m.refused && submitted)
                admit(&m, &ret->vm, true);
        if (!m.refused)
                control(&m, vm->spec.template ? &vm->spec.template->spec : &nothing, ret);
        ret->refused = m.refused;
}

const struct mv_refused *mv_instancetype_refusal(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                                 const struct mv_kubevirt_config *config,
                                                 const struct mv_vm *vm, const struct mv_vm *old,
                                                 bool kubevirt) {
        struct maker m = { .arena = arena, .snapshot = snapshot, .config = config, .kubevirt = kubevirt };
        struct mv_vm copy;
        if (!mv_own_vm(arena, vm, &copy))
                return NULL;
        mutate(&m, &copy, old);
        if (!m.refused)
                admit(&m, &copy, !old);
        return m.refused;
}
