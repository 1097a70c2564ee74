/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of webhook/: targets, media types, addresses, Status objects. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "webhook/address.h"
#include "webhook/request.h"
#include "webhook/route.h"
#include "policy/object/status.h"

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_target(void **state) {
        struct mv_target target;
        (void)state;
        mv_target_set(&target, "/validate?timeout=5s&x&a=b=c");
        assert_true(mv_str_is(mv_target_path(&target), "/validate"));
        struct mv_str query = mv_target_query(&target), name, value;
        assert_true(mv_query_next(&query, &name, &value));
        assert_true(mv_str_is(name, "timeout") && mv_str_is(value, "5s"));
        assert_true(mv_query_next(&query, &name, &value));
        assert_true(mv_str_is(name, "x") && value.n == 0);
        assert_true(mv_query_next(&query, &name, &value));
        assert_true(mv_str_is(name, "a") && mv_str_is(value, "b=c"));
        assert_false(mv_query_next(&query, &name, &value));

        mv_target_set(&target, "/validate");
        assert_int_equal(mv_target_query(&target).n, 0);
        mv_target_set(&target, NULL);
        assert_true(mv_target_is_broken(&target, "HTTP/1.1"));

        char line[] = "/validate\0HTTP/1.1", cut[] = "/validate\0x\0HTTP/1.1";
        mv_target_set(&target, line);
        assert_false(mv_target_is_broken(&target, line + 10));
        assert_false(mv_target_is_broken(
                &target, (const char *)((uintptr_t)line - 4096))); /* not in the same line: believed */
        mv_target_set(&target, cut);
        assert_true(mv_target_is_broken(&target, cut + 12));

        char *longest = malloc(5000);
        memset(longest, 'a', 4999);
        longest[4999] = '\0';
        mv_target_set(&target, longest);
        assert_true(target.too_long);
        free(longest);
}

static void test_media_type(void **state) {
        (void)state;
        assert_true(mv_media_type_is_json("application/json"));
        assert_true(mv_media_type_is_json("Application/JSON; charset=utf-8"));
        assert_true(mv_media_type_is_json("application/json ;x=y"));
        assert_false(mv_media_type_is_json(NULL));
        assert_false(mv_media_type_is_json(""));
        assert_false(mv_media_type_is_json("text/json"));
        assert_false(mv_media_type_is_json("application/json-patch+json"));
        assert_false(mv_media_type_is_json("application/jsonx"));
}

static void test_addresses(void **state) {
        static const char *const good[] = { ":8443", "127.0.0.1:0", "0.0.0.0:1", "[::1]:65535", "[::]:0" };
        static const char *const bad[] = { "",        "8443",        ":",     ":65536", ":-1",
                                           ":80x",    "localhost:1", "[::1]", "::1:80", "[127.0.0.1]:1",
                                           "1.2.3:4", "[:1",         "[]:80" };
        struct mv_address address;
        struct mv_err err;
        (void)state;
        for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
                assert_int_equal(mv_address_parse(good[i], &address, NULL), 0);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                if (mv_address_parse(bad[i], &address, &err) != MV_EUSAGE)
                        fail_msg("\"%s\" was taken for an address", bad[i]);
        assert_int_equal(mv_address_parse(NULL, &address, &err), MV_EUSAGE);
}

/* Connect to 127.0.0.1 or ::1; 0, or -1 when refused. */
static int connect_to(int family, uint16_t port) {
        struct sockaddr_in in4 = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = { htonl(0x7f000001) } };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                    .sin6_port = htons(port),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        int fd = socket(family, SOCK_STREAM, 0);
        int r = family == AF_INET ? connect(fd, (struct sockaddr *)&in4, sizeof in4)
                                  : connect(fd, (struct sockaddr *)&in6, sizeof in6);
        close(fd);
        return r;
}

static void test_listen(void **state) {
        static const struct {
                const char *text;
                bool ip4, ip6;
        } cases[] = {
                { ":0", true, true },
                { "[::]:0", true, true },
                { "127.0.0.1:0", true, false },
                { "[::1]:0", false, true },
        };
        (void)state;
        int probe = socket(AF_INET6, SOCK_STREAM, 0);
        struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        bool has_ip6 = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;
        close(probe);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct mv_address address;
                struct mv_err err;
                int fd = -1;
                uint16_t port = 0;
                assert_int_equal(mv_address_parse(cases[i].text, &address, &err), 0);
                if (!has_ip6 && cases[i].text[0] == '[')
                        continue;
                if (mv_address_listen(&address, cases[i].text, &fd, &port, &err) < 0)
                        fail_msg("%s", err.message);
                assert_int_not_equal(port, 0);
                assert_int_equal(connect_to(AF_INET, port) == 0, cases[i].ip4);
                if (has_ip6)
                        assert_int_equal(connect_to(AF_INET6, port) == 0, cases[i].ip6);
                close(fd);
        }
}

/* A port that is taken is an error that says so, and *ret is left alone. */
static void test_listen_taken(void **state) {
        struct mv_address address;
        struct mv_err err = { 0 };
        int fd = -1, second = 77;
        uint16_t port = 0, unused = 0;
        char text[64];
        (void)state;
        assert_int_equal(mv_address_parse("127.0.0.1:0", &address, &err), 0);
        assert_int_equal(mv_address_listen(&address, "127.0.0.1:0", &fd, &port, &err), 0);
        snprintf(text, sizeof text, "127.0.0.1:%u", port);
        assert_int_equal(mv_address_parse(text, &address, &err), 0);
        assert_int_equal(mv_address_listen(&address, text, &second, &unused, &err), MV_EIO);
        assert_int_equal(second, 77);
        assert_non_null(strstr(err.message, text));
        close(fd);
}

static void test_status(void **state) {
        struct mv_buf out;
        (void)state;
        mv_buf_init(&out, &mv_allocator_system, 4096);
        mv_status_write(&out, 413, "a \"quoted\"\\ line\nand \001 more \u00e9");
        struct json_object *status = json_tokener_parse(out.p), *value;
        assert_non_null(status);
        assert_string_equal(json_object_get_string(json_object_object_get(status, "kind")), "Status");
        assert_string_equal(json_object_get_string(json_object_object_get(status, "apiVersion")), "v1");
        assert_string_equal(json_object_get_string(json_object_object_get(status, "status")), "Failure");
        assert_string_equal(json_object_get_string(json_object_object_get(status, "reason")),
                            "RequestEntityTooLarge");
        assert_string_equal(json_object_get_string(json_object_object_get(status, "message")),
                            "a \"quoted\"\\ line\nand \001 more \u00e9");
        assert_int_equal(json_object_get_int(json_object_object_get(status, "code")), 413);
        assert_true(json_object_object_get_ex(status, "metadata", &value));
        assert_true(json_object_is_type(value, json_type_object));
        json_object_put(status);
        mv_buf_done(&out);
}

static void test_deadline(void **state) {
        const long long ms = 1000000;
        (void)state;
        assert_int_equal(mv_route_deadline(5 * ms, 10000 * ms), 9805 * ms);
        assert_int_equal(mv_route_deadline(0, 1000 * ms), 900 * ms);
        assert_int_equal(mv_route_deadline(0, 10 * ms), 9 * ms);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_target),       cmocka_unit_test(test_media_type),
                cmocka_unit_test(test_addresses),    cmocka_unit_test(test_listen),
                cmocka_unit_test(test_listen_taken), cmocka_unit_test(test_status),
                cmocka_unit_test(test_deadline),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
