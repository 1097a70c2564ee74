/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet explain`: one object in full. */
#include "cli/explain_nodes.h"
#include "cli/input.h"
#include "cli/text.h"
#include "cli/yaml_output.h"
#include "policy/evaluate.h"
#include "policy/instancetype.h"
#include "policy/object/encode.h"
#include "policy/registry.h"
#include "policy/render.h"
#include "policy/resolve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet explain KIND/NAME [-f FILE|DIR|-] [flags]\n"
        "\n"
        "One VM, instance, migration, pool or replica set in full: the verdict, what\n"
        "KubeVirt itself will report, every rule that applies with what it saw, what to\n"
        "change, every node with what stops the VM there, what its launcher pod requests,\n"
        "and where each value comes from. KIND is vm, vmi, vmim, vmpool or vmirs, or the\n"
        "long name.\n"
        "\n"
        "Flags:\n" MV_USAGE_CLUSTER
        "  -n, --namespace NAME          its namespace (default: any that has the name;\n"
        "                                on a live cluster that of the context)\n"
        "  -o, --output FORMAT           table (default), json or yaml; these two hold\n"
        "                                the instance that was judged, with KubeVirt's\n"
        "                                defaults, as far as rules read it\n"
        "      --config FILE             severities of rules, by name and by namespace,\n"
        "                                and siteRules\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --fail-on WHAT            exit code 1 at: blocker (default), unknown,\n"
        "                                risk, never\n"
        "      --color WHEN              auto (default), always or never\n"
        "  -h, --help                    this text\n";

static void line(const struct mv_style *style, const char *label, struct mv_str value, struct mv_str from) {
        printf("%-18s", label);
        mv_text_cell(stdout, value.n ? value : MV_STR("-"), 0);
        if (from.n) {
                printf(" %s(from ", style->dim);
                mv_text_cell(stdout, from, 0);
                printf(")%s", style->reset);
        }
        putchar('\n');
}

static void print_findings(const struct mv_verdict *verdict, enum mv_outcome outcome, const char *title,
                           const char *color, const struct mv_style *style) {
        bool any = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->outcome != outcome)
                        continue;
                if (!any)
                        printf("\n%s%s%s\n", style->bold, title, style->reset);
                any = true;
                printf("  %s%s%s", color, f->rule->id, style->reset);
                if (outcome != MV_OUTCOME_PASS)
                        printf(" (%s)", mv_severity_name(f->severity));
                putchar('\n');
                mv_text_wrap(stdout, f->message, 4, 4, style->width);
                if (outcome == MV_OUTCOME_PASS)
                        continue;
                if (f->field.n) {
                        printf("    at   ");
                        mv_text_wrap_from(stdout, f->field, 9, 9, style->width);
                }
                printf("    fix  ");
                mv_text_wrap_from(stdout, f->fix, 9, 9, style->width);
                if (f->condition.n) {
                        printf("    KubeVirt: %s: ", f->rule->reason);
                        mv_text_wrap_from(stdout, f->condition, 16 + strlen(f->rule->reason), 9,
                                          style->width);
                }
        }
}

static bool has_said(const struct mv_finding *findings, const struct mv_rule *rule) {
        for (const struct mv_finding *f = findings; f; f = f->next)
                if (f->rule == rule)
                        return true;
        return false;
}

static void name_rule(struct mv_buf *names, const struct mv_rule *rule) {
        mv_buf_format(names, "%s%s", names->n ? ", " : "", rule->id);
}

/* It said nothing at all. */
static void name_silent(const struct mv_verdict *verdict, const struct mv_rule *rule, struct mv_buf *names) {
        const bool of_kind = rule->area == MV_AREA_REQUEST
                                     ? mv_str_is(verdict->subject.kind, "VirtualMachineInstanceMigration")
                                     : rule->subject == MV_SUBJECT_INSTANCE;
        if (of_kind && !has_said(verdict->findings, rule) && !has_said(verdict->off, rule))
                name_rule(names, rule);
}

static void print_names(const char *title, struct mv_buf *names, const struct mv_style *style) {
        if (names->n) {
                printf("\n%s%s%s\n", style->bold, title, style->reset);
                mv_text_wrap(stdout, mv_buf_str(names), 2, 2, style->width);
        }
        mv_buf_done(names);
}

static void print_silent(const struct mv_verdict *verdict, const struct mv_site_rules *site,
                         const struct mv_style *style) {
        struct mv_buf names;
        mv_buf_init(&names, &mv_allocator_system, 65536);
        for (size_t i = 0; mv_rules[i]; i++)
                name_silent(verdict, mv_rules[i], &names);
        for (size_t i = 0; i < site->n; i++)
                name_silent(verdict, &site->items[i].rule, &names);
        for (size_t i = 0; mv_notices[i]; i++)
                name_silent(verdict, mv_notices[i], &names);
        print_names("Do not apply", &names, style);
}

/* Each once: findings of one rule stand together. */
static void print_off(const struct mv_verdict *verdict, const struct mv_style *style) {
        struct mv_buf names;
        const struct mv_rule *previous = NULL;
        mv_buf_init(&names, &mv_allocator_system, 65536);
        for (const struct mv_finding *f = verdict->off; f; previous = f->rule, f = f->next)
                if (f->outcome != MV_OUTCOME_PASS && f->rule != previous)
                        name_rule(&names, f->rule);
        print_names("Found, and turned off by the configuration", &names, style);
}

static void print_policies(const struct mv_resolution *resolution, const struct mv_style *style) {
        printf("\n%sMigrationPolicy%s\n", style->bold, style->reset);
        if (!resolution->n_matches)
                puts("  none matches");
        for (size_t i = 0; i < resolution->n_matches; i++) {
                const struct mv_policy_match *match = &resolution->matches[i];
                printf("  %-6s ", i == 0 ? "wins" : "after");
                mv_text_cell(stdout, match->policy->meta.name, 0);
                printf(" %s(score %zu: %zu of the namespace's labels, %zu of the instance's)%s\n", style->dim,
                       match->namespace_labels + match->vmi_labels, match->namespace_labels,
                       match->vmi_labels, style->reset);
        }
        if (resolution->n_matches && !resolution->recorded)
                mv_text_wrap(
                        stdout,
                        MV_STR("It sets nothing, so this version of KubeVirt names no policy; the others stay "
                               "out all the same."),
                        2, 2, style->width);
        if (resolution->namespace_matters)
                mv_text_wrap(
                        stdout,
                        MV_STR("The Namespace is not in the input: a policy that selects by its labels may "
                               "apply too."),
                        2, 2, style->width);
}

static void print_refused(const struct mv_refused *refused, const struct mv_style *style) {
        printf("\n%s%s%s\n", style->bold, mv_refused_title(refused), style->reset);
        if (refused->code)
                printf("  code %d%s%s\n", refused->code, refused->reason[0] ? ", " : "", refused->reason);
        else if (refused->reason[0])
                printf("  %s\n", refused->reason);
        for (size_t i = 0; i < refused->n_causes && i < MV_REFUSED_SHOWN; i++) {
                printf("  at   ");
                mv_text_wrap_from(stdout, refused->causes[i].field, 7, 7, style->width);
        }
}

static void print_text(const struct mv_verdict *verdict, const struct mv_site_rules *site,
                       const struct mv_style *style) {
        const struct mv_subject *subject = &verdict->subject;
        const char *color = verdict->migratable == MV_OUTCOME_PASS   ? style->green
                            : verdict->migratable == MV_OUTCOME_FAIL ? style->red
                                                                     : style->yellow;
        printf("%s%.*s ", style->bold, MV_STR_ARG(subject->kind));
        mv_text_cell(stdout, subject->namespace, 0);
        putchar('/');
        mv_text_cell(stdout, subject->name, 0);
        printf("%s\n\n%-18s%s%s%s\n", style->reset, "migratable", color, mv_verdict_word(verdict->migratable),
               style->reset);
        line(style, "method", mv_str_from(verdict->method), (struct mv_str){ 0 });
        line(style, "evictionStrategy", verdict->eviction_strategy, verdict->eviction_from);
        if (verdict->version.n)
                line(style, "KubeVirt version", verdict->version, verdict->version_from);
        else
                line(style, "KubeVirt version", MV_STR("not known: judged as the newest"),
                     (struct mv_str){ 0 });
        if (verdict->refused)
                print_refused(verdict->refused, style);
        if (verdict->n_conditions)
                printf("\n%sWhat KubeVirt will report%s\n", style->bold, style->reset);
        for (size_t i = 0; i < verdict->n_conditions; i++) {
                const struct mv_verdict_condition *c = &verdict->conditions[i];
                printf("  %s=%s%s%.*s\n", c->type, c->status, c->reason.n ? " " : "", MV_STR_ARG(c->reason));
                if (c->message.n)
                        mv_text_wrap(stdout, c->message, 4, 4, style->width);
        }
        print_findings(verdict, MV_OUTCOME_FAIL, "Found", style->red, style);
        print_findings(verdict, MV_OUTCOME_UNKNOWN, "Not known", style->yellow, style);
        print_findings(verdict, MV_OUTCOME_PASS, "In order", style->green, style);
        print_off(verdict, style);
        if (!verdict->refused)
                print_silent(verdict, site, style);
        mv_explain_nodes(verdict, style);
        if (verdict->resolution) {
                print_policies(verdict->resolution, style);
                putchar('\n');
                mv_text_settings(stdout, verdict->resolution, style);
        }
}

static int print_structured(struct mv_arena *arena, const struct mv_verdict *verdict, bool yaml,
                            struct mv_err *err) {
        struct mv_buf buf, instance;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, (size_t)1 << 30);
        mv_buf_init(&instance, &mv_allocator_system, (size_t)1 << 30);
        if (verdict->instance) {
                mv_json_init(&json, &instance);
                mv_encode(&json, &mv_table_vmi, &verdict->instance->vmi);
        }
        mv_json_init(&json, &buf);
        mv_render_verdict(&json, arena, verdict, true, mv_buf_str(&instance));
        int r = 0;
        if (mv_buf_failed(&buf) || mv_buf_failed(&instance))
                r = mv_err_oom(err);
        else if (yaml)
                r = mv_yaml_print(stdout, &buf, err);
        else
                puts(buf.p);
        mv_buf_done(&instance);
        mv_buf_done(&buf);
        return r;
}

static int explain(const struct mv_options *options, const struct mv_snapshot *snapshot,
                   const struct mv_selection *selection) {
        if (selection->n != 1)
                return mv_cli_usage_error(&mv_command_explain, "%zu objects have that name; add -n NAMESPACE",
                                          selection->n);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_evaluation evaluation = { .arena = &arena,
                                                  .snapshot = snapshot,
                                                  .config = &options->config,
                                                  .version = mv_str_from(options->kubevirt_version) };
        struct mv_verdict verdict;
        struct mv_style style;
        struct mv_err err = { 0 };
        int code = MV_EXIT_OK;
        mv_style_init(&style, mv_options_color(options, STDOUT_FILENO), STDOUT_FILENO);
        mv_evaluate_entry(&evaluation, selection->entries[0], &verdict);
        if (!options->output || strcmp(options->output, "table") == 0)
                print_text(&verdict, &options->config.site_rules, &style);
        else if (print_structured(&arena, &verdict, strcmp(options->output, "yaml") == 0, &err) < 0)
                code = mv_cli_error(&mv_command_explain, &err);
        if (code == MV_EXIT_OK && mv_options_fails(options, &verdict))
                code = MV_EXIT_FOUND;
        mv_arena_done(&arena);
        return code;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_input input = { 0 };
        struct mv_selection selection = { 0 };
        int code = mv_options_parse(&mv_command_explain, argc, argv,
                                    MV_OPTION_FILES | MV_OPTION_OUTPUT | MV_OPTION_VERSION |
                                            MV_OPTION_CONFIG | MV_OPTION_FAIL_ON | MV_OPTION_COLOR,
                                    &options);
        if (code >= 0)
                return code;
        const char *output = options.output ? options.output : "table";
        if (options.n_arguments != 1)
                code = mv_cli_usage_error(&mv_command_explain, "name one object, such as vm/db");
        else if (strcmp(output, "table") != 0 && strcmp(output, "json") != 0 && strcmp(output, "yaml") != 0)
                code = mv_cli_usage_error(&mv_command_explain, "-o \"%s\" is none of table, json, yaml",
                                          output);
        else
                code = mv_input_load(&mv_command_explain, &options, &input);
        if (code < 0)
                code = mv_selection_make(&mv_command_explain, &options, input.snapshot, &selection);
        if (code < 0)
                code = explain(&options, input.snapshot, &selection);
        mv_selection_done(&selection);
        mv_input_done(&input);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_explain = {
        .name = "explain",
        .summary = "one VM in full: every rule, every node, and what to change",
        .usage = usage,
        .run = run,
};
