/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct mv_quantity parse(const char *text) {
        struct mv_quantity q = { 0 };
        struct mv_err err = { 0 };
        if (mv_quantity_parse(mv_str_from(text), &q, &err))
                fail_msg("`%s`: %s", text, err.message);
        return q;
}

/* Made with k8s.io/apimachinery 0.34: String(), the canonical form, Value(), MilliValue(). */
static void test_values(void **state) {
        (void)state;
        static const struct {
                const char *text, *string, *canonical;
                int64_t value, milli;
        } rows[] = {
                { "0", "0", "0", 0, 0 },
                { "5", "5", "5", 5, 5000 },
                { "+5", "+5", "5", 5, 5000 },
                { "-5", "-5", "-5", -5, -5000 },
                { "5000", "5k", "5k", 5000, 5000000 },
                { "0.1234", "123400u", "123400u", 1, 124 },
                { "1.100", "1.100", "1100m", 2, 1100 },
                { "1.5", "1500m", "1500m", 2, 1500 },
                { "250m", "250m", "250m", 1, 250 },
                { "1500m", "1500m", "1500m", 2, 1500 },
                { "1000m", "1", "1", 1, 1000 },
                { "100u", "100u", "100u", 1, 1 },
                { "1n", "1n", "1n", 1, 1 },
                { "0.1n", "1n", "1n", 1, 1 },
                { "1.0000000001", "1000000001n", "1000000001n", 2, 1001 },
                { "0.0000000000000000000000000001", "1n", "1n", 1, 1 },
                { "12M", "12M", "12M", 12000000, 12000000000 },
                { "1.5G", "1500M", "1500M", 1500000000, 1500000000000 },
                { "1T", "1T", "1T", 1000000000000, 1000000000000000 },
                { "1P", "1P", "1P", 1000000000000000, 1000000000000000000 },
                { "1E", "1E", "1E", 1000000000000000000, INT64_MAX },
                { "1Ki", "1Ki", "1Ki", 1024, 1024000 },
                { "512", "512", "512", 512, 512000 },
                { "1024Ki", "1Mi", "1Mi", 1048576, 1048576000 },
                { "1.5Gi", "1536Mi", "1536Mi", 1610612736, 1610612736000 },
                { "64Mi", "64Mi", "64Mi", 67108864, 67108864000 },
                { "0.5Ki", "512", "512", 512, 512000 },
                { "0.0001Ki", "102400u", "102400u", 1, 103 },
                { "1.1Ki", "1126400m", "1126400m", 1127, 1126400 },
                { "1Ei", "1Ei", "1Ei", 1152921504606846976, INT64_MAX },
                { "7.999999999999999999Ei", "9223372036854775806847078495", "", INT64_MAX, INT64_MAX },
                { "8Ei", "9223372036854775807", "9223372036854775807", INT64_MAX, INT64_MAX },
                { "-8Ei", "-9223372036854775807", "-9223372036854775807", -INT64_MAX, INT64_MIN },
                { "99999999999999999999Ki", "9223372036854775807", "9223372036854775807", INT64_MAX,
                  INT64_MAX },
                { "1e3", "1e3", "1e3", 1000, 1000000 },
                { "1E3", "1E3", "1e3", 1000, 1000000 },
                { "12e6", "12e6", "12e6", 12000000, 12000000000 },
                { "1e4", "10e3", "10e3", 10000, 10000000 },
                { "1e0", "1e0", "1", 1, 1000 },
                { "1e-3", "1e-3", "1e-3", 1, 1 },
                { "1e-12", "1e-9", "1e-9", 1, 1 },
                { "1e+6", "1e+6", "1e6", 1000000, 1000000000 },
                { "1e4294967296", "1e4294967296", "1", 1, 1000 },
                { "1.", "1.", "1", 1, 1000 },
                { ".5", "500m", "500m", 1, 500 },
                { "007", "007", "7", 7, 7000 },
                { "123456789012345678901234567890", "123456789012345678901234567890", "", INT64_MAX,
                  INT64_MAX },
                { "9223372036854775807", "9223372036854775807", "9223372036854775807", INT64_MAX, INT64_MAX },
                { "9223372036854775.807", "9223372036854775807m", "9223372036854775807m", 9223372036854776,
                  INT64_MAX },
                /* Numbers without digits are zero. */
                { "-", "0", "0", 0, 0 },
                { ".", "0", "0", 0, 0 },
                { "Ki", "0", "0", 0, 0 },
                { "m", "0", "0", 0, 0 },
                { "0Ei", "0", "0", 0, 0 },
                { "-0", "0", "0", 0, 0 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct mv_quantity q = parse(rows[i].text);
                char out[MV_QUANTITY_TEXT];
                struct mv_str canonical = mv_quantity_print(&q, out);
                assert_int_equal(out[canonical.n], 0);
                if (rows[i].canonical[0] && !mv_str_is(canonical, rows[i].canonical))
                        fail_msg("`%s`: canonical %s, not %s", rows[i].text, out, rows[i].canonical);
                struct mv_str string = mv_quantity_string(&q, mv_str_from(rows[i].text), out);
                if (rows[i].canonical[0] && !mv_str_is(string, rows[i].string))
                        fail_msg("`%s`: %.*s, not %s", rows[i].text, MV_STR_ARG(string), rows[i].string);
                if (mv_quantity_value(&q) != rows[i].value || mv_quantity_milli_value(&q) != rows[i].milli)
                        fail_msg("`%s`: %lld and %lld", rows[i].text, (long long)mv_quantity_value(&q),
                                 (long long)mv_quantity_milli_value(&q));
                assert_int_equal(mv_quantity_sign(&q), (rows[i].value > 0) - (rows[i].value < 0));
        }
}

static void test_errors(void **state) {
        (void)state;
        static const struct {
                const char *text, *message;
        } rows[] = {
                { "", "match the regular expression" },
                { " 1", "match the regular expression" },
                { "1 ", "match the regular expression" },
                { "1..2", "match the regular expression" },
                { "1.2.3", "match the regular expression" },
                { "--1", "suffix" },
                { "1e1.5", "match the regular expression" },
                { "abc", "match the regular expression" },
                { "1KB", "match the regular expression" },
                { "1K", "suffix" },
                { "1ki", "suffix" },
                { "1mi", "suffix" },
                { "1i", "suffix" },
                { "1Kii", "suffix" },
                { "1e", "suffix" },
                { "1Ee5", "suffix" },
                { "1-1", "suffix" },
                { "1e-", "suffix" },
                { "1e99999999999999999999", "suffix" },
                { ".e-10", "numeric part" },
                { "Ei", "numeric part" },
                { "-Pi", "numeric part" },
                { "1234567890123456789012345678901234567", "more than 36 digits" },
                { "1e2147483647", "more than 36 digits" },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct mv_quantity q = { .exponent = 42 };
                struct mv_err err = { 0 };
                int r = mv_quantity_parse(mv_str_from(rows[i].text), &q, &err);
                if (r == 0 || !strstr(err.message, rows[i].message))
                        fail_msg("`%s`: %d %s", rows[i].text, r, err.message);
                assert_int_equal(r, err.code);
                assert_int_equal(r, i < sizeof rows / sizeof rows[0] - 2 ? MV_ETYPE : MV_ELIMIT);
                assert_int_equal(q.exponent, 42);
        }
}

static int compare(const char *a, const char *b) {
        struct mv_quantity x = parse(a), y = parse(b);
        int order = mv_quantity_compare(&x, &y);
        order = (order > 0) - (order < 0);
        int reverse = mv_quantity_compare(&y, &x);
        assert_int_equal((reverse > 0) - (reverse < 0), -order);
        return order;
}

static void test_compare(void **state) {
        (void)state;
        /* Ascending; each with what equals it. */
        static const char *const ladder[][3] = {
                { "-1e30" },
                { "-1Gi", "-1073741824" },
                { "-1", "-1000m" },
                { "-1n", "-0.1n" },
                { "0", "-0", "0Gi" },
                { "1n", "0.0000000005" },
                { "1m", "0.001", "1e-3" },
                { "999999999n" },
                { "1", "1000m", "1e0" },
                { "1000000001n" },
                { "1000", "1k" },
                { "1Ki", "1024" },
                { "1025" },
                { "1M" },
                { "1Mi", "1024Ki" },
                { "1536Mi", "1.5Gi", "1610612736" },
                { "8Ei", "9Ei", "9223372036854775807" },
                { "9223372036854775808" },
                { "1e30", "1000000000000E" },
                { "1e300" },
                { "1.1e300", "11e299" },
        };
        size_t n = sizeof ladder / sizeof ladder[0];
        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < 3 && ladder[i][j]; j++)
                        if (compare(ladder[i][0], ladder[i][j]) != 0)
                                fail_msg("%s and %s", ladder[i][0], ladder[i][j]);
                for (size_t j = i + 1; j < n; j++)
                        if (compare(ladder[i][0], ladder[j][0]) != -1)
                                fail_msg("%s and %s", ladder[i][0], ladder[j][0]);
        }
}

/* Where Kubernetes is plainly wrong we are not. */
static void test_better(void **state) {
        (void)state;
        static const struct {
                const char *text, *canonical;
                int64_t value;
        } rows[] = {
                { "1000E", "1000E", INT64_MAX }, /* "1" there */
                { "1000000000000000000000000000000000000000000000000E", "1e66", INT64_MAX },
                { "-1.5", "-1500m", -2 }, /* -2 or -1 or 0 there */
                { "-1.00000000000000000000001", "-1000000001n", -2 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct mv_quantity q = parse(rows[i].text);
                char out[MV_QUANTITY_TEXT];
                mv_quantity_print(&q, out);
                assert_string_equal(out, rows[i].canonical);
                assert_true(mv_quantity_value(&q) == rows[i].value);
                struct mv_quantity again = parse(out);
                assert_int_equal(mv_quantity_compare(&q, &again), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_compare),
                cmocka_unit_test(test_better),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
