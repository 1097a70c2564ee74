/* SPDX-License-Identifier: Apache-2.0 */
/* Times as Kubernetes writes them (RFC 3339), as seconds since 1970. */
#pragma once

#include "policy/base/str.h"

#include <stdint.h>

/* "2026-08-01T10:05:00Z", also with a fraction (which is dropped) and with an offset; false when it is none. */
bool mv_time_parse(struct mv_str text, int64_t *ret);
