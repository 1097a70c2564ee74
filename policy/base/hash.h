/* SPDX-License-Identifier: Apache-2.0 */
/* A hash for tables of names. Not for secrets, and not against an adversary who chooses the names of a whole
 * cluster's objects. */
#pragma once

#include "policy/base/str.h"

#include <stdint.h>

#define MV_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continue a hash with the bytes of s (and its length, so that ("a","bc") and ("ab","c") differ). */
uint64_t mv_hash_add(uint64_t hash, struct mv_str s);
