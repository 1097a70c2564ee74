/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests: one number for what an object says, the same in every process on machines of one byte order. What is written
 * otherwise and says the same (the order of keys, white space, escapes, null for what is absent) has the same digest.
 */
#pragma once

#include "policy/object/decode.h"

#include <stdint.h>

/* Of JSON text that was validated before. The arena is for escapes; its failure is the caller's to test. */
uint64_t mv_json_digest(struct mv_arena *arena, struct mv_str text);

/*
 * Of a decoded object, as far as its table reads it; NULL: there is none. Resource versions do not count, since a watch that
 * brings nothing new for the table leaves the older one in place; nor do our own labels and annotations (migvet.io/).
 */
uint64_t mv_decoded_digest(const struct mv_table *table, const void *object);

/* Continue a digest with a number. */
uint64_t mv_digest_add(uint64_t digest, uint64_t number);
