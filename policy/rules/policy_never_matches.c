/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-never-matches: a MigrationPolicy that applies to nothing.
 *
 * Reads spec.selectors, the labels of instances and of the templates of VMs, pools and replica sets, and those of their
 * namespaces.
 */
#include "policy/object/node.h"
#include "policy/nodes/population.h"
#include "policy/resolve.h"
#include "policy/rule.h"

#include <ctype.h>

enum { LABEL_VALUE_BYTES = 63 };

/* The API server stores no object with another value. */
static bool is_label_value(struct mv_str value) {
        for (size_t i = 0; i < value.n; i++) {
                bool alphanumeric = isalnum((unsigned char)value.p[i]) && (unsigned char)value.p[i] < 128;
                bool inside = i > 0 && i + 1 < value.n && strchr("-_.", value.p[i]) && value.p[i];
                if (!alphanumeric && !inside)
                        return false;
        }
        return value.n <= LABEL_VALUE_BYTES;
}

static struct mv_str label_field(struct mv_context *ctx, const char *selector, const struct mv_pair *label) {
        return mv_text(ctx, "spec.selectors.%s[%.*s]", selector, MV_STR_ARG(label->key));
}

/* A label that no object can have, whatever the cluster holds. True when there is one. */
static bool reports_impossible(struct mv_context *ctx, const char *selector, const struct mv_map *labels) {
        for (size_t i = 0; i < labels->n; i++) {
                const struct mv_pair *label = &labels->items[i];
                if (is_label_value(label->value))
                        continue;
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL, "it never matches: \"%.*s\" is no value that a label can have",
                        MV_STR_ARG(label->value));
                finding->field = label_field(ctx, selector, label);
                return true;
        }
        return false;
}

/* What was seen of the cluster. */
struct seen {
        size_t all, matching;
        struct mv_str unknown[4]; /* namespaces that decide and are not in the input */
        size_t n_unknown;
};

static void remember_unknown(struct seen *seen, struct mv_str namespace) {
        for (size_t i = 0; i < seen->n_unknown; i++)
                if (mv_str_equal(seen->unknown[i], namespace))
                        return;
        if (seen->n_unknown < sizeof seen->unknown / sizeof *seen->unknown)
                seen->unknown[seen->n_unknown++] = namespace;
}

static void look_around(const struct mv_context *ctx, struct seen *ret) {
        struct mv_inhabitant inhabitant = { 0 };
        struct mv_policy_place place;
        struct mv_policy_score score;
        for (; mv_population_next(ctx->snapshot, &inhabitant); ret->all++) {
                mv_policy_place_of(ctx->snapshot, inhabitant.namespace, &place);
                mv_policy_score_of(ctx->policy, inhabitant.labels, &place, &score);
                if (score.miss == MV_POLICY_MATCHES)
                        ret->matching++;
                else if (score.miss == MV_POLICY_NAMESPACE_UNKNOWN)
                        remember_unknown(ret, inhabitant.namespace);
        }
}

static bool instance_has(const struct mv_context *ctx, const struct mv_pair *label) {
        struct mv_inhabitant inhabitant = { 0 };
        while (mv_population_next(ctx->snapshot, &inhabitant))
                if (mv_map_has(inhabitant.labels, label->key, label->value))
                        return true;
        return false;
}

static bool namespace_has(const struct mv_context *ctx, const struct mv_pair *label) {
        for (size_t i = 0; i < mv_snapshot_count(ctx->snapshot, MV_KIND_NAMESPACE); i++) {
                const struct mv_namespace *namespace = mv_snapshot_at(ctx->snapshot, MV_KIND_NAMESPACE, i);
                if (mv_map_has(&namespace->meta.labels, label->key, label->value))
                        return true;
        }
        return false;
}

/* The first label of the selector that nothing has; NULL when each is somewhere. */
static const struct mv_pair *first_lost(const struct mv_context *ctx, const struct mv_map *selector,
                                        bool (*has)(const struct mv_context *, const struct mv_pair *)) {
        for (size_t i = 0; i < selector->n; i++)
                if (!has(ctx, &selector->items[i]))
                        return &selector->items[i];
        return NULL;
}

static void report_why(struct mv_context *ctx, size_t all) {
        const struct mv_policy_selectors *selectors = ctx->policy->spec.selectors;
        const struct mv_pair *label = first_lost(ctx, &selectors->vmi_labels, instance_has);
        const char *selector = "virtualMachineInstanceSelector", *who = "instance or template";
        if (!label) {
                label = first_lost(ctx, &selectors->namespace_labels, namespace_has);
                selector = "namespaceSelector";
                who = "namespace";
        }
        struct mv_finding *finding =
                label ? mv_report(
                                ctx, MV_OUTCOME_FAIL,
                                "it matches no instance and no template (of %zu): no %s has the label %.*s=%.*s",
                                all, who, MV_STR_ARG(label->key), MV_STR_ARG(label->value))
                      : mv_report(
                                ctx, MV_OUTCOME_FAIL,
                                "it matches no instance and no template (of %zu): each of its labels is somewhere, "
                                "but no instance and its namespace have all of them",
                                all);
        finding->field = label ? label_field(ctx, selector, label) : MV_STR("spec.selectors");
}

static void check(struct mv_context *ctx) {
        const struct mv_policy_selectors *selectors = ctx->policy->spec.selectors;
        struct seen seen = { 0 };
        if (!selectors) {
                mv_report(ctx, MV_OUTCOME_FAIL, "it never matches: it has no spec.selectors")->field =
                        MV_STR("spec.selectors");
                return;
        }
        if (reports_impossible(ctx, "virtualMachineInstanceSelector", &selectors->vmi_labels) ||
            reports_impossible(ctx, "namespaceSelector", &selectors->namespace_labels))
                return;
        look_around(ctx, &seen);
        if (!seen.all)
                return; /* there is nothing that it could match */
        if (seen.matching) {
                mv_report(ctx, MV_OUTCOME_PASS, "it matches %zu of %zu instances and templates",
                          seen.matching, seen.all);
                return;
        }
        if (!seen.n_unknown) {
                report_why(ctx, seen.all);
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_UNKNOWN, "whether it matches anything is not known: Namespace %.*s %s",
                MV_STR_ARG(seen.unknown[0]), mv_snapshot_absent(ctx->snapshot, MV_KIND_NAMESPACE));
        finding->field = MV_STR("spec.selectors.namespaceSelector");
        finding->fix = MV_STR("give migvet too: Namespace ");
        for (size_t i = 0; i < seen.n_unknown; i++) {
                finding->fix = mv_text(ctx, "%.*s%s%.*s", MV_STR_ARG(finding->fix), i ? ", " : "",
                                       MV_STR_ARG(seen.unknown[i]));
                mv_report_missing(finding, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, seen.unknown[i]);
        }
}

const struct mv_rule mv_rule_policy_never_matches = {
        .id = "policy-never-matches",
        .area = MV_AREA_POLICY,
        .severity = MV_SEVERITY_NOTE,
        .needs = MV_NEED(VM) | MV_NEED(VMI) | MV_NEED(POOL) | MV_NEED(REPLICA_SET) | MV_NEED(NAMESPACE),
        .reason = "",
        .subject = MV_SUBJECT_POLICY,
        .summary = "a MigrationPolicy that matches no VM of the cluster",
        .documentation =
                "A policy matches when every label it selects by is on the instance, or on its namespace. The labels of "
                "the instance count, which are those of the VM's template, not those of the VM itself. A policy without "
                "spec.selectors matches nothing, whatever there is. VMs that do not run count by their template.",
        .source = "KubeVirt pkg/virt-controller/watch/migration/migrationpolicy.go: countMatchingLabels",
        .fix = "put the labels on the namespace, or into spec.template.metadata.labels of the VMs; or correct the "
               "selectors",
        .revisions = { { 0, check, 0, 0, NULL } },
};
