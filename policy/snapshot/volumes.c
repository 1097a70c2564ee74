/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/volumes.h"

#include "policy/base/hash.h"
#include "policy/object/quantity.h"

enum { BUCKETS = 1024 };

struct offer {
        const struct mv_persistent_volume *first,
                *largest;        /* NULL: none, or none of which the size is known */
        struct mv_quantity size; /* of the largest */
};

/* Of one class and mode. */
struct group {
        struct mv_str class, mode;
        struct offer offers[2]; /* the volumes that are not ReadWriteMany, and those that are */
        struct group *next;     /* of the bucket */
};

struct mv_volume_index {
        struct group *buckets[BUCKETS];
};

static struct mv_str mode_or_default(struct mv_str mode) {
        return mode.n ? mode : MV_STR("Filesystem");
}

static size_t bucket_of(struct mv_str class, struct mv_str mode) {
        return mv_hash_add(mv_hash_add(MV_HASH_START, class), mode) % BUCKETS;
}

static struct group *find_group(struct group *group, struct mv_str class, struct mv_str mode) {
        while (group && !(mv_str_equal(group->class, class) && mv_str_equal(group->mode, mode)))
                group = group->next;
        return group;
}

static const struct mv_str *size_of(const struct mv_persistent_volume *volume) {
        return mv_map_get(&volume->spec.capacity, MV_STR("storage"));
}

static void add(struct offer *offer, const struct mv_persistent_volume *volume) {
        const struct mv_str *size = size_of(volume);
        struct mv_quantity quantity = { 0 };
        if (!offer->first)
                offer->first = volume;
        if (!size || (offer->largest && mv_str_equal(*size, *size_of(offer->largest))) ||
            mv_quantity_parse(*size, &quantity, NULL) < 0 ||
            (offer->largest && mv_quantity_compare(&quantity, &offer->size) <= 0))
                return;
        offer->largest = volume;
        offer->size = quantity;
}

const struct mv_volume_index *mv_volume_index_make(struct mv_arena *arena, const void *const *objects,
                                                   size_t n) {
        struct mv_volume_index *index = mv_arena_new(arena, struct mv_volume_index);
        struct group *group = NULL; /* of the volume before: most are of few classes */
        if (!index)
                return NULL;
        *index = (struct mv_volume_index){ 0 };
        for (size_t i = 0; i < n; i++) {
                const struct mv_persistent_volume *volume = objects[i];
                const struct mv_str class = volume->spec.storage_class_name,
                                    mode = mode_or_default(volume->spec.volume_mode);
                if (volume->meta.deletion_timestamp.n || !volume->spec.access_modes.n)
                        continue;
                if (!group || !mv_str_equal(group->class, class) || !mv_str_equal(group->mode, mode)) {
                        struct group **bucket = &index->buckets[bucket_of(class, mode)];
                        group = find_group(*bucket, class, mode);
                        if (!group) {
                                group = mv_arena_new(arena, struct group);
                                if (!group)
                                        return NULL;
                                *group = (struct group){ .class = class, .mode = mode, .next = *bucket };
                                *bucket = group;
                        }
                }
                add(&group->offers[mv_strings_have(&volume->spec.access_modes, MV_STR("ReadWriteMany"))],
                    volume);
        }
        return index;
}

/* One of them that is as large as that; NULL: none is. */
static const struct mv_persistent_volume *choose(const struct offer *offer, const struct mv_str *size) {
        struct mv_quantity want, have;
        if (!size || !offer->first)
                return offer->first;
        if (mv_quantity_parse(*size, &want, NULL) < 0 || !offer->largest ||
            mv_quantity_compare(&offer->size, &want) < 0)
                return NULL;
        const struct mv_str *first = size_of(offer->first);
        const bool will_do = first && mv_quantity_parse(*first, &have, NULL) == 0 &&
                             mv_quantity_compare(&have, &want) >= 0;
        return will_do ? offer->first : offer->largest;
}

const struct mv_persistent_volume *mv_volume_index_find(const struct mv_volume_index *index,
                                                        struct mv_str class, struct mv_str mode,
                                                        const struct mv_str *size) {
        mode = mode_or_default(mode);
        const struct group *group =
                index ? find_group(index->buckets[bucket_of(class, mode)], class, mode) : NULL;
        if (!group)
                return NULL;
        const struct mv_persistent_volume *exclusive = choose(&group->offers[0], size),
                                          *shared = choose(&group->offers[1], size);
        return exclusive && shared ? NULL : exclusive ? exclusive : shared;
}
