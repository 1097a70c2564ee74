/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/nodeindex.h"

#include "policy/base/hash.h"
#include "policy/launcher/amounts.h"
#include "policy/nodes/nodeorder.h"

/* A set that so few are in is a list of them: of 5,000 host names each is on one node. */
enum { FEW = 4 };

struct sparse_set {
        uint32_t few[FEW], n;
        uint64_t *dense; /* NULL while few will do */
};

/* A label (key and value), a key alone (value.p is NULL), or a name. */
struct slot {
        struct mv_str key, value;
        bool used;
        struct sparse_set nodes;
};
struct slots {
        struct slot *items; /* open addressing; n_items is a power of two */
        size_t n_items, used;
};

struct tainted {
        struct mv_taint taint;
        struct sparse_set nodes;
};

struct resource {
        struct mv_str name;
        struct mv_levels allocatable;
};

/* A host model, in a table by what its labels say. */
struct host_model {
        uint64_t hash; /* of its labels */
        bool used;
        struct mv_host_model model;
};

struct mv_node_index {
        struct mv_arena *arena;
        size_t n, words;
        const struct mv_node **nodes;
        struct mv_str *vendors; /* label key of each node's CPU vendor */
        struct slots labels, keys, names;
        struct host_model **host_models; /* open addressing; n_host_models is a power of two */
        size_t n_host_models, host_models_used;
        struct host_model **host_model_of; /* each node's, NULL */
        uint64_t *all, *cordoned, *silent;
        size_t n_cordoned, n_silent;
        struct tainted *taints;
        size_t n_taints, taints_capacity;
        struct resource *resources;
        size_t n_resources, resources_capacity;
        struct mv_node_order order;
};

static const struct mv_str vendor_prefix = { "cpu-vendor.node.kubevirt.io/", 28 };

/* --- sets that few are in --- */

static bool sparse_add(struct mv_node_index *index, struct sparse_set *set, size_t node) {
        if (!set->dense && set->n == FEW) {
                set->dense = mv_arena_new_array(index->arena, uint64_t, index->words);
                if (!set->dense)
                        return false;
                for (size_t i = 0; i < FEW; i++)
                        mv_node_set_add(set->dense, set->few[i]);
        }
        if (set->dense)
                mv_node_set_add(set->dense, node);
        else
                set->few[set->n++] = (uint32_t)node;
        return true;
}

static void sparse_remove(struct sparse_set *set, size_t node) {
        if (set->dense) {
                mv_node_set_remove(set->dense, node);
                return;
        }
        for (uint32_t i = 0; i < set->n; i++)
                if (set->few[i] == node)
                        set->few[i--] = set->few[--set->n];
}

static const uint64_t *sparse_get(const struct mv_node_index *index, struct mv_arena *arena,
                                  const struct sparse_set *set) {
        if (set->dense || !set->n)
                return set->dense;
        uint64_t *copy = mv_node_set_new(index, arena);
        for (size_t i = 0; copy && i < set->n; i++)
                mv_node_set_add(copy, set->few[i]);
        return copy;
}

/* --- hash tables --- */

static struct slot *find_slot(const struct slots *slots, struct mv_str key, struct mv_str value) {
        size_t mask = slots->n_items - 1;
        size_t at = (size_t)mv_hash_add(mv_hash_add(mv_hash_seed(slots->items), key), value) & mask;
        for (;; at = (at + 1) & mask) {
                struct slot *slot = &slots->items[at];
                if (!slot->used || (mv_str_equal(slot->key, key) && mv_str_equal(slot->value, value)))
                        return slot;
        }
}

static bool grow_slots(struct mv_arena *arena, struct slots *slots) {
        struct slots old = *slots;
        slots->n_items = old.n_items ? old.n_items * 2 : 256;
        slots->items = mv_arena_new_array(arena, struct slot, slots->n_items);
        if (!slots->items)
                return false;
        for (size_t i = 0; i < old.n_items; i++)
                if (old.items[i].used)
                        *find_slot(slots, old.items[i].key, old.items[i].value) = old.items[i];
        return true;
}

static bool slots_add(struct mv_node_index *index, struct slots *slots, struct mv_str key,
                      struct mv_str value, size_t node) {
        if (slots->used * 2 >= slots->n_items && !grow_slots(index->arena, slots))
                return false;
        struct slot *slot = find_slot(slots, key, value);
        if (!slot->used) {
                *slot = (struct slot){ .key = key, .value = value, .used = true };
                slots->used++;
        }
        return sparse_add(index, &slot->nodes, node);
}

static void slots_remove(struct slots *slots, struct mv_str key, struct mv_str value, size_t node) {
        sparse_remove(&find_slot(slots, key, value)->nodes, node);
}

/* --- host models --- */

#define HOST_MODEL "host-model-cpu.node.kubevirt.io/"
#define HOST_MODEL_FEATURE "host-model-required-features.node.kubevirt.io/"

/* prefix and what stands behind the first n bytes of name; in arena. */
static struct mv_str rename_key(struct mv_arena *arena, struct mv_str prefix, struct mv_str name, size_t n) {
        struct mv_str rest = mv_str_skip(name, n);
        char *text = mv_arena_allocate(arena, prefix.n + rest.n, 1);
        if (!text)
                return (struct mv_str){ 0 };
        memcpy(text, prefix.p, prefix.n);
        if (rest.n)
                memcpy(text + prefix.n, rest.p, rest.n);
        return (struct mv_str){ text, prefix.n + rest.n };
}

/* The model that the labels make; none when they name no CPU. Of several CPUs the first counts. */
static bool make_host_model(struct mv_arena *arena, const struct mv_map *labels, struct host_model *ret) {
        struct mv_host_model *model = &ret->model;
        *ret = (struct host_model){ .hash = MV_HASH_START };
        size_t n = 1;
        for (size_t i = 0; i < labels->n; i++)
                n += mv_str_starts_with(labels->items[i].key, MV_STR(HOST_MODEL_FEATURE));
        for (size_t i = 0; i < labels->n && !model->n; i++) {
                const struct mv_pair *label = &labels->items[i];
                if (!mv_str_starts_with(label->key, MV_STR(HOST_MODEL)))
                        continue;
                model->labels = mv_arena_new_array(arena, struct mv_host_model_label, n);
                if (!model->labels)
                        return false;
                model->labels[model->n++] = (struct mv_host_model_label){
                        rename_key(arena, MV_STR("cpu-model-migration.node.kubevirt.io/"), label->key,
                                   sizeof HOST_MODEL - 1),
                        label->value, NULL
                };
        }
        for (size_t i = 0; model->n && i < labels->n; i++) {
                const struct mv_pair *label = &labels->items[i];
                if (mv_str_starts_with(label->key, MV_STR(HOST_MODEL_FEATURE)))
                        model->labels[model->n++] = (struct mv_host_model_label){
                                rename_key(arena, MV_STR("cpu-feature.node.kubevirt.io/"), label->key,
                                           sizeof HOST_MODEL_FEATURE - 1),
                                label->value, NULL
                        };
        }
        for (size_t i = 0; i < model->n; i++)
                ret->hash = mv_hash_add(mv_hash_add(ret->hash, model->labels[i].key), model->labels[i].value);
        ret->used = model->n != 0;
        return !mv_arena_failed(arena);
}

static bool same_host_model(const struct host_model *a, const struct host_model *b) {
        if (a->hash != b->hash || a->model.n != b->model.n)
                return false;
        for (size_t i = 0; i < a->model.n; i++)
                if (!mv_str_equal(a->model.labels[i].key, b->model.labels[i].key) ||
                    !mv_str_equal(a->model.labels[i].value, b->model.labels[i].value))
                        return false;
        return true;
}

static struct host_model **find_host_model(const struct mv_node_index *index,
                                           const struct host_model *model) {
        size_t mask = index->n_host_models - 1, at = (size_t)model->hash & mask;
        while (index->host_models[at] && !same_host_model(index->host_models[at], model))
                at = (at + 1) & mask;
        return &index->host_models[at];
}

static bool grow_host_models(struct mv_node_index *index) {
        struct host_model **old = index->host_models;
        size_t n_old = index->n_host_models;
        index->n_host_models = n_old ? n_old * 2 : 16;
        index->host_models = mv_arena_new_array(index->arena, struct host_model *, index->n_host_models);
        if (!index->host_models)
                return false;
        for (size_t i = 0; i < n_old; i++)
                if (old[i])
                        *find_host_model(index, old[i]) = old[i];
        return true;
}

static bool add_host_model(struct mv_node_index *index, size_t i, const struct mv_map *labels) {
        struct mv_arena scratch;
        struct host_model made;
        mv_arena_init(&scratch, index->arena->allocator, 0);
        bool ok = make_host_model(&scratch, labels, &made);
        if (ok && made.used) {
                ok = index->host_models_used * 2 < index->n_host_models || grow_host_models(index);
                struct host_model **slot = ok ? find_host_model(index, &made) : NULL;
                if (ok && !*slot) {
                        *slot = mv_arena_new(index->arena, struct host_model);
                        ok = *slot && make_host_model(index->arena, labels, *slot);
                        index->host_models_used++;
                }
                index->host_model_of[i] = ok ? *slot : NULL;
        }
        index->arena->failed |= !ok;
        mv_arena_done(&scratch);
        return ok;
}

/* --- the parts of a node --- */

static bool add_labels(struct mv_node_index *index, size_t i, const struct mv_map *labels) {
        for (size_t k = 0; k < labels->n; k++) {
                const struct mv_pair *label = &labels->items[k];
                if (!slots_add(index, &index->labels, label->key, label->value, i) ||
                    !slots_add(index, &index->keys, label->key, (struct mv_str){ 0 }, i))
                        return false;
                if (!index->vendors[i].n && mv_str_starts_with(label->key, vendor_prefix))
                        index->vendors[i] = label->key;
        }
        return add_host_model(index, i, labels);
}

static void remove_labels(struct mv_node_index *index, size_t i, const struct mv_map *labels) {
        for (size_t k = 0; k < labels->n; k++) {
                slots_remove(&index->labels, labels->items[k].key, labels->items[k].value, i);
                slots_remove(&index->keys, labels->items[k].key, (struct mv_str){ 0 }, i);
        }
        index->vendors[i] = (struct mv_str){ 0 };
        index->host_model_of[i] = NULL;
}

static bool same_taint(const struct mv_taint *a, const struct mv_taint *b) {
        return mv_str_equal(a->key, b->key) && mv_str_equal(a->value, b->value) &&
               mv_str_equal(a->effect, b->effect);
}

static struct tainted *find_taint(struct mv_node_index *index, const struct mv_taint *taint) {
        for (size_t i = 0; i < index->n_taints; i++)
                if (same_taint(&index->taints[i].taint, taint))
                        return &index->taints[i];
        if (index->n_taints == index->taints_capacity) {
                size_t capacity = index->taints_capacity ? index->taints_capacity * 2 : 16;
                struct tainted *taints = mv_arena_new_array(index->arena, struct tainted, capacity);
                if (!taints)
                        return NULL;
                if (index->n_taints)
                        memcpy(taints, index->taints, index->n_taints * sizeof *taints);
                index->taints = taints;
                index->taints_capacity = capacity;
        }
        index->taints[index->n_taints] = (struct tainted){ .taint = *taint };
        return &index->taints[index->n_taints++];
}

/* The first of the same taints counts: a set has a node once. */
static bool is_repeated(const struct mv_node *node, size_t taint) {
        for (size_t i = 0; i < taint; i++)
                if (same_taint(&node->spec.taints.items[i], &node->spec.taints.items[taint]))
                        return true;
        return false;
}

static struct resource *find_resource(struct mv_node_index *index, struct mv_str name) {
        size_t at = mv_node_index_resource(index, name);
        if (at != SIZE_MAX)
                return &index->resources[at];
        if (index->n_resources == index->resources_capacity) {
                size_t capacity = index->resources_capacity ? index->resources_capacity * 2 : 16;
                struct resource *resources = mv_arena_new_array(index->arena, struct resource, capacity);
                if (!resources)
                        return NULL;
                if (index->n_resources)
                        memcpy(resources, index->resources, index->n_resources * sizeof *resources);
                index->resources = resources;
                index->resources_capacity = capacity;
        }
        struct resource *resource = &index->resources[index->n_resources];
        *resource = (struct resource){ .name = name,
                                       .allocatable = { .n = index->n,
                                                        .values = mv_arena_new_array(index->arena, int64_t,
                                                                                     index->n) } };
        if (!resource->allocatable.values)
                return NULL;
        index->n_resources++;
        return resource;
}

static bool set_allocatable(struct mv_node_index *index, size_t i, const struct mv_map *allocatable) {
        for (size_t k = 0; k < index->n_resources; k++)
                mv_levels_set(&index->resources[k].allocatable, i, 0);
        for (size_t k = 0; allocatable && k < allocatable->n; k++) {
                struct resource *resource = find_resource(index, allocatable->items[k].key);
                if (!resource)
                        return false;
                /* What is no quantity counts as none: an API server stores no such thing. */
                int64_t amount;
                mv_amount_read(resource->name, allocatable->items[k].value, &amount);
                mv_levels_set(&resource->allocatable, i, amount);
        }
        return true;
}

static bool add_node(struct mv_node_index *index, size_t i, const struct mv_node *node) {
        for (size_t k = 0; k < node->spec.taints.n; k++) {
                struct tainted *taint =
                        is_repeated(node, k) ? NULL : find_taint(index, &node->spec.taints.items[k]);
                if (taint ? !sparse_add(index, &taint->nodes, i) : mv_arena_failed(index->arena))
                        return false;
        }
        mv_node_set_add(index->all, i);
        if (node->spec.unschedulable)
                mv_node_set_add(index->cordoned, i);
        if (!node->status.allocatable.n)
                mv_node_set_add(index->silent, i);
        index->n_cordoned += node->spec.unschedulable;
        index->n_silent += !node->status.allocatable.n;
        return add_labels(index, i, &node->meta.labels) &&
               slots_add(index, &index->names, node->meta.name, (struct mv_str){ 0 }, i) &&
               set_allocatable(index, i, &node->status.allocatable);
}

static void remove_node(struct mv_node_index *index, size_t i, const struct mv_node *node) {
        remove_labels(index, i, &node->meta.labels);
        slots_remove(&index->names, node->meta.name, (struct mv_str){ 0 }, i);
        for (size_t k = 0; k < node->spec.taints.n; k++)
                sparse_remove(&find_taint(index, &node->spec.taints.items[k])->nodes, i);
        mv_node_set_remove(index->all, i);
        mv_node_set_remove(index->cordoned, i);
        mv_node_set_remove(index->silent, i);
        index->n_cordoned -= node->spec.unschedulable;
        index->n_silent -= !node->status.allocatable.n;
        set_allocatable(index, i, NULL);
}

/* --- building --- */

struct mv_node_index *mv_node_index_new(struct mv_arena *arena, size_t n) {
        struct mv_node_index *index = mv_arena_new(arena, struct mv_node_index);
        if (!index)
                return NULL;
        index->arena = arena;
        index->n = n;
        index->words = mv_levels_words(n);
        index->nodes = mv_arena_new_array(arena, const struct mv_node *, n);
        index->vendors = mv_arena_new_array(arena, struct mv_str, n);
        index->host_model_of = mv_arena_new_array(arena, struct host_model *, n);
        index->all = mv_node_set_new(index, arena);
        index->cordoned = mv_node_set_new(index, arena);
        index->silent = mv_node_set_new(index, arena);
        bool ok = index->nodes && index->vendors && index->host_model_of && index->all && index->cordoned &&
                  index->silent && grow_slots(arena, &index->labels) && grow_slots(arena, &index->keys) &&
                  grow_slots(arena, &index->names);
        return ok ? index : NULL;
}

bool mv_node_index_replace(struct mv_node_index *index, size_t i, const struct mv_node *node) {
        if (index->nodes[i])
                remove_node(index, i, index->nodes[i]);
        index->nodes[i] = node;
        return !node || add_node(index, i, node);
}

static bool settle_host_model(struct mv_node_index *index, struct mv_host_model *model) {
        if (!model->pass)
                model->pass = mv_node_set_new(index, index->arena);
        if (!model->pass)
                return false;
        memcpy(model->pass, index->all, index->words * sizeof *model->pass);
        for (size_t k = 0; k < model->n; k++) {
                struct mv_host_model_label *label = &model->labels[k];
                label->nodes = mv_node_index_label(index, index->arena, label->key, label->value);
                mv_node_set_and(index, model->pass, label->nodes);
        }
        return true;
}

bool mv_node_index_settle(struct mv_node_index *index) {
        for (size_t i = 0; i < index->n_host_models; i++)
                if (index->host_models[i] && !settle_host_model(index, &index->host_models[i]->model))
                        return false;
        for (size_t i = 0; i < index->n_resources; i++)
                if (!mv_levels_choose(&index->resources[i].allocatable, index->arena))
                        return false;
        return mv_node_order_make(&index->order, index, index->arena) && !mv_arena_failed(index->arena);
}

/* --- reading --- */

const struct mv_node_order *mv_node_index_order(const struct mv_node_index *index) {
        return &index->order;
}

size_t mv_node_index_count(const struct mv_node_index *index) {
        return index->n;
}

size_t mv_node_index_words(const struct mv_node_index *index) {
        return index->words;
}

const struct mv_node *mv_node_index_at(const struct mv_node_index *index, size_t i) {
        return index->nodes[i];
}

size_t mv_node_index_find(const struct mv_node_index *index, struct mv_str name) {
        const struct slot *slot = find_slot(&index->names, name, (struct mv_str){ 0 });
        return slot->nodes.n ? slot->nodes.few[0] : SIZE_MAX;
}

struct mv_str mv_node_index_vendor(const struct mv_node_index *index, size_t i) {
        return index->vendors[i];
}

const struct mv_host_model *mv_node_index_host_model(const struct mv_node_index *index, size_t i) {
        return index->host_model_of[i] ? &index->host_model_of[i]->model : NULL;
}

void mv_node_index_or_label(const struct mv_node_index *index, struct mv_str key, struct mv_str value,
                            uint64_t *set) {
        const struct sparse_set *nodes = &find_slot(&index->labels, key, value)->nodes;
        if (nodes->dense)
                mv_node_set_or(index, set, nodes->dense);
        for (uint32_t i = 0; set && !nodes->dense && i < nodes->n; i++)
                mv_node_set_add(set, nodes->few[i]);
}

const uint64_t *mv_node_index_label(const struct mv_node_index *index, struct mv_arena *arena,
                                    struct mv_str key, struct mv_str value) {
        return sparse_get(index, arena, &find_slot(&index->labels, key, value)->nodes);
}

const uint64_t *mv_node_index_key(const struct mv_node_index *index, struct mv_arena *arena,
                                  struct mv_str key) {
        return sparse_get(index, arena, &find_slot(&index->keys, key, (struct mv_str){ 0 })->nodes);
}

const uint64_t *mv_node_index_cordoned(const struct mv_node_index *index) {
        return index->n_cordoned ? index->cordoned : NULL;
}

const uint64_t *mv_node_index_all(const struct mv_node_index *index) {
        return index->all;
}

const uint64_t *mv_node_index_silent(const struct mv_node_index *index) {
        return index->n_silent ? index->silent : NULL;
}

size_t mv_node_index_taints(const struct mv_node_index *index) {
        return index->n_taints;
}

const struct mv_taint *mv_node_index_taint(const struct mv_node_index *index, struct mv_arena *arena,
                                           size_t i, const uint64_t **ret_nodes) {
        *ret_nodes = sparse_get(index, arena, &index->taints[i].nodes);
        return &index->taints[i].taint;
}

size_t mv_node_index_resources(const struct mv_node_index *index) {
        return index->n_resources;
}

size_t mv_node_index_resource(const struct mv_node_index *index, struct mv_str name) {
        for (size_t i = 0; i < index->n_resources; i++)
                if (mv_str_equal(index->resources[i].name, name))
                        return i;
        return SIZE_MAX;
}

const struct mv_levels *mv_node_index_allocatable(const struct mv_node_index *index, size_t resource) {
        return &index->resources[resource].allocatable;
}

/* --- sets --- */

uint64_t *mv_node_set_new(const struct mv_node_index *index, struct mv_arena *arena) {
        return mv_arena_new_array(arena, uint64_t, index->words);
}

uint64_t *mv_node_set_all(const struct mv_node_index *index, struct mv_arena *arena) {
        uint64_t *set = mv_node_set_new(index, arena);
        if (set && index->words)
                memcpy(set, index->all, index->words * sizeof *set);
        return set;
}

/* Two words, which the machine's vector instructions do at once; a block is some of them. */
typedef uint64_t words_pair __attribute__((vector_size(2 * sizeof(uint64_t)), aligned(8), may_alias));
enum { PAIRS = MV_SET_BLOCK / 2 };
#define EACH_BLOCK(set, other, operation)                                                   \
        do {                                                                                \
                words_pair *to = (words_pair *)(void *)(set), *end = to + index->words / 2; \
                const words_pair *from = (const words_pair *)(const void *)(other);         \
                for (; to != end; to += PAIRS, from += PAIRS)                               \
                        for (int k = 0; k < PAIRS; k++)                                     \
                                to[k] operation from[k];                                    \
        } while (0)

void mv_node_set_and(const struct mv_node_index *index, uint64_t *set, const uint64_t *other) {
        if (set && !other)
                memset(set, 0, index->words * sizeof *set);
        else if (set && set != other)
                EACH_BLOCK(set, other, &=);
}

void mv_node_set_or(const struct mv_node_index *index, uint64_t *set, const uint64_t *other) {
        if (set && other && set != other)
                EACH_BLOCK(set, other, |=);
}

void mv_node_set_without(const struct mv_node_index *index, uint64_t *set, const uint64_t *other) {
        if (set && other)
                EACH_BLOCK(set, other, &= ~);
}

size_t mv_node_set_count(const struct mv_node_index *index, const uint64_t *set) {
        return mv_node_set_count_both(index, set, set);
}

size_t mv_node_set_count_both(const struct mv_node_index *index, const uint64_t *a, const uint64_t *b) {
        size_t count = 0;
        for (size_t i = 0; a && b && i < index->words; i++)
                count += (size_t)__builtin_popcountll(a[i] & b[i]);
        return count;
}

void mv_node_set_add(uint64_t *set, size_t node) {
        set[node / 64] |= UINT64_C(1) << node % 64;
}

void mv_node_set_remove(uint64_t *set, size_t node) {
        set[node / 64] &= ~(UINT64_C(1) << node % 64);
}

size_t mv_node_set_limit(const struct mv_node_index *index, uint64_t *set, size_t most) {
        size_t taken = 0;
        for (size_t i = 0; set && i < index->words; i++) {
                uint64_t out = set[i];
                for (; out && most; most--)
                        out &= out - 1; /* without its lowest */
                taken += (size_t)__builtin_popcountll(out);
                set[i] &= ~out;
        }
        return taken;
}

size_t mv_node_set_next(const struct mv_node_index *index, const uint64_t *set, size_t from) {
        size_t word = from / 64;
        if (!set || word >= index->words)
                return SIZE_MAX;
        uint64_t rest = set[word] & UINT64_MAX << from % 64;
        while (!rest) {
                if (++word == index->words)
                        return SIZE_MAX;
                rest = set[word];
        }
        return word * 64 + (size_t)__builtin_ctzll(rest);
}
