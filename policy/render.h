/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as text that programs read. Memory to memory; failure, also of the arena, is the buffer's. */
#pragma once

#include "policy/base/json.h"
#include "policy/verdict.h"

/* One Verdict (apiVersion migvet.io/v1alpha1), keys in the order of the contract; arena is for what is worked out on the
 * way. With passes, findings holds also what
 * passed. instance, unless empty, is JSON text for the key of that name. */
void mv_render_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                       bool passes, struct mv_str instance);

/* The value of the key "subject". */
void mv_render_subject(struct mv_json *json, const struct mv_subject *subject);

/* The value of the key "targets": each of these nodes (NULL: all), and what stops those that are not feasible. */
void mv_render_targets(struct mv_json *json, struct mv_arena *arena, const struct mv_fit *fit,
                       const uint64_t *nodes);

/* The names of the rules that found a blocker, comma-separated, each once. From the arena. */
struct mv_str mv_verdict_blockers(struct mv_arena *arena, const struct mv_verdict *verdict);
