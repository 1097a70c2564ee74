/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cloud_event.h"

#include "policy/render.h"

void mv_cloud_event_subject(struct mv_buf *out, const struct mv_subject *subject) {
        mv_buf_append_str(out, subject->namespace);
        mv_buf_append_byte(out, '/');
        mv_buf_append_str(out, subject->kind);
        mv_buf_append_byte(out, '/');
        mv_buf_append_str(out, subject->name);
}

static void source_and_subject(struct mv_json *json, const struct mv_cloud_event *event) {
        struct mv_buf text;
        mv_buf_init(&text, json->buf->allocator, json->buf->maximum);
        mv_buf_append_text(&text, "/clusters/");
        mv_buf_append_encoded(&text, event->cluster_name);
        mv_buf_append_text(&text, "/migvet/");
        mv_buf_append_encoded(&text, event->replica);
        mv_json_member(json, "source", mv_buf_str(&text));
        mv_json_member(json, "type", MV_STR(MV_CLOUD_EVENT_TYPE));
        json->buf->failed |= mv_buf_failed(&text);
        mv_buf_clear(&text);
        mv_cloud_event_subject(&text, &event->verdict->subject);
        mv_json_member(json, "subject", mv_buf_str(&text));
        json->buf->failed |= mv_buf_failed(&text);
        mv_buf_done(&text);
}

static void decision(struct mv_json *json, const struct mv_cloud_event *event) {
        mv_json_key(json, "decision");
        mv_json_object(json);
        mv_json_key(json, "allowed");
        mv_json_bool(json, event->allowed);
        mv_json_member(json, "level", event->level);
        mv_json_member(json, "operation", event->operation);
        mv_json_key(json, "dryRun");
        mv_json_bool(json, false); /* nobody is told of a dry run */
        mv_json_end(json);
}

void mv_cloud_event_render(struct mv_buf *out, struct mv_arena *arena, const struct mv_cloud_event *event,
                           size_t *ret_split) {
        struct mv_json json;
        const size_t start = out->n;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "specversion", MV_STR("1.0"));
        mv_json_member(&json, "id", event->id);
        source_and_subject(&json, event);
        mv_json_member(&json, "time", event->time);
        mv_json_member(&json, "datacontenttype", MV_STR("application/json"));
        mv_json_member(&json, "sequence", MV_STR(""));
        *ret_split = out->n - start - 1; /* in front of the quote that ends it */
        mv_json_key(&json, "data");
        mv_json_object(&json);
        mv_json_key(&json, "verdict");
        mv_render_short_verdict(&json, arena, event->verdict, MV_CLOUD_EVENT_NODES);
        decision(&json, event);
        mv_json_end(&json);
        mv_json_end(&json);
        out->failed |= mv_arena_failed(arena);
}
