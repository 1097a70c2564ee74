/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/positions.h"

#include "webhook/deliver/checksum.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * The text:
 *
 *     migvet outbox positions 1
 *     last 4096 reserved 8192
 *     boot 5d5c...
 *     receiver 17 20-23,25-25 mover        one a receiver: upto, ranges or -, name
 *     crc32 0123abcd                      of all lines before
 */
#define FIRST_LINE "migvet outbox positions 1"
#define CHECKSUM "crc32 "

/* --- one position --- */

void mv_position_done(struct mv_position *position, const struct mv_allocator *allocator) {
        allocator->release(allocator->context, position->above);
        position->above = NULL;
        position->n = position->capacity = 0;
}

/* The first range that ends at sequence or behind it. */
static size_t find(const struct mv_position *position, uint64_t sequence) {
        size_t low = 0, high = position->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (position->above[middle].to < sequence)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool mv_position_has(const struct mv_position *position, uint64_t sequence) {
        size_t at = find(position, sequence);
        return sequence <= position->upto || (at < position->n && position->above[at].from <= sequence);
}

uint64_t mv_position_next(const struct mv_position *position, uint64_t after) {
        uint64_t next = (after > position->upto ? after : position->upto) + 1;
        size_t at = find(position, next);
        return at < position->n && position->above[at].from <= next ? position->above[at].to + 1 : next;
}

static bool make_room(struct mv_position *position, const struct mv_allocator *allocator) {
        if (position->n < position->capacity)
                return true;
        size_t capacity = position->capacity ? 2 * position->capacity : 8;
        struct mv_range *above = allocator->allocate(allocator->context, capacity * sizeof *above);
        if (!above)
                return false;
        if (position->n)
                memcpy(above, position->above, position->n * sizeof *above);
        allocator->release(allocator->context, position->above);
        position->above = above;
        position->capacity = capacity;
        return true;
}

/* Take away n ranges at `at`. */
static void remove_ranges(struct mv_position *position, size_t at, size_t n) {
        if (!n)
                return;
        struct mv_range *to = position->above + at;
        memmove(to, to + n, (position->n - at - n) * sizeof *to);
        position->n -= n;
}

bool mv_position_add(struct mv_position *position, const struct mv_allocator *allocator, uint64_t from,
                     uint64_t to) {
        if (from <= position->upto + 1) {
                if (to <= position->upto)
                        return true;
                position->upto = to;
                size_t n = find(position, to);
                if (n < position->n && position->above[n].from <= to + 1)
                        position->upto = position->above[n++].to;
                remove_ranges(position, 0, n);
                return true;
        }
        /* Those that touch it, from `at` to before `end`, become one with it. */
        size_t at = find(position, from - 1), end = at;
        struct mv_range whole = { from, to };
        for (; end < position->n && position->above[end].from <= to + 1; end++) {
                if (position->above[end].from < whole.from)
                        whole.from = position->above[end].from;
                if (position->above[end].to > whole.to)
                        whole.to = position->above[end].to;
        }
        if (end > at) {
                remove_ranges(position, at + 1, end - at - 1);
        } else {
                if (!make_room(position, allocator))
                        return false;
                memmove(position->above + at + 1, position->above + at,
                        (position->n - at) * sizeof *position->above);
                position->n++;
        }
        position->above[at] = whole;
        return true;
}

/* --- all of them --- */

void mv_positions_done(struct mv_positions *positions) {
        for (size_t i = 0; i < positions->n; i++)
                mv_position_done(&positions->items[i], positions->allocator);
        positions->allocator->release(positions->allocator->context, positions->items);
        positions->items = NULL;
        positions->n = 0;
        positions->last = positions->reserved = 0;
        positions->boot[0] = '\0';
}

struct mv_position *mv_positions_find(const struct mv_positions *positions, struct mv_str name) {
        for (size_t i = 0; i < positions->n; i++)
                if (mv_str_is(name, positions->items[i].name))
                        return &positions->items[i];
        return NULL;
}

bool mv_positions_name_is_good(struct mv_str name) {
        for (size_t i = 0; i < name.n; i++)
                if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
                        return false;
        return name.n > 0 && name.n <= MV_OUTBOX_NAME_MAX;
}

/* --- the text --- */

static void write_receiver(const struct mv_position *position, struct mv_buf *buf) {
        mv_buf_format(buf, "receiver %" PRIu64 " ", position->upto);
        for (size_t i = 0; i < position->n; i++)
                mv_buf_format(buf, "%s%" PRIu64 "-%" PRIu64, i ? "," : "", position->above[i].from,
                              position->above[i].to);
        mv_buf_format(buf, "%s %s\n", position->n ? "" : "-", position->name);
}

void mv_positions_write(const struct mv_positions *positions, const struct mv_position *items, size_t n,
                        struct mv_buf *buf) {
        const size_t begin = buf->n;
        mv_buf_format(buf, FIRST_LINE "\nlast %" PRIu64 " reserved %" PRIu64 "\nboot %s\n", positions->last,
                      positions->reserved, positions->boot);
        for (size_t i = 0; i < n; i++)
                write_receiver(&items[i], buf);
        if (!mv_buf_failed(buf))
                mv_buf_format(buf, CHECKSUM "%08" PRIx32 "\n",
                              mv_checksum(0, mv_str_skip(mv_buf_str(buf), begin)));
}

/* The text up to `end`, which must be there, taken off *rest with it. */
static bool take(struct mv_str *rest, char end, struct mv_str *ret) {
        size_t n = mv_str_find_byte(*rest, end);
        if (n == rest->n)
                return false;
        *ret = (struct mv_str){ rest->p, n };
        *rest = mv_str_skip(*rest, n + 1);
        return true;
}

static bool take_word(struct mv_str *rest, const char *word) {
        const struct mv_str begin = mv_str_from(word);
        if (!mv_str_starts_with(*rest, begin))
                return false;
        *rest = mv_str_skip(*rest, begin.n);
        return true;
}

static bool to_number(struct mv_str text, uint64_t *ret) {
        unsigned long long number;
        if (!mv_str_to_unsigned(text, UINT64_MAX - 1, &number))
                return false;
        *ret = number;
        return true;
}

/* "20-23,25-25". MV_ESYNTAX without a message. */
static int read_ranges(struct mv_str text, const struct mv_allocator *allocator,
                       struct mv_position *position) {
        while (text.n) {
                size_t n = mv_str_find_byte(text, ',');
                struct mv_str one = { text.p, n }, from;
                uint64_t a, b;
                if (!take(&one, '-', &from) || !to_number(from, &a) || !to_number(one, &b) || a > b ||
                    a <= position->upto + 1 || (position->n && a <= position->above[position->n - 1].to + 1))
                        return MV_ESYNTAX;
                if (!mv_position_add(position, allocator, a, b))
                        return MV_ENOMEM;
                text = mv_str_skip(text, n < text.n ? n + 1 : n);
        }
        return 0;
}

static int read_receiver(struct mv_positions *positions, struct mv_str name, struct mv_str upto,
                         struct mv_str ranges) {
        struct mv_position *position = &positions->items[positions->n];
        uint64_t number;
        if (!mv_positions_name_is_good(name) || mv_positions_find(positions, name) ||
            !to_number(upto, &number))
                return MV_ESYNTAX;
        *position = (struct mv_position){ .upto = number };
        memcpy(position->name, name.p, name.n);
        positions->n++;
        int r = mv_str_is(ranges, "-") ? 0 : read_ranges(ranges, positions->allocator, position);
        const uint64_t most = position->n ? position->above[position->n - 1].to : position->upto;
        return r == 0 && most > positions->last ? MV_ESYNTAX : r;
}

static int read_lines(struct mv_positions *positions, struct mv_str rest) {
        struct mv_str line, last, upto, ranges;
        if (!take(&rest, '\n', &line) || !mv_str_is(line, FIRST_LINE) || !take(&rest, '\n', &line) ||
            !take_word(&line, "last ") || !take(&line, ' ', &last) || !to_number(last, &positions->last) ||
            !take_word(&line, "reserved ") || !to_number(line, &positions->reserved) ||
            positions->reserved < positions->last || !take(&rest, '\n', &line) ||
            !take_word(&line, "boot ") || line.n >= sizeof positions->boot)
                return MV_ESYNTAX;
        memcpy(positions->boot, line.p, line.n);
        positions->boot[line.n] = '\0';
        size_t n = 0;
        for (size_t i = 0; i < rest.n; i++)
                n += rest.p[i] == '\n';
        positions->items = positions->allocator->allocate(positions->allocator->context,
                                                          (n + 1) * sizeof *positions->items);
        if (!positions->items)
                return MV_ENOMEM;
        while (rest.n) {
                if (!take(&rest, '\n', &line) || !take_word(&line, "receiver ") || !take(&line, ' ', &upto) ||
                    !take(&line, ' ', &ranges))
                        return MV_ESYNTAX;
                int r = read_receiver(positions, line, upto, ranges);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mv_positions_read(struct mv_positions *positions, struct mv_str text, struct mv_err *err) {
        enum { LAST_LINE = sizeof CHECKSUM - 1 + 8 + 1 };
        char checksum[LAST_LINE + 1];
        int r = MV_ESYNTAX;
        if (text.n >= LAST_LINE) {
                const struct mv_str lines = { text.p, text.n - LAST_LINE };
                snprintf(checksum, sizeof checksum, CHECKSUM "%08" PRIx32 "\n", mv_checksum(0, lines));
                if (mv_str_is(mv_str_skip(text, lines.n), checksum))
                        r = read_lines(positions, lines);
        }
        if (r < 0)
                mv_positions_done(positions);
        if (r == MV_ENOMEM)
                return mv_err_oom(err);
        return r < 0 ? mv_err_set(err, r, "damaged: its text and its checksum do not agree") : 0;
}
