/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet serve`: the HTTPS admission webhook. The only place that joins webhook, cluster and certs. */
#include "certs/names.h"
#include "certs/store_dir.h"
#include "certs/watch.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/log.h"
#include "cli/reviewer.h"
#include "cli/version.h"
#include "cluster/watch.h"
#include "policy/kubevirt_config.h"
#include "webhook/address.h"
#include "webhook/server.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
        "Usage: migvet serve -f FILE|DIR [flags]\n"
        "\n"
        "Runs the HTTPS admission webhook on the cluster that the files hold. It watches them and sees an\n"
        "edit within a second; a broken file leaves the last good state in force, and /readyz says so.\n"
        "SIGHUP reads everything again, SIGTERM and SIGINT end it without losing an answer.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR       manifests that are the cluster, repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "  -n, --namespace NAME          namespace of objects that name none (default: `default`)\n"
        "      --listen ADDR:PORT        HTTPS: POST /validate and /mutate (default :8443; port 0: any)\n"
        "      --management ADDR:PORT    plain HTTP: /livez, /readyz, /metrics (default :9443)\n"
        "      --certs DIR               TLS identity in a directory (ca.crt, ca.key, tls.crt, tls.key), made on\n"
        "                                the first start and renewed (default: the user's state directory)\n"
        "      --dns NAME[,NAME...]      DNS names of the certificate made in --certs (default: localhost,\n"
        "                                migvet, migvet.migvet.svc), repeatable\n"
        "      --cert FILE --key FILE    a TLS identity of your own instead, taken up when the files change\n"
        "      --client-ca FILE          answer only clients with a certificate of these authorities\n"
        "      --config FILE             what is asked of VMs, and of whom; taken up when the file changes\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --drain DURATION          how long to go on serving after SIGTERM, not ready any more, while\n"
        "                                clients learn of it (default 0s; 5s behind a Service)\n"
        "      --log-format FORMAT       text (default) or json, on stderr\n"
        "      --log-level LEVEL         debug, info (default), warning, error\n"
        "  -h, --help                    this text\n"
        "\n"
        "Exit codes: 0 ended by a signal, 2 wrong input or command line, 3 no cluster to read.\n";

enum { GRACE_MILLISECONDS = 10000, HOUR = 3600, TICK_NANOSECONDS = 500000000 };

struct serve_options {
        const char **filenames;
        size_t n_filenames;
        bool recursive;
        const char *namespace, *listen, *management, *certs, *cert, *key, *client_ca, *config, *version;
        struct mv_names names;
        unsigned drain_ms;
        bool json;
        enum mv_log_level level;
};

struct server {
        struct serve_options options;
        struct mv_log log;
        char *directory; /* of --certs, or NULL with --cert */
        struct mv_identity_slot identity;
        struct mv_trust_slot trust;
        struct mv_certs_watch identity_watch, trust_watch;
        time_t next_renewal; /* when the directory store is to be looked at again */
        struct mv_store *store;
        struct mv_files_watch *files;
        struct mv_config_watch *configs;
        struct mv_reviewer reviewer;
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
        { "client-ca", required_argument, NULL, CLIENT_CA },
        { "config", required_argument, NULL, CONFIG },
        { "kubevirt-version", required_argument, NULL, VERSION },
        { "drain", required_argument, NULL, DRAIN },
        { "log-format", required_argument, NULL, LOG_FORMAT },
        { "log-level", required_argument, NULL, LOG_LEVEL },
        { NULL, 0, NULL, 0 },
};

/* "5s", "500ms" or "0s". */
static bool parse_duration(const char *text, unsigned *ret_ms) {
        struct mv_str s = mv_str_from(text);
        unsigned long long value;
        bool ms = mv_str_ends_with(s, MV_STR("ms"));
        if (!mv_str_ends_with(s, MV_STR("s")))
                return false;
        s.n -= ms ? 2 : 1;
        if (!mv_str_to_unsigned(s, 600000, &value) || (!ms && value > 600))
                return false;
        *ret_ms = (unsigned)(ms ? value : value * 1000);
        return true;
}

static int add_dns(struct serve_options *options, const char *text) {
        struct mv_err err = { 0 };
        for (struct mv_str rest = mv_str_from(text);;) {
                size_t comma = mv_str_find_byte(rest, ',');
                if (mv_names_add_dns(&options->names, (struct mv_str){ rest.p, comma }, &err) < 0)
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
                options->filenames[options->n_filenames++] = value;
                return -1;
        case 'R':
                options->recursive = true;
                return -1;
        case 'n':
                options->namespace = value;
                return -1;
        case LISTEN:
                options->listen = value;
                return -1;
        case MANAGEMENT:
                options->management = value;
                return -1;
        case CERTS:
                options->certs = value;
                return -1;
        case DNS:
                return add_dns(options, value);
        case CERT:
                options->cert = value;
                return -1;
        case KEY:
                options->key = value;
                return -1;
        case CLIENT_CA:
                options->client_ca = value;
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
                return parse_duration(value, &options->drain_ms)
                               ? -1
                               : mv_cli_usage_error(&mv_command_serve,
                                                    "--drain \"%s\" is no duration such as 5s", value);
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
        for (size_t i = 0; i < options->n_filenames; i++)
                if (strcmp(options->filenames[i], "-") == 0)
                        return mv_cli_usage_error(&mv_command_serve,
                                                  "-f - cannot be watched: name files or directories");
        struct mv_address address;
        struct mv_err err = { 0 };
        if (mv_address_parse(options->listen, &address, &err) < 0 ||
            (options->management[0] && mv_address_parse(options->management, &address, &err) < 0))
                return mv_cli_usage_error(&mv_command_serve, "%s", err.message);
        if (!options->cert != !options->key)
                return mv_cli_usage_error(&mv_command_serve, "--cert and --key go together");
        if (options->cert && options->certs)
                return mv_cli_usage_error(&mv_command_serve, "--cert and --certs exclude one another");
        if (options->n_filenames)
                return -1;
        fprintf(stderr,
                "%s serve: no -f is given, and this version reads no live cluster: name files or a directory\n",
                mv_cli_program());
        return MV_EXIT_UNREACHED;
}

static int parse(struct serve_options *options, int argc, char **argv) {
        *options = (struct serve_options){ .filenames = calloc((size_t)argc + 1, sizeof *options->filenames),
                                           .namespace = "default",
                                           .listen = ":8443",
                                           .management = ":9443",
                                           .level = MV_LOG_INFO };
        mv_names_init(&options->names);
        int code = options->filenames ? -1 : MV_EXIT_USAGE;
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

static void say_error(struct server *server, enum mv_log_level level, const char *message,
                      const struct mv_err *err) {
        char text[1152];
        mv_err_format(err, text, sizeof text);
        const struct mv_log_field field = { "error", mv_str_from(text) };
        say(server, level, message, &field, 1);
}

/* --- TLS identity --- */

/* $XDG_STATE_HOME/migvet/certs, ~/.local/state/migvet/certs, or /var/lib/migvet/certs. NULL when out of memory. */
static char *default_directory(void) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        char *text = NULL;
        int n = state && state[0] ? asprintf(&text, "%s/migvet/certs", state)
                : home && home[0] ? asprintf(&text, "%s/.local/state/migvet/certs", home)
                                  : asprintf(&text, "/var/lib/migvet/certs");
        return n < 0 ? NULL : text;
}

/* Make the parents of the default directory, which a new user does not have. What fails here is reported by the store. */
static void make_parents(char *path) {
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                mkdir(path, 0700);
                *slash = '/';
        }
}

/* Make or renew what is in the directory. */
static int ensure_directory(struct server *server, struct mv_err *err) {
        struct mv_store_dir_result result;
        time_t now = time(NULL);
        int r = mv_store_dir_ensure(server->directory, &server->options.names, now, &result, err);
        server->next_renewal = now + HOUR;
        if (r < 0)
                return r;
        if (result.next && result.next < server->next_renewal)
                server->next_renewal = result.next > now ? result.next : now + 1;
        if (result.step != MV_ROTATION_NONE) {
                const struct mv_log_field fields[] = { { "directory", mv_str_from(server->directory) },
                                                       { "reason", mv_str_from(result.reason) } };
                say(server, MV_LOG_INFO, "TLS identity made", fields, 2);
        }
        return 0;
}

static int start_identity(struct server *server, struct mv_err *err) {
        const struct serve_options *options = &server->options;
        bool changed;
        int r;
        if (options->cert)
                r = mv_certs_watch_init_files(&server->identity_watch, options->cert, options->key, err);
        else {
                server->directory = options->certs ? strdup(options->certs) : default_directory();
                if (!server->directory)
                        return mv_err_oom(err);
                if (!options->certs)
                        make_parents(server->directory);
                if (!server->options.names.n_dns)
                        r = mv_names_add_default_dns(&server->options.names, err);
                else
                        r = 0;
                if (r == 0)
                        r = mv_names_add_default_ips(&server->options.names, err);
                if (r == 0)
                        r = ensure_directory(server, err);
                if (r == 0)
                        r = mv_certs_watch_init_directory(&server->identity_watch, server->directory, err);
        }
        if (r < 0)
                return r;
        r = mv_certs_watch_poll_identity(&server->identity_watch, &server->identity, time(NULL), &changed,
                                         err);
        if (r == 0 && server->identity_watch.note[0])
                say(server, MV_LOG_WARNING, server->identity_watch.note, NULL, 0);
        if (r < 0 || !options->client_ca)
                return r;
        r = mv_certs_watch_init_trust(&server->trust_watch, options->client_ca, err);
        return r < 0 ? r : mv_certs_watch_poll_trust(&server->trust_watch, &server->trust, &changed, err);
}

/* Every half second: renew what is due, take up what changed. */
static void tend_identity(struct server *server) {
        struct mv_err err = { 0 };
        bool changed = false;
        if (server->directory && time(NULL) >= server->next_renewal && ensure_directory(server, &err) < 0)
                say_error(server, MV_LOG_ERROR, "cannot renew the TLS identity; the present one stays", &err);
        err = (struct mv_err){ 0 };
        if (mv_certs_watch_poll_identity(&server->identity_watch, &server->identity, time(NULL), &changed,
                                         &err) < 0)
                say_error(server, MV_LOG_ERROR, "the new TLS identity cannot be used; the present one stays",
                          &err);
        else if (changed)
                say(server, MV_LOG_INFO, "TLS identity changed", NULL, 0);
        if (!server->options.client_ca)
                return;
        err = (struct mv_err){ 0 };
        if (mv_certs_watch_poll_trust(&server->trust_watch, &server->trust, &changed, &err) < 0)
                say_error(server, MV_LOG_ERROR,
                          "the new client authorities cannot be used; the present ones stay", &err);
        else if (changed)
                say(server, MV_LOG_INFO, "client authorities changed", NULL, 0);
}

static bool identity_ready(void *context, struct mv_buf *remark) {
        struct server *server = context;
        struct mv_identity *identity = mv_identity_slot_ref(&server->identity);
        if (!identity)
                return false;
        struct mv_validity validity = mv_identity_validity(identity);
        time_t now = time(NULL);
        bool valid = now >= validity.not_before && now < validity.not_after;
        if (valid)
                mv_buf_format(remark, "valid for %lld more days",
                              (long long)(validity.not_after - now) / (24 * HOUR));
        else
                mv_buf_append_text(remark, now < validity.not_before ? "not valid yet" : "expired");
        mv_identity_unref(identity);
        return valid;
}

/* --- the cluster --- */

static bool cluster_ready(void *context, struct mv_buf *remark) {
        struct server *server = context;
        struct mv_files_status status;
        mv_files_status(server->files, &status);
        mv_buf_format(remark, "generation %llu, %zu files", status.generation, status.counts.files);
        if (status.err.code) {
                char text[1152];
                mv_buf_format(remark, "; the files are broken now, this state stays: %s",
                              mv_err_format(&status.err, text, sizeof text));
        }
        /* The last good state is in force, so reviews are answered: ready. */
        return status.generation > 0;
}

static void collect_cluster(void *context, struct mv_buf *out) {
        struct server *server = context;
        const struct mv_snapshot *snapshot = mv_store_borrow(server->store);
        struct mv_files_status status;
        mv_files_status(server->files, &status);
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
        mv_store_return(server->store, snapshot);
}

static int start_cluster(struct server *server, struct mv_err *err) {
        const struct serve_options *options = &server->options;
        server->store = mv_store_new();
        if (!server->store)
                return mv_err_oom(err);
        const struct mv_files_watch_options watch = {
                .files = { .names = options->filenames,
                           .n_names = options->n_filenames,
                           .recursive = options->recursive },
                .default_namespace = mv_str_from(options->namespace),
                .store = server->store,
                .logger = &server->log.logger,
        };
        int r = mv_files_watch_start(&watch, &server->files, err);
        if (r < 0)
                return r;
        const struct mv_snapshot *snapshot = mv_store_borrow(server->store);
        const struct mv_kubevirt_config *config = snapshot ? mv_snapshot_config(snapshot) : NULL;
        size_t n = 0;
        const struct mv_str *notes = snapshot ? mv_snapshot_notes(snapshot, &n) : NULL;
        for (size_t i = 0; i < n; i++) {
                const struct mv_log_field field = { "note", notes[i] };
                say(server, MV_LOG_WARNING, "an object is given twice", &field, 1);
        }
        if (config && config->problem.n) {
                const struct mv_log_field field = { "problem", config->problem };
                say(server, MV_LOG_WARNING, "KubeVirt's configuration is not used", &field, 1);
        }
        mv_store_return(server->store, snapshot);
        mv_reviewer_init(&server->reviewer, server->store, server->configs);
        server->reviewer.version = mv_str_from(options->version);
        return 0;
}

/* --- running --- */

static int start_webhook(struct server *server, struct mv_err *err) {
        static struct mv_health_check checks[3];
        static struct mv_collector collectors[2];
        checks[0] = (struct mv_health_check){ "cluster", cluster_ready, server };
        checks[1] = (struct mv_health_check){ "identity", identity_ready, server };
        checks[2] = (struct mv_health_check){ "configuration", mv_config_watch_ready, server->configs };
        collectors[0] = (struct mv_collector){ collect_cluster, server };
        collectors[1] = (struct mv_collector){ mv_config_watch_collect, server->configs };
        const struct mv_webhook_config config = {
                .listen = server->options.listen,
                .management = server->options.management,
                .limits = mv_config_watch_limits(server->configs),
                .identity = &server->identity,
                .client_ca = server->options.client_ca ? &server->trust : NULL,
                .backend = &server->reviewer.backend,
                .checks = checks,
                .n_checks = 3,
                .collectors = collectors,
                .n_collectors = 2,
                .version = mv_version(),
                .logger = &server->log.logger,
        };
        int r = mv_webhook_new(&config, &server->webhook, err);
        if (r == 0)
                r = mv_webhook_start(server->webhook, err);
        if (r < 0)
                return r;
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
                        mv_files_watch_reload(server->files);
                }
                tend_identity(server);
                mv_config_watch_poll(server->configs);
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
        mv_identity_slot_init(&server->identity);
        mv_trust_slot_init(&server->trust);
        int code = MV_EXIT_OK;
        struct mv_config shipped;
        mv_config_init(&shipped);
        if (mv_config_watch_new(server->options.config, shipped.own_namespace, &server->log.logger,
                                &server->configs, &err) < 0 ||
            start_cluster(server, &err) < 0 || start_identity(server, &err) < 0 ||
            start_webhook(server, &err) < 0)
                code = mv_cli_error(&mv_command_serve, &err);
        else {
                run_until_signalled(server, &signals);
                if (!mv_webhook_stop(server->webhook, server->options.drain_ms, GRACE_MILLISECONDS))
                        say(server, MV_LOG_WARNING, "some connections were cut off", NULL, 0);
                say(server, MV_LOG_INFO, "ended", NULL, 0);
        }
        mv_webhook_free(server->webhook);
        mv_files_watch_stop(server->files);
        mv_store_free(server->store);
        mv_config_watch_free(server->configs);
        mv_certs_watch_done(&server->identity_watch);
        mv_certs_watch_done(&server->trust_watch);
        mv_identity_slot_done(&server->identity);
        mv_trust_slot_done(&server->trust);
        free(server->directory);
        return code;
}

static int run(int argc, char **argv) {
        struct server server = { 0 };
        int code = parse(&server.options, argc, argv);
        if (code < 0)
                code = serve(&server);
        mv_names_done(&server.options.names);
        free(server.options.filenames);
        return code;
}

const struct mv_command mv_command_serve = {
        .name = "serve",
        .summary = "run the HTTPS admission webhook",
        .usage = usage,
        .run = run,
};
