/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a MigrationPolicy applies to an instance and the others do not: what `migvet policy` shows, as text for people and
 * as JSON (kind MigrationPolicyExplanation).
 */
#pragma once

#include "policy/base/json.h"
#include "policy/resolve.h"
#include "policy/verdict.h"

/* What made the winner win over the next one. */
enum mv_policy_decided_by {
        MV_DECIDED_BY_NOTHING, /* none matches */
        MV_DECIDED_BY_MATCH,   /* it is the only one that does */
        MV_DECIDED_BY_SCORE,
        MV_DECIDED_BY_INSTANCE, /* the same score, more labels of the instance */
        MV_DECIDED_BY_NAME,
};

struct mv_explanation {
        const struct mv_verdict *verdict;
        const struct mv_policy_score *scores; /* of all policies, the winner first */
        size_t n_scores;
        enum mv_policy_decided_by decided_by;
};

/* Explain a verdict, which must live as long. Without an instance there are no scores. */
void mv_explanation_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                         const struct mv_verdict *verdict, struct mv_explanation *ret);

/* Why one policy (scores[i]) wins, comes after, or does not match. */
struct mv_str mv_explanation_reason(struct mv_arena *arena, const struct mv_explanation *explanation,
                                    size_t i);

/* The finding is about the migration's settings: `convergence` or `post-copy-support`. */
bool mv_explanation_is_about(const struct mv_finding *finding);

/* One MigrationPolicyExplanation. Reasons come from the arena. */
void mv_render_explanation(struct mv_json *json, struct mv_arena *arena,
                           const struct mv_explanation *explanation);
/* What was found about a MigrationPolicy, from its verdict. */
void mv_render_policy_findings(struct mv_json *json, const struct mv_verdict *verdict);
