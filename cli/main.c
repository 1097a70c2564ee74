/* SPDX-License-Identifier: Apache-2.0 */
/* The program: a table of commands. */
#include "cli/cli.h"
#include "cli/text.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct mv_command *const commands[] = {
        &mv_command_serve, &mv_command_check,  &mv_command_review,  &mv_command_explain,
        &mv_command_nodes, &mv_command_policy, &mv_command_drain,   &mv_command_rules,
        &mv_command_certs, &mv_command_outbox, &mv_command_version,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char *program = "migvet";

const char *mv_cli_program(void) {
        return program;
}

static void print_usage(FILE *stream) {
        fprintf(stream,
                "%s tells, before it is too late, whether a KubeVirt virtual machine can\nlive-migrate.\n\n"
                "Usage: %s COMMAND [flags]\n\nCommands:\n",
                "migvet", program);
        for (size_t i = 0; i < N_COMMANDS; i++)
                fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
        fprintf(stream, "\n`%s COMMAND --help` tells the flags of a command.\n", program);
}

int mv_cli_usage_error(const struct mv_command *command, const char *format, ...) {
        va_list args;
        va_start(args, format);
        fprintf(stderr, "%s %s: ", program, command->name);
        vfprintf(stderr, format, args);
        fprintf(stderr, "\nTry '%s %s --help'.\n", program, command->name);
        va_end(args);
        return MV_EXIT_USAGE;
}

int mv_cli_error(const struct mv_command *command, const struct mv_err *err) {
        char text[1152];
        fprintf(stderr, "%s %s: ", program, command->name);
        mv_text_cell(stderr, mv_str_from(mv_err_format(err, text, sizeof text)), 0);
        putc('\n', stderr);
        return MV_EXIT_USAGE;
}

int mv_cli_no_cluster(const struct mv_command *command, const struct mv_err *err) {
        mv_cli_error(command, err);
        fprintf(stderr, "%s %s: name files with -f, or a cluster with --kubeconfig\n", program,
                command->name);
        return MV_EXIT_UNREACHED;
}

int mv_cli_help(const struct mv_command *command) {
        fputs(command->usage, stdout);
        return MV_EXIT_OK;
}

/* What was written to stdout must have arrived: `check > /dev/full` is no success. */
static int flushed(int code) {
        if (fflush(stdout) != 0 || ferror(stdout)) {
                fprintf(stderr, "%s: cannot write to standard output\n", program);
                return MV_EXIT_UNREACHED;
        }
        return code;
}

int main(int argc, char **argv) {
        const char *name = argc > 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
        if (argc > 0 && strcmp(name, "kubectl-migvet") == 0)
                program = "kubectl migvet";
        signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error where it is written */
        if (argc < 2) {
                print_usage(stderr);
                return MV_EXIT_USAGE;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
                print_usage(stdout);
                return flushed(MV_EXIT_OK);
        }
        const char *wanted = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
        for (size_t i = 0; i < N_COMMANDS; i++)
                if (strcmp(wanted, commands[i]->name) == 0)
                        return flushed(commands[i]->run(argc - 1, argv + 1));
        fprintf(stderr, "%s: unknown command \"%s\"\nTry '%s --help'.\n", program, argv[1], program);
        return MV_EXIT_USAGE;
}
