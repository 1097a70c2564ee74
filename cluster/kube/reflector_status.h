/* SPDX-License-Identifier: Apache-2.0 */
/* What a reflector keeps of what it was told, for cluster/kube/reflector.c. */
#pragma once

#include "cluster/kube/reflector.h"

/* Nothing was asked yet. */
extern const struct mv_reflector_status mv_reflector_status_none;

/* How long to wait after so many failures in a row: after the first a second or so, twice as long after each further one, and
 * at most half a minute. */
long long mv_reflector_pause(uint64_t *random, unsigned failures);
/* A request has failed: count it. The server has not answered since then, or longer. */
void mv_reflector_note_failure(struct mv_reflector_status *status, enum mv_reflector_error error,
                               long long now_ms);
/* An object cannot be read: count it, and say which one and why. */
void mv_reflector_note_object(struct mv_reflector_status *status, struct mv_str json,
                              const struct mv_err *why);
/* What is known grows old while the server does not answer: what of it is left now. *until, unless earlier already, becomes
 * when less will be. */
enum mv_knowledge mv_reflector_age(const struct mv_reflector_status *status, long long now_ms,
                                   long long *until);
/* The last resourceVersion; none changes nothing. False when it is too long. */
bool mv_reflector_keep_version(struct mv_reflector_status *status, struct mv_str version);
