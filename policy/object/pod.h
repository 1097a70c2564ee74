/* SPDX-License-Identifier: Apache-2.0 */
/* Pod: what the answer to an eviction rests on. */
#pragma once

#include "policy/object/meta.h"

struct mv_pod {
        struct mv_meta meta;
        struct mv_pod_spec {
                struct mv_str node_name;
        } spec;
        struct mv_pod_status {
                struct mv_str phase;
        } status;
};

extern const struct mv_table mv_table_pod;

/* The phase says that it has ended: Succeeded or Failed. */
bool mv_pod_is_final(const struct mv_pod *pod);
