/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet check -o github`: commands that GitHub Actions makes annotations of, one line a finding. What concerns the whole
 * cluster is told once.
 */
#include "cli/check_output.h"

static void begin(struct mv_check_output *output) {
        (void)output;
}

/* Bytes of set as %XX; other control characters would change what the log shows. */
static void escaped(struct mv_buf *buf, struct mv_str text, const char *set) {
        for (size_t i = 0; i < text.n; i++) {
                unsigned char c = (unsigned char)text.p[i];
                if (c && strchr(set, c))
                        mv_buf_format(buf, "%%%02X", c);
                else
                        mv_buf_append_byte(buf, c < 0x20 || c == 0x7f ? '?' : (char)c);
        }
}

static void property(struct mv_buf *buf, struct mv_str value) {
        escaped(buf, value, "%\r\n:,");
}

static void command(struct mv_check_output *output, const struct mv_finding *f, struct mv_str subject,
                    struct mv_str file, struct mv_place place) {
        static const char *const words[] = { "notice", "warning", "error" };
        struct mv_buf *buf = &output->buf;
        mv_buf_format(buf, "::%s ", words[mv_check_level(f)]);
        if (file.n) {
                mv_buf_append_text(buf, "file=");
                property(buf, file);
                mv_buf_append_byte(buf, ',');
        }
        if (file.n && place.line)
                mv_buf_format(buf, "line=%u,col=%u,", place.line, place.column);
        mv_buf_append_text(buf, "title=");
        property(buf, mv_str_from(f->rule->id));
        mv_buf_append_text(buf, "%3A ");
        property(buf, subject);
        mv_buf_append_text(buf, "::");
        escaped(buf, f->message, "%\r\n");
        if (f->field.n) {
                mv_buf_append_text(buf, "%0Aat ");
                escaped(buf, f->field, "%\r\n");
        }
        mv_buf_append_text(buf, "%0Afix: ");
        escaped(buf, f->fix, "%\r\n");
        mv_buf_append_byte(buf, '\n');
}

static void object(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict) {
        struct mv_str file = mv_check_file(output, scratch, entry);
        struct mv_str subject = mv_check_subject(scratch, &verdict->subject);
        for (mv_check_each(f, verdict))
                if (!mv_check_is_repeated(output, f))
                        command(output, f, f->rule->cluster ? MV_STR("the cluster") : subject, file,
                                mv_check_place(entry, f));
}

static void end(struct mv_check_output *output) {
        (void)output;
}

const struct mv_check_printer mv_check_printer_github = { "github", true, begin, object, end };
