/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConfigMap and Secret. Of both just the names are kept, but for two ConfigMaps that once configured a cluster:
 * `kubevirt-config` (KubeVirt until 0.46), whose values are YAML or JSON within a string, and
 * `kubevirt-storage-class-defaults` (the OpenShift console and old HyperConverged operators).
 */
#pragma once

#include "policy/object/meta.h"

#define MV_LEGACY_CONFIG "kubevirt-config"
#define MV_STORAGE_CLASS_DEFAULTS "kubevirt-storage-class-defaults"

struct mv_config_map {
        struct mv_meta meta;      /* name and namespace only */
        struct mv_map data;       /* of those two; empty otherwise */
        struct mv_map migrations; /* what data.migrations of kubevirt-config says, each value as text */
        /* What is wrong with the data, and where (data.migrations), of one that may turn out to be anybody's; "" when
         * nothing is. data and migrations are empty then. */
        struct mv_str problem, problem_path;
};

struct mv_secret {
        struct mv_meta meta; /* name and namespace only */
};

extern const struct mv_table mv_table_config_map;
extern const struct mv_table mv_table_secret;

/* Installers of KubeVirt put what configures the cluster into this namespace. */
bool mv_is_installer_namespace(struct mv_str namespace);
/* The ith of these namespaces, in the order in which they are asked; NULL behind the last. */
const char *mv_installer_namespace(size_t i);

/*
 * Read the data of the two out of json, the object's text, into *object, a struct mv_config_map that was decoded
 * from it and has its namespace. Returns 0; or MV_ENOMEM; or, in a namespace of an installer, MV_ETYPE, MV_ESYNTAX,
 * MV_ELIMIT with err->path (data.migrations), err->offset of the value in json and, in the message, the line within the
 * value. In another namespace anybody may have made it, and that becomes its `problem`.
 */
int mv_config_map_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
