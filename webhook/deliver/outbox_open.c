/* SPDX-License-Identifier: Apache-2.0 */
/* Its life: opened, recovered, given its receivers, closed. */
#include "certs/file.h"
#include "webhook/deliver/disk.h"
#include "webhook/deliver/outbox_making.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        SEGMENTS = 16,           /* so many make max_bytes */
        SEGMENT_MOST = 64 << 20, /* bytes of one */
        RESERVED = 1 << 20,      /* sequences that may be used before positions are written again */
        UNREADABLE_MS = 600000,  /* mv_outbox_options.unreadable_ms, unless given */
};

/* --- positions on disk --- */

/* What the page cache holds survives the end of a process, not that of the system: so it matters which start this is. */
static void read_boot(char *ret, size_t size) {
        FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
        ret[0] = '\0';
        if (!file)
                return;
        if (!fgets(ret, (int)size, file))
                ret[0] = '\0';
        ret[strcspn(ret, "\n")] = '\0';
        fclose(file);
}

/* With the lock held, since whoever appends says who has done the record: the text of n receivers. closing: no sequence is used
 * any more. Returns what is reserved once the text is on the disk. */
static uint64_t format_positions(struct mv_outbox *outbox, const struct mv_position *items, size_t n,
                                 bool closing) {
        struct mv_positions *positions = &outbox->positions;
        positions->last = outbox->journal.next - 1;
        if (closing)
                positions->reserved = positions->last;
        else if (outbox->granted < positions->last + RESERVED / 2)
                positions->reserved = positions->last + RESERVED;
        outbox->changed = false;
        mv_buf_clear(&outbox->text);
        mv_positions_write(positions, items, n, &outbox->text);
        return positions->reserved;
}

/* Without the lock: the text to the disk. */
static int put_positions(struct mv_outbox *outbox, uint64_t reserved, struct mv_err *err) {
        int r = mv_buf_failed(&outbox->text) ? mv_err_oom(err)
                                             : mv_file_replace(outbox->directory, MV_POSITIONS_FILE, 0600,
                                                               mv_buf_str(&outbox->text), err);
        pthread_mutex_lock(&outbox->mutex);
        if (r < 0)
                outbox->changed = true;
        else
                outbox->granted = reserved;
        pthread_mutex_unlock(&outbox->mutex);
        return r;
}

static int write_present(struct mv_outbox *outbox, bool closing, struct mv_err *err) {
        if (outbox->begin_at_oldest)
                return 0;
        pthread_mutex_lock(&outbox->mutex);
        const uint64_t reserved =
                format_positions(outbox, outbox->positions.items, outbox->positions.n, closing);
        pthread_mutex_unlock(&outbox->mutex);
        return put_positions(outbox, reserved, err);
}

int mv_outbox_write_positions(struct mv_outbox *outbox, struct mv_err *err) {
        return write_present(outbox, false, err);
}

/* 1: they were read; 0: there are none, or they are damaged. A file over the limit is none that was written here. */
static int read_positions(struct mv_outbox *outbox, struct mv_err *err) {
        struct mv_err local = { 0 };
        char *path = mv_path_join(outbox->directory, MV_POSITIONS_FILE);
        if (!path)
                return mv_err_oom(err);
        int r = mv_disk_read(path, MV_POSITIONS_MOST, &outbox->text, &local);
        if (r == 0)
                r = mv_positions_read(&outbox->positions, mv_buf_str(&outbox->text), &local);
        free(path);
        if (r < 0 && r != MV_ESYNTAX && r != MV_ENOTFOUND && r != MV_ELIMIT) {
                *err = local;
                return r;
        }
        return r == 0;
}

/* Sequences without a record are done; what is left waits. */
static bool fill(struct mv_outbox *outbox, struct mv_position *position) {
        const uint64_t end = outbox->journal.next;
        uint64_t sequence = position->upto + 1;
        struct mv_journal_place place;
        position->waiting = 0;
        while (mv_journal_find(&outbox->journal, sequence, &place)) {
                if (place.sequence > sequence &&
                    !mv_position_add(position, outbox->allocator, sequence, place.sequence - 1))
                        return false;
                position->waiting += !mv_position_has(position, place.sequence);
                sequence = place.sequence + 1;
        }
        return sequence >= end || mv_position_add(position, outbox->allocator, sequence, end - 1);
}

/* --- life --- */

static void say_damage(struct mv_outbox *outbox) {
        if (outbox->journal.torn)
                mv_outbox_say_number(outbox, MV_LOG_WARNING,
                                     "a record that was not written to its end was cut off", "bytes",
                                     outbox->journal.torn);
        if (outbox->journal.damaged)
                mv_outbox_say_number(outbox, MV_LOG_ERROR, "damaged records were passed over; they are lost",
                                     "places", outbox->journal.damaged);
}

static int recover(struct mv_outbox *outbox, struct mv_err *err) {
        const uint64_t part = outbox->max_bytes / SEGMENTS;
        char boot[sizeof outbox->positions.boot];
        struct mv_positions *positions = &outbox->positions;
        const int known = read_positions(outbox, err);
        if (known < 0)
                return known;
        int r = mv_journal_open(&outbox->journal, outbox->directory,
                                part < SEGMENT_MOST ? part : (uint64_t)SEGMENT_MOST, outbox->allocator, err);
        if (r == 0)
                r = mv_dead_open(&outbox->dead, outbox->directory, false, outbox->allocator, err);
        if (r == 0)
                r = mv_outbox_requests_open(outbox, err);
        if (r < 0)
                return r;
        say_damage(outbox);
        outbox->counts.damaged = outbox->journal.damaged;
        outbox->begin_at_oldest = !known && outbox->journal.n;
        if (outbox->begin_at_oldest)
                mv_outbox_say(outbox, MV_LOG_ERROR,
                              "what the receivers have done is not known: they are given all records again",
                              "file", MV_STR(MV_POSITIONS_FILE));
        read_boot(boot, sizeof boot);
        /* A record that is lost may have been delivered: its sequence is not used again. */
        bool same = boot[0] && strcmp(boot, positions->boot) == 0 && !outbox->journal.torn &&
                    !outbox->journal.damaged;
        mv_journal_skip_to(&outbox->journal, (same ? positions->last : positions->reserved) + 1);
        memcpy(positions->boot, boot, sizeof boot);
        for (size_t i = 0; i < positions->n; i++)
                if (!fill(outbox, &positions->items[i]))
                        return mv_err_oom(err);
        return mv_outbox_write_positions(outbox, err);
}

static void free_outbox(struct mv_outbox *outbox) {
        mv_journal_done(&outbox->journal);
        mv_positions_done(&outbox->positions);
        mv_dead_done(&outbox->dead);
        mv_buf_done(&outbox->text);
        if (outbox->lock >= 0)
                close(outbox->lock);
        pthread_mutex_destroy(&outbox->mutex);
        free(outbox->requests);
        free(outbox->directory);
        outbox->allocator->release(outbox->allocator->context, outbox);
}

struct mv_outbox *mv_outbox_close(struct mv_outbox *outbox) {
        struct mv_err err = { 0 };
        char text[1152];
        if (!outbox)
                return NULL;
        int r = mv_outbox_sync_journal(outbox, &err);
        if (r == 0)
                r = write_present(outbox, true, &err);
        if (r < 0)
                mv_outbox_say(outbox, MV_LOG_ERROR, "the outbox cannot be synced", "error",
                              mv_str_from(mv_err_format(&err, text, sizeof text)));
        free_outbox(outbox);
        return NULL;
}

int mv_outbox_open(const struct mv_outbox_options *options, struct mv_outbox **ret, struct mv_err *err) {
        const struct mv_allocator *allocator = options->allocator ? options->allocator : &mv_allocator_system;
        if (options->max_bytes < MV_OUTBOX_LEAST_BYTES)
                return mv_err_set(err, MV_EUSAGE, "an outbox has at least %" PRIu64 " bytes",
                                  MV_OUTBOX_LEAST_BYTES);
        struct mv_outbox *outbox = allocator->allocate(allocator->context, sizeof *outbox);
        if (!outbox)
                return mv_err_oom(err);
        *outbox = (struct mv_outbox){ .allocator = allocator,
                                      .logger = options->logger,
                                      .max_bytes = options->max_bytes,
                                      .unreadable_ms =
                                              options->unreadable_ms ? options->unreadable_ms : UNREADABLE_MS,
                                      .lock = -1,
                                      .directory = strdup(options->directory),
                                      .positions.allocator = allocator,
                                      .dead.allocator = allocator,
                                      .said_ms = INT64_MIN / 2,
                                      .said_reading_ms = INT64_MIN / 2 };
        pthread_mutex_init(&outbox->mutex, NULL);
        mv_buf_init(&outbox->text, allocator, MV_POSITIONS_MOST);
        outbox->journal = (struct mv_journal){ .allocator = allocator, .fd = -1, .reader.fd = -1 };
        mv_buf_init(&outbox->journal.frame, allocator, 0);
        struct mv_err local = { 0 };
        int r = outbox->directory ? mv_directory_make(outbox->directory, &local) : mv_err_oom(&local);
        if (r == 0)
                r = mv_directory_lock(outbox->directory, options->lock_seconds, &outbox->lock, &local);
        if (r == 0)
                r = recover(outbox, &local);
        if (r < 0) {
                if (err)
                        *err = local;
                free_outbox(outbox);
                return r;
        }
        mv_outbox_count_dead(outbox);
        *ret = outbox;
        return 0;
}

/* --- receivers --- */

static int check_names(const struct mv_str *names, size_t n, struct mv_err *err) {
        for (size_t i = 0; i < n; i++) {
                if (!mv_positions_name_is_good(names[i]))
                        return mv_err_set(
                                err, MV_ETYPE,
                                "the name of a receiver has 1 to %d bytes and no control characters",
                                MV_OUTBOX_NAME_MAX);
                for (size_t j = 0; j < i; j++)
                        if (mv_str_equal(names[i], names[j]))
                                return mv_err_set(err, MV_ETYPE, "two receivers are called %.*s",
                                                  MV_STR_ARG(names[i]));
        }
        return 0;
}

/* Fill in the list as things are now: what is known of a receiver, or where a new one begins. Ranges of those that are known stay
 * the present list's. */
static bool fill_list(struct mv_outbox *outbox, const struct mv_str *names, size_t n,
                      struct mv_position *list) {
        for (size_t i = 0; i < n; i++) {
                const struct mv_position *known = mv_positions_find(&outbox->positions, names[i]);
                if (known) {
                        list[i] = *known;
                        continue;
                }
                if (!list[i].name[0]) {
                        list[i].upto = outbox->begin_at_oldest ? 0 : outbox->journal.next - 1;
                        memcpy(list[i].name, names[i].p, names[i].n);
                }
                if (!fill(outbox, &list[i]))
                        return false;
        }
        return true;
}

/* Those of the list that are not in the other. */
static void free_others(const struct mv_outbox *outbox, struct mv_position *list, size_t n,
                        const struct mv_positions *other) {
        for (size_t i = 0; i < n; i++)
                if (!mv_positions_find(other, mv_str_from(list[i].name)))
                        mv_position_done(&list[i], outbox->allocator);
}

static void say_forgotten(const struct mv_outbox *outbox, const struct mv_position *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!mv_positions_find(&outbox->positions, mv_str_from(list[i].name)))
                        mv_outbox_say(
                                outbox, MV_LOG_WARNING,
                                "a receiver is not configured any more: what waited for it is forgotten",
                                "receiver", mv_str_from(list[i].name));
}

/* A list of receivers that is about to come into force, unless nobody wants it. */
struct replacing {
        const struct mv_str *names;
        size_t n;
        bool (*wanted)(void *context);
        void *context;
};

static int check_wanted(const struct replacing *replacing, struct mv_err *err) {
        return !replacing->wanted || replacing->wanted(replacing->context)
                       ? 0
                       : mv_err_set(err, MV_ETIMEOUT, "it took too long to change the receivers");
}

/* Make the list the one in force, and *list the one that was. */
static int replace_list(struct mv_outbox *outbox, const struct replacing *replacing,
                        struct mv_position **list, size_t *ret_n, struct mv_err *err) {
        const size_t n = replacing->n;
        pthread_mutex_lock(&outbox->mutex);
        bool filled = fill_list(outbox, replacing->names, n, *list);
        const uint64_t reserved = filled ? format_positions(outbox, *list, n, false) : 0;
        pthread_mutex_unlock(&outbox->mutex);
        if (!filled)
                return mv_err_oom(err);
        /* A receiver that is new begins here, also should the process end before the next sync. */
        int r = put_positions(outbox, reserved, err);
        if (r < 0)
                return r;
        pthread_mutex_lock(&outbox->mutex);
        r = fill_list(outbox, replacing->names, n, *list) ? check_wanted(replacing, err) : mv_err_oom(err);
        if (r == 0) {
                struct mv_position *old = outbox->positions.items;
                *ret_n = outbox->positions.n;
                outbox->positions.items = *list;
                outbox->positions.n = n;
                *list = old;
        } else
                outbox->changed = true; /* the disk has the other list */
        pthread_mutex_unlock(&outbox->mutex);
        return r;
}

static bool are_named(const struct mv_positions *positions, const struct mv_str *names, size_t n) {
        if (n != positions->n)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!mv_str_is(names[i], positions->items[i].name))
                        return false;
        return true;
}

/* Nothing is written: a disk in trouble must not keep other changes of a configuration from coming into force. */
static int keep_list(struct mv_outbox *outbox, const struct replacing *replacing, struct mv_err *err) {
        pthread_mutex_lock(&outbox->mutex);
        int r = check_wanted(replacing, err);
        pthread_mutex_unlock(&outbox->mutex);
        return r;
}

int mv_outbox_receivers_if(struct mv_outbox *outbox, const struct mv_str *names, size_t n,
                           bool (*wanted)(void *context), void *context, struct mv_err *err) {
        const struct replacing replacing = { names, n, wanted, context };
        const struct mv_allocator *allocator = outbox->allocator;
        size_t count = n; /* of what is freed in the end */
        int r = check_names(names, n, err);
        if (r < 0)
                return r;
        if (are_named(&outbox->positions, names, n))
                return keep_list(outbox, &replacing, err);
        struct mv_position *list = allocator->allocate(allocator->context, (n + 1) * sizeof *list);
        if (!list)
                return mv_err_oom(err);
        memset(list, 0, (n + 1) * sizeof *list);
        r = replace_list(outbox, &replacing, &list, &count, err);
        if (r == 0) {
                say_forgotten(outbox, list, count);
                outbox->begin_at_oldest = false;
        }
        free_others(outbox, list, count, &outbox->positions);
        allocator->release(allocator->context, list);
        if (r == 0)
                mv_outbox_count_dead(outbox);
        return r;
}

int mv_outbox_receivers(struct mv_outbox *outbox, const struct mv_str *names, size_t n, struct mv_err *err) {
        return mv_outbox_receivers_if(outbox, names, n, NULL, NULL, err);
}
