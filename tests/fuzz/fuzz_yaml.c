/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of documents (YAML or JSON): what is handed out is valid JSON, followed by zero bytes, no deeper
 * than the scanner goes; every byte of it has a place in the text; and read again as YAML it gives the same
 * JSON. What is read without libyaml has the JSON and the places that libyaml gives it.
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

static bool is_tidy(struct mv_str text) {
        for (size_t i = 0; i < text.n; i++)
                if (text.p[i] != '\n' && (text.p[i] < ' ' || text.p[i] > '~'))
                        return false;
        return true;
}

/* With a byte order mark libyaml reads all of it. */
static void check_plain(struct mv_str text, const struct mv_yaml_limits *limits) {
        char *marked = malloc(text.n + 3);
        struct mv_yaml *plain, *parsed;
        struct mv_err err = { 0 }, error = { 0 };
        struct mv_str a, b;
        check(marked != NULL);
        memcpy(marked, "\xef\xbb\xbf", 3);
        memcpy(marked + 3, text.p, text.n);
        check(mv_yaml_new(&mv_allocator_system, text, limits, &plain, NULL) == 0);
        check(mv_yaml_new(&mv_allocator_system, (struct mv_str){ marked, text.n + 3 }, limits, &parsed,
                          NULL) == 0);
        do {
                int r = mv_yaml_next(plain, &a, &err);
                check(mv_yaml_next(parsed, &b, &error) == r && err.line == error.line &&
                      err.column == error.column);
                check(r || mv_str_equal(a, b));
                for (size_t i = 0; !r && i < a.n; i++) {
                        unsigned line[2], column[2];
                        mv_yaml_locate(plain, i, &line[0], &column[0]);
                        mv_yaml_locate(parsed, i, &line[1], &column[1]);
                        check(line[0] == line[1] && column[0] == column[1]);
                }
        } while (!err.code && a.p);
        mv_yaml_free(plain);
        mv_yaml_free(parsed);
        free(marked);
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
        if (is_tidy((struct mv_str){ text, size }))
                check_plain((struct mv_str){ text, size }, &limits);
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
        free(text);
        return 0;
}
