/* SPDX-License-Identifier: Apache-2.0 */
/* The strict scanner: what is JSON by RFC 8259, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/object/scan.h"

#include <stdio.h>
#include <stdlib.h>

struct text {
        const char *p;
        size_t n;
};
#define T(literal) \
        { literal, sizeof(literal) - 1 }

static int validate(const char *p, size_t n, struct mv_err *err) {
        struct mv_str text = text_make(p, n);
        int r = mv_json_validate(text, err);
        text_free(text);
        return r;
}

static void test_accepts(void **state) {
        (void)state;
        static const struct text good[] = {
                T("null"),
                T("true"),
                T("false"),
                T("{}"),
                T("[]"),
                T("\"\""),
                T(" \t\r\n{ } \n"),
                T("0"),
                T("-0"),
                T("-1"),
                T("10"),
                T("123456789012345678901234567890"),
                T("0.0"),
                T("1.50"),
                T("-0.1"),
                T("1e5"),
                T("1E5"),
                T("1e+5"),
                T("1e-05"),
                T("1.5E-3"),
                T("0e0"),
                T("1e999"),
                T("\"\\u0000\""),
                T("\"\\uD83D\\ude00\""),
                T("\"\\ud83d\""),
                T("\"\\udead\\ud83d\""),
                T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
                T("\"a/b<c>\""),
                T("\"\x7f\""),
                T("\"\xc2\x80\""),
                T("\"\xdf\xbf\""),
                T("\"\xe0\xa0\x80\""),
                T("\"\xed\x9f\xbf\""),
                T("\"\xee\x80\x80\""),
                T("\"\xef\xbf\xbf\""),
                T("\"\xf0\x90\x80\x80\""),
                T("\"\xf4\x8f\xbf\xbf\""),
                T("[1,2 , 3]"),
                T("[[],{},[[]]]"),
                T("[true,false,null,\"\",0]"),
                T("{\"a\":1,\"b\":{\"c\":[]}}"),
                T("{\"\":0}"),
                T("{\"a\":1,\"a\":2}"),
                T("{\"a\\u0000b\":1}"),
                T("{ \"a\" : 1 , \"b\" : 2 }"),
                T("\"12345678\""),
                T("\"1234567\\\"\""),
        };
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                struct mv_err err = { 0 };
                if (validate(good[i].p, good[i].n, &err) != 0)
                        fail_msg("%s is refused: %s at %zu", good[i].p, err.message, err.offset);
                assert_int_equal(err.code, 0);
        }
}

static void test_rejects(void **state) {
        (void)state;
        static const struct text bad[] = {
                T(""),
                T(" "),
                T("\n\t"),
                T("nul"),
                T("nulll"),
                T("Null"),
                T("TRUE"),
                T("True"),
                T("tru"),
                T("falsey"),
                T("NaN"),
                T("Infinity"),
                T("-Infinity"),
                T("-NaN"),
                T("undefined"),
                T("1."),
                T(".5"),
                T("-.5"),
                T("+1"),
                T("01"),
                T("-01"),
                T("00"),
                T("-"),
                T("--1"),
                T("1e"),
                T("1e+"),
                T("1.e5"),
                T("1.5.2"),
                T("1e5.2"),
                T("0x10"),
                T("1_000"),
                T("1-"),
                T("1+1"),
                T("1a"),
                T("- 1"),
                T("1 1"),
                T("'a'"),
                T("{'a':1}"),
                T("{a:1}"),
                T("{1:1}"),
                T("{null:1}"),
                T("\""),
                T("\"a"),
                T("\"a\\\""),
                T("\"\\"),
                T("\"\\x\""),
                T("\"\\u\""),
                T("\"\\u12\""),
                T("\"\\u12g4\""),
                T("\"\\U0041\""),
                T("\"\\0\""),
                T("\"\\'\""),
                T("\"\n\""),
                T("\"\t\""),
                T("\"\r\""),
                T("\"\x01\""),
                T("\"\x1f\""),
                T("\"a\0b\""),
                T("\"\0\""),
                T("\"\x80\""),
                T("\"\xbf\""),
                T("\"\xc0\x80\""),
                T("\"\xc1\xbf\""),
                T("\"\xc3\""),
                T("\"\xc3(\""),
                T("\"\xe0\x9f\xbf\""),
                T("\"\xe2\x82\""),
                T("\"\xe2(\x82\""),
                T("\"\xe2\x82(\""),
                T("\"\xed\xa0\x80\""),
                T("\"\xed\xbf\xbf\""),
                T("\"\xf0\x8f\xbf\xbf\""),
                T("\"\xf0\x9f\x98\""),
                T("\"\xf0(\x98\x80\""),
                T("\"\xf4\x90\x80\x80\""),
                T("\"\xf5\x80\x80\x80\""),
                T("\"\xff\""),
                T("\"\xfe\xff\""),
                T("\xef\xbb\xbf{}"),
                T("\xc2\xa0{}"),
                T("\v{}"),
                T("\f{}"),
                T("\0{}"),
                T("{}\0"),
                T("{}\0x"),
                T("{ \0}"),
                T("\0"),
                T("1\0"),
                T("[1,\0]"),
                T("[,1]"),
                T("[1,]"),
                T("[1,,2]"),
                T("[1 2]"),
                T("[1;2]"),
                T("[1"),
                T("["),
                T("]"),
                T("[1}"),
                T("[1]]"),
                T("{,}"),
                T("{\"a\":1,}"),
                T("{\"a\"}"),
                T("{\"a\" 1}"),
                T("{\"a\":}"),
                T("{\"a\"::1}"),
                T("{\"a\":1"),
                T("{\"a\":1 \"b\":2}"),
                T("{\"a\":1]"),
                T("{"),
                T("}"),
                T("{\"a\":1}}"),
                T("{}{}"),
                T("{} {}"),
                T("[]1"),
                T("{\"a\":1,\"b\"}"),
                T("{\"a\":1,,\"b\":2}"),
                T(":1"),
                T(","),
                T("\"a\":1"),
                T("// x\n1"),
                T("/* x */1"),
                T("1 // x"),
                T("# x\n1"),
                T("{/**/}"),
                T("nullnull"),
                T("truefalse"),
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct mv_err err = { 0 };
                int r = validate(bad[i].p, bad[i].n, &err);
                if (r != MV_ESYNTAX)
                        fail_msg("%zu: %s is %d", i, bad[i].p, r);
                assert_int_equal(err.code, MV_ESYNTAX);
                assert_true(err.message[0]);
                assert_true(err.offset <= bad[i].n);
                assert_int_equal(validate(bad[i].p, bad[i].n, NULL), MV_ESYNTAX);
        }
}

static int nested(size_t depth, char open, char close, bool closed) {
        static char text[6 * (MV_SCAN_SKIP_DEPTH + 1)];
        size_t n = 0;
        for (size_t i = 0; i < depth; i++) {
                text[n++] = open;
                if (open == '{' && i + 1 < depth) {
                        memcpy(text + n, "\"a\":", 4);
                        n += 4;
                }
        }
        for (size_t i = 0; closed && i < depth; i++)
                text[n++] = close;
        return validate(text, n, NULL);
}

/* Arrays and objects in turn, so that every level has to be remembered. */
static int nested_both(size_t depth, size_t wrong) {
        static char text[6 * (MV_SCAN_SKIP_DEPTH + 1)];
        size_t n = 0;
        for (size_t i = 0; i < depth; i++) {
                bool object = i % 3 == 0;
                memcpy(text + n, object ? "{\"a\":" : "[", object ? 5 : 1);
                n += object ? 5 : 1;
        }
        text[n++] = '0';
        for (size_t i = depth; i-- > 0;)
                text[n++] = (i % 3 == 0) != (i == wrong) ? '}' : ']';
        return validate(text, n, NULL);
}

static void test_depth(void **state) {
        (void)state;
        assert_int_equal(nested(MV_SCAN_SKIP_DEPTH, '[', ']', true), 0);
        assert_int_equal(nested(MV_SCAN_SKIP_DEPTH, '{', '}', true), 0);
        assert_int_equal(nested(MV_SCAN_SKIP_DEPTH + 1, '[', ']', true), MV_ELIMIT);
        assert_int_equal(nested(MV_SCAN_SKIP_DEPTH + 1, '{', '}', true), MV_ELIMIT);
        assert_int_equal(nested(MV_SCAN_SKIP_DEPTH, '[', ']', false), MV_ESYNTAX);
        assert_int_equal(MV_SCAN_SKIP_DEPTH, 10000); /* as Go's decoder */
        assert_int_equal(nested_both(1000, SIZE_MAX), 0);
        for (size_t wrong = 0; wrong < 200; wrong++)
                assert_int_equal(nested_both(200, wrong), MV_ESYNTAX);
        /* What is read, and not passed over, ends sooner. */
        struct mv_scan scan;
        struct mv_str deep = json_make("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
        assert_int_equal(deep.n, MV_SCAN_DEPTH + 1);
        mv_scan_init(&scan, deep);
        bool first = true;
        for (int i = 0; i < MV_SCAN_DEPTH; i++) {
                assert_true(mv_scan_array(&scan));
                first = true;
                assert_true(mv_scan_element(&scan, &first));
        }
        assert_false(mv_scan_array(&scan));
        assert_int_equal(scan.code, MV_ELIMIT);
        text_free(deep);
        /* What was closed no longer counts. */
        char text[1024] = "[";
        size_t n = 1;
        for (int i = 0; i < 200; i++, n += 5)
                memcpy(text + n, "[{}],", 5);
        text[n - 1] = ']';
        assert_int_equal(validate(text, n, NULL), 0);
}

static const char sample[] =
        "{\"apiVersion\":\"kubevirt.io/v1\",\"n\":[-1.5e+3,0,true,false,null],\"s\":"
        "\"\\u00e9\\ud83d\\ude00 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\\\\",\"o\":{\"a\":{},\"b\":[]}}";

static void test_truncation(void **state) {
        (void)state;
        size_t n = sizeof sample - 1;
        assert_int_equal(validate(sample, n, NULL), 0);
        for (size_t cut = 0; cut < n; cut++) {
                struct mv_err err = { 0 };
                if (validate(sample, cut, &err) != MV_ESYNTAX)
                        fail_msg("cut at %zu", cut);
                assert_true(err.offset <= cut);
                if (err.offset == cut)
                        assert_string_equal(err.message, "the text ends too early");
        }
}

/* What padding puts behind the text is never taken for part of it, wherever the text ends in a word. */
static void test_padding(void **state) {
        (void)state;
        for (size_t n = 0; n < 40; n++) {
                char text[64] = "\"";
                memset(text + 1, 'x', n);
                assert_int_equal(validate(text, n + 1, NULL), MV_ESYNTAX);
                text[n + 1] = '"';
                assert_int_equal(validate(text, n + 2, NULL), 0);
                text[n + 1] = '\\';
                assert_int_equal(validate(text, n + 2, NULL), MV_ESYNTAX);
                /* A byte that ends the run, at every place in it. */
                for (size_t at = 1; at <= n; at++) {
                        static const char ends[] = { '\x1f', '\x80', '\0', '\n', '\xff' };
                        text[n + 1] = '"';
                        for (size_t k = 0; k < sizeof ends; k++) {
                                text[at] = ends[k];
                                if (validate(text, n + 2, NULL) != MV_ESYNTAX)
                                        fail_msg("byte %02x at %zu of %zu", (unsigned char)ends[k], at, n);
                        }
                        text[at] = 'x';
                }
        }
}

static void test_positions(void **state) {
        (void)state;
        static const struct {
                const char *text;
                size_t offset;
        } cases[] = {
                { "", 0 },      { "  ", 2 },        { "x", 0 },         { "[1,x]", 3 },
                { "[1,]", 3 },  { "[1 2]", 3 },     { "{\"a\" 1}", 5 }, { "{\"a\":1,}", 7 },
                { "{a:1}", 1 }, { "\"a\\x\"", 2 },  { "\"a\nb\"", 2 },  { "\"a\xff\"", 2 },
                { "1.x", 2 },   { "1e+x", 3 },      { "[-x]", 1 },      { "{} x", 3 },
                { "[tru]", 1 }, { "{\"a\":1]", 6 }, { "[1}", 2 },       { "[\"\\u12g4\"]", 2 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_err err = { 0 };
                assert_int_equal(validate(cases[i].text, strlen(cases[i].text), &err), MV_ESYNTAX);
                if (err.offset != cases[i].offset)
                        fail_msg("%s: offset %zu instead of %zu (%s)", cases[i].text, err.offset,
                                 cases[i].offset, err.message);
        }
}

#define BAD "\xef\xbf\xbd"
static void test_unescape(void **state) {
        (void)state;
        static const struct {
                struct text raw, value;
        } cases[] = {
                { T(""), T("") },
                { T("plain"), T("plain") },
                { T("\\\"\\\\\\/\\b\\f\\n\\r\\t"), T("\"\\/\b\f\n\r\t") },
                { T("a\\u0062c"), T("abc") },
                { T("\\u0000x"), T("\0x") },
                { T("\\u007f\\u0080\\u07ff\\u0800\\uffff"),
                  T("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf") },
                { T("\\u00E9\\u00e9"), T("\xc3\xa9\xc3\xa9") },
                { T("\\uABCD\\uabcd\\uAbCd"), T("\xea\xaf\x8d\xea\xaf\x8d\xea\xaf\x8d") },
                { T("\\ud83d\\ude00"), T("\xf0\x9f\x98\x80") },
                { T("\\uD800\\uDC00"), T("\xf0\x90\x80\x80") },
                { T("\\udbff\\udfff"), T("\xf4\x8f\xbf\xbf") },
                { T("\\ud83d"), T(BAD) },
                { T("\\ude00"), T(BAD) },
                { T("\\ud800"), T(BAD) },
                { T("\\udfff"), T(BAD) },
                { T("\\ud7ff\\ue000"), T("\xed\x9f\xbf\xee\x80\x80") },
                { T("\\ud800\\ue000"), T(BAD "\xee\x80\x80") },
                { T("\\udc00\\udc00"), T(BAD BAD) },
                { T("\\ud83dXude00"), T(BAD "Xude00") },
                { T("\\ud83d\\nde00"), T(BAD "\nde00") },
                { T("\\ud83dx"), T(BAD "x") },
                { T("\\ud83d\\n"), T(BAD "\n") },
                { T("\\ud83d\\u0041"), T(BAD "A") },
                { T("\\ud83d\\ud83d\\ude00"), T(BAD "\xf0\x9f\x98\x80") },
                { T("\\ude00\\ud83d"), T(BAD BAD) },
                { T("\\u005cn"), T("\\n") },
                { T("\\\\u0041"), T("\\u0041") },
                { T("\xc3\xa9\\u0041"), T("\xc3\xa9"
                                          "A") },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct text *raw = &cases[i].raw, *value = &cases[i].value;
                char *out = malloc(raw->n ? raw->n : 1); /* never longer than the raw text */
                struct mv_str copy = text_make(raw->p, raw->n);
                size_t n = mv_scan_unescape((struct mv_str){ copy.p, raw->n }, out);
                if (n != value->n || memcmp(out, value->p, n) != 0)
                        fail_msg("%s: %zu bytes, %.*s", raw->p, n, (int)n, out);
                text_free(copy);
                free(out);
        }
}

static void test_pulling(void **state) {
        (void)state;
        struct mv_str text =
                json_make(" { 'a' : [ 1 , -2.5 , true , null , 'x\\n' , {'skip':[{}]} ] , 'b':{} } ");
        struct mv_scan scan;
        struct mv_scan_string string;
        struct mv_str slice = { 0 };
        bool first = true, inner = true, integer = false, value = false;
        mv_scan_init(&scan, text);
        assert_int_equal(mv_scan_peek(&scan), '{');
        assert_true(mv_scan_object(&scan));
        assert_true(mv_scan_key(&scan, &first, &string));
        assert_str(string.raw, "a");
        assert_false(string.escaped);
        assert_true(mv_scan_array(&scan));
        assert_int_equal(scan.depth, 2);
        assert_true(mv_scan_element(&scan, &inner) && mv_scan_number(&scan, &slice, &integer));
        assert_str(slice, "1");
        assert_true(integer);
        assert_true(mv_scan_element(&scan, &inner) && mv_scan_number(&scan, &slice, &integer));
        assert_str(slice, "-2.5");
        assert_false(integer);
        assert_true(mv_scan_element(&scan, &inner) && mv_scan_bool(&scan, &value));
        assert_true(value);
        assert_true(mv_scan_element(&scan, &inner));
        assert_int_equal(mv_scan_peek(&scan), 'n');
        assert_true(mv_scan_null(&scan));
        assert_true(mv_scan_element(&scan, &inner) && mv_scan_string(&scan, &string));
        assert_str(string.raw, "x\\n");
        assert_true(string.escaped);
        assert_true(mv_scan_element(&scan, &inner) && mv_scan_skip(&scan, &slice));
        assert_str(slice, "{\"skip\":[{}]}");
        assert_false(mv_scan_element(&scan, &inner));
        assert_int_equal(scan.code, 0);
        assert_int_equal(scan.depth, 1);
        assert_true(mv_scan_key(&scan, &first, &string));
        assert_str(string.raw, "b");
        assert_true(mv_scan_skip(&scan, NULL));
        assert_false(mv_scan_key(&scan, &first, &string));
        assert_int_equal(scan.code, 0);
        assert_int_equal(scan.depth, 0);
        assert_true(mv_scan_finish(&scan));
        assert_int_equal(mv_scan_peek(&scan), 0);
        text_free(text);
}

static void test_first_error_is_kept(void **state) {
        (void)state;
        struct mv_str text = json_make("[1, x]");
        struct mv_scan scan;
        struct mv_scan_string string;
        struct mv_str slice = MV_STR("untouched");
        bool first = true, flag = true;
        mv_scan_init(&scan, text);
        assert_false(mv_scan_object(&scan)); /* it is an array */
        assert_int_equal(scan.code, MV_ESYNTAX);
        const char *problem = scan.problem;
        assert_false(mv_scan_array(&scan) || mv_scan_key(&scan, &first, &string) ||
                     mv_scan_element(&scan, &first) || mv_scan_string(&scan, &string) ||
                     mv_scan_number(&scan, &slice, &flag) || mv_scan_bool(&scan, &flag) ||
                     mv_scan_null(&scan) || mv_scan_skip(&scan, &slice) || mv_scan_finish(&scan));
        assert_ptr_equal(scan.problem, problem);
        assert_str(slice, "untouched");
        assert_false(mv_scan_fail(&scan, MV_ELIMIT, "later"));
        assert_int_equal(scan.code, MV_ESYNTAX);
        text_free(text);
}

static void test_skip_in_the_middle(void **state) {
        (void)state;
        /* The text is a part of a larger one: nothing behind its end counts. */
        struct mv_str text = json_make("[{'a':1} , 2]");
        const struct mv_str part = { text.p + 1, 7 };
        assert_int_equal(mv_json_validate(part, NULL), 0);
        text_free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepts),
                cmocka_unit_test(test_rejects),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_truncation),
                cmocka_unit_test(test_padding),
                cmocka_unit_test(test_positions),
                cmocka_unit_test(test_unescape),
                cmocka_unit_test(test_pulling),
                cmocka_unit_test(test_first_error_is_kept),
                cmocka_unit_test(test_skip_in_the_middle),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
