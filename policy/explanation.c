/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explanation.h"

#include "policy/convergence.h"
#include "policy/expand.h"
#include "policy/render.h"

#include <stdio.h>

static size_t total(const struct mv_policy_match *match) {
        return match->namespace_labels + match->vmi_labels;
}

static bool matches(const struct mv_explanation *explanation, size_t i) {
        return i < explanation->n_scores && explanation->scores[i].miss == MV_POLICY_MATCHES;
}

void mv_explanation_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                         const struct mv_verdict *verdict, struct mv_explanation *ret) {
        *ret = (struct mv_explanation){ .verdict = verdict };
        if (!verdict->instance)
                return;
        ret->scores = mv_policy_scores(arena, snapshot, &verdict->instance->vmi, &ret->n_scores);
        if (!matches(ret, 0))
                return;
        const struct mv_policy_match *winner = &ret->scores[0].match, *next = &ret->scores[1].match;
        ret->decided_by = !matches(ret, 1)                         ? MV_DECIDED_BY_MATCH
                          : total(winner) != total(next)           ? MV_DECIDED_BY_SCORE
                          : winner->vmi_labels != next->vmi_labels ? MV_DECIDED_BY_INSTANCE
                                                                   : MV_DECIDED_BY_NAME;
}

/* "the instance has no label app, but app=db is asked for" */
static struct mv_str miss_reason(struct mv_arena *arena, const struct mv_policy_score *score) {
        const char *whose = score->miss == MV_POLICY_MISSES_INSTANCE ? "instance" : "namespace";
        if (score->found)
                return mv_arena_format(arena, "the %s has %.*s=%.*s, not %.*s", whose,
                                       MV_STR_ARG(score->label->key), MV_STR_ARG(*score->found),
                                       MV_STR_ARG(score->label->value));
        return mv_arena_format(arena, "the %s has no label %.*s=%.*s", whose, MV_STR_ARG(score->label->key),
                               MV_STR_ARG(score->label->value));
}

struct mv_str mv_explanation_reason(struct mv_arena *arena, const struct mv_explanation *explanation,
                                    size_t i) {
        static const char *const wins[] = {
                [MV_DECIDED_BY_MATCH] = "wins: no other matches",
                [MV_DECIDED_BY_SCORE] = "wins by its score",
                [MV_DECIDED_BY_INSTANCE] = "wins by more labels of the instance",
                [MV_DECIDED_BY_NAME] = "wins by its name",
        };
        const struct mv_policy_score *score = &explanation->scores[i];
        const struct mv_policy_match *winner = &explanation->scores[0].match;
        switch (score->miss) {
        case MV_POLICY_NO_SELECTORS:
                return MV_STR("never matches: no spec.selectors");
        case MV_POLICY_MISSES_INSTANCE:
        case MV_POLICY_MISSES_NAMESPACE:
                return miss_reason(arena, score);
        case MV_POLICY_NAMESPACE_UNKNOWN:
                return mv_arena_format(
                        arena, "not known: the Namespace is not in the input, and %.*s=%.*s is asked for",
                        MV_STR_ARG(score->label->key), MV_STR_ARG(score->label->value));
        case MV_POLICY_MATCHES:
                break;
        }
        if (i == 0)
                return mv_str_from(wins[explanation->decided_by]);
        return total(winner) != total(&score->match) ? MV_STR("loses by its score")
               : winner->vmi_labels != score->match.vmi_labels
                       ? MV_STR("loses by fewer labels of the instance")
                       : MV_STR("loses by its name");
}

bool mv_explanation_is_about(const struct mv_finding *finding) {
        return finding->rule->area == MV_AREA_CONVERGENCE;
}

/* --- as JSON --- */

/* Bytes as an exact quantity: "8Gi", "1500". */
static void quantity(struct mv_json *json, const char *key, int64_t bytes) {
        static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
        char text[MV_COPY_TEXT];
        size_t unit = 0;
        for (; bytes && bytes % 1024 == 0 && unit + 1 < sizeof units / sizeof *units; unit++)
                bytes /= 1024;
        snprintf(text, sizeof text, "%lld%s", (long long)bytes, units[unit]);
        mv_json_member(json, key, mv_str_from(text));
}

static void score(struct mv_json *json, struct mv_arena *arena, const struct mv_explanation *explanation,
                  size_t i) {
        const struct mv_policy_score *one = &explanation->scores[i];
        mv_json_object(json);
        mv_render_policy_match(json, &one->match);
        mv_json_key(json, "matches");
        if (one->miss == MV_POLICY_NAMESPACE_UNKNOWN)
                mv_json_null(json);
        else
                mv_json_bool(json, one->miss == MV_POLICY_MATCHES);
        mv_json_key(json, "score");
        mv_json_int(json, (long long)total(&one->match));
        mv_json_member(json, "reason", mv_explanation_reason(arena, explanation, i));
        mv_json_end(json);
}

/* Milliseconds as seconds, rounded up; null for never. */
static void seconds(struct mv_json *json, const char *key, int64_t milliseconds) {
        mv_json_key(json, key);
        if (milliseconds == INT64_MAX)
                mv_json_null(json);
        else
                mv_json_int(json, milliseconds / 1000 + (milliseconds % 1000 != 0));
}

static void convergence(struct mv_json *json, const struct mv_copy *copy) {
        static const char *const actions[] = {
                [MV_DEADLINE_NONE] = "None",          [MV_DEADLINE_ABORT] = "Abort",
                [MV_DEADLINE_POST_COPY] = "PostCopy", [MV_DEADLINE_PAUSE] = "Pause",
                [MV_DEADLINE_DOWNTIME] = "Downtime",  [MV_DEADLINE_DETECTOR] = "StallDetector",
        };
        const struct mv_copy_size *size = &copy->size;
        const struct mv_convergence *figures = &copy->figures;
        mv_json_key(json, "convergence");
        mv_json_object(json);
        quantity(json, "memory", size->memory);
        mv_json_key(json, "disks");
        mv_json_array(json);
        for (size_t i = 0; i < size->n_copied; i++) {
                mv_json_object(json);
                mv_json_member(json, "volume", size->copied[i].volume);
                if (size->copied[i].most == INT64_MAX)
                        mv_json_member(json, "atMost", (struct mv_str){ 0 });
                else
                        quantity(json, "atMost", size->copied[i].most);
                mv_json_end(json);
        }
        mv_json_end(json);
        quantity(json, "bandwidth", figures->rate);
        mv_json_key(json, "onePassSeconds");
        mv_json_object(json);
        seconds(json, "least", figures->pass.least);
        seconds(json, "most", figures->pass.most);
        mv_json_end(json);
        mv_json_key(json, "deadlineSeconds");
        mv_json_int(json, figures->deadline);
        quantity(json, "bandwidthNeeded", figures->needed);
        mv_json_member(json, "atDeadline", mv_str_from(actions[figures->action]));
        mv_json_end(json);
}

static void findings(struct mv_json *json, const struct mv_verdict *verdict, bool all) {
        mv_json_key(json, "findings");
        mv_json_array(json);
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (f->outcome != MV_OUTCOME_PASS && (all || mv_explanation_is_about(f)))
                        mv_render_finding(json, f);
        mv_json_end(json);
}

void mv_render_explanation(struct mv_json *json, struct mv_arena *arena,
                           const struct mv_explanation *explanation) {
        static const char *const decided_by[] = {
                [MV_DECIDED_BY_NOTHING] = "",    [MV_DECIDED_BY_MATCH] = "match",
                [MV_DECIDED_BY_SCORE] = "score", [MV_DECIDED_BY_INSTANCE] = "virtualMachineInstanceLabels",
                [MV_DECIDED_BY_NAME] = "name",
        };
        const struct mv_verdict *verdict = explanation->verdict;
        mv_json_object(json);
        mv_json_member(json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(json, "kind", MV_STR("MigrationPolicyExplanation"));
        mv_render_subject(json, &verdict->subject);
        mv_render_value(json, "kubevirtVersion", verdict->version, verdict->version_from);
        mv_render_policy(json, verdict->resolution);
        mv_json_member(json, "decidedBy", mv_str_from(decided_by[explanation->decided_by]));
        mv_json_key(json, "scores");
        mv_json_array(json);
        for (size_t i = 0; i < explanation->n_scores; i++)
                score(json, arena, explanation, i);
        mv_json_end(json);
        mv_render_migration_configuration(json, verdict->resolution);
        if (verdict->copy)
                convergence(json, verdict->copy);
        findings(json, verdict, false);
        mv_json_end(json);
}

void mv_render_policy_findings(struct mv_json *json, const struct mv_verdict *verdict) {
        mv_json_object(json);
        mv_render_subject(json, &verdict->subject);
        findings(json, verdict, true);
        mv_json_end(json);
}
