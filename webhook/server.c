/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/server.h"

#include "certs/identity.h"
#include "webhook/health.h"
#include "webhook/library.h"
#include "webhook/listen.h"
#include "webhook/route.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
        THREADS_MAX = 64,
        CONNECTIONS_MAX = 1 << 20,
        SPARE_FILES = 64, /* descriptors that connections leave to the rest of the program */
        COLLECTORS_OWN = 1,
};

/* The management port sees a kubelet, a Prometheus, and people. */
static const struct mv_limits management_limits = {
        .connections = 64, .receive_ms = 5000, .send_ms = 10000, .idle_ms = 90000
};

struct mv_webhook {
        struct mv_webhook_config config;
        struct mv_metrics *metrics;
        struct mv_collector *collectors; /* ours, then those of the configuration */
        struct mv_route route;
        struct mv_health health;
        struct mv_listener *reviews, *management; /* management may be NULL */
        atomic_bool draining;
};

static void collect_own(void *context, struct mv_buf *out) {
        struct mv_webhook *webhook = context;
        static const char open_name[] = "migvet_connections_open";
        mv_metrics_write_family(out, open_name, "gauge", "Connections to the webhook now.");
        mv_metrics_write_sample(out, open_name, NULL, 0, (double)mv_listener_count(webhook->reviews));

        static const char limit_name[] = "migvet_connections_limit";
        mv_metrics_write_family(out, limit_name, "gauge", "Connections to the webhook at most.");
        mv_metrics_write_sample(out, limit_name, NULL, 0, (double)webhook->config.limits.connections);

        static const char bodies_name[] = "migvet_http_request_bodies_in_flight_bytes";
        mv_metrics_write_family(out, bodies_name, "gauge", "Bytes of request bodies held now.");
        mv_metrics_write_sample(out, bodies_name, NULL, 0, (double)atomic_load(&webhook->route.in_flight));

        static const char expiry_name[] = "migvet_identity_expiry_seconds";
        struct mv_identity *identity = mv_identity_slot_ref(webhook->config.identity);
        if (!identity)
                return;
        mv_metrics_write_family(out, expiry_name, "gauge", "When the certificate in service ends.");
        mv_metrics_write_sample(out, expiry_name, NULL, 0, (double)mv_identity_validity(identity).not_after);
        mv_identity_unref(identity);
}

static unsigned count_cpus(void) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
        return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Raise the soft limit of open files to what the connections need, or lower the number of connections. */
static void fit_files(struct mv_webhook_config *config) {
        struct rlimit files;
        if (getrlimit(RLIMIT_NOFILE, &files) < 0)
                return;
        rlim_t others = SPARE_FILES + config->other_files + management_limits.connections;
        rlim_t wanted = config->limits.connections + others;
        if (files.rlim_cur < wanted) {
                struct rlimit raised = files;
                raised.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
                if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
                        files = raised;
        }
        if (files.rlim_cur >= wanted)
                return;
        unsigned fitting = files.rlim_cur > others ? (unsigned)(files.rlim_cur - others) : 1;
        mv_library_say(config->logger, MV_LOG_WARNING,
                       "only %llu files may be open: at most %u connections instead of %u",
                       (unsigned long long)files.rlim_cur, fitting, config->limits.connections);
        config->limits.connections = fitting;
}

static int config_check(const struct mv_webhook_config *config, struct mv_err *err) {
        const struct mv_webhook_limits *limits = &config->limits;
        if (!config->identity || !config->backend || !config->listen)
                return mv_err_set(err, MV_EUSAGE, "the webhook needs an address, an identity and a backend");
        if (config->access && !config->backend->verdict)
                return mv_err_set(err, MV_EUSAGE, "who may ask for verdicts needs a backend that gives them");
        if (!limits->body_bytes || !limits->bodies_bytes || !limits->receive_ms || !limits->idle_ms ||
            !limits->send_ms || !limits->connections)
                return mv_err_set(err, MV_EUSAGE, "a limit of the webhook is 0");
        if (limits->connections > CONNECTIONS_MAX)
                return mv_err_set(err, MV_EUSAGE, "at most %d connections can be configured",
                                  CONNECTIONS_MAX);
        if (limits->body_bytes > SIZE_MAX / 16 || limits->body_bytes > limits->bodies_bytes)
                return mv_err_set(err, MV_EUSAGE,
                                  "one request's body may be larger than all of them together");
        return 0;
}

static int webhook_listen(struct mv_webhook *webhook, struct mv_err *err) {
        const struct mv_webhook_config *config = &webhook->config;
        struct mv_listener_config reviews = {
                .name = "webhook",
                .address = config->listen,
                .n_servers = config->threads,
                .limits = { .connections = config->limits.connections,
                            .receive_ms = config->limits.receive_ms,
                            .send_ms = config->limits.send_ms,
                            .idle_ms = config->limits.idle_ms },
                .identity = config->identity,
                .handler = { .handle = mv_route_handle,
                             .finish = mv_route_finish,
                             .context = &webhook->route,
                             .wants_certificate = mv_route_wants_certificate },
                .draining = &webhook->draining,
                .metrics = webhook->metrics,
                .logger = config->logger,
        };
        int r = mv_listener_new(&reviews, &webhook->reviews, err);
        if (r < 0 || !config->management || !config->management[0])
                return r;
        struct mv_listener_config management = {
                .name = "management",
                .address = config->management,
                .n_servers = 1,
                .limits = management_limits,
                .handler = { .handle = mv_health_handle,
                             .finish = mv_health_finish,
                             .context = &webhook->health },
                .draining = &webhook->draining,
                .logger = config->logger,
        };
        return mv_listener_new(&management, &webhook->management, err);
}

int mv_webhook_new(const struct mv_webhook_config *config, struct mv_webhook **ret, struct mv_err *err) {
        int r = config_check(config, err);
        if (r < 0)
                return r;
        struct mv_webhook *webhook = calloc(1, sizeof *webhook);
        if (!webhook)
                return mv_err_oom(err);
        webhook->config = *config;
        if (!webhook->config.threads)
                webhook->config.threads = count_cpus();
        if (webhook->config.threads > THREADS_MAX)
                webhook->config.threads = THREADS_MAX;
        fit_files(&webhook->config);
        mv_library_set_panic(config->logger);

        size_t n_collectors = COLLECTORS_OWN + config->n_collectors;
        webhook->metrics = mv_metrics_new(config->version);
        webhook->collectors = calloc(n_collectors, sizeof *webhook->collectors);
        if (!webhook->metrics || !webhook->collectors) {
                mv_webhook_free(webhook);
                return mv_err_oom(err);
        }
        webhook->collectors[0] = (struct mv_collector){ .collect = collect_own, .context = webhook };
        for (size_t i = 0; i < config->n_collectors; i++)
                webhook->collectors[COLLECTORS_OWN + i] = config->collectors[i];

        webhook->route = (struct mv_route){
                .backend = config->backend,
                .client_ca = config->client_ca,
                .access = config->access,
                .client_names = config->client_names,
                .n_client_names = config->n_client_names,
                .body_bytes = config->limits.body_bytes,
                .bodies_bytes = config->limits.bodies_bytes,
                .metrics = webhook->metrics,
                .logger = config->logger,
        };
        webhook->health = (struct mv_health){
                .checks = config->checks,
                .n_checks = config->n_checks,
                .collectors = webhook->collectors,
                .n_collectors = n_collectors,
                .metrics = webhook->metrics,
                .draining = &webhook->draining,
        };
        r = webhook_listen(webhook, err);
        if (r < 0) {
                mv_webhook_free(webhook);
                return r;
        }
        *ret = webhook;
        return 0;
}

struct mv_webhook *mv_webhook_free(struct mv_webhook *webhook) {
        if (!webhook)
                return NULL;
        mv_listener_free(webhook->management); /* first: its metrics look at the other one */
        mv_listener_free(webhook->reviews);
        free(webhook->collectors);
        mv_metrics_free(webhook->metrics);
        free(webhook);
        return NULL;
}

int mv_webhook_start(struct mv_webhook *webhook, struct mv_err *err) {
        int r = mv_listener_start(webhook->reviews, err);
        if (r < 0 || !webhook->management)
                return r;
        r = mv_listener_start(webhook->management, err);
        if (r < 0)
                mv_listener_stop(webhook->reviews);
        return r;
}

bool mv_webhook_stop(struct mv_webhook *webhook, unsigned lame_ms, unsigned grace_ms) {
        struct timespec lame = { .tv_sec = lame_ms / 1000, .tv_nsec = lame_ms % 1000 * 1000000L };
        atomic_store(&webhook->draining, true);
        nanosleep(&lame, NULL);
        mv_listener_close(webhook->reviews);
        bool all = mv_listener_wait(webhook->reviews, grace_ms);
        mv_listener_stop(webhook->reviews);
        if (webhook->management)
                mv_listener_stop(webhook->management);
        return all;
}

uint16_t mv_webhook_port(const struct mv_webhook *webhook) {
        return mv_listener_port(webhook->reviews);
}

uint16_t mv_webhook_management_port(const struct mv_webhook *webhook) {
        return webhook->management ? mv_listener_port(webhook->management) : 0;
}

struct mv_metrics *mv_webhook_metrics(struct mv_webhook *webhook) {
        return webhook->metrics;
}
