/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet nodes --baseline`: the CPU model that nodes have in common, and what it would change. */
#include "cli/nodes_baseline.h"

#include "cli/progress.h"
#include "cli/yaml_output.h"

#include <string.h>

/* --- trying --- */

/* What came out of a row's arena, for the whole run. */
static struct mv_trial_result *keep_result(struct mv_nodes_run *run, const struct mv_nodes_row *row,
                                           const struct mv_baseline_change *change) {
        struct mv_trial_result *result = mv_arena_new(&run->arena, struct mv_trial_result);
        uint64_t *lost = mv_node_set_new(run->index, &run->arena);
        if (!result || !lost)
                return NULL;
        mv_node_set_or(run->index, lost, change->lost);
        *result = (struct mv_trial_result){ .subject = row->verdict->subject, .change = *change };
        result->change.lost = lost;
        result->change.blockers = mv_arena_copy(&run->arena, change->blockers);
        return result;
}

static void keep_stranded(struct mv_nodes_run *run, const struct mv_nodes_row *row,
                          struct mv_baseline_report *report) {
        struct mv_stranded_vm *vm = mv_arena_new(&run->arena, struct mv_stranded_vm);
        struct mv_str *causes = mv_arena_new_array(&run->arena, struct mv_str, row->stranded->n);
        if (!vm || !causes)
                return;
        for (size_t i = 0; i < row->stranded->n; i++)
                causes[i] = mv_arena_copy(&run->arena, row->stranded->causes[i]);
        *vm = (struct mv_stranded_vm){ .subject = row->verdict->subject, .stranded = *row->stranded };
        vm->stranded.causes = causes;
        *report->stranded_end = vm;
        report->stranded_end = &vm->next;
}

static bool try(struct mv_nodes_run *run, const struct mv_nodes_row *row, struct mv_trial *trial) {
        const struct mv_evaluation evaluation = {
                .arena = row->arena,
                .snapshot = run->snapshot,
                .config = &run->options->config,
                .version = mv_str_from(run->options->kubevirt_version),
                .cpu_model = trial->model->name,
        };
        struct mv_verdict then;
        struct mv_baseline_change change;
        mv_evaluate_entry(&evaluation, row->entry, &then);
        if (!then.fit || !mv_baseline_compare(row->arena, row->verdict, &then, run->nodes, &change))
                return false;
        struct mv_trial_result *result = keep_result(run, row, &change);
        if (!result)
                return false;
        *trial->ends[change.effect] = result;
        trial->ends[change.effect] = &result->next;
        trial->count[change.effect]++;
        return true;
}

static bool try_all(struct mv_nodes_run *run, struct mv_baseline_report *report) {
        struct mv_progress progress;
        struct mv_arena arena;
        bool ok = true;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_progress_init(&progress, "trying models on VMs");
        for (size_t i = 0; ok && i < run->selection->n; i++) {
                struct mv_nodes_row row = { .arena = &arena };
                struct mv_verdict verdict;
                ok = mv_nodes_judge(run, run->selection->entries[i], &verdict, &row);
                for (size_t k = 0; ok && k < report->n_trials; k++)
                        if (mv_baseline_concerns(report->baseline, report->trials[k].group, &verdict))
                                ok = try(run, &row, &report->trials[k]);
                if (ok && row.stranded)
                        keep_stranded(run, &row, report);
                if (ok)
                        mv_nodes_count(run, row.standing);
                mv_arena_clear(&arena);
                mv_progress_show(&progress, i + 1, run->selection->n);
        }
        mv_progress_done(&progress);
        mv_arena_done(&arena);
        return ok && !mv_arena_failed(&run->arena);
}

/* --- which models --- */

static void add_trial(struct mv_baseline_report *report, const struct mv_baseline_group *group,
                      const struct mv_baseline_model *model) {
        struct mv_trial *trial = &report->trials[report->n_trials++];
        *trial = (struct mv_trial){ .group = group, .model = model };
        for (int effect = 0; effect < MV_BASELINE_EFFECTS; effect++)
                trial->ends[effect] = &trial->results[effect];
}

/* The models of the command line, else the newest of each group; -1, or the exit code. */
static int choose_models(struct mv_nodes_run *run, struct mv_baseline_report *report) {
        const struct mv_options *options = run->options;
        const struct mv_baseline *baseline = report->baseline;
        size_t most = baseline->n_groups * (options->n_models ? options->n_models : 1);
        report->trials = mv_arena_new_array(&run->arena, struct mv_trial, most + 1);
        if (!report->trials)
                return mv_nodes_out_of_memory();
        for (size_t k = 0; k < options->n_models; k++) {
                bool offered = false;
                for (size_t i = 0; i < baseline->n_groups; i++)
                        offered |= mv_baseline_model_find(&baseline->groups[i],
                                                          mv_str_from(options->models[k])) != NULL;
                if (!offered)
                        return mv_cli_usage_error(
                                &mv_command_nodes,
                                "no node offers the CPU model \"%s\" (a label cpu-model.node.kubevirt.io/%s=true)",
                                options->models[k], options->models[k]);
        }
        for (size_t i = 0; i < baseline->n_groups; i++) {
                const struct mv_baseline_group *group = &baseline->groups[i];
                if (!options->n_models && mv_baseline_newest(group))
                        add_trial(report, group, mv_baseline_newest(group));
                for (size_t k = 0; k < options->n_models; k++) {
                        const struct mv_baseline_model *model =
                                mv_baseline_model_find(group, mv_str_from(options->models[k]));
                        if (model)
                                add_trial(report, group, model);
                }
        }
        return -1;
}

int mv_nodes_baseline(struct mv_nodes_run *run) {
        struct mv_baseline_report report = {
                .baseline = mv_baseline_make(&run->arena, run->index, run->nodes),
        };
        report.stranded_end = &report.stranded;
        if (!report.baseline)
                return mv_nodes_out_of_memory();
        int code = choose_models(run, &report);
        if (code >= 0)
                return code;
        if (!try_all(run, &report))
                return mv_nodes_out_of_memory();
        struct mv_err err = { 0 };
        const char *output = run->options->output ? run->options->output : "table";
        if (strcmp(output, "table") == 0) {
                mv_baseline_print(run, &report);
                if (mv_arena_failed(&run->arena))
                        mv_err_oom(&err);
        } else {
                mv_buf_init(&run->buf, &mv_allocator_system, (size_t)1 << 30);
                mv_json_init(&run->json, &run->buf);
                mv_baseline_render(run, &report);
                if (mv_buf_failed(&run->buf) || mv_arena_failed(&run->arena))
                        mv_err_oom(&err);
                else if (strcmp(output, "json") == 0)
                        puts(run->buf.p);
                else
                        mv_yaml_print(stdout, &run->buf, &err);
                mv_buf_done(&run->buf);
        }
        if (err.code)
                return mv_cli_error(&mv_command_nodes, &err);
        return run->found ? MV_EXIT_FOUND : MV_EXIT_OK;
}
