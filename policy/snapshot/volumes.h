/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PersistentVolumes by storage class and volume mode, for a claim that names a class which does not exist and no access
 * modes: what it would get is what the volumes of that class offer. Of each class and mode it holds just the volumes that
 * tell: so the answer takes the same time however many there are. Made with the table of the volumes, and as constant.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/storage.h"

struct mv_volume_index;

/* Of n objects, struct mv_persistent_volume each, which must outlive it. NULL when the arena is exhausted. */
const struct mv_volume_index *mv_volume_index_make(struct mv_arena *arena, const void *const *objects,
                                                   size_t n);
/*
 * One that a claim of this class, mode ("": Filesystem) and size (NULL: any) could be bound to, where all that it could be
 * bound to are alike in whether they are ReadWriteMany; NULL where there is none, or they are not. The one that came first
 * if it will do. What is being deleted, or offers no access modes, does not count. index may be NULL: of none.
 */
const struct mv_persistent_volume *mv_volume_index_find(const struct mv_volume_index *index,
                                                        struct mv_str class, struct mv_str mode,
                                                        const struct mv_str *size);
