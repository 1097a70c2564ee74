/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/same.h"

#include "policy/object/meta.h"

static bool same_maps(const struct mv_map *a, const struct mv_map *b) {
        if (a->n != b->n || a->present != b->present)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!mv_str_equal(a->items[i].key, b->items[i].key) ||
                    !mv_str_equal(a->items[i].value, b->items[i].value))
                        return false;
        return true;
}

static bool same_structs(const struct mv_table *table, const void *a, const void *b);

/* Lists of structs; those of objects with free keys have the key in front. */
static bool same_lists(const struct mv_table *table, const struct mv_list *a,
                       const struct mv_list *b, // NOLINT(misc-no-recursion)
                       bool named) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++) {
                const char *x = (const char *)a->items + i * table->size,
                           *y = (const char *)b->items + i * table->size;
                if (named && !mv_str_equal(*(const struct mv_str *)(const void *)x,
                                           *(const struct mv_str *)(const void *)y))
                        return false;
                if (!same_structs(table, x, y))
                        return false;
        }
        return true;
}

static bool same_pointers(const struct mv_table *table, const void *a,
                          const void *b) { // NOLINT(misc-no-recursion)
        return a && b ? same_structs(table, a, b) : a == b;
}

static bool same_field(const struct mv_field *field, const void *a,
                       const void *b) { // NOLINT(misc-no-recursion)
        switch (field->type) {
        case MV_TYPE_ANY:
                return true;
        case MV_TYPE_STRING:
        case MV_TYPE_TEXT:
        case MV_TYPE_QUANTITY:
        case MV_TYPE_RAW:
                return mv_str_equal(*(const struct mv_str *)a, *(const struct mv_str *)b);
        case MV_TYPE_BOOL:
        case MV_TYPE_PRESENT:
        case MV_TYPE_GIVEN:
                return *(const bool *)a == *(const bool *)b;
        case MV_TYPE_OPTIONAL:
                return *(const enum mv_optional *)a == *(const enum mv_optional *)b;
        case MV_TYPE_INT: {
                const struct mv_optional_int *x = a, *y = b;
                return x->set == y->set && x->value == y->value;
        }
        case MV_TYPE_OBJECT:
                return same_structs(field->table, a, b);
        case MV_TYPE_POINTER:
                return same_pointers(field->table, *(const void *const *)a, *(const void *const *)b);
        case MV_TYPE_LIST:
        case MV_TYPE_NAMED:
                return same_lists(field->table, a, b, field->type == MV_TYPE_NAMED);
        case MV_TYPE_STRINGS:
                return mv_strings_equal(a, b);
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP:
                return same_maps(a, b);
        }
        return false;
}

static bool same_structs(const struct mv_table *table, const void *a,
                         const void *b) { // NOLINT(misc-no-recursion)
        for (size_t i = 0; i < table->n; i++) {
                const struct mv_field *field = &table->fields[i];
                if (mv_str_is(field->key, "resourceVersion"))
                        continue;
                if (!same_field(field, (const char *)a + field->offset, (const char *)b + field->offset))
                        return false;
        }
        return true;
}

bool mv_decoded_same(const struct mv_table *table, const void *a, const void *b) {
        return same_structs(table, a, b);
}
