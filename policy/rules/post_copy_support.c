/* SPDX-License-Identifier: Apache-2.0 */
/*
 * post-copy-support: post-copy is allowed where it cannot work.
 *
 * Reads the effective allowPostCopy, the seccomp profile of launcher pods, the namespace's Pod Security level, the kernels
 * of the nodes, and the devices of the instance.
 */
#include "policy/convergence.h"
#include "policy/object/node.h"
#include "policy/launcher/podsecurity.h"
#include "policy/rule.h"

static struct mv_finding *report(struct mv_context *ctx, struct mv_str field, struct mv_str message) {
        struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL, "%.*s", MV_STR_ARG(message));
        finding->field = field;
        return finding;
}

/* A device that is passed through: KubeVirt stays with pre-copy. */
static bool check_devices(struct mv_context *ctx, struct mv_str from) {
        if (!ctx->behaviour->vfio_in_pre_copy || !mv_has_vfio(&ctx->vmi->spec))
                return false;
        struct mv_finding *finding = report(
                ctx, mv_spec_field(ctx, "domain.devices"),
                mv_text(ctx,
                        "post-copy is allowed (%.*s) but never used here, since a device is passed through: at the deadline "
                        "the guest is stopped instead",
                        MV_STR_ARG(from)));
        finding->severity = MV_SEVERITY_NOTE;
        finding->fix = MV_STR("nothing has to change; allowPostCopy does nothing for this VM");
        return true;
}

/* What Pod Security and seccomp leave of it. */
static void check_security(struct mv_context *ctx, struct mv_str from) {
        const struct mv_custom_profile *profile = &ctx->config->spec->seccomp.launcher.custom;
        struct mv_str name = ctx->vmi->meta.namespace;
        if (profile->localhost_profile.n)
                return; /* the administrator's choice: KubeVirt's own profile allows userfaultfd */
        if (profile->runtime_default) {
                report(ctx, mv_meta_field(ctx, "labels"),
                       mv_text(ctx,
                               "post-copy is allowed (%.*s) and cannot work: launcher pods run under the seccomp profile "
                               "RuntimeDefault (%.*s), which forbids userfaultfd",
                               MV_STR_ARG(from), MV_STR_ARG(ctx->config->from)));
                return;
        }
        if (mv_pod_security_of(ctx->snapshot, name) == MV_POD_SECURITY_UNKNOWN) {
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_UNKNOWN,
                                  "post-copy is allowed (%.*s), and Namespace %.*s %s, so its Pod "
                                  "Security level is not known",
                                  MV_STR_ARG(from), MV_STR_ARG(name),
                                  mv_snapshot_absent(ctx->snapshot, MV_KIND_NAMESPACE));
                finding->field = MV_STR("metadata.namespace");
                finding->fix = mv_missing_fix(ctx, MV_KIND_NAMESPACE, MV_STR(""), name);
                mv_report_missing(finding, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, name);
        } else if (mv_pod_security_asks_seccomp(ctx->snapshot, name))
                report(ctx, MV_STR("metadata.namespace"),
                       mv_text(ctx,
                               "post-copy is allowed (%.*s) and cannot work: namespace %.*s enforces the Pod Security "
                               "level restricted, which demands a seccomp profile, and only one of KubeVirt's own "
                               "allows userfaultfd",
                               MV_STR_ARG(from), MV_STR_ARG(name)));
}

/* Launchers have no SYS_PTRACE, in any version. */
static void check_nodes(struct mv_context *ctx, struct mv_str from) {
        const struct mv_kernels *kernels = mv_snapshot_kernels(ctx->snapshot);
        if (!kernels->newer)
                return;
        struct mv_finding *finding = report(
                ctx, mv_meta_field(ctx, "labels"),
                mv_text(ctx,
                        "post-copy is allowed (%.*s) and works only on nodes with vm.unprivileged_userfaultfd=1, which "
                        "is not the default of %zu of %zu nodes (%.*s has kernel %.*s)",
                        MV_STR_ARG(from), kernels->newer, mv_snapshot_count(ctx->snapshot, MV_KIND_NODE),
                        MV_STR_ARG(kernels->first->meta.name),
                        MV_STR_ARG(kernels->first->status.info.kernel_version)));
        finding->severity = MV_SEVERITY_NOTE;
        finding->fix = MV_STR("set the sysctl vm.unprivileged_userfaultfd=1 on every node that runs VMs");
}

static void check(struct mv_context *ctx) {
        const struct mv_setting *setting = mv_resolution_setting(ctx->resolution, "allowPostCopy");
        if (!setting || !setting->number || check_devices(ctx, setting->from))
                return;
        struct mv_finding **before = ctx->end;
        check_security(ctx, setting->from);
        check_nodes(ctx, setting->from);
        if (ctx->end == before)
                mv_report(ctx, MV_OUTCOME_PASS,
                          "post-copy is allowed (%.*s), and nothing that is known stands in its way",
                          MV_STR_ARG(setting->from));
}

const struct mv_rule mv_rule_post_copy_support = {
        .id = "post-copy-support",
        .area = MV_AREA_CONVERGENCE,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(MIGRATION_POLICY) | MV_NEED(NAMESPACE) | MV_NEED(NODE) | MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "post-copy is allowed where the namespace or the nodes do not",
        .documentation =
                "Post-copy needs the system call userfaultfd in the launcher pod. Where it is forbidden QEMU refuses to "
                "prepare for post-copy, and the whole migration fails at its start. It is forbidden by the seccomp profile "
                "RuntimeDefault of the container runtimes, and a namespace with the Pod Security level restricted "
                "demands a profile. KubeVirt's own, kubevirt/kubevirt.json, allows it. Launchers do not have "
                "SYS_PTRACE, so kernels from 5.11 on also want vm.unprivileged_userfaultfd=1, which nothing in the "
                "cluster's objects shows. With a device passed through KubeVirt never goes to post-copy from 1.9 on.",
        .source =
                "KubeVirt pkg/virt-handler/seccomp/seccomp.go; pkg/virt-controller/services/template.go and "
                "rendercontainer.go: requiredCapabilities; Linux Documentation/admin-guide/sysctl/vm.rst",
        .fix = "enable the gate KubevirtSeccompProfile, set spec.configuration.seccompConfiguration."
               "virtualMachineInstanceProfile.customProfile.localhostProfile to kubevirt/kubevirt.json in the KubeVirt "
               "object, and vm.unprivileged_userfaultfd=1 on the nodes; or do not allow post-copy",
        .revisions = { { 0, check, 0, 0, NULL } },
};
