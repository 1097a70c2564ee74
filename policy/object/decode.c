/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/decode.h"

#include "policy/object/quantity.h"
#include "policy/object/schema.h"

#include <stdlib.h>

struct state {
        struct mv_scan scan;
        const struct mv_decode *decode;
        struct mv_err *err;
        bool path_set;
        bool unfit;        /* something does not have the shape that it should have */
        bool inner_failed; /* there was not enough memory for an inner value */
};

/* Remember where the first error happened; the innermost caller is the first to come by. */
static bool failed_at(struct state *state, const struct mv_path *path) {
        if (!state->path_set && state->err) {
                mv_path_format(path, state->err->path, sizeof state->err->path);
                state->path_set = true;
        }
        return false;
}

static bool out_of_memory(struct state *state) {
        return mv_scan_fail(&state->scan, MV_ENOMEM, "out of memory");
}

static struct mv_str string_value(struct state *state, const struct mv_scan_string *string) {
        struct mv_arena *arena = state->decode->arena;
        if (!string->escaped)
                return state->decode->copy ? mv_arena_copy(arena, string->raw) : string->raw;
        char *out = mv_arena_allocate(arena, string->raw.n + 1, 1);
        if (!out) {
                out_of_memory(state);
                return (struct mv_str){ 0 };
        }
        return (struct mv_str){ out, mv_scan_unescape(string->raw, out) };
}

/* An unescaped key, for comparing; escaped ones are rare and go to the arena. */
static struct mv_str key_value(struct state *state, const struct mv_scan_string *key) {
        return key->escaped ? string_value(state, key) : key->raw;
}

static bool wrong_type(struct state *state, const char *problem) {
        char c = *state->scan.p;
        /* Not a value at all: that is a matter of syntax, which skipping it finds out. */
        const char *at = state->scan.p;
        if (c && mv_scan_skip(&state->scan, NULL)) {
                state->scan.p = at;
                return mv_scan_fail(&state->scan, MV_ETYPE, problem);
        }
        return mv_scan_fail(&state->scan, MV_ESYNTAX, "the text ends too early");
}

static bool scan_string(struct state *state, struct mv_scan_string *ret) {
        *ret = (struct mv_scan_string){ 0 };
        if (*state->scan.p != '"' && mv_scan_peek(&state->scan) != '"')
                return wrong_type(state, "must be a string");
        return mv_scan_string(&state->scan, ret);
}

static bool decode_string(struct state *state, struct mv_str *ret) {
        struct mv_scan_string string;
        if (!scan_string(state, &string))
                return false;
        *ret = string_value(state, &string);
        return !state->scan.code;
}

static bool decode_text(struct state *state, struct mv_str *ret) {
        char c = mv_scan_peek(&state->scan);
        bool integer;
        if (c == '"')
                return decode_string(state, ret);
        if (c != '-' && (c < '0' || c > '9'))
                return wrong_type(state, "must be a string or a number");
        if (!mv_scan_number(&state->scan, ret, &integer))
                return false;
        if (state->decode->copy)
                *ret = mv_arena_copy(state->decode->arena, *ret);
        return true;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Go passes over space around a quantity. One of more digits than we can hold is a quantity all the same. */
static bool decode_quantity(struct state *state, struct mv_str *ret) {
        struct mv_quantity quantity;
        mv_scan_peek(&state->scan);
        const char *start = state->scan.p;
        if (!decode_text(state, ret))
                return false;
        while (ret->n && is_space(*ret->p))
                *ret = mv_str_skip(*ret, 1);
        while (ret->n && is_space(ret->p[ret->n - 1]))
                ret->n--;
        if (mv_quantity_parse(*ret, &quantity, NULL) != MV_ETYPE)
                return true;
        state->scan.p = start;
        return mv_scan_fail(&state->scan, MV_ETYPE, "must be a quantity, such as 64Mi");
}

static bool decode_bool(struct state *state, bool *ret) {
        char c = mv_scan_peek(&state->scan);
        if (c != 't' && c != 'f')
                return wrong_type(state, "must be true or false");
        return mv_scan_bool(&state->scan, ret);
}

static bool decode_int(struct state *state, struct mv_optional_int *ret) {
        char c = mv_scan_peek(&state->scan);
        struct mv_str text;
        bool integer;
        if (c != '-' && (c < '0' || c > '9'))
                return wrong_type(state, "must be an integer");
        const char *start = state->scan.p;
        if (!mv_scan_number(&state->scan, &text, &integer))
                return false;
        bool negative = c == '-';
        unsigned long long magnitude;
        if (!integer || !mv_str_to_unsigned(negative ? mv_str_skip(text, 1) : text,
                                            (unsigned long long)INT64_MAX + negative, &magnitude)) {
                state->scan.p = start;
                return mv_scan_fail(&state->scan, MV_ETYPE,
                                    integer ? "is out of range of a 64-bit integer" : "must be an integer");
        }
        ret->value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        ret->set = true;
        return true;
}

static bool decode_object(struct state *state, const struct mv_table *table, void *out,
                          const struct mv_path *parent, const struct mv_shape *shape);

/* The shape of what is in a field's value, if it is of that kind. */
static const struct mv_shape *inner_shape(const struct mv_shape_field *field, enum mv_shape_kind kind) {
        return field && field->kind == kind ? field->shape : NULL;
}

/* Pass over the value of a field that has this shape, or none. */
static bool skip(struct state *state, const struct mv_shape_field *shaped, struct mv_str *ret) {
        if (shaped && shaped->shape) {
                mv_scan_peek(&state->scan);
                const char *start = state->scan.p;
                if (mv_schema_fits(state->decode->arena, &state->scan, shaped)) {
                        if (ret)
                                *ret = (struct mv_str){ start, (size_t)(state->scan.p - start) };
                        return true;
                }
                state->unfit = true;
        }
        return mv_scan_skip(&state->scan, ret);
}

/* A list that grows in the arena. */
struct growing {
        size_t capacity;
        size_t size, align; /* of an element */
};

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* A key of a map is passed over: the row does not want it, or it has the object once more, as text, which nothing that is kept
 * for long needs. */
static bool passes_over(const struct state *state, const char *prefix, struct mv_str key) {
        return (prefix && !mv_str_starts_with(key, mv_str_from(prefix))) ||
               (state->decode->copy && mv_str_is(key, LAST_APPLIED));
}

/* How many elements are kept of the object or array whose bracket was just read. What is wrong in it is found when it is
 * read. */
static size_t count_elements(const struct state *state, char open, const char *prefix) {
        struct mv_scan scan = state->scan;
        struct mv_scan_string key = { 0 };
        bool first = true;
        size_t n = 0;
        while (open == '{' ? mv_scan_key(&scan, &first, &key) : mv_scan_element(&scan, &first)) {
                if (!mv_scan_skip(&scan, NULL))
                        break;
                n += open == '[' || !passes_over(state, prefix, key.raw);
        }
        return n;
}

/* What is copied is kept for long, so it is worth counting: memory for just as many as there are. */
static void *begin_growing(struct state *state, char open, const char *prefix, struct growing *growing) {
        growing->capacity = state->decode->copy ? count_elements(state, open, prefix) : 0;
        return growing->capacity ? mv_arena_allocate_array(state->decode->arena, growing->capacity,
                                                           growing->size, growing->align)
                                 : NULL;
}

/* Room for one more element of a list of n. */
static void *grow(struct state *state, void *items, size_t n, struct growing *growing) {
        size_t size = growing->size, capacity = growing->capacity ? growing->capacity * 2 : 4;
        if (n < growing->capacity && items)
                return items;
        if (n && mv_arena_extend(state->decode->arena, items, n * size, (capacity - n) * size)) {
                growing->capacity = capacity;
                return items;
        }
        void *more = mv_arena_allocate_array(state->decode->arena, capacity, size, growing->align);
        if (!more)
                out_of_memory(state);
        else if (items)
                memcpy(more, items, n * size);
        growing->capacity = capacity;
        return more;
}

static bool expect_open(struct state *state, char open) {
        if (mv_scan_peek(&state->scan) != open)
                return wrong_type(state, open == '{' ? "must be an object" : "must be a list");
        return open == '{' ? mv_scan_object(&state->scan) : mv_scan_array(&state->scan);
}

static bool decode_list(struct state *state, const struct mv_table *table, struct mv_list *ret,
                        const struct mv_path *parent, const struct mv_shape *shape) {
        struct mv_path path = { .parent = parent };
        struct growing growing = { .size = table->size, .align = table->align };
        bool first = true;
        if (!expect_open(state, '['))
                return false;
        ret->items = begin_growing(state, '[', NULL, &growing);
        for (; mv_scan_element(&state->scan, &first); path.index++, ret->n++) {
                ret->items = grow(state, ret->items, ret->n, &growing);
                if (!ret->items)
                        return false;
                char *item = (char *)ret->items + ret->n * table->size;
                memset(item, 0, table->size);
                if (mv_scan_peek(&state->scan) == 'n' ? !mv_scan_null(&state->scan)
                                                      : !decode_object(state, table, item, &path, shape))
                        return failed_at(state, &path);
        }
        return !state->scan.code;
}

static bool decode_strings(struct state *state, struct mv_strings *ret, const struct mv_path *parent) {
        struct mv_path path = { .parent = parent };
        struct growing growing = { .size = sizeof *ret->items, .align = alignof(struct mv_str) };
        bool first = true;
        if (!expect_open(state, '['))
                return false;
        ret->items = begin_growing(state, '[', NULL, &growing);
        for (; mv_scan_element(&state->scan, &first); path.index++, ret->n++) {
                ret->items = grow(state, ret->items, ret->n, &growing);
                if (!ret->items)
                        return false;
                ret->items[ret->n] = (struct mv_str){ 0 };
                if (mv_scan_peek(&state->scan) == 'n' ? !mv_scan_null(&state->scan)
                                                      : !decode_string(state, &ret->items[ret->n]))
                        return failed_at(state, &path);
        }
        return !state->scan.code;
}

/* A list of items that begin with their key, in the order of the text; sorted when all of it is there. */
struct keyed {
        struct mv_list list;
        struct growing growing;
        bool unsorted;
};

static struct mv_str key_at(const struct keyed *keyed, size_t i) {
        struct mv_str key;
        memcpy(&key, (const char *)keyed->list.items + i * keyed->growing.size, sizeof key);
        return key;
}

/* A zeroed item with that key; NULL on error. */
static void *append_keyed(struct state *state, struct keyed *keyed, struct mv_str key) {
        struct mv_list *list = &keyed->list;
        if (list->n && mv_str_compare(key_at(keyed, list->n - 1), key) >= 0)
                keyed->unsorted = true;
        list->items = grow(state, list->items, list->n, &keyed->growing);
        if (!list->items)
                return NULL;
        char *item = (char *)list->items + list->n++ * keyed->growing.size;
        memset(item, 0, keyed->growing.size);
        memcpy(item, &key, sizeof key);
        return item;
}

static int by_key(const void *a, const void *b) {
        struct mv_str x, y;
        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return mv_str_compare(x, y);
}

/* Where key comes for the second time in the object that starts at start: only for telling it. */
static const char *second_time(struct state *state, const char *start, struct mv_str key) {
        struct mv_scan scan = state->scan;
        struct mv_scan_string scanned;
        bool first = true, seen = false;
        scan.p = start;
        if (mv_scan_object(&scan))
                while (mv_scan_key(&scan, &first, &scanned)) {
                        bool same = mv_str_equal(key_value(state, &scanned), key);
                        if (same && seen)
                                return scan.p;
                        seen |= same;
                        if (!mv_scan_skip(&scan, NULL))
                                break;
                }
        return state->scan.p;
}

/* Go writes maps sorted, so there is rarely anything to do. A key that comes twice is an error. */
static bool sort_keyed(struct state *state, struct keyed *keyed, const char *start, struct mv_path *path) {
        if (!keyed->unsorted)
                return true;
        qsort(keyed->list.items, keyed->list.n, keyed->growing.size, by_key);
        for (size_t i = 1; i < keyed->list.n; i++)
                if (mv_str_equal(key_at(keyed, i - 1), key_at(keyed, i))) {
                        path->key = key_at(keyed, i);
                        state->scan.p = second_time(state, start, path->key);
                        mv_scan_fail(&state->scan, MV_ETYPE, "the same key comes twice");
                        return failed_at(state, path);
                }
        return true;
}

static struct mv_str kept_key(struct state *state, const struct mv_scan_string *key) {
        struct mv_str value = string_value(state, key);
        if (mv_arena_failed(state->decode->arena))
                out_of_memory(state);
        return value;
}

static bool decode_bool_text(struct state *state, struct mv_str *ret) {
        bool value = false;
        if (!decode_bool(state, &value))
                return false;
        const struct mv_str text = value ? MV_STR("true") : MV_STR("false");
        *ret = state->decode->copy ? mv_arena_copy(state->decode->arena, text) : text;
        return true;
}

static bool decode_map(struct state *state, const struct mv_field *field, struct mv_map *ret,
                       const struct mv_path *parent) {
        enum mv_type type = field->type;
        struct mv_path path = { .parent = parent };
        struct keyed keyed = { .growing = { .size = sizeof *ret->items, .align = alignof(struct mv_pair) } };
        struct mv_scan_string key;
        bool first = true;
        const char *start = state->scan.p;
        if (!expect_open(state, '{'))
                return false;
        ret->present = true;
        keyed.list.items = begin_growing(state, '{', field->prefix, &keyed.growing);
        while (mv_scan_key(&state->scan, &first, &key)) {
                if (passes_over(state, field->prefix, key.raw)) {
                        if (!mv_scan_skip(&state->scan, NULL))
                                return failed_at(state, &path);
                        continue;
                }
                path.key = kept_key(state, &key);
                if (state->scan.code)
                        return false;
                struct mv_pair *pair = append_keyed(state, &keyed, path.key);
                if (!pair)
                        return failed_at(state, &path);
                bool ok = mv_scan_peek(&state->scan) == 'n' ? mv_scan_null(&state->scan)
                          : type == MV_TYPE_TEXT_MAP        ? decode_text(state, &pair->value)
                          : type == MV_TYPE_QUANTITY_MAP    ? decode_quantity(state, &pair->value)
                          : type == MV_TYPE_BOOL_MAP        ? decode_bool_text(state, &pair->value)
                                                            : decode_string(state, &pair->value);
                if (!ok)
                        return failed_at(state, &path);
        }
        if (state->scan.code || !sort_keyed(state, &keyed, start, &path))
                return false;
        if (keyed.list.n > UINT32_MAX)
                return mv_scan_fail(&state->scan, MV_ELIMIT, "has too many keys");
        ret->items = keyed.list.items;
        ret->n = (uint32_t)keyed.list.n;
        return true;
}

static bool decode_named(struct state *state, const struct mv_table *table, struct mv_list *ret,
                         const struct mv_path *parent) {
        struct mv_path path = { .parent = parent };
        struct keyed keyed = { .growing = { .size = table->size, .align = table->align } };
        struct mv_scan_string key;
        bool first = true;
        const char *start = state->scan.p;
        if (!expect_open(state, '{'))
                return false;
        keyed.list.items = begin_growing(state, '{', NULL, &keyed.growing);
        while (mv_scan_key(&state->scan, &first, &key)) {
                path.key = kept_key(state, &key);
                if (state->scan.code)
                        return false;
                void *item = append_keyed(state, &keyed, path.key);
                if (!item ||
                    !(mv_scan_peek(&state->scan) == 'n' ? mv_scan_null(&state->scan)
                                                        : decode_object(state, table, item, &path, NULL)))
                        return failed_at(state, &path);
        }
        if (state->scan.code || !sort_keyed(state, &keyed, start, &path))
                return false;
        *ret = keyed.list;
        return true;
}

/* Decode a raw value with the table that it has of its own. False when it has none or does not decode: nothing was read. */
static bool decode_inner(struct state *state, const struct mv_field *field, void *owner, struct mv_str *ret) {
        const struct mv_decode *decode = state->decode;
        if (!decode->inner || *state->scan.p != '{' || mv_arena_failed(decode->arena))
                return false;
        struct mv_inner *inner = decode->inner(decode->context, field, owner);
        if (inner) {
                const struct mv_decode of_inner = { .arena = decode->arena };
                const struct mv_arena_mark mark = mv_arena_mark(decode->arena);
                struct state own = { .scan = state->scan, .decode = &of_inner };
                own.scan.depth = 0;
                inner->decoded = decode_object(&own, inner->table, inner->ret, NULL, inner->shape) &&
                                 !mv_arena_failed(decode->arena);
                inner->fits = !own.unfit;
                *ret = (struct mv_str){ state->scan.p, (size_t)(own.scan.p - state->scan.p) };
                if (!inner->decoded) /* whoever decodes it once more has as much memory as the first time */
                        mv_arena_return(decode->arena, mark);
        }
        state->inner_failed = mv_arena_failed(decode->arena);
        if (!inner || !inner->decoded)
                return false;
        state->scan.p += ret->n;
        return true;
}

static bool decode_field(struct state *state, const struct mv_field *field, char *out,
                         const struct mv_path *path, const struct mv_shape_field *shaped) {
        char *at = out + field->offset;
        bool value;
        if (mv_scan_peek(&state->scan) == 'n') {
                state->unfit |= shaped && shaped->required;
                return mv_scan_null(&state->scan);
        }
        switch (field->type) {
        case MV_TYPE_ANY:
                return skip(state, shaped, NULL);
        case MV_TYPE_STRING:
                return decode_string(state, (struct mv_str *)(void *)at);
        case MV_TYPE_TEXT:
                return decode_text(state, (struct mv_str *)(void *)at);
        case MV_TYPE_QUANTITY:
                return decode_quantity(state, (struct mv_str *)(void *)at);
        case MV_TYPE_BOOL:
                return decode_bool(state, (bool *)at);
        case MV_TYPE_OPTIONAL:
                value = false;
                if (!decode_bool(state, &value))
                        return false;
                *(enum mv_optional *)(void *)at = value ? MV_TRUE : MV_FALSE;
                return true;
        case MV_TYPE_INT:
                return decode_int(state, (struct mv_optional_int *)(void *)at);
        case MV_TYPE_OBJECT:
                return decode_object(state, field->table, at, path, inner_shape(shaped, MV_SHAPE_OBJECT));
        case MV_TYPE_POINTER: {
                void *object =
                        mv_arena_allocate(state->decode->arena, field->table->size, field->table->align);
                if (!object)
                        return out_of_memory(state);
                memcpy(at, &object, sizeof object);
                return decode_object(state, field->table, object, path, inner_shape(shaped, MV_SHAPE_OBJECT));
        }
        case MV_TYPE_LIST:
        case MV_TYPE_NAMED: {
                struct mv_list list = { 0 };
                const struct mv_shape *items = inner_shape(shaped, MV_SHAPE_LIST);
                state->unfit |= field->type == MV_TYPE_NAMED && shaped && shaped->shape;
                bool ok = field->type == MV_TYPE_LIST ? decode_list(state, field->table, &list, path, items)
                                                      : decode_named(state, field->table, &list, path);
                memcpy(at, &list, sizeof list);
                return ok;
        }
        case MV_TYPE_STRINGS:
                return decode_strings(state, (struct mv_strings *)(void *)at, path);
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP:
                return decode_map(state, field, (struct mv_map *)(void *)at, path);
        case MV_TYPE_PRESENT:
                if (*state->scan.p != '{')
                        return wrong_type(state, "must be an object");
                *(bool *)at = true;
                return skip(state, shaped, NULL);
        case MV_TYPE_GIVEN:
                *(bool *)at = true;
                return skip(state, shaped, NULL);
        case MV_TYPE_RAW: {
                struct mv_str raw;
                if (!decode_inner(state, field, out, &raw) && !skip(state, shaped, &raw))
                        return false;
                *(struct mv_str *)(void *)at =
                        state->decode->copy ? mv_arena_copy(state->decode->arena, raw) : raw;
                return true;
        }
        }
        return mv_scan_fail(&state->scan, MV_EUSAGE, "a decode table has an unknown type");
}

static bool decode_object(struct state *state, const struct mv_table *table, void *out,
                          const struct mv_path *parent, const struct mv_shape *shape) {
        struct mv_path path = { .parent = parent };
        struct mv_scan_string scanned;
        uint64_t seen = 0, shaped_seen = 0;
        size_t expected = 0; /* tables stand in the order in which keys usually come */
        bool first = true;
        if (!expect_open(state, '{'))
                return false;
        while (mv_scan_key(&state->scan, &first, &scanned)) {
                struct mv_str key = key_value(state, &scanned);
                size_t tried = 0, i = expected;
                for (; tried < table->n; tried++, i = i + 1 < table->n ? i + 1 : 0)
                        if (mv_str_equal(table->fields[i].key, key))
                                break;
                const struct mv_shape_field *shaped = shape ? mv_shape_find(shape, key.p, key.n) : NULL;
                if (shaped)
                        shaped_seen |= UINT64_C(1) << (shaped - shape->fields);
                else
                        state->unfit |= shape != NULL;
                path.key = key;
                if (tried == table->n) {
                        if (table->closed && state->decode->unknown)
                                state->decode->unknown(state->decode->context, parent, key);
                        if (!skip(state, shaped, NULL))
                                return failed_at(state, &path);
                        continue;
                }
                expected = i + 1 < table->n ? i + 1 : 0;
                if (seen >> i & 1) {
                        mv_scan_fail(&state->scan, MV_ETYPE, "the same key comes twice");
                        return failed_at(state, &path);
                }
                seen |= UINT64_C(1) << i;
                if (!decode_field(state, &table->fields[i], out, &path, shaped))
                        return failed_at(state, &path);
        }
        for (size_t i = 0; shape && i < shape->n; i++)
                state->unfit |= shape->fields[i].required && !(shaped_seen >> i & 1);
        return state->scan.code ? failed_at(state, parent) : true;
}

int mv_decode(const struct mv_decode *decode, struct mv_str text, const struct mv_table *table, void *ret,
              struct mv_err *err) {
        struct state state = { .decode = decode, .err = err };
        memset(ret, 0, table->size);
        mv_scan_init(&state.scan, text);
        if (decode_object(&state, table, ret, NULL, decode->shape) && mv_scan_finish(&state.scan)) {
                if (decode->ret_fits)
                        *decode->ret_fits = !state.unfit;
                if (!mv_arena_failed(decode->arena) || state.inner_failed)
                        return 0;
                out_of_memory(&state);
        }
        if (err) {
                if (!state.path_set)
                        err->path[0] = '\0';
                err->offset = (size_t)(state.scan.p - state.scan.begin);
        }
        return mv_err_set(err, state.scan.code, "%s", state.scan.problem);
}
