/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown to a receiver: files that change, are missing or wrong, and signatures. */
#include "tests/unit/test_certs.h"

#include "webhook/deliver/credentials.h"

static char *directory;

/* A receiver that names one of the files. */
struct shown {
        struct mv_config_receiver receiver;
        struct mv_sender_credentials credentials;
        char *path;
};

static void begin(struct shown *shown, struct mv_str *(*member)(struct mv_config_receiver *)) {
        memset(shown, 0, sizeof *shown);
        shown->path = mv_path_join(directory, "file");
        *member(&shown->receiver) = mv_str_from(shown->path);
        mv_sender_credentials_init(&shown->credentials, &shown->receiver);
}

static void end(struct shown *shown) {
        mv_sender_credentials_done(&shown->credentials);
        unlink(shown->path);
        free(shown->path);
}

static struct mv_str *token(struct mv_config_receiver *receiver) {
        return &receiver->token_file;
}
static struct mv_str *key(struct mv_config_receiver *receiver) {
        return &receiver->hmac_key_file;
}
static struct mv_str *certificate(struct mv_config_receiver *receiver) {
        return &receiver->client_cert_file;
}
static struct mv_str *authority(struct mv_config_receiver *receiver) {
        return &receiver->ca_file;
}

static void is_right(struct shown *shown, const char *text) {
        struct mv_err err = { 0 };
        write_text(directory, "file", text);
        if (mv_sender_credentials_refresh(&shown->credentials, &err) < 0)
                fail_msg("%s: %s", err.file, err.message);
}

/* The error names the file, and shows nothing of what is in it. */
static void is_wrong(struct shown *shown, const char *text, int code, const char *says) {
        struct mv_err err = { 0 };
        if (text)
                write_text(directory, "file", text);
        for (int i = 0; i < 2; i++) { /* also without a change */
                assert_int_equal(mv_sender_credentials_refresh(&shown->credentials, &err), code);
                assert_string_equal(err.file, shown->path);
                if (!strstr(err.message, says))
                        fail_msg("%s", err.message);
                assert_null(strstr(err.message, "s3cr3t"));
        }
}

static void test_token(void **state) {
        (void)state;
        struct shown shown;
        begin(&shown, token);
        is_wrong(&shown, NULL, MV_ENOTFOUND, "");
        is_right(&shown, "s3cr3t\r\n\n");
        assert_string_equal(shown.credentials.token_text.p, "s3cr3t");
        is_right(&shown, "an0ther-s3cr3t");
        assert_string_equal(shown.credentials.token_text.p, "an0ther-s3cr3t");
        is_wrong(&shown, "\n", MV_ESYNTAX, "is empty");
        is_wrong(&shown, "s3cr3t\nX-Other: 1", MV_ESYNTAX, "is no token");
        is_wrong(&shown, "s3cr3t \xc3\xbc", MV_ESYNTAX, "is no token");
        char *large = malloc(MV_SECRET_MAX_BYTES + 2);
        memset(large, 'x', MV_SECRET_MAX_BYTES + 1);
        large[MV_SECRET_MAX_BYTES + 1] = '\0';
        is_wrong(&shown, large, MV_ELIMIT, "more than");
        large[MV_SECRET_MAX_BYTES] = '\0';
        is_right(&shown, large);
        free(large);
        assert_int_equal(shown.credentials.token_text.n, MV_SECRET_MAX_BYTES);
        unlink(shown.path);
        is_wrong(&shown, NULL, MV_ENOTFOUND, "");
        is_right(&shown, "back");
        end(&shown);
}

static void test_key(void **state) {
        (void)state;
        struct shown shown;
        begin(&shown, key);
        is_right(&shown, "any bytes \x01\n");
        assert_string_equal(shown.credentials.key_text.p, "any bytes \x01");
        end(&shown);
}

static void test_certificates(void **state) {
        (void)state;
        struct shown shown;
        const time_t now = time(NULL);
        struct mv_pem_pair one = make_shape(
                (struct shape){ .name = "one", .from = now - DAY, .to = now + DAY, .purpose = NULL });
        struct mv_pem_pair other = make_shape(
                (struct shape){ .name = "other", .from = now - DAY, .to = now + DAY, .purpose = NULL });
        char *both = text_join(one.certificate, one.key), *reverse = text_join(one.key, one.certificate),
             *wrong = text_join(one.certificate, other.key);
        char path[64];
        begin(&shown, certificate);
        is_right(&shown, both);
        memcpy(path, shown.credentials.certificate_file.path, sizeof path);
        assert_true(path[0] == '/');
        is_right(&shown, reverse);
        assert_string_not_equal(shown.credentials.certificate_file.path, path);
        is_wrong(&shown, wrong, MV_ECRYPTO, "is not that of the client's certificate");
        is_wrong(&shown, one.certificate, MV_ESYNTAX, "");
        is_wrong(&shown, one.key, MV_ESYNTAX, "");
        end(&shown);
        begin(&shown, authority);
        is_right(&shown, one.certificate);
        is_wrong(&shown, "s3cr3t", MV_ESYNTAX, "");
        end(&shown);
        free(both);
        free(reverse);
        free(wrong);
        mv_pem_pair_done(&one);
        mv_pem_pair_done(&other);
}

static void test_signature(void **state) {
        (void)state;
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 100);
        assert_int_equal(mv_sender_sign(MV_STR("key"), MV_STR("1700000000"), MV_STR("{\"a\":1}"), &out, NULL),
                         0);
        assert_string_equal(out.p, "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
        mv_buf_done(&out);
}

static int make(void **state) {
        (void)state;
        directory = directory_make();
        return 0;
}

static int clean(void **state) {
        (void)state;
        directory_remove(directory);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_token),
                cmocka_unit_test(test_key),
                cmocka_unit_test(test_certificates),
                cmocka_unit_test(test_signature),
        };
        return cmocka_run_group_tests(tests, make, clean);
}
