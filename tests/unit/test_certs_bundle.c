/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"

#include "certs/bundle.h"

static const time_t NOW = 1900000000;

static struct mv_pem_pair ca_of(const char *name, time_t from, time_t to) {
        return make_shape((struct shape){ .name = name, .ca = true, .from = from, .to = to });
}

static char *merge(const char *a, const char *b, time_t now) {
        char *out = NULL;
        assert_int_equal(mv_bundle_merge(mv_str_from(a), mv_str_from(b), now, &out, NULL), 0);
        assert_non_null(out);
        return out;
}

static bool equal(const char *a, const char *b) {
        bool same = false;
        assert_int_equal(mv_bundle_equal(mv_str_from(a), mv_str_from(b), &same, NULL), 0);
        return same;
}

static unsigned count(const char *a) {
        unsigned n = 99;
        assert_int_equal(mv_bundle_count(mv_str_from(a), &n, NULL), 0);
        return n;
}

static void test_merge(void **state) {
        (void)state;
        struct mv_pem_pair a = ca_of("a", NOW, NOW + DAY), b = ca_of("b", NOW, NOW + 2 * DAY);
        char *ab = text_join(a.certificate, b.certificate), *ba = text_join(b.certificate, a.certificate);
        char *aa = text_join(a.certificate, a.certificate);
        char *noisy = text_join("# a remark\n", ab);

        char *out = merge(a.certificate, b.certificate, NOW);
        assert_string_equal(out, ab); /* first, then second */
        free(out);
        out = merge(ab, ba, NOW);
        assert_string_equal(out, ab); /* each once */
        free(out);
        out = merge(aa, noisy, NOW);
        assert_string_equal(out, ab);
        free(out);
        out = merge(ab, "", NOW + DAY); /* a's life is over */
        assert_string_equal(out, b.certificate);
        free(out);
        out = merge(" \n", ab, NOW + 5 * DAY);
        assert_string_equal(out, "");
        free(out);
        out = merge("", "", NOW);
        assert_string_equal(out, "");
        free(out);

        assert_true(equal(ab, ba));
        assert_true(equal(aa, a.certificate));
        assert_true(equal("", "\n"));
        assert_false(equal(ab, a.certificate));
        assert_false(equal(a.certificate, ab));
        assert_false(equal("", a.certificate));
        assert_int_equal(count(ab), 2);
        assert_int_equal(count(""), 0);

        char *untouched = NULL;
        struct mv_err err = { 0 };
        assert_int_equal(mv_bundle_merge(mv_str_from(ab), MV_STR("garbage"), NOW, &untouched, &err),
                         MV_ESYNTAX);
        assert_int_equal(mv_bundle_merge(mv_str_from(a.key), mv_str_from(ab), NOW, &untouched, &err),
                         MV_ESYNTAX);
        ab[60] = '!'; /* within the base64 of the first */
        assert_int_equal(mv_bundle_merge(mv_str_from(ab), MV_STR(""), NOW, &untouched, &err), MV_ESYNTAX);
        assert_null(untouched);
        free(noisy);
        free(aa);
        free(ba);
        free(ab);
        mv_pem_pair_done(&a);
        mv_pem_pair_done(&b);
}

static void test_retire(void **state) {
        (void)state;
        const time_t long_life = NOW + MV_CA_SECONDS;
        struct mv_pem_pair old = ca_of("old", NOW - 2000 * DAY, long_life),
                           now = ca_of("now", NOW, long_life);
        struct mv_pem_pair next = ca_of("next", NOW + DAY, long_life);
        char *two = text_join(now.certificate, old.certificate), *three = text_join(two, next.certificate);
        char *out = NULL;
        const time_t until = NOW + MV_CERT_BACKDATE_SECONDS + MV_LEAF_SECONDS;
        assert_int_equal(mv_bundle_retire(mv_str_from(three), mv_str_from(now.key), until - 1, &out, NULL),
                         0);
        assert_string_equal(out, three);
        free(out);
        assert_int_equal(mv_bundle_retire(mv_str_from(two), mv_str_from(now.key), until, &out, NULL), 0);
        assert_string_equal(out, now.certificate);
        free(out);
        /* The one in use stays, even when its time is over. */
        assert_int_equal(mv_bundle_retire(mv_str_from(two), mv_str_from(now.key), long_life, &out, NULL), 0);
        assert_string_equal(out, now.certificate);
        free(out);
        /* A younger one stays. */
        assert_int_equal(mv_bundle_retire(mv_str_from(three), mv_str_from(now.key), until, &out, NULL), 0);
        assert_int_equal(count(out), 2);
        free(out);
        out = NULL;
        assert_int_equal(mv_bundle_retire(mv_str_from(two), mv_str_from(next.key), NOW, &out, NULL),
                         MV_ECRYPTO);
        assert_null(out);
        free(two);
        free(three);
        mv_pem_pair_done(&old);
        mv_pem_pair_done(&now);
        mv_pem_pair_done(&next);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_merge), cmocka_unit_test(test_retire) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
