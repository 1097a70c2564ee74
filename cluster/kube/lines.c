/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/lines.h"

#include "policy/object/scan.h"

enum { PIECES = 4 << 20 }; /* more than a piece */

void mv_kube_lines_init(struct mv_kube_lines *lines, size_t most) {
        mv_buf_init(&lines->buf, &mv_allocator_system, most + PIECES);
        lines->read = lines->searched = 0;
}

void mv_kube_lines_done(struct mv_kube_lines *lines) {
        mv_buf_done(&lines->buf);
        lines->read = lines->searched = 0;
}

void mv_kube_lines_clear(struct mv_kube_lines *lines) {
        mv_buf_clear(&lines->buf);
        lines->read = lines->searched = 0;
}

bool mv_kube_lines_add(struct mv_kube_lines *lines, struct mv_str piece) {
        struct mv_buf *buf = &lines->buf;
        if (lines->read) {
                memmove(buf->p, buf->p + lines->read, buf->n - lines->read);
                buf->n -= lines->read;
                lines->searched -= lines->read;
                lines->read = 0;
        }
        mv_buf_append_str(buf, piece);
        mv_buf_reserve(buf, MV_SCAN_PADDING);
        return !mv_buf_failed(buf);
}

bool mv_kube_lines_next(struct mv_kube_lines *lines, struct mv_str *ret) {
        struct mv_buf *buf = &lines->buf;
        while (lines->searched < buf->n) {
                char *end = memchr(buf->p + lines->searched, '\n', buf->n - lines->searched);
                if (!end) {
                        lines->searched = buf->n;
                        return false;
                }
                *end = '\0'; /* whoever scans the line stops there */
                struct mv_str line = { buf->p + lines->read, (size_t)(end - (buf->p + lines->read)) };
                lines->read = lines->searched = (size_t)(end - buf->p) + 1;
                if (line.n) {
                        *ret = line;
                        return true;
                }
        }
        return false;
}
