/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"

#include "certs/probe.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

/* A listener that answers one connection: with TLS, with other bytes, or not at all. */
struct listener {
        enum { TLS, NOISE, SILENCE } manner;
        struct mv_pem_pair pair; /* what it shows */
        int fd;
        unsigned port;
        pthread_t thread;
};

static void serve_tls(const struct listener *l, int fd) {
        gnutls_certificate_credentials_t credentials;
        gnutls_session_t session;
        const gnutls_datum_t cert = { (unsigned char *)l->pair.certificate,
                                      (unsigned)strlen(l->pair.certificate) };
        const gnutls_datum_t key = { (unsigned char *)l->pair.key, (unsigned)strlen(l->pair.key) };
        assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
        assert_true(gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM) >= 0);
        assert_int_equal(gnutls_init(&session, GNUTLS_SERVER), 0);
        assert_int_equal(gnutls_set_default_priority(session), 0);
        assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials), 0);
        gnutls_transport_set_int(session, fd);
        char byte;
        if (gnutls_handshake(session) >= 0)
                gnutls_record_recv(session, &byte, 1); /* it says nothing, and ends */
        gnutls_deinit(session);
        gnutls_certificate_free_credentials(credentials);
}

static void *serve(void *argument) {
        const struct listener *l = argument;
        char bytes[64];
        int fd = accept(l->fd, NULL, NULL);
        assert_true(fd >= 0);
        if (l->manner == TLS)
                serve_tls(l, fd);
        else if (l->manner == NOISE)
                assert_int_equal(send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL), 28);
        while (recv(fd, bytes, sizeof bytes, 0) > 0)
                ;
        close(fd);
        return NULL;
}

static void listen_at(struct listener *l) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof address;
        l->fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(l->fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(l->fd, 1), 0);
        assert_int_equal(getsockname(l->fd, (struct sockaddr *)&address, &n), 0);
        l->port = ntohs(address.sin_port);
        assert_int_equal(pthread_create(&l->thread, NULL, serve, l), 0);
}

/* One probe of a listener that serves pair; the code, and in err why. */
static int probed(int manner, const struct mv_pem_pair *pair, const char *name, const char *authorities,
                  struct mv_err *err) {
        struct listener l = { .manner = manner };
        if (pair)
                l.pair = *pair;
        listen_at(&l);
        const struct mv_probe probe = { .address = "127.0.0.1",
                                        .port = l.port,
                                        .server_name = name,
                                        .authorities = mv_str_from(authorities),
                                        .timeout_ms = manner == SILENCE ? 100 : 20000 };
        *err = (struct mv_err){ 0 };
        int r = mv_probe_run(&probe, err);
        pthread_join(l.thread, NULL);
        close(l.fd);
        return r;
}

static void test_believed_or_not(void **state) {
        (void)state;
        const time_t now = time(NULL);
        struct mv_pem_pair ca = { 0 }, other = { 0 }, leaf = { 0 }, stale = { 0 }, early = { 0 };
        struct mv_names names = default_names();
        struct mv_err err;
        const struct mv_str none = { 0 };
        assert_int_equal(mv_authority_make_ca(none, now - 9 * DAY, 30 * DAY, &ca, NULL), 0);
        assert_int_equal(mv_authority_make_ca(none, now, 3 * DAY, &other, NULL), 0);
        const struct mv_str cert = mv_str_from(ca.certificate), key = mv_str_from(ca.key);
        assert_int_equal(mv_authority_sign_leaf(cert, key, &names, now, DAY, &leaf, NULL), 0);
        assert_int_equal(mv_authority_sign_leaf(cert, key, &names, now - 3 * DAY, DAY, &stale, NULL), 0);
        assert_int_equal(mv_authority_sign_leaf(cert, key, &names, now + 3 * DAY, DAY, &early, NULL), 0);
        char *both = text_join(other.certificate, ca.certificate);

        assert_int_equal(probed(TLS, &leaf, "migvet.migvet.svc", ca.certificate, &err), 0);
        assert_int_equal(probed(TLS, &leaf, "migvet.migvet.svc", both, &err), 0);
        assert_int_equal(probed(TLS, &leaf, "migvet.migvet.svc", other.certificate, &err), MV_ECRYPTO);
        assert_non_null(strstr(err.message, "migvet.migvet.svc"));
        assert_int_equal(probed(TLS, &leaf, "migvet.elsewhere.svc", ca.certificate, &err), MV_ECRYPTO);
        assert_non_null(strstr(err.message, "not believed for migvet.elsewhere.svc"));
        assert_int_equal(probed(TLS, &stale, "migvet.migvet.svc", ca.certificate, &err), MV_ECRYPTO);
        assert_non_null(strstr(err.message, "expired"));
        assert_int_equal(probed(TLS, &early, "migvet.migvet.svc", ca.certificate, &err), MV_ECRYPTO);
        free(both);
        mv_names_done(&names);
        mv_pem_pair_done(&ca);
        mv_pem_pair_done(&other);
        mv_pem_pair_done(&leaf);
        mv_pem_pair_done(&stale);
        mv_pem_pair_done(&early);
}

/* make_shape knows no DNS names: the host name is the common name, which counts where there are none. */
static void test_purpose(void **state) {
        (void)state;
        const time_t now = time(NULL);
        struct mv_pem_pair ca = { 0 };
        struct mv_err err;
        assert_int_equal(mv_authority_make_ca((struct mv_str){ 0 }, now, 3 * DAY, &ca, NULL), 0);
        struct shape shape = { .name = "migvet.migvet.svc", .from = now, .to = now + DAY, .issuer = &ca };
        const char *const purposes[] = { GNUTLS_KP_TLS_WWW_SERVER, NULL, GNUTLS_KP_TLS_WWW_CLIENT };
        for (size_t i = 0; i < 3; i++) {
                shape.purpose = purposes[i];
                struct mv_pem_pair leaf = make_shape(shape);
                assert_int_equal(probed(TLS, &leaf, shape.name, ca.certificate, &err),
                                 i < 2 ? 0 : MV_ECRYPTO);
                mv_pem_pair_done(&leaf);
        }
        assert_non_null(strstr(err.message, "purpose"));
        mv_pem_pair_done(&ca);
}

static void test_no_handshake(void **state) {
        (void)state;
        struct mv_pem_pair ca = { 0 };
        struct mv_err err;
        const struct mv_str none = { 0 };
        assert_int_equal(mv_authority_make_ca(none, time(NULL), DAY, &ca, NULL), 0);
        assert_int_equal(probed(NOISE, NULL, "x", ca.certificate, &err), MV_ECRYPTO);
        assert_int_equal(probed(SILENCE, NULL, "x", ca.certificate, &err), MV_ETIMEOUT);
        struct mv_probe probe = { .address = "127.0.0.1", .port = 1, .server_name = "x", .timeout_ms = 1000 };
        assert_int_equal(mv_probe_run(&probe, &err), MV_ESYNTAX); /* nobody could be believed */
        probe.authorities = mv_str_from(ca.certificate);
        assert_int_equal(mv_probe_run(&probe, &err), MV_EIO);
        probe.address = "localhost";
        assert_int_equal(mv_probe_run(&probe, &err), MV_EUSAGE);
        mv_pem_pair_done(&ca);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_believed_or_not),
                cmocka_unit_test(test_purpose),
                cmocka_unit_test(test_no_handshake),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
