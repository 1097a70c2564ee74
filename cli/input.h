/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster that a command looks at: what -f names, or a live one. */
#pragma once

#include "cli/options.h"
#include "policy/snapshot/snapshot.h"

struct mv_kube_config;
struct mv_kube_loaded;

struct mv_input {
        const struct mv_snapshot *snapshot;
        struct mv_snapshot *files; /* owns it, or */
        struct mv_kube_loaded *live;
        struct mv_kube_config *kube;
};

/* Load what the options name into a snapshot, with a progress line on a terminal. On a live cluster options->namespace
 * becomes that of the context, unless it is given or all are asked for. Returns -1 when it is there, else the exit code; the
 * error was printed. */
int mv_input_load(const struct mv_command *command, struct mv_options *options, struct mv_input *ret);
/* Takes one that is all zero. */
void mv_input_done(struct mv_input *input);

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
