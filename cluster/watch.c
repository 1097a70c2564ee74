/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/watch.h"

#include "certs/clock.h"
#include "policy/base/hash.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        INTERVAL_MS = 250,
        LONGEST_INTERVAL_MS = 700, /* when a look itself takes long; an edit must be seen within a second */
        SETTLE_MS = 100,
        SETTLE_LOOKS = 20, /* files that change all the time are read in the end */
        RETRY_MS = 1000,   /* after an error that may pass without a change of the files */
};

struct mv_files_watch {
        /* Set once, before the thread starts. */
        struct mv_files_options files;
        char **names;
        char *default_namespace;
        struct mv_store *store;
        const struct mv_logger *logger;
        unsigned interval_ms, settle_ms;
        void (*changed)(void *context, const struct mv_files_status *status);
        void *context;
        pthread_t thread;
        atomic_bool stopping;

        /* Of the thread (of the starter, before). */
        uint64_t fingerprint; /* of the state that was judged last */
        long long retry_at;   /* ms; 0: a look is enough */

        pthread_mutex_t lock; /* of what follows */
        pthread_cond_t wake;  /* reload or stopping was set */
        bool reload;
        struct mv_files_status status;
};

/* Sleep so long; less when the watch is to stop or (unless through) to reload. Returns whether to reload. */
static bool wait_ms(struct mv_files_watch *watch, long long ms, bool through) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        long long ns = until.tv_nsec + ms % 1000 * 1000000;
        until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
        until.tv_nsec = (long)(ns % 1000000000);
        pthread_mutex_lock(&watch->lock);
        int r = 0;
        while (r == 0 && !atomic_load(&watch->stopping) && (through || !watch->reload))
                r = pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
        bool reload = watch->reload;
        if (!through)
                watch->reload = false;
        pthread_mutex_unlock(&watch->lock);
        return reload;
}

/* --- reporting --- */

static void report_failure(struct mv_files_watch *watch, const struct mv_err *err, bool first) {
        if (!watch->logger)
                return;
        char text[1536], line[16], column[16];
        snprintf(line, sizeof line, "%u", err->line);
        snprintf(column, sizeof column, "%u", err->column);
        const struct mv_log_field fields[] = {
                { "error", mv_str_from(mv_err_format(err, text, sizeof text)) },
                { "file", mv_str_from(err->file) },
                { "line", mv_str_from(line) },
                { "column", mv_str_from(column) },
        };
        watch->logger->line(watch->logger->context, MV_LOG_ERROR, "files",
                            first ? "the files cannot be read, and there is no state from before"
                                  : "the files cannot be read; the last good state stays in force",
                            fields,
                            err->line      ? 4
                            : err->file[0] ? 2
                                           : 1);
}

static void report_success(struct mv_files_watch *watch, const struct mv_files_status *status) {
        if (!watch->logger)
                return;
        char files[24], documents[24], generation[24];
        snprintf(files, sizeof files, "%zu", status->counts.files);
        snprintf(documents, sizeof documents, "%zu", status->counts.documents);
        snprintf(generation, sizeof generation, "%llu", status->generation);
        struct mv_log_field fields[] = {
                { "files", mv_str_from(files) },
                { "documents", mv_str_from(documents) },
                { "generation", mv_str_from(generation) },
        };
        watch->logger->line(watch->logger->context, MV_LOG_INFO, "files", "files loaded", fields, 3);
}

static bool same_error(const struct mv_err *a, const struct mv_err *b) {
        return a->code == b->code && a->line == b->line && a->column == b->column &&
               strcmp(a->file, b->file) == 0 && strcmp(a->path, b->path) == 0 &&
               strcmp(a->message, b->message) == 0;
}

static void note_failure(struct mv_files_watch *watch, const struct mv_err *err) {
        pthread_mutex_lock(&watch->lock);
        bool news = !same_error(&watch->status.err, err);
        watch->status.err = *err;
        watch->status.failures++;
        if (!watch->status.failing_since)
                watch->status.failing_since = time(NULL);
        struct mv_files_status status = watch->status;
        pthread_mutex_unlock(&watch->lock);
        if (news)
                report_failure(watch, err, !status.generation);
        if (watch->changed)
                watch->changed(watch->context, &status);
}

static void note_success(struct mv_files_watch *watch, const struct mv_files_counts *counts) {
        pthread_mutex_lock(&watch->lock);
        watch->status.generation++;
        watch->status.counts = *counts;
        watch->status.published = time(NULL);
        watch->status.failing_since = 0;
        watch->status.err = (struct mv_err){ 0 };
        struct mv_files_status status = watch->status;
        pthread_mutex_unlock(&watch->lock);
        report_success(watch, &status);
        if (watch->changed)
                watch->changed(watch->context, &status);
}

/* --- looking and loading --- */

/* List the files. On failure the fingerprint is that of the error. */
static int look(struct mv_files_watch *watch, struct mv_listing *ret, uint64_t *ret_fingerprint,
                struct mv_err *err) {
        int r = mv_listing_make(watch->files.names, watch->files.n_names, watch->files.recursive,
                                mv_files_limit(&watch->files), ret, err);
        if (!r) {
                *ret_fingerprint = ret->fingerprint;
                return 0;
        }
        uint64_t hash = mv_hash_add(MV_HASH_START, mv_str_from(err->file));
        *ret_fingerprint = mv_hash_add(hash, mv_str_from(err->message));
        return r;
}

/* Load the files of the listing (or pass on why there is none), publish or report. */
static int load(struct mv_files_watch *watch, int listed, const struct mv_listing *listing,
                uint64_t fingerprint, struct mv_err *err) {
        struct mv_snapshot *snapshot = NULL;
        struct mv_files_counts counts = { 0 };
        int r = listed;
        if (!r)
                r = mv_files_load_listing(&watch->files, listing, mv_str_from(watch->default_namespace),
                                          &snapshot, &counts, err);
        if (atomic_load(&watch->stopping)) {
                mv_snapshot_free(snapshot);
                return r;
        }
        if (!r && !counts.files && watch->status.counts.files) {
                /* A checkout or a copy under way, far more likely than a cluster that has nothing any more. */
                mv_snapshot_free(snapshot);
                r = mv_err_set(err, MV_ENOTFOUND, "there is no manifest any more");
        }
        watch->fingerprint = fingerprint;
        watch->retry_at = r == MV_EIO || r == MV_ENOMEM ? mv_clock_ms() + RETRY_MS : 0;
        if (r) {
                note_failure(watch, err);
                return r;
        }
        mv_store_publish(watch->store, snapshot);
        note_success(watch, &counts);
        return 0;
}

/* Wait until two looks see the same, then load. */
static void load_settled(struct mv_files_watch *watch, uint64_t seen) {
        for (int i = 0; !atomic_load(&watch->stopping); i++) {
                wait_ms(watch, watch->settle_ms, true);
                struct mv_listing listing = { 0 };
                struct mv_err err = { 0 };
                uint64_t fingerprint;
                int r = look(watch, &listing, &fingerprint, &err);
                bool settled = fingerprint == seen || i >= SETTLE_LOOKS;
                if (settled)
                        load(watch, r, &listing, fingerprint, &err);
                mv_listing_done(&listing);
                if (settled)
                        return;
                seen = fingerprint;
        }
}

static void poll_once(struct mv_files_watch *watch, bool reload) {
        struct mv_listing listing = { 0 };
        struct mv_err err = { 0 };
        uint64_t fingerprint;
        int r = look(watch, &listing, &fingerprint, &err);
        if (reload) {
                load(watch, r, &listing, fingerprint, &err);
                mv_listing_done(&listing);
                return;
        }
        mv_listing_done(&listing);
        if (fingerprint != watch->fingerprint || (watch->retry_at && mv_clock_ms() >= watch->retry_at))
                load_settled(watch, fingerprint);
}

static void *run(void *argument) {
        struct mv_files_watch *watch = argument;
        long long pause = watch->interval_ms;
        while (!atomic_load(&watch->stopping)) {
                bool reload = wait_ms(watch, pause, false);
                if (atomic_load(&watch->stopping))
                        break;
                long long start = mv_clock_ms();
                poll_once(watch, reload);
                /* Many files, or slow ones: do not spend the time with looking. */
                pause = (mv_clock_ms() - start) * 10;
                if (pause > LONGEST_INTERVAL_MS)
                        pause = LONGEST_INTERVAL_MS;
                if (pause < watch->interval_ms)
                        pause = watch->interval_ms;
        }
        return NULL;
}

/* --- start and stop --- */

static void free_watch(struct mv_files_watch *watch) {
        for (size_t i = 0; watch->names && i < watch->files.n_names; i++)
                free(watch->names[i]);
        free(watch->names);
        free(watch->default_namespace);
        pthread_cond_destroy(&watch->wake);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
}

static bool copy_options(struct mv_files_watch *watch, const struct mv_files_watch_options *options) {
        watch->files = options->files;
        watch->files.progress = NULL;
        watch->files.context = NULL;
        watch->files.cancel = &watch->stopping;
        watch->store = options->store;
        watch->logger = options->logger;
        watch->interval_ms = options->interval_ms ? options->interval_ms : INTERVAL_MS;
        watch->settle_ms = options->settle_ms ? options->settle_ms : SETTLE_MS;
        watch->changed = options->changed;
        watch->context = options->context;
        struct mv_str name = options->default_namespace;
        watch->default_namespace = strndup(name.p ? name.p : "", name.n);
        watch->names = calloc(options->files.n_names + 1, sizeof *watch->names);
        if (!watch->names || !watch->default_namespace)
                return false;
        for (size_t i = 0; i < options->files.n_names; i++)
                if (!(watch->names[i] = strdup(options->files.names[i])))
                        return false;
        watch->files.names = (const char *const *)watch->names;
        return true;
}

static struct mv_files_watch *make_watch(const struct mv_files_watch_options *options) {
        struct mv_files_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return NULL;
        atomic_init(&watch->stopping, false);
        pthread_mutex_init(&watch->lock, NULL);
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&watch->wake, &attributes);
        pthread_condattr_destroy(&attributes);
        if (copy_options(watch, options))
                return watch;
        free_watch(watch);
        return NULL;
}

/* Time stamps have a coarse grain: a file that is younger than that could change once more without being
 * seen to. */
static void let_age(const struct mv_files_watch *watch, const struct mv_listing *listing) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        long long age = ((long long)now.tv_sec - listing->newest.tv_sec) * 1000 +
                        (now.tv_nsec - listing->newest.tv_nsec) / 1000000;
        if (age >= 0 && age < watch->settle_ms) {
                long long wait = watch->settle_ms - age;
                nanosleep(&(struct timespec){ .tv_sec = (time_t)(wait / 1000),
                                              .tv_nsec = wait % 1000 * 1000000 },
                          NULL);
        }
}

int mv_files_watch_start(const struct mv_files_watch_options *options, struct mv_files_watch **ret,
                         struct mv_err *err) {
        for (size_t i = 0; i < options->files.n_names; i++)
                if (strcmp(options->files.names[i], "-") == 0)
                        return mv_err_set(err, MV_EUSAGE, "standard input cannot be watched for changes");
        struct mv_files_watch *watch = make_watch(options);
        if (!watch)
                return mv_err_oom(err);

        struct mv_listing listing = { 0 };
        struct mv_err why = { 0 };
        uint64_t fingerprint;
        int r = look(watch, &listing, &fingerprint, &why);
        if (!r) {
                let_age(watch, &listing);
                mv_listing_done(&listing);
                r = look(watch, &listing, &fingerprint, &why);
        }
        r = load(watch, r, &listing, fingerprint, &why);
        mv_listing_done(&listing);
        if (r && !options->lenient) {
                if (err)
                        *err = why;
                free_watch(watch);
                return r;
        }
        if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
                free_watch(watch);
                return mv_err_set(err, MV_EIO, "cannot start a thread to watch the files");
        }
        *ret = watch;
        return 0;
}

struct mv_files_watch *mv_files_watch_stop(struct mv_files_watch *watch) {
        if (!watch)
                return NULL;
        pthread_mutex_lock(&watch->lock);
        atomic_store(&watch->stopping, true);
        pthread_cond_broadcast(&watch->wake);
        pthread_mutex_unlock(&watch->lock);
        pthread_join(watch->thread, NULL);
        free_watch(watch);
        return NULL;
}

void mv_files_watch_reload(struct mv_files_watch *watch) {
        pthread_mutex_lock(&watch->lock);
        watch->reload = true;
        pthread_cond_broadcast(&watch->wake);
        pthread_mutex_unlock(&watch->lock);
}

void mv_files_status(struct mv_files_watch *watch, struct mv_files_status *ret) {
        pthread_mutex_lock(&watch->lock);
        *ret = watch->status;
        pthread_mutex_unlock(&watch->lock);
}
