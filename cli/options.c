/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "cli/config.h"
#include "cli/flags.h"
#include "policy/kubevirt_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_selector(const struct mv_command *command, const char *text, struct mv_options *options,
                          struct mv_selector **ret) {
        struct mv_err err = { 0 };
        if (mv_selector_parse(&options->arena, mv_str_from(text), ret, &err) < 0)
                return mv_cli_usage_error(command, "%s", err.message);
        return -1;
}

static int take_filename(const struct mv_command *command, void *target, const char *value) {
        struct mv_options *options = target;
        (void)command;
        options->filenames[options->n_filenames++] = value;
        return -1;
}

static int take_selector(const struct mv_command *command, void *target, const char *value) {
        struct mv_options *options = target;
        return parse_selector(command, value, options, &options->selector);
}

static int take_node_selector(const struct mv_command *command, void *target, const char *value) {
        struct mv_options *options = target;
        return parse_selector(command, value, options, &options->node_selector);
}

static int take_version(const struct mv_command *command, void *target, const char *value) {
        struct mv_options *options = target;
        options->kubevirt_version = value;
        return mv_options_check_version(command, value);
}

int mv_options_check_version(const struct mv_command *command, const char *value) {
        struct mv_str text;
        return mv_kubevirt_version_parse(mv_str_from(value), &text)
                       ? -1
                       : mv_cli_usage_error(command,
                                            "--kubevirt-version \"%s\" is no version such as 1.9 or v1.9.0",
                                            value);
}

static const char *const fail_on[] = { "blocker", "unknown", "risk", "never", NULL };
static const char *const colors[] = { "auto", "always", "never", NULL };

#define ROW(name_, letter_, kind_, member_) MV_FLAG_ROW(name_, letter_, kind_, struct mv_options, member_)
static const struct {
        struct mv_flag flag;
        unsigned set; /* the flag is taken by commands that take one of these */
} flags[] = {
        { MV_FLAG_ROW_HELP, ~0u },
        { MV_FLAG_ROW_TAKE("filename", 'f', take_filename), MV_OPTION_FILES },
        { ROW("recursive", 'R', SWITCH, recursive), MV_OPTION_FILES },
        { ROW("verbose", 'v', SWITCH, verbose), MV_OPTION_FILES },
        { ROW("namespace", 'n', TEXT, namespace), MV_OPTION_FILES },
        { ROW("kubeconfig", 0, TEXT, kubeconfig), MV_OPTION_FILES },
        { ROW("context", 0, TEXT, context), MV_OPTION_FILES },
        { ROW("all-namespaces", 'A', SWITCH, all_namespaces), MV_OPTION_SELECT },
        { MV_FLAG_ROW_TAKE("selector", 'l', take_selector), MV_OPTION_SELECT },
        { ROW("output", 'o', TEXT, output), MV_OPTION_OUTPUT },
        { MV_FLAG_ROW_TAKE("kubevirt-version", 0, take_version), MV_OPTION_VERSION },
        { ROW("config", 0, TEXT, config_file), MV_OPTION_CONFIG },
        { MV_FLAG_ROW_CHOICE("fail-on", fail_on, struct mv_options, fail_on), MV_OPTION_FAIL_ON },
        { MV_FLAG_ROW_CHOICE("color", colors, struct mv_options, color), MV_OPTION_COLOR },
        { ROW("mutate", 0, SWITCH, mutate), MV_OPTION_MUTATE },
        { ROW("server", 0, TEXT, server), MV_OPTION_SERVER },
        { ROW("ca-file", 0, TEXT, ca_file), MV_OPTION_SERVER },
        { MV_FLAG_ROW_TAKE("node-selector", 0, take_node_selector), MV_OPTION_NODES },
        { ROW("baseline", 0, SWITCH, baseline), MV_OPTION_NODES },
        { ROW("step", 0, SWITCH, step), MV_OPTION_DRAIN },
        { ROW("one-by-one", 0, SWITCH, one_by_one), MV_OPTION_DRAIN },
        { ROW("link-bandwidth", 0, TEXT, link_bandwidth), MV_OPTION_DRAIN },
        { ROW("dirty-rate", 0, TEXT, dirty_rate), MV_OPTION_DRAIN },
};
enum { N_FLAGS = sizeof flags / sizeof *flags };

int mv_options_parse(const struct mv_command *command, int argc, char **argv, unsigned taken,
                     struct mv_options *ret) {
        struct mv_flag chosen[N_FLAGS];
        size_t n = 0;
        for (size_t i = 0; i < N_FLAGS; i++)
                if (flags[i].set & (taken | (flags[i].set == ~0u ? 1u : 0)))
                        chosen[n++] = flags[i].flag;
        *ret = (struct mv_options){ .filenames = calloc((size_t)argc + 1, sizeof *ret->filenames) };
        mv_arena_init(&ret->arena, &mv_allocator_system, 0);
        struct mv_err err = { 0 };
        if (!ret->filenames) {
                mv_err_oom(&err);
                return mv_cli_error(command, &err);
        }
        int first;
        int code = mv_flags_parse(command, chosen, n, ret, argc, argv, &first);
        ret->arguments = argv + first;
        ret->n_arguments = (size_t)(argc - first);
        if (code < 0 && mv_config_load(ret->config_file, &ret->arena, &ret->config, &err) < 0)
                code = mv_cli_error(command, &err);
        if (code >= 0)
                mv_options_done(ret);
        return code;
}

void mv_options_done(struct mv_options *options) {
        free(options->filenames);
        options->filenames = NULL;
        mv_arena_done(&options->arena);
}

bool mv_options_color(const struct mv_options *options, int fd) {
        const char *no_color = getenv("NO_COLOR");
        if (options->color != MV_COLOR_AUTO)
                return options->color == MV_COLOR_ALWAYS;
        return isatty(fd) && !(no_color && no_color[0]);
}

bool mv_options_fails_on(const struct mv_options *options, const struct mv_finding *finding) {
        bool blocker = finding->severity == MV_SEVERITY_BLOCKER, risk = finding->severity == MV_SEVERITY_RISK;
        if (finding->outcome == MV_OUTCOME_PASS || options->fail_on == MV_FAIL_ON_NEVER)
                return false;
        return finding->outcome == MV_OUTCOME_FAIL ? blocker || (risk && options->fail_on == MV_FAIL_ON_RISK)
                                                   : blocker && options->fail_on >= MV_FAIL_ON_UNKNOWN;
}

bool mv_options_fails(const struct mv_options *options, const struct mv_verdict *verdict) {
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (mv_options_fails_on(options, f))
                        return true;
        return false;
}
