/* SPDX-License-Identifier: Apache-2.0 */
/* ConfigMaps and Secrets: just names, but for the two that configure a cluster, and what is wrong with those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/object/config_map.h"

#include <stdio.h>

#define CONFIG_MAP(name, namespace, data)                                 \
        "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'" name \
        "','namespace':'" namespace "'},'data':" data "}"
#define LEGACY(data) CONFIG_MAP("kubevirt-config", "kubevirt", data)
#define DEFAULTS(data) CONFIG_MAP("kubevirt-storage-class-defaults", "kubevirt", data)

static const struct mv_config_map *read_map(struct mv_snapshot **snapshot, const char *text) {
        *snapshot = snapshot_make(text);
        assert_int_equal(mv_snapshot_count(*snapshot, MV_KIND_CONFIG_MAP), 1);
        return mv_snapshot_at(*snapshot, MV_KIND_CONFIG_MAP, 0);
}

static void test_only_names_are_kept(void **state) {
        (void)state;
        struct mv_snapshot *s;
        const struct mv_config_map *map = read_map(
                &s, "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'a','labels':{'x':'y'},"
                    "'annotations':{'x':'y'}},'data':{'migrations':'[','number':5}}");
        assert_str(map->meta.name, "a");
        assert_str(map->meta.namespace, "default");
        assert_int_equal(map->meta.labels.n + map->meta.annotations.n + map->data.n, 0);
        mv_snapshot_free(s);
        s = snapshot_make(
                "{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s','annotations':{"
                "'kubectl.kubernetes.io/last-applied-configuration':'secret'}},'data':{'a':'Yg=='}}");
        const struct mv_secret *secret = mv_snapshot_at(s, MV_KIND_SECRET, 0);
        assert_str(secret->meta.name, "s");
        assert_int_equal(secret->meta.annotations.n, 0);
        mv_snapshot_free(s);
}

static void test_migrations(void **state) {
        (void)state;
        static const char *const texts[] = {
                LEGACY("{'feature-gates':'LiveMigration','migrations':'progressTimeout: 150\\nunknown: [1]\\n"
                       "allowAutoConverge: true\\nbandwidthPerMigration: 1024Mi\\nnetwork: null\\n'}"),
                LEGACY("{'migrations':'{\\\"progressTimeout\\\": \\\"150\\\", \\\"allowAutoConverge\\\": "
                       "\\\"tr\\\\u0075e\\\", \\\"bandwidthPerMigration\\\": \\\"1Gi\\\"}'}"),
        };
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                struct mv_snapshot *s;
                const struct mv_config_map *map = read_map(&s, texts[i]);
                assert_int_equal(map->data.n, i == 0 ? 2 : 1);
                assert_int_equal(map->migrations.n, 3);
                assert_true(mv_map_has(&map->migrations, MV_STR("progressTimeout"), MV_STR("150")));
                assert_true(mv_map_has(&map->migrations, MV_STR("allowAutoConverge"), MV_STR("true")));
                assert_true(mv_map_has(&map->migrations, MV_STR("bandwidthPerMigration"), MV_STR("1Gi")));
                mv_snapshot_free(s);
        }
        struct mv_snapshot *s;
        assert_int_equal(read_map(&s, LEGACY("{'migrations':''}"))->migrations.n, 0);
        mv_snapshot_free(s);
        assert_int_equal(read_map(&s, LEGACY("null"))->data.n, 0);
        mv_snapshot_free(s);
}

static void test_errors(void **state) {
        (void)state;
        static const struct {
                const char *text, *path, *at, *message;
        } cases[] = {
                { LEGACY("{'migrations':'a: 1\\n  b: 2'}"), "data.migrations", "'a: 1",
                  "line 2 of the text: " },
                { LEGACY("{'migrations':'- a'}"), "data.migrations", "'- a",
                  "line 1 of the text: must be an" },
                { LEGACY("{'migrations':'network: x\\nprogressTimeout: soon'}"), "data.migrations",
                  "'network", "line 2 of the text: progressTimeout: must be a whole number" },
                { LEGACY("{'migrations':'progressTimeout: -1'}"), "data.migrations", "'progress",
                  "line 1 of the text: progressTimeout: must be a whole number" },
                { LEGACY("{'migrations':'allowPostCopy: 1'}"), "data.migrations", "'allow",
                  "line 1 of the text: allowPostCopy: must be true or false" },
                { LEGACY("{'migrations':'bandwidthPerMigration: fast'}"), "data.migrations", "'bandwidth",
                  "line 1 of the text: bandwidthPerMigration: must be a quantity" },
                { LEGACY("{'migrations':'network: {}'}"), "data.migrations", "'network",
                  "line 1 of the text: network: must be a single value" },
                { LEGACY("{'x':'y','migrations':'','progressTimeout':150}"), "data.migrations", "'',",
                  "progressTimeout stands beside migrations" },
                { LEGACY("{'progressTimeout':'150'}"), "data.migrations", "",
                  "progressTimeout stands beside" },
                { LEGACY("{'feature-gates':1}"), "data.feature-gates", "1}}", "must be a string" },
                { LEGACY("[]"), "data", "[]", "must be an object" },
                { DEFAULTS("{'accessMode':'RWX'}"), "data.accessMode", "'RWX'", "must be ReadWriteOnce," },
                { DEFAULTS("{'nfs.accessMode':''}"), "data.nfs.accessMode", "''", "must be ReadWriteOnce," },
                { DEFAULTS("{'nfs.volumeMode':'File'}"), "data.nfs.volumeMode", "'File'",
                  "must be Block or" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_str json = json_make(cases[i].text);
                struct mv_snapshot *s = NULL;
                struct mv_err err = { 0 };
                int r = snapshot_try(&mv_allocator_system, json, &s, &err);
                const char *at = cases[i].at[0] ? strstr(cases[i].text, cases[i].at) : NULL;
                if (r >= 0 || strcmp(err.path, cases[i].path) != 0 ||
                    strncmp(err.message, cases[i].message, strlen(cases[i].message)) != 0)
                        fail_msg("%s: %d %s: %s", cases[i].text, r, err.path, err.message);
                if (err.offset != (at ? (size_t)(at - cases[i].text) : 0))
                        fail_msg("%s: at %zu", cases[i].text, err.offset);
                text_free(json);
                mv_snapshot_free(s);
        }
}

static void test_settings_that_nobody_knows(void **state) {
        (void)state;
        struct mv_snapshot *s;
        const struct mv_config_map *map =
                read_map(&s, DEFAULTS("{'accessMode':'ReadWriteOnce','myaccessMode':'x','note':'y'}"));
        assert_int_equal(map->data.n, 3);
        mv_snapshot_free(s);
}

#define IN(namespace) CONFIG_MAP("kubevirt-config", namespace, "{}")
#define KUBEVIRT_IN(namespace) \
        ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'k','namespace':'" namespace "'}}"
#define HYPERCONVERGED_IN(namespace)                                                    \
        ",{'apiVersion':'hco.kubevirt.io/v1beta1','kind':'HyperConverged','metadata':{" \
        "'name':'h','namespace':'" namespace "'}}"

/* KubeVirt's namespace, then where installers put it; anybody's only where nothing shows where KubeVirt is, and if it is
 * the only one. */
static void test_which_of_several(void **state) {
        (void)state;
        static const struct {
                const char *items, *namespace;
        } cases[] = {
                { IN("a"), "a" },
                { IN("a") "," IN("b"), NULL },
                { IN("a") KUBEVIRT_IN("virt"), NULL },
                { IN("a") HYPERCONVERGED_IN("virt"), NULL },
                { IN("a") "," IN("openshift-cnv"), "openshift-cnv" },
                { IN("a") "," IN("openshift-cnv") "," IN("kubevirt"), "kubevirt" },
                { IN("a") "," IN("kubevirt") "," IN("virt") KUBEVIRT_IN("virt"), "virt" },
                { IN("a") "," IN("kubevirt") KUBEVIRT_IN("virt"), "kubevirt" },
                { IN("a") "," IN("virt") HYPERCONVERGED_IN("virt"), "virt" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_snapshot *s = snapshot_make(cases[i].items);
                const struct mv_config_map *map = mv_snapshot_cluster_config_map(s, MV_STR(MV_LEGACY_CONFIG));
                if (map ? !cases[i].namespace || !mv_str_is(map->meta.namespace, cases[i].namespace)
                        : cases[i].namespace != NULL)
                        fail_msg("%s: not that of %s", cases[i].items, cases[i].namespace);
                assert_null(mv_snapshot_cluster_config_map(s, MV_STR(MV_STORAGE_CLASS_DEFAULTS)));
                mv_snapshot_free(s);
        }
}

/* What is wrong in a map that configures nothing is nobody's business. */
static void test_errors_of_anybody(void **state) {
        (void)state;
#define BAD(namespace) CONFIG_MAP("kubevirt-storage-class-defaults", namespace, "{'accessMode':'RWX'}")
        static const struct {
                const char *items;
                int code;
                size_t notes;
        } cases[] = {
                { BAD("a") KUBEVIRT_IN("virt"), 0, 0 },
                { BAD("a"), 0, 1 },
                { BAD("a") "," BAD("b"), 0, 0 },
                { BAD("virt") KUBEVIRT_IN("virt"), MV_ETYPE, 0 },
                { BAD("openshift-cnv") KUBEVIRT_IN("virt"), MV_ETYPE, 0 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_snapshot *s = NULL;
                struct mv_err err = { 0 };
                char list[1024];
                snprintf(list, sizeof list, "{'apiVersion':'v1','kind':'List','items':[%s]}", cases[i].items);
                struct mv_str json = json_make(list);
                size_t n = 0;
                if (snapshot_try(&mv_allocator_system, json, &s, &err) != cases[i].code)
                        fail_msg("%s: %s", cases[i].items, err.message);
                if (s) {
                        mv_snapshot_notes(s, &n);
                        assert_null(mv_snapshot_cluster_config_map(s, MV_STR(MV_STORAGE_CLASS_DEFAULTS)));
                } else
                        assert_non_null(strstr(err.path, "data.accessMode"));
                assert_int_equal(n, cases[i].notes);
                mv_snapshot_free(s);
                text_free(json);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_only_names_are_kept),
                cmocka_unit_test(test_migrations),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_settings_that_nobody_knows),
                cmocka_unit_test(test_which_of_several),
                cmocka_unit_test(test_errors_of_anybody),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
