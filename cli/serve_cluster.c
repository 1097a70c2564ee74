/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_cluster.h"

#include "certs/clock.h"
#include "cluster/kube/resources.h"
#include "policy/kubevirt_config.h"
#include "policy/snapshot/snapshot.h"
#include "webhook/metrics.h"

#include <stdlib.h>
#include <time.h>

enum { LONGEST_FETCH_MS = 500 };

/* --- files --- */

static bool files_ready(struct mv_serve_cluster *cluster, struct mv_buf *remark) {
        struct mv_files_status status;
        mv_files_status(cluster->files, &status);
        mv_buf_format(remark, "generation %llu, %zu files", status.generation, status.counts.files);
        if (status.err.code) {
                char text[1152];
                mv_buf_format(remark, "; the files are broken now, this state stays: %s",
                              mv_err_format(&status.err, text, sizeof text));
        }
        /* The last good state is in force, so reviews are answered: ready. */
        return status.generation > 0;
}

static void collect_files(struct mv_serve_cluster *cluster, struct mv_buf *out) {
        struct mv_files_status status;
        mv_files_status(cluster->files, &status);
        mv_metrics_write_family(out, "migvet_snapshot_generation", "counter",
                                "Snapshots taken into force so far.");
        mv_metrics_write_sample(out, "migvet_snapshot_generation", NULL, 0, (double)status.generation);
        mv_metrics_write_family(out, "migvet_files_broken", "gauge",
                                "1 while the files cannot be read and the last good state is in force.");
        mv_metrics_write_sample(out, "migvet_files_broken", NULL, 0, status.err.code ? 1 : 0);
}

static void say(const struct mv_serve_cluster *cluster, enum mv_log_level level, const char *message,
                const struct mv_log_field *field) {
        cluster->logger->line(cluster->logger->context, level, "serve", message, field, 1);
}

/* What is odd about the files and does not stop the server. */
static void say_notes(struct mv_serve_cluster *cluster) {
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster->store);
        const struct mv_kubevirt_config *config = snapshot ? mv_snapshot_config(snapshot) : NULL;
        size_t n = 0;
        const struct mv_str *notes = snapshot ? mv_snapshot_notes(snapshot, &n) : NULL;
        for (size_t i = 0; i < n; i++) {
                const struct mv_log_field field = { "note", notes[i] };
                say(cluster, MV_LOG_WARNING, "an object is given twice", &field);
        }
        if (config && config->problem.n) {
                const struct mv_log_field field = { "problem", config->problem };
                say(cluster, MV_LOG_WARNING, "KubeVirt's configuration is not used", &field);
        }
        mv_store_return(cluster->store, snapshot);
}

static int start_files(struct mv_serve_cluster *cluster, struct mv_err *err) {
        const struct mv_serve_cluster_options *options = cluster->options;
        const struct mv_files_watch_options watch = {
                .files = { .names = options->filenames,
                           .n_names = options->n_filenames,
                           .recursive = options->recursive,
                           .texts = options->texts },
                .default_namespace = mv_str_from(options->namespace),
                .store = cluster->store,
                .logger = cluster->logger,
        };
        int r = mv_files_watch_start(&watch, &cluster->files, err);
        if (r == 0)
                say_notes(cluster);
        return r;
}

/* --- a live cluster --- */

/* As values of labels. */
static const char *const state_words[] = {
        [MV_KNOWLEDGE_SOME] = "some",
        [MV_KNOWLEDGE_NONE] = "none",
        [MV_KNOWLEDGE_ALL] = "all",
        [MV_KNOWLEDGE_ABSENT] = "absent",
        [MV_KNOWLEDGE_FORBIDDEN] = "forbidden",
        [MV_KNOWLEDGE_LOST] = "lost",
        [MV_KNOWLEDGE_OUTDATED] = "outdated",
        [MV_KNOWLEDGE_NAMED] = "named",
};
/* For people. */
static const char *const remark_words[] = {
        [MV_KNOWLEDGE_SOME] = "",
        [MV_KNOWLEDGE_NONE] = "not read yet",
        [MV_KNOWLEDGE_ALL] = "",
        [MV_KNOWLEDGE_ABSENT] = "not in this cluster",
        [MV_KNOWLEDGE_FORBIDDEN] = "may not be listed",
        [MV_KNOWLEDGE_LOST] = "not heard of any more",
        [MV_KNOWLEDGE_OUTDATED] = "not known any more",
        [MV_KNOWLEDGE_NAMED] = "read in part",
};
enum { N_KNOWLEDGE = sizeof state_words / sizeof *state_words };

/* As of now; NULL when memory is out. It is large. */
static struct mv_kube_watch_status *live_status(struct mv_serve_cluster *cluster) {
        struct mv_kube_watch_status *status = malloc(sizeof *status);
        if (status)
                mv_kube_watch_status(cluster->live, status);
        return status;
}

/* "absent: a, b; forbidden: c (c is forbidden: ...)": the kinds of which that is known. */
static void remark_kinds(const struct mv_kube_watch_status *status, enum mv_knowledge knowledge,
                         struct mv_buf *remark) {
        bool reasons = knowledge != MV_KNOWLEDGE_ABSENT && knowledge != MV_KNOWLEDGE_NAMED;
        const char *separator = NULL;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                const struct mv_kube_kind_status *k = &status->kinds[kind];
                if (!k->needed || k->knowledge != knowledge)
                        continue;
                if (!separator)
                        mv_buf_format(remark, "; %s: ", remark_words[knowledge]);
                mv_buf_format(remark, "%s%s%s%s", separator ? separator : "", mv_kinds[kind].plural,
                              mv_kinds[kind].group[0] ? "." : "", mv_kinds[kind].group);
                if (reasons && k->reason[0])
                        mv_buf_format(remark, " (%s)", k->reason);
                separator = ", ";
        }
}

static bool live_ready(struct mv_serve_cluster *cluster, struct mv_buf *remark) {
        struct mv_kube_watch_status *status = live_status(cluster);
        size_t watched = 0, objects = 0;
        if (!status)
                return false;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                watched += status->kinds[kind].knowledge == MV_KNOWLEDGE_ALL;
                objects += status->kinds[kind].objects;
        }
        mv_buf_format(remark, "%zu objects of %zu kinds watched", objects, watched);
        if (status->unreachable) {
                char text[1152];
                mv_buf_format(remark, "; the API server does not answer: %s",
                              mv_err_format(&status->err, text, sizeof text));
        }
        static const enum mv_knowledge told[] = { MV_KNOWLEDGE_NONE,   MV_KNOWLEDGE_FORBIDDEN,
                                                  MV_KNOWLEDGE_LOST,   MV_KNOWLEDGE_OUTDATED,
                                                  MV_KNOWLEDGE_ABSENT, MV_KNOWLEDGE_NAMED };
        for (size_t i = 0; i < sizeof told / sizeof *told; i++)
                remark_kinds(status, told[i], remark);
        bool ready = status->ready;
        free(status);
        return ready;
}

static void write_kind(struct mv_buf *out, const char *name, int kind, double value) {
        const struct mv_label labels[] = { { "kind", mv_str_from(mv_kinds[kind].kind) },
                                           { "group", mv_str_from(mv_kinds[kind].group) } };
        mv_metrics_write_sample(out, name, labels, 2, value);
}

static void write_states(const struct mv_kube_watch_status *status, struct mv_buf *out) {
        mv_metrics_write_family(
                out, "migvet_watch_state", "gauge",
                "1 for what is known of each kind: all, none (not read yet), absent (not in this cluster), forbidden, lost (not heard of any more), outdated (not for minutes, so not known any more), named (read in part).");
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                for (int state = MV_KNOWLEDGE_NONE; status->kinds[kind].needed && state < N_KNOWLEDGE;
                     state++) {
                        const struct mv_label labels[] = {
                                { "kind", mv_str_from(mv_kinds[kind].kind) },
                                { "group", mv_str_from(mv_kinds[kind].group) },
                                { "state", mv_str_from(state_words[state]) },
                        };
                        mv_metrics_write_sample(out, "migvet_watch_state", labels, 3,
                                                (int)status->kinds[kind].knowledge == state);
                }
}

/* One family of a number for each kind. */
static void write_numbers(const struct mv_kube_watch_status *status, struct mv_buf *out, const char *name,
                          const char *type, const char *help,
                          double (*number)(const struct mv_kube_watch_status *,
                                           const struct mv_kube_kind_status *)) {
        mv_metrics_write_family(out, name, type, help);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (status->kinds[kind].needed)
                        write_kind(out, name, kind, number(status, &status->kinds[kind]));
}

static double number_of_objects(const struct mv_kube_watch_status *status,
                                const struct mv_kube_kind_status *kind) {
        (void)status;
        return (double)kind->objects;
}

static double number_of_restarts(const struct mv_kube_watch_status *status,
                                 const struct mv_kube_kind_status *kind) {
        (void)status;
        return (double)kind->restarts;
}

/* Of Prometheus: seconds since 1970. 0: never. */
static double time_of_event(const struct mv_kube_watch_status *status,
                            const struct mv_kube_kind_status *kind) {
        if (kind->event_ms < 0)
                return 0;
        return (double)time(NULL) - (double)(status->at_ms - kind->event_ms) / 1000;
}

static void write_results(struct mv_buf *out, const char *name, const char *help,
                          _Atomic unsigned long long counts[MV_FETCH_RESULTS]) {
        static const char *const results[] = {
                [MV_KUBE_NOT_KNOWN] = "unknown", [MV_KUBE_FOUND] = "found", [MV_KUBE_NOT_THERE] = "absent"
        };
        mv_metrics_write_family(out, name, "counter", help);
        for (size_t i = 0; i < MV_FETCH_RESULTS; i++) {
                const struct mv_label label = { "result", mv_str_from(results[i]) };
                mv_metrics_write_sample(out, name, &label, 1, (double)atomic_load(&counts[i]));
        }
}

static void collect_live(struct mv_serve_cluster *cluster, struct mv_buf *out) {
        struct mv_kube_watch_status *status = live_status(cluster);
        if (!status)
                return;
        write_states(status, out);
        write_numbers(status, out, "migvet_watch_objects", "gauge", "Objects that are watched, by kind.",
                      number_of_objects);
        write_numbers(status, out, "migvet_watch_restarts_total", "counter",
                      "Times that a list or watch began again after a failure, by kind.", number_of_restarts);
        write_numbers(status, out, "migvet_watch_last_event_seconds", "gauge",
                      "When the API server last told of the kind, bookmarks included; Unix time.",
                      time_of_event);
        mv_metrics_write_family(out, "migvet_snapshot_generation", "counter",
                                "Snapshots taken into force so far.");
        mv_metrics_write_sample(out, "migvet_snapshot_generation", NULL, 0, (double)status->publications);
        write_results(out, "migvet_fetches_total",
                      "Objects that reviews named and the watch had not brought yet, by what came of asking.",
                      cluster->fetched);
        write_results(
                out, "migvet_confirmations_total",
                "Objects that were read again because KubeVirt's refusal was to be denied, by what came of it.",
                cluster->confirmed);
        free(status);
}

/* A question that is under way. */
struct fetching {
        _Atomic unsigned long long *counts; /* by result */
        void (*done)(void *context, uint64_t known);
        void *context;
};

static void fetched(void *context, const enum mv_kube_found *found, size_t n) {
        struct fetching fetching = *(struct fetching *)context;
        free(context);
        uint64_t known = 0;
        for (size_t i = 0; i < n; i++) {
                atomic_fetch_add(&fetching.counts[found[i]], 1);
                if (found[i] != MV_KUBE_NOT_KNOWN)
                        known |= (uint64_t)1 << i;
        }
        fetching.done(fetching.context, known);
}

static bool ask(struct mv_serve_cluster *cluster, bool confirm, const struct mv_missing *objects, size_t n,
                long long deadline_ns, void (*done)(void *done_context, uint64_t known), void *done_context) {
        struct mv_kube_wanted wanted[MV_MOST_MISSING];
        struct fetching *fetching = malloc(sizeof *fetching);
        if (!fetching)
                return false;
        *fetching = (struct fetching){ confirm ? cluster->confirmed : cluster->fetched, done, done_context };
        for (size_t i = 0; i < n; i++)
                wanted[i] = (struct mv_kube_wanted){ objects[i].kind, objects[i].namespace, objects[i].name };
        long long soon_ns = (mv_clock_ms() + LONGEST_FETCH_MS) * 1000000;
        (confirm ? mv_kube_watch_confirm : mv_kube_watch_fetch)(
                cluster->live, wanted, n, deadline_ns < soon_ns ? deadline_ns : soon_ns, fetched, fetching);
        return true;
}

static bool fetch(void *context, const struct mv_missing *missing, size_t n, long long deadline_ns,
                  void (*done)(void *done_context, uint64_t known), void *done_context) {
        return ask(context, false, missing, n, deadline_ns, done, done_context);
}

static bool confirm(void *context, const struct mv_missing *objects, size_t n, long long deadline_ns,
                    void (*done)(void *done_context, uint64_t confirmed), void *done_context) {
        return ask(context, true, objects, n, deadline_ns, done, done_context);
}

static bool wants(void *context, const struct mv_missing *missing) {
        (void)context;
        return mv_kube_resources[missing->kind].fetched;
}

static int start_live(struct mv_serve_cluster *cluster, struct mv_err *err) {
        const struct mv_kube_watch_options watch = {
                .config = cluster->options->kube,
                .texts = cluster->options->texts,
                .store = cluster->store,
                .logger = cluster->logger,
        };
        cluster->fetcher = (struct mv_fetcher){ fetch, wants, confirm, cluster };
        return mv_kube_watch_start(&watch, &cluster->live, err);
}

/* --- either --- */

int mv_serve_cluster_start(struct mv_serve_cluster *cluster, const struct mv_serve_cluster_options *options,
                           const struct mv_logger *logger, struct mv_err *err) {
        *cluster = (struct mv_serve_cluster){ .options = options, .logger = logger, .store = mv_store_new() };
        if (!cluster->store)
                return mv_err_oom(err);
        return options->n_filenames ? start_files(cluster, err) : start_live(cluster, err);
}

void mv_serve_cluster_reload(struct mv_serve_cluster *cluster) {
        if (cluster->files)
                mv_files_watch_reload(cluster->files);
}

void mv_serve_cluster_stop(struct mv_serve_cluster *cluster) {
        cluster->files = mv_files_watch_stop(cluster->files);
        if (cluster->live)
                mv_kube_watch_stop(cluster->live);
        cluster->store = mv_store_free(cluster->store);
        cluster->live = mv_kube_watch_free(cluster->live);
}

bool mv_serve_cluster_ready(void *context, struct mv_buf *remark) {
        struct mv_serve_cluster *cluster = context;
        return cluster->files ? files_ready(cluster, remark) : live_ready(cluster, remark);
}

static void write_snapshot(const struct mv_snapshot *snapshot, struct mv_buf *out) {
        mv_metrics_write_family(out, "migvet_snapshot_objects", "gauge",
                                "Objects in the snapshot in force, by kind.");
        for (int kind = 0; snapshot && kind < MV_KIND_COUNT; kind++) {
                /* NodeMaintenance is of two groups, and one kind. */
                const struct mv_label label = { "kind", mv_str_from(mv_kinds[kind].kind) };
                size_t n = mv_snapshot_count(snapshot, (enum mv_kind)kind);
                if (kind == MV_KIND_LEGACY_MAINTENANCE)
                        continue;
                if (kind == MV_KIND_MAINTENANCE)
                        n += mv_snapshot_count(snapshot, MV_KIND_LEGACY_MAINTENANCE);
                mv_metrics_write_sample(out, "migvet_snapshot_objects", &label, 1, (double)n);
        }
        mv_metrics_write_family(out, "migvet_snapshot_bytes", "gauge",
                                "Memory that the snapshot in force holds, in bytes.");
        mv_metrics_write_sample(out, "migvet_snapshot_bytes", NULL, 0,
                                snapshot ? (double)mv_snapshot_bytes(snapshot) : 0);
}

void mv_serve_cluster_collect(void *context, struct mv_buf *out) {
        struct mv_serve_cluster *cluster = context;
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster->store);
        write_snapshot(snapshot, out);
        mv_store_return(cluster->store, snapshot);
        if (cluster->files)
                collect_files(cluster, out);
        else
                collect_live(cluster, out);
}
