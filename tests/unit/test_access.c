/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask for verdicts: tokens, certificates, and one that is swapped while others judge by it. */
#include "tests/unit/test_certs.h"
#include "webhook/access.h"

#include <pthread.h>
#include <stdatomic.h>

static struct mv_access *access_of(const char *tokens, struct mv_trust_slot *trust, const char *name) {
        struct mv_access *access = NULL;
        struct mv_err err = { 0 };
        const struct mv_str names[] = { MV_STR("nobody"), mv_str_from(name) };
        const struct mv_access_options options = {
                .tokens = mv_str_from(tokens), .trust = trust, .names = names, .n_names = name ? 2 : 0
        };
        if (mv_access_new(&options, &access, &err) < 0)
                fail_msg("%s", err.message);
        return access;
}

static enum mv_access_outcome judge(struct mv_access *access, const char *authorization, const char *pem,
                                    const char *client) {
        gnutls_datum_t der = { 0 };
        char who[MV_CLIENT_MAX];
        struct mv_err err = { 0 };
        if (pem) {
                struct mv_cert_list list;
                first_of(pem, &list);
                assert_int_equal(gnutls_x509_crt_export2(list.certs[0], GNUTLS_X509_FMT_DER, &der), 0);
                mv_cert_list_done(&list);
        }
        enum mv_access_outcome outcome = mv_access_judge(access, authorization, &der, pem != NULL, who, &err);
        assert_string_equal(who, client);
        assert_int_equal(err.code != 0, pem && outcome != MV_ACCESS_ADMITTED);
        gnutls_free(der.data);
        return outcome;
}

static void test_headers(void **state) {
        (void)state;
        static const struct {
                const char *header, *token;
        } rows[] = {
                { "Bearer abc", "abc" },
                { "bearer abc", "abc" },
                { "BEARER \t abc  ", "abc" },
                { "Bearer a-._~+/9Z==", "a-._~+/9Z==" },
                { "Bearer", "" },
                { "Bearer ", "" },
                { "Bearerabc", "" },
                { "Basic abc", "" },
                { "Bearer a b", "" },
                { "Bearer a,b", "" },
                { "Bearer =", "" },
                { "Bearer a=b", "" },
                { "Bearer \xc3\xa9", "" },
                { "", "" },
                { "B", "" },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const struct mv_str token = mv_bearer_token(rows[i].header);
                if (!mv_str_is(token, rows[i].token))
                        fail_msg("\"%s\" gave \"%.*s\"", rows[i].header, MV_STR_ARG(token));
        }
        assert_int_equal(mv_bearer_token(NULL).n, 0);
}

static void test_tokens(void **state) {
        (void)state;
        struct mv_access *access = access_of("  one\r\n\n\ttwo==\nthree", NULL, NULL);
        const char *const right[] = { "Bearer one", "Bearer two==", "Bearer three" };
        const char *const wrong[] = { "Bearer on",  "Bearer onee", "Bearer two",
                                      "Bearer ONE", "Bearer",      "Basic one" };
        for (size_t i = 0; i < sizeof right / sizeof *right; i++)
                assert_int_equal(judge(access, right[i], NULL, "token"), MV_ACCESS_ADMITTED);
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
                assert_int_equal(judge(access, wrong[i], NULL, ""), MV_ACCESS_TOKEN);
        assert_int_equal(judge(access, NULL, NULL, ""), MV_ACCESS_NONE);
        mv_access_unref(access);
        access = access_of(NULL, NULL, NULL);
        assert_int_equal(judge(access, "Bearer one", NULL, ""), MV_ACCESS_TOKEN);
        mv_access_unref(access);
}

static void test_texts_that_hold_no_tokens(void **state) {
        (void)state;
        static const struct {
                const char *text, *says;
                int code;
        } rows[] = {
                { "", "there is no token in it", MV_ENOTFOUND },
                { " \n\r\n", "there is no token in it", MV_ENOTFOUND },
                { "a\nb c\n", "line 2 is no token", MV_ETYPE },
                { "a\n\n\"b\"", "line 3 is no token", MV_ETYPE },
                { "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n", "more than 16", MV_ELIMIT },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_access *access = NULL;
                struct mv_err err = { 0 };
                const struct mv_access_options options = { .tokens = mv_str_from(rows[i].text) };
                assert_int_equal(mv_access_new(&options, &access, &err), rows[i].code);
                assert_non_null(strstr(err.message, rows[i].says));
                assert_null(access);
        }
}

struct world {
        struct mv_pem_pair ca, other, mover, stranger, forged;
        struct mv_trust_slot trust;
};

static struct mv_pem_pair client_of(const char *name, const struct mv_pem_pair *ca) {
        const time_t now = time(NULL);
        return make_shape((struct shape){ .name = name,
                                          .ca = !ca,
                                          .purpose = ca ? GNUTLS_KP_TLS_WWW_CLIENT : NULL,
                                          .issuer = ca,
                                          .from = now - DAY,
                                          .to = now + DAY });
}

static int set_up(void **state) {
        static struct world w;
        struct mv_trust *trust = NULL;
        w.ca = client_of("ca", NULL);
        w.other = client_of("other", NULL);
        w.mover = client_of("mover", &w.ca);
        w.stranger = client_of("stranger", &w.ca);
        w.forged = client_of("mover", &w.other);
        mv_trust_slot_init(&w.trust);
        assert_int_equal(mv_trust_new(mv_str_from(w.ca.certificate), &trust, NULL), 0);
        mv_trust_slot_set(&w.trust, trust);
        *state = &w;
        return 0;
}

static int tear_down(void **state) {
        struct world *w = *state;
        struct mv_pem_pair *all[] = { &w->ca, &w->other, &w->mover, &w->stranger, &w->forged };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                mv_pem_pair_done(all[i]);
        mv_trust_slot_done(&w->trust);
        return 0;
}

static void test_certificates(void **state) {
        struct world *w = *state;
        struct mv_access *access = access_of("one", &w->trust, "mover");
        assert_int_equal(judge(access, NULL, w->mover.certificate, "mover"), MV_ACCESS_ADMITTED);
        assert_int_equal(judge(access, NULL, w->stranger.certificate, ""), MV_ACCESS_REFUSED);
        assert_int_equal(judge(access, NULL, w->forged.certificate, ""), MV_ACCESS_REFUSED);
        /* Each is enough; with neither, the token is what the client is told of. */
        assert_int_equal(judge(access, "Bearer wrong", w->mover.certificate, "mover"), MV_ACCESS_ADMITTED);
        assert_int_equal(judge(access, "Bearer wrong", w->forged.certificate, ""), MV_ACCESS_TOKEN);
        mv_access_unref(access);

        struct mv_trust_slot empty;
        mv_trust_slot_init(&empty);
        access = access_of(NULL, &empty, "mover");
        assert_int_equal(judge(access, NULL, w->mover.certificate, ""), MV_ACCESS_REFUSED);
        mv_access_unref(access);
        mv_trust_slot_done(&empty);
}

/* Without names no certificate lets in, and none is looked at. */
static void test_certificates_need_names(void **state) {
        struct world *w = *state;
        struct mv_access_slot slot;
        char who[MV_CLIENT_MAX];
        struct mv_err err = { 0 };
        gnutls_datum_t chain = { .data = NULL, .size = 0 };
        mv_access_slot_init(&slot);
        assert_false(mv_access_slot_wants_certificates(&slot));
        mv_access_slot_set(&slot, access_of("one", &w->trust, NULL));
        assert_false(mv_access_slot_wants_certificates(&slot));
        struct mv_access *access = mv_access_slot_ref(&slot);
        assert_int_equal(mv_access_judge(access, NULL, &chain, 1, who, &err), MV_ACCESS_NONE);
        mv_access_unref(access);
        mv_access_slot_set(&slot, access_of("one", NULL, "mover"));
        assert_false(mv_access_slot_wants_certificates(&slot));
        mv_access_slot_set(&slot, access_of("one", &w->trust, "mover"));
        assert_true(mv_access_slot_wants_certificates(&slot));
        mv_access_slot_done(&slot);
}

static void test_long_names_are_cut(void **state) {
        struct world *w = *state;
        char name[100], cut[MV_CLIENT_MAX];
        memset(name, 'x', sizeof name);
        name[60] = '.'; /* a common name is 64 characters at most */
        name[64] = '\0';
        memcpy(cut, name, sizeof cut);
        cut[sizeof cut - 1] = '\0';
        struct mv_pem_pair client = client_of(name, &w->ca);
        struct mv_access *access = access_of(NULL, &w->trust, name);
        assert_int_equal(judge(access, NULL, client.certificate, cut), MV_ACCESS_ADMITTED);
        mv_access_unref(access);
        mv_pem_pair_done(&client);
}

struct race {
        struct mv_access_slot slot;
        atomic_bool over;
};

static void *swap(void *context) {
        struct race *race = context;
        for (int i = 0; i < 2000; i++)
                mv_access_slot_set(&race->slot, i % 5 ? access_of(i % 2 ? "one" : "two", NULL, NULL) : NULL);
        atomic_store(&race->over, true);
        return NULL;
}

static void test_swapped_while_in_use(void **state) {
        (void)state;
        struct race race = { .over = false };
        pthread_t thread;
        mv_access_slot_init(&race.slot);
        assert_int_equal(pthread_create(&thread, NULL, swap, &race), 0);
        while (!atomic_load(&race.over)) {
                struct mv_access *access = mv_access_slot_ref(&race.slot);
                char who[MV_CLIENT_MAX];
                struct mv_err err = { 0 };
                if (access)
                        assert_int_not_equal(mv_access_judge(access, "Bearer one", NULL, 0, who, &err),
                                             MV_ACCESS_NONE);
                mv_access_unref(access);
        }
        pthread_join(thread, NULL);
        mv_access_slot_done(&race.slot);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_tokens),
                cmocka_unit_test(test_texts_that_hold_no_tokens),
                cmocka_unit_test(test_certificates),
                cmocka_unit_test(test_certificates_need_names),
                cmocka_unit_test(test_long_names_are_cut),
                cmocka_unit_test(test_swapped_while_in_use),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
