/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/deliver/flight.h"

#include "certs/peer.h"

#include <stdio.h>
#include <stdlib.h>

struct mv_flight *mv_flight_new(struct mv_buf *text, const struct mv_outbox_record *record) {
        struct mv_flight *flight = calloc(1, sizeof *flight);
        if (!flight)
                return NULL;
        flight->text = *text;
        flight->record = *record;
        mv_buf_init(text, text->allocator, text->maximum);
        return flight;
}

/* They may hold a token. */
static void free_headers(struct curl_slist *headers) {
        for (struct curl_slist *h = headers; h; h = h->next)
                explicit_bzero(h->data, strlen(h->data));
        curl_slist_free_all(headers);
}

struct mv_flight *mv_flight_free(struct mv_flight *flight) {
        if (!flight)
                return NULL;
        curl_easy_cleanup(flight->easy);
        free_headers(flight->headers);
        mv_buf_done(&flight->text);
        free(flight);
        return NULL;
}

/* --- headers --- */

/* "NAME: VALUE"; line is wiped. */
static bool add_header(struct mv_flight *flight, struct mv_buf *line, const char *name, struct mv_str value) {
        mv_buf_clear(line);
        if (!mv_buf_reserve(line, strlen(name) + value.n + 2))
                return false;
        mv_buf_format(line, "%s: %.*s", name, MV_STR_ARG(value));
        struct curl_slist *longer = curl_slist_append(flight->headers, line->p);
        explicit_bzero(line->p, line->n);
        if (longer)
                flight->headers = longer;
        return longer != NULL;
}

static int add_signature(struct mv_flight *flight, struct mv_buf *line, struct mv_str key, long long now,
                         struct mv_err *err) {
        char timestamp[24];
        struct mv_buf signature;
        snprintf(timestamp, sizeof timestamp, "%lld", now);
        mv_buf_init(&signature, &mv_allocator_system, 128);
        int r = mv_sender_sign(key, mv_str_from(timestamp), flight->record.body, &signature, err);
        if (r == 0 && (!add_header(flight, line, "X-Migvet-Timestamp", mv_str_from(timestamp)) ||
                       !add_header(flight, line, "X-Migvet-Signature", mv_buf_str(&signature))))
                r = mv_err_oom(err);
        mv_buf_done(&signature);
        return r;
}

static bool add_token(struct mv_flight *flight, struct mv_buf *line, struct mv_str token) {
        struct mv_buf value;
        mv_buf_init(&value, &mv_allocator_system, MV_SECRET_MAX_BYTES + 16);
        bool done = mv_buf_reserve(&value, token.n + 16) != NULL;
        if (done) {
                mv_buf_format(&value, "Bearer %.*s", MV_STR_ARG(token));
                done = add_header(flight, line, "Authorization", mv_buf_str(&value));
                explicit_bzero(value.p, value.n);
        }
        mv_buf_done(&value);
        return done;
}

static int add_headers(struct mv_flight *flight, const struct mv_sender_credentials *credentials,
                       long long now, struct mv_err *err) {
        struct mv_buf line;
        int r = 0;
        mv_buf_init(&line, &mv_allocator_system, MV_SECRET_MAX_BYTES + 256);
        if (!add_header(flight, &line, "Content-Type",
                        MV_STR("application/cloudevents+json; charset=utf-8")) ||
            !add_header(flight, &line, "Expect", (struct mv_str){ 0 }) || /* no "100-continue" */
            (credentials->token.path && !add_token(flight, &line, mv_buf_str(&credentials->token_text))))
                r = mv_err_oom(err);
        if (r == 0 && credentials->key.path)
                r = add_signature(flight, &line, mv_buf_str(&credentials->key_text), now, err);
        mv_buf_done(&line);
        return r;
}

/* --- the handle --- */

static size_t on_body(char *bytes, size_t size, size_t n, void *context) {
        struct mv_flight *flight = context;
        n *= size;
        size_t room = sizeof flight->said - flight->n_said;
        memcpy(flight->said + flight->n_said, bytes, n < room ? n : room);
        flight->n_said += n < room ? n : room;
        flight->n_read += n;
        flight->cut = flight->n_read > MV_FLIGHT_READ_BYTES;
        return flight->cut ? CURL_WRITEFUNC_ERROR : n;
}

/* The first option that libcurl does not take is remembered. */
#define SET(option, value)                                                 \
        do {                                                               \
                CURLcode set_ = curl_easy_setopt(easy, (option), (value)); \
                if (set_ && !failed)                                       \
                        failed = set_;                                     \
        } while (0)

static CURLcode set_tls(CURL *easy, const struct mv_sender_credentials *credentials) {
        CURLcode failed = CURLE_OK;
        SET(CURLOPT_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (credentials->authority_file.path[0]) {
                /* Nobody else: libcurl would add the system's directory. */
                SET(CURLOPT_CAINFO, credentials->authority_file.path);
                SET(CURLOPT_CAPATH, NULL);
        }
        if (credentials->certificate_file.path[0]) {
                SET(CURLOPT_SSLCERT, credentials->certificate_file.path);
                SET(CURLOPT_SSLKEY, credentials->certificate_file.path);
        }
        return failed;
}

static CURLcode set_request(struct mv_flight *flight, const char *url, const char *user_agent) {
        CURLcode failed = CURLE_OK;
        CURL *easy = flight->easy;
        SET(CURLOPT_PROTOCOLS_STR, "https");
        SET(CURLOPT_URL, url);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_QUICK_EXIT, 1L); /* nobody waits for a name server that does not answer */
        SET(CURLOPT_TIMEOUT_MS, (long)MV_FLIGHT_MS);
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, flight->record.body.p);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)flight->record.body.n);
        SET(CURLOPT_HTTPHEADER, flight->headers);
        SET(CURLOPT_USERAGENT, user_agent);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, flight);
        SET(CURLOPT_ERRORBUFFER, flight->problem);
        SET(CURLOPT_PRIVATE, flight);
        return failed;
}

int mv_flight_prepare(struct mv_flight *flight, const char *url,
                      const struct mv_sender_credentials *credentials, const char *user_agent, long long now,
                      struct mv_err *err) {
        flight->easy = curl_easy_init();
        if (!flight->easy)
                return mv_err_oom(err);
        int r = add_headers(flight, credentials, now, err);
        if (r < 0)
                return r;
        CURLcode failed = set_tls(flight->easy, credentials);
        if (!failed)
                failed = set_request(flight, url, user_agent);
        if (failed == CURLE_OUT_OF_MEMORY)
                return mv_err_oom(err);
        return failed ? mv_err_set(err, MV_EIO, "this libcurl cannot be used: %s", curl_easy_strerror(failed))
                      : 0;
}

/* --- the end --- */

static long long retry_after(CURL *easy) {
        struct curl_header *header;
        curl_off_t seconds = 0;
        if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
            curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
                return -1;
        return seconds < 1000000000 ? (long long)seconds * 1000 : 1000000000000;
}

static void describe_failure(const struct mv_flight *flight, CURLcode code, struct mv_flight_result *ret) {
        char problem[300];
        long verification = 0;
        const char *text = flight->problem[0] ? flight->problem : curl_easy_strerror(code);
        curl_easy_getinfo(flight->easy, CURLINFO_SSL_VERIFYRESULT, &verification);
        if (code == CURLE_PEER_FAILED_VERIFICATION && verification)
                text = mv_peer_problem((unsigned)verification, problem, sizeof problem);
        if (ret->status)
                snprintf(ret->brief, sizeof ret->brief, "HTTP %d, not to its end: %.300s", ret->status, text);
        else
                snprintf(ret->brief, sizeof ret->brief, "%.390s", text);
}

void mv_flight_land(struct mv_flight *flight, CURLcode code, struct mv_flight_result *ret) {
        long status = 0;
        curl_easy_getinfo(flight->easy, CURLINFO_RESPONSE_CODE, &status);
        *ret = (struct mv_flight_result){
                .status = (int)status,
                .complete = code == CURLE_OK || (code == CURLE_WRITE_ERROR && flight->cut),
                .retry_after_ms = retry_after(flight->easy),
        };
        if (!ret->complete)
                describe_failure(flight, code, ret);
        else
                snprintf(ret->brief, sizeof ret->brief, "HTTP %d", ret->status);
        snprintf(ret->words, sizeof ret->words, "%s%s%.*s", ret->brief, flight->n_said ? ": " : "",
                 (int)flight->n_said, flight->said);
}
