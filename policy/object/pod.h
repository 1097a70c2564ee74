/* SPDX-License-Identifier: Apache-2.0 */
/* Pod: what it asks of its node, and what the answers to an eviction and the order of a drain rest on. */
#pragma once

#include "policy/object/scheduling.h"

struct mv_container {
        struct mv_str name;
        struct mv_str restart_policy; /* of an init container: Always makes it a sidecar */
        struct mv_container_resources {
                struct mv_map requests, limits;
        } resources;
};

struct mv_pod {
        struct mv_meta meta;
        struct mv_pod_spec {
                struct mv_str node_name, scheduler_name, priority_class_name;
                struct mv_optional_int active_deadline_seconds;
                struct mv_map node_selector, overhead;
                struct mv_container_resources resources; /* of the pod as a whole */
                struct mv_affinity *affinity;
                MV_LIST(struct mv_container) containers;
                MV_LIST(struct mv_container) init_containers;
        } spec;
        struct mv_pod_status {
                struct mv_str phase;
        } status;
};

extern const struct mv_table mv_table_pod;
extern const struct mv_table mv_table_container_resources;

/* The phase says that it has ended: Succeeded or Failed. */
bool mv_pod_is_final(const struct mv_pod *pod);
