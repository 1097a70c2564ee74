/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items are written one by one while they are read, which nobody may notice: each text is read once more with another name
 * of the items, so that it is read as a whole.
 */
#include "policy/object/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Another name that is as long, or back. */
static void rename_items(char *text, const char *from, char to) {
        for (char *at = text; (at = strstr(at, from));)
                at[4] = to;
}

static bool same_place(const struct mv_yaml *a, const struct mv_yaml *b, size_t offset) {
        unsigned lines[2], columns[2];
        mv_yaml_locate(a, offset, &lines[0], &columns[0]);
        mv_yaml_locate(b, offset, &lines[1], &columns[1]);
        return lines[0] == lines[1] && columns[0] == columns[1];
}

/* Read on in both, to the same effect. Prints it; true when there is more. */
static bool read_both(FILE *f, struct mv_yaml *yaml, struct mv_yaml *whole) {
        struct mv_err x = { 0 }, y = { 0 };
        struct mv_str json = { 0 }, other = { 0 };
        int r = mv_yaml_next(yaml, &json, &x);
        assert_int_equal(r, mv_yaml_next(whole, &other, &y));
        if (r) {
                rename_items(y.message, "itemz", 's');
                assert_string_equal(x.message, y.message);
                assert_int_equal(x.line, y.line);
                assert_int_equal(x.column, y.column);
                fprintf(f, "%u:%u %s", x.line, x.column, x.message);
                return false;
        }
        assert_int_equal(json.n, other.n);
        if (!json.p)
                return false;
        char *renamed = strdup(other.p);
        assert_non_null(renamed);
        rename_items(renamed, "itemz", 's');
        assert_string_equal(json.p, renamed);
        free(renamed);
        for (size_t i = 0; i < json.n; i++)
                assert_true(same_place(yaml, whole, i));
        fprintf(f, "%s ", json.p);
        return true;
}

static void check(const char *text, const struct mv_yaml_limits *limits, const char *want) {
        char *renamed = strdup(text), *out = NULL;
        size_t size;
        FILE *f = open_memstream(&out, &size);
        assert_non_null(f);
        assert_non_null(renamed);
        rename_items(renamed, "items", 'z');
        struct mv_yaml *yaml, *whole;
        assert_int_equal(mv_yaml_new(&mv_allocator_system, mv_str_from(text), limits, &yaml, NULL), 0);
        assert_int_equal(mv_yaml_new(&mv_allocator_system, mv_str_from(renamed), limits, &whole, NULL), 0);
        while (read_both(f, yaml, whole))
                ;
        fclose(f);
        if (!strstr(out, want))
                fail_msg("%s\ngives: %s", text, out);
        mv_yaml_free(yaml);
        mv_yaml_free(whole);
        free(renamed);
        free(out);
}

struct row {
        const char *yaml, *want; /* all of its JSON, or what is in the error */
        struct mv_yaml_limits limits;
};

static void check_rows(const struct row *rows, size_t n) {
        for (size_t i = 0; i < n; i++)
                check(rows[i].yaml, &rows[i].limits, rows[i].want);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_items(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "kind: List\nitems:\n- a: 1\n- b: [2, {c: x}]\n- 3\n",
                  "{\"kind\":\"List\",\"items\":[{\"a\":1},{\"b\":[2,{\"c\":\"x\"}]},3]}",
                  { 0 } },
                { "items:\n- {items: [1, 2]}\n- items\nkind: List",
                  "{\"items\":[{\"items\":[1,2]},\"items\"],\"kind\":\"List\"}",
                  { 0 } },
                { "{\"items\": [[], {}, ~], 1: {items: [1]}}",
                  "{\"items\":[[],{},null],\"1\":{\"items\":[1]}}",
                  { 0 } },
                { "items: []\n---\nitems: [1]\n---\nitems: {a: 1}\n---\nitems:\n",
                  "{\"items\":[]} {\"items\":[1]} {\"items\":{\"a\":1}} {\"items\":null}",
                  { 0 } },
                { "!!str items: [1]\n'x': 2", "{\"items\":[1],\"x\":2}", { 0 } },
                { "- items: [1]\n- [items, [2]]", "[{\"items\":[1]},[\"items\",[2]]]", { 0 } },
                { "? items\n: [1]\n? b\n", "{\"items\":[1],\"b\":null}", { 0 } },
                { "items: [!!binary aGk=, !!float 1]", "{\"items\":[\"hi\",1]}", { 0 } },
        };
        CHECK_ROWS(rows);
}

/* What is known of one item is still known in another, and behind them. */
static void test_items_with_anchors(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "items:\n- &a {x: 1}\n- *a\nkind: *a",
                  "{\"items\":[{\"x\":1},{\"x\":1}],\"kind\":{\"x\":1}}",
                  { 0 } },
                { "base: &b {x: 1}\nitems:\n- 1\n- {<<: *b, z: 2}\n- *b\n",
                  "{\"base\":{\"x\":1},\"items\":[1,{\"x\":1,\"z\":2},{\"x\":1}]}",
                  { 0 } },
                { "items: &i [1, 2]\nagain: *i", "{\"items\":[1,2],\"again\":[1,2]}", { 0 } },
                { "items: [1, {<<: {a: 1}, b: 2}]", "{\"items\":[1,{\"a\":1,\"b\":2}]}", { 0 } },
                { "<<: {a: 1}\nitems: [1]\na: 2", "{\"items\":[1],\"a\":2}", { 0 } },
                { "items: [1]\n<<: {a: 1, items: [2]}\nb: 2", "{\"a\":1,\"items\":[2],\"b\":2}", { 0 } },
                { "items: [1, {b: &c x, *c : z}]", "{\"items\":[1,{\"b\":\"x\",\"x\":\"z\"}]}", { 0 } },
                { "a: 1\n---\n---\nitems: [&a 1, *a]\n---\nitems: [&b 2, *b]\n---\nb: 1",
                  "{\"a\":1} {\"items\":[1,1]} {\"items\":[2,2]} {\"b\":1}",
                  { 0 } },
                { "%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1\n--- {items: [!!str 1, &x 2]}",
                  "{\"a\":\"1\"} {\"items\":[\"1\",2]}",
                  { 0 } },
        };
        CHECK_ROWS(rows);
}

static void test_items_errors(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "items:\n- a: 1\n- b: .inf\n- c: 1\n", ".inf is no number", { 0 } },
                { "items:\n- a: .inf\n- b: 1\n- c: {\n", "did not find", { 0 } }, /* of the text first */
                { "items:\n- a: 1\n- b: 1\n  b: 2\n", "already set on line 3", { 0 } },
                { "items: [1]\nx: 1\nitems: [2]\n", "already set on line 1", { 0 } },
                { "x: 1\nx: 2\nitems: [3]\n", "already set on line 1", { 0 } },
                { "items: [1]\nkind: &a [*a]\n", "contains itself", { 0 } },
                { "items: &a [1, *a]\n", "contains itself", { 0 } },
                { "items: [1, *a]\n", "there is no anchor", { 0 } },
                { "items: [1]\nx: !!int y\n", "cannot decode `y`", { 0 } },
                { "items: &i [1]\n<<: *i\n", "a merge", { 0 } },
                { "items: [1, 2, 3, 4]\n", "more than 5 nodes", { .nodes = 5 } },
                { "items: [[1], [[2]]]\n", "nested deeper than 3", { .depth = 3 } },
                { "items: [1]\n", "nested deeper than 1", { .depth = 1 } },
                { "items: [abcdefgh, abcdefgh]\nx: 1\n", "larger than 20 bytes", { .bytes = 20 } },
                { "items: [a]\nx: abcdefgh\n", "larger than 20 bytes", { .bytes = 20 } },
                { "x: &a [1, 2]\nitems: [*a, *a]\n", "make too much", { .expanded = 5 } },
                { "a: 1\n---\nitems: [1]\n---\nitems: [x]\ny: .nan\n", ".nan is no number", { 0 } },
        };
        CHECK_ROWS(rows);
}

/* So many that the places of the document are found in several steps, some of them far from one another. */
static void test_many_items(void **state) {
        (void)state;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        fprintf(f, "apiVersion: v1\nitems:\n");
        for (int i = 0; i < 3000; i++) {
                fprintf(f, "- metadata: {name: vm-%d, labels: {a: \"%0*d\"}}\n", i, i % 300, i);
                for (int lines = i % 7 == 0 ? i : 0; lines; lines--)
                        fputc('\n', f);
                fprintf(f, "  spec:\n    running: true\n");
        }
        fprintf(f, "kind: List\nmetadata:\n  resourceVersion: ''\n");
        fclose(f);
        check(text, NULL, "\"kind\":\"List\"");
        free(text);
}

/* --- memory --- */

struct counted {
        size_t live, peak;
};

static void *count_allocate(void *context, size_t size) {
        struct counted *counted = context;
        size_t *memory = malloc(sizeof(max_align_t) + size);
        assert_non_null(memory);
        *memory = size;
        counted->live += size;
        counted->peak = counted->live > counted->peak ? counted->live : counted->peak;
        return (char *)memory + sizeof(max_align_t);
}

static void count_release(void *context, void *memory) {
        struct counted *counted = context;
        if (!memory)
                return;
        size_t *begin = (size_t *)(void *)((char *)memory - sizeof(max_align_t));
        counted->live -= *begin;
        free(begin);
}

static size_t peak_of(struct mv_str text) {
        struct counted counted = { 0 };
        const struct mv_allocator allocator = { count_allocate, count_release, &counted };
        struct mv_yaml *yaml;
        struct mv_str json;
        assert_int_equal(mv_yaml_new(&allocator, text, NULL, &yaml, NULL), 0);
        assert_int_equal(mv_yaml_next(yaml, &json, NULL), 0);
        mv_yaml_free(yaml);
        assert_int_equal(counted.live, 0);
        return counted.peak;
}

/* The tree of one item is there at a time, and that of all takes some ten times the text. */
static void test_memory(void **state) {
        (void)state;
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        fprintf(f, "items:\n");
        for (int i = 0; i < 4000; i++)
                fprintf(f, "- {name: vm-%d, labels: {app: db}}\n", i);
        fclose(f);
        assert_in_range(peak_of((struct mv_str){ text, size }), size, 4 * size);
        rename_items(text, "items", 'z');
        assert_true(peak_of((struct mv_str){ text, size }) > 8 * size);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_items),        cmocka_unit_test(test_items_with_anchors),
                cmocka_unit_test(test_items_errors), cmocka_unit_test(test_many_items),
                cmocka_unit_test(test_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
