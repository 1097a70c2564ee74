/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as text that programs read. Memory to memory; failure, also of the arena, is the buffer's. */
#pragma once

#include "policy/base/json.h"
#include "policy/verdict.h"

/* One Verdict (apiVersion migvet.io/v1alpha1), keys in the order of the contract; arena is for what is worked out on the
 * way. With passes, findings holds also what passed. instance, unless empty, is JSON text for the key of that name. */
void mv_render_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                       bool passes, struct mv_str instance);

/* The same without what passed, and with at most so many nodes in each list of its targets. */
void mv_render_short_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                             size_t most_nodes);

/* The value of the key "targets": each of these nodes (NULL: all), and what stops those that are not feasible. At most so many
 * of each (0: all); of those left out `omitted` has the numbers. */
void mv_render_targets(struct mv_json *json, struct mv_arena *arena, const struct mv_fit *fit,
                       const uint64_t *nodes, size_t most);

/* Parts of it, for other documents. Those that the contract names write their key as well. */
struct mv_policy_match;
void mv_render_subject(struct mv_json *json, const struct mv_subject *subject);
void mv_render_value(struct mv_json *json, const char *key, struct mv_str value, struct mv_str from);
void mv_render_policy(struct mv_json *json, const struct mv_resolution *resolution);
void mv_render_migration_configuration(struct mv_json *json, const struct mv_resolution *resolution);
void mv_render_finding(struct mv_json *json, const struct mv_finding *finding);
/* The members `name` and `matched` of an object that is open. */
void mv_render_policy_match(struct mv_json *json, const struct mv_policy_match *match);

/* The names of the rules that found a blocker, comma-separated, each once. From the arena. */
struct mv_str mv_verdict_blockers(struct mv_arena *arena, const struct mv_verdict *verdict);
