/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that comes in pieces, cut into lines.
 *
 *     mv_kube_lines_add(&lines, piece);
 *     while (mv_kube_lines_next(&lines, &line))
 *             ...
 *
 * Each line is followed by 8 readable bytes, the first of them zero. Failure is the buffer's: no memory, or much more than
 * a line without its end.
 */
#pragma once

#include "policy/base/buf.h"

struct mv_kube_lines {
        struct mv_buf buf;
        size_t read, searched; /* bytes of buf */
};

/* most: bytes that may wait for the end of their line. */
void mv_kube_lines_init(struct mv_kube_lines *lines, size_t most);
void mv_kube_lines_done(struct mv_kube_lines *lines);
/* Forget what is there. */
void mv_kube_lines_clear(struct mv_kube_lines *lines);
/* False on failure. Lines that were handed out are gone. */
bool mv_kube_lines_add(struct mv_kube_lines *lines, struct mv_str piece);
/* The next line, without its end; empty ones are passed over. False: there is no whole one yet. */
bool mv_kube_lines_next(struct mv_kube_lines *lines, struct mv_str *ret);
/* Bytes that wait. */
static inline size_t mv_kube_lines_rest(const struct mv_kube_lines *lines) {
        return lines->buf.n - lines->read;
}
