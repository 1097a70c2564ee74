/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/podindex.h"

#include "policy/base/hash.h"
#include "policy/snapshot/snapshot.h"

struct posting { /* a label, and who has it or is averse to who has it */
        struct mv_str key, value;
        bool used;
        uint32_t first, n; /* in index->postings */
        struct mv_aversion *aversions;
};

struct mv_pod_index {
        struct mv_arena *arena;
        struct mv_placed *placed;
        size_t n;
        uint32_t *postings;
        struct posting *slots; /* open addressing; a power of two */
        size_t n_slots, used;
        struct mv_aversion *others;
        struct mv_aversion **aversions; /* all of them, by what they say; open addressing, a power of two */
        size_t n_aversions, aversions_used;
};

#define CREATED_BY "kubevirt.io/created-by"

static struct posting *find_slot(const struct mv_pod_index *index, struct mv_str key, struct mv_str value) {
        size_t mask = index->n_slots - 1;
        size_t at = (size_t)mv_hash_add(mv_hash_add(mv_hash_seed(index->slots), key), value) & mask;
        for (;; at = (at + 1) & mask) {
                struct posting *slot = &index->slots[at];
                if (!slot->used || (mv_str_equal(slot->key, key) && mv_str_equal(slot->value, value)))
                        return slot;
        }
}

/* The slot of that label, made when there is none; NULL when memory is out. */
static struct posting *take_slot(struct mv_pod_index *index, struct mv_str key, struct mv_str value) {
        if (index->used * 2 >= index->n_slots) {
                struct posting *old = index->slots;
                size_t n_old = index->n_slots;
                index->n_slots = n_old ? n_old * 2 : 64;
                index->slots = mv_arena_new_array(index->arena, struct posting, index->n_slots);
                if (!index->slots)
                        return NULL;
                for (size_t i = 0; i < n_old; i++)
                        if (old[i].used)
                                *find_slot(index, old[i].key, old[i].value) = old[i];
        }
        struct posting *slot = find_slot(index, key, value);
        if (!slot->used) {
                *slot = (struct posting){ .key = key, .value = value, .used = true };
                index->used++;
        }
        return slot;
}

/* --- who is placed --- */

struct mv_map mv_launcher_labels(struct mv_arena *arena, const struct mv_vmi *vmi) {
        const struct mv_map *own = &vmi->meta.labels;
        const struct mv_pair added[] = {
                { MV_STR("kubevirt.io"), MV_STR("virt-launcher") },
                { MV_STR(CREATED_BY), vmi->meta.uid },
                { MV_STR("vm.kubevirt.io/name"), vmi->meta.name },
        };
        enum { ADDED = sizeof added / sizeof *added };
        struct mv_map labels = { .items = mv_arena_new_array(arena, struct mv_pair, own->n + ADDED) };
        if (!labels.items)
                return labels;
        for (size_t i = 0; i < own->n; i++) {
                bool overwritten = false;
                for (size_t k = 0; k < ADDED; k++)
                        overwritten |= mv_str_equal(own->items[i].key, added[k].key);
                if (!overwritten)
                        labels.items[labels.n++] = own->items[i];
        }
        for (size_t k = 0; k < ADDED; k++) { /* where it belongs: his own are in order */
                size_t at = labels.n++;
                for (; at && mv_str_compare(labels.items[at - 1].key, added[k].key) > 0; at--)
                        labels.items[at] = labels.items[at - 1];
                labels.items[at] = added[k];
        }
        return labels;
}

static void place_pods(struct mv_pod_index *index, const struct mv_snapshot *snapshot,
                       const struct mv_node_index *nodes) {
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_POD); i++) {
                const struct mv_pod *pod = mv_snapshot_at(snapshot, MV_KIND_POD, i);
                if (!pod->spec.node_name.n || mv_pod_is_final(pod))
                        continue;
                index->placed[index->n++] = (struct mv_placed){
                        .namespace = pod->meta.namespace,
                        .labels = &pod->meta.labels,
                        .affinity = pod->spec.affinity,
                        .node = mv_node_index_find(nodes, pod->spec.node_name),
                        .pod = pod,
                        .leaving = pod->meta.deletion_timestamp.n != 0,
                };
        }
}

/* What the API server makes of matchLabelKeys or mismatchLabelKeys when it stores a pod with those labels: requirements
 * of the selector. */
static void add_keys(struct mv_arena *arena, const struct mv_strings *keys, struct mv_str operator,
                     const struct mv_map * labels, struct mv_label_selector *selector) {
        for (size_t i = 0; i < keys->n; i++) {
                const struct mv_str *value = mv_map_get(labels, keys->items[i]);
                struct mv_str *copy = value ? mv_arena_new(arena, struct mv_str) : NULL;
                if (!copy)
                        continue;
                *copy = *value;
                selector->match_expressions.items[selector->match_expressions.n++] = (struct mv_requirement){
                        .key = keys->items[i], .operator= operator, .values = { copy, 1 } };
        }
}

static void store_term(struct mv_arena *arena, const struct mv_map *labels,
                       struct mv_pod_affinity_term *term) {
        const struct mv_label_selector *selector = term->label_selector;
        size_t keys = term->match_label_keys.n + term->mismatch_label_keys.n;
        struct mv_label_selector *copy =
                selector && keys ? mv_arena_new(arena, struct mv_label_selector) : NULL;
        if (!copy)
                return;
        *copy = *selector;
        copy->match_expressions.items =
                mv_arena_new_array(arena, struct mv_requirement, selector->match_expressions.n + keys);
        if (!copy->match_expressions.items)
                return;
        if (selector->match_expressions.n)
                memcpy(copy->match_expressions.items, selector->match_expressions.items,
                       selector->match_expressions.n * sizeof *selector->match_expressions.items);
        add_keys(arena, &term->match_label_keys, MV_STR("In"), labels, copy);
        add_keys(arena, &term->mismatch_label_keys, MV_STR("NotIn"), labels, copy);
        term->label_selector = copy;
}

const struct mv_affinity *mv_launcher_affinity(struct mv_arena *arena, const struct mv_vmi *vmi,
                                               const struct mv_map *labels) {
        const struct mv_affinity *affinity = vmi->spec.affinity;
        if (!affinity || !affinity->pod_anti || !affinity->pod_anti->required.n)
                return affinity;
        size_t n = affinity->pod_anti->required.n;
        struct mv_affinity *copy = mv_arena_new(arena, struct mv_affinity);
        struct mv_pod_affinity *anti = mv_arena_new(arena, struct mv_pod_affinity);
        struct mv_pod_affinity_term *terms = mv_arena_new_array(arena, struct mv_pod_affinity_term, n);
        if (!copy || !anti || !terms)
                return NULL;
        memcpy(terms, affinity->pod_anti->required.items, n * sizeof *terms);
        for (size_t i = 0; i < n; i++)
                store_term(arena, labels, &terms[i]);
        *copy = *affinity;
        copy->pod_anti = anti;
        anti->required.items = terms;
        anti->required.n = n;
        return copy;
}

/* Instances without a launcher pod, after the labels of the pods are known. */
static bool place_instances(struct mv_pod_index *index, const struct mv_snapshot *snapshot,
                            const struct mv_node_index *nodes) {
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_VMI); i++) {
                const struct mv_vmi *vmi = mv_snapshot_at(snapshot, MV_KIND_VMI, i);
                if (!vmi->status.node_name.n || mv_vmi_is_final(vmi) ||
                    mv_pod_index_launcher(index, vmi, (struct mv_str){ 0 }))
                        continue;
                struct mv_map *labels = mv_arena_new(index->arena, struct mv_map);
                if (!labels)
                        return false;
                *labels = mv_launcher_labels(index->arena, vmi);
                index->placed[index->n++] = (struct mv_placed){
                        .namespace = vmi->meta.namespace,
                        .labels = labels,
                        .affinity = mv_launcher_affinity(index->arena, vmi, labels),
                        .node = mv_node_index_find(nodes, vmi->status.node_name),
                        .leaving = vmi->meta.deletion_timestamp.n != 0,
                };
        }
        return !mv_arena_failed(index->arena);
}

/* Who has which label: count, make room, fill. */
static bool post_labels(struct mv_pod_index *index) {
        size_t total = 0;
        for (size_t i = 0; i < index->n_slots; i++)
                index->slots[i].n = 0;
        for (size_t i = 0; i < index->n; i++)
                for (size_t k = 0; k < index->placed[i].labels->n; k++) {
                        const struct mv_pair *label = &index->placed[i].labels->items[k];
                        struct posting *slot = take_slot(index, label->key, label->value);
                        if (!slot)
                                return false;
                        slot->n++;
                        total++;
                }
        index->postings = mv_arena_new_array(index->arena, uint32_t, total);
        if (!index->postings || total > UINT32_MAX)
                return false;
        uint32_t first = 0;
        for (size_t i = 0; i < index->n_slots; i++) {
                index->slots[i].first = first;
                first += index->slots[i].n;
                index->slots[i].n = 0;
        }
        for (size_t i = 0; i < index->n; i++)
                for (size_t k = 0; k < index->placed[i].labels->n; k++) {
                        const struct mv_pair *label = &index->placed[i].labels->items[k];
                        struct posting *slot = find_slot(index, label->key, label->value);
                        index->postings[slot->first + slot->n++] = (uint32_t)i;
                }
        return true;
}

/* --- aversions --- */

static bool same_selector(const struct mv_label_selector *a, const struct mv_label_selector *b) {
        if (!a || !b)
                return a == b;
        if (a->match_labels.n != b->match_labels.n || a->match_expressions.n != b->match_expressions.n)
                return false;
        for (size_t i = 0; i < a->match_labels.n; i++)
                if (!mv_str_equal(a->match_labels.items[i].key, b->match_labels.items[i].key) ||
                    !mv_str_equal(a->match_labels.items[i].value, b->match_labels.items[i].value))
                        return false;
        for (size_t i = 0; i < a->match_expressions.n; i++) {
                const struct mv_requirement *r = &a->match_expressions.items[i],
                                            *s = &b->match_expressions.items[i];
                if (!mv_str_equal(r->key, s->key) || !mv_str_equal(r->operator, s->operator) ||
                    !mv_strings_equal(&r->values, &s->values))
                        return false;
        }
        return true;
}

static bool same_term(const struct mv_pod_affinity_term *a, const struct mv_pod_affinity_term *b) {
        return mv_str_equal(a->topology_key, b->topology_key) &&
               same_selector(a->label_selector, b->label_selector) &&
               same_selector(a->namespace_selector, b->namespace_selector) &&
               mv_strings_equal(&a->namespaces, &b->namespaces) &&
               mv_strings_equal(&a->match_label_keys, &b->match_label_keys) &&
               mv_strings_equal(&a->mismatch_label_keys, &b->mismatch_label_keys);
}

static uint64_t hash_strings(uint64_t hash, const struct mv_strings *strings) {
        for (size_t i = 0; i < strings->n; i++)
                hash = mv_hash_add(hash, strings->items[i]);
        return hash;
}

static uint64_t hash_selector(uint64_t hash, const struct mv_label_selector *selector) {
        for (size_t i = 0; selector && i < selector->match_labels.n; i++)
                hash = mv_hash_add(mv_hash_add(hash, selector->match_labels.items[i].key),
                                   selector->match_labels.items[i].value);
        for (size_t i = 0; selector && i < selector->match_expressions.n; i++) {
                const struct mv_requirement *r = &selector->match_expressions.items[i];
                hash = hash_strings(mv_hash_add(mv_hash_add(hash, r->key), r->operator), &r->values);
        }
        return hash;
}

static uint64_t hash_aversion(uint64_t seed, struct mv_str namespace,
                              const struct mv_pod_affinity_term *term) {
        uint64_t hash = mv_hash_add(mv_hash_add(seed, namespace), term->topology_key);
        hash = hash_selector(hash_selector(hash, term->label_selector), term->namespace_selector);
        return hash_strings(hash, &term->namespaces);
}

/* Where the aversion is that pods of that namespace have in common, or belongs. */
static struct mv_aversion **find_aversion(const struct mv_pod_index *index, struct mv_str namespace,
                                          const struct mv_pod_affinity_term *term) {
        size_t mask = index->n_aversions - 1,
               at = (size_t)hash_aversion(mv_hash_seed(index->aversions), namespace, term) & mask;
        for (;; at = (at + 1) & mask) {
                struct mv_aversion **found = &index->aversions[at];
                if (!*found ||
                    (mv_str_equal((*found)->namespace, namespace) && same_term((*found)->term, term)))
                        return found;
        }
}

static bool grow_aversions(struct mv_pod_index *index) {
        struct mv_aversion **old = index->aversions;
        size_t n_old = index->n_aversions;
        index->n_aversions = n_old ? n_old * 2 : 64;
        index->aversions = mv_arena_new_array(index->arena, struct mv_aversion *, index->n_aversions);
        if (!index->aversions)
                return false;
        for (size_t i = 0; i < n_old; i++)
                if (old[i])
                        *find_aversion(index, old[i]->namespace, old[i]->term) = old[i];
        return true;
}

/* A new aversion, in the list of the label that it selects by first. */
static struct mv_aversion *new_aversion(struct mv_pod_index *index, struct mv_str namespace,
                                        const struct mv_pod_affinity_term *term) {
        const struct mv_map *labels = term->label_selector ? &term->label_selector->match_labels : NULL;
        struct mv_aversion **list = &index->others,
                           *aversion = mv_arena_new(index->arena, struct mv_aversion);
        if (aversion && labels && labels->n) {
                struct posting *slot = take_slot(index, labels->items[0].key, labels->items[0].value);
                list = slot ? &slot->aversions : NULL;
        }
        if (!aversion || !list)
                return NULL;
        *aversion = (struct mv_aversion){ .term = term, .namespace = namespace, .next = *list };
        *list = aversion;
        index->aversions_used++;
        return aversion;
}

static bool add_aversion(struct mv_pod_index *index, const struct mv_placed *placed,
                         const struct mv_pod_affinity_term *term) {
        if (index->aversions_used * 2 >= index->n_aversions && !grow_aversions(index))
                return false;
        struct mv_aversion **found = find_aversion(index, placed->namespace, term), *aversion = *found;
        if (!aversion)
                aversion = *found = new_aversion(index, placed->namespace, term);
        if (!aversion)
                return false;
        if (aversion->n_placed == aversion->capacity) {
                size_t capacity = aversion->capacity ? aversion->capacity * 2 : 2;
                uint32_t *numbers = mv_arena_new_array(index->arena, uint32_t, capacity);
                if (!numbers)
                        return false;
                if (aversion->n_placed)
                        memcpy(numbers, aversion->placed, aversion->n_placed * sizeof *numbers);
                aversion->placed = numbers;
                aversion->capacity = capacity;
        }
        aversion->placed[aversion->n_placed++] = (uint32_t)(placed - index->placed);
        return true;
}

static bool collect_aversions(struct mv_pod_index *index) {
        for (size_t i = 0; i < index->n; i++) {
                const struct mv_placed *placed = &index->placed[i];
                const struct mv_pod_affinity *anti = placed->affinity ? placed->affinity->pod_anti : NULL;
                for (size_t k = 0; anti && placed->node != SIZE_MAX && k < anti->required.n; k++)
                        if (!add_aversion(index, placed, &anti->required.items[k]))
                                return false;
        }
        return true;
}

/* --- the whole --- */

struct mv_pod_index *mv_pod_index_build(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                        const struct mv_node_index *nodes) {
        struct mv_pod_index *index = mv_arena_new(arena, struct mv_pod_index);
        if (!index)
                return NULL;
        index->arena = arena;
        index->placed = mv_arena_new_array(arena, struct mv_placed,
                                           mv_snapshot_count(snapshot, MV_KIND_POD) +
                                                   mv_snapshot_count(snapshot, MV_KIND_VMI));
        if (!index->placed || !take_slot(index, MV_STR("kubevirt.io"), MV_STR("virt-launcher")))
                return NULL;
        place_pods(index, snapshot, nodes);
        size_t pods = index->n;
        bool ok = post_labels(index) && place_instances(index, snapshot, nodes) &&
                  (index->n == pods || post_labels(index)) && collect_aversions(index);
        return ok ? index : NULL;
}

const struct mv_placed *mv_pod_index_at(const struct mv_pod_index *index, size_t i) {
        return &index->placed[i];
}

size_t mv_pod_index_count(const struct mv_pod_index *index) {
        return index->n;
}

const uint32_t *mv_pod_index_label(const struct mv_pod_index *index, struct mv_str key, struct mv_str value,
                                   size_t *ret_n) {
        const struct posting *slot = find_slot(index, key, value);
        *ret_n = slot->n;
        return slot->n ? &index->postings[slot->first] : NULL;
}

const struct mv_aversion *mv_pod_index_aversions(const struct mv_pod_index *index, struct mv_str key,
                                                 struct mv_str value) {
        return index->aversions_used ? find_slot(index, key, value)->aversions : NULL;
}

const struct mv_aversion *mv_pod_index_other_aversions(const struct mv_pod_index *index) {
        return index->others;
}

const struct mv_pod *mv_pod_index_launcher(const struct mv_pod_index *index, const struct mv_vmi *vmi,
                                           struct mv_str node) {
        size_t n = 0;
        const uint32_t *with = vmi->meta.uid.n && index->postings
                                       ? mv_pod_index_label(index, MV_STR(CREATED_BY), vmi->meta.uid, &n)
                                       : NULL;
        for (size_t i = 0; i < n; i++) {
                const struct mv_placed *placed = &index->placed[with[i]];
                if (placed->pod && mv_str_equal(placed->namespace, vmi->meta.namespace) &&
                    (!node.n || mv_str_equal(placed->pod->spec.node_name, node)))
                        return placed->pod;
        }
        return NULL;
}

size_t mv_pod_index_find(const struct mv_pod_index *index, const struct mv_pod *pod) {
        const uint32_t *with = NULL; /* by the label that fewest have */
        size_t n = index->n;
        for (size_t k = 0; index->postings && k < pod->meta.labels.n; k++) {
                size_t have;
                const uint32_t *found = mv_pod_index_label(index, pod->meta.labels.items[k].key,
                                                           pod->meta.labels.items[k].value, &have);
                if (have < n) {
                        with = found;
                        n = have;
                }
        }
        for (size_t i = 0; i < n; i++) {
                size_t number = with ? with[i] : i;
                if (index->placed[number].pod == pod)
                        return number;
        }
        return SIZE_MAX;
}

size_t mv_pod_index_find_instance(const struct mv_pod_index *index, const struct mv_vmi *vmi) {
        size_t n = 0;
        const uint32_t *with =
                index->postings ? mv_pod_index_label(index, MV_STR("vm.kubevirt.io/name"), vmi->meta.name, &n)
                                : NULL;
        for (size_t i = 0; i < n; i++)
                if (!index->placed[with[i]].pod &&
                    mv_str_equal(index->placed[with[i]].namespace, vmi->meta.namespace))
                        return with[i];
        return SIZE_MAX;
}
