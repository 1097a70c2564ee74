/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_identity.h"

#include "certs/store_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HOUR = 3600 };

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
        mv_trust_slot_init(&identity->trust);
}

void mv_serve_identity_done(struct mv_serve_identity *identity) {
        mv_certs_watch_done(&identity->identity_watch);
        mv_certs_watch_done(&identity->trust_watch);
        mv_identity_slot_done(&identity->slot);
        mv_trust_slot_done(&identity->trust);
        free(identity->directory);
}

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

int mv_serve_identity_start(struct mv_serve_identity *identity, struct mv_err *err) {
        struct mv_serve_identity_options *options = identity->options;
        bool changed;
        int r;
        if (options->cert)
                r = mv_certs_watch_init_files(&identity->identity_watch, options->cert, options->key, err);
        else {
                identity->directory = options->certs ? strdup(options->certs) : default_directory();
                if (!identity->directory)
                        return mv_err_oom(err);
                if (!options->certs)
                        make_parents(identity->directory);
                if (!options->names.n_dns)
                        r = mv_names_add_default_dns(&options->names, err);
                else
                        r = 0;
                if (r == 0)
                        r = mv_names_add_default_ips(&options->names, err);
                if (r == 0)
                        r = ensure_directory(identity, err);
                if (r == 0)
                        r = mv_certs_watch_init_directory(&identity->identity_watch, identity->directory,
                                                          err);
        }
        if (r < 0)
                return r;
        r = mv_certs_watch_poll_identity(&identity->identity_watch, &identity->slot, time(NULL), &changed,
                                         err);
        if (r == 0 && identity->identity_watch.note[0])
                say(identity, MV_LOG_WARNING, identity->identity_watch.note, NULL, 0);
        if (r < 0 || !options->client_ca)
                return r;
        r = mv_certs_watch_init_trust(&identity->trust_watch, options->client_ca, err);
        return r < 0 ? r : mv_certs_watch_poll_trust(&identity->trust_watch, &identity->trust, &changed, err);
}

/* Every half second: renew what is due, take up what changed. */
void mv_serve_identity_tend(struct mv_serve_identity *identity) {
        struct mv_err err = { 0 };
        bool changed = false;
        if (identity->directory && time(NULL) >= identity->next_renewal &&
            ensure_directory(identity, &err) < 0)
                say_error(identity, MV_LOG_ERROR, "cannot renew the TLS identity; the present one stays",
                          &err);
        err = (struct mv_err){ 0 };
        if (mv_certs_watch_poll_identity(&identity->identity_watch, &identity->slot, time(NULL), &changed,
                                         &err) < 0)
                say_error(identity, MV_LOG_ERROR,
                          "the new TLS identity cannot be used; the present one stays", &err);
        else if (changed)
                say(identity, MV_LOG_INFO, "TLS identity changed", NULL, 0);
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
