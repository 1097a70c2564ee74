/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/encode.h"

static bool is_empty(const struct mv_field *field, const char *at);

/* No field of it has a value. */
static bool all_empty(const struct mv_table *table, const char *object) {
        for (size_t i = 0; i < table->n; i++)
                if (!is_empty(&table->fields[i], object + table->fields[i].offset))
                        return false;
        return true;
}

static bool is_empty(const struct mv_field *field, const char *at) {
        struct mv_list list;
        const void *pointer;
        switch (field->type) {
        case MV_TYPE_ANY:
                return true;
        case MV_TYPE_STRING:
        case MV_TYPE_TEXT:
        case MV_TYPE_QUANTITY:
        case MV_TYPE_RAW:
                return !((const struct mv_str *)(const void *)at)->n;
        case MV_TYPE_BOOL:
        case MV_TYPE_PRESENT:
        case MV_TYPE_GIVEN:
                return !*(const bool *)at;
        case MV_TYPE_OPTIONAL:
                return *(const enum mv_optional *)(const void *)at == MV_UNSET;
        case MV_TYPE_INT:
                return !((const struct mv_optional_int *)(const void *)at)->set;
        case MV_TYPE_OBJECT:
                return all_empty(field->table, at);
        case MV_TYPE_POINTER:
                memcpy(&pointer, at, sizeof pointer);
                return !pointer;
        case MV_TYPE_LIST:
        case MV_TYPE_NAMED:
                memcpy(&list, at, sizeof list);
                return !list.n;
        case MV_TYPE_STRINGS:
                return !((const struct mv_strings *)(const void *)at)->n;
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP:
                return !((const struct mv_map *)(const void *)at)->n;
        }
        return true;
}

static void encode_field(struct mv_json *json, const struct mv_field *field, const char *at) {
        struct mv_list list;
        const void *pointer;
        switch (field->type) {
        case MV_TYPE_ANY:
                break;
        case MV_TYPE_STRING:
        case MV_TYPE_TEXT:
        case MV_TYPE_QUANTITY:
                mv_json_string(json, *(const struct mv_str *)(const void *)at);
                break;
        case MV_TYPE_RAW:
                mv_json_raw(json, *(const struct mv_str *)(const void *)at);
                break;
        case MV_TYPE_BOOL:
                mv_json_bool(json, *(const bool *)at);
                break;
        case MV_TYPE_PRESENT:
        case MV_TYPE_GIVEN:
                mv_json_object(json);
                mv_json_end(json);
                break;
        case MV_TYPE_OPTIONAL:
                mv_json_bool(json, *(const enum mv_optional *)(const void *)at == MV_TRUE);
                break;
        case MV_TYPE_INT:
                mv_json_int(json, ((const struct mv_optional_int *)(const void *)at)->value);
                break;
        case MV_TYPE_OBJECT:
                mv_encode(json, field->table, at);
                break;
        case MV_TYPE_POINTER:
                memcpy(&pointer, at, sizeof pointer);
                mv_encode(json, field->table, pointer);
                break;
        case MV_TYPE_LIST:
                memcpy(&list, at, sizeof list);
                mv_json_array(json);
                for (size_t i = 0; i < list.n; i++)
                        mv_encode(json, field->table, (const char *)list.items + i * field->table->size);
                mv_json_end(json);
                break;
        case MV_TYPE_NAMED:
                memcpy(&list, at, sizeof list);
                mv_json_object(json);
                for (size_t i = 0; i < list.n; i++) {
                        const char *item = (const char *)list.items + i * field->table->size;
                        mv_json_key_str(json, *(const struct mv_str *)(const void *)item);
                        mv_encode(json, field->table, item);
                }
                mv_json_end(json);
                break;
        case MV_TYPE_STRINGS: {
                const struct mv_strings *strings = (const struct mv_strings *)(const void *)at;
                mv_json_array(json);
                for (size_t i = 0; i < strings->n; i++)
                        mv_json_string(json, strings->items[i]);
                mv_json_end(json);
                break;
        }
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP: {
                const struct mv_map *map = (const struct mv_map *)(const void *)at;
                mv_json_object(json);
                for (size_t i = 0; i < map->n; i++) {
                        mv_json_key_str(json, map->items[i].key);
                        if (field->type == MV_TYPE_BOOL_MAP)
                                mv_json_bool(json, mv_str_is(map->items[i].value, "true"));
                        else
                                mv_json_string(json, map->items[i].value);
                }
                mv_json_end(json);
                break;
        }
        }
}

void mv_encode(struct mv_json *json, const struct mv_table *table, const void *object) {
        mv_json_object(json);
        for (size_t i = 0; i < table->n; i++) {
                const struct mv_field *field = &table->fields[i];
                const char *at = (const char *)object + field->offset;
                if (is_empty(field, at))
                        continue;
                mv_json_key_str(json, field->key);
                encode_field(json, field, at);
        }
        mv_json_end(json);
}
