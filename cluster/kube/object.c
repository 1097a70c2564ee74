/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/object.h"

enum { OBJECT_BYTES = 8 * 1024 * 1024 };

static int call(struct mv_kube_caller *caller, const struct mv_kube_request *request, struct mv_buf *out,
                int *ret_status, struct mv_err *err) {
        struct mv_kube_request bounded = *request;
        bounded.most = OBJECT_BYTES;
        bounded.timeout_ms = caller->timeout_ms;
        mv_buf_clear(out);
        return mv_kube_client_call(caller->client, &bounded, caller->cancel, ret_status, out, err);
}

int mv_kube_object_get(struct mv_kube_caller *caller, struct mv_str path, struct mv_buf *out, bool *ret_found,
                       struct mv_err *err) {
        const struct mv_kube_request request = { .method = "GET", .path = path };
        int status;
        int r = call(caller, &request, out, &status, err);
        if (r < 0)
                return r;
        if (status != 200 && status != 404)
                return mv_kube_status_error(status, mv_buf_str(out), err);
        *ret_found = status == 200;
        return 0;
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
        if (status == 409 || (status == 404 && method[1] != 'O'))
                return MV_KUBE_CONFLICT;
        return status >= 200 && status < 300 ? 0 : mv_kube_status_error(status, mv_buf_str(out), err);
}
