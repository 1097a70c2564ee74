/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_output.h"

#include <unistd.h>

void mv_check_output_init(struct mv_check_output *output, const struct mv_options *options) {
        char directory[4096];
        *output = (struct mv_check_output){ .options = options };
        mv_buf_init(&output->buf, &mv_allocator_system, (size_t)1 << 30);
        mv_arena_init(&output->arena, &mv_allocator_system, 0);
        output->cluster_end = &output->cluster;
        if (getcwd(directory, sizeof directory))
                output->directory = mv_arena_copy(&output->arena, mv_str_from(directory));
}

void mv_check_output_done(struct mv_check_output *output) {
        mv_buf_done(&output->buf);
        mv_arena_done(&output->arena);
}

/* --- findings --- */

bool mv_check_is_repeated(struct mv_check_output *output, const struct mv_finding *finding) {
        struct mv_arena *arena = &output->arena;
        if (!finding->rule->cluster)
                return false;
        for (const struct mv_finding *kept = output->cluster; kept; kept = kept->next)
                if (kept->rule == finding->rule && mv_str_equal(kept->message, finding->message))
                        return true;
        struct mv_finding *kept = mv_arena_new(arena, struct mv_finding);
        if (!kept)
                return false;
        *kept = *finding;
        kept->next = NULL;
        kept->message = mv_arena_copy(arena, finding->message);
        kept->field = mv_arena_copy(arena, finding->field);
        kept->fix = mv_arena_copy(arena, finding->fix);
        *output->cluster_end = kept;
        output->cluster_end = &kept->next;
        return false;
}

const struct mv_finding *mv_check_next(const struct mv_finding *finding) {
        while (finding && finding->outcome == MV_OUTCOME_PASS)
                finding = finding->next;
        return finding;
}

enum mv_check_level mv_check_level(const struct mv_finding *finding) {
        if (finding->severity == MV_SEVERITY_NOTE)
                return MV_CHECK_NOTE;
        return finding->severity == MV_SEVERITY_BLOCKER && finding->outcome == MV_OUTCOME_FAIL
                       ? MV_CHECK_ERROR
                       : MV_CHECK_WARNING;
}

struct mv_str mv_check_subject(struct mv_arena *arena, const struct mv_subject *subject) {
        return mv_arena_format(arena, "%.*s %.*s%s%.*s", MV_STR_ARG(subject->kind),
                               MV_STR_ARG(subject->namespace), subject->namespace.n ? "/" : "",
                               MV_STR_ARG(subject->name));
}

/* --- places --- */

/* Append the path's steps to a path that begins at the root, without `.` and `..`. */
static void append_steps(struct mv_buf *to, struct mv_str path) {
        while (path.n) {
                size_t n = mv_str_find_byte(path, '/');
                struct mv_str step = { path.p, n };
                path = mv_str_skip(path, n < path.n ? n + 1 : n);
                if (mv_str_is(step, ".."))
                        while (to->n && to->p[--to->n] != '/')
                                ;
                else if (step.n && !mv_str_is(step, ".")) {
                        mv_buf_append_byte(to, '/');
                        mv_buf_append_str(to, step);
                }
        }
}

struct mv_str mv_check_file(const struct mv_check_output *output, struct mv_arena *arena,
                            const struct mv_entry *entry) {
        struct mv_str origin = entry->origin, file;
        struct mv_buf path;
        if (!origin.n || mv_str_is(origin, "<stdin>"))
                return (struct mv_str){ 0 };
        mv_buf_init(&path, &mv_allocator_system, (size_t)1 << 20);
        if (origin.p[0] != '/')
                append_steps(&path, output->directory);
        append_steps(&path, origin);
        arena->failed |= mv_buf_failed(&path);
        file = mv_arena_copy(arena, mv_buf_str(&path));
        mv_buf_done(&path);
        struct mv_str above = output->directory;
        if (mv_str_is(above, "/"))
                above.n = 0;
        return mv_str_starts_with(file, above) && file.n > above.n && file.p[above.n] == '/'
                       ? mv_str_skip(file, above.n + 1)
                       : file;
}

struct mv_place mv_check_place(const struct mv_entry *entry, const struct mv_finding *finding) {
        return mv_lines_find(entry->lines, finding ? finding->field : (struct mv_str){ 0 });
}
