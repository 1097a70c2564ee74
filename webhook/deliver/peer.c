/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/peer.h"

#include "policy/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { RECORD_BYTES = MV_OUTBOX_RECORD_MAX + 16 * MV_OUTBOX_TEXT_MAX };

const char *const mv_sender_state_names[3] = { "well", "trouble", "gone" };

/* --- life --- */

/* A copy in arena; patterns are compiled anew. False when there is no memory. */
static bool copy_config(struct mv_arena *arena, const struct mv_config_receiver *from,
                        struct mv_config_receiver *ret) {
        *ret = (struct mv_config_receiver){
                .name = mv_arena_copy(arena, from->name),
                .url = mv_arena_copy(arena, from->url),
                .ca_file = mv_arena_copy(arena, from->ca_file),
                .client_cert_file = mv_arena_copy(arena, from->client_cert_file),
                .token_file = mv_arena_copy(arena, from->token_file),
                .hmac_key_file = mv_arena_copy(arena, from->hmac_key_file),
                .kinds = from->kinds,
                .verdicts = from->verdicts,
                .namespaces = { mv_arena_new_array(arena, struct mv_pattern, from->namespaces.n),
                                from->namespaces.n },
        };
        if (mv_arena_failed(arena))
                return false;
        for (size_t i = 0; i < from->namespaces.n; i++)
                if (mv_pattern_compile(arena, mv_arena_copy(arena, from->namespaces.items[i].text),
                                       &ret->namespaces.items[i], NULL) < 0)
                        return false;
        return !mv_arena_failed(arena);
}

struct mv_peer *mv_peer_new(const struct mv_peer_means *means, const struct mv_config_receiver *config,
                            unsigned tries) {
        uint64_t seed = 0;
        struct mv_peer *peer = calloc(1, sizeof *peer);
        if (!peer)
                return NULL;
        mv_arena_init(&peer->arena, &mv_allocator_system, 0);
        if (!copy_config(&peer->arena, config, &peer->config)) {
                mv_arena_done(&peer->arena);
                free(peer);
                return NULL;
        }
        if (getrandom(&seed, sizeof seed, 0) < 0)
                seed = mv_hash_seed(peer); /* only so that many do not come back in step */
        peer->means = means;
        mv_receiver_init(&peer->machine, tries, seed);
        mv_sender_credentials_init(&peer->credentials, &peer->config);
        mv_buf_init(&peer->text, &mv_allocator_system, RECORD_BYTES);
        snprintf(peer->status.name, sizeof peer->status.name, "%.*s", MV_STR_ARG(peer->config.name));
        return peer;
}

static void drop_flight(struct mv_peer *peer, struct mv_flight *flight) {
        struct mv_flight **at = &peer->flights;
        while (*at != flight)
                at = &(*at)->next;
        *at = flight->next;
        if (flight->easy)
                curl_multi_remove_handle(peer->means->multi, flight->easy);
        mv_flight_free(flight);
}

struct mv_peer *mv_peer_free(struct mv_peer *peer) {
        if (!peer)
                return NULL;
        while (peer->flights)
                drop_flight(peer, peer->flights);
        mv_sender_credentials_done(&peer->credentials);
        mv_buf_done(&peer->text);
        mv_arena_done(&peer->arena);
        free(peer);
        return NULL;
}

bool mv_peer_equal(const struct mv_peer *a, const struct mv_peer *b) {
        const struct mv_config_receiver *x = &a->config, *y = &b->config;
        if (!mv_str_equal(x->name, y->name) || !mv_str_equal(x->url, y->url) ||
            !mv_str_equal(x->ca_file, y->ca_file) ||
            !mv_str_equal(x->client_cert_file, y->client_cert_file) ||
            !mv_str_equal(x->token_file, y->token_file) ||
            !mv_str_equal(x->hmac_key_file, y->hmac_key_file) || x->kinds != y->kinds ||
            x->verdicts != y->verdicts || x->namespaces.n != y->namespaces.n)
                return false;
        for (size_t i = 0; i < x->namespaces.n; i++)
                if (!mv_str_equal(x->namespaces.items[i].text, y->namespaces.items[i].text))
                        return false;
        return true;
}

/* --- what is told of it --- */

static void say(const struct mv_peer *peer, enum mv_log_level level, const char *message,
                const struct mv_log_field *more, size_t n) {
        struct mv_log_field fields[5] = { { "receiver", peer->config.name } };
        for (size_t i = 0; i < n && i < 4; i++)
                fields[i + 1] = more[i];
        if (peer->means->logger)
                peer->means->logger->line(peer->means->logger->context, level, "deliver", message, fields,
                                          n + 1);
}

static void set_state(struct mv_peer *peer, enum mv_sender_state state, const char *why) {
        static const char *const messages[] = {
                "the receiver takes events again", "the receiver is in trouble: events wait",
                "the receiver wants no more events: they wait for another entry"
        };
        struct mv_sender_status *status = &peer->status;
        const struct mv_log_field field = { "error", mv_str_from(why) };
        bool news = state != status->state;
        status->state = state;
        snprintf(status->why, sizeof status->why, "%s", why);
        if (!news)
                return;
        status->since = time(NULL);
        say(peer, state == MV_SENDER_WELL ? MV_LOG_INFO : MV_LOG_WARNING, messages[state], &field,
            state != MV_SENDER_WELL);
}

/* Of what an answer has changed. */
static void renew_state(struct mv_peer *peer, const char *why) {
        if (!peer->files_right) /* why it is in trouble is known already */
                return;
        if (peer->machine.gone)
                set_state(peer, MV_SENDER_GONE, why);
        else if (peer->machine.troubled)
                set_state(peer, MV_SENDER_TROUBLE, why);
        else
                set_state(peer, MV_SENDER_WELL, "");
}

/* --- sending --- */

/* The next record that is wanted; what is not, is done. */
static int next(void *context, uint64_t after, uint64_t *ret_sequence, uint64_t *ret_subject) {
        struct mv_peer *peer = context;
        const struct mv_outbox_record *record = &peer->record;
        int r;
        while ((r = mv_outbox_next(peer->means->outbox, peer->number, after, &peer->text, &peer->record)) >
               0) {
                /* One that was sent for this receiver alone was asked for by a person. */
                if (record->receiver.n || mv_config_receiver_wants(&peer->config, record->kind,
                                                                   record->namespace, record->verdict)) {
                        *ret_sequence = record->sequence;
                        *ret_subject = mv_hash_add(MV_HASH_START, record->subject);
                        return 1;
                }
                after = record->sequence;
                mv_outbox_done(peer->means->outbox, peer->number, after);
        }
        return r;
}

static void give_up(struct mv_peer *peer, struct mv_flight *flight, unsigned tries, const char *words,
                    const struct mv_log_field *fields, size_t n) {
        struct mv_outbox *outbox = peer->means->outbox;
        const struct mv_outbox_record *record = &flight->record;
        struct mv_err err = { 0 };
        if (!mv_outbox_waits(outbox, peer->number, record->sequence)) { /* it was dropped meanwhile */
                mv_receiver_buried(&peer->machine, flight->slot);
                return;
        }
        if (mv_outbox_bury(outbox, peer->number, record, tries, mv_str_from(words), &err) == 0) {
                mv_receiver_buried(&peer->machine, flight->slot);
                say(peer, MV_LOG_WARNING, "an event is given up: it is among the dead letters", fields, n);
                return;
        }
        const struct mv_log_field why = { "error", mv_str_from(err.message) };
        say(peer, MV_LOG_ERROR, "a dead letter cannot be written: the event is tried again", &why, 1);
}

static void answer(struct mv_peer *peer, struct mv_flight *flight, const struct mv_flight_result *result,
                   enum mv_answer of, long long now_ms) {
        const struct mv_outbox_record *record = &flight->record;
        struct mv_outbox *outbox = peer->means->outbox;
        const unsigned tries = flight->slot->tries + 1;
        enum mv_fate fate =
                mv_receiver_answer(&peer->machine, flight->slot, of, result->retry_after_ms, now_ms);
        const struct mv_log_field fields[] = { { "id", record->id },
                                               { "subject", record->subject },
                                               { "error", mv_str_from(result->brief) } };
        if (fate == MV_FATE_DONE) {
                mv_outbox_done(outbox, peer->number, record->sequence);
                peer->status.delivered++;
        } else {
                peer->status.failed++;
                say(peer, MV_LOG_DEBUG, "an event was not taken", fields, 3);
        }
        if (fate == MV_FATE_BURY)
                give_up(peer, flight, tries, result->words, fields, 3);
        renew_state(peer, result->brief);
}

/* The record that was looked at last. */
static void launch(struct mv_peer *peer, struct mv_slot *slot, long long now_ms) {
        struct mv_err err = { 0 };
        struct mv_flight *flight = mv_flight_new(&peer->text, &peer->record);
        if (!flight) {
                mv_receiver_answer(&peer->machine, slot, MV_ANSWER_BUSY, -1, now_ms);
                renew_state(peer, "out of memory");
                return;
        }
        flight->owner = peer;
        flight->slot = slot;
        flight->next = peer->flights;
        peer->flights = flight;
        int r = mv_flight_prepare(flight, peer->config.url.p, &peer->credentials, peer->means->user_agent,
                                  (long long)time(NULL), &err);
        if (r == 0 && curl_multi_add_handle(peer->means->multi, flight->easy))
                r = mv_err_oom(&err);
        if (r == 0)
                return;
        struct mv_flight_result result = { .retry_after_ms = -1 };
        snprintf(result.brief, sizeof result.brief, "%.390s", err.message);
        answer(peer, flight, &result, MV_ANSWER_BUSY, now_ms);
        drop_flight(peer, flight);
}

long long mv_peer_send(struct mv_peer *peer, long long now_ms) {
        const struct mv_delivery_source source = { next, peer };
        long long until_ms = INT64_MAX;
        struct mv_slot *slot;
        if (!peer->files_right)
                return INT64_MAX;
        while ((slot = mv_receiver_step(&peer->machine, &source, now_ms, &until_ms)))
                launch(peer, slot, now_ms);
        return until_ms;
}

void mv_peer_land(struct mv_peer *peer, struct mv_flight *flight, CURLcode code, long long now_ms) {
        struct mv_flight_result result;
        mv_flight_land(flight, code, &result);
        answer(peer, flight, &result,
               mv_answer_of(result.status, result.complete, result.retry_after_ms >= 0), now_ms);
        drop_flight(peer, flight);
}

/* --- once a second --- */

static void look_at_files(struct mv_peer *peer) {
        struct mv_err err = { 0 };
        char text[1152];
        bool were_right = peer->files_right;
        peer->files_right = mv_sender_credentials_refresh(&peer->credentials, &err) == 0;
        if (!peer->files_right)
                set_state(peer, MV_SENDER_TROUBLE, mv_err_format(&err, text, sizeof text));
        else if (!were_right && peer->status.state == MV_SENDER_TROUBLE)
                renew_state(peer, peer->status.why);
}

/* So that it is known how much waits. */
static void sweep(struct mv_peer *peer) {
        uint64_t subject;
        int r = 1;
        while (r > 0 && peer->swept < peer->sweep_end)
                r = next(peer, peer->swept, &peer->swept, &subject);
        if (r == 0)
                peer->swept = peer->sweep_end;
}

void mv_peer_tend(struct mv_peer *peer) {
        look_at_files(peer);
        if (!peer->files_right || peer->machine.gone || peer->machine.troubled)
                sweep(peer);
}
