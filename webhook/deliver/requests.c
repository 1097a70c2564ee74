/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/requests.h"

#include "certs/clock.h"
#include "certs/file.h"
#include "webhook/deliver/disk.h"
#include "webhook/deliver/outbox_making.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS "requests"
#define REQUEST ".request"
#define ANSWER ".answer"

enum {
        TEXT_MOST = 1 << 20,   /* bytes of a request or an answer */
        STALE_SECONDS = 60,    /* files as old as this are of somebody who is gone */
        TAKEN_UP_SECONDS = 20, /* to wait for the answer to a request that was taken up */
        POLL_MS = 50,
};

/* --- carrying out --- */

struct work {
        struct mv_outbox *outbox;
        const struct mv_outbox_request *request;
        struct mv_outbox_answer *answer;
        bool *matched; /* of each item */
        struct mv_buf buf;
};

bool mv_outbox_item_is(struct mv_str item, const struct mv_outbox_record *record) {
        unsigned long long sequence;
        return mv_str_equal(item, record->id) ||
               (mv_str_to_unsigned(item, UINT64_MAX, &sequence) && sequence == record->sequence);
}

/* It is among the items; each of those that it is, is ticked off. */
static bool is_wanted(struct work *work, const struct mv_outbox_record *record) {
        const struct mv_outbox_request *request = work->request;
        bool wanted = request->n_items == 0;
        for (size_t i = 0; i < request->n_items; i++) {
                bool is = mv_outbox_item_is(request->items[i], record);
                work->matched[i] |= is;
                wanted |= is;
        }
        return wanted;
}

/* Append the dead letter's record for its receiver. */
static int send_again(struct work *work, const struct mv_outbox_letter *letter, uint64_t freed,
                      struct mv_err *err) {
        const struct mv_str receiver = letter->record.receiver;
        if (!mv_positions_find(&work->outbox->positions, receiver))
                return mv_err_set(err, MV_ENOTFOUND, "receiver %.*s is not configured", MV_STR_ARG(receiver));
        return mv_outbox_append_again(work->outbox, letter, freed, err);
}

/* What is asked of one dead letter, short of its removal. 1: it is to be removed. */
static int tend_letter(struct work *work, size_t at, uint64_t *freed, struct mv_err *err) {
        struct mv_dead *dead = &work->outbox->dead;
        const struct mv_dead_letter *entry = &dead->letters[at];
        const struct mv_outbox_record nameless = { .sequence = entry->sequence };
        struct mv_outbox_letter letter;
        if (work->request->receiver.n && entry->receiver != mv_dead_receiver(work->request->receiver))
                return 0;
        /* One that cannot be read can be dropped, by its sequence. */
        struct mv_err local = { 0 };
        int r = mv_dead_read(dead, at, &work->buf, &letter, &local);
        if (r != MV_ENOMEM && !is_wanted(work, r < 0 ? &nameless : &letter.record))
                return 0;
        *freed += entry->bytes;
        if (work->request->retry && r == 0)
                r = send_again(work, &letter, *freed, &local);
        if (r == 0 || (!work->request->retry && r != MV_ENOMEM))
                return 1;
        if (err)
                *err = local;
        return r;
}

/* A dead letter stays until what was appended for it is on the disk. */
static int remove_taken(struct work *work, const bool *taken, struct mv_err *err) {
        struct mv_outbox *outbox = work->outbox;
        int r = mv_outbox_sync_journal(outbox, err);
        for (size_t at = outbox->dead.n; r == 0 && at > 0; at--) {
                if (!taken[at - 1])
                        continue;
                r = mv_dead_remove(&outbox->dead, at - 1, err);
                work->answer->dead += r == 0;
        }
        mv_outbox_count_dead(outbox);
        return r;
}

static int tend_dead(struct work *work, struct mv_err *err) {
        struct mv_outbox *outbox = work->outbox;
        const struct mv_allocator *allocator = outbox->allocator;
        uint64_t freed = 0;
        int r = 0, removed, passed = 0;
        bool *taken = allocator->allocate(allocator->context, outbox->dead.n + 1);
        if (!taken)
                return mv_err_oom(err);
        memset(taken, 0, outbox->dead.n + 1);
        for (size_t at = 0; r >= 0 && at < outbox->dead.n; at++) {
                r = tend_letter(work, at, &freed, err);
                taken[at] = r > 0;
                /* One that is damaged, or whose receiver is not configured, does not keep the others from being sent. */
                if (r == MV_ESYNTAX || r == MV_ENOTFOUND) {
                        passed = r;
                        r = 0;
                }
        }
        r = r < 0 ? r : passed;
        removed = remove_taken(work, taken, r < 0 ? NULL : err);
        allocator->release(allocator->context, taken);
        return r < 0 ? r : removed;
}

static int drop_waiting(struct work *work, size_t receiver, struct mv_err *err) {
        struct mv_outbox *outbox = work->outbox;
        struct mv_outbox_letter letter;
        uint64_t after = 0;
        int r;
        while ((r = mv_outbox_next_letter(outbox, receiver, after, &work->buf, &letter, err)) > 0) {
                after = letter.record.sequence;
                if (!is_wanted(work, &letter.record))
                        continue;
                mv_outbox_done(outbox, receiver, after);
                work->answer->waiting++;
        }
        return r;
}

static bool is_known(const struct mv_outbox *outbox, struct mv_str receiver) {
        const uint64_t hash = mv_dead_receiver(receiver);
        bool known = mv_positions_find(&outbox->positions, receiver) != NULL;
        for (size_t i = 0; !known && i < outbox->dead.n; i++)
                known = outbox->dead.letters[i].receiver == hash;
        return known;
}

static int carry_out(struct work *work, struct mv_err *err) {
        const struct mv_outbox_request *request = work->request;
        struct mv_outbox *outbox = work->outbox;
        if (request->receiver.n && !is_known(outbox, request->receiver))
                return mv_err_set(err, MV_ENOTFOUND, "there is no receiver %.*s",
                                  MV_STR_ARG(request->receiver));
        int r = tend_dead(work, err);
        if (r < 0 || request->retry)
                return r;
        for (size_t i = 0; r == 0 && i < outbox->positions.n; i++)
                if (!request->receiver.n || mv_str_is(request->receiver, outbox->positions.items[i].name))
                        r = drop_waiting(work, i, err);
        return r;
}

int mv_outbox_carry_out(struct mv_outbox *outbox, const struct mv_outbox_request *request,
                        struct mv_outbox_answer *ret, struct mv_err *err) {
        const struct mv_allocator *allocator = outbox->allocator;
        struct work work = { .outbox = outbox, .request = request, .answer = ret };
        *ret = (struct mv_outbox_answer){ 0 };
        work.matched = allocator->allocate(allocator->context, request->n_items + 1);
        if (!work.matched)
                return mv_err_oom(err);
        memset(work.matched, 0, request->n_items + 1);
        mv_buf_init(&work.buf, allocator, MV_OUTBOX_BUF);
        int r = carry_out(&work, err);
        for (size_t i = 0; r == 0 && i < request->n_items; i++)
                if (!work.matched[i] && !ret->unmatched++)
                        snprintf(ret->first_unmatched, sizeof ret->first_unmatched, "%.*s",
                                 MV_STR_ARG(request->items[i]));
        mv_buf_done(&work.buf);
        allocator->release(allocator->context, work.matched);
        return r;
}

/* --- files, for the process that has the outbox --- */

int mv_outbox_requests_open(struct mv_outbox *outbox, struct mv_err *err) {
        outbox->requests = mv_path_join(outbox->directory, REQUESTS);
        return outbox->requests ? mv_directory_make(outbox->requests, err) : mv_err_oom(err);
}

static bool is_stale(const char *path) {
        struct stat st;
        return lstat(path, &st) == 0 && time(NULL) - st.st_mtim.tv_sec > STALE_SECONDS;
}

/* NAME.request gives NAME.answer, to be freed. */
static char *answer_name(const char *request) {
        char *name = NULL;
        int n = (int)(strlen(request) - strlen(REQUEST));
        return asprintf(&name, "%.*s" ANSWER, n, request) < 0 ? NULL : name;
}

static void say_carried_out(const struct mv_outbox *outbox, const struct mv_outbox_request *request,
                            const struct mv_outbox_answer *answer) {
        mv_outbox_say_number(outbox, MV_LOG_INFO,
                             request->retry ? "dead letters are sent again, as asked"
                                            : "records are forgotten, as asked",
                             "records", answer->dead + answer->waiting);
}

static void answer_text(struct mv_outbox *outbox, struct mv_str text, struct mv_outbox_answer *answer) {
        struct mv_outbox_request request;
        struct mv_err err = { 0 };
        int r = mv_outbox_request_read(text, outbox->allocator, &request, &err);
        if (r == 0) {
                r = mv_outbox_carry_out(outbox, &request, answer, &err);
                /* What is answered holds, should the process end now. */
                int synced = mv_outbox_sync_all(outbox, r < 0 ? NULL : &err);
                r = r < 0 ? r : synced;
                say_carried_out(outbox, &request, answer);
                mv_outbox_request_done(&request, outbox->allocator);
        }
        if (r < 0)
                mv_err_format(&err, answer->error, sizeof answer->error);
}

/* Whoever removes the request has it: this process to carry it out, or the one who asked to withdraw it. */
static int take_up(struct mv_outbox *outbox, const char *name, const char *path, struct mv_buf *buf,
                   struct mv_err *err) {
        struct mv_outbox_answer answer = { 0 };
        struct mv_err local = { 0 };
        int r = mv_disk_read(path, TEXT_MOST, buf, &local);
        if (r == MV_ENOTFOUND)
                return 0;
        if (unlink(path) < 0) /* it would be carried out again and again */
                return errno == ENOENT ? 0 : mv_err_of_file(err, path, "cannot be removed", errno);
        if (r == 0)
                answer_text(outbox, mv_buf_str(buf), &answer);
        else
                mv_err_format(&local, answer.error, sizeof answer.error);
        mv_buf_clear(buf);
        mv_outbox_answer_write(&answer, buf);
        char *file = answer_name(name);
        r = file && !mv_buf_failed(buf) ? mv_file_replace(outbox->requests, file, 0600, mv_buf_str(buf), err)
                                        : mv_err_oom(err);
        free(file);
        return r;
}

static int see_file(void *context, const char *name, struct mv_err *err) {
        struct mv_outbox *outbox = context;
        const struct mv_str text = mv_str_from(name);
        struct mv_buf buf;
        char *path = mv_path_join(outbox->requests, name);
        if (!path)
                return mv_err_oom(err);
        int r = 0;
        if (is_stale(path))
                unlink(path); /* failing, it is tried again */
        else if (mv_str_ends_with(text, MV_STR(REQUEST))) {
                mv_buf_init(&buf, outbox->allocator, TEXT_MOST);
                r = take_up(outbox, name, path, &buf, err);
                mv_buf_done(&buf);
        }
        free(path);
        return r;
}

int mv_outbox_requests_tend(struct mv_outbox *outbox, struct mv_err *err) {
        struct mv_err local = { 0 };
        int r = mv_disk_list(outbox->requests, see_file, outbox, &local);
        if (r == MV_ENOTFOUND) /* somebody removed it */
                return mv_directory_make(outbox->requests, err);
        if (r < 0 && err)
                *err = local;
        return r;
}

/* --- files, for the one who asks --- */

static int read_answer(const char *path, struct mv_outbox_answer *ret, struct mv_err *err) {
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, TEXT_MOST);
        int r = mv_disk_read(path, TEXT_MOST, &buf, err);
        if (r == 0) {
                unlink(path); /* should that fail, the other process does it in a while */
                r = mv_outbox_answer_read(mv_buf_str(&buf), ret, err);
                if (r < 0)
                        mv_err_in_file(err, path, r);
        }
        mv_buf_done(&buf);
        return r;
}

/* MV_ENOTFOUND: none yet. */
static int await(const char *path, long long until_ms, struct mv_outbox_answer *ret, struct mv_err *err) {
        for (;;) {
                struct mv_err local = { 0 };
                int r = read_answer(path, ret, &local);
                if (r == MV_ENOTFOUND && mv_clock_ms() < until_ms) {
                        nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000 }, NULL);
                        continue;
                }
                if (r < 0 && err)
                        *err = local;
                return r;
        }
}

static int ask(const char *directory, const char *name, const struct mv_outbox_request *request,
               unsigned seconds, struct mv_outbox_answer *ret, struct mv_err *err) {
        char *path = mv_path_join(directory, name), *file = answer_name(name);
        char *answer = file ? mv_path_join(directory, file) : NULL;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, TEXT_MOST);
        mv_outbox_request_write(request, &buf);
        int r = path && answer && !mv_buf_failed(&buf) ? 0 : mv_err_oom(err);
        if (r == 0)
                r = mv_file_replace(directory, name, 0600, mv_buf_str(&buf), err);
        if (r == 0) {
                r = await(answer, mv_clock_ms() + seconds * 1000LL, ret, err);
                if (r == MV_ENOTFOUND && unlink(path) == 0)
                        r = mv_err_set(
                                err, MV_ETIMEOUT,
                                "the process that has the outbox did not answer within %u s; nothing was changed",
                                seconds);
                else if (r == MV_ENOTFOUND) {
                        r = await(answer, mv_clock_ms() + TAKEN_UP_SECONDS * 1000, ret, err);
                        if (r == MV_ENOTFOUND)
                                r = mv_err_set(
                                        err, MV_ETIMEOUT,
                                        "the process that has the outbox began to do it, and did not answer");
                }
        }
        mv_buf_done(&buf);
        free(answer);
        free(file);
        free(path);
        return r;
}

int mv_outbox_ask(const char *directory, const struct mv_outbox_request *request, unsigned seconds,
                  struct mv_outbox_answer *ret, struct mv_err *err) {
        char *requests = mv_path_join(directory, REQUESTS), *name = NULL;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        int r = !requests || asprintf(&name, "%lld%09ld-%ld" REQUEST, (long long)now.tv_sec, now.tv_nsec,
                                      (long)getpid()) < 0
                        ? mv_err_oom(err)
                        : ask(requests, name, request, seconds, ret, err);
        free(name);
        free(requests);
        return r;
}
