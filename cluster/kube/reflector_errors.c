/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/reflector.h"

/* In the order of the enum. */
const char *const mv_reflector_error_names[MV_REFLECTOR_ERRORS] = {
        "connection", "expired", "throttled", "unauthorized", "forbidden",
        "absent",     "refused", "malformed", "memory",       "object",
};
