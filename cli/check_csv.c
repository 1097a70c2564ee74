/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet check -o csv`: a row a finding, and one for each object without any. */
#include "cli/check_output.h"
#include "cli/csv.h"

static void begin(struct mv_check_output *output) {
        mv_buf_append_text(
                &output->buf,
                "namespace,kind,name,migratable,method,rule,severity,outcome,field,message,fix,reason,"
                "file,line\r\n");
}

static void row(struct mv_buf *buf, const struct mv_verdict *verdict, const struct mv_finding *f,
                struct mv_str file, unsigned line) {
        const struct mv_subject *subject = &verdict->subject;
        mv_csv_field(buf, subject->namespace, ",");
        mv_csv_field(buf, subject->kind, ",");
        mv_csv_field(buf, subject->name, ",");
        mv_csv_field(buf, mv_str_from(mv_verdict_word(verdict->migratable)), ",");
        mv_csv_field(buf, mv_str_from(verdict->method), ",");
        if (f) {
                mv_csv_field(buf, mv_str_from(f->rule->id), ",");
                mv_csv_field(buf, mv_str_from(mv_severity_name(f->severity)), ",");
                mv_csv_field(buf, mv_str_from(mv_outcome_name(f->outcome)), ",");
                mv_csv_field(buf, f->field, ",");
                mv_csv_field(buf, f->message, ",");
                mv_csv_field(buf, f->fix, ",");
                mv_csv_field(buf, mv_str_from(f->rule->reason), ",");
        } else
                mv_buf_append_text(buf, ",,,,,,,");
        mv_csv_field(buf, file, ",");
        if (line)
                mv_buf_format(buf, "%u", line);
        mv_buf_append_text(buf, "\r\n");
}

static void object(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict) {
        struct mv_str file = mv_check_file(output, scratch, entry);
        for (mv_check_each(f, verdict))
                row(&output->buf, verdict, f, file, file.n ? mv_check_place(entry, f).line : 0);
        if (!mv_check_next(verdict->findings))
                row(&output->buf, verdict, NULL, file, file.n ? mv_check_place(entry, NULL).line : 0);
}

static void end(struct mv_check_output *output) {
        (void)output;
}

const struct mv_check_printer mv_check_printer_csv = { "csv", true, begin, object, end };
