/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet rules`: the rules, and the documentation of one. */
#include "cli/options.h"
#include "cli/text.h"
#include "policy/base/json.h"
#include "policy/registry.h"
#include "policy/config/scope.h"
#include "policy/verdict.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "Usage: migvet rules [RULE] [-o table|json]\n"
                            "\n"
                            "Lists the rules, and the notices that stand where no rule can judge; with a\n"
                            "name, its documentation: what it looks at, why, where KubeVirt does the same,\n"
                            "what to change, and how it differs between versions of KubeVirt.\n"
                            "\n"
                            "Flags:\n"
                            "  -o, --output FORMAT   table (default) or json\n"
                            "      --config FILE     with its siteRules, and the severities of its rules\n"
                            "      --color WHEN      auto (default), always or never\n"
                            "  -h, --help            this text\n";

struct listing {
        const struct mv_config *config;
        struct mv_style style;
};

/* As the configuration says for all namespaces, else as shipped. */
static const char *severity(const struct listing *listing, const struct mv_rule *rule) {
        const struct mv_rule_severity *said = mv_rule_severity_find(&listing->config->rules, rule);
        return said && said->off ? "off" : mv_severity_name(said ? said->severity : rule->severity);
}

/* Call a function with each of them, in the order of findings; notices come last. */
static void each(const struct listing *listing,
                 void (*say)(const struct listing *listing, const struct mv_rule *rule, void *context),
                 void *context) {
        const struct mv_site_rules *site = &listing->config->site_rules;
        for (size_t i = 0; mv_rules[i]; i++)
                say(listing, mv_rules[i], context);
        for (size_t i = 0; i < site->n; i++)
                say(listing, &site->items[i].rule, context);
        for (size_t i = 0; mv_notices[i]; i++)
                say(listing, mv_notices[i], context);
}

static void needs(const struct mv_rule *rule, struct mv_json *json) {
        mv_json_key(json, "needs");
        mv_json_array(json);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (rule->needs >> kind & 1)
                        mv_json_text(json, mv_kinds[kind].kind);
        mv_json_end(json);
}

static struct mv_str version_text(unsigned version, char *out, size_t size) {
        unsigned patch = version % 1000;
        out[0] = '\0';
        if (version)
                snprintf(out, size, patch ? "%u.%u.%u" : "%u.%u", version / 1000000, version / 1000 % 1000,
                         patch);
        return mv_str_from(out);
}

static void render(const struct listing *listing, const struct mv_rule *rule, void *context) {
        struct mv_json *json = context;
        char version[32];
        mv_json_object(json);
        mv_json_member(json, "name", mv_str_from(rule->id));
        mv_json_member(json, "area", mv_str_from(mv_area_name(rule->area)));
        mv_json_member(json, "severity", mv_str_from(severity(listing, rule)));
        mv_json_member(json, "reason", mv_str_from(rule->reason));
        needs(rule, json);
        mv_json_member(json, "summary", mv_str_from(rule->summary));
        mv_json_member(json, "documentation", mv_str_from(rule->documentation));
        mv_json_member(json, "source", mv_str_from(rule->source));
        mv_json_member(json, "fix", mv_str_from(rule->fix));
        mv_json_key(json, "revisions");
        mv_json_array(json);
        for (size_t i = 0; i < MV_REVISIONS && rule->revisions[i].check; i++) {
                mv_json_object(json);
                mv_json_member(json, "since",
                               version_text(rule->revisions[i].since, version, sizeof version));
                mv_json_member(json, "note", mv_str_from(rule->revisions[i].note));
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_end(json);
}

static int print_json(const struct listing *listing, const struct mv_rule *only) {
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 16 << 20);
        mv_json_init(&json, &buf);
        if (only)
                render(listing, only, &json);
        else {
                mv_json_array(&json);
                each(listing, render, &json);
                mv_json_end(&json);
        }
        bool ok = !mv_buf_failed(&buf);
        if (ok)
                puts(buf.p);
        else
                fputs("migvet rules: out of memory\n", stderr);
        mv_buf_done(&buf);
        return ok ? MV_EXIT_OK : MV_EXIT_USAGE;
}

static void print_page(const struct listing *listing, const struct mv_rule *rule) {
        const struct mv_style *style = &listing->style;
        const char *shipped = mv_severity_name(rule->severity), *now = severity(listing, rule);
        char version[32];
        printf("%s%s%s - ", style->bold, rule->id, style->reset);
        mv_text_wrap_from(stdout, mv_str_from(rule->summary), strlen(rule->id) + 3, 0, style->width);
        putchar('\n');
        printf("severity  %s%s%s%s\n", now, now == shipped ? "" : " (", now == shipped ? "" : shipped,
               now == shipped ? "" : " unless configured)");
        printf("area      %s\nreason    %s\n", mv_area_name(rule->area),
               rule->reason[0] ? rule->reason : "none of KubeVirt's");
        if (rule->needs) {
                struct mv_buf kinds;
                mv_buf_init(&kinds, &mv_allocator_system, 16 << 10);
                for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                        if (rule->needs >> kind & 1)
                                mv_buf_format(&kinds, "%s%s", kinds.n ? " " : "", mv_kinds[kind].kind);
                fputs("reads     ", stdout);
                mv_text_wrap_from(stdout, mv_buf_str(&kinds), 10, 10, style->width);
                mv_buf_done(&kinds);
        }
        putchar('\n');
        mv_text_wrap(stdout, mv_str_from(rule->documentation), 0, 0, style->width);
        printf("\n%sFix%s\n", style->bold, style->reset);
        mv_text_wrap(stdout, mv_str_from(rule->fix), 2, 2, style->width);
        printf("\n%sSource%s\n", style->bold, style->reset);
        mv_text_wrap(stdout, mv_str_from(rule->source), 2, 2, style->width);
        if (rule->revisions[0].check)
                printf("\n%sRevisions%s\n", style->bold, style->reset);
        for (size_t i = 0; i < MV_REVISIONS && rule->revisions[i].check; i++) {
                const struct mv_revision *revision = &rule->revisions[i];
                struct mv_str since = version_text(revision->since, version, sizeof version);
                struct mv_buf text;
                mv_buf_init(&text, &mv_allocator_system, 16 << 10);
                mv_buf_format(&text, "%s%.*s%s%s", since.n ? "KubeVirt " : "all versions", MV_STR_ARG(since),
                              revision->note ? ": " : "", revision->note ? revision->note : "");
                mv_text_wrap(stdout, mv_buf_str(&text), 2, 4, style->width);
                mv_buf_done(&text);
        }
}

/* What it says begins at this column, and in a terminal goes on below it. */
enum { SAYS = 49 };

static void print_row(const struct listing *listing, const struct mv_rule *rule, void *context) {
        (void)context;
        printf("%-24s %-8s %-14s ", rule->id, severity(listing, rule), mv_area_name(rule->area));
        const size_t n = strlen(rule->id); /* of a site's rule up to 63 */
        mv_text_wrap_from(stdout, mv_str_from(rule->summary), n > 24 ? SAYS + n - 24 : SAYS, SAYS,
                          listing->style.width);
}

static void print_table(const struct listing *listing) {
        const struct mv_style *style = &listing->style;
        printf("%s%-24s %-8s %-14s %s%s\n", style->bold, "RULE", "SEVERITY", "AREA", "WHAT IT SAYS",
               style->reset);
        each(listing, print_row, NULL);
}

static const struct mv_rule *find(const struct mv_config *config, struct mv_str name) {
        const struct mv_site_rule *site = mv_site_rules_find(&config->site_rules, name);
        return site ? &site->rule : mv_rule_find(name);
}

static int run(int argc, char **argv) {
        struct mv_options options;
        int code = mv_options_parse(&mv_command_rules, argc, argv,
                                    MV_OPTION_OUTPUT | MV_OPTION_COLOR | MV_OPTION_CONFIG, &options);
        if (code >= 0)
                return code;
        const struct mv_rule *rule = NULL;
        struct listing listing = { .config = &options.config };
        mv_style_init(&listing.style, mv_options_color(&options, STDOUT_FILENO), STDOUT_FILENO);
        code = MV_EXIT_OK;
        if (options.n_arguments > 1)
                code = mv_cli_usage_error(&mv_command_rules, "one rule at a time");
        else if (options.n_arguments == 1 &&
                 !(rule = find(&options.config, mv_str_from(options.arguments[0]))))
                code = mv_cli_usage_error(
                        &mv_command_rules, "there is no rule \"%s\"%s", options.arguments[0],
                        options.config_file ? "" : "; those of siteRules are found with --config FILE");
        else if (options.output && strcmp(options.output, "json") == 0)
                code = print_json(&listing, rule);
        else if (options.output && strcmp(options.output, "table") != 0)
                code = mv_cli_usage_error(&mv_command_rules, "-o \"%s\" is none of table, json",
                                          options.output);
        else if (rule)
                print_page(&listing, rule);
        else
                print_table(&listing);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_rules = {
        .name = "rules",
        .summary = "list the rules, or the documentation of one",
        .usage = usage,
        .run = run,
};
