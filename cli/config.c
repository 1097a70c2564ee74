/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config.h"

#include "certs/clock.h"
#include "certs/file.h"
#include "policy/base/hash.h"
#include "webhook/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration that is in force or on loan, and its memory. */
struct held {
        struct mv_config config; /* first: what is lent out is this */
        struct mv_arena arena;
        size_t users; /* who borrowed it, and the watch while it is in force */
};

struct mv_config_watch {
        /* Set once. */
        char *path; /* NULL: there is no file */
        char *own_namespace;
        const struct mv_logger *logger;
        mv_config_accept *accept; /* or NULL */
        void *accept_context;

        /* Of the thread that polls. */
        struct mv_file_stamp stamp;     /* of the last look */
        uint64_t judged, seen;          /* fingerprints of what was judged, and of what the last look found */
        bool again;                     /* the next look reads, whatever the stamp says */
        long long retry_ms;             /* when what was judged is judged once more; 0: it is not */
        struct mv_config_limits limits; /* at the start */
        uint64_t texts;                 /* likewise: kinds whose text siteRules read */

        pthread_mutex_t lock; /* of what follows */
        struct held *current;
        struct mv_config_status status;
};

enum {
        RACY_SECONDS = 2, /* a file as young as this may change once more without a change of its stamp */
        RETRY_MS = 3000,  /* of a configuration that was refused for a reason outside of its text */
};

/* --- reading --- */

static int read_config(const char *path, const struct mv_file *file, struct mv_arena *arena,
                       struct mv_config *ret, struct mv_err *err) {
        int r = mv_config_read(arena, mv_file_str(file), ret, err);
        return r < 0 ? mv_err_in_file(err, path, r) : 0;
}

int mv_config_load(const char *path, struct mv_arena *arena, struct mv_config *ret, struct mv_err *err) {
        struct mv_file file = { 0 };
        if (!path) {
                mv_config_init(ret);
                return 0;
        }
        int r = mv_file_read(path, &file, err);
        if (r == 0)
                r = read_config(path, &file, arena, ret, err);
        mv_file_done(&file);
        return r;
}

static struct held *free_held(struct held *held) {
        if (!held)
                return NULL;
        mv_arena_done(&held->arena);
        free(held);
        return NULL;
}

/* file is NULL for the values as shipped. */
static int make_held(const struct mv_config_watch *watch, const struct mv_file *file, struct held **ret,
                     struct mv_err *err) {
        struct held *held = calloc(1, sizeof *held);
        if (!held)
                return mv_err_oom(err);
        mv_arena_init(&held->arena, &mv_allocator_system, 0);
        mv_config_init(&held->config);
        int r = file ? read_config(watch->path, file, &held->arena, &held->config, err) : 0;
        if (r < 0) {
                free_held(held);
                return r;
        }
        held->config.own_namespace = mv_str_from(watch->own_namespace);
        held->users = 1;
        *ret = held;
        return 0;
}

/* --- lending --- */

/* Lock held. What is to be freed when it is unlocked, or NULL. */
static struct held *drop(struct held *held) {
        return held && --held->users == 0 ? held : NULL;
}

const struct mv_config *mv_config_borrow(struct mv_config_watch *watch) {
        pthread_mutex_lock(&watch->lock);
        struct held *held = watch->current;
        held->users++;
        pthread_mutex_unlock(&watch->lock);
        return &held->config;
}

void mv_config_return(struct mv_config_watch *watch, const struct mv_config *config) {
        pthread_mutex_lock(&watch->lock);
        struct held *done = drop((struct held *)(void *)config);
        pthread_mutex_unlock(&watch->lock);
        free_held(done);
}

void mv_config_watch_status(struct mv_config_watch *watch, struct mv_config_status *ret) {
        pthread_mutex_lock(&watch->lock);
        *ret = watch->status;
        pthread_mutex_unlock(&watch->lock);
}

/* --- telling --- */

static const char texts_not_kept[] =
        "some of siteRules read objects of which a part was not kept: they are Unknown until the next start";

/* The configuration in force answers reviews, whatever the file holds now: ready. */
bool mv_config_watch_ready(void *context, struct mv_buf *remark) {
        struct mv_config_status status;
        mv_config_watch_status(context, &status);
        if (!status.file) {
                mv_buf_append_text(remark, "as shipped");
                return true;
        }
        mv_buf_format(remark, "generation %llu", status.generation);
        if (status.restart)
                mv_buf_append_text(remark, "; changed limits of the server are taken up at its next start");
        if (status.texts)
                mv_buf_format(remark, "; %s", texts_not_kept);
        if (status.err.code) {
                char text[1152];
                mv_buf_format(remark, "; the file is broken now, this one stays: %s",
                              mv_err_format(&status.err, text, sizeof text));
        }
        return true;
}

void mv_config_watch_collect(void *context, struct mv_buf *out) {
        struct mv_config_status status;
        mv_config_watch_status(context, &status);
        mv_metrics_write_family(out, "migvet_config_generation", "counter",
                                "Configurations taken into force so far.");
        mv_metrics_write_sample(out, "migvet_config_generation", NULL, 0, (double)status.generation);
        mv_metrics_write_family(
                out, "migvet_config_broken", "gauge",
                "1 while the configuration file is broken and the last good one is in force.");
        mv_metrics_write_sample(out, "migvet_config_broken", NULL, 0, status.err.code ? 1 : 0);
}

uint64_t mv_config_watch_texts(struct mv_config_watch *watch) {
        return watch->texts;
}

struct mv_webhook_limits mv_config_watch_limits(struct mv_config_watch *watch) {
        struct mv_webhook_limits limits = MV_WEBHOOK_LIMITS;
        limits.body_bytes = watch->limits.body_bytes;
        limits.connections = watch->limits.connections;
        limits.receive_ms = watch->limits.receive_ms;
        limits.idle_ms = watch->limits.idle_ms;
        return limits;
}

/* --- following the file --- */

static void say(const struct mv_config_watch *watch, enum mv_log_level level, const char *message,
                const char *key, const char *value) {
        const struct mv_log_field field = { key, mv_str_from(value) };
        if (watch->logger)
                watch->logger->line(watch->logger->context, level, "config", message, &field, 1);
}

/* Limits of the server that a running one does not take up. */
static bool needs_restart(const struct mv_config_limits *running, const struct mv_config_limits *now) {
        return running->body_bytes != now->body_bytes || running->connections != now->connections ||
               running->receive_ms != now->receive_ms || running->idle_ms != now->idle_ms;
}

static void put_in_force(struct mv_config_watch *watch, struct held *held) {
        bool restart = needs_restart(&watch->limits, &held->config.limits);
        bool texts = (mv_site_rules_texts(&held->config.site_rules) & ~watch->texts) != 0;
        char generation[24];
        pthread_mutex_lock(&watch->lock);
        struct held *done = drop(watch->current);
        watch->current = held;
        watch->status.generation++;
        watch->status.failing_since = 0;
        watch->status.err = (struct mv_err){ 0 };
        watch->status.restart = restart;
        watch->status.texts = texts;
        snprintf(generation, sizeof generation, "%llu", watch->status.generation);
        pthread_mutex_unlock(&watch->lock);
        free_held(done);
        say(watch, MV_LOG_INFO, "configuration in force", "generation", generation);
        if (restart)
                say(watch, MV_LOG_WARNING, "changed limits of the server are taken up at its next start",
                    "file", watch->path);
        if (texts)
                say(watch, MV_LOG_WARNING, texts_not_kept, "file", watch->path);
}

/* What is tried again and fails in the same way is told once. */
static void note_failure(struct mv_config_watch *watch, const struct mv_err *err) {
        char text[1152], before[1152];
        pthread_mutex_lock(&watch->lock);
        mv_err_format(&watch->status.err, before, sizeof before);
        watch->status.err = *err;
        if (!watch->status.failing_since)
                watch->status.failing_since = time(NULL);
        pthread_mutex_unlock(&watch->lock);
        if (strcmp(mv_err_format(err, text, sizeof text), before) != 0)
                say(watch, MV_LOG_ERROR,
                    "the new configuration cannot be used; the present one stays in force", "error", text);
}

/* What the file holds, or why it cannot be read, as a number. */
static uint64_t fingerprint(int code, const struct mv_file *file, const struct mv_err *err) {
        uint64_t hash = mv_hash_add(MV_HASH_START, mv_str_from(code < 0 ? "error" : "text"));
        return mv_hash_add(hash, code < 0 ? mv_str_from(err->message) : mv_file_str(file));
}

static bool is_young(const struct mv_file_stamp *stamp) {
        return stamp->exists && time(NULL) - stamp->changed.tv_sec <= RACY_SECONDS;
}

static void judge(struct mv_config_watch *watch, int read, const struct mv_file *file, struct mv_err *err) {
        struct held *held = NULL;
        int r = read < 0 ? read : make_held(watch, file, &held, err);
        bool text_is_wrong = read == 0 && r < 0 && r != MV_ENOMEM;
        if (r == 0 && watch->accept)
                r = watch->accept(watch->accept_context, &held->config, err);
        watch->retry_ms = r < 0 && !text_is_wrong ? mv_clock_ms() + RETRY_MS : 0;
        if (r < 0) {
                note_failure(watch, err);
                free_held(held);
        } else
                put_in_force(watch, held);
}

void mv_config_watch_accept(struct mv_config_watch *watch, mv_config_accept *accept, void *context) {
        watch->accept = accept;
        watch->accept_context = context;
}

void mv_config_watch_poll(struct mv_config_watch *watch) {
        struct mv_file file = { 0 };
        struct mv_err err = { 0 };
        if (!watch->path)
                return;
        const struct mv_file_stamp stamp = mv_file_stamp(watch->path);
        bool moved = !mv_file_stamp_equal(&stamp, &watch->stamp);
        const bool retry = watch->retry_ms && mv_clock_ms() >= watch->retry_ms;
        watch->stamp = stamp;
        if (!moved && !watch->again && !retry)
                return;
        int r = mv_file_read(watch->path, &file, &err);
        uint64_t found = fingerprint(r, &file, &err);
        bool settled = found == watch->seen;
        watch->seen = found;
        if ((found != watch->judged || retry) && settled) {
                judge(watch, r, &file, &err);
                watch->judged = found;
        }
        watch->again = found != watch->judged || is_young(&stamp);
        mv_file_done(&file);
}

/* --- life --- */

static int read_first(struct mv_config_watch *watch, struct mv_err *err) {
        struct mv_file file = { 0 };
        int r = 0;
        if (watch->path) {
                watch->stamp = mv_file_stamp(watch->path);
                r = mv_file_read(watch->path, &file, err);
                watch->judged = watch->seen = fingerprint(r, &file, err);
                watch->again = true;
        }
        if (r == 0)
                r = make_held(watch, watch->path ? &file : NULL, &watch->current, err);
        mv_file_done(&file);
        return r;
}

int mv_config_watch_new(const char *path, struct mv_str own_namespace, const struct mv_logger *logger,
                        struct mv_config_watch **ret, struct mv_err *err) {
        struct mv_config_watch *watch = calloc(1, sizeof *watch);
        if (!watch)
                return mv_err_oom(err);
        pthread_mutex_init(&watch->lock, NULL);
        watch->logger = logger;
        watch->path = path ? strdup(path) : NULL;
        watch->own_namespace = strndup(own_namespace.p ? own_namespace.p : "", own_namespace.n);
        int r = (path && !watch->path) || !watch->own_namespace ? mv_err_oom(err) : read_first(watch, err);
        if (r < 0) {
                mv_config_watch_free(watch);
                return r;
        }
        watch->limits = watch->current->config.limits;
        watch->texts = mv_site_rules_texts(&watch->current->config.site_rules);
        watch->status = (struct mv_config_status){ .generation = 1, .file = path != NULL };
        *ret = watch;
        return 0;
}

struct mv_config_watch *mv_config_watch_free(struct mv_config_watch *watch) {
        if (!watch)
                return NULL;
        free_held(watch->current);
        pthread_mutex_destroy(&watch->lock);
        free(watch->path);
        free(watch->own_namespace);
        free(watch);
        return NULL;
}
