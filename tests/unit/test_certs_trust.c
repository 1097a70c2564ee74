/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"
#include "certs/trust.h"

#include <pthread.h>

/* A chain in DER form, as a session hands it out. */
static unsigned to_der(const char *pem, gnutls_datum_t out[8]) {
        struct mv_cert_list list;
        first_of(pem, &list);
        for (unsigned i = 0; i < list.n; i++)
                assert_int_equal(gnutls_x509_crt_export2(list.certs[i], GNUTLS_X509_FMT_DER, &out[i]), 0);
        unsigned n = list.n;
        mv_cert_list_done(&list);
        return n;
}

static int judge(struct mv_trust *trust, const char *pem, const char *name, struct mv_err *err) {
        gnutls_datum_t der[8];
        const char *names[2] = { "somebody-else", name };
        unsigned n = to_der(pem, der);
        int r = mv_trust_verify_chain(trust, der, n, names, name ? 2 : 0, err);
        for (unsigned i = 0; i < n; i++)
                gnutls_free(der[i].data);
        return r;
}

struct world {
        struct mv_pem_pair ca, other, client, foreign, server, both, old, future, self, middle, deep;
        struct mv_trust *trust;
};

static struct mv_pem_pair client_of(const char *name, const char *purpose, const struct mv_pem_pair *ca,
                                    time_t from, time_t to) {
        return make_shape(
                (struct shape){ .name = name, .purpose = purpose, .issuer = ca, .from = from, .to = to });
}

static int set_up(void **state) {
        static struct world w;
        const time_t now = time(NULL), from = now - 10 * DAY, to = now + 10 * DAY;
        const char *client = GNUTLS_KP_TLS_WWW_CLIENT;
        w.ca = make_shape((struct shape){ .name = "ca", .ca = true, .from = from, .to = to });
        w.other = make_shape((struct shape){ .name = "other", .ca = true, .from = from, .to = to });
        w.client = client_of("kube-apiserver", client, &w.ca, from, to);
        w.foreign = client_of("kube-apiserver", client, &w.other, from, to);
        w.server = client_of("kube-apiserver", GNUTLS_KP_TLS_WWW_SERVER, &w.ca, from, to);
        w.both = client_of("kube-apiserver", NULL, &w.ca, from, to);
        w.old = client_of("kube-apiserver", client, &w.ca, from, now - DAY);
        w.future = client_of("kube-apiserver", client, &w.ca, now + DAY, to);
        w.self = client_of("kube-apiserver", client, NULL, from, to);
        w.middle = make_shape(
                (struct shape){ .name = "middle", .ca = true, .from = from, .to = to, .issuer = &w.ca });
        w.deep = client_of("deep", client, &w.middle, from, to);
        assert_int_equal(mv_trust_new(mv_str_from(w.ca.certificate), &w.trust, NULL), 0);
        *state = &w;
        return 0;
}

static int tear_down(void **state) {
        struct world *w = *state;
        struct mv_pem_pair *all[] = { &w->ca,  &w->other,  &w->client, &w->foreign, &w->server, &w->both,
                                      &w->old, &w->future, &w->self,   &w->middle,  &w->deep };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                mv_pem_pair_done(all[i]);
        assert_null(mv_trust_unref(w->trust));
        return 0;
}

static void test_verdicts(void **state) {
        struct world *w = *state;
        char *chain = text_join(w->deep.certificate, w->middle.certificate);
        const struct {
                const char *what, *pem, *name;
                int code;
        } rows[] = {
                { "good", w->client.certificate, NULL, 0 },
                { "good, by name", w->client.certificate, "kube-apiserver", 0 },
                { "no purposes stated", w->both.certificate, NULL, 0 },
                { "through a middle authority", chain, NULL, 0 },
                { "another name", w->client.certificate, "kubelet", MV_ECRYPTO },
                { "wrong authority", w->foreign.certificate, NULL, MV_ECRYPTO },
                { "wrong authority, right name", w->foreign.certificate, "kube-apiserver", MV_ECRYPTO },
                { "wrong purpose", w->server.certificate, NULL, MV_ECRYPTO },
                { "expired", w->old.certificate, NULL, MV_ECRYPTO },
                { "not valid yet", w->future.certificate, NULL, MV_ECRYPTO },
                { "signed by itself", w->self.certificate, NULL, MV_ECRYPTO },
                { "the middle one is missing", w->deep.certificate, NULL, MV_ECRYPTO },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_err err = { 0 };
                int r = judge(w->trust, rows[i].pem, rows[i].name, &err);
                if (r != rows[i].code || err.code != r || (r < 0) != (err.message[0] != '\0'))
                        fail_msg("%s: %d %s", rows[i].what, r, err.message);
        }
        free(chain);
}

static void test_none_and_garbage(void **state) {
        struct world *w = *state;
        struct mv_err err = { 0 };
        assert_int_equal(mv_trust_verify_chain(w->trust, NULL, 0, NULL, 0, &err), MV_ENOTFOUND);
        assert_string_equal(err.message, "the client showed no certificate");
        unsigned char bytes[] = "garbage";
        gnutls_datum_t garbage[17];
        for (size_t i = 0; i < 17; i++)
                garbage[i] = (gnutls_datum_t){ bytes, 7 };
        assert_int_equal(mv_trust_verify_chain(w->trust, garbage, 1, NULL, 0, &err), MV_ECRYPTO);
        assert_int_equal(mv_trust_verify_chain(w->trust, garbage, 17, NULL, 0, &err), MV_ECRYPTO);
        gnutls_session_t session; /* one that never shook hands */
        assert_int_equal(gnutls_init(&session, GNUTLS_SERVER), 0);
        assert_int_equal(mv_trust_verify_session(w->trust, session, NULL, 0, &err), MV_ENOTFOUND);
        gnutls_deinit(session);
}

static void test_new(void **state) {
        struct world *w = *state;
        char *two = text_join(w->ca.certificate, w->other.certificate), *four = text_join(two, two);
        struct mv_trust *trust = NULL;
        assert_int_equal(mv_trust_count(w->trust), 1);
        assert_int_equal(mv_trust_new(mv_str_from(four), &trust, NULL), 0);
        assert_int_equal(mv_trust_count(trust), 2);
        assert_int_equal(judge(trust, w->client.certificate, NULL, NULL), 0);
        assert_int_equal(judge(trust, w->foreign.certificate, NULL, NULL), 0);
        trust = mv_trust_unref(trust);
        assert_int_equal(mv_trust_new(MV_STR(""), &trust, NULL), MV_ESYNTAX);
        assert_int_equal(mv_trust_new(mv_str_from(w->ca.key), &trust, NULL), MV_ESYNTAX);
        assert_null(trust);
        assert_null(mv_trust_unref(NULL));
        assert_null(mv_trust_ref(NULL));
        free(two);
        free(four);
}

struct job {
        struct mv_trust_slot *slot;
        const char *pem;
        int wrong;
};

static void *judge_often(void *context) {
        struct job *job = context;
        gnutls_datum_t der[8];
        unsigned n = to_der(job->pem, der);
        for (unsigned i = 0; i < 200; i++) {
                struct mv_trust *trust = mv_trust_slot_ref(job->slot);
                job->wrong += mv_trust_verify_chain(trust, der, n, NULL, 0, NULL) != 0;
                mv_trust_unref(trust);
        }
        for (unsigned i = 0; i < n; i++)
                gnutls_free(der[i].data);
        return NULL;
}

static void test_threads(void **state) {
        struct world *w = *state;
        struct mv_trust_slot slot;
        pthread_t threads[3];
        struct job jobs[3];
        mv_trust_slot_init(&slot);
        assert_null(mv_trust_slot_ref(&slot));
        mv_trust_slot_set(&slot, mv_trust_ref(w->trust));
        for (size_t i = 0; i < 3; i++) {
                jobs[i] = (struct job){ .slot = &slot, .pem = w->client.certificate };
                assert_int_equal(pthread_create(&threads[i], NULL, judge_often, &jobs[i]), 0);
        }
        for (unsigned i = 0; i < 200; i++) {
                struct mv_trust *trust = NULL;
                assert_int_equal(mv_trust_new(mv_str_from(w->ca.certificate), &trust, NULL), 0);
                mv_trust_slot_set(&slot, trust);
        }
        for (size_t i = 0; i < 3; i++) {
                pthread_join(threads[i], NULL);
                assert_int_equal(jobs[i].wrong, 0);
        }
        mv_trust_slot_done(&slot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdicts),
                cmocka_unit_test(test_none_and_garbage),
                cmocka_unit_test(test_new),
                cmocka_unit_test(test_threads),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
