/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/lines.h"

#include "policy/base/hash.h"
#include "policy/object/decode.h"
#include "policy/object/scan.h"

enum { LONGEST = 256 }; /* path that is kept, with its NUL */

struct line {
        struct line *next;
        uint64_t hash; /* of the path */
        struct mv_place place;
};

struct mv_lines {
        struct mv_place object;
        struct line *first, **end;
};

struct walk {
        struct mv_arena *arena;
        struct mv_scan scan;
        size_t offset; /* of the text in the finder's */
        const struct mv_place_finder *finder;
        struct mv_lines *lines;
};

static uint64_t hash_of(struct mv_str path) {
        return mv_hash_add(MV_HASH_START, path);
}

/* Keep the path's place, which is that of the next token, unless it is on the line of what it is in. Returns its line. */
static unsigned keep(struct walk *walk, const struct mv_path *path, const char *at, unsigned above) {
        char text[LONGEST];
        struct mv_place place =
                walk->finder->find(walk->finder->context, walk->offset + (size_t)(at - walk->scan.begin));
        if (place.line == above)
                return above;
        mv_path_format(path, text, sizeof text);
        struct mv_str whole = mv_str_from(text);
        struct line *line = whole.n < LONGEST - 1 ? mv_arena_new(walk->arena, struct line) : NULL;
        if (line) {
                *line = (struct line){ .hash = hash_of(whole), .place = place };
                *walk->lines->end = line;
                walk->lines->end = &line->next;
        }
        return place.line;
}

static void walk_value(struct walk *walk, const struct mv_path *path, unsigned line);

static void walk_object(struct walk *walk, const struct mv_path *path, // NOLINT(misc-no-recursion)
                        unsigned line) {
        struct mv_scan_string key;
        bool first = true;
        if (!mv_scan_object(&walk->scan))
                return;
        while (mv_scan_key(&walk->scan, &first, &key)) {
                const struct mv_path inner = { .parent = path, .key = key.raw };
                bool metadata = path && !path->parent && mv_str_is(path->key, "metadata");
                if (metadata && mv_str_is(key.raw, "managedFields"))
                        mv_scan_skip(&walk->scan, NULL);
                else
                        walk_value(walk, &inner, keep(walk, &inner, key.raw.p - 1, line));
        }
}

static void walk_array(struct walk *walk, const struct mv_path *path, // NOLINT(misc-no-recursion)
                       unsigned line) {
        bool first = true;
        if (!mv_scan_array(&walk->scan))
                return;
        for (size_t i = 0; mv_scan_element(&walk->scan, &first); i++) {
                const struct mv_path inner = { .parent = path, .index = i };
                mv_scan_peek(&walk->scan);
                walk_value(walk, &inner, keep(walk, &inner, walk->scan.p, line));
        }
}

/* The scanner ends what is nested deeper than MV_SCAN_DEPTH. */
static void walk_value(struct walk *walk, const struct mv_path *path, // NOLINT(misc-no-recursion)
                       unsigned line) {
        char c = mv_scan_peek(&walk->scan);
        if (c == '{')
                walk_object(walk, path, line);
        else if (c == '[')
                walk_array(walk, path, line);
        else
                mv_scan_skip(&walk->scan, NULL);
}

const struct mv_lines *mv_lines_make(struct mv_arena *arena, struct mv_str json, size_t offset,
                                     const struct mv_place_finder *finder) {
        struct mv_lines *lines = mv_arena_new(arena, struct mv_lines);
        if (!lines)
                return NULL;
        struct walk walk = { .arena = arena, .offset = offset, .finder = finder, .lines = lines };
        lines->end = &lines->first;
        mv_scan_init(&walk.scan, json);
        mv_scan_peek(&walk.scan);
        lines->object = finder->find(finder->context, offset + (size_t)(walk.scan.p - walk.scan.begin));
        walk_value(&walk, NULL, lines->object.line);
        return mv_arena_failed(arena) ? NULL : lines;
}

/* Without its last step. */
static struct mv_str above(struct mv_str path) {
        while (path.n && path.p[path.n - 1] != '.' && path.p[path.n - 1] != '[')
                path.n--;
        path.n -= path.n > 0;
        return path;
}

struct mv_place mv_lines_find(const struct mv_lines *lines, struct mv_str path) {
        if (!lines)
                return (struct mv_place){ 0 };
        for (; path.n; path = above(path)) {
                uint64_t hash = hash_of(path);
                for (const struct line *line = lines->first; line; line = line->next)
                        if (line->hash == hash)
                                return line->place;
        }
        return lines->object;
}
