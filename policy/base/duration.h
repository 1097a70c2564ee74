/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Go writes them, and so Kubernetes and everybody who uses it. */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>

/* "10s", "500ms", "1m30s", "1.5h", "0". False for what is none, is negative or is longer than most_ns; *ret_ns is left as
 * it is then. */
bool mv_duration_parse(struct mv_str text, long long most_ns, long long *ret_ns);
