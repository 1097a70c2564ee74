/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/equal.h"

#include "policy/object/quantity.h"
#include "policy/object/scan.h"

#include <stdlib.h>

/* A value as a tree. Members of an object are sorted by key; of a key that comes twice the last one counts. */
struct node {
        struct mv_str key, text; /* text: of a scalar; a string's without quotes and escapes */
        char type;               /* '{' '[' '"' '0' 't' 'n' */
        size_t order;            /* as a member: its place in the text */
        struct node *items;
        size_t n;
};

struct reader {
        struct mv_arena *arena;
        struct mv_scan scan;
};

static struct mv_str plain(struct mv_arena *arena, const struct mv_scan_string *string) {
        if (!string->escaped)
                return string->raw;
        char *out = mv_arena_allocate(arena, string->raw.n + 1, 1);
        return out ? (struct mv_str){ out, mv_scan_unescape(string->raw, out) } : (struct mv_str){ 0 };
}

static int by_key(const void *a, const void *b) {
        const struct node *x = a, *y = b;
        int order = mv_str_compare(x->key, y->key);
        return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void sort_members(struct node *object) {
        size_t kept = 0;
        if (object->n > 1)
                qsort(object->items, object->n, sizeof *object->items, by_key);
        for (size_t i = 0; i < object->n; i++)
                if (i + 1 == object->n || !mv_str_equal(object->items[i].key, object->items[i + 1].key))
                        object->items[kept++] = object->items[i];
        object->n = kept;
}

static bool read_value(struct reader *reader, struct node *ret);

static bool read_items(struct reader *reader, struct node *ret) {
        bool first = true, object = ret->type == '{';
        size_t capacity = 0;
        if (!(object ? mv_scan_object(&reader->scan) : mv_scan_array(&reader->scan)))
                return false;
        for (;;) {
                struct mv_scan_string key = { 0 };
                if (!(object ? mv_scan_key(&reader->scan, &first, &key)
                             : mv_scan_element(&reader->scan, &first)))
                        break;
                if (ret->n == capacity) {
                        capacity = capacity ? capacity * 2 : 4;
                        struct node *items = mv_arena_new_array(reader->arena, struct node, capacity);
                        if (!items)
                                return false;
                        if (ret->n)
                                memcpy(items, ret->items, ret->n * sizeof *items);
                        ret->items = items;
                }
                struct node *item = &ret->items[ret->n];
                *item = (struct node){ .key = plain(reader->arena, &key), .order = ret->n };
                ret->n++;
                if (!read_value(reader, item))
                        return false;
        }
        if (object)
                sort_members(ret);
        return !reader->scan.code;
}

static bool read_value(struct reader *reader, struct node *ret) {
        struct mv_scan_string string;
        bool flag;
        ret->type = mv_scan_peek(&reader->scan);
        switch (ret->type) {
        case '{':
        case '[':
                return read_items(reader, ret);
        case '"':
                if (!mv_scan_string(&reader->scan, &string))
                        return false;
                ret->text = plain(reader->arena, &string);
                return true;
        case 't':
        case 'f':
                ret->type = 't';
                if (!mv_scan_bool(&reader->scan, &flag))
                        return false;
                ret->text = flag ? MV_STR("true") : MV_STR("false");
                return true;
        case 'n':
                return mv_scan_null(&reader->scan);
        default:
                ret->type = '0';
                return mv_scan_number(&reader->scan, &ret->text, &flag);
        }
}

static bool is_null(const struct node *node) {
        return !node || node->type == 'n';
}

/* Absent, null, or without members or items. */
static bool is_empty(const struct node *node) {
        return is_null(node) || ((node->type == '{' || node->type == '[') && !node->n);
}

static const struct node *member(const struct node *object, const char *key) {
        struct mv_str wanted = mv_str_from(key);
        size_t low = 0, high = is_null(object) || object->type != '{' ? 0 : object->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = mv_str_compare(object->items[middle].key, wanted);
                if (order == 0)
                        return &object->items[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

/* The zero of a value's type, whichever that is. */
static bool is_zero(const struct node *node) {
        return is_null(node) || (node->type == '"' && !node->text.n) ||
               (node->type == '0' && mv_str_is(node->text, "0")) ||
               (node->type == 't' && mv_str_is(node->text, "false"));
}

static bool equal_values(const struct node *a, const struct node *b) {
        if (is_null(a) || is_null(b))
                return is_zero(a) && is_zero(b);
        return a->type == b->type && mv_str_equal(a->text, b->text);
}

static bool amount_of(const struct node *node, struct mv_quantity *ret) {
        if (is_null(node))
                return mv_quantity_parse(MV_STR("0"), ret, NULL) == 0;
        return (node->type == '"' || node->type == '0') && mv_quantity_parse(node->text, ret, NULL) == 0;
}

static bool equal_amounts(const struct node *a, const struct node *b) {
        struct mv_quantity x, y;
        if (amount_of(a, &x) && amount_of(b, &y))
                return mv_quantity_compare(&x, &y) == 0;
        return equal_values(a, b);
}

/* Of no known type: nothing is in it. */
static bool is_vacant(const struct node *node) {
        if (is_empty(node) || node->type != '{')
                return is_empty(node);
        for (size_t i = 0; i < node->n; i++)
                if (!is_vacant(&node->items[i]))
                        return false;
        return true;
}

/* What nobody knows the type of. */
static bool equal_any(const struct node *a, const struct node *b) {
        if (is_vacant(a) || is_vacant(b))
                return is_vacant(a) && is_vacant(b);
        if (a->type != b->type)
                return false;
        if (a->type == '[') {
                if (a->n != b->n)
                        return false;
                for (size_t i = 0; i < a->n; i++)
                        if (!equal_any(&a->items[i], &b->items[i]))
                                return false;
                return true;
        }
        if (a->type != '{')
                return mv_str_equal(a->text, b->text);
        for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
                int order = i == a->n ? 1 : j == b->n ? -1 : mv_str_compare(a->items[i].key, b->items[j].key);
                if (!equal_any(order <= 0 ? &a->items[i] : NULL, order >= 0 ? &b->items[j] : NULL))
                        return false;
                i += order <= 0;
                j += order >= 0;
        }
        return true;
}

static bool equal_maps(const struct node *a, const struct node *b, bool amounts) {
        if (is_empty(a) || is_empty(b))
                return is_empty(a) && is_empty(b);
        if (a->type != '{' || b->type != '{')
                return equal_any(a, b);
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!mv_str_equal(a->items[i].key, b->items[i].key) ||
                    !(amounts ? equal_amounts(&a->items[i], &b->items[i])
                              : equal_values(&a->items[i], &b->items[i])))
                        return false;
        return true;
}

static bool equal_objects(const struct node *a, const struct node *b, const struct mv_shape *shape);

static bool equal_lists(const struct node *a, const struct node *b, const struct mv_shape *shape) {
        if (is_empty(a) || is_empty(b))
                return is_empty(a) && is_empty(b);
        if (a->type != '[' || b->type != '[')
                return equal_any(a, b);
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!(shape ? equal_objects(&a->items[i], &b->items[i], shape)
                            : equal_values(&a->items[i], &b->items[i])))
                        return false;
        return true;
}

static bool equal_fields(const struct node *a, const struct node *b, const struct mv_shape_field *field) {
        if (field->pointer && is_null(a) != is_null(b))
                return false;
        switch (field->kind) {
        case MV_SHAPE_VALUE:
                return equal_values(a, b);
        case MV_SHAPE_AMOUNT:
                return equal_amounts(a, b);
        case MV_SHAPE_OBJECT:
                return equal_objects(a, b, field->shape);
        case MV_SHAPE_LIST:
                return equal_lists(a, b, field->shape);
        case MV_SHAPE_MAP:
        case MV_SHAPE_AMOUNTS:
                return equal_maps(a, b, field->kind == MV_SHAPE_AMOUNTS);
        case MV_SHAPE_ANY:
                break;
        }
        return equal_any(a, b);
}

static bool equal_objects(const struct node *a, const struct node *b, const struct mv_shape *shape) {
        if ((!is_null(a) && a->type != '{') || (!is_null(b) && b->type != '{'))
                return equal_any(a, b);
        for (size_t i = 0; i < shape->n; i++)
                if (!equal_fields(member(a, shape->fields[i].key), member(b, shape->fields[i].key),
                                  &shape->fields[i]))
                        return false;
        return true;
}

static bool read_text(struct mv_arena *arena, struct mv_str text, struct node *ret) {
        struct reader reader = { .arena = arena };
        *ret = (struct node){ .type = 'n' };
        if (!text.n)
                return true;
        mv_scan_init(&reader.scan, text);
        return read_value(&reader, ret) && mv_scan_finish(&reader.scan) && !mv_arena_failed(arena);
}

bool mv_json_equal(struct mv_arena *arena, struct mv_str a, struct mv_str b, const struct mv_shape *shape) {
        struct node x, y;
        if (mv_str_equal(a, b))
                return true;
        if (!read_text(arena, a, &x) || !read_text(arena, b, &y))
                return false;
        return shape ? equal_objects(&x, &y, shape) : equal_any(&x, &y);
}
