/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as a change of a verdict: who was told of a verdict is told again only when it changed.
 *
 * It counts whether the object is migratable, whether and why KubeVirt would refuse it, which rules failed or are unknown,
 * with their severity and the field, and the name of the policy of its migrations. It does not count which nodes fit, what
 * the messages say, what passed, nor anything that differs from one moment to the next.
 */
#pragma once

#include "policy/verdict.h"

/* Of what counts. The same in every process of one release of migvet. */
uint64_t mv_verdict_digest(const struct mv_verdict *verdict);
/* Another verdict on one object: b says something else than a. */
bool mv_verdict_differs(const struct mv_verdict *a, const struct mv_verdict *b);
