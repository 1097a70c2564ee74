/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet outbox`: look at the verdicts that wait for receivers, send dead letters again, forget some. */
#include "certs/file.h"
#include "cli/config.h"
#include "cli/flags.h"
#include "cli/log.h"
#include "cli/outbox_list.h"
#include "webhook/deliver/positions.h"
#include "webhook/deliver/requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet outbox ls [--directory DIR] [flags]\n"
        "       migvet outbox retry [--directory DIR] [flags] --all | SEQUENCE|ID...\n"
        "       migvet outbox drop [--directory DIR] [flags] --all | SEQUENCE|ID...\n"
        "\n"
        "Verdicts that wait for their receivers, and dead letters: those that a receiver\n"
        "did not take after outbox.tries tries. Works beside a running `migvet serve`,\n"
        "which carries out what is asked within a second or two, and without one.\n"
        "\n"
        "  ls       what waits for each receiver, and its dead letters with its last\n"
        "           answer\n"
        "  retry    send dead letters again: each goes to its receiver behind what waits\n"
        "           there already\n"
        "  drop     forget verdicts: those that wait and dead letters; asks first\n"
        "\n"
        "Flags:\n"
        "      --directory DIR      the outbox (default: outbox.directory of the\n"
        "                           configuration, as shipped /var/lib/migvet/outbox)\n"
        "      --config FILE        configuration of the server\n"
        "      --receiver NAME      only of this receiver\n"
        "      --all                retry, drop: all of them\n"
        "  -y, --yes                drop: do not ask; needed where there is no terminal\n"
        "  -o, --output FORMAT      ls: table (default), json or csv\n"
        "  -h, --help               this text\n"
        "\n"
        "Exit codes: 0 done, 2 a wrong command line, an outbox that cannot be read or\n"
        "changed, or something that nothing was found for.\n";

enum action { LS, RETRY, DROP };
enum { ANSWER_SECONDS = 10 };

struct options {
        enum action action;
        const char *directory; /* NULL: of the configuration */
        const char *config_file, *output;
        struct mv_str receiver;
        bool all, yes;
        struct mv_str *items; /* sequences and ids */
        size_t n_items;
};

static int fail(const struct mv_err *err) {
        return mv_cli_error(&mv_command_outbox, err);
}

/* --- ls --- */

static int list_outbox(const struct options *options) {
        struct mv_outbox_list list = { .receiver = options->receiver };
        struct mv_err err = { 0 };
        int code = MV_EXIT_OK;
        if (mv_outbox_list_read(options->directory, &list, &err) < 0)
                code = fail(&err);
        else {
                const char *output = options->output ? options->output : "table";
                bool printed = strcmp(output, "json") == 0  ? mv_outbox_list_print_json(&list)
                               : strcmp(output, "csv") == 0 ? mv_outbox_list_print_csv(&list)
                                                            : mv_outbox_list_print_table(&list);
                if (!printed) {
                        mv_err_oom(&err);
                        code = fail(&err);
                }
                if (list.damaged)
                        fprintf(stderr, "%s outbox: %zu damaged %s passed over\n", mv_cli_program(),
                                list.damaged, list.damaged == 1 ? "place was" : "places were");
        }
        mv_outbox_list_done(&list);
        return code;
}

/* --- retry, drop --- */

/* -1: go on, else an exit code. What another user makes there, the server could not read. */
static int check_directory(const struct options *options) {
        struct mv_err err = { 0 };
        struct stat st;
        char *path = mv_path_join(options->directory, MV_POSITIONS_FILE);
        int r = path ? 0 : mv_err_oom(&err);
        if (r == 0 && access(path, F_OK) < 0)
                r = mv_err_set(&err, MV_ENOTFOUND, "there is no outbox");
        else if (r == 0 && stat(options->directory, &st) == 0 && st.st_uid != geteuid())
                r = mv_err_set(&err, MV_EUSAGE, "belongs to user %lu: run this command as that user",
                               (unsigned long)st.st_uid);
        free(path);
        if (r == 0)
                return -1;
        mv_err_in_file(&err, options->directory, r);
        return fail(&err);
}

/* "3 waiting verdicts and 1 dead letter" */
static void print_counts(FILE *stream, uint64_t waiting, uint64_t dead) {
        if (!waiting && !dead)
                fputs("nothing", stream);
        if (waiting)
                fprintf(stream, "%" PRIu64 " waiting verdict%s", waiting, waiting == 1 ? "" : "s");
        if (dead)
                fprintf(stream, "%s%" PRIu64 " dead letter%s", waiting ? " and " : "", dead,
                        dead == 1 ? "" : "s");
}

/* -1: go on, else an exit code. */
static int ask_first(const struct options *options) {
        struct mv_outbox_list list = { .receiver = options->receiver,
                                       .items = options->items,
                                       .n_items = options->n_items };
        struct mv_err err = { 0 };
        char line[16] = "";
        uint64_t dead = 0;
        int code = -1;
        if (options->yes || options->action != DROP)
                return -1;
        if (!isatty(STDIN_FILENO))
                return mv_cli_usage_error(&mv_command_outbox,
                                          "drop asks first, and there is no terminal: say --yes");
        if (mv_outbox_list_read(options->directory, &list, &err) < 0)
                code = fail(&err);
        else if (list.n) {
                for (size_t i = 0; i < list.n; i++)
                        dead += list.rows[i].dead;
                fputs("Forget ", stderr);
                print_counts(stderr, list.n - dead, dead);
                fputs("? [y/N] ", stderr);
                if (!fgets(line, sizeof line, stdin) || (line[0] != 'y' && line[0] != 'Y')) {
                        fputs("Nothing was changed.\n", stderr);
                        code = MV_EXIT_OK;
                }
        }
        mv_outbox_list_done(&list);
        return code;
}

/* Carry it out here, or let the process do it that has the outbox. */
static int carry_out(const struct options *options, const struct mv_outbox_request *request,
                     struct mv_outbox_answer *answer, struct mv_err *err) {
        struct mv_log log;
        struct mv_outbox *outbox;
        mv_log_init(&log, false, MV_LOG_WARNING);
        /* How much the server lets it hold is not known here; what is sent again takes the place of dead letters. */
        const struct mv_outbox_options open = { .directory = options->directory,
                                                .max_bytes = UINT64_MAX,
                                                .logger = &log.logger };
        int r = mv_outbox_open(&open, &outbox, err);
        if (r == MV_ETIMEOUT) {
                *err = (struct mv_err){ 0 };
                return mv_outbox_ask(options->directory, request, ANSWER_SECONDS, answer, err);
        }
        if (r < 0)
                return r;
        r = mv_outbox_carry_out(outbox, request, answer, err);
        int synced = mv_outbox_sync(outbox, r < 0 ? NULL : err);
        mv_outbox_close(outbox);
        return r < 0 ? r : synced;
}

static int change_outbox(const struct options *options) {
        const struct mv_outbox_request request = { .retry = options->action == RETRY,
                                                   .receiver = options->receiver,
                                                   .items = options->items,
                                                   .n_items = options->n_items };
        struct mv_outbox_answer answer = { 0 };
        struct mv_err err = { 0 };
        int code = check_directory(options);
        if (code < 0)
                code = ask_first(options);
        if (code >= 0)
                return code;
        int r = carry_out(options, &request, &answer, &err);
        if (r == 0 && answer.error[0])
                r = mv_err_set(&err, MV_EIO, "%s", answer.error);
        /* Also what was done before something failed. */
        if (r == 0 || answer.dead + answer.waiting > 0) {
                print_counts(stdout, answer.waiting, answer.dead);
                puts(request.retry ? " sent again" : " forgotten");
        }
        if (r < 0)
                return fail(&err);
        if (answer.unmatched == 0)
                return MV_EXIT_OK;
        mv_err_write(&err, MV_ENOTFOUND, "nothing was found for \"%s\"%s", answer.first_unmatched,
                     answer.unmatched > 1 ? " and others" : "");
        return fail(&err);
}

/* --- the command line --- */

static int take_items(struct options *options, char **arguments, size_t n) {
        const struct mv_command *command = &mv_command_outbox;
        options->items = calloc(n + 1, sizeof *options->items);
        if (!options->items) {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                return fail(&err);
        }
        for (size_t i = 0; i < n; i++) {
                for (const char *c = arguments[i]; *c; c++)
                        if ((unsigned char)*c < ' ' || *c == 0x7f)
                                return mv_cli_usage_error(command, "an id with a control character");
                if (!arguments[i][0])
                        return mv_cli_usage_error(command, "an empty id");
                options->items[options->n_items++] = mv_str_from(arguments[i]);
        }
        return -1;
}

static int check_options(const struct options *options) {
        const struct mv_command *command = &mv_command_outbox;
        if (options->receiver.p && !mv_positions_name_is_good(options->receiver))
                return mv_cli_usage_error(command, "--receiver is no name of a receiver");
        if (options->action == LS && (options->n_items || options->all || options->yes))
                return mv_cli_usage_error(command, "ls takes no --all, no --yes, and no sequences or ids");
        if (options->action != LS && options->output)
                return mv_cli_usage_error(command, "--output is for ls");
        if (options->action == RETRY && options->yes)
                return mv_cli_usage_error(command, "--yes is for drop");
        if (options->action != LS && options->all == (options->n_items > 0))
                return mv_cli_usage_error(command,
                                          "say which: either --all, or sequences or ids as `ls` shows them");
        return -1;
}

static int take_action(struct options *options, const char *action) {
        static const char *const names[] = { "ls", "retry", "drop" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(action, names[i]) == 0) {
                        options->action = (enum action)i;
                        return -1;
                }
        return mv_cli_usage_error(&mv_command_outbox, "unknown action %s: it is ls, retry or drop", action);
}

static int take_receiver(const struct mv_command *command, void *target, const char *value) {
        struct options *options = target;
        (void)command;
        options->receiver = mv_str_from(value);
        return -1;
}

static int take_output(const struct mv_command *command, void *target, const char *value) {
        static const char *const outputs[] = { "table", "json", "csv" };
        struct options *options = target;
        options->output = value;
        return mv_str_is_one_of(mv_str_from(value), outputs)
                       ? -1
                       : mv_cli_usage_error(command, "--output \"%s\" is none of table, json, csv", value);
}

#define ROW(name_, letter_, kind_, member_) MV_FLAG_ROW(name_, letter_, kind_, struct options, member_)
static const struct mv_flag flags[] = {
        MV_FLAG_ROW_HELP,
        ROW("directory", 0, TEXT, directory),
        ROW("config", 0, TEXT, config_file),
        MV_FLAG_ROW_TAKE("receiver", 0, take_receiver),
        ROW("all", 0, SWITCH, all),
        ROW("yes", 'y', SWITCH, yes),
        MV_FLAG_ROW_TAKE("output", 'o', take_output),
};

/* Returns -1 when the options are complete, else an exit code. */
static int parse(int argc, char **argv, struct options *options) {
        const struct mv_command *command = &mv_command_outbox;
        int first;
        int code = mv_flags_parse(command, flags, sizeof flags / sizeof *flags, options, argc, argv, &first);
        if (code >= 0)
                return code;
        if (first >= argc)
                return mv_cli_usage_error(command, "say what to do: ls, retry or drop");
        code = take_action(options, argv[first]);
        if (code < 0)
                code = take_items(options, argv + first + 1, (size_t)(argc - first - 1));
        return code < 0 ? check_options(options) : code;
}

static int run(int argc, char **argv) {
        struct options options = { 0 };
        struct mv_config config;
        struct mv_arena arena;
        struct mv_err err = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int code = parse(argc, argv, &options);
        if (code < 0 && mv_config_load(options.config_file, &arena, &config, &err) < 0)
                code = fail(&err);
        if (code < 0) {
                if (!options.directory)
                        options.directory = config.outbox.directory.p;
                code = options.action == LS ? list_outbox(&options) : change_outbox(&options);
        }
        mv_arena_done(&arena);
        free(options.items);
        return code;
}

const struct mv_command mv_command_outbox = {
        .name = "outbox",
        .summary = "verdicts that wait for their receivers, and those given up",
        .usage = usage,
        .run = run,
};
