/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends to the port of reviews, without TLS; the first byte says into what pieces. A real listener on loopback
 * gets it, then the end of the stream. It answers only with whole HTTP/1.1 responses, hands on only bodies up to the limit,
 * and questions for verdicts only from who has a token, and closes. All but what libmicrohttpd says by itself, before it
 * closes, is JSON.
 */
#include "tests/fuzz/support.h"
#include "webhook/access.h"
#include "webhook/listen.h"
#include "webhook/route.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_BYTES = 4096, MOST_ANSWERS = 1 << 20, PATIENCE_S = 20 };

#define TOKEN "t0ken"

static _Atomic unsigned reviews;
static _Atomic unsigned verdicts;

static int answer(const struct mv_review_call *call, struct mv_buf *response) {
        for (size_t i = 0; i < 8; i++)
                fuzz_check(!call->body.p[call->body.n + i], "a body without its end");
        fuzz_check(call->body.n <= BODY_BYTES, "a body beyond the limit");
        mv_buf_format(response, "{\"bytes\":%zu}", call->body.n);
        return 200;
}

static int review(void *context, const struct mv_review_call *call, struct mv_buf *response,
                  struct mv_review_summary *summary) {
        (void)context;
        *summary = (struct mv_review_summary){ .verdict = "", .level = "" };
        reviews++;
        return answer(call, response);
}

static int verdict(void *context, const struct mv_review_call *call, struct mv_buf *response,
                   struct mv_verdict_summary *summary) {
        (void)context;
        *summary = (struct mv_verdict_summary){ .verdict = "" };
        verdicts++;
        return answer(call, response);
}

static const struct mv_review_backend backend = { .review = review, .verdict = verdict };

/* All of each text is looked at. */
static void line(void *context, enum mv_log_level level, const char *component, const char *message,
                 const struct mv_log_field *fields, size_t n_fields) {
        static volatile size_t seen; /* so that no compiler leaves it out */
        (void)context;
        (void)level;
        seen = strlen(component) + strlen(message);
        for (size_t i = 0; i < n_fields; i++)
                for (size_t j = 0; j < fields[i].value.n; j++)
                        seen = (unsigned char)fields[i].value.p[j];
        (void)seen;
}

static const struct mv_logger logger = { .line = line };

static unsigned start(void) {
        static struct mv_access_slot slot;
        static struct mv_route route = { .backend = &backend,
                                         .access = &slot,
                                         .body_bytes = BODY_BYTES,
                                         .bodies_bytes = 8 * BODY_BYTES,
                                         .logger = &logger };
        static atomic_bool draining;
        const struct mv_listener_config config = {
                .name = "fuzz",
                .address = "127.0.0.1:0",
                .n_servers = 1,
                .limits = { .connections = 64, .receive_ms = 1000, .send_ms = 1000, .idle_ms = 100 },
                .handler = { .handle = mv_route_handle, .finish = mv_route_finish, .context = &route },
                .draining = &draining,
        };
        struct mv_listener *listener = NULL;
        struct mv_access *access = NULL;
        route.metrics = mv_metrics_new("0");
        mv_access_slot_init(&slot);
        fuzz_check(route.metrics && mv_access_new(&(struct mv_access_options){ .tokens = MV_STR(TOKEN) },
                                                  &access, NULL) == 0,
                   "nobody may ask");
        mv_access_slot_set(&slot, access);
        fuzz_check(mv_listener_new(&config, &listener, NULL) == 0 && mv_listener_start(listener, NULL) == 0,
                   "no listener");
        return mv_listener_port(listener); /* it lives as long as the process */
}

static int dial(unsigned port) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        fuzz_check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "no connection");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        /* No port of this end waits for stray packets: in a minute there are more connections than ports. */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = PATIENCE_S },
                   sizeof(struct timeval));
        return fd;
}

/* False when the server has closed before. */
static bool send_all(int fd, struct mv_str text, unsigned piece) {
        while (text.n) {
                size_t most = piece > text.n ? text.n : piece;
                ssize_t n = send(fd, text.p, most, MSG_NOSIGNAL);
                if (n < 0)
                        return false;
                text = mv_str_skip(text, (size_t)n);
        }
        return true;
}

/* One answer at the start of text, and what is behind it. Returns its status. What is no JSON is the library's own, which may
 * send its head twice; it ends the text. */
static unsigned check_answer(struct mv_str *text) {
        unsigned status = 0;
        size_t length = 0;
        bool length_given = false, json = false;
        const char *end = memmem(text->p, text->n, "\r\n\r\n", 4);
        fuzz_check(end && mv_str_starts_with(*text, MV_STR("HTTP/1.1 ")), "no HTTP/1.1");
        struct mv_str head = { text->p, (size_t)(end - text->p) + 2 };
        fuzz_check(head.n > 12 && isdigit((unsigned char)head.p[9]), "no status");
        status = (unsigned)strtoul(head.p + 9, NULL, 10);
        while (head.n) {
                size_t n = (size_t)((const char *)memmem(head.p, head.n, "\r\n", 2) - head.p);
                if (n > 16 && strncasecmp(head.p, "content-length: ", 16) == 0) {
                        length = strtoul(head.p + 16, NULL, 10);
                        length_given = true;
                }
                json = json || (n > 14 && strncasecmp(head.p, "content-type: ", 14) == 0 &&
                                mv_str_contains((struct mv_str){ head.p, n }, MV_STR("application/json")));
                head = mv_str_skip(head, n + 2);
        }
        *text = mv_str_skip(*text, (size_t)(end - text->p) + 4);
        if (status == 100)
                return status;
        fuzz_check(length_given && length <= text->n, "half an answer");
        struct mv_str body = { text->p, length };
        if (!json) {
                fuzz_check(status >= 400, "good, and no JSON");
                *text = (struct mv_str){ 0 };
                return status;
        }
        fuzz_check(fuzz_is_json(body), "no JSON");
        if (status == 200)
                fuzz_check(mv_str_starts_with(body, MV_STR("{\"bytes\":")), "another answer");
        *text = mv_str_skip(*text, length);
        return status;
}

/* HEAD is refused like all but POST, but has no body. */
static bool has_head(struct mv_str text) {
        return mv_str_contains(text, MV_STR("HEAD"));
}

static void check_answers(struct mv_str text, unsigned handed_on) {
        static const unsigned known[] = { 100, 200, 400, 401, 404, 405, 411, 413,
                                          414, 415, 417, 431, 500, 501, 503, 505 };
        unsigned good = 0;
        while (text.n) {
                unsigned status = check_answer(&text);
                bool found = false;
                for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                        found = found || known[i] == status;
                fuzz_check(found, "an odd status");
                good += status == 200;
        }
        fuzz_check(good <= handed_on, "answered, and never judged");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static unsigned port;
        if (!size)
                return 0;
        if (!port)
                port = start();
        struct mv_str text = fuzz_str(data + 1, size - 1);
        const unsigned before = reviews + verdicts, verdicts_before = verdicts;
        int fd = dial(port);
        char *answers = malloc(MOST_ANSWERS);
        fuzz_check(answers, "no memory");
        bool whole = send_all(fd, text, data[0] ? data[0] : (unsigned)size), ended = false;
        size_t n = 0;
        while (n < MOST_ANSWERS) {
                /* An end that comes together with bytes is seen when the connection has been idle: let it come behind. */
                struct pollfd more = { .fd = fd, .events = POLLIN };
                if (!ended && poll(&more, 1, 1) == 0) {
                        shutdown(fd, SHUT_WR);
                        ended = true;
                }
                ssize_t got = recv(fd, answers + n, MOST_ANSWERS - n, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                fuzz_check(got >= 0 || errno == ECONNRESET, "it does not close");
                whole = whole && got >= 0;
                if (got <= 0)
                        break;
                n += (size_t)got;
        }
        close(fd);
        /* What was on its way when the connection was reset may be lost. */
        if (whole && !has_head(text))
                check_answers((struct mv_str){ answers, n }, reviews + verdicts - before);
        fuzz_check(verdicts == verdicts_before || mv_str_contains(text, MV_STR(TOKEN)),
                   "a verdict for somebody without a token");
        free(answers);
        return 0;
}
