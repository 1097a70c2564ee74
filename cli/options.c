/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "cli/config.h"
#include "policy/kubevirt_config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        KUBEVIRT_VERSION = 256,
        FAIL_ON,
        COLOR,
        MUTATE,
        NODE_SELECTOR,
        BASELINE,
        STEP,
        ONE_BY_ONE,
        LINK_BANDWIDTH,
        DIRTY_RATE,
        KUBECONFIG,
        CONTEXT,
        SERVER,
        CA_FILE,
        CONFIG
};

static const struct flag {
        struct option option;
        unsigned set; /* the flag is taken by commands that take one of these */
} flags[] = {
        { { "help", no_argument, NULL, 'h' }, ~0u },
        { { "filename", required_argument, NULL, 'f' }, MV_OPTION_FILES },
        { { "recursive", no_argument, NULL, 'R' }, MV_OPTION_FILES },
        { { "verbose", no_argument, NULL, 'v' }, MV_OPTION_FILES },
        { { "namespace", required_argument, NULL, 'n' }, MV_OPTION_FILES },
        { { "kubeconfig", required_argument, NULL, KUBECONFIG }, MV_OPTION_FILES },
        { { "context", required_argument, NULL, CONTEXT }, MV_OPTION_FILES },
        { { "all-namespaces", no_argument, NULL, 'A' }, MV_OPTION_SELECT },
        { { "selector", required_argument, NULL, 'l' }, MV_OPTION_SELECT },
        { { "output", required_argument, NULL, 'o' }, MV_OPTION_OUTPUT },
        { { "kubevirt-version", required_argument, NULL, KUBEVIRT_VERSION }, MV_OPTION_VERSION },
        { { "config", required_argument, NULL, CONFIG }, MV_OPTION_CONFIG },
        { { "fail-on", required_argument, NULL, FAIL_ON }, MV_OPTION_FAIL_ON },
        { { "color", required_argument, NULL, COLOR }, MV_OPTION_COLOR },
        { { "mutate", no_argument, NULL, MUTATE }, MV_OPTION_MUTATE },
        { { "server", required_argument, NULL, SERVER }, MV_OPTION_SERVER },
        { { "ca-file", required_argument, NULL, CA_FILE }, MV_OPTION_SERVER },
        { { "node-selector", required_argument, NULL, NODE_SELECTOR }, MV_OPTION_NODES },
        { { "baseline", no_argument, NULL, BASELINE }, MV_OPTION_NODES },
        { { "step", no_argument, NULL, STEP }, MV_OPTION_DRAIN },
        { { "one-by-one", no_argument, NULL, ONE_BY_ONE }, MV_OPTION_DRAIN },
        { { "link-bandwidth", required_argument, NULL, LINK_BANDWIDTH }, MV_OPTION_DRAIN },
        { { "dirty-rate", required_argument, NULL, DIRTY_RATE }, MV_OPTION_DRAIN },
};
enum { N_FLAGS = sizeof flags / sizeof *flags };

/* Position of value among names, -1 when it is none of them. */
static int one_of(const char *value, const char *const *names) {
        for (int i = 0; names[i]; i++)
                if (strcmp(value, names[i]) == 0)
                        return i;
        return -1;
}

static int parse_selector(const struct mv_command *command, const char *text, struct mv_options *options,
                          struct mv_selector **ret) {
        struct mv_err err = { 0 };
        if (mv_selector_parse(&options->arena, mv_str_from(text), ret, &err) < 0)
                return mv_cli_usage_error(command, "%s", err.message);
        return -1;
}

static int apply(const struct mv_command *command, int flag, const char *value, struct mv_options *options) {
        static const char *const fail_on[] = { "blocker", "unknown", "risk", "never", NULL };
        static const char *const colors[] = { "auto", "always", "never", NULL };
        struct mv_str text;
        int i;
        switch (flag) {
        case 'h':
                return mv_cli_help(command);
        case 'f':
                options->filenames[options->n_filenames++] = value;
                return -1;
        case 'v':
                options->verbose = true;
                return -1;
        case 'R':
                options->recursive = true;
                return -1;
        case 'n':
                options->namespace = value;
                return -1;
        case KUBECONFIG:
                options->kubeconfig = value;
                return -1;
        case CONTEXT:
                options->context = value;
                return -1;
        case 'A':
                options->all_namespaces = true;
                return -1;
        case 'l':
                return parse_selector(command, value, options, &options->selector);
        case 'o':
                options->output = value;
                return -1;
        case KUBEVIRT_VERSION:
                if (!mv_kubevirt_version_parse(mv_str_from(value), &text))
                        return mv_cli_usage_error(
                                command, "--kubevirt-version \"%s\" is no version such as 1.9 or v1.9.0",
                                value);
                options->kubevirt_version = value;
                return -1;
        case CONFIG:
                options->config_file = value;
                return -1;
        case FAIL_ON:
                if ((i = one_of(value, fail_on)) < 0)
                        return mv_cli_usage_error(
                                command, "--fail-on \"%s\" is none of blocker, unknown, risk, never", value);
                options->fail_on = (enum mv_fail_on)i;
                return -1;
        case COLOR:
                if ((i = one_of(value, colors)) < 0)
                        return mv_cli_usage_error(command, "--color \"%s\" is none of auto, always, never",
                                                  value);
                options->color = (enum mv_color)i;
                return -1;
        case MUTATE:
                options->mutate = true;
                return -1;
        case SERVER:
                options->server = value;
                return -1;
        case CA_FILE:
                options->ca_file = value;
                return -1;
        case NODE_SELECTOR:
                return parse_selector(command, value, options, &options->node_selector);
        case BASELINE:
                options->baseline = true;
                return -1;
        case STEP:
                options->step = true;
                return -1;
        case ONE_BY_ONE:
                options->one_by_one = true;
                return -1;
        case LINK_BANDWIDTH:
                options->link_bandwidth = value;
                return -1;
        case DIRTY_RATE:
                options->dirty_rate = value;
                return -1;
        default:
                return MV_EXIT_USAGE;
        }
}

/* getopt says ':' for a missing value and '?' for an unknown flag. */
static int wrong_flag(const struct mv_command *command, int flag, char **argv) {
        const char *text = argv[optind - 1];
        if (flag == ':')
                return mv_cli_usage_error(command, "%s needs a value", text);
        if (optopt && !strchr(text, optopt) && optopt < 256)
                return mv_cli_usage_error(command, "unknown flag -%c", optopt);
        return mv_cli_usage_error(command, "unknown flag %s", text);
}

int mv_options_parse(const struct mv_command *command, int argc, char **argv, unsigned taken,
                     struct mv_options *ret) {
        struct option longs[N_FLAGS + 1];
        char shorts[2 * N_FLAGS + 2] = ":";
        size_t n = 0, n_shorts = 1;
        memset(longs, 0, sizeof longs);
        for (size_t i = 0; i < N_FLAGS; i++) {
                if (!(flags[i].set & (taken | (flags[i].set == ~0u ? 1u : 0))))
                        continue;
                longs[n++] = flags[i].option;
                if (flags[i].option.val < 256) {
                        shorts[n_shorts++] = (char)flags[i].option.val;
                        if (flags[i].option.has_arg)
                                shorts[n_shorts++] = ':';
                }
        }
        *ret = (struct mv_options){ .filenames = calloc((size_t)argc + 1, sizeof *ret->filenames) };
        mv_arena_init(&ret->arena, &mv_allocator_system, 0);
        if (!ret->filenames) {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                return mv_cli_error(command, &err);
        }
        int code = -1;
        optind = 1;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
        for (int flag; code < 0 && (flag = getopt_long(argc, argv, shorts, longs, NULL)) != -1;)
                code = flag == '?' || flag == ':' ? wrong_flag(command, flag, argv)
                                                  : apply(command, flag, optarg, ret);
        ret->arguments = argv + optind;
        ret->n_arguments = (size_t)(argc - optind);
        struct mv_err err = { 0 };
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
