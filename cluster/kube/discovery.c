/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/discovery.h"

#include "cluster/kube/resources.h"
#include "policy/object/decode.h"

/* Servers before 1.30 have v2beta1 of it, which looks alike. */
const char *const mv_kube_discovery_accept =
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

struct resource {
        struct mv_str name;
        struct mv_strings verbs;
};
struct version {
        struct mv_str version;
        MV_LIST(struct resource) resources;
};
struct group {
        struct group_meta {
                struct mv_str name; /* "" is the core group */
        } metadata;
        MV_LIST(struct version) versions;
};
struct groups {
        struct mv_str kind;
        MV_LIST(struct group) items;
};
struct resources {
        struct mv_str kind;
        MV_LIST(struct resource) resources;
};

/* In documents of all groups. */
static const struct mv_field resource_fields[] = {
        MV_FIELD(struct resource, "resource", MV_TYPE_STRING, name),
        MV_FIELD(struct resource, "verbs", MV_TYPE_STRINGS, verbs),
};
static const struct mv_table resource_table = MV_TABLE(resource_fields, struct resource);
static const struct mv_field version_fields[] = {
        MV_FIELD_TABLE(struct version, "resources", MV_TYPE_LIST, resources, &resource_table),
        MV_FIELD(struct version, "version", MV_TYPE_STRING, version),
};
static const struct mv_table version_table = MV_TABLE(version_fields, struct version);
static const struct mv_field group_meta_fields[] = {
        MV_FIELD(struct group_meta, "name", MV_TYPE_STRING, name),
};
static const struct mv_table group_meta_table = MV_TABLE(group_meta_fields, struct group_meta);
static const struct mv_field group_fields[] = {
        MV_FIELD_TABLE(struct group, "metadata", MV_TYPE_OBJECT, metadata, &group_meta_table),
        MV_FIELD_TABLE(struct group, "versions", MV_TYPE_LIST, versions, &version_table),
};
static const struct mv_table group_table = MV_TABLE(group_fields, struct group);
static const struct mv_field groups_fields[] = {
        MV_FIELD_TABLE(struct groups, "items", MV_TYPE_LIST, items, &group_table),
        MV_FIELD(struct groups, "kind", MV_TYPE_STRING, kind),
};
static const struct mv_table groups_table = MV_TABLE(groups_fields, struct groups);

/* In those of one version. */
static const struct mv_field member_fields[] = {
        MV_FIELD(struct resource, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct resource, "verbs", MV_TYPE_STRINGS, verbs),
};
static const struct mv_table member_table = MV_TABLE(member_fields, struct resource);
static const struct mv_field members_fields[] = {
        MV_FIELD(struct resources, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct resources, "resources", MV_TYPE_LIST, resources, &member_table),
};
static const struct mv_table members_table = MV_TABLE(members_fields, struct resources);

/* The server has that kind in this version, too. */
static void note(struct mv_kube_discovery *discovery, struct mv_str group, struct mv_str version,
                 const struct resource *resource) {
        enum mv_kind kind = mv_kind_find_resource(group, resource->name);
        if (kind == MV_KIND_COUNT || !mv_strings_have(&resource->verbs, MV_STR("list")) ||
            !mv_strings_have(&resource->verbs, MV_STR("watch")))
                return;
        for (const char *const *known = mv_kube_resources[kind].versions; *known; known++) {
                if (discovery->versions[kind] == *known)
                        return; /* a better one */
                if (mv_str_is(version, *known)) {
                        discovery->versions[kind] = *known;
                        return;
                }
        }
}

int mv_kube_discovery_read(struct mv_kube_discovery *discovery, bool core, struct mv_str body,
                           bool *ret_aggregated, struct mv_err *err) {
        struct mv_arena arena;
        struct groups groups;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int r = mv_decode(&(struct mv_decode){ .arena = &arena }, body, &groups_table, &groups, err);
        bool aggregated = r == 0 && mv_str_is(groups.kind, "APIGroupDiscoveryList");
        for (int kind = 0; aggregated && kind < MV_KIND_COUNT; kind++)
                if (core == !*mv_kinds[kind].group)
                        discovery->versions[kind] = NULL;
        for (size_t i = 0; aggregated && i < groups.items.n; i++) {
                const struct group *group = &groups.items.items[i];
                for (size_t j = 0; j < group->versions.n; j++) {
                        const struct version *version = &group->versions.items[j];
                        for (size_t k = 0; k < version->resources.n; k++)
                                note(discovery, group->metadata.name, version->version,
                                     &version->resources.items[k]);
                }
        }
        if (r == 0)
                *ret_aggregated = aggregated;
        mv_arena_done(&arena);
        return r;
}

int mv_kube_discovery_read_version(struct mv_kube_discovery *discovery, const char *group,
                                   const char *version, struct mv_str body, struct mv_err *err) {
        struct mv_arena arena;
        struct resources resources;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int r = mv_decode(&(struct mv_decode){ .arena = &arena }, body, &members_table, &resources, err);
        if (r == 0 && !mv_str_is(resources.kind, "APIResourceList"))
                r = mv_err_set(err, MV_ETYPE, "no APIResourceList");
        for (size_t i = 0; r == 0 && i < resources.resources.n; i++)
                note(discovery, mv_str_from(group), mv_str_from(version), &resources.resources.items[i]);
        mv_arena_done(&arena);
        return r;
}
