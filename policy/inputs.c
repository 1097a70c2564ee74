/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/inputs.h"

#include "policy/base/hash.h"
#include "policy/behaviour.h"
#include "policy/claims.h"
#include "policy/object/config_map.h"
#include "policy/object/digest.h"
#include "policy/refusal.h"

#include <limits.h>

/* Change it when the digest is made of something else. */
enum { FORM = 2 };

struct visit {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_inputs_visitor *to;
};

/* The object of that name; who has no name names none. */
static const void *visit_named(const struct visit *v, enum mv_kind kind, struct mv_str namespace,
                               struct mv_str name) {
        const void *object = name.n ? mv_snapshot_find(v->snapshot, kind, namespace, name) : NULL;
        v->to->one(v->to->context, kind, namespace, name, object);
        return object;
}

static void visit_cluster(const struct visit *v) {
        static const char *const names[] = { MV_LEGACY_CONFIG, MV_STORAGE_CLASS_DEFAULTS };
        v->to->all(v->to->context, MV_KIND_KUBEVIRT);
        v->to->all(v->to->context, MV_KIND_HYPERCONVERGED);
        v->to->all(v->to->context, MV_KIND_MIGRATION_POLICY);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                const struct mv_config_map *map =
                        mv_snapshot_cluster_config_map(v->snapshot, mv_str_from(names[i]));
                v->to->one(v->to->context, MV_KIND_CONFIG_MAP, map ? map->meta.namespace : MV_STR(""),
                           mv_str_from(names[i]), map);
        }
}

static void visit_claim(const struct visit *v, struct mv_str namespace, const struct mv_claim_facts *facts) {
        const struct mv_str none = { 0 };
        const struct mv_claim *claim = visit_named(v, MV_KIND_CLAIM, namespace, facts->name);
        const struct mv_str class = claim && claim->spec.storage_class_name.n ? claim->spec.storage_class_name
                                                                              : facts->storage_class;
        /* A DataVolume has the name of its claim. */
        visit_named(v, MV_KIND_DATA_VOLUME, namespace, facts->name);
        visit_named(v, MV_KIND_PERSISTENT_VOLUME, none, claim ? claim->spec.volume_name : none);
        visit_named(v, MV_KIND_STORAGE_CLASS, none, class);
        visit_named(v, MV_KIND_STORAGE_PROFILE, none, class);
}

/* Of no known version it is as in the newest, as the rules have it. */
static const struct mv_behaviour *behaviour_of(const struct mv_verdict *verdict) {
        struct mv_str text;
        unsigned version = mv_kubevirt_version_parse(verdict->version, &text);
        return mv_behaviour_of(version ? version : UINT_MAX);
}

static void visit_claims(const struct visit *v, const struct mv_verdict *verdict) {
        const struct mv_vmi *vmi = &verdict->instance->vmi;
        const struct mv_claim_facts *facts =
                mv_claims_resolve(v->arena, v->snapshot, behaviour_of(verdict), verdict->instance);
        for (size_t i = 0; facts && i < vmi->spec.volumes.n; i++)
                visit_claim(v, vmi->meta.namespace, &facts[i]);
}

void mv_inputs_visit(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                     const struct mv_verdict *verdict, const struct mv_inputs_visitor *visitor) {
        const struct visit v = { arena, snapshot, visitor };
        visit_cluster(&v);
        visit_named(&v, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, verdict->subject.namespace);
        if (verdict->instance)
                visit_claims(&v, verdict);
}

/* --- the number --- */

struct digester {
        const struct mv_snapshot *snapshot;
        uint64_t digest;
};

static uint64_t digest_of(enum mv_kind kind, const void *object) {
        return mv_decoded_digest(mv_kinds[kind].table, object);
}

static void add(struct digester *d, uint64_t number) {
        d->digest = mv_digest_add(d->digest, number);
}

static void add_text(struct digester *d, struct mv_str text) {
        d->digest = mv_hash_add(d->digest, text);
}

static void add_one(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name,
                    const void *object) {
        (void)namespace;
        (void)name;
        add(context, digest_of(kind, object));
}

/* In whatever order they came. */
static void add_all(void *context, enum mv_kind kind) {
        struct digester *d = context;
        uint64_t sum = 0;
        for (size_t i = 0; i < mv_snapshot_count(d->snapshot, kind); i++)
                sum += digest_of(kind, mv_snapshot_at(d->snapshot, kind, i));
        add(d, sum);
}

static void add_instance(struct digester *d, const struct mv_instance *instance) {
        /* Who an object is says nothing of what becomes of it. */
        struct mv_vmi vmi = instance->vmi;
        vmi.meta = (struct mv_meta){ .labels = vmi.meta.labels, .annotations = vmi.meta.annotations };
        add(d, mv_decoded_digest(&mv_table_vmi, &vmi));
        if (!instance->vm)
                return;
        struct mv_vm vm = *instance->vm;
        vm.meta = (struct mv_meta){ 0 };
        vm.status = (struct mv_vm_status){ 0 };
        add(d, mv_decoded_digest(&mv_table_vm, &vm));
}

uint64_t mv_inputs_digest(struct mv_arena *arena, const struct mv_snapshot *snapshot, enum mv_kind kind,
                          struct mv_str spec, const struct mv_verdict *verdict) {
        struct digester d = { snapshot, MV_HASH_START };
        const struct mv_inputs_visitor visitor = { add_one, add_all, &d };
        add(&d, FORM);
        add_text(&d, mv_str_from(mv_kinds[kind].kind));
        add(&d, mv_json_digest(arena, spec));
        add_text(&d, verdict->version);
        mv_inputs_visit(arena, snapshot, verdict, &visitor);
        if (verdict->instance)
                add_instance(&d, verdict->instance);
        if (verdict->refused)
                add_text(&d, verdict->refused->message);
        return d.digest;
}
