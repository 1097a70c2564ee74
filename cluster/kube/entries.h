/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the entries of kubeconfig files to a configuration: everything is checked and copied into its arena.
 */
#pragma once

#include "cluster/kube/config.h"
#include "cluster/kube/kubeconfig.h"

int mv_kube_take_cluster(struct mv_kube_config *config, const struct mv_kubeconfig_cluster *cluster,
                         const struct mv_kubeconfig_place *place, struct mv_err *err);
int mv_kube_take_user(struct mv_kube_config *config, const struct mv_kubeconfig_user *user,
                      const struct mv_kubeconfig_place *place, struct mv_err *err);
/* The environment's proxy, unless the configuration has one or the server is not to be reached by one. */
int mv_kube_take_proxy_of_environment(struct mv_kube_config *config, struct mv_err *err);

/* A copy in the arena of the configuration. */
static inline struct mv_str mv_kube_keep(struct mv_kube_config *config, struct mv_str text) {
        return text.n ? mv_arena_copy(&config->arena, text) : (struct mv_str){ 0 };
}
