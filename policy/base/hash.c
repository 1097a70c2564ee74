/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/hash.h"

/* Multiply and fold, eight bytes at a time. */
static uint64_t mix(uint64_t hash, uint64_t word) {
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        return hash ^ hash >> 32;
}

uint64_t mv_hash_add(uint64_t hash, struct mv_str s) {
        size_t i = 0;
        for (; i + 8 <= s.n; i += 8) {
                uint64_t word;
                memcpy(&word, s.p + i, 8);
                hash = mix(hash, word);
        }
        uint64_t rest = 0;
        if (i < s.n)
                memcpy(&rest, s.p + i, s.n - i);
        return mix(mix(hash, rest), s.n);
}
