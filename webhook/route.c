/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/route.h"

#include "policy/base/duration.h"
#include "policy/object/status.h"
#include "webhook/library.h"
#include "webhook/ticket.h"
#include "webhook/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
        AFTER_BODY = 8,     /* zero bytes that the scanner may read */
        SWALLOW_FACTOR = 4, /* bodies up to this many limits are read before they are refused */
        RESPONSE_BYTES = 16 << 20,
};

static const long long waiting_longest = 1000 * 1000000LL; /* a request that was put off */
static const long long second = 1000 * 1000000LL;
static const long long timeout_default = 10 * 1000 * 1000000LL;
static const long long timeout_asked = 3600 * 1000000000LL;     /* more is nonsense */
static const long long timeout_longest = 30 * 1000 * 1000000LL; /* kube-apiserver's own maximum */

static const char json[] = "application/json";

long long mv_route_deadline(long long begun, long long timeout_ns) {
        long long margin = timeout_ns / 10; /* for the way back */
        return begun + timeout_ns - (margin < second / 5 ? margin : second / 5);
}

/* --- answers of our own --------------------------------------------------------------------------------- */

/* challenge: of WWW-Authenticate, or NULL. */
static struct MHD_Response *status_response(int code, const char *message, const char *challenge) {
        struct mv_buf text;
        mv_buf_init(&text, &mv_allocator_system, 4096);
        mv_status_write(&text, code, message);
        if (mv_buf_failed(&text)) {
                mv_buf_done(&text);
                return NULL;
        }
        struct MHD_Response *response =
                MHD_create_response_from_buffer(text.n, text.p, MHD_RESPMEM_MUST_FREE);
        if (!response) {
                mv_buf_done(&text);
                return NULL;
        }
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, json);
        if (challenge)
                MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, challenge);
        if (code == 405)
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
        if (code == 503)
                MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
        return response;
}

static enum MHD_Result answer_status(struct mv_route *route, struct mv_listener *listener,
                                     struct mv_connection *connection, struct MHD_Connection *mhd, int code,
                                     const char *message, bool close) {
        mv_metrics_add(route->metrics, MV_COUNTER_REQUESTS, 1);
        mv_metrics_add_error(route->metrics, code);
        return mv_listener_answer(listener, connection, mhd, (unsigned)code,
                                  status_response(code, message, connection->refusal.challenge), close);
}

/* Remember the first refusal; the body, if any, is thrown away. */
static void refuse(struct mv_connection *connection, int code, const char *message, bool close) {
        if (connection->refusal.code)
                return;
        connection->refusal.code = code;
        connection->refusal.message = message;
        connection->refusal.close = close;
}

/* --- the header ----------------------------------------------------------------------------------------- */

/* The time-out of the query, or 10 s; false when it is none. */
static bool query_timeout(struct mv_str query, long long *ret_ns) {
        struct mv_str name, value;
        long long timeout = timeout_default;
        while (mv_query_next(&query, &name, &value))
                if (mv_str_is(name, "timeout") &&
                    (!mv_duration_parse(value, timeout_asked, &timeout) || timeout <= 0))
                        return false;
        *ret_ns = timeout < timeout_longest ? timeout : timeout_longest;
        return true;
}

/* Who asks for a verdict? Judged with each request, since the answer may change while a connection lasts. */
static void judge_client(const struct mv_route *route, struct mv_connection *connection,
                         struct mv_access *access, const char *authorization) {
        static const char challenge[] = "Bearer realm=\"migvet\"";
        static const char wrong[] = "Bearer realm=\"migvet\", error=\"invalid_token\"";
        struct mv_err err = { 0 };
        unsigned n;
        const gnutls_datum_t *chain = mv_tls_chain(connection, &n);
        enum mv_access_outcome outcome =
                mv_access_judge(access, authorization, chain, n, connection->client, &err);
        if (outcome == MV_ACCESS_ADMITTED)
                return;
        if (err.code)
                mv_library_say(route->logger, MV_LOG_INFO, "client certificate refused: %s", err.message);
        if (outcome == MV_ACCESS_REFUSED) {
                refuse(connection, 403, "the client certificate is not accepted here", false);
                return;
        }
        /* Closed, since this connection may be older than the wish for a certificate. */
        refuse(connection, 401,
               outcome == MV_ACCESS_TOKEN ? "the token is not accepted here"
                                          : "verdicts need a bearer token or a client certificate",
               true);
        if (connection->refusal.code == 401)
                connection->refusal.challenge = outcome == MV_ACCESS_TOKEN ? wrong : challenge;
}

static void judge_peer(struct mv_route *route, struct mv_connection *connection) {
        if (!route->client_ca)
                return;
        struct mv_err err = { 0 };
        switch (mv_tls_judge(connection, route->client_ca, route->client_names, route->n_client_names,
                             &err)) {
        case MV_TLS_PEER_ACCEPTED:
                return;
        case MV_TLS_PEER_NONE:
                refuse(connection, 401, "a client certificate is required", false);
                return;
        default:
                if (err.code)
                        mv_library_say(route->logger, MV_LOG_INFO, "client certificate refused: %s",
                                       err.message);
                refuse(connection, 403, "the client certificate is not accepted here", false);
        }
}

static const char *header(struct MHD_Connection *mhd, const char *name) {
        return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static bool is_verdicts(const struct mv_connection *connection) {
        return mv_str_is(mv_target_path(&connection->target), "/v1alpha1/verdicts");
}

/* Which path it is, and for verdicts who may ask: a reference. */
static struct mv_access *find_endpoint(struct mv_route *route, struct mv_connection *connection) {
        const struct mv_str path = mv_target_path(&connection->target);
        connection->endpoint = MV_ENDPOINT_NONE;
        if (mv_str_is(path, "/validate"))
                connection->endpoint = MV_ENDPOINT_VALIDATE;
        else if (mv_str_is(path, "/mutate"))
                connection->endpoint = MV_ENDPOINT_MUTATE;
        else if (route->access && is_verdicts(connection)) {
                struct mv_access *access = mv_access_slot_ref(route->access);
                if (access)
                        connection->endpoint = MV_ENDPOINT_VERDICTS;
                return access;
        }
        return NULL;
}

/* Look at everything before the body. True when a refusal cannot wait for the end of the body. */
static bool judge(struct mv_route *route, struct mv_connection *connection, struct MHD_Connection *mhd,
                  const char *method, const char *version) {
        bool post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
        struct mv_framing framing = mv_framing_read(mhd, post || strcmp(method, MHD_HTTP_METHOD_PUT) == 0 ||
                                                                 strcmp(method, MHD_HTTP_METHOD_PATCH) == 0);
        struct mv_access *access = find_endpoint(route, connection);
        bool verdicts = connection->endpoint == MV_ENDPOINT_VERDICTS;
        connection->content_length = 0;

        if (framing.refusal)
                refuse(connection, framing.refusal, framing.message, framing.close);
        if (mv_target_is_broken(&connection->target, version)) {
                refuse(connection, 400, "the request line is malformed", true);
                connection->refusal.close = true;
                framing.close = true;
        }
        if (verdicts)
                judge_client(route, connection, access, header(mhd, MHD_HTTP_HEADER_AUTHORIZATION));
        else
                judge_peer(route, connection);
        mv_access_unref(access);
        if (connection->target.too_long)
                refuse(connection, 414, "the request target is too long", false);
        else if (connection->endpoint == MV_ENDPOINT_NONE)
                refuse(connection, 404,
                       is_verdicts(connection)
                               ? "there is nothing here while verdicts are off: the configuration (--config) turns "
                                 "them on, by verdicts.enabled with a tokenFile or clientNames"
                               : "there is nothing here: reviews go to /validate and /mutate",
                       false);
        if (!post)
                refuse(connection, 405,
                       verdicts ? "verdicts are asked for with POST" : "reviews are asked for with POST",
                       false);
        if (framing.content_length > route->body_bytes)
                refuse(connection, 413, "the body is larger than the configured limit", true);
        if (!mv_media_type_is_json(header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE)))
                refuse(connection, 415, "the body must be application/json", false);
        const char *coding = header(mhd, MHD_HTTP_HEADER_CONTENT_ENCODING);
        if (coding && strcasecmp(coding, "identity") != 0)
                refuse(connection, 415, "the body must not be compressed", false);
        if (!query_timeout(mv_target_query(&connection->target), &connection->timeout))
                refuse(connection, 400, "timeout is no positive duration such as 10s", false);
        if (!connection->refusal.code) {
                connection->content_length = (size_t)framing.content_length;
                return false;
        }
        /* A client that waits for leave to send the body gets the refusal instead. */
        return framing.close || framing.expects ||
               framing.content_length / SWALLOW_FACTOR > route->body_bytes;
}

/* --- the body ------------------------------------------------------------------------------------------- */

static void body_drop(struct mv_route *route, struct mv_connection *connection) {
        if (connection->charged)
                atomic_fetch_sub_explicit(&route->in_flight, connection->charged, memory_order_relaxed);
        connection->charged = 0;
        free(connection->body);
        connection->body = NULL;
}

/* Charge n more bytes to the sum; false when it is at its cap. */
static bool body_charge(struct mv_route *route, struct mv_connection *connection, size_t n) {
        size_t before = atomic_fetch_add_explicit(&route->in_flight, n, memory_order_relaxed);
        if (n > route->bodies_bytes || before > route->bodies_bytes - n) {
                atomic_fetch_sub_explicit(&route->in_flight, n, memory_order_relaxed);
                return false;
        }
        connection->charged += n;
        return true;
}

/* Take a piece. False when the client sends more than can be thrown away. */
static bool body_take(struct mv_route *route, struct mv_connection *connection, const char *data, size_t n) {
        mv_metrics_add(route->metrics, MV_COUNTER_REQUEST_BYTES, n);
        size_t at = connection->received;
        connection->received += n;
        if (connection->refusal.code)
                return connection->received / SWALLOW_FACTOR <= route->body_bytes;

        if (!connection->body) /* memory that is never touched costs nothing */
                connection->body = malloc(connection->content_length + AFTER_BODY);
        if (!connection->body || n > connection->content_length - at || !body_charge(route, connection, n)) {
                body_drop(route, connection);
                refuse(connection, 503, "too many requests are being received", false);
                return true;
        }
        memcpy(connection->body + at, data, n);
        return true;
}

/* --- the review, or the verdict ----------------------------------------------------------------------------------------- */

/* The numbers of an answer's line. */
struct answer_texts {
        char status[16], milliseconds[32];
};

/* False: answers are not logged. */
static bool make_texts(const struct mv_route *route, int status, long long ns, struct answer_texts *ret) {
        if (!route->logger || route->logger->least > MV_LOG_INFO)
                return false;
        /* Like %.3f of milliseconds, which takes ten times as long to print. */
        const long long microseconds = (ns + 500) / 1000;
        snprintf(ret->milliseconds, sizeof ret->milliseconds, "%lld.%03d", microseconds / 1000,
                 (int)(microseconds % 1000));
        snprintf(ret->status, sizeof ret->status, "%d", status);
        return true;
}

/* There is one for each answer. */
static void log_answer(const struct mv_route *route, const char *message, const struct mv_log_field *fields,
                       size_t n) {
        const struct mv_logger *logger = route->logger;
        (logger->later ? logger->later : logger->line)(logger->context, MV_LOG_INFO, "webhook", message,
                                                       fields, n);
}

static bool mutates(const struct mv_connection *connection) {
        return connection->endpoint == MV_ENDPOINT_MUTATE;
}

static void log_review(const struct mv_route *route, const struct mv_connection *connection,
                       const struct mv_review_summary *summary, int status, long long ns) {
        struct answer_texts texts;
        if (!make_texts(route, status, ns, &texts))
                return;
        const struct mv_log_field fields[] = {
                { "webhook", mutates(connection) ? MV_STR("mutate") : MV_STR("validate") },
                { "uid", summary->uid },
                { "resource", summary->resource },
                { "namespace", summary->namespace },
                { "name", summary->name },
                { "operation", summary->operation },
                { "user", summary->user },
                { "dryRun", summary->dry_run ? MV_STR("true") : MV_STR("false") },
                { "status", mv_str_from(texts.status) },
                { "allowed", summary->allowed ? MV_STR("true") : MV_STR("false") },
                { "verdict", mv_str_from(summary->verdict) },
                { "decidedBy", mv_str_from(summary->level) },
                { "rules", summary->rules },
                { "milliseconds", mv_str_from(texts.milliseconds) },
        };
        log_answer(route, status == 200 ? "review" : "not a review", fields,
                   sizeof fields / sizeof fields[0]);
}

static void log_verdict(const struct mv_route *route, const struct mv_connection *connection,
                        const struct mv_verdict_summary *summary, int status, long long ns) {
        struct answer_texts texts;
        if (!make_texts(route, status, ns, &texts))
                return;
        const struct mv_log_field fields[] = {
                { "client", mv_str_from(connection->client) },
                { "kind", summary->kind },
                { "namespace", summary->namespace },
                { "name", summary->name },
                { "status", mv_str_from(texts.status) },
                { "verdict", mv_str_from(summary->verdict) },
                { "rules", summary->rules },
                { "milliseconds", mv_str_from(texts.milliseconds) },
        };
        log_answer(route, status == 200 ? "verdict" : "no verdict", fields, sizeof fields / sizeof fields[0]);
}

/* Metrics and log of what was answered. */
union summary {
        struct mv_review_summary review;
        struct mv_verdict_summary verdict;
};

static void account(struct mv_route *route, const struct mv_connection *connection,
                    const union summary *summary, int status) {
        const long long ns = mv_now() - connection->begun;
        if (connection->endpoint == MV_ENDPOINT_VERDICTS) {
                mv_metrics_add_verdict(route->metrics, &summary->verdict, status, ns);
                log_verdict(route, connection, &summary->verdict, status, ns);
        } else {
                mv_metrics_add_review(route->metrics, mutates(connection), &summary->review, status, ns);
                log_review(route, connection, &summary->review, status, ns);
        }
}

static int ask_backend(const struct mv_review_backend *backend, const struct mv_connection *connection,
                       const struct mv_review_call *call, struct mv_buf *text, union summary *ret) {
        if (connection->endpoint == MV_ENDPOINT_VERDICTS) {
                ret->verdict = (struct mv_verdict_summary){ .verdict = "" };
                return backend->verdict(backend->context, call, text, &ret->verdict);
        }
        ret->review = (struct mv_review_summary){ .verdict = "", .level = "" };
        return backend->review(backend->context, call, text, &ret->review);
}

/* What a review is put off with. */
struct serving {
        struct mv_listener *listener;
        struct mv_connection *connection;
        struct MHD_Connection *mhd;
};

static void *put_off(const struct mv_review_call *call) {
        struct serving *serving = call->server;
        struct mv_connection *connection = serving->connection;
        if (connection->hurried)
                return NULL;
        long long until = mv_now() + waiting_longest;
        return mv_listener_put_off(serving->listener, connection, serving->mhd,
                                   until < call->deadline_ns ? until : call->deadline_ns,
                                   connection->begun + connection->timeout);
}

static void resume(void *ticket, uint64_t answer) {
        mv_ticket_resume(ticket, answer);
}

/* Make the answer. libmicrohttpd calls the handler in each round of its loop until there is one, and it is only sent in the
 * next: so the answers to requests that came together leave together, judging and sending each find their code in the
 * processor's caches, and whoever asked is woken once for all of them. */
static enum MHD_Result make_answer(struct mv_route *route, struct mv_listener *listener,
                                   struct mv_connection *connection, struct MHD_Connection *mhd) {
        static const char nothing[AFTER_BODY];
        struct serving serving = { listener, connection, mhd };
        mv_listener_take_up(listener, connection, connection->begun + connection->timeout);
        struct mv_str body = { .p = nothing };
        if (connection->body) {
                memset(connection->body + connection->received, 0, AFTER_BODY);
                body = (struct mv_str){ .p = connection->body, .n = connection->received };
        }
        struct mv_buf text;
        union summary summary;
        mv_buf_init(&text, &mv_allocator_system, RESPONSE_BYTES);
        const struct mv_review_call call = {
                .mutate = mutates(connection),
                .body = body,
                .deadline_ns = mv_route_deadline(connection->begun, connection->timeout),
                .put_offs = connection->put_offs++,
                .note = &connection->note,
                .put_off = put_off,
                .resume = resume,
                .server = &serving,
        };
        int status = ask_backend(route->backend, connection, &call, &text, &summary);
        if (status == MV_REVIEW_PUT_OFF) {
                mv_buf_done(&text);
                return MHD_YES;
        }
        bool broken = mv_buf_failed(&text) || text.n == 0;
        if (broken)
                status = 500;
        account(route, connection, &summary, status);
        body_drop(route, connection); /* the summary's slices end here */

        if (broken) {
                mv_buf_done(&text);
                return answer_status(route, listener, connection, mhd, 500, "out of memory", false);
        }
        mv_metrics_add(route->metrics, MV_COUNTER_REQUESTS, 1);
        if (status >= 400)
                mv_metrics_add_error(route->metrics, status);
        struct MHD_Response *response =
                MHD_create_response_from_buffer(text.n, text.p, MHD_RESPMEM_MUST_FREE);
        if (!response)
                mv_buf_done(&text);
        else {
                MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, json);
                if (status == 503)
                        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
        }
        connection->response = response;
        connection->status = status;
        return response ? MHD_YES : MHD_NO;
}

static enum MHD_Result send_answer(struct mv_listener *listener, struct mv_connection *connection,
                                   struct MHD_Connection *mhd) {
        struct MHD_Response *response = connection->response;
        connection->response = NULL;
        return mv_listener_answer(listener, connection, mhd, (unsigned)connection->status, response, false);
}

enum MHD_Result mv_route_handle(void *context, struct mv_listener *listener, struct mv_connection *connection,
                                struct MHD_Connection *mhd, const char *method, const char *version,
                                const char *data, size_t *n_data) {
        struct mv_route *route = context;
        if (!connection->judged) {
                connection->judged = true;
                if (judge(route, connection, mhd, method, version))
                        return answer_status(route, listener, connection, mhd, connection->refusal.code,
                                             connection->refusal.message, true);
                return MHD_YES;
        }
        if (*n_data) {
                size_t n = *n_data;
                *n_data = 0;
                return body_take(route, connection, data, n) ? MHD_YES : MHD_NO;
        }
        if (connection->refusal.code)
                return answer_status(route, listener, connection, mhd, connection->refusal.code,
                                     connection->refusal.message, connection->refusal.close);
        if (connection->response)
                return send_answer(listener, connection, mhd);
        return make_answer(route, listener, connection, mhd);
}

void mv_route_finish(void *context, struct mv_connection *connection) {
        body_drop(context, connection);
        if (connection->response) /* nobody was there any more to send it to */
                MHD_destroy_response(connection->response);
        connection->response = NULL;
        connection->judged = false;
        connection->put_offs = 0;
        connection->hurried = false;
        connection->note = (struct mv_review_note){ 0 };
        connection->received = connection->content_length = 0;
        connection->refusal.code = 0;
        connection->refusal.challenge = NULL;
}

bool mv_route_wants_certificate(void *context) {
        struct mv_route *route = context;
        return route->client_ca || (route->access && mv_access_slot_wants_certificates(route->access));
}
