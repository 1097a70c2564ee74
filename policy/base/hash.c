/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/hash.h"

struct state {
        uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t word, unsigned bits) {
        return word << bits | word >> (64 - bits);
}

static inline void turn(struct state *s) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
}

static inline void compress(struct state *s, uint64_t word) {
        s->v3 ^= word;
        turn(s);
        s->v0 ^= word;
}

/* The last n < 8 bytes, without a call of memcpy. */
static inline uint64_t load_rest(const char *p, size_t n) {
        uint64_t rest = 0;
        unsigned bits = 0;
        if (n & 4) {
                uint32_t four;
                memcpy(&four, p, sizeof four);
                rest = four;
                bits = 32;
                p += 4;
        }
        if (n & 2) {
                uint16_t two;
                memcpy(&two, p, sizeof two);
                rest |= (uint64_t)two << bits;
                bits += 16;
                p += 2;
        }
        if (n & 1)
                rest |= (uint64_t)(unsigned char)*p << bits;
        return rest;
}

/* The hash so far is the key's first half; the second is no secret. */
static inline struct state begin(uint64_t hash) {
        const uint64_t key = UINT64_C(0x9e3779b97f4a7c15);
        return (struct state){
                .v0 = hash ^ UINT64_C(0x736f6d6570736575),
                .v1 = key ^ UINT64_C(0x646f72616e646f6d),
                .v2 = hash ^ UINT64_C(0x6c7967656e657261),
                .v3 = key ^ UINT64_C(0x7465646279746573),
        };
}

/* rest is what is left of n bytes. */
static inline uint64_t finish(struct state *s, uint64_t rest, size_t n) {
        compress(s, rest | (uint64_t)n << 56);
        s->v2 ^= 0xff;
        turn(s);
        turn(s);
        turn(s);
        return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t mv_hash_add(uint64_t hash, struct mv_str text) {
        struct state s = begin(hash);
        size_t i = 0;
        for (; i + 8 <= text.n; i += 8) {
                uint64_t word;
                memcpy(&word, text.p + i, 8);
                compress(&s, word);
        }
        return finish(&s, i < text.n ? load_rest(text.p + i, text.n - i) : 0, text.n);
}

uint64_t mv_hash_add_number(uint64_t hash, uint64_t number) {
        struct state s = begin(hash);
        compress(&s, number);
        return finish(&s, 0, sizeof number);
}
