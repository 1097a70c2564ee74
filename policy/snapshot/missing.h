/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that decide and that the snapshot does not have, each once: who has them may ask again. */
#pragma once

#include "policy/snapshot/snapshot.h"
#include "policy/verdict.h"

enum { MV_MOST_MISSING = 16 };

/* The first so many; one without a name is none that can be asked for. */
struct mv_missing_list {
        struct mv_missing items[MV_MOST_MISSING];
        size_t n;
};

void mv_missing_add(struct mv_missing_list *list, const struct mv_missing *missing);
/* What the verdict on an object of this namespace would have been made of, and the namespace itself. */
void mv_missing_collect(struct mv_missing_list *list, const struct mv_snapshot *snapshot,
                        struct mv_str namespace, const struct mv_verdict *verdict);
