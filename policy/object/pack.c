/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/pack.h"

/* Objects are as deep as the scanner reads. */
// NOLINTBEGIN(misc-no-recursion)

/* --- what an object points to --- */

struct reference {
        const void **at;  /* the pointer */
        size_t size;      /* of what it points to; 0: there is nothing */
        const void *type; /* for mv_pieces_take */
        bool text;
        size_t n_texts; /* what is there is that many texts, */
        const struct mv_table *table;
        size_t n_structs; /* or that many structs, */
        bool named;       /* with a key in front that the table does not have */
};

typedef bool (*visitor)(void *context, const struct reference *reference);

static struct reference to_text(struct mv_str *text) {
        static const char type;
        return (struct reference){
                .at = (const void **)(void *)&text->p, .size = text->n, .type = &type, .text = true
        };
}

static struct reference to_texts(struct mv_strings *texts) {
        static const char type;
        return (struct reference){ .at = (const void **)(void *)&texts->items,
                                   .size = texts->n * sizeof *texts->items,
                                   .type = &type,
                                   .n_texts = texts->n };
}

static struct reference to_pairs(struct mv_map *map) {
        static const char type;
        _Static_assert(sizeof *map->items == 2 * sizeof(struct mv_str), "a pair is two texts");
        return (struct reference){ .at = (const void **)(void *)&map->items,
                                   .size = map->n * sizeof *map->items,
                                   .type = &type,
                                   .n_texts = map->n * 2 };
}

static struct reference to_list(const struct mv_field *field, struct mv_list *list) {
        bool named = field->type == MV_TYPE_NAMED;
        return (struct reference){ .at = (const void **)(void *)&list->items,
                                   .size = list->n * field->table->size,
                                   .type = named ? (const void *)field : (const void *)field->table,
                                   .table = field->table,
                                   .n_structs = list->n,
                                   .named = named };
}

static struct reference to_struct(const struct mv_table *table, void *member) {
        const void **at = member;
        return (struct reference){ .at = at,
                                   .size = *at ? table->size : 0,
                                   .type = table,
                                   .table = table,
                                   .n_structs = *at != NULL };
}

/* What a member points to; false when it does not point to anything. Whatever can begins with the pointer. */
static bool refers(const struct mv_field *field, void *member, struct reference *ret) {
        switch (field->type) {
        case MV_TYPE_ANY:
        case MV_TYPE_BOOL:
        case MV_TYPE_OPTIONAL:
        case MV_TYPE_INT:
        case MV_TYPE_PRESENT:
        case MV_TYPE_GIVEN:
        case MV_TYPE_OBJECT:
                return false;
        case MV_TYPE_STRING:
        case MV_TYPE_TEXT:
        case MV_TYPE_QUANTITY:
        case MV_TYPE_RAW:
                *ret = to_text(member);
                return true;
        case MV_TYPE_STRINGS:
                *ret = to_texts(member);
                return true;
        case MV_TYPE_MAP:
        case MV_TYPE_TEXT_MAP:
        case MV_TYPE_QUANTITY_MAP:
        case MV_TYPE_BOOL_MAP:
                *ret = to_pairs(member);
                return true;
        case MV_TYPE_LIST:
        case MV_TYPE_NAMED:
                *ret = to_list(field, member);
                return true;
        case MV_TYPE_POINTER:
                *ret = to_struct(field->table, member);
                return true;
        }
        return false;
}

/* Most members are absent. */
static bool is_nothing(const struct mv_field *field, const void *member) {
        static const bool points[] = {
                [MV_TYPE_STRING] = true,   [MV_TYPE_TEXT] = true,         [MV_TYPE_QUANTITY] = true,
                [MV_TYPE_RAW] = true,      [MV_TYPE_POINTER] = true,      [MV_TYPE_LIST] = true,
                [MV_TYPE_NAMED] = true,    [MV_TYPE_STRINGS] = true,      [MV_TYPE_MAP] = true,
                [MV_TYPE_TEXT_MAP] = true, [MV_TYPE_QUANTITY_MAP] = true, [MV_TYPE_BOOL_MAP] = true,
        };
        return (size_t)field->type < sizeof points && points[field->type] && !*(const void *const *)member;
}

/* Visit whatever a struct points to. True when each visit is; none is left out. */
static bool visit_struct(const struct mv_table *table, void *object, visitor visit, void *context) {
        bool all = true;
        for (size_t i = 0; i < table->n; i++) {
                const struct mv_field *field = &table->fields[i];
                void *member = (char *)object + field->offset;
                struct reference reference;
                if (is_nothing(field, member))
                        continue;
                if (field->type == MV_TYPE_OBJECT)
                        all = visit_struct(field->table, member, visit, context) && all;
                else if (refers(field, member, &reference))
                        all = visit(context, &reference) && all;
        }
        return all;
}

static bool visit_text(struct mv_str *text, visitor visit, void *context) {
        const struct reference reference = to_text(text);
        return visit(context, &reference);
}

/* The same of what is at the end of a reference. */
static bool visit_inside(const struct reference *reference, visitor visit, void *context) {
        char *inside = (char *)(uintptr_t)*reference->at;
        bool all = true;
        for (size_t i = 0; i < reference->n_texts; i++)
                all = visit_text((struct mv_str *)(void *)inside + i, visit, context) && all;
        for (size_t i = 0; i < reference->n_structs; i++) {
                char *item = inside + i * reference->table->size;
                if (reference->named)
                        all = visit_text((struct mv_str *)(void *)item, visit, context) && all;
                all = visit_struct(reference->table, item, visit, context) && all;
        }
        return all;
}

static bool is_in(struct mv_range range, const void *p) {
        return (uintptr_t)p >= (uintptr_t)range.begin && (uintptr_t)p < (uintptr_t)range.end;
}

/* --- giving up --- */

struct releasing {
        struct mv_pieces *pieces;
        struct mv_range own;
};

static bool release(void *context, const struct reference *reference) {
        const struct releasing *releasing = context;
        if (!reference->size)
                return true;
        if (is_in(releasing->own, *reference->at))
                return visit_inside(reference, release, context);
        if (!mv_pieces_release(*reference->at))
                return true;
        visit_inside(reference, release, &(struct releasing){ .pieces = releasing->pieces });
        mv_pieces_drop(releasing->pieces, *reference->at);
        return true;
}

void mv_pack_release(struct mv_pieces *pieces, struct mv_range own, const struct mv_table *table,
                     const void *object) {
        visit_struct(table, (void *)(uintptr_t)object, release, &(struct releasing){ pieces, own });
}

/* --- sharing: from the inside to the outside, since a piece points to pieces only --- */

static size_t aligned(size_t n) {
        return (n + MV_PACK_ALIGN - 1) / MV_PACK_ALIGN * MV_PACK_ALIGN;
}

/* Where a text is that is there but has no bytes. */
static const char empty[1];

struct sharing {
        struct mv_pieces *pieces;
        size_t rest; /* bytes that are not shared */
};

static bool share(void *context, const struct reference *reference) {
        struct sharing *sharing = context;
        bool made;
        if (!reference->size) {
                *reference->at = reference->text && *reference->at ? empty : NULL;
                return true;
        }
        const void *piece = visit_inside(reference, share, context)
                                    ? mv_pieces_take(sharing->pieces, reference->type, *reference->at,
                                                     reference->size, &made)
                                    : NULL;
        if (!piece) {
                sharing->rest += reference->text ? reference->size + 1 : aligned(reference->size);
                return false;
        }
        if (!made) /* it has such uses itself */
                visit_inside(reference, release, &(struct releasing){ .pieces = sharing->pieces });
        *reference->at = piece;
        return true;
}

size_t mv_pack_share(struct mv_pieces *pieces, const struct mv_table *table, void *object) {
        struct sharing sharing = { pieces, aligned(table->size) };
        visit_struct(table, object, share, &sharing);
        return sharing.rest;
}

/* --- moving: structs to the front of the block, texts to its end --- */

struct moving {
        struct mv_range from;
        char *front, *end;
};

static void *move_struct(struct moving *moving, const void *bytes, size_t n) {
        char *to = moving->front;
        moving->front += aligned(n);
        return memcpy(to, bytes, n);
}

static const char *move_text(struct moving *moving, const void *bytes, size_t n) {
        moving->end -= n + 1;
        moving->end[n] = '\0';
        return memcpy(moving->end, bytes, n);
}

static bool move(void *context, const struct reference *reference) {
        struct moving *moving = context;
        if (!reference->size || !is_in(moving->from, *reference->at))
                return true;
        if (reference->text)
                *reference->at = move_text(moving, *reference->at, reference->size);
        else
                *reference->at = move_struct(moving, *reference->at, reference->size);
        return visit_inside(reference, move, context);
}

void *mv_pack_move(struct mv_range from, const struct mv_table *table, const void *object, void *block,
                   size_t size) {
        struct moving moving = { from, block, (char *)block + size };
        void *moved = move_struct(&moving, object, table->size);
        visit_struct(table, moved, move, &moving);
        return moved;
}

// NOLINTEND(misc-no-recursion)
