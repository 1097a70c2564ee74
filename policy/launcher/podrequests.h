/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod of the cluster asks for, as the scheduler and quotas count it
 * (k8s.io/component-helpers/resource: PodRequests, PodLimits). In arena, whose failure the caller tests. */
#pragma once

#include "policy/launcher/amounts.h"
#include "policy/object/pod.h"

struct mv_amounts mv_pod_requests(struct mv_arena *arena, const struct mv_pod *pod);
struct mv_amounts mv_pod_limits(struct mv_arena *arena, const struct mv_pod *pod);
