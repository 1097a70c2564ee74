/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/client.h"

#include "policy/object/decode.h"

struct status {
        struct mv_str kind, message;
        struct details {
                struct mv_str causes; /* JSON */
        } details;
};
static const struct mv_field details_fields[] = {
        MV_FIELD(struct details, "causes", MV_TYPE_RAW, causes),
};
static const struct mv_table details_table = MV_TABLE(details_fields, struct details);
static const struct mv_field status_fields[] = {
        MV_FIELD_TABLE(struct status, "details", MV_TYPE_OBJECT, details, &details_table),
        MV_FIELD(struct status, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct status, "message", MV_TYPE_STRING, message),
};
static const struct mv_table status_table = MV_TABLE(status_fields, struct status);

static int code_of(int status) {
        switch (status) {
        case 404:
                return MV_ENOTFOUND;
        case 408:
        case 504:
                return MV_ETIMEOUT;
        case 413:
                return MV_ELIMIT;
        case 429:
                return MV_EIO;
        default:
                return status >= 400 && status < 500 ? MV_EUSAGE : MV_EIO;
        }
}

/* Somebody else's words on one line, cut to size. */
static void show(struct mv_str text, char *out, size_t size) {
        size_t n = mv_str_cut(text, size - 1).n;
        for (size_t i = 0; i < n; i++)
                out[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
        while (n && out[n - 1] == ' ')
                n--;
        out[n] = '\0';
}

int mv_kube_status_error(int status, struct mv_str body, struct mv_err *err) {
        struct mv_arena arena;
        struct status decoded = { 0 };
        char text[480];
        mv_arena_init(&arena, &mv_allocator_system, 1024 * 1024);
        const struct mv_decode how = { .arena = &arena };
        int code = code_of(status);
        if (body.n && mv_decode(&how, body, &status_table, &decoded, NULL) == 0 &&
            mv_str_is(decoded.kind, "Status") && decoded.message.n) {
                show(decoded.message, text, sizeof text);
                mv_err_write(err, code, "%s", text);
        } else {
                show(body, text, 200);
                mv_err_write(err, code, "the API server answered %d%s%s%s", status, text[0] ? " (" : "", text,
                             text[0] ? ")" : "");
        }
        mv_arena_done(&arena);
        return code;
}

bool mv_kube_status_has_causes(struct mv_str body) {
        struct mv_arena arena;
        struct status decoded = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 1024 * 1024);
        const struct mv_decode how = { .arena = &arena };
        bool has = body.n && mv_decode(&how, body, &status_table, &decoded, NULL) == 0 &&
                   decoded.details.causes.n > 0;
        mv_arena_done(&arena);
        return has;
}
