/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster that a command looks at: what -f names. */
#pragma once

#include "cli/options.h"
#include "policy/snapshot.h"

/* Load what the options name into a snapshot, with a progress line on a terminal. Returns -1 when it is there (free it
 * with mv_snapshot_free), else the exit code; the error was printed. */
int mv_input_load(const struct mv_command *command, const struct mv_options *options,
                  struct mv_snapshot **ret);

/* A line on stderr that says how far long work is; nothing is shown where stderr is no terminal, nor for short work. */
struct mv_progress {
        bool terminal, shown;
        long long started, last; /* milliseconds */
};
void mv_progress_init(struct mv_progress *progress);
/* "reading 3 of 70 files" */
void mv_progress_show(struct mv_progress *progress, const char *doing, size_t done, size_t total,
                      const char *things);
/* Remove the line, if there is one. */
void mv_progress_done(const struct mv_progress *progress);

/* The kind that somebody typed: "vm", "virtualmachines", "VirtualMachine", "virtualmachine.kubevirt.io"; MV_KIND_COUNT
 * when it is none. */
enum mv_kind mv_kind_typed(struct mv_str word);

/* What to judge: the objects that KIND/NAME arguments, -n and -l select. */
struct mv_selection {
        const struct mv_entry **entries; /* borrowed from the snapshot, in its order */
        size_t n;
};
/* Returns -1, or the exit code when an argument names nothing. Free with mv_selection_done. */
int mv_selection_make(const struct mv_command *command, const struct mv_options *options,
                      const struct mv_snapshot *snapshot, struct mv_selection *ret);
void mv_selection_done(struct mv_selection *selection);
