/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet serve`: the HTTPS admission webhook. The only place that joins webhook, cluster and certs. */
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/log.h"
#include "cli/reviewer.h"
#include "cli/serve_audit.h"
#include "cli/serve_cluster.h"
#include "cli/serve_delivery.h"
#include "cli/serve_identity.h"
#include "cli/serve_options.h"
#include "cli/serve_verdicts.h"
#include "cli/version.h"
#include "certs/clock.h"
#include "webhook/deliver/sender.h"
#include "webhook/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
        LOG_MILLISECONDS = 50, /* that lines of the log may wait */
        GRACE_MILLISECONDS = 10000,
        DELIVERY_GRACE_MS =
                2000, /* for events on their way; what is not answered is sent again by the next start */
        TICK_NANOSECONDS = 500000000
};

struct server {
        struct mv_serve_options options;
        struct mv_log log;
        struct mv_kube_config *kube; /* NULL: no API is needed */
        struct mv_serve_identity identity;
        struct mv_serve_cluster cluster;
        struct mv_config_watch *configs;
        struct mv_delivery delivery;
        struct mv_serve_audit *audit;
        char *replica;
        struct mv_reviewer reviewer;
        struct mv_serve_verdicts verdicts;
        struct mv_webhook *webhook;
};

/* --- log --- */

static void say(struct server *server, enum mv_log_level level, const char *message,
                const struct mv_log_field *fields, size_t n) {
        server->log.logger.line(&server->log, level, "serve", message, fields, n);
}

/* --- running --- */

/* Which API server, where one is needed. */
static int find_kube(struct server *server, struct mv_err *err) {
        struct mv_serve_options *options = &server->options;
        if (options->cluster.n_filenames && !mv_serve_identity_needs_kube(&options->identity))
                return 0;
        int r = mv_kube_config_load(&options->kube, &server->kube, err);
        options->cluster.kube = server->kube;
        return r;
}

/* Our own namespace, in which nothing is denied, so that we can always be repaired. */
static int start_configuration(struct server *server, struct mv_err *err) {
        struct mv_config shipped;
        mv_config_init(&shipped);
        struct mv_str own = shipped.own_namespace;
        if (server->kube && server->options.identity.namespace)
                own = mv_str_from(server->options.identity.namespace);
        else if (server->kube && !server->kube->context.n)
                own = server->kube->namespace; /* the pod's */
        return mv_config_watch_new(server->options.config, own, &server->log.logger, &server->configs, err);
}

/* Who is told of verdicts, from the configuration, and each time it changes. */
static int start_delivery(struct server *server, struct mv_err *err) {
        const struct mv_config *config = mv_config_borrow(server->configs);
        int r = mv_delivery_init(&server->delivery, server->options.identity.replica, mv_version(),
                                 &server->log.logger, err);
        server->delivery.anybody = !server->options.identity.client_ca;
        if (r == 0)
                r = mv_delivery_take(&server->delivery, config, err);
        mv_config_return(server->configs, config);
        mv_config_watch_accept(server->configs, mv_delivery_accept, &server->delivery);
        return r;
}

static int start_cluster(struct server *server, struct mv_err *err) {
        server->options.cluster.texts = mv_config_watch_texts(server->configs);
        int r = mv_serve_cluster_start(&server->cluster, &server->options.cluster, &server->log.logger, err);
        if (r < 0)
                return r;
        mv_reviewer_init(&server->reviewer, server->cluster.store, server->configs);
        server->reviewer.delivery = &server->delivery;
        server->reviewer.version = mv_str_from(server->options.version);
        server->reviewer.live = server->cluster.live != NULL;
        if (server->cluster.live)
                server->reviewer.fetcher = &server->cluster.fetcher;
        return 0;
}

static int start_verdicts(struct server *server, struct mv_err *err) {
        mv_serve_verdicts_init(&server->verdicts, server->configs,
                               server->options.identity.client_ca ? &server->identity.trust : NULL,
                               &server->log.logger);
        return mv_serve_verdicts_start(&server->verdicts, err);
}

static bool is_leader(void *context) {
        struct mv_registration_status status;
        mv_registration_status(context, &status);
        return status.leader && mv_clock_ms() < status.leader_until_ms;
}

static int send_audited(void *context, const struct mv_config *config, const struct mv_verdict *verdict,
                        struct mv_str id, struct mv_str level, struct mv_err *err) {
        struct mv_delivery_room room;
        const struct mv_delivery_event event = {
                .verdict = verdict, .id = id, .allowed = true, .level = level, .operation = MV_STR("AUDIT")
        };
        mv_delivery_room_init(&room);
        int r = mv_delivery_send(context, &room, config, &event, err);
        mv_delivery_room_done(&room);
        return r;
}

/* Behind the identity, which knows who leads. */
static int start_audit(struct server *server, struct mv_err *err) {
        const struct mv_serve_audit_options options = {
                .store = server->cluster.store,
                .configs = server->configs,
                .version = server->reviewer.version,
                .kube = server->cluster.live ? server->kube : NULL,
                .replica = server->replica = mv_serve_own_name(server->options.identity.replica),
                .logger = &server->log.logger,
                .ready = mv_serve_cluster_ready,
                .ready_context = &server->cluster,
                .leads = server->identity.registration ? is_leader : NULL,
                .leads_context = server->identity.registration,
                .delivery = { send_audited, &server->delivery },
        };
        int r = options.replica ? mv_serve_audit_start(&options, &server->audit, err) : mv_err_oom(err);
        server->reviewer.audit = server->audit;
        return r;
}

static int start_webhook(struct server *server, struct mv_err *err) {
        static struct mv_health_check checks[6];
        static struct mv_collector collectors[5];
        checks[0] = (struct mv_health_check){ "cluster", mv_serve_cluster_ready, &server->cluster };
        checks[1] = (struct mv_health_check){ "identity", mv_serve_identity_ready, &server->identity };
        checks[2] = (struct mv_health_check){ "configuration", mv_config_watch_ready, server->configs };
        checks[3] = (struct mv_health_check){ "outbox", mv_delivery_ready, &server->delivery };
        checks[4] = (struct mv_health_check){ "verdicts", mv_serve_verdicts_ready, &server->verdicts };
        checks[5] =
                (struct mv_health_check){ "registration", mv_serve_registration_ready, &server->identity };
        collectors[0] = (struct mv_collector){ mv_serve_cluster_collect, &server->cluster };
        collectors[1] = (struct mv_collector){ mv_serve_registration_collect, &server->identity };
        collectors[2] = (struct mv_collector){ mv_config_watch_collect, server->configs };
        collectors[3] = (struct mv_collector){ mv_delivery_collect, &server->delivery };
        collectors[4] = (struct mv_collector){ mv_serve_audit_collect, server->audit };
        const struct mv_webhook_config config = {
                .listen = server->options.listen,
                .management = server->options.management,
                .limits = mv_config_watch_limits(server->configs),
                .other_files = MV_SENDER_FILES, /* receivers may come with another configuration */
                .identity = &server->identity.slot,
                .client_ca = server->options.identity.client_ca ? &server->identity.trust : NULL,
                .access = &server->verdicts.slot,
                .backend = &server->reviewer.backend,
                .checks = checks,
                .n_checks = server->identity.registration ? 6 : 5,
                .collectors = collectors,
                .n_collectors = 5,
                .version = mv_version(),
                .logger = &server->log.logger,
        };
        int r = mv_webhook_new(&config, &server->webhook, err);
        if (r == 0)
                r = mv_webhook_start(server->webhook, err);
        if (r < 0)
                return r;
        mv_serve_identity_listening(&server->identity, server->options.listen,
                                    mv_webhook_port(server->webhook));
        char port[16], management[16];
        snprintf(port, sizeof port, "%u", mv_webhook_port(server->webhook));
        snprintf(management, sizeof management, "%u", mv_webhook_management_port(server->webhook));
        const struct mv_log_field fields[] = {
                { "listen", mv_str_from(server->options.listen) },
                { "port", mv_str_from(port) },
                { "management", mv_str_from(server->options.management) },
                { "managementPort", mv_str_from(management) },
                { "version", mv_str_from(mv_version()) },
        };
        say(server, MV_LOG_INFO, "serving", fields, sizeof fields / sizeof *fields);
        return 0;
}

static void tend_delivery(struct server *server) {
        const struct mv_config *config = mv_config_borrow(server->configs);
        mv_delivery_tend(&server->delivery, config);
        mv_config_return(server->configs, config);
}

/* Until a signal ends it. */
static void run_until_signalled(struct server *server, const sigset_t *signals) {
        for (;;) {
                const struct timespec tick = { .tv_nsec = TICK_NANOSECONDS };
                int signal = sigtimedwait(signals, NULL, &tick);
                if (signal == SIGTERM || signal == SIGINT) {
                        say(server, MV_LOG_INFO, "ending", NULL, 0);
                        return;
                }
                if (signal == SIGHUP) {
                        say(server, MV_LOG_INFO, "reading everything again", NULL, 0);
                        mv_serve_cluster_reload(&server->cluster);
                }
                mv_serve_identity_tend(&server->identity);
                mv_config_watch_poll(server->configs);
                tend_delivery(server);
                mv_serve_verdicts_tend(&server->verdicts);
        }
}

static int serve(struct server *server) {
        struct mv_err err = { 0 };
        sigset_t signals;
        /* Before any thread starts, so that all of them inherit the mask. */
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals, NULL);
        signal(SIGPIPE, SIG_IGN);
        mv_log_init(&server->log, server->options.log_format == MV_LOG_JSON, server->options.level);
        if (mv_log_defer(&server->log, LOG_MILLISECONDS, &err) < 0)
                return mv_cli_error(&mv_command_serve, &err);
        mv_serve_identity_init(&server->identity, &server->options.identity, &server->log.logger);
        int code = MV_EXIT_OK;
        int r = find_kube(server, &err);
        /* Nobody said which cluster, and there is none. */
        if (r == MV_ENOTFOUND && !server->options.kube.kubeconfig && !server->options.kube.context) {
                mv_log_flush(&server->log);
                code = mv_cli_no_cluster(&mv_command_serve, &err);
        } else if (r < 0 || start_configuration(server, &err) < 0 || start_delivery(server, &err) < 0 ||
                   start_cluster(server, &err) < 0 ||
                   mv_serve_identity_start(&server->identity, server->kube, &err) < 0 ||
                   start_verdicts(server, &err) < 0 || start_audit(server, &err) < 0 ||
                   start_webhook(server, &err) < 0) {
                mv_log_flush(&server->log);
                code = mv_cli_error(&mv_command_serve, &err);
        } else {
                run_until_signalled(server, &signals);
                if (!mv_webhook_stop(server->webhook, (unsigned)server->options.drain_ms, GRACE_MILLISECONDS))
                        say(server, MV_LOG_WARNING, "some connections were cut off", NULL, 0);
                server->audit = mv_serve_audit_stop(server->audit);
                mv_serve_identity_stop(&server->identity);
                say(server, MV_LOG_INFO, "ended", NULL, 0);
        }
        mv_webhook_free(server->webhook);
        mv_serve_audit_stop(server->audit);
        mv_delivery_done(&server->delivery, DELIVERY_GRACE_MS);
        mv_serve_cluster_stop(&server->cluster);
        mv_serve_verdicts_done(&server->verdicts);
        mv_config_watch_free(server->configs);
        mv_serve_identity_done(&server->identity);
        mv_kube_config_free(server->kube);
        free(server->replica);
        mv_log_done(&server->log);
        return code;
}

static int run(int argc, char **argv) {
        struct server server = { 0 };
        /* Nothing that it ever executes (a kubeconfig's plugin) gets more rights. Fails on no kernel that we know. */
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        int code = mv_serve_options_parse(&server.options, argc, argv);
        if (code < 0)
                code = serve(&server);
        mv_serve_options_done(&server.options);
        return code;
}

const struct mv_command mv_command_serve = {
        .name = "serve",
        .summary = "run the HTTPS admission webhook",
        .usage = mv_serve_usage,
        .run = run,
};
