/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an outbox. The first byte says which: a segment as it is, a segment whose checksums are made right, positions with their
 * checksum, a request, an answer. Whatever is read is within the file, in order, and written again it is what was read.
 */
#include "webhook/deliver/checksum.h"
#include "webhook/deliver/positions.h"
#include "webhook/deliver/requests.h"
#include "webhook/deliver/segment.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right, const char *what) {
        if (right)
                return;
        fprintf(stderr, "%s\n", what);
        abort();
}

static struct mv_str written(struct mv_buf *buf) {
        check(!mv_buf_failed(buf), "no memory");
        return mv_buf_str(buf);
}

/* --- segments --- */

static bool is_within(struct mv_str part, const char *from, const char *to) {
        return part.p >= from && part.p <= to && part.n <= (size_t)(to - part.p);
}

static void check_record(struct mv_str file, const struct mv_segment_scan *scan,
                         const struct mv_outbox_letter *letter) {
        const char *from = file.p + scan->begin, *to = file.p + scan->end;
        const struct mv_outbox_record *r = &letter->record;
        const struct mv_str texts[] = { r->receiver, r->subject, r->kind, r->namespace, r->verdict,
                                        r->id,       r->time,    r->body, letter->why };
        struct mv_outbox_letter again;
        struct mv_buf buf;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                check(is_within(texts[i], from, to), "a text from elsewhere");
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        check(mv_segment_write(&buf, letter, (struct mv_str){ 0 }), "what was read cannot be written");
        check(mv_str_equal(written(&buf), (struct mv_str){ from, (size_t)(to - from) }), "written otherwise");
        check(mv_segment_read(mv_buf_str(&buf), &again) == buf.n, "what was written cannot be read");
        mv_buf_done(&buf);
}

static void read_segment(struct mv_str file) {
        struct mv_segment_scan scan = { .file = file, .first = 1, .limit = 1000 };
        struct mv_outbox_letter letter;
        uint64_t last = 0, n = 0;
        size_t end = MV_SEGMENT_HEADER;
        (void)mv_segment_check(file, 1);
        while (mv_segment_next(&scan, &letter)) {
                check(letter.record.sequence > last && letter.record.sequence < 1000, "out of order");
                check(scan.begin >= end && scan.end > scan.begin && scan.end <= file.n,
                      "records over one another");
                check_record(file, &scan, &letter);
                last = letter.record.sequence;
                end = scan.end;
                n++;
        }
        check(scan.last == last && scan.damaged <= n, "counted wrongly");
        check(n == 0 || scan.end == end, "the end is not behind the last record");
        (void)mv_segment_torn(&scan);
}

/* Put the right checksum behind each mark that has a whole record's length. */
static void mend(char *text, size_t n) {
        for (size_t at = 0; at + MV_SEGMENT_FRAME <= n; at++) {
                uint32_t rest, crc;
                if (memcmp(text + at, "\xf9MV\xfa", 4) != 0)
                        continue;
                memcpy(&rest, text + at + 4, 4);
                if (rest > n - at - MV_SEGMENT_FRAME)
                        continue;
                crc = mv_checksum(0, (struct mv_str){ text + at + 4, 4 });
                crc = mv_checksum(crc, (struct mv_str){ text + at + MV_SEGMENT_FRAME, rest });
                memcpy(text + at + 8, &crc, 4);
        }
}

/* --- texts --- */

static void read_positions(struct mv_str lines) {
        struct mv_positions positions = { .allocator = &mv_allocator_system };
        struct mv_buf text, again;
        mv_buf_init(&text, &mv_allocator_system, MV_OUTBOX_BUF);
        mv_buf_init(&again, &mv_allocator_system, MV_OUTBOX_BUF);
        mv_buf_append_str(&text, lines);
        mv_buf_format(&text, "crc32 %08x\n", mv_checksum(0, lines));
        if (mv_positions_read(&positions, written(&text), NULL) == 0) {
                for (size_t i = 0; i < positions.n; i++)
                        for (uint64_t after = 0, n = 0; n < 100 && after < positions.last; n++) {
                                after = mv_position_next(&positions.items[i], after);
                                check(!mv_position_has(&positions.items[i], after), "done, and next");
                        }
                mv_positions_write(&positions, positions.items, positions.n, &again);
                struct mv_positions second = { .allocator = &mv_allocator_system };
                check(mv_positions_read(&second, written(&again), NULL) == 0,
                      "positions cannot be read again");
                check(second.n == positions.n && second.last == positions.last, "positions are others");
                mv_positions_done(&second);
        }
        mv_positions_done(&positions);
        mv_buf_done(&again);
        mv_buf_done(&text);
}

static void read_request(struct mv_str text) {
        struct mv_outbox_request request;
        struct mv_buf buf;
        if (mv_outbox_request_read(text, &mv_allocator_system, &request, NULL) < 0)
                return;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        mv_outbox_request_write(&request, &buf);
        struct mv_outbox_request again;
        check(mv_outbox_request_read(written(&buf), &mv_allocator_system, &again, NULL) == 0 &&
                      again.n_items == request.n_items && again.retry == request.retry &&
                      mv_str_equal(again.receiver, request.receiver),
              "another request");
        mv_outbox_request_done(&again, &mv_allocator_system);
        mv_outbox_request_done(&request, &mv_allocator_system);
        mv_buf_done(&buf);
}

static void read_answer(struct mv_str text) {
        struct mv_outbox_answer answer, again;
        struct mv_buf buf;
        if (mv_outbox_answer_read(text, &answer, NULL) < 0)
                return;
        mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
        mv_outbox_answer_write(&answer, &buf);
        check(mv_outbox_answer_read(written(&buf), &again, NULL) == 0 && again.dead == answer.dead &&
                      again.waiting == answer.waiting && again.unmatched == answer.unmatched &&
                      strcmp(again.error, answer.error) == 0,
              "another answer");
        mv_buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        const struct mv_str text = { (const char *)data + 1, size - 1 };
        char *copy;
        switch (data[0]) {
        case 's':
                read_segment(text);
                break;
        case 'm':
                copy = malloc(text.n ? text.n : 1);
                check(copy != NULL, "no memory");
                memcpy(copy, text.p, text.n);
                mend(copy, text.n);
                read_segment((struct mv_str){ copy, text.n });
                free(copy);
                break;
        case 'p':
                read_positions(text);
                break;
        case 'r':
                read_request(text);
                break;
        case 'a':
                read_answer(text);
                break;
        default:
                break;
        }
        return 0;
}
