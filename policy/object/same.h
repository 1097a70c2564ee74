/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two decoded objects say the same, member by member as their decode table has them: a watch tells of many changes that
 * touch nothing which is kept. Resource versions do not count. */
#pragma once

#include "policy/object/decode.h"

bool mv_decoded_same(const struct mv_table *table, const void *a, const void *b);
