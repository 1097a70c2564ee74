/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/segment.h"

#include "webhook/deliver/checksum.h"

#include <inttypes.h>
#include <stdio.h>

enum { VERSION = 1, N_TEXTS = 8, MARK_BYTES = 4 };

static const char magic[8] = { 'M', 'V', 'O', 'U', 'T', 'B', 'O', 'X' };
static const char mark[MARK_BYTES] = { '\xf9', 'M', 'V', '\xfa' };

/* --- numbers --- */

static void put(char *to, uint64_t value, size_t bytes) {
        for (size_t i = 0; i < bytes; i++)
                to[i] = (char)(value >> (8 * i));
}

static uint64_t get(const char *from, size_t bytes) {
        uint64_t value = 0;
        for (size_t i = bytes; i > 0; i--)
                value = value << 8 | (unsigned char)from[i - 1];
        return value;
}

/* --- header --- */

void mv_segment_header(uint64_t first, char ret[MV_SEGMENT_HEADER]) {
        memset(ret, 0, MV_SEGMENT_HEADER);
        memcpy(ret, magic, sizeof magic);
        put(ret + 8, VERSION, 4);
        put(ret + 16, first, 8);
        put(ret + 28, mv_checksum(0, (struct mv_str){ ret, 28 }), 4);
}

enum mv_segment_state mv_segment_check(struct mv_str file, uint64_t first) {
        if (file.n < MV_SEGMENT_HEADER || memcmp(file.p, magic, sizeof magic) != 0 ||
            get(file.p + 28, 4) != mv_checksum(0, (struct mv_str){ file.p, 28 }))
                return MV_SEGMENT_DAMAGED;
        if (get(file.p + 8, 4) != VERSION)
                return MV_SEGMENT_NEWER;
        return get(file.p + 16, 8) == first ? MV_SEGMENT_GOOD : MV_SEGMENT_DAMAGED;
}

/* --- one record --- */

/* In the order in which they are written. */
static void list_texts(struct mv_outbox_letter *letter, struct mv_str *ret[N_TEXTS]) {
        struct mv_outbox_record *r = &letter->record;
        ret[0] = &r->receiver;
        ret[1] = &r->subject;
        ret[2] = &r->kind;
        ret[3] = &r->namespace;
        ret[4] = &r->verdict;
        ret[5] = &r->id;
        ret[6] = &r->time;
        ret[7] = &letter->why;
}

bool mv_segment_write(struct mv_buf *buf, const struct mv_outbox_letter *letter, struct mv_str after) {
        struct mv_outbox_letter copy = *letter;
        struct mv_str *texts[N_TEXTS];
        char head[MV_SEGMENT_LEAST], digits[MV_OUTBOX_SEQUENCE_DIGITS + 1];
        size_t body = copy.record.body.n + (after.p ? MV_OUTBOX_SEQUENCE_DIGITS + after.n : 0);
        size_t rest = MV_SEGMENT_FIXED + body;
        list_texts(&copy, texts);
        for (size_t i = 0; i < N_TEXTS; i++) {
                if (texts[i]->n > MV_OUTBOX_TEXT_MAX)
                        return false;
                rest += texts[i]->n;
                put(head + 28 + 2 * i, texts[i]->n, 2);
        }
        if (rest > MV_OUTBOX_RECORD_MAX || after.n > MV_OUTBOX_RECORD_MAX)
                return false;
        memcpy(head, mark, sizeof mark);
        put(head + 4, rest, 4);
        put(head + 8, 0, 4);
        put(head + 12, copy.record.sequence, 8);
        put(head + 20, copy.tries, 4);
        put(head + 24, body, 4);

        const size_t begin = buf->n, whole = MV_SEGMENT_FRAME + rest;
        if (!mv_buf_reserve(buf, whole))
                return false;
        mv_buf_append(buf, head, sizeof head);
        for (size_t i = 0; i < N_TEXTS; i++)
                mv_buf_append_str(buf, *texts[i]);
        mv_buf_append_str(buf, copy.record.body);
        if (after.p) {
                snprintf(digits, sizeof digits, "%020" PRIu64, copy.record.sequence);
                mv_buf_append(buf, digits, MV_OUTBOX_SEQUENCE_DIGITS);
                mv_buf_append_str(buf, after);
        }
        char *record = buf->p + begin;
        uint32_t crc = mv_checksum(0, (struct mv_str){ record + 4, 4 });
        put(record + 8, mv_checksum(crc, (struct mv_str){ record + MV_SEGMENT_FRAME, rest }), 4);
        return true;
}

/* Length and texts of the record that bytes begin with, its checksum not compared. 0: there is none. */
static size_t take_apart(struct mv_str bytes, struct mv_outbox_letter *ret) {
        struct mv_str *texts[N_TEXTS];
        if (bytes.n < MV_SEGMENT_LEAST || memcmp(bytes.p, mark, sizeof mark) != 0)
                return 0;
        const size_t rest = get(bytes.p + 4, 4), body = get(bytes.p + 24, 4);
        if (rest < MV_SEGMENT_FIXED || rest > MV_OUTBOX_RECORD_MAX || rest > bytes.n - MV_SEGMENT_FRAME)
                return 0;
        *ret = (struct mv_outbox_letter){ .record.sequence = get(bytes.p + 12, 8),
                                          .tries = (unsigned)get(bytes.p + 20, 4) };
        list_texts(ret, texts);
        size_t at = MV_SEGMENT_LEAST;
        for (size_t i = 0; i < N_TEXTS; i++) {
                size_t n = get(bytes.p + 28 + 2 * i, 2);
                if (n > MV_OUTBOX_TEXT_MAX || n > MV_SEGMENT_FRAME + rest - at)
                        return 0;
                *texts[i] = (struct mv_str){ bytes.p + at, n };
                at += n;
        }
        if (body != MV_SEGMENT_FRAME + rest - at)
                return 0;
        ret->record.body = (struct mv_str){ bytes.p + at, body };
        return MV_SEGMENT_FRAME + rest;
}

static bool is_whole(struct mv_str record) {
        uint32_t crc = mv_checksum(0, (struct mv_str){ record.p + 4, 4 });
        return get(record.p + 8, 4) == mv_checksum(crc, mv_str_skip(record, MV_SEGMENT_FRAME));
}

size_t mv_segment_read(struct mv_str bytes, struct mv_outbox_letter *ret) {
        struct mv_outbox_letter letter;
        size_t n = take_apart(bytes, &letter);
        if (!n || !is_whole((struct mv_str){ bytes.p, n }))
                return 0;
        *ret = letter;
        return n;
}

/* --- a file --- */

/* A record of this segment stands there. Cheap comparisons come first, so that a file made of marks costs no checksum each. */
static size_t read_at(const struct mv_segment_scan *scan, size_t at, struct mv_outbox_letter *ret) {
        const struct mv_str bytes = mv_str_skip(scan->file, at);
        const uint64_t room = (at - MV_SEGMENT_HEADER) / MV_SEGMENT_LEAST;
        struct mv_outbox_letter letter;
        size_t n = take_apart(bytes, &letter);
        if (!n)
                return 0;
        const uint64_t sequence = letter.record.sequence;
        if (sequence < scan->first || sequence <= scan->last || sequence >= scan->limit ||
            sequence - scan->first > room || !is_whole((struct mv_str){ bytes.p, n }))
                return 0;
        *ret = letter;
        return n;
}

bool mv_segment_next(struct mv_segment_scan *scan, struct mv_outbox_letter *ret) {
        if (!scan->end)
                scan->end = scan->file.n < MV_SEGMENT_HEADER ? scan->file.n : MV_SEGMENT_HEADER;
        for (size_t at = scan->end; at + MV_SEGMENT_LEAST <= scan->file.n; at++) {
                const char *found = memmem(scan->file.p + at, scan->file.n - at, mark, sizeof mark);
                if (!found)
                        return false;
                at = (size_t)(found - scan->file.p);
                size_t n = read_at(scan, at, ret);
                if (!n)
                        continue;
                scan->damaged += at > scan->end;
                scan->begin = at;
                scan->end = at + n;
                scan->last = ret->record.sequence;
                return true;
        }
        return false;
}

size_t mv_segment_rest(const struct mv_segment_scan *scan) {
        size_t end = scan->file.n;
        while (end > scan->end && !scan->file.p[end - 1])
                end--;
        return end - scan->end;
}

bool mv_segment_torn(const struct mv_segment_scan *scan) {
        const struct mv_str tail = { scan->file.p + scan->end, mv_segment_rest(scan) };
        size_t n = tail.n < sizeof mark ? tail.n : sizeof mark;
        if (n && memcmp(tail.p, mark, n) != 0)
                return false;
        return tail.n < MV_SEGMENT_FRAME || get(tail.p + 4, 4) > tail.n - MV_SEGMENT_FRAME;
}
