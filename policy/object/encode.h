/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded struct, written as JSON by the table it was decoded with: exactly the fields that migvet reads, without
 * those that are absent. */
#pragma once

#include "policy/base/json.h"
#include "policy/object/decode.h"

void mv_encode(struct mv_json *json, const struct mv_table *table, const void *object);
