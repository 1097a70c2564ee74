/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/lines.h"

#include "policy/object/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct mv_place find(void *context, size_t offset) {
        return mv_document_reader_place(context, offset);
}

struct fixture {
        struct mv_arena arena;
        char *text;
        struct mv_document_reader *reader;
        const struct mv_lines *lines; /* of the document that was read last */
};

/* Read so many documents of the text; the last has the lines. */
static struct fixture read_text(const char *text, int documents) {
        struct fixture f = { .text = calloc(1, strlen(text) + 8) };
        struct mv_str json;
        assert_non_null(f.text);
        memcpy(f.text, text, strlen(text));
        mv_arena_init(&f.arena, &mv_allocator_system, 0);
        assert_int_equal(
                mv_document_reader_new(&mv_allocator_system, mv_str_from(f.text), NULL, &f.reader, NULL), 0);
        const struct mv_place_finder finder = { find, f.reader };
        for (int i = 0; i < documents; i++) {
                assert_int_equal(mv_document_reader_next(f.reader, &json, NULL), 0);
                f.lines = mv_lines_make(&f.arena, json, 0, &finder);
                assert_non_null(f.lines);
        }
        return f;
}

static void done(struct fixture *f) {
        mv_document_reader_free(f->reader);
        mv_arena_done(&f->arena);
        free(f->text);
}

static void assert_place(const struct fixture *f, const char *path, unsigned line, unsigned column) {
        struct mv_place place = mv_lines_find(f->lines, mv_str_from(path));
        if (place.line != line || place.column != column)
                fail_msg("%s is at %u:%u, not %u:%u", path, place.line, place.column, line, column);
}

static void test_yaml(void **state) {
        (void)state;
        struct fixture f = read_text("a: 1\n---\n"
                                     "# comment\n"
                                     "kind: X\n"
                                     "metadata:\n"
                                     "  managedFields:\n"
                                     "  - f: 1\n"
                                     "spec:\n"
                                     "  list:\n"
                                     "  - name: a\n"
                                     "    é: {b:\n"
                                     "      1}\n"
                                     "  - [1,\n"
                                     "     2]\n"
                                     "  flow: {a: 1, b: 2}\n",
                                     2);
        assert_place(&f, "", 4, 1);
        assert_place(&f, "kind", 4, 1);
        assert_place(&f, "metadata.managedFields[0].f", 5, 1); /* not kept */
        assert_place(&f, "spec", 8, 1);
        assert_place(&f, "spec.list", 9, 3);
        assert_place(&f, "spec.list[0]", 10, 5);
        assert_place(&f, "spec.list[0].é", 11, 5);
        assert_place(&f, "spec.list[1]", 13, 5);
        assert_place(&f, "spec.list[1][1]", 14, 6);
        assert_place(&f, "spec.flow.b", 15, 3); /* on the line of what it is in */
        /* What is not there stands where the next one above it does. */
        assert_place(&f, "spec.list[0].gone.deep[3]", 10, 5);
        assert_place(&f, "spec.list[7]", 9, 3);
        assert_place(&f, "status.conditions", 4, 1);
        assert_place(&f, "]..[", 4, 1);
        done(&f);
}

static void test_json(void **state) {
        (void)state;
        struct fixture f =
                read_text("{\"x\": 1}\n \n  {\"spec\": {\n\"é\": 1, \"b\": [{},\n {\"c\":\n2}]}}\n{}", 2);
        assert_place(&f, "", 3, 3);
        assert_place(&f, "spec", 3, 3);
        assert_place(&f, "spec.é", 4, 1);
        assert_place(&f, "spec.b", 4, 9);
        assert_place(&f, "spec.b[0]", 4, 9);
        assert_place(&f, "spec.b[1]", 5, 2);
        assert_place(&f, "spec.b[1].c", 5, 2);
        done(&f);
}

/* From place to place and back, the reader says what it says when it is asked once. */
static void test_places_agree(void **state) {
        (void)state;
        static const char text[] = "\xef\xbb\xbf{\"a\": 1}\n{\n\"b\": \"ü\",\r\n\t\"c\": [1,\n2]}\n";
        static const size_t offsets[] = { 0, 3, 9, 9, 14, 20, 4, 0, 27 };
        struct fixture f = read_text(text, 2);
        for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
                unsigned line, column;
                mv_document_reader_locate(f.reader, offsets[i], &line, &column);
                struct mv_place place = mv_document_reader_place(f.reader, offsets[i]);
                assert_int_equal(place.line, line);
                assert_int_equal(place.column, column);
        }
        done(&f);
}

static void test_path_that_is_too_long(void **state) {
        (void)state;
        char text[1024], path[600];
        memset(path, 'k', sizeof path);
        snprintf(text, sizeof text, "a:\n  %.500s:\n    b: 1\n  c: 1\n", path);
        struct fixture f = read_text(text, 1);
        snprintf(text, sizeof text, "a.%.500s.b", path);
        assert_place(&f, text, 1, 1);
        assert_place(&f, "a.c", 4, 3);
        snprintf(text, sizeof text, "a.%.253s", path); /* what would fit of it is another path */
        assert_place(&f, text, 1, 1);
        done(&f);
}

static void test_nothing_known(void **state) {
        (void)state;
        assert_int_equal(mv_lines_find(NULL, MV_STR("spec")).line, 0);
}

/* All of the lines, or none. */
static void test_no_memory(void **state) {
        (void)state;
        enum { LINES = 4000, SIZE = 32 + 3 * LINES };
        char *text = malloc(SIZE);
        size_t n, complete = 0;
        assert_non_null(text);
        n = (size_t)snprintf(text, SIZE, "{\"spec\":[");
        for (int i = 0; i < LINES; i++)
                n += (size_t)snprintf(text + n, SIZE - n, "%s\n0", i ? "," : "");
        snprintf(text + n, SIZE - n, "]}");
        for (size_t cap = 1; cap < (size_t)1 << 20; cap *= 2) {
                struct fixture f = read_text(text, 0);
                const struct mv_place_finder finder = { find, f.reader };
                struct mv_str json;
                assert_int_equal(mv_document_reader_next(f.reader, &json, NULL), 0);
                f.arena.cap = cap;
                f.lines = mv_lines_make(&f.arena, json, 0, &finder);
                if (f.lines)
                        assert_place(&f, "spec[3999]", LINES + 1, 1);
                complete += f.lines != NULL;
                done(&f);
        }
        assert_true(complete > 0 && complete < 18);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_yaml),          cmocka_unit_test(test_json),
                cmocka_unit_test(test_places_agree),  cmocka_unit_test(test_path_that_is_too_long),
                cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_no_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
