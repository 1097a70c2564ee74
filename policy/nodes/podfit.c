/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/podfit.h"

#include "policy/base/hash.h"
#include "policy/object/node.h"

/* --- does a term look at a pod --- */

/* What the API server makes of matchLabelKeys when it stores a pod with those labels: that the values be the same, or
 * for mismatchLabelKeys another one. */
static bool keys_match(const struct mv_strings *keys, const struct mv_map *own, const struct mv_map *labels,
                       bool same) {
        for (size_t i = 0; i < keys->n; i++) {
                const struct mv_str *value = mv_map_get(own, keys->items[i]);
                if (value && mv_map_has(labels, keys->items[i], *value) != same)
                        return false;
        }
        return true;
}

static const struct mv_map *namespace_labels(const struct mv_pod_fit *fit, struct mv_str namespace) {
        const struct mv_namespace *object =
                mv_snapshot_find(fit->snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
        return object ? &object->meta.labels : NULL;
}

/* A pod of own_namespace has the term: does it look at a pod with these labels in that namespace? */
static bool selects(const struct mv_pod_fit *fit, const struct mv_pod_affinity_term *term,
                    struct mv_str own_namespace, struct mv_str namespace, const struct mv_map *labels) {
        return mv_label_selector_matches(term->label_selector, labels) &&
               mv_pod_affinity_has_namespace(term, own_namespace, namespace,
                                             namespace_labels(fit, namespace));
}

/* Likewise of the incoming pod's own terms. */
static bool concerns(const struct mv_pod_fit *fit, const struct mv_pod_affinity_term *term,
                     struct mv_str namespace, const struct mv_map *labels) {
        return selects(fit, term, fit->namespace, namespace, labels) &&
               keys_match(&term->match_label_keys, &fit->labels, labels, true) &&
               keys_match(&term->mismatch_label_keys, &fit->labels, labels, false);
}

/* What an object may cost. One whose terms would have to be held against more pods and nodes than that, so whose user put
 * thousands of them into it, is like one that memory does not suffice for. */
enum { MOST_WORK = 20 * 1000 * 1000 };

static bool may_cost(struct mv_pod_fit *fit, size_t work) {
        fit->work += work;
        if (fit->work > MOST_WORK)
                fit->arena->failed = true;
        return !mv_arena_failed(fit->arena);
}

/* How much there is to look at in a selector, for each pod that it is held against. */
static size_t weight(const struct mv_label_selector *selector) {
        size_t n = 1;
        for (size_t i = 0; selector && i < selector->match_expressions.n; i++)
                n += 1 + selector->match_expressions.items[i].values.n;
        return n + (selector ? selector->match_labels.n : 0);
}

static size_t term_weight(const struct mv_pod_affinity_term *term) {
        return weight(term->label_selector) + weight(term->namespace_selector) + term->namespaces.n +
               term->match_label_keys.n + term->mismatch_label_keys.n;
}

/* The pods that a selector could be about: by its first label, or all. */
struct candidates {
        const uint32_t *numbers; /* NULL: 0, 1, 2, ... */
        size_t n, all;           /* all: with those that have come since, whatever their labels are */
};
static struct candidates candidates(const struct mv_pod_fit *fit, const struct mv_label_selector *selector) {
        if (!selector)
                return (struct candidates){ NULL, 0, 0 };
        struct candidates found = { NULL, mv_pod_index_count(fit->pods), 0 };
        if (selector->match_labels.n)
                found.numbers = mv_pod_index_label(fit->pods, selector->match_labels.items[0].key,
                                                   selector->match_labels.items[0].value, &found.n);
        found.all = found.n + (fit->moves ? fit->moves->n_come : 0);
        return found;
}
/* One that is on a node that is known; NULL: this one is not. */
static const struct mv_placed *candidate(const struct mv_pod_fit *fit, const struct candidates *among,
                                         size_t i) {
        if (i >= among->n)
                return fit->moves->come[i - among->n];
        size_t number = among->numbers ? among->numbers[i] : i;
        const struct mv_placed *placed = mv_pod_index_at(fit->pods, number);
        return placed->node == SIZE_MAX || (fit->moves && fit->moves->gone[number]) ? NULL : placed;
}

/* The nodes of that node's domain join the set, which holds whole domains of that key only. */
static void add_domain(const struct mv_pod_fit *fit, uint64_t *set, size_t node, struct mv_str topology_key) {
        if (node >= mv_node_index_count(fit->nodes) || mv_node_set_has(set, node))
                return;
        const struct mv_str *value =
                mv_map_get(&mv_node_index_at(fit->nodes, node)->meta.labels, topology_key);
        if (value)
                mv_node_index_or_label(fit->nodes, topology_key, *value, set);
}

/* The domains of the pods that a term of the incoming pod looks at. */
static void add_domains(struct mv_pod_fit *fit, uint64_t *set, const struct mv_pod_affinity_term *term) {
        const struct candidates among = candidates(fit, term->label_selector);
        const size_t cost = term_weight(term);
        for (size_t i = 0; may_cost(fit, cost) && i < among.all; i++) {
                const struct mv_placed *placed = candidate(fit, &among, i);
                if (placed && concerns(fit, term, placed->namespace, placed->labels))
                        add_domain(fit, set, placed->node, term->topology_key);
        }
}

/* --- anti-affinity --- */

/* What is forbidden so far, and room for the domains of one term. */
struct averse {
        uint64_t *set, *term; /* NULL: nothing yet */
};

/* Begin a term; false when memory is out. */
static bool begin_term(const struct mv_pod_fit *fit, struct averse *averse) {
        if (!averse->set) {
                averse->set = mv_node_set_new(fit->nodes, fit->arena);
                averse->term = mv_node_set_new(fit->nodes, fit->arena);
        }
        if (!averse->set || !averse->term)
                return false;
        memset(averse->term, 0, mv_node_index_words(fit->nodes) * sizeof *averse->term);
        return true;
}

static void add_averse(const struct mv_pod_fit *fit, const struct mv_aversion *aversion,
                       struct averse *averse) {
        for (; aversion; aversion = aversion->next) {
                /* What matchLabelKeys adds stands in the selector of a stored pod already. */
                if (!selects(fit, aversion->term, aversion->namespace, fit->namespace, &fit->labels) ||
                    !begin_term(fit, averse))
                        continue;
                for (size_t i = 0; i < aversion->n_placed; i++)
                        if (!fit->moves || !fit->moves->gone[aversion->placed[i]])
                                add_domain(fit, averse->term,
                                           mv_pod_index_at(fit->pods, aversion->placed[i])->node,
                                           aversion->term->topology_key);
                mv_node_set_or(fit->nodes, averse->set, averse->term);
        }
}

/* Those of the pods that have come. */
static void add_averse_come(const struct mv_pod_fit *fit, struct averse *averse) {
        for (size_t i = 0; fit->moves && i < fit->moves->n_averse; i++) {
                const struct mv_placed *placed = fit->moves->averse[i];
                const struct mv_pod_affinity *anti = placed->affinity->pod_anti;
                for (size_t k = 0; k < anti->required.n; k++) {
                        const struct mv_pod_affinity_term *term = &anti->required.items[k];
                        if (!selects(fit, term, placed->namespace, fit->namespace, &fit->labels) ||
                            !begin_term(fit, averse))
                                continue;
                        add_domain(fit, averse->term, placed->node, term->topology_key);
                        mv_node_set_or(fit->nodes, averse->set, averse->term);
                }
        }
}

uint64_t *mv_pod_fit_averse(struct mv_pod_fit *fit) {
        const struct mv_pod_affinity *anti = fit->spec->affinity ? fit->spec->affinity->pod_anti : NULL;
        struct averse averse = { 0 };
        for (size_t i = 0; anti && i < anti->required.n; i++) {
                if (!begin_term(fit, &averse))
                        return NULL;
                add_domains(fit, averse.term, &anti->required.items[i]);
                mv_node_set_or(fit->nodes, averse.set, averse.term);
        }
        for (size_t i = 0; i < fit->labels.n; i++)
                add_averse(fit,
                           mv_pod_index_aversions(fit->pods, fit->labels.items[i].key,
                                                  fit->labels.items[i].value),
                           &averse);
        add_averse(fit, mv_pod_index_other_aversions(fit->pods), &averse);
        add_averse_come(fit, &averse);
        return averse.set;
}

/* --- affinity --- */

static bool all_concern(const struct mv_pod_fit *fit, const struct mv_pod_affinity *affinity,
                        struct mv_str namespace, const struct mv_map *labels) {
        for (size_t i = 0; i < affinity->required.n; i++)
                if (!concerns(fit, &affinity->required.items[i], namespace, labels))
                        return false;
        return true;
}

/* For each term the domains of the pods that all terms look at. False when there are none. */
static bool find_company(struct mv_pod_fit *fit, const struct mv_pod_affinity *affinity, uint64_t **domains) {
        const struct candidates among = candidates(fit, affinity->required.items[0].label_selector);
        bool any = false;
        size_t cost = 0;
        for (size_t k = 0; k < affinity->required.n; k++)
                cost += term_weight(&affinity->required.items[k]);
        for (size_t i = 0; may_cost(fit, cost) && i < among.all; i++) {
                const struct mv_placed *placed = candidate(fit, &among, i);
                if (!placed || !all_concern(fit, affinity, placed->namespace, placed->labels))
                        continue;
                const struct mv_map *labels = &mv_node_index_at(fit->nodes, placed->node)->meta.labels;
                for (size_t k = 0; k < affinity->required.n; k++) {
                        struct mv_str key = affinity->required.items[k].topology_key;
                        any |= mv_map_get(labels, key) != NULL;
                        add_domain(fit, domains[k], placed->node, key);
                }
        }
        return any;
}

const uint64_t *mv_pod_fit_attracted(struct mv_pod_fit *fit) {
        const struct mv_pod_affinity *affinity = fit->spec->affinity ? fit->spec->affinity->pod : NULL;
        if (!affinity || !affinity->required.n)
                return mv_node_index_all(fit->nodes);
        uint64_t *set = mv_node_set_all(fit->nodes, fit->arena);
        uint64_t **domains = mv_arena_new_array(fit->arena, uint64_t *, affinity->required.n);
        for (size_t i = 0; domains && i < affinity->required.n; i++) {
                domains[i] = mv_node_set_new(fit->nodes, fit->arena);
                mv_node_set_and(
                        fit->nodes, set,
                        mv_node_index_key(fit->nodes, fit->arena, affinity->required.items[i].topology_key));
        }
        if (mv_arena_failed(fit->arena))
                return NULL;
        /* The first of a group of pods that want to be together: none is there yet, and it is one of them itself. */
        if (!find_company(fit, affinity, domains) && all_concern(fit, affinity, fit->namespace, &fit->labels))
                return set;
        for (size_t i = 0; i < affinity->required.n; i++)
                mv_node_set_and(fit->nodes, set, domains[i]);
        return set;
}

/* --- topology spread --- */

struct domain {
        struct mv_str value;
        size_t pods;
        bool used;
};
struct domains {
        struct domain *items; /* open addressing; a power of two */
        size_t n_items, n;
};

static struct domain *find_domain(const struct domains *domains, struct mv_str value) {
        size_t mask = domains->n_items - 1,
               at = (size_t)mv_hash_add(mv_hash_seed(domains->items), value) & mask;
        while (domains->items[at].used && !mv_str_equal(domains->items[at].value, value))
                at = (at + 1) & mask;
        return &domains->items[at];
}

static const struct mv_str *topology(const struct mv_pod_fit *fit, size_t node, struct mv_str key) {
        return mv_map_get(&mv_node_index_at(fit->nodes, node)->meta.labels, key);
}

/* The domains of the nodes that count, with no pods in them yet. */
static bool open_domains(const struct mv_pod_fit *fit, const uint64_t *counting, struct mv_str key,
                         struct domains *ret) {
        size_t n = mv_node_set_count(fit->nodes, counting);
        *ret = (struct domains){ .n_items = 8 };
        while (ret->n_items < n * 2)
                ret->n_items *= 2;
        ret->items = mv_arena_new_array(fit->arena, struct domain, ret->n_items);
        if (!ret->items)
                return false;
        for (size_t i = mv_node_set_next(fit->nodes, counting, 0); i != SIZE_MAX;
             i = mv_node_set_next(fit->nodes, counting, i + 1)) {
                struct mv_str value = *topology(fit, i, key);
                struct domain *domain = find_domain(ret, value);
                ret->n += !domain->used;
                domain->value = value;
                domain->used = true;
        }
        return true;
}

/* It selects all pods; the scheduler then counts none (podtopologyspread: countPodsMatchSelector). */
static bool selects_all(const struct mv_pod_fit *fit, const struct mv_topology_spread *spread) {
        const struct mv_label_selector *selector = spread->label_selector;
        bool all = selector && !selector->match_labels.n && !selector->match_expressions.n;
        for (size_t i = 0; all && i < spread->match_label_keys.n; i++)
                all = !mv_map_get(&fit->labels, spread->match_label_keys.items[i]);
        return all;
}

static void count_pods(struct mv_pod_fit *fit, const struct mv_topology_spread *spread,
                       const uint64_t *counting, struct domains *domains) {
        if (selects_all(fit, spread))
                return;
        const struct candidates among = candidates(fit, spread->label_selector);
        const size_t cost = weight(spread->label_selector) + spread->match_label_keys.n;
        for (size_t i = 0; may_cost(fit, cost) && i < among.all; i++) {
                const struct mv_placed *placed = candidate(fit, &among, i);
                if (!placed || placed->leaving || !mv_str_equal(placed->namespace, fit->namespace) ||
                    !mv_node_set_has(counting, placed->node) ||
                    !mv_label_selector_matches(spread->label_selector, placed->labels) ||
                    !keys_match(&spread->match_label_keys, &fit->labels, placed->labels, true))
                        continue;
                find_domain(domains, *topology(fit, placed->node, spread->topology_key))->pods++;
        }
}

static size_t fewest(const struct mv_topology_spread *spread, const struct domains *domains) {
        size_t least = SIZE_MAX;
        for (size_t i = 0; i < domains->n_items; i++)
                if (domains->items[i].used && domains->items[i].pods < least)
                        least = domains->items[i].pods;
        bool too_few = spread->min_domains.set && spread->min_domains.value > 0 &&
                       domains->n < (size_t)spread->min_domains.value;
        return least == SIZE_MAX || too_few ? 0 : least;
}

/* Take away the nodes where one more pod would make its domain's number too large. */
static void apply_spread(struct mv_pod_fit *fit, const struct mv_topology_spread *spread,
                         const uint64_t *counting, uint64_t *set) {
        struct domains domains;
        if (!may_cost(fit, 2 * mv_node_index_count(fit->nodes)) ||
            !open_domains(fit, counting, spread->topology_key, &domains))
                return;
        count_pods(fit, spread, counting, &domains);
        size_t least = fewest(spread, &domains),
               itself = mv_label_selector_matches(spread->label_selector, &fit->labels);
        int64_t skew = spread->max_skew.value > 0 ? spread->max_skew.value : 1;
        for (size_t i = mv_node_set_next(fit->nodes, set, 0); i != SIZE_MAX;
             i = mv_node_set_next(fit->nodes, set, i + 1)) {
                const struct mv_str *value = topology(fit, i, spread->topology_key);
                /* A domain none of whose nodes counts has no pods. */
                const struct domain *domain = value ? find_domain(&domains, *value) : NULL;
                size_t pods = domain && domain->used ? domain->pods : 0;
                if (!value || (int64_t)(pods + itself) - (int64_t)least > skew)
                        mv_node_set_remove(set, i);
        }
}

static bool must_hold(const struct mv_topology_spread *spread) {
        return mv_str_is(spread->when_unsatisfiable, "DoNotSchedule");
}

const uint64_t *mv_pod_fit_spread(struct mv_pod_fit *fit, const uint64_t *eligible,
                                  const uint64_t *untainted) {
        const struct mv_vmi_spec *spec = fit->spec;
        uint64_t *set = mv_node_set_all(fit->nodes, fit->arena);
        uint64_t *keyed = mv_node_set_all(fit->nodes, fit->arena), /* with the labels of all constraints */
                *counting = mv_node_set_new(fit->nodes, fit->arena);
        if (!set || !keyed || !counting)
                return NULL;
        for (size_t i = 0; i < spec->topology_spread_constraints.n; i++) {
                const struct mv_topology_spread *spread = &spec->topology_spread_constraints.items[i];
                if (must_hold(spread))
                        mv_node_set_and(fit->nodes, keyed,
                                        mv_node_index_key(fit->nodes, fit->arena, spread->topology_key));
        }
        for (size_t i = 0; i < spec->topology_spread_constraints.n; i++) {
                const struct mv_topology_spread *spread = &spec->topology_spread_constraints.items[i];
                if (!must_hold(spread))
                        continue;
                memcpy(counting, keyed, mv_node_index_words(fit->nodes) * sizeof *counting);
                if (!mv_str_is(spread->node_affinity_policy, "Ignore"))
                        mv_node_set_and(fit->nodes, counting, eligible);
                if (mv_str_is(spread->node_taints_policy, "Honor"))
                        mv_node_set_and(fit->nodes, counting, untainted);
                apply_spread(fit, spread, counting, set);
        }
        return set;
}
