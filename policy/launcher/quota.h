/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ResourceQuota, as the API server's admission counts (k8s.io/kubernetes/pkg/quota/v1/evaluator/core/pods.go): which pods
 * a quota is about, and how much of its resources a pod uses.
 */
#pragma once

#include "policy/launcher/amounts.h"
#include "policy/launcher/launcher.h"
#include "policy/object/guard.h"
#include "policy/object/pod.h"
#include "policy/snapshot/snapshot.h"

/* What the scopes of quotas ask of a pod. */
struct mv_quota_traits {
        bool terminating;     /* it has activeDeadlineSeconds */
        bool best_effort;     /* no container asks for CPU or memory */
        bool cross_namespace; /* its affinity names other namespaces */
        struct mv_str priority_class;
};
struct mv_quota_traits mv_quota_traits_of(const struct mv_pod *pod, const struct mv_amounts *requests,
                                          const struct mv_amounts *limits);
/* Of a launcher, which always requests memory. */
struct mv_quota_traits mv_quota_traits_of_launcher(const struct mv_vmi *vmi);

/* The quota is about such a pod. */
bool mv_quota_counts(const struct mv_resource_quota *quota, const struct mv_quota_traits *traits);

/* How much of a quota's resource ("requests.memory", "pods") a pod uses; false when that is no matter of pods. */
bool mv_quota_usage(struct mv_str resource, const struct mv_amounts *requests,
                    const struct mv_amounts *limits, int64_t *ret);
/* An amount of a quota's resource; false when text is no quantity. */
bool mv_quota_amount(struct mv_str resource, struct mv_str text, int64_t *ret);

/* What KubeVirt looks at when it makes a launcher in that namespace. */
struct mv_launcher_namespace mv_launcher_namespace_of(const struct mv_snapshot *snapshot,
                                                      struct mv_str namespace);
