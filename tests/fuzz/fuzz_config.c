/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file: what is read is complete (levels that exist, rules that are there, reasons, patterns that can be
 * matched), and what is not has a message, and a line where it names a field. The same text is read the same twice.
 */
#include "policy/config/config.h"
#include "policy/registry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right, const char *what) {
        if (right)
                return;
        fprintf(stderr, "%s\n", what);
        abort();
}

static void check_patterns(const struct mv_patterns *patterns) {
        for (size_t i = 0; i < patterns->n; i++) {
                check(patterns->items[i].code && patterns->items[i].text.n, "an empty pattern");
                enum mv_match match = mv_pattern_match(&mv_allocator_system, &patterns->items[i],
                                                       MV_STR("prod-eu-aaaaaaaaaa"));
                check(match <= MV_MATCH_UNKNOWN, "an odd match");
        }
}

static void check_severities(const struct mv_rule_severities *list) {
        for (size_t i = 0; i < list->n; i++)
                check(list->items[i].rule && list->items[i].rule->revisions[0].check &&
                              list->items[i].severity <= MV_SEVERITY_BLOCKER,
                      "an odd severity");
}

static void check_levels(const struct mv_config_levels *levels, int least) {
        check(levels->enforce >= least && levels->enforce <= MV_LEVEL_RESILIENT && levels->warn >= least &&
                      levels->warn <= MV_LEVEL_RESILIENT && levels->audit >= least &&
                      levels->audit <= MV_LEVEL_RESILIENT && levels->migrations >= least &&
                      levels->migrations <= MV_ACTION_DENY,
              "a level that does not exist");
}

static void check_site_rules(const struct mv_site_rules *rules) {
        for (size_t i = 0; i < rules->n; i++) {
                const struct mv_site_rule *rule = &rules->items[i];
                const struct mv_patterns patterns = { (struct mv_pattern *)&rule->pattern, 1 };
                check(mv_site_rules_find(rules, mv_str_from(rule->rule.id)) == rule &&
                              !mv_rule_find(mv_str_from(rule->rule.id)),
                      "two rules of one name");
                check(rule->rule.summary[0] && rule->rule.fix[0] && rule->rule.revisions[0].check &&
                              (rule->of_vms || rule->of_instances),
                      "a rule that says nothing, or of nothing");
                check(rule->path.n >= 1 && rule->path.n <= MV_SITE_STEPS && rule->path.steps[0].n,
                      "a path of no field");
                for (size_t j = 0; j < rule->path.n; j++)
                        check(!rule->path.steps[j].p || rule->path.steps[j].n, "a step without a name");
                check_patterns(&patterns);
        }
}

static void check_receivers(const struct mv_config *config) {
        check(config->receivers.n <= MV_MOST_RECEIVERS && config->outbox.directory.n &&
                      config->outbox.max_bytes && config->outbox.tries,
              "odd receivers, or an outbox that is nowhere");
        for (size_t i = 0; i < config->receivers.n; i++) {
                const struct mv_config_receiver *r = &config->receivers.items[i];
                check(r->name.n && r->url.n > strlen("https://") && !r->url.p[r->url.n] && r->kinds &&
                              r->verdicts,
                      "a receiver of nothing");
                check(!!r->client_cert_file.n + !!r->token_file.n + !!r->hmac_key_file.n == 1,
                      "not one way to be believed");
                check_patterns(&r->namespaces);
                for (size_t j = 0; j < i; j++)
                        check(!mv_str_equal(r->name, config->receivers.items[j].name),
                              "two receivers of one name");
        }
}

static void check_config(const struct mv_config *config) {
        check_levels(&config->defaults, 0);
        check(config->unknown <= MV_ACTION_DENY && config->cluster_scoped <= MV_ACTION_DENY &&
                      config->mirror < MV_MIRROR_DENY && config->other_nodes > 0,
              "an odd setting");
        check(config->cluster_name.n && config->limits.body_bytes && config->limits.connections &&
                      config->limits.receive_ms && config->limits.idle_ms && config->limits.memory_per_review,
              "a limit of nothing");
        check_receivers(config);
        check_severities(&config->rules);
        check_patterns(&config->exempt_users);
        check_patterns(&config->exempt_groups);
        for (size_t i = 0; i < config->namespaces.n; i++) {
                const struct mv_config_namespace *entry = &config->namespaces.items[i];
                check(!entry->selector != !entry->names.n, "an entry for no namespace, or two ways");
                check_levels(&entry->levels, MV_UNSAID);
                check_severities(&entry->rules);
                check_patterns(&entry->names);
        }
        for (size_t i = 0; i < config->exemptions.n; i++) {
                const struct mv_exemption *exemption = &config->exemptions.items[i];
                check(exemption->reason.n &&
                              (exemption->selector ||
                               exemption->users.n + exemption->groups.n + exemption->namespaces.n),
                      "an exemption of everything");
                check_patterns(&exemption->users);
                check_patterns(&exemption->groups);
                check_patterns(&exemption->namespaces);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct mv_str text = { (const char *)data, size };
        int codes[2];
        for (int i = 0; i < 2; i++) {
                struct mv_arena arena;
                struct mv_config config;
                struct mv_err err = { 0 };
                mv_arena_init(&arena, &mv_allocator_system, (size_t)64 << 20);
                codes[i] = mv_config_read(&arena, text, &config, &err);
                if (codes[i] == 0) {
                        check_config(&config);
                        check_site_rules(&config.site_rules);
                } else
                        check(err.code == codes[i] && err.message[0] &&
                                      (codes[i] == MV_ENOMEM || !err.path[0] || err.line),
                              "an error without a message or a place");
                mv_arena_done(&arena);
        }
        check(codes[0] == codes[1], "read otherwise the second time");
        return 0;
}
