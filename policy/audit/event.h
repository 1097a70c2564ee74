/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kubernetes Event (events.k8s.io/v1) about an object: what `kubectl describe` shows below it. Memory to memory.
 *
 * Reasons, which people filter by, are these and no others; docs/audit.md says what each means.
 */
#pragma once

#include "policy/audit/auditor.h"
#include "policy/base/buf.h"
#include "policy/verdict.h"

#define MV_EVENT_MIGRATION_REFUSED "MigrationRefused"
#define MV_EVENT_NOT_MIGRATABLE "NotLiveMigratable"
#define MV_EVENT_UNKNOWN "LiveMigratabilityUnknown"
#define MV_EVENT_MIGRATABLE "LiveMigratableAgain"
#define MV_EVENT_FINDINGS "MigrationFindingsChanged"
#define MV_EVENT_POLICY "MigrationPolicyChanged"

struct mv_event {
        struct mv_str api_version, kind, namespace, name, uid; /* of the object; uid may be "" */
        const char *reason, *action;                           /* literals */
        struct mv_str note;                                    /* at most MV_EVENT_NOTE bytes */
        bool warning;
};
enum { MV_EVENT_NOTE = 1024 };

/* The Event of that name; instance is the replica that says so, time RFC 3339 with microseconds. */
void mv_event_encode(const struct mv_event *event, struct mv_str name, struct mv_str instance,
                     struct mv_str time, struct mv_buf *out);
/* A merge patch: it has happened so often by now, at that time the last. */
void mv_event_encode_series(unsigned count, struct mv_str time, struct mv_buf *out);

/* The event of a verdict that has changed. Texts are of the arena, whose failure the caller tests. */
void mv_event_of_change(struct mv_arena *arena, const struct mv_verdict *verdict,
                        const struct mv_audit_change *change, struct mv_event *ret);
/* The event, on its instance, of a migration that was refused with that message. False: the instance is not known. */
bool mv_event_of_refusal(struct mv_arena *arena, const struct mv_verdict *verdict, struct mv_str migration,
                         struct mv_str message, struct mv_event *ret);
