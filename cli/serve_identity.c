/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_identity.h"

#include "certs/clock.h"
#include "certs/store_dir.h"
#include "webhook/address.h"
#include "webhook/metrics.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

#define DEFAULT_LEASE "migvet"
/* A Secret's authority lives shorter than a directory's: it is renewed without anybody noticing. */
enum { LEASE_MS = 15000, SETTLE_MS = 30000, CA_DAYS = 365, LEAF_DAYS = 30, LONGEST_WAIT_MS = 600000 };

static void say(const struct mv_serve_identity *identity, enum mv_log_level level, const char *message,
                const struct mv_log_field *fields, size_t n) {
        identity->logger->line(identity->logger->context, level, "serve", message, fields, n);
}

static void say_error(const struct mv_serve_identity *identity, enum mv_log_level level, const char *message,
                      const struct mv_err *err) {
        char text[1152];
        mv_err_format(err, text, sizeof text);
        const struct mv_log_field field = { "error", mv_str_from(text) };
        say(identity, level, message, &field, 1);
}

void mv_serve_identity_init(struct mv_serve_identity *identity, struct mv_serve_identity_options *options,
                            const struct mv_logger *logger) {
        *identity = (struct mv_serve_identity){ .options = options, .logger = logger };
        mv_identity_slot_init(&identity->slot);
        mv_identity_slot_init(&identity->files);
        mv_trust_slot_init(&identity->trust);
}

void mv_serve_identity_done(struct mv_serve_identity *identity) {
        mv_certs_watch_done(&identity->identity_watch);
        mv_certs_watch_done(&identity->trust_watch);
        mv_serve_identity_stop(identity);
        mv_identity_slot_done(&identity->slot);
        mv_identity_slot_done(&identity->files);
        mv_trust_slot_done(&identity->trust);
        free(identity->directory);
        free(identity->namespace);
        free(identity->authorities_file);
        free(identity->replica);
}

/* --- options --- */

/* A name of an object: DNS-1123, so that it may stand in a path. */
static bool is_name(const char *text) {
        const size_t n = strlen(text);
        return n > 0 && n <= 253 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n &&
               text[0] != '-' && text[0] != '.' && text[n - 1] != '-' && text[n - 1] != '.';
}

static int check_name(const char *flag, const char *name, struct mv_err *err) {
        return !name || is_name(name)
                       ? 0
                       : mv_err_set(err, MV_EUSAGE, "%s \"%s\" is no name of an object", flag, name);
}

bool mv_serve_identity_needs_kube(const struct mv_serve_identity_options *options) {
        return options->secret || options->configuration;
}

int mv_serve_identity_check(const struct mv_serve_identity_options *options, struct mv_err *err) {
        const bool kube = mv_serve_identity_needs_kube(options);
        if (!options->cert != !options->key)
                return mv_err_set(err, MV_EUSAGE, "--cert and --key go together");
        if (!!options->cert + !!options->certs + !!options->secret > 1)
                return mv_err_set(err, MV_EUSAGE, "--cert, --certs and --certs-secret exclude one another");
        if (options->configuration && !options->certs && !options->secret)
                return mv_err_set(err, MV_EUSAGE,
                                  "--webhook-configuration needs an authority: --certs or --certs-secret");
        if (!kube && (options->lease || options->lease_ms))
                return mv_err_set(err, MV_EUSAGE,
                                  "a Lease is only for --certs-secret and --webhook-configuration");
        if (options->lease_ms && (options->lease_ms < 1000 || options->lease_ms % 1000 != 0))
                return mv_err_set(err, MV_EUSAGE, "--lease-duration is whole seconds, one at least");
        if (!kube && options->settle_ms)
                return mv_err_set(err, MV_EUSAGE,
                                  "--rotation-settle is for --certs-secret and --webhook-configuration");
        if (!options->secret && (options->ca_ms || options->leaf_ms))
                return mv_err_set(err, MV_EUSAGE, "--ca-lifetime and --leaf-lifetime are for --certs-secret");
        if ((options->ca_ms && options->ca_ms < 2000) || (options->leaf_ms && options->leaf_ms < 2000))
                return mv_err_set(err, MV_EUSAGE, "certificates live for two seconds at least");
        int r = check_name("--certs-secret", options->secret, err);
        if (r >= 0)
                r = check_name("--webhook-configuration", options->configuration, err);
        if (r >= 0)
                r = check_name("--lease", options->lease, err);
        if (r >= 0 && kube)
                r = check_name("--namespace", options->namespace, err);
        return r;
}

/* --- where it comes from --- */

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
static int ensure_directory(struct mv_serve_identity *identity, struct mv_err *err) {
        struct mv_store_dir_result result;
        time_t now = time(NULL);
        int r = mv_store_dir_ensure(identity->directory, &identity->options->names, now, &result, err);
        identity->next_renewal = now + HOUR;
        if (r < 0)
                return r;
        if (result.next && result.next < identity->next_renewal)
                identity->next_renewal = result.next > now ? result.next : now + 1;
        if (result.step != MV_ROTATION_NONE) {
                const struct mv_log_field fields[] = { { "directory", mv_str_from(identity->directory) },
                                                       { "reason", mv_str_from(result.reason) } };
                say(identity, MV_LOG_INFO, "TLS identity made", fields, 2);
        }
        return 0;
}

static int start_directory(struct mv_serve_identity *identity, struct mv_err *err) {
        struct mv_serve_identity_options *options = identity->options;
        identity->directory = options->certs ? strdup(options->certs) : default_directory();
        if (!identity->directory)
                return mv_err_oom(err);
        if (!options->certs)
                make_parents(identity->directory);
        int r = options->names.n_dns ? 0 : mv_names_add_default_dns(&options->names, err);
        if (r >= 0)
                r = mv_names_add_default_ips(&options->names, err);
        if (r >= 0)
                r = ensure_directory(identity, err);
        return r < 0 ? r : mv_certs_watch_init_directory(&identity->identity_watch, identity->directory, err);
}

/* The identity of files; that of a Secret is the registration's business. */
static int start_files(struct mv_serve_identity *identity, struct mv_err *err) {
        const struct mv_serve_identity_options *options = identity->options;
        bool changed;
        int r = options->cert ? mv_certs_watch_init_files(&identity->identity_watch, options->cert,
                                                          options->key, err)
                              : start_directory(identity, err);
        if (r >= 0)
                r = mv_certs_watch_poll_identity(&identity->identity_watch, &identity->files, time(NULL),
                                                 &changed, err);
        if (r >= 0)
                mv_identity_slot_set(&identity->slot, mv_identity_slot_ref(&identity->files));
        if (r == 0 && identity->identity_watch.note[0])
                say(identity, MV_LOG_WARNING, identity->identity_watch.note, NULL, 0);
        return r;
}

char *mv_serve_own_name(const char *given) {
        char host[256] = "";
        const char *pod = getenv("POD_NAME");
        if (given || (pod && pod[0]))
                return strdup(given ? given : pod);
        return gethostname(host, sizeof host - 1) < 0 || !host[0] ? strdup("migvet") : strdup(host);
}

/* The names by which the API server calls the service of our namespace, too. */
static int add_names(struct mv_serve_identity *identity, struct mv_err *err) {
        struct mv_names *names = &identity->options->names;
        char name[512];
        int r = 0;
        if (!names->n_dns) {
                const int n = snprintf(name, sizeof name, "migvet.%s.svc", identity->namespace);
                r = mv_names_add_default_dns(names, err);
                if (r >= 0)
                        r = mv_names_add_dns(names, (struct mv_str){ name, (size_t)n }, err);
        }
        return r < 0 ? r : mv_names_add_default_ips(names, err);
}

static int start_registration(struct mv_serve_identity *identity, const struct mv_kube_config *kube,
                              struct mv_err *err) {
        const struct mv_serve_identity_options *o = identity->options;
        identity->namespace =
                o->namespace ? strdup(o->namespace) : strndup(kube->namespace.p, kube->namespace.n);
        identity->replica = mv_serve_own_name(o->replica);
        if (!identity->namespace || !identity->replica)
                return mv_err_oom(err);
        int r = check_name("the namespace", identity->namespace, err);
        if (r >= 0 && o->secret)
                r = add_names(identity, err);
        char *file = r >= 0 && identity->directory
                             ? mv_path_join(identity->directory, MV_STORE_CA_CERTIFICATE)
                             : NULL;
        identity->authorities_file = file;
        if (r < 0 || (identity->directory && !file))
                return r < 0 ? r : mv_err_oom(err);
        const struct mv_registration_options options = {
                .config = kube,
                .namespace = identity->namespace,
                .secret = o->secret,
                .configuration = o->configuration,
                .authorities_file = file,
                .lease = o->lease ? o->lease : DEFAULT_LEASE,
                .identity = identity->replica,
                .lease_ms = o->lease_ms ? (unsigned)o->lease_ms : LEASE_MS,
                .settle_ms = (unsigned)identity->settle_ms,
                .ca_seconds = o->ca_ms ? (long long)o->ca_ms / 1000 : (long long)CA_DAYS * DAY,
                .leaf_seconds = o->leaf_ms ? (long long)o->leaf_ms / 1000 : (long long)LEAF_DAYS * DAY,
                .names = &o->names,
                .slot = &identity->slot,
                .logger = identity->logger,
        };
        return mv_registration_start(&options, &identity->registration, err);
}

int mv_serve_identity_start(struct mv_serve_identity *identity, const struct mv_kube_config *kube,
                            struct mv_err *err) {
        const struct mv_serve_identity_options *options = identity->options;
        bool changed;
        int r = options->secret ? 0 : start_files(identity, err);
        if (r >= 0 && options->client_ca) {
                r = mv_certs_watch_init_trust(&identity->trust_watch, options->client_ca, err);
                if (r >= 0)
                        r = mv_certs_watch_poll_trust(&identity->trust_watch, &identity->trust, &changed,
                                                      err);
        }
        identity->settle_ms = options->settle_ms ? (long long)options->settle_ms : SETTLE_MS;
        if (r >= 0 && mv_serve_identity_needs_kube(options))
                r = start_registration(identity, kube, err);
        return r;
}

/* The address by which this machine reaches a socket that listens there. */
void mv_serve_identity_listening(struct mv_serve_identity *identity, const char *listen, unsigned port) {
        struct mv_address address;
        char text[INET6_ADDRSTRLEN] = "127.0.0.1";
        if (!identity->registration)
                return;
        if (mv_address_parse(listen, &address, NULL) == 0 && !address.dual_stack && !address.any_family) {
                const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address.socket;
                const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address.socket;
                if (address.socket.ss_family == AF_INET6)
                        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
                else if (v4->sin_addr.s_addr != htonl(INADDR_ANY))
                        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        }
        mv_registration_listening(identity->registration, text, port);
}

void mv_serve_identity_stop(struct mv_serve_identity *identity) {
        identity->registration = mv_registration_stop(identity->registration);
}

/* The authority of new files is in every webhook configuration, and API servers know; or the present identity is of no
 * use any more; or it has taken too long, as where ca.crt is not what others publish. */
static bool may_take_up(struct mv_serve_identity *identity) {
        struct mv_registration_status status;
        const time_t now = time(NULL);
        struct mv_identity *present = mv_identity_slot_ref(&identity->slot);
        const bool valid = present && now < mv_identity_validity(present).not_after;
        mv_identity_unref(present);
        if (!identity->registration || !valid)
                return true;
        mv_registration_status(identity->registration, &status);
        return (status.looked_ms > identity->waiting_since && status.published_ms >= identity->settle_ms) ||
               mv_clock_ms() - identity->waiting_since > LONGEST_WAIT_MS;
}

static void tend_files(struct mv_serve_identity *identity) {
        struct mv_err err = { 0 };
        bool changed = false;
        if (mv_certs_watch_poll_identity(&identity->identity_watch, &identity->files, time(NULL), &changed,
                                         &err) < 0)
                say_error(identity, MV_LOG_ERROR,
                          "the new TLS identity cannot be used; the present one stays", &err);
        if (changed)
                identity->waiting_since = mv_clock_ms();
        if (!identity->waiting_since || !may_take_up(identity))
                return;
        identity->waiting_since = 0;
        mv_identity_slot_set(&identity->slot, mv_identity_slot_ref(&identity->files));
        say(identity, MV_LOG_INFO, "TLS identity changed", NULL, 0);
}

/* Every half second: renew what is due, take up what changed. */
void mv_serve_identity_tend(struct mv_serve_identity *identity) {
        struct mv_err err = { 0 };
        bool changed = false;
        const time_t now = time(NULL);
        if (now < identity->looked) /* the clock was set back: what was made meanwhile may not be valid yet */
                identity->next_renewal = now;
        identity->looked = now;
        if (identity->directory && now >= identity->next_renewal && ensure_directory(identity, &err) < 0)
                say_error(identity, MV_LOG_ERROR, "cannot renew the TLS identity; the present one stays",
                          &err);
        err = (struct mv_err){ 0 };
        if (!identity->options->secret)
                tend_files(identity);
        if (!identity->options->client_ca)
                return;
        err = (struct mv_err){ 0 };
        if (mv_certs_watch_poll_trust(&identity->trust_watch, &identity->trust, &changed, &err) < 0)
                say_error(identity, MV_LOG_ERROR,
                          "the new client authorities cannot be used; the present ones stay", &err);
        else if (changed)
                say(identity, MV_LOG_INFO, "client authorities changed", NULL, 0);
}

bool mv_serve_identity_ready(void *context, struct mv_buf *remark) {
        struct mv_serve_identity *of = context;
        struct mv_identity *identity = mv_identity_slot_ref(&of->slot);
        if (!identity) {
                mv_buf_append_text(remark, "there is none yet");
                return false;
        }
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

bool mv_serve_registration_ready(void *context, struct mv_buf *remark) {
        const struct mv_serve_identity *identity = context;
        struct mv_registration_status status;
        mv_registration_status(identity->registration, &status);
        switch (status.in_force) {
        case MV_IN_FORCE_NOT_ASKED:
                mv_buf_append_text(remark, identity->options->configuration ? "caBundle not known yet"
                                                                            : "no webhook configuration");
                if (status.problem[0])
                        mv_buf_format(remark, ": %s", status.problem);
                break;
        case MV_IN_FORCE_NO_CONFIGURATION:
                mv_buf_append_text(remark, "there is no webhook configuration of that name");
                break;
        case MV_IN_FORCE_YES:
                mv_buf_append_text(remark, "caBundle in force");
                break;
        case MV_IN_FORCE_NO:
                mv_buf_format(remark, "the API server would not believe us: %s", status.problem);
                break;
        }
        if (status.leader)
                mv_buf_append_text(remark, "; leader");
        else
                mv_buf_format(remark, "; not leader (%s)",
                              status.holder[0] ? status.holder : "nobody is known to be");
        if (status.rotation[0])
                mv_buf_format(remark, "; %s", status.rotation);
        return status.in_force == MV_IN_FORCE_YES || status.in_force == MV_IN_FORCE_NO_CONFIGURATION ||
               !identity->options->configuration;
}

void mv_serve_registration_collect(void *context, struct mv_buf *out) {
        const struct mv_serve_identity *identity = context;
        struct mv_registration_status status;
        if (!identity->registration)
                return;
        mv_registration_status(identity->registration, &status);
        mv_metrics_write_family(out, "migvet_leader", "gauge", "1 while this replica leads.");
        mv_metrics_write_sample(out, "migvet_leader", NULL, 0, status.leader);
        if (identity->options->configuration) {
                mv_metrics_write_family(out, "migvet_ca_bundle_in_force", "gauge",
                                        "1 while the caBundle of every webhook believes what we serve.");
                mv_metrics_write_sample(out, "migvet_ca_bundle_in_force", NULL, 0,
                                        status.in_force == MV_IN_FORCE_YES);
        }
        if (identity->options->secret) {
                mv_metrics_write_family(
                        out, "migvet_ca_rotations_total", "counter",
                        "Authorities that this replica has put in use in the place of another.");
                mv_metrics_write_sample(out, "migvet_ca_rotations_total", NULL, 0, (double)status.rotations);
        }
}
