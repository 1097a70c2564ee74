/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: what it writes is one line of JSON, whatever the strings hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/json.h"
#include "policy/object/scan.h"

static void quoted(const char *bytes, size_t n, const char *want) {
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_buf_append_quoted(&buf, (struct mv_str){ bytes, n });
        assert_string_equal(buf.p, want);
        struct mv_str text = text_make(buf.p, buf.n);
        assert_int_equal(mv_json_validate(text, NULL), 0);
        text_free(text);
        mv_buf_done(&buf);
}
#define QUOTED(literal, want) quoted(literal, sizeof(literal) - 1, want)

static void test_escapes(void **state) {
        (void)state;
        quoted(NULL, 0, "\"\"");
        QUOTED("plain </script> & text", "\"plain </script> & text\"");
        QUOTED("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
        QUOTED("\n\t\r", "\"\\n\\t\\r\"");
        QUOTED("\b\f\0\x01\x1f", "\"\\u0008\\u000c\\u0000\\u0001\\u001f\"");
        QUOTED("x\x7fy", "\"x\\u007fy\"");
        QUOTED("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
        QUOTED("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
               "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
}

#define BAD "\xef\xbf\xbd"
static void test_invalid_utf8(void **state) {
        (void)state;
        QUOTED("a\x80z", "\"a" BAD "z\"");
        QUOTED("\xff\xfe", "\"" BAD BAD "\"");
        QUOTED("\xc0\x80", "\"" BAD BAD "\""); /* overlong */
        QUOTED("\xc1\xbf", "\"" BAD BAD "\"");
        QUOTED("\xe0\x9f\xbf", "\"" BAD BAD BAD "\""); /* overlong */
        QUOTED("\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\"");
        QUOTED("\xed\xa0\x80", "\"" BAD BAD BAD "\""); /* a surrogate */
        QUOTED("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
        QUOTED("\xf5\x80\x80\x80", "\"" BAD BAD BAD BAD "\"");
        QUOTED("\xc3", "\"" BAD "\""); /* cut short at the end */
        QUOTED("\xe2\x82", "\"" BAD BAD "\"");
        QUOTED("\xf0\x9f\x98", "\"" BAD BAD BAD "\"");
        QUOTED("\xc3(", "\"" BAD "(\"");
        QUOTED("\xe2\x82\"", "\"" BAD BAD "\\\"\"");
}

static void test_every_pair_of_bytes(void **state) {
        (void)state;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        for (int i = 0; i < 0x10000; i++) {
                const char bytes[2] = { (char)(i >> 8), (char)i };
                mv_buf_clear(&buf);
                mv_buf_append_quoted(&buf, (struct mv_str){ bytes, 2 });
                struct mv_str text = text_make(buf.p, buf.n);
                if (mv_json_validate(text, NULL) != 0)
                        fail_msg("bytes %02x %02x", i >> 8, i & 255);
                text_free(text);
        }
        mv_buf_done(&buf);
}

/* Each byte at each place of a longer text is written as it is alone. */
static void test_every_byte_at_every_place(void **state) {
        (void)state;
        enum { LENGTH = 40 };
        for (int byte = 0; byte < 256; byte++) {
                const char c = (char)byte;
                struct mv_buf alone;
                mv_buf_init(&alone, &mv_allocator_system, 64);
                mv_buf_append_quoted(&alone, (struct mv_str){ &c, 1 });
                const struct mv_str written = { alone.p + 1, alone.n - 2 };
                for (size_t at = 0; at < LENGTH; at++) {
                        static const char rest[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
                        char bytes[LENGTH];
                        struct mv_buf want;
                        memcpy(bytes, rest, sizeof bytes);
                        bytes[at] = c;
                        mv_buf_init(&want, &mv_allocator_system, 100);
                        mv_buf_format(&want, "\"%.*s%.*s%s\"", (int)at, rest, MV_STR_ARG(written),
                                      rest + at + 1);
                        quoted(bytes, sizeof bytes, want.p);
                        mv_buf_done(&want);
                }
                mv_buf_done(&alone);
        }
}

static void test_structure(void **state) {
        (void)state;
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_json_init(&json, &buf);
        mv_json_object(&json);
        mv_json_key(&json, "empty");
        mv_json_object(&json);
        mv_json_end(&json);
        mv_json_key_str(&json, MV_STR("list\n"));
        mv_json_array(&json);
        mv_json_int(&json, 0);
        mv_json_int(&json, INT64_MIN);
        mv_json_bool(&json, true);
        mv_json_bool(&json, false);
        mv_json_null(&json);
        mv_json_array(&json);
        mv_json_end(&json);
        mv_json_array(&json);
        mv_json_text(&json, "x");
        mv_json_end(&json);
        mv_json_object(&json);
        mv_json_member(&json, "k", MV_STR("v"));
        mv_json_member(&json, "", (struct mv_str){ 0 });
        mv_json_end(&json);
        mv_json_raw(&json, MV_STR("{\"r\":1}"));
        mv_json_end(&json);
        mv_json_member(&json, "last", MV_STR("\""));
        mv_json_end(&json);
        assert_string_equal(buf.p,
                            "{\"empty\":{},\"list\\n\":[0,-9223372036854775808,true,false,null,[],[\"x\"],"
                            "{\"k\":\"v\",\"\":\"\"},{\"r\":1}],\"last\":\"\\\"\"}");
        mv_buf_done(&buf);
}

static void test_depth(void **state) {
        (void)state;
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_json_init(&json, &buf);
        for (int i = 0; i < 63; i++) { /* objects and arrays in turn, each with two elements */
                if (i % 2)
                        mv_json_int(&json, i);
                i % 2 ? mv_json_object(&json) : mv_json_array(&json);
                if (i % 2)
                        mv_json_key(&json, "k");
        }
        mv_json_int(&json, 7);
        for (int i = 0; i < 63; i++)
                mv_json_end(&json);
        struct mv_str text = text_make(buf.p, buf.n);
        assert_int_equal(mv_json_validate(text, NULL), 0);
        text_free(text);
        mv_buf_done(&buf);
}

static void test_failure_is_the_buffers(void **state) {
        (void)state;
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 8);
        mv_json_init(&json, &buf);
        mv_json_object(&json);
        mv_json_member(&json, "name", MV_STR("value"));
        mv_json_end(&json);
        assert_true(mv_buf_failed(&buf));
        assert_true(buf.n <= 8);
        mv_buf_done(&buf);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_invalid_utf8),
                cmocka_unit_test(test_every_pair_of_bytes),
                cmocka_unit_test(test_every_byte_at_every_place),
                cmocka_unit_test(test_structure),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_failure_is_the_buffers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
