/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet drain`: what happens when nodes are drained. */
#include "cli/drain_step.h"
#include "cli/input.h"

#include <limits.h>
#include <time.h>

static const char usage[] =
        "Usage: migvet drain --step -f FILE|DIR|- [flags]\n"
        "\n"
        "With --step: what KubeVirt does next in the state that the files show. Which migrations its evacuation\n"
        "controller makes, which instances ought to leave their node and cannot, which pending migrations get a\n"
        "target pod, and what each of the others waits for.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR|-     manifests (YAML or JSON, List kinds unpacked), repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "  -n, --namespace NAME          namespace of objects that name none (default: `default`)\n"
        "      --step                    only the next step\n"
        "  -o, --output FORMAT           table (default), json, yaml\n"
        "      --kubevirt-version VER    do as this version of KubeVirt does, not as the KubeVirt object says\n"
        "      --fail-on never           exit code 0 also when the drain blocks\n"
        "      --color WHEN              auto (default), always or never; NO_COLOR is obeyed\n"
        "  -h, --help                    this text\n"
        "\n"
        "Exit codes: 0 nothing blocks, 1 the drain blocks, 2 wrong input or command line, 3 the cluster could not\n"
        "be read.\n";

/* The configuration as of the version that counts. */
static void set_version(const struct mv_options *options, struct mv_kubevirt_config *config,
                        unsigned *version) {
        struct mv_str text;
        if (options->kubevirt_version)
                config->version_number =
                        mv_kubevirt_version_parse(mv_str_from(options->kubevirt_version), &text);
        *version = config->version_number ? config->version_number : UINT_MAX;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_snapshot *snapshot = NULL;
        int code = mv_options_parse(&mv_command_drain, argc, argv,
                                    MV_OPTION_FILES | MV_OPTION_OUTPUT | MV_OPTION_VERSION |
                                            MV_OPTION_FAIL_ON | MV_OPTION_COLOR | MV_OPTION_DRAIN,
                                    &options);
        if (code >= 0)
                return code;
        if (!options.step)
                code = mv_cli_usage_error(&mv_command_drain, "name what to show: --step");
        else if (options.n_arguments)
                code = mv_cli_usage_error(&mv_command_drain,
                                          "--step takes no nodes: it shows the whole cluster");
        if (code < 0)
                code = mv_input_load(&mv_command_drain, &options, &snapshot);
        if (code < 0) {
                struct mv_kubevirt_config config = *mv_snapshot_config(snapshot);
                struct mv_drain_question question = { .snapshot = snapshot,
                                                      .config = &config,
                                                      .now = (int64_t)time(NULL) };
                set_version(&options, &config, &question.version);
                code = mv_drain_step_print(&options, &question);
        }
        mv_snapshot_free(snapshot);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_drain = {
        .name = "drain",
        .summary = "what happens when nodes are drained",
        .usage = usage,
        .run = run,
};
