/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/pod.h"

/* The network's and others' annotations are long, and read by no rule. */
static const struct mv_field meta_fields[] = {
        MV_FIELD_PREFIX(struct mv_meta, "annotations", MV_TYPE_MAP, annotations, "kubevirt.io/"),
        MV_FIELD(struct mv_meta, "deletionTimestamp", MV_TYPE_STRING, deletion_timestamp),
        MV_FIELD(struct mv_meta, "generateName", MV_TYPE_STRING, generate_name),
        MV_FIELD(struct mv_meta, "labels", MV_TYPE_MAP, labels),
        MV_FIELD(struct mv_meta, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct mv_meta, "namespace", MV_TYPE_STRING, namespace),
        MV_FIELD_TABLE(struct mv_meta, "ownerReferences", MV_TYPE_LIST, owners, &mv_table_owner),
};
static const struct mv_table meta_table = MV_TABLE(meta_fields, struct mv_meta);

static const struct mv_field container_resources_fields[] = {
        MV_FIELD(struct mv_container_resources, "limits", MV_TYPE_TEXT_MAP, limits),
        MV_FIELD(struct mv_container_resources, "requests", MV_TYPE_TEXT_MAP, requests),
};
const struct mv_table mv_table_container_resources =
        MV_TABLE(container_resources_fields, struct mv_container_resources);
static const struct mv_field container_fields[] = {
        MV_FIELD(struct mv_container, "name", MV_TYPE_STRING, name),
        MV_FIELD_TABLE(struct mv_container, "resources", MV_TYPE_OBJECT, resources,
                       &mv_table_container_resources),
        MV_FIELD(struct mv_container, "restartPolicy", MV_TYPE_STRING, restart_policy),
};
static const struct mv_table container_table = MV_TABLE(container_fields, struct mv_container);

static const struct mv_field spec_fields[] = {
        MV_FIELD(struct mv_pod_spec, "activeDeadlineSeconds", MV_TYPE_INT, active_deadline_seconds),
        MV_FIELD_TABLE(struct mv_pod_spec, "affinity", MV_TYPE_POINTER, affinity, &mv_table_affinity),
        MV_FIELD_TABLE(struct mv_pod_spec, "containers", MV_TYPE_LIST, containers, &container_table),
        MV_FIELD_TABLE(struct mv_pod_spec, "initContainers", MV_TYPE_LIST, init_containers, &container_table),
        MV_FIELD(struct mv_pod_spec, "nodeName", MV_TYPE_STRING, node_name),
        MV_FIELD(struct mv_pod_spec, "nodeSelector", MV_TYPE_MAP, node_selector),
        MV_FIELD(struct mv_pod_spec, "overhead", MV_TYPE_TEXT_MAP, overhead),
        MV_FIELD(struct mv_pod_spec, "priorityClassName", MV_TYPE_STRING, priority_class_name),
        MV_FIELD_TABLE(struct mv_pod_spec, "resources", MV_TYPE_OBJECT, resources,
                       &mv_table_container_resources),
        MV_FIELD(struct mv_pod_spec, "schedulerName", MV_TYPE_STRING, scheduler_name),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct mv_pod_spec);
static const struct mv_field status_fields[] = {
        MV_FIELD(struct mv_pod_status, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct mv_pod_status);

static const struct mv_field pod_fields[] = {
        MV_FIELD_TABLE(struct mv_pod, "metadata", MV_TYPE_OBJECT, meta, &meta_table),
        MV_FIELD_TABLE(struct mv_pod, "spec", MV_TYPE_OBJECT, spec, &spec_table),
        MV_FIELD_TABLE(struct mv_pod, "status", MV_TYPE_OBJECT, status, &status_table),
};
const struct mv_table mv_table_pod = MV_TABLE(pod_fields, struct mv_pod);

bool mv_pod_is_final(const struct mv_pod *pod) {
        return mv_str_is(pod->status.phase, "Succeeded") || mv_str_is(pod->status.phase, "Failed");
}
