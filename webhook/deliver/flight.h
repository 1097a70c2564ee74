/* SPDX-License-Identifier: Apache-2.0 */
/* One event on its way to a receiver, as libcurl sees it. Of one thread. */
#pragma once

#include "webhook/deliver/credentials.h"
#include "webhook/deliver/outbox.h"

#include <curl/curl.h>

enum {
        MV_FLIGHT_MS = 10 * 1000,       /* for all of it, the connection too */
        MV_FLIGHT_SAID_BYTES = 200,     /* what is kept of an answer */
        MV_FLIGHT_READ_BYTES = 1 << 16, /* what is read of one; a longer one is cut off */
};

struct mv_slot; /* webhook/deliver/receiver.h */

struct mv_flight {
        struct mv_flight *next; /* of its owner's */
        void *owner;
        struct mv_slot *slot;
        struct mv_buf text; /* what the record points to */
        struct mv_outbox_record record;
        CURL *easy;
        struct curl_slist *headers;
        char problem[CURL_ERROR_SIZE];
        char said[MV_FLIGHT_SAID_BYTES];
        size_t n_said, n_read;
        bool cut; /* there was more to be read than we wanted */
};

struct mv_flight_result {
        int status;               /* 0: none came */
        bool complete;            /* it was read to its end, or as far as we wanted */
        long long retry_after_ms; /* negative: not given */
        char words[MV_FLIGHT_SAID_BYTES +
                   400]; /* what came of it; with the answer's text, for who keeps the event */
        char brief[400]; /* without it, for the log */
};

/* Takes text, which record points to, and leaves it empty. NULL when out of memory: text is as it was. */
struct mv_flight *mv_flight_new(struct mv_buf *text, const struct mv_outbox_record *record);
/* libcurl must have let go of it. Takes NULL; returns NULL. */
struct mv_flight *mv_flight_free(struct mv_flight *flight);

/* Make flight->easy. now: seconds since 1970. MV_ENOMEM, MV_ECRYPTO, MV_EIO. */
int mv_flight_prepare(struct mv_flight *flight, const char *url,
                      const struct mv_sender_credentials *credentials, const char *user_agent, long long now,
                      struct mv_err *err);
/* libcurl ended it with this code. */
void mv_flight_land(struct mv_flight *flight, CURLcode code, struct mv_flight_result *ret);
