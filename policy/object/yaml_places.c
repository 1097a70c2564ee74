/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml_places.h"

#include <stdint.h>

enum { STRIDE = 32 }; /* a place is found by as many steps at most */

struct whole {
        struct mv_yaml_place place;
        size_t step; /* byte of steps */
};

void mv_yaml_places_init(struct mv_yaml_places *places, const struct mv_allocator *allocator) {
        *places = (struct mv_yaml_places){ .n = 0 };
        mv_buf_init(&places->whole, allocator, SIZE_MAX);
        mv_buf_init(&places->steps, allocator, SIZE_MAX);
}

void mv_yaml_places_done(struct mv_yaml_places *places) {
        mv_buf_done(&places->whole);
        mv_buf_done(&places->steps);
}

void mv_yaml_places_clear(struct mv_yaml_places *places) {
        mv_buf_clear(&places->whole);
        mv_buf_clear(&places->steps);
        places->n = 0;
}

bool mv_yaml_places_failed(const struct mv_yaml_places *places) {
        return mv_buf_failed(&places->whole) || mv_buf_failed(&places->steps);
}

/* Seven bits a byte, the lowest first; the last byte has no eighth. */
static unsigned char *write_number(unsigned char *to, uint64_t number) {
        for (; number >= 0x80; number >>= 7)
                *to++ = (unsigned char)(number | 0x80);
        *to++ = (unsigned char)number;
        return to;
}

static uint64_t read_number(const char *p, size_t *at) {
        uint64_t number = 0;
        unsigned char byte;
        unsigned shift = 0;
        do {
                byte = (unsigned char)p[(*at)++];
                number |= (uint64_t)(byte & 0x7f) << shift;
                shift += 7;
        } while (byte & 0x80);
        return number;
}

void mv_yaml_places_add(struct mv_yaml_places *places, const struct mv_yaml_place *place) {
        if (places->n++ % STRIDE == 0) {
                struct whole whole = { *place, places->steps.n };
                mv_buf_append(&places->whole, &whole, sizeof whole);
        } else {
                /* An alias goes back: the sign is the lowest bit. */
                int64_t lines = (int64_t)place->line - (int64_t)places->last.line;
                uint64_t signed_lines = (uint64_t)(lines < 0 ? -lines : lines) << 1 | (lines < 0);
                unsigned char step[3 * 10], *end = step;
                end = write_number(end, place->offset - places->last.offset);
                end = write_number(end, signed_lines);
                end = write_number(end, place->column);
                mv_buf_append(&places->steps, step, (size_t)(end - step));
        }
        places->last = *place;
}

static struct whole whole_at(const struct mv_yaml_places *places, size_t i) {
        struct whole whole;
        memcpy(&whole, places->whole.p + i * sizeof whole, sizeof whole);
        return whole;
}

static struct mv_yaml_place step_from(const struct mv_yaml_place *from, const char *steps, size_t *at) {
        struct mv_yaml_place place = *from;
        place.offset += (size_t)read_number(steps, at);
        uint64_t lines = read_number(steps, at);
        place.line = lines & 1 ? place.line - (unsigned)(lines >> 1) : place.line + (unsigned)(lines >> 1);
        place.column = (unsigned)read_number(steps, at);
        return place;
}

struct mv_yaml_place mv_yaml_places_find(const struct mv_yaml_places *places, size_t offset) {
        size_t low = 0, n = places->whole.n / sizeof(struct whole), high = n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (whole_at(places, middle).place.offset <= offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (!low)
                return (struct mv_yaml_place){ .line = 1, .column = 1 };
        struct whole from = whole_at(places, low - 1);
        size_t at = from.step, end = low < n ? whole_at(places, low).step : places->steps.n;
        struct mv_yaml_place found = from.place;
        while (at < end) {
                struct mv_yaml_place next = step_from(&found, places->steps.p, &at);
                if (next.offset > offset)
                        break;
                found = next;
        }
        return found;
}
