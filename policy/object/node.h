/* SPDX-License-Identifier: Apache-2.0 */
/* Node and Namespace: what rules read of them. */
#pragma once

#include "policy/object/scheduling.h"

struct mv_node {
        struct mv_meta meta;
        struct mv_node_spec {
                bool unschedulable;
                MV_LIST(struct mv_taint) taints;
        } spec;
        struct mv_node_status {
                struct mv_map allocatable;
                struct mv_node_info {
                        struct mv_str kernel_version;
                } info;
        } status;
};

struct mv_namespace {
        struct mv_meta meta;
};

extern const struct mv_table mv_table_node;
extern const struct mv_table mv_table_namespace;
