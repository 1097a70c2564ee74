/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/identity.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct mv_identity {
        struct mv_shared shared;
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

static void destroy(struct mv_shared *shared) {
        struct mv_identity *identity = (struct mv_identity *)shared;
        for (unsigned i = 0; i < identity->n_chain; i++)
                gnutls_pcert_deinit(&identity->chain[i]);
        if (identity->key)
                gnutls_privkey_deinit(identity->key);
        free(identity);
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
                mv_shared_init(&identity->shared, destroy);
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
        return mv_shared_ref(identity ? &identity->shared : NULL);
}

struct mv_identity *mv_identity_unref(struct mv_identity *identity) {
        return mv_shared_unref(identity ? &identity->shared : NULL);
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
        mv_shared_slot_init(&slot->slot);
}

void mv_identity_slot_done(struct mv_identity_slot *slot) {
        mv_shared_slot_done(&slot->slot);
}

void mv_identity_slot_set(struct mv_identity_slot *slot, struct mv_identity *identity) {
        mv_shared_slot_set(&slot->slot, identity ? &identity->shared : NULL);
}

struct mv_identity *mv_identity_slot_ref(struct mv_identity_slot *slot) {
        return mv_shared_slot_ref(&slot->slot);
}
