/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/credentials.h"

#include "certs/certificate.h"
#include "certs/clock.h"
#include "certs/peer.h"
#include "cluster/kube/plain.h"
#include "cluster/kube/wipe.h"

enum {
        /* A plugin may ask a person, or block for long: one that has failed, or was run because what it gave had been
         * refused, is not run again at once. */
        PLUGIN_PAUSE_MS = 10 * 1000,
};

/* --- PEM --- */

static void pem_init(struct mv_kube_pem_state *pem) {
        *pem = (struct mv_kube_pem_state){ .file = MV_MEMORY_FILE_NONE };
        mv_buf_init(&pem->text, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
}

static void pem_done(struct mv_kube_pem_state *pem) {
        mv_memory_file_done(&pem->file);
        mv_buf_done(&pem->text);
}

/* The configuration has such a PEM in a file, which has changed. */
static bool pem_changed(const struct mv_kube_pem_state *pem, const struct mv_kube_pem *from,
                        struct mv_file_stamp *ret_stamp) {
        if (!from->file.n)
                return false;
        *ret_stamp = mv_file_stamp(from->file.p);
        return !mv_file_stamp_equal(ret_stamp, &pem->stamp);
}

static int pem_read(const struct mv_kube_pem *from, struct mv_buf *ret, struct mv_err *err) {
        struct mv_file file = { 0 };
        int r = from->file.n ? mv_file_read(from->file.p, &file, err) : 0;
        if (r)
                return r;
        mv_buf_clear(ret);
        mv_buf_append_str(ret, from->file.n ? mv_file_str(&file) : from->data);
        mv_file_done(&file);
        return mv_buf_failed(ret) ? mv_err_oom(err) : 0;
}

static int pem_set(struct mv_kube_pem_state *pem, struct mv_str text, struct mv_err *err) {
        mv_buf_clear(&pem->text);
        mv_buf_append_str(&pem->text, text);
        return mv_buf_failed(&pem->text) ? mv_err_oom(err) : mv_memory_file_set(&pem->file, text, err);
}

static bool is_given(const struct mv_kube_pem *pem) {
        return pem->file.n || pem->data.n;
}

/* Name the file, or what the data is. */
static int in_pem(const struct mv_kube_pem *pem, const char *what, struct mv_err *err, int code) {
        if (!err || code == MV_ENOMEM || err->file[0])
                return code;
        if (pem->file.n)
                return mv_err_in_file(err, pem->file.p, code);
        char message[sizeof err->message];
        memcpy(message, err->message, sizeof message);
        return mv_err_set(err, code, "%s: %.400s", what, message);
}

static int renew_authority(struct mv_kube_credentials *c, bool force, struct mv_err *err) {
        const struct mv_kube_pem *from = &c->config->authority;
        struct mv_file_stamp stamp = { 0 };
        struct mv_buf text;
        if (!is_given(from) || (!pem_changed(&c->authority, from, &stamp) && !force))
                return 0;
        mv_buf_init(&text, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
        int r = pem_read(from, &text, err);
        if (!r)
                r = mv_peer_check_certificates(mv_buf_str(&text), err);
        if (!r)
                r = pem_set(&c->authority, mv_buf_str(&text), err);
        if (!r)
                c->authority.stamp = stamp;
        mv_buf_done(&text);
        return r ? in_pem(from, "certificate-authority-data", err, r) : 0;
}

/* Take a pair that belongs together: libcurl is shown both at once. */
static int set_pair(struct mv_kube_credentials *c, struct mv_str certificate, struct mv_str key,
                    struct mv_err *err) {
        int r = pem_set(&c->certificate, certificate, err);
        if (!r)
                r = pem_set(&c->key, key, err);
        c->generation++;
        return r;
}

static int renew_pair(struct mv_kube_credentials *c, bool force, struct mv_err *err) {
        const struct mv_kube_pem *certificate = &c->config->certificate, *key = &c->config->key;
        struct mv_file_stamp certificate_stamp = { 0 }, key_stamp = { 0 };
        struct mv_buf certificate_text, key_text;
        bool changed = pem_changed(&c->certificate, certificate, &certificate_stamp);
        changed = pem_changed(&c->key, key, &key_stamp) || changed;
        if (!is_given(certificate) || (!changed && !force))
                return 0;
        mv_buf_init(&certificate_text, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
        mv_buf_init(&key_text, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
        int r = pem_read(certificate, &certificate_text, err);
        if (!r)
                r = pem_read(key, &key_text, err);
        if (!r && (r = mv_peer_check_certificates(mv_buf_str(&certificate_text), err)))
                in_pem(certificate, "client-certificate-data", err, r);
        else if (!r && (r = mv_peer_check_pair(mv_buf_str(&certificate_text), mv_buf_str(&key_text), err)))
                in_pem(key, "client-key-data", err, r);
        if (!r)
                r = set_pair(c, mv_buf_str(&certificate_text), mv_buf_str(&key_text), err);
        if (!r) {
                c->certificate.stamp = certificate_stamp;
                c->key.stamp = key_stamp;
        }
        mv_buf_done(&certificate_text);
        mv_buf_done(&key_text);
        return r;
}

/* --- tokens --- */

static int set_token(struct mv_kube_credentials *c, struct mv_str token, struct mv_err *err) {
        if (c->token.n == token.n && mv_str_equal(mv_buf_str(&c->token), token))
                return 0;
        mv_buf_clear(&c->token);
        mv_buf_append_str(&c->token, token);
        c->generation++;
        return mv_buf_failed(&c->token) ? mv_err_oom(err) : 0;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int check_token(struct mv_str token, struct mv_err *err) {
        if (!token.n)
                return mv_err_set(err, MV_ETYPE, "holds no token");
        return mv_kube_is_plain(token) ? 0
                                       : mv_err_set(err, MV_ETYPE, "holds a token with a control character");
}

static int renew_token(struct mv_kube_credentials *c, bool force, struct mv_err *err) {
        if (!c->config->token_file.n)
                return 0;
        const char *path = c->config->token_file.p;
        struct mv_file_stamp stamp = mv_file_stamp(path);
        struct mv_file file;
        if (!force && c->token_stamp.exists && mv_file_stamp_equal(&stamp, &c->token_stamp))
                return 0;
        int r = mv_file_read(path, &file, err);
        if (r)
                return r;
        struct mv_str token = mv_file_str(&file);
        while (token.n && is_space(token.p[token.n - 1]))
                token.n--;
        while (token.n && is_space(token.p[0]))
                token = mv_str_skip(token, 1);
        r = check_token(token, err);
        if (r)
                mv_err_in_file(err, path, r);
        else
                r = set_token(c, token, err);
        mv_file_done(&file);
        if (!r)
                c->token_stamp = stamp;
        return r;
}

/* --- the plugin --- */

static bool plugin_is_due(const struct mv_kube_credentials *c, long long now, long long now_ms) {
        bool has_one = c->plugin.token.n || c->plugin.certificate.n;
        if (!c->config->exec.command.n || (has_one && !c->refused && now < c->plugin.expires))
                return false;
        return !c->plugin_pauses || now_ms - c->plugin_ms >= PLUGIN_PAUSE_MS;
}

/* What a run gave, from now on. */
static int take_plugin(struct mv_kube_credentials *c, const struct mv_kube_credential *given,
                       struct mv_err *err) {
        int r = set_token(c, given->token, err);
        if (!r && given->certificate.n)
                r = set_pair(c, given->certificate, given->key, err);
        else if (!r && c->certificate.file.path[0]) {
                mv_memory_file_done(&c->certificate.file);
                mv_memory_file_done(&c->key.file);
        }
        mv_kube_credential_done(&c->plugin);
        c->plugin = *given;
        c->refused = false;
        c->generation++;
        return r;
}

static void begin_plugin(struct mv_kube_credentials *c, long long now_ms) {
        struct mv_err problem = { 0 };
        c->plugin_pauses = c->refused;
        if (mv_kube_exec_thread_begin(&c->run, mv_buf_str(&c->authority.text), &problem)) {
                c->plugin_problem = problem;
                c->plugin_pauses = true;
                c->plugin_ms = now_ms;
        }
}

/* Take what a run gave that is over. */
static void end_plugin(struct mv_kube_credentials *c, long long now_ms) {
        struct mv_kube_credential given;
        struct mv_err problem = { 0 };
        int r = 0;
        if (!mv_kube_exec_thread_end(&c->run, &r, &given, &problem))
                return;
        if (!r)
                r = take_plugin(c, &given, &problem);
        c->plugin_problem = problem;
        c->plugin_pauses |= r != 0;
        c->plugin_ms = now_ms;
}

/* --- all --- */

/* That of $SSL_CERT_FILE, which libcurl reads with each connection and says nothing of. */
static int check_trust_file(const struct mv_kube_config *config, struct mv_err *err) {
        struct mv_file file = { 0 };
        int r = config->trust_file.n ? mv_file_read(config->trust_file.p, &file, err) : 0;
        mv_file_done(&file);
        return r;
}

int mv_kube_credentials_init(struct mv_kube_credentials *c, const struct mv_kube_config *config,
                             struct mv_err *err) {
        *c = (struct mv_kube_credentials){ .config = config };
        mv_kube_exec_thread_init(&c->run, config);
        pem_init(&c->authority);
        pem_init(&c->certificate);
        pem_init(&c->key);
        mv_buf_init(&c->token, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
        int r = check_trust_file(config, err);
        if (!r)
                r = renew_authority(c, true, err);
        if (!r)
                r = renew_pair(c, true, err);
        if (!r)
                r = set_token(c, config->token, err);
        if (!r)
                r = renew_token(c, true, &c->file_problem);
        /* As kubectl has it: the token that is written down stands in for the file. */
        if (c->file_problem.code && config->token.n && r != MV_ENOMEM)
                r = 0;
        else if (c->file_problem.code && err)
                *err = c->file_problem;
        if (r)
                mv_kube_credentials_done(c);
        return r;
}

void mv_kube_credentials_done(struct mv_kube_credentials *c) {
        mv_kube_exec_thread_done(&c->run);
        pem_done(&c->authority);
        pem_done(&c->certificate);
        pem_done(&c->key);
        mv_buf_done(&c->token);
        mv_kube_credential_done(&c->plugin);
}

static int renew_files(struct mv_kube_credentials *c, struct mv_err *err) {
        struct mv_err problem = { 0 };
        int (*const renew[])(struct mv_kube_credentials *, bool,
                             struct mv_err *) = { renew_authority, renew_pair, renew_token };
        c->file_problem = (struct mv_err){ 0 };
        for (size_t i = 0; i < sizeof renew / sizeof *renew; i++)
                if (renew[i](c, false, &problem)) {
                        if (problem.code == MV_ENOMEM)
                                return mv_err_oom(err);
                        c->file_problem = problem;
                        problem = (struct mv_err){ 0 };
                }
        return 0;
}

int mv_kube_credentials_refresh(struct mv_kube_credentials *c, long long now, long long now_ms,
                                struct mv_err *err) {
        bool ran = c->run.running;
        end_plugin(c, now_ms);
        if (c->run.running)
                return 1;
        int r = renew_files(c, err);
        if (r)
                return r;
        /* What it has just given is shown once, even when it says that it has expired. */
        if (!ran && plugin_is_due(c, now, now_ms))
                begin_plugin(c, now_ms);
        if (c->run.running)
                return 1;
        if (!c->config->exec.command.n || c->plugin.token.n || c->plugin.certificate.n)
                return 0;
        if (err)
                *err = c->plugin_problem;
        return c->plugin_problem.code;
}

const struct mv_err *mv_kube_credentials_problem(const struct mv_kube_credentials *c) {
        return c->plugin_problem.code ? &c->plugin_problem : c->file_problem.code ? &c->file_problem : NULL;
}

void mv_kube_credentials_refuse(struct mv_kube_credentials *c, unsigned generation) {
        if (generation != c->generation)
                return;
        c->refused = true;
}
