/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/object.h"

#include <string.h>
#include <time.h>

enum { OBJECT_BYTES = 8 * 1024 * 1024, CANCEL_MS = 100 };

struct exchange {
        struct mv_kube_caller *caller;
        struct mv_buf *out;
        bool done;
        int status;
        struct mv_err err;
};

static void end(void *context, const struct mv_kube_response *response) {
        struct exchange *exchange = context;
        exchange->done = true;
        exchange->status = response->status;
        exchange->err = response->err;
        if (response->date >= 0)
                exchange->caller->clock_ahead = response->date - (long long)time(NULL);
        if (!response->status)
                return;
        mv_buf_append_str(exchange->out, response->body);
        char *padding = mv_buf_reserve(exchange->out, MV_KUBE_PADDING);
        if (padding)
                memset(padding, 0, MV_KUBE_PADDING);
        else
                mv_err_oom(&exchange->err);
}

static int call(struct mv_kube_caller *caller, const struct mv_kube_request *request, struct mv_buf *out,
                int *ret_status, struct mv_err *err) {
        struct exchange exchange = { .caller = caller, .out = out };
        struct mv_kube_request bounded = *request;
        bounded.most = OBJECT_BYTES;
        bounded.timeout_ms = caller->timeout_ms;
        bounded.done = end;
        bounded.context = &exchange;
        mv_buf_clear(out);
        caller->status = 0;
        struct mv_kube_call *started = mv_kube_client_start(caller->client, &bounded, err);
        if (!started)
                return MV_ENOMEM;
        while (!exchange.done) {
                if (caller->cancel && atomic_load(caller->cancel)) {
                        mv_kube_client_cancel(caller->client, started);
                        return mv_err_set(err, MV_EIO, "the request was cancelled");
                }
                mv_kube_client_run(caller->client, CANCEL_MS);
        }
        caller->status = exchange.status;
        if (!exchange.status || exchange.err.code) {
                if (err)
                        *err = exchange.err;
                return exchange.err.code < 0 ? exchange.err.code : MV_EIO;
        }
        *ret_status = exchange.status;
        return 0;
}

static int get(struct mv_kube_caller *caller, struct mv_str path, const char *accept, struct mv_buf *out,
               bool *ret_found, struct mv_err *err) {
        const struct mv_kube_request request = { .method = "GET", .path = path, .accept = accept };
        int status;
        int r = call(caller, &request, out, &status, err);
        if (r < 0)
                return r;
        if (status != 200 && status != 404)
                return mv_kube_status_error(status, mv_buf_str(out), err);
        *ret_found = status == 200;
        return 0;
}

int mv_kube_object_get(struct mv_kube_caller *caller, struct mv_str path, struct mv_buf *out, bool *ret_found,
                       struct mv_err *err) {
        return get(caller, path, NULL, out, ret_found, err);
}

int mv_kube_metadata_list(struct mv_kube_caller *caller, struct mv_str path, struct mv_buf *out,
                          bool *ret_found, struct mv_err *err) {
        return get(caller, path,
                   "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json", out,
                   ret_found, err);
}

int mv_kube_object_write(struct mv_kube_caller *caller, const char *method, struct mv_str path,
                         const char *content_type, struct mv_str body, struct mv_buf *out,
                         struct mv_err *err) {
        const struct mv_kube_request request = {
                .method = method, .path = path, .body = body, .content_type = content_type
        };
        int status;
        int r = call(caller, &request, out, &status, err);
        if (r < 0)
                return r;
        /* 404 of a POST: the namespace is not there, which reading again does not change. */
        bool gone = status == 404 && method[1] != 'O';
        /* 422 of a JSON Patch: a test in it has failed, unless the object that it makes is wrong. */
        bool changed = status == 422 && content_type && strcmp(content_type, MV_KUBE_JSON_PATCH) == 0 &&
                       !mv_kube_status_has_causes(mv_buf_str(out));
        if (status == 409 || gone || changed)
                return MV_KUBE_CONFLICT;
        return status >= 200 && status < 300 ? 0 : mv_kube_status_error(status, mv_buf_str(out), err);
}

bool mv_kube_was_of_one(const struct mv_kube_caller *caller) {
        switch (caller->status) {
        case 0:
        case 408:
        case 429:
        case 502: /* of what stands in front of it */
        case 503:
        case 504:
                return false;
        default:
                return true;
        }
}
