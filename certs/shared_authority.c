/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/shared_authority.h"

#include "certs/authority.h"
#include "certs/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mv_shared_authority_done(struct mv_shared_authority *authority) {
        if (!authority)
                return;
        free(authority->bundle);
        mv_secret_free(authority->key, authority->key ? strlen(authority->key) : 0);
        mv_secret_free(authority->next_key, authority->next_key ? strlen(authority->next_key) : 0);
        *authority = (struct mv_shared_authority){ 0 };
}

static bool copy_text(const char *from, char **ret) {
        *ret = from ? strdup(from) : NULL;
        return *ret || !from;
}

int mv_shared_authority_copy(const struct mv_shared_authority *from, struct mv_shared_authority *ret,
                             struct mv_err *err) {
        struct mv_shared_authority a = { .in_use_since = from->in_use_since, .requested = from->requested };
        bool copied = copy_text(from->bundle, &a.bundle);
        copied = copy_text(from->key, &a.key) && copied;
        copied = copy_text(from->next_key, &a.next_key) && copied;
        if (!copied) {
                mv_shared_authority_done(&a);
                return mv_err_oom(err);
        }
        *ret = a;
        return 0;
}

static bool same_text(const char *a, const char *b) {
        return a && b ? strcmp(a, b) == 0 : a == b;
}

bool mv_shared_authority_same(const struct mv_shared_authority *a, const struct mv_shared_authority *b) {
        return same_text(a->bundle, b->bundle) && same_text(a->key, b->key) &&
               same_text(a->next_key, b->next_key) && a->in_use_since == b->in_use_since &&
               a->requested == b->requested;
}

static int at(const char *item, int code, struct mv_err *err) {
        if (err)
                snprintf(err->path, sizeof err->path, "%s", item);
        return code;
}

/* The certificate of that key in the list, which may sign others. */
static int find(const struct mv_cert_list *list, const char *key_pem, const char *item, unsigned *ret,
                struct mv_err *err) {
        gnutls_privkey_t key;
        int r = mv_key_parse(mv_str_from(key_pem), &key, err);
        if (r < 0)
                return at(item, r, err);
        int found = mv_cert_list_find_key(list, key);
        gnutls_privkey_deinit(key);
        if (found < 0)
                return at(item, mv_err_set(err, MV_ECRYPTO, "belongs to no certificate of ca.crt"), err);
        if (!mv_cert_is_ca(list->certs[found]))
                return at("ca.crt",
                          mv_err_set(err, MV_ECRYPTO, "the certificate of %s may not sign others (CA:FALSE)",
                                     item),
                          err);
        *ret = (unsigned)found;
        return 0;
}

int mv_shared_authority_study(const struct mv_shared_authority *authority, struct mv_secret_state *ret,
                              struct mv_err *err) {
        struct mv_secret_state state = { .in_use_since = authority->in_use_since,
                                         .requested = authority->requested };
        struct mv_cert_list list;
        unsigned ca = 0, next = 0;
        if (!authority->bundle && !authority->key) {
                *ret = state;
                return 0;
        }
        if (!authority->bundle || !authority->key)
                return at(authority->bundle ? "ca.key" : "ca.crt",
                          mv_err_set(err, MV_ENOTFOUND, "is missing, while %s is there",
                                     authority->bundle ? "ca.crt" : "ca.key"),
                          err);
        int r = mv_cert_list_parse(mv_str_from(authority->bundle), &list, err);
        if (r < 0)
                return at("ca.crt", r, err);
        r = find(&list, authority->key, "ca.key", &ca, err);
        if (r >= 0 && authority->next_key)
                r = find(&list, authority->next_key, "next.key", &next, err);
        if (r >= 0) {
                state.has_ca = true;
                state.ca_is_ours = mv_authority_is_ours(list.certs[ca]);
                state.ca = mv_cert_validity(list.certs[ca]);
                /* The same key twice would be a rotation that is over. */
                state.has_next = authority->next_key && next != ca;
                if (state.has_next)
                        state.next = mv_cert_validity(list.certs[next]);
                state.has_old = list.n > (state.has_next ? 2 : 1);
                *ret = state;
        }
        mv_cert_list_done(&list);
        return r;
}

int mv_bundle_find(struct mv_str bundle, struct mv_str key_pem, char **ret, struct mv_err *err) {
        struct mv_cert_list list;
        struct mv_buf buf;
        gnutls_privkey_t key;
        int r = mv_cert_list_parse(bundle, &list, err);
        if (r < 0)
                return r;
        r = mv_key_parse(key_pem, &key, err);
        if (r >= 0) {
                int found = mv_cert_list_find_key(&list, key);
                gnutls_privkey_deinit(key);
                mv_buf_init(&buf, &mv_allocator_system, MV_PEM_MAX_BYTES);
                r = found < 0 ? mv_err_set(err, MV_ECRYPTO, "the key belongs to no certificate of the bundle")
                              : mv_cert_to_pem(list.certs[found], &buf, err);
                if (r < 0)
                        mv_buf_done(&buf);
                else
                        *ret = buf.p; /* from malloc: mv_allocator_system */
        }
        mv_cert_list_done(&list);
        return r;
}

static int replace_text(char **text, const char *by, struct mv_err *err) {
        mv_secret_free(*text, *text ? strlen(*text) : 0);
        *text = NULL;
        return copy_text(by, text) ? 0 : mv_err_oom(err);
}

/* The bundle gets those of first in front; what has expired goes. */
static int merge(struct mv_shared_authority *a, const char *first, time_t now, struct mv_err *err) {
        char *merged;
        int r = mv_bundle_merge(mv_str_from(first), mv_str_from(a->bundle), now, &merged, err);
        if (r < 0)
                return r;
        free(a->bundle);
        a->bundle = merged;
        return 0;
}

/* A new authority, whose key goes to *key. */
static int add(struct mv_shared_authority *a, char **key, time_t now, long long seconds, struct mv_err *err) {
        struct mv_pem_pair pair = { 0 };
        int r = mv_authority_make_ca(MV_STR(""), now, seconds, &pair, err);
        if (r >= 0)
                r = replace_text(key, pair.key, err);
        if (r >= 0)
                r = merge(a, pair.certificate, now, err);
        mv_pem_pair_done(&pair);
        return r;
}

/* Only the authority in use stays. */
static int drop(struct mv_shared_authority *a, struct mv_err *err) {
        char *kept;
        int r = mv_bundle_find(mv_str_from(a->bundle), mv_str_from(a->key), &kept, err);
        if (r < 0)
                return r;
        free(a->bundle);
        a->bundle = kept;
        return 0;
}

/* Behind a failure the bundle would miss an authority; *a is thrown away then. */
static int apply(struct mv_shared_authority *a, enum mv_secret_step step, time_t now, long long ca_seconds,
                 struct mv_err *err) {
        int r = 0;
        switch (step) {
        case MV_SECRET_CREATE:
        case MV_SECRET_REPLACE:
                r = replace_text(&a->next_key, NULL, err);
                if (r >= 0)
                        r = add(a, &a->key, now, ca_seconds, err);
                a->in_use_since = now;
                a->requested = false;
                return r;
        case MV_SECRET_STAGE:
                a->requested = false;
                return add(a, &a->next_key, now, ca_seconds, err);
        case MV_SECRET_SWITCH:
                mv_secret_free(a->key, a->key ? strlen(a->key) : 0);
                a->key = a->next_key;
                a->next_key = NULL;
                a->in_use_since = now;
                return merge(a, "", now, err);
        case MV_SECRET_MARK:
                a->in_use_since = now;
                return 0;
        case MV_SECRET_DROP:
                return drop(a, err);
        case MV_SECRET_NONE:
        case MV_SECRET_PUBLISH:
        case MV_SECRET_SETTLE:
        case MV_SECRET_STUCK:
                break;
        }
        return mv_err_set(err, MV_EUSAGE, "\"%s\" changes nothing", mv_secret_step_name(step));
}

int mv_shared_authority_step(const struct mv_shared_authority *authority, enum mv_secret_step step,
                             time_t now, long long ca_seconds, struct mv_shared_authority *ret,
                             struct mv_err *err) {
        struct mv_shared_authority a;
        int r = mv_shared_authority_copy(authority, &a, err);
        if (r < 0)
                return r;
        r = apply(&a, step, now, ca_seconds, err);
        if (r < 0)
                mv_shared_authority_done(&a);
        else
                *ret = a;
        return r;
}

int mv_shared_authority_adopt(const struct mv_shared_authority *authority, struct mv_str bundle, time_t now,
                              struct mv_shared_authority *ret, struct mv_err *err) {
        struct mv_shared_authority a;
        char *merged;
        int r = mv_bundle_merge(mv_str_from(authority->bundle), bundle, now, &merged, err);
        if (r < 0)
                return r;
        r = mv_shared_authority_copy(authority, &a, err);
        if (r < 0) {
                free(merged);
                return r;
        }
        free(a.bundle);
        a.bundle = merged;
        a.in_use_since = now;
        *ret = a;
        return 0;
}
