/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/health.h"

#include <string.h>

enum {
        ANSWER_BYTES = 4 << 20,
        REMARK_BYTES = 4096,
        BODY_BYTES = 65536, /* nobody needs to send one */
};

static const char plain[] = "text/plain; charset=utf-8";
static const char exposition[] = "text/plain; version=0.0.4; charset=utf-8";

static bool query_has(struct mv_str query, const char *name, const char *value) {
        struct mv_str a, b;
        while (mv_query_next(&query, &a, &b))
                if (mv_str_is(a, name) && (!value || mv_str_is(b, value)))
                        return true;
        return false;
}

/* One line of the list. The remark may have come from anywhere: it stays one line. */
static void write_check(struct mv_buf *out, bool ok, const char *name, struct mv_str remark) {
        mv_buf_format(out, "[%c]%s %s", ok ? '+' : '-', name, ok ? "ok" : "failed");
        if (remark.n)
                mv_buf_append_text(out, ": ");
        for (size_t i = 0; i < remark.n; i++)
                mv_buf_append_byte(
                        out, (unsigned char)remark.p[i] < 0x20 || remark.p[i] == 0x7f ? ' ' : remark.p[i]);
        mv_buf_append_byte(out, '\n');
}

/* Ask all checks and list them; true when ready. */
static bool write_checks(const struct mv_health *health, struct mv_str query, struct mv_buf *out) {
        bool ready = true;
        mv_buf_append_text(out, "[+]ping ok\n");
        for (size_t i = 0; i < health->n_checks; i++) {
                const struct mv_health_check *check = &health->checks[i];
                if (query_has(query, "exclude", check->name)) {
                        mv_buf_format(out, "[+]%s excluded: ok\n", check->name);
                        continue;
                }
                struct mv_buf remark;
                mv_buf_init(&remark, &mv_allocator_system, REMARK_BYTES);
                bool ok = check->ready(check->context, &remark);
                write_check(out, ok, check->name, mv_buf_str(&remark));
                mv_buf_done(&remark);
                ready = ready && ok;
        }
        bool draining = atomic_load(health->draining);
        if (query_has(query, "exclude", "shutdown"))
                mv_buf_append_text(out, "[+]shutdown excluded: ok\n");
        else {
                write_check(out, !draining, "shutdown", draining ? MV_STR("draining") : (struct mv_str){ 0 });
                ready = ready && !draining;
        }

        struct mv_str name, value;
        while (mv_query_next(&query, &name, &value)) {
                bool known = mv_str_is(value, "ping") || mv_str_is(value, "shutdown");
                for (size_t i = 0; i < health->n_checks; i++)
                        known = known || mv_str_is(value, health->checks[i].name);
                if (mv_str_is(name, "exclude") && !known)
                        mv_buf_append_text(out, "warn: some checks to be excluded do not exist\n");
        }
        return ready;
}

static int answer_readyz(const struct mv_health *health, struct mv_str query, struct mv_buf *out) {
        bool ready = write_checks(health, query, out);
        if (ready && !query_has(query, "verbose", NULL)) {
                mv_buf_clear(out);
                mv_buf_append_text(out, "ok");
        } else
                mv_buf_format(out, "readyz check %s\n", ready ? "passed" : "failed");
        return ready ? 200 : 503;
}

int mv_health_answer(const struct mv_health *health, const char *method, const struct mv_target *target,
                     struct mv_buf *out, const char **ret_type) {
        struct mv_str path = mv_target_path(target), query = mv_target_query(target);
        bool livez = mv_str_is(path, "/livez"), readyz = mv_str_is(path, "/readyz");
        bool metrics = mv_str_is(path, "/metrics");
        *ret_type = plain;
        if (target->too_long || !(livez || readyz || metrics)) {
                mv_buf_append_text(out, "there is nothing here: try /livez, /readyz, /metrics\n");
                return 404;
        }
        if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
                mv_buf_append_text(out, "only GET and HEAD\n");
                return 405;
        }
        if (readyz)
                return answer_readyz(health, query, out);
        if (livez) {
                mv_buf_append_text(out, query_has(query, "verbose", NULL) ? "[+]ping ok\nlivez check passed\n"
                                                                          : "ok");
                return 200;
        }
        *ret_type = exposition;
        mv_metrics_write(health->metrics, out);
        for (size_t i = 0; i < health->n_collectors; i++)
                health->collectors[i].collect(health->collectors[i].context, out);
        return 200;
}

static enum MHD_Result health_answer(const struct mv_health *health, struct mv_listener *listener,
                                     struct mv_connection *connection, struct MHD_Connection *mhd,
                                     const char *method, bool close) {
        struct mv_buf text;
        const char *type;
        mv_buf_init(&text, &mv_allocator_system, ANSWER_BYTES);
        int code = mv_health_answer(health, method, &connection->target, &text, &type);
        struct MHD_Response *response = NULL;
        if (!mv_buf_failed(&text))
                response = MHD_create_response_from_buffer(text.n, text.p, MHD_RESPMEM_MUST_FREE);
        if (!response) {
                mv_buf_done(&text);
                return MHD_NO;
        }
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        if (code == 405)
                MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        return mv_listener_answer(listener, connection, mhd, (unsigned)code, response, close);
}

enum MHD_Result mv_health_handle(void *context, struct mv_listener *listener,
                                 struct mv_connection *connection, struct MHD_Connection *mhd,
                                 const char *method, const char *version, const char *data, size_t *n_data) {
        const struct mv_health *health = context;
        (void)data;
        if (!connection->judged) {
                struct mv_framing framing = mv_framing_read(mhd, false);
                connection->judged = true;
                if (!framing.close && !framing.refusal &&
                    !mv_target_is_broken(&connection->target, version) &&
                    framing.content_length <= BODY_BYTES)
                        return MHD_YES;
                /* In the words of nothing here: this port serves no bodies and no riddles. */
                connection->target.too_long = true;
                return health_answer(health, listener, connection, mhd, method, true);
        }
        if (*n_data) {
                *n_data = 0;
                return MHD_YES;
        }
        return health_answer(health, listener, connection, mhd, method, false);
}

void mv_health_finish(void *context, struct mv_connection *connection) {
        (void)context;
        connection->judged = false;
}
