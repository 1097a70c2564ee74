/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_audit.h"

#include "cli/serve_audit_making.h"
#include "certs/clock.h"
#include "policy/decide.h"
#include "policy/evaluate.h"
#include "policy/render.h"
#include "policy/config/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum {
        TICK_MS = 500,
        SLICE_MS = 50,          /* that a snapshot is borrowed for */
        LOOK_ANYHOW_MS = 30000, /* though the snapshot seems to be the same */
        MOST_LINES = 100,       /* of a round, in the log */
        READY_BYTES = 64 * 1024,
};

/* --- telling --- */

static void say(const struct mv_serve_audit *audit, enum mv_log_level level, const char *message,
                const struct mv_log_field *fields, size_t n) {
        const struct mv_logger *logger = audit->options.logger;
        logger->line(logger->context, level, "audit", message, fields, n);
}

static void say_error(const struct mv_serve_audit *audit, const char *message, const struct mv_err *err) {
        char text[1152];
        const struct mv_log_field field = { "error", mv_str_from(mv_err_format(err, text, sizeof text)) };
        say(audit, MV_LOG_ERROR, message, &field, 1);
}

/* Names of the rules that found something, each once. */
static struct mv_str rules_text(struct mv_arena *arena, const struct mv_verdict *verdict) {
        struct mv_str text = MV_STR("");
        const struct mv_rule *previous = NULL;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->outcome == MV_OUTCOME_PASS || f->rule == previous)
                        continue;
                text = mv_arena_format(arena, "%.*s%s%s", MV_STR_ARG(text), text.n ? "," : "", f->rule->id);
                previous = f->rule;
        }
        return text;
}

static void say_verdict(struct mv_serve_audit *audit, struct mv_arena *arena,
                        const struct mv_verdict *verdict, const struct mv_audit_change *change) {
        const struct mv_subject *subject = &verdict->subject;
        struct mv_str cause = mv_audit_cause_text(arena, change);
        const struct mv_log_field fields[] = {
                { "kind", subject->kind },
                { "namespace", subject->namespace },
                { "name", subject->name },
                { "verdict", mv_str_from(mv_verdict_word(change->is)) },
                { "rules", rules_text(arena, verdict) },
                { "was", mv_str_from(mv_verdict_word(change->was)) },
                { "cause", cause.n ? cause : MV_STR("not known") },
        };
        bool many = change->changed && audit->round.lines++ >= MOST_LINES;
        if (!change->changed)
                say(audit, MV_LOG_DEBUG, "judged", fields, 5);
        else
                say(audit, many ? MV_LOG_DEBUG : MV_LOG_INFO, "a verdict has changed", fields, 7);
}

/* A random UUID (version 4). */
static struct mv_str make_id(char out[37]) {
        unsigned char b[16];
        if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
                return MV_STR("");
        b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
        b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
        snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        return mv_str_from(out);
}

static void send_verdict(struct mv_serve_audit *audit, struct mv_arena *arena,
                         const struct mv_snapshot *snapshot, const struct mv_config *config,
                         const struct mv_verdict *verdict) {
        const struct mv_audit_delivery *delivery = &audit->options.delivery;
        char id[37];
        struct mv_err err = { 0 };
        struct mv_str text = make_id(id);
        enum mv_level level = mv_enforced_level(arena, config, snapshot, verdict->subject.namespace);
        if (!text.n || delivery->send(delivery->context, config, verdict, text,
                                      mv_str_from(mv_level_names[level]), &err) < 0)
                mv_audit_schedule_resync(&audit->schedule);
}

static void tell(struct mv_serve_audit *audit, struct mv_arena *arena, const struct mv_snapshot *snapshot,
                 const struct mv_config *config, const struct mv_verdict *verdict,
                 const struct mv_audit_change *change) {
        say_verdict(audit, arena, verdict, change);
        if (change->changed) {
                struct mv_event event;
                audit->round.changes[change->is]++;
                if (audit->events) {
                        mv_event_of_change(arena, verdict, change, &event);
                        if (!mv_arena_failed(arena))
                                mv_kube_events_put(audit->events, &event);
                }
        }
        if ((change->changed || audit->round.resync) && audit->options.delivery.send)
                send_verdict(audit, arena, snapshot, config, verdict);
}

void mv_serve_audit_reviewed(struct mv_serve_audit *audit, const struct mv_review_result *result) {
        const struct mv_review_request *request = result->request;
        struct mv_event event;
        struct mv_arena arena;
        if (!audit || !audit->events || !request || request->dry_run || result->decision.allowed ||
            !result->verdict || !mv_str_is(request->resource.resource, mv_kinds[MV_KIND_MIGRATION].plural))
                return;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        if (mv_event_of_refusal(&arena, result->verdict, request->name, result->decision.message, &event) &&
            !mv_arena_failed(&arena))
                mv_kube_events_put(audit->events, &event);
        mv_arena_done(&arena);
}

/* --- a round --- */

static bool leads(const struct mv_serve_audit *audit) {
        return !audit->options.leads || audit->options.leads(audit->options.leads_context);
}

static bool is_stopping(struct mv_serve_audit *audit) {
        pthread_mutex_lock(&audit->lock);
        bool stopping = audit->stopping;
        pthread_mutex_unlock(&audit->lock);
        return stopping;
}

static struct mv_str exemption_of(struct mv_arena *arena, const struct mv_config *config,
                                  const struct mv_audit_subject *subject, const struct mv_meta *meta) {
        /* Nobody asks, so only exemptions of namespaces and labels can match. */
        const struct mv_review_request request = { .namespace = subject->namespace };
        struct mv_exempt exempt;
        mv_exempt_of(arena, config, &request, subject->kind, meta, &exempt);
        return exempt.match == MV_MATCH_YES ? exempt.reason : MV_STR("");
}

static void say_no_memory(struct mv_serve_audit *audit) {
        struct mv_err err = { 0 };
        if (audit->round.short_of_memory)
                return;
        audit->round.short_of_memory = true;
        mv_err_oom(&err);
        say_error(audit, "there is not enough memory to judge all objects", &err);
}

static void judge(struct mv_serve_audit *audit, const struct mv_snapshot *snapshot,
                  const struct mv_config *config, const struct mv_audit_subject *subject) {
        struct mv_arena *arena = &audit->arena;
        const void *object = mv_snapshot_find(snapshot, subject->kind, subject->namespace, subject->name);
        if (!object)
                return; /* it has gone since */
        const struct mv_meta *meta = mv_kind_meta(subject->kind, object);
        const struct mv_entry entry = { .kind = subject->kind, .meta = meta, .object = object };
        const struct mv_evaluation evaluation = { .arena = arena,
                                                  .snapshot = snapshot,
                                                  .config = config,
                                                  .version = audit->options.version,
                                                  .terse = true };
        struct mv_verdict verdict;
        struct mv_audit_change change;
        mv_evaluate_entry(&evaluation, &entry, &verdict);
        if (mv_arena_failed(arena)) {
                /* What was made without memory is no verdict: the one that it had stays. */
                say_no_memory(audit);
                audit->report.failed = true;
                mv_arena_clear(arena);
                return;
        }
        mv_auditor_judged(audit->auditor, arena, snapshot, subject, &verdict, &change);
        tell(audit, arena, snapshot, config, &verdict, &change);
        if (audit->reporting)
                mv_report_add(&audit->report, &verdict, exemption_of(arena, config, subject, meta));
        if (mv_arena_failed(arena))
                audit->report.failed = true;
        mv_arena_clear(arena);
}

/* The report of the namespace that has been judged is written. */
static void end_report(struct mv_serve_audit *audit) {
        if (!audit->reporting)
                return;
        if (audit->reports_work && leads(audit))
                audit->reports_work = mv_kube_reports_write(&audit->reports, &audit->report);
        mv_report_done(&audit->report);
        audit->reporting = false;
}

static void begin_report(struct mv_serve_audit *audit, struct mv_str namespace) {
        mv_report_init(&audit->report, audit->reports.api, namespace);
        audit->reporting = true;
}

/* Judge for a moment. False: the round is at its end. */
static bool judge_slice(struct mv_serve_audit *audit) {
        const struct mv_config *config = mv_config_borrow(audit->options.configs);
        const struct mv_snapshot *snapshot = mv_store_borrow(audit->options.store);
        long long until = mv_clock_ms() + SLICE_MS;
        bool more = true;
        audit->round.blind = !mv_auditor_may_judge(snapshot);
        while (more && !audit->round.blind && mv_clock_ms() < until) {
                struct mv_audit_subject *subject = &audit->round.subject;
                if (!audit->round.has_subject)
                        more = audit->round.has_subject = mv_auditor_next(audit->auditor, subject);
                if (!more)
                        break;
                /* A report is written without a snapshot on loan. */
                if (audit->reporting && !mv_str_equal(subject->namespace, audit->report.namespace))
                        break;
                if (audit->round.reports && !audit->reporting)
                        begin_report(audit, subject->namespace);
                judge(audit, snapshot, config, subject);
                audit->round.has_subject = false;
                audit->round.judged++;
        }
        mv_store_return(audit->options.store, snapshot);
        mv_config_return(audit->options.configs, config);
        return more;
}

/* Reports of namespaces that have nothing to judge any more; where none are written, the auditor is to forget these, too. */
static void delete_reports(struct mv_serve_audit *audit, enum mv_audit_round round) {
        struct mv_str namespace;
        while (mv_auditor_next_empty(audit->auditor, &namespace))
                if (audit->reports_work && leads(audit))
                        audit->reports_work = mv_kube_reports_delete(&audit->reports, namespace);
        if (round != MV_AUDIT_ALL)
                return;
        for (size_t at = 0; audit->reports_work && leads(audit) &&
                            mv_report_state_each(&audit->reports.state, &at, &namespace);)
                if (!mv_auditor_has(audit->auditor, namespace)) {
                        char copy[256];
                        snprintf(copy, sizeof copy, "%.*s", MV_STR_ARG(namespace));
                        audit->reports_work = mv_kube_reports_delete(&audit->reports, mv_str_from(copy));
                        at = 0;
                }
}

/* Look at the cluster, unless it is for reports of what was seen. */
static int look(struct mv_serve_audit *audit, enum mv_audit_round round, struct mv_err *err) {
        struct mv_config_status status;
        if (round == MV_AUDIT_NAMESPACES)
                return 0;
        mv_config_watch_status(audit->options.configs, &status);
        if (status.generation != audit->configured)
                mv_auditor_reconfigured(audit->auditor);
        audit->configured = status.generation;
        const struct mv_snapshot *snapshot = mv_store_borrow(audit->options.store);
        int r = mv_auditor_look(audit->auditor, snapshot, audit->options.kube != NULL, err);
        mv_store_return(audit->options.store, snapshot);
        audit->seen = snapshot; /* to be compared only */
        audit->seen_ms = mv_clock_ms();
        return r;
}

/* Judge what is due. False: it was given up. */
static bool run_round(struct mv_serve_audit *audit, enum mv_audit_round round, bool resync) {
        struct mv_err err = { 0 };
        size_t n;
        audit->round = (struct mv_audit_round_state){ .resync = resync };
        if (look(audit, round, &err) < 0 || mv_auditor_begin(audit->auditor, round, &n, &err) < 0) {
                say_error(audit, "there is not enough memory for the audit", &err);
                return false;
        }
        if (round == MV_AUDIT_ALL)
                audit->reports_work =
                        audit->options.kube && mv_kube_reports_begin(&audit->reports, audit->wanted);
        audit->round.reports = audit->reports_work && round != MV_AUDIT_CHANGED;
        for (bool more = true; more;) {
                audit->round.lost = !leads(audit);
                if (audit->round.lost || audit->round.blind || is_stopping(audit)) {
                        mv_auditor_abandon(audit->auditor);
                        if (audit->reporting)
                                mv_report_done(&audit->report);
                        audit->reporting = false;
                        return false;
                }
                more = judge_slice(audit);
                if (audit->reporting &&
                    (!more || (audit->round.has_subject &&
                               !mv_str_equal(audit->round.subject.namespace, audit->report.namespace))))
                        end_report(audit);
        }
        if (audit->round.reports || round == MV_AUDIT_ALL)
                delete_reports(audit, round);
        return true;
}

/* Objects of a kind that is judged cannot be read. Which these are the cluster's own lines say. */
static void say_unread(const struct mv_serve_audit *audit, uint64_t unread) {
        struct mv_buf kinds;
        mv_buf_init(&kinds, &mv_allocator_system, READY_BYTES);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (unread >> kind & 1)
                        mv_buf_format(&kinds, "%s%s", kinds.n ? "," : "", mv_kinds[kind].kind);
        const struct mv_log_field field = { "kinds", mv_buf_str(&kinds) };
        say(audit, MV_LOG_WARNING, "objects that cannot be read are not judged", &field, 1);
        mv_buf_done(&kinds);
}

static void say_round(struct mv_serve_audit *audit, enum mv_audit_round round, long long took_ms) {
        char judged[24], changed[24], took[24], counts[3][24];
        struct mv_audit_counts now;
        size_t n = 0;
        for (int i = 0; i < 3; i++)
                n += audit->round.changes[i];
        mv_auditor_count(audit->auditor, &now);
        snprintf(judged, sizeof judged, "%zu", audit->round.judged);
        snprintf(changed, sizeof changed, "%zu", n);
        snprintf(took, sizeof took, "%lld", took_ms);
        for (int i = 0; i < 3; i++)
                snprintf(counts[i], sizeof counts[i], "%zu", now.verdicts[i]);
        const struct mv_log_field fields[] = {
                { "judged", mv_str_from(judged) },
                { "changed", mv_str_from(changed) },
                { "tookMilliseconds", mv_str_from(took) },
                { "migratable", mv_str_from(counts[MV_OUTCOME_PASS]) },
                { "notMigratable", mv_str_from(counts[MV_OUTCOME_FAIL]) },
                { "unknown", mv_str_from(counts[MV_OUTCOME_UNKNOWN]) },
        };
        say(audit, round == MV_AUDIT_ALL ? MV_LOG_INFO : MV_LOG_DEBUG,
            round == MV_AUDIT_ALL ? "audited" : "audited what changed", fields,
            sizeof fields / sizeof *fields);
        if (now.unread && round == MV_AUDIT_ALL)
                say_unread(audit, now.unread);
        if (audit->round.lines > MOST_LINES)
                say(audit, MV_LOG_INFO, "more verdicts have changed than are told here", fields, 3);
}

/* --- the thread --- */

static bool is_ready(struct mv_serve_audit *audit) {
        struct mv_buf remark;
        if (audit->was_ready)
                return true;
        mv_buf_init(&remark, &mv_allocator_system, READY_BYTES);
        audit->was_ready = audit->options.ready(audit->options.ready_context, &remark);
        mv_buf_done(&remark);
        return audit->was_ready;
}

static bool may_judge(const struct mv_serve_audit *audit) {
        const struct mv_snapshot *snapshot = mv_store_borrow(audit->options.store);
        bool may = mv_auditor_may_judge(snapshot);
        mv_store_return(audit->options.store, snapshot);
        return may;
}

static bool snapshot_changed(struct mv_serve_audit *audit, long long now_ms) {
        struct mv_config_status status;
        mv_config_watch_status(audit->options.configs, &status);
        const struct mv_snapshot *snapshot = mv_store_borrow(audit->options.store);
        mv_store_return(audit->options.store, snapshot);
        return snapshot != audit->seen || status.generation != audit->configured ||
               now_ms - audit->seen_ms >= LOOK_ANYHOW_MS;
}

/* Whoever leads anew knows of nothing that was before. */
static bool start_anew(struct mv_serve_audit *audit) {
        mv_auditor_free(audit->auditor);
        audit->auditor = mv_auditor_new(&mv_allocator_system);
        mv_audit_schedule_init(&audit->schedule);
        audit->configured = 0;
        audit->leading = audit->auditor != NULL;
        return audit->leading;
}

static void not_leading(struct mv_serve_audit *audit) {
        audit->leading = false;
        audit->auditor = mv_auditor_free(audit->auditor);
        mv_serve_audit_forget(audit);
}

/* The API of reports may be another one now, or have come, or the API server be well again. */
static void look_for_reports(struct mv_serve_audit *audit, long long now_ms) {
        if (!audit->options.kube)
                return;
        if (audit->wanted != audit->reports.api) {
                mv_audit_schedule_hurry(&audit->schedule);
                return;
        }
        if (audit->reports_work || audit->wanted == MV_REPORTS_NONE ||
            !mv_audit_schedule_tries_reports(&audit->schedule, now_ms))
                return;
        if (mv_kube_reports_begin(&audit->reports, audit->wanted))
                mv_audit_schedule_hurry(&audit->schedule);
        else
                mv_audit_schedule_no_reports(&audit->schedule, audit->reports.absent, mv_clock_ms());
}

/* What the round found of reports. */
static void learn_of_reports(struct mv_serve_audit *audit, enum mv_audit_round round) {
        if (round == MV_AUDIT_CHANGED)
                return;
        if (!audit->reports_work)
                mv_audit_schedule_no_reports(&audit->schedule, audit->reports.absent, mv_clock_ms());
        else if (round == MV_AUDIT_ALL)
                mv_audit_schedule_reports(&audit->schedule);
}

static void work(struct mv_serve_audit *audit) {
        enum mv_audit_round round;
        bool resync;
        struct mv_audit_counts counts;
        if (!leads(audit)) {
                not_leading(audit);
                return;
        }
        mv_serve_audit_lead(audit);
        if (!is_ready(audit) || !may_judge(audit) || (!audit->leading && !start_anew(audit)))
                return;
        const struct mv_config *config = mv_config_borrow(audit->options.configs);
        struct mv_audit_now now = { .now_ms = mv_clock_ms(),
                                    .interval_ms = config->audit.interval_ms,
                                    .resync_ms = config->audit.resync_ms };
        audit->wanted = config->audit.reports;
        mv_config_return(audit->options.configs, config);
        look_for_reports(audit, now.now_ms);
        mv_auditor_count(audit->auditor, &counts);
        now.changed = snapshot_changed(audit, now.now_ms);
        now.waiting = audit->reports_work && counts.waiting;
        if (!mv_audit_schedule_next(&audit->schedule, &now, &round, &resync))
                return;
        if (!run_round(audit, round, resync)) {
                if (audit->round.lost)
                        not_leading(audit);
                else
                        mv_audit_schedule_failed(&audit->schedule, resync, mv_clock_ms());
                return;
        }
        learn_of_reports(audit, round);
        say_round(audit, round, mv_clock_ms() - now.now_ms);
        mv_serve_audit_remember(audit, round, now.now_ms);
        mv_audit_schedule_done(&audit->schedule, round, now.now_ms, mv_clock_ms());
}

static void *run(void *argument) {
        struct mv_serve_audit *audit = argument;
        pthread_mutex_lock(&audit->lock);
        while (!audit->stopping) {
                pthread_mutex_unlock(&audit->lock);
                work(audit);
                long long at_ms = mv_clock_ms() + TICK_MS;
                const struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
                pthread_mutex_lock(&audit->lock);
                if (!audit->stopping)
                        pthread_cond_timedwait(&audit->woken, &audit->lock, &at);
        }
        pthread_mutex_unlock(&audit->lock);
        return NULL;
}

int mv_serve_audit_start(const struct mv_serve_audit_options *options, struct mv_serve_audit **ret,
                         struct mv_err *err) {
        pthread_condattr_t attributes;
        struct mv_serve_audit *audit = calloc(1, sizeof *audit);
        if (!audit)
                return mv_err_oom(err);
        audit->options = *options;
        pthread_mutex_init(&audit->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&audit->woken, &attributes);
        pthread_condattr_destroy(&attributes);
        mv_arena_init(&audit->arena, &mv_allocator_system, 0);
        mv_kube_reports_init(&audit->reports, options->kube, options->logger);
        *ret = audit;
        if (options->kube) {
                const struct mv_kube_events_options events = { options->kube, options->replica,
                                                               options->logger };
                int r = mv_kube_events_start(&events, &audit->events, err);
                if (r < 0)
                        return r;
        }
        if (pthread_create(&audit->thread, NULL, run, audit) != 0)
                return mv_err_set(err, MV_EIO, "no thread to be had");
        audit->started = true;
        pthread_setname_np(audit->thread, "audit");
        return 0;
}

struct mv_serve_audit *mv_serve_audit_stop(struct mv_serve_audit *audit) {
        if (!audit)
                return NULL;
        mv_kube_reports_cancel(&audit->reports);
        pthread_mutex_lock(&audit->lock);
        audit->stopping = true;
        pthread_cond_signal(&audit->woken);
        pthread_mutex_unlock(&audit->lock);
        if (audit->started)
                pthread_join(audit->thread, NULL);
        mv_kube_events_stop(audit->events);
        mv_kube_reports_done(&audit->reports);
        mv_auditor_free(audit->auditor);
        mv_arena_done(&audit->arena);
        pthread_cond_destroy(&audit->woken);
        pthread_mutex_destroy(&audit->lock);
        free(audit);
        return NULL;
}
