/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/files.h"
#include "tests/unit/test_files.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>

/* --- reading --- */

struct taken {
        char text[8192]; /* "FILE=JSON " of each document, the directory left out */
        const char *directory;
        atomic_bool *cancel; /* set it on the first document */
        int fail;            /* fail on each document that has "bad", at its place */
};

static int take(void *context, struct mv_str json, struct mv_str origin, struct mv_err *err) {
        struct taken *t = context;
        size_t n = strlen(t->text), prefix = t->directory ? strlen(t->directory) + 1 : 0;
        if (t->directory && !mv_str_starts_with(origin, mv_str_from(t->directory)))
                prefix = 0;
        if (t->cancel)
                atomic_store(t->cancel, true);
        for (int i = 0; i < 8; i++)
                assert_int_equal(json.p[json.n + (size_t)i], 0);
        const char *bad = strstr(json.p, "\"bad\"");
        if (t->fail && bad) {
                err->offset = (size_t)(bad - json.p);
                snprintf(err->path, sizeof err->path, "spec.x");
                return mv_err_set(err, t->fail, "this is bad");
        }
        snprintf(t->text + n, sizeof t->text - n, "%.*s=%.*s ", MV_STR_ARG(mv_str_skip(origin, prefix)),
                 MV_STR_ARG(json));
        return 0;
}

static int read_names(const struct fixture *f, struct mv_files_options options, struct taken *ret,
                      struct mv_err *err) {
        *ret = (struct taken){ .directory = f->directory };
        *err = (struct mv_err){ 0 };
        return mv_files_read(&options, take, ret, NULL, err);
}

static void check_names(const struct fixture *f, const char *const *names, size_t n, bool recursive,
                        const char *expected) {
        struct taken taken;
        struct mv_err err;
        int r = read_names(f,
                           (struct mv_files_options){ .names = names, .n_names = n, .recursive = recursive },
                           &taken, &err);
        if (r)
                fail_msg("%s: %s", err.file, err.message);
        assert_string_equal(taken.text, expected);
}

static void test_directory(void **state) {
        struct fixture *f = *state;
        const char *names[] = { f->directory };
        check_names(f, names, 1, false, "");
        put(f, "b.yaml", "2");
        put(f, "a.yml", "1\n---\n[1]\n---\n");
        put(f, "c.json", "{\"c\": 3}");
        put(f, ".hidden.yaml", "4");
        put(f, "README.md", "5");
        put(f, "d.yaml.bak", "6");
        put(f, ".yaml", "7");
        put_directory(f, "sub");
        put_directory(f, "e.yaml");
        put(f, "sub/x.yaml", "8");
        assert_int_equal(mkfifo(in(f, "pipe.yaml"), 0600), 0);
        check_names(f, names, 1, false, "a.yml=1 a.yml=[1] b.yaml=2 c.json={\"c\": 3} ");
        put(f, "e.yaml/y.yaml", "9");
        put_directory(f, ".git");
        put(f, ".git/z.yaml", "10");
        check_names(f, names, 1, true,
                    "a.yml=1 a.yml=[1] b.yaml=2 c.json={\"c\": 3} e.yaml/y.yaml=9 sub/x.yaml=8 ");
}

static void test_names(void **state) {
        struct fixture *f = *state;
        put(f, "a.yaml", "1");
        put(f, "no-extension", "2");
        put_directory(f, "sub");
        put(f, "sub/x.yaml", "3");
        char a[128], b[128], sub[128];
        snprintf(a, sizeof a, "%s/a.yaml", f->directory);
        snprintf(b, sizeof b, "%s/no-extension", f->directory);
        snprintf(sub, sizeof sub, "%s/sub/", f->directory);
        const char *names[] = { b, sub, a, a };
        check_names(f, names, 4, false, "no-extension=2 sub/x.yaml=3 a.yaml=1 a.yaml=1 ");
}

/* As the kubelet mounts it. */
static void test_config_map(void **state) {
        struct fixture *f = *state;
        put_directory(f, "..2026_01");
        put_directory(f, "..2026_01/sub");
        put(f, "..2026_01/a.yaml", "1");
        put(f, "..2026_01/b.json", "{\"b\": 2}");
        put(f, "..2026_01/sub/c.yaml", "3");
        put_link(f, "..data", "..2026_01");
        put_link(f, "a.yaml", "..data/a.yaml");
        put_link(f, "b.json", "..data/b.json");
        put_link(f, "sub", "..data/sub");
        const char *names[] = { f->directory };
        check_names(f, names, 1, false, "a.yaml=1 b.json={\"b\": 2} ");
        check_names(f, names, 1, true, "a.yaml=1 b.json={\"b\": 2} sub/c.yaml=3 ");
}

static void test_links(void **state) {
        struct fixture *f = *state;
        put(f, "a.yaml", "1");
        put_directory(f, "sub");
        put_link(f, "sub/loop", "..");
        put_link(f, "sub/self", ".");
        put_link(f, "gone", "nowhere");
        const char *names[] = { f->directory };
        check_names(f, names, 1, true, "a.yaml=1 ");
        put_link(f, "sub/gone.yaml", "nowhere");
        struct taken taken;
        struct mv_err err;
        struct mv_files_options options = { .names = names, .n_names = 1, .recursive = true };
        assert_int_equal(read_names(f, options, &taken, &err), MV_ENOTFOUND);
        assert_string_equal(err.file, in(f, "sub/gone.yaml"));
        char deep[512] = "d";
        for (int i = 0; i < 40; i++) {
                put_directory(f, deep);
                memcpy(deep + strlen(deep), "/d", 3);
        }
        assert_int_equal(unlink(in(f, "sub/gone.yaml")), 0);
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
}

/* Larger than one read, and just as large as a power of two. */
static void test_sizes(void **state) {
        struct fixture *f = *state;
        const char *names[] = { f->directory };
        struct mv_files_options options = { .names = names, .n_names = 1 };
        static const size_t sizes[] = { 3, 4096, 65535, 65536, 65537, 1000000 };
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                char *text = malloc(sizes[i] + 1);
                assert_non_null(text);
                memset(text, 'x', sizes[i]);
                text[sizes[i]] = '\0';
                put(f, "a.yaml", text);
                free(text);
                struct taken *taken = calloc(1, sizeof *taken);
                assert_non_null(taken);
                struct mv_files_counts counts;
                assert_int_equal(mv_files_read(&options, take, taken, &counts, NULL), 0);
                assert_int_equal(counts.bytes, sizes[i]);
                free(taken);
        }
}

static void test_missing(void **state) {
        struct fixture *f = *state;
        char name[128];
        snprintf(name, sizeof name, "%s/nothing.yaml", f->directory);
        const char *names[] = { name };
        struct taken taken;
        struct mv_err err;
        struct mv_files_options options = { .names = names, .n_names = 1 };
        assert_int_equal(read_names(f, options, &taken, &err), MV_ENOTFOUND);
        assert_int_equal(err.code, MV_ENOTFOUND);
        assert_string_equal(err.file, name);
        assert_string_equal(err.message, "No such file or directory");
        assert_int_equal(err.line, 0);
        if (geteuid() != 0) {
                put(f, "nothing.yaml", "1");
                assert_int_equal(chmod(name, 0), 0);
                assert_int_equal(read_names(f, options, &taken, &err), MV_EIO);
                assert_string_equal(err.file, name);
        }
}

static void test_stdin_and_pipes(void **state) {
        struct fixture *f = *state;
        int ends[2], before = dup(0);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "a: 1\n---\nb: 2\n", 14), 14);
        close(ends[1]);
        assert_int_equal(dup2(ends[0], 0), 0);
        close(ends[0]);
        const char *names[] = { "-", "-" };
        check_names(f, names, 1, false, "<stdin>={\"a\":1} <stdin>={\"b\":2} ");
        struct taken taken;
        struct mv_err err;
        assert_int_equal(
                read_names(f, (struct mv_files_options){ .names = names, .n_names = 2 }, &taken, &err),
                MV_EUSAGE);

        /* What `-f <(command)` gives. */
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "c: 3\n", 5), 5);
        close(ends[1]);
        char path[32];
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        names[0] = path;
        char expected[64];
        snprintf(expected, sizeof expected, "%s={\"c\":3} ", path);
        check_names(f, names, 1, false, expected);
        close(ends[0]);

        names[0] = "-";
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "a: [\n", 5), 5);
        close(ends[1]);
        dup2(ends[0], 0);
        close(ends[0]);
        assert_int_equal(
                read_names(f, (struct mv_files_options){ .names = names, .n_names = 1 }, &taken, &err),
                MV_ESYNTAX);
        assert_string_equal(err.file, "<stdin>");
        assert_int_equal(err.line, 2);
        dup2(before, 0);
        close(before);
}

/* The kernel makes this one up; its size is told as 0. */
static void test_made_up_file(void **state) {
        struct fixture *f = *state;
        const char *names[] = { "/proc/self/comm" };
        struct taken taken;
        struct mv_err err;
        assert_int_equal(
                read_names(f, (struct mv_files_options){ .names = names, .n_names = 1 }, &taken, &err), 0);
        assert_non_null(strstr(taken.text, "/proc/self/comm=\""));
}

static void test_error_places(void **state) {
        struct fixture *f = *state;
        const char *names[] = { f->directory };
        struct mv_files_options options = { .names = names, .n_names = 1 };
        struct taken taken = { .directory = f->directory, .fail = MV_ETYPE };
        struct mv_err err = { 0 };
        put(f, "a.yaml", "a: 1\n");
        put(f, "b.yaml", "a: 1\n---\nx:\n  - y: bad\n");
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, &err), MV_ETYPE);
        assert_string_equal(err.file, in(f, "b.yaml"));
        assert_int_equal(err.line, 4);
        assert_int_equal(err.column, 8);
        assert_string_equal(err.path, "spec.x");
        assert_string_equal(err.message, "this is bad");

        put(f, "a.yaml", "a: 1\nb: [1,\n");
        err = (struct mv_err){ 0 };
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, &err), MV_ESYNTAX);
        assert_string_equal(err.file, in(f, "a.yaml"));
        assert_int_equal(err.line, 3);
        assert_int_equal(err.column, 1);

        put(f, "a.yaml", "{\"a\": 1,\n \"b\": \"bad\"}\n");
        err = (struct mv_err){ 0 };
        taken.fail = MV_ENOMEM;
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, &err), MV_ENOMEM);
        taken.fail = MV_ETYPE;
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, &err), MV_ETYPE);
        assert_int_equal(err.line, 2);
        assert_int_equal(err.column, 7);
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, NULL), MV_ETYPE);
}

static void test_limits(void **state) {
        struct fixture *f = *state;
        const char *names[] = { f->directory };
        struct taken taken;
        struct mv_err err;
        put(f, "a.yaml", "'123456'");
        put(f, "b.yaml", "'12345678'");
        struct mv_files_options options = { .names = names, .n_names = 1 };
        options.limits = (struct mv_files_limits){ .files = 2, .file_bytes = 10, .total_bytes = 18 };
        assert_int_equal(read_names(f, options, &taken, &err), 0);

        options.limits.files = 1;
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
        assert_string_equal(err.file, in(f, "b.yaml"));
        assert_string_equal(err.message, "more than 1 files");
        options.limits.files = 0;

        options.limits.file_bytes = 9;
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
        assert_string_equal(err.file, in(f, "b.yaml"));
        assert_string_equal(err.message, "the file is larger than 9 bytes: split it");
        options.limits.file_bytes = 0;

        options.limits.total_bytes = 17;
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
        assert_string_equal(err.file, in(f, "b.yaml"));
        assert_string_equal(err.message, "the files are larger than 17 bytes together");
        options.limits.total_bytes = 0;

        put(f, "a.yaml", "[1, 2, 3]");
        options.limits.nodes = 3;
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
        assert_string_equal(err.file, in(f, "a.yaml"));
        assert_string_equal(err.message, "the document has more than 3 nodes");

        /* Streams too. */
        int ends[2];
        char path[32];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "'12345'", 7), 7);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        names[0] = path;
        options.limits = (struct mv_files_limits){ .file_bytes = 6 };
        assert_int_equal(read_names(f, options, &taken, &err), MV_ELIMIT);
        close(ends[0]);
}

struct progress {
        size_t calls, files;
};

static void count_progress(void *context, size_t done, size_t files) {
        struct progress *p = context;
        assert_int_equal(done, p->calls++);
        p->files = files;
}

/* Several threads read many files; the order, what is reported and the limits are those of one. */
static void check_ahead(const struct fixture *f, struct mv_files_limits limits) {
        const char *names[] = { f->directory };
        struct mv_files_options options = { .names = names, .n_names = 1, .limits = limits };
        struct taken alone, ahead;
        struct mv_err a, b;
        int r = read_names(f, options, &alone, &a);
        options.ahead = true;
        assert_int_equal(read_names(f, options, &ahead, &b), r);
        assert_string_equal(ahead.text, alone.text);
        assert_string_equal(b.message, a.message);
        assert_string_equal(b.file, a.file);
        assert_int_equal(b.line, a.line);
        assert_int_equal(b.column, a.column);
}

static void test_ahead(void **state) {
        struct fixture *f = *state;
        static char large[300 * 1024];
        memset(large, '\n', sizeof large - 1);
        memcpy(large, "large: 1", 8);
        for (int i = 0; i < 200; i++) {
                char name[32], text[32];
                snprintf(name, sizeof name, "%03d.yaml", i);
                snprintf(text, sizeof text, "a: %d\n---\n'b': %d", i, i);
                put(f, name, i % 50 == 30 ? large : text);
        }
        const char *names[] = { f->directory };
        struct taken taken;
        struct mv_err err;
        struct mv_files_options options = { .names = names, .n_names = 1, .ahead = true };
        assert_int_equal(read_names(f, options, &taken, &err), 0);
        assert_non_null(strstr(taken.text, "199.yaml={\"b\":199} "));
        check_ahead(f, (struct mv_files_limits){ 0 });
        check_ahead(f, (struct mv_files_limits){ .file_bytes = 10 });
        check_ahead(f, (struct mv_files_limits){ .file_bytes = 1000 });
        check_ahead(f, (struct mv_files_limits){ .total_bytes = 2000 });
        check_ahead(f, (struct mv_files_limits){ .total_bytes = 500 * 1024 });
        check_ahead(f, (struct mv_files_limits){ .nodes = 2 });
        put(f, "160.yaml", "c: [");
        put(f, "150.yaml", "a: 1\n---\n'b': 2\n---\nc: ]");
        check_ahead(f, (struct mv_files_limits){ 0 });
        put(f, "120.yaml", "a: ]");
        check_ahead(f, (struct mv_files_limits){ 0 });
        assert_int_equal(read_names(f, options, &taken, &err), MV_ESYNTAX);
        assert_string_equal(err.file, in(f, "120.yaml"));
        put(f, "110.yaml", "a: bad");
        options.ahead = true;
        taken = (struct taken){ .directory = f->directory, .fail = MV_ETYPE };
        assert_int_equal(mv_files_read(&options, take, &taken, NULL, &err), MV_ETYPE);
        assert_string_equal(err.file, in(f, "110.yaml"));
        assert_int_equal(err.column, 4);
}

/* --- memory --- */

struct counting {
        struct mv_allocator allocator;
        atomic_size_t now, most;
};

static void count(struct counting *counting, void *memory) {
        const size_t n = malloc_usable_size(memory), now = atomic_fetch_add(&counting->now, n) + n;
        if (now > counting->most)
                counting->most = now;
}

static void *count_allocate(void *context, size_t size) {
        void *memory = malloc(size);
        count(context, memory);
        return memory;
}

static void count_release(void *context, void *memory) {
        struct counting *counting = context;
        atomic_fetch_sub(&counting->now, malloc_usable_size(memory));
        free(memory);
}

/* The memory of large files is not kept until the end. */
static void test_large_files(void **state) {
        enum { FILES = 60, BYTES = 1024 * 1024 };
        struct fixture *f = *state;
        char *large = malloc(BYTES);
        assert_non_null(large);
        memset(large, '\n', BYTES - 1);
        memcpy(large, "large: 1", 8);
        large[BYTES - 1] = '\0';
        for (int i = 0; i < FILES; i++) {
                char name[32];
                snprintf(name, sizeof name, "%03d.yaml", i);
                put(f, name, large);
        }
        free(large);
        struct counting counting = { .allocator = { count_allocate, count_release, &counting } };
        const char *names[] = { f->directory };
        struct taken taken;
        struct mv_err err;
        for (int ahead = 0; ahead < 2; ahead++) {
                struct mv_files_options options = {
                        .names = names, .n_names = 1, .ahead = ahead, .allocator = &counting.allocator
                };
                assert_int_equal(read_names(f, options, &taken, &err), 0);
                assert_true(counting.most < 8 * BYTES);
                assert_int_equal(counting.now, 0);
        }
}

static void test_progress_and_cancel(void **state) {
        struct fixture *f = *state;
        put(f, "a.yaml", "1\n---\n2");
        put(f, "b.yaml", "1");
        const char *names[] = { f->directory };
        struct progress progress = { 0 };
        struct mv_files_options options = {
                .names = names, .n_names = 1, .progress = count_progress, .context = &progress
        };
        struct mv_files_counts counts = { 0 };
        struct taken taken = { 0 };
        assert_int_equal(mv_files_read(&options, take, &taken, &counts, NULL), 0);
        assert_int_equal(progress.calls, 3);
        assert_int_equal(progress.files, 2);
        assert_int_equal(counts.files, 2);
        assert_int_equal(counts.documents, 3);
        assert_int_equal(counts.bytes, 8);
        atomic_bool cancel = false;
        options.progress = NULL;
        options.cancel = &cancel;
        taken.cancel = &cancel;
        assert_int_equal(mv_files_read(&options, take, &taken, &counts, NULL), MV_EIO);
        assert_int_equal(counts.documents, 1);
        assert_int_equal(mv_files_read(&options, take, &taken, &counts, NULL), MV_EIO);
        assert_int_equal(counts.documents, 0);
}

struct writer {
        const char *path;
        atomic_bool stop;
};

/* Grow and cut the file all the time. */
static void *disturb(void *argument) {
        struct writer *w = argument;
        for (int i = 0; !atomic_load(&w->stop); i++) {
                FILE *file = fopen(w->path, "w");
                if (!file)
                        break;
                for (int j = 0; j < 2000 * (1 + i % 2); j++)
                        fputs("- a\n", file);
                fclose(file);
                usleep(3000);
        }
        return NULL;
}

/* A size that changes is seen, and reading again succeeds in a quiet moment. */
static void test_file_that_changes(void **state) {
        struct fixture *f = *state;
        char path[128];
        snprintf(path, sizeof path, "%s/a.yaml", f->directory);
        put(f, "a.yaml", "- a\n");
        struct writer writer = { .path = path };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, disturb, &writer), 0);
        const char *names[] = { path };
        struct mv_files_options options = { .names = names, .n_names = 1 };
        int successes = 0;
        for (int i = 0; i < 50; i++) {
                struct taken *taken = calloc(1, sizeof *taken);
                struct mv_err err = { 0 };
                struct mv_files_counts counts;
                int r = mv_files_read(&options, take, taken, &counts, &err);
                free(taken);
                if (r == MV_EIO)
                        continue;
                assert_int_equal(r, 0);
                assert_int_equal(counts.bytes % 4, 0);
                successes++;
        }
        assert_true(successes > 0);
        atomic_store(&writer.stop, true);
        pthread_join(thread, NULL);
}

static void test_load(void **state) {
        struct fixture *f = *state;
        put(f, "a.yaml", namespace_yaml("alpha"));
        put(f, "b.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n"
            "{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"beta\"}}]}");
        const char *names[] = { f->directory };
        struct mv_files_options options = { .names = names, .n_names = 1 };
        struct mv_snapshot *snapshot = NULL;
        struct mv_files_counts counts;
        struct mv_err err = { 0 };
        assert_int_equal(mv_files_load(&options, MV_STR("default"), &snapshot, &counts, &err), 0);
        assert_true(has_namespace(snapshot, "alpha"));
        assert_true(has_namespace(snapshot, "beta"));
        assert_int_equal(counts.files, 2);
        mv_snapshot_free(snapshot);

        put(f, "c.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: [1]\n");
        snapshot = NULL;
        assert_int_equal(mv_files_load(&options, MV_STR("default"), &snapshot, &counts, &err), MV_ETYPE);
        assert_null(snapshot);
        assert_string_equal(err.file, in(f, "c.yaml"));
        assert_int_equal(err.line, 4);
        assert_string_equal(err.path, "metadata.name");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_directory),
                TEST(test_names),
                TEST(test_config_map),
                TEST(test_links),
                TEST(test_missing),
                TEST(test_sizes),
                TEST(test_stdin_and_pipes),
                TEST(test_made_up_file),
                TEST(test_error_places),
                TEST(test_limits),
                TEST(test_ahead),
                TEST(test_large_files),
                TEST(test_progress_and_cancel),
                TEST(test_file_that_changes),
                TEST(test_load),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
