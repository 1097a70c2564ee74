/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of what is on disk: zlib's CRC-32. */
#pragma once

#include "policy/base/str.h"

#include <stdint.h>
#include <zlib.h>

/* Of what `checksum` (0: nothing yet) was made of, and then the bytes. */
static inline uint32_t mv_checksum(uint32_t checksum, struct mv_str bytes) {
        return bytes.n ? (uint32_t)crc32_z(checksum, (const Bytef *)bytes.p, bytes.n) : checksum;
}
