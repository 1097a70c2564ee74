/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: the session pointer, versions, swapping the identity, client certificates. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "certs/trust.h"
#include "tests/unit/support_webhook.h"
#include "webhook/server.h"
#include "webhook/tls.h"

#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct authority authority;

/* A webhook with its identity and stub. */
struct fixture {
        struct stub stub;
        struct journal journal;
        struct mv_identity_slot slot;
        struct mv_trust_slot trust;
        struct mv_webhook *webhook;
        unsigned port;
};

static void start(struct fixture *f, bool with_trust, const char *const *names, size_t n_names) {
        struct mv_err err = { 0 };
        stub_init(&f->stub);
        journal_init(&f->journal);
        mv_identity_slot_init(&f->slot);
        mv_identity_slot_set(&f->slot, authority_identity(&authority));
        mv_trust_slot_init(&f->trust);
        struct mv_webhook_config config = { .listen = "127.0.0.1:0",
                                            .threads = 2,
                                            .limits = MV_WEBHOOK_LIMITS,
                                            .identity = &f->slot,
                                            .client_ca = with_trust ? &f->trust : NULL,
                                            .client_names = names,
                                            .n_client_names = n_names,
                                            .backend = &f->stub.backend,
                                            .version = "test",
                                            .logger = &f->journal.logger };
        if (mv_webhook_new(&config, &f->webhook, &err) < 0 || mv_webhook_start(f->webhook, &err) < 0)
                fail_msg("%s", err.message);
        f->port = mv_webhook_port(f->webhook);
        assert_int_equal(mv_webhook_management_port(f->webhook), 0);
}

static void stop(struct fixture *f) {
        mv_webhook_free(f->webhook);
        mv_identity_slot_done(&f->slot);
        mv_trust_slot_done(&f->trust);
        pthread_mutex_destroy(&f->journal.lock);
}

/* --- the undocumented ground we stand on ---------------------------------------------------------------- */

static _Atomic(struct MHD_Connection *) started;
static atomic_uint right, wrong;
static struct mv_identity *pointer_identity;

static void pointer_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                               enum MHD_ConnectionNotificationCode what) {
        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
                started = mhd;
                *socket_context = context;
        }
}

static int pointer_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                            gnutls_pcert_st **chain, unsigned *n, gnutls_ocsp_data_st **ocsp,
                            unsigned *n_ocsp, gnutls_privkey_t *key, unsigned *flags) {
        struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
        (void)info;
        if (mhd && mhd == started &&
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context == &right)
                right++;
        else
                wrong++;
        *chain = mv_identity_chain(pointer_identity, n);
        *key = mv_identity_key(pointer_identity);
        *ocsp = NULL;
        *n_ocsp = *flags = 0;
        return 0;
}

static enum MHD_Result pointer_handle(void *context, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *data, size_t *n,
                                      void **request) {
        (void)context, (void)mhd, (void)url, (void)method, (void)version, (void)data, (void)n, (void)request;
        return MHD_NO;
}

/* The library sets the session's pointer to its connection, and that connection's socket context is set
 * before the handshake: nowhere promised, and the identity of every handshake is found by it. */
static void test_session_pointer(void **state) {
        struct client client;
        (void)state;
        pointer_identity = authority_identity(&authority);
        struct MHD_Daemon *daemon =
                MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS, 0, NULL, NULL, pointer_handle,
                                 NULL, MHD_OPTION_HTTPS_CERT_CALLBACK2, pointer_retrieve,
                                 MHD_OPTION_NOTIFY_CONNECTION, pointer_connection, &right, MHD_OPTION_END);
        assert_non_null(daemon);
        unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
        for (int i = 0; i < 3; i++) {
                struct tls_choice choice = { .priorities = i == 1 ? "NORMAL:-VERS-ALL:+VERS-TLS1.2" : NULL };
                assert_int_equal(client_connect_tls(&client, port, &choice), 0);
                client_close(&client);
        }
        MHD_stop_daemon(daemon);
        pointer_identity = mv_identity_unref(pointer_identity);
        assert_int_equal(wrong, 0);
        assert_true(right >= 3);
}

/* --- versions ------------------------------------------------------------------------------------------- */

static void test_versions(void **state) {
        static const struct {
                const char *priorities;
                bool good;
        } cases[] = {
                { "NORMAL:-VERS-ALL:+VERS-TLS1.3", true },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.2", true },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.1", false },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.0", false },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", false },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM", false },
                { "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA", false },
                { "NORMAL:-GROUP-ALL:+GROUP-X448:+GROUP-FFDHE2048", false },
                { "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", true },
        };
        struct fixture f;
        struct client client;
        (void)state;
        start(&f, false, NULL, 0);
        uint64_t failed = 0;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct tls_choice choice = { .ca = authority.ca.certificate,
                                             .priorities = cases[i].priorities };
                int r = client_connect_tls(&client, f.port, &choice);
                if ((r == 0) != cases[i].good)
                        fail_msg("%s: %d", cases[i].priorities, r);
                if (r == 0) {
                        assert_int_equal(client_review(&client, 5000, NULL), 200);
                        client_close(&client);
                } else
                        failed++;
        }
        double until = seconds() + WAIT_MS / 1000.0;
        while (mv_metrics_get(mv_webhook_metrics(f.webhook), MV_COUNTER_HANDSHAKES_FAILED) < failed &&
               seconds() < until)
                sleep_ms(5);
        assert_int_equal(mv_metrics_get(mv_webhook_metrics(f.webhook), MV_COUNTER_HANDSHAKES_FAILED), failed);
        assert_false(journal_has(&f.journal, "handshake"));

        struct tls_choice http = { .ca = authority.ca.certificate, .alpn = "http/1.1" };
        assert_int_equal(client_connect_tls(&client, f.port, &http), 0);
        gnutls_datum_t chosen = { 0 };
        assert_int_equal(gnutls_alpn_get_selected_protocol(client.session, &chosen), 0);
        assert_int_equal(chosen.size, 8);
        client_close(&client);
        stop(&f);
}

/* Random bytes, half a ClientHello, plain HTTP: nothing falls over. */
static void test_garbage(void **state) {
        static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        struct fixture f;
        struct client client;
        unsigned seed = 99;
        (void)state;
        start(&f, false, NULL, 0);
        for (int i = 0; i < 100; i++) {
                char noise[600];
                for (size_t k = 0; k < sizeof noise; k++)
                        noise[k] = (char)rand_r(&seed);
                assert_true(client_connect(&client, f.port));
                if (i % 4 == 0)
                        client_say(&client, "POST /validate HTTP/1.1\r\nHost: x\r\n\r\n");
                else {
                        if (i % 4 > 1)
                                client_send(&client, hello, sizeof hello - 1);
                        if (i % 4 > 2 || i % 4 == 1)
                                client_send(&client, noise, (size_t)rand_r(&seed) % sizeof noise);
                }
                client_close(&client);
        }
        assert_int_equal(client_connect_tls(&client, f.port, &(struct tls_choice){ 0 }), 0);
        assert_int_equal(client_review(&client, 10, NULL), 200);
        client_close(&client);
        assert_int_equal(f.stub.reviews, 1);
        stop(&f);
}

/* --- the identity --------------------------------------------------------------------------------------- */

struct load {
        unsigned port;
        atomic_bool *end;
        unsigned good, bad;
};

static void *load_main(void *context) {
        struct load *load = context;
        while (!*load->end) {
                struct client client;
                struct tls_choice choice = { .ca = authority.ca.certificate };
                bool good = client_connect_tls(&client, load->port, &choice) == 0;
                for (int i = 0; good && i < 2; i++)
                        good = client_review(&client, 2000, NULL) == 200;
                if (client.fd >= 0)
                        client_close(&client);
                *(good ? &load->good : &load->bad) += 1;
        }
        return NULL;
}

static void test_swap(void **state) {
        struct fixture f;
        atomic_bool end = false;
        struct load loads[3];
        pthread_t threads[3];
        struct mv_identity *identities[4], *none;
        struct client old;
        (void)state;
        start(&f, false, NULL, 0);
        assert_int_equal(client_connect_tls(&old, f.port, &(struct tls_choice){ 0 }), 0);
        for (int i = 0; i < 4; i++)
                identities[i] = authority_identity(&authority);
        for (int i = 0; i < 3; i++) {
                loads[i] = (struct load){ .port = f.port, .end = &end };
                assert_int_equal(pthread_create(&threads[i], NULL, load_main, &loads[i]), 0);
        }
        double until = seconds() + 1.5;
        unsigned swaps = 0;
        for (; seconds() < until; swaps++) {
                mv_identity_slot_set(&f.slot, mv_identity_ref(identities[swaps % 4]));
                sleep_ms(2);
        }
        end = true;
        unsigned good = 0;
        for (int i = 0; i < 3; i++) {
                pthread_join(threads[i], NULL);
                assert_int_equal(loads[i].bad, 0);
                good += loads[i].good;
        }
        assert_true(good > 10 && swaps > 20);

        /* the identity of an open connection lives on after everybody else has let go of it */
        for (int i = 0; i < 4; i++)
                identities[i] = mv_identity_unref(identities[i]);
        none = NULL;
        mv_identity_slot_set(&f.slot, none);
        assert_int_equal(client_review(&old, 100, NULL), 200);
        client_close(&old);
        /* without an identity handshakes fail, and nothing else */
        assert_int_not_equal(client_connect_tls(&old, f.port, &(struct tls_choice){ 0 }), 0);
        mv_identity_slot_set(&f.slot, authority_identity(&authority));
        assert_int_equal(client_connect_tls(&old, f.port, &(struct tls_choice){ 0 }), 0);
        client_close(&old);
        stop(&f);
}

/* --- client certificates -------------------------------------------------------------------------------- */

struct pair {
        char *cert, *key;
};

/* A certificate under the CA, for the purpose (GNUTLS_KP_...), by hand: the authority makes servers only. */
static struct pair sign_client(const struct authority *by, const char *purpose, const char *name,
                               long starts_in) {
        gnutls_x509_crt_t ca, cert;
        gnutls_x509_privkey_t ca_key, key;
        gnutls_datum_t pem = { (unsigned char *)by->ca.certificate, (unsigned)strlen(by->ca.certificate) },
                       out;
        gnutls_datum_t key_pem = { (unsigned char *)by->ca.key, (unsigned)strlen(by->ca.key) };
        static unsigned char serial[] = { 1, 2, 3 };
        struct pair pair;
        gnutls_x509_crt_init(&ca);
        gnutls_x509_crt_init(&cert);
        gnutls_x509_privkey_init(&ca_key);
        gnutls_x509_privkey_init(&key);
        assert_int_equal(gnutls_x509_crt_import(ca, &pem, GNUTLS_X509_FMT_PEM), 0);
        assert_int_equal(gnutls_x509_privkey_import2(ca_key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0), 0);
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                     0);
        gnutls_x509_crt_set_version(cert, 3);
        gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
        gnutls_x509_crt_set_key(cert, key);
        gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
        gnutls_x509_crt_set_activation_time(cert, time(NULL) + starts_in);
        gnutls_x509_crt_set_expiration_time(cert, time(NULL) + starts_in + 1000);
        gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
        gnutls_x509_crt_set_key_purpose_oid(cert, purpose, 0);
        assert_int_equal(gnutls_x509_crt_sign2(cert, ca, ca_key, GNUTLS_DIG_SHA256, 0), 0);
        gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &out);
        pair.cert = strndup((char *)out.data, out.size);
        gnutls_free(out.data);
        gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out);
        pair.key = strndup((char *)out.data, out.size);
        gnutls_free(out.data);
        gnutls_x509_crt_deinit(ca);
        gnutls_x509_crt_deinit(cert);
        gnutls_x509_privkey_deinit(ca_key);
        gnutls_x509_privkey_deinit(key);
        return pair;
}

static int ask_as(unsigned port, const char *cert, const char *key) {
        struct client client;
        struct tls_choice choice = { .ca = authority.ca.certificate, .cert = cert, .key = key };
        assert_int_equal(client_connect_tls(&client, port, &choice), 0);
        int first = client_review(&client, 5000, NULL), second = client_review(&client, 1, NULL);
        assert_int_equal(first, second);
        client_close(&client);
        return first;
}

static void test_client_certificates(void **state) {
        static const char *const names[] = { "kube-apiserver" };
        struct fixture f;
        struct authority other;
        struct mv_trust *trust;
        (void)state;
        authority_init(&other);
        struct {
                struct pair pair;
                int status;
        } cases[] = {
                { sign_client(&authority, GNUTLS_KP_TLS_WWW_CLIENT, "kube-apiserver", -60), 200 },
                { sign_client(&authority, GNUTLS_KP_TLS_WWW_CLIENT, "somebody", -60), 403 },
                { sign_client(&authority, GNUTLS_KP_TLS_WWW_SERVER, "kube-apiserver", -60), 403 },
                { sign_client(&authority, GNUTLS_KP_TLS_WWW_CLIENT, "kube-apiserver", -5000), 403 },
                { sign_client(&authority, GNUTLS_KP_TLS_WWW_CLIENT, "kube-apiserver", 5000), 403 },
                { sign_client(&other, GNUTLS_KP_TLS_WWW_CLIENT, "kube-apiserver", -60), 403 },
        };
        start(&f, true, names, 1);
        assert_int_equal(ask_as(f.port, cases[0].pair.cert, cases[0].pair.key), 403); /* no list loaded yet */
        assert_int_equal(mv_trust_new(mv_str_from(authority.ca.certificate), &trust, NULL), 0);
        mv_trust_slot_set(&f.trust, trust);
        assert_int_equal(ask_as(f.port, NULL, NULL), 401);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                int status = ask_as(f.port, cases[i].pair.cert, cases[i].pair.key);
                if (status != cases[i].status)
                        fail_msg("case %zu: %d", i, status);
        }
        assert_true(journal_has(&f.journal, "client certificate refused"));
        /* the list may be swapped while the server runs */
        assert_int_equal(mv_trust_new(mv_str_from(other.ca.certificate), &trust, NULL), 0);
        mv_trust_slot_set(&f.trust, trust);
        assert_int_equal(ask_as(f.port, cases[5].pair.cert, cases[5].pair.key), 200);
        assert_int_equal(ask_as(f.port, cases[0].pair.cert, cases[0].pair.key), 403);
        assert_int_equal(f.stub.reviews, 4);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                free(cases[i].pair.cert);
                free(cases[i].pair.key);
        }
        authority_done(&other);
        stop(&f);
}

static int setup(void **state) {
        (void)state;
        authority_init(&authority);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        authority_done(&authority);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_session_pointer),
                cmocka_unit_test(test_versions),
                cmocka_unit_test(test_garbage),
                cmocka_unit_test(test_swap),
                cmocka_unit_test(test_client_certificates),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
