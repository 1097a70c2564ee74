/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/duration.h"

/* The unit at the beginning of *rest, which is moved past it, in nanoseconds; 0 when there is none. */
static long long take_unit(struct mv_str *rest) {
        static const struct {
                const char *name;
                long long ns;
        } units[] = {
                { "ns", 1 },
                { "us", 1000 },
                { "\u00b5s", 1000 },
                { "\u03bcs", 1000 },
                { "ms", 1000000 },
                { "s", 1000000000 },
                { "m", 60 * 1000000000LL },
                { "h", 3600 * 1000000000LL },
        };
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
                const struct mv_str name = mv_str_from(units[i].name);
                if (!mv_str_starts_with(*rest, name))
                        continue;
                *rest = mv_str_skip(*rest, name.n);
                return units[i].ns;
        }
        return 0;
}

static size_t count_digits(struct mv_str text) {
        size_t n = 0;
        while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
                n++;
        return n;
}

/* A number and its unit at the beginning of *rest, which is moved past them. */
static bool take_part(struct mv_str *rest, long long most_ns, long long *ret_ns) {
        unsigned long long whole = 0;
        double fraction = 0, scale = 1;
        const size_t digits = count_digits(*rest);
        const struct mv_str number = { rest->p, digits };
        *rest = mv_str_skip(*rest, digits);
        size_t more = 0;
        if (rest->n && rest->p[0] == '.') {
                *rest = mv_str_skip(*rest, 1);
                more = count_digits(*rest);
                for (size_t i = 0; i < more; i++)
                        fraction += (rest->p[i] - '0') * (scale /= 10);
                *rest = mv_str_skip(*rest, more);
        }
        const long long unit = take_unit(rest);
        if (!unit || !(digits || more) ||
            (digits && !mv_str_to_unsigned(number, (unsigned long long)(most_ns / unit), &whole)))
                return false;
        const long long below = (long long)(fraction * (double)unit + 0.5), above = (long long)whole * unit;
        if (below > most_ns - above)
                return false;
        *ret_ns = above + below;
        return true;
}

bool mv_duration_parse(struct mv_str text, long long most_ns, long long *ret_ns) {
        long long sum = 0, part;
        if (text.n && text.p[0] == '+')
                text = mv_str_skip(text, 1);
        if (!text.n)
                return false;
        if (mv_str_is(text, "0")) /* the one that needs no unit */
                text.n = 0;
        while (text.n) {
                if (!take_part(&text, most_ns - sum, &part))
                        return false;
                sum += part;
        }
        *ret_ns = sum;
        return true;
}
