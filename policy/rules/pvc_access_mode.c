/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pvc-access-mode: every claim of the VM must be ReadWriteMany.
 *
 * Reads spec.volumes, status.volumeStatus and .migratedVolumes, PersistentVolumeClaims, DataVolumes and templates of
 * them, StorageProfiles, StorageClasses, PersistentVolumes, the ConfigMap kubevirt-storage-class-defaults
 * (policy/claims.h).
 */
#include "policy/base/growing.h"
#include "policy/claims.h"
#include "policy/rule.h"

static struct mv_str joined(struct mv_context *ctx, const struct mv_strings *modes) {
        struct mv_growing text = { .arena = ctx->arena };
        for (size_t i = 0; i < modes->n; i++)
                mv_growing_add(&text, "%s%.*s", i ? ", " : "", MV_STR_ARG(modes->items[i]));
        return modes->n ? mv_growing_text(&text) : MV_STR("no access mode");
}

/* What to do about access modes that are not known: it may be there already, and say too little. */
static struct mv_str remedy(struct mv_context *ctx, const struct mv_claim_facts *facts) {
        struct mv_str name = facts->missing_name;
        if (facts->missing_kind == MV_KIND_STORAGE_PROFILE &&
            mv_snapshot_find(ctx->snapshot, MV_KIND_STORAGE_PROFILE, (struct mv_str){ 0 }, name))
                return mv_text(
                        ctx,
                        "name accessModes in spec.claimPropertySets of StorageProfile %.*s, or in the DataVolume",
                        MV_STR_ARG(name));
        if (facts->missing_kind != MV_KIND_CLAIM)
                return mv_text(ctx, "%.*s, or name accessModes in the DataVolume",
                               MV_STR_ARG(mv_missing_fix(ctx, facts->missing_kind, MV_STR(""), name)));
        if (mv_snapshot_has_all(ctx->snapshot, MV_KIND_CLAIM) && !facts->incomplete)
                return mv_text(ctx,
                               "make PersistentVolumeClaim %.*s/%.*s with ReadWriteMany, or mend the name",
                               MV_STR_ARG(ctx->vmi->meta.namespace), MV_STR_ARG(name));
        return mv_text(ctx, "%s%.*s, made with ReadWriteMany",
                       facts->incomplete
                               ? "add storage with accessModes: [ReadWriteMany] to the DataVolume; or "
                               : "",
                       MV_STR_ARG(mv_missing_fix(ctx, MV_KIND_CLAIM, ctx->vmi->meta.namespace, name)));
}

static void check_volume(struct mv_context *ctx, const struct mv_volume *volume, size_t i) {
        const struct mv_claim_facts *facts = &ctx->claims[i];
        if (facts->source == MV_CLAIM_NONE)
                return;
        bool shared = mv_claim_is_shared(facts);
        if (facts->modes && (shared || facts->migrated)) {
                struct mv_str modes = ctx->terse ? (struct mv_str){ 0 } : joined(ctx, facts->modes);
                mv_report(ctx, MV_OUTCOME_PASS, "volume %.*s: claim %.*s %s (%.*s → %.*s)",
                          MV_STR_ARG(volume->name), MV_STR_ARG(facts->name),
                          shared ? "is ReadWriteMany" : "is not shared, and its volume is being migrated",
                          MV_STR_ARG(facts->chain), MV_STR_ARG(modes));
                return;
        }
        struct mv_finding *finding;
        if (!facts->modes) {
                /* A chain that is just its beginning says nothing. */
                bool followed = facts->chain.n > sizeof "VMI";
                finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN,
                        "volume %.*s: %.*s, so the access modes of claim %.*s are not known%s%.*s%s",
                        MV_STR_ARG(volume->name), MV_STR_ARG(facts->problem), MV_STR_ARG(facts->name),
                        followed ? " (" : "", followed ? (int)facts->chain.n : 0, facts->chain.p,
                        followed ? " → ?)" : "");
                bool namespaced = mv_kinds[facts->missing_kind].namespaced;
                mv_report_missing(finding, facts->missing_kind,
                                  namespaced ? ctx->vmi->meta.namespace : (struct mv_str){ 0 },
                                  facts->missing_name);
                finding->fix = remedy(ctx, facts);
                finding->condition =
                        mv_text(ctx,
                                "cannot migrate VMI: Unable to determine if PVC %.*s is shared, live "
                                "migration requires that all PVCs must be shared (using ReadWriteMany "
                                "access mode)",
                                MV_STR_ARG(facts->name));
        } else {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "volume %.*s: claim %.*s is %.*s%s, and live migration needs ReadWriteMany (%.*s → %.*s)",
                        MV_STR_ARG(volume->name), MV_STR_ARG(facts->name),
                        MV_STR_ARG(joined(ctx, facts->modes)),
                        facts->outranks ? ", whatever the DataVolume template says" : "",
                        MV_STR_ARG(facts->chain), MV_STR_ARG(joined(ctx, facts->modes)));
                if (facts->source == MV_CLAIM_EXISTS || facts->source == MV_CLAIM_STATUS)
                        finding->fix = mv_text(
                                ctx,
                                "the access mode of claim %.*s cannot be changed: clone it, or migrate "
                                "the volume, to a claim with ReadWriteMany",
                                MV_STR_ARG(facts->name));
                finding->condition =
                        mv_text(ctx,
                                "cannot migrate VMI: PVC %.*s is not shared, live migration requires that "
                                "all PVCs must be shared (using ReadWriteMany access mode)",
                                MV_STR_ARG(facts->name));
        }
        finding->field = mv_spec_field(ctx, "volumes[%zu]", i);
        finding->thing = volume->name;
        finding->index = i;
}

static void check(struct mv_context *ctx) {
        for (size_t i = 0; i < ctx->vmi->spec.volumes.n; i++)
                check_volume(ctx, &ctx->vmi->spec.volumes.items[i], i);
}

const struct mv_rule mv_rule_pvc_access_mode = {
        .id = "pvc-access-mode",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED_CLAIMS,
        .reason = "DisksNotLiveMigratable",
        .summary = "every claim of the VM must be ReadWriteMany",
        .documentation =
                "Source and target write to the same claim for a moment, so each PersistentVolumeClaim or DataVolume "
                "must have ReadWriteMany among the access modes of its spec, however it is used: disk, lun, CD-ROM, "
                "virtiofs or hotplugged. ReadOnlyMany does not help, nor does a read-only CD-ROM. A volume that is "
                "being migrated to other storage may be unshared.\n\n"
                "The access modes come from the claim if it exists, whatever a template says, else from the instance's "
                "status, else from the DataVolume (or its template in the VirtualMachine): those it names, or those "
                "that CDI takes from the StorageProfile of its storage class, which is the first set, or the first of "
                "the volume mode that is asked for; an archive is always a filesystem. No class named means the default "
                "class for virtualization, then the general default, for an archive the latter only. Of a class that "
                "there is not, or where \"\" asks for none, a PersistentVolume that would do decides. Where none of "
                "these says it, the ConfigMap kubevirt-storage-class-defaults is asked, for CLASS.accessMode and then "
                "accessMode, unless its volume mode is another than the one asked for. The message names the way: VM → "
                "DataVolume template → StorageProfile nfs → ReadWriteMany. When a fact is missing the outcome is "
                "unknown, and KubeVirt would say that it is unable to determine it.",
        .source = "KubeVirt pkg/virt-handler/vm.go: checkVolumesForMigration; CDI pkg/controller/datavolume/util.go: "
                  "renderPvcSpecVolumeModeAndAccessModesAndStorageClass; the OpenShift console's "
                  "kubevirt-storage-class-defaults",
        .fix = "use a storage class that offers ReadWriteMany and accessModes: [ReadWriteMany]",
        .revisions = {
                { 0, check, MV_STEP_VOLUMES_FIRST, 0, NULL },
                { MV_KUBEVIRT(1, 6), check, MV_STEP_VOLUMES, 0,
                  "volumes are the last thing that KubeVirt looks at, no longer the first" },
        },
};
