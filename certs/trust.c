/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/trust.h"

#include "certs/certificate.h"
#include "certs/peer.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 16 };

struct mv_trust {
        struct mv_shared shared;
        unsigned n;
        gnutls_x509_trust_list_t list;
};

static void destroy(struct mv_shared *shared) {
        struct mv_trust *trust = (struct mv_trust *)shared;
        gnutls_x509_trust_list_deinit(trust->list, 1);
        free(trust);
}

int mv_trust_new(struct mv_str pem, struct mv_trust **ret, struct mv_err *err) {
        struct mv_cert_list certs;
        int r = mv_cert_list_parse(pem, &certs, err);
        if (r < 0)
                return r;
        struct mv_trust *trust = calloc(1, sizeof *trust);
        if (!trust || gnutls_x509_trust_list_init(&trust->list, 0) < 0) {
                free(trust);
                mv_cert_list_done(&certs);
                return mv_err_oom(err);
        }
        mv_shared_init(&trust->shared, destroy);
        /* The list takes over each certificate; GnuTLS counts those that it holds already, so skip them
         * here. */
        for (unsigned i = certs.n; i-- > 0;) {
                bool again = false;
                for (unsigned k = 0; k < i; k++)
                        again = again || mv_cert_same(certs.certs[i], certs.certs[k]);
                if (again)
                        continue;
                int n = gnutls_x509_trust_list_add_cas(trust->list, &certs.certs[i], 1, 0);
                if (n < 0) {
                        r = mv_err_set(err, MV_ECRYPTO, "certificate %u cannot be used: %s", i + 1,
                                       gnutls_strerror(n));
                        break;
                }
                certs.certs[i] = NULL;
                trust->n += (unsigned)n;
        }
        for (unsigned i = 0; i < certs.n; i++)
                if (certs.certs[i])
                        gnutls_x509_crt_deinit(certs.certs[i]);
        certs.n = 0;
        mv_cert_list_done(&certs);
        if (r < 0) {
                mv_trust_unref(trust);
                return r;
        }
        *ret = trust;
        return 0;
}

struct mv_trust *mv_trust_ref(struct mv_trust *trust) {
        return mv_shared_ref(trust ? &trust->shared : NULL);
}

struct mv_trust *mv_trust_unref(struct mv_trust *trust) {
        return mv_shared_unref(trust ? &trust->shared : NULL);
}

unsigned mv_trust_count(const struct mv_trust *trust) {
        return trust->n;
}

static int verify(struct mv_trust *trust, gnutls_x509_crt_t *certs, unsigned n, struct mv_err *err) {
        static char client_purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
        gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)client_purpose };
        unsigned status = GNUTLS_CERT_INVALID;
        int r = gnutls_x509_trust_list_verify_crt2(trust->list, certs, n, &purpose, 1, 0, &status, NULL);
        if (r < 0)
                return mv_err_set(err, MV_ECRYPTO, "the client's certificate cannot be verified: %s",
                                  gnutls_strerror(r));
        if (status == 0) /* the return code alone says nothing about trust */
                return 0;
        char problem[400];
        return mv_err_set(err, MV_ECRYPTO, "the client's certificate is refused: %s",
                          mv_peer_problem(status, problem, sizeof problem));
}

/* Its position; n when it is none of them. */
static size_t position(const char *name, const char *const *names, size_t n) {
        size_t i = 0;
        while (i < n && strcmp(name, names[i]) != 0)
                i++;
        return i;
}

static int check_name(gnutls_x509_crt_t cert, const char *const *names, size_t n_names, size_t *ret,
                      struct mv_err *err) {
        char common[256] = "";
        size_t n = sizeof common, at = n_names;
        struct mv_names has;

        if (n_names == 0)
                return 0;
        if (gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, common, &n) < 0)
                common[0] = '\0';
        else if (strlen(common) == n) /* no NUL byte inside */
                at = position(common, names, n_names);
        mv_names_init(&has);
        int r = at < n_names ? 0 : mv_cert_names(cert, &has, err);
        for (size_t i = 0; r >= 0 && at == n_names && i < has.n_dns; i++)
                at = position(has.dns[i], names, n_names);
        mv_names_done(&has);
        if (r < 0 || at < n_names) {
                *ret = at;
                return r;
        }
        return mv_err_set(err, MV_ECRYPTO, "the client's name (%s) is not among those that are let in",
                          common);
}

int mv_trust_identify_chain(struct mv_trust *trust, const gnutls_datum_t *chain, unsigned n,
                            const char *const *names, size_t n_names, size_t *ret, struct mv_err *err) {
        gnutls_x509_crt_t certs[CHAIN_MAX];
        unsigned done = 0;
        int r = 0;

        if (!chain || n == 0)
                return mv_err_set(err, MV_ENOTFOUND, "the client showed no certificate");
        if (n > CHAIN_MAX)
                return mv_err_set(err, MV_ECRYPTO, "the client's chain is longer than %d", CHAIN_MAX);
        for (; done < n; done++) {
                if (gnutls_x509_crt_init(&certs[done]) < 0) {
                        r = mv_err_oom(err);
                        break;
                }
                int code = gnutls_x509_crt_import(certs[done], &chain[done], GNUTLS_X509_FMT_DER);
                if (code < 0) {
                        gnutls_x509_crt_deinit(certs[done]);
                        r = mv_err_set(err, MV_ECRYPTO, "the client's certificate cannot be read: %s",
                                       gnutls_strerror(code));
                        break;
                }
        }
        if (r >= 0)
                r = verify(trust, certs, n, err);
        if (r >= 0)
                r = check_name(certs[0], names, n_names, ret, err);
        for (unsigned i = 0; i < done; i++)
                gnutls_x509_crt_deinit(certs[i]);
        return r;
}

int mv_trust_verify_chain(struct mv_trust *trust, const gnutls_datum_t *chain, unsigned n,
                          const char *const *names, size_t n_names, struct mv_err *err) {
        size_t which;
        return mv_trust_identify_chain(trust, chain, n, names, n_names, &which, err);
}

int mv_trust_verify_session(struct mv_trust *trust, gnutls_session_t session, const char *const *names,
                            size_t n_names, struct mv_err *err) {
        unsigned n = 0;
        const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
        return mv_trust_verify_chain(trust, chain, n, names, n_names, err);
}

void mv_trust_slot_init(struct mv_trust_slot *slot) {
        mv_shared_slot_init(&slot->slot);
}

void mv_trust_slot_done(struct mv_trust_slot *slot) {
        mv_shared_slot_done(&slot->slot);
}

void mv_trust_slot_set(struct mv_trust_slot *slot, struct mv_trust *trust) {
        mv_shared_slot_set(&slot->slot, trust ? &trust->shared : NULL);
}

struct mv_trust *mv_trust_slot_ref(struct mv_trust_slot *slot) {
        return mv_shared_slot_ref(&slot->slot);
}
