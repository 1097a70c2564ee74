/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of the program share: exit codes, the flags that mean the same everywhere, and how a
 * command is declared. One file a command; main.c holds the table.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum mv_exit {
        MV_EXIT_OK = 0,        /* nothing at or above --fail-on */
        MV_EXIT_FOUND = 1,     /* something was found */
        MV_EXIT_USAGE = 2,     /* the input or the command line is wrong */
        MV_EXIT_UNREACHED = 3, /* the cluster could not be reached or read */
};

struct mv_command {
        const char *name;    /* "check" */
        const char *summary; /* one line for `migvet --help` */
        const char *usage;   /* the whole help text of `migvet NAME --help`, newline at its end */
        /* argv[0] is the command's name. Returns an enum mv_exit. */
        int (*run)(int argc, char **argv);
};

extern const struct mv_command mv_command_serve;
extern const struct mv_command mv_command_check;
extern const struct mv_command mv_command_review;
extern const struct mv_command mv_command_explain;
extern const struct mv_command mv_command_policy;
extern const struct mv_command mv_command_nodes;
extern const struct mv_command mv_command_drain;
extern const struct mv_command mv_command_rules;
extern const struct mv_command mv_command_certs;
extern const struct mv_command mv_command_outbox;
extern const struct mv_command mv_command_version;

/* "migvet" or, when run as a kubectl plugin, "kubectl migvet". */
const char *mv_cli_program(void);

/* Print "migvet COMMAND: message" in printf format and a hint at --help to stderr; returns MV_EXIT_USAGE. */
int mv_cli_usage_error(const struct mv_command *command, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* Print "migvet COMMAND: error" to stderr; returns the exit code that fits the error's code. */
int mv_cli_error(const struct mv_command *command, const struct mv_err *err);
/* Print that no cluster was named and none is configured (err says where was looked); returns MV_EXIT_UNREACHED. */
int mv_cli_no_cluster(const struct mv_command *command, const struct mv_err *err);
/* Print the usage text to stdout; returns MV_EXIT_OK. */
int mv_cli_help(const struct mv_command *command);
