/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a shared authority, its Secret, and the webhook configurations that hold its bundle. */
#include "certs/shared_authority.h"
#include "certs/authority.h"
#include "certs/bundle.h"
#include "cluster/kube/authority_secret.h"
#include "cluster/kube/webhook_configuration.h"
#include "policy/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW ((time_t)1800000000)
enum { LIFE = 9000 };

static struct mv_shared_authority stepped(const struct mv_shared_authority *from, enum mv_secret_step step,
                                          time_t now) {
        struct mv_shared_authority next;
        struct mv_err err = { 0 };
        if (mv_shared_authority_step(from, step, now, LIFE, &next, &err) != 0)
                fail_msg("%s: %s", mv_secret_step_name(step), err.message);
        return next;
}

static struct mv_shared_authority first_of(time_t now) {
        const struct mv_shared_authority nothing = { 0 };
        return stepped(&nothing, MV_SECRET_CREATE, now);
}

static unsigned count(const char *bundle) {
        unsigned n = 0;
        assert_int_equal(mv_bundle_count(mv_str_from(bundle), &n, NULL), 0);
        return n;
}

static struct mv_secret_state studied(const struct mv_shared_authority *authority) {
        struct mv_secret_state state;
        struct mv_err err = { 0 };
        if (mv_shared_authority_study(authority, &state, &err) != 0)
                fail_msg("%s: %s", err.path, err.message);
        return state;
}

static void test_a_whole_rotation(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), b, c, d, e;
        char *found = NULL;
        struct mv_secret_state s = studied(&a);
        assert_true(s.has_ca && s.ca_is_ours && !s.has_next && !s.has_old && !s.requested);
        assert_int_equal(s.ca.not_after, NOW + LIFE);
        assert_int_equal(s.in_use_since, NOW);

        a.requested = true;
        b = stepped(&a, MV_SECRET_STAGE, NOW + 10);
        s = studied(&b);
        assert_true(s.has_ca && s.has_next && !s.has_old && !s.requested);
        assert_int_equal(s.ca.not_after, NOW + LIFE);
        assert_int_equal(s.next.not_after, NOW + 10 + LIFE);
        assert_string_equal(b.key, a.key);
        assert_int_equal(count(b.bundle), 2);

        c = stepped(&b, MV_SECRET_SWITCH, NOW + 20);
        s = studied(&c);
        assert_true(s.has_ca && !s.has_next && s.has_old);
        assert_int_equal(s.ca.not_after, NOW + 10 + LIFE);
        assert_int_equal(s.in_use_since, NOW + 20);
        assert_string_equal(c.key, b.next_key);
        assert_string_equal(c.bundle, b.bundle); /* what is published need not change */

        d = stepped(&c, MV_SECRET_DROP, NOW + 30);
        s = studied(&d);
        assert_true(s.has_ca && !s.has_old);
        assert_int_equal(mv_bundle_find(mv_str_from(b.bundle), mv_str_from(b.next_key), &found, NULL), 0);
        assert_string_equal(d.bundle, found);

        e = stepped(&c, MV_SECRET_MARK, NOW + 40);
        assert_int_equal(e.in_use_since, NOW + 40);
        assert_false(mv_shared_authority_same(&c, &e));
        e.in_use_since = c.in_use_since;
        assert_true(mv_shared_authority_same(&c, &e));
        free(found);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&b);
        mv_shared_authority_done(&c);
        mv_shared_authority_done(&d);
        mv_shared_authority_done(&e);
}

static void test_replace_and_stage_again(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), staged = stepped(&a, MV_SECRET_STAGE, NOW + 10);
        struct mv_shared_authority again = stepped(&staged, MV_SECRET_STAGE, NOW + 20);
        assert_int_equal(count(again.bundle), 3); /* who knows who has seen the one between */
        assert_string_not_equal(again.next_key, staged.next_key);
        struct mv_shared_authority over = stepped(&staged, MV_SECRET_REPLACE, NOW + LIFE + 20);
        assert_null(over.next_key);
        assert_int_equal(count(over.bundle), 1); /* the others have expired */
        assert_int_equal(studied(&over).ca.not_after, NOW + LIFE + 20 + LIFE);
        struct mv_err err = { 0 };
        struct mv_shared_authority none;
        assert_int_equal(mv_shared_authority_step(&a, MV_SECRET_SETTLE, NOW, LIFE, &none, &err), MV_EUSAGE);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&staged);
        mv_shared_authority_done(&again);
        mv_shared_authority_done(&over);
}

static void test_adopt(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), b = first_of(NOW), both;
        assert_int_equal(mv_shared_authority_adopt(&b, mv_str_from(a.bundle), NOW + 5, &both, NULL), 0);
        const struct mv_secret_state s = studied(&both);
        assert_true(s.has_old);
        assert_int_equal(both.in_use_since, NOW + 5);
        assert_string_equal(both.key, b.key);
        bool covers = false;
        assert_int_equal(mv_bundle_covers(mv_str_from(both.bundle), mv_str_from(a.bundle), &covers, NULL), 0);
        assert_true(covers);
        assert_int_equal(mv_bundle_covers(mv_str_from(a.bundle), mv_str_from(both.bundle), &covers, NULL), 0);
        assert_false(covers);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&b);
        mv_shared_authority_done(&both);
}

static void expect_wrong(const struct mv_shared_authority *authority, int code, const char *path) {
        struct mv_secret_state state;
        struct mv_err err = { 0 };
        assert_int_equal(mv_shared_authority_study(authority, &state, &err), code);
        assert_string_equal(err.path, path);
}

static void test_half_of_it(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), b = first_of(NOW);
        const struct mv_shared_authority nothing = { .requested = true };
        assert_false(studied(&nothing).has_ca);
        expect_wrong(&(struct mv_shared_authority){ .bundle = a.bundle }, MV_ENOTFOUND, "ca.key");
        expect_wrong(&(struct mv_shared_authority){ .key = a.key }, MV_ENOTFOUND, "ca.crt");
        expect_wrong(&(struct mv_shared_authority){ .bundle = a.bundle, .key = b.key }, MV_ECRYPTO, "ca.key");
        expect_wrong(&(struct mv_shared_authority){ .bundle = a.key, .key = a.key }, MV_ESYNTAX, "ca.crt");
        expect_wrong(&(struct mv_shared_authority){ .bundle = a.bundle, .key = a.key, .next_key = b.key },
                     MV_ECRYPTO, "next.key");
        /* A rotation that is over but for its key. */
        const struct mv_shared_authority twice = { .bundle = a.bundle, .key = a.key, .next_key = a.key };
        assert_false(studied(&twice).has_next);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&b);
}

/* --- the Secret --- */

static struct mv_str padded(struct mv_buf *buf) {
        const size_t n = buf->n;
        mv_buf_append(buf, "\0\0\0\0\0\0\0\0", 8);
        return (struct mv_str){ buf->p, n };
}

static void test_secret_there_and_back(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), staged = stepped(&a, MV_SECRET_STAGE, NOW), read;
        char version[MV_VERSION_TEXT];
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_authority_secret_encode(&staged, MV_STR("ns"), MV_STR("x"), &buf);
        assert_false(mv_buf_failed(&buf));
        assert_int_equal(mv_authority_secret_decode(padded(&buf), &read, version, NULL), 0);
        assert_true(mv_shared_authority_same(&staged, &read));
        assert_string_equal(version, "");
        mv_shared_authority_done(&read);

        /* A patch says of everything what is to become of it. */
        mv_buf_clear(&buf);
        mv_authority_secret_encode_patch(&a, MV_STR("7"), &buf);
        assert_non_null(strstr(buf.p, "\"resourceVersion\":\"7\""));
        assert_non_null(strstr(buf.p, "\"next.key\":null"));
        assert_non_null(strstr(buf.p, "\"migvet.io/rotate\":null"));
        assert_int_equal(mv_authority_secret_decode(padded(&buf), &read, version, NULL), 0);
        assert_true(mv_shared_authority_same(&a, &read));
        assert_string_equal(version, "7");
        mv_shared_authority_done(&read);

        mv_buf_clear(&buf);
        mv_authority_secret_encode_request(NOW, MV_STR("8"), &buf);
        assert_string_equal(buf.p, "{\"metadata\":{\"resourceVersion\":\"8\",\"annotations\":"
                                   "{\"migvet.io/rotate\":\"2027-01-15T08:00:00Z\"}}}");
        assert_int_equal(mv_authority_secret_decode(padded(&buf), &read, version, NULL), 0);
        assert_true(read.requested && !read.bundle && !read.key);
        mv_shared_authority_done(&read);
        mv_buf_done(&buf);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&staged);
}

static void test_secret_wrong(void **state) {
        static const struct {
                const char *json;
                int code;
                const char *path;
        } rows[] = {
                { "{\"data\":{\"ca.key\":\"***\"}}\0\0\0\0\0\0\0", MV_ESYNTAX, "data.ca.key" },
                { "{\"data\":{\"ca.crt\":\"AAAA\"}}\0\0\0\0\0\0\0", MV_ESYNTAX, "data.ca.crt" },
                { "{\"data\":{\"ca.crt\":1}}\0\0\0\0\0\0\0", MV_ETYPE, "data.ca.crt" },
                { "{\"data\":\0\0\0\0\0\0\0", MV_ESYNTAX, NULL },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_shared_authority read;
                char version[MV_VERSION_TEXT];
                struct mv_err err = { 0 };
                assert_int_equal(mv_authority_secret_decode(mv_str_from(rows[i].json), &read, version, &err),
                                 rows[i].code);
                if (rows[i].path && strcmp(err.path, rows[i].path) != 0)
                        fail_msg("%s: %s", rows[i].path, err.path);
        }
}

/* --- webhook configurations --- */

static void make_configuration(struct mv_buf *buf, const char *annotations, const char *bundle) {
        mv_buf_format(buf,
                      "{\"metadata\":{\"resourceVersion\":\"5\",\"annotations\":{%s}},\"webhooks\":["
                      "{\"name\":\"a\",\"clientConfig\":{\"service\":{\"namespace\":\"ns\",\"name\":\"s\"},"
                      "\"caBundle\":\"",
                      annotations);
        mv_buf_append_base64(buf, mv_str_from(bundle));
        mv_buf_append_text(buf,
                           "\"}},{\"name\":\"b\",\"clientConfig\":{\"url\":\"https://h.example:8443/x\"}},"
                           "{\"name\":\"c\",\"clientConfig\":{\"url\":\"https://[::1]/\","
                           "\"caBundle\":\"!\"}}]}");
}

static void test_configuration(void **state) {
        (void)state;
        struct mv_shared_authority a = first_of(NOW), b = stepped(&a, MV_SECRET_STAGE, NOW);
        struct mv_webhook_configuration c;
        struct mv_arena arena;
        struct mv_buf buf, patch;
        mv_arena_init(&arena, &mv_allocator_system, 1 << 20);
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_buf_init(&patch, &mv_allocator_system, 1 << 20);
        make_configuration(&buf, "\"x\":\"y\"", a.bundle);
        assert_int_equal(mv_webhook_configuration_decode(padded(&buf), &arena, &c, NULL), 0);
        assert_int_equal(c.n, 3);
        assert_string_equal(c.version, "5");
        assert_int_equal(c.injector.n, 0);
        assert_string_equal(c.webhooks[0].server_name.p, "s.ns.svc");
        assert_string_equal(c.webhooks[1].server_name.p, "h.example");
        assert_string_equal(c.webhooks[2].server_name.p, "::1");
        assert_true(mv_str_is(c.webhooks[0].bundle, a.bundle));
        assert_true(!c.webhooks[1].has_bundle && c.webhooks[2].has_bundle && !c.webhooks[2].bundle.n);
        assert_true(mv_webhook_configuration_differs(&c, mv_str_from(a.bundle)));
        assert_false(mv_webhook_configuration_trusts(&c, mv_str_from(a.bundle)));

        mv_webhook_configuration_encode_patch(&c, mv_str_from(a.bundle), &patch);
        assert_memory_equal(
                patch.p,
                "[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"5\"},"
                "{\"op\":\"add\",\"path\":\"/webhooks/1/clientConfig/caBundle\",\"value\":\"LS0t",
                strlen("[{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"5\"},"
                       "{\"op\":\"add\",\"path\":\"/webhooks/1/clientConfig/caBundle\",\"value\":\"LS0t"));
        assert_non_null(
                strstr(patch.p, "{\"op\":\"replace\",\"path\":\"/webhooks/2/clientConfig/caBundle\""));
        assert_null(strstr(patch.p, "/webhooks/0"));

        /* More than is wanted is believed, and is to be written all the same. */
        c.n = 1;
        assert_true(mv_webhook_configuration_trusts(&c, mv_str_from(a.bundle)));
        assert_false(mv_webhook_configuration_differs(&c, mv_str_from(a.bundle)));
        assert_false(mv_webhook_configuration_trusts(&c, mv_str_from(b.bundle)));
        c.webhooks[0].bundle = mv_str_from(b.bundle);
        assert_true(mv_webhook_configuration_trusts(&c, mv_str_from(a.bundle)));
        assert_true(mv_webhook_configuration_differs(&c, mv_str_from(a.bundle)));

        mv_buf_clear(&buf);
        make_configuration(&buf, "\"cert-manager.io/inject-ca-from\":\"ns/x\"", a.bundle);
        assert_int_equal(mv_webhook_configuration_decode(padded(&buf), &arena, &c, NULL), 0);
        assert_false(mv_webhook_configuration_differs(&c, mv_str_from(b.bundle)));
        assert_true(mv_str_is(c.injector, "cert-manager.io/inject-ca-from"));
        mv_arena_done(&arena);
        mv_buf_done(&buf);
        mv_buf_done(&patch);
        mv_shared_authority_done(&a);
        mv_shared_authority_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_whole_rotation),
                cmocka_unit_test(test_replace_and_stage_again),
                cmocka_unit_test(test_adopt),
                cmocka_unit_test(test_half_of_it),
                cmocka_unit_test(test_secret_there_and_back),
                cmocka_unit_test(test_secret_wrong),
                cmocka_unit_test(test_configuration),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
