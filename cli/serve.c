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
#include "cli/serve_verdicts.h"
#include "cli/version.h"
#include "cluster/kube/config.h"
#include "policy/kubevirt_config.h"
#include "webhook/address.h"
#include "webhook/server.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
        "Usage: migvet serve [-f FILE|DIR] [flags]\n"
        "\n"
        "Runs the HTTPS admission webhook. Without -f it lists and watches the live\n"
        "cluster. With -f the cluster is what the files hold: it watches them and sees an\n"
        "edit within a second; a broken file leaves the last good state in force, and\n"
        "/readyz says so. SIGHUP reads the files again, SIGTERM and SIGINT end it without\n"
        "losing an answer.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR       manifests that are the cluster, repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "      --kubeconfig FILE         which live cluster (default: $KUBECONFIG,\n"
        "                                ~/.kube/config, or the pod's service account)\n"
        "      --context NAME            of the kubeconfig (default: its current one)\n"
        "  -n, --namespace NAME          our own namespace (default: the pod's, or that\n"
        "                                of the context); that of objects in files that\n"
        "                                name none (default: `default`)\n"
        "      --listen ADDR:PORT        HTTPS: POST /validate and /mutate (default\n"
        "                                :8443; port 0: any), and /v1alpha1/verdicts\n"
        "                                where --config says so\n"
        "      --management ADDR:PORT    plain HTTP: /livez, /readyz, /metrics (default\n"
        "                                :9443)\n"
        "      --certs DIR               TLS identity in a directory (ca.crt, ca.key,\n"
        "                                tls.crt, tls.key), made on the first start and\n"
        "                                renewed (default: the user's state directory)\n"
        "      --dns NAME[,NAME...]      DNS names of the certificate made in --certs\n"
        "                                (default: localhost, migvet, migvet.migvet.svc),\n"
        "                                repeatable\n"
        "      --cert FILE --key FILE    a TLS identity of your own instead, taken up\n"
        "                                when the files change\n"
        "      --certs-secret NAME       the authority is kept in that Secret of our own\n"
        "                                namespace, made when it is missing, and shared\n"
        "                                by all replicas; each signs its certificate\n"
        "                                itself\n"
        "      --webhook-configuration NAME\n"
        "                                keep the caBundle of the\n"
        "                                ValidatingWebhookConfiguration and the\n"
        "                                MutatingWebhookConfiguration of that name right\n"
        "      --lease NAME              Lease of our own namespace: only its holder\n"
        "                                writes (default: migvet)\n"
        "      --lease-duration DURATION\n"
        "                                how long a holder that is silent keeps it\n"
        "                                (default 15s)\n"
        "      --identity NAME           this replica in the Lease (default: $POD_NAME,\n"
        "                                or the host's name)\n"
        "      --rotation-settle DURATION\n"
        "                                between publishing a new authority and using it\n"
        "                                (default 30s)\n"
        "      --ca-lifetime DURATION    of an authority made in --certs-secret (default\n"
        "                                8760h)\n"
        "      --leaf-lifetime DURATION  of a certificate signed with it (default 720h)\n"
        "      --client-ca FILE          answer only clients with a certificate of these\n"
        "                                authorities\n"
        "      --config FILE             what is asked of VMs, and of whom; taken up when\n"
        "                                the file changes\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --drain DURATION          how long to go on serving after SIGTERM, not\n"
        "                                ready any more, while clients learn of it\n"
        "                                (default 0s; 5s behind a Service)\n"
        "      --log-format FORMAT       text (default) or json, on stderr\n"
        "      --log-level LEVEL         debug, info (default), warning, error\n"
        "  -h, --help                    this text\n"
        "\n"
        "Exit codes: 0 ended by a signal, 2 wrong input or command line, 3 no cluster to\n"
        "read.\n";

enum {
        GRACE_MILLISECONDS = 10000,
        DELIVERY_GRACE_MS =
                2000, /* for events on their way; what is not answered is sent again by the next start */
        LONGEST_DRAIN_MS = 600000,
        LONGEST_LEASE_MS = 3600000,
        TICK_NANOSECONDS = 500000000
};
#define LONGEST_LIFE_MS (100ULL * 366 * 24 * 3600 * 1000)

struct serve_options {
        struct mv_serve_cluster_options cluster;
        const char *listen, *management, *config, *version;
        struct mv_serve_identity_options identity;
        struct mv_kube_config_options kube;
        unsigned long long drain_ms;
        bool json;
        enum mv_log_level level;
};

struct server {
        struct serve_options options;
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

/* --- command line --- */

enum {
        LISTEN = 256,
        MANAGEMENT,
        CERTS,
        DNS,
        CERT,
        KEY,
        CERTS_SECRET,
        WEBHOOK_CONFIGURATION,
        LEASE,
        LEASE_DURATION,
        IDENTITY,
        ROTATION_SETTLE,
        CA_LIFETIME,
        LEAF_LIFETIME,
        KUBECONFIG,
        CONTEXT,
        CLIENT_CA,
        CONFIG,
        VERSION,
        DRAIN,
        LOG_FORMAT,
        LOG_LEVEL
};

static const struct option longs[] = {
        { "help", no_argument, NULL, 'h' },
        { "filename", required_argument, NULL, 'f' },
        { "recursive", no_argument, NULL, 'R' },
        { "namespace", required_argument, NULL, 'n' },
        { "listen", required_argument, NULL, LISTEN },
        { "management", required_argument, NULL, MANAGEMENT },
        { "certs", required_argument, NULL, CERTS },
        { "dns", required_argument, NULL, DNS },
        { "cert", required_argument, NULL, CERT },
        { "key", required_argument, NULL, KEY },
        { "certs-secret", required_argument, NULL, CERTS_SECRET },
        { "webhook-configuration", required_argument, NULL, WEBHOOK_CONFIGURATION },
        { "lease", required_argument, NULL, LEASE },
        { "lease-duration", required_argument, NULL, LEASE_DURATION },
        { "identity", required_argument, NULL, IDENTITY },
        { "rotation-settle", required_argument, NULL, ROTATION_SETTLE },
        { "ca-lifetime", required_argument, NULL, CA_LIFETIME },
        { "leaf-lifetime", required_argument, NULL, LEAF_LIFETIME },
        { "kubeconfig", required_argument, NULL, KUBECONFIG },
        { "context", required_argument, NULL, CONTEXT },
        { "client-ca", required_argument, NULL, CLIENT_CA },
        { "config", required_argument, NULL, CONFIG },
        { "kubevirt-version", required_argument, NULL, VERSION },
        { "drain", required_argument, NULL, DRAIN },
        { "log-format", required_argument, NULL, LOG_FORMAT },
        { "log-level", required_argument, NULL, LOG_LEVEL },
        { NULL, 0, NULL, 0 },
};

/* "5s", "500ms", "2m" or "720h"; at most limit_ms. */
static bool parse_duration(const char *text, unsigned long long limit_ms, unsigned long long *ret_ms) {
        static const struct {
                struct mv_str end;
                unsigned ms;
        } units[] = {
                { { "ms", 2 }, 1 }, { { "s", 1 }, 1000 }, { { "m", 1 }, 60000 }, { { "h", 1 }, 3600000 }
        };
        const struct mv_str s = mv_str_from(text);
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
                unsigned long long value;
                if (!mv_str_ends_with(s, units[i].end))
                        continue;
                if (!mv_str_to_unsigned((struct mv_str){ s.p, s.n - units[i].end.n }, limit_ms / units[i].ms,
                                        &value))
                        return false;
                *ret_ms = value * units[i].ms;
                return true;
        }
        return false;
}

static int set_duration(const char *flag, const char *value, unsigned long long limit_ms,
                        unsigned long long *ret_ms) {
        return parse_duration(value, limit_ms, ret_ms)
                       ? -1
                       : mv_cli_usage_error(&mv_command_serve, "%s \"%s\" is no duration such as 5s", flag,
                                            value);
}

static int add_dns(struct serve_options *options, const char *text) {
        struct mv_err err = { 0 };
        for (struct mv_str rest = mv_str_from(text);;) {
                size_t comma = mv_str_find_byte(rest, ',');
                if (mv_names_add_dns(&options->identity.names, (struct mv_str){ rest.p, comma }, &err) < 0)
                        return mv_cli_usage_error(&mv_command_serve, "--dns: %s", err.message);
                if (comma == rest.n)
                        return -1;
                rest = mv_str_skip(rest, comma + 1);
        }
}

static int apply(struct serve_options *options, int flag, const char *value) {
        struct mv_str text;
        switch (flag) {
        case 'h':
                return mv_cli_help(&mv_command_serve);
        case 'f':
                options->cluster.filenames[options->cluster.n_filenames++] = value;
                return -1;
        case 'R':
                options->cluster.recursive = true;
                return -1;
        case 'n':
                options->cluster.namespace = options->identity.namespace = value;
                return -1;
        case LISTEN:
                options->listen = value;
                return -1;
        case MANAGEMENT:
                options->management = value;
                return -1;
        case CERTS:
                options->identity.certs = value;
                return -1;
        case DNS:
                return add_dns(options, value);
        case CERT:
                options->identity.cert = value;
                return -1;
        case KEY:
                options->identity.key = value;
                return -1;
        case CERTS_SECRET:
                options->identity.secret = value;
                return -1;
        case WEBHOOK_CONFIGURATION:
                options->identity.configuration = value;
                return -1;
        case LEASE:
                options->identity.lease = value;
                return -1;
        case LEASE_DURATION:
                return set_duration("--lease-duration", value, LONGEST_LEASE_MS, &options->identity.lease_ms);
        case IDENTITY:
                options->identity.replica = value;
                return -1;
        case ROTATION_SETTLE:
                return set_duration("--rotation-settle", value, LONGEST_LEASE_MS,
                                    &options->identity.settle_ms);
        case CA_LIFETIME:
                return set_duration("--ca-lifetime", value, LONGEST_LIFE_MS, &options->identity.ca_ms);
        case LEAF_LIFETIME:
                return set_duration("--leaf-lifetime", value, LONGEST_LIFE_MS, &options->identity.leaf_ms);
        case KUBECONFIG:
                options->kube.kubeconfig = value;
                return -1;
        case CONTEXT:
                options->kube.context = value;
                return -1;
        case CLIENT_CA:
                options->identity.client_ca = value;
                return -1;
        case CONFIG:
                options->config = value;
                return -1;
        case VERSION:
                options->version = value;
                return mv_kubevirt_version_parse(mv_str_from(value), &text)
                               ? -1
                               : mv_cli_usage_error(&mv_command_serve,
                                                    "--kubevirt-version \"%s\" is no version", value);
        case DRAIN:
                return set_duration("--drain", value, LONGEST_DRAIN_MS, &options->drain_ms);
        case LOG_FORMAT:
                options->json = strcmp(value, "json") == 0;
                return options->json || strcmp(value, "text") == 0
                               ? -1
                               : mv_cli_usage_error(&mv_command_serve,
                                                    "--log-format \"%s\" is none of text, json", value);
        case LOG_LEVEL:
                return mv_log_level_parse(value, &options->level)
                               ? -1
                               : mv_cli_usage_error(
                                         &mv_command_serve,
                                         "--log-level \"%s\" is none of debug, info, warning, error", value);
        default:
                return mv_cli_usage_error(&mv_command_serve, "%s %s",
                                          flag == ':' ? "a value is missing for" : "unknown flag", value);
        }
}

static int check_options(const struct serve_options *options, int argc, char **argv) {
        if (optind < argc)
                return mv_cli_usage_error(&mv_command_serve, "unexpected \"%s\"", argv[optind]);
        for (size_t i = 0; i < options->cluster.n_filenames; i++)
                if (strcmp(options->cluster.filenames[i], "-") == 0)
                        return mv_cli_usage_error(&mv_command_serve,
                                                  "-f - cannot be watched: name files or directories");
        struct mv_address address;
        struct mv_err err = { 0 };
        if (mv_address_parse(options->listen, &address, &err) < 0 ||
            (options->management[0] && mv_address_parse(options->management, &address, &err) < 0))
                return mv_cli_usage_error(&mv_command_serve, "%s", err.message);
        if (mv_serve_identity_check(&options->identity, &err) < 0)
                return mv_cli_usage_error(&mv_command_serve, "%s", err.message);
        return -1;
}

static int parse(struct serve_options *options, int argc, char **argv) {
        *options = (struct serve_options){
                .cluster = { .filenames = calloc((size_t)argc + 1, sizeof *options->cluster.filenames),
                             .namespace = "default" },
                .listen = ":8443",
                .management = ":9443",
                .level = MV_LOG_INFO
        };
        mv_names_init(&options->identity.names);
        int code = options->cluster.filenames ? -1 : MV_EXIT_USAGE;
        optind = 1;
        for (int flag; code < 0 && (flag = getopt_long(argc, argv, ":hf:Rn:", longs, NULL)) != -1;)
                code = apply(options, flag, flag == ':' || flag == '?' ? argv[optind - 1] : optarg);
        return code < 0 ? check_options(options, argc, argv) : code;
}

/* --- log --- */

static void say(struct server *server, enum mv_log_level level, const char *message,
                const struct mv_log_field *fields, size_t n) {
        server->log.logger.line(&server->log, level, "serve", message, fields, n);
}

/* --- running --- */

/* Which API server, where one is needed. */
static int find_kube(struct server *server, struct mv_err *err) {
        struct serve_options *options = &server->options;
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
        return status.leader;
}

static int send_audited(void *context, struct mv_arena *arena, const struct mv_config *config,
                        const struct mv_verdict *verdict, struct mv_str id, struct mv_str level,
                        struct mv_err *err) {
        const struct mv_delivery_event event = {
                .verdict = verdict, .id = id, .allowed = true, .level = level, .operation = MV_STR("AUDIT")
        };
        return mv_delivery_send(context, arena, config, &event, err);
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
        mv_log_init(&server->log, server->options.json, server->options.level);
        mv_serve_identity_init(&server->identity, &server->options.identity, &server->log.logger);
        int code = MV_EXIT_OK;
        int r = find_kube(server, &err);
        /* Nobody said which cluster, and there is none. */
        if (r == MV_ENOTFOUND && !server->options.kube.kubeconfig && !server->options.kube.context) {
                code = mv_cli_no_cluster(&mv_command_serve, &err);
        } else if (r < 0 || start_configuration(server, &err) < 0 || start_delivery(server, &err) < 0 ||
                   start_cluster(server, &err) < 0 ||
                   mv_serve_identity_start(&server->identity, server->kube, &err) < 0 ||
                   start_verdicts(server, &err) < 0 || start_audit(server, &err) < 0 ||
                   start_webhook(server, &err) < 0)
                code = mv_cli_error(&mv_command_serve, &err);
        else {
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
        return code;
}

static int run(int argc, char **argv) {
        struct server server = { 0 };
        int code = parse(&server.options, argc, argv);
        if (code < 0)
                code = serve(&server);
        mv_names_done(&server.options.identity.names);
        free(server.options.cluster.filenames);
        return code;
}

const struct mv_command mv_command_serve = {
        .name = "serve",
        .summary = "run the HTTPS admission webhook",
        .usage = usage,
        .run = run,
};
