/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet drain`: what happens when nodes are drained. */
#include "cli/drain_output.h"
#include "cli/drain_step.h"
#include "cli/input.h"
#include "policy/object/quantity.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_RATE INT64_C(1000000000000000) /* a second */

enum {
        MAXIMUM = 1 << 30,
        LONG_WORK = 2000
}; /* bytes of output; instances from which a line tells of the work */

static const char usage[] =
        "Usage: migvet drain NODE... [-f FILE|DIR|-] [flags]\n"
        "       migvet drain --step [-f FILE|DIR|-] [flags]\n"
        "\n"
        "Simulates the drain of nodes as kubectl and KubeVirt do it: which instances\n"
        "migrate, where to, in which waves and how long that takes, which restart\n"
        "elsewhere or stay down, which block, and what to fix first. Instances go by\n"
        "their stored LiveMigratable condition, since KubeVirt does; where the rules say\n"
        "something else, that is flagged.\n"
        "\n"
        "With --step: what KubeVirt does next in the state that the files show. Which\n"
        "migrations its evacuation controller makes, which instances ought to leave their\n"
        "node and cannot, which pending migrations get a target pod, and what each of the\n"
        "others waits for.\n"
        "\n"
        "Flags:\n" MV_USAGE_CLUSTER
        "  -n, --namespace NAME          namespace of objects that name none (default:\n"
        "                                `default`)\n"
        "      --one-by-one              the next node when the one before is empty and\n"
        "                                back (default: all at once)\n"
        "      --link-bandwidth BITS     bits per second of each node's network (default\n"
        "                                10G), where no bandwidthPerMigration is lower\n"
        "      --dirty-rate BYTES        bytes of its memory that each guest writes per\n"
        "                                second, such as 200Mi\n"
        "      --step                    only the next step\n"
        "  -o, --output FORMAT           table (default), json, csv, html; with --step\n"
        "                                table, json, yaml\n"
        "      --config FILE             severities of rules, by name and by namespace\n"
        "      --kubevirt-version VER    do as this version of KubeVirt does, not as the\n"
        "                                KubeVirt object says\n"
        "      --fail-on never           exit code 0 also when the drain blocks\n"
        "      --color WHEN              auto (default), always or never; NO_COLOR is\n"
        "                                obeyed\n"
        "  -h, --help                    this text\n"
        "\n"
        "CSV (RFC 4180, a header line, one line an instance): node, namespace, name,\n"
        "outcome, to (the node where it goes), obstacle (what blocks), why, mismatch\n"
        "(what the rules say otherwise), beginAtLeast, beginAtMost, endAtLeast, endAtMost\n"
        "(seconds from the start of the drain; empty: not known or never), wave (0:\n"
        "none).\n"
        "\n"
        "Exit codes: 0 nothing blocks, 1 the drain blocks, 2 wrong input or command line,\n"
        "3 the cluster could not be read.\n";

/* A rate from 1 to `most`; -1, or the exit code. */
static int parse_rate(const char *flag, const char *text, int64_t most, int64_t *ret) {
        struct mv_quantity quantity;
        if (!text)
                return -1;
        if (mv_quantity_parse(mv_str_from(text), &quantity, NULL) < 0 || mv_quantity_value(&quantity) < 1)
                return mv_cli_usage_error(&mv_command_drain,
                                          "%s \"%s\" is no quantity above 0 such as 10G or 200Mi", flag,
                                          text);
        *ret = mv_quantity_value(&quantity);
        if (*ret > most)
                return mv_cli_usage_error(&mv_command_drain, "%s \"%s\" is more than 1P", flag, text);
        return -1;
}

enum format { TABLE, JSON, CSV, HTML };

static int choose_format(const struct mv_options *options, enum format *ret) {
        static const char *const names[] = { "table", "json", "csv", "html" };
        for (int i = 0; i < 4; i++)
                if (strcmp(options->output ? options->output : "table", names[i]) == 0) {
                        *ret = (enum format)i;
                        return -1;
                }
        return mv_cli_usage_error(&mv_command_drain, "-o \"%s\" is none of table, json, csv, html",
                                  options->output);
}

static void print(const struct mv_options *options, enum format format, const struct mv_drain_plan *plan,
                  struct mv_err *err) {
        struct mv_buf buf;
        struct mv_style style;
        mv_style_init(&style, mv_options_color(options, STDOUT_FILENO), STDOUT_FILENO);
        mv_buf_init(&buf, &mv_allocator_system, MAXIMUM);
        bool ok = true;
        if (format == TABLE)
                ok = mv_drain_print_table(&style, plan, options->one_by_one);
        else if (format == JSON) {
                mv_drain_write_json(&buf, plan);
                mv_buf_append_byte(&buf, '\n');
        } else if (format == CSV)
                mv_drain_write_csv(&buf, plan);
        else
                ok = mv_drain_print_html(plan, options->one_by_one);
        if (!ok || mv_buf_failed(&buf))
                mv_err_oom(err);
        else
                fwrite(buf.p, 1, buf.n, stdout);
        mv_buf_done(&buf);
}

/* Returns the names, or NULL after the error was printed. */
static struct mv_str *node_names(const struct mv_options *options, const struct mv_snapshot *snapshot) {
        struct mv_str *names = calloc(options->n_arguments + 1, sizeof *names);
        for (size_t i = 0; names && i < options->n_arguments; i++) {
                struct mv_str name = mv_str_from(options->arguments[i]);
                if (mv_str_starts_with(name, MV_STR("node/")))
                        name = mv_str_skip(name, strlen("node/"));
                names[i] = name;
                if (mv_snapshot_find(snapshot, MV_KIND_NODE, (struct mv_str){ 0 }, name))
                        continue;
                mv_cli_usage_error(&mv_command_drain, "the input has no Node \"%s\"", options->arguments[i]);
                free(names);
                return NULL;
        }
        return names;
}

static int simulate(const struct mv_options *options, enum format format, struct mv_drain_order *order) {
        struct mv_str *names = node_names(options, order->about.snapshot);
        struct mv_arena arena;
        struct mv_err err = { 0 };
        if (!names)
                return MV_EXIT_USAGE;
        size_t n = mv_snapshot_count(order->about.snapshot, MV_KIND_VMI);
        bool tell = isatty(STDERR_FILENO) && n >= LONG_WORK;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        order->nodes = names;
        order->n_nodes = options->n_arguments;
        order->version = mv_str_from(options->kubevirt_version);
        order->config = &options->config;
        order->verdicts = true;
        if (tell)
                fprintf(stderr, "simulating the drain of %zu node%s among %zu instances", order->n_nodes,
                        order->n_nodes == 1 ? "" : "s", n);
        const struct mv_drain_plan *plan = mv_drain_plan_make(&arena, order);
        if (tell)
                fputs("\r\033[K", stderr);
        bool blocks = plan && plan->blocks;
        if (plan)
                print(options, format, plan, &err);
        else
                mv_err_oom(&err);
        mv_arena_done(&arena);
        free(names);
        if (err.code)
                return mv_cli_error(&mv_command_drain, &err);
        return blocks && options->fail_on != MV_FAIL_ON_NEVER ? MV_EXIT_FOUND : MV_EXIT_OK;
}

/* Returns -1 when the flags fit together. */
static int check_flags(const struct mv_options *options, struct mv_drain_order *order, enum format *format) {
        int64_t link = 0;
        int code;
        if (options->step && options->n_arguments)
                return mv_cli_usage_error(&mv_command_drain,
                                          "--step takes no nodes: it shows the whole cluster");
        if (options->step && (options->one_by_one || options->link_bandwidth || options->dirty_rate))
                return mv_cli_usage_error(
                        &mv_command_drain,
                        "--step goes without --one-by-one, --link-bandwidth and --dirty-rate");
        if (options->step)
                return -1;
        if (!options->n_arguments)
                return mv_cli_usage_error(&mv_command_drain, "name the nodes to drain, or --step");
        if ((code = choose_format(options, format)) >= 0 ||
            (code = parse_rate("--link-bandwidth", options->link_bandwidth, MOST_RATE, &link)) >= 0 ||
            (code = parse_rate("--dirty-rate", options->dirty_rate, MOST_RATE, &order->dirty_rate)) >= 0)
                return code;
        order->one_by_one = options->one_by_one;
        order->link_rate = link ? (link + 7) / 8 : 0;
        return -1;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_drain_order order = { 0 };
        struct mv_input input = { 0 };
        enum format format = TABLE;
        int code =
                mv_options_parse(&mv_command_drain, argc, argv,
                                 MV_OPTION_FILES | MV_OPTION_OUTPUT | MV_OPTION_VERSION | MV_OPTION_CONFIG |
                                         MV_OPTION_FAIL_ON | MV_OPTION_COLOR | MV_OPTION_DRAIN,
                                 &options);
        if (code >= 0)
                return code;
        code = check_flags(&options, &order, &format);
        if (code < 0)
                code = mv_input_load(&mv_command_drain, &options, &input);
        if (code < 0) {
                const struct mv_kubevirt_config *config =
                        mv_kubevirt_config_at(&options.arena, mv_snapshot_config(input.snapshot),
                                              mv_str_from(options.kubevirt_version));
                order.about = (struct mv_drain_question){
                        .snapshot = input.snapshot,
                        .config = config,
                        .version = config->version_number ? config->version_number : UINT_MAX,
                        .now = (int64_t)time(NULL),
                };
                code = options.step ? mv_drain_step_print(&options, &order.about)
                                    : simulate(&options, format, &order);
        }
        mv_input_done(&input);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_drain = {
        .name = "drain",
        .summary = "what happens when nodes are drained",
        .usage = usage,
        .run = run,
};
