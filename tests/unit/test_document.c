/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/document.h"

#include "policy/object/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A copy in memory of just that size and 8 zero bytes, so that a sanitizer sees who reads further. */
static struct mv_str pad(struct mv_str text) {
        char *p = calloc(1, text.n + 8);
        assert_non_null(p);
        memcpy(p, text.p, text.n);
        return (struct mv_str){ p, text.n };
}

/* The documents, each as LINE:COLUMN of its first byte, "=", and its text without space around; or the
 * error. */
static char *read_all(struct mv_str unpadded) {
        struct mv_str text = pad(unpadded);
        struct mv_document_reader *reader;
        struct mv_err err = { 0 };
        char *out = NULL;
        size_t size;
        FILE *f = open_memstream(&out, &size);
        assert_non_null(f);
        assert_int_equal(mv_document_reader_new(&mv_allocator_system, text, NULL, &reader, &err), 0);
        for (int n = 0;; n++) {
                struct mv_str json = { "untouched", 9 };
                int r = mv_document_reader_next(reader, &json, &err);
                if (r) {
                        assert_int_equal(err.code, r);
                        assert_string_equal(json.p, "untouched");
                        fprintf(f, "%s%d %u:%u %s", n ? " " : "", r, err.line, err.column, err.message);
                        assert_int_equal(mv_document_reader_next(reader, &json, NULL), r);
                        break;
                }
                if (!json.p)
                        break;
                assert_int_equal(mv_json_validate(json, NULL), 0);
                for (int i = 0; i < 8; i++)
                        assert_int_equal(json.p[json.n + (size_t)i], 0);
                unsigned line, column;
                mv_document_reader_locate(reader, 0, &line, &column);
                size_t shown = json.n;
                while (shown && strchr(" \n\r\t", json.p[shown - 1]))
                        shown--;
                fprintf(f, "%s%u:%u=%.*s", n ? " " : "", line, column, (int)shown, json.p);
        }
        fclose(f);
        mv_document_reader_free(reader);
        free((char *)text.p);
        return out;
}

struct row {
        const char *text, *documents;
};

static void check_rows(const struct row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char *documents = read_all(mv_str_from(rows[i].text));
                if (strcmp(documents, rows[i].documents) != 0)
                        fail_msg("`%s` is %s, not %s", rows[i].text, documents, rows[i].documents);
                free(documents);
        }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_forms(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "", "" },
                { " \n", "" },
                { "a: 1\n---\nb: 2\n", "1:1={\"a\":1} 3:1={\"b\":2}" },
                { " \n{\"a\": 1}\n", "2:1={\"a\": 1}" },
                { "{}", "1:1={}" },
                { "{ \"a\": \"\\ud83d\\ude00\" }", "1:1={ \"a\": \"\\ud83d\\ude00\" }" },
                { "\xef\xbb\xbf{\"a\": 1}", "1:1={\"a\": 1}" },
                /* Not JSON in any way, so it is YAML. */
                { "{a: 1}", "1:1={\"a\":1}" },
                { "{\n'a': 1}", "1:1={\"a\":1}" },
                { "[{\"a\": 1}]", "1:1=[{\"a\":1}]" },
                { "---\n{\"a\": 1}\n", "2:1={\"a\":1}" },
                { "# c\n{\"a\": 1}\n", "2:1={\"a\":1}" },
        };
        CHECK_ROWS(rows);
}

static void test_json_series(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "{\"a\": 1}{\"b\": 2} {\"c\": 3}\n\n", "1:1={\"a\": 1} 1:9={\"b\": 2} 1:18={\"c\": 3}" },
                { "{\"a\": 1}\n---\n{\"b\": 2}\n--- \n---\n  {}\n---\n",
                  "1:1={\"a\": 1} 3:1={\"b\": 2} 6:3={}" },
                { "{\"a\": 1}\r\n---\r\n{\"b\": 2}\r\n", "1:1={\"a\": 1} 3:1={\"b\": 2}" },
                { "{\"a\": \"\\n---\"}", "1:1={\"a\": \"\\n---\"}" },
        };
        CHECK_ROWS(rows);
}

static void test_mixed(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "{\"a\": 1}\n---\nb: 2\n---\n{\"c\": 3}\n", "1:1={\"a\": 1} 3:1={\"b\":2} 5:1={\"c\":3}" },
                { "{\"a\": 1}\n--- {\"b\": 2}\n", "1:1={\"a\": 1} 2:5={\"b\": 2}" },
                { "{\"a\": 1}\n---{\"b\": 2}\n", "1:1={\"a\": 1} 2:1={\"---{\\\"b\\\"\":\"2}\"}" },
                { "{\"a\": 1}\n--- # c\n{\"b\": 2}\n", "1:1={\"a\": 1} 3:1={\"b\":2}" },
                { "{\"a\": 1}\n--- b\n", "1:1={\"a\": 1} 2:5=\"b\"" },
                { "{\"a\": 1}\n---\n# c\n{\"c\": 3}\n", "1:1={\"a\": 1} 4:1={\"c\":3}" },
                { "{\"a\": 1}\n---\nb: 1\nb: 2\n",
                  "1:1={\"a\": 1} -3 4:1 key \"b\" is already set on line 3" },
                { "{\"a\": 1}\n---\nb: 1\nc: \x01\n",
                  "1:1={\"a\": 1} -3 4:4 control characters are not allowed (#x01)" },
                { "{\"a\": 1}\n---\nb: [\n",
                  "1:1={\"a\": 1} -3 4:1 did not find expected node content (while parsing a flow node that begins on line 4)" },
        };
        CHECK_ROWS(rows);
}

static void test_errors(void **state) {
        (void)state;
        static const struct row rows[] = {
                { "{", "-3 1:2 the text ends too early" },
                { "{\"a\": 1,\n \"\xc3\xa9\": tru }", "-3 2:7 expected a value" },
                { "{\"a\": 1}\n}", "1:1={\"a\": 1} -3 2:1 text behind a JSON document" },
                { "{\"a\": 1} ---\n{}", "1:1={\"a\": 1} -3 1:10 text behind a JSON document" },
                { "{\"a\": 1} b: 2", "1:1={\"a\": 1} -3 1:10 text behind a JSON document" },
                { "{\"a\": 1}\n---\n{\"b\": }\n", "1:1={\"a\": 1} -3 3:7 expected a value" },
                { "a: 1\na: 2", "-3 2:1 key \"a\" is already set on line 1" },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                char *documents = read_all(mv_str_from(rows[i].text));
                /* The scanner chooses its words. */
                const char *words = strstr(rows[i].documents, "expected a value");
                size_t n = words ? (size_t)(words - rows[i].documents) : strlen(rows[i].documents);
                if (strncmp(documents, rows[i].documents, n) != 0)
                        fail_msg("`%s` is %s, not %s", rows[i].text, documents, rows[i].documents);
                free(documents);
        }
        static char deep[10000 + 16] = "{\"a\":";
        const char *expected = "-5 1:10005 nested deeper than 10000 levels";
        memset(deep + 5, '[', 10000);
        char *documents = read_all(mv_str_from(deep));
        assert_string_equal(documents, expected);
        free(documents);
        documents = read_all(MV_STR("{\"a\": \0}"));
        assert_non_null(strstr(documents, "-3 1:7 "));
        free(documents);
}

static void test_locate(void **state) {
        (void)state;
        static const struct {
                struct mv_str text;
                unsigned document;
                const char *at;
                unsigned line, column;
        } rows[] = {
                { MV_STR("\n{\"a\":\n  \"\xc3\xa9\", \"b\": 2}"), 0, "2}", 3, 13 },
                { MV_STR("{}{\n\"a\": 1}{}"), 1, "1}", 2, 6 },
                { MV_STR("{}\n---\na: 1\n---\nb:\n - c\n"), 2, "\"c\"", 6, 4 },
                { MV_STR("{} \n--- {b: c}\n"), 1, "\"c\"", 2, 9 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct mv_str text = pad(rows[i].text), json = { 0 };
                struct mv_document_reader *reader;
                assert_int_equal(mv_document_reader_new(&mv_allocator_system, text, NULL, &reader, NULL), 0);
                for (unsigned d = 0; d <= rows[i].document; d++)
                        assert_int_equal(mv_document_reader_next(reader, &json, NULL), 0);
                const char *at = strstr(json.p, rows[i].at);
                assert_non_null(at);
                unsigned line, column;
                mv_document_reader_locate(reader, (size_t)(at - json.p), &line, &column);
                assert_int_equal(line, rows[i].line);
                assert_int_equal(column, rows[i].column);
                mv_document_reader_free(reader);
                free((char *)text.p);
        }
        assert_null(mv_document_reader_free(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),  cmocka_unit_test(test_json_series),
                cmocka_unit_test(test_mixed),  cmocka_unit_test(test_errors),
                cmocka_unit_test(test_locate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
