/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes quantities ("1.5Gi", "250m", "1e3"): exact values, read and printed as resource.Quantity does.
 *
 * A value is mantissa * 10^exponent. What always holds: the mantissa has at most 36 digits and does not end
 * in a zero (zero is 0 * 10^0), so equal values are equal structs but for their format; nothing is smaller
 * than 1n, since reading rounds up (away from zero) to that. What Kubernetes caps (binary quantities above
 * 2^63-1) is capped.
 *
 * On purpose unlike Kubernetes: conversions to int64 that do not fit saturate (Go wraps, or gives 0);
 * negative values always round away from zero; a decimal quantity above 999E keeps its value when printed.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mv_quantity_format {
        MV_QUANTITY_DECIMAL,  /* 12M */
        MV_QUANTITY_BINARY,   /* 12Mi */
        MV_QUANTITY_EXPONENT, /* 12e6 */
};

struct mv_quantity {
        __int128 mantissa;
        int32_t exponent;
        enum mv_quantity_format format;
        bool verbatim; /* Kubernetes prints it as it was written ("1.100" stays "1.100") */
};

enum { MV_QUANTITY_TEXT = 80 }; /* bytes that a printed quantity and its NUL need at most */

/* What Kubernetes says of a text that has not the form of one. */
extern const char mv_quantity_wrong_format[];

/*
 * Read text, without surrounding space. Returns 0; MV_ETYPE when Kubernetes takes it for no quantity (the
 * message is Kubernetes' own); MV_ELIMIT when the value needs more than 36 digits.
 */
int mv_quantity_parse(struct mv_str text, struct mv_quantity *ret, struct mv_err *err);

/* -1, 0 or 1. */
int mv_quantity_sign(const struct mv_quantity *quantity);
/* By value, whatever the formats: <0, 0 or >0. */
int mv_quantity_compare(const struct mv_quantity *a, const struct mv_quantity *b);

/* The value as an integer, fractions rounded up (away from zero); INT64_MAX or INT64_MIN when it does not
 * fit. */
int64_t mv_quantity_value(const struct mv_quantity *quantity);
/* The same in thousandths. */
int64_t mv_quantity_milli_value(const struct mv_quantity *quantity);

/* Print the canonical form ("5k", "123400u", "1536Mi") into out, of MV_QUANTITY_TEXT bytes,
 * NUL-terminated. Returns it as a slice. */
struct mv_str mv_quantity_print(const struct mv_quantity *quantity, char *out);
/* What Kubernetes' String() gives: text, from which quantity was read, where Kubernetes keeps it, else
 * the canonical form in out. */
struct mv_str mv_quantity_string(const struct mv_quantity *quantity, struct mv_str text, char *out);
