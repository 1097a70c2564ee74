/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_delivery.h"

#include "certs/clock.h"
#include "cli/log.h"
#include "cli/serve_identity.h"
#include "policy/cloud_event.h"
#include "webhook/deliver/outbox.h"
#include "webhook/deliver/sender.h"
#include "webhook/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* For the process before this one to end. While it serves, nobody can wait for long. */
        LOCK_SECONDS = 2,
        LOCK_SECONDS_SERVING = 1,
        RETRY_MS = 3000,         /* to open an outbox that could not be had */
        TELL_MS = 60000,         /* between two lines about the same */
        EVENT_BYTES = 8000,      /* of most events: room that is had at once */
        LARGEST_KEPT = 64 << 10, /* bytes of an event's text that are kept for the next */
};

static void say(const struct mv_delivery *delivery, enum mv_log_level level, const char *message,
                const char *name, const char *value) {
        const struct mv_log_field field = { name, mv_str_from(value) };
        delivery->logger->line(delivery->logger->context, level, "serve", message, &field, 1);
}

/* --- starting, and following the configuration --- */

int mv_delivery_init(struct mv_delivery *delivery, const char *replica, const char *version,
                     const struct mv_logger *logger, struct mv_err *err) {
        *delivery = (struct mv_delivery){ .logger = logger,
                                          .version = version,
                                          .replica = mv_serve_own_name(replica) };
        pthread_mutex_init(&delivery->lock, NULL);
        return delivery->replica ? 0 : mv_err_oom(err);
}

/* The disk is full or fails, another process has the directory, or a file in there is larger than any of ours: nothing that the
 * configuration is to blame for. A directory that is not there, or is not ours, or is of a newer version waits for somebody to
 * mend it. */
static bool may_pass(int code) {
        return code == MV_EIO || code == MV_ETIMEOUT || code == MV_ENOMEM || code == MV_ELIMIT;
}

static int start(struct mv_delivery *delivery, const struct mv_config *config, struct mv_err *err) {
        struct mv_outbox *outbox = NULL;
        char *directory = strndup(config->outbox.directory.p, config->outbox.directory.n);
        if (!directory)
                return mv_err_oom(err);
        const struct mv_outbox_options options = {
                .directory = directory,
                .max_bytes = config->outbox.max_bytes,
                .lock_seconds = delivery->retry_ms  ? 0
                                : delivery->started ? LOCK_SECONDS_SERVING
                                                    : LOCK_SECONDS,
                .logger = delivery->logger,
        };
        int r = mv_outbox_open(&options, &outbox, err);
        if (r < 0 && err && !may_pass(r))
                snprintf(err->path, sizeof err->path, "outbox.directory");
        const struct mv_sender_options sender = { .outbox = outbox,
                                                  .version = delivery->version,
                                                  .logger = delivery->logger };
        if (r == 0)
                r = mv_sender_new(&sender, &delivery->sender, err);
        if (r == 0)
                r = mv_sender_configure(delivery->sender, config, err);
        if (r < 0) {
                delivery->sender = mv_sender_free(delivery->sender, 0);
                mv_outbox_close(outbox);
                free(directory);
                return r;
        }
        delivery->directory = directory;
        delivery->max_bytes = config->outbox.max_bytes;
        atomic_store(&delivery->outbox, outbox);
        say(delivery, MV_LOG_INFO, "verdicts for receivers are kept", "directory", directory);
        return 0;
}

/* There is no outbox for now. The same reason is told once. */
static void wait_for_outbox(struct mv_delivery *delivery, const struct mv_err *err) {
        char text[sizeof delivery->problem];
        mv_err_format(err, text, sizeof text);
        pthread_mutex_lock(&delivery->lock);
        bool same = strcmp(text, delivery->problem) == 0;
        memcpy(delivery->problem, text, sizeof text);
        pthread_mutex_unlock(&delivery->lock);
        delivery->retry_ms = mv_clock_ms() + RETRY_MS;
        atomic_store(&delivery->waits, true);
        if (!same)
                say(delivery, MV_LOG_ERROR,
                    "the outbox cannot be opened: receivers are told of nothing until it can", "error", text);
}

static void stop_waiting(struct mv_delivery *delivery) {
        delivery->retry_ms = 0;
        atomic_store(&delivery->waits, false);
        pthread_mutex_lock(&delivery->lock);
        delivery->problem[0] = '\0';
        pthread_mutex_unlock(&delivery->lock);
}

static int start_or_wait(struct mv_delivery *delivery, const struct mv_config *config, struct mv_err *err) {
        struct mv_err local = { 0 };
        int r = start(delivery, config, &local);
        if (r == 0)
                stop_waiting(delivery);
        else if (may_pass(r)) {
                wait_for_outbox(delivery, &local);
                r = 0;
        } else if (err)
                *err = local;
        return r;
}

static const char taken_up_later[] = "another directory or size of the outbox is taken up at the next start";

/* What is sent to receivers in our name is whatever was asked about. */
static void warn_of_anybody(struct mv_delivery *delivery, const struct mv_config *config) {
        if (!delivery->anybody || delivery->warned || !config->receivers.n)
                return;
        delivery->warned = true;
        say(delivery, MV_LOG_WARNING,
            "whoever reaches the webhook's port can have receivers told of made-up objects: use --client-ca, "
            "or let a NetworkPolicy admit the API server alone",
            "flag", "--client-ca");
}

int mv_delivery_take(struct mv_delivery *delivery, const struct mv_config *config, struct mv_err *err) {
        int r = 0;
        if (delivery->sender)
                r = mv_sender_configure(delivery->sender, config, err);
        else if (config->receivers.n)
                r = start_or_wait(delivery, config, err);
        else
                stop_waiting(delivery);
        if (r < 0)
                return r;
        bool restart = delivery->sender && (!mv_str_is(config->outbox.directory, delivery->directory) ||
                                            config->outbox.max_bytes != delivery->max_bytes);
        if (restart && !atomic_load(&delivery->restart))
                say(delivery, MV_LOG_WARNING, taken_up_later, "directory", delivery->directory);
        atomic_store(&delivery->restart, restart);
        delivery->started = true;
        warn_of_anybody(delivery, config);
        return 0;
}

int mv_delivery_accept(void *context, const struct mv_config *config, struct mv_err *err) {
        return mv_delivery_take(context, config, err);
}

void mv_delivery_tend(struct mv_delivery *delivery, const struct mv_config *config) {
        struct mv_err err = { 0 };
        if (!delivery->retry_ms || mv_clock_ms() < delivery->retry_ms)
                return;
        /* The configuration is in force already: whatever fails now, it waits. */
        if (start(delivery, config, &err) < 0)
                wait_for_outbox(delivery, &err);
        else
                stop_waiting(delivery);
}

void mv_delivery_done(struct mv_delivery *delivery, unsigned grace_ms) {
        delivery->sender = mv_sender_free(delivery->sender, grace_ms);
        atomic_store(&delivery->outbox, mv_outbox_close(atomic_load(&delivery->outbox)));
        free(delivery->directory);
        free(delivery->replica);
        delivery->directory = delivery->replica = NULL;
        pthread_mutex_destroy(&delivery->lock);
}

/* --- sending --- */

/* There was no memory for it, or it is larger than any event may be: counted, and told once in a while. */
static int unmade(struct mv_delivery *delivery, struct mv_err *err) {
        static atomic_llong told_ms;
        long long now_ms = mv_clock_ms(), told = atomic_load(&told_ms);
        atomic_fetch_add(&delivery->unmade, 1);
        if ((!told || now_ms - told > TELL_MS) && atomic_compare_exchange_strong(&told_ms, &told, now_ms))
                say(delivery, MV_LOG_ERROR, "an event for receivers could not be made", "error",
                    "out of memory");
        return mv_err_oom(err);
}

/* Why was told when it could not be opened. */
static int unopened(struct mv_delivery *delivery, struct mv_err *err) {
        atomic_fetch_add(&delivery->unmade, 1);
        return mv_err_set(err, MV_EIO, "the outbox is not open");
}

/* The names of receivers. */
struct names {
        struct mv_str items[MV_MOST_RECEIVERS];
        size_t n;
};

static void find_unwanted(const struct mv_config *config, const struct mv_verdict *verdict,
                          struct names *ret) {
        const struct mv_str word = mv_str_from(mv_verdict_word(verdict->migratable));
        ret->n = 0;
        for (size_t i = 0; i < config->receivers.n; i++) {
                const struct mv_config_receiver *receiver = &config->receivers.items[i];
                if (!mv_config_receiver_wants(receiver, verdict->subject.kind, verdict->subject.namespace,
                                              word))
                        ret->items[ret->n++] = receiver->name;
        }
}

void mv_delivery_room_init(struct mv_delivery_room *room) {
        mv_arena_init(&room->arena, &mv_allocator_system, 0);
        mv_buf_init(&room->text, &mv_allocator_system, MV_OUTBOX_RECORD_MAX);
}

void mv_delivery_room_done(struct mv_delivery_room *room) {
        mv_arena_done(&room->arena);
        mv_buf_done(&room->text);
}

/* Empty it for the next event. A very large one leaves nothing behind. */
static void clear(struct mv_delivery_room *room, size_t cap) {
        mv_arena_clear(&room->arena);
        room->arena.cap = cap;
        if (room->text.capacity > LARGEST_KEPT)
                mv_buf_done(&room->text);
        mv_buf_clear(&room->text);
        mv_buf_reserve(&room->text, EVENT_BYTES);
}

static int append(struct mv_delivery *delivery, struct mv_outbox *outbox, struct mv_str text, size_t split,
                  const struct mv_cloud_event *event, struct mv_str subject, const struct names *unwanted,
                  struct mv_err *err) {
        const struct mv_subject *of = &event->verdict->subject;
        const struct mv_outbox_record record = {
                .subject = subject,
                .kind = of->kind,
                .namespace = of->namespace,
                .verdict = mv_str_from(mv_verdict_word(event->verdict->migratable)),
                .id = event->id,
                .time = event->time,
        };
        int r = mv_outbox_append(outbox, &record, (struct mv_str){ text.p, split }, mv_str_skip(text, split),
                                 unwanted->items, unwanted->n, NULL, err);
        if (r == 0)
                mv_sender_wake(delivery->sender);
        return r;
}

int mv_delivery_send(struct mv_delivery *delivery, struct mv_delivery_room *room,
                     const struct mv_config *config, const struct mv_delivery_event *event,
                     struct mv_err *err) {
        struct mv_outbox *outbox = atomic_load(&delivery->outbox);
        struct names unwanted;
        find_unwanted(config, event->verdict, &unwanted);
        if (unwanted.n == config->receivers.n)
                return 0;
        if (!outbox)
                return atomic_load(&delivery->waits) ? unopened(delivery, err) : 0;
        char time[MV_TIMESTAMP_SIZE];
        size_t split = 0;
        mv_log_timestamp(time);
        clear(room, config->limits.memory_per_review);
        const struct mv_cloud_event cloud_event = {
                .id = event->id,
                .time = mv_str_from(time),
                .cluster_name = config->cluster_name,
                .replica = mv_str_from(delivery->replica),
                .verdict = event->verdict,
                .allowed = event->allowed,
                .level = event->level,
                .operation = event->operation,
        };
        mv_cloud_event_render(&room->text, &room->arena, &cloud_event, &split);
        const struct mv_str subject = mv_cloud_event_subject(&room->arena, &event->verdict->subject);
        if (mv_buf_failed(&room->text) || mv_arena_failed(&room->arena))
                return unmade(delivery, err);
        return append(delivery, outbox, mv_buf_str(&room->text), split, &cloud_event, subject, &unwanted,
                      err);
}

/* --- telling --- */

bool mv_delivery_ready(void *context, struct mv_buf *remark) {
        struct mv_delivery *delivery = context;
        struct mv_outbox *outbox = atomic_load(&delivery->outbox);
        struct mv_sender_status receivers[MV_MOST_RECEIVERS];
        struct mv_outbox_status status;
        if (!outbox) {
                pthread_mutex_lock(&delivery->lock);
                if (delivery->problem[0])
                        mv_buf_format(remark, "it cannot be opened, and receivers are told of nothing: %s",
                                      delivery->problem);
                else
                        mv_buf_append_text(remark, "no receivers");
                pthread_mutex_unlock(&delivery->lock);
                return true;
        }
        mv_outbox_status(outbox, &status);
        mv_buf_format(remark, "%llu of %llu bytes", (unsigned long long)status.bytes,
                      (unsigned long long)status.max_bytes);
        if (status.full)
                mv_buf_append_text(remark, "; full: new verdicts are refused");
        if (status.dead)
                mv_buf_format(remark, "; %zu dead letters", status.dead);
        if (atomic_load(&delivery->restart))
                mv_buf_format(remark, "; %s", taken_up_later);
        size_t n = mv_sender_status(delivery->sender, receivers);
        for (size_t i = 0; i < n; i++)
                if (receivers[i].state == MV_SENDER_GONE)
                        mv_buf_format(remark, "; receiver %s wants no more events (%s)", receivers[i].name,
                                      receivers[i].why);
                else if (receivers[i].state == MV_SENDER_TROUBLE)
                        mv_buf_format(remark, "; receiver %s is in trouble: %s", receivers[i].name,
                                      receivers[i].why);
        return true;
}

static void collect_failed(const struct mv_delivery *delivery, uint64_t by_outbox, struct mv_buf *out) {
        mv_metrics_write_single(out, "migvet_outbox_failed_total", "counter",
                                "Events that the disk or the memory would not have.",
                                (double)by_outbox + (double)atomic_load(&delivery->unmade));
}

static void collect_outbox(const struct mv_delivery *delivery, const struct mv_outbox_status *status,
                           struct mv_buf *out) {
        mv_metrics_write_single(out, "migvet_outbox_bytes", "gauge", "Size of the outbox on disk.",
                                (double)status->bytes);
        mv_metrics_write_single(out, "migvet_outbox_max_bytes", "gauge", "Size that the outbox may have.",
                                (double)status->max_bytes);
        mv_metrics_write_single(out, "migvet_outbox_full", "gauge",
                                "1 while new events are refused for lack of room.", status->full);
        mv_metrics_write_single(out, "migvet_outbox_passed_total", "counter",
                                "Events that receivers which want no more were not given, for lack of room.",
                                (double)status->passed);
        mv_metrics_write_single(out, "migvet_outbox_events_total", "counter", "Events put into the outbox.",
                                (double)status->appended);
        mv_metrics_write_single(out, "migvet_outbox_refused_total", "counter",
                                "Events refused for lack of room.", (double)status->refused);
        collect_failed(delivery, status->failed, out);
        mv_metrics_write_single(out, "migvet_outbox_damaged_total", "counter",
                                "Places of the outbox that could not be read and were passed over.",
                                (double)status->damaged);
}

/* A family with a sample for each receiver: of the outbox ... */
static void collect_waiting(struct mv_outbox *outbox, struct mv_buf *out) {
        static const struct {
                const char *name, *help;
        } families[] = {
                { "migvet_outbox_waiting", "Events that wait for the receiver." },
                { "migvet_outbox_oldest_age_seconds", "Age of the oldest event that waits for it." },
                { "migvet_outbox_dead_letters", "Events that were given up." },
        };
        struct mv_outbox_receiver_status status;
        const int64_t now = (int64_t)time(NULL);
        for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
                mv_metrics_write_family(out, families[f].name, "gauge", families[f].help);
                for (size_t i = 0; mv_outbox_receiver_status(outbox, i, &status); i++) {
                        const struct mv_label label = { "receiver", mv_str_from(status.name) };
                        const double age =
                                status.oldest && status.oldest < now ? (double)(now - status.oldest) : 0;
                        const double values[] = { (double)status.waiting, age, (double)status.dead };
                        mv_metrics_write_sample(out, families[f].name, &label, 1, values[f]);
                }
        }
}

/* ... and of the sender. */
static void collect_receivers(struct mv_sender *sender, struct mv_buf *out) {
        static const char delivered[] = "migvet_outbox_delivered_total",
                          failed[] = "migvet_outbox_failed_tries_total",
                          state[] = "migvet_outbox_receiver_state";
        struct mv_sender_status status[MV_MOST_RECEIVERS];
        size_t n = mv_sender_status(sender, status);
        mv_metrics_write_family(out, delivered, "counter", "Events that the receiver took.");
        for (size_t i = 0; i < n; i++)
                mv_metrics_write_sample(out, delivered,
                                        &(struct mv_label){ "receiver", mv_str_from(status[i].name) }, 1,
                                        (double)status[i].delivered);
        mv_metrics_write_family(out, failed, "counter", "Tries to deliver an event that failed.");
        for (size_t i = 0; i < n; i++)
                mv_metrics_write_sample(out, failed,
                                        &(struct mv_label){ "receiver", mv_str_from(status[i].name) }, 1,
                                        (double)status[i].failed);
        mv_metrics_write_family(
                out, state, "gauge",
                "1 for the state that the receiver is in: well, trouble (nothing gets through), "
                "gone (it wants nothing any more).");
        for (size_t i = 0; i < n; i++)
                for (int s = 0; s < 3; s++) {
                        const struct mv_label labels[] = { { "receiver", mv_str_from(status[i].name) },
                                                           { "state",
                                                             mv_str_from(mv_sender_state_names[s]) } };
                        mv_metrics_write_sample(out, state, labels, 2, (int)status[i].state == s);
                }
}

void mv_delivery_collect(void *context, struct mv_buf *out) {
        struct mv_delivery *delivery = context;
        struct mv_outbox *outbox = atomic_load(&delivery->outbox);
        struct mv_outbox_status status;
        if (!outbox) {
                if (atomic_load(&delivery->waits))
                        collect_failed(delivery, 0, out);
                return;
        }
        mv_outbox_status(outbox, &status);
        collect_outbox(delivery, &status, out);
        collect_waiting(outbox, out);
        collect_receivers(delivery->sender, out);
}
