/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet nodes` for programs: JSON and CSV. */
#include "cli/csv.h"
#include "cli/nodes.h"
#include "policy/object/pod.h"
#include "policy/render.h"

/* Print what there is, when it is at least so much. */
static void flush(struct mv_nodes_run *run, size_t least) {
        if (run->buf.n < least || mv_buf_failed(&run->buf))
                return;
        fwrite(run->buf.p, 1, run->buf.n, stdout);
        mv_buf_clear(&run->buf);
}

static bool begin_json(struct mv_nodes_run *run) {
        mv_json_object(&run->json);
        mv_json_member(&run->json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(&run->json, "kind", MV_STR("NodeMatrix"));
        mv_json_key(&run->json, "items");
        mv_json_array(&run->json);
        return true;
}

void mv_nodes_render_stranded(struct mv_json *json, const struct mv_stranded *stranded) {
        mv_json_member(json, "pod", stranded->pod->meta.name);
        mv_json_key(json, "causes");
        mv_json_array(json);
        for (size_t i = 0; i < stranded->n; i++)
                mv_json_string(json, stranded->causes[i]);
        mv_json_end(json);
}

static void json_row(struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        struct mv_json *json = &run->json;
        mv_json_object(json);
        mv_render_subject(json, &row->verdict->subject);
        if (row->fit) {
                mv_json_key(json, "targets");
                mv_render_targets(json, row->arena, row->fit, run->nodes, 0);
        }
        if (row->stranded) {
                mv_json_key(json, "stranded");
                mv_json_object(json);
                mv_nodes_render_stranded(json, row->stranded);
                mv_json_end(json);
        }
        mv_json_end(json);
        flush(run, 1 << 16);
}

static bool end_json(struct mv_nodes_run *run) {
        mv_json_end(&run->json);
        mv_json_end(&run->json);
        if (mv_buf_failed(&run->buf))
                return false;
        puts(run->buf.p);
        return true;
}

const struct mv_nodes_printer mv_nodes_printer_json = { "json", begin_json, json_row, end_json };

/* --- CSV (RFC 4180) --- */

static bool begin_csv(struct mv_nodes_run *run) {
        mv_buf_append_text(&run->buf, "namespace,kind,name,node,feasible,causes\r\n");
        return true;
}

static void csv_row(struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        for (size_t i = 0; i < run->n_columns; i++) {
                const struct mv_subject *subject = &row->verdict->subject;
                struct mv_str causes = { 0 };
                size_t n = 0;
                const struct mv_str *all =
                        row->fit ? mv_fit_causes(row->arena, row->fit, run->columns[i], &n) : NULL;
                for (size_t k = 0; k < n; k++)
                        causes = mv_arena_format(row->arena, "%.*s%s%.*s", MV_STR_ARG(causes), k ? " " : "",
                                                 MV_STR_ARG(all[k]));
                mv_csv_field(&run->buf, subject->namespace, ",");
                mv_csv_field(&run->buf, subject->kind, ",");
                mv_csv_field(&run->buf, subject->name, ",");
                mv_csv_field(&run->buf, mv_node_index_at(run->index, run->columns[i])->meta.name, ",");
                mv_buf_append_text(&run->buf, !row->fit ? "unknown,"
                                              : mv_node_set_has(row->fit->feasible, run->columns[i])
                                                      ? "true,"
                                                      : "false,");
                mv_csv_field(&run->buf, causes, "\r\n");
        }
        flush(run, 1 << 16);
}

static bool end_csv(struct mv_nodes_run *run) {
        flush(run, 1);
        return !mv_buf_failed(&run->buf);
}

const struct mv_nodes_printer mv_nodes_printer_csv = { "csv", begin_csv, csv_row, end_csv };
