/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml.h"

#include "policy/object/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* All documents of text, JSON joined by spaces; or "CODE LINE:COLUMN MESSAGE" of the error. Every JSON
 * text is valid and padded. To be freed. */
static char *convert_with(struct mv_str text, const struct mv_yaml_limits *limits) {
        struct mv_yaml *yaml;
        struct mv_err err = { 0 };
        char *out = NULL;
        size_t size;
        FILE *f = open_memstream(&out, &size);
        assert_non_null(f);
        assert_int_equal(mv_yaml_new(&mv_allocator_system, text, limits, &yaml, &err), 0);
        for (int n = 0;; n++) {
                struct mv_str json = { "untouched", 9 };
                int r = mv_yaml_next(yaml, &json, &err);
                if (r) {
                        assert_int_equal(r, err.code);
                        assert_string_equal(json.p, "untouched");
                        fprintf(f, "%s%d %u:%u %s", n ? " " : "", r, err.line, err.column, err.message);
                        assert_int_equal(mv_yaml_next(yaml, &json, NULL), r);
                        break;
                }
                if (!json.p)
                        break;
                assert_int_equal(mv_json_validate(json, NULL), 0);
                for (int i = 0; i < 8; i++)
                        assert_int_equal(json.p[json.n + (size_t)i], 0);
                fprintf(f, "%s%.*s", n ? " " : "", MV_STR_ARG(json));
        }
        fclose(f);
        mv_yaml_free(yaml);
        return out;
}

static char *convert(const char *text) {
        return convert_with(mv_str_from(text), NULL);
}

struct row {
        const char *yaml, *json;
};

static void check_rows(const struct row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char *json = convert(rows[i].yaml);
                if (strcmp(json, rows[i].json) != 0)
                        fail_msg("`%s` is %s, not %s", rows[i].yaml, json, rows[i].json);
                free(json);
        }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* --- scalars: the table was made with sigs.k8s.io/yaml 1.6.0 --- */

static void test_booleans(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "[y, Y, yes, Yes, YES, on, On, ON, true, True, TRUE]",
                  "[true,true,true,true,true,true,true,true,true,true,true]" },
                { "[n, N, no, No, NO, off, Off, OFF, false, False, FALSE]",
                  "[false,false,false,false,false,false,false,false,false,false,false]" },
                { "[yEs, tRUE, oN, nO, oFF, fALSE, yess, t]",
                  "[\"yEs\",\"tRUE\",\"oN\",\"nO\",\"oFF\",\"fALSE\",\"yess\",\"t\"]" },
        };
        CHECK_ROWS(rows);
}

static void test_nulls(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "a:\nb: ~\nc: null\nd: Null\ne: NULL",
                  "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":null}" },
                { "- nULL\n- ''\n- ~x", "[\"nULL\",\"\",\"~x\"]" },
        };
        CHECK_ROWS(rows);
}

static void test_integers(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "[0, 1, -1, +1, 00, -0, +0, 1234567890123]", "[0,1,-1,1,0,0,0,1234567890123]" },
                { "[017, 0o17, 0O17, 0777, -017, +017]", "[15,15,15,511,-15,15]" },
                { "[08, 09, 0_8]", "[8,9,8]" },
                { "[0x1F, 0X1f, -0x1F, 0xffffffffffffffff]", "[31,31,-31,18446744073709551615]" },
                { "[0b101, 0B101, -0b101, +0b11, 0b_1]", "[5,5,-5,3,1]" },
                { "[1_000, 1__0, 5432_, 0x_1, -_5]", "[1000,10,5432,1,-5]" },
                { "[_1, 0o, 0x, 0b, 0b2, 0o8, 0x-1, 0xg]",
                  "[\"_1\",\"0o\",\"0x\",\"0b\",\"0b2\",\"0o8\",\"0x-1\",\"0xg\"]" },
                { "[0b-1, 0b+1, -0b-1, 0b-2]", "[-1,1,\"-0b-1\",\"0b-2\"]" },
                { "[9223372036854775807, -9223372036854775808, 9223372036854775808, 18446744073709551615]",
                  "[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615]" },
                { "[18446744073709551616, -9223372036854775809, +9223372036854775808]",
                  "[18446744073709552000,-9223372036854776000,9223372036854776000]" },
                { "[0x10000000000000000, -0x8000000000000001]",
                  "[\"0x10000000000000000\",\"-0x8000000000000001\"]" },
        };
        CHECK_ROWS(rows);
}

static void test_floats(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "[1e3, 1E3, 12e03, 1.5e+3, 1.0, 1., .5, -.5, +.5, 1_2.5, 1_e3]",
                  "[1000,1000,12000,1500,1,1,0.5,-0.5,0.5,12.5,1000]" },
                { "[0.0, -0.0, 1.10, 100.0, 0.1, 123456.75]", "[0,-0,1.1,100,0.1,123456.75]" },
                { "[1e20, 1e21, 1e-6, 1e-7, 123e-20, 1.5e300]",
                  "[100000000000000000000,1e+21,0.000001,1e-7,1.23e-18,1.5e+300]" },
                { "[5.684341886080802e-14, 4.9406564584124654e-324, 1.7976931348623157e308, 0.30000000000000004]",
                  "[5.684341886080802e-14,5e-324,1.7976931348623157e+308,0.30000000000000004]" },
                { "[1e400, -1e400, .5e999, 1e-400]", "[\"1e400\",\"-1e400\",\".5e999\",0]" },
                { "[.5_0, .5_, ._5, .5__0, .5e3, .5e, .e5, ., .., 1e, 1e+, 1.5.5, -, +]",
                  "[0.5,\".5_\",\"._5\",\".5__0\",500,\".5e\",\".e5\",\".\",\"..\",\"1e\",\"1e+\",\"1.5.5\",\"-\",\"+\"]" },
                { "a: .inf", "-4 1:4 .inf is no number that JSON has" },
                { "- 1\n- -.Inf", "-4 2:3 -.Inf is no number that JSON has" },
                { "a: +.INF", "-4 1:4 +.INF is no number that JSON has" },
                { "a: .NaN", "-4 1:4 .NaN is no number that JSON has" },
                { "[.iNf, .nAN, inf, NaN]", "[\".iNf\",\".nAN\",\"inf\",\"NaN\"]" },
        };
        CHECK_ROWS(rows);
}

static void test_texts(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "[2001-01-01, 2001-12-14t21:59:43.10-05:00, 1:30, '190:20:30', 1Gi, =, <<, a-b]",
                  "[\"2001-01-01\",\"2001-12-14t21:59:43.10-05:00\",\"1:30\",\"190:20:30\",\"1Gi\",\"=\",\"<<\",\"a-b\"]" },
                { "['y', \"1\", 'null', \"~\", '0x1', \"1.5\", '']",
                  "[\"y\",\"1\",\"null\",\"~\",\"0x1\",\"1.5\",\"\"]" },
                { "a: |\n  12\n", "{\"a\":\"12\\n\"}" },
                { "a: >-\n  yes\n", "{\"a\":\"yes\"}" },
                { "a: \"\\0\\x01\\t\\n\\r\\\"\\\\ \\u00e9\\U0001f600\"",
                  "{\"a\":\"\\u0000\\u0001\\t\\n\\r\\\"\\\\ \xc3\xa9\xf0\x9f\x98\x80\"}" },
                { "a: 'it''s'", "{\"a\":\"it's\"}" },
                { "a: \"\\ud83d\\ude00\"",
                  "-3 1:7 found invalid Unicode character escape code (while parsing a quoted scalar that begins on line 1)" },
        };
        CHECK_ROWS(rows);
}

static void test_tags(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "[!!str 1, !!str yes, !!int '3', !!int 0x10, !!bool 'yes', !!float 3, !!float '1.5', !!null '']",
                  "[\"1\",\"yes\",3,16,true,3,1.5,null]" },
                { "[!foo 12, !!foo 12, !<tag:yaml.org,2002:int> '7', ! 3, ! '3']",
                  "[\"12\",\"12\",7,\"3\",\"3\"]" },
                { "[!!binary aGk=, !!binary /w==, !!binary '']", "[\"hi\",\"\xef\xbf\xbd\",\"\"]" },
                { "a: !!binary |\n  aG\n  k=\n", "{\"a\":\"hi\"}" },
                { "a: !!binary aGk", "-4 1:4 !!binary value contains invalid base64 data" },
                { "a: !!binary aG=k", "-4 1:4 !!binary value contains invalid base64 data" },
                { "a: !!binary a=k=", "-4 1:4 !!binary value contains invalid base64 data" },
                { "a: !!int 1.5", "-4 1:4 cannot decode `1.5` as a !!int" },
                { "a: !!int x", "-4 1:4 cannot decode `x` as a !!int" },
                { "a: !!bool 1", "-4 1:4 cannot decode `1` as a !!bool" },
                { "a: !!float 18446744073709551615",
                  "-4 1:4 cannot decode `18446744073709551615` as a !!float" },
                { "a: !!null x", "-4 1:4 cannot decode `x` as a !!null" },
                { "[!!timestamp 2001-01-01]", "[\"2001-01-01\"]" },
                { "a: !!timestamp x", "-4 1:4 cannot decode `x` as a !!timestamp" },
                { "a: !!set {x, w}\nb: !!str [1]", "{\"a\":{\"x\":null,\"w\":null},\"b\":[1]}" },
                { "%TAG !y! tag:yaml.org,2002:\n---\na: !y!int '3'", "{\"a\":3}" },
        };
        CHECK_ROWS(rows);
}

/* --- mappings --- */

static void test_keys(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "on: x\n1: a\n0x10: b\n1.5: c\n2001-01-01: d\n'2': e",
                  "{\"true\":\"x\",\"1\":\"a\",\"16\":\"b\",\"1.5\":\"c\",\"2001-01-01\":\"d\",\"2\":\"e\"}" },
                { "{1e6: a, 1e5: b, 0.00001: c, 3.14159265358979: d, 1e39: e, -.inf: f, .nan: g, 0.0001: h}",
                  "{\"1e+06\":\"a\",\"100000\":\"b\",\"1e-05\":\"c\",\"3.1415927\":\"d\",\".inf\":\"e\",\"-.inf\":\"f\",\".nan\":\"g\","
                  "\"0.0001\":\"h\"}" },
                { "~: 1", "-4 1:1 a key cannot be null" },
                { "? \n: 1", "-4 1:2 a key cannot be null" },
                { "? [a]\n: 1", "-4 1:3 a key cannot be a list or a mapping" },
                { "a: 1\n? {b: 1}\n: 1", "-4 2:3 a key cannot be a list or a mapping" },
                { "18446744073709551615: a", "-4 1:1 a key cannot be an integer of that size" },
                { "!!int x: a", "-4 1:1 cannot decode `x` as a !!int" },
                { "&k 1: x\nb: *k\nc: &l z\n*l : 3", "{\"1\":\"x\",\"b\":1,\"c\":\"z\",\"z\":3}" },
                { "\"a\\nb\": 1", "{\"a\\nb\":1}" },
        };
        CHECK_ROWS(rows);
}

static void test_duplicates(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "a: 1\nb: 2\n\n\na: 3\n", "-3 5:1 key \"a\" is already set on line 1" },
                { "x:\n  1: a\n  '1': b\n", "-3 3:3 key \"1\" is already set on line 2" },
                { "on: 1\n'true': 2", "-3 2:1 key \"true\" is already set on line 1" },
                { "a: 1\nb: 2\nb: 3\na: 4\na: 5", "-3 3:1 key \"b\" is already set on line 2" },
                { "a: 1\na: 2\na: 3", "-3 2:1 key \"a\" is already set on line 1" },
                { "\"a\\nb\": 1\n\"a\\nb\": 2", "-3 2:1 key \"a b\" is already set on line 1" },
        };
        CHECK_ROWS(rows);
}

static void test_merges(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "x: &x {k: 1, j: 2}\na: {k: 5, <<: *x}",
                  "{\"x\":{\"k\":1,\"j\":2},\"a\":{\"k\":1,\"j\":2}}" },
                { "x: &x {k: 1, j: 2}\na: {<<: *x, k: 5}",
                  "{\"x\":{\"k\":1,\"j\":2},\"a\":{\"j\":2,\"k\":5}}" },
                { "x: &x {k: 1}\nz: &y {k: 2, l: 3}\na: {<<: [*x, *y]}\nb: {<<: [*y, *x]}",
                  "{\"x\":{\"k\":1},\"z\":{\"k\":2,\"l\":3},\"a\":{\"l\":3,\"k\":1},\"b\":{\"k\":2,\"l\":3}}" },
                { "<<: {a: 1}\nb: 2", "{\"a\":1,\"b\":2}" },
                { "<<: {a: 1}\n<<: {a: 2}", "{\"a\":2}" },
                { "x: &x {<<: {a: 1}, b: 2}\nz: {<<: *x}",
                  "{\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":2}}" },
                { "a: {<<: 5}", "-4 1:9 a merge (<<) takes a mapping or a list of mappings" },
                { "a: {<<: }", "-4 1:9 a merge (<<) takes a mapping or a list of mappings" },
                { "a: {<<: [{b: 1}, 5]}", "-4 1:18 a merge (<<) takes a mapping or a list of mappings" },
                { "x: &x [{b: 1}]\na: {<<: *x}",
                  "-4 2:9 a merge (<<) takes a mapping or a list of mappings" },
                { "a: {'<<': 5, b: {!!str <<: 6}}", "{\"a\":{\"<<\":5,\"b\":{\"<<\":6}}}" },
                { "a: {!!merge '<<': {b: 1}}", "{\"a\":{\"b\":1}}" },
                { "x: &x {a: 1}\ny: {<<: *x, a: 2, a: 3}", "-3 2:19 key \"a\" is already set on line 2" },
                { "x: &x {1: a}\nz: {<<: *x, '1': b}", "{\"x\":{\"1\":\"a\"},\"z\":{\"1\":\"b\"}}" },
        };
        CHECK_ROWS(rows);
}

static void test_anchors(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "a: &a 1\nb: *a\nc: &a 2\nd: *a", "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}" },
                { "- &m {a: [1, 2]}\n- *m", "[{\"a\":[1,2]},{\"a\":[1,2]}]" },
                { "a: &a [&a 1, *a]", "{\"a\":[1,1]}" },
                { "a: *b", "-3 1:4 there is no anchor 'b'" },
                { "a: &a [*a]", "-3 1:8 the value of anchor 'a' contains itself" },
                { "a: &a\n  <<: *a", "-3 2:7 the value of anchor 'a' contains itself" },
                { "a: &a 1\n---\nb: *a", "{\"a\":1} -3 3:4 there is no anchor 'a'" },
        };
        CHECK_ROWS(rows);
}

static void test_many_anchors(void **state) {
        (void)state;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        for (int i = 0; i < 500; i++)
                fprintf(f, "- &a%d %d\n", i, i);
        fputs("- [*a0, *a15, *a16, *a499, *a17]\n", f);
        fclose(f);
        char *json = convert(text);
        assert_non_null(strstr(json, ",499,[0,15,16,499,17]]"));
        free(json);
        free(text);
}

/* --- streams --- */

static void test_documents(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "", "" },
                { "# only a comment\n", "" },
                { "---\n---\n", "" },
                { "---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\n~\n--- c\n", "{\"a\":1} {\"b\":2} \"c\"" },
                { "%YAML 1.1\n---\na: 1", "{\"a\":1}" },
                { "a: 1\n---\nb: 2\n...\n%YAML 1.2\n---\nc: 3",
                  "{\"a\":1} {\"b\":2} -3 5:1 found incompatible YAML document (%YAML 1.2; only 1.1 is read)" },
                { "\xef\xbb\xbf"
                  "a: 1\r\nb:\r\n- 2\r\n",
                  "{\"a\":1,\"b\":[2]}" },
                { "[1, 2]", "[1,2]" },
                { "text", "\"text\"" },
                { "a:\t1\nb: [1,\t2]", "{\"a\":1,\"b\":[1,2]}" },
        };
        CHECK_ROWS(rows);
        char *json = convert_with(MV_STR("\xff\xfe"
                                         "a\0:\0 \0\xe9\0"),
                                  NULL);
        assert_string_equal(json, "{\"a\":\"\xc3\xa9\"}");
        free(json);
}

static void test_syntax_errors(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "a: [1,\nb: 2\n",
                  "-3 3:1 did not find expected ',' or ']' (while parsing a flow sequence that begins on line 1)" },
                { "a: 1\n b: 2\n", "-3 2:3 mapping values are not allowed in this context" },
                { "\ta: 1",
                  "-3 1:1 found character that cannot start any token (while scanning for the next token that begins on line 1)" },
                { "a: @b",
                  "-3 1:4 found character that cannot start any token (while scanning for the next token that begins on line 1)" },
                { "a: 1\nb: \xc3\xa9\xff\n", "-3 2:5 invalid leading UTF-8 octet (#xFF)" },
                { "a: 1\n\nb\xc3\xa9: \x01\n", "-3 3:5 control characters are not allowed (#x01)" },
        };
        CHECK_ROWS(rows);
        char *json = convert_with(MV_STR("ab: \0"), NULL);
        assert_string_equal(json, "-3 1:5 control characters are not allowed (#x00)");
        free(json);
}

/* --- limits --- */

static char *nested(int depth) {
        char *text = calloc(1, (size_t)depth * 2 + 1);
        assert_non_null(text);
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        return text;
}

static void test_depth(void **state) {
        (void)state;
        char *text = nested(64), *json = convert(text);
        assert_string_equal(json, text);
        free(json);
        free(text);
        text = nested(65);
        json = convert(text);
        assert_string_equal(json, "-5 1:65 nested deeper than 64 levels");
        free(json);
        free(text);
        text = nested(50000); /* quadratic, when it is read to its end */
        json = convert(text);
        assert_string_equal(json, "-5 1:65 nested deeper than 64 levels");
        free(json);
        free(text);

        /* By aliases: each level adds one. */
        size_t size;
        FILE *f = open_memstream(&text, &size);
        fputs("a0: &a0 []\n", f);
        for (int i = 1; i < 70; i++)
                fprintf(f, "a%d: &a%d [*a%d]\n", i, i, i - 1);
        fclose(f);
        json = convert(text);
        assert_string_equal(json, "-5 64:12 nested deeper than 64 levels");
        free(json);
        free(text);
}

static void test_bombs(void **state) {
        (void)state;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        fputs("a0: &a0 [lol, lol]\n", f);
        for (int i = 1; i < 30; i++)
                fprintf(f, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1);
        fclose(f);
        char *json = convert(text);
        assert_non_null(strstr(json, "-5 "));
        assert_non_null(
                strstr(json, "aliases and merges make too much of the document (more than 100000 nodes)"));
        free(json);
        free(text);

        /* Merges copy entries before anything is written. */
        f = open_memstream(&text, &size);
        fputs("x: &x {", f);
        for (int i = 0; i < 1000; i++)
                fprintf(f, "k%d: 1, ", i);
        fputs("}\ny: {<<: [", f);
        for (int i = 0; i < 1000; i++)
                fputs("*x, ", f);
        fputs("]}\n", f);
        fclose(f);
        json = convert(text);
        assert_non_null(strstr(json, "aliases and merges make too much"));
        free(json);
        free(text);

        f = open_memstream(&text, &size);
        fputs("x: &x {", f);
        for (int i = 0; i < 1000; i++)
                fprintf(f, "k%d: 1, ", i);
        fputs("}\ny: {", f);
        for (int i = 0; i < 1000; i++)
                fputs("<<: *x, ", f);
        fputs("}\n", f);
        fclose(f);
        json = convert(text);
        assert_non_null(strstr(json, "aliases and merges make too much"));
        free(json);
        free(text);

        struct mv_yaml_limits limits = { .nodes = 5 };
        json = convert_with(MV_STR("a: 1\nb: 2\n"), &limits);
        assert_string_equal(json, "{\"a\":1,\"b\":2}");
        free(json);
        json = convert_with(MV_STR("a: 1\nb: 2\nc: 3"), &limits);
        assert_string_equal(json, "-5 3:1 the document has more than 5 nodes");
        free(json);
        limits = (struct mv_yaml_limits){ .expanded = 3 };
        json = convert_with(MV_STR("[&a [1, 2], *a]"), &limits);
        assert_string_equal(json, "[[1,2],[1,2]]");
        free(json);
        json = convert_with(MV_STR("[&a [1, 2], *a, *a]"), &limits);
        assert_string_equal(json,
                            "-5 1:17 aliases and merges make too much of the document (more than 3 nodes)");
        free(json);
        limits = (struct mv_yaml_limits){ .bytes = 9 };
        json = convert_with(MV_STR("['12345']"), &limits);
        assert_string_equal(json, "[\"12345\"]");
        free(json);
        json = convert_with(MV_STR("['123456']"), &limits);
        assert_string_equal(json, "-5 1:1 the document is larger than 9 bytes");
        free(json);
}

/* --- places --- */

static void test_locate(void **state) {
        (void)state;
        static const char text[] =
                "# c\nspec: &s\n  name: x\n  list: [a, \xc3\xa9, b]\nother:\n  <<: *s\n  m: 1\n";
        struct mv_yaml *yaml;
        struct mv_str json;
        assert_int_equal(mv_yaml_new(&mv_allocator_system, MV_STR(text), NULL, &yaml, NULL), 0);
        assert_int_equal(mv_yaml_next(yaml, &json, NULL), 0);
        assert_string_equal(json.p,
                            "{\"spec\":{\"name\":\"x\",\"list\":[\"a\",\"\xc3\xa9\",\"b\"]},"
                            "\"other\":{\"name\":\"x\",\"list\":[\"a\",\"\xc3\xa9\",\"b\"],\"m\":1}}");
        static const struct {
                const char *at;
                unsigned line, column;
        } rows[] = {
                { "\"spec\"", 2, 1 }, { "{\"name\"", 2, 7 }, { "\"name\"", 3, 3 },  { "\"x\"", 3, 9 },
                { "[\"a\"", 4, 9 },   { "\"b\"", 4, 16 },    { "\"other\"", 5, 1 }, { "\"m\":", 7, 3 },
                { "1}}", 7, 6 },      { "ther\"", 5, 1 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                const char *at = strstr(json.p, rows[i].at);
                unsigned line, column;
                assert_non_null(at);
                mv_yaml_locate(yaml, (size_t)(at - json.p), &line, &column);
                assert_int_equal(line, rows[i].line);
                assert_int_equal(column, rows[i].column);
        }
        mv_yaml_free(yaml);
        assert_null(mv_yaml_free(NULL));
}

static void test_text_locate(void **state) {
        (void)state;
        static const struct {
                struct mv_str text;
                size_t offset;
                unsigned line, column;
        } rows[] = {
                { { "abc", 3 }, 0, 1, 1 },
                { { "abc", 3 }, 99, 1, 4 },
                { { "a\nb\xc3\xa9x", 6 }, 5, 2, 3 },
                { { "\xef\xbb\xbf"
                    "ab",
                    5 },
                  4,
                  1,
                  2 },
                { { "\xff\xfe"
                    "a\0\n\0b\0c\0",
                    10 },
                  8,
                  2,
                  2 },
                { { "\xfe\xff\0a\0\n\0b\0c", 10 }, 8, 2, 2 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                unsigned line, column;
                mv_text_locate(rows[i].text, rows[i].offset, &line, &column);
                assert_int_equal(line, rows[i].line);
                assert_int_equal(column, rows[i].column);
        }
}

/* --- memory --- */

struct scarce {
        long left;
        long live;
};

static void *scarce_allocate(void *context, size_t size) {
        struct scarce *s = context;
        if (s->left-- <= 0)
                return NULL;
        s->live++;
        return malloc(size);
}

static void scarce_release(void *context, void *memory) {
        if (memory)
                ((struct scarce *)context)->live--;
        free(memory);
}

static void out_of_memory_with(const char *text) {
        int reached = 0;
        for (long n = 0; !reached; n++) {
                struct scarce scarce = { .left = n };
                struct mv_allocator allocator = { scarce_allocate, scarce_release, &scarce };
                struct mv_yaml *yaml = NULL;
                struct mv_err err = { 0 };
                struct mv_str json;
                int r = mv_yaml_new(&allocator, mv_str_from(text), NULL, &yaml, &err);
                if (!r)
                        r = mv_yaml_next(yaml, &json, &err);
                reached = r == 0;
                if (r) {
                        assert_int_equal(r, MV_ENOMEM);
                        assert_int_equal(err.code, MV_ENOMEM);
                }
                mv_yaml_free(yaml);
                assert_int_equal(scarce.live, 0);
                assert_true(n < 100);
        }
}

static void test_out_of_memory(void **state) {
        (void)state;
        out_of_memory_with("a: &a {b: [1, 0x10], 1.5: c}\nd: {<<: [*a], e: !!binary aGk=}\n");
        out_of_memory_with("items: [{b: [1, 0x10]}, {c: !!binary aGk=}]\nkind: x\n");
        out_of_memory_with("items: [{b: 1}, &a 2, *a]\nkind: x\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_booleans),      cmocka_unit_test(test_nulls),
                cmocka_unit_test(test_integers),      cmocka_unit_test(test_floats),
                cmocka_unit_test(test_texts),         cmocka_unit_test(test_tags),
                cmocka_unit_test(test_keys),          cmocka_unit_test(test_duplicates),
                cmocka_unit_test(test_merges),        cmocka_unit_test(test_anchors),
                cmocka_unit_test(test_many_anchors),  cmocka_unit_test(test_documents),
                cmocka_unit_test(test_syntax_errors), cmocka_unit_test(test_depth),
                cmocka_unit_test(test_bombs),         cmocka_unit_test(test_locate),
                cmocka_unit_test(test_text_locate),   cmocka_unit_test(test_out_of_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
