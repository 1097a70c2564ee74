/* SPDX-License-Identifier: Apache-2.0 */
/* What a reflector keeps of what it was told, for cluster/kube/reflector.c. */
#pragma once

#include "cluster/kube/reflector.h"

/* An object cannot be read: count it, and say which one and why. */
void mv_reflector_note_object(struct mv_reflector_status *status, struct mv_str json,
                              const struct mv_err *why);
/* What is known grows old while the server does not answer: what of it is left now. *until, unless earlier already, becomes
 * when less will be. */
enum mv_knowledge mv_reflector_age(const struct mv_reflector_status *status, long long now_ms,
                                   long long *until);
/* The last resourceVersion; none changes nothing. False when it is too long. */
bool mv_reflector_keep_version(struct mv_reflector_status *status, struct mv_str version);
