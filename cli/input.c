/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include "cli/text.h"
#include "cluster/files.h"
#include "policy/kubevirt_config.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Work shorter than this shows no progress line. */
enum { QUIET_MILLISECONDS = 300, BETWEEN_LINES_MILLISECONDS = 100 };

static long long milliseconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mv_progress_init(struct mv_progress *progress) {
        *progress = (struct mv_progress){ .terminal = isatty(STDERR_FILENO) != 0, .started = milliseconds() };
}

void mv_progress_show(struct mv_progress *progress, const char *doing, size_t done, size_t total,
                      const char *things) {
        long long now = progress->terminal ? milliseconds() : 0;
        if (!progress->terminal || now - progress->started < QUIET_MILLISECONDS ||
            now - progress->last < BETWEEN_LINES_MILLISECONDS)
                return;
        progress->last = now;
        progress->shown = true;
        fprintf(stderr, "\r%s %zu of %zu %s\033[K", doing, done, total, things);
}

void mv_progress_done(const struct mv_progress *progress) {
        if (progress->shown)
                fputs("\r\033[K", stderr);
}

static void show_progress(void *context, size_t done, size_t total) {
        mv_progress_show(context, "reading", done, total, "files");
}

static void print_note(const struct mv_command *command, struct mv_str note) {
        fprintf(stderr, "%s %s: note: ", mv_cli_program(), command->name);
        mv_text_cell(stderr, note, 0);
        putc('\n', stderr);
}

int mv_input_load(const struct mv_command *command, const struct mv_options *options,
                  struct mv_snapshot **ret) {
        if (!options->n_filenames) {
                fprintf(stderr,
                        "%s %s: no -f is given, and this version reads no live cluster: name files, a directory or -\n",
                        mv_cli_program(), command->name);
                return MV_EXIT_UNREACHED;
        }
        struct mv_progress progress;
        mv_progress_init(&progress);
        const struct mv_files_options files = {
                .names = options->filenames,
                .n_names = options->n_filenames,
                .recursive = options->recursive,
                .progress = show_progress,
                .context = &progress,
        };
        struct mv_str namespace = mv_str_from(options->namespace ? options->namespace : "default");
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        int r = mv_files_load(&files, namespace, &snapshot, NULL, &err);
        mv_progress_done(&progress);
        if (r < 0)
                return mv_cli_error(command, &err);
        size_t n;
        const struct mv_str *notes = mv_snapshot_notes(snapshot, &n);
        for (size_t i = 0; i < n; i++)
                print_note(command, notes[i]);
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        if (config->problem.n)
                print_note(command, config->problem);
        *ret = snapshot;
        return -1;
}
