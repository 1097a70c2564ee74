/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/scope.h"

/* --- levels and severities --- */

static enum mv_match entry_matches(struct mv_arena *arena, const struct mv_config_namespace *entry,
                                   const struct mv_namespace *namespace, struct mv_str name) {
        const struct mv_allocator lender = mv_arena_lender(arena);
        if (!entry->selector)
                return mv_patterns_match(&lender, &entry->names, name);
        if (!namespace)
                return MV_MATCH_UNKNOWN;
        return mv_label_selector_matches(entry->selector, &namespace->meta.labels) ? MV_MATCH_YES
                                                                                   : MV_MATCH_NO;
}

static int said_or(int said, int otherwise) {
        return said == MV_UNSAID ? otherwise : said;
}

static void take_entry(const struct mv_config_namespace *entry, struct mv_scope *ret) {
        ret->levels = (struct mv_config_levels){
                .enforce = said_or(entry->levels.enforce, ret->levels.enforce),
                .warn = said_or(entry->levels.warn, ret->levels.warn),
                .audit = said_or(entry->levels.audit, ret->levels.audit),
                .migrations = said_or(entry->levels.migrations, ret->levels.migrations),
        };
        ret->entry = &entry->rules;
}

void mv_scope_of(struct mv_arena *arena, const struct mv_config *config, const struct mv_snapshot *snapshot,
                 struct mv_str name, struct mv_scope *ret) {
        *ret = (struct mv_scope){ .levels = config->defaults, .all = &config->rules };
        if (!name.n)
                return;
        const struct mv_namespace *namespace =
                mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, name);
        /* Its labels come before the configuration. Files without it are of a namespace without labels. */
        if (!namespace && mv_snapshot_known(snapshot, MV_KIND_NAMESPACE)->knowledge != MV_KNOWLEDGE_SOME)
                ret->doubt =
                        mv_arena_format(arena, "what namespace %.*s asks for is not known: it %s",
                                        MV_STR_ARG(name), mv_snapshot_absent(snapshot, MV_KIND_NAMESPACE));
        for (size_t i = 0; i < config->namespaces.n; i++) {
                const struct mv_config_namespace *entry = &config->namespaces.items[i];
                enum mv_match match = entry_matches(arena, entry, namespace, name);
                if (match == MV_MATCH_YES) {
                        take_entry(entry, ret);
                        return;
                }
                if (match == MV_MATCH_UNKNOWN && entry->rules.n)
                        ret->severities_in_doubt = true;
                if (match == MV_MATCH_UNKNOWN && !ret->doubt.n)
                        ret->doubt =
                                entry->selector
                                        ? mv_arena_format(
                                                  arena,
                                                  "whether namespaces[%zu] of the configuration applies is not "
                                                  "known: namespace %.*s is not in the input",
                                                  i, MV_STR_ARG(name))
                                        : mv_arena_format(
                                                  arena,
                                                  "whether namespaces[%zu] of the configuration applies is not "
                                                  "known: matching its names took too much work",
                                                  i);
        }
}

const struct mv_rule_severity *mv_rule_severity_find(const struct mv_rule_severities *list,
                                                     const struct mv_rule *rule) {
        for (size_t i = 0; list && i < list->n; i++)
                if (list->items[i].rule == rule)
                        return &list->items[i];
        return NULL;
}

struct mv_finding **mv_scope_apply(const struct mv_scope *scope, struct mv_finding **findings,
                                   struct mv_finding **ret_off) {
        while (*ret_off)
                ret_off = &(*ret_off)->next;
        while (*findings) {
                struct mv_finding *finding = *findings;
                const struct mv_rule_severity *said = mv_rule_severity_find(scope->entry, finding->rule);
                if (!said)
                        said = mv_rule_severity_find(scope->all, finding->rule);
                if (said && said->off) {
                        *findings = finding->next;
                        finding->next = NULL;
                        *ret_off = finding;
                        ret_off = &finding->next;
                        continue;
                }
                if (said)
                        finding->severity = said->severity;
                findings = &finding->next;
        }
        return findings;
}

/* --- exemptions --- */

/* What is not asked for matches. */
static enum mv_match exemption_matches(struct mv_arena *arena, const struct mv_exemption *exemption,
                                       const struct mv_review_request *request, const struct mv_meta *meta) {
        const struct mv_allocator lender = mv_arena_lender(arena), *allocator = &lender;
        enum mv_match matched = MV_MATCH_YES;
        if (exemption->selector)
                matched = !meta                                                           ? MV_MATCH_UNKNOWN
                          : mv_label_selector_matches(exemption->selector, &meta->labels) ? MV_MATCH_YES
                                                                                          : MV_MATCH_NO;
        if (exemption->namespaces.n && matched != MV_MATCH_NO)
                matched = mv_match_and(
                        matched, mv_patterns_match(allocator, &exemption->namespaces, request->namespace));
        if (exemption->users.n && matched != MV_MATCH_NO)
                matched = mv_match_and(
                        matched, mv_patterns_match(allocator, &exemption->users, request->user.username));
        if (exemption->groups.n && matched != MV_MATCH_NO)
                matched = mv_match_and(
                        matched, mv_patterns_match_any(allocator, &exemption->groups, &request->user.groups));
        return matched;
}

/* target is the object's NAMESPACE/NAME, or NAMESPACE/GENERATE-NAME* as long as, or because, its name is generated. */
static bool names_object(struct mv_str target, struct mv_str namespace, const struct mv_meta *meta) {
        if (!mv_str_starts_with(target, namespace) || !namespace.n || target.n <= namespace.n ||
            target.p[namespace.n] != '/')
                return false;
        struct mv_str name = mv_str_skip(target, namespace.n + 1);
        if (meta->name.n && mv_str_equal(name, meta->name))
                return true;
        if (!meta->generate_name.n || (meta->name.n && !mv_str_starts_with(meta->name, meta->generate_name)))
                return false;
        return mv_str_ends_with(name, MV_STR("*")) &&
               mv_str_equal((struct mv_str){ name.p, name.n - 1 }, meta->generate_name);
}

static struct mv_str trimmed(struct mv_str text) {
        while (text.n && (*text.p == ' ' || *text.p == '\t' || *text.p == '\n'))
                text = mv_str_skip(text, 1);
        while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\n'))
                text.n--;
        return text;
}

static void read_annotation(struct mv_arena *arena, const struct mv_config *config,
                            const struct mv_review_request *request, enum mv_kind kind,
                            const struct mv_meta *meta, struct mv_exempt *ret) {
        const struct mv_str *value =
                meta ? mv_map_get(&meta->annotations, MV_STR(MV_EXEMPT_ANNOTATION)) : NULL;
        if (!value)
                return;
        if (kind != MV_KIND_VM && kind != MV_KIND_MIGRATION) {
                ret->remark = MV_STR(
                        "it counts on VirtualMachines and VirtualMachineInstanceMigrations only, so it "
                        "is passed over");
                return;
        }
        size_t colon = mv_str_find_byte(*value, ':');
        struct mv_str target = trimmed((struct mv_str){ value->p, colon });
        struct mv_str why = colon < value->n ? trimmed(mv_str_skip(*value, colon + 1)) : (struct mv_str){ 0 };
        if (!names_object(target, request->namespace, meta)) {
                ret->remark =
                        MV_STR("it does not name this object as NAMESPACE/NAME: WHY, so it is passed over");
                return;
        }
        if (!why.n) {
                ret->remark = MV_STR("it gives no reason behind NAMESPACE/NAME:, so it is passed over");
                return;
        }
        const struct mv_allocator lender = mv_arena_lender(arena);
        enum mv_match allowed =
                mv_match_or(mv_patterns_match(&lender, &config->exempt_users, request->user.username),
                            mv_patterns_match_any(&lender, &config->exempt_groups, &request->user.groups));
        if (allowed == MV_MATCH_NO)
                ret->remark =
                        MV_STR("it counts only from users whom the configuration allows to use it, so it is "
                               "passed over");
        else if (allowed == MV_MATCH_YES)
                *ret = (struct mv_exempt){ .match = MV_MATCH_YES, .reason = why };
        else
                *ret = (struct mv_exempt){ .match = MV_MATCH_UNKNOWN,
                                           .reason = MV_STR("whether the user may use " MV_EXEMPT_ANNOTATION
                                                            " is not known: matching took too much work") };
}

void mv_exempt_of(struct mv_arena *arena, const struct mv_config *config,
                  const struct mv_review_request *request, enum mv_kind kind, const struct mv_meta *meta,
                  struct mv_exempt *ret) {
        *ret = (struct mv_exempt){ .match = MV_MATCH_NO };
        read_annotation(arena, config, request, kind, meta, ret);
        for (size_t i = 0; i < config->exemptions.n && ret->match != MV_MATCH_YES; i++) {
                const struct mv_exemption *exemption = &config->exemptions.items[i];
                enum mv_match match = exemption_matches(arena, exemption, request, meta);
                if (match == MV_MATCH_YES)
                        *ret = (struct mv_exempt){ .match = match, .reason = exemption->reason };
                else if (match == MV_MATCH_UNKNOWN && ret->match == MV_MATCH_NO) {
                        ret->match = match;
                        ret->reason =
                                mv_arena_format(arena,
                                                "whether exemptions[%zu] of the configuration applies is not "
                                                "known: matching took too much work",
                                                i);
                }
        }
}
