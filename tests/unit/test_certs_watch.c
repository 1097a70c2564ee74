/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"
#include "certs/store_dir.h"
#include "certs/watch.h"

#include <pthread.h>
#include <stdatomic.h>

struct fixture {
        char *directory;
        struct mv_certs_watch watch;
        struct mv_identity_slot slot;
        struct mv_pem_pair a, b, old;
        time_t now;
};

static struct mv_pem_pair pair_of(const char *name, time_t from, time_t to) {
        return make_shape((struct shape){ .name = name, .from = from, .to = to });
}

static void put(const char *directory, const struct mv_pem_pair *pair) {
        write_text(directory, "tls.crt", pair->certificate);
        write_text(directory, "tls.key", pair->key);
}

static int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof *f);
        assert_non_null(f);
        f->now = time(NULL);
        f->directory = directory_make();
        f->a = pair_of("a", f->now - DAY, f->now + DAY);
        f->b = pair_of("b", f->now - DAY, f->now + DAY);
        f->old = pair_of("old", f->now - 2 * DAY, f->now - DAY);
        assert_int_equal(mv_certs_watch_init_directory(&f->watch, f->directory, NULL), 0);
        mv_identity_slot_init(&f->slot);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *f = *state;
        mv_identity_slot_done(&f->slot);
        mv_certs_watch_done(&f->watch);
        mv_certs_watch_done(&f->watch);
        mv_pem_pair_done(&f->a);
        mv_pem_pair_done(&f->b);
        mv_pem_pair_done(&f->old);
        directory_remove(f->directory);
        free(f);
        return 0;
}

/* 1 changed, 0 not, or the error. */
static int look(struct fixture *f, struct mv_err *err) {
        bool changed = false;
        int r = mv_certs_watch_poll_identity(&f->watch, &f->slot, f->now, &changed, err);
        if (r < 0)
                assert_false(changed);
        return r < 0 ? r : changed;
}

static bool serves(struct fixture *f, const struct mv_pem_pair *pair) {
        struct mv_cert_list list;
        unsigned char fingerprint[MV_FINGERPRINT_BYTES];
        struct mv_identity *identity = mv_identity_slot_ref(&f->slot);
        assert_non_null(identity);
        assert_int_equal(mv_cert_fingerprint(first_of(pair->certificate, &list), fingerprint, NULL), 0);
        bool same = memcmp(fingerprint, mv_identity_fingerprint(identity), sizeof fingerprint) == 0;
        mv_cert_list_done(&list);
        mv_identity_unref(identity);
        return same;
}

static void test_reload(void **state) {
        struct fixture *f = *state;
        struct mv_err err = { 0 };
        put(f->directory, &f->a);
        assert_int_equal(look(f, &err), 1);
        assert_true(serves(f, &f->a));
        assert_string_equal(f->watch.note, "");
        assert_int_equal(look(f, &err), 0);
        put(f->directory, &f->b);
        assert_int_equal(look(f, &err), 1);
        assert_true(serves(f, &f->b));
        put(f->directory, &f->b); /* the same again: nothing new */
        assert_int_equal(look(f, &err), 0);
        assert_false(f->watch.failed);
        assert_int_equal(err.code, 0);
}

static void test_missing_at_start(void **state) {
        struct fixture *f = *state;
        struct mv_err err = { 0 };
        assert_int_equal(look(f, &err), MV_ENOTFOUND);
        assert_non_null(strstr(err.file, "tls.crt"));
        assert_true(f->watch.failed);
        assert_int_equal(look(f, &err), 0); /* said once */
        write_text(f->directory, "tls.crt", f->a.certificate);
        assert_int_equal(look(f, &err), MV_ENOTFOUND);
        assert_non_null(strstr(err.file, "tls.key"));
        write_text(f->directory, "tls.key", f->a.key);
        assert_int_equal(look(f, &err), 1);
        assert_false(f->watch.failed);
}

static void test_broken_keeps_old(void **state) {
        struct fixture *f = *state;
        const struct {
                const char *certificate, *key, *at, *word;
                int code;
        } rows[] = {
                { f->b.certificate, f->a.key, "tls.crt", "do not match", MV_ECRYPTO },
                { "broken", f->a.key, "tls.crt", "certificate", MV_ESYNTAX },
                { f->b.certificate, "broken", "tls.key", "private key", MV_ESYNTAX },
                { f->b.certificate, NULL, "tls.key", "No such file", MV_ENOTFOUND },
                { NULL, f->b.key, "tls.crt", "No such file", MV_ENOTFOUND },
                { f->old.certificate, f->old.key, "tls.crt", "expired", MV_ECRYPTO },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_err err = { 0 };
                put(f->directory, &f->a);
                assert_true(look(f, &err) >= 0);
                assert_true(serves(f, &f->a));
                if (rows[i].certificate)
                        write_text(f->directory, "tls.crt", rows[i].certificate);
                else
                        remove_file(f->directory, "tls.crt");
                if (rows[i].key)
                        write_text(f->directory, "tls.key", rows[i].key);
                else
                        remove_file(f->directory, "tls.key");
                assert_int_equal(look(f, &err), 0); /* it may be in the middle of a change */
                assert_int_equal(err.code, 0);
                int r = look(f, &err);
                if (r != rows[i].code || !strstr(err.file, rows[i].at) || !strstr(err.message, rows[i].word))
                        fail_msg("row %zu: %d %s: %s", i, r, err.file, err.message);
                assert_true(f->watch.failed);
                assert_int_equal(look(f, NULL), 0); /* said once */
                assert_true(serves(f, &f->a));
        }
        put(f->directory, &f->b);
        assert_int_equal(look(f, NULL), 1);
        assert_true(serves(f, &f->b));
        assert_false(f->watch.failed);
}

/* Certificate and key change one after the other, with a look between them: no error. */
static void test_half_way(void **state) {
        struct fixture *f = *state;
        put(f->directory, &f->a);
        assert_int_equal(look(f, NULL), 1);
        write_text(f->directory, "tls.key", f->b.key);
        assert_int_equal(look(f, NULL), 0);
        write_text(f->directory, "tls.crt", f->b.certificate);
        assert_int_equal(look(f, NULL), 1);
        assert_true(serves(f, &f->b));
}

/* A file that is written in place, within one tick of the clock, to the same size. */
static void test_in_place(void **state) {
        struct fixture *f = *state;
        char *crt = mv_path_join(f->directory, "tls.crt"), *key = mv_path_join(f->directory, "tls.key");
        put(f->directory, &f->a);
        assert_int_equal(look(f, NULL), 1);
        for (unsigned i = 0; i < 20; i++) {
                const struct mv_pem_pair *pair = i & 1 ? &f->a : &f->b;
                FILE *out = fopen(crt, "r+");
                assert_non_null(out);
                fputs(pair->certificate, out);
                assert_int_equal(ftruncate(fileno(out), (off_t)strlen(pair->certificate)), 0);
                assert_int_equal(fclose(out), 0);
                assert_non_null(out = fopen(key, "r+"));
                fputs(pair->key, out);
                assert_int_equal(fclose(out), 0);
                f->watch.stamps[0] = mv_file_stamp(crt); /* as if the stamps had not moved */
                f->watch.stamps[1] = mv_file_stamp(key);
                assert_int_equal(look(f, NULL), 1);
                assert_true(serves(f, pair));
        }
        free(crt);
        free(key);
}

/* As the kubelet does: files are links through ..data, which is swapped at once. */
static void test_secret_mount(void **state) {
        struct fixture *f = *state;
        char *one = mv_path_join(f->directory, "..1"), *two = mv_path_join(f->directory, "..2");
        char *data = mv_path_join(f->directory, "..data"), *next = mv_path_join(f->directory, "..data_tmp");
        char *crt = mv_path_join(f->directory, "tls.crt"), *key = mv_path_join(f->directory, "tls.key");
        assert_int_equal(mkdir(one, 0755), 0);
        assert_int_equal(mkdir(two, 0755), 0);
        put(one, &f->a);
        put(two, &f->b);
        assert_int_equal(symlink("..1", data), 0);
        assert_int_equal(symlink("..data/tls.crt", crt), 0);
        assert_int_equal(symlink("..data/tls.key", key), 0);
        assert_int_equal(look(f, NULL), 1);
        assert_true(serves(f, &f->a));
        assert_int_equal(symlink("..2", next), 0);
        assert_int_equal(rename(next, data), 0);
        assert_int_equal(look(f, NULL), 1);
        assert_true(serves(f, &f->b));
        free(one);
        free(two);
        free(data);
        free(next);
        free(crt);
        free(key);
}

static void test_notes(void **state) {
        struct fixture *f = *state;
        char *crt = mv_path_join(f->directory, "tls.crt"), *key = mv_path_join(f->directory, "tls.key");
        char note[300] = "unchanged";
        struct mv_identity *identity = NULL;
        put(f->directory, &f->old); /* nothing better in service: taken, and said */
        assert_int_equal(look(f, NULL), 1);
        assert_non_null(strstr(f->watch.note, "expired on"));
        put(f->directory, &f->a);
        assert_int_equal(chmod(key, 0644), 0);
        assert_int_equal(look(f, NULL), 1);
        assert_non_null(strstr(f->watch.note, "can be read by others (mode 0644)"));
        assert_int_equal(mv_identity_load(crt, key, f->now, &identity, note, sizeof note, NULL), 0);
        assert_non_null(strstr(note, "mode 0644"));
        identity = mv_identity_unref(identity);
        assert_int_equal(chmod(key, 0640), 0);
        assert_int_equal(mv_identity_load(crt, key, f->now, &identity, note, sizeof note, NULL), 0);
        assert_string_equal(note, "");
        identity = mv_identity_unref(identity);
        struct mv_err err = { 0 };
        assert_int_equal(mv_identity_load(crt, crt, f->now, &identity, NULL, 0, &err), MV_ESYNTAX);
        assert_string_equal(err.file, crt);
        assert_int_equal(mv_identity_load("/nonexistent", key, f->now, &identity, NULL, 0, &err),
                         MV_ENOTFOUND);
        assert_null(identity);
        free(crt);
        free(key);
}

static void test_trust(void **state) {
        struct fixture *f = *state;
        struct mv_certs_watch watch;
        struct mv_trust_slot slot;
        struct mv_err err = { 0 };
        bool changed = true;
        char *path = mv_path_join(f->directory, "client-ca.crt");
        char *two = text_join(f->a.certificate, f->b.certificate);
        mv_trust_slot_init(&slot);
        assert_int_equal(mv_certs_watch_init_trust(&watch, path, NULL), 0);
        assert_int_equal(mv_certs_watch_poll_trust(&watch, &slot, &changed, &err), MV_ENOTFOUND);
        assert_true(changed); /* not touched */
        write_text(f->directory, "client-ca.crt", f->a.certificate);
        assert_int_equal(mv_certs_watch_poll_trust(&watch, &slot, &changed, &err), 0);
        assert_true(changed);
        assert_int_equal(mv_certs_watch_poll_trust(&watch, &slot, &changed, &err), 0);
        assert_false(changed);
        write_text(f->directory, "client-ca.crt", "broken");
        assert_int_equal(mv_certs_watch_poll_trust(&watch, &slot, &changed, &err), MV_ESYNTAX);
        assert_string_equal(err.file, path);
        struct mv_trust *trust = mv_trust_slot_ref(&slot);
        assert_int_equal(mv_trust_count(trust), 1); /* the old one */
        mv_trust_unref(trust);
        write_text(f->directory, "client-ca.crt", two);
        assert_int_equal(mv_certs_watch_poll_trust(&watch, &slot, &changed, &err), 0);
        trust = mv_trust_slot_ref(&slot);
        assert_int_equal(mv_trust_count(trust), 2);
        mv_trust_unref(trust);
        mv_trust_slot_done(&slot);
        mv_certs_watch_done(&watch);
        free(two);
        free(path);
}

static void *rotate_often(void *context) {
        struct fixture *f = context;
        struct mv_names names = default_names();
        for (unsigned i = 0; i < 30; i++)
                if (mv_store_dir_rotate(f->directory, &names, i % 10 == 9, f->now, NULL) < 0)
                        abort();
        mv_names_done(&names);
        return NULL;
}

/* The store rotates while the watch looks, far more often than in life: there is always an identity, the only
 * complaint is a pair seen in the middle of its change, and the last one ends up in service. */
static void test_rotation_while_watched(void **state) {
        struct fixture *f = *state;
        struct mv_names names = default_names();
        struct mv_err err = { 0 };
        pthread_t thread;
        assert_int_equal(mv_store_dir_create(f->directory, &names, f->now, NULL), 0);
        assert_int_equal(look(f, &err), 1);
        assert_int_equal(pthread_create(&thread, NULL, rotate_often, f), 0);
        for (unsigned i = 0; i < 20; i++) {
                usleep(10000);
                int r = look(f, &err);
                if (r < 0 && !strstr(err.message, "do not match"))
                        fail_msg("%s: %s", err.file, err.message);
                struct mv_identity *identity = mv_identity_slot_ref(&f->slot);
                assert_non_null(identity);
                mv_identity_unref(identity);
        }
        pthread_join(thread, NULL);
        assert_true(look(f, &err) >= 0);
        struct mv_pem_pair last = { .certificate = read_text(f->directory, "tls.crt") };
        assert_true(serves(f, &last));
        mv_pem_pair_done(&last);
        mv_names_done(&names);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_missing_at_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_broken_keeps_old, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_half_way, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_in_place, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_secret_mount, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_trust, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_rotation_while_watched, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
