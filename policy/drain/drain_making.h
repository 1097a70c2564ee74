/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that make a drain's plan: what eviction does to each instance (drain_ways.c), where it can go
 * (drain_places.c), how long that takes (drain_times.c), the simulations (drain.c), and what they mean
 * (drain_fates.c). */
#pragma once

#include "policy/launcher/amounts.h"
#include "policy/behaviour.h"
#include "policy/drain/drain.h"
#include "policy/expand.h"
#include "policy/nodes/nodefit.h"
#include "policy/nodes/podindex.h"

/* The user's disruption budgets, found by a label that they select by. */
struct mv_drain_budgets {
        const struct mv_snapshot *snapshot;
        uint32_t n;
        int64_t *allowed;
        const struct mv_lookup *by_label, *by_namespace;
};
bool mv_drain_budgets_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                           struct mv_drain_budgets *ret);

/* What is known of an instance that takes part. */
struct mv_drain_member {
        const struct mv_vmi *vmi;
        uint32_t number;                      /* in the drain index */
        const struct mv_migration *migration; /* unfinished; NULL */
        bool on_drained;
        struct mv_amounts source; /* requests of the pod that it runs in, which is on the node `at` */
        struct mv_amounts target; /* of the next one, on the node `taken`; made when first asked for */
        bool target_made;
        uint32_t home, at, taken;        /* home: where it is in the snapshot */
        enum mv_drain_obstacle obstacle; /* why it stays, when it does */
        bool external;
        struct mv_str why;   /* of its way */
        const char *because; /* it is shut down */
        int64_t grace;       /* seconds */
        struct mv_str slow;  /* why its migration is aborted */
        const struct mv_drain_fix *fixes;
        size_t n_fixes;
        struct mv_str mismatch;
        bool refused;                     /* the API server refuses its new pod */
        bool waits;                       /* for room in a quota, nobody knows how long */
        bool unowned;                     /* its VirtualMachine is not in the input */
        bool delayed;                     /* its migration fails first, and another one is made */
        struct mv_str may;                /* what else may become of its migration */
        struct mv_str not_fitting;        /* what stops it on the nodes, when it was last asked */
        const struct mv_placed *moved[2]; /* its pods that the snapshot does not have */
};

/* What the eviction of the member does; fills in the way of *ret and member->why. */
void mv_drain_way(struct mv_arena *arena, const struct mv_drain_order *order,
                  const struct mv_drain_index *index, const struct mv_drain_budgets *budgets,
                  struct mv_drain_member *member, struct mv_sim_vm *ret);

/* A copy; of NULL none. */
struct mv_amounts mv_drain_keep_amounts(struct mv_arena *arena, const struct mv_amounts *amounts);

/* The places of the simulation. */
struct mv_drain_places {
        const struct mv_drain_order *order;
        const struct mv_node_index *nodes;
        struct mv_drain_member *members;
        const struct mv_drain_index *index;
        struct mv_node_usage *usage;
        struct mv_pod_moves moves;
        struct mv_arena *arena;  /* of what lasts */
        struct mv_arena scratch; /* of one question */
        size_t cpu, memory;      /* numbers of these resources */
};
/* Its arena lasts as long as it. False when the arena has failed; else mv_drain_places_done. */
bool mv_drain_places_make(struct mv_arena *arena, const struct mv_drain_order *order,
                          const struct mv_drain_index *index, const struct mv_node_usage *usage,
                          struct mv_drain_member *members, uint32_t n_members, struct mv_drain_places *ret);
void mv_drain_places_done(struct mv_drain_places *places);
uint32_t mv_drain_places_find(void *context, uint32_t vm, uint32_t from, const bool *closed);
void mv_drain_places_take(void *context, uint32_t vm, uint32_t node);
void mv_drain_places_leave(void *context, uint32_t vm, uint32_t node);
void mv_drain_places_fail(void *context, uint32_t vm);

/* Who is where, for those whose place depends on others. */
bool mv_drain_company_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, uint32_t n_members,
                           struct mv_pod_moves *ret);
/* The pod of the member comes to that node, unless it is there, or leaves it. */
void mv_drain_company_come(struct mv_drain_places *places, struct mv_drain_member *member, uint32_t node);
void mv_drain_company_leave(struct mv_drain_places *places, struct mv_drain_member *member, uint32_t node);
/* It requires affinity or anti-affinity to other pods, or spread among them. */
bool mv_drain_keeps_company(const struct mv_vmi *vmi);

/* How long its migration takes at least and at most; changes takes and aborted of both, and member->slow. */
void mv_drain_times(struct mv_arena *scratch, struct mv_arena *arena, const struct mv_drain_order *order,
                    struct mv_drain_member *member, struct mv_sim_vm *least, struct mv_sim_vm *most);

/* "a; b", or the one of them that is not empty. */
struct mv_str mv_drain_joined(struct mv_arena *arena, struct mv_str a, struct mv_str b);

/* A node for an instance, as the simulation for the lower bound found it. */
struct mv_drain_found {
        uint32_t node;
        uint32_t after, count; /* when the pods of `after` had come and gone so often; MV_SIM_NONE: at once */
        bool failed;           /* and its own narrow migration had failed */
        struct mv_drain_found *next;
};

/* A plan in the making. */
struct mv_drain_making {
        struct mv_arena *arena;
        struct mv_arena scratch;
        const struct mv_drain_order *order;
        const struct mv_drain_index *index;
        const struct mv_node_index *nodes;
        struct mv_node_usage *usage; /* at the beginning */
        bool company;                /* some member keeps company */
        struct mv_drain_budgets budgets;
        struct mv_drain_member *members;
        struct mv_sim_vm *least, *most; /* of each member, for the lower and the upper bound */
        uint32_t n_members;
        uint32_t *drained; /* numbers in the node index */
        uint32_t n_drained;
        struct mv_drain_found **first, **last; /* of each member */
        bool *waits;                           /* of each member: it found none when it was last asked */
        bool *failed;                          /* of each member: its narrow migration has */
        uint32_t *happened;                    /* how often pods of each member came or went */
        uint32_t happened_last;                /* the last member of which one did */
        struct mv_drain_plan *plan;
};

/* Evaluate it, in m->scratch: its fixes and its mismatch, and its way where the API server refuses its next pod. */
void mv_drain_judge(struct mv_drain_making *m, struct mv_drain_member *member, struct mv_sim_vm *vm);

/* From the results of both simulations: the fates of the instances, the nodes, and what they rest on. False when the arena
 * has failed. */
bool mv_drain_add_fates(struct mv_drain_making *m, const struct mv_sim_result *least,
                        const struct mv_sim_result *most);
bool mv_drain_add_nodes(struct mv_drain_making *m, const struct mv_sim_result *least,
                        const struct mv_sim_result *most);
void mv_drain_add_assumptions(struct mv_drain_making *m);

struct mv_verdict;
/* Its verdict now, in m->scratch. */
void mv_drain_evaluate(struct mv_drain_making *m, const struct mv_vmi *vmi, struct mv_verdict *ret);

/* What to do about an instance that blocks, by its number in the drain index; "" when its fixes say it all. Uses the
 * scratch arena. */
struct mv_str mv_drain_advice(struct mv_drain_making *m, uint32_t number, const struct mv_drain_fate *fate);
