/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-limits: a migration waits while as many others run as the cluster or its node may have.
 *
 * Reads the migrations of all namespaces, the instances and target pods that they are of, and the limits of the KubeVirt
 * object.
 */
#include "policy/base/names.h"
#include "policy/object/pod.h"
#include "policy/rule.h"

enum { DEFAULT_PER_CLUSTER = 5, DEFAULT_PER_NODE = 2, MOST_TOLD = 8 };

/* The migrations that hold a place. */
struct places {
        size_t n;
        struct mv_str told;
};

static void take(struct mv_context *ctx, struct places *places, const struct mv_migration *migration) {
        if (places->n++ < MOST_TOLD)
                places->told =
                        mv_text(ctx, "%.*s%s%.*s/%.*s", MV_STR_ARG(places->told), places->told.n ? ", " : "",
                                MV_STR_ARG(migration->meta.namespace), MV_STR_ARG(migration->meta.name));
}

/* The phase says that it has begun (types.go: VirtualMachineInstanceMigration.IsRunning). */
static bool has_begun(const struct mv_migration *migration) {
        static const char *const before[] = { "", "Pending", "WaitingForSync", "Synchronizing" };
        for (size_t i = 0; i < sizeof before / sizeof *before; i++)
                if (mv_str_is(migration->status.phase, before[i]))
                        return false;
        return !mv_migration_is_final(migration) && !(mv_str_is(migration->status.phase, "Scheduling") &&
                                                      migration->spec.send_to && !migration->spec.receive);
}

/* UIDs of the migrations of one namespace that have a target pod. They are looked for only when a migration has not begun and
 * may have one. */
struct targets {
        bool found; /* they are those of this namespace */
        struct mv_str namespace;
        struct mv_names_index index;
        struct target {
                struct mv_str migration, instance;
        } * items;
        size_t n;
};

/* Without a migration: the pod is no target. */
static struct target target_of(const struct mv_pod *pod) {
        const struct mv_str *job = mv_map_get(&pod->meta.labels, MV_STR("kubevirt.io/migrationJobUID"));
        const struct mv_str *of =
                job ? mv_map_get(&pod->meta.labels, MV_STR("kubevirt.io/created-by")) : NULL;
        return of && mv_map_has(&pod->meta.labels, MV_STR("kubevirt.io"), MV_STR("virt-launcher"))
                       ? (struct target){ *job, *of }
                       : (struct target){ 0 };
}

/* False when memory is out. */
static bool find_targets(struct mv_context *ctx, struct mv_str namespace, struct targets *targets) {
        size_t n, n_targets = 0;
        if (targets->found && mv_str_equal(targets->namespace, namespace))
                return true;
        const void *const *pods = mv_snapshot_of_namespace(ctx->snapshot, MV_KIND_POD, namespace, &n);
        /* Few pods are targets: they are counted first. */
        for (size_t i = 0; i < n; i++)
                n_targets += target_of(pods[i]).migration.n != 0;
        *targets = (struct targets){ .found = true, .namespace = namespace };
        if (n_targets)
                targets->items = mv_arena_new_array(ctx->arena, struct target, n_targets);
        for (size_t i = 0; targets->items && i < n; i++) {
                struct target target = target_of(pods[i]);
                if (target.migration.n)
                        targets->items[targets->n++] = target;
        }
        return mv_names_index_build(ctx->arena, &targets->index, targets->items, targets->n,
                                    sizeof *targets->items);
}

static bool has_target(struct mv_context *ctx, struct targets *targets, const struct mv_migration *migration,
                       const struct mv_vmi *vmi) {
        if (!vmi || !migration->meta.uid.n || !find_targets(ctx, migration->meta.namespace, targets))
                return false;
        size_t i = mv_names_index_find(&targets->index, migration->meta.uid);
        return i != SIZE_MAX && mv_str_equal(targets->items[i].instance, vmi->meta.uid);
}

/* It is being created: nobody can have made a pod for it yet. */
static bool is_new(const struct mv_context *ctx, const struct mv_migration *migration) {
        return !mv_snapshot_find(ctx->snapshot, MV_KIND_MIGRATION, migration->meta.namespace,
                                 migration->meta.name);
}

static int64_t limit(struct mv_optional_int configured, int64_t by_default) {
        return configured.set ? configured.value : by_default;
}

static void check(struct mv_context *ctx) {
        const struct mv_migration *asked = ctx->migration;
        const struct mv_migration_settings *settings = &ctx->config->spec->migrations;
        struct mv_str node = ctx->vmi->status.node_name;
        struct places cluster = { 0 }, outbound = { 0 };
        const struct mv_migration *lost = NULL; /* the instance that it moves is not in the input */
        size_t n_lost = 0;
        struct targets targets = { 0 };
        if (!asked || mv_migration_is_final(asked) || has_begun(asked) ||
            (!is_new(ctx, asked) && has_target(ctx, &targets, asked, ctx->vmi)))
                return;
        size_t n;
        const void *const *others = mv_snapshot_unfinished(ctx->snapshot, MV_KIND_MIGRATION, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_migration *other = others[i];
                const struct mv_vmi *vmi = mv_snapshot_find(ctx->snapshot, MV_KIND_VMI, other->meta.namespace,
                                                            other->spec.vmi_name);
                if (!has_begun(other) && !has_target(ctx, &targets, other, vmi))
                        continue;
                take(ctx, &cluster, other);
                if (!vmi) {
                        lost = other;
                        n_lost++;
                }
                const struct mv_migration_state *state = vmi ? vmi->status.migration_state : NULL;
                if (node.n && vmi &&
                    (mv_str_equal(vmi->status.node_name, node) ||
                     (state && mv_str_equal(state->source_node, node))))
                        take(ctx, &outbound, other);
        }
        int64_t per_cluster = limit(settings->parallel_per_cluster, DEFAULT_PER_CLUSTER);
        int64_t per_node = limit(settings->parallel_outbound_per_node, DEFAULT_PER_NODE);
        struct mv_finding *finding;
        if ((int64_t)cluster.n >= per_cluster)
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the migration waits: %zu in the cluster run, and parallelMigrationsPerCluster is "
                        "%lld%s%.*s%s",
                        cluster.n, (long long)per_cluster, cluster.n ? ": " : "", MV_STR_ARG(cluster.told),
                        cluster.n > MOST_TOLD ? ", and more" : "");
        else if (node.n && (int64_t)outbound.n >= per_node)
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the migration waits: %zu from node %.*s run, and parallelOutboundMigrationsPerNode is "
                        "%lld%s%.*s%s",
                        outbound.n, MV_STR_ARG(node), (long long)per_node, outbound.n ? ": " : "",
                        MV_STR_ARG(outbound.told), outbound.n > MOST_TOLD ? ", and more" : "");
        else if (node.n && lost && (int64_t)(outbound.n + n_lost) >= per_node) {
                finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN,
                        "the migration may wait: where migration %.*s/%.*s runs from is not known, for instance "
                        "%.*s %s, and parallelOutboundMigrationsPerNode is %lld",
                        MV_STR_ARG(lost->meta.namespace), MV_STR_ARG(lost->meta.name),
                        MV_STR_ARG(lost->spec.vmi_name), mv_snapshot_absent(ctx->snapshot, MV_KIND_VMI),
                        (long long)per_node);
                finding->fix = mv_missing_fix(ctx, MV_KIND_VMI, lost->meta.namespace, lost->spec.vmi_name);
                mv_report_missing(finding, MV_KIND_VMI, lost->meta.namespace, lost->spec.vmi_name);
        } else
                finding = mv_report(ctx, MV_OUTCOME_PASS,
                                    "%zu of %lld migrations run in the cluster, %zu of %lld from its node",
                                    cluster.n, (long long)per_cluster, outbound.n, (long long)per_node);
        finding->field = MV_STR("spec.vmiName");
}

const struct mv_rule mv_rule_request_limits = {
        .id = "request-limits",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_NOTE,
        .needs = MV_NEED(MIGRATION) | MV_NEED(VMI) | MV_NEED(POD) | MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "a migration waits while the cluster's or its node's limit is in use",
        .documentation =
                "KubeVirt runs parallelMigrationsPerCluster migrations at a time (5 unless set), and "
                "parallelOutboundMigrationsPerNode from one node (2 unless set). Those count that have gone beyond Pending "
                "and have not ended, and those that have a target pod. Further ones are not refused: they stay Pending, and "
                "those of higher priority come first. There is no limit on migrations to a node.",
        .source =
                "KubeVirt pkg/virt-controller/watch/migration/migration.go: handleTargetPodCreation, findRunningMigrations, "
                "outboundMigrationsOnNode",
        .fix = "wait, or raise the limit in spec.configuration.migrations of the KubeVirt object",
        .revisions = { { 0, check, 0, 0, NULL } },
};
