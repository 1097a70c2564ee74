/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

static const time_t NOW = 1900000000;

static struct mv_pem_pair make_ca(time_t now) {
        struct mv_pem_pair ca;
        assert_int_equal(mv_authority_make_ca(MV_STR(""), now, MV_CA_SECONDS, &ca, NULL), 0);
        return ca;
}

static struct mv_pem_pair make_leaf(const struct mv_pem_pair *ca, time_t now) {
        struct mv_names names = default_names();
        struct mv_pem_pair leaf;
        assert_int_equal(mv_authority_sign_leaf(mv_str_from(ca->certificate), mv_str_from(ca->key), &names,
                                                now, MV_LEAF_SECONDS, &leaf, NULL),
                         0);
        mv_names_done(&names);
        return leaf;
}

static void test_names(void **state) {
        static const char *const good[] = { "a",     "localhost", "migvet.migvet.svc", "*.example.org",
                                            "a-b.c", "1a.example" };
        static const char *const bad[] = { "",    ".",  "a..b", "-a",         "a-",        "a b",
                                           "a_b", "*",  "*.",   "a.*.b",      "127.0.0.1", "::1",
                                           "a/b", "a.", ".a",   "\xc3\xa4.de" };
        (void)state;
        struct mv_names names;
        mv_names_init(&names);
        for (size_t i = 0; i < sizeof good / sizeof *good; i++)
                assert_int_equal(mv_names_add_dns(&names, mv_str_from(good[i]), NULL), 0);
        assert_int_equal(names.n_dns, 6);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct mv_err err = { 0 };
                assert_int_equal(mv_names_add_dns(&names, mv_str_from(bad[i]), &err), MV_EUSAGE);
                assert_true(err.message[0] != '\0');
        }
        assert_int_equal(mv_names_add_dns(&names, MV_STR("LOCALHOST"), NULL), 0);
        assert_int_equal(names.n_dns, 6); /* once, in lower case */
        assert_int_equal(mv_names_add_ip(&names, MV_STR("0:0:0::1"), NULL), 0);
        assert_int_equal(mv_names_add_ip(&names, MV_STR("::1"), NULL), 0);
        assert_int_equal(mv_names_add_ip(&names, MV_STR("10.0.0.1"), NULL), 0);
        assert_int_equal(names.n_ips, 2);
        assert_int_equal(mv_names_add_ip(&names, MV_STR("10.0.0"), NULL), MV_EUSAGE);
        assert_int_equal(mv_names_add_ip(&names, MV_STR("localhost"), NULL), MV_EUSAGE);

        struct mv_names wanted = default_names();
        assert_false(mv_names_cover(&names, &wanted));
        assert_int_equal(mv_names_add_all(&names, &wanted, NULL), 0);
        assert_true(mv_names_cover(&names, &wanted));
        assert_false(mv_names_cover(&wanted, &names));
        mv_names_done(&wanted);
        for (unsigned i = 0; i < 300; i++) {
                char text[20];
                snprintf(text, sizeof text, "n%u", i);
                int r = mv_names_add_dns(&names, mv_str_from(text), NULL);
                assert_true(r == 0 || r == MV_ELIMIT);
        }
        assert_int_equal(names.n_dns, MV_NAMES_MAX);
        mv_names_done(&names);
        mv_names_done(&names);
        mv_names_done(NULL);
}

static void test_ca(void **state) {
        (void)state;
        struct mv_pem_pair ca = make_ca(NOW), again = { 0 }, none = { 0 };
        struct mv_cert_list list;
        gnutls_x509_crt_t cert = first_of(ca.certificate, &list);
        unsigned is_ca = 0, usage = 0;
        int path = -1;
        assert_true(gnutls_x509_crt_get_basic_constraints(cert, NULL, &is_ca, &path) >= 0);
        assert_true(is_ca);
        assert_int_equal(path, 1);
        assert_int_equal(gnutls_x509_crt_get_key_usage(cert, &usage, NULL), 0);
        assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
        assert_int_equal(gnutls_x509_crt_get_version(cert), 3);
        assert_int_equal(mv_cert_validity(cert).not_before, NOW - MV_CERT_BACKDATE_SECONDS);
        assert_int_equal(mv_cert_validity(cert).not_after, NOW + MV_CA_SECONDS);
        assert_true(mv_cert_signed_by(cert, cert));
        assert_true(mv_authority_is_ours(cert));
        assert_non_null(strstr(ca.key, "BEGIN PRIVATE KEY"));

        /* With the same key: another certificate for it. */
        assert_int_equal(mv_authority_make_ca(mv_str_from(ca.key), NOW, MV_CA_SECONDS, &again, NULL), 0);
        struct mv_cert_list other;
        gnutls_privkey_t key;
        assert_false(mv_cert_same(cert, first_of(again.certificate, &other)));
        assert_int_equal(mv_key_parse(mv_str_from(ca.key), &key, NULL), 0);
        assert_true(mv_cert_has_key(other.certs[0], key));
        gnutls_privkey_deinit(key);
        assert_int_equal(mv_authority_make_ca(MV_STR("no key"), NOW, MV_CA_SECONDS, &none, NULL), MV_ESYNTAX);
        assert_null(none.key);

        struct mv_pem_pair theirs =
                make_shape((struct shape){ .name = "theirs", .ca = true, .from = NOW, .to = NOW + DAY });
        struct mv_cert_list foreign;
        assert_false(mv_authority_is_ours(first_of(theirs.certificate, &foreign)));
        mv_cert_list_done(&foreign);
        mv_pem_pair_done(&theirs);
        mv_cert_list_done(&other);
        mv_cert_list_done(&list);
        mv_pem_pair_done(&again);
        mv_pem_pair_done(&ca);
        mv_pem_pair_done(&ca);
}

static void test_leaf(void **state) {
        (void)state;
        struct mv_pem_pair ca = make_ca(NOW), leaf = make_leaf(&ca, NOW + DAY), second = make_leaf(&ca, NOW);
        struct mv_cert_list ca_list, list, list2;
        gnutls_x509_crt_t cert = first_of(leaf.certificate, &list);
        struct mv_names names, wanted = default_names();
        unsigned char serial[64], serial2[64];
        size_t n = sizeof serial, n2 = sizeof serial2;
        unsigned usage = 0;
        assert_true(mv_cert_signed_by(cert, first_of(ca.certificate, &ca_list)));
        assert_false(mv_cert_is_ca(cert));
        assert_true(mv_cert_serves(cert, GNUTLS_KP_TLS_WWW_SERVER));
        assert_false(mv_cert_serves(cert, GNUTLS_KP_TLS_WWW_CLIENT));
        assert_int_equal(gnutls_x509_crt_get_key_usage(cert, &usage, NULL), 0);
        assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
        assert_int_equal(mv_cert_validity(cert).not_before, NOW + DAY - MV_CERT_BACKDATE_SECONDS);
        assert_int_equal(mv_cert_validity(cert).not_after, NOW + DAY + MV_LEAF_SECONDS);
        mv_names_init(&names);
        assert_int_equal(mv_cert_names(cert, &names, NULL), 0);
        assert_true(mv_names_cover(&names, &wanted) && mv_names_cover(&wanted, &names));
        assert_int_equal(gnutls_x509_crt_get_serial(cert, serial, &n), 0);
        assert_int_equal(gnutls_x509_crt_get_serial(first_of(second.certificate, &list2), serial2, &n2), 0);
        assert_int_equal(n, 16);
        assert_int_equal(n2, 16);
        assert_memory_not_equal(serial, serial2, n);
        assert_string_not_equal(leaf.key, second.key);
        mv_names_done(&names);
        mv_names_done(&wanted);
        mv_cert_list_done(&ca_list);
        mv_cert_list_done(&list);
        mv_cert_list_done(&list2);
        mv_pem_pair_done(&leaf);
        mv_pem_pair_done(&second);
        mv_pem_pair_done(&ca);
}

static void test_leaf_within_ca(void **state) {
        (void)state;
        struct mv_pem_pair ca = make_ca(NOW);
        struct mv_cert_list list;
        const time_t end = NOW + MV_CA_SECONDS;
        struct mv_pem_pair late = make_leaf(&ca, end - DAY);
        assert_int_equal(mv_cert_validity(first_of(late.certificate, &list)).not_after, end);
        mv_cert_list_done(&list);
        mv_pem_pair_done(&late);
        struct mv_pem_pair early = make_leaf(&ca, NOW - 10);
        assert_int_equal(mv_cert_validity(first_of(early.certificate, &list)).not_before,
                         NOW - MV_CERT_BACKDATE_SECONDS);
        mv_cert_list_done(&list);
        mv_pem_pair_done(&early);
        mv_pem_pair_done(&ca);
}

static void test_leaf_refused(void **state) {
        (void)state;
        struct mv_pem_pair ca = make_ca(NOW), other = make_ca(NOW), out = { 0 };
        struct mv_pem_pair plain = make_shape((struct shape){ .name = "x", .from = NOW, .to = NOW + DAY });
        struct mv_names names = default_names(), none = { 0 };
        const struct {
                const char *certificate, *key;
                const struct mv_names *names;
                time_t now;
                int code;
        } rows[] = {
                { ca.certificate, ca.key, &none, NOW, MV_EUSAGE },
                { ca.certificate, other.key, &names, NOW, MV_ECRYPTO },
                { ca.certificate, ca.key, &names, NOW + MV_CA_SECONDS, MV_ECRYPTO },
                { plain.certificate, plain.key, &names, NOW, MV_ECRYPTO },
                { "", ca.key, &names, NOW, MV_ESYNTAX },
                { ca.certificate, "", &names, NOW, MV_ESYNTAX },
                { ca.key, ca.key, &names, NOW, MV_ESYNTAX },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_err err = { 0 };
                int r = mv_authority_sign_leaf(mv_str_from(rows[i].certificate), mv_str_from(rows[i].key),
                                               rows[i].names, rows[i].now, MV_LEAF_SECONDS, &out, &err);
                assert_int_equal(r, rows[i].code);
                assert_int_equal(err.code, rows[i].code);
                assert_null(out.certificate);
        }
        /* A bundle: the certificate that fits the key is used, wherever it stands. */
        char *bundle = text_join(other.certificate, ca.certificate);
        struct mv_cert_list list, ca_list;
        assert_int_equal(mv_authority_sign_leaf(mv_str_from(bundle), mv_str_from(ca.key), &names, NOW,
                                                MV_LEAF_SECONDS, &out, NULL),
                         0);
        assert_true(mv_cert_signed_by(first_of(out.certificate, &list), first_of(ca.certificate, &ca_list)));
        mv_cert_list_done(&list);
        mv_cert_list_done(&ca_list);
        free(bundle);
        mv_names_done(&names);
        mv_pem_pair_done(&out);
        mv_pem_pair_done(&plain);
        mv_pem_pair_done(&other);
        mv_pem_pair_done(&ca);
}

/* The verdict of a client that trusts `trusted` on `chain`: a whole handshake over a pair of sockets. */
static unsigned handshake(const char *trusted, const char *chain, const char *key, const char *name,
                          const char *priority) {
        gnutls_certificate_credentials_t sc, cc;
        gnutls_session_t server, client;
        int fd[2];
        unsigned status = 0;
        gnutls_datum_t c = { (unsigned char *)(uintptr_t)chain, (unsigned)strlen(chain) };
        gnutls_datum_t k = { (unsigned char *)(uintptr_t)key, (unsigned)strlen(key) };
        gnutls_datum_t t = { (unsigned char *)(uintptr_t)trusted, (unsigned)strlen(trusted) };
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
        gnutls_certificate_allocate_credentials(&sc);
        gnutls_certificate_allocate_credentials(&cc);
        assert_true(gnutls_certificate_set_x509_key_mem(sc, &c, &k, GNUTLS_X509_FMT_PEM) >= 0);
        assert_true(gnutls_certificate_set_x509_trust_mem(cc, &t, GNUTLS_X509_FMT_PEM) > 0);
        gnutls_init(&server, GNUTLS_SERVER);
        gnutls_init(&client, GNUTLS_CLIENT);
        assert_int_equal(gnutls_priority_set_direct(server, "NORMAL", NULL), 0);
        assert_int_equal(gnutls_priority_set_direct(client, priority, NULL), 0);
        gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, sc);
        gnutls_credentials_set(client, GNUTLS_CRD_CERTIFICATE, cc);
        gnutls_transport_set_int(server, fd[0]);
        gnutls_transport_set_int(client, fd[1]);
        int a = GNUTLS_E_AGAIN, b = GNUTLS_E_AGAIN;
        for (unsigned i = 0; i < 1000 && (a || b); i++) {
                if (b)
                        b = gnutls_handshake(client);
                if (a)
                        a = gnutls_handshake(server);
        }
        assert_int_equal(a, 0);
        assert_int_equal(b, 0);
        assert_int_equal(gnutls_certificate_verify_peers3(client, name, &status), 0);
        gnutls_deinit(server);
        gnutls_deinit(client);
        gnutls_certificate_free_credentials(sc);
        gnutls_certificate_free_credentials(cc);
        close(fd[0]);
        close(fd[1]);
        return status;
}

static void test_handshake(void **state) {
        static const char *const priorities[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                                  "NORMAL:-VERS-ALL:+VERS-TLS1.2" };
        (void)state;
        const time_t now = time(NULL);
        struct mv_pem_pair ca = make_ca(now), leaf = make_leaf(&ca, now), other = make_ca(now);
        for (size_t i = 0; i < 2; i++) {
                const char *p = priorities[i];
                assert_int_equal(handshake(ca.certificate, leaf.certificate, leaf.key, "localhost", p), 0);
                assert_int_equal(handshake(ca.certificate, leaf.certificate, leaf.key, "127.0.0.1", p), 0);
                assert_int_equal(handshake(ca.certificate, leaf.certificate, leaf.key, "::1", p), 0);
                assert_int_not_equal(handshake(ca.certificate, leaf.certificate, leaf.key, "else.where", p),
                                     0);
                assert_int_not_equal(handshake(other.certificate, leaf.certificate, leaf.key, "localhost", p),
                                     0);
        }
        mv_pem_pair_done(&other);
        mv_pem_pair_done(&leaf);
        mv_pem_pair_done(&ca);
}

/* While an authority takes over, clients accept its leaves whichever of the two they know. */
static void test_cross(void **state) {
        (void)state;
        const time_t now = time(NULL);
        struct mv_pem_pair old = make_ca(now - DAY), new = make_ca(now), leaf = make_leaf(&new, now);
        char *cross = NULL;
        assert_int_equal(mv_authority_cross_sign(mv_str_from(old.certificate), mv_str_from(old.key),
                                                 mv_str_from(new.certificate), now, &cross, NULL),
                         0);
        char *chain = text_join(leaf.certificate, cross), *both = text_join(new.certificate, old.certificate);
        assert_int_equal(handshake(old.certificate, chain, leaf.key, "migvet", "NORMAL"), 0);
        assert_int_equal(handshake(new.certificate, chain, leaf.key, "migvet", "NORMAL"), 0);
        assert_int_equal(handshake(both, chain, leaf.key, "migvet", "NORMAL"), 0);
        assert_int_not_equal(handshake(old.certificate, leaf.certificate, leaf.key, "migvet", "NORMAL"), 0);

        struct mv_cert_list list;
        assert_int_equal(mv_cert_validity(first_of(cross, &list)).not_after, now - DAY + MV_CA_SECONDS);
        mv_cert_list_done(&list);
        free(cross);
        cross = NULL;
        assert_int_equal(mv_authority_cross_sign(mv_str_from(old.certificate), mv_str_from(new.key),
                                                 mv_str_from(new.certificate), now, &cross, NULL),
                         MV_ECRYPTO);
        assert_null(cross);
        free(chain);
        free(both);
        mv_pem_pair_done(&leaf);
        mv_pem_pair_done(&new);
        mv_pem_pair_done(&old);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),        cmocka_unit_test(test_ca),
                cmocka_unit_test(test_leaf),         cmocka_unit_test(test_leaf_within_ca),
                cmocka_unit_test(test_leaf_refused), cmocka_unit_test(test_handshake),
                cmocka_unit_test(test_cross),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
