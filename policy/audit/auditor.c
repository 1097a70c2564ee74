/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/auditor.h"

#include "policy/audit/audit.h"
#include "policy/audit/audit_objects.h"
#include "policy/base/hash.h"
#include "policy/inputs.h"
#include "policy/instancetype.h"
#include "policy/snapshot/kindtable.h"
#include "policy/registry.h"
#include "policy/resolve.h"
#include "policy/siterule.h"
#include "policy/audit/subjects.h"

#include <stdlib.h>

enum {
        READS_WORDS = 4,
        MANY_CHANGES = 256, /* so many things at once, and everything is judged anew */
        NOTICE_BIT = 112,   /* of the first notice */
        OTHERS_BIT = 127,   /* of what has none of its own */
        SITE_BIT = 128,     /* of the first rule of a site */
};

/* Something that is judged. */
struct item {
        struct mv_audit_key key;
        uint64_t digest; /* of the verdict */
        uint64_t rules[MV_AUDIT_RULE_WORDS];
        uint64_t reads[READS_WORDS]; /* three bits for each object that the verdict was made of */
        uint32_t policy;             /* hash of its name */
        uint32_t seen;               /* the look that saw it last */
        uint32_t judged;             /* the look it was judged after; 0: never */
        enum mv_outcome outcome;
};

/* A namespace that has, or had, something that is judged. */
struct place {
        struct mv_audit_key key;
        size_t n;
        bool due;
};

struct mv_auditor {
        const struct mv_allocator *allocator;
        struct mv_audit_objects objects;
        struct mv_audit_table items, places;
        uint64_t hidden; /* kinds that are judged, of which the last look saw nothing that it could go by */
        uint64_t unread; /* kinds that are judged, of which there were objects that cannot be read */
        uint32_t reconfigured; /* the look at which the configuration was another one */
        enum mv_audit_round round;
        struct item **due; /* of this round */
        size_t n_due, at;
        size_t place_at; /* of mv_auditor_next_empty */
};

struct mv_auditor *mv_auditor_new(const struct mv_allocator *allocator) {
        struct mv_auditor *auditor = allocator->allocate(allocator->context, sizeof *auditor);
        if (!auditor)
                return NULL;
        *auditor = (struct mv_auditor){ .allocator = allocator };
        mv_audit_objects_init(&auditor->objects, allocator);
        mv_audit_table_init(&auditor->items, allocator, sizeof(struct item));
        mv_audit_table_init(&auditor->places, allocator, sizeof(struct place));
        return auditor;
}

void mv_auditor_abandon(struct mv_auditor *auditor) {
        auditor->allocator->release(auditor->allocator->context, auditor->due);
        auditor->due = NULL;
        auditor->n_due = auditor->at = 0;
}

struct mv_auditor *mv_auditor_free(struct mv_auditor *auditor) {
        if (!auditor)
                return NULL;
        mv_auditor_abandon(auditor);
        mv_audit_objects_done(&auditor->objects);
        mv_audit_table_done(&auditor->items);
        mv_audit_table_done(&auditor->places);
        auditor->allocator->release(auditor->allocator->context, auditor);
        return NULL;
}

void mv_auditor_reconfigured(struct mv_auditor *auditor) {
        auditor->reconfigured = auditor->objects.look + 1;
}

/* --- what is there --- */

static void place_is_due(struct mv_auditor *auditor, struct mv_str namespace) {
        struct place *place = mv_audit_table_find(&auditor->places, MV_KIND_NAMESPACE, MV_STR(""), namespace);
        if (place)
                place->due = true;
}

static bool see_item(struct mv_auditor *auditor, enum mv_kind kind, const struct mv_meta *meta) {
        struct place *place =
                mv_audit_table_put(&auditor->places, MV_KIND_NAMESPACE, MV_STR(""), meta->namespace);
        struct item *item =
                place ? mv_audit_table_put(&auditor->items, kind, meta->namespace, meta->name) : NULL;
        if (!item)
                return false;
        if (!item->seen)
                place->n++;
        item->seen = auditor->objects.look;
        return true;
}

static bool is_gone(void *context, void *item) {
        struct mv_auditor *auditor = context;
        struct item *gone = item;
        if ((auditor->hidden | auditor->unread) >> gone->key.kind & 1)
                gone->seen = auditor->objects.look;
        if (gone->seen == auditor->objects.look)
                return false;
        struct place *place =
                mv_audit_table_find(&auditor->places, MV_KIND_NAMESPACE, MV_STR(""), gone->key.namespace);
        place->n--;
        place->due = true;
        return true;
}

static bool is_empty(void *context, void *item) {
        const struct place *place = item;
        (void)context;
        return !place->n && !place->due;
}

bool mv_auditor_may_judge(const struct mv_snapshot *snapshot) {
        for (enum mv_kind kind = 0; mv_kind_is_judged(kind); kind++) {
                bool forbidden = mv_snapshot_known(snapshot, kind)->knowledge == MV_KNOWLEDGE_FORBIDDEN;
                if (mv_snapshot_is_blind(snapshot, kind) &&
                    !(forbidden && kind != MV_KIND_VM && kind != MV_KIND_VMI))
                        return false;
        }
        return true;
}

/* Which instances are judged is not known without the VMs. */
static void see_knowledge(struct mv_auditor *auditor, const struct mv_snapshot *snapshot) {
        auditor->hidden = auditor->unread = 0;
        for (enum mv_kind kind = 0; mv_kind_is_judged(kind); kind++)
                if (mv_snapshot_is_blind(snapshot, kind))
                        auditor->hidden |= UINT64_C(1) << kind | (kind == MV_KIND_VM ? MV_NEED(VMI) : 0);
                else if (mv_audit_objects_may_hide(snapshot, kind))
                        auditor->unread |= UINT64_C(1) << kind;
}

int mv_auditor_look(struct mv_auditor *auditor, const struct mv_snapshot *snapshot, bool versions,
                    struct mv_err *err) {
        mv_auditor_abandon(auditor);
        mv_audit_table_drop(&auditor->places, is_empty, NULL);
        int r = mv_audit_objects_look(&auditor->objects, snapshot, versions, err);
        see_knowledge(auditor, snapshot);
        for (enum mv_kind kind = 0; r == 0 && mv_kind_is_judged(kind); kind++)
                for (size_t i = 0;
                     r == 0 && !(auditor->hidden >> kind & 1) && i < mv_snapshot_count(snapshot, kind); i++) {
                        const void *object = mv_snapshot_at(snapshot, kind, i);
                        if (mv_is_subject(snapshot, kind, object, NULL, NULL) &&
                            !see_item(auditor, kind, mv_kind_meta(kind, object)))
                                r = mv_err_oom(err);
                }
        if (r == 0)
                mv_audit_table_drop(&auditor->items, is_gone, auditor);
        return r;
}

/* --- what is due --- */

static void add_bits(uint64_t *words, uint64_t hash) {
        for (int i = 0; i < 3; i++, hash >>= 16)
                words[hash / 64 % READS_WORDS] |= UINT64_C(1) << (hash % 64);
}

static bool has_bits(const uint64_t *words, const uint64_t *wanted) {
        for (size_t i = 0; i < READS_WORDS; i++)
                if (wanted[i] & ~words[i])
                        return false;
        return true;
}

/* What a change of an object of that kind concerns, between the rounds of all. */
enum reach { NOBODY, THOSE_OF_ITS_NAME, WHO_IS_IN_IT, WHO_READ_IT, EVERYBODY };
static enum reach reach_of(enum mv_kind kind) {
        switch (kind) {
        case MV_KIND_VM:
        case MV_KIND_VMI:
        case MV_KIND_MIGRATION:
        case MV_KIND_POOL:
        case MV_KIND_REPLICA_SET:
                return THOSE_OF_ITS_NAME;
        case MV_KIND_NAMESPACE:
                return WHO_IS_IN_IT;
        case MV_KIND_KUBEVIRT:
        case MV_KIND_HYPERCONVERGED:
        case MV_KIND_MIGRATION_POLICY:
        case MV_KIND_CONFIG_MAP:
                return EVERYBODY;
        case MV_KIND_NODE:
        case MV_KIND_POD:
        case MV_KIND_RESOURCE_QUOTA:
        case MV_KIND_LIMIT_RANGE:
        case MV_KIND_DISRUPTION_BUDGET:
        case MV_KIND_MAINTENANCE:
        case MV_KIND_LEGACY_MAINTENANCE:
                return NOBODY; /* of the moment */
        default:
                return WHO_READ_IT;
        }
}

/* The changes of the last look, as those who are concerned are found by. */
struct changes {
        struct one_change {
                enum mv_kind kind;
                struct mv_str name;
                uint64_t bits[READS_WORDS];
        } items[MANY_CHANGES];
        size_t n;
        bool everybody, migrations; /* there were too many */
};

static void collect_changes(const struct mv_auditor *auditor, struct changes *changes) {
        uint32_t look = auditor->objects.look;
        changes->everybody = auditor->reconfigured == look;
        /* Backwards: instances, which change most, come last. */
        for (int i = MV_KIND_COUNT - 1; i >= 0; i--) {
                enum mv_kind kind = (enum mv_kind)i;
                enum reach reach = reach_of(kind);
                if (reach == NOBODY)
                        continue;
                if (auditor->objects.known_since[kind] == look)
                        changes->everybody = true;
                for (const struct mv_audit_object *o = auditor->objects.newest[kind]; o && o->changed == look;
                     o = o->older) {
                        if (reach == THOSE_OF_ITS_NAME && kind != MV_KIND_VMI)
                                continue;
                        if (kind == MV_KIND_VMI && changes->n == MANY_CHANGES) {
                                changes->migrations = true;
                                break;
                        }
                        if (reach == EVERYBODY || changes->n == MANY_CHANGES) {
                                changes->everybody = true;
                                return;
                        }
                        struct one_change *change = &changes->items[changes->n++];
                        *change = (struct one_change){ .kind = kind, .name = o->key.name };
                        add_bits(change->bits, o->key.hash);
                }
        }
}

static bool changed_itself(const struct mv_auditor *auditor, enum mv_kind kind, const struct item *item) {
        const struct mv_audit_object *object =
                mv_audit_table_find(&auditor->objects.table, kind, item->key.namespace, item->key.name);
        return object && object->changed == auditor->objects.look;
}

static bool concerns(const struct one_change *change, const struct item *item) {
        if (change->kind == MV_KIND_NAMESPACE)
                return mv_str_equal(change->name, item->key.namespace);
        /* A VM is found by its name. */
        if (change->kind == MV_KIND_VMI && item->key.kind != MV_KIND_MIGRATION)
                return false;
        return has_bits(item->reads, change->bits);
}

static bool is_due(const struct mv_auditor *auditor, const struct changes *changes, const struct item *item) {
        if (auditor->round == MV_AUDIT_ALL)
                return true;
        if (auditor->round == MV_AUDIT_NAMESPACES) {
                const struct place *place = mv_audit_table_find(&auditor->places, MV_KIND_NAMESPACE,
                                                                MV_STR(""), item->key.namespace);
                return place && place->due;
        }
        if (!item->judged || changes->everybody ||
            (changes->migrations && item->key.kind == MV_KIND_MIGRATION) ||
            changed_itself(auditor, item->key.kind, item) ||
            (item->key.kind == MV_KIND_VM && changed_itself(auditor, MV_KIND_VMI, item)))
                return true;
        for (size_t i = 0; i < changes->n; i++)
                if (concerns(&changes->items[i], item))
                        return true;
        return false;
}

static int compare(const void *a, const void *b) {
        const struct mv_audit_key *x = &(*(struct item *const *)a)->key,
                                  *y = &(*(struct item *const *)b)->key;
        int order = mv_str_compare(x->namespace, y->namespace);
        if (order == 0)
                order = (x->kind > y->kind) - (x->kind < y->kind);
        return order ? order : mv_str_compare(x->name, y->name);
}

static void places_are_done(struct mv_auditor *auditor) {
        struct place *place;
        for (size_t at = 0; (place = mv_audit_table_each(&auditor->places, &at));)
                place->due = place->due && !place->n;
}

int mv_auditor_begin(struct mv_auditor *auditor, enum mv_audit_round round, size_t *ret_n,
                     struct mv_err *err) {
        const struct mv_allocator *allocator = auditor->allocator;
        mv_auditor_abandon(auditor);
        auditor->round = round;
        auditor->place_at = 0;
        *ret_n = 0;
        struct changes *changes = allocator->allocate(allocator->context, sizeof *changes);
        auditor->due = allocator->allocate(allocator->context, (auditor->items.n + 1) * sizeof *auditor->due);
        if (!changes || !auditor->due) {
                allocator->release(allocator->context, changes);
                mv_auditor_abandon(auditor);
                return mv_err_oom(err);
        }
        *changes = (struct changes){ 0 };
        if (round == MV_AUDIT_CHANGED)
                collect_changes(auditor, changes);
        struct item *item;
        for (size_t at = 0; (item = mv_audit_table_each(&auditor->items, &at));)
                if (is_due(auditor, changes, item))
                        auditor->due[auditor->n_due++] = item;
        allocator->release(allocator->context, changes);
        qsort(auditor->due, auditor->n_due, sizeof *auditor->due, compare);
        if (round != MV_AUDIT_CHANGED)
                places_are_done(auditor);
        *ret_n = auditor->n_due;
        return 0;
}

bool mv_auditor_next(struct mv_auditor *auditor, struct mv_audit_subject *ret) {
        if (auditor->at == auditor->n_due) {
                /* All that is there has been judged since this look. */
                if (auditor->round == MV_AUDIT_ALL && auditor->due)
                        mv_audit_objects_forget(&auditor->objects, auditor->objects.look);
                mv_auditor_abandon(auditor);
                return false;
        }
        struct item *item = auditor->due[auditor->at++];
        *ret = (struct mv_audit_subject){ item->key.kind, item->key.namespace, item->key.name, item };
        return true;
}

bool mv_auditor_next_empty(struct mv_auditor *auditor, struct mv_str *ret) {
        struct place *place;
        while (!auditor->hidden && !auditor->unread &&
               (place = mv_audit_table_each(&auditor->places, &auditor->place_at)))
                if (place->due && !place->n) {
                        place->due = false;
                        *ret = place->key.name;
                        return true;
                }
        return false;
}

bool mv_auditor_has(const struct mv_auditor *auditor, struct mv_str namespace) {
        const struct place *place =
                mv_audit_table_find(&auditor->places, MV_KIND_NAMESPACE, MV_STR(""), namespace);
        return (place && place->n) || auditor->hidden || auditor->unread;
}

/* --- what has changed --- */

_Static_assert(SITE_BIT + MV_MOST_SITE_RULES <= 64 * MV_AUDIT_RULE_WORDS, "a bit for each rule of a site");

static unsigned bit_of(const struct mv_rule *rule) {
        if (rule->area == MV_AREA_SITE)
                return SITE_BIT + ((const struct mv_site_rule *)rule)->number;
        for (unsigned i = 0; mv_rules[i]; i++)
                if (mv_rules[i] == rule)
                        return i < NOTICE_BIT ? i : OTHERS_BIT;
        for (unsigned i = 0; mv_notices[i]; i++)
                if (mv_notices[i] == rule)
                        return NOTICE_BIT + i < OTHERS_BIT ? NOTICE_BIT + i : OTHERS_BIT;
        return OTHERS_BIT;
}

static bool is_any(const uint64_t rules[MV_AUDIT_RULE_WORDS]) {
        for (size_t i = 0; i < MV_AUDIT_RULE_WORDS; i++)
                if (rules[i])
                        return true;
        return false;
}

/* The verdict as it is looked through for its cause. */
struct reading {
        struct mv_auditor *auditor;
        const struct mv_snapshot *snapshot;
        struct item *item;
        struct mv_audit_change *change;
        uint64_t visited; /* kinds whose objects were looked up by name */
        uint64_t reads[READS_WORDS];
};

static void add_cause(struct mv_audit_change *change, enum mv_kind kind, struct mv_str namespace,
                      struct mv_str name, enum mv_audit_how how) {
        for (size_t i = 0; i < change->n_causes && i < MV_AUDIT_CAUSES; i++)
                if (change->causes[i].kind == kind && mv_str_equal(change->causes[i].name, name) &&
                    mv_str_equal(change->causes[i].namespace, namespace))
                        return;
        if (change->n_causes < MV_AUDIT_CAUSES)
                change->causes[change->n_causes] = (struct mv_audit_cause){ kind, namespace, name, how };
        change->n_causes++;
}

static void add_knowledge(struct reading *r, enum mv_kind kind) {
        if (r->auditor->objects.known_since[kind] > r->item->judged)
                add_cause(r->change, kind, MV_STR(""), MV_STR(""), MV_AUDIT_KNOWN_OTHERWISE);
}

static void read_one(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name,
                     const void *object) {
        struct reading *r = context;
        enum mv_audit_how how;
        if (!name.n)
                return;
        /* Others are found otherwise, and what all have in common would make the filter useless. */
        if (reach_of(kind) == WHO_READ_IT || kind == MV_KIND_VMI)
                add_bits(r->reads, mv_audit_table_hash(&r->auditor->objects.table, kind, namespace, name));
        if (!r->change->changed)
                return;
        if ((object ? !mv_snapshot_is_blind(r->snapshot, kind)
                    : !mv_audit_objects_may_hide(r->snapshot, kind)) &&
            mv_audit_objects_differs(&r->auditor->objects, kind, namespace, name, object, r->item->judged,
                                     &how))
                add_cause(r->change, kind, mv_kinds[kind].namespaced ? namespace : MV_STR(""), name, how);
        if (!(r->visited >> kind & 1))
                add_knowledge(r, kind);
        r->visited |= UINT64_C(1) << kind;
}

static void read_named(struct reading *r, enum mv_kind kind, struct mv_str namespace, struct mv_str name) {
        if (name.n)
                read_one(r, kind, namespace, name, mv_snapshot_find(r->snapshot, kind, namespace, name));
}

/* Those of a kind that have changed; of one with namespaces, in the subject's. */
static void read_all(void *context, enum mv_kind kind) {
        struct reading *r = context;
        const struct item *item = r->item;
        if (!r->change->changed)
                return;
        r->visited |= UINT64_C(1) << kind;
        add_knowledge(r, kind);
        bool anywhere =
                kind == MV_KIND_KUBEVIRT || kind == MV_KIND_HYPERCONVERGED || !mv_kinds[kind].namespaced;
        for (const struct mv_audit_object *o = r->auditor->objects.newest[kind];
             o && o->changed > item->judged; o = o->older)
                if (anywhere || mv_str_equal(o->key.namespace, item->key.namespace))
                        add_cause(r->change, kind, o->key.namespace, o->key.name, o->how);
}

static void read_matcher(struct reading *r, const struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        enum mv_kind kind = matcher ? mv_instancetype_kind(matcher->kind, of) : MV_KIND_COUNT;
        if (kind == MV_KIND_COUNT)
                return;
        read_named(r, kind, r->item->key.namespace, matcher->name);
        read_named(r, MV_KIND_CONTROLLER_REVISION, r->item->key.namespace, matcher->revision_name);
}

static void read_inputs(struct reading *r, struct mv_arena *arena, const struct mv_verdict *verdict) {
        const struct mv_inputs_visitor visitor = { read_one, read_all, r };
        const struct mv_audit_key *key = &r->item->key;
        if (key->kind != MV_KIND_VMI) /* what is reported of one changes all the time */
                read_named(r, key->kind, key->namespace, key->name);
        mv_inputs_visit(arena, r->snapshot, verdict, &visitor);
        const struct mv_vm *vm =
                key->kind == MV_KIND_VM ? mv_snapshot_find(r->snapshot, MV_KIND_VM, key->namespace, key->name)
                                        : NULL;
        if (vm) {
                read_matcher(r, vm, MV_OF_INSTANCETYPE);
                read_matcher(r, vm, MV_OF_PREFERENCE);
        }
}

/* What rules that find something else now say that they read. */
static void read_needs(struct reading *r, const struct mv_verdict *verdict) {
        const uint64_t *rules = r->change->rules;
        uint64_t needs = 0;
        bool none = !is_any(rules);
        for (unsigned i = 0; mv_rules[i]; i++)
                if (rules[bit_of(mv_rules[i]) / 64] >> (bit_of(mv_rules[i]) % 64) & 1)
                        needs |= mv_rules[i]->needs;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (none && f->outcome != MV_OUTCOME_PASS)
                        needs |= f->rule->needs;
                for (size_t i = 0; i < f->n_missing; i++)
                        needs |= UINT64_C(1) << f->missing[i].kind;
        }
        needs &= ~(r->visited | MV_NEED(VM) | MV_NEED(VMI) | MV_NEED(POD) | MV_NEED_INSTANCETYPES);
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++)
                if (needs >> kind & 1)
                        read_all(r, kind);
}

static void read_verdict(struct item *item, const struct mv_verdict *verdict) {
        const struct mv_policy_match *match = mv_resolution_policy(verdict->resolution);
        item->digest = mv_verdict_digest(verdict);
        item->outcome = verdict->migratable;
        item->policy = match ? (uint32_t)mv_hash_add(MV_HASH_START, match->policy->meta.name) : 0;
        memset(item->rules, 0, sizeof item->rules);
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (f->outcome != MV_OUTCOME_PASS)
                        item->rules[bit_of(f->rule) / 64] |= UINT64_C(1) << (bit_of(f->rule) % 64);
}

void mv_auditor_judged(struct mv_auditor *auditor, struct mv_arena *arena, const struct mv_snapshot *snapshot,
                       const struct mv_audit_subject *subject, const struct mv_verdict *verdict,
                       struct mv_audit_change *ret) {
        struct item *item = subject->item;
        const struct item before = *item;
        read_verdict(item, verdict);
        *ret = (struct mv_audit_change){ .first = !before.judged,
                                         .was = before.outcome,
                                         .is = item->outcome };
        ret->changed = before.judged && before.digest != item->digest;
        for (size_t i = 0; i < MV_AUDIT_RULE_WORDS; i++)
                ret->rules[i] = before.rules[i] ^ item->rules[i];
        ret->policy =
                ret->changed && ret->was == ret->is && before.policy != item->policy && !is_any(ret->rules);
        struct reading reading = { .auditor = auditor, .snapshot = snapshot, .item = item, .change = ret };
        if (ret->changed && auditor->reconfigured > before.judged)
                add_cause(ret, MV_KIND_COUNT, MV_STR(""), MV_STR(""), MV_AUDIT_WAS_CHANGED);
        read_inputs(&reading, arena, verdict);
        if (ret->changed)
                read_needs(&reading, verdict);
        /* Its instance reports something else after most changes of something else. */
        if (item->key.kind == MV_KIND_MIGRATION && verdict->instance)
                read_named(&reading, MV_KIND_VMI, item->key.namespace, verdict->instance->vmi.meta.name);
        else if (ret->changed && !ret->n_causes)
                read_named(&reading, MV_KIND_VMI, item->key.namespace, item->key.name);
        memcpy(item->reads, reading.reads, sizeof item->reads);
        item->judged = auditor->objects.look;
        if ((ret->changed || ret->first) && auditor->round == MV_AUDIT_CHANGED)
                place_is_due(auditor, item->key.namespace);
}

static const char *how_word(enum mv_audit_how how) {
        static const char *const words[] = { "was added", "was changed", "was removed",
                                             "are known otherwise than before" };
        return words[how];
}

struct mv_str mv_audit_cause_text(struct mv_arena *arena, const struct mv_audit_change *change) {
        struct mv_str text = MV_STR("");
        for (size_t i = 0; i < change->n_causes && i < MV_AUDIT_CAUSES; i++) {
                const struct mv_audit_cause *cause = &change->causes[i];
                bool all = cause->kind == MV_KIND_COUNT || cause->how == MV_AUDIT_KNOWN_OTHERWISE;
                const char *what = cause->kind == MV_KIND_COUNT             ? "migvet's configuration"
                                   : cause->how == MV_AUDIT_KNOWN_OTHERWISE ? mv_kinds[cause->kind].plural
                                                                            : mv_kinds[cause->kind].kind;
                text = mv_arena_format(arena, "%.*s%s%s%s%.*s%s%.*s %s", MV_STR_ARG(text), i ? ", " : "",
                                       what, all ? "" : " ", MV_STR_ARG(cause->namespace),
                                       cause->namespace.n ? "/" : "", MV_STR_ARG(cause->name),
                                       how_word(cause->how));
        }
        if (change->n_causes > MV_AUDIT_CAUSES)
                text = mv_arena_format(arena, "%.*s, and %zu more", MV_STR_ARG(text),
                                       change->n_causes - MV_AUDIT_CAUSES);
        return text;
}

void mv_auditor_count(const struct mv_auditor *auditor, struct mv_audit_counts *ret) {
        const struct item *item;
        const struct place *place;
        *ret = (struct mv_audit_counts){ .objects = auditor->objects.table.n, .unread = auditor->unread };
        for (size_t at = 0; (item = mv_audit_table_each(&auditor->items, &at));)
                if (item->judged)
                        ret->verdicts[item->outcome]++;
        for (size_t at = 0; (place = mv_audit_table_each(&auditor->places, &at));)
                ret->waiting =
                        ret->waiting || (place->due && (place->n || !(auditor->hidden | auditor->unread)));
}

void mv_auditor_count_rules(const struct mv_auditor *auditor, struct mv_audit_rule_counts *ret) {
        const struct item *item;
        *ret = (struct mv_audit_rule_counts){ 0 };
        for (size_t at = 0; (item = mv_audit_table_each(&auditor->items, &at));)
                for (unsigned i = 0; i < MV_AUDIT_RULE_WORDS; i++)
                        for (uint64_t left = i >= SITE_BIT / 64 && item->judged < auditor->reconfigured
                                                     ? 0
                                                     : item->rules[i],
                                      bit = 64 * i;
                             left; left >>= 1, bit++)
                                ret->n[bit] += left & 1;
}

size_t mv_audit_rule_count(const struct mv_audit_rule_counts *counts, const struct mv_rule *rule) {
        return counts->n[bit_of(rule)];
}
