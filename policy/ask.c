/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask.h"

#include "policy/evaluate.h"
#include "policy/object/status.h"
#include "policy/object/yaml.h"
#include "policy/render.h"

#include <stdio.h>

/* --- the body --- */

#define TEXT(key_, member_) MV_FIELD(struct mv_subject, key_, MV_TYPE_STRING, member_)
static const struct mv_field subject_fields[] = {
        TEXT("apiVersion", api_version),
        TEXT("kind", kind),
        TEXT("namespace", namespace),
        TEXT("name", name),
        TEXT("uid", uid),
};
static const struct mv_table subject_table = MV_TABLE_CLOSED(subject_fields, struct mv_subject);

/* Either an object, or a question about one. */
struct question {
        struct mv_str api_version, kind, subject;
};
static const struct mv_field question_fields[] = {
        MV_FIELD(struct question, "apiVersion", MV_TYPE_STRING, api_version),
        MV_FIELD(struct question, "kind", MV_TYPE_STRING, kind),
        MV_FIELD(struct question, "subject", MV_TYPE_RAW, subject),
};
static const struct mv_table question_table = MV_TABLE(question_fields, struct question);

struct about {
        struct mv_subject subject;
};
static const struct mv_field about_fields[] = {
        MV_FIELD_TABLE(struct about, "subject", MV_TYPE_OBJECT, subject, &subject_table),
};
static const struct mv_table about_table = MV_TABLE_CLOSED(about_fields, struct about);

#define KINDS "VirtualMachine, VirtualMachineInstance or VirtualMachineInstanceMigration of kubevirt.io"
static const char expected[] =
        "the body must be JSON: a " KINDS ", or {\"subject\": {apiVersion, kind, namespace, name}} of one";

/* Decode the body; an error says where it is wrong. */
static int read_body(struct mv_str body, const struct mv_decode *decode, const struct mv_table *table,
                     void *ret, struct mv_err *err) {
        int r = mv_decode(decode, body, table, ret, err);
        if (r < 0 && r != MV_ENOMEM)
                mv_text_locate(body, err->offset, &err->line, &err->column);
        return r;
}

/* The first key that a question must not have. */
static void unknown_key(void *context, const struct mv_path *path, struct mv_str key) {
        struct mv_err *err = context;
        if (err->code)
                return;
        mv_err_write(err, MV_ETYPE, "unknown key \"%.*s\"", MV_STR_ARG(key));
        mv_path_format(path, err->path, sizeof err->path);
}

static int read_subject(struct mv_arena *arena, struct mv_str body, struct mv_subject *ret,
                        struct mv_err *err) {
        struct about about;
        struct mv_err unknown = { 0 };
        const struct mv_decode decode = { .arena = arena, .unknown = unknown_key, .context = &unknown };
        int r = read_body(body, &decode, &about_table, &about, err);
        if (r < 0)
                return r;
        if (unknown.code) {
                *err = unknown;
                return unknown.code;
        }
        *ret = about.subject;
        return 0;
}

/* The kind, if controllers may ask about it. prefix: of the fields that say it. */
static int find_kind(const struct mv_subject *subject, const char *prefix, enum mv_kind *ret,
                     struct mv_err *err) {
        if (!subject->api_version.n || !subject->kind.n)
                return mv_err_set(err, MV_ETYPE, "%s%s is missing: %s", prefix,
                                  subject->api_version.n ? "kind" : "apiVersion", expected);
        *ret = mv_kind_find(mv_api_group(subject->api_version), subject->kind);
        if (*ret == MV_KIND_VM || *ret == MV_KIND_VMI || *ret == MV_KIND_MIGRATION)
                return 0;
        return mv_err_set(err, MV_ETYPE, "%.*s %.*s is no " KINDS, MV_STR_ARG(subject->api_version),
                          MV_STR_ARG(subject->kind));
}

/* --- the answer --- */

static const char no_memory[] = "there was not enough memory to judge this object";

struct asking {
        const struct mv_ask_input *in;
        struct mv_buf *response;
        struct mv_ask_result *result;
};

static int answer_status(const struct asking *asking, int code, const char *message) {
        mv_buf_clear(asking->response);
        mv_status_write(asking->response, code, message);
        return code;
}

static int answer_error(const struct asking *asking, const struct mv_err *err) {
        char text[1024];
        return answer_status(asking, err->code == MV_ENOMEM ? 503 : 400,
                             mv_err_format(err, text, sizeof text));
}

/* What is not even JSON, or has the members by which a question is told from an object in another form. */
static int answer_no_question(const struct asking *asking, const struct mv_err *err) {
        char text[1024], all[1536];
        snprintf(all, sizeof all, "%s: %s", mv_err_format(err, text, sizeof text), expected);
        return answer_status(asking, 400, all);
}

static bool is_late(const struct mv_ask_input *in) {
        return in->expired && in->expired(in->context);
}

static int answer_verdict(const struct asking *asking, enum mv_kind kind, const struct mv_meta *meta,
                          const void *object) {
        const struct mv_ask_input *in = asking->in;
        const struct mv_evaluation evaluation = {
                .arena = in->arena, .snapshot = in->snapshot, .config = in->config, .version = in->version
        };
        struct mv_verdict verdict;
        struct mv_json json;
        mv_evaluate_entry(&evaluation, &(struct mv_entry){ .kind = kind, .meta = meta, .object = object },
                          &verdict);
        mv_missing_collect(&asking->result->missing, in->snapshot, meta->namespace, &verdict);
        mv_json_init(&json, asking->response);
        mv_render_verdict(&json, in->arena, &verdict, false, (struct mv_str){ 0 });
        asking->result->rules = mv_verdict_blockers(in->arena, &verdict);
        if (mv_arena_failed(in->arena))
                return answer_status(asking, 503, no_memory);
        if (is_late(in))
                return answer_status(asking, 504, "there was not enough time to judge this object");
        asking->result->verdict = mv_verdict_word(verdict.migratable);
        return 200;
}

/* An object that somebody may be about to make. */
static int answer_object(const struct asking *asking, enum mv_kind kind, struct mv_str text) {
        const struct mv_kind_info *info = &mv_kinds[kind];
        struct mv_arena *arena = asking->in->arena;
        struct mv_subject *subject = &asking->result->subject;
        struct mv_err err = { 0 };
        char *object = mv_arena_allocate(arena, info->table->size, info->table->align);
        const struct mv_decode decode = { .arena = arena };
        int r = object ? read_body(text, &decode, info->table, object, &err) : mv_err_oom(&err);
        if (r < 0)
                return answer_error(asking, &err);
        struct mv_meta *meta = (struct mv_meta *)(void *)(object + info->meta_offset);
        meta->text = text;
        subject->namespace = meta->namespace;
        subject->name = meta->name;
        subject->uid = meta->uid;
        if (!meta->namespace.n)
                return answer_status(asking, 400, "metadata.namespace must be given");
        return answer_verdict(asking, kind, meta, object);
}

/* An object of the cluster. */
static int answer_subject(const struct asking *asking, enum mv_kind kind) {
        const struct mv_ask_input *in = asking->in;
        const struct mv_subject *subject = &asking->result->subject;
        const struct mv_missing wanted = { kind, subject->namespace, subject->name };
        const char *object = mv_snapshot_find(in->snapshot, kind, wanted.namespace, wanted.name);
        if (!object) {
                const enum mv_knowledge knowledge = mv_snapshot_known(in->snapshot, kind)->knowledge;
                const bool known = mv_snapshot_has_all(in->snapshot, kind) || knowledge == MV_KNOWLEDGE_SOME;
                const bool may_exist = in->may_exist && in->may_exist(in->context, &wanted);
                mv_missing_add(&asking->result->missing, &wanted);
                const struct mv_str text =
                        mv_arena_format(in->arena, "%s %.*s/%.*s %s", mv_kinds[kind].kind,
                                        MV_STR_ARG(wanted.namespace), MV_STR_ARG(wanted.name),
                                        may_exist ? "could not be looked up in time"
                                                  : mv_snapshot_absent(in->snapshot, kind));
                return text.p ? answer_status(asking, known && !may_exist ? 404 : 503, text.p)
                              : answer_status(asking, 503, no_memory);
        }
        const struct mv_meta *meta =
                (const struct mv_meta *)(const void *)(object + mv_kinds[kind].meta_offset);
        if (subject->uid.n && !mv_str_equal(subject->uid, meta->uid)) {
                /* The object may have been made anew, and the watch not have told of it yet. */
                mv_missing_add(&asking->result->unconfirmed, &wanted);
                return in->confirmed && !in->confirmed(in->context, &wanted)
                               ? answer_status(
                                         asking, 503,
                                         "the object of that name had another uid, and could not be looked up in time")
                               : answer_status(asking, 404, "the object of that name has another uid");
        }
        return answer_verdict(asking, kind, meta, object);
}

int mv_ask_answer(const struct mv_ask_input *in, struct mv_str body, struct mv_buf *response,
                  struct mv_ask_result *ret) {
        const struct asking asking = { in, response, ret };
        const struct mv_decode decode = { .arena = in->arena };
        struct question question;
        struct mv_err err = { 0 };
        enum mv_kind kind = MV_KIND_COUNT;
        *ret = (struct mv_ask_result){ .verdict = "" };
        int r = read_body(body, &decode, &question_table, &question, &err);
        if (r < 0 && r != MV_ENOMEM)
                return answer_no_question(&asking, &err);
        if (r == 0 && question.subject.n)
                r = read_subject(in->arena, body, &ret->subject, &err);
        else if (r == 0)
                ret->subject =
                        (struct mv_subject){ .api_version = question.api_version, .kind = question.kind };
        if (r == 0)
                r = find_kind(&ret->subject, question.subject.n ? "subject." : "", &kind, &err);
        if (r == 0 && question.subject.n && !(ret->subject.name.n && ret->subject.namespace.n))
                r = mv_err_set(&err, MV_ETYPE, "subject.%s must be given",
                               ret->subject.name.n ? "namespace" : "name");
        if (r < 0)
                return answer_error(&asking, &err);
        if (!in->snapshot)
                return answer_status(&asking, 503, "the cluster has not been read yet");
        return question.subject.n ? answer_subject(&asking, kind) : answer_object(&asking, kind, body);
}
