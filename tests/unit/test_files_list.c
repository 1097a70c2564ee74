/* SPDX-License-Identifier: Apache-2.0 */
/* Lists so large that their items are decoded by several threads: the same comes of it as with one. */
#include "cluster/files.h"
#include "policy/object/digest.h"
#include "policy/object/meta.h"
#include "tests/unit/test_files.h"

enum { ITEMS = 300 };

/* A List of VMs; odd ones have no namespace, and one is too large to be decoded ahead. last: an item more. */
static void put_list(const struct fixture *f, const char *name, const char *last) {
        FILE *file = fopen(in(f, name), "w");
        assert_non_null(file);
        fprintf(file, "apiVersion: v1\nitems:\n");
        for (int i = 0; i < ITEMS; i++) {
                fprintf(file,
                        "- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n"
                        "  spec: {template: {spec: {domain: {cpu: {cores: %d}}}}}\n"
                        "  metadata:\n    name: vm-%d\n",
                        i % 5 + 1, i);
                if (i % 2 == 0)
                        fprintf(file, "    namespace: team-%d\n", i % 10);
                if (i == 50)
                        fprintf(file, "    annotations: {a: \"%0100000d\"}\n", 1);
                if (i % 40 == 0)
                        fprintf(file,
                                "- {apiVersion: v1, kind: Namespace, metadata: {name: team-%d}}\n"
                                "- {apiVersion: example.org/v1, kind: Other}\n"
                                "- {apiVersion: v1, kind: List, items: []}\n",
                                i);
        }
        fprintf(file,
                "- {apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {name: vm-3, labels: {a: b}}}\n"); /* again */
        fprintf(file, "%skind: List\nmetadata: {resourceVersion: ''}\n", last);
        assert_int_equal(fclose(file), 0);
}

static int load(const struct fixture *f, const char *name, bool ahead, struct mv_snapshot **ret,
                struct mv_err *err) {
        const char *names[] = { in(f, name) };
        const struct mv_files_options options = { .names = names,
                                                  .n_names = 1,
                                                  .ahead = ahead,
                                                  .lines = true,
                                                  .texts = UINT64_C(1) << MV_KIND_VM };
        return mv_files_load(&options, MV_STR("default"), ret, NULL, err);
}

static void assert_same_entry(const struct mv_entry *a, const struct mv_entry *b) {
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->digest, b->digest);
        assert_int_equal(a->superseded, b->superseded);
        assert_int_equal(mv_decoded_digest(mv_kinds[a->kind].table, a->object),
                         mv_decoded_digest(mv_kinds[b->kind].table, b->object));
        assert_true(mv_str_equal(a->meta->name, b->meta->name));
        assert_true(mv_str_equal(a->meta->namespace, b->meta->namespace));
        assert_true(mv_str_equal(a->meta->text, b->meta->text));
        struct mv_place x = mv_lines_find(a->lines, MV_STR("metadata.name")),
                        y = mv_lines_find(b->lines, MV_STR("metadata.name"));
        assert_int_equal(x.line, y.line);
        assert_int_equal(x.column, y.column);
}

static void test_same(void **state) {
        struct fixture *f = *state;
        struct mv_snapshot *many = NULL, *one = NULL;
        struct mv_err err = { 0 };
        put_list(f, "list.yaml", "");
        assert_int_equal(load(f, "list.yaml", true, &many, &err), 0);
        assert_int_equal(load(f, "list.yaml", false, &one, &err), 0);
        size_t n, n_one;
        const struct mv_entry *a = mv_snapshot_entries(many, &n), *b = mv_snapshot_entries(one, &n_one);
        assert_int_equal(n, n_one);
        assert_int_equal(n, ITEMS + 8 + 1);
        for (size_t i = 0; i < n; i++)
                assert_same_entry(&a[i], &b[i]);
        assert_true(mv_str_is(a[0].meta->name, "vm-0"));
        assert_int_equal(mv_lines_find(a[0].lines, MV_STR("metadata.name")).line, 7);
        assert_true(mv_str_is(a[n - 2].meta->name, "vm-299"));
        assert_true(mv_str_is(a[n - 2].meta->namespace, "default"));
        assert_true(mv_str_is(a[n - 1].meta->name, "vm-3"));
        assert_int_equal(mv_snapshot_count(many, MV_KIND_VM), ITEMS);
        mv_snapshot_free(many);
        mv_snapshot_free(one);
}

static void test_error_in_the_last(void **state) {
        struct fixture *f = *state;
        static const struct {
                const char *last, *path;
                unsigned line;
        } rows[] = {
                { "- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  metadata:\n    name: [x]\n",
                  "items[325].metadata.name", 1682 },
                { "- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  metadata: {}\n",
                  "items[325].metadata.name", 1679 },
                { "- kind: VirtualMachine\n", "items[325]", 1679 },
                { "- x: {\n", "", 1681 },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                put_list(f, "list.yaml", rows[i].last);
                struct mv_snapshot *snapshot = NULL;
                struct mv_err many = { 0 }, one = { 0 };
                int r = load(f, "list.yaml", true, &snapshot, &many);
                assert_true(r < 0);
                assert_int_equal(r, load(f, "list.yaml", false, &snapshot, &one));
                assert_null(snapshot);
                assert_string_equal(many.message, one.message);
                assert_string_equal(many.path, one.path);
                assert_string_equal(many.path, rows[i].path);
                assert_int_equal(many.line, one.line);
                assert_int_equal(many.line, rows[i].line);
                assert_int_equal(many.column, one.column);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { TEST(test_same), TEST(test_error_in_the_last) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
