/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_step.h"

#include "policy/base/time.h"
#include "policy/behaviour.h"

#include <stdlib.h>

enum { PARALLEL_PER_CLUSTER = 5, PARALLEL_OUTBOUND_PER_NODE = 2 };
enum { FIRST_BACKOFF = 20 }; /* seconds; doubled for each further failure */
#define MOST_BACKOFF ((int64_t)1 << 40)

#define EVACUATION "kubevirt.io/evacuationMigration"
#define WORKLOAD_UPDATE "kubevirt.io/workloadUpdateMigration"

/* A step in the making. */
struct step {
        struct mv_arena *arena;
        const struct mv_drain_question *question;
        const struct mv_drain_index *index;
        const struct mv_behaviour *behaviour;
        int64_t running;           /* migrations */
        int64_t *running_from;     /* of each node */
        struct mv_drain_step *ret; /* its lists are filled through the pointers below */
        struct mv_drain_evacuation *evacuations;
        const struct mv_vmi **not_migratable;
        const struct mv_migration **started;
        struct mv_drain_waiting *waiting;
};

/* --- what KubeVirt asks of objects --- */

struct mv_str mv_drain_strategy(const struct mv_kubevirt_config *config, const struct mv_vmi *vmi) {
        return vmi->spec.eviction_strategy.p ? vmi->spec.eviction_strategy : config->eviction_strategy;
}

bool mv_drain_is_migratable(const struct mv_vmi *vmi) {
        for (size_t i = 0; i < vmi->status.conditions.n; i++)
                if (mv_str_is(vmi->status.conditions.items[i].type, "LiveMigratable") &&
                    mv_str_is(vmi->status.conditions.items[i].status, "True"))
                        return true;
        return false;
}

bool mv_drain_has_priorities(const struct mv_kubevirt_config *config) {
        return mv_kubevirt_gate(config, "MigrationPriorityQueue");
}

int mv_drain_priority(struct mv_str priority) {
        return mv_str_is(priority, "system-critical")      ? 100
               : mv_str_is(priority, "user-triggered")     ? 50
               : mv_str_is(priority, "system-maintenance") ? 20
                                                           : 0;
}

int64_t mv_drain_cluster_limit(const struct mv_kubevirt_config *config) {
        struct mv_optional_int limit = config->spec->migrations.parallel_per_cluster;
        return limit.set ? limit.value : PARALLEL_PER_CLUSTER;
}

int64_t mv_drain_node_limit(const struct mv_kubevirt_config *config) {
        struct mv_optional_int limit = config->spec->migrations.parallel_outbound_per_node;
        return limit.set ? limit.value : PARALLEL_OUTBOUND_PER_NODE;
}

bool mv_drain_is_tainted(const struct mv_kubevirt_config *config, const struct mv_node *node) {
        struct mv_str key = config->spec->migrations.node_drain_taint_key;
        if (!key.p)
                key = MV_STR("kubevirt.io/drain");
        for (size_t i = 0; i < node->spec.taints.n; i++)
                if (mv_str_equal(node->spec.taints.items[i].key, key) &&
                    mv_str_is(node->spec.taints.items[i].effect, "NoSchedule"))
                        return true;
        return false;
}

/* That time has come. */
static bool is_past(const struct mv_drain_question *question, struct mv_str timestamp) {
        int64_t at;
        return !question->now || !mv_time_parse(timestamp, &at) || at <= question->now;
}

/* pkg/util/migrations: IsMigrating. */
static bool is_migrating(const struct mv_drain_question *question, const struct mv_vmi *vmi) {
        const struct mv_migration_state *state = vmi->status.migration_state;
        return state && state->start_timestamp.n && is_past(question, state->start_timestamp) &&
               !(state->end_timestamp.n && is_past(question, state->end_timestamp));
}

/* --- evacuation --- */

static bool wants_to_migrate(const struct step *step, const struct mv_vmi *vmi) {
        struct mv_str strategy = mv_drain_strategy(step->question->config, vmi);
        return mv_str_is(strategy, "LiveMigrate") ||
               (mv_str_is(strategy, "LiveMigrateIfPossible") && mv_drain_is_migratable(vmi));
}

static bool has_unfinished_migration(const struct mv_drain_index *index, uint32_t vmi) {
        MV_GROUP_FOREACH(i, &index->migrations_of, vmi)
        if (!mv_migration_is_final(mv_drain_migration(index, index->migrations_of.items[i])))
                return true;
        return false;
}

static struct mv_str evacuation_priority(const struct step *step, const struct mv_vmi *vmi) {
        if (!mv_drain_has_priorities(step->question->config))
                return MV_STR("");
        return mv_map_has(&vmi->meta.annotations, MV_STR("kubevirt.io/eviction-source"),
                          MV_STR("descheduler"))
                       ? MV_STR("system-maintenance")
                       : MV_STR("system-critical");
}

/* Migrations whose place on this node is taken. KubeVirt goes by the name of the instance alone, whatever its
 * namespace, so each migration is looked up by the names on the node. */
static int64_t taken_places(const struct step *step, uint32_t node) {
        const struct mv_drain_index *index = step->index;
        int64_t taken = 0;
        for (uint32_t m = 0; m < index->n_migrations; m++) {
                const struct mv_migration *migration = mv_drain_migration(index, m);
                if (!mv_migration_is_running(migration))
                        continue;
                bool here = false;
                MV_GROUP_FOREACH(i, &index->vmis_of_node, node)
                here |= mv_str_equal(mv_drain_vmi(index, index->vmis_of_node.items[i])->meta.name,
                                     migration->spec.vmi_name);
                taken += here;
        }
        return taken;
}

/* How many migrations may be made for the node: all, where KubeVirt queues them, else those that can start. */
static size_t free_places(const struct step *step, uint32_t node) {
        const struct mv_kubevirt_config *config = step->question->config;
        if (mv_drain_has_priorities(config))
                return SIZE_MAX;
        int64_t running = 0;
        for (uint32_t m = 0; m < step->index->n_migrations; m++)
                running += mv_migration_is_running(mv_drain_migration(step->index, m));
        int64_t of_cluster = mv_drain_cluster_limit(config) - running;
        int64_t of_node = mv_drain_node_limit(config) - taken_places(step, node);
        int64_t least = of_cluster < of_node ? of_cluster : of_node;
        return least > 0 ? (size_t)least : 0;
}

static int compare_names(const struct mv_meta *a, const struct mv_meta *b) {
        int order = mv_str_compare(a->namespace, b->namespace);
        return order ? order : mv_str_compare(a->name, b->name);
}

static int compare_vmis(const void *a, const void *b) {
        const struct mv_vmi *const *x = a, *const *y = b;
        return compare_names(&(*x)->meta, &(*y)->meta);
}

static int compare_evacuations(const void *a, const void *b) {
        const struct mv_drain_evacuation *x = a, *y = b;
        return compare_names(&x->vmi->meta, &y->vmi->meta);
}

/* The first of the node's instances that can leave, by name, as many as there are places. */
static void evacuate(struct step *step, uint32_t node) {
        const struct mv_drain_index *index = step->index;
        bool tainted = mv_drain_is_tainted(step->question->config, mv_drain_node_at(index, node));
        size_t first = step->ret->n_evacuations, n = first;
        MV_GROUP_FOREACH(i, &index->vmis_of_node, node) {
                uint32_t number = index->vmis_of_node.items[i];
                const struct mv_vmi *vmi = mv_drain_vmi(index, number);
                bool marked = mv_str_equal(vmi->status.evacuation_node_name, vmi->status.node_name) &&
                              !is_migrating(step->question, vmi);
                if ((!tainted && !marked) || mv_vmi_is_final(vmi) || vmi->meta.deletion_timestamp.n ||
                    !wants_to_migrate(step, vmi))
                        continue;
                const struct mv_condition *condition =
                        mv_condition_find(&vmi->status.conditions, MV_STR("LiveMigratable"));
                if (!condition || !mv_str_is(condition->status, "True"))
                        step->not_migratable[step->ret->n_not_migratable++] = vmi;
                else if (!has_unfinished_migration(index, number) && mv_drain_active_pods(index, number) <= 1)
                        step->evacuations[n++] = (struct mv_drain_evacuation){
                                .vmi = vmi,
                                .node = vmi->status.node_name,
                                .priority = evacuation_priority(step, vmi),
                        };
        }
        qsort(step->evacuations + first, n - first, sizeof *step->evacuations, compare_evacuations);
        size_t places = n > first ? free_places(step, node) : 0;
        step->ret->n_evacuations = n - first < places ? n : first + places;
}

/* --- the queue --- */

/* Another migration has the instance (canMigrateVMI). */
static bool is_held(const struct step *step, const struct mv_migration *migration, const struct mv_vmi *vmi) {
        const struct mv_migration_state *state = vmi->status.migration_state;
        if (!state || !state->migration_uid.n || mv_str_equal(state->migration_uid, migration->meta.uid))
                return false;
        uint32_t other =
                mv_drain_index_migration(step->index, migration->meta.namespace, state->migration_uid);
        return other != MV_NO_NUMBER && !mv_migration_is_final(mv_drain_migration(step->index, other));
}

/* The instance's state says that this migration is over. */
static bool is_over(const struct step *step, const struct mv_migration *migration, const struct mv_vmi *vmi) {
        const struct mv_migration_state *state = vmi->status.migration_state;
        if (!state || !mv_str_equal(state->migration_uid, migration->meta.uid))
                return false;
        if (mv_migration_is_decentralized(migration) &&
            (!state->source_state || !state->source_state->migration_uid.n || !state->target_state ||
             !state->target_state->migration_uid.n))
                return false;
        return step->behaviour->ends_when_completed ? state->completed : state->end_timestamp.n > 0;
}

static bool is_backoff_eligible(const struct mv_migration *migration) {
        return mv_map_get(&migration->meta.annotations, MV_STR(EVACUATION)) ||
               mv_map_get(&migration->meta.annotations, MV_STR(WORKLOAD_UPDATE));
}

static int64_t created(const struct mv_migration *migration) {
        int64_t at = INT64_MIN;
        mv_time_parse(migration->meta.creation_timestamp, &at);
        return at;
}

static int newest_first(const void *a, const void *b) {
        const struct mv_migration *const *x = a, *const *y = b;
        int64_t at_x = created(*x), at_y = created(*y);
        return at_x != at_y ? (at_x > at_y ? -1 : 1) : compare_names(&(*x)->meta, &(*y)->meta);
}

/* Seconds that evacuation and workload update wait after failures since the last success, before the time of the newest
 * failure is counted; 0: none. */
static int64_t backoff_of(const struct mv_migration *const *newest, size_t n) {
        int64_t backoff = 0;
        for (size_t i = 1; i < n && !mv_str_is(newest[i]->status.phase, "Succeeded"); i++)
                if (mv_str_is(newest[i]->status.phase, "Failed") && !newest[i]->meta.deletion_timestamp.n)
                        backoff = !backoff ? FIRST_BACKOFF : backoff < MOST_BACKOFF ? 2 * backoff : backoff;
        return backoff;
}

/* How many seconds it still backs off; 0: not at all (handleMigrationBackoff). */
static int64_t backing_off(const struct step *step, const struct mv_migration *migration, uint32_t vmi) {
        const struct mv_groups *groups = &step->index->migrations_of;
        size_t n = 0, most = groups->start[vmi + 1] - groups->start[vmi];
        if (!is_backoff_eligible(migration) || most < 2)
                return 0;
        const struct mv_migration **newest =
                mv_arena_new_array(step->arena, const struct mv_migration *, most);
        if (!newest)
                return 0;
        MV_GROUP_FOREACH(i, groups, vmi) {
                const struct mv_migration *other = mv_drain_migration(step->index, groups->items[i]);
                if (is_backoff_eligible(other))
                        newest[n++] = other;
        }
        if (n < 2)
                return 0;
        qsort(newest, n, sizeof *newest, newest_first);
        int64_t backoff = newest[0] == migration ? backoff_of(newest, n) : 0, failed;
        if (!backoff || !step->question->now ||
            !mv_time_parse(mv_migration_entered(newest[1], "Failed"), &failed))
                return 0;
        int64_t left = failed + backoff - step->question->now;
        return left > 0 ? left : 0;
}

/* A claim of its volumes that is not there; "" when all are. A hotplugged volume is the business of another pod. */
static struct mv_str missing_claim(const struct mv_drain_question *question, const struct mv_vmi *vmi) {
        for (size_t i = 0; i < vmi->spec.volumes.n; i++) {
                const struct mv_volume *volume = &vmi->spec.volumes.items[i];
                const struct mv_claim_source *source =
                        volume->persistent_volume_claim ? volume->persistent_volume_claim
                        : volume->ephemeral             ? volume->ephemeral->persistent_volume_claim
                                                        : NULL;
                bool hotplugged = (source && source->hotpluggable) ||
                                  (volume->data_volume && volume->data_volume->hotpluggable);
                struct mv_str name = source                ? source->claim_name
                                     : volume->data_volume ? volume->data_volume->name
                                                           : MV_STR("");
                if (name.n && !hotplugged &&
                    !mv_snapshot_find(question->snapshot, MV_KIND_CLAIM, vmi->meta.namespace, name))
                        return name;
        }
        return MV_STR("");
}

/* The CPU vendor is selected by the user, so that the source node's does not matter. */
static bool selects_vendor(const struct mv_kubevirt_config *config, const struct mv_vmi *vmi) {
        const struct mv_str vendor = MV_STR("cpu-vendor.node.kubevirt.io/");
        const struct mv_map *const selectors[] = { &config->spec->developer.node_selectors,
                                                   &vmi->spec.node_selector };
        for (size_t s = 0; s < sizeof selectors / sizeof *selectors; s++)
                for (size_t i = 0; i < selectors[s]->n; i++)
                        if (mv_str_starts_with(selectors[s]->items[i].key, vendor))
                                return true;
        const struct mv_hyperv *hyperv = vmi->spec.domain.features ? vmi->spec.domain.features->hyperv : NULL;
        return hyperv && hyperv->evmcs && hyperv->evmcs->enabled != MV_FALSE &&
               mv_kubevirt_gate(config, "HypervStrictCheck");
}

struct mv_str mv_drain_unmakeable(struct mv_arena *arena, const struct mv_drain_question *question,
                                  const struct mv_drain_index *index, uint32_t number) {
        const struct mv_vmi *vmi = mv_drain_vmi(index, number);
        const struct mv_kubevirt_config *config = question->config;
        const struct mv_cpu *cpu = vmi->spec.domain.cpu;
        bool needs_node = (cpu && mv_str_is(cpu->model, "host-model")) ||
                          (mv_behaviour_of(question->version)->cpu_vendor && !selects_vendor(config, vmi));
        struct mv_str claim = missing_claim(question, vmi);
        if (claim.n)
                return mv_arena_format(arena, "its claim %.*s, which does not exist", MV_STR_ARG(claim));
        if (needs_node && index->node_of[number] >= index->n_nodes)
                return mv_arena_format(arena, "the Node %.*s that it is on, which does not exist",
                                       MV_STR_ARG(vmi->status.node_name));
        if (config->spec->migrations.match_selinux_level != MV_FALSE && !vmi->status.selinux_context.n)
                return MV_STR("the instance's SELinux context, which its status does not say");
        return MV_STR("");
}

/* The target of a migration from another cluster is made from the source's state. */
static bool has_source_context(const struct step *step, const struct mv_vmi *vmi) {
        const struct mv_migration_state *state = vmi->status.migration_state;
        return step->question->config->spec->migrations.match_selinux_level == MV_FALSE ||
               (state && state->source_state && state->source_state->selinux_context.n);
}

/* What the migration waits for before its place in the queue matters; "" when nothing. */
static struct mv_str waits_itself(const struct step *step, uint32_t number) {
        const struct mv_migration *migration = mv_drain_migration(step->index, number);
        uint32_t vmi_number = step->index->vmi_of[number];
        if (vmi_number == MV_NO_NUMBER)
                return mv_arena_format(step->arena, "its end: there is no instance %.*s",
                                       MV_STR_ARG(migration->spec.vmi_name));
        const struct mv_vmi *vmi = mv_drain_vmi(step->index, vmi_number);
        if (vmi->meta.deletion_timestamp.n)
                return MV_STR("its end: the instance is being deleted");
        if (is_over(step, migration, vmi))
                return MV_STR("its end: the instance's state says that it is completed");
        if (is_held(step, migration, vmi))
                return mv_arena_format(step->arena, "another migration of the instance (UID %.*s)",
                                       MV_STR_ARG(vmi->status.migration_state->migration_uid));
        if (migration->meta.deletion_timestamp.n)
                return MV_STR("its end: it is being deleted");
        int64_t left = backing_off(step, migration, vmi_number);
        if (left)
                return mv_arena_format(step->arena, "the end of its back-off after failures, in %lld s",
                                       (long long)left);
        if (vmi->spec.utility_volumes.n)
                return MV_STR("the utility volumes of the instance to go");
        if (mv_migration_is_sent(migration))
                return MV_STR("the target's cluster: no pod is made here");
        if (mv_drain_has_target_pod(step->index, number))
                return MV_STR("its target pod, which exists, to become ready");
        if (!mv_migration_is_decentralized(migration) && !mv_drain_current_pod(step->index, vmi_number))
                return MV_STR("a pod of the instance on its node");
        if (mv_drain_active_pods(step->index, vmi_number) > 1)
                return MV_STR("another pod of the instance to end");
        return MV_STR("");
}

/* What is left to ask once there is a place (handleTargetPodCreation). */
static struct mv_str waits_for_instance(const struct step *step, uint32_t number) {
        const struct mv_migration *migration = mv_drain_migration(step->index, number);
        const struct mv_vmi *vmi = mv_drain_vmi(step->index, step->index->vmi_of[number]);
        if (mv_migration_is_decentralized(migration))
                return has_source_context(step, vmi)
                               ? MV_STR("")
                               : MV_STR("the SELinux context of the source, which is not known");
        if (!mv_str_is(vmi->status.phase, "Running"))
                return mv_arena_format(
                        step->arena, "the instance to be Running; it is %.*s",
                        MV_STR_ARG(vmi->status.phase.n ? vmi->status.phase : MV_STR("not started")));
        return mv_drain_unmakeable(step->arena, step->question, step->index, step->index->vmi_of[number]);
}

/* It takes a place of the cluster, and one of its instance's node and of the node that its state names as the source. */
static void count_running(struct step *step, uint32_t migration) {
        uint32_t vmi = step->index->vmi_of[migration];
        step->running++;
        if (vmi == MV_NO_NUMBER)
                return;
        const struct mv_migration_state *state = mv_drain_vmi(step->index, vmi)->status.migration_state;
        uint32_t node = step->index->node_of[vmi];
        uint32_t source = state && state->source_node.n ? mv_drain_index_node(step->index, state->source_node)
                                                        : MV_NO_NUMBER;
        step->running_from[node]++;
        if (source != MV_NO_NUMBER && source != node)
                step->running_from[source]++;
}

static struct mv_str waits_in_queue(const struct step *step, uint32_t number) {
        const struct mv_kubevirt_config *config = step->question->config;
        int64_t of_cluster = mv_drain_cluster_limit(config), of_node = mv_drain_node_limit(config);
        uint32_t node = step->index->node_of[step->index->vmi_of[number]];
        if (step->running >= of_cluster)
                return mv_arena_format(
                        step->arena, "a place in the cluster: %lld run, parallelMigrationsPerCluster is %lld",
                        (long long)step->running, (long long)of_cluster);
        int64_t from = step->running_from[node];
        if (from >= of_node)
                return mv_arena_format(
                        step->arena,
                        "a place of its node: %lld leave it, parallelOutboundMigrationsPerNode is %lld",
                        (long long)from, (long long)of_node);
        return MV_STR("");
}

static void try_to_start(struct step *step, uint32_t number) {
        struct mv_str what_for = waits_itself(step, number);
        if (!what_for.n)
                what_for = waits_in_queue(step, number);
        if (!what_for.n)
                what_for = waits_for_instance(step, number);
        const struct mv_migration *migration = mv_drain_migration(step->index, number);
        if (what_for.n)
                step->waiting[step->ret->n_waiting++] = (struct mv_drain_waiting){ migration, what_for };
        else {
                step->started[step->ret->n_started++] = migration;
                count_running(step, number);
        }
}

struct queued {
        const struct mv_migration *migration;
        uint32_t number;
        int priority;
};

/* The highest priority first; among equals the one that came first. */
static int compare_queued(const void *a, const void *b) {
        const struct queued *x = a, *y = b;
        if (x->priority != y->priority)
                return x->priority > y->priority ? -1 : 1;
        int64_t at_x = created(x->migration), at_y = created(y->migration);
        return at_x != at_y ? (at_x < at_y ? -1 : 1)
                            : compare_names(&x->migration->meta, &y->migration->meta);
}

static int compare_migrations(const void *a, const void *b) {
        const struct mv_migration *const *x = a, *const *y = b;
        return compare_names(&(*x)->meta, &(*y)->meta);
}

static int compare_waiting(const void *a, const void *b) {
        const struct mv_drain_waiting *x = a, *y = b;
        return compare_names(&x->migration->meta, &y->migration->meta);
}

static void run_queue(struct step *step) {
        const struct mv_drain_index *index = step->index;
        struct queued *queue =
                mv_arena_new_array(step->arena, struct queued, (size_t)index->n_migrations + 1);
        bool priorities = mv_drain_has_priorities(step->question->config);
        size_t n = 0;
        if (!queue)
                return;
        for (uint32_t i = 0; i < index->n_migrations; i++) {
                const struct mv_migration *migration = mv_drain_migration(index, i);
                if (mv_migration_is_running(migration) ||
                    (!mv_migration_is_final(migration) && mv_drain_has_target_pod(index, i)))
                        count_running(step, i);
                if (mv_str_is(migration->status.phase, "Pending"))
                        queue[n++] = (struct queued){
                                .migration = migration,
                                .number = i,
                                .priority = priorities ? mv_drain_priority(migration->spec.priority) : 0,
                        };
        }
        qsort(queue, n, sizeof *queue, compare_queued);
        for (size_t i = 0; i < n; i++)
                try_to_start(step, queue[i].number);
}

const struct mv_drain_step *mv_drain_step_make(struct mv_arena *arena,
                                               const struct mv_drain_question *question) {
        const struct mv_drain_index *index = mv_drain_index_make(arena, question->snapshot);
        if (!index)
                return NULL;
        struct step step = {
                .arena = arena,
                .question = question,
                .index = index,
                .behaviour = mv_behaviour_of(question->version),
                .running_from = mv_arena_new_array(arena, int64_t, (size_t)index->n_places + 1),
                .ret = mv_arena_new(arena, struct mv_drain_step),
                .evacuations =
                        mv_arena_new_array(arena, struct mv_drain_evacuation, (size_t)index->n_vmis + 1),
                .not_migratable = mv_arena_new_array(arena, const struct mv_vmi *, (size_t)index->n_vmis + 1),
                .started = mv_arena_new_array(arena, const struct mv_migration *,
                                              (size_t)index->n_migrations + 1),
                .waiting =
                        mv_arena_new_array(arena, struct mv_drain_waiting, (size_t)index->n_migrations + 1),
        };
        if (mv_arena_failed(arena))
                return NULL;
        for (uint32_t node = 0; node < index->n_nodes; node++)
                evacuate(&step, node);
        run_queue(&step);
        qsort(step.evacuations, step.ret->n_evacuations, sizeof *step.evacuations, compare_evacuations);
        qsort(step.not_migratable, step.ret->n_not_migratable, sizeof *step.not_migratable, compare_vmis);
        qsort(step.started, step.ret->n_started, sizeof *step.started, compare_migrations);
        qsort(step.waiting, step.ret->n_waiting, sizeof *step.waiting, compare_waiting);
        step.ret->evacuations = step.evacuations;
        step.ret->not_migratable = step.not_migratable;
        step.ret->started = step.started;
        step.ret->waiting = step.waiting;
        return mv_arena_failed(arena) ? NULL : step.ret;
}
