/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/str.h"

int mv_str_compare(struct mv_str a, struct mv_str b) {
        size_t n = a.n < b.n ? a.n : b.n;
        int order = n ? memcmp(a.p, b.p, n) : 0;
        if (order)
                return order;
        return a.n < b.n ? -1 : a.n > b.n;
}

size_t mv_str_find_byte(struct mv_str s, char c) {
        const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
        return hit ? (size_t)(hit - s.p) : s.n;
}

bool mv_str_to_unsigned(struct mv_str s, unsigned long long limit, unsigned long long *ret) {
        unsigned long long value = 0;
        if (s.n == 0)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
                unsigned digit = (unsigned)(s.p[i] - '0');
                if (value > (limit - digit) / 10 || digit > limit)
                        return false;
                value = value * 10 + digit;
        }
        *ret = value;
        return true;
}

bool mv_str_is_among(struct mv_str s, const char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (mv_str_is(s, texts[i]))
                        return true;
        return false;
}

bool mv_str_contains(struct mv_str s, struct mv_str part) {
        for (size_t i = 0; s.n >= part.n && i <= s.n - part.n; i++)
                if (mv_str_starts_with(mv_str_skip(s, i), part))
                        return true;
        return false;
}
