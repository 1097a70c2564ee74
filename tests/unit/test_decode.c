/* SPDX-License-Identifier: Apache-2.0 */
/* Decode tables: every type of field, what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/json.h"
#include "policy/object/decode.h"
#include "policy/object/encode.h"

#include <stdio.h>

struct leaf {
        struct mv_str name;
        struct mv_optional_int n;
};
struct thing {
        struct mv_str string, text, quantity, raw;
        bool flag, present;
        enum mv_optional optional;
        struct mv_optional_int integer;
        struct leaf leaf, *pointer;
        MV_LIST(struct leaf) list;
        MV_LIST(struct leaf) named;
        struct mv_strings strings;
        struct mv_map bools, map, quantities;
};

static const struct mv_field leaf_fields[] = {
        MV_FIELD(struct leaf, "n", MV_TYPE_INT, n),
        MV_FIELD(struct leaf, "name", MV_TYPE_STRING, name),
};
static const struct mv_table leaf_table = MV_TABLE_CLOSED(leaf_fields, struct leaf);
static const struct mv_field thing_fields[] = {
        MV_FIELD_ANY("any"),
        MV_FIELD(struct thing, "bools", MV_TYPE_BOOL_MAP, bools),
        MV_FIELD(struct thing, "flag", MV_TYPE_BOOL, flag),
        MV_FIELD(struct thing, "integer", MV_TYPE_INT, integer),
        MV_FIELD_TABLE(struct thing, "leaf", MV_TYPE_OBJECT, leaf, &leaf_table),
        MV_FIELD_TABLE(struct thing, "list", MV_TYPE_LIST, list, &leaf_table),
        MV_FIELD(struct thing, "map", MV_TYPE_MAP, map),
        MV_FIELD_TABLE(struct thing, "named", MV_TYPE_NAMED, named, &leaf_table),
        MV_FIELD(struct thing, "optional", MV_TYPE_OPTIONAL, optional),
        MV_FIELD_TABLE(struct thing, "pointer", MV_TYPE_POINTER, pointer, &leaf_table),
        MV_FIELD(struct thing, "present", MV_TYPE_PRESENT, present),
        MV_FIELD(struct thing, "quantities", MV_TYPE_QUANTITY_MAP, quantities),
        MV_FIELD(struct thing, "quantity", MV_TYPE_QUANTITY, quantity),
        MV_FIELD(struct thing, "raw", MV_TYPE_RAW, raw),
        MV_FIELD(struct thing, "string", MV_TYPE_STRING, string),
        MV_FIELD(struct thing, "strings", MV_TYPE_STRINGS, strings),
        MV_FIELD(struct thing, "text", MV_TYPE_TEXT, text),
};
static const struct mv_table thing_table = MV_TABLE_CLOSED(thing_fields, struct thing);

struct decoded {
        struct mv_arena arena;
        struct mv_str text;
        struct thing thing;
        struct mv_err err;
        int code;
        char unknown[512]; /* "path:key " for each */
};

static void note_unknown(void *context, const struct mv_path *path, struct mv_str key) {
        struct decoded *d = context;
        char at[256];
        size_t n = strlen(d->unknown);
        mv_path_format(path, at, sizeof at);
        snprintf(d->unknown + n, sizeof d->unknown - n, "%s:%.*s ", at, MV_STR_ARG(key));
}

static void decode_bytes(struct decoded *d, struct mv_str text, bool copy) {
        *d = (struct decoded){ .text = text };
        mv_arena_init(&d->arena, &mv_allocator_system, 0);
        const struct mv_decode decode = {
                .arena = &d->arena, .copy = copy, .unknown = note_unknown, .context = d
        };
        memset(&d->thing, 0xff, sizeof d->thing); /* the decoder clears it */
        d->code = mv_decode(&decode, text, &thing_table, &d->thing, &d->err);
}

static struct thing *decode(struct decoded *d, const char *json) {
        decode_bytes(d, json_make(json), false);
        if (d->code != 0)
                fail_msg("%s: %s: %s", json, d->err.path, d->err.message);
        return &d->thing;
}

static void done(struct decoded *d) {
        mv_arena_done(&d->arena);
        text_free(d->text);
}

static void test_bool_map(void **state) {
        (void)state;
        struct decoded d;
        struct thing *t = decode(&d, "{'bools':{'b':true,'a':false,'n':null}}");
        assert_int_equal(t->bools.n, 3);
        assert_true(mv_map_has(&t->bools, MV_STR("b"), MV_STR("true")));
        assert_true(mv_map_has(&t->bools, MV_STR("a"), MV_STR("false")));
        assert_true(mv_map_has(&t->bools, MV_STR("n"), MV_STR("")));
        struct mv_buf buf;
        struct mv_json json;
        mv_buf_init(&buf, &mv_allocator_system, 1000);
        mv_json_init(&json, &buf);
        t->bools.n = 2;
        mv_encode(&json, &thing_table, t);
        assert_str(mv_buf_str(&buf), "{\"bools\":{\"a\":false,\"b\":true}}");
        mv_buf_done(&buf);
        done(&d);
        decode_bytes(&d, json_make("{'bools':{'a':'true'}}"), false);
        assert_int_equal(d.code, MV_ETYPE);
        assert_string_equal(d.err.path, "bools.a");
        done(&d);
}

static void test_types(void **state) {
        (void)state;
        struct decoded d;
        struct thing *t = decode(
                &d,
                "{'any':[{}],'flag':true,'integer':-5,'leaf':{'name':'l','n':1},'list':[{'name':'a'},{},{"
                "'n':2}],"
                "'map':{'b':'2','a':'1'},'named':{'z':{'n':26},'y':{}},'optional':false,'pointer':{},"
                "'present':{'x':1},"
                "'quantities':{'cpu':2,'memory':'1Gi','f':1.5},'raw':{'k':[1, 2]},'string':'s','strings':["
                "'x','y'],"
                "'text':80}");
        assert_true(t->flag && t->present);
        assert_true(t->integer.set);
        assert_int_equal(t->integer.value, -5);
        assert_str(t->leaf.name, "l");
        assert_int_equal(t->leaf.n.value, 1);
        assert_int_equal(t->list.n, 3);
        assert_str(t->list.items[0].name, "a");
        assert_false(t->list.items[1].n.set);
        assert_int_equal(t->list.items[2].n.value, 2);
        assert_int_equal(t->map.n, 2);
        assert_true(t->map.present);
        assert_str(t->map.items[0].key, "a");
        assert_str(t->map.items[1].value, "2");
        assert_int_equal(t->named.n, 2);
        assert_str(t->named.items[0].name, "y");
        assert_int_equal(t->named.items[1].n.value, 26);
        assert_int_equal(t->optional, MV_FALSE);
        assert_non_null(t->pointer);
        assert_null(t->pointer->name.p);
        assert_str(t->raw, "{\"k\":[1, 2]}");
        assert_str(t->string, "s");
        assert_int_equal(t->strings.n, 2);
        assert_true(mv_strings_have(&t->strings, MV_STR("y")));
        assert_false(mv_strings_have(&t->strings, MV_STR("z")));
        assert_str(t->text, "80");
        assert_true(mv_map_has(&t->quantities, MV_STR("cpu"), MV_STR("2")));
        assert_true(mv_map_has(&t->quantities, MV_STR("f"), MV_STR("1.5")));
        assert_false(mv_map_has(&t->quantities, MV_STR("memory"), MV_STR("1G")));
        assert_null(mv_map_get(&t->quantities, MV_STR("c")));
        done(&d);
}

static void test_quantity(void **state) {
        (void)state;
        struct decoded d;
        assert_str(decode(&d, "{'quantity':' 1.5Gi '}")->quantity, "1.5Gi");
        done(&d);
        assert_str(decode(&d, "{'quantity':80}")->quantity, "80");
        done(&d);
        /* One that Kubernetes takes, though it is more than we can count with. */
        decode(&d, "{'quantity':'0.1234567890123456789012345678901234567890123'}");
        done(&d);
}

static void test_absent_and_null(void **state) {
        (void)state;
        static const struct thing zero = { 0 };
        struct decoded d;
        assert_memory_equal(decode(&d, "{}"), &zero, sizeof zero);
        done(&d);
        decode(&d, "{'any':null,'flag':null,'integer':null,'leaf':null,'list':null,'map':null,'named':null,"
                   "'optional':null,'pointer':null,'present':null,'quantities':null,'raw':null,'string':null,"
                   "'strings':null,'text':null}");
        assert_memory_equal(&d.thing, &zero, sizeof zero);
        done(&d);
        /* As in Go: null among elements is an empty one. */
        struct thing *t = decode(
                &d, "{'list':[null,{'name':'b'}],'strings':[null,'b'],'map':{'a':null},'named':{'q':null}}");
        assert_int_equal(t->list.n, 2);
        assert_str(t->list.items[1].name, "b");
        assert_int_equal(t->strings.n, 2);
        assert_str(t->strings.items[0], "");
        assert_true(mv_map_has(&t->map, MV_STR("a"), MV_STR("")));
        assert_str(t->named.items[0].name, "q");
        done(&d);
        /* Empty is not absent. */
        t = decode(&d, "{'string':'','map':{},'list':[],'pointer':{},'raw':''}");
        assert_non_null(t->string.p);
        assert_true(t->map.present);
        assert_int_equal(t->list.n, 0);
        assert_str(t->raw, "\"\"");
        done(&d);
}

static void refused(const char *json, int code, const char *path, size_t offset) {
        struct decoded d;
        decode_bytes(&d, json_make(json), false);
        if (d.code != code || strcmp(d.err.path, path) != 0 || d.err.offset != offset)
                fail_msg("%s: code %d at \"%s\", offset %zu: %s", json, d.code, d.err.path, d.err.offset,
                         d.err.message);
        assert_int_equal(d.err.code, code);
        assert_true(d.err.message[0]);
        done(&d);
        decode_bytes(&d, json_make(json), true);
        assert_int_equal(d.code, code);
        done(&d);
}

static void test_wrong_types(void **state) {
        (void)state;
        static const struct {
                const char *field, *value;
        } cases[] = {
                { "flag", "'true'" },
                { "flag", "1" },
                { "flag", "{}" },
                { "integer", "'5'" },
                { "integer", "1.0" },
                { "integer", "1e3" },
                { "integer", "true" },
                { "integer", "9223372036854775808" },
                { "integer", "-9223372036854775809" },
                { "integer", "99999999999999999999999" },
                { "leaf", "[]" },
                { "leaf", "'x'" },
                { "list", "{}" },
                { "map", "[]" },
                { "named", "[]" },
                { "optional", "0" },
                { "pointer", "true" },
                { "present", "true" },
                { "present", "[]" },
                { "quantities", "1" },
                { "string", "1" },
                { "string", "{}" },
                { "string", "false" },
                { "strings", "'x'" },
                { "text", "true" },
                { "text", "[]" },
                { "map", "true" },
                { "list", "'x'" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char json[128];
                snprintf(json, sizeof json, "{'%s':%s}", cases[i].field, cases[i].value);
                refused(json, MV_ETYPE, cases[i].field, strlen(cases[i].field) + 4);
        }
        refused("{'quantity':  '1GB'}", MV_ETYPE, "quantity", 14);
        refused("{'quantity':''}", MV_ETYPE, "quantity", 12);
        refused("{'quantities':{'cpu':1,'memory':'1 Gi'}}", MV_ETYPE, "quantities.memory", 32);
        refused("[]", MV_ETYPE, "", 0);
        refused("null", MV_ETYPE, "", 0);
        refused("'x'", MV_ETYPE, "", 0);
}

static void test_paths(void **state) {
        (void)state;
        refused("{'leaf':{'n':'x'}}", MV_ETYPE, "leaf.n", 13);
        refused("{'pointer':{'name':[]}}", MV_ETYPE, "pointer.name", 19);
        refused("{'list':[{},{'name':1}]}", MV_ETYPE, "list[1].name", 20);
        refused("{'list':[{},7]}", MV_ETYPE, "list[1]", 12);
        refused("{'strings':['a','b',3]}", MV_ETYPE, "strings[2]", 20);
        refused("{'map':{'a/b':1}}", MV_ETYPE, "map.a/b", 14);
        refused("{'quantities':{'cpu':true}}", MV_ETYPE, "quantities.cpu", 21);
        refused("{'named':{'z':{'n':true}}}", MV_ETYPE, "named.z.n", 19);
        refused("{'named':{'z':1}}", MV_ETYPE, "named.z", 14);
}

static void test_syntax(void **state) {
        (void)state;
        refused("", MV_ESYNTAX, "", 0);
        refused("{", MV_ESYNTAX, "", 1);
        refused("{} x", MV_ESYNTAX, "", 3);
        refused("{'flag':tru}", MV_ESYNTAX, "flag", 8);
        refused("{'flag':x}", MV_ESYNTAX, "flag", 8);
        refused("{'integer':01}", MV_ESYNTAX, "integer", 12);
        refused("{'other':{'a':}}", MV_ESYNTAX, "other", 14);
        refused("{'leaf':{'name':'a'", MV_ESYNTAX, "leaf", 19);
        /* What is not wanted is validated all the same. */
        refused("{'any':[1,]}", MV_ESYNTAX, "any", 10);
        refused("{'raw':{'a' 1}}", MV_ESYNTAX, "raw", 12);
        refused("{'present':{'a':nul}}", MV_ESYNTAX, "present", 16);
}

static void test_depth(void **state) {
        (void)state;
        /* What nobody reads may nest as deep as the API server accepts. */
        enum { LEVELS = MV_SCAN_SKIP_DEPTH };
        static char json[2 * LEVELS + 16] = "{'other':";
        size_t n = strlen(json);
        memset(json + n, '[', LEVELS);
        memset(json + n + LEVELS, ']', LEVELS);
        json[n + 2 * LEVELS] = '}';
        refused(json, MV_ELIMIT, "other", n + LEVELS - 1);
        json[n] = ' ';
        json[n + 2 * LEVELS - 1] = ' ';
        struct decoded d;
        decode(&d, json);
        done(&d);
}

static void test_duplicates(void **state) {
        (void)state;
        /* The offset is behind the colon of the second one. */
        refused("{'flag':true,'flag':true}", MV_ETYPE, "flag", 20);
        refused("{'flag':null,'flag':true}", MV_ETYPE, "flag", 20);
        refused("{'string':'a','str\\u0069ng':'b'}", MV_ETYPE, "string", 28);
        refused("{'leaf':{'n':1,'name':'x','n':2}}", MV_ETYPE, "leaf.n", 30);
        refused("{'any':1,'any':1}", MV_ETYPE, "any", 15);
        refused("{'map':{'a':'1','b':'2','a':'1'}}", MV_ETYPE, "map.a", 28);
        refused("{'named':{'b':{},'a':{},'b':{}}}", MV_ETYPE, "named.b", 28);
        /* A key that nobody reads may come twice. */
        struct decoded d;
        decode(&d, "{'other':1,'other':2}");
        assert_string_equal(d.unknown, ":other :other ");
        done(&d);
}

static void test_unknown(void **state) {
        (void)state;
        struct decoded d;
        struct thing *t =
                decode(&d, "{'bogus':1,'leaf':{'x':{}},'list':[{},{'y\\n':[]}],'named':{'q':{'w':0}},"
                           "'pointer':{'v':1},'map':{'free':'x'},'any':{'free':1},'string':'s'}");
        assert_string_equal(d.unknown, ":bogus leaf:x list[1]:y\n named.q:w pointer:v ");
        assert_str(t->string, "s");
        done(&d);
        /* Nobody need listen, and open tables tell nothing. */
        static const struct mv_table open = MV_TABLE(thing_fields, struct thing);
        struct mv_str text = json_make("{'bogus':1,'leaf':{'x':{}}}");
        mv_arena_init(&d.arena, &mv_allocator_system, 0);
        d.unknown[0] = '\0';
        const struct mv_decode quiet = { .arena = &d.arena };
        assert_int_equal(mv_decode(&quiet, text, &thing_table, &d.thing, NULL), 0);
        const struct mv_decode heard = { .arena = &d.arena, .unknown = note_unknown, .context = &d };
        assert_int_equal(mv_decode(&heard, text, &open, &d.thing, NULL), 0);
        assert_string_equal(d.unknown, "leaf:x ");
        mv_arena_done(&d.arena);
        text_free(text);
}

static void test_ranges_and_escapes(void **state) {
        (void)state;
        struct decoded d;
        assert_true(decode(&d, "{'integer':9223372036854775807}")->integer.value == INT64_MAX);
        done(&d);
        assert_true(decode(&d, "{'integer':-9223372036854775808}")->integer.value == INT64_MIN);
        done(&d);
        struct thing *t = decode(
                &d, "{'integer':-0,'string':'a\\u0000b','text':'\\u0041','m\\u0061p':{'\\u006b':'\\n'}}");
        assert_true(t->integer.set && t->integer.value == 0);
        assert_int_equal(t->string.n, 3);
        assert_memory_equal(t->string.p, "a\0b", 3);
        assert_str(t->text, "A");
        assert_true(mv_map_has(&t->map, MV_STR("k"), MV_STR("\n")));
        done(&d);
        assert_str(decode(&d, "{'text':-1.5e3}")->text, "-1.5e3");
        done(&d);
}

static void test_large_maps_and_lists(void **state) {
        (void)state;
        static char json[40000];
        size_t n = (size_t)snprintf(json, sizeof json, "{'map':{");
        for (int i = 0; i < 500; i++) /* in no order */
                n += (size_t)snprintf(json + n, sizeof json - n, "%s'k%03d':'%d'", i ? "," : "",
                                      i * 173 % 500, i * 173 % 500);
        n += (size_t)snprintf(json + n, sizeof json - n, "},'list':[");
        for (int i = 0; i < 500; i++)
                n += (size_t)snprintf(json + n, sizeof json - n, "%s{'n':%d}", i ? "," : "", i);
        n += (size_t)snprintf(json + n, sizeof json - n, "],'named':{");
        for (int i = 499; i >= 0; i--)
                n += (size_t)snprintf(json + n, sizeof json - n, "'k%03d':{'n':%d}%s", i, i, i ? "," : "}}");
        assert_true(n < sizeof json);
        struct decoded d;
        struct thing *t = decode(&d, json);
        assert_int_equal(t->map.n, 500);
        assert_int_equal(t->list.n, 500);
        assert_int_equal(t->named.n, 500);
        for (int i = 0; i < 500; i++) {
                char key[8], value[8];
                snprintf(key, sizeof key, "k%03d", i);
                snprintf(value, sizeof value, "%d", i);
                assert_str(t->map.items[i].key, key);
                assert_true(mv_map_has(&t->map, mv_str_from(key), mv_str_from(value)));
                assert_int_equal(t->list.items[i].n.value, i);
                assert_str(t->named.items[i].name, key);
                assert_int_equal(t->named.items[i].n.value, i);
        }
        assert_null(mv_map_get(&t->map, MV_STR("k")));
        assert_null(mv_map_get(&t->map, MV_STR("k0005")));
        assert_null(mv_map_get(&t->map, MV_STR("z")));
        done(&d);
}

static bool inside(const struct mv_str *text, struct mv_str s) {
        return s.p >= text->p && s.p <= text->p + text->n;
}

static void test_copy_or_slice(void **state) {
        (void)state;
        static const char json[] =
                "{'string':'s','text':12,'raw':[1],'strings':['x'],'map':{'k':'v'},'named':{'n':{}},"
                "'leaf':{'name':'e\\n'}}";
        struct decoded d;
        struct thing *t = decode(&d, json);
        assert_true(inside(&d.text, t->string) && inside(&d.text, t->text) && inside(&d.text, t->raw) &&
                    inside(&d.text, t->strings.items[0]) && inside(&d.text, t->map.items[0].key) &&
                    inside(&d.text, t->map.items[0].value) && inside(&d.text, t->named.items[0].name));
        assert_false(inside(&d.text, t->leaf.name)); /* escapes always go to the arena */
        done(&d);
        decode_bytes(&d, json_make(json), true);
        assert_int_equal(d.code, 0);
        text_free(d.text); /* nothing points there any more */
        d.text = (struct mv_str){ 0 };
        t = &d.thing;
        assert_str(t->string, "s");
        assert_str(t->text, "12");
        assert_str(t->raw, "[1]");
        assert_str(t->strings.items[0], "x");
        assert_true(mv_map_has(&t->map, MV_STR("k"), MV_STR("v")));
        assert_str(t->named.items[0].name, "n");
        assert_str(t->leaf.name, "e\n");
        done(&d);
}

static void test_out_of_memory(void **state) {
        (void)state;
        static const char *const each[] = {
                "{'string':'a\\n'}",  "{'list':[{}]}",  "{'strings':['x']}",    "{'map':{'k':'v'}}",
                "{'named':{'k':{}}}", "{'pointer':{}}", "{'str\\u0069ng':'a'}", "{'map':{'\\n':'v'}}",
        };
        for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
                struct test_allocator a;
                struct mv_arena arena;
                struct thing thing;
                struct mv_err err = { 0 };
                struct mv_str text = json_make(each[i]);
                test_allocator_init(&a, 1);
                mv_arena_init(&arena, &a.allocator, 0);
                const struct mv_decode decode_to = { .arena = &arena };
                if (mv_decode(&decode_to, text, &thing_table, &thing, &err) != MV_ENOMEM)
                        fail_msg("%s: %d", each[i], err.code);
                assert_int_equal(err.code, MV_ENOMEM);
                mv_arena_done(&arena);
                text_free(text);
        }
        struct mv_arena tiny;
        struct thing thing;
        struct mv_str text = json_make("{'string':'abcdefgh'}");
        mv_arena_init(&tiny, &mv_allocator_system, 4);
        const struct mv_decode copying = { .arena = &tiny, .copy = true };
        assert_int_equal(mv_decode(&copying, text, &thing_table, &thing, NULL), MV_ENOMEM);
        mv_arena_done(&tiny);
        text_free(text);
}

/* Copies are kept for long: lists and maps have room for just what is in them. */
static void test_copies_are_tight(void **state) {
        (void)state;
        struct mv_str text =
                json_make("{'list':[{'n':1},{'n':2},{'n':3},{'n':4},{'n':5}],'strings':['a','b','c'],"
                          "'map':{'k':'v','kubectl.kubernetes.io/last-applied-configuration':'{}'},"
                          "'named':{'x':{'n':1}}}");
        const size_t want = 5 * sizeof(struct leaf) + 3 * (sizeof(struct mv_str) + 2) +
                            sizeof(struct mv_pair) + 4 + sizeof(struct leaf) + 2;
        char memory[1024];
        struct mv_arena arena;
        struct thing thing;
        mv_arena_init_in(&arena, &mv_allocator_system, memory, sizeof memory);
        const struct mv_decode copying = { .arena = &arena, .copy = true };
        assert_int_equal(mv_decode(&copying, text, &thing_table, &thing, NULL), 0);
        assert_in_range((size_t)(arena.next - memory), want, want + 4 * 8); /* with what aligns them */
        assert_int_equal(thing.list.n, 5);
        assert_int_equal(thing.list.items[4].n.value, 5);
        assert_int_equal(thing.map.n, 1);
        mv_arena_done(&arena);
        text_free(text);
}

static void test_prefix(void **state) {
        (void)state;
        static const struct mv_field fields[] = {
                MV_FIELD_PREFIX(struct thing, "map", MV_TYPE_MAP, map, "site.io/"),
        };
        static const struct mv_table table = MV_TABLE(fields, struct thing);
        for (int copy = 0; copy < 2; copy++) {
                struct mv_str text = json_make("{'map':{'a':'1','site.io/b':'2','site.iox':'3','z':'4'}}");
                struct mv_arena arena;
                struct thing thing;
                mv_arena_init(&arena, &mv_allocator_system, 0);
                const struct mv_decode decode_to = { .arena = &arena, .copy = copy };
                assert_int_equal(mv_decode(&decode_to, text, &table, &thing, NULL), 0);
                assert_true(thing.map.present);
                assert_int_equal(thing.map.n, 1);
                assert_true(mv_map_has(&thing.map, MV_STR("site.io/b"), MV_STR("2")));
                mv_arena_done(&arena);
                text_free(text);
        }
}

static void test_path_format(void **state) {
        (void)state;
        char out[64], small[12];
        const struct mv_path spec = { .key = MV_STR("spec") },
                             list = { .parent = &spec, .key = MV_STR("volumes") };
        const struct mv_path item = { .parent = &list, .index = 12 },
                             name = { .parent = &item, .key = MV_STR("name") };
        mv_path_format(NULL, out, sizeof out);
        assert_string_equal(out, "");
        mv_path_format(&name, out, sizeof out);
        assert_string_equal(out, "spec.volumes[12].name");
        mv_path_format(&name, small, sizeof small);
        assert_string_equal(small, "spec.volume");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bool_map),
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_absent_and_null),
                cmocka_unit_test(test_quantity),
                cmocka_unit_test(test_wrong_types),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_syntax),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_duplicates),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_ranges_and_escapes),
                cmocka_unit_test(test_large_maps_and_lists),
                cmocka_unit_test(test_copy_or_slice),
                cmocka_unit_test(test_copies_are_tight),
                cmocka_unit_test(test_prefix),
                cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_path_format),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
