/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-name: a migration of that name exists already.
 *
 * Reads metadata.name of the migration, and the migrations of the namespace.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_migration *asked = ctx->migration;
        if (!asked->meta.name.n)
                return;
        const struct mv_migration *other =
                mv_snapshot_find(ctx->snapshot, MV_KIND_MIGRATION, asked->meta.namespace, asked->meta.name);
        if (!other || other == asked ||
            (asked->meta.uid.n && mv_str_equal(asked->meta.uid, other->meta.uid))) {
                mv_report(ctx, MV_OUTCOME_PASS, "no other migration has this name");
                return;
        }
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "a migration named %.*s exists already: applying the same manifest "
                          "again changes nothing",
                          MV_STR_ARG(asked->meta.name));
        finding->field = MV_STR("metadata.name");
}

const struct mv_rule mv_rule_request_name = {
        .id = "request-name",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_NOTE,
        .needs = MV_NEED(MIGRATION),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "every migration needs a name of its own",
        .documentation =
                "A migration is a request that is used up. Applying a manifest with the name of an earlier one "
                "is answered with `unchanged`, and nothing moves.",
        .source = "Kubernetes API conventions",
        .fix = "use metadata.generateName with kubectl create, or another name",
        .revisions = { { 0, check, 0, 0, NULL } },
};
