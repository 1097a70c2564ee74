/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors as people write them (kubectl -l): `a=b,c!=d,e in (f, g),h notin (i),j,!k`, all of which must hold.
 * As in Kubernetes, != and notin hold where the label is absent.
 */
#pragma once

#include "policy/object/meta.h"

struct mv_selector;

/* Parse text into arena; slices point into text. MV_ESYNTAX, MV_ENOMEM; err->offset says where. */
int mv_selector_parse(struct mv_arena *arena, struct mv_str text, struct mv_selector **ret,
                      struct mv_err *err);
bool mv_selector_matches(const struct mv_selector *selector, const struct mv_map *labels);
