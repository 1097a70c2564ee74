/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner against json-c: what ours accepts json-c must accept too, and with the same values. (The
 * reverse does not hold: json-c accepts much that is no JSON.) And decoding any bytes as objects neither crashes nor
 * contradicts the scanner.
 */
#include "policy/object/migration.h"
#include "policy/object/scan.h"
#include "policy/object/vm.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LARGEST = 1 << 20, ARENA = 4 << 20 };

#define MUST(condition)                                                                 \
        do {                                                                            \
                if (!(condition)) {                                                     \
                        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                        \
                }                                                                       \
        } while (0)

/* --- the same values --- */

/* The value of a string, to be freed. */
static struct mv_str unescaped(const struct mv_scan_string *string) {
        char *out = malloc(string->raw.n + 1);
        MUST(out);
        size_t n = string->raw.n;
        if (string->escaped)
                n = mv_scan_unescape(string->raw, out);
        else if (n)
                memcpy(out, string->raw.p, n);
        out[n] = '\0';
        return (struct mv_str){ out, n };
}

static void release(struct mv_str s) {
        free((char *)(uintptr_t)s.p);
}

static void same_number(struct mv_str text, bool integer, struct json_object *theirs) {
        char *copy = strndup(text.p, text.n);
        MUST(copy);
        if (integer) {
                /* json-c keeps what fits into 64 bits, and cuts the rest off at the ends. */
                struct mv_str digits = text.p[0] == '-' ? mv_str_skip(text, 1) : text;
                unsigned long long magnitude;
                MUST(json_object_is_type(theirs, json_type_int));
                if (digits.p == text.p && mv_str_to_unsigned(digits, UINT64_MAX, &magnitude))
                        MUST(json_object_get_uint64(theirs) == magnitude);
                else if (digits.p != text.p &&
                         mv_str_to_unsigned(digits, (unsigned long long)INT64_MAX + 1, &magnitude))
                        MUST((uint64_t)json_object_get_int64(theirs) == 0 - magnitude);
        } else {
                MUST(json_object_is_type(theirs, json_type_double));
                double a = strtod(copy, NULL), b = json_object_get_double(theirs);
                MUST(memcmp(&a, &b, sizeof a) == 0);
        }
        free(copy);
}

/* The escape there is that of a high surrogate. */
static bool is_high(struct mv_str raw, size_t i) {
        return i + 6 <= raw.n && raw.p[i] == '\\' && raw.p[i + 1] == 'u' && (raw.p[i + 2] | ' ') == 'd' &&
               strchr("89abAB", raw.p[i + 3]);
}

/* Of two high surrogates json-c takes the second for part of the first, and what is behind them by itself; Go and we do not
 * (tests/oracle). */
static bool has_two_high(struct mv_str raw) {
        for (size_t i = 0; i < raw.n; i++)
                if (is_high(raw, i) && is_high(raw, i + 6))
                        return true;
        return false;
}

static void same_value(struct mv_scan *scan, struct json_object *theirs);

static void same_object(struct mv_scan *scan, struct json_object *theirs) {
        struct mv_scan count = *scan;
        struct mv_scan_string key;
        bool first = true;
        int n = 0;
        MUST(json_object_is_type(theirs, json_type_object));
        MUST(mv_scan_object(&count));
        for (; mv_scan_key(&count, &first, &key); n++)
                MUST(mv_scan_skip(&count, NULL));
        MUST(!count.code);
        /* Keys that come twice, or that json-c cuts at NUL so that they are one: the last wins there. */
        bool plain = n == json_object_object_length(theirs);
        MUST(n >= json_object_object_length(theirs));
        first = true;
        MUST(mv_scan_object(scan));
        while (mv_scan_key(scan, &first, &key)) {
                struct mv_str name = unescaped(&key);
                struct json_object *value = NULL;
                MUST(has_two_high(key.raw) || json_object_object_get_ex(theirs, name.p, &value));
                release(name);
                if (plain && value)
                        same_value(scan, value);
                else
                        MUST(mv_scan_skip(scan, NULL));
        }
        MUST(!scan->code);
}

static void same_value(struct mv_scan *scan, struct json_object *theirs) {
        struct mv_scan_string string;
        struct mv_str number;
        bool flag = false, first = true;
        size_t n = 0;
        switch (mv_scan_peek(scan)) {
        case '{':
                same_object(scan, theirs);
                break;
        case '[':
                MUST(json_object_is_type(theirs, json_type_array));
                MUST(mv_scan_array(scan));
                for (; mv_scan_element(scan, &first); n++)
                        same_value(scan, json_object_array_get_idx(theirs, n));
                MUST(!scan->code && n == json_object_array_length(theirs));
                break;
        case '"': {
                MUST(mv_scan_string(scan, &string));
                MUST(json_object_is_type(theirs, json_type_string));
                struct mv_str value = unescaped(&string);
                MUST(has_two_high(string.raw) ||
                     (value.n == (size_t)json_object_get_string_len(theirs) &&
                      memcmp(value.p, json_object_get_string(theirs), value.n) == 0));
                release(value);
                break;
        }
        case 't':
        case 'f':
                MUST(mv_scan_bool(scan, &flag));
                MUST(json_object_is_type(theirs, json_type_boolean) &&
                     flag == (bool)json_object_get_boolean(theirs));
                break;
        case 'n':
                MUST(mv_scan_null(scan));
                MUST(theirs == NULL);
                break;
        default:
                MUST(mv_scan_number(scan, &number, &flag));
                same_number(number, flag, theirs);
        }
}

/* Levels of objects and arrays. */
static unsigned depth_of(struct json_object *value) {
        unsigned deepest = 0;
        if (json_object_is_type(value, json_type_array))
                for (size_t i = 0; i < json_object_array_length(value); i++) {
                        unsigned depth = depth_of(json_object_array_get_idx(value, i));
                        deepest = depth > deepest ? depth : deepest;
                }
        else if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, key, member) {
                        (void)key;
                        unsigned depth = depth_of(member);
                        deepest = depth > deepest ? depth : deepest;
                }
        } else
                return 0;
        return deepest + 1;
}

static void compare(struct mv_str text) {
        struct json_tokener *tokener = json_tokener_new_ex(MV_SCAN_SKIP_DEPTH + 1);
        MUST(tokener);
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        /* The NUL behind the text tells json-c that a number ends there. */
        struct json_object *theirs = json_tokener_parse_ex(tokener, text.p, (int)text.n + 1);
        MUST(json_tokener_get_error(tokener) == json_tokener_success);
        MUST(json_tokener_get_parse_end(tokener) == text.n);
        struct mv_scan scan;
        mv_scan_init(&scan, text);
        if (depth_of(theirs) <= MV_SCAN_DEPTH)
                same_value(&scan, theirs);
        else /* it can only be passed over */
                MUST(mv_scan_skip(&scan, NULL));
        MUST(mv_scan_finish(&scan));
        MUST(scan.depth == 0);
        json_object_put(theirs);
        json_tokener_free(tokener);
}

/* --- decoding --- */

static void count(void *context, const struct mv_path *path, struct mv_str key) {
        char out[64];
        mv_path_format(path, out, sizeof out);
        *(size_t *)context += key.n + strlen(out);
}

static void decode(struct mv_str text, const struct mv_table *table, bool copy, int accepted) {
        struct mv_arena arena;
        struct mv_err err = { 0 };
        size_t seen = 0;
        void *object = malloc(table->size);
        MUST(object);
        mv_arena_init(&arena, &mv_allocator_system, ARENA);
        const struct mv_decode how = { .arena = &arena, .copy = copy, .unknown = count, .context = &seen };
        int r = mv_decode(&how, text, table, object, &err);
        MUST(r == err.code);
        MUST(r == 0 || (err.offset <= text.n && err.message[0]));
        /* A document that is no JSON is never decoded, and one that is has only its types against it. */
        MUST(accepted == 0 ? r == 0 || r == MV_ETYPE || r == MV_ENOMEM : r != 0);
        mv_arena_done(&arena);
        free(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > LARGEST)
                return 0;
        char *block = calloc(1, size + MV_SCAN_PADDING);
        MUST(block);
        if (size)
                memcpy(block, data, size);
        const struct mv_str text = { block, size };
        struct mv_err err = { 0 };
        int accepted = mv_json_validate(text, &err);
        MUST(accepted == err.code && err.offset <= size);
        if (accepted == 0)
                compare(text);
        for (int copy = 0; copy < 2; copy++) {
                decode(text, &mv_table_vm, copy, accepted);
                decode(text, &mv_table_vmi, copy, accepted);
                decode(text, &mv_table_migration, copy, accepted);
        }
        free(block);
        return 0;
}
