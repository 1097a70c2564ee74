/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of documents (YAML or JSON): what is handed out is valid JSON, followed by zero bytes, no deeper
 * than the scanner goes; every byte of it has a place in the text; and read again as YAML it gives the same
 * JSON. Items, which are written while they are read, give the same JSON, places and errors as the same document under
 * another name, which is read as a whole.
 */
#include "policy/object/document.h"
#include "policy/object/scan.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
        if (!good)
                abort();
}

/* The JSON of json read as YAML; NULL p when it cannot be. *ret_yaml holds it. */
static struct mv_str convert(struct mv_str json, struct mv_yaml **ret_yaml) {
        struct mv_str again = { 0 };
        struct mv_yaml_limits limits = { .nodes = 1000000 };
        check(mv_yaml_new(&mv_allocator_system, json, &limits, ret_yaml, NULL) == 0);
        return mv_yaml_next(*ret_yaml, &again, NULL) == 0 ? again : (struct mv_str){ 0 };
}

/* JSON that yaml.c wrote is YAML of the same meaning, but for -0, a float there and an integer here. So
 * it is written the same from the second time on. (What YAML has no literal form for, say U+007F, cannot
 * be read.) */
static void check_again(struct mv_str json) {
        struct mv_yaml *second, *third;
        struct mv_str a = convert(json, &second);
        if (a.p) {
                check(a.n <= json.n && (a.n < json.n || mv_str_equal(a, json)));
                struct mv_str b = convert(a, &third);
                check(mv_str_equal(a, b));
                mv_yaml_free(third);
        }
        mv_yaml_free(second);
}

static char *find(const char *text, size_t size, const char *what) {
        return memmem(text, size, what, strlen(what));
}

static void rename_items(char *text, size_t size, const char *from, char to) {
        for (char *at; (at = find(text, size, from));)
                at[4] = to;
}

/* text is changed. */
static void compare_with_whole(char *text, size_t size) {
        /* Where another name could make a difference: a key that comes twice then, and what is encoded, as is UTF-16. */
        bool wide = size && (text[0] == '\xff' || text[0] == '\xfe');
        if (wide || !find(text, size, "items") || find(text, size, "itemz") || find(text, size, "binary"))
                return;
        char *copy = malloc(size);
        check(copy);
        memcpy(copy, text, size);
        rename_items(text, size, "items", 'z');
        struct mv_yaml_limits limits = { .nodes = 500, .expanded = 100, .bytes = 10000 };
        struct mv_yaml *yaml, *whole;
        check(mv_yaml_new(&mv_allocator_system, (struct mv_str){ copy, size }, &limits, &yaml, NULL) == 0);
        check(mv_yaml_new(&mv_allocator_system, (struct mv_str){ text, size }, &limits, &whole, NULL) == 0);
        for (int r = 0; !r;) {
                struct mv_err x = { 0 }, y = { 0 };
                struct mv_str a = { 0 }, b = { 0 };
                r = mv_yaml_next(yaml, &a, &x);
                check(r == mv_yaml_next(whole, &b, &y) && a.n == b.n && !a.p == !b.p);
                rename_items(y.message, sizeof y.message, "itemz", 's');
                check(strcmp(x.message, y.message) == 0 && x.line == y.line && x.column == y.column);
                if (!a.p)
                        break;
                for (size_t i = 0; i < a.n; i++) {
                        check(a.p[i] == b.p[i] || (a.p[i] == 's' && b.p[i] == 'z'));
                        unsigned lines[2], columns[2];
                        mv_yaml_locate(yaml, i, &lines[0], &columns[0]);
                        mv_yaml_locate(whole, i, &lines[1], &columns[1]);
                        check(lines[0] == lines[1] && columns[0] == columns[1]);
                }
        }
        mv_yaml_free(yaml);
        mv_yaml_free(whole);
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = calloc(1, size + 8);
        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        struct mv_document_reader *reader;
        struct mv_yaml_limits limits = { .nodes = 5000, .expanded = 5000, .bytes = 1 << 20 };
        if (mv_document_reader_new(&mv_allocator_system, (struct mv_str){ text, size }, &limits, &reader,
                                   NULL) != 0) {
                free(text);
                return 0;
        }
        bool yaml = size == 0 || !memchr(text, '{', size);
        for (;;) {
                struct mv_err err = { 0 };
                struct mv_str json;
                int r = mv_document_reader_next(reader, &json, &err);
                if (r) {
                        check(r == err.code && err.message[0]);
                        check(r == MV_ENOMEM || (err.line > 0 && err.column > 0));
                        break;
                }
                if (!json.p)
                        break;
                check(mv_json_validate(json, NULL) == 0);
                for (size_t i = 0; i < 8; i++)
                        check(json.p[json.n + i] == 0);
                unsigned line, column;
                for (size_t i = 0; i < json.n; i += 1 + json.n / 16) {
                        mv_document_reader_locate(reader, i, &line, &column);
                        check(line > 0 && column > 0 && line <= size + 1);
                }
                if (yaml)
                        check_again(json);
        }
        mv_document_reader_free(reader);
        compare_with_whole(text, size);
        free(text);
        return 0;
}
