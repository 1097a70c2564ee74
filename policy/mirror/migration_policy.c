/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MigrationPolicy, create and update (admitters/migrationpolicy-admitter.go). All causes are reported. There is no
 * check for unknown fields: the API server prunes those.
 */
#include "policy/mirror.h"

#include "policy/object/equal.h"
#include "policy/object/quantity.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#define STALL_DETECTOR "experimental.stallDetector"

struct policy {
        struct policy_spec {
                struct mv_optional_int completion_timeout_per_gib;
                struct mv_str max_downtime_ms, bandwidth_per_migration; /* JSON number; a quantity */
                struct policy_experimental {
                        struct mv_str stall_detector, downtime_tuning; /* JSON text */
                } experimental;
        } spec;
};

static const struct mv_field experimental_fields[] = {
        MV_FIELD(struct policy_experimental, "downtimeTuning", MV_TYPE_RAW, downtime_tuning),
        MV_FIELD(struct policy_experimental, "stallDetector", MV_TYPE_RAW, stall_detector),
};
static const struct mv_table experimental_table = MV_TABLE(experimental_fields, struct policy_experimental);
static const struct mv_field spec_fields[] = {
        MV_FIELD(struct policy_spec, "bandwidthPerMigration", MV_TYPE_TEXT, bandwidth_per_migration),
        MV_FIELD(struct policy_spec, "completionTimeoutPerGiB", MV_TYPE_INT, completion_timeout_per_gib),
        MV_FIELD_TABLE(struct policy_spec, "experimental", MV_TYPE_OBJECT, experimental, &experimental_table),
        MV_FIELD(struct policy_spec, "maxDowntimeMs", MV_TYPE_RAW, max_downtime_ms),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct policy_spec);
static const struct mv_field policy_fields[] = {
        MV_FIELD_TABLE(struct policy, "spec", MV_TYPE_OBJECT, spec, &spec_table),
};
static const struct mv_table policy_table = MV_TABLE(policy_fields, struct policy);

struct stall_detector {
        struct mv_str completion_timeout_factor, ewma_alpha, patience_window_decay_factor,
                precopy_possible_factor;
};
static const struct mv_field stall_detector_fields[] = {
        MV_FIELD(struct stall_detector, "completionTimeoutFactor", MV_TYPE_TEXT, completion_timeout_factor),
        MV_FIELD(struct stall_detector, "ewmaAlpha", MV_TYPE_TEXT, ewma_alpha),
        MV_FIELD(struct stall_detector, "patienceWindowDecayFactor", MV_TYPE_TEXT,
                 patience_window_decay_factor),
        MV_FIELD(struct stall_detector, "precopyPossibleFactor", MV_TYPE_TEXT, precopy_possible_factor),
};
static const struct mv_table stall_detector_table = MV_TABLE(stall_detector_fields, struct stall_detector);

/* A factor of the stall detector and where it must lie. */
struct factor {
        const char *field;
        struct mv_str text; /* p is NULL when absent */
        double least, most;
        bool above; /* least itself is too little */
};

static void invalid(struct mv_mirror_answer *answer, struct mv_str message, const char *field) {
        mv_mirror_cause(answer, "FieldValueInvalid", message, mv_mirror_text(answer, "spec.%s", field));
}

/* A quantity as Kubernetes' AsApproximateFloat64 has it; nothing is finer than 1n. */
static double approximate(const struct mv_quantity *quantity) {
        double power = 1, scale = 1;
        unsigned __int128 mantissa =
                (unsigned __int128)(quantity->mantissa < 0 ? -quantity->mantissa : quantity->mantissa);
        for (; mantissa > INT64_MAX; mantissa >>= 1)
                scale *= 2;
        for (int i = 0; i < abs(quantity->exponent) && power <= DBL_MAX; i++)
                power *= 10;
        double value = (double)(int64_t)mantissa * scale * (quantity->exponent < 0 ? 1 / power : power);
        return quantity->mantissa < 0 ? -value : value;
}

/* validateScalarFloatPrecision: it is what its first three decimals say. */
static bool has_three_decimals(double value) {
        char text[DBL_MAX_10_EXP + 16];
        snprintf(text, sizeof text, "%.3f", value);
        double difference = value - strtod(text, NULL);
        return difference <= 1e-9 && difference >= -1e-9;
}

/* validateStallDetectorFactor, parseScalarFloatFromQuantity */
static void check_factor(struct mv_mirror_answer *answer, const struct factor *factor) {
        struct mv_quantity quantity;
        struct mv_str message;
        char out[MV_QUANTITY_TEXT];
        if (!factor->text.p || mv_quantity_parse(factor->text, &quantity, NULL) < 0)
                return;
        double value = approximate(&quantity);
        const char *problem = mv_quantity_sign(&quantity) < 0 ? "must not be negative"
                              : !has_three_decimals(value)    ? "must have at most 3 decimal places"
                                                              : NULL;
        if (value > DBL_MAX)
                message = mv_mirror_text(answer, "invalid scalar \"%.*s\"",
                                         MV_STR_ARG(mv_quantity_string(&quantity, factor->text, out)));
        else if (problem)
                message =
                        mv_mirror_text(answer, "invalid scalar \"%.*s\": %s",
                                       MV_STR_ARG(mv_quantity_string(&quantity, factor->text, out)), problem);
        else if (factor->above && value <= factor->least)
                message = mv_mirror_text(answer, "must be greater than %g", factor->least);
        else if (value < factor->least)
                message = mv_mirror_text(answer, "must be greater than or equal to %g", factor->least);
        else if (value > factor->most)
                message = mv_mirror_text(answer, "must be less than or equal to %g", factor->most);
        else
                return;
        invalid(answer, message, factor->field);
}

static void check_stall_detector(struct mv_mirror_answer *answer, const struct stall_detector *detector) {
        const struct factor factors[] = {
                { STALL_DETECTOR ".ewmaAlpha", detector->ewma_alpha, 0, 1, true },
                { STALL_DETECTOR ".precopyPossibleFactor", detector->precopy_possible_factor, 1, DBL_MAX,
                  false },
                { STALL_DETECTOR ".patienceWindowDecayFactor", detector->patience_window_decay_factor, 0, 1,
                  false },
                { STALL_DETECTOR ".completionTimeoutFactor", detector->completion_timeout_factor, 1, DBL_MAX,
                  false },
        };
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
                check_factor(answer, &factors[i]);
}

/* Go cannot read it: not a quantity. False when it refused. */
static bool is_quantity(struct mv_mirror_answer *answer, struct mv_str text) {
        struct mv_quantity quantity;
        struct mv_err err = { 0 };
        if (!text.p || mv_quantity_parse(text, &quantity, &err) != MV_ETYPE)
                return true;
        mv_mirror_error(answer, mv_mirror_text(answer, "%s", err.message));
        return false;
}

/* The policy can be read as its types have it; otherwise it was refused. */
static bool read_policy(struct mv_mirror_answer *answer, struct policy *policy,
                        struct stall_detector *detector) {
        struct mv_err err = { 0 };
        if (!mv_mirror_decode(answer, answer->in->request->object, &policy_table, policy, &err) ||
            !mv_mirror_decode(answer, policy->spec.experimental.stall_detector, &stall_detector_table,
                              detector, &err)) {
                mv_mirror_error(answer, mv_mirror_text(answer, "%s: %s", err.path, err.message));
                return false;
        }
        struct mv_str downtime = policy->spec.max_downtime_ms;
        unsigned long long milliseconds;
        if (downtime.n && !mv_str_to_unsigned(downtime, UINT64_MAX, &milliseconds)) {
                const char *type = downtime.p[0] == '"'                           ? "string"
                                   : downtime.p[0] == '{'                         ? "object"
                                   : downtime.p[0] == '['                         ? "array"
                                   : downtime.p[0] == 't' || downtime.p[0] == 'f' ? "bool"
                                                                                  : "number ";
                mv_mirror_error(answer,
                                mv_mirror_text(answer,
                                               "json: cannot unmarshal %s%.*s into Go struct field "
                                               "MigrationPolicySpec.spec.maxDowntimeMs of type uint64",
                                               type, type[0] == 'n' ? (int)downtime.n : 0, downtime.p));
                return false;
        }
        return is_quantity(answer, policy->spec.bandwidth_per_migration) &&
               is_quantity(answer, detector->ewma_alpha) &&
               is_quantity(answer, detector->precopy_possible_factor) &&
               is_quantity(answer, detector->patience_window_decay_factor) &&
               is_quantity(answer, detector->completion_timeout_factor);
}

/* What needs a feature gate may stay as it is without it. */
static void check_gates(struct mv_mirror_answer *answer, const struct policy_spec *now,
                        const struct policy_spec *before) {
        bool stall = mv_kubevirt_gate(answer->config, "MigrationStallDetection");
        bool tuning = mv_kubevirt_gate(answer->config, "MigrationDowntimeTuning");
        const struct policy_experimental *is = &now->experimental, *was = &before->experimental;
        if (now->max_downtime_ms.n && !stall && !tuning &&
            !mv_str_equal(now->max_downtime_ms, before->max_downtime_ms))
                invalid(answer,
                        MV_STR("maxDowntimeMs cannot be modified without enabling the MigrationStallDetection or "
                               "MigrationDowntimeTuning feature gate"),
                        "maxDowntimeMs");
        if (is->downtime_tuning.n && !tuning &&
            (!was->downtime_tuning.n || !mv_json_equal(answer->in->arena, is->downtime_tuning,
                                                       was->downtime_tuning, &mv_shape_downtime_tuning)))
                invalid(answer,
                        MV_STR("experimental.downtimeTuning cannot be modified without enabling the "
                               "MigrationDowntimeTuning feature gate"),
                        "experimental.downtimeTuning");
        if (is->stall_detector.n && is->downtime_tuning.n)
                invalid(answer,
                        MV_STR("experimental.stallDetector and experimental.downtimeTuning are mutually exclusive; "
                               "the stall detection path manages its own downtime schedule"),
                        "experimental");
        if (is->stall_detector.n && !stall &&
            (!was->stall_detector.n || !mv_json_equal(answer->in->arena, is->stall_detector,
                                                      was->stall_detector, &mv_shape_stall_detector)))
                invalid(answer,
                        MV_STR("experimental.stallDetector cannot be modified without enabling the "
                               "MigrationStallDetection feature gate"),
                        "experimental.stallDetector");
}

void mv_mirror_policy(struct mv_mirror_answer *answer) {
        const struct mv_group_version_kind *resource = &answer->in->request->resource;
        struct policy now, before;
        struct stall_detector detector;
        struct mv_quantity bandwidth;
        if (!mv_str_is(resource->group, "migrations.kubevirt.io") ||
            !mv_str_is(resource->resource, "migrationpolicies")) {
                mv_mirror_error(answer,
                                mv_mirror_text(answer,
                                               "unexpected resource {Group:%.*s Version:%.*s Resource:%.*s}",
                                               MV_STR_ARG(resource->group), MV_STR_ARG(resource->version),
                                               MV_STR_ARG(resource->resource)));
                return;
        }
        if (!read_policy(answer, &now, &detector))
                return;
        /* An old object that cannot be read is as none. */
        if (!mv_mirror_decode(answer, answer->in->request->old_object, &policy_table, &before, NULL))
                before = (struct policy){ 0 };
        if (now.spec.completion_timeout_per_gib.value < 0)
                invalid(answer, MV_STR("must not be negative"), "completionTimeoutPerGiB");
        check_gates(answer, &now.spec, &before.spec);
        check_stall_detector(answer, &detector);
        if (now.spec.bandwidth_per_migration.p &&
            mv_quantity_parse(now.spec.bandwidth_per_migration, &bandwidth, NULL) == 0 &&
            mv_quantity_sign(&bandwidth) < 0)
                invalid(answer, MV_STR("must not be negative"), "bandwidthPerMigration");
}
