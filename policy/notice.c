/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/notice.h"

const struct mv_rule mv_notice_admission = {
        .id = "admission",
        .area = MV_AREA_VERDICT,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "KubeVirt's own validation makes no instance of this object",
        .documentation =
                "KubeVirt would refuse the object, or its controller would not start the VM, so there is nothing that "
                "could migrate and no verdict: fields that its API does not have (KubeVirt's webhooks refuse them; those of an "
                "object that the API server has stored are passed over), an unknown evictionStrategy, running and "
                "runStrategy together or (only in the answer to a request) neither of them, an unknown runStrategy, "
                "bridge on the pod network where the cluster does not permit it, slirp "
                "as the cluster's default, interfaces without exactly one binding or with one that is gone (slirp, "
                "passt, macvtap), labels that only KubeVirt sets, an unsupported architecture. `refused` has KubeVirt's "
                "answer to the letter. An object that runs is not refused, and of a VM whose status KubeVirt has "
                "written only what its controller says counts: the webhooks admitted it long ago.",
        .source =
                "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/vms-admitter.go, vmi-create-admitter.go; "
                "pkg/network/admitter; pkg/util/openapi; pkg/virt-controller/watch/vm/vm.go: startVMI",
        .fix = "change the fields that KubeVirt's message is about",
};

const struct mv_rule mv_notice_instancetype = {
        .id = "instancetype",
        .area = MV_AREA_VERDICT,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED_INSTANCETYPES,
        .reason = "",
        .summary = "no instance comes of the instancetype or preference that the VM names",
        .documentation =
                "The VM names an instancetype or a preference that is not there, that sets a field which the VM sets "
                "too, whose requirements the VM does not meet, or that cannot be inferred from a volume. KubeVirt "
                "refuses such a VM, or its controller does not start it, so there is nothing that could migrate and no "
                "verdict. `refused` has KubeVirt's answer to the letter.",
        .source = "KubeVirt pkg/instancetype, pkg/virt-controller/watch/vm/vm.go: startVMI",
        .fix = "name an instancetype and a preference that exist and that leave the VM's own fields alone",
};

const struct mv_rule mv_notice_cluster_unread = {
        .id = "cluster-unread",
        .area = MV_AREA_VERDICT,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT) | MV_NEED(NODE) | MV_NEED(POD) | MV_NEED(MIGRATION_POLICY) |
                 MV_NEED(RESOURCE_QUOTA) | MV_NEED(LIMIT_RANGE),
        .reason = "",
        .summary = "a live cluster does not tell what decides",
        .documentation =
                "On a live cluster migvet lists and watches what the rules read. Where it may not (its role lacks the "
                "permission) or has not got so far yet, nothing can be concluded from seeing nothing: without the Nodes and the "
                "KubeVirt object the verdict is Unknown, without Pods, MigrationPolicies, ResourceQuotas or LimitRanges the "
                "risks that they tell of are. A kind that the API server does not have is known to be absent, and is "
                "no finding. With files this does not occur: what they hold is the cluster.",
        .source = "migvet's own view of the API server; /readyz?verbose lists every kind",
        .fix = "give migvet's service account get, list and watch of the kind, as its chart does",
};

const struct mv_rule mv_notice_out_of_memory = {
        .id = "out-of-memory",
        .area = MV_AREA_VERDICT,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "",
        .summary = "there was not enough memory to judge the object",
        .documentation =
                "Every judgement has a limit of memory, which an object of some size that KubeVirt accepts "
                "does not reach. Where it is reached nothing that was found can be trusted to be all, so the "
                "verdict is Unknown.",
        .source = "migvet's own limit",
        .fix = "make the object smaller",
};

const struct mv_rule mv_notice_configuration = {
        .id = "configuration",
        .area = MV_AREA_VERDICT,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "",
        .summary = "which entry of the configuration applies is not known",
        .documentation =
                "An entry of `namespaces` in the configuration has a regular expression that takes too much work for this "
                "namespace, or a selector, and the Namespace is not in the input. Where the entry sets the severity of a "
                "rule the verdict is Unknown; where a request would be denied it is Unknown whether it is.",
        .source = "migvet's own configuration",
        .fix = "give migvet the Namespace too, or make the regular expression simpler",
};
