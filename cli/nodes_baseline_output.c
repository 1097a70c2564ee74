/* SPDX-License-Identifier: Apache-2.0 */
/* How `migvet nodes --baseline` is printed: for people, and as JSON. */
#include "cli/nodes_baseline.h"
#include "policy/object/pod.h"
#include "policy/render.h"

enum { SHOWN_MODELS = 6, SHOWN_VMS = 8, LABEL = 18 };

static const char *const effect_keys[] = { "gain", "keep", "lose", "stuck" };

/* Models newer than the baseline: those before it in the list. */
static size_t newer_models(const struct mv_baseline_group *group) {
        return group->n_common ? group->common[0] : group->n_models;
}

/* The nodes of the group without the model, by name. */
static const size_t *without_model(struct mv_nodes_run *run, const struct mv_baseline_group *group,
                                   const struct mv_baseline_model *model, size_t *ret_n) {
        uint64_t *set = mv_node_set_new(run->index, &run->arena);
        mv_node_set_or(run->index, set, group->nodes);
        mv_node_set_without(run->index, set, model->nodes);
        *ret_n = 0;
        return set ? mv_node_set_by_name(&run->arena, run->index, set, ret_n) : NULL;
}

static struct mv_str names_without(struct mv_nodes_run *run, const struct mv_baseline_group *group,
                                   const struct mv_baseline_model *model) {
        size_t n;
        const size_t *nodes = without_model(run, group, model, &n);
        return nodes ? mv_places_nodes(&run->arena, run->index, nodes, n) : (struct mv_str){ 0 };
}

/* --- for people --- */

static void line(const struct mv_nodes_run *run, const char *label, struct mv_str text) {
        printf("  %-*s", LABEL, label);
        mv_text_wrap_from(stdout, text, LABEL + 2, LABEL + 2, run->style.width);
}

static struct mv_str listed(struct mv_arena *arena, struct mv_str list, struct mv_str item) {
        return mv_arena_format(arena, "%.*s%s%.*s", MV_STR_ARG(list), list.n ? ", " : "", MV_STR_ARG(item));
}

static void print_models(struct mv_nodes_run *run, const struct mv_baseline_group *group) {
        struct mv_arena *arena = &run->arena;
        const struct mv_baseline_model *newest = mv_baseline_newest(group);
        struct mv_str others = { 0 }, unranked = { 0 };
        printf("  %-*s%s%.*s%s\n", LABEL, "newest in common", newest ? run->style.green : run->style.red,
               MV_STR_ARG(newest ? newest->name : MV_STR("none")), run->style.reset);
        for (size_t i = 1; i < group->n_common && i <= SHOWN_MODELS; i++)
                others = listed(arena, others, group->models[group->common[i]].name);
        if (others.n)
                line(run, "runners-up", others);
        for (size_t i = 0; i < newer_models(group) && i < SHOWN_MODELS; i++) {
                const struct mv_baseline_model *model = &group->models[i];
                line(run, i ? "" : "newer, on some",
                     mv_arena_format(arena, "%.*s (%zu of %zu nodes, not on %.*s)", MV_STR_ARG(model->name),
                                     model->n_nodes, group->n_nodes,
                                     MV_STR_ARG(names_without(run, group, model))));
        }
        for (size_t i = 0; i < group->n_brakes && i < SHOWN_MODELS; i++)
                line(run, i ? "" : "held back by",
                     mv_arena_format(
                             arena, "%.*s: without it the newest in common is %.*s",
                             MV_STR_ARG(mv_node_index_at(run->index, group->brakes[i].node)->meta.name),
                             MV_STR_ARG(group->brakes[i].model)));
        for (size_t i = 0; i < group->n_models; i++)
                if (!group->models[i].ranked)
                        unranked = listed(arena, unranked, group->models[i].name);
        if (unranked.n)
                line(run, "age not known",
                     mv_arena_format(arena, "%.*s: taken for older than all others", MV_STR_ARG(unranked)));
}

/* "shop/render (0 nodes now, then 2; still stopped by host-device)" */
static struct mv_str result_text(struct mv_nodes_run *run, const struct mv_trial_result *result) {
        struct mv_arena *arena = &run->arena;
        const struct mv_baseline_change *change = &result->change;
        struct mv_str name = mv_nodes_name(arena, &result->subject);
        if (change->effect == MV_BASELINE_KEEPS || change->effect == MV_BASELINE_STUCK)
                return name;
        if (change->effect == MV_BASELINE_GAINS)
                return mv_arena_format(arena, "%.*s (%zu node%s%s%.*s)", MV_STR_ARG(name), change->after,
                                       change->after == 1 ? "" : "s",
                                       change->blockers.n ? "; still stopped by " : "",
                                       MV_STR_ARG(change->blockers));
        size_t n;
        const size_t *lost = mv_node_set_by_name(arena, run->index, change->lost, &n);
        return mv_arena_format(
                arena, "%.*s (no longer %.*s)", MV_STR_ARG(name),
                MV_STR_ARG(lost ? mv_places_nodes(arena, run->index, lost, n) : (struct mv_str){ 0 }));
}

static void print_trial(struct mv_nodes_run *run, const struct mv_trial *trial) {
        static const char *const labels[] = { "could move, too", "lose nothing", "lose nodes", "stay stuck" };
        printf("  %sVMs with model %.*s%s", run->style.bold, MV_STR_ARG(trial->model->name),
               run->style.reset);
        if (trial->model->n_nodes < trial->group->n_nodes)
                printf(", which %zu of %zu nodes offer", trial->model->n_nodes, trial->group->n_nodes);
        putchar('\n');
        bool any = false;
        for (int effect = 0; effect < MV_BASELINE_EFFECTS; effect++) {
                struct mv_str text = { 0 };
                size_t shown = 0;
                for (const struct mv_trial_result *r = trial->results[effect]; r && shown < SHOWN_VMS;
                     r = r->next, shown++)
                        text = listed(&run->arena, text, result_text(run, r));
                if (trial->count[effect] > shown)
                        text = mv_arena_format(&run->arena, "%.*s and %zu more", MV_STR_ARG(text),
                                               trial->count[effect] - shown);
                if (!text.n)
                        continue;
                any = true;
                line(run, labels[effect],
                     mv_arena_format(&run->arena, "%zu: %.*s", trial->count[effect], MV_STR_ARG(text)));
        }
        if (!any)
                puts("  it concerns no VM that is selected");
}

static void print_group(struct mv_nodes_run *run, const struct mv_baseline_report *report,
                        const struct mv_baseline_group *group) {
        printf("%s%.*s%s%.*s%s: %zu node%s", run->style.bold,
               MV_STR_ARG(group->vendor.n ? group->vendor : MV_STR("CPU vendor not told")),
               group->architecture.n ? " on " : "", MV_STR_ARG(group->architecture), run->style.reset,
               group->n_nodes, group->n_nodes == 1 ? "" : "s");
        puts(group->n_nodes == 1 ? ", so there is none to move to" : "");
        print_models(run, group);
        for (size_t i = 0; i < report->n_trials; i++)
                if (report->trials[i].group == group)
                        print_trial(run, &report->trials[i]);
        putchar('\n');
}

static bool any_gain(const struct mv_baseline_report *report) {
        size_t n = 0;
        for (size_t i = 0; i < report->n_trials; i++)
                n += report->trials[i].count[MV_BASELINE_GAINS];
        return n != 0;
}

void mv_baseline_print(struct mv_nodes_run *run, const struct mv_baseline_report *report) {
        size_t n;
        const struct mv_baseline *baseline = report->baseline;
        const size_t *left_out = mv_node_set_by_name(&run->arena, run->index, baseline->left_out, &n);
        for (size_t i = 0; i < baseline->n_groups; i++)
                print_group(run, report, &baseline->groups[i]);
        if (n && left_out) {
                struct mv_str names = mv_places_nodes(&run->arena, run->index, left_out, n);
                mv_text_wrap(stdout,
                             mv_arena_format(&run->arena,
                                             "left out, for they run no instances "
                                             "(kubevirt.io/schedulable is not true): %.*s",
                                             MV_STR_ARG(names)),
                             0, 2, run->style.width);
        }
        for (const struct mv_stranded_vm *vm = report->stranded; vm; vm = vm->next) {
                mv_text_cell(stdout, mv_nodes_name(&run->arena, &vm->subject), 0);
                putchar('\n');
                mv_places_print_stranded(stdout, &run->arena, &vm->stranded, &run->style);
        }
        if (any_gain(report))
                mv_text_wrap(
                        stdout,
                        MV_STR("The model goes to domain.cpu.model of a VM, or for all that name none to "
                               "spec.configuration.cpuModel of the KubeVirt object; a VM takes it when it "
                               "starts anew."),
                        0, 0, run->style.width);
}

/* --- JSON --- */

static void render_nodes(struct mv_nodes_run *run, const char *key, const uint64_t *set) {
        size_t n;
        const size_t *nodes = mv_node_set_by_name(&run->arena, run->index, set, &n);
        mv_json_key(&run->json, key);
        mv_json_array(&run->json);
        for (size_t i = 0; nodes && i < n; i++)
                mv_json_string(&run->json, mv_node_index_at(run->index, nodes[i])->meta.name);
        mv_json_end(&run->json);
}

static void render_models(struct mv_nodes_run *run, const struct mv_baseline_group *group) {
        struct mv_json *json = &run->json;
        const struct mv_baseline_model *newest = mv_baseline_newest(group);
        mv_json_member(json, "model", newest ? newest->name : (struct mv_str){ 0 });
        mv_json_key(json, "runnersUp");
        mv_json_array(json);
        for (size_t i = 1; i < group->n_common; i++)
                mv_json_string(json, group->models[group->common[i]].name);
        mv_json_end(json);
        mv_json_key(json, "newer");
        mv_json_array(json);
        for (size_t i = 0; i < newer_models(group); i++) {
                size_t n;
                const size_t *nodes = without_model(run, group, &group->models[i], &n);
                mv_json_object(json);
                mv_json_member(json, "model", group->models[i].name);
                mv_json_key(json, "nodes");
                mv_json_int(json, (long long)group->models[i].n_nodes);
                mv_json_key(json, "without");
                mv_json_array(json);
                for (size_t k = 0; nodes && k < n; k++)
                        mv_json_string(json, mv_node_index_at(run->index, nodes[k])->meta.name);
                mv_json_end(json);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_key(json, "heldBackBy");
        mv_json_array(json);
        for (size_t i = 0; i < group->n_brakes; i++) {
                mv_json_object(json);
                mv_json_member(json, "node", mv_node_index_at(run->index, group->brakes[i].node)->meta.name);
                mv_json_member(json, "model", group->brakes[i].model);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_key(json, "unranked");
        mv_json_array(json);
        for (size_t i = 0; i < group->n_models; i++)
                if (!group->models[i].ranked)
                        mv_json_string(json, group->models[i].name);
        mv_json_end(json);
}

static void render_trial(struct mv_nodes_run *run, const struct mv_trial *trial) {
        struct mv_json *json = &run->json;
        mv_json_object(json);
        mv_json_member(json, "model", trial->model->name);
        render_nodes(run, "nodes", trial->model->nodes);
        for (int effect = 0; effect < MV_BASELINE_EFFECTS; effect++) {
                mv_json_key(json, effect_keys[effect]);
                mv_json_array(json);
                for (const struct mv_trial_result *r = trial->results[effect]; r; r = r->next) {
                        mv_json_object(json);
                        mv_render_subject(json, &r->subject);
                        mv_json_key(json, "before");
                        mv_json_int(json, (long long)r->change.before);
                        mv_json_key(json, "after");
                        mv_json_int(json, (long long)r->change.after);
                        render_nodes(run, "lost", r->change.lost);
                        mv_json_member(json, "blockers", r->change.blockers);
                        mv_json_end(json);
                }
                mv_json_end(json);
        }
        mv_json_end(json);
}

void mv_baseline_render(struct mv_nodes_run *run, const struct mv_baseline_report *report) {
        struct mv_json *json = &run->json;
        mv_json_object(json);
        mv_json_member(json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(json, "kind", MV_STR("Baseline"));
        mv_json_key(json, "groups");
        mv_json_array(json);
        for (size_t i = 0; i < report->baseline->n_groups; i++) {
                const struct mv_baseline_group *group = &report->baseline->groups[i];
                mv_json_object(json);
                mv_json_member(json, "architecture", group->architecture);
                mv_json_member(json, "vendor", group->vendor);
                render_nodes(run, "nodes", group->nodes);
                render_models(run, group);
                mv_json_key(json, "trials");
                mv_json_array(json);
                for (size_t k = 0; k < report->n_trials; k++)
                        if (report->trials[k].group == group)
                                render_trial(run, &report->trials[k]);
                mv_json_end(json);
                mv_json_end(json);
        }
        mv_json_end(json);
        render_nodes(run, "leftOut", report->baseline->left_out);
        mv_json_key(json, "stranded");
        mv_json_array(json);
        for (const struct mv_stranded_vm *vm = report->stranded; vm; vm = vm->next) {
                mv_json_object(json);
                mv_render_subject(json, &vm->subject);
                mv_nodes_render_stranded(json, &vm->stranded);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_end(json);
}
