/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/digest.h"

#include "policy/base/hash.h"
#include "policy/object/meta.h"

uint64_t mv_digest_add(uint64_t digest, uint64_t number) {
        return mv_hash_add_number(digest, number);
}

/* --- JSON --- */

static uint64_t string_digest(struct mv_arena *arena, const struct mv_scan_string *string) {
        struct mv_str text = string->raw;
        char *copy = string->escaped ? mv_arena_allocate(arena, text.n, 1) : NULL;
        if (copy)
                text = (struct mv_str){ copy, mv_scan_unescape(text, copy) };
        return mv_hash_add(MV_HASH_START, text);
}

static uint64_t value_digest(struct mv_arena *arena, struct mv_scan *scan);

/* The sum of what the members come to, whatever their order. */
static uint64_t object_digest(struct mv_arena *arena, struct mv_scan *scan) { // NOLINT(misc-no-recursion)
        struct mv_scan_string key;
        uint64_t sum = 0;
        bool first = true;
        mv_scan_object(scan);
        while (mv_scan_key(scan, &first, &key)) {
                if (mv_scan_peek(scan) == 'n')
                        mv_scan_skip(scan, NULL);
                else
                        sum += mv_digest_add(string_digest(arena, &key), value_digest(arena, scan));
        }
        return sum;
}

static uint64_t array_digest(struct mv_arena *arena, struct mv_scan *scan) { // NOLINT(misc-no-recursion)
        uint64_t digest = MV_HASH_START;
        bool first = true;
        mv_scan_array(scan);
        while (mv_scan_element(scan, &first))
                digest = mv_digest_add(digest, value_digest(arena, scan));
        return digest;
}

/* As deep as the scanner reads. */
static uint64_t value_digest(struct mv_arena *arena, struct mv_scan *scan) { // NOLINT(misc-no-recursion)
        struct mv_scan_string string;
        struct mv_str text = { 0 };
        switch (mv_scan_peek(scan)) {
        case '{':
                return mv_digest_add('{', object_digest(arena, scan));
        case '[':
                return mv_digest_add('[', array_digest(arena, scan));
        case '"':
                return mv_scan_string(scan, &string) ? mv_digest_add('"', string_digest(arena, &string)) : 0;
        default:
                return mv_scan_skip(scan, &text) ? mv_hash_add(MV_HASH_START, text) : 0;
        }
}

uint64_t mv_json_digest(struct mv_arena *arena, struct mv_str text) {
        struct mv_scan scan;
        if (!text.n)
                return 0;
        mv_scan_init(&scan, text);
        return value_digest(arena, &scan);
}

/* --- what was decoded --- */

static uint64_t map_digest(uint64_t digest, const struct mv_map *map) {
        for (size_t i = 0; i < map->n; i++)
                if (!mv_str_starts_with(map->items[i].key, MV_STR("migvet.io/")))
                        digest = mv_hash_add(mv_hash_add(digest, map->items[i].key), map->items[i].value);
        return digest;
}

static uint64_t strings_digest(uint64_t digest, const struct mv_strings *strings) {
        for (size_t i = 0; i < strings->n; i++)
                digest = mv_hash_add(digest, strings->items[i]);
        return digest;
}

static uint64_t struct_digest(uint64_t digest, const struct mv_table *table, const void *object);

/* Those of objects with free keys have the key in front. */
static uint64_t list_digest(uint64_t digest, const struct mv_table *table, // NOLINT(misc-no-recursion)
                            const struct mv_list *list, bool named) {
        for (size_t i = 0; i < list->n; i++) {
                const char *item = (const char *)list->items + i * table->size;
                if (named)
                        digest = mv_hash_add(digest, *(const struct mv_str *)(const void *)item);
                digest = mv_digest_add(struct_digest(digest, table, item), i);
        }
        return digest;
}

static uint64_t field_digest(uint64_t digest, const struct mv_field *field, // NOLINT(misc-no-recursion)
                             const void *member) {
        switch (field->type) {
        case MV_TYPE_ANY:
                return digest;
        case MV_TYPE_STRING:
        case MV_TYPE_TEXT:
        case MV_TYPE_QUANTITY:
        case MV_TYPE_RAW:
                return mv_hash_add(digest, *(const struct mv_str *)member);
        case MV_TYPE_BOOL:
        case MV_TYPE_PRESENT:
        case MV_TYPE_GIVEN:
                return mv_digest_add(digest, *(const bool *)member);
        case MV_TYPE_OPTIONAL:
                return mv_digest_add(digest, (uint64_t) * (const enum mv_optional *)member);
        case MV_TYPE_INT: {
                const struct mv_optional_int *number = member;
                return mv_digest_add(mv_digest_add(digest, number->set), (uint64_t)number->value);
        }
        case MV_TYPE_OBJECT:
                return struct_digest(digest, field->table, member);
        case MV_TYPE_POINTER: {
                const void *target = *(const void *const *)member;
                return target ? struct_digest(mv_digest_add(digest, 1), field->table, target) : digest;
        }
        case MV_TYPE_LIST:
        case MV_TYPE_NAMED:
                return list_digest(digest, field->table, member, field->type == MV_TYPE_NAMED);
        case MV_TYPE_STRINGS:
                return strings_digest(digest, member);
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP:
                return map_digest(digest, member);
        }
        return digest;
}

/* Each field is followed by its number, so that what is absent here and there differs. */
static uint64_t struct_digest(uint64_t digest, const struct mv_table *table, // NOLINT(misc-no-recursion)
                              const void *object) {
        for (size_t i = 0; i < table->n; i++) {
                const struct mv_field *field = &table->fields[i];
                if (mv_str_is(field->key, "resourceVersion"))
                        continue;
                digest = mv_digest_add(field_digest(digest, field, (const char *)object + field->offset), i);
        }
        return digest;
}

uint64_t mv_decoded_digest(const struct mv_table *table, const void *object) {
        return object ? struct_digest(MV_HASH_START, table, object) : 0;
}
