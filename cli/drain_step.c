/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/drain_step.h"

#include "cli/text.h"
#include "cli/yaml_output.h"
#include "policy/base/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAXIMUM = 1 << 30 };

/* "NAMESPACE/NAME" */
static struct mv_str name_of(struct mv_arena *arena, const struct mv_meta *meta) {
        return mv_arena_format(arena, "%.*s/%.*s", MV_STR_ARG(meta->namespace), MV_STR_ARG(meta->name));
}

/* --- JSON and YAML --- */

static void render(struct mv_json *json, struct mv_arena *arena, const struct mv_drain_step *step) {
        mv_json_object(json);
        mv_json_member(json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(json, "kind", MV_STR("DrainStep"));
        mv_json_key(json, "evacuate");
        mv_json_array(json);
        for (size_t i = 0; i < step->n_evacuations; i++) {
                mv_json_object(json);
                mv_json_member(json, "vmi", name_of(arena, &step->evacuations[i].vmi->meta));
                mv_json_member(json, "node", step->evacuations[i].node);
                mv_json_member(json, "priority", step->evacuations[i].priority);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_key(json, "notMigratable");
        mv_json_array(json);
        for (size_t i = 0; i < step->n_not_migratable; i++)
                mv_json_string(json, name_of(arena, &step->not_migratable[i]->meta));
        mv_json_end(json);
        mv_json_key(json, "start");
        mv_json_array(json);
        for (size_t i = 0; i < step->n_started; i++)
                mv_json_string(json, name_of(arena, &step->started[i]->meta));
        mv_json_end(json);
        mv_json_key(json, "wait");
        mv_json_array(json);
        for (size_t i = 0; i < step->n_waiting; i++)
                mv_json_string(json, name_of(arena, &step->waiting[i].migration->meta));
        mv_json_end(json);
        mv_json_end(json);
}

static void print_structured(struct mv_arena *arena, const struct mv_drain_step *step, bool yaml,
                             struct mv_err *err) {
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, MAXIMUM);
        mv_json_init(&json, &buf);
        render(&json, arena, step);
        if (mv_buf_failed(&buf) || mv_arena_failed(arena))
                mv_err_oom(err);
        else if (yaml)
                mv_yaml_print(stdout, &buf, err);
        else
                puts(buf.p);
        mv_buf_done(&buf);
}

/* --- the table --- */

static void print_title(const struct mv_style *style, const char *title, size_t n) {
        printf("%s%s%s (%zu)\n", style->bold, title, style->reset, n);
}

static void print_evacuations(struct mv_arena *arena, const struct mv_style *style,
                              const struct mv_drain_step *step) {
        if (!step->n_evacuations)
                return;
        print_title(style, "Migrations that KubeVirt makes now", step->n_evacuations);
        for (size_t i = 0; i < step->n_evacuations; i++) {
                const struct mv_drain_evacuation *evacuation = &step->evacuations[i];
                fputs("  ", stdout);
                mv_text_cell(stdout, name_of(arena, &evacuation->vmi->meta), 30);
                fputs(" leaves ", stdout);
                mv_text_cell(stdout, evacuation->node, 0);
                if (evacuation->priority.n) {
                        fputs(", priority ", stdout);
                        mv_text_cell(stdout, evacuation->priority, 0);
                }
                putchar('\n');
        }
}

static void print_not_migratable(struct mv_arena *arena, const struct mv_style *style,
                                 const struct mv_drain_step *step) {
        if (!step->n_not_migratable)
                return;
        print_title(style, "Instances that ought to leave and cannot: they block the drain",
                    step->n_not_migratable);
        for (size_t i = 0; i < step->n_not_migratable; i++) {
                const struct mv_vmi *vmi = step->not_migratable[i];
                const struct mv_condition *condition =
                        mv_condition_find(&vmi->status.conditions, MV_STR("LiveMigratable"));
                printf("  %s", style->red);
                mv_text_cell(stdout, name_of(arena, &vmi->meta), 30);
                printf("%s on ", style->reset);
                mv_text_cell(stdout, vmi->status.node_name, 0);
                fputs(condition ? ": LiveMigratable=" : ": its status has no condition LiveMigratable",
                      stdout);
                if (condition) {
                        mv_text_cell(stdout, condition->status, 0);
                        fputs(condition->reason.n ? " " : "", stdout);
                        mv_text_cell(stdout, condition->reason, 0);
                }
                putchar('\n');
        }
}

static void print_queue(struct mv_arena *arena, const struct mv_style *style,
                        const struct mv_drain_step *step) {
        if (step->n_started)
                print_title(style, "Migrations that get a target pod now", step->n_started);
        for (size_t i = 0; i < step->n_started; i++) {
                fputs("  ", stdout);
                mv_text_cell(stdout, name_of(arena, &step->started[i]->meta), 30);
                fputs(" of instance ", stdout);
                mv_text_cell(stdout, step->started[i]->spec.vmi_name, 0);
                putchar('\n');
        }
        if (step->n_waiting)
                print_title(style, "Migrations that wait", step->n_waiting);
        for (size_t i = 0; i < step->n_waiting; i++) {
                fputs("  ", stdout);
                mv_text_cell(stdout, name_of(arena, &step->waiting[i].migration->meta), 30);
                fputs(" for ", stdout);
                mv_text_cell(stdout, step->waiting[i].what_for, 0);
                putchar('\n');
        }
}

static void print_table(struct mv_arena *arena, const struct mv_style *style,
                        const struct mv_drain_step *step) {
        if (!step->n_evacuations && !step->n_not_migratable && !step->n_started && !step->n_waiting)
                puts("nothing to do: no instance is to leave its node, and no migration is pending");
        print_evacuations(arena, style, step);
        print_not_migratable(arena, style, step);
        print_queue(arena, style, step);
        if (step->n_started)
                puts("Among migrations of the same priority KubeVirt has no order: this is one of the possible "
                     "ones.");
}

int mv_drain_step_print(const struct mv_options *options, const struct mv_drain_question *question) {
        const char *output = options->output ? options->output : "table";
        bool json = strcmp(output, "json") == 0, yaml = strcmp(output, "yaml") == 0;
        if (!json && !yaml && strcmp(output, "table") != 0)
                return mv_cli_usage_error(&mv_command_drain,
                                          "-o \"%s\" is none of table, json, yaml with --step", output);
        struct mv_arena arena;
        struct mv_err err = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_drain_step *step = mv_drain_step_make(&arena, question);
        bool blocked = step && step->n_not_migratable;
        if (!step)
                mv_err_oom(&err);
        else if (json || yaml)
                print_structured(&arena, step, yaml, &err);
        else {
                struct mv_style style;
                mv_style_init(&style, mv_options_color(options, STDOUT_FILENO), STDOUT_FILENO);
                print_table(&arena, &style, step);
        }
        mv_arena_done(&arena);
        if (err.code)
                return mv_cli_error(&mv_command_drain, &err);
        return blocked && options->fail_on != MV_FAIL_ON_NEVER ? MV_EXIT_FOUND : MV_EXIT_OK;
}
