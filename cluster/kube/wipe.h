/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is overwritten when it goes: for arenas and buffers that may hold a key or a token.
 */
#pragma once

#include "policy/base/alloc.h"

extern const struct mv_allocator mv_allocator_wiping;
