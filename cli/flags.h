/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of a command, as a table: how each is written, what value it has, and where in the command's options that goes.
 * All commands read their command line here, so a mistake is told in the same words everywhere.
 */
#pragma once

#include "cli/cli.h"

enum mv_flag_type {
        MV_FLAG_HELP,     /* prints the help of the command, which then ends */
        MV_FLAG_SWITCH,   /* bool; without a value */
        MV_FLAG_TEXT,     /* const char *, of argv */
        MV_FLAG_CHOICE,   /* an enum: the position among .choices */
        MV_FLAG_DURATION, /* unsigned long long, milliseconds; at most .most_ms */
        MV_FLAG_TAKE,     /* whatever .take makes of it */
};

struct mv_flag {
        const char *name; /* "filename" */
        char letter;      /* 'f'; 0: none */
        enum mv_flag_type type;
        size_t offset;
        const char *const *choices; /* ends with NULL */
        unsigned long long most_ms;
        /* Returns -1, or the exit code when the value is wrong, which it has told. */
        int (*take)(const struct mv_command *command, void *options, const char *value);
};

/* Rows of a table; member_ is of the struct type_. */
#define MV_FLAG_ROW(name_, letter_, kind_, type_, member_) \
        { .name = (name_), .letter = (letter_), .type = MV_FLAG_##kind_, .offset = offsetof(type_, member_) }
#define MV_FLAG_ROW_CHOICE(name_, choices_, type_, member_) \
        { .name = (name_), .type = MV_FLAG_CHOICE, .offset = offsetof(type_, member_), .choices = (choices_) }
#define MV_FLAG_ROW_DURATION(name_, most_ms_, type_, member_)                                  \
        {                                                                                      \
                .name = (name_), .type = MV_FLAG_DURATION, .offset = offsetof(type_, member_), \
                .most_ms = (most_ms_)                                                          \
        }
#define MV_FLAG_ROW_TAKE(name_, letter_, take_) \
        { .name = (name_), .letter = (letter_), .type = MV_FLAG_TAKE, .take = (take_) }
#define MV_FLAG_ROW_HELP \
        { .name = "help", .letter = 'h', .type = MV_FLAG_HELP }

/*
 * Read the command line into options, row by row of argv. Returns -1 when the command is to go on, with *ret_first the
 * position of the first argument that is no flag, else the exit code: what is wrong was told, or the help was printed.
 */
int mv_flags_parse(const struct mv_command *command, const struct mv_flag *flags, size_t n, void *options,
                   int argc, char **argv, int *ret_first);

/* For .take: the DNS names, or the addresses, of a list with commas between them. The flag is named in what is told. */
struct mv_names;
int mv_flags_take_names(const struct mv_command *command, const char *flag, bool dns, struct mv_names *names,
                        const char *value);
