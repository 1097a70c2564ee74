/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet check`: a verdict for every VM, instance, migration, pool and replica set of the input. */
#include "cli/check_output.h"
#include "cli/input.h"
#include "cli/text.h"
#include "cli/yaml_output.h"
#include "cluster/parallel.h"
#include "policy/evaluate.h"
#include "policy/render.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet check [-f FILE|DIR|-] [KIND/NAME...] [flags]\n"
        "\n"
        "Judges VirtualMachines, VirtualMachineInstances, migrations, pools and replica\n"
        "sets: can they live-migrate, by which method, what prevents it, and what to\n"
        "change. The cluster is what the files hold, or a live one: claims, nodes,\n"
        "storage classes and profiles, DataVolumes, the KubeVirt object.\n"
        "\n"
        "Flags:\n" MV_USAGE_CLUSTER
        "  -n, --namespace NAME          judge only objects of this namespace, which is\n"
        "                                also that of objects in files that name none\n"
        "                                (default: all, and `default`; on a live cluster\n"
        "                                the namespace of the context)\n"
        "  -A, --all-namespaces          judge objects of all namespaces\n"
        "  -l, --selector SELECTOR       judge only objects with these labels (a=b,c!=d,e\n"
        "                                in (f,g))\n"
        "  -o, --output FORMAT           table (default), wide, json, yaml, name; for\n"
        "                                other programs csv, sarif (2.1.0), junit, github\n"
        "                                (annotations of a workflow); html\n"
        "      --config FILE             severities of rules, by name and by namespace\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does, not as\n"
        "                                the KubeVirt object says\n"
        "      --fail-on WHAT            exit code 1 at: blocker (default), unknown,\n"
        "                                risk, never\n"
        "      --color WHEN              auto (default), always or never; NO_COLOR is\n"
        "                                obeyed\n"
        "  -h, --help                    this text\n"
        "\n"
        "CSV (RFC 4180, a header line, one line a finding, and one for each object\n"
        "without any): namespace, kind, name, migratable, method, rule, severity,\n"
        "outcome, field, message, fix, reason (KubeVirt's), file, line. A cell that a\n"
        "spreadsheet would take for a formula begins with '.\n"
        "\n"
        "SARIF and github: a blocker is an error, or a warning when it is not known; a\n"
        "risk is a warning. JUnit: a testsuite a namespace, a testcase an object; what is\n"
        "at or above --fail-on is a failure, or an error when it is not known. Files are\n"
        "named as seen from the working directory; what comes from standard input or a\n"
        "live cluster has none.\n"
        "\n"
        "Exit codes: 0 nothing found, 1 something at or above --fail-on, 2 wrong input or\n"
        "command line, 3 the cluster could not be read.\n";

enum format { TABLE, WIDE, JSON, YAML, NAME, PRINTER };

struct run {
        const struct mv_options *options;
        enum format format;
        struct mv_style style;
        const struct mv_check_printer *printer; /* of PRINTER */
        struct mv_check_output output;
        struct mv_json json; /* of JSON and YAML, in the output's buf */
        bool found;          /* something at or above --fail-on */
        bool shown;          /* a line of the table was printed */
};

/* --- the table --- */

static const char *verdict_color(const struct mv_style *style, enum mv_outcome outcome) {
        return outcome == MV_OUTCOME_PASS   ? style->green
               : outcome == MV_OUTCOME_FAIL ? style->red
                                            : style->yellow;
}

static const char *mark(const struct mv_finding *f) {
        return f->outcome == MV_OUTCOME_UNKNOWN     ? "?"
               : f->severity == MV_SEVERITY_BLOCKER ? "x"
               : f->severity == MV_SEVERITY_RISK    ? "!"
                                                    : "-";
}

static void print_finding(struct run *run, const struct mv_finding *f) {
        const struct mv_style *style = &run->style;
        const char *color = f->severity == MV_SEVERITY_NOTE ? style->dim
                            : f->severity == MV_SEVERITY_BLOCKER && f->outcome == MV_OUTCOME_FAIL
                                    ? style->red
                                    : style->yellow;
        size_t indent = 6 + strlen(f->rule->id) + 2;
        printf("    %s%s %s%s  ", color, mark(f), f->rule->id, style->reset);
        mv_text_wrap_from(stdout, f->message, indent, 6, style->width);
        if (run->format == WIDE && f->field.n) {
                printf("      %sat%s   ", style->dim, style->reset);
                mv_text_wrap_from(stdout, f->field, 11, 11, style->width);
        }
        printf("      %sfix%s  ", style->dim, style->reset);
        mv_text_wrap_from(stdout, f->fix, 11, 11, style->width);
}

static bool is_shown(const struct run *run, const struct mv_finding *f, int severity) {
        return f->outcome != MV_OUTCOME_PASS && (int)f->severity == severity &&
               (severity > MV_SEVERITY_NOTE || run->format == WIDE || f->rule->cluster);
}

static void print_cluster_findings(struct run *run) {
        if (run->output.cluster)
                printf("%sThe cluster%s\n", run->style.bold, run->style.reset);
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_NOTE; severity--)
                for (const struct mv_finding *f = run->output.cluster; f; f = f->next)
                        if ((int)f->severity == severity)
                                print_finding(run, f);
}

static const char *short_kind(struct mv_str kind) {
        for (int i = 0; i < MV_KIND_COUNT; i++)
                if (mv_str_is(kind, mv_kinds[i].kind))
                        return mv_kinds[i].shorthand;
        return "";
}

static void print_eviction(const struct mv_verdict *verdict) {
        fputs("  (evictionStrategy ", stdout);
        mv_text_cell(stdout, verdict->eviction_strategy, 0);
        fputs(", from ", stdout);
        mv_text_cell(stdout, verdict->eviction_from, 0);
        putchar(')');
}

static void print_row(struct run *run, const struct mv_verdict *verdict) {
        const struct mv_style *style = &run->style;
        const struct mv_subject *subject = &verdict->subject;
        if (!run->shown)
                printf("%s%-10s  %-14s  %-7s %s%s\n", style->bold, "MIGRATABLE", "METHOD", "KIND",
                       "NAMESPACE/NAME", style->reset);
        run->shown = true;
        printf("%s%-10s%s  %-14s  %-7s ", verdict_color(style, verdict->migratable),
               mv_verdict_word(verdict->migratable), style->reset,
               verdict->migratable != MV_OUTCOME_PASS || !verdict->method[0] ? "-" : verdict->method,
               short_kind(subject->kind));
        fputs(style->bold, stdout);
        mv_text_cell(stdout, subject->namespace, 0);
        putchar('/');
        mv_text_cell(stdout, subject->name, 0);
        fputs(style->reset, stdout);
        if (run->format == WIDE)
                print_eviction(verdict);
        putchar('\n');
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_NOTE; severity--)
                for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                        if (!is_shown(run, f, severity))
                                continue;
                        if (f->rule->cluster) /* the table ends with it */
                                mv_check_is_repeated(&run->output, f);
                        else
                                print_finding(run, f);
                }
}

/* One more kind, " (API)" behind a name that is known in another API only. */
static void say_kind(struct mv_buf *text, const char *before, struct mv_str kind, struct mv_str api_version) {
        bool known = false;
        for (int i = 0; i < MV_KIND_COUNT; i++)
                known = known || mv_str_is(kind, mv_kinds[i].kind);
        mv_buf_append_text(text, before);
        mv_buf_append_str(text, kind);
        if (known && api_version.n)
                mv_buf_format(text, " of %.*s", MV_STR_ARG(api_version));
}

/* Why there is nothing to judge. */
static void say_nothing(FILE *stream, const struct run *run, const struct mv_snapshot *snapshot) {
        size_t n_entries, n_kinds, n = 0;
        size_t counts[MV_KIND_COUNT] = { 0 };
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n_entries);
        const struct mv_passed_over *kinds = mv_snapshot_passed_over(snapshot, &n_kinds);
        struct mv_buf text;
        const char *before = ": ";
        mv_buf_init(&text, &mv_allocator_system, (size_t)1 << 20);
        for (size_t i = 0; i < n_kinds; i++, before = ", ") {
                say_kind(&text, before, kinds[i].kind, kinds[i].api_version);
                n += kinds[i].n;
        }
        for (size_t i = 0; i < n_entries; i++, n++)
                if (!counts[entries[i].kind]++) {
                        say_kind(&text, before, mv_str_from(mv_kinds[entries[i].kind].kind),
                                 (struct mv_str){ 0 });
                        before = ", ";
                }
        if (run->options->namespace && !run->options->n_filenames)
                fprintf(stream,
                        "nothing to judge: no VM, instance, migration, pool or replica set is selected in namespace %s; "
                        "-A judges those of all",
                        run->options->namespace);
        else if (run->options->namespace || run->options->selector)
                fputs("nothing to judge: no VM, instance, migration, pool or replica set of the input is selected",
                      stream);
        else if (!n)
                fputs("nothing to judge: the input has no object", stream);
        else {
                fprintf(stream, "nothing to judge: the input has %zu object%s of other kinds", n,
                        n == 1 ? "" : "s");
                mv_text_cell(stream, mv_buf_str(&text), 0);
        }
        putc('\n', stream);
        mv_buf_done(&text);
}

static void print_summary(struct run *run, const struct mv_snapshot *snapshot) {
        size_t n = run->output.count[0] + run->output.count[1] + run->output.count[2];
        if (!n) {
                say_nothing(stdout, run, snapshot);
                return;
        }
        print_cluster_findings(run);
        printf("\n%zu judged: %s%zu can migrate%s, %s%zu cannot%s, %s%zu unknown%s\n", n, run->style.green,
               run->output.count[MV_OUTCOME_PASS], run->style.reset, run->style.red,
               run->output.count[MV_OUTCOME_FAIL], run->style.reset, run->style.yellow,
               run->output.count[MV_OUTCOME_UNKNOWN], run->style.reset);
}

/* --- all formats --- */

static void emit(struct run *run, struct mv_arena *arena, const struct mv_entry *entry,
                 const struct mv_verdict *verdict) {
        switch (run->format) {
        case TABLE:
        case WIDE:
                print_row(run, verdict);
                break;
        case NAME: /* as kubectl prints it, without the namespace */
                printf("%s%s%s/", mv_kinds[entry->kind].word, mv_kinds[entry->kind].group[0] ? "." : "",
                       mv_kinds[entry->kind].group);
                mv_text_cell(stdout, verdict->subject.name, 0);
                putchar('\n');
                break;
        case JSON:
        case YAML:
                mv_render_verdict(&run->json, arena, verdict, false, (struct mv_str){ 0 });
                break;
        case PRINTER:
                if (run->printer)
                        run->printer->object(&run->output, arena, entry, verdict);
                break;
        }
}

enum { JUDGED_AHEAD = 32 };

struct judged {
        struct mv_arena arena; /* of the verdict */
        struct mv_verdict verdict;
};

struct judging {
        struct run *run;
        const struct mv_snapshot *snapshot;
        const struct mv_selection *selection;
};

/* Any thread. */
static void judge_one(void *context, size_t number, void *slot) {
        const struct judging *judging = context;
        struct judged *judged = slot;
        const struct mv_evaluation evaluation = {
                .arena = &judged->arena,
                .snapshot = judging->snapshot,
                .config = &judging->run->options->config,
                .version = mv_str_from(judging->run->options->kubevirt_version),
        };
        mv_evaluate_entry(&evaluation, judging->selection->entries[number], &judged->verdict);
}

static int emit_one(void *context, size_t number, void *slot) {
        const struct judging *judging = context;
        struct run *run = judging->run;
        struct judged *judged = slot;
        run->output.count[judged->verdict.migratable]++;
        run->found |= mv_options_fails(run->options, &judged->verdict);
        emit(run, &judged->arena, judging->selection->entries[number], &judged->verdict);
        mv_arena_clear(&judged->arena);
        return 0;
}

static void judge_all(struct run *run, const struct mv_snapshot *snapshot,
                      const struct mv_selection *selection) {
        struct judging judging = { .run = run, .snapshot = snapshot, .selection = selection };
        struct judged ahead[JUDGED_AHEAD];
        for (size_t i = 0; i < JUDGED_AHEAD; i++)
                mv_arena_init(&ahead[i].arena, &mv_allocator_system, 0);
        const struct mv_parallel work = { .n = selection->n,
                                          .slots = ahead,
                                          .n_slots = JUDGED_AHEAD,
                                          .slot_size = sizeof *ahead,
                                          .make = judge_one,
                                          .take = emit_one,
                                          .context = &judging };
        mv_parallel_run(&work);
        for (size_t i = 0; i < JUDGED_AHEAD; i++)
                mv_arena_done(&ahead[i].arena);
}

/* One line with all that was found. */
static void note_policy(const struct mv_verdict *verdict) {
        bool any = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->outcome != MV_OUTCOME_FAIL)
                        continue;
                if (!any) {
                        fprintf(stderr, "%s check: note: MigrationPolicy ", mv_cli_program());
                        mv_text_cell(stderr, verdict->subject.name, 0);
                }
                fprintf(stderr, "%s %s: ", any ? ";" : ":", f->rule->id);
                mv_text_cell(stderr, f->message, 0);
                any = true;
        }
        if (any)
                putc('\n', stderr);
}

/* Policies are not judged with the VMs, but what is wrong with one concerns them. */
static void note_policies(const struct run *run, const struct mv_snapshot *snapshot) {
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_MIGRATION_POLICY); i++) {
                const struct mv_migration_policy *policy =
                        mv_snapshot_at(snapshot, MV_KIND_MIGRATION_POLICY, i);
                const struct mv_evaluation evaluation = {
                        .arena = &arena,
                        .snapshot = snapshot,
                        .config = &run->options->config,
                        .version = mv_str_from(run->options->kubevirt_version),
                };
                struct mv_verdict verdict;
                mv_evaluate_policy(&evaluation, policy, &verdict);
                note_policy(&verdict);
                mv_arena_clear(&arena);
        }
        mv_arena_done(&arena);
}

static int report(struct run *run, const struct mv_snapshot *snapshot, const struct mv_selection *selection) {
        bool structured = run->format == JSON || run->format == YAML;
        struct mv_check_output *output = &run->output;
        mv_check_output_init(output, run->options);
        mv_json_init(&run->json, &output->buf);
        if (structured) {
                mv_json_object(&run->json);
                mv_json_member(&run->json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
                mv_json_member(&run->json, "kind", MV_STR("VerdictList"));
                mv_json_key(&run->json, "items");
                mv_json_array(&run->json);
        }
        if (run->printer)
                run->printer->begin(output);
        note_policies(run, snapshot);
        judge_all(run, snapshot, selection);
        if (run->format > WIDE && !selection->n) {
                fprintf(stderr, "%s check: note: ", mv_cli_program());
                say_nothing(stderr, run, snapshot);
        }
        struct mv_err err = { 0 };
        if (structured) {
                mv_json_end(&run->json);
                mv_json_end(&run->json);
                mv_buf_append_byte(&output->buf, '\n');
        } else if (run->printer)
                run->printer->end(output);
        if (mv_check_output_failed(output))
                mv_err_oom(&err);
        else if (run->format == YAML)
                mv_yaml_print(stdout, &output->buf, &err);
        else if (output->buf.n)
                fwrite(output->buf.p, 1, output->buf.n, stdout);
        else if (run->format <= WIDE)
                print_summary(run, snapshot);
        mv_check_output_done(output);
        if (err.code)
                return mv_cli_error(&mv_command_check, &err);
        return run->found ? MV_EXIT_FOUND : MV_EXIT_OK;
}

#define FORMATS "table, wide, json, yaml, name, csv, sarif, junit, github, html"

static int choose_format(const struct mv_options *options, struct run *run) {
        static const char *const names[] = { "table", "wide", "json", "yaml", "name" };
        static const struct mv_check_printer *const printers[] = {
                &mv_check_printer_csv, &mv_check_printer_sarif, &mv_check_printer_junit,
                &mv_check_printer_github, &mv_check_printer_html
        };
        const char *wanted = options->output ? options->output : "table";
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strcmp(wanted, names[i]) == 0) {
                        run->format = (enum format)i;
                        return -1;
                }
        for (size_t i = 0; i < sizeof printers / sizeof *printers; i++)
                if (strcmp(wanted, printers[i]->name) == 0) {
                        run->format = PRINTER;
                        run->printer = printers[i];
                        return -1;
                }
        return mv_cli_usage_error(&mv_command_check, "-o \"%s\" is none of " FORMATS, wanted);
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_input input = { 0 };
        struct mv_selection selection = { 0 };
        int code =
                mv_options_parse(&mv_command_check, argc, argv,
                                 MV_OPTION_FILES | MV_OPTION_SELECT | MV_OPTION_OUTPUT | MV_OPTION_VERSION |
                                         MV_OPTION_CONFIG | MV_OPTION_FAIL_ON | MV_OPTION_COLOR,
                                 &options);
        if (code >= 0)
                return code;
        struct run r = { .options = &options };
        mv_style_init(&r.style, mv_options_color(&options, STDOUT_FILENO), STDOUT_FILENO);
        code = choose_format(&options, &r);
        options.lines = r.printer && r.printer->lines;
        if (code < 0)
                code = mv_input_load(&mv_command_check, &options, &input);
        if (code < 0)
                code = mv_selection_make(&mv_command_check, &options, input.snapshot, &selection);
        if (code < 0)
                code = report(&r, input.snapshot, &selection);
        mv_selection_done(&selection);
        mv_input_done(&input);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_check = {
        .name = "check",
        .summary = "judge VMs, instances and migrations of files",
        .usage = usage,
        .run = run,
};
