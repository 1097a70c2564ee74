/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: colours, the width of the terminal, wrapping. */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct mv_style {
        const char *bold, *dim, *red, *yellow, *green, *reset; /* escape sequences, or "" */
        size_t width; /* columns to wrap at; 0: the stream is no terminal, do not wrap */
};

void mv_style_init(struct mv_style *style, bool color, int fd);

/* Print text wrapped at width columns (0: not at all), the first line indented by first, later ones by rest. Ends with a
 * newline. Control characters are
 * printed as '?'. */
void mv_text_wrap(FILE *stream, struct mv_str text, size_t first, size_t rest, size_t width);
/* The same where the first line already has `column` characters on it. */
void mv_text_wrap_from(FILE *stream, struct mv_str text, size_t column, size_t rest, size_t width);
/* Print s with control characters as '?', padded with spaces to at least width columns. */
void mv_text_cell(FILE *stream, struct mv_str s, size_t width);
/* Columns that s takes: its characters. */
size_t mv_text_columns(struct mv_str s);

struct mv_resolution;
/* The effective migration settings, a line each, with a title. */
void mv_text_settings(FILE *stream, const struct mv_resolution *resolution, const struct mv_style *style);
