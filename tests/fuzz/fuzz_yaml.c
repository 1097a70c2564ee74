/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of documents (YAML or JSON): what is handed out is valid JSON, followed by zero bytes, no deeper
 * than the scanner goes; every byte of it has a place in the text; and read again as YAML it gives the same
 * JSON.
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
        free(text);
        return 0;
}
