/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support_sink.h"

#include "policy/object/meta.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sink_object *object_of(struct sink *sink, struct mv_str name) {
        for (size_t i = 0; i < sink->n; i++)
                if (mv_str_is(name, sink->objects[i].name))
                        return &sink->objects[i];
        assert_true(sink->n < SINK_MOST);
        struct sink_object *object = &sink->objects[sink->n++];
        snprintf(object->name, sizeof object->name, "%.*s", MV_STR_ARG(name));
        return object;
}

static void begin(void *context) {
        struct sink *sink = context;
        assert_false(sink->listing);
        sink->listing = true;
        for (size_t i = 0; i < sink->n; i++)
                sink->objects[i].came = false;
}

static void end(void *context) {
        struct sink *sink = context;
        assert_true(sink->listing);
        sink->listing = false;
        sink->lists++;
        for (size_t i = 0; i < sink->n; i++)
                sink->objects[i].here = sink->objects[i].came;
}

static void abandon(void *context) {
        struct sink *sink = context;
        assert_true(sink->listing);
        sink->listing = false;
}

static int put(void *context, struct mv_str json, struct mv_err *err) {
        struct sink *sink = context;
        struct mv_any any;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        if (sink->no_memory)
                return mv_err_oom(err);
        assert_int_equal(mv_decode(&(struct mv_decode){ .arena = &arena }, json, &mv_table_any, &any, NULL),
                         0);
        int code = 0;
        if (sink->unreadable[0] && mv_str_is(any.meta.name, sink->unreadable))
                code = mv_err_set(err, MV_ETYPE, "%s cannot be read", sink->unreadable);
        else {
                struct sink_object *object = object_of(sink, any.meta.name);
                object->here = object->came = true;
                snprintf(object->version, sizeof object->version, "%.*s",
                         MV_STR_ARG(any.meta.resource_version));
        }
        mv_arena_done(&arena);
        return code;
}

static void drop(void *context, struct mv_str namespace, struct mv_str name) {
        (void)namespace;
        struct sink_object *object = object_of(context, name);
        object->here = object->came = false;
}

static void know(void *context, enum mv_knowledge knowledge, struct mv_str reason) {
        struct sink *sink = context;
        sink->knowledge = knowledge;
        sink->knows++;
        snprintf(sink->reason, sizeof sink->reason, "%.*s", MV_STR_ARG(reason));
}

const struct mv_reflector_sink sink_functions = {
        .begin = begin,
        .put = put,
        .remove = drop,
        .end = end,
        .abandon = abandon,
        .know = know,
};

static int by_name(const void *a, const void *b) {
        return strcmp((*(const struct sink_object *const *)a)->name,
                      (*(const struct sink_object *const *)b)->name);
}

void sink_text(const struct sink *sink, char *out, size_t size) {
        const struct sink_object *sorted[SINK_MOST];
        size_t n = 0, used = 0;
        for (size_t i = 0; i < sink->n; i++)
                if (sink->objects[i].here)
                        sorted[n++] = &sink->objects[i];
        qsort(sorted, n, sizeof *sorted, by_name);
        out[0] = '\0';
        for (size_t i = 0; i < n && used < size; i++)
                used += (size_t)snprintf(out + used, size - used, "%s%s=%s", i ? " " : "", sorted[i]->name,
                                         sorted[i]->version);
        assert_true(used < size);
}
