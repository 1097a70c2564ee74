/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segments of an outbox on disk, and an index of their records in memory: 8 bytes a record. It takes no lock: its
 * owner does.
 *
 * Records go to the newest segment until that has segment_bytes, then to a new one; an old one goes as a whole, with
 * mv_journal_unlink. Ahead of the records the newest one may have up to 64 KiB of zeros, which count nowhere. Sequences are
 * without a gap but for what was damaged, and what a start left out.
 */
#pragma once

#include "webhook/deliver/segment.h"

struct mv_journal_entry {
        uint32_t offset; /* in the segment; 0: no record has that sequence */
        uint32_t time;   /* seconds since 1970; 0: not known */
};

struct mv_journal_segment {
        uint64_t first;
        uint64_t bytes;                   /* of the file, as far as it is ours */
        struct mv_journal_entry *entries; /* of sequence first + i */
        size_t n, capacity;
        bool dirty; /* something was written that was not synced */
};

struct mv_journal {
        const struct mv_allocator *allocator;
        char *directory;
        uint64_t segment_bytes;
        struct mv_journal_segment *segments; /* oldest first */
        size_t n, capacity;
        int fd;              /* of the newest segment, when it is written to; else -1 */
        uint64_t zeros_end;  /* its file has zeros from its records up to there; less than these: none */
        uint64_t next;       /* sequence of the next record */
        uint64_t bytes;      /* of all segments */
        uint64_t damaged;    /* places that were passed over */
        uint64_t torn;       /* bytes that were cut off */
        bool names_dirty;    /* a file was made or removed, and the directory not synced */
        struct mv_buf frame; /* the record that is written */
        struct { /* the segment that mv_journal_read reads; of one thread, outside the owner's lock */
                uint64_t first;
                int fd;
        } reader;
};

/* Where a record stands, taken under the lock and used without it. */
struct mv_journal_place {
        uint64_t segment; /* its first sequence */
        uint64_t sequence;
        uint64_t offset;
        size_t room; /* bytes up to the next record */
};

/* Read what is in the directory, which is copied, and cut off what is torn. MV_ETYPE: a newer version wrote it;
 * MV_EIO, MV_ELIMIT, MV_ENOMEM. On failure too mv_journal_done is due. */
int mv_journal_open(struct mv_journal *journal, const char *directory, uint64_t segment_bytes,
                    const struct mv_allocator *allocator, struct mv_err *err);
void mv_journal_done(struct mv_journal *journal);

/* Leave sequences out: the next one is at least `next`. */
void mv_journal_skip_to(struct mv_journal *journal, uint64_t next);
/* Bytes that a record would take at most; its body has n bytes more than record->body. */
uint64_t mv_journal_cost(const struct mv_outbox_record *record, size_t n);
/* Write letter->record (with `after` as mv_segment_write has it); *ret_sequence is its sequence. MV_ELIMIT: it is
 * too large; MV_EIO, MV_ENOMEM. On failure nothing of it stays. */
int mv_journal_append(struct mv_journal *journal, const struct mv_outbox_letter *letter, struct mv_str after,
                      uint64_t *ret_sequence, struct mv_err *err);

/* The first record with that sequence or a larger one. False: none. */
bool mv_journal_find(const struct mv_journal *journal, uint64_t sequence, struct mv_journal_place *ret);
/* Its time; 0: not known. */
int64_t mv_journal_time(const struct mv_journal *journal, const struct mv_journal_place *place);
/* Read it: buf is cleared, and the letter's texts are in it. MV_ESYNTAX: it is damaged, MV_ENOTFOUND: it is not there any more;
 * both for good. MV_EIO, MV_ENOMEM: it cannot be read now, which says nothing of the record. Without the lock, from one thread. */
int mv_journal_read(struct mv_journal *journal, const struct mv_journal_place *place, struct mv_buf *buf,
                    struct mv_outbox_letter *ret, struct mv_err *err);
/* It cannot be read: it is none from now on. */
void mv_journal_lose(struct mv_journal *journal, const struct mv_journal_place *place);

/* The oldest segment, if its records are all up to `done` and it is not the newest, goes in two steps: its file, without the
 * lock, from the thread that reads (false: it stays, a later call tries again); then what is in memory. */
bool mv_journal_is_done(const struct mv_journal *journal, uint64_t done, uint64_t *ret_first);
bool mv_journal_unlink(struct mv_journal *journal, uint64_t first);
void mv_journal_forget_oldest(struct mv_journal *journal);

/* The path of a segment, to be freed; NULL: no memory. */
char *mv_journal_path(const char *directory, uint64_t first);
/* The first sequence of a segment of that name. */
bool mv_journal_is_segment(const char *name, uint64_t *ret);
/* A segment larger than that is none. */
#define MV_JOURNAL_FILE_MAX ((size_t)96 << 20)
