/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-not-found: a volume names something that the cluster does not have.
 *
 * Reads spec.volumes, PersistentVolumeClaims, DataVolumes and templates of them, ConfigMaps and Secrets.
 */
#include "policy/base/names.h"
#include "policy/claims.h"
#include "policy/rule.h"

struct search {
        struct mv_context *ctx;
        struct mv_names_index templates;
        /* The input has some of the kind in this namespace, so that one is missing says something. */
        enum mv_optional seen[MV_KIND_COUNT];
        size_t found;
};

static bool has_any(struct search *search, enum mv_kind kind) {
        const struct mv_context *ctx = search->ctx;
        if (search->seen[kind] != MV_UNSET)
                return search->seen[kind] == MV_TRUE;
        search->seen[kind] = mv_snapshot_has_all(ctx->snapshot, kind) ? MV_TRUE : MV_FALSE;
        /* Of a live cluster it is known what is known. */
        if (mv_snapshot_known(ctx->snapshot, kind)->knowledge != MV_KNOWLEDGE_SOME)
                return search->seen[kind] == MV_TRUE;
        size_t n;
        mv_snapshot_of_namespace(ctx->snapshot, kind, ctx->vmi->meta.namespace, &n);
        if (n)
                search->seen[kind] = MV_TRUE;
        return search->seen[kind] == MV_TRUE;
}

static void report(struct search *search, enum mv_outcome outcome, size_t i, enum mv_kind kind,
                   struct mv_str name) {
        struct mv_context *ctx = search->ctx;
        struct mv_str namespace = ctx->vmi->meta.namespace;
        const struct mv_volume *volume = &ctx->vmi->spec.volumes.items[i];
        struct mv_finding *finding =
                mv_report(ctx, outcome, "volume %.*s names %s %.*s/%.*s, which %s%s",
                          MV_STR_ARG(volume->name), mv_kinds[kind].kind, MV_STR_ARG(namespace),
                          MV_STR_ARG(name), mv_snapshot_absent(ctx->snapshot, kind),
                          outcome == MV_OUTCOME_FAIL && !mv_snapshot_has_all(ctx->snapshot, kind)
                                  ? ", though others of its namespace are"
                                  : "");
        finding->field = mv_spec_field(ctx, "volumes[%zu]", i);
        finding->thing = volume->name;
        finding->index = i;
        if (outcome == MV_OUTCOME_FAIL && !mv_snapshot_has_all(ctx->snapshot, kind))
                return;
        finding->fix = mv_missing_fix(ctx, kind, namespace, name);
        mv_report_missing(finding, kind, namespace, name);
}

/* A claim, or a DataVolume that becomes one. judged: pvc-access-mode says what is not known of this volume. */
static void look_for_claim(struct search *search, size_t i, enum mv_kind kind, struct mv_str name,
                           bool judged) {
        const struct mv_context *ctx = search->ctx;
        struct mv_str namespace = ctx->vmi->meta.namespace;
        if (!name.n)
                return;
        if (mv_snapshot_find(ctx->snapshot, MV_KIND_CLAIM, namespace, name) ||
            mv_snapshot_find(ctx->snapshot, MV_KIND_DATA_VOLUME, namespace, name) ||
            mv_names_index_find(&search->templates, name) != SIZE_MAX ||
            (judged && ctx->claims[i].source == MV_CLAIM_STATUS)) {
                search->found++;
                return;
        }
        if (has_any(search, MV_KIND_CLAIM) || has_any(search, MV_KIND_DATA_VOLUME))
                report(search, MV_OUTCOME_FAIL, i, kind, name);
        else if (!judged)
                report(search, MV_OUTCOME_UNKNOWN, i, kind, name);
}

static void look_for(struct search *search, size_t i, enum mv_kind kind, struct mv_str name) {
        if (!name.n)
                return;
        if (mv_snapshot_find(search->ctx->snapshot, kind, search->ctx->vmi->meta.namespace, name))
                search->found++;
        else if (has_any(search, kind))
                report(search, MV_OUTCOME_FAIL, i, kind, name);
}

static void look_for_secret(struct search *search, size_t i, const struct mv_named_source *secret) {
        if (secret)
                look_for(search, i, MV_KIND_SECRET, secret->name);
}

static void look_for_files(struct search *search, size_t i, const struct mv_volume *volume) {
        if (volume->config_map && !volume->config_map->optional)
                look_for(search, i, MV_KIND_CONFIG_MAP, volume->config_map->name);
        if (volume->secret && !volume->secret->optional)
                look_for(search, i, MV_KIND_SECRET, volume->secret->secret_name);
        if (volume->sysprep && volume->sysprep->config_map)
                look_for(search, i, MV_KIND_CONFIG_MAP, volume->sysprep->config_map->name);
        if (volume->sysprep)
                look_for_secret(search, i, volume->sysprep->secret);
        const struct mv_cloud_init *cloud_init =
                volume->cloud_init_no_cloud ? volume->cloud_init_no_cloud : volume->cloud_init_config_drive;
        if (cloud_init) {
                look_for_secret(search, i, cloud_init->secret);
                look_for_secret(search, i, cloud_init->network_data_secret);
        }
}

static void check(struct mv_context *ctx) {
        const struct mv_instance *instance = ctx->instance;
        struct search search = { .ctx = ctx };
        if (instance->vm && !mv_names_index_list(ctx->arena, &search.templates,
                                                 instance->vm->spec.data_volume_templates, meta.name))
                return;
        for (size_t i = 0; i < ctx->vmi->spec.volumes.n; i++) {
                const struct mv_volume *volume = &ctx->vmi->spec.volumes.items[i];
                if (volume->persistent_volume_claim)
                        look_for_claim(&search, i, MV_KIND_CLAIM, volume->persistent_volume_claim->claim_name,
                                       true);
                if (volume->data_volume)
                        look_for_claim(&search, i, MV_KIND_DATA_VOLUME, volume->data_volume->name, true);
                if (volume->memory_dump)
                        look_for_claim(&search, i, MV_KIND_CLAIM, volume->memory_dump->claim_name, false);
                if (volume->ephemeral && volume->ephemeral->persistent_volume_claim)
                        look_for_claim(&search, i, MV_KIND_CLAIM,
                                       volume->ephemeral->persistent_volume_claim->claim_name, false);
                look_for_files(&search, i, volume);
        }
        if (search.found)
                mv_report(ctx, MV_OUTCOME_PASS, "%zu object%s that volumes name %s in the input",
                          search.found, search.found == 1 ? "" : "s", search.found == 1 ? "is" : "are");
}

const struct mv_rule mv_rule_volume_not_found = {
        .id = "volume-not-found",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED_CLAIMS | MV_NEED(SECRET),
        .reason = "",
        .summary = "a volume names a claim, DataVolume, ConfigMap or Secret that is not there",
        .documentation =
                "The pod that a VM moves to mounts what its volumes name, so it waits for ever when one of these is "
                "missing: misspelled, in another namespace, not made yet, or deleted since the VM started. Looked for "
                "are the claims of persistentVolumeClaim, memoryDump and ephemeral volumes, DataVolumes (a template in "
                "the VirtualMachine counts), and the ConfigMaps and Secrets of configMap, secret, sysprep and "
                "cloud-init volumes, unless they are optional.\n\n"
                "It fails only where the input has other objects of that kind in the namespace (of claims and "
                "DataVolumes, of either): then the one that is missing stands out. A manifest alone, or one with "
                "claims but no Secrets, says nothing about what the cluster has. That the access modes of a missing "
                "claim are not known is for pvc-access-mode to say; of the claims that it does not judge, those of "
                "memory dumps and ephemeral volumes, this rule says that they are unknown.",
        .source = "KubeVirt pkg/virt-controller/services/template.go: RenderLaunchManifest, rendervolumes.go",
        .fix = "make it, mend the name, or give migvet the file that it is in",
        .revisions = { { 0, check, 0, 0, NULL } },
};
