/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/dead.h"

#include "certs/file.h"
#include "policy/base/hash.h"
#include "webhook/deliver/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* SEQUENCE-RECEIVER.dead */
#define SUFFIX ".dead"
enum { HASH_DIGITS = 16, NAME_BYTES = MV_OUTBOX_SEQUENCE_DIGITS + 1 + HASH_DIGITS + sizeof SUFFIX };

uint64_t mv_dead_receiver(struct mv_str name) {
        return mv_hash_add(MV_HASH_START, name);
}

static void name_of(const struct mv_dead_letter *letter, char ret[NAME_BYTES]) {
        snprintf(ret, NAME_BYTES, "%020" PRIu64 "-%016" PRIx64 SUFFIX, letter->sequence, letter->receiver);
}

static bool is_name(const char *name, struct mv_dead_letter *ret) {
        unsigned long long sequence;
        char again[NAME_BYTES];
        if (strlen(name) != NAME_BYTES - 1 ||
            !mv_str_to_unsigned((struct mv_str){ name, MV_OUTBOX_SEQUENCE_DIGITS }, UINT64_MAX, &sequence))
                return false;
        ret->sequence = sequence;
        ret->receiver = strtoull(name + MV_OUTBOX_SEQUENCE_DIGITS + 1, NULL, 16);
        name_of(ret, again);
        return strcmp(name, again) == 0;
}

static char *path_of(const struct mv_dead *dead, const struct mv_dead_letter *letter) {
        char name[NAME_BYTES];
        name_of(letter, name);
        return mv_path_join(dead->directory, name);
}

/* --- the list --- */

/* Where it is or belongs. */
static size_t find(const struct mv_dead *dead, const struct mv_dead_letter *letter) {
        size_t low = 0, high = dead->n;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct mv_dead_letter *m = &dead->letters[middle];
                if (m->sequence < letter->sequence ||
                    (m->sequence == letter->sequence && m->receiver < letter->receiver))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool is_at(const struct mv_dead *dead, size_t at, const struct mv_dead_letter *letter) {
        return at < dead->n && dead->letters[at].sequence == letter->sequence &&
               dead->letters[at].receiver == letter->receiver;
}

static bool make_room(struct mv_dead *dead) {
        if (dead->n < dead->capacity)
                return true;
        size_t capacity = dead->capacity ? 2 * dead->capacity : 16;
        struct mv_dead_letter *letters =
                dead->allocator->allocate(dead->allocator->context, capacity * sizeof *letters);
        if (!letters)
                return false;
        if (dead->n)
                memcpy(letters, dead->letters, dead->n * sizeof *letters);
        dead->allocator->release(dead->allocator->context, dead->letters);
        dead->letters = letters;
        dead->capacity = capacity;
        return true;
}

/* There is room. */
static void put(struct mv_dead *dead, const struct mv_dead_letter *letter) {
        size_t at = find(dead, letter);
        if (is_at(dead, at, letter)) {
                dead->bytes -= dead->letters[at].bytes;
        } else {
                memmove(dead->letters + at + 1, dead->letters + at, (dead->n - at) * sizeof *letter);
                dead->n++;
        }
        dead->letters[at] = *letter;
        dead->bytes += letter->bytes;
}

/* --- the directory --- */

static int see_name(void *context, const char *name, struct mv_err *err) {
        struct mv_dead *dead = context;
        const size_t n = strlen(name);
        struct mv_dead_letter letter = { 0 };
        struct stat st;
        bool left = n > 4 && strcmp(name + n - 4, ".tmp") == 0;
        if (left ? dead->look : !is_name(name, &letter))
                return 0;
        char *path = mv_path_join(dead->directory, name);
        if (!path || !make_room(dead)) {
                free(path);
                return mv_err_oom(err);
        }
        int r = 0;
        if (left && unlink(path) < 0)
                r = mv_err_of_file(err, path, "cannot be removed", errno);
        else if (!left && lstat(path, &st) < 0)
                r = errno == ENOENT ? 0 : mv_err_of_file(err, path, "cannot be read", errno);
        else if (!left) {
                letter.bytes = (uint64_t)st.st_size;
                put(dead, &letter);
        }
        free(path);
        return r;
}

int mv_dead_open(struct mv_dead *dead, const char *directory, bool look, const struct mv_allocator *allocator,
                 struct mv_err *err) {
        *dead = (struct mv_dead){ .allocator = allocator,
                                  .look = look,
                                  .directory = mv_path_join(directory, "dead") };
        if (!dead->directory)
                return mv_err_oom(err);
        int r = look ? 0 : mv_directory_make(dead->directory, err);
        return r < 0 ? r : mv_disk_list(dead->directory, see_name, dead, err);
}

void mv_dead_done(struct mv_dead *dead) {
        dead->allocator->release(dead->allocator->context, dead->letters);
        free(dead->directory);
        *dead = (struct mv_dead){ .allocator = dead->allocator };
}

/* --- letters --- */

int mv_dead_add(struct mv_dead *dead, const struct mv_outbox_letter *letter, struct mv_err *err) {
        struct mv_dead_letter entry = { .sequence = letter->record.sequence,
                                        .receiver = mv_dead_receiver(letter->record.receiver) };
        char header[MV_SEGMENT_HEADER], name[NAME_BYTES];
        struct mv_buf buf;
        mv_buf_init(&buf, dead->allocator, MV_SEGMENT_HEADER + MV_SEGMENT_FRAME + MV_OUTBOX_RECORD_MAX);
        mv_segment_header(entry.sequence, header);
        mv_buf_append(&buf, header, sizeof header);
        int r = 0;
        if (!make_room(dead))
                r = mv_err_oom(err);
        else if (!mv_segment_write(&buf, letter, (struct mv_str){ 0 }))
                r = mv_buf_failed(&buf) ? mv_err_oom(err)
                                        : mv_err_set(err, MV_ELIMIT, "a record of more than %d bytes",
                                                     MV_OUTBOX_RECORD_MAX);
        if (r == 0) {
                name_of(&entry, name);
                r = mv_file_replace(dead->directory, name, 0600, mv_buf_str(&buf), err);
        }
        if (r == 0) {
                entry.bytes = buf.n;
                put(dead, &entry);
        }
        mv_buf_done(&buf);
        return r;
}

int mv_dead_read(const struct mv_dead *dead, size_t at, struct mv_buf *buf, struct mv_outbox_letter *ret,
                 struct mv_err *err) {
        const struct mv_dead_letter *entry = &dead->letters[at];
        char *path = path_of(dead, entry);
        if (!path)
                return mv_err_oom(err);
        mv_buf_clear(buf);
        int r = mv_disk_read(path, MV_SEGMENT_HEADER + MV_SEGMENT_FRAME + MV_OUTBOX_RECORD_MAX, buf, err);
        if (r == 0) {
                struct mv_segment_scan scan = { .file = mv_buf_str(buf),
                                                .first = entry->sequence,
                                                .limit = entry->sequence + 1 };
                struct mv_outbox_letter letter;
                if (!mv_segment_next(&scan, &letter) ||
                    mv_dead_receiver(letter.record.receiver) != entry->receiver)
                        r = mv_err_in_file(err, path, mv_err_set(err, MV_ESYNTAX, "is damaged"));
                else
                        *ret = letter;
        }
        free(path);
        return r;
}

int mv_dead_remove(struct mv_dead *dead, size_t at, struct mv_err *err) {
        struct mv_dead_letter *entry = &dead->letters[at];
        char *path = path_of(dead, entry);
        if (!path)
                return mv_err_oom(err);
        int r = unlink(path) < 0 && errno != ENOENT ? mv_err_of_file(err, path, "cannot be removed", errno)
                                                    : 0;
        free(path);
        if (r < 0)
                return r;
        dead->bytes -= entry->bytes;
        memmove(entry, entry + 1, (dead->n - at - 1) * sizeof *entry);
        dead->n--;
        return 0;
}
