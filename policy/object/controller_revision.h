/* SPDX-License-Identifier: Apache-2.0 */
/* ControllerRevision (apps/v1): an object as it was once. KubeVirt keeps in them the instancetype and the preference that
 * a VirtualMachine started with; those of other owners are not looked into. */
#pragma once

#include "policy/object/meta.h"

struct mv_controller_revision {
        struct mv_meta meta;
        struct mv_str data; /* the JSON text of the object; "" when there is none */
};

extern const struct mv_table mv_table_controller_revision;
