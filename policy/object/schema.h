/* SPDX-License-Identifier: Apache-2.0 */
/* The check of KubeVirt's webhooks that an object has no field that its API does not have (pkg/util/webhooks:
 * ValidateSchema, pkg/util/openapi: Validator). Types are not looked at: decoding does that. */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/scan.h"
#include "policy/object/shape.h"

/* Told of each complaint, in KubeVirt's words. */
typedef void mv_schema_complaint(void *context, struct mv_str message);

/* Look at a whole object (JSON that was validated before) whose spec has that shape. Metadata and status may hold
 * anything. */
void mv_schema_check(struct mv_arena *arena, struct mv_str object, const struct mv_shape *spec,
                     mv_schema_complaint *complain, void *context);

/* Whether the value that scan is at, of a field that has a shape, is as mv_schema_check wants it. Then scan is behind it, else it
 * stays where it is. */
bool mv_schema_fits(struct mv_arena *arena, struct mv_scan *scan, const struct mv_shape_field *field);
