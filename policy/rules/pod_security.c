/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod-security: what a VM uses may not be allowed by the Pod Security level of its namespace.
 *
 * Reads the label pod-security.kubernetes.io/enforce of the Namespace, what the VM uses of virtiofs and host disks,
 * and seccompConfiguration and selinuxLauncherType of the KubeVirt object.
 */
#include "policy/launcher/podsecurity.h"
#include "policy/rule.h"

struct security {
        struct mv_context *ctx;
        enum mv_pod_security level;
        bool seccomp_checked;
};

static const char *const level_names[] = { "privileged", "baseline", "restricted" };

static void unknown(const struct security *s, const char *what, struct mv_str field) {
        struct mv_str namespace = s->ctx->vmi->meta.namespace;
        struct mv_finding *finding =
                mv_report(s->ctx, MV_OUTCOME_UNKNOWN,
                          "%s may be forbidden by the Pod Security level of namespace %.*s, which %s", what,
                          MV_STR_ARG(namespace), mv_snapshot_absent(s->ctx->snapshot, MV_KIND_NAMESPACE));
        finding->field = field;
        finding->fix = mv_missing_fix(s->ctx, MV_KIND_NAMESPACE, MV_STR(""), namespace);
        mv_report_missing(finding, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
}

/* forbidden_from is the lowest level that forbids it; MV_POD_SECURITY_UNKNOWN when none does. */
static void report(const struct security *s, enum mv_pod_security forbidden_from, const char *what,
                   const char *why, struct mv_str field, const char *fix) {
        struct mv_context *ctx = s->ctx;
        if (s->level == MV_POD_SECURITY_UNKNOWN && forbidden_from <= MV_POD_SECURITY_RESTRICTED) {
                unknown(s, what, field);
                return;
        }
        struct mv_finding *finding;
        if (s->level == MV_POD_SECURITY_UNKNOWN)
                return;
        if (s->level >= forbidden_from) {
                finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                    "%s is forbidden in namespace %.*s (Pod Security level %s): %s", what,
                                    MV_STR_ARG(ctx->vmi->meta.namespace), level_names[s->level], why);
                finding->fix =
                        mv_text(ctx, "%s, or label the namespace pod-security.kubernetes.io/enforce=%s", fix,
                                level_names[forbidden_from - 1]);
        } else {
                finding = mv_report(ctx, MV_OUTCOME_PASS,
                                    "%s is allowed in namespace %.*s (Pod Security level %s)", what,
                                    MV_STR_ARG(ctx->vmi->meta.namespace), level_names[s->level]);
        }
        finding->field = field;
}

static void check_host_disks(const struct security *s) {
        const struct mv_vmi_spec *spec = &s->ctx->vmi->spec;
        for (size_t i = 0; i < spec->volumes.n; i++)
                if (spec->volumes.items[i].host_disk) {
                        report(s, MV_POD_SECURITY_BASELINE, "a hostDisk volume",
                               "the launcher pod mounts a hostPath volume",
                               mv_spec_field(s->ctx, "volumes[%zu].hostDisk", i), "use a claim");
                        return;
                }
}

static bool is_shared(const struct mv_vmi_spec *spec, struct mv_str name) {
        for (size_t i = 0; i < spec->domain.devices.filesystems.n; i++)
                if (mv_str_equal(spec->domain.devices.filesystems.items[i].name, name))
                        return true;
        return false;
}

/* as_root: virtiofs of storage runs as root with capabilities (until 1.4). Later it keeps to every level. */
static void check_virtiofs(const struct security *s, bool as_root) {
        const struct mv_vmi_spec *spec = &s->ctx->vmi->spec;
        for (size_t i = 0; i < spec->volumes.n && spec->domain.devices.filesystems.n; i++) {
                const struct mv_volume *volume = &spec->volumes.items[i];
                if ((!volume->persistent_volume_claim && !volume->data_volume) ||
                    !is_shared(spec, volume->name))
                        continue;
                report(s, as_root ? MV_POD_SECURITY_RESTRICTED : MV_POD_SECURITY_UNKNOWN,
                       "virtiofs of a claim", "its container runs as root with capabilities",
                       mv_spec_field(s->ctx, "volumes[%zu]", i), "show the claim as a disk");
                return;
        }
}

static const struct mv_custom_profile *profile_of(const struct security *s) {
        return &s->ctx->config->spec->seccomp.launcher.custom;
}

static bool has_profile(const struct security *s) {
        return profile_of(s)->localhost_profile.p || profile_of(s)->runtime_default;
}

static const char profile_fix[] =
        "configure KubeVirt's own seccomp profile for VMs (seccompConfiguration in the KubeVirt object, with the gate "
        "KubevirtSeccompProfile)";

/* What every launcher of the cluster is like, whatever the VM: told of only where it is forbidden. */
static void check_launchers(const struct security *s) {
        static const char *const types[] = { "", "container_t", "container_init_t", "container_kvm_t",
                                             "container_engine_t" };
        struct mv_str type = s->ctx->config->spec->selinux_launcher_type;
        bool known = false;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                known |= mv_str_is(type, types[i]);
        if (s->level == MV_POD_SECURITY_RESTRICTED && s->seccomp_checked && !has_profile(s))
                report(s, MV_POD_SECURITY_RESTRICTED, "the launcher pod of any VM",
                       "it has no seccomp profile, so the API server refuses a migration's target pod",
                       mv_spec_field(s->ctx, "domain"), profile_fix);
        if (!known && (s->level == MV_POD_SECURITY_BASELINE || s->level == MV_POD_SECURITY_RESTRICTED))
                report(s, MV_POD_SECURITY_BASELINE, "the launcher pod of any VM",
                       "its SELinux type (selinuxLauncherType in the KubeVirt object) is none of those that the level allows",
                       mv_spec_field(s->ctx, "domain"), "clear selinuxLauncherType");
}

static void check_for(struct mv_context *ctx, bool virtiofs_as_root) {
        struct mv_str namespace = ctx->vmi->meta.namespace;
        const struct security s = {
                .ctx = ctx,
                .level = mv_pod_security_of(ctx->snapshot, namespace),
                .seccomp_checked = mv_pod_security_asks_seccomp(ctx->snapshot, namespace),
        };
        check_launchers(&s);
        check_host_disks(&s);
        check_virtiofs(&s, virtiofs_as_root);
}

static void check_1_0(struct mv_context *ctx) {
        check_for(ctx, true);
}

static void check(struct mv_context *ctx) {
        check_for(ctx, false);
}

const struct mv_rule mv_rule_pod_security = {
        .id = "pod-security",
        .area = MV_AREA_SECURITY,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NAMESPACE) | MV_NEED(KUBEVIRT),
        .reason = "",
        .targets = true,
        .summary = "what a VM uses may not be allowed by its namespace's Pod Security level",
        .documentation =
                "The API server refuses pods that break the level of the label pod-security.kubernetes.io/enforce of their "
                "namespace, a migration's target pod too; a pod that runs already may be from before the label. A hostDisk "
                "volume is a hostPath, which baseline forbids. The level restricted asks for a seccomp profile, which "
                "launchers have only when the KubeVirt object's seccompConfiguration says so (what that means for "
                "post-copy is post-copy-support's). Before 1.5 the virtiofs containers of claims ran as root, which restricted forbids; since then they keep "
                "to it. A launcher of a VM that does not run as root keeps to restricted otherwise.",
        .source = "KubeVirt pkg/virt-controller/services: template.go (computePodSecurityContext), rendercontainer.go, "
                  "virtiofs.go; pkg/virt-handler/seccomp; Kubernetes k8s.io/pod-security-admission/policy",
        .fix = "label the namespace with a level that allows it, or do without",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 5), check, 0, 0, "virtiofs of a claim does not run as root" },
        },
};
