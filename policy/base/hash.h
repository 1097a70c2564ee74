/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash for tables of names. Many of the names are chosen by users of the cluster, so a table starts from a seed that
 * they cannot know: SipHash-1-3 (Aumasson, Bernstein) then gives them no names that fall into one slot.
 */
#pragma once

#include "policy/base/str.h"

#include <stdint.h>

/* For fingerprints, which must be the same in every process, and for tables whose names nobody else chooses. */
#define MV_HASH_START UINT64_C(0xcbf29ce484222325)

/* The seed of a table: any address in it that does not change while it is used. Where the system puts it is random. */
static inline uint64_t mv_hash_seed(const void *table) {
        return MV_HASH_START ^ (uint64_t)(uintptr_t)table;
}

/* Continue a hash with the bytes of text (and its length, so that ("a","bc") and ("ab","c") differ). */
uint64_t mv_hash_add(uint64_t hash, struct mv_str text);

/* The same as with the bytes of that number, and cheaper: digests are made of numbers for the most part. */
uint64_t mv_hash_add_number(uint64_t hash, uint64_t number);
