/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_making.h"

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

/* One bound of a migration's time. */
struct bound {
        int64_t rate;      /* bytes a second */
        int64_t bytes;     /* memory, and disks that are copied */
        int64_t dirty;     /* bytes a second that the guest writes */
        int64_t natural;   /* ms until it ends by itself */
        int64_t deadline;  /* ms; MV_SIM_NEVER */
        int64_t remaining; /* ms that the rest takes, once the guest writes no more at the deadline */
};

/* KubeVirt compares whole seconds gone by. */
static bool is_late(int64_t milliseconds, int64_t deadline) {
        return deadline != MV_SIM_NEVER && milliseconds / MILLISECONDS > deadline / MILLISECONDS;
}

/* What is left when the deadline passes: what there was, less what was copied and not written again. */
static int64_t left_at_deadline(const struct bound *b) {
        if (b->bytes == INT64_MAX || b->dirty >= b->rate)
                return b->bytes;
        double left = (double)b->bytes - (double)(b->rate - b->dirty) / MILLISECONDS * (double)b->deadline;
        return left > 0 ? (int64_t)left : 0;
}

static struct bound bound_of(const struct mv_copy_size *size, int64_t rate, int64_t bytes, int64_t dirty,
                             int64_t deadline) {
        struct bound b = { .rate = rate, .bytes = bytes, .dirty = dirty, .deadline = deadline };
        int64_t disks = bytes == INT64_MAX ? INT64_MAX : bytes - size->memory;
        b.natural = add(mv_copy_time(disks, rate), mv_copy_time(size->memory, rate - dirty));
        b.remaining = deadline == MV_SIM_NEVER ? MV_SIM_NEVER : mv_copy_time(left_at_deadline(&b), rate);
        return b;
}

/* The end, by itself or by force; MV_SIM_NEVER: it is aborted, or goes on for ever. */
static int64_t end_of(const struct bound *b, enum mv_deadline_action action) {
        if (!is_late(b->natural, b->deadline))
                return b->natural;
        switch (action) {
        case MV_DEADLINE_POST_COPY:
                return add(b->deadline, b->remaining);
        case MV_DEADLINE_PAUSE: /* the time that it is allowed doubles once */
        case MV_DEADLINE_DOWNTIME: {
                int64_t end = add(b->deadline, b->remaining);
                return is_late(end, add(b->deadline, b->deadline)) ? MV_SIM_NEVER : end;
        }
        default:
                return MV_SIM_NEVER;
        }
}

static bool is_paused(enum mv_deadline_action action) {
        return action == MV_DEADLINE_PAUSE || action == MV_DEADLINE_DOWNTIME;
}

/* Not even under the best conditions does it end. */
static void never_ends(struct mv_arena *arena, const struct mv_copy_size *size,
                       const struct mv_convergence *figures, const struct bound *best,
                       struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most) {
        bool paused = is_paused(figures->action), endless = best->deadline == MV_SIM_NEVER;
        const char *what = endless  ? "never ends"
                           : paused ? "is aborted although the guest is paused at its deadline"
                                    : "is aborted at its deadline";
        least->takes = most->takes = MV_SIM_NEVER;
        least->aborted = most->aborted = endless  ? 0
                                         : paused ? add(best->deadline, best->deadline)
                                                  : best->deadline;
        member->slow =
                mv_arena_format(arena, "its migration %s: %lld MB of memory at %lld MB/s%s", what,
                                (long long)(size->memory / 1000000), (long long)(best->rate / 1000000),
                                best->dirty >= best->rate && !paused ? ", and the guest writes as fast" : "");
}

/* Nothing bounds it from above: it may be aborted, and another one tried. */
static void say_what_may_be(struct mv_arena *arena, const struct mv_convergence *figures, bool throttled,
                            int64_t deadline, struct mv_drain_member *member) {
        int64_t aborted = is_paused(figures->action) ? add(deadline, deadline) : deadline;
        char text[MV_COPY_TEXT];
        if (deadline != MV_SIM_NEVER)
                member->may = mv_drain_joined(
                        arena, member->may,
                        mv_arena_format(arena,
                                        "where %s, its migration is aborted after %.*s and tried again",
                                        throttled ? "auto-converge does not slow its guest down enough"
                                                  : "the link is shared or its disks are full",
                                        MV_STR_ARG(mv_copy_time_text(aborted, text))));
}

/* The whole link and the memory for the lower bound; for the upper one the disks are full, and the link is shared by all
 * migrations that may run at once. */
static void figure(struct mv_arena *arena, const struct mv_drain_order *order,
                   const struct mv_copy_size *size, const struct mv_convergence *figures, bool auto_converge,
                   struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most) {
        int64_t link = order->link_rate ? order->link_rate : MV_DRAIN_LINK_RATE;
        int64_t sharing = mv_drain_cluster_limit(order->about.config);
        int64_t full = figures->rate ? smaller(figures->rate, link) : link;
        int64_t shared = smaller(full, sharing > 1 ? link / sharing : link);
        int64_t deadline =
                figures->deadline ? mv_amount_multiply(figures->deadline, MILLISECONDS) : MV_SIM_NEVER;
        bool throttled = auto_converge && order->dirty_rate, known = order->dirty_rate && !throttled;
        const struct bound best =
                bound_of(size, full, size->least, throttled ? 0 : order->dirty_rate, deadline);
        /* how fast it writes is not known: as fast as the link */
        const struct bound worst =
                bound_of(size, shared, size->most, known ? order->dirty_rate : shared, deadline);
        int64_t lower = end_of(&best, figures->action), upper = end_of(&worst, figures->action);
        if (lower == MV_SIM_NEVER) {
                never_ends(arena, size, figures, &best, member, least, most);
                return;
        }
        /* one attempt: it ends by its deadline, or is aborted then */
        if (upper == MV_SIM_NEVER && !order->dirty_rate && deadline != MV_SIM_NEVER &&
            !is_paused(figures->action) && !is_late(mv_copy_time(size->most, shared), deadline))
                upper = deadline;
        if (upper == MV_SIM_NEVER)
                say_what_may_be(arena, figures, throttled, deadline, member);
        least->takes = lower;
        most->takes = add(upper < lower ? lower : upper, READY_MOST * MILLISECONDS);
}

void mv_drain_times(struct mv_arena *scratch, struct mv_arena *arena, const struct mv_drain_order *order,
                    struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most) {
        const struct mv_drain_question *about = &order->about;
        const struct mv_behaviour *behaviour = mv_behaviour_of(about->version);
        struct mv_instance *instance = mv_arena_new(scratch, struct mv_instance);
        struct mv_copy_size size;
        struct mv_convergence figures;
        least->grace = 0;
        most->grace = member->grace < 0
                              ? 0
                              : mv_amount_multiply(mv_amount_add(member->grace, AFTER_GRACE), MILLISECONDS);
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
        figure(arena, order, &size, &figures, mv_resolution_number(resolution, "allowAutoConverge") != 0,
               member, least, most);
        /* how far one that runs already has come, nobody knows */
        if (least->job == MV_SIM_RUNNING && !least->aborted)
                least->takes = 0;
}
