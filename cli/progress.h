/* SPDX-License-Identifier: Apache-2.0 */
/* A line on stderr that says how far long work has come, when that is a terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct mv_progress {
        const char *what; /* "reading files" */
        bool terminal, shown;
        long long started, last; /* milliseconds */
};

/* Work begins. what must outlive the progress. */
void mv_progress_init(struct mv_progress *progress, const char *what);
/* So much is done; context is the struct mv_progress. Cheap: it prints a few times a second at most. */
void mv_progress_show(void *context, size_t done, size_t total);
/* Take the line away; before anything else is printed on stderr. */
void mv_progress_done(struct mv_progress *progress);
