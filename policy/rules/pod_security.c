/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod-security: what a VM uses may not be allowed by the Pod Security level of its namespace.
 *
 * Reads the label pod-security.kubernetes.io/enforce of the Namespace, what the VM uses of virtiofs, host disks and
 * post-copy, and seccompConfiguration and selinuxLauncherType of the KubeVirt object.
 */
#include "policy/resolve.h"
#include "policy/rule.h"

enum level { PRIVILEGED, BASELINE, RESTRICTED, NOT_KNOWN };

struct security {
        struct mv_context *ctx;
        enum level level;
        bool seccomp_checked; /* restricted asks for a seccomp profile since v1.19 of the standards */
};

static const char *const level_names[] = { "privileged", "baseline", "restricted" };

/* The level that a label says. What Kubernetes does not know counts as restricted (k8s.io/pod-security-admission/api:
 * ParseLevel). */
static enum level level_of(const struct mv_map *labels) {
        const struct mv_str *level = mv_map_get(labels, MV_STR("pod-security.kubernetes.io/enforce"));
        return !level || mv_str_is(*level, "privileged") ? PRIVILEGED
               : mv_str_is(*level, "baseline")           ? BASELINE
                                                         : RESTRICTED;
}

/* "v1.18" is older than v1.19; "latest", none and what nobody knows are not. */
static bool asks_seccomp(const struct mv_map *labels) {
        const struct mv_str *version =
                mv_map_get(labels, MV_STR("pod-security.kubernetes.io/enforce-version"));
        unsigned long long minor;
        return !version || !mv_str_starts_with(*version, MV_STR("v1.")) ||
               !mv_str_to_unsigned(mv_str_skip(*version, 3), 1000, &minor) || minor >= 19;
}

static void unknown(const struct security *s, const char *what, struct mv_str field) {
        struct mv_str namespace = s->ctx->vmi->meta.namespace;
        struct mv_finding *finding = mv_report(
                s->ctx, MV_OUTCOME_UNKNOWN,
                "%s may be forbidden by the Pod Security level of namespace %.*s, which is not in the input",
                what, MV_STR_ARG(namespace));
        finding->field = field;
        finding->fix = mv_text(s->ctx, "give migvet Namespace %.*s", MV_STR_ARG(namespace));
        mv_report_missing(finding, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
}

/* forbidden_from is the lowest level that forbids it; RESTRICTED + 1 when none does. */
static void report(const struct security *s, enum level forbidden_from, const char *what, const char *why,
                   struct mv_str field, const char *fix) {
        struct mv_context *ctx = s->ctx;
        if (s->level == NOT_KNOWN && forbidden_from <= RESTRICTED) {
                unknown(s, what, field);
                return;
        }
        struct mv_finding *finding;
        if (s->level == NOT_KNOWN)
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
                        report(s, BASELINE, "a hostDisk volume", "the launcher pod mounts a hostPath volume",
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
                report(s, as_root ? RESTRICTED : RESTRICTED + 1, "virtiofs of a claim",
                       "its container runs as root with capabilities",
                       mv_spec_field(s->ctx, "volumes[%zu]", i), "show the claim as a disk");
                return;
        }
}

static bool allows_post_copy(struct mv_context *ctx) {
        const struct mv_resolution *resolution =
                mv_resolve(ctx->arena, ctx->snapshot, ctx->vmi, ctx->version);
        for (size_t i = 0; resolution && i < resolution->n_settings; i++)
                if (strcmp(resolution->settings[i].path, "allowPostCopy") == 0)
                        return resolution->settings[i].number;
        return false;
}

static const struct mv_custom_profile *profile_of(const struct security *s) {
        return &s->ctx->config->spec->seccomp.virtual_machine_instance.custom;
}

static bool has_profile(const struct security *s) {
        return profile_of(s)->localhost.p || profile_of(s)->runtime_default;
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
        if (s->level == RESTRICTED && s->seccomp_checked && !has_profile(s))
                report(s, RESTRICTED, "the launcher pod of any VM",
                       "it has no seccomp profile, so the API server refuses a migration's target pod",
                       mv_spec_field(s->ctx, "domain"), profile_fix);
        if (!known && (s->level == BASELINE || s->level == RESTRICTED))
                report(s, BASELINE, "the launcher pod of any VM",
                       "its SELinux type (selinuxLauncherType in the KubeVirt object) is none of those that the level allows",
                       mv_spec_field(s->ctx, "domain"), "clear selinuxLauncherType");
}

/* Post-copy needs the system call userfaultfd. The profile that container runtimes have by default blocks it; KubeVirt's
 * own, and none, do not. The level restricted asks for a profile. */
static void check_post_copy(const struct security *s) {
        struct mv_context *ctx = s->ctx;
        bool none_allowed = s->level == PRIVILEGED || s->level == BASELINE || !s->seccomp_checked;
        if (!allows_post_copy(ctx))
                return;
        struct mv_str field = mv_spec_field(ctx, "domain");
        if (s->level == NOT_KNOWN && !has_profile(s)) {
                unknown(s, "post-copy", field);
        } else if (!profile_of(s)->localhost.p && profile_of(s)->runtime_default) {
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "post-copy is allowed, but launchers have the runtime's default seccomp profile, which blocks the "
                        "system call userfaultfd that it needs");
                finding->field = field;
                finding->fix = mv_text(ctx, "%s, or switch allowPostCopy off", profile_fix);
        } else if (s->level != NOT_KNOWN && (has_profile(s) || none_allowed)) {
                mv_report(ctx, MV_OUTCOME_PASS, "no Pod Security level forbids what post-copy needs")->field =
                        field;
        }
        /* Otherwise no launcher is allowed at all, and check_launchers says so. */
}

static void check_for(struct mv_context *ctx, bool virtiofs_as_root) {
        const struct mv_namespace *namespace = mv_snapshot_find(
                ctx->snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, ctx->vmi->meta.namespace);
        const struct security s = {
                .ctx = ctx,
                .level = namespace ? level_of(&namespace->meta.labels) : NOT_KNOWN,
                .seccomp_checked = namespace && asks_seccomp(&namespace->meta.labels),
        };
        check_launchers(&s);
        check_host_disks(&s);
        check_virtiofs(&s, virtiofs_as_root);
        check_post_copy(&s);
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
        .needs = MV_NEED(NAMESPACE) | MV_NEED(KUBEVIRT) | MV_NEED(MIGRATION_POLICY),
        .reason = "",
        .targets = true,
        .summary = "what a VM uses may not be allowed by its namespace's Pod Security level",
        .documentation =
                "The API server refuses pods that break the level of the label pod-security.kubernetes.io/enforce of their "
                "namespace, a migration's target pod too; a pod that runs already may be from before the label. A hostDisk "
                "volume is a hostPath, which baseline forbids. The level restricted asks for a seccomp profile, which "
                "launchers have only when the KubeVirt object's seccompConfiguration says so; KubeVirt's own profile "
                "allows the system call userfaultfd that post-copy needs, the container runtime's default one blocks it. "
                "Before 1.5 the virtiofs containers of claims ran as root, which restricted forbids; since then they keep "
                "to it. A launcher of a VM that does not run as root keeps to restricted otherwise.",
        .source = "KubeVirt pkg/virt-controller/services: template.go (computePodSecurityContext), rendercontainer.go, "
                  "virtiofs.go; pkg/virt-handler/seccomp; Kubernetes k8s.io/pod-security-admission/policy",
        .fix = "label the namespace with a level that allows it, or do without",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 5), check, 0, 0, "virtiofs of a claim does not run as root" },
        },
};
