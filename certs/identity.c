/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/identity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct mv_identity {
        atomic_uint references;
        struct mv_validity validity;
        unsigned char fingerprint[MV_FINGERPRINT_BYTES];
        gnutls_privkey_t key;
        unsigned n_chain;
        gnutls_pcert_st chain[CHAIN_MAX];
};

static int check_leaf(gnutls_x509_crt_t leaf, gnutls_privkey_t key, struct mv_err *err) {
        if (!mv_cert_has_key(leaf, key))
                return mv_err_set(err, MV_ECRYPTO, "the certificate and the private key do not match");
        if (!mv_cert_serves(leaf, GNUTLS_KP_TLS_WWW_SERVER))
                return mv_err_set(err, MV_ECRYPTO, "the certificate is not for servers (no serverAuth)");
        return 0;
}

static int import_chain(struct mv_identity *identity, const struct mv_cert_list *list, struct mv_err *err) {
        if (list->n > CHAIN_MAX)
                return mv_err_set(err, MV_ELIMIT, "a chain of more than %d certificates", CHAIN_MAX);
        for (unsigned i = 0; i < list->n; i++) {
                int r = gnutls_pcert_import_x509(&identity->chain[i], list->certs[i], 0);
                if (r < 0)
                        return mv_err_set(err, MV_ECRYPTO, "the chain cannot be used: %s",
                                          gnutls_strerror(r));
                identity->n_chain++;
        }
        return 0;
}

int mv_identity_new(struct mv_str certificate_pem, struct mv_str key_pem, struct mv_identity **ret,
                    struct mv_err *err) {
        struct mv_cert_list list;
        int r = mv_cert_list_parse(certificate_pem, &list, err);
        if (r < 0)
                return r;
        struct mv_identity *identity = calloc(1, sizeof *identity);
        r = identity ? 0 : mv_err_oom(err);
        if (r >= 0) {
                atomic_init(&identity->references, 1);
                identity->validity = mv_cert_validity(list.certs[0]);
                r = mv_key_parse(key_pem, &identity->key, err);
        }
        if (r >= 0)
                r = check_leaf(list.certs[0], identity->key, err);
        if (r >= 0)
                r = mv_cert_fingerprint(list.certs[0], identity->fingerprint, err);
        if (r >= 0)
                r = import_chain(identity, &list, err);
        mv_cert_list_done(&list);
        if (r < 0) {
                mv_identity_unref(identity);
                return r;
        }
        *ret = identity;
        return 0;
}

struct mv_identity *mv_identity_ref(struct mv_identity *identity) {
        if (identity)
                atomic_fetch_add_explicit(&identity->references, 1, memory_order_relaxed);
        return identity;
}

struct mv_identity *mv_identity_unref(struct mv_identity *identity) {
        if (!identity || atomic_fetch_sub_explicit(&identity->references, 1, memory_order_acq_rel) != 1)
                return NULL;
        for (unsigned i = 0; i < identity->n_chain; i++)
                gnutls_pcert_deinit(&identity->chain[i]);
        if (identity->key)
                gnutls_privkey_deinit(identity->key);
        free(identity);
        return NULL;
}

gnutls_pcert_st *mv_identity_chain(struct mv_identity *identity, unsigned *ret_n) {
        *ret_n = identity->n_chain;
        return identity->chain;
}

gnutls_privkey_t mv_identity_key(struct mv_identity *identity) {
        return identity->key;
}

struct mv_validity mv_identity_validity(const struct mv_identity *identity) {
        return identity->validity;
}

const unsigned char *mv_identity_fingerprint(const struct mv_identity *identity) {
        return identity->fingerprint;
}

void mv_identity_slot_init(struct mv_identity_slot *slot) {
        pthread_mutex_init(&slot->lock, NULL);
        slot->current = NULL;
}

void mv_identity_slot_done(struct mv_identity_slot *slot) {
        slot->current = mv_identity_unref(slot->current);
        pthread_mutex_destroy(&slot->lock);
}

void mv_identity_slot_set(struct mv_identity_slot *slot, struct mv_identity *identity) {
        pthread_mutex_lock(&slot->lock);
        struct mv_identity *old = slot->current;
        slot->current = identity;
        pthread_mutex_unlock(&slot->lock);
        mv_identity_unref(old);
}

struct mv_identity *mv_identity_slot_ref(struct mv_identity_slot *slot) {
        pthread_mutex_lock(&slot->lock);
        struct mv_identity *identity = mv_identity_ref(slot->current);
        pthread_mutex_unlock(&slot->lock);
        return identity;
}
