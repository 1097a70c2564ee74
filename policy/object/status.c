/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/status.h"

#include "policy/base/json.h"

static const struct {
        int code;
        const char *reason;
} reasons[] = {
        { 400, "BadRequest" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "NotFound" },
        { 405, "MethodNotAllowed" },
        { 413, "RequestEntityTooLarge" },
        { 415, "UnsupportedMediaType" },
        { 500, "InternalError" },
        { 503, "ServiceUnavailable" },
        { 504, "Timeout" },
};

const char *mv_status_reason(int code) {
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
                if (reasons[i].code == code)
                        return reasons[i].reason;
        return code < 500 ? "BadRequest" : "InternalError";
}

void mv_status_write(struct mv_buf *out, int code, const char *message) {
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "kind", MV_STR("Status"));
        mv_json_member(&json, "apiVersion", MV_STR("v1"));
        mv_json_key(&json, "metadata");
        mv_json_object(&json);
        mv_json_end(&json);
        mv_json_member(&json, "status", MV_STR("Failure"));
        mv_json_member(&json, "message", mv_str_from(message));
        mv_json_member(&json, "reason", mv_str_from(mv_status_reason(code)));
        mv_json_key(&json, "code");
        mv_json_int(&json, code);
        mv_json_end(&json);
}
