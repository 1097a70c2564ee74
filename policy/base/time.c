/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/time.h"

/* n digits at the beginning of *rest, which is moved past them; -1 when they are not there. */
static int digits(struct mv_str *rest, size_t n) {
        int value = 0;
        if (rest->n < n)
                return -1;
        for (size_t i = 0; i < n; i++) {
                if (rest->p[i] < '0' || rest->p[i] > '9')
                        return -1;
                value = value * 10 + (rest->p[i] - '0');
        }
        *rest = mv_str_skip(*rest, n);
        return value;
}

static bool is_next(struct mv_str *rest, const char *any_of) {
        if (!rest->n || !strchr(any_of, rest->p[0]) || !rest->p[0])
                return false;
        *rest = mv_str_skip(*rest, 1);
        return true;
}

/* Days from 1970-01-01 to that day of the Gregorian calendar: years begin in March, so that the odd day comes last. */
static int64_t days_from_1970(int year, int month, int day) {
        int64_t y = month > 2 ? year : year - 1;
        int64_t since_march = (month + 9) % 12;
        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * since_march + 2) / 5 + day - 1 - 719468;
}

static bool parse_offset(struct mv_str *rest, int64_t *ret_seconds) {
        *ret_seconds = 0;
        if (is_next(rest, "Zz"))
                return true;
        bool west = rest->n && rest->p[0] == '-';
        if (!is_next(rest, "+-"))
                return false;
        int hours = digits(rest, 2);
        if (!is_next(rest, ":"))
                return false;
        int minutes = digits(rest, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
                return false;
        *ret_seconds = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
        return true;
}

bool mv_time_parse(struct mv_str text, int64_t *ret) {
        static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        int year = digits(&text, 4);
        if (year < 0 || !is_next(&text, "-"))
                return false;
        int month = digits(&text, 2);
        if (month < 1 || month > 12 || !is_next(&text, "-"))
                return false;
        int day = digits(&text, 2);
        if (day < 1 || day > days[month - 1] || !is_next(&text, "Tt"))
                return false;
        int hour = digits(&text, 2);
        if (hour < 0 || hour > 23 || !is_next(&text, ":"))
                return false;
        int minute = digits(&text, 2);
        if (minute < 0 || minute > 59 || !is_next(&text, ":"))
                return false;
        int second = digits(&text, 2);
        if (second < 0 || second > 60)
                return false;
        if (is_next(&text, ".")) {
                if (digits(&text, 1) < 0)
                        return false;
                while (digits(&text, 1) >= 0)
                        ;
        }
        int64_t offset;
        if (!parse_offset(&text, &offset) || text.n)
                return false;
        *ret = days_from_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
        return true;
}
