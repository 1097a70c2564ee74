/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperConverged (hco.kubevirt.io): the object whose operator writes the KubeVirt object. Two shapes are in use:
 * v1beta1 has the settings directly under `spec`, v1 in groups (spec.virtualization, spec.networking). A key of the
 * other shape is dropped by the API server, so only those of the object's own version are read.
 */
#pragma once

#include "policy/object/kubevirt.h"

struct mv_hyperconverged_gate { /* of v1 */
        struct mv_str name, state;
};

struct mv_hyperconverged {
        struct mv_str api_version;
        struct mv_meta meta;
        struct mv_hyperconverged_spec { /* in neither shape, but what both say */
                struct mv_migration_settings live_migration;
                struct mv_str eviction_strategy, cpu_model; /* p is NULL when absent */
                MV_LIST(struct mv_binding_plugin) bindings; /* sorted by name */
                struct mv_permitted_host_devices *permitted_host_devices;
                struct mv_instancetype_configuration instancetype;
                enum mv_optional decentralized_live_migration, sriov_live_migration; /* feature gates */
                MV_LIST(struct mv_hyperconverged_gate) gates;
        } spec;
};

/* apiVersion and metadata; the spec waits for mv_hyperconverged_read. */
extern const struct mv_table mv_table_hyperconverged;

/* Read the whole object, a struct mv_hyperconverged that was decoded from json, by the shape of its version. Errors as
 * mv_decode. */
int mv_hyperconverged_read(const struct mv_decode *decode, struct mv_str json, void *object,
                           struct mv_err *err);

/* Its apiVersion is v1. */
bool mv_hyperconverged_is_v1(const struct mv_hyperconverged *object);
