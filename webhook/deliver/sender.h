/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that delivers: what the outbox holds goes to the receivers, each as webhook/deliver/receiver.h says, all in one
 * loop, so that none waits for another.
 *
 * A request is a POST of the event over TLS, which is always verified, with what the receiver's configuration names: a client
 * certificate; "Authorization: Bearer TOKEN"; or X-Migvet-Timestamp (seconds since 1970) and X-Migvet-Signature, the HMAC of
 * "TIMESTAMP.BODY". Redirects are not followed. Nothing that is secret gets into the log.
 *
 * What is not known to be delivered stays in the outbox, whenever the process ends, so a receiver may get it twice.
 */
#pragma once

#include "policy/config/config.h"
#include "webhook/deliver/outbox.h"
#include "webhook/deliver/receiver.h"

#include <time.h>

struct mv_sender;

/* Descriptors that it needs: for each receiver its connections, and the files in memory that its credentials are in. */
enum { MV_SENDER_FILES = MV_MOST_RECEIVERS * (MV_RECEIVER_IN_FLIGHT + 4) };

struct mv_sender_options {
        struct mv_outbox *outbox;       /* its thread from now on; must outlive the sender */
        const char *version;            /* for User-Agent; copied */
        unsigned answer_ms;             /* how long mv_sender_configure waits; 0: five seconds */
        const struct mv_logger *logger; /* may be NULL; must outlive the sender */
};

/* Starts the thread, which sends nothing before mv_sender_configure. MV_ENOMEM, MV_EIO. */
int mv_sender_new(const struct mv_sender_options *options, struct mv_sender **ret, struct mv_err *err);
/* Sends nothing more, waits so long for what is on its way, and ends the thread. Takes NULL; returns NULL. */
struct mv_sender *mv_sender_free(struct mv_sender *sender, unsigned grace_ms);

/* From now on these are the receivers. One that did not change goes on as it was. config may go away. When it returns, the
 * outbox keeps what is appended for each of them. On failure all is as it was, also where the thread waits for a disk
 * or a log that does not answer (MV_ETIMEOUT): whoever still wants it asks again. From one thread. */
int mv_sender_configure(struct mv_sender *sender, const struct mv_config *config, struct mv_err *err);

/* Something was appended: the thread looks at it where a receiver could be sent more now, and costs nothing else. Any thread. */
void mv_sender_wake(struct mv_sender *sender);

enum mv_sender_state {
        MV_SENDER_WELL,
        MV_SENDER_TROUBLE, /* nothing gets through for now */
        MV_SENDER_GONE,    /* it wants nothing any more */
};
extern const char *const mv_sender_state_names[3]; /* "well", "trouble", "gone" */

struct mv_sender_status {
        char name[64];
        enum mv_sender_state state;
        time_t since; /* when it got into that state; 0: at the start */
        char why[400];
        unsigned long long delivered, failed; /* events; tries */
};
/* In the order of the configuration; how many. Any thread. */
size_t mv_sender_status(struct mv_sender *sender, struct mv_sender_status ret[MV_MOST_RECEIVERS]);
