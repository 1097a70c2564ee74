/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include "policy/resolve.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 60, WIDEST = 200 };

void mv_style_init(struct mv_style *style, bool color, int fd) {
        *style =
                (struct mv_style){ .bold = "", .dim = "", .red = "", .yellow = "", .green = "", .reset = "" };
        if (color)
                *style = (struct mv_style){ .bold = "\033[1m",
                                            .dim = "\033[2m",
                                            .red = "\033[31m",
                                            .yellow = "\033[33m",
                                            .green = "\033[32m",
                                            .reset = "\033[0m" };
        struct winsize size;
        if (isatty(fd)) {
                style->width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 100;
                if (style->width < NARROWEST)
                        style->width = NARROWEST;
                if (style->width > WIDEST)
                        style->width = WIDEST;
        }
}

size_t mv_text_columns(struct mv_str s) {
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++)
                n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
        return n;
}

/* Names in manifests may hold escape sequences; a terminal must not obey them. */
static void put(FILE *stream, struct mv_str s) {
        size_t plain = 0; /* up to here all is written */
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                /* C1 controls are two bytes in UTF-8. */
                bool c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
                if (c >= 0x20 && c != 0x7f && !c1)
                        continue;
                fwrite(s.p + plain, 1, i - plain, stream);
                putc('?', stream);
                i += c1;
                plain = i + 1;
        }
        if (plain < s.n)
                fwrite(s.p + plain, 1, s.n - plain, stream);
}

static void spaces(FILE *stream, size_t n) {
        for (; n; n--)
                putc(' ', stream);
}

void mv_text_cell(FILE *stream, struct mv_str s, size_t width) {
        put(stream, s);
        size_t columns = mv_text_columns(s);
        spaces(stream, width > columns ? width - columns : 0);
}

void mv_text_wrap_from(FILE *stream, struct mv_str text, size_t column, size_t rest, size_t width) {
        bool fresh = true; /* nothing but the indent on this line yet */
        for (size_t i = 0; i < text.n;) {
                if (text.p[i] == '\n') {
                        putc('\n', stream);
                        i++;
                        if (i < text.n && text.p[i] != '\n')
                                spaces(stream, rest);
                        column = rest;
                        fresh = true;
                        continue;
                }
                size_t end = i;
                while (end < text.n && text.p[end] != ' ' && text.p[end] != '\n')
                        end++;
                struct mv_str word = { text.p + i, end - i };
                size_t columns = mv_text_columns(word);
                if (width && !fresh && column + 1 + columns > width) {
                        putc('\n', stream);
                        spaces(stream, rest);
                        column = rest;
                        fresh = true;
                }
                if (!fresh) {
                        putc(' ', stream);
                        column++;
                }
                put(stream, word);
                column += columns;
                fresh = false;
                i = end;
                while (i < text.n && text.p[i] == ' ')
                        i++;
        }
        putc('\n', stream);
}

void mv_text_wrap(FILE *stream, struct mv_str text, size_t first, size_t rest, size_t width) {
        spaces(stream, first);
        mv_text_wrap_from(stream, text, first, rest, width);
}

void mv_text_settings(FILE *stream, const struct mv_resolution *resolution, const struct mv_style *style) {
        size_t width = 0;
        for (size_t i = 0; i < resolution->n_settings; i++)
                if (strlen(resolution->settings[i].path) > width)
                        width = strlen(resolution->settings[i].path);
        fprintf(stream, "%sEffective migration settings%s\n", style->bold, style->reset);
        for (size_t i = 0; i < resolution->n_settings; i++) {
                const struct mv_setting *setting = &resolution->settings[i];
                if (setting->type == MV_SETTING_GROUP)
                        continue;
                fprintf(stream, "  %-*s  ", (int)width, setting->path);
                if (setting->type == MV_SETTING_BOOL)
                        fputs(setting->number ? "true" : "false", stream);
                else if (setting->type == MV_SETTING_INT)
                        fprintf(stream, "%lld", (long long)setting->number);
                else
                        mv_text_cell(stream, setting->text, 0);
                fprintf(stream, " %s(from ", style->dim);
                mv_text_cell(stream, setting->from, 0);
                fprintf(stream, ")%s\n", style->reset);
        }
}
