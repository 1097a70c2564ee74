/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/reflector_status.h"

#include "cluster/kube/wire.h"

#include <stdio.h>

/* In the order of the enum. */
const char *const mv_reflector_error_names[MV_REFLECTOR_ERRORS] = {
        "connection", "expired", "throttled", "unauthorized", "forbidden",
        "absent",     "refused", "malformed", "memory",       "object",
};

void mv_reflector_note_object(struct mv_reflector_status *status, struct mv_str json,
                              const struct mv_err *why) {
        struct mv_str namespace = { 0 }, name = { 0 };
        char text[sizeof status->object_error];
        status->errors[MV_REFLECTOR_OBJECT]++;
        mv_err_format(why, text, sizeof text);
        if (mv_kube_object_name(json, &namespace, &name, NULL) < 0)
                snprintf(status->object_error, sizeof status->object_error, "%s", text);
        else
                snprintf(status->object_error, sizeof status->object_error, "%.*s%s%.*s: %.200s",
                         (int)(namespace.n < 63 ? namespace.n : 63), namespace.p ? namespace.p : "",
                         namespace.n ? "/" : "", (int)(name.n < 253 ? name.n : 253), name.p ? name.p : "",
                         text);
}

bool mv_reflector_keep_version(struct mv_reflector_status *status, struct mv_str version) {
        if (!version.n)
                return true;
        if (version.n >= sizeof status->resource_version)
                return false;
        memcpy(status->resource_version, version.p, version.n);
        status->resource_version[version.n] = '\0';
        return true;
}
