/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules say of the instances of a drain: what to mend, what their condition ought to be, and whether the API
 * server takes their next pod. */
#include "policy/drain/drain_making.h"
#include "policy/evaluate.h"

/* The API server refuses the pod. */
static bool is_refusal(const struct mv_finding *f) {
        return f->outcome == MV_OUTCOME_FAIL && (mv_str_is(mv_str_from(f->rule->id), "limit-range") ||
                                                 mv_str_is(mv_str_from(f->rule->id), "pod-security"));
}

static bool is_to_mend(const struct mv_finding *f) {
        return (f->severity == MV_SEVERITY_BLOCKER && f->outcome == MV_OUTCOME_FAIL) || is_refusal(f);
}

static void keep_fixes(struct mv_drain_making *m, const struct mv_verdict *verdict,
                       struct mv_drain_member *member) {
        size_t n = 0;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                n += is_to_mend(f);
        struct mv_drain_fix *fixes = mv_arena_new_array(m->arena, struct mv_drain_fix, n + 1);
        if (!fixes)
                return;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (is_to_mend(f))
                        fixes[member->n_fixes++] = (struct mv_drain_fix){
                                .rule = f->rule->id,
                                .message = mv_arena_copy(m->arena, f->message),
                                .fix = mv_arena_copy(m->arena, f->fix),
                                .condition = f->condition.n > 0,
                        };
        member->fixes = fixes;
}

/* The rules are certain of the condition: what is not in the input does not decide it. KubeVirt knows nothing of a site's
 * rules. */
static bool is_certain(const struct mv_verdict *verdict) {
        bool true_now = mv_str_is(mv_str_from(verdict->conditions[0].status), "True"), unknown = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->outcome == MV_OUTCOME_PASS || f->rule->area == MV_AREA_SITE)
                        continue;
                const bool failed = f->outcome == MV_OUTCOME_FAIL;
                if (failed && (true_now ? f->severity == MV_SEVERITY_BLOCKER : f->condition.n > 0))
                        return true;
                unknown |= !failed && f->severity == MV_SEVERITY_BLOCKER;
        }
        return true_now && !unknown;
}

/* KubeVirt goes by the condition that is stored; what the rules say of it is another matter. */
static void compare_condition(struct mv_drain_making *m, const struct mv_verdict *verdict,
                              struct mv_drain_member *member) {
        const struct mv_condition *stored =
                mv_condition_find(&member->vmi->status.conditions, MV_STR("LiveMigratable"));
        if (!stored || !verdict->n_conditions || mv_str_is(stored->status, verdict->conditions[0].status) ||
            !is_certain(verdict))
                return;
        member->mismatch = mv_arena_format(
                m->arena, "its status says LiveMigratable=%.*s, the rules say %s%s%.*s",
                MV_STR_ARG(stored->status), verdict->conditions[0].status,
                verdict->conditions[0].reason.n ? ": " : "", MV_STR_ARG(verdict->conditions[0].reason));
}

/* Its next pod cannot be made: it does not move, nor start again. */
static void refuse(struct mv_drain_making *m, const struct mv_finding *f, struct mv_drain_member *member,
                   struct mv_sim_vm *vm) {
        if (vm->way == MV_SIM_MIGRATES) {
                vm->way = MV_SIM_STAYS;
                member->obstacle = MV_DRAIN_REFUSED;
                member->why = mv_arena_format(m->arena, "the API server refuses its target pod: %.*s",
                                              MV_STR_ARG(f->message));
        } else if (vm->way == MV_SIM_RESTARTS) {
                vm->way = MV_SIM_SHUTS_DOWN;
                member->refused = true;
                member->why = mv_arena_format(
                        m->arena,
                        "%s, so it is shut down and stays down, since the API server refuses its new pod: %.*s",
                        member->because, MV_STR_ARG(f->message));
        }
}

struct mv_str mv_drain_joined(struct mv_arena *arena, struct mv_str a, struct mv_str b) {
        if (!a.n || !b.n)
                return a.n ? a : b;
        return mv_arena_format(arena, "%.*s; %.*s", MV_STR_ARG(a), MV_STR_ARG(b));
}

void mv_drain_evaluate(struct mv_drain_making *m, const struct mv_vmi *vmi, struct mv_verdict *ret) {
        const struct mv_evaluation evaluation = {
                .arena = &m->scratch,
                .snapshot = m->order->about.snapshot,
                .config = m->order->config,
                .version = m->order->version,
        };
        mv_evaluate_vmi(&evaluation, vmi, ret);
}

void mv_drain_judge(struct mv_drain_making *m, struct mv_drain_member *member, struct mv_sim_vm *vm) {
        struct mv_verdict verdict;
        mv_drain_evaluate(m, member->vmi, &verdict);
        compare_condition(m, &verdict, member);
        keep_fixes(m, &verdict, member);
        for (const struct mv_finding *f = verdict.findings; f; f = f->next)
                if (is_refusal(f) && vm->job != MV_SIM_RUNNING)
                        refuse(m, f, member, vm);
                else if (f->outcome == MV_OUTCOME_FAIL &&
                         mv_str_is(mv_str_from(f->rule->id), "resource-quota") &&
                         vm->way == MV_SIM_MIGRATES && vm->job != MV_SIM_RUNNING) {
                        member->waits = true;
                        member->may =
                                mv_drain_joined(m->arena, member->may, mv_arena_copy(m->arena, f->message));
                }
}
