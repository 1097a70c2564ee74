/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: every value arrives, and whatever is wrong is told with line, column and field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/config/config.h"

#include <stdio.h>
#include <string.h>

#define HEAD "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
#define SITE_RULE \
        "siteRules:\n- name: a\n  kinds: [VirtualMachine]\n  field: spec\n  pattern: a\n  message: m\n  fix: f\n"

struct read {
        struct mv_arena arena;
        struct mv_config config;
        struct mv_err err;
        int code;
};

/* Read a text that is freed before the configuration is looked at. */
static void read_text(struct read *read, const char *text) {
        *read = (struct read){ .code = 1 };
        mv_arena_init(&read->arena, &mv_allocator_system, 0);
        struct mv_str copy = text_make(text, strlen(text));
        read->code = mv_config_read(&read->arena, copy, &read->config, &read->err);
        text_free(copy);
}

static void read_well(struct read *read, const char *text) {
        read_text(read, text);
        if (read->code)
                fail_msg("%u:%u: %s: %s", read->err.line, read->err.column, read->err.path,
                         read->err.message);
}

static void test_as_shipped(void **state) {
        (void)state;
        struct read read;
        read_well(&read, HEAD);
        const struct mv_config *c = &read.config;
        assert_str(c->cluster_name, "kubernetes");
        assert_int_equal(c->defaults.enforce, MV_LEVEL_NONE);
        assert_int_equal(c->defaults.warn, MV_LEVEL_DECLARED);
        assert_int_equal(c->defaults.audit, MV_LEVEL_MIGRATABLE);
        assert_int_equal(c->audit.interval_ms, 600000);
        assert_int_equal(c->audit.resync_ms, 21600000);
        assert_int_equal(c->audit.reports, MV_REPORTS_OPENREPORTS);
        assert_int_equal(c->defaults.migrations, MV_ACTION_DENY);
        assert_int_equal(c->cluster_scoped, MV_ACTION_WARN);
        assert_int_equal(c->unknown, MV_ACTION_WARN);
        assert_int_equal(c->mirror, MV_MIRROR_WARN);
        assert_false(c->deny_vm_start);
        assert_int_equal(c->other_nodes, 1);
        assert_int_equal(
                c->namespaces.n + c->exemptions.n + c->rules.n + c->exempt_users.n + c->exempt_groups.n, 0);
        assert_int_equal(c->limits.body_bytes, 8 << 20);
        assert_int_equal(c->limits.memory_per_review, 4 << 20);
        assert_int_equal(c->limits.connections, 1024);
        assert_int_equal(c->limits.receive_ms, 5000);
        assert_int_equal(c->limits.idle_ms, 120000);
        assert_int_equal(c->receivers.n, 0);
        assert_str(c->outbox.directory, "/var/lib/migvet/outbox");
        assert_int_equal(c->outbox.max_bytes, 256 << 20);
        assert_int_equal(c->outbox.tries, 20);
        mv_arena_done(&read.arena);
}

static const char everything[] = HEAD
        "clusterName: east\n"
        "defaults: {enforce: declared, warn: migratable, audit: resilient}\n"
        "migrations: audit\n"
        "clusterScoped: deny\n"
        "unknown: allow\n"
        "vmStart: deny\n"
        "mirror: off\n"
        "resilient: {otherNodes: 2}\n"
        "namespaces:\n"
        "- names: [\"prod-.*\", shop]\n"
        "  enforce: migratable\n"
        "  migrations: warn\n"
        "  rules: {cpu-host-passthrough: blocker, gpu: off}\n"
        "- selector:\n"
        "    matchLabels: {env: test, example.com/team: \"\"}\n"
        "    matchExpressions:\n"
        "    - {key: tier, operator: NotIn, values: [web]}\n"
        "    - {key: old, operator: DoesNotExist}\n"
        "  warn: none\n"
        "  audit: none\n"
        "exemptions:\n"
        "- users: [\"system:serviceaccount:backup:.*\"]\n"
        "  groups: [admins]\n"
        "  namespaces: [lab]\n"
        "  selector: {matchLabels: {restored: \"yes\"}}\n"
        "  reason: restores bring VMs back as they were\n"
        "annotationExemptions: {users: [alice], groups: [\"ops-.*\"]}\n"
        "rules: {migration-port: risk, sev: note, production-storage: note}\n"
        "siteRules:\n"
        "- name: production-storage\n"
        "  kinds: [VirtualMachine, VirtualMachineInstance]\n"
        "  field: spec.template.spec.volumes[*].dataVolume.name\n"
        "  pattern: \"ceph-.*\"\n"
        "  absent: pass\n"
        "  severity: blocker\n"
        "  message: production VMs use Ceph\n"
        "  fix: choose storage class ceph-rbd\n"
        "- {name: bound, kinds: [VirtualMachine], field: claim.spec.volumeName, pattern: .*, message: m, fix: f}\n"
        "receivers:\n"
        "- name: mover\n"
        "  url: https://mover.example:8443/verdicts?x=1\n"
        "  caFile: /ca.pem\n"
        "  clientCertFile: /client.pem\n"
        "  kinds: [VirtualMachineInstanceMigration, VirtualMachinePool]\n"
        "  namespaces: [\"prod-.*\"]\n"
        "  verdicts: [True, Unknown]\n"
        "- {name: b-2, url: \"https://[::1]/\", tokenFile: t}\n"
        "- {name: c, url: \"https://c\", hmacKeyFile: k, verdicts: [False]}\n"
        "outbox: {directory: /var/lib/out, maxBytes: 2Mi, tries: 3}\n"
        "audit: {interval: 1m, resync: 2h}\n"
        "reports: {api: wgpolicyk8s.io/v1alpha2}\n"
        "verdicts: {enabled: true, tokenFile: /t, clientNames: [a, b], clientCaFile: /c}\n"
        "fillNodeSelector: true\n"
        "limits: {bodyBytes: 16Mi, connections: 10, receive: 1500ms, idle: 1m30s, memoryPerReview: 8Mi}\n";

static void assert_receivers(const struct mv_config *c) {
        assert_int_equal(c->receivers.n, 3);
        const struct mv_config_receiver *r = c->receivers.items;
        assert_str(r[0].name, "mover");
        assert_string_equal(r[0].url.p, "https://mover.example:8443/verdicts?x=1");
        assert_string_equal(r[0].ca_file.p, "/ca.pem");
        assert_string_equal(r[0].client_cert_file.p, "/client.pem");
        assert_int_equal(r[0].token_file.n + r[0].hmac_key_file.n, 0);
        assert_int_equal(r[0].kinds, 1 << 2 | 1 << 3);
        assert_int_equal(r[0].namespaces.n, 1);
        assert_int_equal(r[0].verdicts, 1 << MV_OUTCOME_PASS | 1 << MV_OUTCOME_UNKNOWN);
        assert_string_equal(r[1].token_file.p, "t");
        assert_int_equal(r[1].kinds, 1 << 0 | 1 << 1 | 1 << 2);
        assert_int_equal(r[1].verdicts, 7);
        assert_string_equal(r[2].hmac_key_file.p, "k");
        assert_int_equal(r[2].verdicts, 1 << MV_OUTCOME_FAIL);
        assert_string_equal(c->outbox.directory.p, "/var/lib/out");
        assert_int_equal(c->outbox.max_bytes, 2 << 20);
        assert_int_equal(c->outbox.tries, 3);
}

static void assert_everything(const struct mv_config *c) {
        assert_receivers(c);
        assert_str(c->cluster_name, "east");
        assert_int_equal(c->defaults.enforce, MV_LEVEL_DECLARED);
        assert_int_equal(c->defaults.warn, MV_LEVEL_MIGRATABLE);
        assert_int_equal(c->defaults.audit, MV_LEVEL_RESILIENT);
        assert_int_equal(c->defaults.migrations, MV_ACTION_AUDIT);
        assert_int_equal(c->cluster_scoped, MV_ACTION_DENY);
        assert_int_equal(c->unknown, MV_ACTION_AUDIT);
        assert_int_equal(c->mirror, MV_MIRROR_OFF);
        assert_true(c->deny_vm_start);
        assert_int_equal(c->audit.interval_ms, 60000);
        assert_int_equal(c->audit.resync_ms, 7200000);
        assert_int_equal(c->audit.reports, MV_REPORTS_POLICY_REPORTS);
        assert_true(c->fill_node_selector);
        assert_int_equal(c->other_nodes, 2);
        assert_int_equal(c->namespaces.n, 2);
        const struct mv_config_namespace *first = &c->namespaces.items[0], *second = first + 1;
        assert_int_equal(first->names.n, 2);
        assert_str(first->names.items[0].text, "prod-.*");
        assert_int_equal(mv_patterns_match(&mv_allocator_system, &first->names, MV_STR("prod-eu")),
                         MV_MATCH_YES);
        assert_null(first->selector);
        assert_int_equal(first->levels.enforce, MV_LEVEL_MIGRATABLE);
        assert_int_equal(first->levels.warn, MV_UNSAID);
        assert_int_equal(first->levels.audit, MV_UNSAID);
        assert_int_equal(first->levels.migrations, MV_ACTION_WARN);
        assert_int_equal(first->rules.n, 2);
        assert_string_equal(first->rules.items[0].rule->id, "cpu-host-passthrough");
        assert_int_equal(first->rules.items[0].severity, MV_SEVERITY_BLOCKER);
        assert_false(first->rules.items[0].off);
        assert_string_equal(first->rules.items[1].rule->id, "gpu");
        assert_true(first->rules.items[1].off);
        assert_int_equal(second->names.n, 0);
        assert_non_null(second->selector);
        assert_int_equal(second->selector->match_labels.n, 2);
        assert_int_equal(second->selector->match_expressions.n, 2);
        assert_int_equal(second->levels.warn, MV_LEVEL_NONE);
        assert_int_equal(second->levels.enforce, MV_UNSAID);
        assert_int_equal(second->levels.migrations, MV_UNSAID);
        assert_int_equal(c->exemptions.n, 1);
        assert_int_equal(c->exemptions.items[0].users.n, 1);
        assert_int_equal(c->exemptions.items[0].groups.n, 1);
        assert_int_equal(c->exemptions.items[0].namespaces.n, 1);
        assert_non_null(c->exemptions.items[0].selector);
        assert_str(c->exemptions.items[0].reason, "restores bring VMs back as they were");
        assert_int_equal(c->exempt_users.n, 1);
        assert_int_equal(c->exempt_groups.n, 1);
        assert_int_equal(c->rules.n, 3);
        assert_int_equal(c->rules.items[0].severity, MV_SEVERITY_RISK);
        assert_int_equal(c->rules.items[1].severity, MV_SEVERITY_NOTE);
        assert_int_equal(c->site_rules.n, 2);
        const struct mv_site_rule *storage = &c->site_rules.items[0], *bound = storage + 1;
        assert_ptr_equal(c->rules.items[2].rule, &storage->rule);
        assert_string_equal(storage->rule.id, "production-storage");
        assert_string_equal(storage->rule.summary, "production VMs use Ceph");
        assert_string_equal(storage->rule.fix, "choose storage class ceph-rbd");
        assert_int_equal(storage->rule.severity, MV_SEVERITY_BLOCKER);
        assert_true(storage->of_vms && storage->of_instances && storage->may_be_absent);
        assert_int_equal(storage->path.root, MV_SITE_OBJECT);
        assert_int_equal(storage->path.n, 7);
        assert_int_equal(mv_pattern_match(&mv_allocator_system, &storage->pattern, MV_STR("ceph-1")),
                         MV_MATCH_YES);
        assert_int_equal(bound->rule.severity, MV_SEVERITY_RISK);
        assert_true(bound->of_vms && !bound->of_instances && !bound->may_be_absent);
        assert_int_equal(mv_site_rules_texts(&c->site_rules), MV_NEED(VM) | MV_NEED(VMI) | MV_NEED(CLAIM));
        assert_true(c->verdicts.enabled);
        assert_str(c->verdicts.token_file, "/t");
        assert_str(c->verdicts.client_ca_file, "/c");
        assert_int_equal(c->verdicts.client_names.n, 2);
        assert_str(c->verdicts.client_names.items[1], "b");
        assert_int_equal(c->limits.body_bytes, 16 << 20);
        assert_int_equal(c->limits.connections, 10);
        assert_int_equal(c->limits.receive_ms, 1500);
        assert_int_equal(c->limits.idle_ms, 90000);
        assert_int_equal(c->limits.memory_per_review, 8 << 20);
}

static void test_everything(void **state) {
        (void)state;
        struct read read;
        read_well(&read, everything);
        assert_everything(&read.config);
        mv_arena_done(&read.arena);
}

static void test_mirror(void **state) {
        static const char *const words[] = { "off", "warn", "deny" };
        (void)state;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                struct read read;
                char text[128];
                snprintf(text, sizeof text,
                         "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\nmirror: %s\n",
                         words[i]);
                read_well(&read, text);
                assert_int_equal(read.config.mirror, MV_MIRROR_OFF + i);
                mv_arena_done(&read.arena);
        }
}

static void test_json(void **state) {
        (void)state;
        struct read read;
        read_well(&read, "{ \"apiVersion\" : \"config.migvet.io/v1alpha1\", \"kind\": \"Configuration\",\n"
                         " \"mirror\" :  \"off\" , \"rules\": { \"gpu\" :\n \"off\" , \"sev\":\"risk\" } }");
        assert_int_equal(read.config.mirror, MV_MIRROR_OFF);
        assert_int_equal(read.config.rules.n, 2);
        assert_true(read.config.rules.items[0].off);
        assert_int_equal(read.config.rules.items[1].severity, MV_SEVERITY_RISK);
        mv_arena_done(&read.arena);
        read_text(&read, "{\"apiVersion\":\"config.migvet.io/v1alpha1\",\"kind\":\"Configuration\",\n"
                         "\"rules\":{\"gpu\":\"off\",\"gpu\":\"risk\"}}");
        assert_int_equal(read.code, MV_ETYPE);
        assert_string_equal(read.err.path, "rules.gpu");
        mv_arena_done(&read.arena);
}

/* The text behind the header, which is two lines; the place, field and message of the error. */
static const struct wrong {
        const char *text;
        unsigned line, column;
        const char *path, *says;
} wrongs[] = {
        { "clustername: x\n", 3, 1, "clustername", "no key of that name" },
        { "namespaces:\n- names: [a]\n  enforec: none\n", 5, 3, "namespaces[0].enforec",
          "no key of that name" },
        { "defaults: {enforce: strict}\n", 3, 21, "defaults.enforce",
          "\"strict\" is none of its values: it must be none, declared, migratable or resilient" },
        { "defaults:\n  warn: 3\n", 4, 9, "defaults.warn",
          "must be a string: none, declared, migratable or resilient" },
        { "defaults:\n  warn: yes\n", 4, 9, "defaults.warn",
          "true is none of its values: it must be none, declared, migratable or resilient (in YAML, on and yes" },
        { "unknown: no\n", 3, 10, "unknown",
          "false is none of its values: it must be allow, warn or deny (in YAML, off and no without quotes are" },
        { "migrations: true\n", 3, 13, "migrations", "it must be audit, warn or deny (in YAML" },
        { "vmStart: on\n", 3, 10, "vmStart", "it must be allow or deny (in YAML" },
        { "reports: {api: off}\n", 3, 16, "reports.api",
          "it must be none, openreports.io/v1alpha1 or wgpolicyk8s.io/v1alpha2 (in YAML" },
        { "namespaces:\n- names: [a]\n  enforce: on\n", 5, 12, "namespaces[0].enforce",
          "it must be none, declared" },
        { "clusterName: on\n", 3, 14, "clusterName",
          "must be a string, in quotes: YAML reads on, off, yes and no without them as booleans" },
        { "defaults: none\n", 3, 11, "defaults", "must be an object" },
        { "migrations: refuse\n", 3, 13, "migrations", "must be audit, warn or deny" },
        { "clusterScoped: off\n", 3, 16, "clusterScoped",
          "it must be audit, warn or deny (in YAML, off and no" },
        { SITE_RULE "  absent: on\n", 10, 11, "siteRules[0].absent", "it must be fail or pass (in YAML" },
        { "unknown: audit\n", 3, 10, "unknown", "must be allow, warn or deny" },
        { "vmStart: warn\n", 3, 10, "vmStart", "must be allow or deny" },
        { "mirror: yes\n", 3, 9, "mirror", "true is none of its values: it must be off, warn or deny" },
        { "mirror: [off]\n", 3, 9, "mirror", "must be a string" },
        { "resilient: {otherNodes: 0}\n", 3, 25, "resilient.otherNodes", "must be from 1 to" },
        { "resilient: {otherNodes: 1.5}\n", 3, 25, "resilient.otherNodes", "must be an integer" },
        { "namespaces:\n- enforce: none\n", 4, 3, "namespaces[0]", "must have names or a selector" },
        { "namespaces:\n- names: []\n", 4, 10, "namespaces[0].names", "must not be empty" },
        { "namespaces:\n- names: [a]\n  selector: {}\n", 5, 13, "namespaces[0].selector",
          "exclude one another" },
        { "namespaces:\n- names: [a, \"b(\"]\n", 4, 14, "namespaces[0].names[1]",
          "is no regular expression: missing closing parenthesis" },
        { "namespaces:\n- names: [a, ~]\n", 4, 14, "namespaces[0].names[1]", "must not be empty" },
        { "namespaces:\n- names: [a]\n  rules: {gpus: risk}\n", 5, 11, "namespaces[0].rules.gpus",
          "no rule of that name" },
        { "namespaces:\n- selector: {matchLabel: {}}\n", 4, 14, "namespaces[0].selector.matchLabel",
          "no key of that name" },
        { "namespaces:\n- selector: {matchLabels: {a b: c}}\n", 4, 28,
          "namespaces[0].selector.matchLabels.a b", "is no name of a label" },
        { "namespaces:\n- selector: {matchLabels: {a: -b}}\n", 4, 31, "namespaces[0].selector.matchLabels.a",
          "is no value that a label can have" },
        { "namespaces:\n- selector: {matchExpressions: [{key: a, operator: Is, values: [b]}]}\n", 4, 52,
          "namespaces[0].selector.matchExpressions[0].operator",
          "must be In, NotIn, Exists or DoesNotExist" },
        { "namespaces:\n- selector: {matchExpressions: [{key: a, operator: In}]}\n", 4, 33,
          "namespaces[0].selector.matchExpressions[0].values", "must name a value for In" },
        { "namespaces:\n- selector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}\n", 4, 68,
          "namespaces[0].selector.matchExpressions[0].values", "must be empty for Exists" },
        { "exemptions:\n- users: [a]\n", 4, 3, "exemptions[0].reason", "is missing" },
        { "exemptions:\n- users: [a]\n  reason: \"\"\n", 5, 11, "exemptions[0].reason", "must not be empty" },
        { "exemptions:\n- reason: because\n", 4, 3, "exemptions[0]", "or it would exempt everything" },
        { "exemptions:\n- reason: because\n  users: []\n", 5, 10, "exemptions[0].users",
          "must not be empty" },
        { "exemptions:\n- reason: because\n  selector: {}\n", 5, 13, "exemptions[0].selector",
          "selects everything" },
        { "annotationExemptions: {user: [a]}\n", 3, 24, "annotationExemptions.user", "no key of that name" },
        { "annotationExemptions: {groups: [\"*\"]}\n", 3, 33, "annotationExemptions.groups[0]",
          "is no regular expression" },
        { "rules: {gpu: fatal}\n", 3, 14, "rules.gpu", "must be note, risk, blocker or off" },
        { "rules: {gpu: true}\n", 3, 14, "rules.gpu", "it must be note, risk, blocker or off (in YAML" },
        { "rules: {admission: off}\n", 3, 9, "rules.admission", "no severity to be set" },
        { "rules: [gpu]\n", 3, 8, "rules", "must be an object" },
        { "siteRules:\n- name: a\n  kinds: [VirtualMachine]\n  field: spec\n  pattern: a(\n  message: m\n  fix: f\n",
          7, 12, "siteRules[0].pattern", "is no regular expression" },
        { "siteRules:\n- name: a\n  kinds: [VM]\n", 5, 11, "siteRules[0].kinds[0]",
          "\"VM\" is none of its values" },
        { "siteRules:\n- name: a\n  kinds: [VirtualMachineInstanceMigration]\n", 5, 11,
          "siteRules[0].kinds[0]", "must be VirtualMachine or VirtualMachineInstance" },
        { "siteRules:\n- name: a\n  kinds: []\n", 5, 10, "siteRules[0].kinds", "must name a kind" },
        { "siteRules:\n- name: A b\n", 4, 9, "siteRules[0].name", "small letters, digits and -" },
        { "siteRules:\n- name: gpu\n", 4, 9, "siteRules[0].name", "a rule of migvet has this name" },
        { "siteRules:\n- name: admission\n", 4, 9, "siteRules[0].name", "a rule of migvet has this name" },
        { SITE_RULE "- name: a\n", 10, 9, "siteRules[1].name", "another rule of siteRules" },
        { "siteRules:\n- name: a\n  kinds: [VirtualMachine]\n  field: spec.a[1]\n", 6, 10,
          "siteRules[0].field", "[*] or a name in quotes is expected, behind 7 bytes of it" },
        { SITE_RULE "  severity: fatal\n", 10, 13, "siteRules[0].severity", "must be note, risk or blocker" },
        { SITE_RULE "  absent: maybe\n", 10, 11, "siteRules[0].absent", "must be fail or pass" },
        { "siteRules:\n- name: a\n  kinds: [VirtualMachine]\n  field: spec\n  pattern: a\n  message: \"a\\nb\"\n  fix: f\n",
          8, 12, "siteRules[0].message", "must be one line" },
        { SITE_RULE "rules: {b: off}\n", 10, 9, "rules.b", "no rule of that name" },
        { "receivers:\n- {name: a, url: \"http://x\", tokenFile: t}\n", 4, 18, "receivers[0].url",
          "must begin with https://" },
        { "receivers:\n- {name: a, url: \"https://x\"}\n", 4, 3, "receivers[0]", "must have one of" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, verdicts: [True, Maybe]}\n", 4, 62,
          "receivers[0].verdicts[1]", "must be True, False or Unknown" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, verdicts: []}\n", 4, 55,
          "receivers[0].verdicts", "must not be empty" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, verdicts: True}\n", 4, 55,
          "receivers[0].verdicts", "must be a list" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, kinds: []}\n", 4, 52,
          "receivers[0].kinds", "must not be empty" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, kinds: [Node]}\n", 4, 53,
          "receivers[0].kinds[0]", "\"Node\" is none of its values" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, namespaces: [\"(\"]}\n", 4, 58,
          "receivers[0].namespaces[0]", "is no regular expression" },
        { "receivers:\n- {name: A, url: \"https://x\", tokenFile: t}\n", 4, 10, "receivers[0].name",
          "small letters" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t}\n- {name: a, url: \"https://y\", tokenFile: t}\n",
          5, 10, "receivers[1].name", "another receiver has this name" },
        { "receivers:\n- {name: a, url: \"https://me:secret@x\", tokenFile: t}\n", 4, 18, "receivers[0].url",
          "must not hold a user or password" },
        { "receivers:\n- {name: a, url: \"https:///x\", tokenFile: t}\n", 4, 18, "receivers[0].url",
          "is no URL" },
        { "receivers:\n- {name: a, url: \"https://x/a b\", tokenFile: t}\n", 4, 18, "receivers[0].url",
          "is no URL" },
        { "receivers:\n- {name: a, url: \"https://x/#f\", tokenFile: t}\n", 4, 18, "receivers[0].url",
          "is no URL" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: \"a\\0b\"}\n", 4, 42,
          "receivers[0].tokenFile", "NUL" },
        { "receivers:\n- {name: a, url: \"https://x\", tokenFile: t, hmacKeyFile: k}\n", 4, 3, "receivers[0]",
          "has tokenFile and hmacKeyFile: it must have just one of" },
        { "receivers:\n- {name: a, url: \"https://x\", hmacKeyFile: k, clientCertFile: c}\n", 4, 3,
          "receivers[0]", "has clientCertFile and hmacKeyFile: it must have just one of" },
        { "outbox: {maxBytes: 1}\n", 3, 20, "outbox.maxBytes", "must be from 1048576 to" },
        { "outbox: {tries: 0}\n", 3, 17, "outbox.tries", "must be from 1 to 1000" },
        { "outbox: {directory: \"\"}\n", 3, 21, "outbox.directory", "must not be empty" },
        { "outbox: {maxBytes: 1X}\n", 3, 20, "outbox.maxBytes", "must be a quantity" },
        { "audit: {interval: 10}\n", 3, 19, "audit.interval", "must be a string" },
        { "audit: {interval: 10x}\n", 3, 19, "audit.interval", "must be a duration, such as 10m" },
        { "audit: {resync: 999ms}\n", 3, 17, "audit.resync", "from 1000ms" },
        { "audit: {each: 10m}\n", 3, 9, "audit.each", "there is no key" },
        { "reports: {api: v1}\n", 3, 16, "reports.api", "is none of its values" },
        { "verdicts: {enabled: true}\n", 3, 11, "verdicts", "must have a tokenFile or clientNames" },
        { "verdicts: {enabled: true, tokenFile: \"\", clientNames: []}\n", 3, 11, "verdicts",
          "must have a tokenFile or clientNames" },
        { "verdicts: {clientNames: [a, \"\"]}\n", 3, 29, "verdicts.clientNames[1]", "must not be empty" },
        { "verdicts: {clientNames: [\"a\\0b\"]}\n", 3, 26, "verdicts.clientNames[0]", "control characters" },
        { "verdicts: {tokenFile: \"a\\nb\"}\n", 3, 23, "verdicts.tokenFile", "control characters" },
        { "verdicts: {tokenFile: t, clientCaFile: c}\n", 3, 40, "verdicts.clientCaFile",
          "is for clientNames" },
        { "verdicts: {token: t}\n", 3, 12, "verdicts.token", "there is no key of that name" },
        { "fillNodeSelector: always\n", 3, 19, "fillNodeSelector", "must be true or false" },
        { "limits: {bodyBytes: 1}\n", 3, 21, "limits.bodyBytes", "must be from 4096 to" },
        { "limits: {bodyBytes: -8Mi}\n", 3, 21, "limits.bodyBytes", "must be from 4096 to" },
        { "limits: {connections: many}\n", 3, 23, "limits.connections", "must be an integer" },
        { "limits: {receive: 5s5}\n", 3, 19, "limits.receive", "must be a duration" },
        { "limits: {receive: 1ms}\n", 3, 19, "limits.receive", "must be from 100ms" },
        { "limits: {idle: 99999999999h}\n", 3, 16, "limits.idle", "must be a duration" },
        { "kind: Configuration\n", 3, 1, "", "\"kind\"" },
        { "---\nkind: Configuration\n", 4, 1, "", "second document" },
        { "a: [\n", 4, 1, "", "" },
        { "unknown: allow\nmirror: {\n", 5, 1, "", "" },
};

/* False, and said, when it is not so: one run shows all that differ. */
static bool is_wrong(const char *text, const struct wrong *wrong) {
        struct read read;
        read_text(&read, text);
        assert_int_not_equal(read.code, 0);
        assert_int_equal(read.code, read.err.code);
        bool right = read.err.line == wrong->line && read.err.column == wrong->column &&
                     strcmp(read.err.path, wrong->path) == 0 && strstr(read.err.message, wrong->says);
        if (!right)
                print_error("%sgave %u:%u: %s: %s\n", text, read.err.line, read.err.column, read.err.path,
                            read.err.message);
        mv_arena_done(&read.arena);
        return right;
}

static void test_what_is_wrong(void **state) {
        (void)state;
        char text[1024];
        bool right = true;
        for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
                snprintf(text, sizeof text, HEAD "%s", wrongs[i].text);
                right = is_wrong(text, &wrongs[i]) && right;
        }
        assert_true(right);
}

static void test_what_it_is(void **state) {
        (void)state;
        static const struct wrong headers[] = {
                { "", 0, 0, "", "there is no configuration in it" },
                { "# nothing\n", 0, 0, "", "there is no configuration in it" },
                { "[]\n", 1, 1, "", "must be an object" },
                { "{}\n", 1, 1, "apiVersion", "is missing" },
                { "kind: Configuration\n", 1, 1, "apiVersion", "is missing" },
                { "apiVersion: config.migvet.io/v1alpha1\n", 1, 1, "kind", "is missing" },
                { "apiVersion: v1\nkind: Configuration\n", 1, 13, "apiVersion",
                  "must be config.migvet.io/v1alpha1" },
                { "apiVersion: config.migvet.io/v1alpha1\nkind: Config\n", 2, 7, "kind",
                  "must be Configuration" },
        };
        for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
                assert_true(is_wrong(headers[i].text, &headers[i]));
}

/* Each of them runs with each review. */
static void test_many_site_rules(void **state) {
        (void)state;
        for (int n = MV_MOST_SITE_RULES; n <= MV_MOST_SITE_RULES + 1; n++) {
                char text[20000] = HEAD "siteRules:\n";
                size_t at = strlen(text);
                for (int i = 0; i < n; i++)
                        at += (size_t)snprintf(
                                text + at, sizeof text - at,
                                "- {name: a%d, kinds: [VirtualMachine], field: spec, pattern: a, "
                                "message: m, fix: f}\n",
                                i);
                struct read read;
                if (n > MV_MOST_SITE_RULES) {
                        const struct wrong many = { text, 4, 1, "siteRules", "more than 128 rules" };
                        assert_true(is_wrong(text, &many));
                        break;
                }
                read_well(&read, text);
                assert_int_equal(read.config.site_rules.items[n - 1].number, n - 1);
                mv_arena_done(&read.arena);
        }
}

static bool wants(const struct mv_config_receiver *receiver, const char *kind, const char *namespace,
                  const char *verdict) {
        return mv_config_receiver_wants(receiver, mv_str_from(kind), mv_str_from(namespace),
                                        mv_str_from(verdict));
}

static void test_filters(void **state) {
        (void)state;
        struct read read;
        read_well(&read, everything);
        const struct mv_config_receiver *r = read.config.receivers.items;
        assert_true(wants(&r[0], "VirtualMachineInstanceMigration", "prod-eu", "True"));
        assert_true(wants(&r[0], "VirtualMachinePool", "prod-eu", "Unknown"));
        assert_false(wants(&r[0], "VirtualMachinePool", "prod-eu", "False"));
        assert_false(wants(&r[0], "VirtualMachine", "prod-eu", "True"));
        assert_false(wants(&r[0], "VirtualMachinePool", "a-prod-eu", "True"));
        assert_true(wants(&r[1], "VirtualMachine", "x", "False"));
        assert_false(wants(&r[1], "VirtualMachineInstanceReplicaSet", "x", "False"));
        assert_false(wants(&r[1], "MigrationPolicy", "", "False"));
        mv_arena_done(&read.arena);
        /* A pattern that takes too long may match. */
        read_well(&read,
                  HEAD "receivers: [{name: a, url: \"https://x\", tokenFile: t, namespaces: [\"(a+)+\"]}]\n");
        assert_true(wants(read.config.receivers.items, "VirtualMachine",
                          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "True"));
        mv_arena_done(&read.arena);
}

/* Each allocation fails in turn: all of it, or out of memory. */
static void test_memory(void **state) {
        (void)state;
        for (size_t i = 1;; i++) {
                struct test_allocator allocator;
                struct mv_arena arena;
                struct mv_config config;
                struct mv_err err = { 0 };
                test_allocator_init(&allocator, i);
                mv_arena_init(&arena, &allocator.allocator, 0);
                int r = mv_config_read(&arena, mv_str_from(everything), &config, &err);
                if (r == 0)
                        assert_everything(&config);
                else
                        assert_int_equal(r, MV_ENOMEM);
                mv_arena_done(&arena);
                assert_int_equal(allocator.live, 0);
                if (allocator.calls < i) {
                        assert_int_equal(r, 0);
                        break;
                }
        }
        for (size_t cap = 1;; cap += 97) {
                struct mv_arena arena;
                struct mv_config config;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                int r = mv_config_read(&arena, mv_str_from(everything), &config, NULL);
                mv_arena_done(&arena);
                if (r == 0)
                        break;
                assert_int_equal(r, MV_ENOMEM);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_as_shipped),      cmocka_unit_test(test_everything),
                cmocka_unit_test(test_mirror),          cmocka_unit_test(test_json),
                cmocka_unit_test(test_what_is_wrong),   cmocka_unit_test(test_what_it_is),
                cmocka_unit_test(test_filters),         cmocka_unit_test(test_memory),
                cmocka_unit_test(test_many_site_rules),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
