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
enum { FORM = 1 };

struct digester {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        uint64_t digest;
};

static void add(struct digester *d, uint64_t number) {
        d->digest = mv_digest_add(d->digest, number);
}

static void add_text(struct digester *d, struct mv_str text) {
        d->digest = mv_hash_add(d->digest, text);
}

static uint64_t digest_of(enum mv_kind kind, const void *object) {
        return mv_decoded_digest(mv_kinds[kind].table, object);
}

/* The object of that name; who has no name names none. */
static const void *add_named(struct digester *d, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name) {
        const void *object = name.n ? mv_snapshot_find(d->snapshot, kind, namespace, name) : NULL;
        add(d, digest_of(kind, object));
        return object;
}

/* All of a kind, in whatever order they came. */
static void add_all(struct digester *d, enum mv_kind kind) {
        uint64_t sum = 0;
        for (size_t i = 0; i < mv_snapshot_count(d->snapshot, kind); i++)
                sum += digest_of(kind, mv_snapshot_at(d->snapshot, kind, i));
        add(d, sum);
}

static void add_cluster(struct digester *d) {
        static const char *const names[] = { MV_LEGACY_CONFIG, MV_STORAGE_CLASS_DEFAULTS };
        add_all(d, MV_KIND_KUBEVIRT);
        add_all(d, MV_KIND_HYPERCONVERGED);
        add_all(d, MV_KIND_MIGRATION_POLICY);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                add(d, digest_of(MV_KIND_CONFIG_MAP,
                                 mv_snapshot_cluster_config_map(d->snapshot, mv_str_from(names[i]))));
}

static void add_claim(struct digester *d, struct mv_str namespace, const struct mv_claim_facts *facts) {
        const struct mv_str none = { 0 };
        const struct mv_claim *claim = add_named(d, MV_KIND_CLAIM, namespace, facts->name);
        const struct mv_str class = claim && claim->spec.storage_class_name.n ? claim->spec.storage_class_name
                                                                              : facts->storage_class;
        /* A DataVolume has the name of its claim. */
        add_named(d, MV_KIND_DATA_VOLUME, namespace, facts->name);
        add_named(d, MV_KIND_PERSISTENT_VOLUME, none, claim ? claim->spec.volume_name : none);
        add_named(d, MV_KIND_STORAGE_CLASS, none, class);
        add_named(d, MV_KIND_STORAGE_PROFILE, none, class);
}

/* Of no known version it is as in the newest, as the rules have it. */
static const struct mv_behaviour *behaviour_of(const struct mv_verdict *verdict) {
        struct mv_str text;
        unsigned version = mv_kubevirt_version_parse(verdict->version, &text);
        return mv_behaviour_of(version ? version : UINT_MAX);
}

static void add_instance(struct digester *d, const struct mv_verdict *verdict) {
        const struct mv_instance *instance = verdict->instance;
        /* Who an object is says nothing of what becomes of it. */
        struct mv_vmi vmi = instance->vmi;
        vmi.meta = (struct mv_meta){ .labels = vmi.meta.labels, .annotations = vmi.meta.annotations };
        add(d, mv_decoded_digest(&mv_table_vmi, &vmi));
        if (instance->vm) {
                struct mv_vm vm = *instance->vm;
                vm.meta = (struct mv_meta){ 0 };
                vm.status = (struct mv_vm_status){ 0 };
                add(d, mv_decoded_digest(&mv_table_vm, &vm));
        }
        const struct mv_claim_facts *facts =
                mv_claims_resolve(d->arena, d->snapshot, behaviour_of(verdict), instance);
        for (size_t i = 0; facts && i < vmi.spec.volumes.n; i++)
                add_claim(d, instance->vmi.meta.namespace, &facts[i]);
}

uint64_t mv_inputs_digest(struct mv_arena *arena, const struct mv_snapshot *snapshot, enum mv_kind kind,
                          struct mv_str spec, const struct mv_verdict *verdict) {
        struct digester d = { arena, snapshot, MV_HASH_START };
        add(&d, FORM);
        add_text(&d, mv_str_from(mv_kinds[kind].kind));
        add(&d, mv_json_digest(arena, spec));
        add_text(&d, verdict->version);
        add_cluster(&d);
        add_named(&d, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, verdict->subject.namespace);
        if (verdict->instance)
                add_instance(&d, verdict);
        if (verdict->refused)
                add_text(&d, verdict->refused->message);
        return d.digest;
}
