/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outbox_list.h"

#include "cli/csv.h"
#include "cli/text.h"
#include "policy/base/json.h"
#include "webhook/deliver/requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- reading --- */

static struct mv_outbox_letter copy_letter(struct mv_arena *arena, const struct mv_outbox_letter *letter) {
        const struct mv_outbox_record *r = &letter->record;
        return (struct mv_outbox_letter){ .record = { .sequence = r->sequence,
                                                      .subject = mv_arena_copy(arena, r->subject),
                                                      .kind = mv_arena_copy(arena, r->kind),
                                                      .namespace = mv_arena_copy(arena, r->namespace),
                                                      .verdict = mv_arena_copy(arena, r->verdict),
                                                      .id = mv_arena_copy(arena, r->id),
                                                      .time = mv_arena_copy(arena, r->time) },
                                          .tries = letter->tries,
                                          .why = mv_arena_copy(arena, letter->why) };
}

static bool make_room(struct mv_outbox_list *list) {
        if (list->n < list->capacity)
                return true;
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct mv_outbox_row *rows = realloc(list->rows, capacity * sizeof *rows);
        if (!rows)
                return false;
        list->rows = rows;
        list->capacity = capacity;
        return true;
}

static int see(void *context, const struct mv_outbox_item *item, struct mv_err *err) {
        struct mv_outbox_list *list = context;
        bool wanted = list->n_items == 0;
        for (size_t i = 0; !wanted && i < list->n_items; i++)
                wanted = mv_outbox_item_is(list->items[i], &item->letter->record);
        if (!wanted)
                return 0;
        if (!make_room(list))
                return mv_err_oom(err);
        list->rows[list->n++] =
                (struct mv_outbox_row){ .receiver = mv_arena_copy(&list->arena, item->receiver),
                                        .dead = item->dead,
                                        .letter = copy_letter(&list->arena, item->letter) };
        return mv_arena_failed(&list->arena) ? mv_err_oom(err) : 0;
}

static int in_order(const void *a, const void *b) {
        const struct mv_outbox_row *x = a, *y = b;
        const uint64_t p = x->letter.record.sequence, q = y->letter.record.sequence;
        int r = mv_str_compare(x->receiver, y->receiver);
        if (r == 0)
                r = x->dead - y->dead;
        return r ? r : (p > q) - (p < q);
}

int mv_outbox_list_read(const char *directory, struct mv_outbox_list *list, struct mv_err *err) {
        mv_arena_init(&list->arena, &mv_allocator_system, 0);
        int r = mv_outbox_look(directory, list->receiver, see, list, &list->damaged, err);
        if (r == 0 && list->n)
                qsort(list->rows, list->n, sizeof *list->rows, in_order);
        return r;
}

void mv_outbox_list_done(struct mv_outbox_list *list) {
        free(list->rows);
        mv_arena_done(&list->arena);
}

static const char *state(const struct mv_outbox_row *row) {
        return row->dead ? "dead" : "waiting";
}

/* --- for people --- */

enum { COLUMNS = 7, GAP = 2 };

static void cells(const struct mv_outbox_row *row, char number[24], struct mv_str ret[COLUMNS]) {
        const struct mv_outbox_record *record = &row->letter.record;
        snprintf(number, 24, "%" PRIu64, record->sequence);
        ret[0] = row->receiver;
        ret[1] = mv_str_from(state(row));
        ret[2] = mv_str_from(number);
        ret[3] = record->time;
        ret[4] = record->verdict;
        ret[5] = record->subject;
        ret[6] = record->id;
}

static void print_line(const struct mv_str texts[COLUMNS], const size_t widths[COLUMNS]) {
        for (size_t i = 0; i < COLUMNS; i++)
                mv_text_cell(stdout, texts[i], i + 1 < COLUMNS ? widths[i] + GAP : 0);
        putchar('\n');
}

bool mv_outbox_list_print_table(const struct mv_outbox_list *list) {
        const struct mv_str heads[COLUMNS] = { MV_STR("RECEIVER"), MV_STR("STATE"),   MV_STR("SEQUENCE"),
                                               MV_STR("TIME"),     MV_STR("VERDICT"), MV_STR("SUBJECT"),
                                               MV_STR("ID") };
        struct mv_str texts[COLUMNS];
        size_t widths[COLUMNS];
        char number[24];
        if (!list->n) {
                puts("Nothing waits, and there are no dead letters.");
                return true;
        }
        for (size_t i = 0; i < COLUMNS; i++)
                widths[i] = heads[i].n;
        for (size_t k = 0; k < list->n; k++) {
                cells(&list->rows[k], number, texts);
                for (size_t i = 0; i < COLUMNS; i++)
                        if (mv_text_columns(texts[i]) > widths[i])
                                widths[i] = mv_text_columns(texts[i]);
        }
        print_line(heads, widths);
        for (size_t k = 0; k < list->n; k++) {
                const struct mv_outbox_row *row = &list->rows[k];
                cells(row, number, texts);
                print_line(texts, widths);
                if (!row->dead)
                        continue;
                printf("    after %u %s: ", row->letter.tries, row->letter.tries == 1 ? "try" : "tries");
                mv_text_cell(stdout, row->letter.why, 0);
                putchar('\n');
        }
        return true;
}

/* --- for programs --- */

static void json_row(struct mv_json *json, const struct mv_outbox_row *row) {
        const struct mv_outbox_record *record = &row->letter.record;
        char sequence[MV_OUTBOX_SEQUENCE_DIGITS + 1];
        snprintf(sequence, sizeof sequence, "%020" PRIu64, record->sequence);
        mv_json_object(json);
        mv_json_member(json, "receiver", row->receiver);
        mv_json_member(json, "state", mv_str_from(state(row)));
        mv_json_member(json, "sequence", mv_str_from(sequence));
        mv_json_member(json, "time", record->time);
        mv_json_member(json, "verdict", record->verdict);
        mv_json_member(json, "subject", record->subject);
        mv_json_member(json, "id", record->id);
        if (row->dead) {
                mv_json_key(json, "tries");
                mv_json_int(json, row->letter.tries);
                mv_json_member(json, "answer", row->letter.why);
        }
        mv_json_end(json);
}

/* Print what there is, when it is at least so much. */
static void flush(struct mv_buf *buf, size_t least) {
        if (mv_buf_failed(buf) || buf->n < least)
                return;
        fwrite(buf->p, 1, buf->n, stdout);
        mv_buf_clear(buf);
}

static bool end(struct mv_buf *buf) {
        const bool good = !mv_buf_failed(buf);
        flush(buf, 1);
        mv_buf_done(buf);
        return good;
}

bool mv_outbox_list_print_json(const struct mv_outbox_list *list) {
        struct mv_json json;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, SIZE_MAX);
        mv_json_init(&json, &buf);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(&json, "kind", MV_STR("OutboxList"));
        mv_json_key(&json, "items");
        mv_json_array(&json);
        for (size_t i = 0; i < list->n; i++) {
                json_row(&json, &list->rows[i]);
                flush(&buf, 1 << 16);
        }
        mv_json_end(&json);
        mv_json_end(&json);
        mv_buf_append_byte(&buf, '\n');
        return end(&buf);
}

bool mv_outbox_list_print_csv(const struct mv_outbox_list *list) {
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, SIZE_MAX);
        mv_buf_append_text(&buf, "receiver,state,sequence,time,verdict,subject,id,tries,answer\r\n");
        for (size_t i = 0; i < list->n; i++) {
                const struct mv_outbox_row *row = &list->rows[i];
                const struct mv_outbox_record *record = &row->letter.record;
                mv_csv_field(&buf, row->receiver, ",");
                mv_buf_format(&buf, "%s,%020" PRIu64 ",", state(row), record->sequence);
                mv_csv_field(&buf, record->time, ",");
                mv_csv_field(&buf, record->verdict, ",");
                mv_csv_field(&buf, record->subject, ",");
                mv_csv_field(&buf, record->id, ",");
                if (row->dead)
                        mv_buf_format(&buf, "%u", row->letter.tries);
                mv_buf_append_byte(&buf, ',');
                mv_csv_field(&buf, row->letter.why, "\r\n");
                flush(&buf, 1 << 16);
        }
        return end(&buf);
}
