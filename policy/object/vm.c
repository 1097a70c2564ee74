/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/vm.h"

static const struct mv_field template_fields[] = {
        MV_FIELD_TABLE(struct mv_vmi_template, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_vmi_template, "spec", MV_TYPE_OBJECT, spec, &mv_table_vmi_spec),
};
static const struct mv_table template_table = MV_TABLE(template_fields, struct mv_vmi_template);

static const struct mv_field matcher_fields[] = {
        MV_FIELD(struct mv_matcher, "inferFromVolume", MV_TYPE_STRING, infer_from_volume),
        MV_FIELD(struct mv_matcher, "inferFromVolumeFailurePolicy", MV_TYPE_STRING, failure_policy),
        MV_FIELD(struct mv_matcher, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_matcher, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_matcher, "revisionName", MV_TYPE_STRING, revision_name),
};
static const struct mv_table matcher_table = MV_TABLE(matcher_fields, struct mv_matcher);

static const struct mv_field vm_spec_fields[] = {
        MV_FIELD(struct mv_vm_spec, "affinity", MV_TYPE_GIVEN, misplaced.affinity),
        MV_FIELD_TABLE(struct mv_vm_spec, "dataVolumeTemplates", MV_TYPE_LIST, data_volume_templates,
                       &mv_table_data_volume),
        MV_FIELD(struct mv_vm_spec, "domain", MV_TYPE_GIVEN, misplaced.domain),
        MV_FIELD(struct mv_vm_spec, "evictionStrategy", MV_TYPE_GIVEN, misplaced.eviction_strategy),
        MV_FIELD_TABLE(struct mv_vm_spec, "instancetype", MV_TYPE_POINTER, instancetype, &matcher_table),
        MV_FIELD(struct mv_vm_spec, "networks", MV_TYPE_GIVEN, misplaced.networks),
        MV_FIELD(struct mv_vm_spec, "nodeSelector", MV_TYPE_GIVEN, misplaced.node_selector),
        MV_FIELD_TABLE(struct mv_vm_spec, "preference", MV_TYPE_POINTER, preference, &matcher_table),
        MV_FIELD(struct mv_vm_spec, "runStrategy", MV_TYPE_STRING, run_strategy),
        MV_FIELD(struct mv_vm_spec, "running", MV_TYPE_OPTIONAL, running),
        MV_FIELD(struct mv_vm_spec, "schedulerName", MV_TYPE_GIVEN, misplaced.scheduler_name),
        MV_FIELD_TABLE(struct mv_vm_spec, "template", MV_TYPE_POINTER, template, &template_table),
        MV_FIELD(struct mv_vm_spec, "tolerations", MV_TYPE_GIVEN, misplaced.tolerations),
        MV_FIELD(struct mv_vm_spec, "topologySpreadConstraints", MV_TYPE_GIVEN,
                 misplaced.topology_spread_constraints),
        MV_FIELD(struct mv_vm_spec, "volumes", MV_TYPE_GIVEN, misplaced.volumes),
};
static const struct mv_table vm_spec_table = MV_TABLE(vm_spec_fields, struct mv_vm_spec);

/* A reference to a revision is an object of its own; only its name counts. */
static const struct mv_field revision_ref_fields[] = {
        MV_FIELD(struct mv_matcher_status, "name", MV_TYPE_STRING, revision_name),
};
static const struct mv_table revision_ref_table = MV_TABLE(revision_ref_fields, struct mv_matcher_status);
static const struct mv_field matcher_status_fields[] = {
        { .key = { "controllerRevisionRef", 21 }, .type = MV_TYPE_OBJECT, .table = &revision_ref_table },
        MV_FIELD(struct mv_matcher_status, "inferFromVolume", MV_TYPE_STRING, infer_from_volume),
        MV_FIELD(struct mv_matcher_status, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_matcher_status, "name", MV_TYPE_STRING, name),
};
static const struct mv_table matcher_status_table = MV_TABLE(matcher_status_fields, struct mv_matcher_status);
static const struct mv_field memory_dump_fields[] = {
        MV_FIELD(struct mv_memory_dump, "claimName", MV_TYPE_STRING, claim_name),
        MV_FIELD(struct mv_memory_dump, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table memory_dump_table = MV_TABLE(memory_dump_fields, struct mv_memory_dump);
static const struct mv_field vm_status_fields[] = {
        MV_FIELD_TABLE(struct mv_vm_status, "instancetypeRef", MV_TYPE_POINTER, instancetype,
                       &matcher_status_table),
        MV_FIELD_TABLE(struct mv_vm_status, "memoryDumpRequest", MV_TYPE_POINTER, memory_dump,
                       &memory_dump_table),
        MV_FIELD_TABLE(struct mv_vm_status, "preferenceRef", MV_TYPE_POINTER, preference,
                       &matcher_status_table),
        MV_FIELD(struct mv_vm_status, "printableStatus", MV_TYPE_STRING, printable_status),
};
static const struct mv_table vm_status_table = MV_TABLE(vm_status_fields, struct mv_vm_status);

static const struct mv_field vm_fields[] = {
        MV_FIELD(struct mv_vm, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_vm, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_vm, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_vm, "spec", MV_TYPE_OBJECT, spec, &vm_spec_table),
        MV_FIELD_TABLE(struct mv_vm, "status", MV_TYPE_OBJECT, status, &vm_status_table),
};
const struct mv_table mv_table_vm = MV_TABLE(vm_fields, struct mv_vm);

static const struct mv_field pool_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_pool_spec, "virtualMachineTemplate", MV_TYPE_POINTER, template,
                       &mv_table_vm),
};
static const struct mv_table pool_spec_table = MV_TABLE(pool_spec_fields, struct mv_pool_spec);
static const struct mv_field pool_fields[] = {
        MV_FIELD(struct mv_pool, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_pool, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_pool, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_pool, "spec", MV_TYPE_OBJECT, spec, &pool_spec_table),
};
const struct mv_table mv_table_pool = MV_TABLE(pool_fields, struct mv_pool);

static const struct mv_field replica_set_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_replica_set_spec, "template", MV_TYPE_POINTER, template, &template_table),
};
static const struct mv_table replica_set_spec_table =
        MV_TABLE(replica_set_spec_fields, struct mv_replica_set_spec);
static const struct mv_field replica_set_fields[] = {
        MV_FIELD(struct mv_replica_set, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct mv_replica_set, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct mv_replica_set, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_replica_set, "spec", MV_TYPE_OBJECT, spec, &replica_set_spec_table),
};
const struct mv_table mv_table_replica_set = MV_TABLE(replica_set_fields, struct mv_replica_set);
