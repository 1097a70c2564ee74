/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts on their way to receivers: joins the outbox and the thread that delivers with the configuration. As long as the
 * configuration has never named a receiver there is neither.
 *
 * The directory of the outbox and its size are those of the first configuration with receivers; others are taken up at the
 * next start. The receivers themselves follow the configuration.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/log.h"
#include "policy/config/config.h"
#include "policy/verdict.h"

#include <pthread.h>
#include <stdatomic.h>

struct mv_outbox;
struct mv_sender;

struct mv_delivery {
        const struct mv_logger *logger;
        const char *version;
        char *replica; /* a part of the source of events */
        char *directory;
        uint64_t max_bytes;
        bool anybody;        /* set by the owner: reviews are taken from clients without a certificate */
        bool warned;         /* ... and this was said */
        bool started;        /* a first configuration was taken */
        long long retry_ms;  /* when the outbox is tried again; 0: there is nothing to wait for */
        atomic_bool restart; /* directory or size were changed */
        struct mv_sender *sender;
        _Atomic(struct mv_outbox *) outbox; /* NULL: none yet; set when the sender is there */
        atomic_bool waits;                  /* there are receivers, and no outbox yet */
        atomic_ullong unmade;               /* events for which there was no memory or no outbox */

        pthread_mutex_t lock;
        char problem[1152]; /* under the lock; why it waits, "" when it does not */
};

/* replica: --identity, or NULL for $POD_NAME or the host's name. version (of migvet) and logger outlive it. MV_ENOMEM. */
int mv_delivery_init(struct mv_delivery *delivery, const char *replica, const char *version,
                     const struct mv_logger *logger, struct mv_err *err);
/* The configuration is about to come into force; the first one at the start. An outbox that cannot be had for a reason that may
 * pass (the disk fails or is full, another process has the directory) is no error, since reviews must be answered: it is logged,
 * and mv_delivery_tend tries again. Otherwise (MV_ENOTFOUND, MV_EDENIED, MV_EIO, ...) all is as before. From one thread. */
int mv_delivery_take(struct mv_delivery *delivery, const struct mv_config *config, struct mv_err *err);
/* Try again what mv_delivery_take could not have, every few seconds; config is the one in force. From the same thread, often. */
void mv_delivery_tend(struct mv_delivery *delivery, const struct mv_config *config);
/* For mv_config_watch_accept; context is the delivery. */
int mv_delivery_accept(void *context, const struct mv_config *config, struct mv_err *err);
/* Nobody sends any more. What is on its way has so much time. Also after a failed mv_delivery_init. */
void mv_delivery_done(struct mv_delivery *delivery, unsigned grace_ms);

struct mv_delivery_event {
        const struct mv_verdict *verdict;
        struct mv_str id;
        bool allowed;
        struct mv_str level, operation; /* "declared", "CREATE"; "AUDIT" from the audit */
};

/* What events are made in, one after the other: of one thread, which keeps it for the next. */
struct mv_delivery_room {
        struct mv_arena arena;
        struct mv_buf text;
};
void mv_delivery_room_init(struct mv_delivery_room *room);
void mv_delivery_room_done(struct mv_delivery_room *room);

/* Put an event into the outbox, if a receiver wants it: then it survives the end of the process. Any thread. 0, also when
 * nobody wants it; MV_ELIMIT (full), MV_EIO (also while there is no outbox yet), MV_ENOMEM: logged and counted already. */
int mv_delivery_send(struct mv_delivery *delivery, struct mv_delivery_room *room,
                     const struct mv_config *config, const struct mv_delivery_event *event,
                     struct mv_err *err);

/* For struct mv_health_check and struct mv_collector; context is the delivery. Any thread. It is always ready: that a receiver
 * is down must not stop anybody from creating VMs. */
bool mv_delivery_ready(void *context, struct mv_buf *remark);
void mv_delivery_collect(void *context, struct mv_buf *out);
