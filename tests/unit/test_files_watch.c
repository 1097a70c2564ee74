/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/clock.h"
#include "cluster/watch.h"
#include "tests/unit/test_files.h"

#include <pthread.h>

enum { WAIT_MS = 15000 }; /* longest wait for something that must happen */

static double seconds(void) {
        return (double)mv_now() / 1e9;
}

static bool in_force(struct mv_store *store, const char *name) {
        const struct mv_snapshot *snapshot = mv_store_borrow(store);
        bool has = has_namespace(snapshot, name);
        mv_store_return(store, snapshot);
        return has;
}

/* Seconds until the namespace is in force. */
static double wait_for(struct mv_store *store, const char *name) {
        double start = seconds();
        while (!in_force(store, name)) {
                if (seconds() - start > WAIT_MS / 1000.0)
                        fail_msg("%s never came into force", name);
                usleep(5000);
        }
        return seconds() - start;
}

static struct mv_files_status wait_for_failures(struct mv_files_watch *watch, unsigned long long failures) {
        struct mv_files_status status = { 0 };
        double start = seconds();
        for (mv_files_status(watch, &status); status.failures < failures; mv_files_status(watch, &status)) {
                if (seconds() - start > WAIT_MS / 1000.0)
                        fail_msg("no failure");
                usleep(5000);
        }
        return status;
}

struct journal {
        pthread_mutex_t lock;
        char text[8192];
};

static void journal_line(void *context, enum mv_log_level level, const char *component, const char *message,
                         const struct mv_log_field *fields, size_t n_fields) {
        struct journal *j = context;
        pthread_mutex_lock(&j->lock);
        size_t n = strlen(j->text);
        n += (size_t)snprintf(j->text + n, sizeof j->text - n, "%d %s: %s", level, component, message);
        for (size_t i = 0; i < n_fields && n < sizeof j->text; i++)
                n += (size_t)snprintf(j->text + n, sizeof j->text - n, " %s=%.*s", fields[i].name,
                                      MV_STR_ARG(fields[i].value));
        if (n < sizeof j->text)
                snprintf(j->text + n, sizeof j->text - n, "\n");
        pthread_mutex_unlock(&j->lock);
}

static void test_watch(void **state) {
        struct fixture *f = *state;
        struct mv_store *store = mv_store_new();
        struct journal journal = { .lock = PTHREAD_MUTEX_INITIALIZER };
        struct mv_logger logger = { .line = journal_line, .context = &journal };
        const char *names[] = { f->directory };
        struct mv_files_watch_options options = { .files = { .names = names, .n_names = 1 },
                                                  .store = store,
                                                  .logger = &logger };
        struct mv_files_watch *watch;
        struct mv_err err = { 0 };
        put(f, "a.yaml", namespace_yaml("a0"));
        assert_int_equal(mv_files_watch_start(&options, &watch, &err), 0);
        names[0] = "not used any more";
        assert_true(in_force(store, "a0"));
        struct mv_files_status status;
        mv_files_status(watch, &status);
        assert_int_equal(status.generation, 1);
        assert_int_equal(status.counts.files, 1);
        assert_int_equal(status.err.code, 0);
        assert_int_equal(status.failing_since, 0);
        assert_true(status.published > 0);

        /* In place, with the same size. */
        put(f, "a.yaml", namespace_yaml("a1"));
        wait_for(store, "a1");
        assert_false(in_force(store, "a0"));
        put(f, "b.yaml", namespace_yaml("b1"));
        wait_for(store, "b1");
        put(f, ".new", namespace_yaml("b2"));
        assert_int_equal(rename(in(f, ".new"), in(f, "b.yaml")), 0);
        wait_for(store, "b2");
        assert_true(in_force(store, "a1"));
        assert_int_equal(unlink(in(f, "b.yaml")), 0);
        double start = seconds();
        while (in_force(store, "b2") && seconds() - start < 15)
                usleep(5000);
        assert_false(in_force(store, "b2"));

        /* Broken: the last good state stays. */
        put(f, "a.yaml", "apiVersion: v1\nkind: [\n");
        status = wait_for_failures(watch, 1);
        assert_true(in_force(store, "a1"));
        assert_int_equal(status.err.code, MV_ESYNTAX);
        assert_string_equal(status.err.file, in(f, "a.yaml"));
        assert_int_equal(status.err.line, 3);
        assert_true(status.failing_since > 0);
        unsigned long long generation = status.generation;
        put(f, "a.yaml", namespace_yaml("a2"));
        wait_for(store, "a2");
        mv_files_status(watch, &status);
        /* The store is first; the status follows. */
        for (start = seconds(); status.generation == generation && seconds() - start < 15; usleep(1000))
                mv_files_status(watch, &status);
        assert_int_equal(status.err.code, 0);
        assert_int_equal(status.failing_since, 0);
        assert_int_equal(status.generation, generation + 1);

        /* The directory goes away and comes back. */
        char other[128];
        snprintf(other, sizeof other, "%s.moved", f->directory);
        assert_int_equal(rename(f->directory, other), 0);
        status = wait_for_failures(watch, status.failures + 1);
        assert_int_equal(status.err.code, MV_ENOTFOUND);
        assert_true(in_force(store, "a2"));
        assert_int_equal(rename(other, f->directory), 0);
        put(f, "a.yaml", namespace_yaml("a3"));
        wait_for(store, "a3");

        assert_null(mv_files_watch_stop(watch));
        assert_true(in_force(store, "a3"));
        mv_store_free(store);
        assert_non_null(strstr(journal.text, "1 files: files loaded files=1 documents=1 generation=1\n"));
        assert_non_null(
                strstr(journal.text,
                       "3 files: the files cannot be read; the last good state stays in force error="));
        assert_non_null(strstr(journal.text, "a.yaml:3:1: "));
        assert_non_null(strstr(journal.text, "a.yaml line=3 column=1\n"));
}

static void test_watch_config_map(void **state) {
        struct fixture *f = *state;
        struct mv_store *store = mv_store_new();
        const char *names[] = { f->directory };
        struct mv_files_watch_options options = { .files = { .names = names, .n_names = 1 }, .store = store };
        struct mv_files_watch *watch;
        put_directory(f, "..1");
        put(f, "..1/a.yaml", namespace_yaml("one"));
        put_directory(f, "..2");
        put(f, "..2/a.yaml", namespace_yaml("two"));
        put_link(f, "..data", "..1");
        put_link(f, "a.yaml", "..data/a.yaml");
        assert_int_equal(mv_files_watch_start(&options, &watch, NULL), 0);
        assert_true(in_force(store, "one"));
        put_link(f, "..data_tmp", "..2");
        assert_int_equal(rename(in(f, "..data_tmp"), in(f, "..data")), 0);
        wait_for(store, "two");
        assert_false(in_force(store, "one"));
        mv_files_watch_stop(watch);
        mv_store_free(store);
}

struct seen {
        atomic_uint calls, failures;
};

static void note_change(void *context, const struct mv_files_status *status) {
        struct seen *seen = context;
        atomic_fetch_add(&seen->calls, 1);
        if (status->err.code)
                atomic_fetch_add(&seen->failures, 1);
}

static void test_watch_reload(void **state) {
        struct fixture *f = *state;
        struct mv_store *store = mv_store_new();
        struct seen seen = { 0 };
        const char *names[] = { f->directory };
        struct mv_files_watch_options options = {
                .files = { .names = names, .n_names = 1 },
                .store = store,
                .interval_ms = 3600000,
                .changed = note_change,
                .context = &seen,
        };
        struct mv_files_watch *watch;
        put(f, "a.yaml", namespace_yaml("a0"));
        assert_int_equal(mv_files_watch_start(&options, &watch, NULL), 0);
        put(f, "a.yaml", namespace_yaml("a1"));
        mv_files_watch_reload(watch);
        wait_for(store, "a1");
        /* Unchanged files are read too. */
        struct mv_files_status status;
        mv_files_watch_reload(watch);
        double start = seconds();
        do {
                usleep(1000);
                mv_files_status(watch, &status);
        } while (status.generation < 3 && seconds() - start < 15);
        assert_int_equal(status.generation, 3);
        put(f, "a.yaml", "[");
        mv_files_watch_reload(watch);
        wait_for_failures(watch, 1);
        mv_files_watch_stop(watch);
        assert_int_equal(atomic_load(&seen.calls), 4);
        assert_int_equal(atomic_load(&seen.failures), 1);
        assert_true(in_force(store, "a1"));
        mv_store_free(store);
}

static void test_watch_start(void **state) {
        struct fixture *f = *state;
        struct mv_store *store = mv_store_new();
        const char *names[] = { "-" };
        struct mv_files_watch_options options = { .files = { .names = names, .n_names = 1 }, .store = store };
        struct mv_files_watch *watch = NULL;
        struct mv_err err = { 0 };
        assert_int_equal(mv_files_watch_start(&options, &watch, &err), MV_EUSAGE);
        names[0] = f->directory;
        put(f, "a.yaml", "a: 1\na: 2\n");
        assert_int_equal(mv_files_watch_start(&options, &watch, &err), MV_ESYNTAX);
        assert_null(watch);
        assert_string_equal(err.file, in(f, "a.yaml"));
        assert_int_equal(err.line, 2);
        options.lenient = true;
        assert_int_equal(mv_files_watch_start(&options, &watch, &err), 0);
        struct mv_files_status status;
        mv_files_status(watch, &status);
        assert_int_equal(status.generation, 0);
        assert_int_equal(status.err.code, MV_ESYNTAX);
        assert_null(mv_store_borrow(store));
        put(f, "a.yaml", namespace_yaml("a"));
        wait_for(store, "a");
        mv_files_watch_stop(watch);
        assert_null(mv_files_watch_stop(NULL));
        mv_store_free(store);
}

static void *read_status(void *argument) {
        struct mv_files_status status;
        for (int i = 0; i < 200; i++) {
                mv_files_status(argument, &status);
                if (i % 20 == 0)
                        mv_files_watch_reload(argument);
                usleep(500);
        }
        return NULL;
}

/* For the thread sanitizer. */
static void test_watch_threads(void **state) {
        struct fixture *f = *state;
        struct mv_store *store = mv_store_new();
        const char *names[] = { f->directory };
        struct mv_files_watch_options options = {
                .files = { .names = names, .n_names = 1 }, .store = store, .interval_ms = 5, .settle_ms = 2
        };
        struct mv_files_watch *watch;
        put(f, "a.yaml", namespace_yaml("a"));
        assert_int_equal(mv_files_watch_start(&options, &watch, NULL), 0);
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, read_status, watch), 0);
        for (int i = 0; i < 30; i++) {
                put(f, "a.yaml", i % 3 ? namespace_yaml("a") : "[");
                in_force(store, "a");
                usleep(3000);
        }
        for (int i = 0; i < 2; i++)
                pthread_join(threads[i], NULL);
        mv_files_watch_stop(watch);
        mv_store_free(store);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_watch),       TEST(test_watch_config_map), TEST(test_watch_reload),
                TEST(test_watch_start), TEST(test_watch_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
