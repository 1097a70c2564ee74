/* SPDX-License-Identifier: Apache-2.0 */
/* Decode tables: a value that is decoded with its own table while the text around it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/object/decode.h"

#include <stdio.h>

struct leaf {
        struct mv_str name;
        struct mv_optional_int n;
};
struct thing {
        struct mv_str string, raw;
        bool flag;
};

static const struct mv_field leaf_fields[] = {
        MV_FIELD(struct leaf, "n", MV_TYPE_INT, n),
        MV_FIELD(struct leaf, "name", MV_TYPE_STRING, name),
};
static const struct mv_table leaf_table = MV_TABLE(leaf_fields, struct leaf);
static const struct mv_field thing_fields[] = {
        MV_FIELD(struct thing, "flag", MV_TYPE_BOOL, flag),
        MV_FIELD(struct thing, "raw", MV_TYPE_RAW, raw),
        MV_FIELD(struct thing, "string", MV_TYPE_STRING, string),
};
static const struct mv_table thing_table = MV_TABLE(thing_fields, struct thing);

struct asked {
        struct mv_inner inner;
        struct leaf leaf;
        size_t times;
};

static struct mv_inner *inner_of(void *context, const struct mv_field *field, void *owner) {
        struct asked *asked = context;
        assert_true(mv_str_is(field->key, "raw"));
        assert_str(((struct thing *)owner)->string, "before"); /* what was read so far */
        asked->times++;
        asked->inner = (struct mv_inner){ .table = &leaf_table, .ret = &asked->leaf };
        return &asked->inner;
}

/* What does not decode leaves its memory to whoever decodes it once more. */
static void test_memory_is_given_back(void **state) {
        (void)state;
        struct mv_str text = json_make("{'string':'before','raw':{'name':'a\\nb','n':'seven'},'flag':true}");
        struct asked asked = { .times = 0 };
        struct mv_arena arena;
        struct thing thing;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_decode decode_to = { .arena = &arena, .inner = inner_of, .context = &asked };
        assert_int_equal(mv_decode(&decode_to, text, &thing_table, &thing, NULL), 0);
        assert_int_equal(asked.times, 1);
        assert_false(asked.inner.decoded);
        assert_int_equal(arena.held, 0);
        mv_arena_done(&arena);
        text_free(text);
}

static void test_inner(void **state) {
        (void)state;
        static const struct {
                const char *raw;
                bool asked, decoded;
                int code;
        } each[] = {
                { "{'name':'a','n':7}", true, true, 0 },
                { "{ 'name' : 'a' , 'n' : 7 , 'other' : [ {} ] }", true, true, 0 },
                { "{'name':'a\\nb','n':7}", true, true, 0 },
                { "{'name':'a','n':'seven'}", true, false, 0 }, /* whoever decodes it learns that */
                { "{'name':'a','name':'b'}", true, false, 0 },
                { "[7]", false, false, 0 },
                { "{'name':'a','n':}", true, false, MV_ESYNTAX }, /* but this is no JSON at all */
        };
        for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
                char json[256];
                snprintf(json, sizeof json, "{'string':'before','raw':%s,'flag':true}", each[i].raw);
                struct mv_str text = json_make(json);
                struct asked asked = { .times = 0 };
                struct mv_arena arena;
                struct thing thing;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                const struct mv_decode decode_to = { .arena = &arena, .inner = inner_of, .context = &asked };
                assert_int_equal(mv_decode(&decode_to, text, &thing_table, &thing, NULL), each[i].code);
                assert_int_equal(asked.times, each[i].asked);
                assert_int_equal(asked.inner.decoded, each[i].decoded);
                if (each[i].code == 0) {
                        assert_int_equal(thing.raw.n, strlen(each[i].raw));
                        assert_true(thing.flag); /* what is behind it */
                }
                if (each[i].decoded)
                        assert_int_equal(asked.leaf.n.value, 7);
                mv_arena_done(&arena);
                text_free(text);
        }
}

/* The text around it is no worse for what there was no memory for. */
static void test_inner_out_of_memory(void **state) {
        (void)state;
        struct mv_str text = json_make("{'string':'before','raw':{'name':'a\\nb'},'flag':true}");
        struct asked asked = { .times = 0 };
        struct test_allocator a;
        struct mv_arena arena;
        struct thing thing;
        test_allocator_init(&a, 1);
        mv_arena_init(&arena, &a.allocator, 0);
        const struct mv_decode decode_to = { .arena = &arena, .inner = inner_of, .context = &asked };
        assert_int_equal(mv_decode(&decode_to, text, &thing_table, &thing, NULL), 0);
        assert_false(asked.inner.decoded);
        assert_str(thing.raw, "{\"name\":\"a\\nb\"}");
        assert_true(thing.flag && mv_arena_failed(&arena));
        mv_arena_done(&arena);
        text_free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inner),
                cmocka_unit_test(test_memory_is_given_back),
                cmocka_unit_test(test_inner_out_of_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
