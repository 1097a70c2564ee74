/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/cloud_event.h"

#include "policy/render.h"

struct mv_str mv_cloud_event_subject(struct mv_arena *arena, const struct mv_subject *subject) {
        const struct mv_str parts[] = { subject->namespace, MV_STR("/"), subject->kind, MV_STR("/"),
                                        subject->name };
        return mv_arena_join(arena, parts, sizeof parts / sizeof *parts);
}

/* Nothing in it needs an escape. */
static void source(struct mv_json *json, const struct mv_cloud_event *event) {
        mv_json_key(json, "source");
        mv_json_raw(json, MV_STR("\"/clusters/"));
        mv_buf_append_encoded(json->buf, event->cluster_name);
        mv_buf_append_text(json->buf, "/migvet/");
        mv_buf_append_encoded(json->buf, event->replica);
        mv_buf_append_byte(json->buf, '"');
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
        source(&json, event);
        mv_json_member(&json, "type", MV_STR(MV_CLOUD_EVENT_TYPE));
        mv_json_member(&json, "subject", mv_cloud_event_subject(arena, &event->verdict->subject));
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
