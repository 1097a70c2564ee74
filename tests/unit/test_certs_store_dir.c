/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test_certs.h"
#include "certs/bundle.h"
#include "certs/identity.h"
#include "certs/store_dir.h"
#include "certs/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

static const time_t NOW = 1900000000;
static const char *const all_files[] = { "ca.crt", "ca.key", "tls.crt", "tls.key" };

static struct mv_store_dir_result ensure(const char *directory, time_t now) {
        struct mv_names names = default_names();
        struct mv_store_dir_result result = { 0 };
        struct mv_err err = { 0 };
        if (mv_store_dir_ensure(directory, &names, now, &result, &err) < 0)
                fail_msg("%s: %s", err.file, err.message);
        mv_names_done(&names);
        return result;
}

static int ensure_fails(const char *directory, time_t now, struct mv_err *err) {
        struct mv_names names = default_names();
        struct mv_store_dir_result result;
        int r = mv_store_dir_ensure(directory, &names, now, &result, err);
        mv_names_done(&names);
        assert_true(r < 0);
        return r;
}

static void rotate(const char *directory, bool ca, time_t now) {
        struct mv_names names = default_names();
        assert_int_equal(mv_store_dir_rotate(directory, &names, ca, now, NULL), 0);
        mv_names_done(&names);
}

/* The pair is whole, signed by the authority of ca.key; returns how many authorities ca.crt holds. */
static unsigned check_whole(const char *directory) {
        struct mv_identity *identity;
        char *texts[4];
        unsigned n = 0;
        for (size_t i = 0; i < 4; i++)
                texts[i] = read_text(directory, all_files[i]);
        assert_int_equal(mv_identity_new(mv_str_from(texts[2]), mv_str_from(texts[3]), &identity, NULL), 0);
        mv_identity_unref(identity);
        struct mv_cert_list cas, leaf;
        gnutls_privkey_t key;
        first_of(texts[0], &cas);
        assert_int_equal(mv_key_parse(mv_str_from(texts[1]), &key, NULL), 0);
        int at = mv_cert_list_find_key(&cas, key);
        assert_true(at >= 0);
        assert_true(mv_cert_signed_by(first_of(texts[2], &leaf), cas.certs[at]));
        n = cas.n;
        gnutls_privkey_deinit(key);
        mv_cert_list_done(&cas);
        mv_cert_list_done(&leaf);
        for (size_t i = 0; i < 4; i++)
                free(texts[i]);
        return n;
}

static unsigned mode_of(const char *directory, const char *name) {
        char *path = mv_path_join(directory, name);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        free(path);
        return st.st_mode & 07777;
}

static void test_first_start(void **state) {
        (void)state;
        char *base = directory_make(), *directory = mv_path_join(base, "made");
        mode_t mask = umask(0077);
        struct mv_store_dir_result r = ensure(directory, NOW);
        umask(mask);
        assert_int_equal(r.step, MV_ROTATION_CA);
        assert_false(r.external);
        assert_true(r.next > NOW && r.next < NOW + MV_LEAF_SECONDS);
        assert_int_equal(check_whole(directory), 1);
        assert_int_equal(mode_of(base, "made"), 0700);
        assert_int_equal(mode_of(directory, "ca.key"), 0600);
        assert_int_equal(mode_of(directory, "tls.key"), 0600);
        assert_int_equal(mode_of(directory, "ca.crt"), 0644);
        assert_int_equal(mode_of(directory, "tls.crt"), 0644);

        /* The second start changes nothing. */
        char *leaf = read_text(directory, "tls.crt");
        struct mv_store_dir_result again = ensure(directory, NOW + DAY);
        assert_int_equal(again.step, MV_ROTATION_NONE);
        assert_int_equal(again.next, r.next);
        assert_true(file_is(directory, "tls.crt", leaf));
        /* Due: the leaf alone. */
        char *ca = read_text(directory, "ca.crt");
        assert_int_equal(ensure(directory, r.next).step, MV_ROTATION_LEAF);
        assert_false(file_is(directory, "tls.crt", leaf));
        assert_true(file_is(directory, "ca.crt", ca));
        check_whole(directory);
        free(leaf);
        free(ca);
        free(directory);
        directory_remove(base);
}

static void test_ca_rotation(void **state) {
        (void)state;
        char *directory = directory_make();
        ensure(directory, NOW);
        char *old = read_text(directory, "ca.crt");
        const time_t due = NOW + MV_CA_SECONDS / 3 * 2;
        ensure(directory, due - 2 * DAY);
        assert_int_equal(ensure(directory, due).step, MV_ROTATION_CA);
        assert_int_equal(check_whole(directory), 2);
        char *both = read_text(directory, "ca.crt"), *chain = read_text(directory, "tls.crt");
        assert_non_null(strstr(both, old));
        unsigned n = 0;
        assert_int_equal(mv_bundle_count(mv_str_from(chain), &n, NULL), 0);
        assert_int_equal(n, 2); /* with the cross certificate */
        /* The next leaf keeps both; the one after the old one's last leaf has gone, neither. */
        rotate(directory, false, due + DAY);
        assert_int_equal(check_whole(directory), 2);
        free(chain);
        chain = read_text(directory, "tls.crt");
        assert_int_equal(mv_bundle_count(mv_str_from(chain), &n, NULL), 0);
        assert_int_equal(n, 2);
        rotate(directory, false, due + MV_LEAF_SECONDS + DAY);
        assert_int_equal(check_whole(directory), 1);
        assert_null(strstr((free(both), both = read_text(directory, "ca.crt")), old));
        free(chain);
        chain = read_text(directory, "tls.crt");
        assert_int_equal(mv_bundle_count(mv_str_from(chain), &n, NULL), 0);
        assert_int_equal(n, 1);
        /* By hand, and after all is over. */
        rotate(directory, true, due + MV_LEAF_SECONDS + 2 * DAY);
        assert_int_equal(check_whole(directory), 2);
        assert_int_equal(ensure(directory, due + 2 * (time_t)MV_CA_SECONDS).step, MV_ROTATION_CA);
        assert_int_equal(check_whole(directory), 1);
        free(chain);
        free(both);
        free(old);
        directory_remove(directory);
}

/* Each point where a first start or a rotation may stop. A letter says of which generation ca.crt, ca.key,
 * tls.crt and tls.key are: 'a' the first, 'b' with the leaf rotated, 'c' with the authority rotated, '-'
 * not there. */
static void test_interrupted(void **state) {
        static const struct {
                const char *what;
                char files[4];
                enum mv_rotation_step step;
                char ca_stays; /* generation that ca.key must still have, or '-' */
        } rows[] = {
                { "first: key of the authority", { '-', 'a', '-', '-' }, MV_ROTATION_CA, 'a' },
                { "first: authority", { 'a', 'a', '-', '-' }, MV_ROTATION_LEAF, 'a' },
                { "first: key of the leaf", { 'a', 'a', '-', 'a' }, MV_ROTATION_LEAF, 'a' },
                { "leaf: key", { 'a', 'a', 'a', 'b' }, MV_ROTATION_LEAF, 'a' },
                { "CA: bundle", { 'c', 'a', 'a', 'a' }, MV_ROTATION_NONE, 'a' },
                { "CA: key", { 'c', 'c', 'a', 'a' }, MV_ROTATION_LEAF, 'c' },
                { "CA: key of the leaf", { 'c', 'c', 'a', 'c' }, MV_ROTATION_LEAF, 'c' },
                { "CA: all", { 'c', 'c', 'c', 'c' }, MV_ROTATION_NONE, 'c' },
                { "lost: certificate of the leaf", { 'a', 'a', '-', 'a' }, MV_ROTATION_LEAF, 'a' },
                { "lost: key of the leaf", { 'a', 'a', 'a', '-' }, MV_ROTATION_LEAF, 'a' },
        };
        (void)state;
        char *texts[3][4];
        char *source = directory_make();
        for (size_t g = 0; g < 3; g++) {
                if (g == 0)
                        ensure(source, NOW);
                else
                        rotate(source, g == 2, NOW);
                for (size_t i = 0; i < 4; i++)
                        texts[g][i] = read_text(source, all_files[i]);
        }
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
                char *directory = directory_make();
                write_text(directory, ".lock", "");
                write_text(directory, "tls.crt.tmp", "left over");
                for (size_t i = 0; i < 4; i++)
                        if (rows[k].files[i] != '-')
                                write_text(directory, all_files[i], texts[rows[k].files[i] - 'a'][i]);
                struct mv_store_dir_result r = ensure(directory, NOW + 1);
                if (r.step != rows[k].step)
                        fail_msg("%s: %s", rows[k].what, mv_rotation_step_name(r.step));
                check_whole(directory);
                assert_true(file_is(directory, "ca.key", texts[rows[k].ca_stays - 'a'][1]));
                if (r.step != MV_ROTATION_NONE)
                        assert_false(file_exists(directory, "tls.crt.tmp"));
                directory_remove(directory);
        }
        for (size_t g = 0; g < 3; g++)
                for (size_t i = 0; i < 4; i++)
                        free(texts[g][i]);
        directory_remove(source);
}

/* An authority that is there is never replaced silently: errors, which name the file; nothing is written. */
static void test_broken_authority(void **state) {
        static const struct {
                const char *file, *text; /* NULL: removed */
                const char *at;
                int code;
        } rows[] = {
                { "ca.crt", NULL, "ca.crt", MV_ENOTFOUND }, { "ca.crt", "broken", "ca.crt", MV_ESYNTAX },
                { "ca.crt", "", "ca.crt", MV_ESYNTAX },     { "ca.key", "broken", "ca.key", MV_ESYNTAX },
                { "ca.key", "", "ca.key", MV_ESYNTAX },     { "ca.key", "other", "ca.key", MV_ECRYPTO },
        };
        (void)state;
        struct mv_pem_pair other;
        assert_int_equal(mv_authority_make_ca(MV_STR(""), NOW, MV_CA_SECONDS, &other, NULL), 0);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char *directory = directory_make();
                struct mv_err err = { 0 };
                ensure(directory, NOW);
                if (!rows[i].text)
                        remove_file(directory, rows[i].file);
                else
                        write_text(directory, rows[i].file,
                                   strcmp(rows[i].text, "other") == 0 ? other.key : rows[i].text);
                char *leaf = read_text(directory, "tls.crt");
                assert_int_equal(ensure_fails(directory, NOW + MV_LEAF_SECONDS, &err), rows[i].code);
                assert_non_null(strstr(err.file, rows[i].at));
                assert_non_null(strstr(err.file, directory));
                assert_true(file_is(directory, "tls.crt", leaf));
                free(leaf);
                directory_remove(directory);
        }
        mv_pem_pair_done(&other);
}

/* A broken leaf is issued again. */
static void test_broken_leaf(void **state) {
        (void)state;
        char *directory = directory_make();
        ensure(directory, NOW);
        write_text(directory, "tls.crt", "broken");
        assert_int_equal(ensure(directory, NOW).step, MV_ROTATION_LEAF);
        write_text(directory, "tls.key", "");
        assert_int_equal(ensure(directory, NOW).step, MV_ROTATION_LEAF);
        check_whole(directory);
        directory_remove(directory);
}

static void test_names_grow(void **state) {
        (void)state;
        char *directory = directory_make();
        struct mv_names names, has;
        struct mv_store_dir_result r;
        mv_names_init(&names);
        mv_names_init(&has);
        assert_int_equal(mv_names_add_dns(&names, MV_STR("webhook.example"), NULL), 0);
        ensure(directory, NOW);
        assert_int_equal(mv_store_dir_ensure(directory, &names, NOW, &r, NULL), 0);
        assert_int_equal(r.step, MV_ROTATION_LEAF);
        assert_int_equal(ensure(directory, NOW).step, MV_ROTATION_NONE); /* the others are kept */
        assert_int_equal(mv_store_dir_rotate(directory, &names, false, NOW, NULL), 0);
        char *text = read_text(directory, "tls.crt");
        struct mv_cert_list list;
        assert_int_equal(mv_cert_names(first_of(text, &list), &has, NULL), 0);
        assert_int_equal(has.n_dns + has.n_ips, 1); /* rotate: exactly these */
        mv_cert_list_done(&list);
        free(text);
        mv_names_done(&has);
        mv_names_done(&names);
        directory_remove(directory);
}

static void test_external(void **state) {
        (void)state;
        char *directory = directory_make();
        struct mv_err err = { 0 };
        struct mv_names names = default_names();
        ensure(directory, NOW);
        remove_file(directory, "ca.key");
        remove_file(directory, ".lock");
        struct mv_store_dir_result r = ensure(directory, NOW + MV_LEAF_SECONDS); /* not ours to renew */
        assert_int_equal(r.step, MV_ROTATION_NONE);
        assert_true(r.external);
        assert_int_equal(r.next, 0);
        assert_false(file_exists(directory, ".lock")); /* nothing is written */
        assert_int_equal(mv_store_dir_rotate(directory, &names, false, NOW, &err), MV_EUSAGE);
        remove_file(directory, ".lock");
        remove_file(directory, "ca.crt");
        assert_true(ensure(directory, NOW).external); /* a plain TLS Secret */
        struct mv_pem_pair other = make_shape((struct shape){ .name = "o", .from = NOW, .to = NOW + DAY });
        write_text(directory, "tls.key", other.key);
        assert_int_equal(ensure_fails(directory, NOW, &err), MV_ECRYPTO);
        remove_file(directory, "tls.key");
        assert_int_equal(ensure_fails(directory, NOW, &err), MV_ENOTFOUND);
        assert_non_null(strstr(err.file, "tls.key"));
        mv_pem_pair_done(&other);
        mv_names_done(&names);
        directory_remove(directory);
}

/* Somebody's own authority signs leaves, and is not replaced. */
static void test_foreign_authority(void **state) {
        (void)state;
        char *directory = directory_make();
        struct mv_err err = { 0 };
        struct mv_names names = default_names();
        struct mv_pem_pair ca =
                make_shape((struct shape){ .name = "theirs", .ca = true, .from = NOW, .to = NOW + 90 * DAY });
        write_text(directory, "ca.crt", ca.certificate);
        write_text(directory, "ca.key", ca.key);
        assert_int_equal(ensure(directory, NOW + 80 * DAY).step, MV_ROTATION_LEAF);
        assert_int_equal(ensure(directory, NOW + 89 * DAY).step, MV_ROTATION_NONE);
        assert_int_equal(mv_store_dir_rotate(directory, &names, true, NOW + 80 * DAY, &err), MV_EUSAGE);
        assert_int_equal(ensure_fails(directory, NOW + 90 * DAY, &err), MV_ECRYPTO);
        assert_non_null(strstr(err.file, "ca.crt"));
        assert_true(file_is(directory, "ca.crt", ca.certificate));
        assert_true(file_is(directory, "ca.key", ca.key));
        mv_pem_pair_done(&ca);
        mv_names_done(&names);
        directory_remove(directory);
}

static void test_create(void **state) {
        (void)state;
        struct mv_names names = default_names();
        char *base = directory_make(), *directory = mv_path_join(base, "certs");
        assert_int_equal(mv_store_dir_create(directory, &names, NOW, NULL), 0);
        check_whole(directory);
        for (size_t keep = 0; keep < 4; keep++) { /* any one file stops it */
                struct mv_err err = { 0 };
                char *other = directory_make();
                write_text(other, all_files[keep], "precious");
                assert_int_equal(mv_store_dir_create(other, &names, NOW, &err), MV_EUSAGE);
                assert_non_null(strstr(err.file, all_files[keep]));
                assert_true(file_is(other, all_files[keep], "precious"));
                for (size_t i = 0; i < 4; i++)
                        assert_int_equal(file_exists(other, all_files[i]), i == keep);
                directory_remove(other);
        }
        struct mv_err err = { 0 };
        char *deep = mv_path_join(base, "no/such");
        assert_int_equal(mv_store_dir_create(deep, &names, NOW, &err), MV_ENOTFOUND);
        assert_string_equal(err.file, deep);
        assert_int_equal(mv_store_dir_rotate(deep, &names, false, NOW, &err), MV_ENOTFOUND);
        free(deep);
        free(directory);
        mv_names_done(&names);
        directory_remove(base);
}

/* Several processes start on one directory: one authority comes of it. */
static void test_concurrent_starts(void **state) {
        (void)state;
        char *directory = directory_make();
        pid_t children[4];
        for (size_t i = 0; i < 4; i++) {
                children[i] = fork();
                assert_true(children[i] >= 0);
                if (children[i] == 0) {
                        struct mv_names names = default_names();
                        struct mv_store_dir_result r;
                        int code = mv_store_dir_ensure(directory, &names, NOW, &r, NULL);
                        mv_names_done(&names);
                        free(directory);
                        _exit(code < 0                     ? 100
                              : r.step == MV_ROTATION_CA   ? 1
                              : r.step == MV_ROTATION_NONE ? 0
                                                           : 2);
                }
        }
        int made = 0;
        for (size_t i = 0; i < 4; i++) {
                int status = 0;
                assert_int_equal(waitpid(children[i], &status, 0), children[i]);
                assert_true(WIFEXITED(status));
                assert_true(WEXITSTATUS(status) <= 1);
                made += WEXITSTATUS(status);
        }
        assert_int_equal(made, 1);
        assert_int_equal(check_whole(directory), 1);
        directory_remove(directory);
}

static void test_file_errors(void **state) {
        (void)state;
        char *directory = directory_make(), *path = mv_path_join(directory, "ca.crt");
        struct mv_err err = { 0 };
        struct mv_file file = { 0 };
        assert_int_equal(mv_file_read(path, &file, &err), MV_ENOTFOUND);
        assert_string_equal(err.file, path);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(mv_file_read(path, &file, &err), MV_EIO);
        assert_int_equal(ensure_fails(directory, NOW, &err), MV_EIO);
        assert_int_equal(rmdir(path), 0);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, MV_PEM_MAX_BYTES + 1), 0);
        close(fd);
        assert_int_equal(mv_file_read(path, &file, &err), MV_ELIMIT);
        assert_null(file.text);
        /* Somebody holds the lock. */
        int lock, second;
        assert_int_equal(mv_directory_lock(directory, 0, &lock, &err), 0);
        assert_int_equal(mv_directory_lock(directory, 0, &second, &err), MV_ETIMEOUT);
        close(lock);
        assert_int_equal(mv_directory_lock(directory, 0, &second, &err), 0);
        close(second);
        free(path);
        directory_remove(directory);
}

/* Who may try again is told by the code. */
static void test_errors_of_files(void **state) {
        (void)state;
        static const struct {
                int number, code;
        } rows[] = { { ENOENT, MV_ENOTFOUND }, { ENOTDIR, MV_ENOTFOUND }, { EACCES, MV_EDENIED },
                     { EPERM, MV_EDENIED },    { EROFS, MV_EDENIED },     { ENOSPC, MV_EIO },
                     { EIO, MV_EIO },          { EMFILE, MV_EIO } };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_err err = { 0 };
                assert_int_equal(mv_err_of_file(&err, "a/b", "cannot be read", rows[i].number), rows[i].code);
                assert_int_equal(err.code, rows[i].code);
                assert_string_equal(err.file, "a/b");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors_of_files),   cmocka_unit_test(test_first_start),
                cmocka_unit_test(test_ca_rotation),       cmocka_unit_test(test_interrupted),
                cmocka_unit_test(test_broken_authority),  cmocka_unit_test(test_broken_leaf),
                cmocka_unit_test(test_names_grow),        cmocka_unit_test(test_external),
                cmocka_unit_test(test_foreign_authority), cmocka_unit_test(test_create),
                cmocka_unit_test(test_concurrent_starts), cmocka_unit_test(test_file_errors),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
