/* SPDX-License-Identifier: Apache-2.0 */
/* siteRules: the paths of their fields, and what they find in objects, claims and storage classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/snapshot/block.h"
#include "policy/config/config.h"
#include "policy/object/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- paths --- */

/* The steps with | between them, `*` for every element. */
static void assert_path(const char *text, enum mv_site_root root, const char *steps) {
        struct mv_arena arena;
        struct mv_site_path path;
        struct mv_err err = { 0 };
        char found[512] = "";
        mv_arena_init(&arena, &mv_allocator_system, 0);
        if (mv_site_path_parse(&arena, mv_str_from(text), &path, &err) < 0)
                fail_msg("%s: %s", text, err.message);
        assert_int_equal(path.root, root);
        for (size_t i = 0; i < path.n; i++)
                snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.*s", i ? "|" : "",
                         MV_STR_ARG(path.steps[i].p ? path.steps[i] : MV_STR("*")));
        assert_string_equal(found, steps);
        mv_arena_done(&arena);
}

static void test_paths(void **state) {
        (void)state;
        assert_path("spec", MV_SITE_OBJECT, "spec");
        assert_path("spec.template.spec.volumes[*].dataVolume.name", MV_SITE_OBJECT,
                    "spec|template|spec|volumes|*|dataVolume|name");
        assert_path("metadata.labels['example.org/tier']", MV_SITE_OBJECT,
                    "metadata|labels|example.org/tier");
        assert_path("metadata.labels[\"a]'.b\"].x", MV_SITE_OBJECT, "metadata|labels|a]'.b|x");
        assert_path("status.a[*][*]", MV_SITE_OBJECT, "status|a|*|*");
        assert_path("claim.spec.storageClassName", MV_SITE_CLAIM, "spec|storageClassName");
        assert_path("storageClass.parameters['csi.storage.k8s.io/fstype']", MV_SITE_STORAGE_CLASS,
                    "parameters|csi.storage.k8s.io/fstype");
}

static void test_wrong_paths(void **state) {
        (void)state;
        static const struct {
                const char *text, *words;
        } wrong[] = {
                { "", "the name of a member is missing, behind 0 bytes" },
                { "spec.", "the name of a member is missing, behind 5 bytes" },
                { "spec..a", "the name of a member is missing, behind 5 bytes" },
                { "[*]", "the name of a member is missing, behind 0 bytes" },
                { "spec.a b", "., [ or its end is expected, behind 6 bytes" },
                { "spec.a[*]b", "., [ or its end is expected, behind 9 bytes" },
                { "spec.a[", "[*] or a name in quotes is expected, behind 7 bytes" },
                { "spec.a[0]", "[*] or a name in quotes is expected, behind 7 bytes" },
                { "spec.a[*", "] is expected, behind 8 bytes" },
                { "spec.a['b'", "] is expected, behind 10 bytes" },
                { "spec.a['b]", "a quotation mark is not closed, behind 7 bytes" },
                { "spec.a['']", "the name of a member is missing, behind 7 bytes" },
                { "claim", "a field is expected, behind 5 bytes" },
                { "storageClass", "a field is expected, behind 12 bytes" },
                { "claim[*]", "apiVersion, kind, metadata, spec or status is expected, behind 5 bytes" },
                { "claim.specs.a", "apiVersion, kind, metadata, spec or status is expected, behind 6 bytes" },
                { "volumes[*].name",
                  "apiVersion, kind, metadata, spec or status is expected, behind 0 bytes" },
                { "storageClass.spec.a", "no StorageClass has such a field, behind 13 bytes" },
                { "storageClass[*].a", "no StorageClass has such a field, behind 12 bytes" },
        };
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                struct mv_arena arena;
                struct mv_site_path path;
                struct mv_err err = { 0 };
                mv_arena_init(&arena, &mv_allocator_system, 0);
                assert_int_equal(mv_site_path_parse(&arena, mv_str_from(wrong[i].text), &path, &err),
                                 MV_ESYNTAX);
                if (!strstr(err.message, wrong[i].words))
                        fail_msg("%s: \"%s\" lacks \"%s\"", wrong[i].text, err.message, wrong[i].words);
                mv_arena_done(&arena);
        }
}

static void test_longest_path(void **state) {
        (void)state;
        char text[512] = "claim.spec";
        size_t n = strlen(text);
        struct mv_arena arena;
        struct mv_site_path path;
        struct mv_err err = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 1; i < MV_SITE_STEPS; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "[*]");
        assert_int_equal(mv_site_path_parse(&arena, mv_str_from(text), &path, &err), 0);
        assert_int_equal(path.n, MV_SITE_STEPS);
        snprintf(text + n, sizeof text - n, "[*]");
        assert_int_equal(mv_site_path_parse(&arena, mv_str_from(text), &path, &err), MV_ELIMIT);
        /* Without the root, one step too many. */
        assert_int_equal(mv_site_path_parse(&arena, mv_str_skip(mv_str_from(text), 6), &path, &err),
                         MV_ELIMIT);
        mv_arena_done(&arena);
}

/* --- what they find --- */

/* A configuration with one rule, and the verdict on an object of a snapshot that keeps texts. */
struct found {
        struct mv_arena arena;
        struct mv_config config;
        struct mv_snapshot *snapshot;
        struct mv_verdict verdict;
};

static const char claims[] =
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'one','namespace':'default'},"
        "'spec':{'accessModes':['ReadWriteMany'],'storageClassName':'ceph','volumeName':'pv-1','selector':null}},"
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'classless','namespace':'default'},"
        "'spec':{'accessModes':['ReadWriteMany']}},"
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'lost','namespace':'default'},"
        "'spec':{'accessModes':['ReadWriteMany'],'storageClassName':'gone'}},"
        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'ceph'},'provisioner':'rbd',"
        "'parameters':{'a.b/c':'x'}}";

static void read_rule(struct found *found, const char *kinds, const char *field, const char *pattern,
                      const char *more) {
        char text[1024];
        struct mv_err err = { 0 };
        snprintf(
                text, sizeof text,
                "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\nsiteRules:\n- name: site\n"
                "  kinds: [%s]\n  field: \"%s\"\n  pattern: '%s'\n  message: the message\n  fix: the fix\n%s",
                kinds, field, pattern, more);
        struct mv_str copy = text_make(text, strlen(text));
        if (mv_config_read(&found->arena, copy, &found->config, &err) < 0)
                fail_msg("%s: %s", err.path, err.message);
        text_free(copy);
}

static void load(struct found *found, uint64_t texts, const char *objects) {
        char text[8192];
        struct mv_err err = { 0 };
        snprintf(text, sizeof text, "{'apiVersion':'v1','kind':'List','items':[%s,%s]}", claims, objects);
        struct mv_str json = json_make(text);
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        assert_non_null(builder);
        mv_snapshot_builder_keep_texts(builder, texts);
        if (mv_snapshot_builder_add(builder, json, MV_STR("input"), &err) < 0)
                fail_msg("%s: %s", err.path, err.message);
        text_free(json);
        assert_int_equal(mv_snapshot_builder_finish(builder, &found->snapshot, &err), 0);
}

static void evaluate(struct found *found, enum mv_kind kind, const char *name) {
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(found->snapshot, &n), *entry = NULL;
        for (size_t i = 0; i < n; i++)
                if (entries[i].kind == kind && mv_str_is(entries[i].meta->name, name))
                        entry = &entries[i];
        assert_non_null(entry);
        const struct mv_evaluation evaluation = { .arena = &found->arena,
                                                  .snapshot = found->snapshot,
                                                  .config = &found->config };
        assert_true(mv_evaluate_entry(&evaluation, entry, &found->verdict));
}

static void done(struct found *found) {
        mv_snapshot_free(found->snapshot);
        mv_arena_done(&found->arena);
}

static void find(struct found *found, const char *kinds, const char *field, const char *pattern,
                 const char *more, enum mv_kind kind, const char *object) {
        *found = (struct found){ 0 };
        mv_arena_init(&found->arena, &mv_allocator_system, 0);
        read_rule(found, kinds, field, pattern, more);
        load(found, mv_site_rules_texts(&found->config.site_rules), object);
        evaluate(found, kind, "m");
}

/* The outcomes of the rule's findings with their fields: "fail at spec.a, unknown at spec.b". */
static void assert_found(const struct found *found, const char *expected) {
        char text[1024] = "";
        for (const struct mv_finding *f = found->verdict.findings; f; f = f->next)
                if (f->rule == &found->config.site_rules.items[0].rule)
                        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s at %.*s",
                                 text[0] ? ", " : "", mv_outcome_name(f->outcome), MV_STR_ARG(f->field));
        assert_string_equal(text, expected);
}

#define SPEC                                                                                                     \
        "'domain':{'devices':{'interfaces':[{'name':'n','masquerade':{}}]}},'networks':[{'name':'n','pod':{}}]," \
        "'nodeSelector':{'a':'x'}"
static const char vm[] =
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'m','labels':"
        "{'tier':'gold','example.org/tier':'\\u0067old'},'annotations':null},"
        "'spec':{'runStrategy':'Always','template':{'metadata':{'labels':{'app':'db'}},'spec':{" SPEC ","
        "'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'one'}},{'name':'b','containerDisk':"
        "{'image':'i'}}],'terminationGracePeriodSeconds':30}}}}";

/* The outcome for a VM of a rule of VMs. */
static void assert_vm(const char *field, const char *pattern, const char *more, const char *expected) {
        struct found found;
        find(&found, "VirtualMachine", field, pattern, more, MV_KIND_VM, vm);
        assert_found(&found, expected);
        done(&found);
}

static void test_values(void **state) {
        (void)state;
        assert_vm("metadata.labels.tier", "gold|silver", "", "pass at ");
        assert_vm("metadata.labels.tier", "go", "", "fail at metadata.labels.tier");
        assert_vm("metadata.labels['example.org/tier']", "gold", "", "pass at ");
        assert_vm("metadata.labels['example.org/tier']", "tin", "",
                  "fail at metadata.labels['example.org/tier']");
        assert_vm("spec.template.spec.terminationGracePeriodSeconds", "30", "", "pass at ");
        assert_vm("spec.template.spec.terminationGracePeriodSeconds", "3", "",
                  "fail at spec.template.spec.terminationGracePeriodSeconds");
        assert_vm("metadata.labels", ".*", "", "fail at metadata.labels");
        assert_vm("metadata.namespace", "default", "", "pass at ");
        assert_vm("metadata.namespace", "shop", "", "fail at metadata.namespace");
        assert_vm("spec.template.spec.volumes[*].name", "a", "",
                  "fail at spec.template.spec.volumes[1].name");
        assert_vm("spec.template.spec.volumes[*].name", "[ab]", "", "pass at ");
        assert_vm("spec.template.spec.volumes[*].name", "c", "",
                  "fail at spec.template.spec.volumes[0].name, fail at spec.template.spec.volumes[1].name");
}

static void test_absent(void **state) {
        (void)state;
        const char *pass = "  absent: pass\n", *image = "spec.template.spec.volumes[*].containerDisk.image";
        assert_vm("metadata.labels.team", ".*", "", "fail at metadata.labels.team");
        assert_vm("metadata.labels.team", ".*", "  absent: fail\n", "fail at metadata.labels.team");
        assert_vm("metadata.labels.team", "x", pass, "pass at ");
        assert_vm("metadata.annotations.a", "x", "", "fail at metadata.annotations.a");
        assert_vm("metadata.annotations", "x", pass, "pass at ");
        assert_vm("metadata.annotations", ".*", "", "fail at metadata.annotations");
        assert_vm("spec.dataVolumeTemplates[*].metadata.name", ".*", "", "fail at spec.dataVolumeTemplates");
        assert_vm(image, "i", "", "fail at spec.template.spec.volumes[0].containerDisk");
        assert_vm(image, "i", pass, "pass at ");
        assert_vm(image, "j", pass, "fail at spec.template.spec.volumes[1].containerDisk.image");
        assert_vm("metadata[*].x", ".*", "", "fail at metadata");
}

static void test_finding(void **state) {
        (void)state;
        struct found found;
        find(&found, "VirtualMachine", "metadata.labels.tier", "tin", "  severity: blocker\n", MV_KIND_VM,
             vm);
        const struct mv_finding *finding = finding_of(&found.verdict, "site");
        assert_str(finding->message, "the message");
        assert_str(finding->fix, "the fix");
        assert_str(finding->thing, "gold");
        assert_int_equal(finding->severity, MV_SEVERITY_BLOCKER);
        assert_int_equal(found.verdict.migratable, MV_OUTCOME_FAIL);
        assert_string_equal(found.verdict.conditions[0].status, "True"); /* KubeVirt knows nothing of it */
        done(&found);
        find(&found, "VirtualMachine", "metadata.labels.tier", "tin", "", MV_KIND_VM, vm);
        assert_int_equal(finding_of(&found.verdict, "site")->severity, MV_SEVERITY_RISK);
        assert_int_equal(found.verdict.migratable, MV_OUTCOME_PASS);
        done(&found);
        find(&found, "VirtualMachine", "metadata.labels.tier", "tin",
             "  severity: blocker\nrules: {site: off}\n", MV_KIND_VM, vm);
        assert_found(&found, "");
        assert_int_equal(found.verdict.migratable, MV_OUTCOME_PASS);
        done(&found);
        find(&found, "VirtualMachine", "metadata.labels.tier", "tin",
             "namespaces:\n- names: [default]\n  rules: {site: blocker}\n", MV_KIND_VM, vm);
        assert_int_equal(found.verdict.migratable, MV_OUTCOME_FAIL);
        done(&found);
}

/* --- claims and storage classes --- */

static void assert_claim(const char *name, const char *field, const char *pattern, const char *expected) {
        char object[1024];
        struct found found;
        snprintf(
                object, sizeof object,
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'m'},'spec':"
                "{" SPEC ",'volumes':[{'name':'d','emptyDisk':{'capacity':'1Gi'}},{'name':'a',"
                "'persistentVolumeClaim':{'claimName':'%s'}}]}}",
                name);
        find(&found, "VirtualMachineInstance", field, pattern, "", MV_KIND_VMI, object);
        assert_found(&found, expected);
        done(&found);
}

static void test_claims(void **state) {
        (void)state;
        const char *fail = "fail at spec.volumes[1]", *unknown = "unknown at spec.volumes[1]";
        assert_claim("one", "claim.spec.volumeName", "pv-.*", "pass at ");
        assert_claim("one", "claim.spec.volumeName", "x", fail);
        assert_claim("one", "claim.spec.selector", ".*", fail);
        assert_claim("one", "claim.spec.accessModes[*]", "ReadWriteMany", "pass at ");
        assert_claim("one", "claim.metadata.name", "one", "pass at ");
        assert_claim("none", "claim.metadata.name", "one", fail);
        assert_claim("none", "claim.spec.volumeName", "pv-.*", unknown);
        assert_claim("one", "storageClass.metadata.name", "ceph", "pass at ");
        assert_claim("one", "storageClass.provisioner", "rbd", "pass at ");
        assert_claim("one", "storageClass.provisioner", "nfs", fail);
        assert_claim("one", "storageClass.parameters['a.b/c']", "x", "pass at ");
        assert_claim("none", "storageClass.provisioner", "rbd", unknown);
        assert_claim("classless", "storageClass.provisioner", "rbd", fail);
        assert_claim("lost", "storageClass.provisioner", "rbd", unknown);
        assert_claim("lost", "storageClass.metadata.name", "gone", "pass at ");
}

static void test_missing_claim(void **state) {
        (void)state;
        struct found found;
        find(&found, "VirtualMachine", "claim.spec.volumeName", "x", "", MV_KIND_VM,
             "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'m'},'spec':"
             "{'runStrategy':'Always','dataVolumeTemplates':[{'metadata':{'name':'t'},'spec':{'pvc':{'accessModes':"
             "['ReadWriteMany'],'storageClassName':'ceph'}}}],'template':{'spec':{" SPEC
             ",'volumes':[{'name':'a','dataVolume':{'name':'t'}}]}}}}");
        const struct mv_finding *finding = finding_of(&found.verdict, "site");
        assert_int_equal(finding->outcome, MV_OUTCOME_UNKNOWN);
        assert_int_equal(finding->n_missing, 1);
        assert_int_equal(finding->missing[0].kind, MV_KIND_CLAIM);
        assert_str(finding->missing[0].name, "t");
        assert_str(finding->fix, "ask again when the claim is there");
        assert_str(finding->message,
                   "not known (PersistentVolumeClaim default/t is not in the input): the message");
        /* Its template tells the class that it will have. */
        mv_arena_clear(&found.arena);
        read_rule(&found, "VirtualMachine", "claim.spec.storageClassName", "ceph", "");
        evaluate(&found, MV_KIND_VM, "m");
        assert_found(&found, "pass at ");
        mv_arena_clear(&found.arena);
        read_rule(&found, "VirtualMachine", "storageClass.metadata.name", "nfs", "");
        evaluate(&found, MV_KIND_VM, "m");
        assert_found(&found, "fail at spec.template.spec.volumes[0]");
        done(&found);
}

static void test_no_claims(void **state) {
        (void)state;
        struct found found;
        find(&found, "VirtualMachineInstance", "claim.spec.volumeName", "x", "", MV_KIND_VMI,
             "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'m'},'spec':{" SPEC
             "}}");
        assert_found(&found, "");
        done(&found);
}

/* --- kinds --- */

static const char vmi[] =
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'m','labels':{'app':'db'}},"
        "'spec':{" SPEC "}},"
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'m'},'spec':"
        "{'vmiName':'m'}}";

static void assert_kind(const char *kinds, const char *field, enum mv_kind kind, const char *expected) {
        struct found found;
        find(&found, kinds, field, "wrong", "", kind, kind == MV_KIND_VM ? vm : vmi);
        assert_found(&found, expected);
        done(&found);
}

static void test_kinds(void **state) {
        (void)state;
        const char *both = "VirtualMachine, VirtualMachineInstance", *one = "VirtualMachineInstance";
        const char *selector = "spec.template.spec.nodeSelector.a",
                   *label = "spec.template.metadata.labels.app";
        assert_kind(both, selector, MV_KIND_VM, "fail at spec.template.spec.nodeSelector.a");
        assert_kind(both, selector, MV_KIND_VMI, "fail at spec.nodeSelector.a");
        assert_kind(both, label, MV_KIND_VM, "fail at spec.template.metadata.labels.app");
        assert_kind(both, label, MV_KIND_VMI, "fail at metadata.labels.app");
        assert_kind(one, selector, MV_KIND_VM, "");
        assert_kind("VirtualMachine", selector, MV_KIND_VMI, "");
        assert_kind("VirtualMachine", selector, MV_KIND_MIGRATION, "");
        assert_kind(one, "spec.nodeSelector.a", MV_KIND_VMI, "fail at spec.nodeSelector.a");
        assert_kind(one, "spec.nodeSelector.a", MV_KIND_MIGRATION, "fail at spec.vmiName");
}

/* --- what is not known --- */

static void test_text_not_kept(void **state) {
        (void)state;
        struct found found = { 0 };
        mv_arena_init(&found.arena, &mv_allocator_system, 0);
        read_rule(&found, "VirtualMachine", "metadata.labels.tier", "gold", "  severity: blocker\n");
        load(&found, 0, vm);
        evaluate(&found, MV_KIND_VM, "m");
        assert_found(&found, "unknown at ");
        assert_non_null(strstr(finding_of(&found.verdict, "site")->fix.p, "restart migvet"));
        assert_int_equal(found.verdict.migratable, MV_OUTCOME_UNKNOWN);
        done(&found);
}

static void test_limits(void **state) {
        (void)state;
        struct found found;
        char object[4096];
        snprintf(
                object, sizeof object,
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'m','labels':"
                "{'x':'%.*s'}},'spec':{" SPEC "}}",
                60, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
        find(&found, "VirtualMachineInstance", "metadata.labels.x", "(a+)+", "", MV_KIND_VMI, object);
        assert_found(&found, "unknown at metadata.labels.x");
        assert_non_null(strstr(finding_of(&found.verdict, "site")->message.p, "took too much work"));
        done(&found);
        size_t n =
                (size_t)snprintf(object, sizeof object,
                                 "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':"
                                 "{'name':'m'},'spec':{" SPEC "},'status':{'x':[");
        for (size_t i = 0; i < 1001; i++)
                n += (size_t)snprintf(object + n, sizeof object - n, "%s1", i ? "," : "");
        snprintf(object + n, sizeof object - n, "]}}");
        find(&found, "VirtualMachineInstance", "status.x[*]", "1", "", MV_KIND_VMI, object);
        assert_found(&found, "unknown at status.x[1000]");
        done(&found);
}

/* --- texts of a live cluster --- */

static void test_blocks(void **state) {
        (void)state;
        struct mv_block_pool *pool = mv_block_pool_new(&mv_allocator_system);
        struct mv_block *bare, *one, *same, *other;
        struct mv_err err;
        struct mv_str text = json_make("{'metadata':{'name':'m'},'mountOptions':['1']}"),
                      changed = json_make("{'metadata':{'name':'m'},'mountOptions':['2']}");
        assert_non_null(pool);
        assert_int_equal(mv_block_new(pool, MV_KIND_STORAGE_CLASS, text, &bare, &err), 0);
        assert_null(mv_block_meta(bare)->text.p);
        mv_block_pool_keep_texts(pool, MV_NEED(STORAGE_CLASS));
        assert_int_equal(mv_block_new(pool, MV_KIND_STORAGE_CLASS, text, &one, &err), 0);
        assert_int_equal(mv_block_new(pool, MV_KIND_STORAGE_CLASS, text, &same, &err), 0);
        assert_int_equal(mv_block_new(pool, MV_KIND_STORAGE_CLASS, changed, &other, &err), 0);
        assert_true(mv_str_equal(mv_block_meta(one)->text, text));
        assert_ptr_not_equal(mv_block_meta(one)->text.p, text.p);
        assert_true(one->bytes >= bare->bytes + text.n);
        assert_true(mv_block_same(one, same));
        assert_false(mv_block_same(one, other)); /* in a field that is not decoded */
        mv_block_free(pool, bare);
        mv_block_free(pool, one);
        mv_block_free(pool, same);
        mv_block_free(pool, other);
        mv_block_pool_free(pool);
        text_free(text);
        text_free(changed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),         cmocka_unit_test(test_wrong_paths),
                cmocka_unit_test(test_longest_path),  cmocka_unit_test(test_values),
                cmocka_unit_test(test_absent),        cmocka_unit_test(test_finding),
                cmocka_unit_test(test_claims),        cmocka_unit_test(test_missing_claim),
                cmocka_unit_test(test_no_claims),     cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_text_not_kept), cmocka_unit_test(test_limits),
                cmocka_unit_test(test_blocks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
