/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/targetpod.h"

#include "policy/base/hash.h"
#include "policy/object/pod.h"
#include "policy/nodes/tsc.h"

#define CPU_MODEL "cpu-model.node.kubevirt.io/"
#define CPU_MODEL_MIGRATION "cpu-model-migration.node.kubevirt.io/"
#define CPU_FEATURE "cpu-feature.node.kubevirt.io/"
#define CPU_VENDOR "cpu-vendor.node.kubevirt.io/"
#define HYPERV "hyperv.node.kubevirt.io/"
#define MACHINE_TYPE "machine-type.node.kubevirt.io/"
#define TSC_FREQUENCY "scheduling.node.kubevirt.io/tsc-frequency-"
#define VM_ARCH "kubevirt.io/vm-arch-"
#define SCHEDULABLE "kubevirt.io/schedulable"
#define ARCH "kubernetes.io/arch"

static const struct mv_str yes = { "true", 4 };

/* --- what a label is, as a cause --- */

static const struct family {
        struct mv_str prefix;
        const char *what;
        enum mv_fit_class class;
} families[] = {
#define FAMILY(prefix, what, class) \
        { { prefix, sizeof(prefix) - 1 }, what, class }
        FAMILY(CPU_FEATURE, "cpu-feature:", MV_FIT_CPU),
        FAMILY(CPU_MODEL, "cpu-model:", MV_FIT_CPU),
        FAMILY(CPU_MODEL_MIGRATION, "host-model:", MV_FIT_CPU),
        FAMILY(CPU_VENDOR, "cpu-vendor:", MV_FIT_CPU),
        FAMILY(HYPERV, "hyperv:", MV_FIT_LABEL),
        FAMILY(MACHINE_TYPE, "machine-type:", MV_FIT_LABEL),
        FAMILY(TSC_FREQUENCY, "tsc-frequency:", MV_FIT_LABEL),
        FAMILY(VM_ARCH, "vm-arch:", MV_FIT_LABEL),
#undef FAMILY
};

static const struct single {
        struct mv_str key;
        const char *what;
        enum mv_fit_class class;
} singles[] = {
#define SINGLE(key, what, class) \
        { { key, sizeof(key) - 1 }, what, class }
        SINGLE(SCHEDULABLE, "not-schedulable", MV_FIT_SCHEDULABLE),
        SINGLE("kubevirt.io/cpumanager", "cpumanager", MV_FIT_LABEL),
        SINGLE("kubevirt.io/realtime", "realtime", MV_FIT_LABEL),
        SINGLE("kubevirt.io/sev", "sev", MV_FIT_LABEL),
        SINGLE("kubevirt.io/sev-es", "sev-es", MV_FIT_LABEL),
        SINGLE("kubevirt.io/sev-snp", "sev-snp", MV_FIT_LABEL),
        SINGLE("kubevirt.io/tdx", "tdx", MV_FIT_LABEL),
        SINGLE("kubevirt.io/s390-pv", "secure-execution", MV_FIT_LABEL),
#undef SINGLE
};

/* class is that of a label which is nothing in particular. What a migration adds is added, whatever it is. */
static void classify(struct mv_selected *selected, enum mv_fit_class class) {
        struct mv_str key = selected->key;
        for (size_t i = 0; i < sizeof families / sizeof *families; i++)
                if (mv_str_starts_with(key, families[i].prefix)) {
                        selected->what = families[i].what;
                        selected->name = mv_str_skip(key, families[i].prefix.n);
                        selected->class = families[i].class;
                        return;
                }
        for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
                if (mv_str_equal(key, singles[i].key)) {
                        selected->what = singles[i].what;
                        selected->name = (struct mv_str){ 0 };
                        selected->class = singles[i].class;
                        return;
                }
        bool arch = mv_str_is(key, ARCH);
        selected->what = arch ? "arch:" : "selector:";
        selected->name = arch ? selected->value : key;
        selected->class = class;
}

/* --- the map --- */

/* Up to so many are searched one by one: an instance has a few. Whoever makes one with thousands pays for a table. */
enum { SEARCHED = 32 };

static uint32_t *find_slot(const struct mv_target_selector *s, struct mv_str key) {
        size_t mask = s->n_slots - 1, at = (size_t)mv_hash_add(mv_hash_seed(s->slots), key) & mask;
        while (s->slots[at] && !mv_str_equal(s->items[s->slots[at] - 1].key, key))
                at = (at + 1) & mask;
        return &s->slots[at];
}

/* A table of all items, with room for as many again. */
static bool make_slots(struct mv_arena *arena, struct mv_target_selector *s) {
        s->n_slots = 4 * SEARCHED;
        while (s->n_slots < s->n * 4)
                s->n_slots *= 2;
        s->slots = mv_arena_new_array(arena, uint32_t, s->n_slots);
        for (size_t i = 0; s->slots && i < s->n; i++)
                *find_slot(s, s->items[i].key) = (uint32_t)i + 1;
        return s->slots;
}

/* Where the key is among the first `among`, or s->n; SIZE_MAX when memory is out. */
static size_t find_among(struct mv_arena *arena, struct mv_target_selector *s, size_t among,
                         struct mv_str key) {
        if (among <= SEARCHED) {
                for (size_t i = 0; i < among; i++)
                        if (mv_str_equal(s->items[i].key, key))
                                return i;
                return s->n;
        }
        if (s->n * 2 >= s->n_slots && !make_slots(arena, s))
                return SIZE_MAX;
        uint32_t *slot = find_slot(s, key);
        if (*slot)
                return *slot - 1;
        *slot = (uint32_t)s->n + 1; /* it is put there next */
        return s->n;
}

/* Set the key; it can stand among the first `among` only. NULL when memory is out. */
static struct mv_selected *put_among(struct mv_arena *arena, struct mv_target_selector *s, size_t among,
                                     struct mv_str key, struct mv_str value, enum mv_fit_class class) {
        size_t at = find_among(arena, s, among, key);
        if (at == SIZE_MAX)
                return NULL;
        if (at == s->capacity) {
                size_t capacity = s->capacity ? s->capacity * 2 : 32;
                struct mv_selected *items = mv_arena_new_array(arena, struct mv_selected, capacity);
                if (!items)
                        return NULL;
                if (s->n)
                        memcpy(items, s->items, s->n * sizeof *items);
                s->items = items;
                s->capacity = capacity;
        }
        if (at == s->n)
                s->n++;
        s->items[at] = (struct mv_selected){ .key = key, .value = value };
        classify(&s->items[at], class);
        if (class == MV_FIT_ADDED)
                s->items[at].class = class;
        return &s->items[at];
}

static void put(struct mv_arena *arena, struct mv_target_selector *s, struct mv_str key, struct mv_str value,
                enum mv_fit_class class) {
        put_among(arena, s, s->n, key, value, class);
}

/* All of the map but one key ("": all). */
static void put_all(struct mv_arena *arena, struct mv_target_selector *s, const struct mv_map *map,
                    struct mv_str but, enum mv_fit_class class) {
        for (size_t i = 0; i < map->n; i++)
                if (!but.n || !mv_str_equal(map->items[i].key, but))
                        put(arena, s, map->items[i].key, map->items[i].value, class);
}

/* prefix and name as one text; printf would take longer than all the rest. */
static struct mv_str join(struct mv_arena *arena, const char *prefix, struct mv_str name) {
        struct mv_str first = mv_str_from(prefix);
        char *text = mv_arena_allocate(arena, first.n + name.n, 1);
        if (!text)
                return (struct mv_str){ 0 };
        memcpy(text, first.p, first.n);
        if (name.n)
                memcpy(text + first.n, name.p, name.n);
        return (struct mv_str){ text, first.n + name.n };
}

static void require(struct mv_arena *arena, struct mv_target_selector *s, const char *prefix,
                    struct mv_str name) {
        put(arena, s, join(arena, prefix, name), yes, MV_FIT_LABEL);
}

/* --- what an instance asks for --- */

static struct mv_str lower(struct mv_arena *arena, struct mv_str text) {
        char *copy = mv_arena_allocate(arena, text.n, 1);
        for (size_t i = 0; copy && i < text.n; i++)
                copy[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] - 'A' + 'a' : text.p[i]);
        return (struct mv_str){ copy, copy ? text.n : 0 };
}

static bool is_enabled(const struct mv_feature_state *state) {
        return state && state->enabled == MV_TRUE;
}

static void add_hyperv(struct mv_arena *arena, struct mv_target_selector *s, const struct mv_hyperv *hyperv) {
        const struct {
                const char *name;
                const struct mv_feature_state *state;
        } features[] = {
                { "vpindex", hyperv->vpindex },
                { "runtime", hyperv->runtime },
                { "reset", hyperv->reset },
                { "synic", hyperv->synic },
                { "synictimer", hyperv->synictimer },
                { "frequencies", hyperv->frequencies },
                { "reenlightenment", hyperv->reenlightenment },
                { "tlbflush", hyperv->tlbflush },
                { "ipi", hyperv->ipi },
        };
        for (size_t i = 0; i < sizeof features / sizeof *features; i++)
                if (is_enabled(features[i].state))
                        require(arena, s, HYPERV, mv_str_from(features[i].name));
        if (hyperv->evmcs && hyperv->evmcs->enabled != MV_FALSE)
                require(arena, s, CPU_VENDOR, MV_STR("Intel"));
}

static void add_cpu(struct mv_arena *arena, struct mv_target_selector *s, const struct mv_cpu *cpu) {
        if (!cpu || !cpu->model.n)
                return;
        if (!mv_str_is(cpu->model, "host-model") && !mv_str_is(cpu->model, "host-passthrough"))
                require(arena, s, CPU_MODEL, cpu->model);
        for (size_t i = 0; i < cpu->features.n; i++)
                if (!cpu->features.items[i].policy.n || mv_str_is(cpu->features.items[i].policy, "require"))
                        require(arena, s, CPU_FEATURE, cpu->features.items[i].name);
}

static void add_security(struct mv_arena *arena, struct mv_target_selector *s,
                         const struct mv_vmi_spec *spec) {
        const struct mv_launch_security *security = spec->domain.launch_security;
        if (!security)
                return;
        if (security->sev || security->snp)
                require(arena, s, "kubevirt.io/sev", MV_STR(""));
        if (security->sev && security->sev->policy.encrypted_state)
                require(arena, s, "kubevirt.io/sev-es", MV_STR(""));
        if (security->snp)
                require(arena, s, "kubevirt.io/sev-snp", MV_STR(""));
        if (mv_str_is(spec->architecture, "s390x"))
                require(arena, s, "kubevirt.io/s390-pv", MV_STR(""));
        if (security->tdx)
                require(arena, s, "kubevirt.io/tdx", MV_STR(""));
}

/* What an instance's pod always asks for. */
static void add_instance(struct mv_arena *arena, const struct mv_fit_question *q,
                         struct mv_target_selector *s) {
        const struct mv_vmi_spec *spec = &q->vmi->spec;
        const struct mv_cpu *cpu = spec->domain.cpu;
        bool any_architecture =
                spec->architecture.n && mv_kubevirt_gate(q->config, "CrossArchitectureVirtualization");
        /* The node's own architecture then does not matter, whoever selects it (WithoutNativeArchSelector). */
        const struct mv_str but = any_architecture ? MV_STR(ARCH) : MV_STR("");
        put(arena, s, MV_STR(SCHEDULABLE), yes, MV_FIT_SELECTOR);
        if (spec->architecture.n && !any_architecture)
                put(arena, s, MV_STR(ARCH), lower(arena, spec->architecture), MV_FIT_LABEL);
        put_all(arena, s, &q->config->spec->developer.node_selectors, but, MV_FIT_SELECTOR);
        put_all(arena, s, &spec->node_selector, but, MV_FIT_SELECTOR);
        if (cpu && cpu->dedicated_cpu_placement)
                require(arena, s, "kubevirt.io/cpumanager", MV_STR(""));
        if (spec->domain.features && spec->domain.features->hyperv &&
            mv_kubevirt_gate(q->config, "HypervStrictCheck"))
                add_hyperv(arena, s, spec->domain.features->hyperv);
        add_cpu(arena, s, cpu);
        struct mv_str machine =
                q->vmi->status.machine.type.n ? q->vmi->status.machine.type : spec->domain.machine.type;
        if (machine.n && q->behaviour->machine_type)
                require(arena, s, MACHINE_TYPE, machine);
        int64_t frequency = mv_tsc_need_of(spec) ? mv_tsc_hint(q->snapshot, q->config, q->vmi) : 0;
        if (frequency)
                put(arena, s, mv_arena_format(arena, TSC_FREQUENCY "%lld", (long long)frequency), yes,
                    MV_FIT_LABEL);
        if (cpu && cpu->realtime)
                require(arena, s, "kubevirt.io/realtime", MV_STR(""));
        add_security(arena, s, spec);
        if (any_architecture)
                require(arena, s, VM_ARCH, spec->architecture);
}

/* --- what it takes along from its node --- */

/* Keys that tell KubeVirt that the pod's instance has migrated before. Features that the instance asks for itself look
 * the same, and have the same effect. */
static bool tells_model(struct mv_str key) {
        return mv_str_contains(key, MV_STR(CPU_FEATURE)) || mv_str_contains(key, MV_STR(CPU_MODEL_MIGRATION));
}

static void add_host_model(struct mv_arena *arena, const struct mv_target_source *source,
                           struct mv_target_selector *s) {
        bool migrated = false;
        size_t before = s->n;
        for (size_t i = 0; !source->pod && i < before; i++)
                migrated |= s->items[i].class != MV_FIT_ADDED && tells_model(s->items[i].key);
        for (size_t i = 0; source->pod && i < source->pod->spec.node_selector.n; i++) {
                const struct mv_pair *pair = &source->pod->spec.node_selector.items[i];
                if (!tells_model(pair->key))
                        continue;
                put_among(arena, s, before, pair->key, pair->value, MV_FIT_CPU);
                migrated = true;
        }
        s->model = migrated ? NULL : source->model;
        for (size_t i = 0; s->model && i < s->model->n; i++) {
                const struct mv_host_model_label *label = &source->model->labels[i];
                struct mv_selected *selected =
                        put_among(arena, s, before, label->key, label->value, MV_FIT_CPU);
                if (!selected)
                        return;
                selected->nodes = label->nodes;
                selected->found = true;
        }
}

/* What only comes from the node that it leaves: host-model and CPU vendor. */
static void add_source(struct mv_arena *arena, const struct mv_fit_question *q,
                       const struct mv_target_source *source, struct mv_target_selector *s) {
        const struct mv_cpu *cpu = q->vmi->spec.domain.cpu;
        if (cpu && mv_str_is(cpu->model, "host-model"))
                add_host_model(arena, source, s);
        bool vendor = !source->vendor.n || !q->behaviour->cpu_vendor;
        for (size_t i = 0; !vendor && i < s->n; i++)
                vendor = mv_str_starts_with(s->items[i].key, MV_STR(CPU_VENDOR));
        if (!vendor)
                put_among(arena, s, 0, source->vendor, yes, MV_FIT_CPU);
}

void mv_target_selector_make(struct mv_arena *arena, const struct mv_fit_question *q,
                             const struct mv_target_source *source, struct mv_target_selector *ret) {
        size_t model = source && source->model ? source->model->n : 0;
        *ret = (struct mv_target_selector){ .capacity = model + 32 };
        ret->items = mv_arena_new_array(arena, struct mv_selected, ret->capacity);
        if (!ret->items) {
                ret->capacity = 0;
                return;
        }
        if (q->added_node_selector && q->behaviour->added_node_selector)
                put_all(arena, ret, q->added_node_selector, (struct mv_str){ 0 }, MV_FIT_ADDED);
        add_instance(arena, q, ret);
        if (source)
                add_source(arena, q, source, ret);
}
