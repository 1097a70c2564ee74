/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_audit_making.h"
#include "certs/clock.h"
#include "policy/registry.h"
#include "webhook/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Rule or notice i; NULL behind the last. */
static const struct mv_rule *rule_at(size_t i) {
        size_t n = 0;
        while (mv_rules[n])
                n++;
        if (i < n)
                return mv_rules[i];
        for (size_t k = 0; mv_notices[k]; k++)
                if (k == i - n)
                        return mv_notices[k];
        return NULL;
}

/* Of the site's rules; false while the configuration is another one than the round began with: the next round tells. */
static bool count_site(struct mv_serve_audit *audit, const struct mv_audit_rule_counts *counts,
                       struct mv_site_figures *ret) {
        struct mv_config_status status;
        const struct mv_config *config = mv_config_borrow(audit->options.configs);
        mv_config_watch_status(audit->options.configs, &status);
        ret->n = config->site_rules.n;
        for (size_t i = 0; i < ret->n; i++) {
                const struct mv_rule *rule = &config->site_rules.items[i].rule;
                snprintf(ret->items[i].name, sizeof ret->items[i].name, "%s", rule->id);
                ret->items[i].n = mv_audit_rule_count(counts, rule);
        }
        mv_config_return(audit->options.configs, config);
        return status.generation == audit->configured;
}

void mv_serve_audit_remember(struct mv_serve_audit *audit, enum mv_audit_round round, long long began_ms) {
        struct mv_audit_counts counts;
        struct mv_audit_rule_counts rules;
        mv_auditor_count(audit->auditor, &counts);
        mv_auditor_count_rules(audit->auditor, &rules);
        struct mv_site_figures site;
        const bool same = count_site(audit, &rules, &site);
        pthread_mutex_lock(&audit->lock);
        struct mv_audit_figures *figures = &audit->figures;
        figures->any = true;
        figures->objects = counts.objects;
        figures->unread = counts.unread;
        if (round == MV_AUDIT_ALL) {
                figures->ended = time(NULL);
                figures->took_ms = mv_clock_ms() - began_ms;
        }
        figures->rounds[round]++;
        for (size_t i = 0; i < 3; i++) {
                figures->verdicts[i] = counts.verdicts[i];
                figures->changes[i] += audit->round.changes[i];
        }
        for (size_t i = 0; i < MV_AUDIT_MOST_RULES && rule_at(i); i++)
                figures->rules[i] = mv_audit_rule_count(&rules, rule_at(i));
        if (same)
                figures->site = site;
        figures->reports = mv_report_state_count(&audit->reports.state);
        figures->reports_written = audit->reports.written;
        figures->reports_deleted = audit->reports.deleted;
        figures->reports_failed = audit->reports.failed;
        figures->reports_absent = audit->reports.absent;
        pthread_mutex_unlock(&audit->lock);
}

void mv_serve_audit_lead(struct mv_serve_audit *audit) {
        pthread_mutex_lock(&audit->lock);
        if (!audit->figures.since)
                audit->figures.since = time(NULL);
        pthread_mutex_unlock(&audit->lock);
}

void mv_serve_audit_forget(struct mv_serve_audit *audit) {
        pthread_mutex_lock(&audit->lock);
        audit->figures.any = false;
        audit->figures.since = 0;
        pthread_mutex_unlock(&audit->lock);
}

static void write_labelled(struct mv_buf *out, const char *name, const char *label, const char *value,
                           double number) {
        const struct mv_label labels[] = { { label, mv_str_from(value) } };
        mv_metrics_write_sample(out, name, labels, 1, number);
}

/* What is there now, as far as this replica audits. */
static void write_state(const struct mv_audit_figures *figures, struct mv_buf *out) {
        mv_metrics_write_single(out, "migvet_audit_duration_seconds", "gauge", "How long that took.",
                                (double)figures->took_ms / 1000);
        mv_metrics_write_single(out, "migvet_audit_objects", "gauge", "Objects that the audit remembers.",
                                (double)figures->objects);
        mv_metrics_write_family(out, "migvet_audit_subjects", "gauge",
                                "Objects that are judged, by what they were judged.");
        for (int i = 0; i < 3; i++)
                write_labelled(out, "migvet_audit_subjects", "verdict", mv_verdict_word((enum mv_outcome)i),
                               (double)figures->verdicts[i]);
        mv_metrics_write_single(
                out, "migvet_audit_incomplete", "gauge",
                "1 while objects of kinds that are judged cannot be read, and so are not judged.",
                figures->unread != 0);
        mv_metrics_write_family(out, "migvet_audit_findings", "gauge",
                                "Objects for which a rule failed or is unknown, by rule.");
        for (size_t i = 0; i < MV_AUDIT_MOST_RULES && rule_at(i); i++)
                write_labelled(out, "migvet_audit_findings", "rule", rule_at(i)->id,
                               (double)figures->rules[i]);
        for (size_t i = 0; i < figures->site.n; i++)
                write_labelled(out, "migvet_audit_findings", "rule", figures->site.items[i].name,
                               (double)figures->site.items[i].n);
}

static void write_events(const struct mv_event_counts *counts, struct mv_buf *out) {
        mv_metrics_write_family(
                out, "migvet_events_total", "counter",
                "Kubernetes Events, by what became of them: written (made, or continued as a series), dropped (no room), refused (by the API server); failed are requests that are tried again.");
        write_labelled(out, "migvet_events_total", "result", "written", (double)counts->written);
        write_labelled(out, "migvet_events_total", "result", "dropped", (double)counts->dropped);
        write_labelled(out, "migvet_events_total", "result", "refused", (double)counts->refused);
        write_labelled(out, "migvet_events_total", "result", "failed", (double)counts->failed);
        mv_metrics_write_single(out, "migvet_events_waiting", "gauge",
                                "Kubernetes Events that wait to be written.", (double)counts->waiting);
}

static void write_reports(const struct mv_audit_figures *figures, struct mv_buf *out) {
        mv_metrics_write_single(out, "migvet_reports", "gauge", "Reports of ours that the cluster has.",
                                figures->any ? (double)figures->reports : 0);
        mv_metrics_write_single(
                out, "migvet_reports_api_absent", "gauge",
                "1 while the cluster does not have the API that reports are to be written to.",
                figures->any && figures->reports_absent);
        mv_metrics_write_family(out, "migvet_reports_total", "counter",
                                "Reports, by what was done: written, deleted, or failed.");
        write_labelled(out, "migvet_reports_total", "result", "written", (double)figures->reports_written);
        write_labelled(out, "migvet_reports_total", "result", "deleted", (double)figures->reports_deleted);
        write_labelled(out, "migvet_reports_total", "result", "failed", (double)figures->reports_failed);
}

void mv_serve_audit_collect(void *context, struct mv_buf *out) {
        static const char *const rounds[MV_AUDIT_ROUNDS] = {
                [MV_AUDIT_ALL] = "all", [MV_AUDIT_CHANGED] = "changed", [MV_AUDIT_NAMESPACES] = "namespaces"
        };
        struct mv_serve_audit *audit = context;
        struct mv_audit_figures *figures = malloc(sizeof *figures);
        if (!figures)
                return;
        pthread_mutex_lock(&audit->lock);
        *figures = audit->figures;
        pthread_mutex_unlock(&audit->lock);
        const struct mv_config *config = mv_config_borrow(audit->options.configs);
        mv_metrics_write_single(out, "migvet_audit_interval_seconds", "gauge",
                                "How often everything is judged.", (double)config->audit.interval_ms / 1000);
        mv_config_return(audit->options.configs, config);
        /* So that a first time that never ends is seen. */
        if (figures->since)
                mv_metrics_write_single(
                        out, "migvet_audit_last_run_timestamp_seconds", "gauge",
                        "When everything was judged last, or, before the first time, since when this replica is to do that; Unix time.",
                        (double)(figures->any ? figures->ended : figures->since));
        if (figures->any)
                write_state(figures, out);
        mv_metrics_write_family(out, "migvet_audit_rounds_total", "counter",
                                "Times that objects were judged, by which: all, changed, namespaces.");
        for (int i = 0; i < MV_AUDIT_ROUNDS; i++)
                write_labelled(out, "migvet_audit_rounds_total", "round", rounds[i],
                               (double)figures->rounds[i]);
        mv_metrics_write_family(out, "migvet_audit_changes_total", "counter",
                                "Verdicts that the audit found changed, by what they are now.");
        for (int i = 0; i < 3; i++)
                write_labelled(out, "migvet_audit_changes_total", "verdict",
                               mv_verdict_word((enum mv_outcome)i), (double)figures->changes[i]);
        if (audit->events) {
                struct mv_event_counts counts;
                mv_kube_events_count(audit->events, &counts);
                write_events(&counts, out);
                write_reports(figures, out);
        }
        free(figures);
}
