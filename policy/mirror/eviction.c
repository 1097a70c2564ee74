/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction of a pod (admitters/pod-eviction-admitter.go). Code 429 is the success case: KubeVirt has marked the
 * instance to leave its node, and the client tries again until it has.
 */
#include "policy/mirror.h"

#include "policy/object/pod.h"
#include "policy/object/vmi.h"

/* The instance that the pod runs; "" when it does not say. p is NULL when it says nothing at all. */
static struct mv_str instance_of(const struct mv_pod *pod) {
        const struct mv_str *name = mv_map_get(&pod->meta.annotations, MV_STR("kubevirt.io/domain"));
        return name ? *name : (struct mv_str){ 0 };
}

static bool is_running_launcher(const struct mv_pod *pod) {
        return mv_map_has(&pod->meta.labels, MV_STR("kubevirt.io"), MV_STR("virt-launcher")) &&
               !mv_pod_is_final(pod);
}

/* The pod that holds hotplugged disks stays as long as the instance that uses them. */
static void evict_hotplug(struct mv_mirror_answer *answer, const struct mv_pod *pod) {
        const struct mv_snapshot *snapshot = answer->in->snapshot;
        struct mv_str namespace = pod->meta.namespace;
        const struct mv_pod *owner =
                mv_snapshot_find(snapshot, MV_KIND_POD, namespace, pod->meta.owners.items[0].name);
        if (!owner || !is_running_launcher(owner))
                return;
        struct mv_str name = instance_of(owner);
        if (name.p && mv_snapshot_find(snapshot, MV_KIND_VMI, namespace, name))
                mv_mirror_retry(answer,
                                mv_mirror_text(answer,
                                               "cannot evict hotplug pod: %.*s associated with running vmi: "
                                               "%.*s in namespace %.*s",
                                               MV_STR_ARG(pod->meta.name), MV_STR_ARG(name),
                                               MV_STR_ARG(namespace)));
}

static bool is_migratable(const struct mv_vmi *vmi) {
        for (size_t i = 0; i < vmi->status.conditions.n; i++) {
                const struct mv_condition *condition = &vmi->status.conditions.items[i];
                if (mv_str_is(condition->type, "LiveMigratable") && mv_str_is(condition->status, "True"))
                        return true;
        }
        return false;
}

/* The instance is to leave the node of the pod. */
static void mark(struct mv_mirror_answer *answer, const struct mv_pod *pod, const struct mv_vmi *vmi) {
        struct mv_str triggered = mv_mirror_text(answer, "Eviction triggered evacuation of VMI \"%.*s/%.*s\"",
                                                 MV_STR_ARG(vmi->meta.namespace), MV_STR_ARG(vmi->meta.name));
        if (vmi->status.evacuation_node_name.n)
                mv_mirror_retry(answer, mv_mirror_text(answer, "Evacuation in progress: %.*s",
                                                       MV_STR_ARG(triggered)));
        else if (!mv_str_equal(vmi->status.node_name, pod->spec.node_name))
                mv_mirror_retry(answer, MV_STR("Eviction request for target Pod"));
        else if (!answer->in->request->object.n)
                mv_mirror_retry(answer,
                                MV_STR("failed to parse the eviction object: unexpected end of JSON input"));
        else {
                mv_mirror_retry(answer, triggered);
                answer->decision->evacuation = pod->spec.node_name;
        }
}

static void evict_launcher(struct mv_mirror_answer *answer, const struct mv_pod *pod) {
        struct mv_str name = instance_of(pod), namespace = answer->in->request->namespace;
        if (!name.p)
                return;
        const struct mv_vmi *vmi = mv_snapshot_find(answer->in->snapshot, MV_KIND_VMI, namespace, name);
        if (!vmi) {
                mv_mirror_retry(answer,
                                mv_mirror_text(answer,
                                               "kubevirt failed getting the vmi: "
                                               "virtualmachineinstances.kubevirt.io \"%.*s\" not found",
                                               MV_STR_ARG(name)));
                return;
        }
        struct mv_str strategy = vmi->spec.eviction_strategy.p ? vmi->spec.eviction_strategy
                                                               : answer->config->eviction_strategy;
        if (mv_str_is(strategy, "LiveMigrate") && !is_migratable(vmi))
                mv_mirror_retry(answer,
                                mv_mirror_text(answer,
                                               "VMI %.*s is configured with an eviction strategy but is not "
                                               "live-migratable",
                                               MV_STR_ARG(vmi->meta.name)));
        else if (mv_str_is(strategy, "LiveMigrate") || mv_str_is(strategy, "External") ||
                 (mv_str_is(strategy, "LiveMigrateIfPossible") && is_migratable(vmi)))
                mark(answer, pod, vmi);
}

void mv_mirror_eviction(struct mv_mirror_answer *answer) {
        const struct mv_review_request *request = answer->in->request;
        const struct mv_pod *pod =
                mv_snapshot_find(answer->in->snapshot, MV_KIND_POD, request->namespace, request->name);
        if (!pod)
                return;
        if (mv_map_has(&pod->meta.labels, MV_STR("kubevirt.io"), MV_STR("hotplug-disk")) &&
            pod->meta.owners.n == 1)
                evict_hotplug(answer, pod);
        else if (is_running_launcher(pod))
                evict_launcher(answer, pod);
}
