/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/review.h"

#include "policy/base/base64.h"
#include "policy/base/json.h"
#include "policy/evaluate.h"
#include "policy/level_change.h"
#include "policy/mirror.h"
#include "policy/mutate.h"
#include "policy/notice.h"
#include "policy/object/status.h"
#include "policy/object/yaml.h"

#include <stdio.h>

/* --- the answer --- */

static void render_status(struct mv_json *json, const struct mv_decision *decision) {
        mv_json_key(json, "status");
        mv_json_object(json);
        mv_json_key(json, "metadata");
        mv_json_object(json);
        mv_json_end(json);
        mv_json_member(json, "status", MV_STR("Failure"));
        mv_json_member(json, "message", decision->message);
        if (decision->reason.n)
                mv_json_member(json, "reason", decision->reason);
        if (decision->causes) {
                mv_json_key(json, "details");
                mv_json_object(json);
                mv_json_key(json, "causes");
                mv_json_array(json);
                for (const struct mv_cause *cause = decision->causes; cause; cause = cause->next) {
                        mv_json_object(json);
                        if (cause->reason.n)
                                mv_json_member(json, "reason", cause->reason);
                        mv_json_member(json, "message", cause->message);
                        if (cause->field.n)
                                mv_json_member(json, "field", cause->field);
                        mv_json_end(json);
                }
                mv_json_end(json);
                mv_json_end(json);
        }
        mv_json_key(json, "code");
        mv_json_int(json, decision->code);
        mv_json_end(json);
}

static void render_annotations(struct mv_json *json, const struct mv_decision *decision) {
        const struct {
                const char *key;
                struct mv_str value;
        } all[] = { { "verdict", decision->verdict }, { "rules", decision->rules },
                    { "policy", decision->policy },   { "level", decision->level },
                    { "exempt", decision->exempt },   { "evacuation", decision->evacuation } };
        mv_json_key(json, "auditAnnotations");
        mv_json_object(json);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (all[i].value.n)
                        mv_json_member(json, all[i].key, all[i].value);
        mv_json_end(json);
}

/* patch is "" when nothing changes; base64 needs no escapes. */
static void render_patch(struct mv_json *json, struct mv_str patch) {
        if (!patch.n)
                return;
        mv_json_member(json, "patchType", MV_STR("JSONPatch"));
        mv_json_key(json, "patch");
        mv_json_raw(json, MV_STR("\""));
        mv_buf_append_base64(json->buf, patch);
        mv_buf_append_byte(json->buf, '"');
}

static void render(struct mv_buf *response, const struct mv_review_request *request,
                   const struct mv_decision *decision, bool annotated, struct mv_str patch) {
        struct mv_json json;
        mv_json_init(&json, response);
        mv_json_object(&json);
        mv_json_member(&json, "kind", MV_STR("AdmissionReview"));
        mv_json_member(&json, "apiVersion", MV_STR("admission.k8s.io/v1"));
        mv_json_key(&json, "response");
        mv_json_object(&json);
        mv_json_member(&json, "uid", request->uid);
        mv_json_key(&json, "allowed");
        mv_json_bool(&json, decision->allowed);
        if (!decision->allowed)
                render_status(&json, decision);
        if (decision->warnings) {
                mv_json_key(&json, "warnings");
                mv_json_array(&json);
                for (const struct mv_warning *warning = decision->warnings; warning; warning = warning->next)
                        mv_json_string(&json, warning->text);
                if (decision->n_warnings > MV_MOST_WARNINGS) {
                        char more[64];
                        snprintf(more, sizeof more, "migvet: and %zu more",
                                 decision->n_warnings - MV_MOST_WARNINGS);
                        mv_json_text(&json, more);
                }
                mv_json_end(&json);
        }
        if (annotated || decision->evacuation.n)
                render_annotations(&json, decision);
        render_patch(&json, patch);
        mv_json_end(&json);
        mv_json_end(&json);
}

/* A Status instead of a review: the body is none (400), or there is no memory to read it with (503). */
static int no_review(struct mv_buf *response, const struct mv_err *err) {
        char text[1024];
        int code = err->code == MV_ENOMEM ? 503 : 400;
        mv_buf_clear(response);
        mv_status_write(response, code, mv_err_format(err, text, sizeof text));
        return code;
}

/* --- judging --- */

struct judged_object {
        const void *object;
        const struct mv_shape *fitted; /* the shape of its spec, when the object was seen to fit */
        const struct mv_meta *meta;
        struct mv_verdict verdict;
};

static const struct mv_meta *meta_of(enum mv_kind kind, const void *object) {
        return (const struct mv_meta *)(const void *)((const char *)object + mv_kinds[kind].meta_offset);
}

/* The shape of objects whose fields KubeVirt's webhooks look at. */
static const struct mv_shape *shape_of(enum mv_kind kind) {
        return kind == MV_KIND_VM          ? &mv_shape_vm
               : kind == MV_KIND_VMI       ? &mv_shape_vmi
               : kind == MV_KIND_MIGRATION ? &mv_shape_migration
                                           : NULL;
}

/* The object of that text, and whether it was seen to have its shape. */
static int decode(const struct mv_review_input *in, const struct mv_review_request *request,
                  enum mv_kind kind, struct mv_str text, void **ret, bool *ret_fits, struct mv_err *err) {
        const struct mv_table *table = mv_kinds[kind].table;
        const struct mv_inner *inner = &request->inner;
        if (inner->decoded && inner->table == table && text.p == request->object.p) {
                *ret = inner->ret;
                *ret_fits = inner->fits;
                return 0;
        }
        *ret = mv_arena_allocate(in->arena, table->size, table->align);
        if (!*ret)
                return mv_err_oom(err);
        const struct mv_decode how = { .arena = in->arena, .shape = shape_of(kind), .ret_fits = ret_fits };
        return mv_decode(&how, text, table, *ret, err);
}

/* Decode the text of an object and judge it. */
static int judge(const struct mv_review_input *in, const struct mv_review_request *request, enum mv_kind kind,
                 struct mv_str text, struct judged_object *ret, struct mv_err *err) {
        const struct mv_shape *shape = shape_of(kind);
        void *object;
        bool fits = false;
        int r = decode(in, request, kind, text, &object, &fits, err);
        if (r < 0)
                return r;
        struct mv_meta *meta = (struct mv_meta *)(void *)((char *)object + mv_kinds[kind].meta_offset);
        if (!meta->namespace.n)
                meta->namespace = request->namespace;
        if (!meta->name.n)
                meta->name = request->name;
        ret->object = object;
        ret->fitted = shape && fits ? mv_shape_find(shape, "spec", 4)->shape : NULL;
        meta->text = text;
        ret->meta = meta_of(kind, object);
        const struct mv_evaluation evaluation = { .arena = in->arena,
                                                  .snapshot = in->snapshot,
                                                  .config = in->config,
                                                  .version = in->version,
                                                  .user = request->user.username,
                                                  .terse = true };
        if (kind == MV_KIND_VM)
                mv_evaluate_vm(&evaluation, object, true, &ret->verdict);
        else
                mv_evaluate_entry(&evaluation,
                                  &(struct mv_entry){ .kind = kind, .meta = meta, .object = object },
                                  &ret->verdict);
        return 0;
}

/* The kind that is judged where such a request has an object. */
static enum mv_kind kind_of_object(const struct mv_review_request *request) {
        bool create = mv_str_is(request->operation, "CREATE"),
             update = mv_str_is(request->operation, "UPDATE");
        if (request->sub_resource.n)
                return MV_KIND_COUNT;
        enum mv_kind kind = mv_kind_find_resource(request->resource.group, request->resource.resource);
        switch (kind) {
        case MV_KIND_VM:
        case MV_KIND_POOL:
        case MV_KIND_REPLICA_SET:
        case MV_KIND_MIGRATION_POLICY:
                return create || update ? kind : MV_KIND_COUNT;
        case MV_KIND_VMI:
        case MV_KIND_MIGRATION:
        case MV_KIND_MAINTENANCE:
        case MV_KIND_LEGACY_MAINTENANCE:
                return create ? kind : MV_KIND_COUNT;
        default:
                return MV_KIND_COUNT;
        }
}

/* The kind that is judged for this request; MV_KIND_COUNT: allowed untouched. */
static enum mv_kind judged_kind(const struct mv_review_request *request) {
        return request->object.n ? kind_of_object(request) : MV_KIND_COUNT;
}

struct any_spec {
        struct mv_str spec;
};
static const struct mv_field any_spec_fields[] = { MV_FIELD(struct any_spec, "spec", MV_TYPE_RAW, spec) };
static const struct mv_table any_spec_table = MV_TABLE(any_spec_fields, struct any_spec);

/* What is created is decoded while the review is read. Of what is updated just the spec is found, since it has to change first.
 * The API server writes objects last, so it is known what they are. */
static struct mv_inner *inner_of(void *context, const struct mv_field *field, void *owner) {
        bool object = mv_str_is(field->key, "object"), old = mv_str_is(field->key, "oldObject");
        if (!object && !old) /* the owner may be another struct then */
                return NULL;
        struct mv_review_request *request = owner;
        bool update = mv_str_is(request->operation, "UPDATE");
        enum mv_kind kind = object || (old && update) ? kind_of_object(request) : MV_KIND_COUNT;
        if (kind == MV_KIND_COUNT)
                return NULL;
        const struct mv_table *table = update ? &any_spec_table : mv_kinds[kind].table;
        struct mv_inner *inner = old ? &request->old_inner : &request->inner;
        *inner = (struct mv_inner){ .table = table,
                                    .shape = update ? NULL : shape_of(kind),
                                    .ret = mv_arena_allocate(context, table->size, table->align) };
        return inner->ret ? inner : NULL;
}

/* The text of an object's spec; "" when there is none. */
static struct mv_str spec_text(struct mv_arena *arena, const struct mv_inner *inner, struct mv_str object) {
        struct any_spec any;
        if (inner->decoded && inner->table == &any_spec_table)
                return ((const struct any_spec *)inner->ret)->spec;
        const struct mv_decode decode = { .arena = arena };
        return mv_decode(&decode, object, &any_spec_table, &any, NULL) < 0 ? (struct mv_str){ 0 } : any.spec;
}

static bool spec_changed(struct mv_arena *arena, const struct mv_review_request *request) {
        /* The API server writes both with the same encoder, so equal specs have equal texts. */
        return !request->old_object.n ||
               !mv_str_equal(spec_text(arena, &request->inner, request->object),
                             spec_text(arena, &request->old_inner, request->old_object));
}

size_t mv_review_memory(const struct mv_config *config, size_t body_bytes) {
        return config->limits.memory_per_review + 32 * body_bytes;
}

/* What can be said of an object that was not judged: who asks, and its metadata, where that can be read. */
static struct mv_decide_input unjudged(const struct mv_review_input *in,
                                       const struct mv_review_request *request, enum mv_kind kind,
                                       struct mv_arena *arena, struct mv_any *any) {
        const struct mv_decode decode = { .arena = arena };
        bool read = mv_decode(&decode, request->object, &mv_table_any, any, NULL) == 0;
        return (struct mv_decide_input){
                .arena = arena,
                .snapshot = in->snapshot,
                .config = in->config,
                .request = request,
                .meta = read ? &any->meta : NULL,
                .kind = kind,
                .live = in->live,
        };
}

/* The review's own memory may be used up. */
enum { METADATA_BYTES = 4 << 20 };

/* As mv_decide_denies_unjudged. */
static bool is_denied_unjudged(const struct mv_review_input *in, const struct mv_review_request *request,
                               enum mv_kind kind, struct mv_str *ret_level, bool *ret_undecided) {
        struct mv_any any;
        struct mv_arena arena;
        mv_arena_init(&arena, in->arena->allocator, METADATA_BYTES);
        const struct mv_decide_input input = unjudged(in, request, kind, &arena, &any);
        bool denied = mv_decide_denies_unjudged(&input, ret_level);
        *ret_undecided = in->config->unknown == MV_ACTION_DENY && mv_arena_failed(&arena);
        mv_arena_done(&arena);
        return denied;
}

/* Nothing could be judged; the configuration says what that means. why is a static text. Needs none of the review's
 * memory. */
static void decide_unknown(const struct mv_review_input *in, const struct mv_review_request *request,
                           enum mv_kind kind, const char *why, struct mv_decision *decision) {
        mv_decision_init(decision);
        decision->verdict = MV_STR("Unknown");
        bool person = !in->snapshot ||
                      !mv_user_is_controller(mv_snapshot_config(in->snapshot), request->user.username);
        if (in->config->unknown != MV_ACTION_AUDIT && person) {
                decision->spare.text = mv_str_from(why);
                decision->warnings = &decision->spare;
                decision->n_warnings = 1;
        }
        /* As long as the cluster is not known, neither is who may never be denied. */
        if (!in->snapshot || !is_denied_unjudged(in, request, kind, &decision->level, &decision->undecided))
                return;
        decision->allowed = false;
        decision->code = 403;
        decision->reason = MV_STR("Forbidden");
        decision->message = mv_str_from(why);
}

/* The metadata of an object that does not decode as a whole says whether it may be denied at all. */
static bool invalid_is_exempt(const struct mv_review_input *in, const struct mv_review_request *request,
                              enum mv_kind kind, struct mv_decision *decision) {
        struct mv_any any;
        const struct mv_kubevirt_config *kubevirt = mv_snapshot_config(in->snapshot);
        const struct mv_decide_input input = unjudged(in, request, kind, in->arena, &any);
        struct mv_exempt exempt;
        mv_exempt_of(in->arena, in->config, request, kind, input.meta, &exempt);
        if (exempt.match == MV_MATCH_YES)
                decision->exempt = exempt.reason;
        return exempt.match != MV_MATCH_NO ||
               (input.meta ? mv_object_is_exempt(in->config, kubevirt, request, kind, input.meta)
                           : mv_request_is_exempt(in->config, kubevirt, request));
}

/* The object does not have the types that its API has: KubeVirt could not read it either. */
static void decide_invalid(const struct mv_review_input *in, const struct mv_review_request *request,
                           enum mv_kind kind, const struct mv_err *err, struct mv_decision *decision) {
        struct mv_str field = mv_arena_copy(in->arena, mv_str_from(err->path));
        struct mv_str message =
                mv_arena_format(in->arena, "%.*s%s%s", MV_STR_ARG(field), field.n ? ": " : "", err->message);
        decision->verdict = MV_STR("Unknown");
        if (invalid_is_exempt(in, request, kind, decision))
                return;
        decision->allowed = false;
        decision->code = 422;
        decision->reason = MV_STR("Invalid");
        decision->message = message;
        mv_decision_cause(in->arena, decision, MV_STR("FieldValueInvalid"), message, field);
}

static const char no_memory[] = "migvet: there was not enough memory to judge this object";
static const char no_time[] = "migvet: there was not enough time to judge this object";
static const char no_types[] = "migvet: this object has values that could not be read";
static const char no_cluster[] = "migvet: the cluster has not been read yet";

static bool is_late(const struct mv_review_input *in) {
        return in->expired && in->expired(in->context);
}

/* All that the refusal rests on was confirmed. What was not is noted in ret, so that somebody may ask; but where the snapshot
 * does not show what there is of a kind, the refusal does not rest on that. */
static bool is_confirmed(const struct mv_review_input *in, const struct mv_lookups *lookups,
                         struct mv_review_result *ret) {
        if (lookups->n > MV_MOST_LOOKUPS || !in->confirmed)
                return false;
        for (size_t i = 0; i < lookups->n; i++)
                if (mv_snapshot_is_blind(in->snapshot, lookups->items[i].kind))
                        return false;
        for (size_t i = 0; i < lookups->n; i++)
                if (!in->confirmed(in->context, &lookups->items[i]))
                        ret->unconfirmed[ret->n_unconfirmed++] = lookups->items[i];
        return !ret->n_unconfirmed;
}

/* KubeVirt itself refuses the request, and ret->decision says so. judged is NULL for what is not judged. On a live cluster
 * KubeVirt answers the same request, and from fresher data: there its refusals are only warned about, and false is returned,
 * unless the configuration wants them denied and the cluster was asked just now. */
static bool refused(const struct mv_review_input *in, const struct mv_review_request *request,
                    enum mv_kind kind, const struct judged_object *judged, struct mv_review_result *ret) {
        struct mv_lookups lookups = { .n = 0 };
        struct mv_decision theirs, *decision = &ret->decision;
        if (in->mirror == MV_MIRROR_OFF || !in->snapshot)
                return false;
        bool asks = in->live && in->mirror == MV_MIRROR_DENY && judged;
        const struct mv_mirror_input input = {
                .arena = in->arena,
                .snapshot = asks ? mv_snapshot_note_lookups(in->arena, in->snapshot, &lookups) : in->snapshot,
                .lookups = asks ? &lookups : NULL,
                .config = mv_kubevirt_config_at(in->arena, mv_snapshot_config(in->snapshot), in->version),
                .request = request,
                .verdict = judged ? &judged->verdict : NULL,
                .object = judged ? judged->object : NULL,
                .kind = kind,
                .fitted = judged ? judged->fitted : NULL,
        };
        if (!input.snapshot)
                return false; /* memory is out: the answer is Unknown */
        if (!in->live && in->mirror == MV_MIRROR_DENY)
                return decision->mirrored = mv_mirror(&input, decision);
        mv_decision_init(&theirs);
        decision->mirrored = mv_mirror(&input, &theirs);
        if (!decision->mirrored || mv_user_is_controller(input.config, request->user.username))
                return false;
        if (asks && !theirs.unfamiliar && !mv_str_is(input.config->from, "default") &&
            is_confirmed(in, &lookups, ret))
                return mv_mirror(&input, decision);
        mv_decision_warn(in->arena, decision, mv_str_from(mv_notice_admission.id), theirs.message);
        return false;
}

static const struct mv_verdict *keep(struct mv_arena *arena, const struct mv_verdict *verdict) {
        struct mv_verdict *kept = mv_arena_new(arena, struct mv_verdict);
        if (kept)
                *kept = *verdict;
        return mv_arena_failed(arena) ? NULL : kept;
}

static void review(const struct mv_review_input *in, const struct mv_review_request *request,
                   struct mv_review_result *ret) {
        struct mv_decision *decision = &ret->decision;
        enum mv_kind kind = judged_kind(request);
        bool update = mv_str_is(request->operation, "UPDATE");
        if (mv_request_is_of_namespace(request)) {
                mv_review_level_change(in, request, decision);
                return;
        }
        if (kind == MV_KIND_COUNT || (update && !spec_changed(in->arena, request))) {
                refused(in, request, kind, NULL, ret);
                return;
        }
        ret->judged = true;
        if (!in->snapshot || is_late(in)) {
                decide_unknown(in, request, kind, in->snapshot ? no_time : no_cluster, decision);
                return;
        }
        struct mv_err err = { 0 };
        struct judged_object now, before;
        int r = judge(in, request, kind, request->object, &now, &err);
        if (r < 0 && r != MV_ENOMEM && (kind == MV_KIND_MIGRATION_POLICY || in->live)) {
                /* KubeVirt reads some values of policies as other types than rules do, and says itself which it cannot
                 * read; and on a live cluster it may be a version with other types. */
                if (!refused(in, request, kind, NULL, ret))
                        decide_unknown(in, request, kind, no_types, decision);
                return;
        }
        if (r < 0 && r != MV_ENOMEM) {
                decide_invalid(in, request, kind, &err, decision);
                return;
        }
        if (r == 0)
                mv_missing_collect(&ret->missing, in->snapshot, request->namespace, &now.verdict);
        /* What cannot be read of the old object was not better than what is new. */
        bool compared = r == 0 && update && request->old_object.n;
        if (compared && !is_late(in) && judge(in, request, kind, request->old_object, &before, NULL) < 0)
                before = now;
        if (r < 0 || is_late(in)) {
                decide_unknown(in, request, kind, r < 0 ? no_memory : no_time, decision);
                return;
        }
        ret->verdict = keep(in->arena, &now.verdict);
        ret->before = compared ? keep(in->arena, &before.verdict) : NULL;
        const struct mv_decide_input input = {
                .arena = in->arena,
                .snapshot = in->snapshot,
                .config = in->config,
                .request = request,
                .meta = now.meta,
                .now = &now.verdict,
                .before = compared ? &before.verdict : NULL,
                .kind = kind,
                .live = in->live,
        };
        if (refused(in, request, kind, &now, ret))
                mv_decide_refused(&input, decision);
        else
                mv_decide(&input, decision);
}

/* --- /mutate --- */

/* What becomes of an object: its stamp, and the selector that is filled in. */
struct change {
        struct mv_stamp stamp;
        struct mv_pair selector;
        bool fills; /* there is one */
};

static void judge_change(const struct mv_review_input *in, const struct mv_review_request *request,
                         enum mv_kind kind, struct mv_str spec, struct mv_review_result *ret,
                         struct change *change) {
        struct judged_object now;
        struct change made = { 0 };
        if (!in->snapshot || is_late(in) || judge(in, request, kind, request->object, &now, NULL) < 0)
                return;
        mv_missing_collect(&ret->missing, in->snapshot, request->namespace, &now.verdict);
        made.fills = kind == MV_KIND_MIGRATION &&
                     mv_selector_fill(
                             in->arena, in->config,
                             mv_kubevirt_config_at(in->arena, mv_snapshot_config(in->snapshot), in->version),
                             request->user.username, now.object, &now.verdict, &made.selector);
        mv_stamp_make(in->arena, in->snapshot, kind, spec, made.fills ? &made.selector : NULL, &now.verdict,
                      &made.stamp);
        if (!mv_arena_failed(in->arena))
                *change = made;
}

/* Judge the object. What cannot be judged, whatever the reason, is Unknown. */
static void make_change(const struct mv_review_input *in, const struct mv_review_request *request,
                        enum mv_kind kind, struct mv_str spec, struct mv_review_result *ret,
                        struct change *change) {
        mv_stamp_unknown(&change->stamp);
        judge_change(in, request, kind, spec, ret, change);
        ret->judged = true;
        ret->decision.verdict = change->stamp.verdict;
        ret->decision.rules = change->stamp.rules;
        ret->decision.policy = change->stamp.policy;
}

/* Append the patch that this request's object needs, if any. Allows whatever comes. */
static void mutate(const struct mv_review_input *in, const struct mv_review_request *request,
                   struct mv_buf *patch, struct mv_review_result *ret) {
        enum mv_kind kind = judged_kind(request);
        struct mv_patched object, old;
        struct change change = { 0 };
        struct mv_arena arena;
        if (kind != MV_KIND_VM && kind != MV_KIND_MIGRATION)
                return;
        mv_arena_init(&arena, in->arena->allocator, METADATA_BYTES);
        bool kept = mv_str_is(request->operation, "UPDATE") && !spec_changed(&arena, request);
        if (!mv_patched_read(&arena, request->object, &object) ||
            (object.meta && object.meta->deletion_timestamp.n) ||
            (kept && !mv_patched_read(&arena, request->old_object, &old))) {
                mv_arena_done(&arena);
                return;
        }
        if (!kept)
                make_change(in, request, kind, object.spec, ret, &change);
        else if (old.meta)
                mv_stamp_read(&old.meta->annotations, &change.stamp);
        mv_patch_write(patch, &object, &change.stamp, change.fills ? &change.selector : NULL);
        mv_arena_done(&arena);
}

static void answer_mutate(const struct mv_review_input *in, const struct mv_review_request *request,
                          struct mv_buf *response, struct mv_review_result *ret) {
        enum { PATCH_BYTES = 1 << 20 }; /* all annotations together have 256 KiB at most */
        struct mv_buf patch;
        mv_buf_init(&patch, in->arena->allocator, PATCH_BYTES);
        mutate(in, request, &patch, ret);
        render(response, request, &ret->decision, false,
               mv_buf_failed(&patch) ? (struct mv_str){ 0 } : mv_buf_str(&patch));
        mv_buf_done(&patch);
}

int mv_review_answer(const struct mv_review_input *in, struct mv_str body, struct mv_buf *response,
                     struct mv_review_result *ret) {
        struct mv_err err = { 0 };
        struct mv_review envelope;
        const struct mv_decode decode = { .arena = in->arena, .inner = inner_of, .context = in->arena };
        *ret = (struct mv_review_result){ 0 };
        mv_decision_init(&ret->decision);
        int r = mv_decode(&decode, body, &mv_table_review, &envelope, &err);
        if (r < 0) {
                if (in->locate && r != MV_ENOMEM)
                        mv_text_locate(body, err.offset, &err.line, &err.column);
                return no_review(response, &err);
        }
        if (!mv_str_is(envelope.kind, "AdmissionReview") ||
            !mv_str_is(envelope.api_version, "admission.k8s.io/v1"))
                mv_err_write(&err, MV_ETYPE, "the body is no AdmissionReview of admission.k8s.io/v1");
        else if (!envelope.request || !envelope.request->uid.n)
                mv_err_write(&err, MV_ETYPE, "the review has no %s",
                             envelope.request ? "request.uid" : "request");
        else if ((envelope.request->object.n && envelope.request->object.p[0] != '{') ||
                 (envelope.request->old_object.n && envelope.request->old_object.p[0] != '{'))
                mv_err_write(&err, MV_ETYPE, "request.object and request.oldObject must be objects");
        if (err.code)
                return no_review(response, &err);
        ret->request = envelope.request;
        if (in->mutate) {
                answer_mutate(in, envelope.request, response, ret);
                return 200;
        }
        review(in, envelope.request, ret);
        /* A denial stands, even if some of its causes could not be kept; anything else may have missed something. */
        if (mv_arena_failed(in->arena) && (ret->decision.allowed || !ret->decision.message.n)) {
                decide_unknown(in, ret->request, judged_kind(ret->request), no_memory, &ret->decision);
                ret->judged = true;
        }
        if (ret->decision.undecided) {
                /* The API server does what it was told to do without an answer. */
                mv_err_oom(&err);
                ret->request = NULL;
                ret->verdict = ret->before = NULL;
                return no_review(response, &err);
        }
        render(response, ret->request, &ret->decision, ret->judged, (struct mv_str){ 0 });
        return 200;
}
