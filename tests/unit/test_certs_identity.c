/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"
#include "certs/identity.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SWAPS = 1000, THREADS = 4 };

static struct mv_pem_pair self_signed(const char *name, const char *purpose) {
        const time_t now = time(NULL);
        return make_shape((struct shape){ .name = name, .purpose = purpose, .from = now, .to = now + DAY });
}

static struct mv_identity *identity_of(const struct mv_pem_pair *pair) {
        struct mv_identity *identity = NULL;
        assert_int_equal(
                mv_identity_new(mv_str_from(pair->certificate), mv_str_from(pair->key), &identity, NULL), 0);
        assert_non_null(identity);
        return identity;
}

static void test_facts(void **state) {
        (void)state;
        struct mv_pem_pair a = self_signed("a", GNUTLS_KP_TLS_WWW_SERVER), b = self_signed("b", NULL);
        char *chain = text_join(a.certificate, b.certificate);
        struct mv_identity *identity = NULL;
        struct mv_cert_list list;
        unsigned n = 0;
        unsigned char fingerprint[MV_FINGERPRINT_BYTES];
        gnutls_x509_crt_t cert = first_of(a.certificate, &list);
        assert_int_equal(mv_identity_new(mv_str_from(chain), mv_str_from(a.key), &identity, NULL), 0);
        gnutls_pcert_st *pcert = mv_identity_chain(identity, &n);
        assert_int_equal(n, 2);
        assert_int_equal(pcert[0].type, GNUTLS_CRT_X509);
        assert_true(mv_cert_has_key(cert, mv_identity_key(identity)));
        assert_int_equal(mv_identity_validity(identity).not_after, mv_cert_validity(cert).not_after);
        assert_int_equal(mv_cert_fingerprint(cert, fingerprint, NULL), 0);
        assert_memory_equal(fingerprint, mv_identity_fingerprint(identity), sizeof fingerprint);
        assert_ptr_equal(mv_identity_ref(identity), identity);
        assert_null(mv_identity_unref(identity));
        mv_identity_chain(identity, &n); /* one reference is left */
        assert_int_equal(n, 2);
        assert_null(mv_identity_unref(identity));
        assert_null(mv_identity_unref(NULL));
        assert_null(mv_identity_ref(NULL));
        mv_cert_list_done(&list);
        free(chain);
        mv_pem_pair_done(&a);
        mv_pem_pair_done(&b);
}

static void test_refused(void **state) {
        (void)state;
        struct mv_pem_pair a = self_signed("a", NULL), b = self_signed("b", NULL);
        struct mv_pem_pair client = self_signed("c", GNUTLS_KP_TLS_WWW_CLIENT);
        char *swapped = text_join(b.certificate, a.certificate), *long_chain = text_join(a.certificate, "");
        for (unsigned i = 0; i < 16; i++) {
                char *longer = text_join(long_chain, b.certificate);
                free(long_chain);
                long_chain = longer;
        }
        const struct {
                const char *certificate, *key, *word;
                int code;
        } rows[] = {
                { a.certificate, b.key, "do not match", MV_ECRYPTO },
                { swapped, a.key, "do not match", MV_ECRYPTO },
                { client.certificate, client.key, "serverAuth", MV_ECRYPTO },
                { "", a.key, "no PEM certificate", MV_ESYNTAX },
                { a.key, a.key, "no PEM certificate", MV_ESYNTAX },
                { a.certificate, "", "private key", MV_ESYNTAX },
                { a.certificate, a.certificate, "private key", MV_ESYNTAX },
                { long_chain, a.key, "more than 16", MV_ELIMIT },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_identity *identity = NULL;
                struct mv_err err = { 0 };
                int r = mv_identity_new(mv_str_from(rows[i].certificate), mv_str_from(rows[i].key), &identity,
                                        &err);
                if (r != rows[i].code || !strstr(err.message, rows[i].word))
                        fail_msg("row %zu: %d %s", i, r, err.message);
                assert_null(identity);
        }
        /* A key under a passphrase. */
        gnutls_x509_privkey_t key;
        gnutls_datum_t pem, data = { (unsigned char *)a.key, (unsigned)strlen(a.key) };
        struct mv_identity *identity = NULL;
        struct mv_err err = { 0 };
        gnutls_x509_privkey_init(&key);
        assert_int_equal(gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
        assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, "secret",
                                                           GNUTLS_PKCS_PBES2_AES_256, &pem),
                         0);
        struct mv_str locked = { .p = (const char *)pem.data, .n = pem.size };
        assert_true(mv_identity_new(mv_str_from(a.certificate), locked, &identity, &err) < 0);
        assert_non_null(strstr(err.message, "passphrase"));
        gnutls_free(pem.data);
        gnutls_x509_privkey_deinit(key);
        free(swapped);
        free(long_chain);
        mv_pem_pair_done(&a);
        mv_pem_pair_done(&b);
        mv_pem_pair_done(&client);
}

struct traffic {
        struct mv_identity_slot slot;
        atomic_bool stop;
        atomic_uint seen;
        const struct mv_pem_pair *pairs;
};

/* What a handshake does: take a reference, sign with the key, look at the chain, drop it. */
static void *handshakes(void *context) {
        struct traffic *t = context;
        while (!atomic_load(&t->stop)) {
                struct mv_identity *identity = mv_identity_slot_ref(&t->slot);
                if (!identity)
                        continue;
                unsigned n = 0;
                gnutls_datum_t data = { (unsigned char[]){ "hello" }, 5 }, signature;
                if (mv_identity_chain(identity, &n) && n == 1 &&
                    gnutls_privkey_sign_data2(mv_identity_key(identity), GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
                                              0, &data, &signature) == 0) {
                        gnutls_pcert_st *leaf = mv_identity_chain(identity, &n);
                        if (gnutls_pubkey_verify_data2(leaf->pubkey, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0,
                                                       &data, &signature) >= 0)
                                atomic_fetch_add(&t->seen, 1);
                        else
                                atomic_store(&t->stop, true);
                        gnutls_free(signature.data);
                }
                mv_identity_unref(identity);
        }
        return NULL;
}

static void test_swaps(void **state) {
        (void)state;
        static struct traffic t;
        struct mv_pem_pair pairs[2] = { self_signed("a", NULL), self_signed("b", NULL) };
        pthread_t threads[THREADS];
        mv_identity_slot_init(&t.slot);
        assert_null(mv_identity_slot_ref(&t.slot));
        for (size_t i = 0; i < THREADS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, handshakes, &t), 0);
        for (unsigned i = 0; i < SWAPS; i++)
                mv_identity_slot_set(&t.slot, i % 100 == 99 ? NULL : identity_of(&pairs[i & 1]));
        mv_identity_slot_set(&t.slot, identity_of(&pairs[0]));
        const unsigned before = atomic_load(&t.seen);
        while (atomic_load(&t.seen) < before + 10 && !atomic_load(&t.stop))
                usleep(1000);
        assert_false(atomic_load(&t.stop)); /* no signature was wrong */
        atomic_store(&t.stop, true);
        for (size_t i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        mv_identity_slot_done(&t.slot);
        mv_pem_pair_done(&pairs[0]);
        mv_pem_pair_done(&pairs[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_swaps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
