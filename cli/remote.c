/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include "policy/base/arena.h"
#include "policy/object/decode.h"
#include "policy/object/review.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS = 10 }; /* kube-apiserver's own default for a webhook */

static const struct mv_str scheme = { "https://", 8 };

/* Host and port of the URL, without a last slash; "" when it has anything else. */
static struct mv_str authority_of(const char *server) {
        struct mv_str text = mv_str_from(server);
        if (!mv_str_starts_with(text, scheme))
                return (struct mv_str){ 0 };
        text = mv_str_skip(text, scheme.n);
        if (mv_str_ends_with(text, MV_STR("/")))
                text.n--;
        for (size_t i = 0; i < text.n; i++)
                if (strchr("/?#@ \\", text.p[i]))
                        return (struct mv_str){ 0 };
        return text;
}

int mv_remote_check(const char *server, struct mv_err *err) {
        if (!authority_of(server).n)
                return mv_err_set(err, MV_EUSAGE, "--server \"%s\" is no https://HOST:PORT", server);
        return 0;
}

static size_t take(char *data, size_t size, size_t n, void *context) {
        struct mv_buf *answer = context;
        mv_buf_append(answer, data, size * n);
        return mv_buf_failed(answer) ? 0 : size * n;
}

/* The HTTP status, or a negative code. */
static long post(CURL *curl, const struct mv_remote *remote, struct mv_str review, struct mv_buf *answer,
                 struct mv_err *err) {
        struct mv_str authority = authority_of(remote->server);
        char url[1024], why[CURL_ERROR_SIZE] = "";
        int n = snprintf(url, sizeof url, "https://%.*s/%s?timeout=%ds", MV_STR_ARG(authority),
                         remote->mutate ? "mutate" : "validate", SECONDS);
        if (n < 0 || (size_t)n >= sizeof url)
                return mv_err_set(err, MV_EUSAGE, "--server is too long");
        if (remote->ca_file && access(remote->ca_file, R_OK) < 0)
                return mv_err_set(err, MV_EUSAGE, "cannot read %s: %s", remote->ca_file,
                                  strerrordesc_np(errno));
        struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
        struct curl_slist *more = headers ? curl_slist_append(headers, "Expect:") : NULL;
        if (!more) {
                curl_slist_free_all(headers);
                return mv_err_oom(err);
        }
        long status = 0;
        /* Nothing that the environment says: kube-apiserver goes straight to a Service, too. */
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SECONDS);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, more);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, review.p);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)review.n);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
        if (remote->ca_file) {
                /* In place of the system's authorities, not beside them. */
                curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
                curl_easy_setopt(curl, CURLOPT_CAINFO, remote->ca_file);
        }
        CURLcode code = curl_easy_perform(curl);
        if (code == CURLE_OK)
                curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        else
                status = mv_err_set(err, MV_EIO, "%s does not answer: %s", remote->server,
                                    why[0] ? why : curl_easy_strerror(code));
        curl_slist_free_all(more);
        return status;
}

struct answer {
        struct mv_str api_version, kind;
        struct answer_response {
                struct mv_str uid;
        } * response;
};
static const struct mv_field response_fields[] = {
        MV_FIELD(struct answer_response, "uid", MV_TYPE_STRING, uid),
};
static const struct mv_table response_table = MV_TABLE(response_fields, struct answer_response);
static const struct mv_field answer_fields[] = {
        MV_FIELD(struct answer, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct answer, "kind", MV_TYPE_STRING, kind),
        MV_FIELD_TABLE(struct answer, "response", MV_TYPE_POINTER, response, &response_table),
};
static const struct mv_table answer_table = MV_TABLE(answer_fields, struct answer);

/* The answer is to this review, and not of something else that listens there. */
static int check(const struct mv_remote *remote, struct mv_str review, struct mv_buf *answer,
                 struct mv_err *err) {
        struct mv_arena arena;
        struct mv_review asked;
        struct answer answered = { 0 };
        char *padding = mv_buf_reserve(answer, MV_SCAN_PADDING);
        if (!padding)
                return mv_err_oom(err);
        memset(padding, 0, MV_SCAN_PADDING);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_decode decode = { .arena = &arena };
        int r = mv_decode(&decode, review, &mv_table_review, &asked, err);
        if (r == 0 && (mv_decode(&decode, mv_buf_str(answer), &answer_table, &answered, NULL) < 0 ||
                       !mv_str_is(answered.kind, "AdmissionReview") ||
                       !mv_str_is(answered.api_version, "admission.k8s.io/v1") || !answered.response))
                r = mv_err_set(err, MV_EIO, "%s answers with something that is no AdmissionReview",
                               remote->server);
        else if (r == 0 && (!asked.request || !mv_str_equal(asked.request->uid, answered.response->uid)))
                r = mv_err_set(err, MV_EIO, "%s answers a review of another uid", remote->server);
        mv_arena_done(&arena);
        return r;
}

int mv_remote_review(const struct mv_remote *remote, struct mv_str review, struct mv_buf *ret_answer,
                     struct mv_err *err) {
        CURL *curl = curl_easy_init();
        if (!curl)
                return mv_err_oom(err);
        long status = post(curl, remote, review, ret_answer, err);
        curl_easy_cleanup(curl);
        if (status < 0)
                return (int)status;
        if (status == 400)
                return mv_err_set(err, MV_ETYPE, "%s says that this is no review", remote->server);
        if (status != 200)
                return mv_err_set(err, MV_EIO, "%s answers with HTTP status %ld", remote->server, status);
        return check(remote, review, ret_answer, err);
}
