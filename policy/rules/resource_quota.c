/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource-quota: a migration needs room for a second launcher pod in the namespace's quotas.
 *
 * Reads the ResourceQuotas of the namespace, what they say is used, else its pods, and what the launcher pod requests.
 */
#include "policy/base/growing.h"
#include "policy/launcher/podrequests.h"
#include "policy/launcher/quota.h"
#include "policy/rule.h"

enum { MOST_ROWS = 8 }; /* that a message tells */

struct asked {
        struct mv_context *ctx;
        const struct mv_launcher *launcher;
        struct mv_quota_traits traits;
        bool runs; /* so the first pod is among what is used */
        bool pods_given;
};

/* A resource of which there is not enough, or may not be. */
struct shortage {
        struct mv_str rows;     /* what a message tells */
        struct mv_growing more; /* what to raise the quota by */
        size_t n;
        size_t n_unknown; /* resources of which nobody says what is used */
        bool from_pods;
};

/* What the pods that the quota counts use of each resource of hard; NULL when memory is out. */
static const int64_t *used_by_pods(const struct asked *asked, const struct mv_resource_quota *quota,
                                   const struct mv_map *hard) {
        struct mv_context *ctx = asked->ctx;
        int64_t *sums = mv_arena_new_array(ctx->arena, int64_t, hard->n);
        struct mv_arena scratch; /* for one pod at a time, however many there are */
        mv_arena_init(&scratch, ctx->arena->allocator, 0);
        size_t n;
        const void *const *pods =
                mv_snapshot_of_namespace(ctx->snapshot, MV_KIND_POD, quota->meta.namespace, &n);
        for (size_t i = 0; sums && i < n; i++) {
                const struct mv_pod *pod = pods[i];
                int64_t amount;
                struct mv_amounts requests = mv_pod_requests(&scratch, pod);
                struct mv_amounts limits = mv_pod_limits(&scratch, pod);
                struct mv_quota_traits traits = mv_quota_traits_of(pod, &requests, &limits);
                if (mv_arena_failed(&scratch)) {
                        ctx->arena->failed = true;
                        break;
                }
                /* One that has ended is still an object. */
                for (size_t k = 0; k < hard->n && mv_quota_counts(quota, &traits); k++)
                        if ((!mv_pod_is_final(pod) || mv_str_is(hard->items[k].key, "count/pods")) &&
                            mv_quota_usage(hard->items[k].key, &requests, &limits, &amount))
                                sums[k] = mv_amount_add(sums[k], amount);
                mv_arena_clear(&scratch);
        }
        mv_arena_done(&scratch);
        return mv_arena_failed(ctx->arena) ? NULL : sums;
}

static void add_row(struct mv_context *ctx, struct shortage *shortage, struct mv_str row) {
        if (shortage->n++ < MOST_ROWS)
                shortage->rows = mv_text(ctx, "%.*s%s%.*s", MV_STR_ARG(shortage->rows),
                                         shortage->rows.n ? "; " : "", MV_STR_ARG(row));
}

/* by_pods is what the pods use of it, NULL when that is not known. */
static void look_at(const struct asked *asked, const struct mv_resource_quota *quota,
                    const struct mv_pair *limit, const int64_t *by_pods, struct shortage *ret) {
        struct mv_context *ctx = asked->ctx;
        struct mv_str name = limit->key;
        const struct mv_str *used_text = mv_map_get(&quota->status.used, name);
        int64_t hard, used = 0, each;
        if (!mv_quota_usage(name, &asked->launcher->requests, &asked->launcher->limits, &each) || !each ||
            !mv_quota_amount(name, limit->value, &hard))
                return;
        int64_t beside = 0; /* the pod that attaches hotplugged volumes */
        if (asked->launcher->has_attachment)
                mv_quota_usage(name, &asked->launcher->attachment_requests,
                               &asked->launcher->attachment_limits, &beside);
        each = mv_amount_add(each, beside);
        int64_t both = mv_amount_add(each, each), needed = asked->runs ? each : both;
        bool known = used_text && mv_quota_amount(name, *used_text, &used);
        if (!known && by_pods) {
                used = *by_pods;
                known = ret->from_pods = true;
        }
        if (!known) {
                /* The two pods of the migration are there in any case. */
                used = asked->runs ? each : 0;
                if (both <= hard) {
                        ret->n_unknown++;
                        return;
                }
        }
        int64_t total = mv_amount_add(used, needed);
        if (total <= hard)
                return;
        struct mv_str of = mv_amount_print(ctx->arena, name, hard);
        struct mv_str now = mv_amount_show(ctx->arena, name, used);
        struct mv_str more = mv_amount_show(ctx->arena, name, needed);
        struct mv_str short_of = mv_amount_show(ctx->arena, name, total - hard);
        add_row(ctx, ret,
                mv_text(ctx, "%.*s: %s%.*s of %.*s used, %s %.*s more", MV_STR_ARG(name),
                        known ? "" : "at least ", MV_STR_ARG(now), MV_STR_ARG(of),
                        asked->runs ? "the target pod needs" : "the VM and its target pod need",
                        MV_STR_ARG(more)));
        mv_growing_add(&ret->more, "%s%.*s by %.*s", ret->more.n ? ", " : "", MV_STR_ARG(name),
                       MV_STR_ARG(short_of));
}

/* What a quota limits each container must say: the first container that does not. */
static void look_for_silence(const struct asked *asked, const struct mv_map *hard, struct shortage *ret) {
        static const struct {
                const char *resource, *name;
                bool limit;
        } must_say[] = { { "cpu", "cpu", false },
                         { "limits.cpu", "cpu", true },
                         { "limits.memory", "memory", true },
                         { "memory", "memory", false },
                         { "requests.cpu", "cpu", false },
                         { "requests.memory", "memory", false } };
        for (size_t i = 0; i < sizeof must_say / sizeof *must_say; i++) {
                if (!mv_map_get(hard, mv_str_from(must_say[i].resource)))
                        continue;
                for (size_t c = 0; c < asked->launcher->n_containers; c++) {
                        const struct mv_launcher_container *container = &asked->launcher->containers[c];
                        if (mv_amounts_find(must_say[i].limit ? &container->limits : &container->requests,
                                            mv_str_from(must_say[i].name)))
                                continue;
                        add_row(asked->ctx, ret,
                                mv_text(asked->ctx, "%s: every container must say it, and %s does not",
                                        must_say[i].resource, container->name));
                        break;
                }
        }
}

static void check_quota(const struct asked *asked, const struct mv_resource_quota *quota) {
        struct mv_context *ctx = asked->ctx;
        const struct mv_map *hard = quota->status.hard.n ? &quota->status.hard : &quota->spec.hard;
        struct mv_str name = quota->meta.name;
        struct shortage shortage = { .more = { .arena = ctx->arena } };
        const int64_t *by_pods = NULL;
        for (size_t i = 0; !by_pods && asked->pods_given && i < hard->n; i++)
                if (!mv_map_get(&quota->status.used, hard->items[i].key))
                        by_pods = used_by_pods(asked, quota, hard);
        for (size_t i = 0; i < hard->n; i++)
                look_at(asked, quota, &hard->items[i], by_pods ? &by_pods[i] : NULL, &shortage);
        look_for_silence(asked, hard, &shortage);
        const char *source =
                shortage.from_pods ? " (its status does not say what is used: counted from the pods)" : "";
        struct mv_finding *finding;
        if (shortage.n) {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "ResourceQuota %.*s leaves no room for a second launcher pod while migrating, so "
                        "the migration waits until there is: %.*s%s%s",
                        MV_STR_ARG(name), MV_STR_ARG(shortage.rows),
                        shortage.n > MOST_ROWS ? "; and more" : "", source);
                if (shortage.more.n)
                        finding->fix =
                                mv_text(ctx, "raise spec.hard of ResourceQuota %.*s: %.*s; or free as much",
                                        MV_STR_ARG(name), MV_STR_ARG(mv_growing_text(&shortage.more)));
                else
                        finding->fix = mv_text(
                                ctx,
                                "set requests and limits in the VM's domain.resources, and for KubeVirt's own "
                                "containers in supportContainerResources of the KubeVirt object");
        } else if (shortage.n_unknown) {
                finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN,
                        "ResourceQuota %.*s may leave no room for a second launcher pod: what is used "
                        "of it is not known, for it has no status.used and no pods are in the input",
                        MV_STR_ARG(name));
                finding->fix = mv_text(
                        ctx, "give migvet ResourceQuota %.*s with its status, or each Pod of the namespace",
                        MV_STR_ARG(name));
                mv_report_missing(finding, MV_KIND_POD, quota->meta.namespace, (struct mv_str){ 0 });
        } else {
                finding = mv_report(ctx, MV_OUTCOME_PASS,
                                    "ResourceQuota %.*s has room for a second launcher pod%s",
                                    MV_STR_ARG(name), source);
        }
        finding->field = mv_spec_field(ctx, "domain.resources");
        finding->thing = name;
}

static void check(struct mv_context *ctx) {
        const struct mv_vmi *vmi = ctx->vmi;
        struct asked asked = {
                .ctx = ctx,
                .traits = mv_quota_traits_of_launcher(vmi),
                .runs = !mv_vmi_is_final(vmi) && (vmi->status.node_name.n || vmi->status.active_pods.n),
                .pods_given = mv_snapshot_count(ctx->snapshot, MV_KIND_POD) != 0,
        };
        size_t n;
        const void *const *quotas =
                mv_snapshot_of_namespace(ctx->snapshot, MV_KIND_RESOURCE_QUOTA, vmi->meta.namespace, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_resource_quota *quota = quotas[i];
                if (!mv_quota_counts(quota, &asked.traits))
                        continue;
                if (!asked.launcher) {
                        const struct mv_launcher_namespace namespace =
                                mv_launcher_namespace_of(ctx->snapshot, vmi->meta.namespace);
                        asked.launcher =
                                mv_launcher_make_in(ctx->arena, ctx->config, ctx->version, vmi, &namespace);
                }
                if (!asked.launcher)
                        return;
                check_quota(&asked, quota);
        }
}

const struct mv_rule mv_rule_resource_quota = {
        .id = "resource-quota",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(RESOURCE_QUOTA) | MV_NEED(POD) | MV_NEED(NAMESPACE) | MV_NEED(KUBEVIRT),
        .reason = "",
        .targets = true,
        .summary = "a migration needs room for a second launcher pod in the namespace's quotas",
        .documentation =
                "While a VM migrates it has two launcher pods, and a ResourceQuota counts both: their requests and limits "
                "of CPU and memory (the guest's memory and KubeVirt's overhead), pods, hugepages, devices. When the "
                "second does not fit, the API server refuses it (\"exceeded quota\"); the migration stays Pending with "
                "the condition migrationRejectedByResourceQuota and is tried again when a quota of the namespace "
                "changes. Nothing times out, and a drain waits as long. Scopes decide whether a quota counts launchers: "
                "they are NotTerminating and NotBestEffort. A VM that does not run yet needs room for both pods; volumes that "
                "were plugged in need a pod beside each launcher. "
                "Quotas of the Application Aware Quota operator, made so that migrations do not count, are not looked at.",
        .source =
                "KubeVirt pkg/virt-controller/watch/migration/migration.go: updateStatus, updateResourceQuota; Kubernetes "
                "pkg/quota/v1/evaluator/core/pods.go",
        .fix = "raise the quota by one launcher pod of the largest VM that is to migrate",
        .revisions = { { 0, check, 0, 0, NULL } },
};
