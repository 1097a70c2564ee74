/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli), which finds every flipped byte and every cut in a record of any size that matters here. */
#pragma once

#include "policy/base/str.h"

#include <stdint.h>

/* The checksum of bytes; of more than one piece, when crc is what the pieces before gave. Begin with 0. */
uint32_t mv_crc32c(uint32_t crc, struct mv_str bytes);
