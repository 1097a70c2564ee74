/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which objects are judged: VMs, instances, migrations, pools and replica sets, but for an instance whose VM is judged, too,
 * since it is judged with the VM, and for migrations that have ended, since they are history. What `migvet check` and the
 * audit of `migvet serve` have in common.
 */
#pragma once

#include "policy/snapshot/snapshot.h"

/* Whether an object is among those that are asked for. NULL: all are. */
typedef bool mv_in_scope(const void *context, const struct mv_meta *meta);

bool mv_is_subject(const struct mv_snapshot *snapshot, enum mv_kind kind, const void *object,
                   mv_in_scope *in_scope, const void *context);
