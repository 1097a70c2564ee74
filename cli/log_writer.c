/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WAITING_BYTES = 1 << 15 };

struct mv_log_writer {
        unsigned milliseconds;
        pthread_t thread;
        pthread_mutex_t lock;   /* of what follows */
        pthread_cond_t changed; /* something waits, or stopping */
        bool stopping;
        size_t n;
        char waiting[WAITING_BYTES];
};

void mv_log_write(struct mv_str text) {
        while (text.n) {
                ssize_t n = write(STDERR_FILENO, text.p, text.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                text = mv_str_skip(text, (size_t)n);
        }
}

/* With the lock held, so that lines stay in order. */
static void flush(struct mv_log_writer *writer) {
        mv_log_write((struct mv_str){ writer->waiting, writer->n });
        writer->n = 0;
}

void mv_log_writer_put(struct mv_log_writer *writer, struct mv_str line, bool at_once) {
        pthread_mutex_lock(&writer->lock);
        if (line.n > WAITING_BYTES - writer->n)
                flush(writer);
        if (line.n > WAITING_BYTES)
                mv_log_write(line);
        else if (line.n) {
                if (!writer->n)
                        pthread_cond_signal(&writer->changed);
                memcpy(writer->waiting + writer->n, line.p, line.n);
                writer->n += line.n;
        }
        if (at_once)
                flush(writer);
        pthread_mutex_unlock(&writer->lock);
}

static void *run(void *context) {
        struct mv_log_writer *writer = context;
        struct timespec until;
        pthread_mutex_lock(&writer->lock);
        while (!writer->stopping) {
                if (!writer->n) {
                        pthread_cond_wait(&writer->changed, &writer->lock);
                        continue;
                }
                clock_gettime(CLOCK_MONOTONIC, &until);
                until.tv_sec += writer->milliseconds / 1000;
                until.tv_nsec += writer->milliseconds % 1000 * 1000000L;
                if (until.tv_nsec >= 1000000000L) {
                        until.tv_sec++;
                        until.tv_nsec -= 1000000000L;
                }
                while (!writer->stopping &&
                       pthread_cond_timedwait(&writer->changed, &writer->lock, &until) == 0) {
                }
                flush(writer);
        }
        pthread_mutex_unlock(&writer->lock);
        return NULL;
}

int mv_log_writer_new(unsigned milliseconds, struct mv_log_writer **ret, struct mv_err *err) {
        pthread_condattr_t attributes;
        struct mv_log_writer *writer = calloc(1, sizeof *writer);
        if (!writer)
                return mv_err_oom(err);
        writer->milliseconds = milliseconds;
        pthread_mutex_init(&writer->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&writer->changed, &attributes);
        pthread_condattr_destroy(&attributes);
        int r = pthread_create(&writer->thread, NULL, run, writer);
        if (r) {
                pthread_cond_destroy(&writer->changed);
                pthread_mutex_destroy(&writer->lock);
                free(writer);
                return mv_err_set(err, MV_EIO, "no thread can be started: %s", strerrordesc_np(r));
        }
        pthread_setname_np(writer->thread, "log");
        *ret = writer;
        return 0;
}

struct mv_log_writer *mv_log_writer_free(struct mv_log_writer *writer) {
        if (!writer)
                return NULL;
        pthread_mutex_lock(&writer->lock);
        writer->stopping = true;
        pthread_cond_signal(&writer->changed);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
        flush(writer);
        pthread_cond_destroy(&writer->changed);
        pthread_mutex_destroy(&writer->lock);
        free(writer);
        return NULL;
}
