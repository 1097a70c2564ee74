/* SPDX-License-Identifier: Apache-2.0 */
/* For benchmarks that fill a live cluster with objects of their own, which they write with ' in the place of ". */
#pragma once

#include "cluster/live.h"
#include "policy/base/buf.h"
#include "policy/object/scan.h"
#include "tests/bench/support.h"

/* The text as JSON; what the scanner may read follows. */
static inline struct mv_str bench_finish(struct mv_buf *text) {
        for (size_t i = 0; i < text->n; i++)
                if (text->p[i] == '\'')
                        text->p[i] = '"';
        char *padding = mv_buf_reserve(text, MV_SCAN_PADDING);
        if (!padding)
                bench_stop("out of memory");
        memset(padding, 0, MV_SCAN_PADDING);
        return mv_buf_str(text);
}

/* Put the object into the cluster, and clear the text. */
static inline void bench_put(struct mv_live *live, enum mv_kind kind, struct mv_buf *text) {
        struct mv_err err = { 0 };
        if (mv_live_put(live, kind, bench_finish(text), &err) < 0)
                bench_stop(err.message);
        mv_buf_clear(text);
}

static inline void bench_publish(struct mv_live *live) {
        struct mv_err err = { 0 };
        if (mv_live_publish(live, true, &err) < 0)
                bench_stop(err.message);
}
