/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/buf.h"
#include "policy/base/hash.h"
#include "policy/object/config_map.h"
#include "policy/object/pack.h"
#include "policy/snapshot/snapshot_making.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

enum {
        MOST_LISTS = 32, /* one in another */
        SCRATCH_BYTES = 256 * 1024,
        ITEMS_AHEAD = 32, /* items of a List that are decoded, and not yet added */
        ITEM_BYTES = 64 * 1024
};

struct mv_snapshot_builder {
        struct mv_snapshot *snapshot;
        struct mv_str default_namespace;
        struct mv_entry *entries; /* all there are so far, and */
        size_t capacity;          /* room for so many */
        uint32_t *slots;          /* entry number + 1; open addressing by (kind, namespace, name) */
        size_t n_slots;           /* a power of two */
        char *scratch;            /* SCRATCH_BYTES: where an object is decoded first */
        uint64_t texts;           /* kinds whose text is kept */
        size_t lists;             /* that are open, one in another */
        const struct mv_place_finder *finder; /* NULL: lines are not kept */
        const char *document;                 /* that is being added */
        mv_snapshot_worker *worker;           /* NULL: there is none */
        bool failed;
};

struct mv_snapshot_builder *mv_snapshot_builder_new(const struct mv_allocator *allocator,
                                                    struct mv_str default_namespace) {
        struct mv_snapshot *snapshot = allocator->allocate(allocator->context, sizeof *snapshot);
        if (!snapshot)
                return NULL;
        *snapshot = (struct mv_snapshot){ .allocator = allocator };
        mv_arena_init(&snapshot->arena, allocator, 0);
        mv_pieces_init(&snapshot->pieces, allocator);
        struct mv_snapshot_builder *builder = mv_arena_new(&snapshot->arena, struct mv_snapshot_builder);
        char *scratch = allocator->allocate(allocator->context, SCRATCH_BYTES);
        if (!builder || !scratch) {
                allocator->release(allocator->context, scratch);
                mv_snapshot_free(snapshot);
                return NULL;
        }
        builder->snapshot = snapshot;
        builder->scratch = scratch;
        builder->default_namespace = mv_arena_copy(&snapshot->arena, default_namespace);
        return builder;
}

/* What nobody needs once the snapshot is there. */
static void release_means(struct mv_snapshot_builder *builder) {
        const struct mv_allocator *allocator = builder->snapshot->allocator;
        allocator->release(allocator->context, builder->entries);
        allocator->release(allocator->context, builder->slots);
        allocator->release(allocator->context, builder->scratch);
}

struct mv_snapshot_builder *mv_snapshot_builder_free(struct mv_snapshot_builder *builder) {
        if (builder) {
                release_means(builder);
                mv_snapshot_free(builder->snapshot); /* the builder lives in its arena */
        }
        return NULL;
}

/* --- the index --- */

static uint64_t key_hash(const struct mv_snapshot_builder *builder, enum mv_kind kind,
                         struct mv_str namespace, struct mv_str name) {
        uint64_t hash = mv_hash_seed(builder->slots) + (uint64_t)kind;
        return mv_hash_add(mv_hash_add(hash, mv_kinds[kind].namespaced ? namespace : MV_STR("")), name);
}

/* The slot of that object, or the free one where it belongs. */
static uint32_t *find_slot(const struct mv_snapshot_builder *builder, enum mv_kind kind,
                           struct mv_str namespace, struct mv_str name) {
        size_t mask = builder->n_slots - 1, at = (size_t)key_hash(builder, kind, namespace, name) & mask;
        for (;; at = (at + 1) & mask) {
                uint32_t *slot = &builder->slots[at];
                if (!*slot)
                        return slot;
                const struct mv_entry *entry = &builder->entries[*slot - 1];
                if (entry->kind == kind && mv_str_equal(entry->meta->name, name) &&
                    (!mv_kinds[kind].namespaced || mv_str_equal(entry->meta->namespace, namespace)))
                        return slot;
        }
}

/* Room for one more entry: where it goes, or NULL. */
static struct mv_entry *reserve(struct mv_snapshot_builder *builder) {
        const struct mv_allocator *allocator = builder->snapshot->allocator;
        size_t n = builder->snapshot->n_entries, capacity = builder->capacity ? builder->capacity * 2 : 64;
        if (n < builder->capacity)
                return &builder->entries[n];
        struct mv_entry *entries = allocator->allocate(allocator->context, capacity * sizeof *entries);
        uint32_t *slots = allocator->allocate(allocator->context, capacity * 2 * sizeof *slots);
        if (!entries || !slots || capacity > UINT32_MAX / 2) {
                allocator->release(allocator->context, entries);
                allocator->release(allocator->context, slots);
                return NULL;
        }
        if (n)
                memcpy(entries, builder->entries, n * sizeof *entries);
        memset(slots, 0, capacity * 2 * sizeof *slots);
        allocator->release(allocator->context, builder->entries);
        allocator->release(allocator->context, builder->slots);
        builder->entries = entries;
        builder->slots = slots;
        builder->n_slots = capacity * 2;
        builder->capacity = capacity;
        for (size_t i = 0; i < n; i++)
                if (entries[i].meta->name.n && !entries[i].superseded)
                        *find_slot(builder, entries[i].kind, entries[i].meta->namespace,
                                   entries[i].meta->name) = (uint32_t)i + 1;
        return &entries[n];
}

static int add_entry(struct mv_snapshot_builder *builder, const struct mv_entry *entry, struct mv_err *err) {
        struct mv_snapshot *snapshot = builder->snapshot;
        struct mv_entry *place = reserve(builder);
        if (!place)
                return mv_err_oom(err);
        if (entry->meta->name.n) { /* one with generateName cannot be looked up */
                uint32_t *slot = find_slot(builder, entry->kind, entry->meta->namespace, entry->meta->name);
                struct mv_entry *other = *slot ? &builder->entries[*slot - 1] : NULL;
                if (other && other->digest == entry->digest)
                        return 0;
                if (other) {
                        other->superseded = true;
                        mv_snapshot_add_note(
                                snapshot,
                                mv_arena_format(
                                        &snapshot->arena,
                                        "%s %.*s%s%.*s is given twice, in %.*s and in %.*s: the latter counts",
                                        mv_kinds[entry->kind].kind, MV_STR_ARG(entry->meta->namespace),
                                        entry->meta->namespace.n ? "/" : "", MV_STR_ARG(entry->meta->name),
                                        MV_STR_ARG(other->origin), MV_STR_ARG(entry->origin)));
                }
                *slot = (uint32_t)snapshot->n_entries + 1;
        }
        *place = *entry;
        snapshot->n_entries++;
        return 0;
}

/* --- decoding --- */

/* The items of a List are found by the scanner, so that one item at a time is decoded. */
static int add_list(struct mv_snapshot_builder *builder, struct mv_str json, const struct mv_any *list,
                    struct mv_str origin, struct mv_err *err);

static void pass_over(struct mv_snapshot *snapshot, const struct mv_any *any) {
        struct mv_passed_over *kinds = snapshot->passed_over;
        size_t at = 0;
        while (at < snapshot->n_passed_over && (!mv_str_equal(kinds[at].kind, any->kind) ||
                                                !mv_str_equal(kinds[at].api_version, any->api_version)))
                at++;
        if (at >= MV_MOST_PASSED_OVER) { /* all the others together */
                at = MV_MOST_PASSED_OVER;
                kinds[at].kind = MV_STR("...");
        } else if (at == snapshot->n_passed_over) {
                kinds[at].api_version = mv_arena_copy(&snapshot->arena, any->api_version);
                kinds[at].kind = mv_arena_copy(&snapshot->arena, any->kind);
        }
        kinds[at].n++;
        if (at == snapshot->n_passed_over)
                snapshot->n_passed_over++;
}

/* *ret_plain: everything the object points to is in its table. */
static int decode_into(struct mv_arena *arena, const struct mv_kind_info *info, struct mv_str json,
                       void **ret, bool *ret_plain, struct mv_err *err) {
        const struct mv_decode decode = { .arena = arena, .copy = true };
        void *object = mv_arena_allocate(arena, info->table->size, info->table->align);
        int r = object ? mv_decode(&decode, json, info->table, object, err) : mv_err_oom(err);
        if (r < 0)
                return r;
        const struct mv_meta *meta = (const struct mv_meta *)(void *)((char *)object + info->meta_offset);
        if (!meta->name.n && !meta->generate_name.n) {
                if (err) {
                        err->offset = 0;
                        memcpy(err->path, "metadata.name", sizeof "metadata.name");
                }
                return mv_err_set(err, MV_ETYPE, "a %s without a name", info->kind);
        }
        const char *before = arena->next;
        r = info->read ? info->read(&decode, json, object, err) : 0;
        if (r == 0 && mv_arena_failed(arena))
                r = mv_err_oom(err);
        if (r < 0)
                return r;
        *ret = object;
        *ret_plain = !info->read || (info->reads_written && arena->next == before);
        return 0;
}

/* Move an object that was decoded into that range to memory of just its size. It shares with others what they have in common. */
static void *pack_object(struct mv_snapshot *snapshot, enum mv_kind kind, struct mv_range range,
                         void *object) {
        const struct mv_table *table = mv_kinds[kind].table;
        size_t size = mv_pack_share(&snapshot->pieces, table, object);
        void *block = mv_arena_allocate(&snapshot->arena, size, MV_PACK_ALIGN);
        return block ? mv_pack_move(range, table, object, block, size) : NULL;
}

/* Decode an object into scratch, which begins in memory of the caller's and goes. False: it does not fit there, cannot be
 * packed, or there is something wrong with it. */
static bool decode_in(struct mv_arena *scratch, enum mv_kind kind, struct mv_str json, void **ret,
                      int *ret_code, struct mv_err *err) {
        bool plain = false;
        *ret_code = decode_into(scratch, &mv_kinds[kind], json, ret, &plain, err);
        bool fits = !scratch->chunks;
        mv_arena_done(scratch);
        return *ret_code == 0 && plain && fits;
}

static int make_object(struct mv_snapshot_builder *builder, enum mv_kind kind, struct mv_str json, void **ret,
                       struct mv_err *err) {
        struct mv_snapshot *snapshot = builder->snapshot;
        const struct mv_range range = { builder->scratch, builder->scratch + SCRATCH_BYTES };
        struct mv_arena scratch;
        bool plain;
        int r;
        mv_arena_init_in(&scratch, snapshot->allocator, builder->scratch, SCRATCH_BYTES);
        if (decode_in(&scratch, kind, json, ret, &r, err)) {
                *ret = pack_object(snapshot, kind, range, *ret);
                return *ret ? 0 : mv_err_oom(err);
        }
        return r == 0 ? decode_into(&snapshot->arena, &mv_kinds[kind], json, ret, &plain, err) : r;
}

/* object is of that kind, and was made of json. */
static int keep_object(struct mv_snapshot_builder *builder, enum mv_kind kind, void *object,
                       struct mv_str json, uint64_t digest, struct mv_str origin, struct mv_err *err) {
        struct mv_snapshot *snapshot = builder->snapshot;
        const struct mv_kind_info *info = &mv_kinds[kind];
        struct mv_meta *meta = (struct mv_meta *)(void *)((char *)object + info->meta_offset);
        if (info->namespaced && !meta->namespace.n)
                meta->namespace = builder->default_namespace;
        if (!info->namespaced)
                meta->namespace = (struct mv_str){ 0 };
        const struct mv_lines *lines = NULL;
        if (builder->finder && mv_kind_is_judged(kind) &&
            !(lines = mv_lines_make(&snapshot->arena, json, (size_t)(json.p - builder->document),
                                    builder->finder)))
                return mv_err_oom(err);
        if (builder->texts >> kind & 1)
                meta->text = mv_arena_copy_padded(&snapshot->arena, json, MV_SCAN_PADDING);
        return add_entry(builder,
                         &(struct mv_entry){ .kind = kind,
                                             .meta = meta,
                                             .object = object,
                                             .origin = origin,
                                             .lines = lines,
                                             .digest = digest },
                         err);
}

static int add_object(struct mv_snapshot_builder *builder, struct mv_str json, const struct mv_any *any,
                      struct mv_str origin, struct mv_err *err) {
        enum mv_kind kind = mv_kind_find(mv_api_group(any->api_version), any->kind);
        if (kind == MV_KIND_COUNT) {
                pass_over(builder->snapshot, any);
                return 0;
        }
        void *object;
        int r = make_object(builder, kind, json, &object, err);
        return r ? r
                 : keep_object(builder, kind, object, json, mv_hash_add(MV_HASH_START, json), origin, err);
}

/* The judged kind that the object begins with the apiVersion and name of, as programs write it. False: decode it. */
static bool peek_kind(struct mv_str json, struct mv_any *ret) {
        struct mv_scan scan;
        struct mv_scan_string key, value;
        bool first = true;
        *ret = (struct mv_any){ 0 };
        mv_scan_init(&scan, json);
        if (!mv_scan_object(&scan))
                return false;
        for (int i = 0; i < 2; i++) {
                if (!mv_scan_key(&scan, &first, &key) || mv_scan_peek(&scan) != '"' ||
                    !mv_scan_string(&scan, &value) || value.escaped)
                        return false;
                if (mv_str_is(key.raw, "apiVersion"))
                        ret->api_version = value.raw;
                else if (mv_str_is(key.raw, "kind"))
                        ret->kind = value.raw;
        }
        enum mv_kind kind = mv_kind_find(mv_api_group(ret->api_version), ret->kind);
        return ret->api_version.n && kind != MV_KIND_COUNT && mv_kind_is_judged(kind);
}

/* origin is already in the arena. json has readable bytes behind it, but not always zeros (an item of a List): the
 * decoder stops at its length, and what stands behind an item is `,` or `]`. */
static int add_any(struct mv_snapshot_builder *builder, struct mv_str json, const struct mv_any *list,
                   struct mv_str origin, struct mv_err *err) {
        struct mv_arena scratch;
        struct mv_any any;
        if (peek_kind(json, &any)) /* what else any has, the kind's own table decodes */
                return add_object(builder, json, &any, origin, err);
        mv_arena_init(&scratch, builder->snapshot->allocator, 0);
        struct mv_decode decode = { .arena = &scratch };
        int r = mv_decode(&decode, json, &mv_table_any, &any, err);
        /* The items of a NodeList and the like, as the API server sends it, do not repeat their kind. */
        if (r == 0 && list && !any.kind.n && !any.api_version.n && list->kind.n > 4) {
                any.kind = (struct mv_str){ list->kind.p, list->kind.n - 4 };
                any.api_version = list->api_version;
        }
        if (r == 0 && (!any.kind.n || !any.api_version.n)) {
                if (err) {
                        err->offset = 0;
                        err->path[0] = '\0';
                }
                r = mv_err_set(err, MV_ETYPE, "no Kubernetes object: %s is missing",
                               any.kind.n ? "apiVersion" : "kind");
        }
        if (r == 0)
                r = mv_str_ends_with(any.kind, MV_STR("List")) && !any.meta.name.n
                            ? add_list(builder, json, &any, origin, err)
                            : add_object(builder, json, &any, origin, err);
        mv_arena_done(&scratch);
        return r;
}

static int scan_error(const struct mv_scan *scan, struct mv_err *err) {
        if (err) {
                err->path[0] = '\0';
                err->offset = (size_t)(scan->p - scan->begin);
        }
        return mv_err_set(err, scan->code, "%s", scan->problem);
}

/* The items of a List. */
struct items {
        struct mv_snapshot_builder *builder;
        const struct mv_str *texts;
        const char *begin; /* of the List */
        const struct mv_any *list;
        struct mv_str origin;
        struct mv_err *err;
};

/* An item that is decoded before those in front of it are added. */
struct item_ahead {
        bool decoded; /* else it is decoded when it is added, which finds out what is wrong */
        enum mv_kind kind;
        void *object; /* in memory */
        uint64_t digest;
        alignas(max_align_t) char memory[ITEM_BYTES];
};

/* Any thread. */
static void decode_item(void *context, size_t i, void *slot) {
        const struct items *items = context;
        struct item_ahead *ahead = slot;
        struct mv_arena scratch;
        struct mv_any any;
        int r;
        ahead->decoded = false;
        if (!peek_kind(items->texts[i], &any))
                return;
        ahead->kind = mv_kind_find(mv_api_group(any.api_version), any.kind);
        mv_arena_init_in(&scratch, items->builder->snapshot->allocator, ahead->memory, ITEM_BYTES);
        ahead->decoded = decode_in(&scratch, ahead->kind, items->texts[i], &ahead->object, &r, NULL);
        ahead->digest = ahead->decoded ? mv_hash_add(MV_HASH_START, items->texts[i]) : 0;
}

static int add_decoded(struct items *items, const struct item_ahead *ahead, struct mv_str text) {
        const struct mv_range range = { ahead->memory, ahead->memory + ITEM_BYTES };
        void *object = pack_object(items->builder->snapshot, ahead->kind, range, ahead->object);
        return object ? keep_object(items->builder, ahead->kind, object, text, ahead->digest, items->origin,
                                    items->err)
                      : mv_err_oom(items->err);
}

/* slot: NULL when the item was not decoded ahead. */
static int add_item(void *context, size_t i, void *slot) { // NOLINT(misc-no-recursion)
        struct items *items = context;
        const struct item_ahead *ahead = slot;
        struct mv_str text = items->texts[i];
        struct mv_err *err = items->err;
        int r = ahead && ahead->decoded ? add_decoded(items, ahead, text)
                                        : add_any(items->builder, text, items->list, items->origin, err);
        if (r < 0 && err) {
                char inner[sizeof err->path];
                memcpy(inner, err->path, sizeof inner);
                const struct mv_path key = { .key = MV_STR("items") };
                const struct mv_path index = { .parent = &key, .index = i };
                const struct mv_path rest = { .parent = &index, .key = mv_str_from(inner) };
                mv_path_format(inner[0] ? &rest : &index, err->path, sizeof err->path);
                err->offset += (size_t)(text.p - items->begin);
        }
        return r;
}

static int add_texts(struct items *items, size_t n) { // NOLINT(misc-no-recursion)
        struct mv_snapshot_builder *builder = items->builder;
        const struct mv_allocator *allocator = builder->snapshot->allocator;
        struct item_ahead *ahead =
                builder->worker && n > ITEMS_AHEAD
                        ? allocator->allocate(allocator->context, ITEMS_AHEAD * sizeof *ahead)
                        : NULL;
        int r = 0;
        if (ahead)
                r = builder->worker(&(struct mv_snapshot_work){ .n = n,
                                                                .slots = ahead,
                                                                .n_slots = ITEMS_AHEAD,
                                                                .slot_size = sizeof *ahead,
                                                                .make = decode_item,
                                                                .take = add_item,
                                                                .context = items });
        else
                for (size_t i = 0; i < n && !r; i++)
                        r = add_item(items, i, NULL);
        allocator->release(allocator->context, ahead);
        return r;
}

static int add_items(struct mv_snapshot_builder *builder, struct mv_scan *scan, // NOLINT(misc-no-recursion)
                     const struct mv_any *list, struct mv_str origin, struct mv_err *err) {
        bool first = true;
        if (mv_scan_peek(scan) == 'n')
                return mv_scan_null(scan) ? 0 : scan_error(scan, err);
        if (!mv_scan_array(scan))
                return scan_error(scan, err);
        struct mv_buf texts;
        struct mv_str text;
        mv_buf_init(&texts, builder->snapshot->allocator, SIZE_MAX);
        while (mv_scan_element(scan, &first) && mv_scan_skip(scan, &text))
                mv_buf_append(&texts, &text, sizeof text);
        struct items items = {
                builder, (const struct mv_str *)(void *)texts.p, scan->begin, list, origin, err
        };
        int r = mv_buf_failed(&texts) ? mv_err_oom(err) : add_texts(&items, texts.n / sizeof text);
        mv_buf_done(&texts);
        return r == 0 && scan->code ? scan_error(scan, err) : r;
}

static int add_list(struct mv_snapshot_builder *builder, struct mv_str json, const struct mv_any *list,
                    struct mv_str origin, struct mv_err *err) {
        struct mv_scan scan;
        struct mv_scan_string key;
        bool first = true;
        mv_scan_init(&scan, json);
        if (builder->lists >= MOST_LISTS)
                mv_scan_fail(&scan, MV_ELIMIT, "lists in lists, deeper than 32 levels");
        if (!mv_scan_object(&scan))
                return scan_error(&scan, err);
        builder->lists++;
        while (mv_scan_key(&scan, &first, &key)) {
                if (mv_str_is(key.raw, "items")) {
                        int r = add_items(builder, &scan, list, origin, err);
                        if (r < 0)
                                return r;
                } else if (!mv_scan_skip(&scan, NULL))
                        return scan_error(&scan, err);
        }
        builder->lists--;
        return scan.code ? scan_error(&scan, err) : 0;
}

int mv_snapshot_builder_add(struct mv_snapshot_builder *builder, struct mv_str json, struct mv_str origin,
                            struct mv_err *err) {
        if (builder->failed)
                return mv_err_set(err, MV_EUSAGE, "an earlier document failed");
        struct mv_str kept = mv_arena_copy(&builder->snapshot->arena, origin);
        builder->document = json.p;
        int r = add_any(builder, json, NULL, kept, err);
        builder->failed = r < 0;
        return r;
}

void mv_snapshot_builder_keep_lines(struct mv_snapshot_builder *builder,
                                    const struct mv_place_finder *finder) {
        builder->finder = finder;
}

void mv_snapshot_builder_use_worker(struct mv_snapshot_builder *builder, mv_snapshot_worker *worker) {
        builder->worker = worker;
}

void mv_snapshot_builder_keep_texts(struct mv_snapshot_builder *builder, uint64_t kinds) {
        builder->texts = kinds;
}

void mv_snapshot_builder_know(struct mv_snapshot_builder *builder, enum mv_kind kind,
                              enum mv_knowledge knowledge, struct mv_str reason) {
        struct mv_snapshot *snapshot = builder->snapshot;
        snapshot->known[kind] = (struct mv_known){ knowledge, mv_arena_copy(&snapshot->arena, reason) };
}

/* --- the whole --- */

static bool keep_entries(const struct mv_snapshot_builder *builder) {
        struct mv_snapshot *snapshot = builder->snapshot;
        snapshot->entries = mv_arena_new_array(&snapshot->arena, struct mv_entry, snapshot->n_entries);
        if (snapshot->entries && snapshot->n_entries)
                memcpy(snapshot->entries, builder->entries, snapshot->n_entries * sizeof *builder->entries);
        return snapshot->entries;
}

static bool group_by_kind(struct mv_snapshot *snapshot) {
        const void **objects[MV_KIND_COUNT];
        size_t n[MV_KIND_COUNT] = { 0 }, filled[MV_KIND_COUNT] = { 0 };
        for (size_t i = 0; i < snapshot->n_entries; i++)
                n[snapshot->entries[i].kind] += !snapshot->entries[i].superseded;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                objects[kind] = mv_arena_new_array(&snapshot->arena, const void *, n[kind]);
                if (!objects[kind])
                        return false;
        }
        for (size_t i = 0; i < snapshot->n_entries; i++) {
                const struct mv_entry *entry = &snapshot->entries[i];
                if (!entry->superseded)
                        objects[entry->kind][filled[entry->kind]++] = entry->object;
        }
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (n[kind] && !(snapshot->tables[kind] = mv_kind_table_make(
                                         &snapshot->arena, (enum mv_kind)kind, objects[kind], n[kind])))
                        return false;
        return true;
}

/* The file that the map is in. */
static void name_origin(const struct mv_snapshot *snapshot, const struct mv_config_map *map,
                        struct mv_err *err) {
        for (size_t i = 0; err && map && i < snapshot->n_entries; i++)
                if (snapshot->entries[i].object == map)
                        snprintf(err->file, sizeof err->file, "%.*s",
                                 MV_STR_ARG(snapshot->entries[i].origin));
}

int mv_snapshot_builder_finish(struct mv_snapshot_builder *builder, struct mv_snapshot **ret,
                               struct mv_err *err) {
        struct mv_snapshot *snapshot = builder->snapshot;
        const struct mv_config_map *map = NULL;
        int r = builder->failed ? mv_err_set(err, MV_EUSAGE, "an earlier document failed") : 0;
        if (r == 0 && (!keep_entries(builder) || !group_by_kind(snapshot) ||
                       !mv_placement_make(&snapshot->arena, snapshot, &snapshot->placement)))
                r = mv_err_oom(err);
        if (r == 0)
                r = mv_snapshot_configure(snapshot, false, &map, err);
        if (r == 0 && mv_arena_failed(&snapshot->arena))
                r = mv_err_oom(err);
        if (r < 0) {
                name_origin(snapshot, map, err);
                mv_snapshot_builder_free(builder);
                return r;
        }
        release_means(builder);
        mv_pieces_settle(&snapshot->pieces);
        *ret = snapshot;
        return 0;
}
