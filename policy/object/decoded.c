/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups in what was decoded, and its paths in words (policy/object/decode.h). */
#include "policy/object/decode.h"

#include <stdio.h>

const struct mv_str *mv_map_get(const struct mv_map *map, struct mv_str key) {
        size_t low = 0, high = map->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = mv_str_compare(map->items[middle].key, key);
                if (order == 0)
                        return &map->items[middle].value;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

bool mv_map_has(const struct mv_map *map, struct mv_str key, struct mv_str value) {
        const struct mv_str *at = mv_map_get(map, key);
        return at && mv_str_equal(*at, value);
}

bool mv_strings_equal(const struct mv_strings *a, const struct mv_strings *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!mv_str_equal(a->items[i], b->items[i]))
                        return false;
        return true;
}

bool mv_strings_have(const struct mv_strings *strings, struct mv_str s) {
        for (size_t i = 0; i < strings->n; i++)
                if (mv_str_equal(strings->items[i], s))
                        return true;
        return false;
}

static void path_append(const struct mv_path *path, char *out, size_t size, size_t *n) {
        if (!path)
                return;
        path_append(path->parent, out, size, n);
        int wrote;
        if (path->key.p)
                wrote = snprintf(out + *n, size - *n, "%s%.*s", *n ? "." : "", MV_STR_ARG(path->key));
        else
                wrote = snprintf(out + *n, size - *n, "[%zu]", path->index);
        if (wrote > 0)
                *n += (size_t)wrote < size - *n ? (size_t)wrote : size - *n - 1;
}

void mv_path_format(const struct mv_path *path, char *out, size_t size) {
        size_t n = 0;
        out[0] = '\0';
        path_append(path, out, size, &n);
}
