/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of files: a directory that is gone afterwards, and what to put there. */
#pragma once

#include "policy/snapshot/snapshot.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
        char directory[64];
};

static inline int set_up(void **state) {
        struct fixture *f = calloc(1, sizeof *f);
        assert_non_null(f);
        snprintf(f->directory, sizeof f->directory, "/tmp/test-files.XXXXXX");
        assert_non_null(mkdtemp(f->directory));
        *state = f;
        return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static inline int tear_down(void **state) {
        struct fixture *f = *state;
        nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(f);
        return 0;
}

/* DIRECTORY/NAME; overwritten by the fourth call after. */
static inline const char *in(const struct fixture *f, const char *name) {
        static char paths[4][512];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, sizeof paths[0], "%s/%s", f->directory, name);
        return path;
}

static inline void put(const struct fixture *f, const char *name, const char *text) {
        FILE *file = fopen(in(f, name), "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static inline void put_directory(const struct fixture *f, const char *name) {
        assert_int_equal(mkdir(in(f, name), 0700), 0);
}

static inline void put_link(const struct fixture *f, const char *name, const char *target) {
        assert_int_equal(symlink(target, in(f, name)), 0);
}

/* A namespace of that name, as YAML. */
static inline const char *namespace_yaml(const char *name) {
        static char text[256];
        snprintf(text, sizeof text, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n", name);
        return text;
}

static inline bool has_namespace(const struct mv_snapshot *snapshot, const char *name) {
        return snapshot &&
               mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, mv_str_from(name));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
