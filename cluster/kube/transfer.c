/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/transfer.h"

#include "certs/clock.h"
#include "certs/peer.h"
#include "cluster/kube/wipe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
        CONNECT_MS = 15 * 1000,
        /* A peer that is gone is noticed by the system, on idle connections and on busy ones. */
        KEEPALIVE_IDLE_S = 20,
        KEEPALIVE_INTERVAL_S = 5,
        UNACKNOWLEDGED_MS = 30 * 1000,
};

/* --- the request --- */

static struct mv_str copy(struct mv_buf *text, struct mv_str s) {
        struct mv_str to = { text->p ? text->p + text->n : NULL, s.n };
        mv_buf_append_str(text, s);
        mv_buf_append_byte(text, '\0');
        return to;
}

struct mv_kube_call *mv_kube_call_new(struct mv_kube_client *client, const struct mv_kube_request *request,
                                      bool *plain) {
        struct mv_kube_call *call = calloc(1, sizeof *call);
        if (!call)
                return NULL;
        struct mv_str texts[] = { mv_str_from(request->method),
                                  request->path,
                                  request->body,
                                  mv_str_from(request->content_type),
                                  mv_str_from(request->accept),
                                  request->if_none_match };
        size_t n = 0;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                n += texts[i].n + 1;
        call->client = client;
        call->plain = plain;
        call->request = *request;
        mv_buf_init(&call->body, &mv_allocator_wiping, SIZE_MAX / 2);
        mv_buf_init(&call->text, &mv_allocator_wiping, n);
        if (!mv_buf_reserve(&call->text, n)) { /* all of it, so that slices stay where they are */
                mv_kube_call_free(call);
                return NULL;
        }
        call->request.method = copy(&call->text, texts[0]).p;
        call->request.path = copy(&call->text, texts[1]);
        call->request.body = copy(&call->text, texts[2]);
        call->request.content_type = request->content_type ? copy(&call->text, texts[3]).p : NULL;
        call->request.accept = request->accept ? copy(&call->text, texts[4]).p : "application/json";
        call->request.if_none_match = copy(&call->text, texts[5]);
        return call;
}

/* They hold the token. */
static void free_headers(struct curl_slist *headers) {
        for (struct curl_slist *h = headers; h; h = h->next)
                explicit_bzero(h->data, strlen(h->data));
        curl_slist_free_all(headers);
}

void mv_kube_call_free(struct mv_kube_call *call) {
        if (!call)
                return;
        curl_easy_cleanup(call->easy);
        free_headers(call->headers);
        mv_buf_done(&call->text);
        mv_buf_done(&call->body);
        free(call);
}

/* --- headers --- */

struct headers {
        struct curl_slist *list;
        struct mv_buf line;
        bool failed;
};

/* "NAME: VALUE" */
static void add_header(struct headers *headers, const char *name, struct mv_str value) {
        mv_buf_clear(&headers->line);
        mv_buf_append_text(&headers->line, name);
        mv_buf_append_text(&headers->line, ": ");
        mv_buf_append_str(&headers->line, value);
        struct curl_slist *longer =
                mv_buf_failed(&headers->line) ? NULL : curl_slist_append(headers->list, headers->line.p);
        if (longer)
                headers->list = longer;
        else
                headers->failed = true;
}

static bool is_token_character(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("!#$&'*+-.^_`|~", c));
}

/* Impersonate-Extra-KEY, where what no header name may have is written as in a URL. */
static void add_extra(struct headers *headers, const struct mv_kube_variable *extra) {
        struct mv_buf name;
        mv_buf_init(&name, &mv_allocator_system, 4096);
        mv_buf_append_text(&name, "Impersonate-Extra-");
        for (size_t i = 0; i < extra->name.n; i++)
                if (is_token_character(extra->name.p[i]))
                        mv_buf_append_byte(&name, extra->name.p[i]);
                else
                        mv_buf_format(&name, "%%%02X", (unsigned char)extra->name.p[i]);
        if (mv_buf_failed(&name))
                headers->failed = true;
        else
                add_header(headers, name.p, extra->value);
        mv_buf_done(&name);
}

static void add_impersonation(struct headers *headers, const struct mv_kube_impersonate *as) {
        if (!as->user.n)
                return;
        add_header(headers, "Impersonate-User", as->user);
        if (as->uid.n)
                add_header(headers, "Impersonate-Uid", as->uid);
        for (size_t i = 0; i < as->n_groups; i++)
                add_header(headers, "Impersonate-Group", as->groups[i]);
        for (size_t i = 0; i < as->n_extra; i++)
                add_extra(headers, &as->extra[i]);
}

/* The server is called by its own name there, whatever name its certificate has. */
static void add_host(struct headers *headers, const struct mv_kube_config *config) {
        if (config->tls_server_name.n) {
                struct mv_str host = mv_str_skip(config->server, strlen("https://"));
                host.n = mv_str_find_byte(host, '/');
                add_header(headers, "Host", host);
        }
}

static struct curl_slist *make_headers(const struct mv_kube_call *call,
                                       const struct mv_kube_credentials *credentials) {
        const struct mv_kube_request *request = &call->request;
        struct headers headers = { 0 };
        mv_buf_init(&headers.line, &mv_allocator_wiping, MV_KUBE_BODY_BYTES);
        add_header(&headers, "Accept", mv_str_from(request->accept));
        if (request->content_type)
                add_header(&headers, "Content-Type", mv_str_from(request->content_type));
        if (request->if_none_match.n)
                add_header(&headers, "If-None-Match", request->if_none_match);
        if (credentials->token.n) {
                struct mv_buf value;
                mv_buf_init(&value, &mv_allocator_wiping, MV_KUBE_BODY_BYTES);
                mv_buf_append_text(&value, "Bearer ");
                mv_buf_append_str(&value, mv_buf_str(&credentials->token));
                headers.failed = headers.failed || mv_buf_failed(&value);
                add_header(&headers, "Authorization", mv_buf_str(&value));
                mv_buf_done(&value);
        }
        add_host(&headers, credentials->config);
        add_impersonation(&headers, &credentials->config->impersonate);
        add_header(&headers, "Expect", (struct mv_str){ 0 }); /* no "100-continue" */
        mv_buf_done(&headers.line);
        if (headers.failed) {
                free_headers(headers.list);
                return NULL;
        }
        return headers.list;
}

/* --- what comes --- */

static bool is_success(const struct mv_kube_call *call) {
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        return status >= 200 && status < 300;
}

static bool keep(struct mv_kube_call *call, const char *bytes, size_t n) {
        struct mv_buf *body = &call->body;
        size_t most = call->request.data   ? (size_t)MV_KUBE_FAILURE_BYTES
                      : call->request.most ? call->request.most
                                           : (size_t)MV_KUBE_BODY_BYTES;
        if (n > most - body->n) {
                if (!call->request.data) {
                        mv_err_write(&call->err, MV_ELIMIT, "the answer is larger than %zu bytes", most);
                        return false;
                }
                n = most - body->n;
        }
        mv_buf_append(body, bytes, n);
        if (mv_buf_failed(body))
                mv_err_oom(&call->err);
        return !mv_buf_failed(body);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *context) {
        struct mv_kube_call *call = context;
        n *= size;
        if (call->cancelled) /* by what another call has told meanwhile */
                return CURL_WRITEFUNC_ERROR;
        call->heard_ms = mv_clock_ms();
        if (!call->request.data || !is_success(call))
                return keep(call, bytes, n) ? n : CURL_WRITEFUNC_ERROR;
        struct mv_err err = { 0 };
        int r = call->request.data(call->request.context, (struct mv_str){ bytes, n }, &err);
        if (r < 0) {
                err.code = r;
                call->err = err;
        }
        return r < 0 || call->cancelled ? CURL_WRITEFUNC_ERROR : n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *context) {
        struct mv_kube_call *call = context;
        bool last = n * size == 2 && memcmp(bytes, "\r\n", 2) == 0;
        long version = CURL_HTTP_VERSION_NONE;
        if (call->cancelled)
                return 0;
        call->heard_ms = mv_clock_ms();
        if (curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version) == CURLE_OK && version)
                *call->plain = version < CURL_HTTP_VERSION_2_0;
        if (last && call->request.started && is_success(call))
                call->request.started(call->request.context);
        return call->cancelled ? 0 : n * size;
}

static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
        unsigned unacknowledged = UNACKNOWLEDGED_MS;
        (void)context;
        if (purpose == CURLSOCKTYPE_IPCXN) /* best effort: without it a lost connection is noticed later */
                setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof unacknowledged);
        return CURL_SOCKOPT_OK;
}

/* --- the handle --- */

/* The first option that libcurl does not take is remembered. */
#define SET(option, value)                                                 \
        do {                                                               \
                CURLcode set_ = curl_easy_setopt(easy, (option), (value)); \
                if (set_ && !*failed)                                      \
                        *failed = set_;                                    \
        } while (0)

/* Authorities that are not those of the cluster: also where the environment says that they are. */
static void set_trust(CURL *easy, const struct mv_kube_config *config, CURLcode *failed) {
        if (config->trust_file.n) {
                SET(CURLOPT_CAINFO, config->trust_file.p);
                SET(CURLOPT_PROXY_CAINFO, config->trust_file.p);
        }
        if (config->trust_directory.n) {
                SET(CURLOPT_CAPATH, config->trust_directory.p);
                SET(CURLOPT_PROXY_CAPATH, config->trust_directory.p);
        }
}

static void set_tls(CURL *easy, const struct mv_kube_credentials *credentials, CURLcode *failed) {
        SET(CURLOPT_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
        SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
        SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        if (credentials->authority.file.path[0]) {
                /* Nobody else: libcurl would add the system's directory. */
                SET(CURLOPT_CAINFO, credentials->authority.file.path);
                SET(CURLOPT_CAPATH, NULL);
                SET(CURLOPT_PROXY_CAINFO, credentials->authority.file.path);
                SET(CURLOPT_PROXY_CAPATH, NULL);
        } else
                set_trust(easy, credentials->config, failed);
        if (credentials->certificate.file.path[0]) {
                SET(CURLOPT_SSLCERT, credentials->certificate.file.path);
                SET(CURLOPT_SSLKEY, credentials->key.file.path);
        }
}

static void set_connection(CURL *easy, const struct mv_kube_config *config, struct curl_slist *connect_to,
                           CURLcode *failed) {
        SET(CURLOPT_PROTOCOLS_STR, "https");
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        SET(CURLOPT_PIPEWAIT, 1L); /* rather share a connection that is being made than make another */
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
        SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
        SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
        /* The environment was looked at when the configuration was loaded. */
        SET(CURLOPT_PROXY, config->proxy.n ? config->proxy.p : "");
        SET(CURLOPT_NOPROXY, "");
        SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        SET(CURLOPT_CONNECT_TO, connect_to);
        SET(CURLOPT_FOLLOWLOCATION, 0L);
        SET(CURLOPT_PATH_AS_IS, 1L);
        SET(CURLOPT_USERAGENT, config->user_agent.p);
        SET(CURLOPT_ACCEPT_ENCODING, config->disable_compression ? NULL : "gzip");
}

static void set_request(CURL *easy, struct mv_kube_call *call, CURLcode *failed) {
        const struct mv_kube_request *request = &call->request;
        bool has_body = request->body.n || strcmp(request->method, "POST") == 0 ||
                        strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;
        if (has_body) {
                SET(CURLOPT_POST, 1L);
                SET(CURLOPT_POSTFIELDS, request->body.p);
                SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        } else if (strcmp(request->method, "HEAD") == 0)
                SET(CURLOPT_NOBODY, 1L);
        SET(CURLOPT_CUSTOMREQUEST, request->method);
        SET(CURLOPT_HTTPHEADER, call->headers);
        SET(CURLOPT_WRITEFUNCTION, on_body);
        SET(CURLOPT_WRITEDATA, call);
        SET(CURLOPT_HEADERFUNCTION, on_header);
        SET(CURLOPT_HEADERDATA, call);
        SET(CURLOPT_ERRORBUFFER, call->problem);
        SET(CURLOPT_PRIVATE, call);
}

/* "https://NAME:PORT/prefix/path": of the name to be verified; connect_to says where it is. */
static void set_url(CURL *easy, const struct mv_kube_call *call, const struct mv_kube_config *config,
                    CURLcode *failed) {
        struct mv_str name = config->tls_server_name.n ? config->tls_server_name : config->host;
        bool address = mv_str_find_byte(name, ':') < name.n;
        struct mv_buf url;
        mv_buf_init(&url, &mv_allocator_system, MV_KUBE_BODY_BYTES);
        mv_buf_format(&url, "https://%s%.*s%s:%u", address ? "[" : "", MV_STR_ARG(name), address ? "]" : "",
                      config->port);
        mv_buf_append_str(&url, config->prefix);
        mv_buf_append_str(&url, call->request.path);
        if (mv_buf_failed(&url))
                *failed = CURLE_OUT_OF_MEMORY;
        else
                SET(CURLOPT_URL, url.p);
        mv_buf_done(&url);
}

int mv_kube_call_prepare(struct mv_kube_call *call, const struct mv_kube_credentials *credentials,
                         struct curl_slist *connect_to, struct mv_err *err) {
        CURLcode first = CURLE_OK, *failed = &first;
        CURL *easy = curl_easy_init();
        call->easy = easy;
        call->headers = easy ? make_headers(call, credentials) : NULL;
        if (!call->headers)
                return mv_err_oom(err);
        call->generation = credentials->generation;
        set_tls(easy, credentials, failed);
        set_connection(easy, credentials->config, connect_to, failed);
        set_request(easy, call, failed);
        set_url(easy, call, credentials->config, failed);
        if (first == CURLE_OUT_OF_MEMORY)
                return mv_err_oom(err);
        return first ? mv_err_set(err, MV_EIO, "this libcurl cannot be used: %s", curl_easy_strerror(first))
                     : 0;
}

/* --- the end --- */

curl_socket_t mv_kube_call_socket(const struct mv_kube_call *call) {
        curl_socket_t fd = CURL_SOCKET_BAD;
        if (call->easy)
                curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd);
        return fd;
}

static int describe(struct mv_kube_call *call, const struct mv_kube_config *config, CURLcode code,
                    struct mv_err *err) {
        char problem[400];
        long verification = 0;
        const char *text = call->problem[0] ? call->problem : curl_easy_strerror(code);
        if (code == CURLE_OUT_OF_MEMORY)
                return mv_err_oom(err);
        if (code == CURLE_OPERATION_TIMEDOUT)
                return mv_err_set(err, MV_ETIMEOUT, "%s: no connection within %d s", config->server.p,
                                  CONNECT_MS / 1000);
        curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verification);
        if (code == CURLE_PEER_FAILED_VERIFICATION && verification)
                text = mv_peer_problem((unsigned)verification, problem, sizeof problem);
        return mv_err_set(err, MV_EIO, "%s: %.400s", config->server.p, text);
}

void mv_kube_call_result(struct mv_kube_call *call, const struct mv_kube_config *config, CURLcode code,
                         struct mv_kube_response *ret) {
        long status = 0;
        *ret = (struct mv_kube_response){ .retry_after_ms = -1, .date = -1 };
        char *padding = mv_buf_reserve(&call->body, MV_KUBE_PADDING);
        if (padding)
                memset(padding, 0, MV_KUBE_PADDING);
        else
                mv_err_oom(&call->err);
        if (call->err.code) {
                ret->err = call->err;
                return;
        }
        if (code) {
                describe(call, config, code, &ret->err);
                return;
        }
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (int)status;
        ret->body = mv_buf_str(&call->body);
        struct curl_header *header;
        if (curl_easy_header(call->easy, "ETag", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
                ret->etag = mv_str_from(header->value);
        curl_off_t seconds = 0;
        if (curl_easy_header(call->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
            curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK)
                ret->retry_after_ms = (long long)seconds * 1000;
        if (curl_easy_header(call->easy, "Date", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
                ret->date = (long long)curl_getdate(header->value, NULL);
}
