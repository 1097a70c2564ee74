/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_cluster.h"

#include "policy/kubevirt_config.h"
#include "policy/snapshot.h"
#include "webhook/metrics.h"

bool mv_serve_cluster_ready(void *context, struct mv_buf *remark) {
        struct mv_serve_cluster *cluster = context;
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

void mv_serve_cluster_collect(void *context, struct mv_buf *out) {
        struct mv_serve_cluster *cluster = context;
        const struct mv_snapshot *snapshot = mv_store_borrow(cluster->store);
        struct mv_files_status status;
        mv_files_status(cluster->files, &status);
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
        mv_metrics_write_family(out, "migvet_snapshot_generation", "counter",
                                "Snapshots taken into force so far.");
        mv_metrics_write_sample(out, "migvet_snapshot_generation", NULL, 0, (double)status.generation);
        mv_metrics_write_family(out, "migvet_files_broken", "gauge",
                                "1 while the files cannot be read and the last good state is in force.");
        mv_metrics_write_sample(out, "migvet_files_broken", NULL, 0, status.err.code ? 1 : 0);
        mv_store_return(cluster->store, snapshot);
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

int mv_serve_cluster_start(struct mv_serve_cluster *cluster, const struct mv_serve_cluster_options *options,
                           const struct mv_logger *logger, struct mv_err *err) {
        *cluster = (struct mv_serve_cluster){ .options = options, .logger = logger, .store = mv_store_new() };
        if (!cluster->store)
                return mv_err_oom(err);
        const struct mv_files_watch_options watch = {
                .files = { .names = options->filenames,
                           .n_names = options->n_filenames,
                           .recursive = options->recursive },
                .default_namespace = mv_str_from(options->namespace),
                .store = cluster->store,
                .logger = logger,
        };
        int r = mv_files_watch_start(&watch, &cluster->files, err);
        if (r == 0)
                say_notes(cluster);
        return r;
}

void mv_serve_cluster_reload(struct mv_serve_cluster *cluster) {
        mv_files_watch_reload(cluster->files);
}

void mv_serve_cluster_stop(struct mv_serve_cluster *cluster) {
        cluster->files = mv_files_watch_stop(cluster->files);
        cluster->store = mv_store_free(cluster->store);
}
