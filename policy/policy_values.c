/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_values.h"

#include "policy/object/equal.h"
#include "policy/object/quantity.h"
#include "policy/resolve.h"

#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define STALL_DETECTOR "experimental.stallDetector"

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

/* What needs a feature gate, as JSON texts; "" when absent, or no field of that version. */
struct gated {
        struct mv_str max_downtime_ms, stall_detector, downtime_tuning;
};
static const struct mv_field experimental_fields[] = {
        MV_FIELD(struct gated, "downtimeTuning", MV_TYPE_RAW, downtime_tuning),
        MV_FIELD(struct gated, "stallDetector", MV_TYPE_RAW, stall_detector),
};
static const struct mv_table experimental_table = MV_TABLE(experimental_fields, struct gated);

/* A factor of the stall detector and where it must lie. */
struct factor {
        const char *field;
        struct mv_str text; /* p is NULL when absent */
        double least, most;
        bool above; /* least itself is too little */
};

static void invalid(const struct mv_policy_check *check, struct mv_str message, const char *field) {
        check->invalid(check->context, message, field);
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
static void check_factor(const struct mv_policy_check *check, const struct factor *factor) {
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
                message = mv_arena_format(check->arena, "invalid scalar \"%.*s\"",
                                          MV_STR_ARG(mv_quantity_string(&quantity, factor->text, out)));
        else if (problem)
                message = mv_arena_format(check->arena, "invalid scalar \"%.*s\": %s",
                                          MV_STR_ARG(mv_quantity_string(&quantity, factor->text, out)),
                                          problem);
        else if (factor->above && value <= factor->least)
                message = mv_arena_format(check->arena, "must be greater than %g", factor->least);
        else if (value < factor->least)
                message = mv_arena_format(check->arena, "must be greater than or equal to %g", factor->least);
        else if (value > factor->most)
                message = mv_arena_format(check->arena, "must be less than or equal to %g", factor->most);
        else
                return;
        invalid(check, message, factor->field);
}

enum { FACTORS = 4 };

static void factors_of(const struct stall_detector *detector, struct factor *ret) {
        const struct factor factors[FACTORS] = {
                { STALL_DETECTOR ".ewmaAlpha", detector->ewma_alpha, 0, 1, true },
                { STALL_DETECTOR ".precopyPossibleFactor", detector->precopy_possible_factor, 1, DBL_MAX,
                  false },
                { STALL_DETECTOR ".patienceWindowDecayFactor", detector->patience_window_decay_factor, 0, 1,
                  false },
                { STALL_DETECTOR ".completionTimeoutFactor", detector->completion_timeout_factor, 1, DBL_MAX,
                  false },
        };
        memcpy(ret, factors, sizeof factors);
}

/* Go cannot read it: not a quantity. False when it refused. */
static bool is_quantity(const struct mv_policy_check *check, struct mv_str text, const char *field) {
        struct mv_quantity quantity;
        struct mv_err err = { 0 };
        if (!text.p || mv_quantity_parse(text, &quantity, &err) != MV_ETYPE)
                return true;
        check->unreadable(check->context, mv_arena_format(check->arena, "%s", err.message), field);
        return false;
}

/* It is what Go reads as uint64; otherwise it was refused. */
static bool is_unsigned(const struct mv_policy_check *check, struct mv_str text) {
        unsigned long long number;
        if (!text.n || mv_str_to_unsigned(text, UINT64_MAX, &number))
                return true;
        const char *type = text.p[0] == '"'                       ? "string"
                           : text.p[0] == '{'                     ? "object"
                           : text.p[0] == '['                     ? "array"
                           : text.p[0] == 't' || text.p[0] == 'f' ? "bool"
                                                                  : "number ";
        check->unreadable(check->context,
                          mv_arena_format(check->arena,
                                          "json: cannot unmarshal %s%.*s into Go struct field "
                                          "MigrationPolicySpec.spec.maxDowntimeMs of type uint64",
                                          type, type[0] == 'n' ? (int)text.n : 0, text.p),
                          "");
        return false;
}

/* The text of spec.FIELD, or {} when it is absent, into *ret. False when its types are wrong, and err says where. */
static bool read_object(const struct mv_policy_check *check, struct mv_str text, const char *field,
                        const struct mv_table *table, void *ret, struct mv_err *err) {
        const struct mv_decode decode = { .arena = check->arena };
        char *copy = mv_arena_allocate(check->arena, text.n + 2 + MV_SCAN_PADDING, 1);
        if (!copy)
                return false;
        memcpy(copy, text.n ? text.p : "{}", text.n ? text.n : 2);
        if (mv_decode(&decode, (struct mv_str){ copy, text.n ? text.n : 2 }, table, ret, err) == 0)
                return true;
        char inner[sizeof err->path];
        memcpy(inner, err->path, sizeof inner);
        const struct mv_path whole = { .key = mv_str_from(field) };
        const struct mv_path part = { .parent = &whole, .key = mv_str_from(inner) };
        mv_path_format(inner[0] ? &part : &whole, err->path, sizeof err->path);
        return false;
}

static bool exists(const struct mv_policy_check *check, const char *path) {
        return mv_setting_exists(path,
                                 check->config->version_number ? check->config->version_number : UINT_MAX);
}

/* Take apart what needs gates, as far as the version has it. */
static bool take_apart(const struct mv_policy_check *check, const struct mv_policy_values *values,
                       struct gated *ret, struct mv_err *err) {
        *ret = (struct gated){ 0 };
        if (exists(check, "experimental") &&
            !read_object(check, values->experimental, "spec.experimental", &experimental_table, ret, err))
                return false;
        if (exists(check, "maxDowntimeMs"))
                ret->max_downtime_ms = values->max_downtime_ms;
        if (!exists(check, "experimental.stallDetector"))
                ret->stall_detector = (struct mv_str){ 0 };
        if (!exists(check, "experimental.downtimeTuning"))
                ret->downtime_tuning = (struct mv_str){ 0 };
        return true;
}

/* The values can be read as their types have it; otherwise it was refused. */
static bool is_readable(const struct mv_policy_check *check, const struct mv_policy_values *values,
                        struct gated *ret, struct factor *factors) {
        struct stall_detector detector;
        struct mv_err err = { 0 };
        if (!take_apart(check, values, ret, &err) ||
            !read_object(check, ret->stall_detector, "spec." STALL_DETECTOR, &stall_detector_table, &detector,
                         &err)) {
                check->unreadable(check->context,
                                  mv_arena_format(check->arena, "%s: %s", err.path, err.message), "");
                return false;
        }
        factors_of(&detector, factors);
        bool readable = is_unsigned(check, ret->max_downtime_ms) &&
                        is_quantity(check, values->bandwidth_per_migration, "bandwidthPerMigration");
        for (size_t i = 0; i < FACTORS && readable; i++)
                readable = is_quantity(check, factors[i].text, factors[i].field);
        return readable;
}

/* What needs a feature gate may stay as it is without it. */
static void check_gates(const struct mv_policy_check *check, const struct gated *now,
                        const struct gated *before) {
        bool stall = mv_kubevirt_gate(check->config, "MigrationStallDetection");
        bool tuning = mv_kubevirt_gate(check->config, "MigrationDowntimeTuning");
        if (now->max_downtime_ms.n && !stall && !tuning &&
            !mv_str_equal(now->max_downtime_ms, before->max_downtime_ms))
                invalid(check,
                        MV_STR("maxDowntimeMs cannot be modified without enabling the MigrationStallDetection or "
                               "MigrationDowntimeTuning feature gate"),
                        "maxDowntimeMs");
        if (now->downtime_tuning.n && !tuning &&
            (!before->downtime_tuning.n ||
             !mv_json_equal(check->arena, now->downtime_tuning, before->downtime_tuning,
                            &mv_shape_downtime_tuning)))
                invalid(check,
                        MV_STR("experimental.downtimeTuning cannot be modified without enabling the "
                               "MigrationDowntimeTuning feature gate"),
                        "experimental.downtimeTuning");
        if (now->stall_detector.n && now->downtime_tuning.n)
                invalid(check,
                        MV_STR("experimental.stallDetector and experimental.downtimeTuning are mutually exclusive; "
                               "the stall detection path manages its own downtime schedule"),
                        "experimental");
        if (now->stall_detector.n && !stall &&
            (!before->stall_detector.n || !mv_json_equal(check->arena, now->stall_detector,
                                                         before->stall_detector, &mv_shape_stall_detector)))
                invalid(check,
                        MV_STR("experimental.stallDetector cannot be modified without enabling the "
                               "MigrationStallDetection feature gate"),
                        STALL_DETECTOR);
}

void mv_policy_values_check(const struct mv_policy_check *check, const struct mv_policy_values *now,
                            const struct mv_policy_values *before) {
        struct factor factors[FACTORS];
        struct mv_quantity bandwidth;
        struct gated gated, gated_before;
        if (!is_readable(check, now, &gated, factors))
                return;
        /* An old value that cannot be read is as none. */
        if (!take_apart(check, before, &gated_before, &(struct mv_err){ 0 }))
                gated_before = (struct gated){ 0 };
        if (now->completion_timeout_per_gib.value < 0)
                invalid(check, MV_STR("must not be negative"), "completionTimeoutPerGiB");
        check_gates(check, &gated, &gated_before);
        for (size_t i = 0; i < FACTORS; i++)
                check_factor(check, &factors[i]);
        if (now->bandwidth_per_migration.p &&
            mv_quantity_parse(now->bandwidth_per_migration, &bandwidth, NULL) == 0 &&
            mv_quantity_sign(&bandwidth) < 0)
                invalid(check, MV_STR("must not be negative"), "bandwidthPerMigration");
}
