/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as RFC 4180 has it, for programs and for people who open it in a spreadsheet. */
#pragma once

#include "policy/base/buf.h"

/* A field and what comes behind it, "," or "\r\n". Quoted where it has to be. Text that a spreadsheet would take for a formula
 * (=, +, -, @, tab or carriage return first) gets a ' before it. */
void mv_csv_field(struct mv_buf *buf, struct mv_str text, const char *behind);
