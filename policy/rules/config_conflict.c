/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config-conflict: two objects configure the cluster, and one of them will not last or has no effect.
 *
 * Reads the KubeVirt object, the HyperConverged whose operator writes it, and the ConfigMap kubevirt-config.
 */
#include "policy/hyperconverged.h"
#include "policy/object/config_map.h"
#include "policy/resolve.h"
#include "policy/rule.h"

enum { KEYS_SHOWN = 20 };

struct comparison {
        struct mv_context *ctx;
        const struct mv_hyperconverged *owner;
        const struct mv_kubevirt *owned;
        struct mv_str owner_name, owned_name; /* "KubeVirt/NAMESPACE/NAME" */
        size_t conflicts;
};

/* One value of the KubeVirt object that its owner will replace. Absent values have no text. ours and theirs are the
 * paths of the setting; theirs is NULL when the owner has no such setting. */
static void report(struct comparison *c, struct mv_str ours, const char *theirs, struct mv_str has,
                   struct mv_str wants) {
        struct mv_context *ctx = c->ctx;
        struct mv_str what = has.n ? mv_text(ctx, "%.*s %.*s", MV_STR_ARG(ours), MV_STR_ARG(has))
                                   : mv_text(ctx, "no %.*s", MV_STR_ARG(ours));
        struct mv_str then =
                wants.n ? mv_text(ctx, "says %.*s: its operator will put that back", MV_STR_ARG(wants))
                        : MV_STR("does not set it: its operator will remove it");
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "%.*s has %.*s, and %.*s %.*s", MV_STR_ARG(c->owned_name),
                          MV_STR_ARG(what), MV_STR_ARG(c->owner_name), MV_STR_ARG(then));
        finding->thing = ours;
        finding->fix = theirs ? mv_text(ctx,
                                        "set %s of %.*s to what you want, and leave the KubeVirt object to "
                                        "its operator",
                                        theirs, MV_STR_ARG(c->owner_name))
                              : mv_text(ctx,
                                        "a HyperConverged has no such setting: put a JSON patch into the "
                                        "annotation " MV_HYPERCONVERGED_PATCH " of %.*s",
                                        MV_STR_ARG(c->owner_name));
        c->conflicts++;
}

/* Settings of a liveMigrationConfig that the API server fills in: in a file they may be absent and mean that default,
 * which differs by version. */
static bool has_own_default(const char *setting) {
        static const char *const names[] = {
                "allowAutoConverge",
                "allowPostCopy",
                "allowWorkloadDisruption",
                "completionTimeoutPerGiB",
                "parallelMigrationsPerCluster",
                "parallelOutboundMigrationsPerNode",
                "progressTimeout",
        };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(names[i], setting) == 0)
                        return true;
        return false;
}

/* Where a HyperConverged has that migration setting; NULL when it has none of that name. */
static const char *owner_path(struct comparison *c, const char *setting) {
        if (!has_own_default(setting) && strcmp(setting, "bandwidthPerMigration") != 0 &&
            strcmp(setting, "network") != 0)
                return NULL;
        return mv_text(c->ctx, "spec.%sliveMigrationConfig.%s",
                       mv_hyperconverged_is_v1(c->owner) ? "virtualization." : "", setting)
                .p;
}

/* The object itself sets it. */
static bool is_set(const struct mv_setting *setting, struct mv_str from) {
        return mv_str_equal(setting->from, from) && !setting->follows;
}

static void compare_migrations(struct comparison *c, const struct mv_kubevirt_configuration *wanted) {
        struct mv_context *ctx = c->ctx;
        struct mv_str from = MV_STR("object");
        size_t n_has = 0, n_wants = 0;
        const struct mv_setting *has =
                mv_settings_of(ctx->arena, &c->owned->spec.configuration, from, ctx->version, &n_has);
        const struct mv_setting *wants = mv_settings_of(ctx->arena, wanted, from, ctx->version, &n_wants);
        for (size_t i = 0; has && wants && i < n_has; i++) {
                const struct mv_setting *other = mv_setting_find(wants, n_wants, has[i].path);
                bool set = is_set(&has[i], from), asked = other && is_set(other, from);
                struct mv_str value = mv_setting_text(ctx->arena, &has[i]);
                struct mv_str other_value = asked ? mv_setting_text(ctx->arena, other) : (struct mv_str){ 0 };
                if (asked ? mv_str_equal(value, other_value) : !set || has_own_default(has[i].path))
                        continue;
                report(c, mv_text(ctx, "spec.configuration.migrations.%s", has[i].path),
                       owner_path(c, has[i].path),
                       set ? value : mv_text(ctx, "%.*s (its default)", MV_STR_ARG(value)), other_value);
        }
        /* What has no default is not among those of an object that does not set it. */
        for (size_t i = 0; has && wants && i < n_wants; i++)
                if (is_set(&wants[i], from) && !mv_setting_find(has, n_has, wants[i].path))
                        report(c, mv_text(ctx, "spec.configuration.migrations.%s", wants[i].path),
                               owner_path(c, wants[i].path), (struct mv_str){ 0 },
                               mv_setting_text(ctx->arena, &wants[i]));
}

static void compare_others(struct comparison *c, const struct mv_kubevirt_configuration *wanted) {
        const struct mv_kubevirt_configuration *has = &c->owned->spec.configuration;
        bool v1 = mv_hyperconverged_is_v1(c->owner);
        /* The operator fills an evictionStrategy in on its own object, by the number of nodes. */
        if (wanted->eviction_strategy.n &&
            !mv_str_equal(has->eviction_strategy.n ? has->eviction_strategy : MV_STR("None"),
                          wanted->eviction_strategy))
                report(c, MV_STR("spec.configuration.evictionStrategy"),
                       v1 ? "spec.virtualization.evictionStrategy" : "spec.evictionStrategy",
                       has->eviction_strategy.n ? has->eviction_strategy : MV_STR("None (its default)"),
                       wanted->eviction_strategy);
        if (!mv_str_equal(has->cpu_model, wanted->cpu_model))
                report(c, MV_STR("spec.configuration.cpuModel"),
                       v1 ? "spec.virtualization.virtualMachineOptions.defaultCPUModel"
                          : "spec.defaultCPUModel",
                       has->cpu_model, wanted->cpu_model);
        if (has->network.default_network_interface.n &&
            !mv_str_equal(has->network.default_network_interface, wanted->network.default_network_interface))
                report(c, MV_STR("spec.configuration.network.defaultNetworkInterface"), NULL,
                       has->network.default_network_interface, wanted->network.default_network_interface);
}

/* The KubeVirt object that the HyperConverged owns: that of its namespace. */
static const struct mv_kubevirt *owned_by(const struct mv_context *ctx,
                                          const struct mv_hyperconverged *owner) {
        for (size_t i = 0; i < mv_snapshot_count(ctx->snapshot, MV_KIND_KUBEVIRT); i++) {
                const struct mv_kubevirt *kubevirt = mv_snapshot_at(ctx->snapshot, MV_KIND_KUBEVIRT, i);
                if (mv_str_equal(kubevirt->meta.namespace, owner->meta.namespace))
                        return kubevirt;
        }
        return NULL;
}

static void check_hyperconverged(struct mv_context *ctx) {
        for (size_t i = 0; i < mv_snapshot_count(ctx->snapshot, MV_KIND_HYPERCONVERGED); i++) {
                struct comparison c = { .ctx = ctx,
                                        .owner = mv_snapshot_at(ctx->snapshot, MV_KIND_HYPERCONVERGED, i) };
                c.owned = owned_by(ctx, c.owner);
                if (!c.owned)
                        continue;
                c.owner_name = mv_text(ctx, "HyperConverged/%.*s/%.*s", MV_STR_ARG(c.owner->meta.namespace),
                                       MV_STR_ARG(c.owner->meta.name));
                c.owned_name = mv_text(ctx, "KubeVirt/%.*s/%.*s", MV_STR_ARG(c.owned->meta.namespace),
                                       MV_STR_ARG(c.owned->meta.name));
                const struct mv_kubevirt_configuration *wanted =
                        mv_hyperconverged_configuration(ctx->arena, c.owner);
                bool patched =
                        mv_map_get(&c.owner->meta.annotations, MV_STR(MV_HYPERCONVERGED_PATCH)) != NULL;
                if (wanted && !patched) {
                        compare_migrations(&c, wanted);
                        compare_others(&c, wanted);
                }
                if (!c.conflicts)
                        mv_report(ctx, MV_OUTCOME_PASS,
                                  patched ? "%.*s patches %.*s itself" : "%.*s and %.*s agree",
                                  MV_STR_ARG(c.owner_name), MV_STR_ARG(c.owned_name));
        }
}

/* "; bandwidthPerMigration is 64Mi there and 0 in force (from default)" of each setting that differs. */
static struct mv_str differences(struct mv_context *ctx, const struct mv_config_map *map) {
        size_t n = 0;
        const struct mv_setting *settings =
                mv_settings_of(ctx->arena, ctx->config->spec, ctx->config->from, ctx->version, &n);
        struct mv_str text = MV_STR("");
        for (size_t i = 0; settings && i < map->migrations.n; i++) {
                const struct mv_pair *pair = &map->migrations.items[i];
                const struct mv_setting *setting = mv_setting_find(settings, n, pair->key.p);
                struct mv_str value = setting ? mv_setting_text(ctx->arena, setting) : MV_STR("not set");
                if (!mv_str_equal(value, pair->value))
                        text = mv_text(ctx, "%.*s; %.*s is %.*s there and %.*s in force (from %.*s)",
                                       MV_STR_ARG(text), MV_STR_ARG(pair->key), MV_STR_ARG(pair->value),
                                       MV_STR_ARG(value),
                                       MV_STR_ARG(setting ? setting->from : ctx->config->from));
        }
        return text;
}

static void check_legacy(struct mv_context *ctx) {
        const struct mv_config_map *map =
                mv_snapshot_cluster_config_map(ctx->snapshot, MV_STR(MV_LEGACY_CONFIG));
        struct mv_str keys = MV_STR("");
        for (size_t i = 0; map && i < map->data.n && i < KEYS_SHOWN; i++)
                keys = mv_text(ctx, "%.*s%s%.*s", MV_STR_ARG(keys), keys.n ? ", " : "",
                               MV_STR_ARG(map->data.items[i].key));
        if (!keys.n)
                return;
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "ConfigMap %.*s/%.*s has no effect (%.*s%s): KubeVirt reads its own object since 0.47%.*s",
                MV_STR_ARG(map->meta.namespace), MV_STR_ARG(map->meta.name), MV_STR_ARG(keys),
                map->data.n > KEYS_SHOWN ? ", ..." : "", MV_STR_ARG(differences(ctx, map)));
        finding->thing = MV_STR("ConfigMap");
        finding->fix = mv_text(
                ctx, "move what is wanted of it to spec.configuration of the KubeVirt object, or to the "
                     "HyperConverged where there is one, and delete the ConfigMap");
}

static void check_0(struct mv_context *ctx) {
        check_hyperconverged(ctx);
}

static void check(struct mv_context *ctx) {
        check_hyperconverged(ctx);
        check_legacy(ctx);
}

const struct mv_rule mv_rule_config_conflict = {
        .id = "config-conflict",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(KUBEVIRT) | MV_NEED(HYPERCONVERGED) | MV_NEED(CONFIG_MAP),
        .reason = "",
        .cluster = true,
        .summary = "the cluster's configuration says two things, and one will be reverted or has no effect",
        .documentation =
                "Where a HyperConverged is installed, its operator writes the whole spec of the KubeVirt object in its "
                "namespace: what somebody edits there is put back, so a migration setting works until then and not "
                "afterwards. Compared are the migration settings, evictionStrategy, cpuModel and the default network "
                "interface (the operator always writes masquerade); a setting that the API server fills in and the "
                "HyperConverged of the input lacks is not. With the annotation " MV_HYPERCONVERGED_PATCH
                " on the HyperConverged it changes the KubeVirt object itself, and nothing is compared.\n\n"
                "The ConfigMap kubevirt-config configured KubeVirt until 0.46, and guides still show it; since 0.47 "
                "nothing reads it. It says the same of every VM.",
        .source = "kubevirt/hyperconverged-cluster-operator controllers/handlers/kubevirt.go: UpdateCR, getKVConfig; "
                  "KubeVirt 0.47: pkg/virt-config/config-map.go is gone",
        .fix = "change the object that the operator reads",
        .revisions = {
                { 0, check_0, 0, 0, NULL },
                { MV_KUBEVIRT(0, 47), check, 0, 0, "the ConfigMap kubevirt-config is not read any more" },
        },
};
