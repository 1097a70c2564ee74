/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decode tables: JSON text -> struct, with type checks and field paths.
 *
 * A table row names a key, the type its value must have, and where it goes in the struct. Keys that no row names
 * are validated and passed over, so a newer API costs nothing. A wrong type is an error that names the field's path
 * and its byte offset. null stands for "absent", as in Go. A key that a row names and that comes twice is an error:
 * which of the two counts must not depend on the reader.
 *
 * What is absent stays zero. Slices point into the text, or are copied when the decoder is told so; strings with
 * escapes always go to the arena.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/scan.h"
#include "policy/object/shape.h"

#include <stdint.h>

/* A boolean that may be absent (*bool in Go). */
enum mv_optional { MV_UNSET, MV_FALSE, MV_TRUE };

struct mv_optional_int {
        int64_t value;
        bool set;
};

/* string -> string, sorted by key (bytes), keys unique. */
struct mv_pair {
        struct mv_str key, value;
};
struct mv_map {
        struct mv_pair *items;
        uint32_t n;
        bool present; /* the key was there, maybe with {} */
};

struct mv_strings {
        struct mv_str *items;
        size_t n;
};

/* Every `struct { T *items; size_t n; }` has this layout; declare one with MV_LIST(T). */
struct mv_list {
        void *items;
        size_t n;
};
#define MV_LIST(type)        \
        struct {             \
                type *items; \
                size_t n;    \
        }

enum mv_type {
        MV_TYPE_ANY,    /* validated, not kept */
        MV_TYPE_STRING, /* struct mv_str */
        MV_TYPE_TEXT, /* struct mv_str of a string or a number: quantities that are not looked at, int-or-string */
        MV_TYPE_QUANTITY, /* likewise, and Kubernetes must take it for a quantity */
        MV_TYPE_BOOL,     /* bool */
        MV_TYPE_OPTIONAL, /* enum mv_optional */
        MV_TYPE_INT,      /* struct mv_optional_int; a JSON number without fraction or exponent, int64 */
        MV_TYPE_OBJECT,   /* an embedded struct, described by .table */
        MV_TYPE_POINTER,  /* pointer to a struct, NULL when absent; the key with {} gives a zeroed struct */
        MV_TYPE_LIST,     /* struct mv_list of structs, described by .table */
        MV_TYPE_STRINGS,  /* struct mv_strings */
        MV_TYPE_MAP,      /* struct mv_map of strings */
        MV_TYPE_TEXT_MAP, /* struct mv_map of strings or numbers: resource lists */
        MV_TYPE_QUANTITY_MAP, /* likewise, of quantities */
        MV_TYPE_BOOL_MAP,     /* struct mv_map of booleans: the value is "true" or "false" */
        MV_TYPE_NAMED, /* struct mv_list from an object with free keys; the key goes to the struct's first member,
                             a struct mv_str; sorted by it */
        MV_TYPE_PRESENT, /* bool: an object is there, whatever is in it */
        MV_TYPE_GIVEN,   /* bool: a value is there, of whatever type */
        MV_TYPE_RAW,     /* struct mv_str: the value's JSON text; "" when absent or null */
};

struct mv_table;

struct mv_field {
        struct mv_str key;
        enum mv_type type;
        size_t offset;
        const struct mv_table *table; /* MV_TYPE_OBJECT, POINTER, LIST, NAMED */
        const char *prefix;           /* of a map: only keys that begin with it are kept; NULL: all */
};

struct mv_table {
        const struct mv_field *fields; /* at most 64 */
        size_t n;
        size_t size;  /* of the struct */
        size_t align; /* of the struct */
        /* What KubeVirt's schema check sees: any other key is reported to mv_decode.unknown. */
        bool closed;
};

#define MV_FIELD(type_, key_, kind_, member_) \
        { .key = { (key_), sizeof(key_) - 1 }, .type = (kind_), .offset = offsetof(type_, member_) }
#define MV_FIELD_TABLE(type_, key_, kind_, member_, table_)                                               \
        {                                                                                                 \
                .key = { (key_), sizeof(key_) - 1 }, .type = (kind_), .offset = offsetof(type_, member_), \
                .table = (table_)                                                                         \
        }
#define MV_FIELD_PREFIX(type_, key_, kind_, member_, prefix_)                                             \
        {                                                                                                 \
                .key = { (key_), sizeof(key_) - 1 }, .type = (kind_), .offset = offsetof(type_, member_), \
                .prefix = (prefix_)                                                                       \
        }
/* A key that a closed table knows and nobody reads. */
#define MV_FIELD_ANY(key_) \
        { .key = { (key_), sizeof(key_) - 1 }, .type = MV_TYPE_ANY }
#define MV_TABLE(fields_, type_)                                                                         \
        {                                                                                                \
                .fields = (fields_), .n = sizeof(fields_) / sizeof((fields_)[0]), .size = sizeof(type_), \
                .align = alignof(type_)                                                                  \
        }
#define MV_TABLE_CLOSED(fields_, type_)                                                                  \
        {                                                                                                \
                .fields = (fields_), .n = sizeof(fields_) / sizeof((fields_)[0]), .size = sizeof(type_), \
                .align = alignof(type_), .closed = true                                                  \
        }

/* A step of a field path, innermost first. */
struct mv_path {
        const struct mv_path *parent;
        struct mv_str key; /* of an object, or */
        size_t index;      /* of an array, when key.p is NULL */
};

/* Print the path as `spec.volumes[0].name` into out (NUL-terminated, cut if too small); "" for the top. */
void mv_path_format(const struct mv_path *path, char *out, size_t size);

/* A value that has a table of its own, and is decoded with it while the text around it is read. */
struct mv_inner {
        const struct mv_table *table;
        const struct mv_shape *shape; /* as in struct mv_decode */
        void *ret;                    /* zeroed */
        bool decoded, fits;           /* by mv_decode: *ret is to be used; it has the shape */
};

struct mv_decode {
        struct mv_arena *arena;
        /* Copy strings into the arena, because the text will go away: all of them, also those that the decoder supplies, since
         * nothing that *ret points to may be elsewhere (policy/object/pack.h). */
        bool copy;
        /* Unless NULL: the shape of the object. *ret_fits says whether it has no key that the shape lacks, and all that the
         * shape requires; false may also mean that this cannot be told in passing (mv_schema_check tells). */
        const struct mv_shape *shape;
        bool *ret_fits;
        /* Unless NULL: told of each key that a closed table does not have. path is that of the object. */
        void (*unknown)(void *context, const struct mv_path *path, struct mv_str key);
        /* Unless NULL: asked of each field of MV_TYPE_RAW that is an object, and may return NULL. owner is the struct that the
         * field goes to, as far as it is read. What does not decode is passed over like any other, and whoever decodes it once
         * more learns why; the text around it is no worse for that. */
        struct mv_inner *(*inner)(void *context, const struct mv_field *field, void *owner);
        void *context;
};

/*
 * Decode text, which is one JSON object and followed by MV_SCAN_PADDING zero bytes, into *ret (zeroed by this
 * function, of table->size bytes). Returns 0 or MV_ESYNTAX, MV_ELIMIT, MV_ETYPE, MV_ENOMEM with err->offset and
 * err->path; *ret is then not to be used.
 */
int mv_decode(const struct mv_decode *decode, struct mv_str text, const struct mv_table *table, void *ret,
              struct mv_err *err);

/* The value of key, or NULL. */
const struct mv_str *mv_map_get(const struct mv_map *map, struct mv_str key);
/* The value of key equals value. */
bool mv_map_has(const struct mv_map *map, struct mv_str key, struct mv_str value);
/* Both are the same strings, in the same order. */
bool mv_strings_equal(const struct mv_strings *a, const struct mv_strings *b);
/* s is one of the strings. */
bool mv_strings_have(const struct mv_strings *strings, struct mv_str s);
