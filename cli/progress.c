/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "certs/clock.h"

#include <stdio.h>
#include <unistd.h>

/* Work shorter than this shows no progress line. */
enum { QUIET_MILLISECONDS = 300, BETWEEN_LINES_MILLISECONDS = 100 };

void mv_progress_init(struct mv_progress *progress, const char *what) {
        *progress = (struct mv_progress){
                .what = what,
                .terminal = isatty(STDERR_FILENO) != 0,
                .started = mv_clock_ms(),
        };
}

void mv_progress_show(void *context, size_t done, size_t total) {
        struct mv_progress *progress = context;
        long long now = progress->terminal ? mv_clock_ms() : 0;
        if (!progress->terminal || now - progress->started < QUIET_MILLISECONDS ||
            now - progress->last < BETWEEN_LINES_MILLISECONDS)
                return;
        progress->last = now;
        progress->shown = true;
        fprintf(stderr, "\r%s: %zu of %zu\033[K", progress->what, done, total);
}

void mv_progress_done(struct mv_progress *progress) {
        if (progress->shown)
                fputs("\r\033[K", stderr);
        progress->shown = false;
}
