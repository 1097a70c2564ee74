/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet policy`: which MigrationPolicy applies to each VM and why, what results, and what is wrong with the policies. */
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/yaml_output.h"
#include "policy/convergence.h"
#include "policy/evaluate.h"
#include "policy/explanation.h"
#include "policy/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet policy [KIND/NAME...] [-f FILE|DIR|-] [flags]\n"
        "\n"
        "For each VM, instance, pool and replica set: the MigrationPolicy that wins and\n"
        "why, the others with their scores or the label that they miss, the effective\n"
        "migration settings and where each comes from, and how long copying takes. Then\n"
        "what is wrong with the policies themselves. migrationpolicy/NAME shows that\n"
        "policy and what it matches.\n"
        "\n"
        "Flags:\n" MV_USAGE_CLUSTER
        "  -n, --namespace NAME          only objects of this namespace (default: all; on\n"
        "                                a live cluster that of the context)\n"
        "  -A, --all-namespaces          objects of all namespaces\n"
        "  -l, --selector SELECTOR       only objects with these labels\n"
        "  -o, --output FORMAT           table (default), wide (also what is in order),\n"
        "                                json or yaml\n"
        "      --config FILE             severities of rules, by name and by namespace\n"
        "      --kubevirt-version VER    as this version of KubeVirt does\n"
        "      --fail-on WHAT            exit code 1 at: blocker (default), unknown,\n"
        "                                risk, never\n"
        "      --color WHEN              auto (default), always or never\n"
        "  -h, --help                    this text\n"
        "\n"
        "Exit codes: 0 nothing found, 1 something at or above --fail-on, 2 wrong input or\n"
        "command line, 3 the cluster could not be read.\n";

struct run {
        const struct mv_options *options;
        bool structured, yaml, wide;
        struct mv_style style;
        struct mv_buf buf; /* of JSON and YAML */
        struct mv_json json;
        struct mv_arena arena; /* of one object at a time */
        struct mv_progress progress;
        const char **policies; /* those that were named; n_policies of them */
        size_t n_policies;
        bool only_policies; /* nothing else was named: what these match is shown */
        bool found;         /* something at or above --fail-on */
        bool out_of_memory;
        size_t n_shown;
};

/* --- one object, for people --- */

static void print_scores(struct run *run, const struct mv_explanation *explanation) {
        const struct mv_style *style = &run->style;
        size_t width = sizeof "POLICY" - 1;
        for (size_t i = 0; i < explanation->n_scores; i++) {
                size_t columns = mv_text_columns(explanation->scores[i].match.policy->meta.name);
                width = columns > width ? columns : width;
        }
        if (!explanation->n_scores) {
                puts("  there is no MigrationPolicy");
                return;
        }
        printf("  %s%-*s  NAMESPACE  INSTANCE  SCORE  WHY%s\n", style->bold, (int)width, "POLICY",
               style->reset);
        for (size_t i = 0; i < explanation->n_scores; i++) {
                const struct mv_policy_score *score = &explanation->scores[i];
                const struct mv_policy_match *match = &score->match;
                bool matches = score->miss == MV_POLICY_MATCHES;
                fputs("  ", stdout);
                fputs(!matches ? style->dim : i ? "" : style->green, stdout);
                mv_text_cell(stdout, match->policy->meta.name, width);
                fputs(style->reset, stdout);
                if (matches)
                        printf("  %9zu  %8zu  %5zu  ", match->namespace_labels, match->vmi_labels,
                               match->namespace_labels + match->vmi_labels);
                else
                        printf("  %9s  %8s  %5s  ", "-", "-", "-");
                mv_text_wrap_from(stdout, mv_explanation_reason(&run->arena, explanation, i), width + 32,
                                  width + 32, style->width);
        }
}

static void print_notes(const struct mv_resolution *resolution, const struct mv_style *style) {
        if (resolution->n_matches && !resolution->recorded)
                mv_text_wrap(
                        stdout,
                        MV_STR("The winner sets nothing, so this version of KubeVirt names no policy; the "
                               "others stay out all the same."),
                        2, 2, style->width);
        if (resolution->namespace_matters)
                mv_text_wrap(
                        stdout,
                        MV_STR("The Namespace is not in the input: a policy that selects by its labels may "
                               "apply instead."),
                        2, 2, style->width);
}

/* The disks that are copied, with their sizes. */
static struct mv_str disks_text(struct mv_arena *arena, const struct mv_copy_size *size) {
        struct mv_str text = { 0 };
        char bytes[MV_COPY_TEXT];
        for (size_t i = 0; i < size->n_copied; i++) {
                const struct mv_copy_disk *disk = &size->copied[i];
                bool known = disk->most != INT64_MAX;
                text = mv_arena_format(
                        arena, "%.*s%s%.*s (%s%.*s)", MV_STR_ARG(text), text.n ? ", " : "",
                        MV_STR_ARG(disk->volume), known ? "at most " : "size not known",
                        MV_STR_ARG(known ? mv_copy_bytes_text(disk->most, bytes) : (struct mv_str){ 0 }));
        }
        return text;
}

static void print_copy(struct run *run, const struct mv_copy *copy) {
        static const char *const actions[] = {
                [MV_DEADLINE_NONE] = "",
                [MV_DEADLINE_ABORT] = ", then the migration is aborted",
                [MV_DEADLINE_POST_COPY] = ", then post-copy",
                [MV_DEADLINE_PAUSE] = ", then the guest is paused to end it",
                [MV_DEADLINE_DOWNTIME] = ", then the guest is stopped to end it",
                [MV_DEADLINE_DETECTOR] = ", then the stall detector decides",
        };
        const struct mv_copy_size *size = &copy->size;
        const struct mv_convergence *figures = &copy->figures;
        char a[MV_COPY_TEXT], b[MV_COPY_TEXT];
        mv_copy_bytes_text(size->memory, a);
        printf("  %-12s %s of memory", "copied", size->memory ? a : "unknown size");
        struct mv_str disks = disks_text(&run->arena, size);
        if (disks.n) {
                fputs(", disks ", stdout);
                mv_text_cell(stdout, disks, 0);
        }
        putchar('\n');
        if (figures->rate)
                printf("  %-12s %s at %s/s, without what the guest writes meanwhile\n", "one pass",
                       mv_copy_time_text(figures->pass.least, a).p, mv_copy_bytes_text(figures->rate, b).p);
        else
                printf("  %-12s no bandwidth is set, so only the network limits it\n", "one pass");
        if (figures->deadline)
                printf("  %-12s %s%s%s; needs at least %s/s\n", "deadline",
                       size->counts_more ? "at least " : "", mv_copy_seconds_text(figures->deadline, a).p,
                       actions[figures->action], mv_copy_bytes_text(figures->needed, b).p);
        else
                printf("  %-12s none\n", "deadline");
}

static void print_finding(const struct run *run, const struct mv_finding *f) {
        const struct mv_style *style = &run->style;
        const char *color = f->outcome == MV_OUTCOME_PASS        ? style->green
                            : f->severity == MV_SEVERITY_NOTE    ? style->dim
                            : f->severity == MV_SEVERITY_BLOCKER ? style->red
                                                                 : style->yellow;
        printf("  %s%s%s (%s)  ", color, f->rule->id, style->reset,
               f->outcome == MV_OUTCOME_FAIL ? mv_severity_name(f->severity) : mv_outcome_name(f->outcome));
        mv_text_wrap_from(stdout, f->message, 4 + strlen(f->rule->id) + 4, 4, style->width);
        if (f->outcome == MV_OUTCOME_PASS)
                return;
        printf("    fix  ");
        mv_text_wrap_from(stdout, f->fix, 9, 9, style->width);
}

static bool is_shown(const struct run *run, const struct mv_finding *f) {
        return f->outcome != MV_OUTCOME_PASS || run->wide;
}

static void print_object(struct run *run, enum mv_kind kind, const struct mv_explanation *explanation) {
        const struct mv_verdict *verdict = explanation->verdict;
        const struct mv_style *style = &run->style;
        printf("%s%s%s ", run->n_shown ? "\n" : "", style->bold, mv_kinds[kind].shorthand);
        mv_text_cell(stdout, verdict->subject.namespace, 0);
        putchar('/');
        mv_text_cell(stdout, verdict->subject.name, 0);
        printf("%s\n", style->reset);
        if (!verdict->resolution) {
                puts("  KubeVirt makes no instance of it, so no policy applies; `migvet explain` says why");
                return;
        }
        print_scores(run, explanation);
        print_notes(verdict->resolution, style);
        putchar('\n');
        mv_text_settings(stdout, verdict->resolution, style);
        if (verdict->copy) {
                putchar('\n');
                print_copy(run, verdict->copy);
        }
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (mv_explanation_is_about(f) && is_shown(run, f))
                        print_finding(run, f);
}

/* --- the objects --- */

/* Only what this command is about decides its exit code. */
static void count(struct run *run, const struct mv_verdict *verdict, bool all) {
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (all || mv_explanation_is_about(f))
                        run->found |= mv_options_fails_on(run->options, f);
}

static bool is_named(const struct run *run, const struct mv_migration_policy *policy) {
        for (size_t i = 0; i < run->n_policies; i++)
                if (mv_str_is(policy->meta.name, run->policies[i]))
                        return true;
        return false;
}

/* One of the policies that were named matches it. */
static bool is_matched(const struct run *run, const struct mv_resolution *resolution) {
        for (size_t i = 0; resolution && i < resolution->n_matches; i++)
                if (is_named(run, resolution->matches[i].policy))
                        return true;
        return false;
}

/* Write out what there is of the JSON; all objects with all policies can be a lot. (The YAML is made of the whole.) */
static void flush(struct run *run) {
        if (run->yaml || mv_buf_failed(&run->buf))
                return;
        fwrite(run->buf.p, 1, run->buf.n, stdout);
        mv_buf_clear(&run->buf);
}

static void explain_all(struct run *run, const struct mv_snapshot *snapshot,
                        const struct mv_selection *selection) {
        for (size_t i = 0; i < selection->n; i++) {
                const struct mv_entry *entry = selection->entries[i];
                const struct mv_evaluation evaluation = {
                        .arena = &run->arena,
                        .snapshot = snapshot,
                        .config = &run->options->config,
                        .version = mv_str_from(run->options->kubevirt_version),
                };
                struct mv_verdict verdict;
                struct mv_explanation explanation;
                /* A migration is its instance once more, unless somebody asks for it. */
                if (entry->kind == MV_KIND_MIGRATION && !run->options->n_arguments)
                        continue;
                mv_progress_show(&run->progress, i, selection->n);
                mv_arena_clear(&run->arena);
                mv_evaluate_entry(&evaluation, entry, &verdict);
                if (run->only_policies && !is_matched(run, verdict.resolution))
                        continue;
                mv_explanation_make(&run->arena, snapshot, &verdict, &explanation);
                count(run, &verdict, false);
                if (run->structured) {
                        mv_render_explanation(&run->json, &run->arena, &explanation);
                        flush(run);
                } else {
                        mv_progress_done(&run->progress);
                        print_object(run, entry->kind, &explanation);
                }
                run->out_of_memory |= mv_arena_failed(&run->arena);
                run->n_shown++;
        }
}

static void print_policy(struct run *run, const struct mv_verdict *verdict, bool first) {
        bool any = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                any |= is_shown(run, f);
        if (!any && !run->n_policies)
                return;
        printf("%s%sMigrationPolicy ", first && !run->n_shown ? "" : "\n", run->style.bold);
        mv_text_cell(stdout, verdict->subject.name, 0);
        printf("%s\n", run->style.reset);
        if (!any)
                puts("  nothing is wrong with it");
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (is_shown(run, f))
                        print_finding(run, f);
}

static void judge_policies(struct run *run, const struct mv_snapshot *snapshot) {
        size_t n = mv_snapshot_count(snapshot, MV_KIND_MIGRATION_POLICY);
        for (size_t i = 0; i < n; i++) {
                const struct mv_migration_policy *policy =
                        mv_snapshot_at(snapshot, MV_KIND_MIGRATION_POLICY, i);
                const struct mv_evaluation evaluation = {
                        .arena = &run->arena,
                        .snapshot = snapshot,
                        .config = &run->options->config,
                        .version = mv_str_from(run->options->kubevirt_version),
                };
                struct mv_verdict verdict;
                if (run->n_policies && !is_named(run, policy))
                        continue;
                mv_progress_show(&run->progress, i, n);
                mv_arena_clear(&run->arena);
                mv_evaluate_policy(&evaluation, policy, &verdict);
                count(run, &verdict, true);
                if (run->structured) {
                        mv_render_policy_findings(&run->json, &verdict);
                        flush(run);
                } else {
                        mv_progress_done(&run->progress);
                        print_policy(run, &verdict, i == 0);
                }
        }
}

static void print_structured(struct run *run, struct mv_err *err) {
        if (mv_buf_failed(&run->buf))
                mv_err_oom(err);
        else if (run->yaml)
                mv_yaml_print(stdout, &run->buf, err);
        else
                puts(run->buf.p);
}

static int report(struct run *run, const struct mv_snapshot *snapshot, const struct mv_selection *selection) {
        struct mv_err err = { 0 };
        mv_arena_init(&run->arena, &mv_allocator_system, 0);
        mv_buf_init(&run->buf, &mv_allocator_system, (size_t)1 << 30);
        mv_json_init(&run->json, &run->buf);
        mv_progress_init(&run->progress, "judging");
        if (run->structured) {
                mv_json_object(&run->json);
                mv_json_member(&run->json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
                mv_json_member(&run->json, "kind", MV_STR("MigrationPolicyExplanationList"));
                mv_json_key(&run->json, "items");
                mv_json_array(&run->json);
        }
        explain_all(run, snapshot, selection);
        if (run->structured) {
                mv_json_end(&run->json);
                mv_json_key(&run->json, "policies");
                mv_json_array(&run->json);
        } else if (!run->n_shown)
                puts(run->only_policies
                             ? "nothing in the input is matched"
                             : "nothing to explain: no VM, instance, pool or replica set is selected");
        judge_policies(run, snapshot);
        mv_progress_done(&run->progress);
        if (run->structured) {
                mv_json_end(&run->json);
                mv_json_end(&run->json);
                print_structured(run, &err);
        }
        mv_buf_done(&run->buf);
        mv_arena_done(&run->arena);
        if (run->out_of_memory)
                mv_err_oom(&err);
        if (err.code)
                return mv_cli_error(&mv_command_policy, &err);
        return run->found ? MV_EXIT_FOUND : MV_EXIT_OK;
}

/* --- the command line --- */

/* Take the policies out of the KIND/NAME arguments; the rest names objects. */
static int take_policies(struct run *run, struct mv_options *options, const struct mv_snapshot *snapshot) {
        size_t rest = 0;
        run->policies = calloc(options->n_arguments + 1, sizeof *run->policies);
        if (!run->policies) {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                return mv_cli_error(&mv_command_policy, &err);
        }
        for (size_t i = 0; i < options->n_arguments; i++) {
                char *argument = options->arguments[i];
                struct mv_str text = mv_str_from(argument);
                size_t slash = mv_str_find_byte(text, '/');
                if (mv_kind_typed((struct mv_str){ text.p, slash }) != MV_KIND_MIGRATION_POLICY ||
                    slash == text.n) {
                        options->arguments[rest++] = argument;
                        continue;
                }
                if (!mv_snapshot_find(snapshot, MV_KIND_MIGRATION_POLICY, (struct mv_str){ 0 },
                                      mv_str_skip(text, slash + 1)))
                        return mv_cli_usage_error(&mv_command_policy,
                                                  "MigrationPolicy %s is not in the input",
                                                  argument + slash + 1);
                run->policies[run->n_policies++] = argument + slash + 1;
        }
        options->n_arguments = rest;
        run->only_policies = run->n_policies && !rest;
        return -1;
}

static int choose_format(const struct mv_options *options, struct run *run) {
        const char *output = options->output ? options->output : "table";
        run->wide = strcmp(output, "wide") == 0;
        run->yaml = strcmp(output, "yaml") == 0;
        run->structured = run->yaml || strcmp(output, "json") == 0;
        if (run->structured || run->wide || strcmp(output, "table") == 0)
                return -1;
        return mv_cli_usage_error(&mv_command_policy, "-o \"%s\" is none of table, wide, json, yaml", output);
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_input input = { 0 };
        struct mv_selection selection = { 0 };
        int code =
                mv_options_parse(&mv_command_policy, argc, argv,
                                 MV_OPTION_FILES | MV_OPTION_SELECT | MV_OPTION_OUTPUT | MV_OPTION_VERSION |
                                         MV_OPTION_CONFIG | MV_OPTION_FAIL_ON | MV_OPTION_COLOR,
                                 &options);
        if (code >= 0)
                return code;
        struct run r = { .options = &options };
        mv_style_init(&r.style, mv_options_color(&options, STDOUT_FILENO), STDOUT_FILENO);
        code = choose_format(&options, &r);
        if (code < 0)
                code = mv_input_load(&mv_command_policy, &options, &input);
        if (code < 0)
                code = take_policies(&r, &options, input.snapshot);
        if (code < 0)
                code = mv_selection_make(&mv_command_policy, &options, input.snapshot, &selection);
        if (code < 0)
                code = report(&r, input.snapshot, &selection);
        free(r.policies);
        mv_selection_done(&selection);
        mv_input_done(&input);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_policy = {
        .name = "policy",
        .summary = "which MigrationPolicy applies and why, and what results",
        .usage = usage,
        .run = run,
};
