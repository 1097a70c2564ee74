/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/csv.h"

#include <string.h>

static bool is_one_of(char c, const char *set) {
        return c && strchr(set, c);
}

void mv_csv_field(struct mv_buf *buf, struct mv_str text, const char *behind) {
        bool quoted = false;
        for (size_t i = 0; i < text.n; i++)
                quoted |= is_one_of(text.p[i], ",\"\r\n");
        if (quoted)
                mv_buf_append_byte(buf, '"');
        if (text.n && is_one_of(text.p[0], "=+-@\t\r"))
                mv_buf_append_byte(buf, '\'');
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] == '"')
                        mv_buf_append_byte(buf, '"');
                mv_buf_append_byte(buf, text.p[i]);
        }
        if (quoted)
                mv_buf_append_byte(buf, '"');
        mv_buf_append_text(buf, behind);
}
