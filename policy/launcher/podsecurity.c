/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/podsecurity.h"

#include "policy/object/node.h"

static const struct mv_map *labels_of(const struct mv_snapshot *snapshot, struct mv_str namespace) {
        const struct mv_namespace *object =
                mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
        return object ? &object->meta.labels : NULL;
}

enum mv_pod_security mv_pod_security_of(const struct mv_snapshot *snapshot, struct mv_str namespace) {
        const struct mv_map *labels = labels_of(snapshot, namespace);
        if (!labels)
                return MV_POD_SECURITY_UNKNOWN;
        const struct mv_str *level = mv_map_get(labels, MV_STR("pod-security.kubernetes.io/enforce"));
        return !level || mv_str_is(*level, "privileged") ? MV_POD_SECURITY_PRIVILEGED
               : mv_str_is(*level, "baseline")           ? MV_POD_SECURITY_BASELINE
                                                         : MV_POD_SECURITY_RESTRICTED;
}

bool mv_pod_security_asks_seccomp(const struct mv_snapshot *snapshot, struct mv_str namespace) {
        if (mv_pod_security_of(snapshot, namespace) != MV_POD_SECURITY_RESTRICTED)
                return false;
        /* "v1.18" is older; "latest", none and what nobody knows are not. */
        const struct mv_str *version = mv_map_get(labels_of(snapshot, namespace),
                                                  MV_STR("pod-security.kubernetes.io/enforce-version"));
        unsigned long long minor;
        return !version || !mv_str_starts_with(*version, MV_STR("v1.")) ||
               !mv_str_to_unsigned(mv_str_skip(*version, 3), 1000, &minor) || minor >= 19;
}
