/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet review`: one AdmissionReview from stdin, answered offline as `serve -f` would. */
#include "cli/input.h"
#include "policy/base/buf.h"
#include "policy/object/scan.h"
#include "policy/review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet review -f FILE|DIR [flags] < review.json\n"
        "\n"
        "Reads one AdmissionReview (admission.k8s.io/v1) from standard input and prints the answer that\n"
        "`migvet serve -f` would give. Exit code 0 when it was answered, whatever the answer.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR       manifests that are the cluster, repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "  -n, --namespace NAME          namespace of objects in the files that name none (default: `default`)\n"
        "      --mutate                  answer as /mutate, which allows everything and changes nothing yet\n"
        "      --config FILE             what is asked of VMs, and of whom\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "  -h, --help                    this text\n";

enum { MOST_BYTES = 64 << 20 };

static int read_stdin(struct mv_buf *body, struct mv_err *err) {
        for (;;) {
                char *to = mv_buf_reserve(body, 65536);
                if (!to)
                        return mv_err_set(err, MV_ELIMIT,
                                          "the review on standard input is larger than 64 MiB");
                ssize_t n = read(STDIN_FILENO, to, 65536);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return mv_err_set(err, MV_EIO, "cannot read standard input: %s", strerror(errno));
                if (n == 0)
                        break;
                body->n += (size_t)n;
        }
        char *padding = mv_buf_reserve(body, MV_SCAN_PADDING);
        if (!padding)
                return mv_err_oom(err);
        memset(padding, 0, MV_SCAN_PADDING);
        return 0;
}

static int answer(const struct mv_options *options, const struct mv_snapshot *snapshot) {
        struct mv_buf body, response;
        struct mv_arena arena;
        struct mv_err err = { 0 };
        mv_buf_init(&body, &mv_allocator_system, MOST_BYTES);
        mv_buf_init(&response, &mv_allocator_system, MOST_BYTES);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int code = MV_EXIT_OK;
        if (read_stdin(&body, &err) < 0)
                code = mv_cli_error(&mv_command_review, &err);
        else {
                arena.cap = mv_review_memory(&options->config, body.n);
                const struct mv_review_input input = {
                        .arena = &arena,
                        .snapshot = snapshot,
                        .config = &options->config,
                        .version = mv_str_from(options->kubevirt_version),
                        .mirror = MV_MIRROR_DENY,
                        .mutate = options->mutate,
                        .locate = true,
                };
                struct mv_review_result result;
                int status = mv_review_answer(&input, mv_buf_str(&body), &response, &result);
                if (mv_buf_failed(&response)) {
                        mv_err_oom(&err);
                        code = mv_cli_error(&mv_command_review, &err);
                } else {
                        /* What is no review is answered with a Status, which is the caller's mistake. */
                        puts(response.p);
                        code = status == 200 ? MV_EXIT_OK : MV_EXIT_USAGE;
                }
        }
        mv_arena_done(&arena);
        mv_buf_done(&response);
        mv_buf_done(&body);
        return code;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_snapshot *snapshot = NULL;
        int code = mv_options_parse(&mv_command_review, argc, argv,
                                    MV_OPTION_FILES | MV_OPTION_CONFIG | MV_OPTION_VERSION | MV_OPTION_MUTATE,
                                    &options);
        if (code >= 0)
                return code;
        for (size_t i = 0; code < 0 && i < options.n_filenames; i++)
                if (strcmp(options.filenames[i], "-") == 0)
                        code = mv_cli_usage_error(
                                &mv_command_review,
                                "-f - cannot be: standard input is where the review comes from");
        if (code < 0 && options.n_arguments)
                code = mv_cli_usage_error(&mv_command_review, "unexpected \"%s\"", options.arguments[0]);
        if (code < 0)
                code = mv_input_load(&mv_command_review, &options, &snapshot);
        if (code < 0)
                code = answer(&options, snapshot);
        mv_snapshot_free(snapshot);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_review = {
        .name = "review",
        .summary = "answer one AdmissionReview from standard input",
        .usage = usage,
        .run = run,
};
