/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet nodes`: where each VM could go, and what stops it elsewhere. */
#include "cli/nodes.h"

#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet nodes [-f FILE|DIR|-] [KIND/NAME...] [flags]\n"
        "       migvet nodes --baseline [MODEL...] [-f FILE|DIR|-] [KIND/NAME...] [flags]\n"
        "\n"
        "The matrix of VMs and nodes: where could each VM go, or start while it has no\n"
        "node, and what stops it elsewhere, as a scheduler would decide on the pod that\n"
        "KubeVirt makes. Many nodes are grouped by what stops them.\n"
        "\n"
        "With --baseline: for each CPU vendor the newest named CPU model that all nodes\n"
        "support, which node holds it back, and which VMs could move with it that cannot\n"
        "now. MODEL asks about other models.\n"
        "\n"
        "Flags:\n" MV_USAGE_CLUSTER
        "  -n, --namespace NAME          only VMs of this namespace (default: all; on a\n"
        "                                live cluster that of the context)\n"
        "  -A, --all-namespaces          VMs of all namespaces\n"
        "  -l, --selector SELECTOR       only VMs with these labels (a=b,c!=d,e in (f,g))\n"
        "      --node-selector SELECTOR  ask only about nodes with these labels\n"
        "      --baseline                the CPU model that nodes have in common\n"
        "  -o, --output FORMAT           table (default), json, csv or html; with\n"
        "                                --baseline table, json or yaml\n"
        "      --config FILE             severities of rules, by name and by namespace\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --fail-on WHAT            exit code 1 when a VM has no node to go to:\n"
        "                                blocker (default) when that lasts, unknown also\n"
        "                                when it cannot be told, risk also when no node\n"
        "                                has room or is open right now; never\n"
        "      --color WHEN              auto (default), always or never; NO_COLOR is\n"
        "                                obeyed\n"
        "  -h, --help                    this text\n"
        "\n"
        "Causes are named as in verdicts: cpu-model:Haswell, taint:KEY, resource:memory,\n"
        "selector:KEY=VALUE.\n";

/* --- a row --- */

bool mv_nodes_starts(const struct mv_nodes_row *row) {
        return row->fit && row->fit->source == SIZE_MAX && !row->fit->source_unknown;
}

/* Its node is not in the input, and that node's CPU decides where it may go. */
static bool source_matters(const struct mv_nodes_row *row) {
        const struct mv_cpu *cpu = row->verdict->instance->vmi.spec.domain.cpu;
        return row->fit->source_unknown && (row->verdict->fit_question->behaviour->cpu_vendor ||
                                            (cpu && mv_str_is(cpu->model, "host-model")));
}

static enum mv_standing standing_of(const struct mv_nodes_row *row) {
        const struct mv_verdict *verdict = row->verdict;
        if (!row->fit)
                return verdict->instance ? MV_STANDING_AWAY : MV_STANDING_UNKNOWN;
        if (!mv_fit_has_target(row->arena, verdict->fit_question, row->fit, MV_FIT_LASTING))
                return MV_STANDING_NOWHERE;
        if (source_matters(row))
                return MV_STANDING_UNKNOWN;
        return mv_fit_has_target(row->arena, verdict->fit_question, row->fit, MV_FIT_EVERYTHING)
                       ? MV_STANDING_FREE
                       : MV_STANDING_NOT_NOW;
}

bool mv_nodes_judge(const struct mv_nodes_run *run, const struct mv_entry *entry, struct mv_verdict *verdict,
                    struct mv_nodes_row *row) {
        const struct mv_evaluation evaluation = {
                .arena = row->arena,
                .snapshot = run->snapshot,
                .config = &run->options->config,
                .version = mv_str_from(run->options->kubevirt_version),
        };
        mv_evaluate_entry(&evaluation, entry, verdict);
        row->entry = entry;
        row->verdict = verdict;
        row->fit = verdict->fit ? mv_fit_among(row->arena, verdict->fit, run->nodes) : NULL;
        row->groups = row->fit ? mv_fit_groups_make(row->arena, row->fit, run->nodes) : NULL;
        row->stranded = row->fit ? mv_stranded_find(row->arena, verdict->fit_question) : NULL;
        row->standing = standing_of(row);
        return !mv_arena_failed(row->arena);
}

struct mv_str mv_nodes_name(struct mv_arena *arena, const struct mv_subject *subject) {
        return mv_arena_format(arena, "%.*s/%.*s", MV_STR_ARG(subject->namespace), MV_STR_ARG(subject->name));
}

struct mv_str mv_nodes_whereabouts(const struct mv_nodes_row *row) {
        if (!row->verdict->instance)
                return (struct mv_str){ 0 };
        struct mv_str node = row->verdict->instance->vmi.status.node_name;
        if (!node.n)
                return MV_STR("has no node yet");
        return mv_arena_format(row->arena, "is on %.*s%s", MV_STR_ARG(node),
                               row->fit && row->fit->source_unknown ? ", which is not in the input" : "");
}

struct mv_str mv_nodes_standing(const struct mv_nodes_row *row) {
        switch (row->standing) {
        case MV_STANDING_NOT_NOW:
                return MV_STR("nowhere to go right now");
        case MV_STANDING_NOWHERE:
                return mv_nodes_starts(row) && mv_node_set_count(row->fit->index, row->fit->feasible)
                               ? MV_STR("nowhere to go from where it can start")
                               : MV_STR("nowhere to go");
        case MV_STANDING_UNKNOWN:
                return row->fit                ? MV_STR("not known: the CPU of its node is not in the input")
                       : row->verdict->refused ? MV_STR("not known: KubeVirt makes no instance of it")
                                               : MV_STR("not known: its instance is not in the input");
        case MV_STANDING_AWAY:
                return MV_STR("leaves for another cluster");
        default:
                return (struct mv_str){ 0 };
        }
}

static bool fails(const struct mv_options *options, enum mv_standing standing) {
        switch (options->fail_on) {
        case MV_FAIL_ON_BLOCKER:
                return standing == MV_STANDING_NOWHERE;
        case MV_FAIL_ON_UNKNOWN:
                return standing == MV_STANDING_NOWHERE || standing == MV_STANDING_UNKNOWN;
        case MV_FAIL_ON_RISK:
                return standing != MV_STANDING_FREE && standing != MV_STANDING_AWAY;
        default:
                return false;
        }
}

void mv_nodes_count(struct mv_nodes_run *run, enum mv_standing standing) {
        run->count[standing]++;
        run->found |= fails(run->options, standing);
        run->number++;
}

struct mv_str mv_nodes_summary(struct mv_nodes_run *run) {
        const size_t *count = run->count;
        return mv_arena_format(
                &run->arena,
                "%zu VM%s and %zu node%s: %zu with somewhere to go, %zu not right now, %zu nowhere, %zu unknown",
                run->number, run->number == 1 ? "" : "s", run->n_columns, run->n_columns == 1 ? "" : "s",
                count[MV_STANDING_FREE] + count[MV_STANDING_AWAY], count[MV_STANDING_NOT_NOW],
                count[MV_STANDING_NOWHERE], count[MV_STANDING_UNKNOWN]);
}

/* --- the whole --- */

bool mv_nodes_part_open(struct mv_nodes_part *part) {
        *part = (struct mv_nodes_part){ 0 };
        part->stream = open_memstream(&part->text, &part->size);
        return part->stream != NULL;
}

bool mv_nodes_part_print(struct mv_nodes_part *part) {
        bool ok = part->stream && !ferror(part->stream);
        if (part->stream && fclose(part->stream) != 0)
                ok = false;
        if (ok)
                fwrite(part->text, 1, part->size, stdout);
        free(part->text);
        *part = (struct mv_nodes_part){ 0 };
        return ok;
}

int mv_nodes_out_of_memory(void) {
        struct mv_err err = { 0 };
        mv_err_oom(&err);
        return mv_cli_error(&mv_command_nodes, &err);
}

static bool print_rows(struct mv_nodes_run *run, const struct mv_nodes_printer *printer) {
        struct mv_progress progress;
        struct mv_arena arena;
        bool ok = true;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_progress_init(&progress, "asking about VMs");
        for (size_t i = 0; ok && i < run->selection->n; i++) {
                struct mv_nodes_row row = { .arena = &arena };
                struct mv_verdict verdict;
                ok = mv_nodes_judge(run, run->selection->entries[i], &verdict, &row);
                if (!ok)
                        break;
                printer->row(run, &row);
                mv_nodes_count(run, row.standing);
                ok = !mv_arena_failed(&arena);
                mv_arena_clear(&arena);
                mv_progress_show(&progress, i + 1, run->selection->n);
        }
        mv_progress_done(&progress);
        mv_arena_done(&arena);
        return ok;
}

static int print(struct mv_nodes_run *run, const struct mv_nodes_printer *printer) {
        mv_buf_init(&run->buf, &mv_allocator_system, (size_t)1 << 31);
        mv_json_init(&run->json, &run->buf);
        bool ok = printer->begin(run);
        ok = ok && print_rows(run, printer);
        /* Also when memory is out: it closes the streams. */
        ok = printer->end(run) && ok;
        mv_buf_done(&run->buf);
        return !ok ? mv_nodes_out_of_memory() : run->found ? MV_EXIT_FOUND : MV_EXIT_OK;
}

/* The nodes that are asked about; -1, or the exit code. */
static int choose_nodes(struct mv_nodes_run *run) {
        const struct mv_selector *selector = run->options->node_selector;
        run->index = mv_snapshot_node_index(run->snapshot);
        uint64_t *nodes = mv_node_set_all(run->index, &run->arena);
        for (size_t i = mv_node_set_next(run->index, nodes, 0); selector && i != SIZE_MAX;
             i = mv_node_set_next(run->index, nodes, i + 1))
                if (!mv_selector_matches(selector, &mv_node_index_at(run->index, i)->meta.labels))
                        mv_node_set_remove(nodes, i);
        run->nodes = nodes;
        run->columns = mv_node_set_by_name(&run->arena, run->index, nodes, &run->n_columns);
        if (mv_arena_failed(&run->arena))
                return mv_nodes_out_of_memory();
        if (!mv_snapshot_count(run->snapshot, MV_KIND_NODE))
                return mv_cli_usage_error(&mv_command_nodes, "the input has no Node: give it the nodes, too");
        if (!run->n_columns)
                return mv_cli_usage_error(&mv_command_nodes,
                                          "no Node of the input has the labels of --node-selector");
        return -1;
}

static int choose_printer(const struct mv_options *options, const struct mv_nodes_printer **ret) {
        static const struct mv_nodes_printer *const printers[] = {
                &mv_nodes_printer_table,
                &mv_nodes_printer_json,
                &mv_nodes_printer_csv,
                &mv_nodes_printer_html,
        };
        const char *output = options->output ? options->output : "table";
        for (size_t i = 0; !options->baseline && i < sizeof printers / sizeof *printers; i++)
                if (strcmp(output, printers[i]->name) == 0) {
                        *ret = printers[i];
                        return -1;
                }
        if (!options->baseline)
                return mv_cli_usage_error(&mv_command_nodes, "-o \"%s\" is none of table, json, csv, html",
                                          output);
        if (strcmp(output, "table") != 0 && strcmp(output, "json") != 0 && strcmp(output, "yaml") != 0)
                return mv_cli_usage_error(&mv_command_nodes,
                                          "-o \"%s\" is none of table, json, yaml, which --baseline has",
                                          output);
        return -1;
}

/* With --baseline, arguments without a slash are CPU models: to the front of the list, which keeps its order. */
static void split_arguments(struct mv_options *options) {
        for (size_t i = 0; options->baseline && i < options->n_arguments; i++) {
                char *argument = options->arguments[i];
                if (strchr(argument, '/'))
                        continue;
                memmove(options->arguments + options->n_models + 1, options->arguments + options->n_models,
                        (i - options->n_models) * sizeof *options->arguments);
                options->arguments[options->n_models++] = argument;
        }
        options->models = options->arguments;
        options->arguments += options->n_models;
        options->n_arguments -= options->n_models;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_input input = { 0 };
        struct mv_selection selection = { 0 };
        const struct mv_nodes_printer *printer = NULL;
        int code = mv_options_parse(&mv_command_nodes, argc, argv,
                                    MV_OPTION_FILES | MV_OPTION_SELECT | MV_OPTION_OUTPUT |
                                            MV_OPTION_VERSION | MV_OPTION_CONFIG | MV_OPTION_FAIL_ON |
                                            MV_OPTION_COLOR | MV_OPTION_NODES,
                                    &options);
        if (code >= 0)
                return code;
        struct mv_nodes_run r = { .options = &options, .selection = &selection };
        mv_arena_init(&r.arena, &mv_allocator_system, 0);
        mv_style_init(&r.style, mv_options_color(&options, STDOUT_FILENO), STDOUT_FILENO);
        split_arguments(&options);
        code = choose_printer(&options, &printer);
        if (code < 0)
                code = mv_input_load(&mv_command_nodes, &options, &input);
        r.snapshot = input.snapshot;
        if (code < 0)
                code = choose_nodes(&r);
        if (code < 0)
                code = mv_selection_make(&mv_command_nodes, &options, input.snapshot, &selection);
        if (code < 0)
                code = printer ? print(&r, printer) : mv_nodes_baseline(&r);
        mv_selection_done(&selection);
        mv_input_done(&input);
        mv_arena_done(&r.arena);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_nodes = {
        .name = "nodes",
        .summary = "where could each VM go, and what stops it elsewhere",
        .usage = usage,
        .run = run,
};
