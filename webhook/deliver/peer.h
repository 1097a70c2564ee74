/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One receiver with all that belongs to it: configuration, files, the machine that says what to send, the requests on their way,
 * and what is told of it. Of the thread that delivers, but for mv_peer_new.
 */
#pragma once

#include "webhook/deliver/credentials.h"
#include "webhook/deliver/flight.h"
#include "webhook/deliver/receiver.h"
#include "webhook/deliver/sender.h"

/* What all of them use. */
struct mv_peer_means {
        struct mv_outbox *outbox;
        CURLM *multi;
        const char *user_agent;
        const struct mv_logger *logger; /* may be NULL */
};

struct mv_peer {
        const struct mv_peer_means *means;
        struct mv_arena arena; /* of config */
        struct mv_config_receiver config;
        size_t number; /* in the outbox */
        struct mv_sender_credentials credentials;
        bool files_right;
        struct mv_receiver machine;
        struct mv_flight *flights;
        struct mv_buf text; /* of the record that was looked at last */
        struct mv_outbox_record record;
        /* Records up to sweep_end may be there that were not wanted: up to `swept` these were passed over while nothing was
         * sent. Of later ones whoever appends them says who wants them. */
        uint64_t swept, sweep_end;
        struct mv_sender_status status;
};

/* config is copied. NULL when out of memory. */
struct mv_peer *mv_peer_new(const struct mv_peer_means *means, const struct mv_config_receiver *config,
                            unsigned tries);
/* Drops what is on its way. Takes NULL; returns NULL. */
struct mv_peer *mv_peer_free(struct mv_peer *peer);

/* Both are configured the same, so one can stand for the other. */
bool mv_peer_equal(const struct mv_peer *a, const struct mv_peer *b);

/* Once a second: look at the files, and at what is not wanted while nothing is sent. */
void mv_peer_tend(struct mv_peer *peer);
/* Send what may be sent. Returns when there may be more without an answer or a wake; INT64_MAX: never. */
long long mv_peer_send(struct mv_peer *peer, long long now_ms);
/* libcurl is done with a request. It is freed. */
void mv_peer_land(struct mv_peer *peer, struct mv_flight *flight, CURLcode code, long long now_ms);
