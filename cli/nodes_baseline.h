/* SPDX-License-Identifier: Apache-2.0 */
/* What `migvet nodes --baseline` found, for the two files that print it. */
#pragma once

#include "cli/nodes.h"
#include "policy/baseline.h"

/* An instance, and what a model would change for it. */
struct mv_trial_result {
        struct mv_subject subject;
        struct mv_baseline_change change;
        struct mv_trial_result *next;
};

/* A model, tried on the VMs that it concerns. */
struct mv_trial {
        const struct mv_baseline_group *group;
        const struct mv_baseline_model *model;
        struct mv_trial_result *results[MV_BASELINE_EFFECTS], **ends[MV_BASELINE_EFFECTS];
        size_t count[MV_BASELINE_EFFECTS];
};

struct mv_stranded_vm {
        struct mv_subject subject;
        struct mv_stranded stranded;
        struct mv_stranded_vm *next;
};

struct mv_baseline_report {
        const struct mv_baseline *baseline;
        struct mv_trial *trials; /* in the order of the groups */
        size_t n_trials;
        struct mv_stranded_vm *stranded, **stranded_end;
};

void mv_baseline_print(struct mv_nodes_run *run, const struct mv_baseline_report *report);
void mv_baseline_render(struct mv_nodes_run *run, const struct mv_baseline_report *report);
