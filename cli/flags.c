/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flags.h"

#include "certs/names.h"
#include "policy/base/buf.h"
#include "policy/base/duration.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 256 }; /* what getopt returns for the flag of that number */

/* getopt says ':' for a missing value and '?' for an unknown flag. */
static int wrong_flag(const struct mv_command *command, int flag, char **argv) {
        const char *text = argv[optind - 1];
        if (flag == ':')
                return mv_cli_usage_error(command, "%s needs a value", text);
        if (optopt && !strchr(text, optopt) && optopt < FIRST)
                return mv_cli_usage_error(command, "unknown flag -%c", optopt);
        return mv_cli_usage_error(command, "unknown flag %s", text);
}

static int choose(const struct mv_command *command, const struct mv_flag *flag, const char *value,
                  void *ret) {
        for (int i = 0; flag->choices[i]; i++)
                if (strcmp(value, flag->choices[i]) == 0) {
                        memcpy(ret, &i, sizeof i);
                        return -1;
                }
        struct mv_buf all;
        mv_buf_init(&all, &mv_allocator_system, 4096);
        for (int i = 0; flag->choices[i]; i++)
                mv_buf_format(&all, "%s%s", i ? ", " : "", flag->choices[i]);
        int code = mv_cli_usage_error(command, "--%s \"%s\" is none of %.*s", flag->name, value,
                                      MV_STR_ARG(mv_buf_str(&all)));
        mv_buf_done(&all);
        return code;
}

static int set_duration(const struct mv_command *command, const struct mv_flag *flag, const char *value,
                        unsigned long long *ret) {
        enum { MS = 1000000 };
        long long ns;
        if (!mv_duration_parse(mv_str_from(value), (long long)flag->most_ms * MS, &ns))
                return mv_cli_usage_error(command, "--%s \"%s\" is no duration such as 5s", flag->name,
                                          value);
        *ret = (unsigned long long)ns / MS;
        return -1;
}

static int apply(const struct mv_command *command, const struct mv_flag *flag, const char *value,
                 void *options) {
        void *target = (char *)options + flag->offset;
        switch (flag->type) {
        case MV_FLAG_HELP:
                return mv_cli_help(command);
        case MV_FLAG_SWITCH:
                *(bool *)target = true;
                return -1;
        case MV_FLAG_TEXT:
                *(const char **)target = value;
                return -1;
        case MV_FLAG_CHOICE:
                return choose(command, flag, value, target);
        case MV_FLAG_DURATION:
                return set_duration(command, flag, value, target);
        case MV_FLAG_TAKE:
                return flag->take(command, options, value);
        }
        return MV_EXIT_USAGE;
}

/* The table as getopt wants it; flag i is FIRST + i. False when memory is out. */
static bool make_tables(const struct mv_flag *flags, size_t n, struct option **ret_longs, char **ret_shorts) {
        struct option *longs = calloc(n + 1, sizeof *longs);
        char *shorts = calloc(2 * n + 2, 1), *at = shorts;
        *ret_longs = longs;
        *ret_shorts = shorts;
        if (!longs || !shorts)
                return false;
        *at++ = ':'; /* it tells nothing itself */
        for (size_t i = 0; i < n; i++) {
                const bool valued = flags[i].type != MV_FLAG_HELP && flags[i].type != MV_FLAG_SWITCH;
                longs[i] = (struct option){ flags[i].name, valued ? required_argument : no_argument, NULL,
                                            FIRST + (int)i };
                if (!flags[i].letter)
                        continue;
                *at++ = flags[i].letter;
                if (valued)
                        *at++ = ':';
        }
        return true;
}

/* The number of the flag that getopt returned; n when it is none. */
static size_t number_of(const struct mv_flag *flags, size_t n, int c) {
        size_t i = 0;
        if (c >= FIRST)
                return (size_t)(c - FIRST);
        while (i < n && flags[i].letter != c)
                i++;
        return i;
}

int mv_flags_parse(const struct mv_command *command, const struct mv_flag *flags, size_t n, void *options,
                   int argc, char **argv, int *ret_first) {
        struct option *longs;
        char *shorts;
        int code = -1;
        *ret_first = argc;
        if (make_tables(flags, n, &longs, &shorts)) {
                optind = 0;
                // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
                for (int c; code < 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
                        const size_t i = c == '?' || c == ':' ? n : number_of(flags, n, c);
                        code = i < n ? apply(command, &flags[i], optarg, options)
                                     : wrong_flag(command, c, argv);
                }
                *ret_first = optind;
        } else {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                code = mv_cli_error(command, &err);
        }
        free(longs);
        free(shorts);
        return code;
}

int mv_flags_take_names(const struct mv_command *command, const char *flag, bool dns, struct mv_names *names,
                        const char *value) {
        struct mv_err err = { 0 };
        for (struct mv_str rest = mv_str_from(value);;) {
                const size_t comma = mv_str_find_byte(rest, ',');
                const struct mv_str one = { rest.p, comma };
                if ((dns ? mv_names_add_dns(names, one, &err) : mv_names_add_ip(names, one, &err)) < 0)
                        return mv_cli_usage_error(command, "%s %s: %s", flag, value, err.message);
                if (comma == rest.n)
                        return -1;
                rest = mv_str_skip(rest, comma + 1);
        }
}
