/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict as a CloudEvent 1.0 in structured mode (application/cloudevents+json), as receivers get it. Memory to memory.
 *
 * The number of the event in its source is only known when it is put into the outbox, so the text comes in two pieces, and
 * the 20 digits of that number, with leading zeros, go between them: CloudEvents' extension `sequence`, which sorts as text.
 *
 * The verdict is that of `check -o json`, but its targets list at most MV_CLOUD_EVENT_NODES nodes that fit, and as many that do
 * not: thousands of names with each event would cost more than all the rest. `targets.omitted` counts the others; who wants
 * them all asks (policy/ask.h).
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/verdict.h"

#define MV_CLOUD_EVENT_TYPE "io.migvet.verdict.v1alpha1"

enum { MV_CLOUD_EVENT_NODES = 50 };

struct mv_cloud_event {
        struct mv_str id, time;              /* time is RFC 3339 */
        struct mv_str cluster_name, replica; /* the source */
        const struct mv_verdict *verdict;
        bool allowed;
        struct mv_str level, operation; /* "migratable", "CREATE"; "AUDIT" from the audit */
};

/* "namespace/kind/name", the event's subject; empty when the arena is exhausted. */
struct mv_str mv_cloud_event_subject(struct mv_arena *arena, const struct mv_subject *subject);
/* Append the event to out; the sequence goes in front of byte *ret_split of what was appended. arena is for what is worked
 * out on the way; failure, also of the arena, is out's. */
void mv_cloud_event_render(struct mv_buf *out, struct mv_arena *arena, const struct mv_cloud_event *event,
                           size_t *ret_split);
