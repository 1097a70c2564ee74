/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VirtualMachineInstance, create and update (admitters/vmi-create-admitter.go, admitters/vmi-update-admitter.go).
 */
#include "policy/mirror.h"

#include "policy/admission.h"

#include "policy/object/equal.h"
#include "policy/object/quantity.h"
#include "policy/object/vmi.h"

#define RESOURCE "virtualmachineinstances"

/* --- create --- */

static bool has_expected_resource(struct mv_mirror_answer *answer) {
        if (mv_mirror_has_resource(answer, RESOURCE))
                return true;
        mv_mirror_unfamiliar(answer);
        mv_mirror_error(answer, MV_STR("expect resource to be '" RESOURCE "'"));
        return false;
}

void mv_mirror_vmi_create(struct mv_mirror_answer *answer) {
        struct mv_admission admission = { .causes = { .arena = answer->in->arena },
                                          .config = answer->config,
                                          .kubevirt = mv_mirror_user_is_kubevirt(answer, NULL) };
        if (!mv_mirror_schema(answer, &mv_shape_vmi_spec) || !has_expected_resource(answer))
                return;
        const struct mv_vmi *vmi = mv_mirror_object(answer, MV_KIND_VMI, &mv_shape_vmi);
        if (!vmi)
                return;
        mv_admission_vmi(&admission, &vmi->meta.labels, &vmi->spec);
        if (admission.causes.unfamiliar)
                mv_mirror_unfamiliar(answer);
        mv_mirror_causes(answer, admission.causes.items, admission.causes.n);
}

/* --- update --- */

struct instance { /* what an update is judged by */
        struct mv_meta meta;
        struct mv_str spec; /* JSON text */
        struct instance_status {
                struct mv_str node_name;
                struct migration_state {
                        struct mv_str target_node;
                } * migration_state;
        } status;
};

static const struct mv_field migration_state_fields[] = {
        MV_FIELD(struct migration_state, "targetNode", MV_TYPE_STRING, target_node),
};
static const struct mv_table migration_state_table = MV_TABLE(migration_state_fields, struct migration_state);
static const struct mv_field status_fields[] = {
        MV_FIELD_TABLE(struct instance_status, "migrationState", MV_TYPE_POINTER, migration_state,
                       &migration_state_table),
        MV_FIELD(struct instance_status, "nodeName", MV_TYPE_STRING, node_name),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct instance_status);
static const struct mv_field instance_fields[] = {
        MV_FIELD_TABLE(struct instance, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD(struct instance, "spec", MV_TYPE_RAW, spec),
        MV_FIELD_TABLE(struct instance, "status", MV_TYPE_OBJECT, status, &status_table),
};
static const struct mv_table instance_table = MV_TABLE(instance_fields, struct instance);

struct user_extra {
        struct mv_strings node_name;
};
static const struct mv_field user_extra_fields[] = {
        MV_FIELD(struct user_extra, "authentication.kubernetes.io/node-name", MV_TYPE_STRINGS, node_name),
};
static const struct mv_table user_extra_table = MV_TABLE(user_extra_fields, struct user_extra);

/* What virt-handler may not do to instances of other nodes, or NULL. */
static const char *node_restriction(struct mv_mirror_answer *answer, const struct instance *now,
                                    const struct instance *before) {
        struct user_extra extra;
        const struct migration_state *was = before->status.migration_state, *is = now->status.migration_state;
        if (!mv_kubevirt_gate(answer->config, "NodeRestriction") ||
            !mv_mirror_user_is_kubevirt(answer, "kubevirt-handler"))
                return NULL;
        if (!mv_mirror_decode(answer, answer->in->request->user.extra, &user_extra_table, &extra, NULL) ||
            !extra.node_name.n)
                return "Node restriction failed, virt-handler service account is missing node name";
        struct mv_str node = extra.node_name.items[0], target = was ? was->target_node : (struct mv_str){ 0 };
        if (!mv_str_equal(node, before->status.node_name) && (!target.n || !mv_str_equal(node, target)))
                return "Node restriction, virt-handler is only allowed to modify VMIs it owns";
        if (!target.n && is && is->target_node.n)
                return "Node restriction, virt-handler is not allowed to set target node";
        return NULL;
}

/* What KubeVirt's own accounts may not change while the instance runs, or NULL (admitHotplugCPU, admitHotplugMemory).
 * Volumes are passed over. */
static const char *hotplug(struct mv_mirror_answer *answer, const struct instance *now,
                           const struct instance *before) {
        struct mv_vmi_spec is, was;
        struct mv_quantity x, y;
        if (!mv_mirror_decode(answer, now->spec, &mv_table_vmi_spec, &is, NULL) ||
            !mv_mirror_decode(answer, before->spec, &mv_table_vmi_spec, &was, NULL))
                return NULL;
        if (is.domain.cpu && was.domain.cpu &&
            is.domain.cpu->max_sockets.value != was.domain.cpu->max_sockets.value)
                return "CPU topology maxSockets changed";
        if (is.domain.memory && was.domain.memory && is.domain.memory->max_guest.p &&
            was.domain.memory->max_guest.p && mv_quantity_parse(is.domain.memory->max_guest, &x, NULL) == 0 &&
            mv_quantity_parse(was.domain.memory->max_guest, &y, NULL) == 0 &&
            mv_quantity_compare(&x, &y) != 0)
                return "Memory maxGuest changed";
        return NULL;
}

/* Every reserved label of a is in b, with its value. */
static bool labels_kept(const struct mv_map *a, const struct mv_map *b) {
        for (size_t i = 0; i < a->n; i++)
                if (mv_label_is_reserved(a->items[i].key) &&
                    !mv_map_has(b, a->items[i].key, a->items[i].value))
                        return false;
        return true;
}

void mv_mirror_vmi_update(struct mv_mirror_answer *answer) {
        const struct mv_review_request *request = answer->in->request;
        struct instance now, before;
        struct mv_err err = { 0 };
        if (!mv_mirror_schema(answer, &mv_shape_vmi_spec) || !has_expected_resource(answer))
                return;
        if (!mv_mirror_decode(answer, request->object, &instance_table, &now, &err) ||
            !mv_mirror_decode(answer, request->old_object, &instance_table, &before, &err)) {
                mv_mirror_unfamiliar(answer);
                mv_mirror_error(answer, mv_mirror_text(answer, "%s: %s", err.path, err.message));
                return;
        }
        bool kubevirt = mv_mirror_user_is_kubevirt(answer, NULL);
        const char *reason = "FieldValueInvalid", *problem = node_restriction(answer, &now, &before);
        if (!problem && !mv_json_equal(answer->in->arena, now.spec, before.spec, &mv_shape_vmi_spec)) {
                problem = kubevirt ? hotplug(answer, &now, &before) : "update of VMI object is restricted";
                reason = kubevirt ? reason : "FieldValueNotSupported";
        }
        if (!problem && !kubevirt &&
            (!labels_kept(&now.meta.labels, &before.meta.labels) ||
             !labels_kept(&before.meta.labels, &now.meta.labels))) {
                problem =
                        "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited";
                reason = "FieldValueNotSupported";
        }
        if (problem)
                mv_mirror_cause(answer, reason, mv_str_from(problem), (struct mv_str){ 0 });
}
