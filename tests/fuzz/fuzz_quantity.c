/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two quantities, a newline between them: the canonical form reads back as the same value;
 * comparing is antisymmetric and agrees with the integers; rounding goes up.
 */
#include "policy/object/quantity.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
        if (!good)
                abort();
}

static bool parse(struct mv_str text, struct mv_quantity *ret) {
        struct mv_err err = { 0 };
        int r = mv_quantity_parse(text, ret, &err);
        if (r) {
                check((r == MV_ETYPE || r == MV_ELIMIT) && err.code == r && err.message[0]);
                return false;
        }
        char out[MV_QUANTITY_TEXT], out_again[MV_QUANTITY_TEXT];
        struct mv_str canonical = mv_quantity_print(ret, out);
        check(canonical.n < sizeof out && out[canonical.n] == '\0');
        struct mv_quantity again;
        check(mv_quantity_parse(canonical, &again, NULL) == 0);
        check(mv_quantity_compare(ret, &again) == 0);
        check(again.mantissa == ret->mantissa && again.exponent == ret->exponent);
        /* Binary without a suffix reads back as decimal. */
        check(again.format != ret->format || mv_str_equal(canonical, mv_quantity_print(&again, out_again)));
        check(ret->mantissa == 0 ? ret->exponent == 0 : ret->mantissa % 10 != 0 && ret->exponent >= -9);

        int sign = mv_quantity_sign(ret);
        int64_t value = mv_quantity_value(ret), milli = mv_quantity_milli_value(ret);
        check((value > 0) - (value < 0) == sign && (milli > 0) - (milli < 0) == sign);
        /* |milli| is between |value| - 1 and |value| thousand. */
        if (value > INT64_MIN / 1000 && value < INT64_MAX / 1000) {
                int64_t most = value * 1000, least = (value - sign) * 1000;
                check(sign >= 0 ? milli >= least && milli <= most : milli <= least && milli >= most);
        }
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_str text = { (const char *)data, size };
        size_t end = mv_str_find_byte(text, '\n');
        struct mv_quantity a, b;
        bool have_a = parse((struct mv_str){ text.p, end }, &a);
        if (end == size || !parse(mv_str_skip(text, end + 1), &b) || !have_a)
                return 0;
        int order = mv_quantity_compare(&a, &b), reverse = mv_quantity_compare(&b, &a);
        check((order > 0) - (order < 0) == (reverse < 0) - (reverse > 0));
        check((order == 0) == (a.mantissa == b.mantissa && a.exponent == b.exponent));
        int64_t x = mv_quantity_milli_value(&a), y = mv_quantity_milli_value(&b);
        check(order <= 0 || x >= y);
        check(order >= 0 || x <= y);
        check(order != 0 || x == y);
        return 0;
}
