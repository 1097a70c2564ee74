/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/journal.h"

#include "certs/file.h"
#include "policy/base/time.h"
#include "webhook/deliver/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUFFIX ".log"

enum { AHEAD = 1 << 16 }; /* bytes by which a segment is made longer at once */

char *mv_journal_path(const char *directory, uint64_t first) {
        char name[MV_OUTBOX_SEQUENCE_DIGITS + sizeof SUFFIX];
        snprintf(name, sizeof name, "%020" PRIu64 SUFFIX, first);
        return mv_path_join(directory, name);
}

bool mv_journal_is_segment(const char *name, uint64_t *ret) {
        return mv_disk_number(name, MV_OUTBOX_SEQUENCE_DIGITS, SUFFIX, ret) && *ret > 0;
}

/* --- the index --- */

/* Room for one more of size bytes behind n. */
static bool make_room(const struct mv_allocator *allocator, void **items, size_t n, size_t *capacity,
                      size_t size) {
        if (n < *capacity)
                return true;
        size_t more = *capacity ? 2 * *capacity : 16;
        void *fresh = allocator->allocate(allocator->context, more * size);
        if (!fresh)
                return false;
        if (n)
                memcpy(fresh, *items, n * size);
        allocator->release(allocator->context, *items);
        *items = fresh;
        *capacity = more;
        return true;
}

static struct mv_journal_segment *newest(const struct mv_journal *journal) {
        return journal->n ? &journal->segments[journal->n - 1] : NULL;
}

static bool add_segment(struct mv_journal *journal, uint64_t first) {
        void *segments = journal->segments;
        if (!make_room(journal->allocator, &segments, journal->n, &journal->capacity,
                       sizeof *journal->segments))
                return false;
        journal->segments = segments;
        journal->segments[journal->n++] = (struct mv_journal_segment){ .first = first };
        return true;
}

/* Make room in the index for the sequence; entries between stay empty. */
static bool make_entry(const struct mv_journal *journal, struct mv_journal_segment *segment,
                       uint64_t sequence) {
        while (segment->n <= sequence - segment->first) {
                void *entries = segment->entries;
                if (!make_room(journal->allocator, &entries, segment->n, &segment->capacity,
                               sizeof *segment->entries))
                        return false;
                segment->entries = entries;
                segment->entries[segment->n++] = (struct mv_journal_entry){ 0 };
        }
        return true;
}

static void fill_entry(struct mv_journal_segment *segment, const struct mv_outbox_record *record,
                       uint64_t offset) {
        int64_t time;
        if (!mv_time_parse(record->time, &time) || time < 0 || time > UINT32_MAX)
                time = 0;
        segment->entries[record->sequence - segment->first] =
                (struct mv_journal_entry){ .offset = (uint32_t)offset, .time = (uint32_t)time };
}

static void remove_segment(struct mv_journal *journal, size_t at) {
        struct mv_journal_segment *segment = &journal->segments[at];
        journal->bytes -= segment->bytes;
        journal->allocator->release(journal->allocator->context, segment->entries);
        memmove(segment, segment + 1, (journal->n - at - 1) * sizeof *segment);
        journal->n--;
}

/* --- reading the directory --- */

static int see_name(void *context, const char *name, struct mv_err *err) {
        struct mv_journal *journal = context;
        uint64_t first;
        return mv_journal_is_segment(name, &first) && !add_segment(journal, first) ? mv_err_oom(err) : 0;
}

static int by_first(const void *a, const void *b) {
        const struct mv_journal_segment *x = a, *y = b;
        return (x->first > y->first) - (x->first < y->first);
}

/* With ftruncate and not truncate, which the shipped system call profile does not let through. */
static int shorten(const char *path, uint64_t n, struct mv_err *err) {
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return mv_err_of_file(err, path, "cannot be opened", errno);
        int r = ftruncate(fd, (off_t)n) < 0 || fdatasync(fd) < 0
                        ? mv_err_of_file(err, path, "cannot be cut", errno)
                        : 0;
        close(fd);
        return r;
}

/* Cut the newest segment behind its last record, so that the next one stands there. */
static int cut(struct mv_journal *journal, const char *path, const struct mv_segment_scan *scan,
               struct mv_err *err) {
        const size_t rest = mv_segment_rest(scan);
        if (rest && mv_segment_torn(scan))
                journal->torn += rest;
        else if (rest)
                journal->damaged++;
        return scan->end < scan->file.n ? shorten(path, scan->end, err) : 0;
}

static int index_records(struct mv_journal *journal, struct mv_journal_segment *segment,
                         struct mv_segment_scan *scan, struct mv_err *err) {
        struct mv_outbox_letter letter;
        while (mv_segment_next(scan, &letter)) {
                if (!make_entry(journal, segment, letter.record.sequence))
                        return mv_err_oom(err);
                fill_entry(segment, &letter.record, scan->begin);
        }
        journal->damaged += scan->damaged;
        return 0;
}

static int read_segment(struct mv_journal *journal, size_t at, const char *path, struct mv_buf *buf,
                        struct mv_err *err) {
        struct mv_journal_segment *segment = &journal->segments[at];
        const bool last = at + 1 == journal->n;
        mv_buf_clear(buf);
        int r = mv_disk_read(path, MV_JOURNAL_FILE_MAX, buf, err);
        if (r < 0)
                return r;
        struct mv_segment_scan scan = { .file = mv_buf_str(buf),
                                        .first = segment->first,
                                        .limit = last ? UINT64_MAX : segment[1].first };
        switch (mv_segment_check(scan.file, segment->first)) {
        case MV_SEGMENT_NEWER:
                return mv_err_in_file(err, path,
                                      mv_err_set(err, MV_ETYPE, "a newer version of migvet wrote it"));
        case MV_SEGMENT_DAMAGED:
                /* A newest one that has no whole header was only just made. */
                journal->damaged += !last || scan.file.n >= MV_SEGMENT_HEADER;
                break;
        case MV_SEGMENT_GOOD:
                break;
        }
        r = index_records(journal, segment, &scan, err);
        if (r < 0)
                return r;
        segment->bytes = scan.file.n;
        if (last) {
                segment->bytes = scan.end;
                r = cut(journal, path, &scan, err);
        } else
                journal->damaged += mv_segment_rest(&scan) > 0;
        journal->bytes += segment->bytes;
        return r;
}

/* The newest segment is written to further. One without records is made anew by the next append: its header may be missing. */
static int open_newest(struct mv_journal *journal, struct mv_err *err) {
        struct mv_journal_segment *segment = newest(journal);
        if (!segment)
                return 0;
        journal->next = segment->first + segment->n;
        char *path = mv_journal_path(journal->directory, segment->first);
        if (!path)
                return mv_err_oom(err);
        int r = 0;
        if (segment->n) {
                journal->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
                if (journal->fd < 0)
                        r = mv_err_of_file(err, path, "cannot be opened", errno);
        } else {
                remove_segment(journal, journal->n - 1);
                if (unlink(path) < 0)
                        r = mv_err_of_file(err, path, "cannot be removed", errno);
        }
        free(path);
        return r;
}

int mv_journal_open(struct mv_journal *journal, const char *directory, uint64_t segment_bytes,
                    const struct mv_allocator *allocator, struct mv_err *err) {
        struct mv_buf buf;
        *journal = (struct mv_journal){ .allocator = allocator,
                                        .segment_bytes = segment_bytes,
                                        .directory = strdup(directory),
                                        .fd = -1,
                                        .next = 1,
                                        .reader.fd = -1 };
        mv_buf_init(&journal->frame, allocator, MV_OUTBOX_RECORD_MAX + MV_SEGMENT_FRAME);
        if (!journal->directory)
                return mv_err_oom(err);
        int r = mv_disk_list(directory, see_name, journal, err);
        if (r < 0)
                return r;
        if (journal->n)
                qsort(journal->segments, journal->n, sizeof *journal->segments, by_first);
        mv_buf_init(&buf, allocator, MV_JOURNAL_FILE_MAX);
        for (size_t i = 0; r >= 0 && i < journal->n; i++) {
                char *path = mv_journal_path(directory, journal->segments[i].first);
                r = path ? read_segment(journal, i, path, &buf, err) : mv_err_oom(err);
                free(path);
        }
        mv_buf_done(&buf);
        return r < 0 ? r : open_newest(journal, err);
}

/* Without the zeros behind its records. Should they stay, they do no harm. */
static void close_newest(struct mv_journal *journal) {
        const struct mv_journal_segment *segment = newest(journal);
        if (journal->fd < 0)
                return;
        if (journal->zeros_end <= segment->bytes || ftruncate(journal->fd, (off_t)segment->bytes) == 0)
                journal->zeros_end = 0;
        close(journal->fd);
        journal->fd = -1;
}

void mv_journal_done(struct mv_journal *journal) {
        close_newest(journal);
        while (journal->n)
                remove_segment(journal, journal->n - 1);
        if (journal->reader.fd >= 0)
                close(journal->reader.fd);
        mv_buf_done(&journal->frame);
        journal->allocator->release(journal->allocator->context, journal->segments);
        free(journal->directory);
        *journal = (struct mv_journal){ .allocator = journal->allocator, .fd = -1, .reader.fd = -1 };
        mv_buf_init(&journal->frame, journal->allocator, 0);
}

/* --- writing --- */

void mv_journal_skip_to(struct mv_journal *journal, uint64_t next) {
        if (next <= journal->next)
                return;
        journal->next = next;
        close_newest(journal);
}

/* A new segment, with its header. */
static int begin_segment(struct mv_journal *journal, struct mv_err *err) {
        char header[MV_SEGMENT_HEADER];
        char *path = mv_journal_path(journal->directory, journal->next);
        close_newest(journal);
        if (!path || !add_segment(journal, journal->next)) {
                free(path);
                return mv_err_oom(err);
        }
        struct mv_journal_segment *segment = newest(journal);
        /* One of that name holds no record: else the next sequence would be another. */
        int r = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        mv_segment_header(journal->next, header);
        if (fd < 0)
                r = mv_err_of_file(err, path, "cannot be made", errno);
        else if (!mv_disk_write_at(fd, 0, (struct mv_str){ header, sizeof header })) {
                r = mv_err_of_file(err, path, "cannot be written", errno);
                close(fd);
                unlink(path);
        } else {
                segment->bytes = sizeof header;
                segment->dirty = true;
                journal->bytes += segment->bytes;
                journal->names_dirty = true;
                journal->fd = fd;
                journal->zeros_end = 0;
        }
        if (r < 0)
                remove_segment(journal, journal->n - 1);
        free(path);
        return r;
}

uint64_t mv_journal_cost(const struct mv_outbox_record *record, size_t n) {
        return MV_SEGMENT_HEADER + MV_SEGMENT_LEAST + record->receiver.n + record->subject.n +
               record->kind.n + record->namespace.n + record->verdict.n + record->id.n + record->time.n +
               record->body.n + n;
}

/* To write into a file takes half as long as to make it longer, which is done for many records at once, where there are many: by
 * zeros, which a start takes for no record. That it fails does not matter, or the record's own writing fails as well. */
static void write_ahead(struct mv_journal *journal, const struct mv_journal_segment *segment) {
        static const char zeros[AHEAD];
        const uint64_t need = segment->bytes + journal->frame.n;
        const uint64_t from = journal->zeros_end > segment->bytes ? journal->zeros_end : segment->bytes;
        const uint64_t to = (from / AHEAD + 1) * AHEAD;
        if (need > journal->zeros_end && need <= to && segment->bytes >= AHEAD &&
            to <= journal->segment_bytes &&
            mv_disk_write_at(journal->fd, from, (struct mv_str){ zeros, to - from }))
                journal->zeros_end = to;
}

static int write_frame(struct mv_journal *journal, struct mv_journal_segment *segment, struct mv_err *err) {
        const struct mv_str frame = mv_buf_str(&journal->frame);
        write_ahead(journal, segment);
        if (mv_disk_write_at(journal->fd, segment->bytes, frame))
                return 0;
        const int number = errno;
        /* Should this fail as well, the next record is written over what is there. */
        if (ftruncate(journal->fd, (off_t)segment->bytes) < 0)
                segment->dirty = true;
        else
                journal->zeros_end = 0;
        char *path = mv_journal_path(journal->directory, segment->first);
        int r = mv_err_of_file(err, path ? path : journal->directory, "cannot be written", number);
        free(path);
        return r == MV_ENOTFOUND ? MV_EIO : r;
}

int mv_journal_append(struct mv_journal *journal, const struct mv_outbox_letter *letter, struct mv_str after,
                      uint64_t *ret_sequence, struct mv_err *err) {
        struct mv_outbox_letter numbered = *letter;
        numbered.record.sequence = journal->next;
        mv_buf_clear(&journal->frame);
        if (!mv_segment_write(&journal->frame, &numbered, after)) {
                if (mv_buf_failed(&journal->frame))
                        return mv_err_oom(err);
                return mv_err_set(err, MV_ELIMIT,
                                  "a record of more than %d bytes, or with a text of more than %d",
                                  MV_OUTBOX_RECORD_MAX, MV_OUTBOX_TEXT_MAX);
        }
        if (journal->fd < 0 || newest(journal)->bytes >= journal->segment_bytes) {
                int r = begin_segment(journal, err);
                if (r < 0)
                        return r;
        }
        struct mv_journal_segment *segment = newest(journal);
        if (!make_entry(journal, segment, journal->next))
                return mv_err_oom(err);
        int r = write_frame(journal, segment, err);
        if (r < 0)
                return r; /* the entry is there, and empty */
        fill_entry(segment, &numbered.record, segment->bytes);
        segment->bytes += journal->frame.n;
        segment->dirty = true;
        journal->bytes += journal->frame.n;
        *ret_sequence = journal->next++;
        return 0;
}

/* --- finding and reading --- */

static struct mv_journal_segment *find_segment(const struct mv_journal *journal, uint64_t first) {
        for (size_t i = 0; i < journal->n; i++)
                if (journal->segments[i].first == first)
                        return &journal->segments[i];
        return NULL;
}

/* The first index from `at` on that has a record, or n. */
static size_t next_entry(const struct mv_journal_segment *segment, size_t at) {
        while (at < segment->n && !segment->entries[at].offset)
                at++;
        return at;
}

bool mv_journal_find(const struct mv_journal *journal, uint64_t sequence, struct mv_journal_place *ret) {
        for (size_t i = 0; i < journal->n; i++) {
                const struct mv_journal_segment *segment = &journal->segments[i];
                if (sequence >= segment->first + segment->n)
                        continue;
                size_t at = next_entry(segment, sequence > segment->first ? sequence - segment->first : 0);
                if (at == segment->n)
                        continue;
                size_t behind = next_entry(segment, at + 1);
                uint64_t offset = segment->entries[at].offset;
                uint64_t end = behind < segment->n ? segment->entries[behind].offset : segment->bytes;
                *ret = (struct mv_journal_place){ .segment = segment->first,
                                                  .sequence = segment->first + at,
                                                  .offset = offset,
                                                  .room = end - offset };
                return true;
        }
        return false;
}

int64_t mv_journal_time(const struct mv_journal *journal, const struct mv_journal_place *place) {
        const struct mv_journal_segment *segment = find_segment(journal, place->segment);
        return segment ? segment->entries[place->sequence - segment->first].time : 0;
}

static void close_reader(struct mv_journal *journal) {
        if (journal->reader.fd >= 0)
                close(journal->reader.fd);
        journal->reader.fd = -1;
}

static int open_reader(struct mv_journal *journal, uint64_t first, const char *path, struct mv_err *err) {
        if (journal->reader.fd >= 0 && journal->reader.first == first)
                return 0;
        close_reader(journal);
        journal->reader.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        journal->reader.first = first;
        return journal->reader.fd < 0 ? mv_err_of_file(err, path, "cannot be opened", errno) : 0;
}

static int read_place(struct mv_journal *journal, const struct mv_journal_place *place, const char *path,
                      struct mv_buf *buf, struct mv_outbox_letter *ret, struct mv_err *err) {
        const size_t most = MV_SEGMENT_FRAME + MV_OUTBOX_RECORD_MAX;
        const size_t n = place->room < most ? place->room : most;
        char *to = mv_buf_reserve(buf, n);
        if (!to)
                return mv_err_oom(err);
        int r = open_reader(journal, place->segment, path, err);
        if (r < 0)
                return r;
        ssize_t got = mv_disk_read_at(journal->reader.fd, place->offset, to, n);
        if (got < 0) {
                r = mv_err_of_file(err, path, "cannot be read", errno);
                close_reader(journal); /* the next one begins anew: the descriptor may be stale */
                return r == MV_ENOTFOUND ? MV_EIO : r;
        }
        buf->n = n;
        if ((size_t)got < n || !mv_segment_read(mv_buf_str(buf), ret) ||
            ret->record.sequence != place->sequence)
                return mv_err_in_file(err, path, mv_err_set(err, MV_ESYNTAX, "has a damaged record"));
        return 0;
}

int mv_journal_read(struct mv_journal *journal, const struct mv_journal_place *place, struct mv_buf *buf,
                    struct mv_outbox_letter *ret, struct mv_err *err) {
        char *path = mv_journal_path(journal->directory, place->segment);
        mv_buf_clear(buf);
        int r = path ? read_place(journal, place, path, buf, ret, err) : mv_err_oom(err);
        free(path);
        return r;
}

void mv_journal_lose(struct mv_journal *journal, const struct mv_journal_place *place) {
        struct mv_journal_segment *segment = find_segment(journal, place->segment);
        if (!segment)
                return;
        segment->entries[place->sequence - segment->first].offset = 0;
        journal->damaged++;
}

bool mv_journal_is_done(const struct mv_journal *journal, uint64_t done, uint64_t *ret_first) {
        if (journal->n < 2 || journal->segments[1].first > done + 1)
                return false;
        *ret_first = journal->segments[0].first;
        return true;
}

bool mv_journal_unlink(struct mv_journal *journal, uint64_t first) {
        char *path = mv_journal_path(journal->directory, first);
        const bool gone = path && (unlink(path) == 0 || errno == ENOENT);
        free(path);
        if (gone && journal->reader.first == first)
                close_reader(journal);
        return gone;
}

void mv_journal_forget_oldest(struct mv_journal *journal) {
        remove_segment(journal, 0);
        journal->names_dirty = true;
}
