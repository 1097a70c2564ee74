/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain_making.h"

#include "policy/claims.h"
#include "policy/convergence.h"

enum {
        READY_MOST = 60, /* seconds: a target pod is ready, at the latest */
        AFTER_GRACE =
                30, /* the pod is killed so much later (template.go: gracePeriodPaddingSeconds, twice) */
        MILLISECONDS = 1000
};

static int64_t add(int64_t a, int64_t b) {
        return a > MV_SIM_NEVER - b ? MV_SIM_NEVER : a + b;
}

static int64_t smaller(int64_t a, int64_t b) {
        return a < b ? a : b;
}

/* How long KubeVirt lets a migration go on, and how that ends. */
static int64_t longest(const struct mv_convergence *figures, int64_t copy_again) {
        int64_t deadline = figures->deadline * MILLISECONDS;
        if (!figures->deadline)
                return MV_SIM_NEVER;
        switch (figures->action) {
        case MV_DEADLINE_POST_COPY:
                return add(deadline, copy_again);
        case MV_DEADLINE_PAUSE:
        case MV_DEADLINE_DOWNTIME:
                return add(deadline, deadline);
        default:
                return deadline;
        }
}

static bool ends_by_force(const struct mv_convergence *figures) {
        return figures->action == MV_DEADLINE_POST_COPY || figures->action == MV_DEADLINE_PAUSE ||
               figures->action == MV_DEADLINE_DOWNTIME;
}

/* The whole link for the lower bound; for the upper one it is shared by all migrations that may run at once. */
static void figure(struct mv_arena *arena, const struct mv_drain_order *order,
                   const struct mv_copy_size *size, const struct mv_convergence *figures,
                   struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most) {
        int64_t link = order->link_rate ? order->link_rate : MV_DRAIN_LINK_RATE;
        int64_t sharing = mv_drain_cluster_limit(order->about.config);
        int64_t full = figures->rate ? smaller(figures->rate, link) : link;
        int64_t shared = smaller(full, sharing > 1 ? link / sharing : link);
        int64_t worst = mv_copy_time(size->most, shared);
        int64_t deadline = figures->deadline ? figures->deadline * MILLISECONDS : MV_SIM_NEVER;
        /* with a dirty rate the lower bound, too, knows how many passes it takes */
        bool never = order->dirty_rate >= full;
        int64_t passes = !order->dirty_rate ? mv_copy_time(size->least, full)
                         : never            ? MV_SIM_NEVER
                                            : mv_copy_time(size->memory, full - order->dirty_rate);
        if ((never || passes > deadline) && !ends_by_force(figures)) {
                least->takes = most->takes = MV_SIM_NEVER;
                least->aborted = most->aborted = deadline == MV_SIM_NEVER ? 0 : deadline;
                member->slow = mv_arena_format(
                        arena, "its migration %s: %lld MB of memory at %lld MB/s%s",
                        deadline == MV_SIM_NEVER ? "never ends" : "is aborted at its deadline",
                        (long long)(size->memory / 1000000), (long long)(full / 1000000),
                        never ? ", and the guest writes as fast" : "");
                return;
        }
        int64_t longest_time = longest(figures, worst);
        int64_t upper = order->dirty_rate ? mv_copy_span_of(size, shared, order->dirty_rate).most : worst;
        if (!order->dirty_rate) /* it may write as fast as KubeVirt lets it */
                upper = longest_time >= worst || ends_by_force(figures) ? longest_time : MV_SIM_NEVER;
        else if (upper > longest_time)
                upper = ends_by_force(figures) ? longest_time : MV_SIM_NEVER;
        least->takes = smaller(passes, longest_time);
        most->takes = add(upper < least->takes ? least->takes : upper, READY_MOST * MILLISECONDS);
}

void mv_drain_times(struct mv_arena *scratch, struct mv_arena *arena, const struct mv_drain_order *order,
                    struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most) {
        const struct mv_drain_question *about = &order->about;
        const struct mv_behaviour *behaviour = mv_behaviour_of(about->version);
        struct mv_instance *instance = mv_arena_new(scratch, struct mv_instance);
        struct mv_copy_size size;
        struct mv_convergence figures;
        least->grace = 0;
        most->grace = member->grace < 0 ? 0 : (member->grace + AFTER_GRACE) * MILLISECONDS;
        if (!instance)
                return;
        mv_expand_vmi(scratch, about->config, member->vmi, instance);
        const struct mv_claim_facts *claims =
                mv_claims_resolve(scratch, about->snapshot, behaviour, instance);
        const struct mv_resolution *resolution =
                mv_resolve(scratch, about->snapshot, &instance->vmi, about->version);
        if (!resolution || mv_arena_failed(scratch) ||
            !mv_copy_size_of(scratch, about->snapshot, behaviour, instance, claims, &size))
                return;
        mv_convergence_of(&size, resolution, about->config, behaviour, &instance->vmi, &figures);
        figure(arena, order, &size, &figures, member, least, most);
        /* how far one that runs already has come, nobody knows */
        if (least->job == MV_SIM_RUNNING && !least->aborted)
                least->takes = 0;
}
