/* SPDX-License-Identifier: Apache-2.0 */
/* The Pod Security level that a namespace enforces (k8s.io/pod-security-admission). */
#pragma once

#include "policy/snapshot/snapshot.h"

enum mv_pod_security {
        MV_POD_SECURITY_PRIVILEGED,
        MV_POD_SECURITY_BASELINE,
        MV_POD_SECURITY_RESTRICTED,
        MV_POD_SECURITY_UNKNOWN, /* the Namespace is not in the input */
};

/* What the label pod-security.kubernetes.io/enforce says. A level that Kubernetes does not know counts as restricted
 * (k8s.io/pod-security-admission/api: ParseLevel). */
enum mv_pod_security mv_pod_security_of(const struct mv_snapshot *snapshot, struct mv_str namespace);
/* The level is restricted, and of a version that asks for a seccomp profile: 1.19 or newer. */
bool mv_pod_security_asks_seccomp(const struct mv_snapshot *snapshot, struct mv_str namespace);
