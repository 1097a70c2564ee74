/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/reports.h"

#include "certs/clock.h"
#include "cluster/kube/wire.h"
#include "policy/base/json.h"
#include "policy/object/meta.h"

#include <stdio.h>

enum { REQUEST_MS = 10000, PATH_BYTES = 4096, BODY_BYTES = 4 * 1024 * 1024, ANSWER_BYTES = 8 * 1024 * 1024 };
/* By its name, too: so a role may grant just those of that name. */
#define OURS \
        "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dmigvet&fieldSelector=metadata.name%3D" MV_REPORT_NAME

void mv_kube_reports_init(struct mv_kube_reports *reports, const struct mv_kube_config *config,
                          const struct mv_logger *logger) {
        *reports = (struct mv_kube_reports){ .config = config, .logger = logger };
        reports->caller = (struct mv_kube_caller){ .cancel = &reports->cancel, .timeout_ms = REQUEST_MS };
        reports->trouble = reports->tidying = (struct mv_trouble){ .logger = logger, .component = "reports" };
        mv_report_state_init(&reports->state);
}

void mv_kube_reports_done(struct mv_kube_reports *reports) {
        mv_kube_client_free(reports->caller.client);
        mv_report_state_done(&reports->state);
}

void mv_kube_reports_cancel(struct mv_kube_reports *reports) {
        atomic_store(&reports->cancel, true);
}

static bool failed(struct mv_kube_reports *reports, const char *message, const struct mv_err *err) {
        if (atomic_load(&reports->cancel))
                return false;
        reports->failed++;
        mv_trouble_tell(&reports->trouble, MV_LOG_WARNING, message, err);
        return false;
}

static void append_collection(const struct mv_kube_reports *reports, struct mv_str namespace,
                              struct mv_buf *path) {
        mv_buf_format(path, "/apis/%s/", mv_report_api(reports->api));
        if (namespace.n) {
                mv_buf_append_text(path, "namespaces/");
                mv_buf_append_encoded(path, namespace);
                mv_buf_append_byte(path, '/');
        }
        mv_buf_append_text(path, mv_report_plural(reports->api));
}

/* --- which there are --- */

struct listed {
        struct mv_meta meta;
};
struct list {
        struct list_meta {
                struct mv_str token;
        } meta;
        MV_LIST(struct listed) items;
};

static int read_page(struct mv_kube_reports *reports, struct mv_str json, struct mv_arena *arena,
                     struct mv_str *ret_token, struct mv_err *err) {
        static const struct mv_field item_fields[] = {
                MV_FIELD_TABLE(struct listed, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        };
        static const struct mv_table item_table = MV_TABLE(item_fields, struct listed);
        static const struct mv_field meta_fields[] = {
                MV_FIELD(struct list_meta, "continue", MV_TYPE_STRING, token),
        };
        static const struct mv_table meta_table = MV_TABLE(meta_fields, struct list_meta);
        static const struct mv_field fields[] = {
                MV_FIELD_TABLE(struct list, "metadata", MV_TYPE_OBJECT, meta, &meta_table),
                MV_FIELD_TABLE(struct list, "items", MV_TYPE_LIST, items, &item_table),
        };
        static const struct mv_table table = MV_TABLE(fields, struct list);
        const struct mv_decode decode = { .arena = arena, .copy = true };
        struct list list;
        int r = mv_decode(&decode, json, &table, &list, err);
        for (size_t i = 0; r == 0 && i < list.items.n; i++) {
                const struct mv_meta *meta = &list.items.items[i].meta;
                if (mv_str_is(meta->name, MV_REPORT_NAME) &&
                    !mv_report_state_listed(&reports->state, meta->namespace, meta->resource_version))
                        r = mv_err_oom(err);
        }
        if (r == 0)
                *ret_token = list.meta.token;
        return r;
}

/* All pages; *ret_found: the API is there. */
static int list_ours(struct mv_kube_reports *reports, bool *ret_found, struct mv_err *err) {
        struct mv_buf path, answer;
        struct mv_arena arena;
        struct mv_str token = MV_STR("");
        int r;
        mv_buf_init(&path, &mv_allocator_system, 64 * 1024);
        mv_buf_init(&answer, &mv_allocator_system, ANSWER_BYTES + MV_KUBE_PADDING);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_report_state_begin(&reports->state);
        do {
                mv_buf_clear(&path);
                append_collection(reports, MV_STR(""), &path);
                mv_buf_append_text(&path, "?limit=500&" OURS);
                if (token.n) {
                        mv_buf_append_text(&path, "&continue=");
                        mv_buf_append_encoded(&path, token);
                }
                r = mv_buf_failed(&path) ? mv_err_oom(err)
                                         : mv_kube_metadata_list(&reports->caller, mv_buf_str(&path), &answer,
                                                                 ret_found, err);
                if (r == 0 && *ret_found)
                        r = read_page(reports, mv_buf_str(&answer), &arena, &token, err);
        } while (r == 0 && *ret_found && token.n);
        if (r == 0 && *ret_found)
                mv_report_state_end(&reports->state);
        mv_arena_done(&arena);
        mv_buf_done(&path);
        mv_buf_done(&answer);
        return r;
}

static void say_absent(struct mv_kube_reports *reports, bool absent) {
        if (reports->absent == absent)
                return;
        reports->absent = absent;
        const struct mv_log_field field = { "api", mv_str_from(mv_report_api(reports->api)) };
        mv_trouble_say(&reports->trouble, MV_LOG_INFO,
                       absent ? "the cluster does not have the API of reports: none are written"
                              : "the cluster has the API of reports now",
                       &field, 1);
}

static void take_up(struct mv_kube_reports *reports, enum mv_reports api) {
        mv_report_state_done(&reports->state);
        mv_report_state_init(&reports->state);
        reports->api = api;
        reports->usable = reports->absent = false;
}

/* --- writing --- */

struct work {
        struct mv_buf path, body, answer;
};

static void work_init(struct work *work) {
        mv_buf_init(&work->path, &mv_allocator_system, PATH_BYTES);
        mv_buf_init(&work->body, &mv_allocator_system, BODY_BYTES);
        mv_buf_init(&work->answer, &mv_allocator_system, ANSWER_BYTES + MV_KUBE_PADDING);
}

static void work_done(struct work *work) {
        mv_buf_done(&work->path);
        mv_buf_done(&work->body);
        mv_buf_done(&work->answer);
}

/* What the server has now was written by us. */
static int take(struct mv_kube_reports *reports, const struct mv_report *report, struct mv_str json,
                struct mv_err *err) {
        static const struct mv_field fields[] = {
                MV_FIELD_TABLE(struct listed, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        };
        static const struct mv_table table = MV_TABLE(fields, struct listed);
        struct mv_arena arena;
        struct listed object;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_decode decode = { .arena = &arena };
        int r = mv_decode(&decode, json, &table, &object, err);
        if (r == 0)
                mv_report_state_written(&reports->state, report->namespace, object.meta.resource_version,
                                        mv_report_digest(report));
        mv_arena_done(&arena);
        return r;
}

/* One try: 0, MV_KUBE_CONFLICT, or what went wrong. */
static int write_once(struct mv_kube_reports *reports, const struct mv_report *report, struct work *work,
                      struct mv_err *err) {
        bool found, any = true;
        mv_buf_clear(&work->path);
        mv_buf_clear(&work->body);
        append_collection(reports, report->namespace, &work->path);
        size_t collection = work->path.n;
        mv_buf_append_text(&work->path, "/" MV_REPORT_NAME);
        if (mv_buf_failed(&work->path))
                return mv_err_oom(err);
        int r = mv_kube_object_get(&reports->caller, mv_buf_str(&work->path), &work->answer, &found, err);
        if (r < 0)
                return r;
        if (found)
                r = mv_report_patch(report, mv_buf_str(&work->answer), &work->body, &any, err);
        else {
                mv_report_encode(report, &work->body);
                if (mv_buf_failed(&work->body))
                        r = mv_err_oom(err);
        }
        if (r == 0 && any) {
                struct mv_str path = mv_buf_str(&work->path);
                if (!found)
                        path.n = collection;
                r = mv_kube_object_write(&reports->caller, found ? "PATCH" : "POST", path,
                                         found ? MV_KUBE_JSON_PATCH : MV_KUBE_JSON, mv_buf_str(&work->body),
                                         &work->answer, err);
                reports->written += r == 0;
        }
        return r == 0 ? take(reports, report, mv_buf_str(&work->answer), err) : r;
}

/* Whether others may still be written after that error. */
static bool goes_on(struct mv_kube_reports *reports, int r, const char *message, struct mv_err *err) {
        /* The namespace may be gone, or going. */
        if (r == MV_ENOTFOUND)
                return true;
        if (r >= 0)
                return true;
        failed(reports, message, err);
        return (r == MV_ENOMEM || mv_kube_was_of_one(&reports->caller)) && !atomic_load(&reports->cancel);
}

bool mv_kube_reports_write(struct mv_kube_reports *reports, const struct mv_report *report) {
        struct mv_err err = { 0 };
        struct work work;
        if (!reports->usable || report->failed ||
            !mv_report_state_wants(&reports->state, report->namespace, mv_report_digest(report)))
                return reports->usable;
        work_init(&work);
        int r = write_once(reports, report, &work, &err);
        if (r == MV_KUBE_CONFLICT)
                r = write_once(reports, report, &work, &err);
        work_done(&work);
        if (r == MV_EUSAGE)
                mv_report_state_forget(&reports->state, report->namespace);
        return goes_on(reports, r, "a report cannot be written", &err);
}

/* One try: 0 (it is not there any more), MV_KUBE_CONFLICT, or what went wrong. */
static int delete_once(struct mv_kube_reports *reports, struct mv_str namespace, struct mv_err *err) {
        struct work work;
        struct mv_json json;
        work_init(&work);
        append_collection(reports, namespace, &work.path);
        mv_buf_append_text(&work.path, "/" MV_REPORT_NAME);
        bool found = false;
        int r = mv_kube_object_get(&reports->caller, mv_buf_str(&work.path), &work.answer, &found, err);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        if (r == 0 && found) {
                struct mv_str version = MV_STR("");
                r = mv_report_owned(&arena, mv_buf_str(&work.answer), &version, err);
                mv_json_init(&json, &work.body);
                mv_json_object(&json);
                mv_json_key(&json, "preconditions");
                mv_json_object(&json);
                mv_json_member(&json, "resourceVersion", version);
                mv_json_end(&json);
                mv_json_end(&json);
                if (r == 0)
                        r = mv_kube_object_write(&reports->caller, "DELETE", mv_buf_str(&work.path),
                                                 MV_KUBE_JSON, mv_buf_str(&work.body), &work.answer, err);
                reports->deleted += r == 0;
        }
        mv_arena_done(&arena);
        work_done(&work);
        return r;
}

bool mv_kube_reports_delete(struct mv_kube_reports *reports, struct mv_str namespace) {
        struct mv_err err = { 0 };
        if (!reports->usable || !mv_report_state_has(&reports->state, namespace))
                return reports->usable;
        int r = delete_once(reports, namespace, &err);
        /* Whether it is still there the next listing tells. */
        mv_report_state_forget(&reports->state, namespace);
        return goes_on(reports, r, "a report cannot be deleted", &err);
}

/* --- tidying: those of an API that the configuration named before --- */

/* Delete those that were listed. 0: none is left. Else what went wrong last; its status is in *ret_status. */
static int delete_listed(struct mv_kube_reports *reports, int *ret_status, struct mv_err *err) {
        struct mv_str namespace;
        int worst = 0;
        for (size_t at = 0; mv_report_state_each(&reports->state, &at, &namespace); at = 0) {
                char copy[256];
                snprintf(copy, sizeof copy, "%.*s", MV_STR_ARG(namespace));
                int r = delete_once(reports, mv_str_from(copy), err);
                if (r == MV_KUBE_CONFLICT)
                        r = delete_once(reports, mv_str_from(copy), err);
                mv_report_state_forget(&reports->state, mv_str_from(copy));
                /* It is somebody else's now, or the namespace is gone. */
                if (r == 0 || r == MV_EUSAGE || r == MV_ENOTFOUND)
                        continue;
                if (r == MV_KUBE_CONFLICT)
                        r = mv_err_set(err, MV_EIO, "somebody else changes them");
                worst = r;
                *ret_status = reports->caller.status;
                if (!mv_kube_was_of_one(&reports->caller))
                        break;
        }
        return worst;
}

/* What is known of the reports in use stays. *ret_n: how many were deleted; the rest likewise. */
static int delete_all(struct mv_kube_reports *reports, enum mv_reports api, unsigned long long *ret_n,
                      int *ret_status, struct mv_err *err) {
        const struct mv_report_state state = reports->state;
        const enum mv_reports in_use = reports->api;
        const unsigned long long before = reports->deleted;
        bool found = false;
        mv_report_state_init(&reports->state);
        reports->api = api;
        int r = list_ours(reports, &found, err);
        *ret_status = reports->caller.status;
        if (r == 0 && found)
                r = delete_listed(reports, ret_status, err);
        mv_report_state_done(&reports->state);
        reports->state = state;
        reports->api = in_use;
        *ret_n = reports->deleted - before;
        return r;
}

static void tidy(struct mv_kube_reports *reports) {
        enum mv_reports api;
        while (mv_report_left_next(&reports->left, mv_clock_ms(), &api)) {
                struct mv_err err = { 0 };
                char count[24];
                unsigned long long n;
                int status;
                int r = delete_all(reports, api, &n, &status, &err);
                snprintf(count, sizeof count, "%llu", n);
                const struct mv_log_field fields[] = { { "api", mv_str_from(mv_report_api(api)) },
                                                       { "reports", mv_str_from(count) } };
                if (n)
                        mv_trouble_say(&reports->tidying, MV_LOG_INFO,
                                       "reports of an API that is not in use any more are deleted", fields,
                                       2);
                if (atomic_load(&reports->cancel))
                        return;
                if (r == 0)
                        mv_trouble_over(&reports->tidying,
                                        "reports of an API that is not in use any more can be deleted again");
                else
                        mv_trouble_tell(
                                &reports->tidying, MV_LOG_WARNING,
                                status == 403
                                        ? "reports of an API that is not in use any more stay"
                                        : "reports of an API that is not in use any more cannot be deleted now",
                                &err);
                if (r == 0 || status == 403)
                        mv_report_left_done(&reports->left, api);
                else
                        mv_report_left_failed(&reports->left, mv_clock_ms());
        }
}

bool mv_kube_reports_begin(struct mv_kube_reports *reports, enum mv_reports api) {
        struct mv_err err = { 0 };
        bool found = false;
        mv_report_left_name(&reports->left, api);
        if (api != reports->api)
                take_up(reports, api);
        reports->usable = false;
        if (atomic_load(&reports->cancel))
                return false;
        if (!reports->caller.client && mv_kube_client_new(reports->config, &reports->caller.client, &err) < 0)
                return failed(reports, "the API cannot be reached", &err);
        tidy(reports);
        if (api == MV_REPORTS_NONE)
                return false;
        if (list_ours(reports, &found, &err) < 0)
                return failed(reports, "reports cannot be listed", &err);
        mv_trouble_over(&reports->trouble, "reports can be written again");
        say_absent(reports, !found);
        return reports->usable = found;
}
