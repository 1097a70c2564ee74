/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fields of an object stand in the file that it came from, for reports that point there.
 *
 * Kept for all but managedFields, and only for fields that begin on another line than what they are in:
 * an object on one line costs nothing. A path that is not there, or is too long to be kept, stands where the next one above
 * it does.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/str.h"

/* A place in a file; both are 1-based, the column counts characters. Line 0: not known. */
struct mv_place {
        unsigned line, column;
};

/* Tells the place of a byte of the text that is looked at. It is asked with ever larger offsets. */
struct mv_place_finder {
        struct mv_place (*find)(void *context, size_t offset);
        void *context;
};

struct mv_lines;

/* json is an object, valid, and begins at that offset of the finder's text. In the arena; NULL when that is exhausted. */
const struct mv_lines *mv_lines_make(struct mv_arena *arena, struct mv_str json, size_t offset,
                                     const struct mv_place_finder *finder);

/* The place of the field of that path, as mv_path_format writes it; of the object when nothing above it is there either. Line
 * 0 when lines is NULL. */
struct mv_place mv_lines_find(const struct mv_lines *lines, struct mv_str path);
