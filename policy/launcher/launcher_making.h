/* SPDX-License-Identifier: Apache-2.0 */
/* How policy/launcher/launcher.c and policy/launcher/launcher_support.c share the making of a pod; nobody else includes it. */
#pragma once

#include "policy/launcher/launcher_figures.h"

#define MV_LAUNCHER_STORAGE INT64_C(50000000) /* of ephemeral storage, in what KubeVirt makes */

/* What the functions that make a launcher pass to one another. */
struct mv_launcher_making {
        struct mv_arena *arena;
        const struct mv_kubevirt_config *config;
        const struct mv_launcher_figures *figures;
        const struct mv_launcher_namespace *namespace;
        const struct mv_vmi *vmi;
        struct mv_launcher_resources own;
        struct mv_launcher *launcher;
        struct mv_launcher_container *containers;
        size_t n_containers;
};

/* KubeVirt cannot make the pod; the first problem stays. */
void mv_launcher_cannot(struct mv_launcher_making *m, struct mv_str problem);
/* One more container, or several alike, with the requests that the API server makes of limits. */
void mv_launcher_add(struct mv_launcher_making *m, struct mv_launcher_container container);
/* All but compute. */
void mv_launcher_add_support(struct mv_launcher_making *m);
