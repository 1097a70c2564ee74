/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/outbox.h"

#include "certs/clock.h"
#include "certs/file.h"
#include "webhook/deliver/disk.h"
#include "webhook/deliver/outbox_making.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        SPARE = 1 << 19, /* sequences that may be used without another sync */
        FARTHEST_OTHER = 4096,
        DEAD_SHARE = 4,  /* of max_bytes, dead letters may take one such part */
        WHY_MOST = 1000, /* bytes of what a dead letter says */
        SAY_MS = 60000,  /* a failure that goes on is logged no more often */
};

/* --- saying --- */

static void say_all(const struct mv_outbox *outbox, enum mv_log_level level, const char *message,
                    const struct mv_log_field *fields, size_t n) {
        if (outbox->logger)
                outbox->logger->line(outbox->logger->context, level, "outbox", message, fields, n);
}

void mv_outbox_say(const struct mv_outbox *outbox, enum mv_log_level level, const char *message,
                   const char *key, struct mv_str value) {
        const struct mv_log_field fields[] = { { "directory", mv_str_from(outbox->directory) },
                                               { key, value } };
        say_all(outbox, level, message, fields, 2);
}

void mv_outbox_say_number(const struct mv_outbox *outbox, enum mv_log_level level, const char *message,
                          const char *key, uint64_t number) {
        char text[24];
        snprintf(text, sizeof text, "%" PRIu64, number);
        mv_outbox_say(outbox, level, message, key, mv_str_from(text));
}

/* --- appending --- */

/* With the lock held: 0 when n more bytes may be written. */
static int check_room(struct mv_outbox *outbox, uint64_t n, struct mv_err *err) {
        outbox->too_large = n > mv_outbox_room(outbox) ? n : 0;
        if (outbox->too_large)
                return mv_err_set(err, MV_ELIMIT, "the outbox is full: %" PRIu64 " bytes wait for receivers",
                                  outbox->journal.bytes + outbox->counts.dead_bytes);
        if (outbox->journal.next > outbox->granted)
                return mv_err_set(err, MV_EIO, "the outbox was not synced for too long");
        return 0;
}

/* With the lock held: this receiver (NULL: nobody) has done the record. trim is due afterwards. */
static void mark(struct mv_outbox *outbox, struct mv_position *position, uint64_t sequence) {
        struct mv_journal_place place;
        if (!position || sequence >= outbox->journal.next || mv_position_has(position, sequence) ||
            !mv_position_add(position, outbox->allocator, sequence, sequence))
                return;
        if (mv_journal_find(&outbox->journal, sequence, &place) && place.sequence == sequence)
                position->waiting--;
        outbox->changed = true;
}

/* With the lock held. freed: bytes that go elsewhere in exchange. */
static int append(struct mv_outbox *outbox, const struct mv_outbox_letter *letter, struct mv_str after,
                  uint64_t freed, uint64_t *ret_sequence, struct mv_err *err) {
        const uint64_t cost = mv_journal_cost(&letter->record, after.n + MV_OUTBOX_SEQUENCE_DIGITS);
        int r = check_room(outbox, cost > freed ? cost - freed : 0, err);
        if (r == 0)
                r = mv_journal_append(&outbox->journal, letter, after, ret_sequence, err);
        if (r == 0) {
                outbox->counts.appended++;
                for (size_t i = 0; i < outbox->positions.n; i++)
                        outbox->positions.items[i].waiting++;
        } else if (outbox->too_large)
                outbox->counts.refused++;
        else
                outbox->counts.failed++;
        return r;
}

/* It is time to log another failure. */
static bool may_say(long long *said_ms) {
        const long long now = mv_clock_ms();
        if (now - *said_ms < SAY_MS)
                return false;
        *said_ms = now;
        return true;
}

int mv_outbox_append(struct mv_outbox *outbox, const struct mv_outbox_record *record, struct mv_str before,
                     struct mv_str after, const struct mv_str *unwanted, size_t n, uint64_t *ret_sequence,
                     struct mv_err *err) {
        struct mv_outbox_letter letter = { .record = *record };
        struct mv_err local = { 0 };
        uint64_t sequence;
        letter.record.receiver = (struct mv_str){ 0 };
        letter.record.body = before;
        after.p = after.p ? after.p : "";
        pthread_mutex_lock(&outbox->mutex);
        int r = append(outbox, &letter, after, 0, &sequence, &local);
        for (size_t i = 0; r == 0 && i < n; i++)
                mark(outbox, mv_positions_find(&outbox->positions, unwanted[i]), sequence);
        bool speak = r < 0 && may_say(&outbox->said_ms);
        pthread_mutex_unlock(&outbox->mutex);
        if (speak) {
                char text[1152];
                mv_outbox_say(outbox, MV_LOG_ERROR, "verdicts for receivers are lost until the next resync",
                              "error", mv_str_from(mv_err_format(&local, text, sizeof text)));
        }
        if (r < 0) {
                if (err)
                        *err = local;
                return r;
        }
        if (ret_sequence)
                *ret_sequence = sequence;
        return 0;
}

int mv_outbox_append_again(struct mv_outbox *outbox, const struct mv_outbox_letter *letter, uint64_t freed,
                           struct mv_err *err) {
        struct mv_outbox_letter again = { .record = letter->record };
        uint64_t sequence;
        pthread_mutex_lock(&outbox->mutex);
        int r = append(outbox, &again, (struct mv_str){ 0 }, freed, &sequence, err);
        for (size_t i = 0; r == 0 && i < outbox->positions.n; i++)
                if (!mv_str_is(again.record.receiver, outbox->positions.items[i].name))
                        mark(outbox, &outbox->positions.items[i], sequence);
        pthread_mutex_unlock(&outbox->mutex);
        return r;
}

/* --- what receivers have done --- */

/* With the lock held: up to there all receivers have done everything. */
static uint64_t done_by_all(const struct mv_outbox *outbox) {
        uint64_t done = outbox->journal.next - 1;
        for (size_t i = 0; i < outbox->positions.n; i++)
                if (outbox->positions.items[i].upto < done)
                        done = outbox->positions.items[i].upto;
        return done;
}

/* Without the lock, under which reviews append: to remove a large file takes its time. */
static void trim(struct mv_outbox *outbox) {
        uint64_t first;
        bool more = !outbox->begin_at_oldest;
        while (more) {
                pthread_mutex_lock(&outbox->mutex);
                more = mv_journal_is_done(&outbox->journal, done_by_all(outbox), &first);
                pthread_mutex_unlock(&outbox->mutex);
                if (!more || !mv_journal_unlink(&outbox->journal, first))
                        return;
                pthread_mutex_lock(&outbox->mutex);
                mv_journal_forget_oldest(&outbox->journal);
                pthread_mutex_unlock(&outbox->mutex);
        }
}

/* With the lock held: the first record behind `after` that is not done. */
static bool find_next(const struct mv_outbox *outbox, const struct mv_position *position, uint64_t after,
                      struct mv_journal_place *ret) {
        uint64_t sequence = mv_position_next(position, after);
        while (mv_journal_find(&outbox->journal, sequence, ret)) {
                if (!mv_position_has(position, ret->sequence))
                        return true;
                sequence = mv_position_next(position, ret->sequence);
        }
        return false;
}

static bool waits_for_others(const struct mv_positions *positions, const bool *gone, size_t n, uint64_t end) {
        for (size_t i = 0; i < positions->n; i++)
                if ((i >= n || !gone[i]) && positions->items[i].upto < end)
                        return true;
        return false;
}

/* With the lock held: the receiver has done what is up to `end`. How many records that are. */
static uint64_t pass_over(struct mv_outbox *outbox, struct mv_position *position, uint64_t end) {
        struct mv_journal_place place;
        uint64_t n = 0, after = 0;
        while (find_next(outbox, position, after, &place) && place.sequence <= end) {
                after = place.sequence;
                n++;
        }
        /* It begins where the position ends, so it needs no memory. */
        mv_position_add(position, outbox->allocator, position->upto + 1, end);
        position->waiting -= n;
        return n;
}

void mv_outbox_give_way(struct mv_outbox *outbox, const bool *gone, size_t n) {
        struct mv_positions *positions = &outbox->positions;
        uint64_t passed = 0;
        pthread_mutex_lock(&outbox->mutex);
        if (outbox->too_large > mv_outbox_room(outbox) && outbox->journal.n > 1) {
                const uint64_t end = outbox->journal.segments[1].first - 1;
                if (!waits_for_others(positions, gone, n, end))
                        for (size_t i = 0; i < positions->n; i++)
                                passed += pass_over(outbox, &positions->items[i], end);
                outbox->changed |= passed > 0;
                outbox->counts.passed += passed;
        }
        pthread_mutex_unlock(&outbox->mutex);
        trim(outbox);
        if (passed)
                mv_outbox_say_number(
                        outbox, MV_LOG_WARNING,
                        "what waits for receivers that want no more events is forgotten, for lack of room",
                        "records", passed);
}

void mv_outbox_done(struct mv_outbox *outbox, size_t receiver, uint64_t sequence) {
        pthread_mutex_lock(&outbox->mutex);
        if (receiver < outbox->positions.n)
                mark(outbox, &outbox->positions.items[receiver], sequence);
        pthread_mutex_unlock(&outbox->mutex);
        trim(outbox);
}

bool mv_outbox_waits(struct mv_outbox *outbox, size_t receiver, uint64_t sequence) {
        struct mv_journal_place place;
        pthread_mutex_lock(&outbox->mutex);
        bool waits = receiver < outbox->positions.n &&
                     !mv_position_has(&outbox->positions.items[receiver], sequence) &&
                     mv_journal_find(&outbox->journal, sequence, &place) && place.sequence == sequence;
        pthread_mutex_unlock(&outbox->mutex);
        return waits;
}

/* Nobody can have it any more. */
static void lose(struct mv_outbox *outbox, const struct mv_journal_place *place, const char *message) {
        pthread_mutex_lock(&outbox->mutex);
        for (size_t i = 0; i < outbox->positions.n; i++)
                mark(outbox, &outbox->positions.items[i], place->sequence);
        mv_journal_lose(&outbox->journal, place);
        outbox->counts.damaged++;
        pthread_mutex_unlock(&outbox->mutex);
        trim(outbox);
        mv_outbox_say_number(outbox, MV_LOG_ERROR, message, "sequence", place->sequence);
}

/* The first record from there on can be read, and is not this one. */
static bool can_read(struct mv_outbox *outbox, uint64_t from, uint64_t but) {
        struct mv_journal_place place;
        struct mv_outbox_letter letter;
        struct mv_buf buf;
        pthread_mutex_lock(&outbox->mutex);
        bool found = mv_journal_find(&outbox->journal, from, &place) && place.sequence != but;
        pthread_mutex_unlock(&outbox->mutex);
        if (!found)
                return false;
        mv_buf_init(&buf, outbox->allocator, MV_OUTBOX_BUF);
        int r = mv_journal_read(&outbox->journal, &place, &buf, &letter, NULL);
        mv_buf_done(&buf);
        return r == 0;
}

/* A record that is not this one can be read. What the disk does not give is a page or more, so its neighbours may be in it, too:
 * others are tried, twice as far away each time, and the oldest. */
static bool can_read_another(struct mv_outbox *outbox, uint64_t sequence) {
        for (uint64_t ahead = 1; ahead <= FARTHEST_OTHER; ahead *= 2)
                if (can_read(outbox, sequence + ahead, sequence))
                        return true;
        return can_read(outbox, 1, sequence);
}

/* The disk did not give the record: whether that is so for long, and for this one alone. Of several one at a time: the next has
 * its turn when that one was read, is done, or is not there. */
static bool is_lost(struct mv_outbox *outbox, struct mv_position *position, uint64_t sequence) {
        const long long now_ms = mv_clock_ms();
        struct mv_journal_place place;
        pthread_mutex_lock(&outbox->mutex);
        const bool first = !position->unreadable || mv_position_has(position, position->unreadable) ||
                           !mv_journal_find(&outbox->journal, position->unreadable, &place) ||
                           place.sequence != position->unreadable;
        pthread_mutex_unlock(&outbox->mutex);
        if (first) {
                position->unreadable = sequence;
                position->unreadable_since_ms = now_ms;
                return false;
        }
        return position->unreadable == sequence &&
               now_ms - position->unreadable_since_ms >= outbox->unreadable_ms && !outbox->sync_fails &&
               can_read_another(outbox, sequence);
}

int mv_outbox_next_letter(struct mv_outbox *outbox, size_t receiver, uint64_t after, struct mv_buf *buf,
                          struct mv_outbox_letter *ret, struct mv_err *err) {
        for (;;) {
                struct mv_journal_place place;
                struct mv_outbox_letter letter;
                pthread_mutex_lock(&outbox->mutex);
                bool found = receiver < outbox->positions.n &&
                             find_next(outbox, &outbox->positions.items[receiver], after, &place);
                pthread_mutex_unlock(&outbox->mutex);
                if (!found)
                        return 0;
                struct mv_err local = { 0 };
                struct mv_position *position = &outbox->positions.items[receiver];
                int r = mv_journal_read(&outbox->journal, &place, buf, &letter, &local);
                if (r == MV_ESYNTAX || r == MV_ENOTFOUND) {
                        lose(outbox, &place, "a damaged record was passed over; it is lost");
                        continue;
                }
                if (r == MV_EIO && is_lost(outbox, position, place.sequence)) {
                        lose(outbox, &place,
                             "a record that the disk does not give was passed over; it is lost");
                        continue;
                }
                if (r != MV_EIO && position->unreadable == place.sequence)
                        position->unreadable = 0;
                if (r < 0) {
                        if (err)
                                *err = local;
                        return r;
                }
                const struct mv_str only = letter.record.receiver;
                if (!only.n || mv_str_is(only, position->name)) {
                        *ret = letter;
                        return 1;
                }
                mv_outbox_done(outbox, receiver, place.sequence);
        }
}

int mv_outbox_next(struct mv_outbox *outbox, size_t receiver, uint64_t after, struct mv_buf *buf,
                   struct mv_outbox_record *ret) {
        struct mv_outbox_letter letter;
        struct mv_err err = { 0 };
        int r = mv_outbox_next_letter(outbox, receiver, after, buf, &letter, &err);
        if (r > 0)
                *ret = letter.record;
        if (r < 0 && may_say(&outbox->said_reading_ms)) {
                char text[1152];
                mv_outbox_say(outbox, MV_LOG_ERROR, "records cannot be read for now: they wait", "error",
                              mv_str_from(mv_err_format(&err, text, sizeof text)));
        }
        return r;
}

/* --- dead letters --- */

void mv_outbox_count_dead(struct mv_outbox *outbox) {
        pthread_mutex_lock(&outbox->mutex);
        for (size_t i = 0; i < outbox->positions.n; i++) {
                struct mv_position *position = &outbox->positions.items[i];
                const uint64_t hash = mv_dead_receiver(mv_str_from(position->name));
                position->dead = 0;
                for (size_t k = 0; k < outbox->dead.n; k++)
                        position->dead += outbox->dead.letters[k].receiver == hash;
        }
        outbox->counts.dead = outbox->dead.n;
        outbox->counts.dead_bytes = outbox->dead.bytes;
        pthread_mutex_unlock(&outbox->mutex);
}

/* The oldest go until the rest has its share of the room. */
static void forget_dead(struct mv_outbox *outbox) {
        uint64_t forgotten = 0;
        while (outbox->dead.n > 1 && outbox->dead.bytes > outbox->max_bytes / DEAD_SHARE &&
               mv_dead_remove(&outbox->dead, 0, NULL) == 0)
                forgotten++;
        if (!forgotten)
                return;
        pthread_mutex_lock(&outbox->mutex);
        outbox->counts.forgotten += forgotten;
        pthread_mutex_unlock(&outbox->mutex);
        mv_outbox_say_number(outbox, MV_LOG_ERROR, "the oldest dead letters were forgotten, for lack of room",
                             "letters", forgotten);
}

int mv_outbox_bury(struct mv_outbox *outbox, size_t receiver, const struct mv_outbox_record *record,
                   unsigned tries, struct mv_str why, struct mv_err *err) {
        struct mv_outbox_letter letter = { .record = *record, .tries = tries, .why = why };
        if (receiver >= outbox->positions.n)
                return mv_err_set(err, MV_EUSAGE, "there is no receiver %zu", receiver);
        letter.record.receiver = mv_str_from(outbox->positions.items[receiver].name);
        letter.why = mv_str_cut(letter.why, WHY_MOST);
        int r = mv_dead_add(&outbox->dead, &letter, err);
        if (r < 0)
                return r;
        pthread_mutex_lock(&outbox->mutex);
        outbox->counts.buried++;
        mark(outbox, &outbox->positions.items[receiver], record->sequence);
        pthread_mutex_unlock(&outbox->mutex);
        trim(outbox);
        forget_dead(outbox);
        mv_outbox_count_dead(outbox);
        return 0;
}

/* --- syncing --- */

/* Some segment with unsynced records, not so any more. */
static bool take_dirty(struct mv_outbox *outbox, uint64_t *ret) {
        bool found = false;
        pthread_mutex_lock(&outbox->mutex);
        for (size_t i = 0; !found && i < outbox->journal.n; i++) {
                struct mv_journal_segment *segment = &outbox->journal.segments[i];
                found = segment->dirty;
                segment->dirty = false;
                *ret = segment->first;
        }
        pthread_mutex_unlock(&outbox->mutex);
        return found;
}

static void set_dirty(struct mv_outbox *outbox, uint64_t first) {
        pthread_mutex_lock(&outbox->mutex);
        for (size_t i = 0; i < outbox->journal.n; i++)
                outbox->journal.segments[i].dirty |= outbox->journal.segments[i].first == first;
        pthread_mutex_unlock(&outbox->mutex);
}

static bool set_names_dirty(struct mv_outbox *outbox, bool dirty) {
        pthread_mutex_lock(&outbox->mutex);
        bool was = outbox->journal.names_dirty;
        outbox->journal.names_dirty = dirty;
        pthread_mutex_unlock(&outbox->mutex);
        return was;
}

static int sync_journal(struct mv_outbox *outbox, struct mv_err *err) {
        uint64_t first;
        while (take_dirty(outbox, &first)) {
                char *path = mv_journal_path(outbox->directory, first);
                int r = path ? mv_disk_sync(path, err) : mv_err_oom(err);
                free(path);
                if (r < 0) {
                        set_dirty(outbox, first);
                        return r;
                }
        }
        if (!set_names_dirty(outbox, false))
                return 0;
        int r = mv_directory_sync(outbox->directory, err);
        if (r < 0)
                set_names_dirty(outbox, true);
        return r;
}

int mv_outbox_sync_journal(struct mv_outbox *outbox, struct mv_err *err) {
        int r = sync_journal(outbox, err);
        outbox->sync_fails = r < 0;
        return r;
}

int mv_outbox_sync_all(struct mv_outbox *outbox, struct mv_err *err) {
        trim(outbox);
        pthread_mutex_lock(&outbox->mutex);
        bool write = outbox->changed || outbox->granted < outbox->journal.next + SPARE;
        pthread_mutex_unlock(&outbox->mutex);
        int r = mv_outbox_sync_journal(outbox, err);
        int written = write ? mv_outbox_write_positions(outbox, r < 0 ? NULL : err) : 0;
        return r < 0 ? r : written;
}

/* All of it, whether or not a part fails; the first failure. */
int mv_outbox_sync(struct mv_outbox *outbox, struct mv_err *err) {
        int asked = mv_outbox_requests_tend(outbox, err);
        int synced = mv_outbox_sync_all(outbox, asked < 0 ? NULL : err);
        return asked < 0 ? asked : synced;
}

/* --- status --- */

uint64_t mv_outbox_room(const struct mv_outbox *outbox) {
        const uint64_t used = outbox->journal.bytes + outbox->counts.dead_bytes;
        return used < outbox->max_bytes ? outbox->max_bytes - used : 0;
}

void mv_outbox_status(struct mv_outbox *outbox, struct mv_outbox_status *ret) {
        pthread_mutex_lock(&outbox->mutex);
        *ret = outbox->counts;
        ret->max_bytes = outbox->max_bytes;
        ret->bytes = outbox->journal.bytes + outbox->counts.dead_bytes;
        ret->last_sequence = outbox->journal.next - 1;
        ret->full = outbox->too_large > mv_outbox_room(outbox);
        pthread_mutex_unlock(&outbox->mutex);
}

bool mv_outbox_receiver_status(struct mv_outbox *outbox, size_t receiver,
                               struct mv_outbox_receiver_status *ret) {
        struct mv_journal_place place;
        pthread_mutex_lock(&outbox->mutex);
        const bool there = receiver < outbox->positions.n;
        if (there) {
                const struct mv_position *position = &outbox->positions.items[receiver];
                bool waits = find_next(outbox, position, 0, &place);
                *ret = (struct mv_outbox_receiver_status){
                        .waiting = position->waiting,
                        .oldest = waits ? mv_journal_time(&outbox->journal, &place) : 0,
                        .dead = position->dead
                };
                memcpy(ret->name, position->name, sizeof ret->name);
        }
        pthread_mutex_unlock(&outbox->mutex);
        return there;
}
