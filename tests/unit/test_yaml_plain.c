/* SPDX-License-Identifier: Apache-2.0 */
/* What is read without libyaml means what libyaml makes of it; a byte order mark makes the reader use libyaml. */
#include "policy/object/yaml_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MARK "\xef\xbb\xbf"

/* All documents: their JSON, and the place of each of its bytes; or the error. *ret_alone: libyaml was not needed. To be
 * freed. */
static char *read_all(const char *text, const struct mv_yaml_limits *limits, bool *ret_alone) {
        struct mv_yaml *yaml;
        struct mv_err err = { 0 };
        struct mv_str json;
        char *out = NULL;
        size_t size;
        FILE *f = open_memstream(&out, &size);
        assert_non_null(f);
        assert_int_equal(mv_yaml_new(&mv_allocator_system, mv_str_from(text), limits, &yaml, NULL), 0);
        while (mv_yaml_next(yaml, &json, &err) == 0 && json.p) {
                fprintf(f, "%s\n", json.p);
                for (size_t i = 0; i < json.n; i++) {
                        unsigned line, column;
                        mv_yaml_locate(yaml, i, &line, &column);
                        fprintf(f, " %u:%u", line, column);
                }
                putc('\n', f);
        }
        if (err.code)
                fprintf(f, "%d %u:%u %s\n", err.code, err.line, err.column, err.message);
        fclose(f);
        if (ret_alone)
                *ret_alone = !yaml->parsing;
        mv_yaml_free(yaml);
        return out;
}

static void check_text(const char *text, const struct mv_yaml_limits *limits, bool alone) {
        char marked[4096];
        assert_true((size_t)snprintf(marked, sizeof marked, MARK "%s", text) < sizeof marked);
        bool was_alone;
        char *plain = read_all(text, limits, &was_alone), *parsed = read_all(marked, limits, NULL);
        if (strcmp(plain, parsed) != 0)
                fail_msg("`%s` is\n%s, not\n%s", text, plain, parsed);
        if (was_alone != alone)
                fail_msg("`%s` is read %s libyaml", text, was_alone ? "without" : "by");
        free(plain);
        free(parsed);
}

static void test_plain(void **state) {
        (void)state;
        static const char *const texts[] = {
                "a: b",
                "a: b\n",
                "# c\n\n  # d\na: b # e\n# f",
                "---\na: b\n---\n",
                "# c\n---\n\n--- # d\n---\na: b\n---   \n\nc: d\n--- \n# e\n",
                "",
                "\n\n",
                "---",
                "a:\n  b:\n    c: d\n    e: f\n  g: h\ni: j",
                "a:\nb:\n  c:\n  d: # e\nf:",
                "a:\n- b\n- c: d\n  e: f\n-\n- - g\n  - h\n-\n  i: j\nk:\n  - l\n  -   m:  n\n      o: p\n",
                "- a\n-   b\n- c: d\n-\n  - e\n",
                "  a: b\n  c: d\n",
                "a: {}\nb: []   # c\nd:\n- {}\n- []\n",
                "a: 'b'\nc: \"d e\" # f\ng: ''\nh: \"'\"\ni: '\"\\'\n",
                "a: yes\nb: 017\nc: 1_000\nd: -1.5\ne: ~\nf: null\ng: 1:30\nh: .5\ni: +3\nj: 0x1F\nk: 1e400\n",
                "a: b#c #d\ne: f:g\nh: i, j [k] {l} 'm' \"n\"   \no: http://p:1/\nq: r -s\n",
                "kubevirt.io/a-b_c: d\n_e: f\nNo-: g\nfalsey: h\n",
                "a: |\n  b\n   c\n\n\n  d: e # f\n\ng: h\n",
                "a: |-\n    b \"c\\\n    d\n\n\nb:\n- |\n e\n- |-\n  f\n",
                "a:\n- b: |\n   c\n  d: e\n",
                "a: |\n  b\n# c\nd: e\n",
                "a: |-\n  b\n\n---\nc: d\n",
        };
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                check_text(texts[i], NULL, true);
}

static void test_other(void **state) {
        (void)state;
        static const char *const texts[] = {
                "a",
                "- \n  a\n",
                "'a': b",
                "a: b\n...\n",
                "a: b\n---\n%x: c\n",
                "--- a\n",
                "%YAML 1.1\n---\na: b\n",
                "a:\tb\n",
                "a: b\r\n",
                "a: \xc3\xa9\n",
                "a: b\n---\nc: \xc3\xa9\n",
                "a: &b c\nd: *b\n",
                "a: !!str 1\n",
                "a: >\n  b\n",
                "a: |+\n  b\n\n",
                "a: |2\n   b\n",
                "a: | # b\n  c\n",
                "a: |\n\n  b\n",
                "a: |\n  b\n   \n  c\n",
                "a: |\n  b",
                "a: |\nb: c\n",
                "a: |\n  b\n c\n",
                "a: |",
                "a: 'b''c'\n",
                "a: \"\\n\"\n",
                "a: \"b\n  c\"\n",
                "a: 'b' c\n",
                "a: 'b'#c\n",
                "a: {b: c}\n",
                "a: [b]\n",
                "a: {}}\n",
                "a: b: c\n",
                "a: b:\n",
                "a: b\n  c\n",
                "a: 'b'\n  c\n",
                "a:\n  b\n",
                "a: - b\n",
                "a: -\n",
                "a: ? b\n",
                "a: <<\n",
                "a: @b\n",
                "a : b\n",
                "a: b\nc\n",
                "a: b\n- c\n",
                "- a\n b\n",
                "- a\nb: c\n",
                "- - a\n - b\n",
                "-a\n",
                "a:\n    b: c\n  d: e\n",
                "a:\n  b: c\n d: e\n",
                "  a: b\nc: d\n",
                "a: b\nc: d\na: e\n",
                "y: a\n",
                "Null: a\n",
                "1: a\n",
                ".5: a\n",
                "<<: a\n",
                "a: .inf\n",
                "a: .inf\n  b\n---\nc: d\n",
                "a:\n- b\n-c\n",
        };
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                check_text(texts[i], NULL, false);
}

static void test_limits(void **state) {
        (void)state;
        static const struct mv_yaml_limits nodes = { .nodes = 5 }, depth = { .depth = 2 },
                                           bytes = { .bytes = 9 };
        check_text("a: b\nc: d\n", &nodes, true);
        check_text("a: b\nc: d\n---\na: b\nc: d\n", &nodes, true);
        check_text("a: b\nc: d\ne: f\n", &nodes, false);
        check_text("a:\n- b\n", &depth, true);
        check_text("a:\n- {}\n", &depth, false);
        check_text("a:\n- b: c\n", &depth, false);
        check_text("- a:\n  - b\n", &depth, false);
        check_text("a: b\n", &bytes, true);
        check_text("a: bcd\n", &bytes, false);
}

/* Longer mappings are read by libyaml, which compares keys in another way. */
static void test_many_keys(void **state) {
        (void)state;
        char text[2048];
        for (int n = 64; n <= 65; n++) {
                size_t at = 0;
                for (int i = 0; i < n; i++)
                        at += (size_t)snprintf(text + at, sizeof text - at, "k%d: %d\n", i, i);
                check_text(text, NULL, n == 64);
        }
}

static void test_lines_before(void **state) {
        (void)state;
        struct mv_yaml *yaml;
        struct mv_str json;
        unsigned line, column;
        assert_int_equal(mv_yaml_new(&mv_allocator_system, MV_STR("a: b\n---\n'c': d"), NULL, &yaml, NULL),
                         0);
        mv_yaml_set_lines_before(yaml, 10);
        assert_int_equal(mv_yaml_next(yaml, &json, NULL), 0);
        mv_yaml_locate(yaml, 0, &line, &column);
        assert_int_equal(line, 11);
        assert_int_equal(mv_yaml_next(yaml, &json, NULL), 0);
        assert_string_equal(json.p, "{\"c\":\"d\"}");
        mv_yaml_locate(yaml, 0, &line, &column);
        assert_int_equal(line, 13);
        mv_yaml_free(yaml);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),        cmocka_unit_test(test_other),
                cmocka_unit_test(test_limits),       cmocka_unit_test(test_many_keys),
                cmocka_unit_test(test_lines_before),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
