/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster's configuration as KubeVirt itself would have it: its defaults with the KubeVirt object's
 * spec.configuration laid over them (pkg/virt-config/configuration.go: GetConfig, defaultClusterConfig,
 * validateConfig, GetConfigFromKubeVirtCR). Where there is no KubeVirt object but a HyperConverged, what its operator
 * will write into the KubeVirt object stands in for it.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/hyperconverged.h"

/* A KubeVirt version as a number that compares; 0 is unknown. The first patch release of a minor one, and any. */
#define MV_KUBEVIRT(major, minor) MV_KUBEVIRT_PATCH(major, minor, 0)
#define MV_KUBEVIRT_PATCH(major, minor, patch) \
        ((unsigned)(major)*1000000u + (unsigned)(minor)*1000u + (unsigned)(patch))

struct mv_kubevirt_config {
        const struct mv_kubevirt *object; /* the object in force; NULL: none is */
        struct mv_str from; /* "KubeVirt/NAMESPACE/NAME", "HyperConverged/NAMESPACE/NAME", or "default" */
        struct mv_str namespace; /* where KubeVirt is installed; "kubevirt" when no object says */
        struct mv_str problem;   /* why a KubeVirt object was ignored, "" otherwise */
        const struct mv_kubevirt_configuration *spec; /* all zero when nothing is in force */

        struct mv_str default_architecture;
        struct mv_str default_network_interface; /* bridge, masquerade or slirp */
        bool permit_bridge_on_pod_network;
        struct mv_str cpu_model;         /* "" when none is configured */
        struct mv_str eviction_strategy; /* "None" when none is configured */
        struct mv_str eviction_from;     /* where that comes from */

        struct mv_str version;        /* as the object's status says it, without suffix; "" when unknown */
        struct mv_str version_from;   /* "KubeVirt/...", "flag" or "default" */
        unsigned version_number;      /* MV_KUBEVIRT(...); 0 when unknown */
        struct mv_str version_unread; /* what the status says instead of a version, "" when it is one */
};

/* Work it out from the KubeVirt objects (n may be 0), without any from the HyperConverged, unless that is NULL; for that it
 * counts whether the cluster has more than one worker, MV_UNSET: not known. Memory comes from arena, whose failure the caller
 * tests. */
struct mv_kubevirt_config *mv_kubevirt_config_new(struct mv_arena *arena,
                                                  const struct mv_kubevirt *const *objects, size_t n,
                                                  const struct mv_hyperconverged *hyperconverged,
                                                  enum mv_optional several_workers);

/* The same configuration of another version of KubeVirt, for --kubevirt-version; the given one when that is "", or no
 * version, or memory is out. */
const struct mv_kubevirt_config *mv_kubevirt_config_at(struct mv_arena *arena,
                                                       const struct mv_kubevirt_config *config,
                                                       struct mv_str version);

/* The version has that gate at all. */
bool mv_kubevirt_has_gate(const struct mv_kubevirt_config *config, const char *gate);
/* The gate is on, in the version that the configuration is of (pkg/virt-config/featuregate/feature-gates.go: IsEnabled). */
bool mv_kubevirt_gate(const struct mv_kubevirt_config *config, const char *gate);

/* The name of the service account of KubeVirt's namespace that username is, such as "kubevirt-controller"; "" for anybody
 * else. */
struct mv_str mv_kubevirt_account(const struct mv_kubevirt_config *config, struct mv_str username);

/* "v1.9.1-rc.1" -> MV_KUBEVIRT_PATCH(1, 9, 1), and the text without "v" and suffix in *ret_text; 0 when it is no version.
 * "1.9" is its latest patch release. */
unsigned mv_kubevirt_version_parse(struct mv_str text, struct mv_str *ret_text);
