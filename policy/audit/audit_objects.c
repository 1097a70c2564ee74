/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit_objects.h"

#include "policy/base/hash.h"
#include "policy/snapshot/kindtable.h"
#include "policy/object/digest.h"
#include "policy/object/vm.h"

void mv_audit_objects_init(struct mv_audit_objects *objects, const struct mv_allocator *allocator) {
        *objects = (struct mv_audit_objects){ 0 };
        mv_audit_table_init(&objects->table, allocator, sizeof(struct mv_audit_object));
}

void mv_audit_objects_done(struct mv_audit_objects *objects) {
        mv_audit_table_done(&objects->table);
}

/* Pods change all the time, and Secrets are not read. */
static bool is_remembered(enum mv_kind kind) {
        return kind != MV_KIND_POD && kind != MV_KIND_SECRET;
}

/* What is written in it. What a controller reports of a VM changes whenever it starts or stops. */
static uint64_t digest_of(enum mv_kind kind, const void *object) {
        if (kind != MV_KIND_VM || !object)
                return mv_decoded_digest(mv_kinds[kind].table, object);
        struct mv_vm vm = *(const struct mv_vm *)object;
        vm.status = (struct mv_vm_status){ 0 };
        return mv_decoded_digest(mv_kinds[kind].table, &vm);
}

static void unlink_object(struct mv_audit_objects *objects, struct mv_audit_object *object) {
        if (object->newer)
                object->newer->older = object->older;
        else if (objects->newest[object->key.kind] == object)
                objects->newest[object->key.kind] = object->older;
        if (object->older)
                object->older->newer = object->newer;
        object->newer = object->older = NULL;
}

static void note(struct mv_audit_objects *objects, struct mv_audit_object *object, enum mv_audit_how how) {
        struct mv_audit_object **newest = &objects->newest[object->key.kind];
        unlink_object(objects, object);
        object->changed = objects->look;
        object->how = how;
        object->older = *newest;
        if (*newest)
                (*newest)->newer = object;
        *newest = object;
}

static bool see(struct mv_audit_objects *objects, enum mv_kind kind, const void *object, bool versions) {
        const struct mv_meta *meta = mv_kind_meta(kind, object);
        struct mv_audit_object *seen = mv_audit_table_put(&objects->table, kind, meta->namespace, meta->name);
        if (!seen)
                return false;
        bool fresh = !seen->seen, back = !fresh && seen->how == MV_AUDIT_REMOVED && seen->changed;
        uint32_t version = (uint32_t)mv_hash_add(MV_HASH_START, meta->resource_version);
        bool same = versions && !fresh && !back && meta->resource_version.n && seen->object == object &&
                    seen->version == version;
        seen->seen = objects->look;
        if (same)
                return true;
        uint64_t digest = digest_of(kind, object);
        if (fresh ? objects->look > 1 : back)
                note(objects, seen, MV_AUDIT_ADDED);
        else if (!fresh && seen->digest != digest)
                note(objects, seen, MV_AUDIT_WAS_CHANGED);
        seen->digest = digest;
        seen->object = object;
        seen->version = version;
        return true;
}

static bool is_old(void *context, void *item) {
        struct mv_audit_objects *objects = ((void **)context)[0];
        const uint32_t *look = ((void **)context)[1];
        struct mv_audit_object *object = item;
        if (object->seen == objects->look || object->how != MV_AUDIT_REMOVED || object->changed > *look)
                return false;
        unlink_object(objects, object);
        return true;
}

void mv_audit_objects_forget(struct mv_audit_objects *objects, uint32_t look) {
        void *context[] = { objects, &look };
        mv_audit_table_drop(&objects->table, is_old, context);
}

/* A cluster that does not answer for a moment is no news. */
static uint8_t knowledge_of(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        enum mv_knowledge knowledge = mv_snapshot_known(snapshot, kind)->knowledge;
        return (uint8_t)(knowledge == MV_KNOWLEDGE_LOST ? MV_KNOWLEDGE_ALL : knowledge);
}

/* Of ConfigMaps just those that configure the cluster are read, and all of these. */
bool mv_audit_objects_may_hide(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        return mv_snapshot_is_blind(snapshot, kind) ||
               (kind != MV_KIND_CONFIG_MAP &&
                mv_snapshot_known(snapshot, kind)->knowledge == MV_KNOWLEDGE_NAMED);
}

int mv_audit_objects_look(struct mv_audit_objects *objects, const struct mv_snapshot *snapshot, bool versions,
                          struct mv_err *err) {
        bool all = true;
        objects->look++;
        for (enum mv_kind kind = 0; kind < MV_KIND_COUNT; kind++) {
                uint8_t knowledge = knowledge_of(snapshot, kind);
                if (objects->look > 1 && knowledge != objects->knowledge[kind])
                        objects->known_since[kind] = objects->look;
                objects->knowledge[kind] = knowledge;
                for (size_t i = 0; is_remembered(kind) && i < mv_snapshot_count(snapshot, kind); i++)
                        all = see(objects, kind, mv_snapshot_at(snapshot, kind, i), versions) && all;
        }
        if (!all)
                return mv_err_oom(err);
        struct mv_audit_object *object;
        for (size_t at = 0; (object = mv_audit_table_each(&objects->table, &at));)
                if (object->seen != objects->look && (object->how != MV_AUDIT_REMOVED || !object->changed)) {
                        if (mv_audit_objects_may_hide(snapshot, object->key.kind))
                                object->seen = objects->look; /* for all that is known */
                        else
                                note(objects, object, MV_AUDIT_REMOVED);
                }
        return 0;
}

bool mv_audit_objects_differs(const struct mv_audit_objects *objects, enum mv_kind kind,
                              struct mv_str namespace, struct mv_str name, const void *object, uint32_t since,
                              enum mv_audit_how *ret_how) {
        if (!is_remembered(kind) || !name.n)
                return false;
        const struct mv_audit_object *seen = mv_audit_table_find(&objects->table, kind, namespace, name);
        bool there = seen && seen->seen == objects->look;
        /* The snapshot may be newer than the look. */
        if (there != (object != NULL)) {
                *ret_how = object ? MV_AUDIT_ADDED : MV_AUDIT_REMOVED;
                return true;
        }
        if (object && seen->object != object && seen->digest != digest_of(kind, object)) {
                *ret_how = MV_AUDIT_WAS_CHANGED;
                return true;
        }
        if (!seen || seen->changed <= since)
                return false;
        *ret_how = seen->how;
        return true;
}
