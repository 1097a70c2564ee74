/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/sender.h"

#include "certs/clock.h"
#include "webhook/deliver/peer.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        TEND_MS = 1000,
        ANSWER_MS = 5000, /* for the thread to make a change; unless the options say otherwise */
};

/* A list of receivers. */
struct peers {
        struct mv_peer *items[MV_MOST_RECEIVERS];
        size_t n;
};

/* What is to become of the receivers. */
struct change {
        struct peers peers;
        unsigned tries;

        /* Of the sender's lock: */
        bool taken;    /* the thread makes it */
        bool made;     /* it has, or has failed to; then what it said: */
        bool deserted; /* nobody waits for it any more, so the thread does not make it, and frees it */
        int code;
        struct mv_err err;
};

struct mv_sender {
        struct mv_peer_means means;
        char *user_agent;
        unsigned answer_ms;

        /* Of the thread. */
        struct peers peers;
        uint64_t last; /* the last sequence that the machines know of */
        char sync_problem[600];

        pthread_t thread;
        bool running; /* of the owner */
        atomic_bool stopping;
        atomic_bool listening; /* the thread waits, and wants to be woken by what is appended */
        atomic_uint grace_ms;

        pthread_mutex_t lock; /* of what follows */
        pthread_cond_t changed;
        struct change *change; /* to be made or being made, or NULL */
        struct mv_sender_status status[MV_MOST_RECEIVERS];
        size_t n_status;
};

static void say(const struct mv_sender *sender, enum mv_log_level level, const char *message,
                const char *error) {
        const struct mv_log_field field = { "error", mv_str_from(error) };
        const struct mv_logger *logger = sender->means.logger;
        if (logger)
                logger->line(logger->context, level, "deliver", message, &field, error != NULL);
}

/* --- the list of receivers --- */

static void free_peers(struct peers *peers) {
        for (size_t i = 0; i < peers->n; i++)
                mv_peer_free(peers->items[i]);
        peers->n = 0;
}

/* The one that goes on as it is, taken out of the list. */
static struct mv_peer *take_equal(struct mv_sender *sender, const struct mv_peer *peer) {
        for (size_t i = 0; i < sender->peers.n; i++)
                if (sender->peers.items[i] && mv_peer_equal(sender->peers.items[i], peer)) {
                        struct mv_peer *found = sender->peers.items[i];
                        sender->peers.items[i] = NULL;
                        return found;
                }
        return NULL;
}

static void replace_peers(struct mv_sender *sender, struct peers *peers, unsigned tries) {
        struct mv_outbox_status status;
        mv_outbox_status(sender->means.outbox, &status);
        for (size_t i = 0; i < peers->n; i++) {
                struct mv_peer *old = take_equal(sender, peers->items[i]);
                peers->items[i]->sweep_end = status.last_sequence;
                if (old) {
                        mv_peer_free(peers->items[i]);
                        peers->items[i] = old;
                }
                peers->items[i]->number = i;
                peers->items[i]->machine.tries = tries;
                mv_receiver_wake(&peers->items[i]->machine);
        }
        free_peers(&sender->peers);
        sender->peers = *peers;
        for (size_t i = 0; i < sender->peers.n; i++)
                mv_peer_tend(sender->peers.items[i]);
}

static struct change *free_change(struct change *change) {
        if (change)
                free_peers(&change->peers);
        free(change);
        return NULL;
}

/* With the lock held: what came of the change in the making. */
static void finish_change(struct mv_sender *sender, int code, const struct mv_err *err) {
        struct change *change = sender->change;
        sender->change = NULL;
        change->made = true;
        change->code = code;
        change->err = *err;
        pthread_cond_signal(&sender->changed);
}

/* The outbox is ready for the change: whether somebody still waits for it, who goes on at once. The peers are the thread's
 * then. */
struct making {
        struct mv_sender *sender;
        struct peers peers;
};

static bool is_wanted(void *context) {
        struct making *making = context;
        struct mv_sender *sender = making->sender;
        pthread_mutex_lock(&sender->lock);
        struct change *change = sender->change;
        const bool wanted = !change->deserted;
        if (wanted) {
                making->peers = change->peers;
                change->peers.n = 0;
                finish_change(sender, 0, &(struct mv_err){ 0 });
        }
        pthread_mutex_unlock(&sender->lock);
        return wanted;
}

static void take_change(struct mv_sender *sender) {
        struct making making = { .sender = sender };
        struct mv_str names[MV_MOST_RECEIVERS];
        struct mv_err err = { 0 };
        pthread_mutex_lock(&sender->lock);
        struct change *change = sender->change;
        if (change)
                change->taken = true;
        pthread_mutex_unlock(&sender->lock);
        if (!change)
                return;
        const size_t n = change->peers.n;
        const unsigned tries = change->tries;
        for (size_t i = 0; i < n; i++)
                names[i] = change->peers.items[i]->config.name;
        int r = mv_outbox_receivers_if(sender->means.outbox, names, n, is_wanted, &making, &err);
        if (r == 0) {
                replace_peers(sender, &making.peers, tries);
                return;
        }
        pthread_mutex_lock(&sender->lock);
        finish_change(sender, r, &err);
        const bool deserted = change->deserted;
        pthread_mutex_unlock(&sender->lock);
        if (deserted)
                free_change(change);
}

static struct change *new_change(struct mv_sender *sender, const struct mv_config *config) {
        struct change *change = calloc(1, sizeof *change);
        if (!change)
                return NULL;
        change->tries = config->outbox.tries;
        for (size_t i = 0; i < config->receivers.n; i++) {
                const struct mv_config_receiver *receiver = &config->receivers.items[i];
                change->peers.items[i] = mv_peer_new(&sender->means, receiver, change->tries);
                if (!change->peers.items[i])
                        return free_change(change);
                change->peers.n++;
        }
        return change;
}

/* Wait for something to change, until then. False: it is over. */
static bool wait_for_change(struct mv_sender *sender, const struct timespec *until) {
        return pthread_cond_timedwait(&sender->changed, &sender->lock, until) != ETIMEDOUT;
}

/* With the lock held: have the thread make it. True: it has, or has failed to; false: it is busy with something. What becomes of
 * the change is the thread's business then, when *ret_left is set. */
static bool hand_over(struct mv_sender *sender, struct change *change, bool *ret_left) {
        struct timespec until;
        bool waiting = true;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += sender->answer_ms / 1000;
        until.tv_nsec += sender->answer_ms % 1000 * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        while (sender->change && waiting) /* one that was deserted */
                waiting = wait_for_change(sender, &until);
        if (sender->change)
                return false;
        sender->change = change;
        curl_multi_wakeup(sender->means.multi);
        while (!change->made && waiting)
                waiting = wait_for_change(sender, &until);
        if (!change->made && !change->taken)
                sender->change = NULL;
        *ret_left = change->deserted = change->taken && !change->made;
        return change->made;
}

int mv_sender_configure(struct mv_sender *sender, const struct mv_config *config, struct mv_err *err) {
        struct change *change = new_change(sender, config);
        bool left = false;
        int r;
        if (!change)
                return mv_err_oom(err);
        pthread_mutex_lock(&sender->lock);
        if (hand_over(sender, change, &left)) {
                r = change->code;
                if (r < 0 && err)
                        *err = change->err;
        } else
                r = mv_err_set(
                        err, MV_ETIMEOUT,
                        "the receivers cannot be changed now: the outbox's disk, or the log, does not answer");
        pthread_mutex_unlock(&sender->lock);
        if (!left)
                free_change(change);
        return r;
}

/* --- the status --- */

static void renew_status(struct mv_sender *sender) {
        pthread_mutex_lock(&sender->lock);
        sender->n_status = sender->peers.n;
        for (size_t i = 0; i < sender->peers.n; i++)
                sender->status[i] = sender->peers.items[i]->status;
        pthread_mutex_unlock(&sender->lock);
}

size_t mv_sender_status(struct mv_sender *sender, struct mv_sender_status ret[MV_MOST_RECEIVERS]) {
        pthread_mutex_lock(&sender->lock);
        size_t n = sender->n_status;
        memcpy(ret, sender->status, n * sizeof *ret);
        pthread_mutex_unlock(&sender->lock);
        return n;
}

/* --- the thread --- */

/* What begins to fail, or fails otherwise, is told; not each time. */
static void sync_outbox(struct mv_sender *sender) {
        struct mv_err err = { 0 };
        char text[sizeof sender->sync_problem] = "";
        if (mv_outbox_sync(sender->means.outbox, &err) < 0)
                mv_err_format(&err, text, sizeof text);
        if (strcmp(text, sender->sync_problem) == 0)
                return;
        memcpy(sender->sync_problem, text, sizeof text);
        if (text[0])
                say(sender, MV_LOG_ERROR, "the outbox cannot be written to the disk", text);
        else
                say(sender, MV_LOG_INFO, "the outbox is written to the disk again", NULL);
}

static void tend(struct mv_sender *sender) {
        bool gone[MV_MOST_RECEIVERS] = { false };
        sync_outbox(sender);
        for (size_t i = 0; i < sender->peers.n; i++) {
                mv_peer_tend(sender->peers.items[i]);
                gone[i] = sender->peers.items[i]->machine.gone;
        }
        mv_outbox_give_way(sender->means.outbox, gone, sender->peers.n);
}

/* Tell the machines of what was appended. */
static void look_for_more(struct mv_sender *sender) {
        struct mv_outbox_status status;
        mv_outbox_status(sender->means.outbox, &status);
        if (status.last_sequence == sender->last)
                return;
        sender->last = status.last_sequence;
        for (size_t i = 0; i < sender->peers.n; i++)
                mv_receiver_wake(&sender->peers.items[i]->machine);
}

/* Let libcurl work, and take what came of it. */
static void transfer(struct mv_sender *sender) {
        int running, left;
        curl_multi_perform(sender->means.multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(sender->means.multi, &left));) {
                char *private = NULL;
                CURLcode code = message->data.result;
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
                struct mv_flight *flight = (struct mv_flight *)(void *)private;
                mv_peer_land(flight->owner, flight, code, mv_clock_ms());
        }
}

static bool is_flying(const struct mv_sender *sender) {
        for (size_t i = 0; i < sender->peers.n; i++)
                if (sender->peers.items[i]->flights)
                        return true;
        return false;
}

static bool is_hungry(const struct mv_sender *sender, long long now_ms) {
        for (size_t i = 0; i < sender->peers.n; i++)
                if (sender->peers.items[i]->files_right &&
                    mv_receiver_is_hungry(&sender->peers.items[i]->machine, now_ms))
                        return true;
        return false;
}

/* From now on mv_sender_wake wakes, if anybody could be sent more. False: something was appended before. */
static bool listen_for_more(struct mv_sender *sender) {
        struct mv_outbox_status status;
        if (!is_hungry(sender, mv_clock_ms()))
                return true;
        atomic_store(&sender->listening, true);
        mv_outbox_status(sender->means.outbox, &status);
        return status.last_sequence == sender->last;
}

static void wait_until(struct mv_sender *sender, long long until_ms) {
        long long wait = until_ms - mv_clock_ms();
        wait = wait < 0 ? 0 : wait;
        curl_multi_poll(sender->means.multi, NULL, 0, wait < TEND_MS ? (int)wait : TEND_MS, NULL);
}

/* What is on its way may be answered. */
static void finish(struct mv_sender *sender) {
        const long long until_ms = mv_clock_ms() + atomic_load(&sender->grace_ms);
        while (is_flying(sender) && mv_clock_ms() < until_ms) {
                wait_until(sender, until_ms);
                transfer(sender);
        }
}

static void *run(void *context) {
        struct mv_sender *sender = context;
        long long tend_ms = mv_clock_ms() + TEND_MS;
        while (!atomic_load(&sender->stopping)) {
                take_change(sender);
                if (mv_clock_ms() >= tend_ms) {
                        tend(sender);
                        tend_ms = mv_clock_ms() + TEND_MS;
                }
                look_for_more(sender);
                transfer(sender);
                long long until_ms = tend_ms;
                for (size_t i = 0; i < sender->peers.n; i++) {
                        long long again_ms = mv_peer_send(sender->peers.items[i], mv_clock_ms());
                        until_ms = again_ms < until_ms ? again_ms : until_ms;
                }
                renew_status(sender);
                if (listen_for_more(sender))
                        wait_until(sender, until_ms);
                atomic_store(&sender->listening, false);
        }
        finish(sender);
        renew_status(sender);
        return NULL;
}

void mv_sender_wake(struct mv_sender *sender) {
        if (atomic_exchange(&sender->listening, false))
                curl_multi_wakeup(sender->means.multi);
}

/* --- life --- */

static pthread_once_t global = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void init_global(void) {
        global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int start(struct mv_sender *sender, const struct mv_sender_options *options, struct mv_err *err) {
        if (asprintf(&sender->user_agent, "migvet/%s", options->version) < 0) {
                sender->user_agent = NULL;
                return mv_err_oom(err);
        }
        sender->means.user_agent = sender->user_agent;
        sender->means.multi = curl_multi_init();
        if (!sender->means.multi ||
            curl_multi_setopt(sender->means.multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX))
                return mv_err_oom(err);
        int r = pthread_create(&sender->thread, NULL, run, sender);
        if (r)
                return mv_err_set(err, MV_EIO, "no thread can be started: %s", strerrordesc_np(r));
        sender->running = true;
        pthread_setname_np(sender->thread, "deliver");
        return 0;
}

int mv_sender_new(const struct mv_sender_options *options, struct mv_sender **ret, struct mv_err *err) {
        pthread_once(&global, init_global);
        if (global_result)
                return mv_err_set(err, MV_EIO, "libcurl cannot be used: %s",
                                  curl_easy_strerror(global_result));
        struct mv_sender *sender = calloc(1, sizeof *sender);
        if (!sender)
                return mv_err_oom(err);
        sender->means = (struct mv_peer_means){ .outbox = options->outbox, .logger = options->logger };
        pthread_mutex_init(&sender->lock, NULL);
        sender->answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS;
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&sender->changed, &attributes);
        pthread_condattr_destroy(&attributes);
        int r = start(sender, options, err);
        if (r < 0) {
                mv_sender_free(sender, 0);
                return r;
        }
        *ret = sender;
        return 0;
}

struct mv_sender *mv_sender_free(struct mv_sender *sender, unsigned grace_ms) {
        if (!sender)
                return NULL;
        if (sender->running) {
                atomic_store(&sender->grace_ms, grace_ms);
                atomic_store(&sender->stopping, true);
                curl_multi_wakeup(sender->means.multi);
                pthread_join(sender->thread, NULL);
        }
        free_peers(&sender->peers);
        curl_multi_cleanup(sender->means.multi);
        pthread_cond_destroy(&sender->changed);
        pthread_mutex_destroy(&sender->lock);
        free(sender->user_agent);
        free(sender);
        return NULL;
}
