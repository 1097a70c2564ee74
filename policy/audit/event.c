/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/event.h"

#include "policy/base/json.h"
#include "policy/render.h"
#include "policy/resolve.h"

enum { MESSAGES = 3 }; /* findings that a note tells in full */

void mv_event_encode(const struct mv_event *event, struct mv_str name, struct mv_str instance,
                     struct mv_str time, struct mv_buf *out) {
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", MV_STR("events.k8s.io/v1"));
        mv_json_member(&json, "kind", MV_STR("Event"));
        mv_json_key(&json, "metadata");
        mv_json_object(&json);
        mv_json_member(&json, "name", name);
        mv_json_member(&json, "namespace", event->namespace);
        mv_json_end(&json);
        mv_json_member(&json, "eventTime", time);
        mv_json_member(&json, "reportingController", MV_STR("migvet.io/controller"));
        mv_json_member(&json, "reportingInstance", instance);
        mv_json_member(&json, "action", mv_str_from(event->action));
        mv_json_member(&json, "reason", mv_str_from(event->reason));
        mv_json_key(&json, "regarding");
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", event->api_version);
        mv_json_member(&json, "kind", event->kind);
        mv_json_member(&json, "namespace", event->namespace);
        mv_json_member(&json, "name", event->name);
        if (event->uid.n)
                mv_json_member(&json, "uid", event->uid);
        mv_json_end(&json);
        mv_json_member(&json, "note", event->note);
        mv_json_member(&json, "type", event->warning ? MV_STR("Warning") : MV_STR("Normal"));
        mv_json_end(&json);
}

void mv_event_encode_series(unsigned count, struct mv_str time, struct mv_buf *out) {
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_key(&json, "series");
        mv_json_object(&json);
        mv_json_key(&json, "count");
        mv_json_int(&json, count);
        mv_json_member(&json, "lastObservedTime", time);
        mv_json_end(&json);
        mv_json_end(&json);
}

/* What fits into a note, cut at a character's border. */
static struct mv_str cut(struct mv_arena *arena, struct mv_str text) {
        static const char dots[] = "...";
        if (text.n <= MV_EVENT_NOTE)
                return text;
        return mv_arena_format(arena, "%.*s%s",
                               MV_STR_ARG(mv_str_cut(text, MV_EVENT_NOTE - (sizeof dots - 1))), dots);
}

/* The findings that make the verdict what it is, the blockers first. */
static struct mv_str findings_text(struct mv_arena *arena, const struct mv_verdict *verdict) {
        struct mv_str text = MV_STR("");
        size_t n = 0;
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_RISK; severity--)
                for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                        if (f->outcome == MV_OUTCOME_PASS || (int)f->severity != severity)
                                continue;
                        if (n++ < MESSAGES)
                                text = mv_arena_format(arena, "%.*s%s%s: %.*s", MV_STR_ARG(text),
                                                       text.n ? "; " : "", f->rule->id,
                                                       MV_STR_ARG(f->message));
                }
        if (n > MESSAGES)
                text = mv_arena_format(arena, "%.*s; and %zu more", MV_STR_ARG(text), n - MESSAGES);
        return text;
}

void mv_event_of_change(struct mv_arena *arena, const struct mv_verdict *verdict,
                        const struct mv_audit_change *change, struct mv_event *ret) {
        static const char *const sentences[] = {
                [MV_OUTCOME_PASS] = "It can live-migrate now",
                [MV_OUTCOME_FAIL] = "It cannot live-migrate any more",
                [MV_OUTCOME_UNKNOWN] = "It is not known any more whether it can live-migrate",
        };
        static const char *const reasons[] = {
                [MV_OUTCOME_PASS] = MV_EVENT_MIGRATABLE,
                [MV_OUTCOME_FAIL] = MV_EVENT_NOT_MIGRATABLE,
                [MV_OUTCOME_UNKNOWN] = MV_EVENT_UNKNOWN,
        };
        const struct mv_subject *subject = &verdict->subject;
        const struct mv_policy_match *match = mv_resolution_policy(verdict->resolution);
        bool turned = change->was != change->is;
        struct mv_str cause = mv_audit_cause_text(arena, change), found = findings_text(arena, verdict), text;
        if (turned)
                text = mv_str_from(sentences[change->is]);
        else if (change->policy)
                text = mv_arena_format(arena, "The migration policy is %.*s now",
                                       MV_STR_ARG(match ? match->policy->meta.name : MV_STR("none")));
        else
                text = mv_arena_format(arena, "What stands against a live migration has changed (%s)",
                                       mv_verdict_word(change->is));
        if (cause.n)
                text = mv_arena_format(arena, "%.*s, since %.*s", MV_STR_ARG(text), MV_STR_ARG(cause));
        if (found.n && !change->policy)
                text = mv_arena_format(arena, "%.*s. %.*s", MV_STR_ARG(text), MV_STR_ARG(found));
        *ret = (struct mv_event){
                .api_version = subject->api_version,
                .kind = subject->kind,
                .namespace = subject->namespace,
                .name = subject->name,
                .uid = subject->uid,
                .reason = turned           ? reasons[change->is]
                          : change->policy ? MV_EVENT_POLICY
                                           : MV_EVENT_FINDINGS,
                .action = "Audit",
                .note = cut(arena, text),
                .warning = turned && change->is != MV_OUTCOME_PASS,
        };
}

bool mv_event_of_refusal(struct mv_arena *arena, const struct mv_verdict *verdict, struct mv_str migration,
                         struct mv_str message, struct mv_event *ret) {
        const struct mv_vmi *vmi = verdict->instance ? &verdict->instance->vmi : NULL;
        if (!vmi || !vmi->meta.name.n)
                return false;
        struct mv_str which =
                migration.n ? mv_arena_format(arena, " %.*s", MV_STR_ARG(migration)) : MV_STR("");
        struct mv_str text = mv_arena_format(arena, "Migration%.*s was refused: %.*s", MV_STR_ARG(which),
                                             MV_STR_ARG(message));
        *ret = (struct mv_event){
                .api_version = MV_STR("kubevirt.io/v1"),
                .kind = MV_STR("VirtualMachineInstance"),
                .namespace = vmi->meta.namespace,
                .name = vmi->meta.name,
                .uid = vmi->meta.uid,
                .reason = MV_EVENT_MIGRATION_REFUSED,
                .action = "Review",
                .note = cut(arena, text),
                .warning = true,
        };
        return true;
}
