/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/buf.h"
#include "policy/object/scan.h"
#include "policy/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mv_str text_make(const char *bytes, size_t n) {
        char *p = calloc(1, n + MV_SCAN_PADDING);
        assert_non_null(p);
        if (n)
                memcpy(p, bytes, n);
        return (struct mv_str){ p, n };
}

struct mv_str json_make(const char *text) {
        struct mv_str made = text_make(text, strlen(text));
        char *p = (char *)(uintptr_t)made.p;
        for (size_t i = 0; i < made.n; i++)
                if (p[i] == '\'')
                        p[i] = '"';
        return made;
}

void text_free(struct mv_str text) {
        free((char *)(uintptr_t)text.p);
}

static void *test_allocate(void *context, size_t size) {
        struct test_allocator *self = context;
        self->calls++;
        if (self->fail_at && (self->fail_after ? self->calls >= self->fail_at : self->calls == self->fail_at))
                return NULL;
        void *memory = malloc(size);
        self->live += memory != NULL;
        return memory;
}

static void test_release(void *context, void *memory) {
        struct test_allocator *self = context;
        self->live -= memory != NULL;
        free(memory);
}

void test_allocator_init(struct test_allocator *self, size_t fail_at) {
        *self = (struct test_allocator){
                .allocator = { .allocate = test_allocate, .release = test_release, .context = self },
                .fail_at = fail_at,
        };
}

int snapshot_try(const struct mv_allocator *allocator, struct mv_str json, struct mv_snapshot **ret,
                 struct mv_err *err) {
        struct mv_snapshot_builder *builder = mv_snapshot_builder_new(allocator, MV_STR("default"));
        if (!builder)
                return MV_ENOMEM;
        int r = mv_snapshot_builder_add(builder, json, MV_STR("input"), err);
        if (r < 0) {
                mv_snapshot_builder_free(builder);
                return r;
        }
        return mv_snapshot_builder_finish(builder, ret, err);
}

struct mv_snapshot *snapshot_make(const char *items) {
        static const char head[] = "{'apiVersion':'v1','kind':'List','items':[", tail[] = "]}";
        size_t size = sizeof head + sizeof tail + strlen(items);
        char *text = malloc(size);
        assert_non_null(text);
        snprintf(text, size, "%s%s%s", head, items, tail);
        struct mv_str json = json_make(text);
        free(text);
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        int r = snapshot_try(&mv_allocator_system, json, &snapshot, &err);
        text_free(json);
        if (r < 0) {
                char line[1024];
                fail_msg("no snapshot: %s", mv_err_format(&err, line, sizeof line));
        }
        return snapshot;
}

struct mv_snapshot *snapshot_of(const char *first, ...) {
        struct mv_buf items;
        va_list parts;
        mv_buf_init(&items, &mv_allocator_system, 1 << 24);
        mv_buf_append_text(&items, first);
        va_start(parts, first);
        for (const char *part; (part = va_arg(parts, const char *));)
                mv_buf_format(&items, ",%s", part);
        va_end(parts);
        assert_false(mv_buf_failed(&items));
        struct mv_snapshot *snapshot = snapshot_make(items.p);
        mv_buf_done(&items);
        return snapshot;
}

void judge_version(struct judged *judged, const struct mv_snapshot *snapshot, enum mv_kind kind,
                   const char *name, const char *version) {
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n), *entry = NULL;
        for (size_t i = 0; i < n && !entry; i++)
                if (entries[i].kind == kind && mv_str_is(entries[i].meta->name, name) &&
                    mv_str_is(entries[i].meta->namespace, "default"))
                        entry = &entries[i];
        if (!entry)
                fail_msg("no %s %s in the snapshot", mv_kinds[kind].kind, name);
        mv_arena_init(&judged->arena, &mv_allocator_system, 0);
        const struct mv_evaluation evaluation = { .arena = &judged->arena,
                                                  .snapshot = snapshot,
                                                  .version = mv_str_from(version) };
        assert_true(mv_evaluate_entry(&evaluation, entry, &judged->verdict));
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 1 << 24);
        mv_json_init(&json, &buf);
        mv_render_verdict(&json, &judged->arena, &judged->verdict, true, (struct mv_str){ 0 });
        assert_false(mv_buf_failed(&buf));
        judged->text = buf.p;
}

void judge(struct judged *judged, const struct mv_snapshot *snapshot, enum mv_kind kind, const char *name) {
        judge_version(judged, snapshot, kind, name, "");
}

void judged_done(struct judged *judged) {
        mv_arena_done(&judged->arena);
        free(judged->text);
}

const struct mv_finding *finding_of(const struct mv_verdict *verdict, const char *rule) {
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (strcmp(f->rule->id, rule) == 0)
                        return f;
        return NULL;
}

const char *outcome_of(const struct mv_verdict *verdict, const char *rule) {
        const struct mv_finding *finding = finding_of(verdict, rule);
        return finding ? mv_outcome_name(finding->outcome) : "none";
}

void assert_str_at(struct mv_str slice, const char *text, const char *file, int line) {
        if (mv_str_is(slice, text))
                return;
        print_error("\"%.*s\" is not \"%s\"\n", MV_STR_ARG(slice), text);
        _fail(file, line);
}
