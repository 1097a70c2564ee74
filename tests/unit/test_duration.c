/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Go writes them (policy/base/duration.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/base/duration.h"

static void test_durations(void **state) {
        static const struct {
                const char *text;
                long long ms;
        } good[] = {
                { "10s", 10000 }, { "500ms", 500 },  { "1m30s", 90000 }, { "0", 0 },
                { "0s", 0 },      { "1.5s", 1500 },  { ".5s", 500 },     { "1.s", 1000 },
                { "+2s", 2000 },  { "1h", 3600000 }, { "1000us", 1 },    { "1000\u00b5s", 1 },
        };
        static const char *const bad[] = { "",     "10",   "s",     ".s",  "-1s",  "1s ",
                                           " 1s",  "1d",   "1s1",   "2h",  "1e3s", "99999999999999999999s",
                                           "1h1s", "0x1s", "10s\n", "--1s" };
        (void)state;
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
                long long ns = -1;
                assert_true(mv_duration_parse(mv_str_from(good[i].text), 3600 * 1000000000LL, &ns));
                assert_int_equal(ns, good[i].ms * 1000000);
        }
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                long long ns = 77;
                if (mv_duration_parse(mv_str_from(bad[i]), 3600 * 1000000000LL, &ns))
                        fail_msg("\"%s\" was taken for a duration", bad[i]);
                assert_int_equal(ns, 77);
        }
        /* However long is allowed, nothing overflows. */
        long long ns = 77;
        assert_true(mv_duration_parse(MV_STR("2562047h47m16.854775807s"), INT64_MAX, &ns));
        assert_int_equal(ns, INT64_MAX);
        ns = 77;
        assert_false(mv_duration_parse(MV_STR("2562047h47m16.854775808s"), INT64_MAX, &ns));
        assert_false(mv_duration_parse(MV_STR("2562048h"), INT64_MAX, &ns));
        assert_false(mv_duration_parse(MV_STR("9223372036.9s"), INT64_MAX, &ns));
        assert_false(mv_duration_parse(MV_STR("99999999999h99999999999h"), INT64_MAX, &ns));
        assert_int_equal(ns, 77);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_durations) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
