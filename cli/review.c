/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet review`: one AdmissionReview, answered offline as `serve -f` would, or by a server that runs. */
#include "cli/input.h"
#include "cli/remote.h"
#include "policy/base/buf.h"
#include "policy/object/scan.h"
#include "policy/review.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet review -f FILE|DIR [flags] [REVIEW]\n"
        "       migvet review --server URL [--ca-file FILE] [--mutate] [REVIEW]\n"
        "\n"
        "Reads one AdmissionReview (admission.k8s.io/v1) from the file REVIEW or standard\n"
        "input and prints the answer that `migvet serve -f` would give, or that a running\n"
        "server gives. Exit code 0 when it was answered, whatever the answer.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR       manifests that are the cluster, repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "  -n, --namespace NAME          namespace of objects in the files that name none\n"
        "                                (default: `default`)\n"
        "      --mutate                  answer as /mutate: the annotations with the\n"
        "                                verdict, as a patch\n"
        "      --config FILE             what is asked of VMs, and of whom\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --server https://HOST:PORT\n"
        "                                ask `migvet serve` that runs there, as\n"
        "                                kube-apiserver would\n"
        "      --ca-file FILE            trust these authorities (PEM) for --server, and\n"
        "                                no others (default: those of the system)\n"
        "  -h, --help                    this text\n";

enum { MOST_BYTES = 64 << 20 };

static int read_all(int fd, const char *name, struct mv_buf *body, struct mv_err *err) {
        for (;;) {
                char *to = mv_buf_reserve(body, 65536);
                if (!to)
                        return mv_err_set(err, MV_ELIMIT, "the review on %s is larger than 64 MiB", name);
                ssize_t n = read(fd, to, 65536);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return mv_err_set(err, MV_EIO, "cannot read %s: %s", name, strerrordesc_np(errno));
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

static int read_review(const struct mv_options *options, struct mv_buf *body, struct mv_err *err) {
        const char *name = options->n_arguments ? options->arguments[0] : NULL;
        if (!name)
                return read_all(STDIN_FILENO, "standard input", body, err);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return mv_err_set(err, MV_EIO, "cannot open %s: %s", name, strerrordesc_np(errno));
        int r = read_all(fd, name, body, err);
        close(fd);
        return r;
}

/* Answer offline. */
static int answer(const struct mv_options *options, const struct mv_snapshot *snapshot,
                  const struct mv_buf *body, struct mv_buf *response) {
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, mv_review_memory(&options->config, body->n));
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
        int status = mv_review_answer(&input, mv_buf_str(body), response, &result);
        mv_arena_done(&arena);
        if (mv_buf_failed(response)) {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                return mv_cli_error(&mv_command_review, &err);
        }
        /* What is no review is answered with a Status, which is the caller's mistake. */
        puts(response->p);
        return status == 200 ? MV_EXIT_OK : MV_EXIT_USAGE;
}

/* Let a server answer. */
static int ask(const struct mv_options *options, const struct mv_buf *body, struct mv_buf *response) {
        struct mv_err err = { 0 };
        const struct mv_remote remote = { .server = options->server,
                                          .ca_file = options->ca_file,
                                          .mutate = options->mutate };
        int r = mv_remote_review(&remote, mv_buf_str(body), response, &err);
        if (r == 0 || (r == MV_ETYPE && response->n))
                puts(response->p);
        if (r == 0)
                return MV_EXIT_OK;
        int code = mv_cli_error(&mv_command_review, &err);
        return r == MV_EIO ? MV_EXIT_UNREACHED : code;
}

static int check_options(const struct mv_options *options) {
        struct mv_err err = { 0 };
        for (size_t i = 0; i < options->n_filenames; i++)
                if (strcmp(options->filenames[i], "-") == 0)
                        return mv_cli_usage_error(
                                &mv_command_review,
                                "-f - cannot be: standard input is where the review comes from");
        if (options->n_arguments > 1)
                return mv_cli_usage_error(&mv_command_review, "unexpected \"%s\"", options->arguments[1]);
        if (options->ca_file && !options->server)
                return mv_cli_usage_error(&mv_command_review, "--ca-file goes with --server");
        if (!options->server)
                return -1;
        if (options->n_filenames || options->kubevirt_version)
                return mv_cli_usage_error(
                        &mv_command_review,
                        "--server has its own cluster: -f and --kubevirt-version are not for it");
        if (mv_remote_check(options->server, &err) < 0)
                return mv_cli_usage_error(&mv_command_review, "%s", err.message);
        return -1;
}

static int run(int argc, char **argv) {
        struct mv_options options;
        struct mv_input input = { 0 };
        struct mv_buf body, response;
        struct mv_err err = { 0 };
        int code = mv_options_parse(&mv_command_review, argc, argv,
                                    MV_OPTION_FILES | MV_OPTION_CONFIG | MV_OPTION_VERSION |
                                            MV_OPTION_MUTATE | MV_OPTION_SERVER,
                                    &options);
        if (code >= 0)
                return code;
        mv_buf_init(&body, &mv_allocator_system, MOST_BYTES);
        mv_buf_init(&response, &mv_allocator_system, MOST_BYTES);
        code = check_options(&options);
        if (code < 0 && !options.server)
                code = mv_input_load(&mv_command_review, &options, &input);
        if (code < 0 && read_review(&options, &body, &err) < 0)
                code = mv_cli_error(&mv_command_review, &err);
        if (code < 0)
                code = options.server ? ask(&options, &body, &response)
                                      : answer(&options, input.snapshot, &body, &response);
        mv_buf_done(&response);
        mv_buf_done(&body);
        mv_input_done(&input);
        mv_options_done(&options);
        return code;
}

const struct mv_command mv_command_review = {
        .name = "review",
        .summary = "answer one AdmissionReview, offline or by a server",
        .usage = usage,
        .run = run,
};
