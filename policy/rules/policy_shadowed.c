/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-shadowed: another MigrationPolicy always wins.
 *
 * Reads spec.selectors of this policy and of the others, and what they match.
 *
 * Of two policies that match, the one with more labels wins. So one that matches wherever this one does, by part of its
 * labels, has fewer and loses, unless its labels are just the same: then the smaller name wins. That holds whatever the
 * cluster looks like. Beyond that only what there is can show that others always win.
 */
#include "policy/nodes/population.h"
#include "policy/resolve.h"
#include "policy/rule.h"

static bool same_labels(const struct mv_map *a, const struct mv_map *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!mv_map_has(b, a->items[i].key, a->items[i].value))
                        return false;
        return true;
}

/* A policy of the snapshot other than the one judged (of its name the snapshot may hold an older state); NULL. */
static const struct mv_migration_policy *other_at(const struct mv_context *ctx, size_t i) {
        const struct mv_migration_policy *other = mv_snapshot_at(ctx->snapshot, MV_KIND_MIGRATION_POLICY, i);
        return mv_str_equal(other->meta.name, ctx->policy->meta.name) || !other->spec.selectors ? NULL
                                                                                                : other;
}

/* The policy with the same selectors whose name comes first; NULL when this one's does. */
static const struct mv_migration_policy *find_twin(const struct mv_context *ctx) {
        const struct mv_policy_selectors *own = ctx->policy->spec.selectors;
        const struct mv_migration_policy *first = NULL;
        for (size_t i = 0; i < mv_snapshot_count(ctx->snapshot, MV_KIND_MIGRATION_POLICY); i++) {
                const struct mv_migration_policy *other = other_at(ctx, i);
                if (other && same_labels(&other->spec.selectors->vmi_labels, &own->vmi_labels) &&
                    same_labels(&other->spec.selectors->namespace_labels, &own->namespace_labels) &&
                    mv_str_compare(other->meta.name, first ? first->meta.name : ctx->policy->meta.name) < 0)
                        first = other;
        }
        return first;
}

/* Who wins for one inhabitant that this policy matches. */
struct contest {
        struct mv_policy_match winner;
        bool unsure; /* another one would win if the Namespace, which is not there, had its labels */
};

static void hold(const struct mv_context *ctx, const struct mv_inhabitant *inhabitant,
                 const struct mv_policy_place *place, const struct mv_policy_match *own,
                 struct contest *ret) {
        *ret = (struct contest){ .winner = *own };
        for (size_t i = 0; i < mv_snapshot_count(ctx->snapshot, MV_KIND_MIGRATION_POLICY); i++) {
                const struct mv_migration_policy *other = other_at(ctx, i);
                struct mv_policy_score score;
                if (!other)
                        continue;
                mv_policy_score_of(other, inhabitant->labels, place, &score);
                if (score.miss == MV_POLICY_NAMESPACE_UNKNOWN) {
                        score.match.namespace_labels = other->spec.selectors->namespace_labels.n;
                        score.match.vmi_labels = other->spec.selectors->vmi_labels.n;
                        ret->unsure |= mv_policy_match_compare(&score.match, own) < 0;
                } else if (score.miss == MV_POLICY_MATCHES &&
                           mv_policy_match_compare(&score.match, &ret->winner) < 0)
                        ret->winner = score.match;
        }
}

/* How it fares among all that it matches. */
struct record {
        size_t lost;
        struct mv_policy_match own, winner; /* of the first that is lost */
        struct mv_inhabitant where;
        bool several;          /* not always to the same policy */
        bool won, unsure;      /* some are won; some may be */
        struct mv_str unknown; /* the namespace that decides */
};

static void tell(const struct mv_context *ctx, struct record *ret) {
        struct mv_inhabitant inhabitant = { 0 };
        struct mv_policy_place place;
        struct mv_policy_score score;
        struct contest contest;
        while (!ret->won && mv_population_next(ctx->snapshot, &inhabitant)) {
                mv_policy_place_of(ctx->snapshot, inhabitant.namespace, &place);
                mv_policy_score_of(ctx->policy, inhabitant.labels, &place, &score);
                if (score.miss != MV_POLICY_MATCHES)
                        continue;
                hold(ctx, &inhabitant, &place, &score.match, &contest);
                if (contest.winner.policy != ctx->policy) {
                        if (!ret->lost++) {
                                ret->winner = contest.winner;
                                ret->own = score.match;
                                ret->where = inhabitant;
                        }
                        ret->several |= contest.winner.policy != ret->winner.policy;
                } else if (contest.unsure) {
                        ret->unsure = true;
                        ret->unknown = inhabitant.namespace;
                } else
                        ret->won = true;
        }
}

/* Why the winner wins over this policy. */
static struct mv_str reason(struct mv_context *ctx, const struct record *record) {
        size_t won = record->winner.namespace_labels + record->winner.vmi_labels,
               lost = record->own.namespace_labels + record->own.vmi_labels;
        if (won != lost)
                return mv_text(ctx, "with a score of %zu against %zu", won, lost);
        if (record->winner.vmi_labels != record->own.vmi_labels)
                return mv_text(ctx,
                               "with the same score of %zu, by more labels of the instance (%zu against %zu)",
                               won, record->winner.vmi_labels, record->own.vmi_labels);
        return mv_text(ctx, "with the same score of %zu, by its name", won);
}

static void report_lost(struct mv_context *ctx, const struct record *record) {
        struct mv_str name = record->winner.policy->meta.name;
        struct mv_str where = mv_text(ctx, "%s %.*s/%.*s", mv_kinds[record->where.kind].shorthand,
                                      MV_STR_ARG(record->where.namespace), MV_STR_ARG(record->where.name));
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "%s wherever it matches (%zu in all): for %.*s MigrationPolicy %.*s, %.*s",
                          record->several ? "other policies win" : "another policy wins", record->lost,
                          MV_STR_ARG(where), MV_STR_ARG(name), MV_STR_ARG(reason(ctx, record)));
        finding->field = MV_STR("spec.selectors");
        finding->thing = name;
}

static void check(struct mv_context *ctx) {
        struct record record = { 0 };
        if (!ctx->policy->spec.selectors)
                return; /* it matches nothing, and policy-never-matches says so */
        const struct mv_migration_policy *twin = find_twin(ctx);
        if (twin) {
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "it never applies: MigrationPolicy %.*s has the same selectors, and of equal ones the "
                        "smaller name wins",
                        MV_STR_ARG(twin->meta.name));
                finding->field = MV_STR("spec.selectors");
                finding->thing = twin->meta.name;
                return;
        }
        tell(ctx, &record);
        if (record.won || (!record.lost && !record.unsure))
                mv_report(ctx, MV_OUTCOME_PASS, "no other policy always wins over it");
        else if (record.unsure) {
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN,
                        "whether it ever applies is not known: another policy may win, and Namespace %.*s "
                        "%s",
                        MV_STR_ARG(record.unknown), mv_snapshot_absent(ctx->snapshot, MV_KIND_NAMESPACE));
                finding->field = MV_STR("spec.selectors");
                finding->fix = mv_missing_fix(ctx, MV_KIND_NAMESPACE, MV_STR(""), record.unknown);
                mv_report_missing(finding, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, record.unknown);
        } else
                report_lost(ctx, &record);
}

const struct mv_rule mv_rule_policy_shadowed = {
        .id = "policy-shadowed",
        .area = MV_AREA_POLICY,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(MIGRATION_POLICY) | MV_NEED(VM) | MV_NEED(VMI) | MV_NEED(POOL) |
                 MV_NEED(REPLICA_SET) | MV_NEED(NAMESPACE),
        .reason = "",
        .subject = MV_SUBJECT_POLICY,
        .summary = "a MigrationPolicy that never applies, since another always wins",
        .documentation =
                "Of the policies that match, only one applies, also where it sets less: the one with most labels; of "
                "these the one with most labels of the instance; of these the one whose name is smallest, byte by "
                "byte. Of two policies with the same selectors the second by name never applies. For others it is "
                "reported when some other policy wins for every instance and template that this one matches now.",
        .source = "KubeVirt pkg/virt-controller/watch/migration/migrationpolicy.go: matchPolicy",
        .fix = "select by more labels than the policy that wins, put its values into that one, or delete this one",
        .revisions = { { 0, check, 0, 0, NULL } },
};
