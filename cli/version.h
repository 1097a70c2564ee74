/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The program's version, say "0.1.0". */
const char *mv_version(void);
