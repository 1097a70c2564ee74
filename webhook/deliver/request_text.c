/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/requests.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * One line each; the last one tells that nothing is missing.
 *
 *     migvet outbox request 1        migvet outbox answer 1
 *     drop                           dead 1
 *     receiver mover                 waiting 0
 *     item 4711                      unmatched 1 4712
 *     end                            error
 *                                    end
 */
#define REQUEST "migvet outbox request 1"
#define ANSWER "migvet outbox answer 1"

static bool is_control(char c) {
        return (unsigned char)c < ' ' || c == 0x7f;
}

/* Lines of characters that can be printed. */
static bool is_text(struct mv_str text) {
        for (size_t i = 0; i < text.n; i++)
                if (is_control(text.p[i]) && text.p[i] != '\n')
                        return false;
        return true;
}

static bool take_line(struct mv_str *rest, struct mv_str *ret) {
        size_t n = mv_str_find_byte(*rest, '\n');
        if (n == rest->n)
                return false;
        *ret = (struct mv_str){ rest->p, n };
        *rest = mv_str_skip(*rest, n + 1);
        return true;
}

/* The line "word ..." or "word"; the rest of it. */
static bool take_field(struct mv_str *rest, const char *word, struct mv_str *ret) {
        const struct mv_str begin = mv_str_from(word);
        struct mv_str line, all = *rest;
        if (!take_line(&all, &line) || !mv_str_starts_with(line, begin) ||
            (line.n > begin.n && line.p[begin.n] != ' '))
                return false;
        *ret = mv_str_skip(line, line.n > begin.n ? begin.n + 1 : begin.n);
        *rest = all;
        return true;
}

/* --- the request --- */

void mv_outbox_request_write(const struct mv_outbox_request *request, struct mv_buf *buf) {
        mv_buf_format(buf, REQUEST "\n%s\nreceiver %.*s\n", request->retry ? "retry" : "drop",
                      MV_STR_ARG(request->receiver));
        for (size_t i = 0; i < request->n_items; i++)
                mv_buf_format(buf, "item %.*s\n", MV_STR_ARG(request->items[i]));
        mv_buf_append_text(buf, "end\n");
}

static int no_request(struct mv_err *err) {
        return mv_err_set(err, MV_ESYNTAX, "no request to an outbox");
}

int mv_outbox_request_read(struct mv_str text, const struct mv_allocator *allocator,
                           struct mv_outbox_request *ret, struct mv_err *err) {
        struct mv_outbox_request request = { 0 };
        struct mv_str line;
        size_t lines = 0;
        for (size_t i = 0; i < text.n; i++)
                lines += text.p[i] == '\n';
        if (!is_text(text) || !take_line(&text, &line) || !mv_str_is(line, REQUEST) ||
            !take_line(&text, &line))
                return no_request(err);
        request.retry = mv_str_is(line, "retry");
        if ((!request.retry && !mv_str_is(line, "drop")) || !take_field(&text, "receiver", &request.receiver))
                return no_request(err);
        struct mv_str *items = allocator->allocate(allocator->context, (lines + 1) * sizeof *items);
        if (!items)
                return mv_err_oom(err);
        while (take_field(&text, "item", &line))
                items[request.n_items++] = line;
        if (!mv_str_is(text, "end\n")) {
                allocator->release(allocator->context, items);
                return no_request(err);
        }
        request.items = items;
        *ret = request;
        return 0;
}

void mv_outbox_request_done(struct mv_outbox_request *request, const struct mv_allocator *allocator) {
        allocator->release(allocator->context, (void *)request->items);
        *request = (struct mv_outbox_request){ 0 };
}

/* --- the answer --- */

/* On one line, whatever it holds. */
static void write_text(struct mv_buf *buf, const char *text) {
        for (; *text; text++)
                mv_buf_append_byte(buf, is_control(*text) ? ' ' : *text);
        mv_buf_append_byte(buf, '\n');
}

void mv_outbox_answer_write(const struct mv_outbox_answer *answer, struct mv_buf *buf) {
        mv_buf_format(buf, ANSWER "\ndead %" PRIu64 "\nwaiting %" PRIu64 "\nunmatched %" PRIu64 " ",
                      answer->dead, answer->waiting, answer->unmatched);
        write_text(buf, answer->first_unmatched);
        mv_buf_append_text(buf, "error ");
        write_text(buf, answer->error);
        mv_buf_append_text(buf, "end\n");
}

static bool take_number(struct mv_str text, uint64_t *ret) {
        unsigned long long number;
        if (!mv_str_to_unsigned(text, UINT64_MAX, &number))
                return false;
        *ret = number;
        return true;
}

int mv_outbox_answer_read(struct mv_str text, struct mv_outbox_answer *ret, struct mv_err *err) {
        struct mv_outbox_answer answer = { 0 };
        struct mv_str line, dead, waiting, unmatched, error;
        bool good = is_text(text) && take_line(&text, &line) && mv_str_is(line, ANSWER) &&
                    take_field(&text, "dead", &dead) && take_field(&text, "waiting", &waiting) &&
                    take_field(&text, "unmatched", &unmatched) && take_field(&text, "error", &error) &&
                    mv_str_is(text, "end\n") && take_number(dead, &answer.dead) &&
                    take_number(waiting, &answer.waiting);
        size_t n = good ? mv_str_find_byte(unmatched, ' ') : 0;
        if (!good || n == unmatched.n || !take_number((struct mv_str){ unmatched.p, n }, &answer.unmatched))
                return mv_err_set(err, MV_ESYNTAX, "no answer of an outbox");
        snprintf(answer.first_unmatched, sizeof answer.first_unmatched, "%.*s",
                 MV_STR_ARG(mv_str_skip(unmatched, n + 1)));
        snprintf(answer.error, sizeof answer.error, "%.*s", MV_STR_ARG(error));
        *ret = answer;
        return 0;
}
