/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VirtualMachineInstanceMigration, create and update
 * (admitters/migration-create-admitter.go, admitters/migration-update-admitter.go).
 */
#include "policy/mirror.h"

#include "policy/object/equal.h"

#define RESOURCE "virtualmachineinstancemigrations"

struct migration {
        struct mv_meta meta;
        struct mv_str spec; /* JSON text */
        struct migration_status {
                struct mv_str phase;
        } status;
};

static const struct mv_field status_fields[] = {
        MV_FIELD(struct migration_status, "phase", MV_TYPE_STRING, phase),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct migration_status);
static const struct mv_field migration_fields[] = {
        MV_FIELD_TABLE(struct migration, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD(struct migration, "spec", MV_TYPE_RAW, spec),
        MV_FIELD_TABLE(struct migration, "status", MV_TYPE_OBJECT, status, &status_table),
};
static const struct mv_table migration_table = MV_TABLE(migration_fields, struct migration);

static bool is_expected(struct mv_mirror_answer *answer) {
        if (mv_mirror_has_resource(answer, RESOURCE))
                return mv_mirror_schema(answer, &mv_shape_migration_spec);
        mv_mirror_unfamiliar(answer);
        mv_mirror_error(answer, MV_STR("expect resource to be '{kubevirt.io v1 " RESOURCE "}'"));
        return false;
}

/* KubeVirt would find what we do not know: an instance that is not there refuses only where all of them are known, or where the
 * files are the cluster. */
static bool is_certain(const struct mv_snapshot *snapshot, const struct mv_finding *finding) {
        return finding->outcome != MV_OUTCOME_UNKNOWN ||
               mv_snapshot_known(snapshot, MV_KIND_VMI)->knowledge == MV_KNOWLEDGE_SOME ||
               mv_snapshot_has_all(snapshot, MV_KIND_VMI);
}

static const struct mv_finding *first_refusal(const struct mv_snapshot *snapshot,
                                              const struct mv_finding *findings,
                                              const struct mv_finding *first) {
        for (const struct mv_finding *f = findings; f; f = f->next)
                if (f->refusal.step && (!first || f->refusal.step < first->refusal.step) &&
                    is_certain(snapshot, f))
                        first = f;
        return first;
}

/* The instance that is to move, and the migration that is in the way. */
static void note_lookups(const struct mv_mirror_answer *answer, const struct mv_finding *refusal) {
        struct mv_migration migration;
        struct mv_str namespace = answer->in->request->namespace;
        if (!mv_mirror_decode(answer, answer->in->request->object, &mv_table_migration, &migration, NULL))
                return;
        if (migration.spec.vmi_name.n)
                mv_lookups_add(answer->in->lookups, MV_KIND_VMI, namespace, migration.spec.vmi_name);
        if (refusal->refusal.migration.n)
                mv_lookups_add(answer->in->lookups, MV_KIND_MIGRATION, namespace, refusal->refusal.migration);
}

/* The request-* rules say what is wrong, also where they are turned off; the webhook stops at the first. */
void mv_mirror_migration_create(struct mv_mirror_answer *answer) {
        const struct mv_verdict *verdict = answer->in->verdict;
        if (!is_expected(answer) || !verdict)
                return;
        const struct mv_snapshot *snapshot = answer->in->snapshot;
        const struct mv_finding *first =
                first_refusal(snapshot, verdict->off, first_refusal(snapshot, verdict->findings, NULL));
        if (!first)
                return;
        if (answer->in->lookups)
                note_lookups(answer, first);
        if (first->refusal.code == 422)
                mv_mirror_cause(answer, first->refusal.cause_reason, first->refusal.message,
                                mv_str_from(first->refusal.cause_field));
        else
                mv_mirror_error(answer, first->refusal.message);
}

/* What is wrong with the label that conflicts are found by, or NULL (ensureSelectorLabelSafe). */
static const char *label_problem(const struct migration *now, const struct migration *before) {
        const struct mv_str label = MV_STR("kubevirt.io/vmi-name");
        const struct mv_str *had = mv_map_get(&before->meta.labels, label);
        if (!had || mv_str_is(now->status.phase, "Succeeded") || mv_str_is(now->status.phase, "Failed"))
                return NULL;
        if (!now->meta.labels.present)
                return "selector label can't be removed from an in-flight migration";
        return mv_map_has(&now->meta.labels, label, *had)
                       ? NULL
                       : "selector label can't be modified on an in-flight migration";
}

void mv_mirror_migration_update(struct mv_mirror_answer *answer) {
        const struct mv_review_request *request = answer->in->request;
        struct migration now, before;
        struct mv_err err = { 0 };
        if (!mv_mirror_has_resource(answer, RESOURCE)) {
                is_expected(answer);
                return;
        }
        if (!mv_mirror_decode(answer, request->object, &migration_table, &now, &err) ||
            !mv_mirror_decode(answer, request->old_object, &migration_table, &before, &err)) {
                mv_mirror_unfamiliar(answer);
                mv_mirror_error(answer, mv_mirror_text(answer, "%s: %s", err.path, err.message));
                return;
        }
        if (!is_expected(answer))
                return;
        const char *problem =
                mv_json_equal(answer->in->arena, now.spec, before.spec, &mv_shape_migration_spec)
                        ? label_problem(&now, &before)
                        : "update of Migration object's spec is restricted";
        if (problem)
                mv_mirror_cause(answer, "FieldValueNotSupported", mv_str_from(problem), (struct mv_str){ 0 });
}
