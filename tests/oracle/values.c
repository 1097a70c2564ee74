/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scanner says of the documents that tests/oracle/json/main.go wrote: values DOCUMENTS, a line for each. `-`: no JSON.
 * Else its values: n, t, f, `d` and the text of a number, `s` and the bytes of a string in hexadecimal digits, brackets;
 * or `deep` when they are deeper than the scanner reads.
 */
#include "policy/object/scan.h"
#include "tests/bench/support.h"

#include <stdint.h>
#include <string.h>

static void print_string(const struct mv_scan_string *string) {
        char *value = malloc(string->raw.n + 1);
        size_t n = string->raw.n;
        if (!value)
                bench_stop("out of memory");
        if (string->escaped)
                n = mv_scan_unescape(string->raw, value);
        else
                memcpy(value, string->raw.p, n);
        putchar('s');
        for (size_t i = 0; i < n; i++)
                printf("%02x", (unsigned char)value[i]);
        putchar(';');
        free(value);
}

/* Text that was validated, so nothing here fails but for depth. */
static void print_value(struct mv_scan *scan) {
        struct mv_scan_string string;
        struct mv_str number;
        bool flag = false, first = true;
        switch (mv_scan_peek(scan)) {
        case '{':
                putchar('{');
                if (mv_scan_object(scan))
                        while (mv_scan_key(scan, &first, &string)) {
                                print_string(&string);
                                print_value(scan);
                        }
                putchar('}');
                break;
        case '[':
                putchar('[');
                if (mv_scan_array(scan))
                        while (mv_scan_element(scan, &first))
                                print_value(scan);
                putchar(']');
                break;
        case '"':
                if (mv_scan_string(scan, &string))
                        print_string(&string);
                break;
        case 't':
        case 'f':
                mv_scan_bool(scan, &flag);
                putchar(flag ? 't' : 'f');
                break;
        case 'n':
                mv_scan_null(scan);
                putchar('n');
                break;
        default:
                if (mv_scan_number(scan, &number, &flag))
                        printf("d%.*s;", MV_STR_ARG(number));
        }
}

static bool is_deep(struct mv_str text) {
        size_t depth = 0;
        bool quoted = false;
        for (size_t i = 0; i < text.n; i++) {
                char c = text.p[i];
                if (quoted)
                        i += c == '\\', quoted = c != '"';
                else if (c == '"')
                        quoted = true;
                else if (c == '{' || c == '[') {
                        if (++depth > MV_SCAN_DEPTH)
                                return true;
                } else if (c == '}' || c == ']')
                        depth--;
        }
        return false;
}

static void print_document(struct mv_str text) {
        struct mv_scan scan;
        if (mv_json_validate(text, NULL) < 0) {
                puts("-");
                return;
        }
        mv_scan_init(&scan, text);
        if (is_deep(text))
                printf("deep");
        else
                print_value(&scan);
        puts(scan.code ? " and then an error" : "");
}

int main(int argc, char **argv) {
        if (argc != 2)
                bench_stop("usage: values DOCUMENTS");
        struct bench_text all = bench_read(argv[1]);
        for (size_t at = 0; at < all.n;) {
                uint32_t n;
                memcpy(&n, all.p + at, sizeof n);
                at += sizeof n;
                /* In a block of its own, so that what reads too far is seen. */
                char *block = calloc(1, n + MV_SCAN_PADDING);
                if (!block || n > all.n - at)
                        bench_stop("the documents are cut off");
                memcpy(block, all.p + at, n);
                print_document((struct mv_str){ block, n });
                free(block);
                at += n;
        }
        free(all.p);
        return 0;
}
