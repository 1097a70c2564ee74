/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/schema.h"

#include "policy/object/scan.h"

#include <stdint.h>

enum { LONGEST_PATH = 512 };

struct check {
        struct mv_arena *arena;
        struct mv_scan scan;
        mv_schema_complaint *complain;
        void *context;
};

static void complain(struct check *check, struct mv_str message) {
        check->complain(check->context, message);
}

static struct mv_str key_of(struct check *check, const struct mv_scan_string *key) {
        if (!key->escaped)
                return key->raw;
        char *out = mv_arena_allocate(check->arena, key->raw.n + 1, 1);
        return out ? (struct mv_str){ out, mv_scan_unescape(key->raw, out) } : (struct mv_str){ 0 };
}

static void forbidden(struct check *check, struct mv_str path, struct mv_str key) {
        complain(check, mv_arena_format(check->arena, "%.*s.%.*s in body is a forbidden property",
                                        MV_STR_ARG(path), MV_STR_ARG(key)));
}

static bool check_object(struct check *check, struct mv_str path, const struct mv_shape *shape);

static bool check_items(struct check *check, struct mv_str path, const struct mv_shape *shape) {
        bool first = true;
        if (!mv_scan_array(&check->scan))
                return false;
        for (size_t i = 0; mv_scan_element(&check->scan, &first); i++)
                if (!check_object(check, mv_arena_format(check->arena, "%.*s.%zu", MV_STR_ARG(path), i),
                                  shape))
                        return false;
        return !check->scan.code;
}

/* What is wrong with an object itself comes before what is wrong with its members. */
static bool check_object(struct check *check, struct mv_str path, const struct mv_shape *shape) {
        struct mv_scan_string scanned;
        bool first = true;
        uint64_t seen = 0; /* bit n: field n is there */
        if (mv_scan_peek(&check->scan) != '{')
                return mv_scan_skip(&check->scan, NULL);
        struct mv_scan members = check->scan;
        if (!mv_scan_object(&members))
                return false;
        while (mv_scan_key(&members, &first, &scanned)) {
                struct mv_str key = key_of(check, &scanned);
                const struct mv_shape_field *field = mv_shape_find(shape, key.p, key.n);
                if (field)
                        seen |= UINT64_C(1) << (field - shape->fields);
                else if (!mv_str_is(key, "$schema") && !mv_str_is(key, "id"))
                        forbidden(check, path, key);
                if (!mv_scan_skip(&members, NULL))
                        return false;
        }
        first = true;
        mv_scan_object(&check->scan);
        while (mv_scan_key(&check->scan, &first, &scanned)) {
                struct mv_str key = key_of(check, &scanned);
                const struct mv_shape_field *field = mv_shape_find(shape, key.p, key.n);
                struct mv_str inner = { 0 };
                if (field && field->shape && path.n < LONGEST_PATH)
                        inner = mv_arena_format(check->arena, "%.*s.%.*s", MV_STR_ARG(path), MV_STR_ARG(key));
                bool list = inner.n && field->kind == MV_SHAPE_LIST && mv_scan_peek(&check->scan) == '[';
                bool object = inner.n && field->kind == MV_SHAPE_OBJECT;
                if (!(list     ? check_items(check, inner, field->shape)
                      : object ? check_object(check, inner, field->shape)
                               : mv_scan_skip(&check->scan, NULL)))
                        return false;
        }
        for (size_t i = 0; i < shape->n; i++)
                if (shape->fields[i].required && !(seen >> i & 1))
                        complain(check, mv_arena_format(check->arena, "%.*s.%s in body is required",
                                                        MV_STR_ARG(path), shape->fields[i].key));
        return !check->scan.code;
}

/* Whether there is nothing to complain about, which is nearly always so: one pass, and nothing is written. */
static bool fits_field(struct check *check, const struct mv_shape_field *field);

static bool fits(struct check *check, const struct mv_shape *shape) {
        struct mv_scan *scan = &check->scan;
        struct mv_scan_string scanned;
        bool first = true;
        uint64_t seen = 0;
        if (mv_scan_peek(scan) != '{')
                return mv_scan_skip(scan, NULL);
        if (!mv_scan_object(scan))
                return false;
        while (mv_scan_key(scan, &first, &scanned)) {
                struct mv_str key = key_of(check, &scanned);
                const struct mv_shape_field *field = mv_shape_find(shape, key.p, key.n);
                if (!field)
                        return false;
                seen |= UINT64_C(1) << (field - shape->fields);
                if (!fits_field(check, field))
                        return false;
        }
        for (size_t i = 0; i < shape->n; i++)
                if (shape->fields[i].required && !(seen >> i & 1))
                        return false;
        return !scan->code;
}

static bool fits_field(struct check *check, const struct mv_shape_field *field) {
        bool first = true;
        if (field->shape && field->kind == MV_SHAPE_OBJECT)
                return fits(check, field->shape);
        if (!field->shape || field->kind != MV_SHAPE_LIST || mv_scan_peek(&check->scan) != '[')
                return mv_scan_skip(&check->scan, NULL);
        mv_scan_array(&check->scan);
        while (mv_scan_element(&check->scan, &first))
                if (!fits(check, field->shape))
                        return false;
        return !check->scan.code;
}

bool mv_schema_fits(struct mv_arena *arena, struct mv_scan *scan, const struct mv_shape_field *field) {
        struct check check = { .arena = arena, .scan = *scan };
        if (!fits_field(&check, field))
                return false;
        *scan = check.scan;
        return true;
}

void mv_schema_check(struct mv_arena *arena, struct mv_str object, const struct mv_shape *spec,
                     mv_schema_complaint *complaint, void *context) {
        static const char *const known[] = { "kind", "apiVersion", "spec", "status", "metadata" };
        struct check check = { .arena = arena, .complain = complaint, .context = context };
        struct mv_scan_string scanned;
        struct mv_str text = { 0 };
        bool first = true, fitted = false;
        mv_scan_init(&check.scan, object);
        if (!mv_scan_object(&check.scan))
                return;
        while (mv_scan_key(&check.scan, &first, &scanned)) {
                struct mv_str key = key_of(&check, &scanned), value;
                bool found = false;
                for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                        found = found || mv_str_is(key, known[i]);
                if (!found)
                        forbidden(&check, (struct mv_str){ 0 }, key);
                bool is_spec = mv_str_is(key, "spec");
                const struct mv_scan before = check.scan;
                if (is_spec && mv_scan_peek(&check.scan) == '{' && fits(&check, spec)) {
                        fitted = true;
                        continue;
                }
                check.scan = before;
                if (!mv_scan_skip(&check.scan, &value))
                        return;
                if (is_spec) {
                        text = value;
                        fitted = false;
                }
        }
        if (fitted)
                return;
        if (!text.n)
                complain(&check, MV_STR("spec in body is required"));
        if (!text.n || mv_str_is(text, "null")) {
                complain(&check, MV_STR("spec in body must be of type object: \"null\""));
                return;
        }
        mv_scan_init(&check.scan, text);
        check_object(&check, MV_STR("spec"), spec);
}
