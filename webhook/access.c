/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_TOKENS = 16 };

struct mv_access {
        struct mv_shared shared;
        struct mv_trust_slot *trust;
        char *token_text; /* wiped when it goes */
        struct mv_str tokens[MOST_TOKENS];
        size_t n_tokens, n_token_text;
        const char **names; /* one block with their texts */
        size_t n_names;
};

/* --- tokens --- */

/* RFC 6750: letters, digits and -._~+/, then = signs. */
static bool is_token(struct mv_str text) {
        static const char signs[] = "-._~+/";
        while (text.n && text.p[text.n - 1] == '=')
                text.n--;
        for (size_t i = 0; i < text.n; i++) {
                const char c = text.p[i];
                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
                    !memchr(signs, c, sizeof signs - 1))
                        return false;
        }
        return text.n > 0;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

static struct mv_str trim(struct mv_str text) {
        while (text.n && is_space(text.p[0]))
                text = mv_str_skip(text, 1);
        while (text.n && is_space(text.p[text.n - 1]))
                text.n--;
        return text;
}

static int read_tokens(struct mv_access *access, struct mv_err *err) {
        struct mv_str rest = { access->token_text, access->n_token_text };
        for (unsigned line = 1; rest.n; line++) {
                const size_t end = mv_str_find_byte(rest, '\n');
                const struct mv_str token = trim((struct mv_str){ rest.p, end });
                rest = mv_str_skip(rest, end < rest.n ? end + 1 : end);
                if (!token.n)
                        continue;
                if (!is_token(token))
                        return mv_err_set(err, MV_ETYPE,
                                          "line %u is no token: letters, digits and -._~+/=", line);
                if (access->n_tokens == MOST_TOKENS)
                        return mv_err_set(err, MV_ELIMIT, "there are more than %d tokens", MOST_TOKENS);
                access->tokens[access->n_tokens++] = token;
        }
        return access->n_tokens ? 0 : mv_err_set(err, MV_ENOTFOUND, "there is no token in it");
}

struct mv_str mv_bearer_token(const char *authorization) {
        static const char scheme[] = "Bearer";
        const size_t n = sizeof scheme - 1;
        if (!authorization || strncasecmp(authorization, scheme, n) != 0 || !is_space(authorization[n]))
                return (struct mv_str){ 0 };
        const struct mv_str token = trim(mv_str_from(authorization + n));
        return is_token(token) ? token : (struct mv_str){ 0 };
}

/* All of them are compared, each as a whole, so that time tells nothing but lengths. */
static bool has_token(const struct mv_access *access, struct mv_str token) {
        bool found = false;
        for (size_t i = 0; i < access->n_tokens; i++)
                found |= access->tokens[i].n == token.n &&
                         gnutls_memcmp(access->tokens[i].p, token.p, token.n) == 0;
        return found;
}

/* --- life --- */

static int copy_tokens(struct mv_access *access, struct mv_str text, struct mv_err *err) {
        access->token_text = malloc(text.n + 1);
        if (!access->token_text)
                return mv_err_oom(err);
        memcpy(access->token_text, text.p, text.n);
        access->n_token_text = text.n;
        return read_tokens(access, err);
}

static int copy_names(struct mv_access *access, const struct mv_access_options *options, struct mv_err *err) {
        size_t bytes = options->n_names * sizeof *access->names;
        for (size_t i = 0; i < options->n_names; i++)
                bytes += options->names[i].n + 1;
        access->names = calloc(1, bytes + 1);
        if (!access->names)
                return mv_err_oom(err);
        char *at = (char *)(access->names + options->n_names);
        for (size_t i = 0; i < options->n_names; i++) {
                memcpy(at, options->names[i].p, options->names[i].n);
                access->names[i] = at;
                at += options->names[i].n + 1;
        }
        access->n_names = options->n_names;
        return 0;
}

static void destroy(struct mv_shared *shared) {
        struct mv_access *access = (struct mv_access *)shared;
        if (access->token_text)
                gnutls_memset(access->token_text, 0, access->n_token_text);
        free(access->token_text);
        free(access->names);
        free(access);
}

int mv_access_new(const struct mv_access_options *options, struct mv_access **ret, struct mv_err *err) {
        struct mv_access *access = calloc(1, sizeof *access);
        if (!access)
                return mv_err_oom(err);
        mv_shared_init(&access->shared, destroy);
        access->trust = options->trust;
        int r = copy_names(access, options, err);
        if (r == 0 && options->tokens.p)
                r = copy_tokens(access, options->tokens, err);
        if (r < 0) {
                mv_access_unref(access);
                return r;
        }
        *ret = access;
        return 0;
}

struct mv_access *mv_access_unref(struct mv_access *access) {
        return mv_shared_unref(access ? &access->shared : NULL);
}

/* --- judging --- */

static bool takes_certificates(const struct mv_access *access) {
        return access->trust && access->n_names;
}

bool mv_access_is_open(const struct mv_access *access) {
        struct mv_trust *trust = takes_certificates(access) ? mv_trust_slot_ref(access->trust) : NULL;
        const bool open = access->n_tokens || trust;
        mv_trust_unref(trust);
        return open;
}

static bool judge_chain(struct mv_access *access, const gnutls_datum_t *chain, unsigned n,
                        char ret_client[MV_CLIENT_MAX], struct mv_err *err) {
        struct mv_trust *trust = mv_trust_slot_ref(access->trust);
        size_t name = 0;
        int r = trust ? mv_trust_identify_chain(trust, chain, n, access->names, access->n_names, &name, err)
                      : mv_err_set(err, MV_ECRYPTO, "no authority for client certificates is loaded");
        mv_trust_unref(trust);
        if (r == 0)
                snprintf(ret_client, MV_CLIENT_MAX, "%s", access->names[name]);
        return r == 0;
}

enum mv_access_outcome mv_access_judge(struct mv_access *access, const char *authorization,
                                       const gnutls_datum_t *chain, unsigned n,
                                       char ret_client[MV_CLIENT_MAX], struct mv_err *err) {
        const struct mv_str token = mv_bearer_token(authorization);
        ret_client[0] = '\0';
        if (token.n && has_token(access, token)) {
                snprintf(ret_client, MV_CLIENT_MAX, "token");
                return MV_ACCESS_ADMITTED;
        }
        const bool certificate = n && takes_certificates(access);
        if (certificate && judge_chain(access, chain, n, ret_client, err))
                return MV_ACCESS_ADMITTED;
        return authorization ? MV_ACCESS_TOKEN : certificate ? MV_ACCESS_REFUSED : MV_ACCESS_NONE;
}

/* --- the slot --- */

void mv_access_slot_init(struct mv_access_slot *slot) {
        mv_shared_slot_init(&slot->slot);
}

void mv_access_slot_done(struct mv_access_slot *slot) {
        mv_shared_slot_done(&slot->slot);
}

void mv_access_slot_set(struct mv_access_slot *slot, struct mv_access *access) {
        mv_shared_slot_set(&slot->slot, access ? &access->shared : NULL);
}

struct mv_access *mv_access_slot_ref(struct mv_access_slot *slot) {
        return mv_shared_slot_ref(&slot->slot);
}

bool mv_access_slot_wants_certificates(struct mv_access_slot *slot) {
        struct mv_access *access = mv_access_slot_ref(slot);
        const bool wants = access && takes_certificates(access);
        mv_access_unref(access);
        return wants;
}
