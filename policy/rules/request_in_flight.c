/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-in-flight: one migration of an instance at a time.
 *
 * Reads the migrations of the namespace: label kubevirt.io/vmi-name and status.phase.
 */
#include "policy/rule.h"

enum { LONGEST_LABEL = 63 };

/* The first, by name as the API server lists them, that has not ended. */
static const struct mv_migration *in_flight(const struct mv_context *ctx) {
        const struct mv_migration *asked = ctx->migration, *first = NULL;
        size_t n;
        const void *const *others = mv_snapshot_unfinished(ctx->snapshot, MV_KIND_MIGRATION, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_migration *other = others[i];
                bool same = other == asked ||
                            (asked->meta.uid.n && mv_str_equal(other->meta.uid, asked->meta.uid));
                if (!same && mv_str_equal(other->meta.namespace, asked->meta.namespace) &&
                    mv_map_has(&other->meta.labels, MV_STR("kubevirt.io/vmi-name"), asked->spec.vmi_name) &&
                    (!first || mv_str_compare(other->meta.name, first->meta.name) < 0))
                        first = other;
        }
        return first;
}

/* other is "" when it is not because of another migration. */
static void refuse(struct mv_finding *finding, struct mv_str message, struct mv_str other) {
        finding->field = MV_STR("spec.vmiName");
        finding->refusal =
                (struct mv_refusal){ .step = 8, .code = 400, .message = message, .migration = other };
}

static void check(struct mv_context *ctx) {
        struct mv_str name = ctx->migration->spec.vmi_name;
        const struct mv_migration *other = name.n ? in_flight(ctx) : NULL;
        if (name.n > LONGEST_LABEL) {
                /* KubeVirt looks for others by a label, whose value can be no longer. */
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the name of the instance has %zu characters, more than the %d of a label's value, so KubeVirt "
                        "cannot look for other migrations of it",
                        name.n, LONGEST_LABEL);
                finding->fix = MV_STR("give the VM a name of at most 63 characters");
                refuse(finding,
                       mv_text(ctx,
                               "values[0][kubevirt.io/vmi-name]: Invalid value: \"%.*s\": must be no more than "
                               "%d characters",
                               MV_STR_ARG(name), LONGEST_LABEL),
                       (struct mv_str){ 0 });
        } else if (other)
                refuse(mv_report(ctx, MV_OUTCOME_FAIL,
                                 "migration %.*s of this instance has not ended (phase %.*s)",
                                 MV_STR_ARG(other->meta.name),
                                 MV_STR_ARG(other->status.phase.n ? other->status.phase : MV_STR("not set"))),
                       mv_text(ctx,
                               "in-flight migration detected. Active migration job (%.*s) is currently already in "
                               "progress for VMI %.*s.",
                               MV_STR_ARG(other->meta.uid), MV_STR_ARG(other->spec.vmi_name)),
                       other->meta.name);
        else if (name.n)
                mv_report(ctx, MV_OUTCOME_PASS, "no other migration of this instance is under way");
}

const struct mv_rule mv_rule_request_in_flight = {
        .id = "request-in-flight",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(MIGRATION),
        .reason = "",
        .subject = MV_SUBJECT_REQUEST,
        .summary = "an instance has one migration at a time",
        .documentation =
                "Another migration with the label kubevirt.io/vmi-name of the instance, in the same namespace, "
                "that has neither Succeeded nor Failed makes KubeVirt's webhook refuse a new one. The label "
                "decides, and a migration that has no phase yet counts. An instance whose name is longer than a "
                "label's value may be (63 characters) can therefore not be migrated at all.",
        .source =
                "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migration-create-admitter.go: Admit",
        .fix = "wait for the other migration, or delete it to cancel it",
        .revisions = { { 0, check, 0, 0, NULL } },
};
