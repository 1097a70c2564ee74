/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MigrationPolicy, create and update (admitters/migrationpolicy-admitter.go). All causes are reported. There is no
 * check for unknown fields: the API server prunes those.
 */
#include "policy/mirror.h"

#include "policy/policy_values.h"

struct policy {
        struct policy_spec {
                struct mv_optional_int completion_timeout_per_gib;
                struct mv_str max_downtime_ms, bandwidth_per_migration; /* JSON number; a quantity */
                struct mv_str experimental;                             /* JSON text */
        } spec;
};

static const struct mv_field spec_fields[] = {
        MV_FIELD(struct policy_spec, "bandwidthPerMigration", MV_TYPE_TEXT, bandwidth_per_migration),
        MV_FIELD(struct policy_spec, "completionTimeoutPerGiB", MV_TYPE_INT, completion_timeout_per_gib),
        MV_FIELD(struct policy_spec, "experimental", MV_TYPE_RAW, experimental),
        MV_FIELD(struct policy_spec, "maxDowntimeMs", MV_TYPE_RAW, max_downtime_ms),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct policy_spec);
static const struct mv_field policy_fields[] = {
        MV_FIELD_TABLE(struct policy, "spec", MV_TYPE_OBJECT, spec, &spec_table),
};
static const struct mv_table policy_table = MV_TABLE(policy_fields, struct policy);

static bool read_values(const struct mv_mirror_answer *answer, struct mv_str object,
                        struct mv_policy_values *ret, struct mv_err *err) {
        struct policy policy;
        if (!mv_mirror_decode(answer, object, &policy_table, &policy, err))
                return false;
        *ret = (struct mv_policy_values){
                .completion_timeout_per_gib = policy.spec.completion_timeout_per_gib,
                .max_downtime_ms = policy.spec.max_downtime_ms,
                .bandwidth_per_migration = policy.spec.bandwidth_per_migration,
                .experimental = policy.spec.experimental,
        };
        return true;
}

static void invalid(void *context, struct mv_str message, const char *field) {
        struct mv_mirror_answer *answer = context;
        mv_mirror_cause(answer, "FieldValueInvalid", message, mv_mirror_text(answer, "spec.%s", field));
}

static void unreadable(void *context, struct mv_str message, const char *field) {
        (void)field;
        mv_mirror_unfamiliar(context);
        mv_mirror_error(context, message);
}

void mv_mirror_policy(struct mv_mirror_answer *answer) {
        const struct mv_group_version_kind *resource = &answer->in->request->resource;
        struct mv_policy_values now, before;
        struct mv_err err = { 0 };
        if (!mv_str_is(resource->group, "migrations.kubevirt.io") ||
            !mv_str_is(resource->resource, "migrationpolicies")) {
                mv_mirror_unfamiliar(answer);
                mv_mirror_error(answer,
                                mv_mirror_text(answer,
                                               "unexpected resource {Group:%.*s Version:%.*s Resource:%.*s}",
                                               MV_STR_ARG(resource->group), MV_STR_ARG(resource->version),
                                               MV_STR_ARG(resource->resource)));
                return;
        }
        if (!read_values(answer, answer->in->request->object, &now, &err)) {
                mv_mirror_unfamiliar(answer);
                mv_mirror_error(answer, mv_mirror_text(answer, "%s: %s", err.path, err.message));
                return;
        }
        /* An old object that cannot be read is as none. */
        if (!read_values(answer, answer->in->request->old_object, &before, NULL))
                before = (struct mv_policy_values){ 0 };
        const struct mv_policy_check check = {
                .arena = answer->in->arena,
                .config = answer->config,
                .invalid = invalid,
                .unreadable = unreadable,
                .context = answer,
        };
        mv_policy_values_check(&check, &now, &before);
}
