/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/resources.h"

#include "cluster/kube/wire.h"
#include "policy/object/config_map.h"
#include "policy/registry.h"
#include "policy/rule.h"

#define VERSIONS(...) \
        { .versions = { __VA_ARGS__ }, .listed = true, .fetched = true }
#define METADATA(...) \
        { .versions = { __VA_ARGS__ }, .listed = true, .fetched = true, .metadata = true }

const struct mv_kube_resource mv_kube_resources[MV_KIND_COUNT] = {
        [MV_KIND_VM] = VERSIONS("v1", "v1alpha3"),
        [MV_KIND_VMI] = VERSIONS("v1", "v1alpha3"),
        [MV_KIND_MIGRATION] = VERSIONS("v1", "v1alpha3"),
        [MV_KIND_POOL] = VERSIONS("v1beta1", "v1alpha1"),
        [MV_KIND_REPLICA_SET] = VERSIONS("v1", "v1alpha3"),
        [MV_KIND_CLAIM] = VERSIONS("v1"),
        [MV_KIND_PERSISTENT_VOLUME] = VERSIONS("v1"),
        [MV_KIND_DATA_VOLUME] = VERSIONS("v1beta1"),
        [MV_KIND_STORAGE_CLASS] = VERSIONS("v1"),
        [MV_KIND_STORAGE_PROFILE] = VERSIONS("v1beta1"),
        [MV_KIND_NODE] = VERSIONS("v1"),
        [MV_KIND_NAMESPACE] = METADATA("v1"),
        [MV_KIND_MIGRATION_POLICY] = VERSIONS("v1alpha1"),
        [MV_KIND_KUBEVIRT] = VERSIONS("v1", "v1alpha3"),
        /* Those that have ended take no room, and a cluster may keep thousands of them. */
        [MV_KIND_POD] = { .versions = { "v1" },
                          .selectors = { "fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed" },
                          .listed = true,
                          .fetched = true },
        [MV_KIND_INSTANCETYPE] = VERSIONS("v1beta1", "v1alpha2"),
        [MV_KIND_CLUSTER_INSTANCETYPE] = VERSIONS("v1beta1", "v1alpha2"),
        [MV_KIND_PREFERENCE] = VERSIONS("v1beta1", "v1alpha2"),
        [MV_KIND_CLUSTER_PREFERENCE] = VERSIONS("v1beta1", "v1alpha2"),
        /* KubeVirt also keeps one for each start of each VM, with all of its spec; those have no label. The ones of
         * instancetypes and preferences have had it since 1.0. */
        [MV_KIND_CONTROLLER_REVISION] = { .versions = { "v1" },
                                          .selectors = { "labelSelector=instancetype.kubevirt.io%2Fobject-name" },
                                          .some = "only those with the label "
                                                  "instancetype.kubevirt.io/object-name are read",
                                          .listed = true,
                                          .fetched = true },
        [MV_KIND_DATA_SOURCE] = VERSIONS("v1beta1"),
        [MV_KIND_VOLUME_SNAPSHOT] = METADATA("v1"),
        [MV_KIND_RESOURCE_QUOTA] = VERSIONS("v1"),
        [MV_KIND_LIMIT_RANGE] = VERSIONS("v1"),
        [MV_KIND_DISRUPTION_BUDGET] = VERSIONS("v1"),
        [MV_KIND_MAINTENANCE] = VERSIONS("v1beta1"),
        [MV_KIND_LEGACY_MAINTENANCE] = VERSIONS("v1beta1"),
        [MV_KIND_CONFIG_MAP] = { .versions = { "v1" },
                                 .selectors = { "fieldSelector=metadata.name%3D" MV_LEGACY_CONFIG,
                                                "fieldSelector=metadata.name%3D" MV_STORAGE_CLASS_DEFAULTS },
                                 .some = "only those that configure the cluster are read",
                                 .listed = true },
        /* Whoever may read the name of a Secret may read all of it. */
        [MV_KIND_SECRET] = { .versions = { "v1" }, .some = "Secrets are not read" },
        [MV_KIND_HYPERCONVERGED] = VERSIONS("v1", "v1beta1"),
        [MV_KIND_NETWORK_ATTACHMENT] = METADATA("v1"),
};

uint64_t mv_kube_needed(void) {
        /* The mirrors of KubeVirt's webhooks and the drain look these up by themselves. */
        static const enum mv_kind looked_up[] = { MV_KIND_POD,         MV_KIND_NODE,
                                                  MV_KIND_MIGRATION,   MV_KIND_DISRUPTION_BUDGET,
                                                  MV_KIND_MAINTENANCE, MV_KIND_LEGACY_MAINTENANCE };
        uint64_t needed = MV_NEED_ALWAYS;
        for (size_t i = 0; i < sizeof looked_up / sizeof *looked_up; i++)
                needed |= UINT64_C(1) << looked_up[i];
        for (size_t i = 0; mv_rules[i]; i++)
                needed |= mv_rules[i]->needs;
        for (size_t i = 0; mv_notices[i]; i++)
                needed |= mv_notices[i]->needs;
        return needed;
}

static void append_version(struct mv_buf *out, enum mv_kind kind, const char *version) {
        const char *group = mv_kinds[kind].group;
        mv_buf_format(out, "%s%s/%s", *group ? "/apis/" : "/api", group, version);
}

void mv_kube_collection_path(struct mv_buf *out, enum mv_kind kind, const char *version) {
        append_version(out, kind, version);
        mv_buf_format(out, "/%s", mv_kinds[kind].plural);
}

void mv_kube_object_path(struct mv_buf *out, enum mv_kind kind, const char *version, struct mv_str namespace,
                         struct mv_str name) {
        append_version(out, kind, version);
        if (mv_kinds[kind].namespaced) {
                mv_buf_append_text(out, "/namespaces/");
                mv_buf_append_encoded(out, namespace);
        }
        mv_buf_format(out, "/%s/", mv_kinds[kind].plural);
        mv_buf_append_encoded(out, name);
}

const char *mv_kube_accept(enum mv_kind kind, enum mv_kube_form form) {
        if (!mv_kube_resources[kind].metadata)
                return "application/json";
        return form == MV_KUBE_PAGE
                       ? "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
                       : "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
}
