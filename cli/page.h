/* SPDX-License-Identifier: Apache-2.0 */
/* HTML pages that need nothing else: one look for all of them, light or dark as the reader has it. */
#pragma once

#include "policy/base/str.h"

#include <stdio.h>

/* Up to the beginning of its main part. */
void mv_page_begin(FILE *stream, const char *title);
void mv_page_end(FILE *stream);

/* Text in an element or a quoted attribute. */
void mv_page_text(FILE *stream, struct mv_str s);
/* An element without attributes but its class, which may be NULL. */
void mv_page_element(FILE *stream, const char *tag, const char *class, struct mv_str text);
