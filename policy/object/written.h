/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KubeVirt's API does not have in an object that somebody wrote, kept when the object is read: KubeVirt's webhooks
 * refuse it for that. Of an object that the API server has stored (it has a resourceVersion) or that KubeVirt has given a
 * status nothing is said: it was admitted once, and what was unknown is gone.
 *
 * The functions are those of struct mv_kind_info: called when the table has done its part.
 */
#pragma once

#include "policy/object/decode.h"

int mv_vm_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
int mv_vmi_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
int mv_pool_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
int mv_replica_set_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err);
