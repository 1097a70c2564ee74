/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/support.h"

#include "policy/object/scan.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's; there is none where files are only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));

void fuzz_check(bool right, const char *what) {
        if (right)
                return;
        fprintf(stderr, "%s\n", what);
        abort();
}

char *fuzz_copy(struct mv_str text) {
        char *copy = malloc(text.n + MV_SCAN_PADDING);
        fuzz_check(copy, "no memory");
        if (text.n)
                memcpy(copy, text.p, text.n);
        memset(copy + text.n, 0, MV_SCAN_PADDING);
        return copy;
}

bool fuzz_is_json(struct mv_str text) {
        char *copy = fuzz_copy(text);
        bool valid = mv_json_validate((struct mv_str){ copy, text.n }, NULL) == 0;
        free(copy);
        return valid;
}

/* --- mutation of JSON --- */

struct mutation {
        uint64_t random;
        const struct fuzz_words *words;
        struct json_object *root;
};

static size_t below(struct mutation *m, size_t n) {
        m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return n ? (size_t)(m->random >> 33) % n : 0;
}

static const char *word(struct mutation *m, const char *const *words) {
        size_t n = 0;
        while (words[n])
                n++;
        return words[below(m, n)];
}

/* A value and where it is: in an object with a key, or in an array. */
struct place {
        struct json_object *parent, *value;
        const char *key; /* NULL: in an array */
        size_t index;
};

/* The number of values below `value`; the one that *left counts down to is put into *ret. */
static void find(struct json_object *value, size_t *left, struct place *ret) {
        if (json_object_is_type(value, json_type_object)) {
                json_object_object_foreach(value, key, child) {
                        if ((*left)-- == 0)
                                *ret = (struct place){ value, child, key, 0 };
                        find(child, left, ret);
                }
        } else if (json_object_is_type(value, json_type_array))
                for (size_t i = 0; i < json_object_array_length(value); i++) {
                        struct json_object *child = json_object_array_get_idx(value, i);
                        if ((*left)-- == 0)
                                *ret = (struct place){ value, child, NULL, i };
                        find(child, left, ret);
                }
}

/* Any value; false when there is none below the root. */
static bool any_place(struct mutation *m, struct place *ret) {
        size_t left = SIZE_MAX;
        *ret = (struct place){ 0 };
        find(m->root, &left, ret);
        size_t n = SIZE_MAX - left;
        left = below(m, n);
        find(m->root, &left, ret);
        return n && ret->parent;
}

static void put(const struct place *at, struct json_object *value) {
        if (at->key) {
                char *key = strdup(at->key); /* the old one may go with its value */
                json_object_object_add(at->parent, key, value);
                free(key);
        } else
                json_object_array_put_idx(at->parent, at->index, value);
}

static struct json_object *copy_of(struct json_object *value) {
        struct json_object *copy = NULL;
        if (value && json_object_deep_copy(value, &copy, NULL) < 0)
                return NULL;
        return copy;
}

/* A text that is a little different. */
static struct json_object *other_text(struct mutation *m, struct json_object *value) {
        char text[256];
        size_t n = (size_t)json_object_get_string_len(value);
        if (n > sizeof text / 2)
                n = sizeof text / 2;
        memcpy(text, json_object_get_string(value), n);
        if (LLVMFuzzerMutate)
                n = LLVMFuzzerMutate((uint8_t *)text, n, sizeof text);
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)text[i] >= 0x80) /* so that it stays UTF-8 */
                        text[i] = (char)('a' + below(m, 26));
        return json_object_new_string_len(text, (int)n);
}

static struct json_object *another(struct mutation *m, struct json_object *value) {
        struct place other;
        if (json_object_is_type(value, json_type_string) && below(m, 2))
                return other_text(m, value);
        if (json_object_is_type(value, json_type_int) && below(m, 2))
                return json_object_new_int64(
                        (int64_t)((uint64_t)json_object_get_int64(value) + below(m, 5) - 2));
        if (below(m, 3) == 0 && any_place(m, &other))
                return copy_of(other.value);
        return json_tokener_parse(word(m, m->words->values));
}

static void mutate_once(struct mutation *m) {
        struct place at;
        if (!any_place(m, &at))
                return;
        struct json_object *value = at.value;
        switch (below(m, 6)) {
        case 0:
                if (at.key)
                        json_object_object_del(at.parent, at.key);
                else
                        json_object_array_del_idx(at.parent, at.index, 1);
                break;
        case 1: /* one more, of a list or an object */
                if (json_object_is_type(value, json_type_array) && json_object_array_length(value) < 1000)
                        json_object_array_add(value, another(m, json_object_array_get_idx(value, 0)));
                else if (json_object_is_type(value, json_type_object))
                        json_object_object_add(value, word(m, m->words->keys), another(m, NULL));
                else
                        put(&at, another(m, value));
                break;
        case 2: /* under another name */
                if (at.key) {
                        struct json_object *kept = copy_of(value);
                        json_object_object_del(at.parent, at.key);
                        json_object_object_add(at.parent, word(m, m->words->keys), kept);
                }
                break;
        default:
                put(&at, another(m, value));
        }
}

size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t most, unsigned seed,
                        const struct fuzz_words *words) {
        struct mutation m = { .random = seed, .words = words };
        struct json_tokener *tokener = json_tokener_new_ex(64);
        if (below(&m, 8) && size && size < INT32_MAX)
                m.root = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
        json_tokener_free(tokener);
        if (!m.root)
                return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, most) : size;
        for (size_t n = 1 + below(&m, 4); n; n--)
                mutate_once(&m);
        size_t n = 0;
        const char *text = json_object_to_json_string_length(
                m.root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);
        if (text && n <= most) {
                memcpy(data, text, n);
                size = n;
        }
        json_object_put(m.root);
        return size;
}
