/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/storage.h"

/* There are more volumes than anything else, with a dozen labels and annotations each. Of these only the labels are read
 * that name an instancetype and a preference (policy/instancetype/infer.c). */
static const struct mv_field volume_meta_fields[] = {
        MV_FIELD(struct mv_meta, "deletionTimestamp", MV_TYPE_STRING, deletion_timestamp),
        MV_FIELD(struct mv_meta, "generateName", MV_TYPE_STRING, generate_name),
        MV_FIELD_PREFIX(struct mv_meta, "labels", MV_TYPE_MAP, labels, "instancetype.kubevirt.io/"),
        MV_FIELD(struct mv_meta, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_meta, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table volume_meta_table = MV_TABLE(volume_meta_fields, struct mv_meta);

static const struct mv_field claim_resources_fields[] = {
        MV_FIELD(struct mv_claim_resources, "requests", MV_TYPE_TEXT_MAP, requests),
};
static const struct mv_table claim_resources_table =
        MV_TABLE(claim_resources_fields, struct mv_claim_resources);

static const struct mv_field claim_spec_fields[] = {
        MV_FIELD(struct mv_claim_spec, "accessModes", MV_TYPE_STRINGS, access_modes),
        MV_FIELD_TABLE(struct mv_claim_spec, "resources", MV_TYPE_OBJECT, resources, &claim_resources_table),
        MV_FIELD(struct mv_claim_spec, "storageClassName", MV_TYPE_STRING, storage_class_name),
        MV_FIELD(struct mv_claim_spec, "volumeMode", MV_TYPE_STRING, volume_mode),
        MV_FIELD(struct mv_claim_spec, "volumeName", MV_TYPE_STRING, volume_name),
};
static const struct mv_table claim_spec_table = MV_TABLE(claim_spec_fields, struct mv_claim_spec);

static const struct mv_field claim_status_fields[] = {
        MV_FIELD(struct mv_claim_status, "capacity", MV_TYPE_TEXT_MAP, capacity),
        MV_FIELD(struct mv_claim_status, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table claim_status_table = MV_TABLE(claim_status_fields, struct mv_claim_status);

static const struct mv_field claim_fields[] = {
        MV_FIELD_TABLE(struct mv_claim, "metadata", MV_TYPE_OBJECT, meta, &volume_meta_table),
        MV_FIELD_TABLE(struct mv_claim, "spec", MV_TYPE_OBJECT, spec, &claim_spec_table),
        MV_FIELD_TABLE(struct mv_claim, "status", MV_TYPE_OBJECT, status, &claim_status_table),
};
const struct mv_table mv_table_claim = MV_TABLE(claim_fields, struct mv_claim);

static const struct mv_field volume_node_affinity_fields[] = {
        MV_FIELD_TABLE(struct mv_volume_node_affinity, "required", MV_TYPE_POINTER, required,
                       &mv_table_node_selector),
};
static const struct mv_table volume_node_affinity_table =
        MV_TABLE(volume_node_affinity_fields, struct mv_volume_node_affinity);
static const struct mv_field persistent_volume_spec_fields[] = {
        MV_FIELD(struct mv_persistent_volume_spec, "accessModes", MV_TYPE_STRINGS, access_modes),
        MV_FIELD(struct mv_persistent_volume_spec, "capacity", MV_TYPE_TEXT_MAP, capacity),
        MV_FIELD_TABLE(struct mv_persistent_volume_spec, "nodeAffinity", MV_TYPE_POINTER, node_affinity,
                       &volume_node_affinity_table),
        MV_FIELD(struct mv_persistent_volume_spec, "storageClassName", MV_TYPE_STRING, storage_class_name),
        MV_FIELD(struct mv_persistent_volume_spec, "volumeMode", MV_TYPE_STRING, volume_mode),
};
static const struct mv_table persistent_volume_spec_table =
        MV_TABLE(persistent_volume_spec_fields, struct mv_persistent_volume_spec);
static const struct mv_field persistent_volume_fields[] = {
        MV_FIELD_TABLE(struct mv_persistent_volume, "metadata", MV_TYPE_OBJECT, meta, &volume_meta_table),
        MV_FIELD_TABLE(struct mv_persistent_volume, "spec", MV_TYPE_OBJECT, spec,
                       &persistent_volume_spec_table),
};
const struct mv_table mv_table_persistent_volume =
        MV_TABLE(persistent_volume_fields, struct mv_persistent_volume);

static const struct mv_field topology_requirement_fields[] = {
        MV_FIELD(struct mv_topology_selector_requirement, "key", MV_TYPE_STRING, key),
        MV_FIELD(struct mv_topology_selector_requirement, "values", MV_TYPE_STRINGS, values),
};
static const struct mv_table topology_requirement_table =
        MV_TABLE(topology_requirement_fields, struct mv_topology_selector_requirement);
static const struct mv_field topology_term_fields[] = {
        MV_FIELD_TABLE(struct mv_topology_selector_term, "matchLabelExpressions", MV_TYPE_LIST,
                       match_label_expressions, &topology_requirement_table),
};
static const struct mv_table topology_term_table =
        MV_TABLE(topology_term_fields, struct mv_topology_selector_term);
static const struct mv_field storage_class_fields[] = {
        MV_FIELD_TABLE(struct mv_storage_class, "allowedTopologies", MV_TYPE_LIST, allowed_topologies,
                       &topology_term_table),
        MV_FIELD_TABLE(struct mv_storage_class, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD(struct mv_storage_class, "parameters", MV_TYPE_MAP, parameters),
        MV_FIELD(struct mv_storage_class, "provisioner", MV_TYPE_STRING, provisioner),
        MV_FIELD(struct mv_storage_class, "volumeBindingMode", MV_TYPE_STRING, volume_binding_mode),
};
const struct mv_table mv_table_storage_class = MV_TABLE(storage_class_fields, struct mv_storage_class);

static const struct mv_field property_set_fields[] = {
        MV_FIELD(struct mv_claim_property_set, "accessModes", MV_TYPE_STRINGS, access_modes),
        MV_FIELD(struct mv_claim_property_set, "volumeMode", MV_TYPE_STRING, volume_mode),
};
static const struct mv_table property_set_table = MV_TABLE(property_set_fields, struct mv_claim_property_set);
static const struct mv_field storage_profile_status_fields[] = {
        MV_FIELD_TABLE(struct mv_storage_profile_status, "claimPropertySets", MV_TYPE_LIST,
                       claim_property_sets, &property_set_table),
        MV_FIELD(struct mv_storage_profile_status, "provisioner", MV_TYPE_STRING, provisioner),
        MV_FIELD(struct mv_storage_profile_status, "storageClass", MV_TYPE_STRING, storage_class),
};
static const struct mv_table storage_profile_status_table =
        MV_TABLE(storage_profile_status_fields, struct mv_storage_profile_status);
static const struct mv_field storage_profile_fields[] = {
        MV_FIELD_TABLE(struct mv_storage_profile, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_storage_profile, "status", MV_TYPE_OBJECT, status,
                       &storage_profile_status_table),
};
const struct mv_table mv_table_storage_profile = MV_TABLE(storage_profile_fields, struct mv_storage_profile);

static const struct mv_field source_ref_fields[] = {
        MV_FIELD(struct mv_source_ref, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct mv_source_ref, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_source_ref, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table source_ref_table = MV_TABLE(source_ref_fields, struct mv_source_ref);
static const struct mv_field object_ref_fields[] = {
        MV_FIELD(struct mv_object_ref, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_object_ref, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table object_ref_table = MV_TABLE(object_ref_fields, struct mv_object_ref);
static const struct mv_field source_fields[] = {
        MV_FIELD_TABLE(struct mv_data_source_source, "dataSource", MV_TYPE_POINTER, data_source,
                       &object_ref_table),
        MV_FIELD_TABLE(struct mv_data_source_source, "pvc", MV_TYPE_POINTER, pvc, &object_ref_table),
        MV_FIELD_TABLE(struct mv_data_source_source, "snapshot", MV_TYPE_POINTER, snapshot,
                       &object_ref_table),
};
static const struct mv_table source_table = MV_TABLE(source_fields, struct mv_data_source_source);
static const struct mv_field data_volume_spec_fields[] = {
        MV_FIELD(struct mv_data_volume_spec, "contentType", MV_TYPE_STRING, content_type),
        MV_FIELD_TABLE(struct mv_data_volume_spec, "pvc", MV_TYPE_POINTER, pvc, &claim_spec_table),
        MV_FIELD_TABLE(struct mv_data_volume_spec, "source", MV_TYPE_POINTER, source, &source_table),
        MV_FIELD_TABLE(struct mv_data_volume_spec, "sourceRef", MV_TYPE_POINTER, source_ref,
                       &source_ref_table),
        MV_FIELD_TABLE(struct mv_data_volume_spec, "storage", MV_TYPE_POINTER, storage, &claim_spec_table),
};
static const struct mv_table data_volume_spec_table =
        MV_TABLE(data_volume_spec_fields, struct mv_data_volume_spec);
static const struct mv_field data_volume_fields[] = {
        MV_FIELD_TABLE(struct mv_data_volume, "metadata", MV_TYPE_OBJECT, meta, &volume_meta_table),
        MV_FIELD_TABLE(struct mv_data_volume, "spec", MV_TYPE_OBJECT, spec, &data_volume_spec_table),
};
const struct mv_table mv_table_data_volume = MV_TABLE(data_volume_fields, struct mv_data_volume);

static const struct mv_field data_source_spec_fields[] = {
        MV_FIELD_TABLE(struct mv_data_source_spec, "source", MV_TYPE_OBJECT, source, &source_table),
};
static const struct mv_table data_source_spec_table =
        MV_TABLE(data_source_spec_fields, struct mv_data_source_spec);
static const struct mv_field data_source_fields[] = {
        MV_FIELD_TABLE(struct mv_data_source, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct mv_data_source, "spec", MV_TYPE_OBJECT, spec, &data_source_spec_table),
};
const struct mv_table mv_table_data_source = MV_TABLE(data_source_fields, struct mv_data_source);

static const struct mv_field volume_snapshot_fields[] = {
        MV_FIELD_TABLE(struct mv_volume_snapshot, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
};
const struct mv_table mv_table_volume_snapshot = MV_TABLE(volume_snapshot_fields, struct mv_volume_snapshot);
