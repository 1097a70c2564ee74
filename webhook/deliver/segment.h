/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How records stand in a file: a header, then one record behind the other. Pure; what reads and writes files is
 * journal.h. All numbers are little endian.
 *
 *     header  "MVOUTBOX", version (4 bytes), four zero bytes, first sequence (8), four zero bytes, CRC-32 of all that (4)
 *     record  mark (4), length of the rest (4), CRC-32 of length and rest (4), and the rest: sequence (8), tries (4), length of
 *             the body (4), lengths of the texts (2 each), the texts, the body
 *
 * Behind the last record there may be zeros. The mark holds bytes that are in no UTF-8 text, so behind a damaged record the
 * next one is found. Sequences of a segment begin with its first and grow by 1; one that is larger than the bytes before it
 * allow is no record.
 */
#pragma once

#include "webhook/deliver/outbox.h"

enum {
        MV_SEGMENT_HEADER = 32,
        MV_SEGMENT_FRAME = 12,                                  /* of a record: mark, length, checksum */
        MV_SEGMENT_FIXED = 32,                                  /* behind it: sequence, tries, lengths */
        MV_SEGMENT_LEAST = MV_SEGMENT_FRAME + MV_SEGMENT_FIXED, /* bytes of the smallest record */
};

/* A record, and what a dead letter says beside it. */
struct mv_outbox_letter {
        struct mv_outbox_record record;
        unsigned tries;
        struct mv_str why;
};

void mv_segment_header(uint64_t first, char ret[MV_SEGMENT_HEADER]);

enum mv_segment_state {
        MV_SEGMENT_GOOD,
        MV_SEGMENT_DAMAGED, /* no header, or not the one of that segment */
        MV_SEGMENT_NEWER,   /* whole, but of a version that is not ours */
};
enum mv_segment_state mv_segment_check(struct mv_str file, uint64_t first);

/* Append a record to buf; its body is record.body, with the sequence in digits and `after` behind it when after.p is
 * not NULL. False: nothing was appended, since a text or the whole is too long (buf has not failed), or there is no
 * memory (it has). */
bool mv_segment_write(struct mv_buf *buf, const struct mv_outbox_letter *letter, struct mv_str after);

/* The record that bytes begin with; its texts point into bytes. Its length, or 0: there is none. */
size_t mv_segment_read(struct mv_str bytes, struct mv_outbox_letter *ret);

/* Going through a file. Begin with { .file, .first, .limit = no record has this sequence or a larger one }. */
struct mv_segment_scan {
        struct mv_str file;
        uint64_t first, limit;
        /* So far: */
        uint64_t last;  /* the greatest sequence, 0: none */
        size_t begin;   /* where the last record stands */
        size_t end;     /* behind it, 0: none and the header was not looked at */
        size_t damaged; /* places that were passed over between records */
};
/* The next record. False: there is none; what stands behind scan->end is none. */
bool mv_segment_next(struct mv_segment_scan *scan, struct mv_outbox_letter *ret);
/* Bytes behind the last record, but for the zeros at the end of the file: these are written ahead of records. */
size_t mv_segment_rest(const struct mv_segment_scan *scan);
/* They could be the beginning of a record that was never written to its end. */
bool mv_segment_torn(const struct mv_segment_scan *scan);
