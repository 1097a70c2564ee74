/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/client.h"

#include "certs/clock.h"
#include "cluster/kube/credentials.h"
#include "cluster/kube/transfer.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { CANCEL_MS = 200 }; /* how soon mv_kube_client_call sees `cancel` without a wake */

struct mv_kube_client {
        const struct mv_kube_config *config;
        struct mv_kube_credentials credentials;
        CURLM *multi;
        struct curl_slist *connect_to;     /* where tls_server_name is to be reached */
        struct mv_kube_call *first, *last; /* all that are not done, in the order of their start */
        bool performing;                   /* libcurl is calling us */
        bool fresh;                        /* some have not begun */
        bool waits;                        /* and cannot, before a plugin has given what they are to show */
        bool plain;                        /* the server was heard to speak no HTTP/2 */
        struct mv_kube_call *connecting;   /* the one that may be making a connection */
};

/* --- the list --- */

static void append(struct mv_kube_client *client, struct mv_kube_call *call) {
        call->previous = client->last;
        if (client->last)
                client->last->next = call;
        else
                client->first = call;
        client->last = call;
}

static void drop(struct mv_kube_call *call) {
        struct mv_kube_client *client = call->client;
        if (client->connecting == call)
                client->connecting = NULL;
        if (call->previous)
                call->previous->next = call->next;
        else
                client->first = call->next;
        if (call->next)
                call->next->previous = call->previous;
        else
                client->last = call->previous;
        call->previous = call->next = NULL;
        if (call->easy)
                curl_multi_remove_handle(client->multi, call->easy);
}

/* --- a client --- */

static pthread_once_t global = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void init_global(void) {
        global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static struct curl_slist *make_connect_to(const struct mv_kube_config *config) {
        struct mv_buf text;
        struct curl_slist *list = NULL;
        bool address = mv_str_find_byte(config->host, ':') < config->host.n;
        mv_buf_init(&text, &mv_allocator_system, 4096);
        mv_buf_format(&text, "::%s%.*s%s:%u", address ? "[" : "", MV_STR_ARG(config->host),
                      address ? "]" : "", config->port);
        if (!mv_buf_failed(&text))
                list = curl_slist_append(NULL, text.p);
        mv_buf_done(&text);
        return list;
}

static void wake(void *context) {
        mv_kube_client_wake(context);
}

int mv_kube_client_new(const struct mv_kube_config *config, struct mv_kube_client **ret, struct mv_err *err) {
        pthread_once(&global, init_global);
        if (global_result)
                return mv_err_set(err, MV_EIO, "libcurl cannot be used: %s",
                                  curl_easy_strerror(global_result));
        struct mv_kube_client *client = calloc(1, sizeof *client);
        if (!client)
                return mv_err_oom(err);
        int r = mv_kube_credentials_init(&client->credentials, config, err);
        if (r) {
                free(client);
                return r;
        }
        client->config = config;
        client->multi = curl_multi_init();
        client->credentials.run.ended = wake;
        client->credentials.run.context = client;
        if (config->tls_server_name.n)
                client->connect_to = make_connect_to(config);
        if (!client->multi || (config->tls_server_name.n && !client->connect_to) ||
            curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX)) {
                mv_kube_client_free(client);
                return mv_err_oom(err);
        }
        *ret = client;
        return 0;
}

struct mv_kube_client *mv_kube_client_free(struct mv_kube_client *client) {
        if (!client)
                return NULL;
        mv_kube_exec_thread_done(&client->credentials.run); /* it wakes us */
        while (client->first) {
                struct mv_kube_call *call = client->first;
                drop(call);
                mv_kube_call_free(call);
        }
        curl_multi_cleanup(client->multi);
        curl_slist_free_all(client->connect_to);
        mv_kube_credentials_done(&client->credentials);
        free(client);
        return NULL;
}

struct mv_kube_call *mv_kube_client_start(struct mv_kube_client *client,
                                          const struct mv_kube_request *request, struct mv_err *err) {
        struct mv_kube_call *call = mv_kube_call_new(client, request, &client->plain);
        if (!call) {
                mv_err_oom(err);
                return NULL;
        }
        call->started_ms = call->heard_ms = mv_clock_ms();
        append(client, call);
        client->fresh = true;
        return call;
}

void mv_kube_client_cancel(struct mv_kube_client *client, struct mv_kube_call *call) {
        /* libcurl has to return first. */
        if (client->performing && call->easy) {
                call->cancelled = true;
                return;
        }
        drop(call);
        mv_kube_call_free(call);
}

void mv_kube_client_wake(struct mv_kube_client *client) {
        curl_multi_wakeup(client->multi);
}

/* --- the end of a call --- */

/* A connection that has been silent may be dead without anybody having said so, and others would be sent over it next: it is
 * shut, unless something came over it meanwhile. */
static void doubt_connection(const struct mv_kube_call *call, long long now, long long window_ms) {
        curl_socket_t fd = mv_kube_call_socket(call);
        if (fd == CURL_SOCKET_BAD)
                return;
        for (const struct mv_kube_call *other = call->client->first; other; other = other->next)
                if (now - other->heard_ms < window_ms && other->heard_ms > other->started_ms &&
                    mv_kube_call_socket(other) == fd)
                        return;
        shutdown(fd, SHUT_RDWR);
}

/* It has a connection, of its own or a shared one. */
static bool is_connected(const struct mv_kube_call *call) {
        curl_off_t us = 0;
        return curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &us) == CURLE_OK && us > 0;
}

/* Those that wait for a connection hear at once that there is none. */
static void fail_waiting(struct mv_kube_client *client, const struct mv_err *err) {
        for (struct mv_kube_call *call = client->first; call; call = call->next)
                if (!call->easy && !call->err.code)
                        call->err = *err;
}

static void finish(struct mv_kube_call *call, CURLcode code) {
        struct mv_kube_client *client = call->client;
        struct mv_kube_response response;
        mv_kube_call_result(call, client->config, code, &response);
        if (response.status == 401) {
                const struct mv_err *problem = mv_kube_credentials_problem(&client->credentials);
                mv_kube_credentials_refuse(&client->credentials, call->generation);
                if (problem)
                        response.err = *problem;
        }
        if (code && response.err.code != MV_ENOMEM && !is_connected(call))
                fail_waiting(client, &response.err);
        drop(call);
        call->request.done(call->request.context, &response);
        mv_kube_call_free(call);
}

/* When its time is over, LLONG_MAX for never; *ret_silent: because nothing came. A plugin has a limit of its own. */
static long long ends_at(const struct mv_kube_call *call, bool *ret_silent) {
        *ret_silent = false;
        if (!call->easy && call->client->waits)
                return LLONG_MAX;
        long long whole = call->request.timeout_ms ? call->started_ms + call->request.timeout_ms : LLONG_MAX;
        long long silent = call->request.idle_ms ? call->heard_ms + call->request.idle_ms : LLONG_MAX;
        *ret_silent = silent < whole;
        return silent < whole ? silent : whole;
}

static void time_out(struct mv_kube_call *call, bool silent, long long now) {
        unsigned limit_ms = silent ? call->request.idle_ms : call->request.timeout_ms;
        mv_err_write(&call->err, MV_ETIMEOUT,
                     silent ? "%s: nothing came for %g s" : "%s: no whole answer within %g s",
                     call->client->config->server.p, limit_ms / 1000.0);
        doubt_connection(call, now, limit_ms);
        finish(call, CURLE_OK);
}

/* --- running --- */

/* False: not before a plugin is done. */
static bool begin(struct mv_kube_call *call) {
        struct mv_kube_client *client = call->client;
        int r = mv_kube_credentials_refresh(&client->credentials, time(NULL), mv_clock_ms(), &call->err);
        client->waits = r > 0;
        if (client->waits)
                return false;
        if (!r)
                r = mv_kube_call_prepare(call, &client->credentials, client->connect_to, &call->err);
        /* A plugin may have taken its time. */
        call->started_ms = call->heard_ms = mv_clock_ms();
        if (!r && curl_multi_add_handle(client->multi, call->easy))
                r = mv_err_oom(&call->err);
        if (r)
                call->err.code = r;
        return true;
}

/* The first that has not begun, if it may: one after another, so that each sees the connections of those before it. Otherwise
 * many that start together would make one each, though a few could carry all. Without HTTP/2 each needs one anyhow. */
static struct mv_kube_call *next_to_begin(struct mv_kube_client *client) {
        if (client->connecting && is_connected(client->connecting))
                client->connecting = NULL;
        if (!client->fresh || (client->connecting && !client->plain))
                return NULL;
        struct mv_kube_call *call = client->first;
        while (call && call->easy)
                call = call->next;
        client->fresh = call != NULL;
        return call;
}

/* One of a kind that has to go. */
static struct mv_kube_call *find(struct mv_kube_client *client, bool (*is)(const struct mv_kube_call *)) {
        struct mv_kube_call *call = client->first;
        while (call && !is(call))
                call = call->next;
        return call;
}

static bool is_cancelled(const struct mv_kube_call *call) {
        return call->cancelled;
}

static bool has_failed(const struct mv_kube_call *call) {
        return call->err.code && !call->easy;
}

/* One whose time is over, or NULL; *ret_next is when the next one's will be. */
static struct mv_kube_call *find_late(struct mv_kube_client *client, long long now, bool *ret_silent,
                                      long long *ret_next) {
        *ret_next = LLONG_MAX;
        for (struct mv_kube_call *call = client->first; call; call = call->next) {
                long long at = ends_at(call, ret_silent);
                if (at <= now)
                        return call;
                if (at < *ret_next)
                        *ret_next = at;
        }
        return NULL;
}

/* Let libcurl work, and end what has ended. The list may change meanwhile, by what done does. */
static unsigned perform(struct mv_kube_client *client) {
        unsigned ended = 0;
        int running, left;
        struct mv_kube_call *call;
        client->performing = true;
        curl_multi_perform(client->multi, &running);
        client->performing = false;
        for (; (call = find(client, is_cancelled)); ended++) {
                drop(call);
                mv_kube_call_free(call);
        }
        for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)); ended++) {
                char *private = NULL;
                CURLcode code = message->data.result;
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
                finish((struct mv_kube_call *)(void *)private, code);
        }
        for (; (call = find(client, has_failed)); ended++)
                finish(call, CURLE_OK);
        return ended;
}

/* Transfer without waiting. Returns how many calls have ended. */
static unsigned transfer(struct mv_kube_client *client, long long *ret_next) {
        unsigned ended = perform(client);
        struct mv_kube_call *call;
        while ((call = next_to_begin(client)) && begin(call)) {
                if (call->err.code) {
                        finish(call, CURLE_OK);
                        ended++;
                        continue;
                }
                client->connecting = call;
                ended += perform(client);
        }
        bool silent;
        long long now = mv_clock_ms();
        for (; (call = find_late(client, now, &silent, ret_next)); ended++)
                time_out(call, silent, now);
        return ended;
}

void mv_kube_client_run(struct mv_kube_client *client, unsigned timeout_ms) {
        long long next, now = mv_clock_ms(), until = now + timeout_ms;
        if (transfer(client, &next))
                return;
        if (next < until)
                until = next;
        now = mv_clock_ms();
        long long wait = until > now ? until - now : 0;
        curl_multi_poll(client->multi, NULL, 0, wait < INT_MAX ? (int)wait : INT_MAX, NULL);
        transfer(client, &next);
}

/* --- one request --- */

struct waiting {
        bool done;
        int status;
        struct mv_buf *body;
        struct mv_err err;
};

static void one_done(void *context, const struct mv_kube_response *response) {
        struct waiting *waiting = context;
        waiting->done = true;
        waiting->status = response->status;
        waiting->err = response->err;
        if (!response->status)
                return;
        mv_buf_clear(waiting->body);
        mv_buf_append_str(waiting->body, response->body);
        char *padding = mv_buf_reserve(waiting->body, MV_KUBE_PADDING);
        if (padding)
                memset(padding, 0, MV_KUBE_PADDING);
        else
                mv_err_oom(&waiting->err);
}

int mv_kube_client_call(struct mv_kube_client *client, const struct mv_kube_request *request,
                        const atomic_bool *cancel, int *ret_status, struct mv_buf *ret_body,
                        struct mv_err *err) {
        struct waiting waiting = { .body = ret_body };
        struct mv_kube_request one = *request;
        one.data = NULL;
        one.done = one_done;
        one.context = &waiting;
        struct mv_kube_call *call = mv_kube_client_start(client, &one, err);
        if (!call)
                return MV_ENOMEM;
        while (!waiting.done) {
                if (cancel && atomic_load(cancel)) {
                        mv_kube_client_cancel(client, call);
                        return mv_err_set(err, MV_EIO, "%s: the request was cancelled",
                                          client->config->server.p);
                }
                mv_kube_client_run(client, CANCEL_MS);
        }
        if (!waiting.status || mv_buf_failed(ret_body)) {
                if (err)
                        *err = waiting.err;
                return waiting.err.code;
        }
        *ret_status = waiting.status;
        return 0;
}
