/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two JSON texts say the same, as equality.Semantic.DeepEqual of k8s.io/apimachinery has it for the Go objects
 * that they decode to: the order of keys does not matter, quantities are equal by value, keys that the type does not
 * have do not count, null and what is absent are one, and so are an empty map or list and none. An absent member equals
 * its type's zero unless the type is a pointer: `{}` of a pointer says something.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/shape.h"

/*
 * Compare two texts of that shape; NULL stands for JSON of no known type, in which null, {} and [] are as absent. "" is
 * as null. Both are JSON that was validated before. False as well when memory is out, which the arena says.
 */
bool mv_json_equal(struct mv_arena *arena, struct mv_str a, struct mv_str b, const struct mv_shape *shape);
