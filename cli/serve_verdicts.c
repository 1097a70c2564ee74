/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_verdicts.h"

#include "certs/file.h"
#include "policy/base/hash.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RACY_SECONDS = 2 }; /* a file as young as this may change once more without a change of its stamp */

void mv_serve_verdicts_init(struct mv_serve_verdicts *verdicts, struct mv_config_watch *configs,
                            struct mv_trust_slot *client_ca, const struct mv_logger *logger) {
        *verdicts =
                (struct mv_serve_verdicts){ .configs = configs, .client_ca = client_ca, .logger = logger };
        mv_access_slot_init(&verdicts->slot);
        mv_trust_slot_init(&verdicts->trust);
        pthread_mutex_init(&verdicts->lock, NULL);
}

static void drop_tokens(struct mv_serve_verdicts *verdicts) {
        if (verdicts->tokens.p)
                gnutls_memset((char *)(uintptr_t)verdicts->tokens.p, 0, verdicts->tokens.n);
        free((char *)(uintptr_t)verdicts->tokens.p);
        verdicts->tokens = (struct mv_str){ 0 };
}

void mv_serve_verdicts_done(struct mv_serve_verdicts *verdicts) {
        if (!verdicts->configs)
                return;
        mv_access_slot_done(&verdicts->slot);
        mv_certs_watch_done(&verdicts->trust_watch);
        mv_trust_slot_done(&verdicts->trust);
        pthread_mutex_destroy(&verdicts->lock);
        drop_tokens(verdicts);
        free(verdicts->token_file);
        free(verdicts->ca_file);
}

/* --- telling --- */

static void say(const struct mv_serve_verdicts *verdicts, enum mv_log_level level, const char *message,
                const char *key, const char *value) {
        const struct mv_log_field field = { key, mv_str_from(value) };
        verdicts->logger->line(verdicts->logger->context, level, "verdicts", message, &field, key ? 1 : 0);
}

static void set_problem(struct mv_serve_verdicts *verdicts, enum mv_verdicts_problem which,
                        const char *text) {
        pthread_mutex_lock(&verdicts->lock);
        snprintf(verdicts->problems[which], sizeof verdicts->problems[which], "%s", text);
        pthread_mutex_unlock(&verdicts->lock);
}

bool mv_serve_verdicts_ready(void *context, struct mv_buf *remark) {
        struct mv_serve_verdicts *verdicts = context;
        struct mv_access *access = mv_access_slot_ref(&verdicts->slot);
        mv_buf_append_text(remark, !access                     ? "off"
                                   : mv_access_is_open(access) ? "controllers may ask"
                                                               : "nobody may ask");
        mv_access_unref(access);
        pthread_mutex_lock(&verdicts->lock);
        for (int i = 0; i < MV_PROBLEMS; i++)
                if (verdicts->problems[i][0])
                        mv_buf_format(remark, "; %s", verdicts->problems[i]);
        pthread_mutex_unlock(&verdicts->lock);
        return true;
}

/* --- files --- */

/* Remember which file it is now. True: another one than before. */
static int name_file(char **file, struct mv_str name, bool *ret_changed, struct mv_err *err) {
        if (mv_str_is(name, *file ? *file : "")) {
                *ret_changed = false;
                return 0;
        }
        char *copy = name.n ? strndup(name.p, name.n) : NULL;
        if (name.n && !copy)
                return mv_err_oom(err);
        free(*file);
        *file = copy;
        *ret_changed = true;
        return 0;
}

/* Take these tokens in the place of those in force. */
static int keep_tokens(struct mv_serve_verdicts *verdicts, struct mv_str text, struct mv_err *err) {
        struct mv_access *probe = NULL;
        int r = mv_access_new(&(struct mv_access_options){ .tokens = text }, &probe, err);
        if (r < 0)
                return r;
        mv_access_unref(probe);
        char *copy = malloc(text.n);
        if (!copy)
                return mv_err_oom(err);
        memcpy(copy, text.p, text.n);
        drop_tokens(verdicts);
        verdicts->tokens.p = copy;
        verdicts->tokens.n = text.n;
        return 0;
}

/* Look at the token file. *ret_changed: other tokens are in force than at the last look; an error is told once. Without a file,
 * or a token in it (MV_ENOTFOUND), it is none. */
static int look_at_tokens(struct mv_serve_verdicts *verdicts, bool *ret_changed, struct mv_err *err) {
        struct mv_file file = { 0 };
        *ret_changed = false;
        const struct mv_file_stamp stamp = mv_file_stamp(verdicts->token_file);
        const bool young = stamp.exists && time(NULL) - stamp.changed.tv_sec <= RACY_SECONDS;
        if (mv_file_stamp_equal(&stamp, &verdicts->stamp) && !young && verdicts->found)
                return 0;
        verdicts->stamp = stamp;
        int r = mv_file_read(verdicts->token_file, &file, err);
        uint64_t found = mv_hash_add(MV_HASH_START, mv_str_from(r < 0 ? "error" : "text"));
        found = mv_hash_add(found, r < 0 ? mv_str_from(err->message) : mv_file_str(&file));
        if (found != verdicts->found) {
                verdicts->found = found;
                if (r == 0) {
                        r = keep_tokens(verdicts, mv_file_str(&file), err);
                        if (r < 0)
                                mv_err_in_file(err, verdicts->token_file, r);
                }
                if (r == MV_ENOTFOUND)
                        drop_tokens(verdicts);
                *ret_changed = r == 0 || r == MV_ENOTFOUND;
        } else
                r = 0;
        mv_file_done(&file);
        return r;
}

/* --- configuration --- */

static int take_up_files(struct mv_serve_verdicts *verdicts, const struct mv_config_verdicts *config,
                         struct mv_err *err) {
        bool changed;
        int r = name_file(&verdicts->token_file, config->token_file, &changed, err);
        if (r == 0 && changed) {
                drop_tokens(verdicts);
                verdicts->found = 0;
        }
        if (r == 0)
                r = name_file(&verdicts->ca_file, config->client_ca_file, &changed, err);
        if (r < 0)
                return r;
        if (changed)
                mv_trust_slot_set(&verdicts->trust, NULL);
        mv_certs_watch_done(&verdicts->trust_watch);
        verdicts->trust_watch = (struct mv_certs_watch){ 0 };
        return verdicts->ca_file ? mv_certs_watch_init_trust(&verdicts->trust_watch, verdicts->ca_file, err)
                                 : 0;
}

/* Judge by what is known now. */
static int put_in_force(struct mv_serve_verdicts *verdicts, const struct mv_config_verdicts *config,
                        struct mv_err *err) {
        const struct mv_access_options options = {
                .tokens = verdicts->tokens,
                .trust = verdicts->ca_file ? &verdicts->trust : verdicts->client_ca,
                .names = config->client_names.items,
                .n_names = config->client_names.n,
        };
        struct mv_access *access = NULL;
        int r = config->enabled ? mv_access_new(&options, &access, err) : 0;
        if (r == 0)
                mv_access_slot_set(&verdicts->slot, access);
        return r;
}

/* How it is with one of the things that can be wrong; err is of r. What is wrong at the start is told by who starts; but that
 * there are no tokens keeps nobody from starting: so they are revoked, and reviews are answered all the same. */
static void note(struct mv_serve_verdicts *verdicts, enum mv_verdicts_problem which, int r,
                 const struct mv_err *err, struct mv_err *first) {
        char text[1152] = "";
        const bool revoked = which == MV_PROBLEM_TOKENS && r == MV_ENOTFOUND;
        if (r < 0) {
                mv_err_format(err, text, sizeof text);
                if (!first->code && !revoked)
                        *first = *err;
                if (verdicts->generation || revoked)
                        say(verdicts, MV_LOG_ERROR,
                            revoked ? "there are no tokens: nobody may ask for verdicts by one"
                                    : "who may ask for verdicts cannot be found out",
                            "error", text);
        }
        set_problem(verdicts, which, text);
}

static void look_at_authorities(struct mv_serve_verdicts *verdicts, bool new, struct mv_err *first) {
        bool changed = false;
        struct mv_err err = { 0 };
        int r = mv_certs_watch_poll_trust(&verdicts->trust_watch, &verdicts->trust, &changed, &err);
        if (r < 0 || changed)
                note(verdicts, MV_PROBLEM_AUTHORITIES, r, &err, first);
        if (r == 0 && changed && !new)
                say(verdicts, MV_LOG_INFO, "client authorities changed", "file", verdicts->ca_file);
}

/* Returns whether other tokens are in force now. */
static bool look_for_tokens(struct mv_serve_verdicts *verdicts, bool new, struct mv_err *first) {
        bool changed = false;
        struct mv_err err = { 0 };
        int r = look_at_tokens(verdicts, &changed, &err);
        if (r < 0 || changed)
                note(verdicts, MV_PROBLEM_TOKENS, r, &err, first);
        if (r == 0 && changed && !new)
                say(verdicts, MV_LOG_INFO, "tokens changed", "file", verdicts->token_file);
        return changed;
}

/* Look at everything, and at what did not change as well where there is a new configuration. What can be had is in force,
 * even if something is wrong: the first of it is in *first. */
static void look(struct mv_serve_verdicts *verdicts, const struct mv_config_verdicts *config, bool new,
                 struct mv_err *first) {
        bool tokens = false;
        struct mv_err err = { 0 };
        int r = 0;
        if (new) {
                verdicts->found = 0;
                for (int i = 0; i < MV_PROBLEMS; i++)
                        set_problem(verdicts, (enum mv_verdicts_problem)i, "");
                r = take_up_files(verdicts, config, &err);
        }
        if (config->enabled && verdicts->token_file)
                tokens = look_for_tokens(verdicts, new, first);
        if (config->enabled && verdicts->ca_file)
                look_at_authorities(verdicts, new, first);
        if (r == 0 && (new || tokens))
                r = put_in_force(verdicts, config, &err);
        if (r == 0 && new && config->enabled && config->client_names.n && !verdicts->ca_file &&
            !verdicts->client_ca)
                r = mv_err_set(&err, MV_EUSAGE,
                               "verdicts.clientNames needs authorities: "
                               "verdicts.clientCaFile or --client-ca");
        if (r < 0)
                note(verdicts, MV_PROBLEM_CONFIGURATION, r, &err, first);
}

static void look_with_configuration(struct mv_serve_verdicts *verdicts, struct mv_err *ret) {
        struct mv_config_status status;
        mv_config_watch_status(verdicts->configs, &status);
        const struct mv_config *config = mv_config_borrow(verdicts->configs);
        look(verdicts, &config->verdicts, status.generation != verdicts->generation, ret);
        if (ret->code != MV_ENOMEM)
                verdicts->generation = status.generation;
        else if (verdicts->generation)
                verdicts->generation = ULLONG_MAX; /* all of it once more, at the next look */
        mv_config_return(verdicts->configs, config);
}

int mv_serve_verdicts_start(struct mv_serve_verdicts *verdicts, struct mv_err *err) {
        look_with_configuration(verdicts, err);
        return err->code;
}

void mv_serve_verdicts_tend(struct mv_serve_verdicts *verdicts) {
        struct mv_err err = { 0 };
        look_with_configuration(verdicts, &err);
}
