/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/config.h"

#include "policy/config/config_audit.h"
#include "policy/config/config_receivers.h"
#include "policy/config/config_site.h"
#include "policy/object/document.h"

#include <limits.h>

enum {
        MOST_YAML_NODES = 100000,
        MOST_NODES_ASKED = 10000, /* resilient.otherNodes */
        SHIPPED_TRIES = 20,
};
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

const char *const mv_level_names[4] = { "none", "declared", "migratable", "resilient" };
const char *const mv_action_names[3] = { "audit", "warn", "deny" };
static const char *const levels[] = { "none", "declared", "migratable", "resilient", NULL };
static const char *const actions[] = { "audit", "warn", "deny", NULL };

void mv_config_init(struct mv_config *config) {
        *config = (struct mv_config){
                .cluster_name = MV_STR("kubernetes"),
                .defaults = { .enforce = MV_LEVEL_NONE,
                              .warn = MV_LEVEL_DECLARED,
                              .audit = MV_LEVEL_MIGRATABLE,
                              .migrations = MV_ACTION_DENY },
                .unknown = MV_ACTION_WARN,
                .cluster_scoped = MV_ACTION_WARN,
                .mirror = MV_MIRROR_WARN,
                .other_nodes = 1,
                .outbox = { .directory = MV_STR("/var/lib/migvet/outbox"),
                            .max_bytes = 256 * MIB,
                            .tries = SHIPPED_TRIES },
                .limits = { .body_bytes = 8 * MIB,
                            .memory_per_review = 4 * MIB,
                            .connections = 1024,
                            .receive_ms = 5000,
                            .idle_ms = 120000 },
                .audit = { .interval_ms = 600000,
                           .resync_ms = 6 * 3600000,
                           .reports = MV_REPORTS_OPENREPORTS },
                .own_namespace = MV_STR("migvet"),
        };
}

/* --- the file as it is written --- */

struct file_levels {
        struct mv_str enforce, warn, audit;
};
struct file_namespace {
        struct mv_strings names;
        struct mv_label_selector *selector;
        struct mv_str enforce, warn, audit, migrations, rules;
};
struct file_exemption {
        struct mv_strings users, groups, namespaces;
        struct mv_label_selector *selector;
        struct mv_str reason;
};
struct file_who {
        struct mv_strings users, groups;
};
struct file_resilient {
        struct mv_optional_int other_nodes;
};
struct file_verdicts {
        enum mv_optional enabled;
        struct mv_str token_file;
        struct mv_strings client_names;
        struct mv_str client_ca_file;
};
struct file_limits {
        struct mv_str body_bytes, receive, idle, memory_per_review;
        struct mv_optional_int connections;
};
struct file {
        struct mv_str api_version, kind, cluster_name, migrations, cluster_scoped, unknown, vm_start, mirror,
                rules;
        struct file_levels defaults;
        struct file_resilient resilient;
        MV_LIST(struct file_namespace) namespaces;
        MV_LIST(struct file_exemption) exemptions;
        struct file_who annotation_exemptions;
        struct mv_written_site_rules site_rules;
        struct mv_written_receivers receivers;
        struct mv_written_outbox outbox;
        struct mv_written_audit audit;
        struct mv_written_reports reports;
        struct file_verdicts verdicts;
        enum mv_optional fill_node_selector;
        struct file_limits limits;
};

#define TEXT(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_STRING, member_)
#define TEXTS(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_STRINGS, member_)
#define NUMBER(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_INT, member_)
#define BOOLEAN(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_OPTIONAL, member_)
#define RAW(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_RAW, member_)
#define AMOUNT(type_, key_, member_) MV_FIELD(struct type_, key_, MV_TYPE_TEXT, member_)
#define OBJECT(type_, key_, member_, table_) \
        MV_FIELD_TABLE(struct type_, key_, MV_TYPE_OBJECT, member_, &table_)
#define LIST(type_, key_, member_, table_) MV_FIELD_TABLE(struct type_, key_, MV_TYPE_LIST, member_, &table_)

/* Kubernetes' selectors, without keys that they do not have. */
static const struct mv_field requirement_fields[] = {
        TEXT(mv_requirement, "key", key),
        TEXT(mv_requirement, "operator", operator),
        TEXTS(mv_requirement, "values", values),
};
static const struct mv_table requirement_table = MV_TABLE_CLOSED(requirement_fields, struct mv_requirement);
static const struct mv_field selector_fields[] = {
        LIST(mv_label_selector, "matchExpressions", match_expressions, requirement_table),
        MV_FIELD(struct mv_label_selector, "matchLabels", MV_TYPE_MAP, match_labels),
};
static const struct mv_table selector_table = MV_TABLE_CLOSED(selector_fields, struct mv_label_selector);

static const struct mv_field levels_fields[] = {
        RAW(file_levels, "enforce", enforce),
        RAW(file_levels, "warn", warn),
        RAW(file_levels, "audit", audit),
};
static const struct mv_table levels_table = MV_TABLE_CLOSED(levels_fields, struct file_levels);
static const struct mv_field namespace_fields[] = {
        TEXTS(file_namespace, "names", names),
        MV_FIELD_TABLE(struct file_namespace, "selector", MV_TYPE_POINTER, selector, &selector_table),
        RAW(file_namespace, "enforce", enforce),
        RAW(file_namespace, "warn", warn),
        RAW(file_namespace, "audit", audit),
        RAW(file_namespace, "migrations", migrations),
        RAW(file_namespace, "rules", rules),
};
static const struct mv_table namespace_table = MV_TABLE_CLOSED(namespace_fields, struct file_namespace);
static const struct mv_field exemption_fields[] = {
        TEXTS(file_exemption, "users", users),
        TEXTS(file_exemption, "groups", groups),
        TEXTS(file_exemption, "namespaces", namespaces),
        MV_FIELD_TABLE(struct file_exemption, "selector", MV_TYPE_POINTER, selector, &selector_table),
        TEXT(file_exemption, "reason", reason),
};
static const struct mv_table exemption_table = MV_TABLE_CLOSED(exemption_fields, struct file_exemption);
static const struct mv_field who_fields[] = {
        TEXTS(file_who, "users", users),
        TEXTS(file_who, "groups", groups),
};
static const struct mv_table who_table = MV_TABLE_CLOSED(who_fields, struct file_who);
static const struct mv_field resilient_fields[] = { NUMBER(file_resilient, "otherNodes", other_nodes) };
static const struct mv_table resilient_table = MV_TABLE_CLOSED(resilient_fields, struct file_resilient);
static const struct mv_field verdicts_fields[] = {
        BOOLEAN(file_verdicts, "enabled", enabled),
        TEXT(file_verdicts, "tokenFile", token_file),
        TEXTS(file_verdicts, "clientNames", client_names),
        TEXT(file_verdicts, "clientCaFile", client_ca_file),
};
static const struct mv_table verdicts_table = MV_TABLE_CLOSED(verdicts_fields, struct file_verdicts);
static const struct mv_field limits_fields[] = {
        AMOUNT(file_limits, "bodyBytes", body_bytes),
        NUMBER(file_limits, "connections", connections),
        TEXT(file_limits, "receive", receive),
        TEXT(file_limits, "idle", idle),
        AMOUNT(file_limits, "memoryPerReview", memory_per_review),
};
static const struct mv_table limits_table = MV_TABLE_CLOSED(limits_fields, struct file_limits);

static const struct mv_field file_fields[] = {
        TEXT(file, "apiVersion", api_version),
        TEXT(file, "kind", kind),
        TEXT(file, "clusterName", cluster_name),
        OBJECT(file, "defaults", defaults, levels_table),
        RAW(file, "migrations", migrations),
        RAW(file, "clusterScoped", cluster_scoped),
        RAW(file, "unknown", unknown),
        RAW(file, "vmStart", vm_start),
        RAW(file, "mirror", mirror),
        OBJECT(file, "resilient", resilient, resilient_table),
        LIST(file, "namespaces", namespaces, namespace_table),
        LIST(file, "exemptions", exemptions, exemption_table),
        OBJECT(file, "annotationExemptions", annotation_exemptions, who_table),
        RAW(file, "rules", rules),
        LIST(file, "siteRules", site_rules, mv_table_site_rule),
        LIST(file, "receivers", receivers, mv_table_receiver),
        OBJECT(file, "outbox", outbox, mv_table_outbox),
        OBJECT(file, "audit", audit, mv_table_written_audit),
        OBJECT(file, "reports", reports, mv_table_written_reports),
        OBJECT(file, "verdicts", verdicts, verdicts_table),
        BOOLEAN(file, "fillNodeSelector", fill_node_selector),
        OBJECT(file, "limits", limits, limits_table),
};
static const struct mv_table file_table = MV_TABLE_CLOSED(file_fields, struct file);

/* --- what decides --- */

static struct mv_config_levels read_levels(struct mv_config_reading *reading, const struct mv_path *path,
                                           const struct file_levels *from,
                                           const struct mv_config_levels *fallback) {
        return (struct mv_config_levels){
                .enforce = mv_config_choice_json(reading, MV_AT(path, "enforce"), from->enforce, levels,
                                                 fallback->enforce),
                .warn = mv_config_choice_json(reading, MV_AT(path, "warn"), from->warn, levels,
                                              fallback->warn),
                .audit = mv_config_choice_json(reading, MV_AT(path, "audit"), from->audit, levels,
                                               fallback->audit),
                .migrations = fallback->migrations,
        };
}

static void read_namespace(struct mv_config_reading *reading, const struct mv_path *path,
                           const struct file_namespace *from, struct mv_config_namespace *ret) {
        static const struct mv_config_levels unsaid = { MV_UNSAID, MV_UNSAID, MV_UNSAID, MV_UNSAID };
        const struct file_levels said = { from->enforce, from->warn, from->audit };
        bool named = mv_config_given(reading, MV_AT(path, "names"));
        if (!named && !from->selector)
                mv_config_wrong(reading, path, MV_ETYPE, "must have names or a selector");
        if (named && from->selector)
                mv_config_wrong(reading, MV_AT(path, "selector"), MV_ETYPE,
                                "names and selector exclude one another: make two entries of it");
        ret->names = mv_config_patterns(reading, MV_AT(path, "names"), &from->names, false);
        ret->selector = from->selector;
        if (from->selector)
                mv_config_selector(reading, MV_AT(path, "selector"), from->selector);
        ret->levels = read_levels(reading, path, &said, &unsaid);
        ret->levels.migrations = mv_config_choice_json(reading, MV_AT(path, "migrations"), from->migrations,
                                                       actions, MV_UNSAID);
        ret->rules = mv_config_severities(reading, MV_AT(path, "rules"), from->rules);
}

static void read_exemption(struct mv_config_reading *reading, const struct mv_path *path,
                           const struct file_exemption *from, struct mv_exemption *ret) {
        const struct mv_label_selector *selector = from->selector;
        ret->users = mv_config_patterns(reading, MV_AT(path, "users"), &from->users, false);
        ret->groups = mv_config_patterns(reading, MV_AT(path, "groups"), &from->groups, false);
        ret->namespaces = mv_config_patterns(reading, MV_AT(path, "namespaces"), &from->namespaces, false);
        ret->selector = selector;
        ret->reason = from->reason;
        mv_config_text(reading, MV_AT(path, "reason"), from->reason, true);
        if (selector)
                mv_config_selector(reading, MV_AT(path, "selector"), selector);
        if (selector && !selector->match_labels.n && !selector->match_expressions.n)
                mv_config_wrong(reading, MV_AT(path, "selector"), MV_ETYPE,
                                "selects everything: name a label, or leave it out");
        if (!from->users.n && !from->groups.n && !from->namespaces.n && !selector)
                mv_config_wrong(
                        reading, path, MV_ETYPE,
                        "must have users, groups, namespaces or a selector, or it would exempt everything");
}

/* Lists grow with the file, so their memory is there or the arena has failed. */
static void read_lists(struct mv_config_reading *reading, const struct file *file, struct mv_config *ret) {
        const struct file_who *who = &file->annotation_exemptions;
        const struct mv_path *annotation = MV_AT(NULL, "annotationExemptions");
        ret->namespaces.items =
                mv_arena_new_array(reading->arena, struct mv_config_namespace, file->namespaces.n);
        ret->exemptions.items = mv_arena_new_array(reading->arena, struct mv_exemption, file->exemptions.n);
        if (mv_arena_failed(reading->arena))
                return;
        ret->namespaces.n = file->namespaces.n;
        ret->exemptions.n = file->exemptions.n;
        for (size_t i = 0; i < file->namespaces.n; i++)
                read_namespace(reading, MV_AT_ITEM(MV_AT(NULL, "namespaces"), i), &file->namespaces.items[i],
                               &ret->namespaces.items[i]);
        for (size_t i = 0; i < file->exemptions.n; i++)
                read_exemption(reading, MV_AT_ITEM(MV_AT(NULL, "exemptions"), i), &file->exemptions.items[i],
                               &ret->exemptions.items[i]);
        ret->exempt_users = mv_config_patterns(reading, MV_AT(annotation, "users"), &who->users, true);
        ret->exempt_groups = mv_config_patterns(reading, MV_AT(annotation, "groups"), &who->groups, true);
}

static void read_limits(struct mv_config_reading *reading, const struct file_limits *from,
                        struct mv_config_limits *ret) {
        const struct mv_path *path = MV_AT(NULL, "limits");
        ret->body_bytes = mv_config_bytes(reading, MV_AT(path, "bodyBytes"), from->body_bytes, 4 * KIB,
                                          64 * MIB, ret->body_bytes);
        ret->memory_per_review = mv_config_bytes(reading, MV_AT(path, "memoryPerReview"),
                                                 from->memory_per_review, MIB, GIB, ret->memory_per_review);
        ret->connections = mv_config_number(reading, MV_AT(path, "connections"), from->connections, 1, 100000,
                                            ret->connections);
        ret->receive_ms = mv_config_duration(reading, MV_AT(path, "receive"), from->receive, 100, 3600000,
                                             ret->receive_ms);
        ret->idle_ms = mv_config_duration(reading, MV_AT(path, "idle"), from->idle, 100, 24 * 3600000u,
                                          ret->idle_ms);
}

static void read_settings(struct mv_config_reading *reading, const struct file *file, struct mv_config *ret) {
        static const char *const unknowns[] = { "allow", "warn", "deny", NULL };
        static const char *const starts[] = { "allow", "deny", NULL };
        static const char *const mirrors[] = { "off", "warn", "deny", NULL };
        mv_config_text(reading, MV_AT(NULL, "clusterName"), file->cluster_name, false);
        if (file->cluster_name.p)
                ret->cluster_name = file->cluster_name;
        ret->defaults = read_levels(reading, MV_AT(NULL, "defaults"), &file->defaults, &ret->defaults);
        ret->defaults.migrations = mv_config_choice_json(reading, MV_AT(NULL, "migrations"), file->migrations,
                                                         actions, ret->defaults.migrations);
        ret->cluster_scoped = (enum mv_action)mv_config_choice_json(reading, MV_AT(NULL, "clusterScoped"),
                                                                    file->cluster_scoped, actions,
                                                                    (int)ret->cluster_scoped);
        ret->unknown = (enum mv_action)mv_config_choice_json(reading, MV_AT(NULL, "unknown"), file->unknown,
                                                             unknowns, (int)ret->unknown);
        ret->deny_vm_start = mv_config_choice_json(reading, MV_AT(NULL, "vmStart"), file->vm_start, starts,
                                                   ret->deny_vm_start);
        ret->mirror = (enum mv_mirror)mv_config_choice_json(reading, MV_AT(NULL, "mirror"), file->mirror,
                                                            mirrors, (int)ret->mirror);
        ret->other_nodes =
                mv_config_number(reading, MV_AT(MV_AT(NULL, "resilient"), "otherNodes"),
                                 file->resilient.other_nodes, 1, MOST_NODES_ASKED, ret->other_nodes);
        ret->fill_node_selector = file->fill_node_selector == MV_TRUE;
        ret->rules = mv_config_severities(reading, MV_AT(NULL, "rules"), file->rules);
}

/* A name or a file: a byte that the operating system takes for its end would make it another one. */
static void check_plain(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value) {
        for (size_t i = 0; i < value.n; i++)
                if ((unsigned char)value.p[i] < ' ')
                        mv_config_wrong(reading, path, MV_ETYPE, "must not have control characters");
}

static void read_verdicts(struct mv_config_reading *reading, const struct file_verdicts *from,
                          struct mv_config_verdicts *ret) {
        const struct mv_path *path = MV_AT(NULL, "verdicts");
        *ret = (struct mv_config_verdicts){ .enabled = from->enabled == MV_TRUE,
                                            .token_file = from->token_file,
                                            .client_names = from->client_names,
                                            .client_ca_file = from->client_ca_file };
        check_plain(reading, MV_AT(path, "tokenFile"), from->token_file);
        check_plain(reading, MV_AT(path, "clientCaFile"), from->client_ca_file);
        for (size_t i = 0; i < from->client_names.n; i++) {
                const struct mv_path *at = MV_AT_ITEM(MV_AT(path, "clientNames"), i);
                mv_config_text(reading, at, from->client_names.items[i], true);
                check_plain(reading, at, from->client_names.items[i]);
        }
        if (from->client_ca_file.n && !from->client_names.n)
                mv_config_wrong(reading, MV_AT(path, "clientCaFile"), MV_ETYPE,
                                "is for clientNames, and there are none");
        if (ret->enabled && !from->token_file.n && !from->client_names.n)
                mv_config_wrong(reading, path, MV_ETYPE,
                                "must have a tokenFile or clientNames to be enabled");
}

/* --- the whole --- */

static void unknown_key(void *context, const struct mv_path *path, struct mv_str key) {
        mv_config_wrong_key(context, MV_AT_KEY(path, key), "there is no key of that name");
}

static void check_header(struct mv_config_reading *reading, const struct file *file) {
        mv_config_text(reading, MV_AT(NULL, "apiVersion"), file->api_version, true);
        mv_config_text(reading, MV_AT(NULL, "kind"), file->kind, true);
        if (!mv_str_is(file->api_version, MV_CONFIG_API_VERSION))
                mv_config_wrong(reading, MV_AT(NULL, "apiVersion"), MV_ETYPE,
                                "must be " MV_CONFIG_API_VERSION);
        if (!mv_str_is(file->kind, "Configuration"))
                mv_config_wrong(reading, MV_AT(NULL, "kind"), MV_ETYPE, "must be Configuration");
}

/* Where a boolean stands in the place of a text, that may not be what somebody wrote. */
static void explain_boolean(struct mv_str json, struct mv_err *err) {
        const struct mv_str value = mv_str_skip(json, err->offset < json.n ? err->offset : json.n);
        if (strcmp(err->message, "must be a string") == 0 &&
            (mv_str_starts_with(value, MV_STR("true")) || mv_str_starts_with(value, MV_STR("false"))))
                mv_err_write(
                        err, err->code,
                        "must be a string, in quotes: YAML reads on, off, yes and no without them as booleans");
}

/* Read one document, which lives in the arena. err->offset says where it is wrong. */
static int read_document(struct mv_arena *arena, struct mv_str json, struct mv_config *ret,
                         struct mv_err *err) {
        struct mv_config config;
        struct mv_config_reading reading = {
                .arena = arena, .json = json, .err = err, .site_rules = &config.site_rules
        };
        const struct mv_decode decode = { .arena = arena, .unknown = unknown_key, .context = &reading };
        struct file file;
        struct mv_err why = { 0 };
        mv_config_init(&config);
        int r = mv_decode(&decode, json, &file_table, &file, &why);
        /* An unknown key that comes before the wrong value is told first. */
        if (r < 0 && !reading.code) {
                *err = why;
                explain_boolean(json, err);
                return r;
        }
        if (!reading.code)
                check_header(&reading, &file);
        if (!reading.code) {
                mv_config_site_rules(&reading, MV_AT(NULL, "siteRules"), &file.site_rules,
                                     &config.site_rules);
                read_settings(&reading, &file, &config);
                read_lists(&reading, &file, &config);
                mv_config_receivers(&reading, &file.receivers, &config);
                mv_config_outbox(&reading, &file.outbox, &config.outbox);
                read_limits(&reading, &file.limits, &config.limits);
                read_verdicts(&reading, &file.verdicts, &config.verdicts);
                mv_config_audit(&reading, &file.audit, &file.reports, &config.audit);
        }
        if (mv_arena_failed(arena))
                return mv_err_oom(err);
        if (reading.code)
                return reading.code;
        *ret = config;
        return 0;
}

static int read_only_document(struct mv_arena *arena, struct mv_document_reader *documents,
                              struct mv_config *ret, struct mv_err *err) {
        struct mv_str json;
        struct mv_config config;
        struct mv_err why = { 0 };
        int r = mv_document_reader_next(documents, &json, err);
        if (r < 0)
                return r;
        if (!json.p)
                return mv_err_set(err, MV_ESYNTAX, "there is no configuration in it");
        struct mv_str copy = mv_arena_copy_padded(arena, json, MV_SCAN_PADDING);
        r = copy.p ? read_document(arena, copy, &config, &why) : mv_err_oom(&why);
        if (r < 0) {
                if (r != MV_ENOMEM)
                        mv_document_reader_locate(documents, why.offset, &why.line, &why.column);
                *err = why;
                return r;
        }
        r = mv_document_reader_next(documents, &json, err);
        if (r < 0)
                return r;
        if (json.p) {
                mv_document_reader_locate(documents, 0, &err->line, &err->column);
                return mv_err_set(err, MV_ESYNTAX, "a second document begins here: a configuration is one");
        }
        *ret = config;
        return 0;
}

int mv_config_read(struct mv_arena *arena, struct mv_str text, struct mv_config *ret, struct mv_err *err) {
        const struct mv_yaml_limits limits = { .nodes = MOST_YAML_NODES };
        struct mv_document_reader *documents = NULL;
        struct mv_err why = { 0 };
        struct mv_str copy = mv_arena_copy_padded(arena, text, MV_SCAN_PADDING);
        int r = copy.p ? mv_document_reader_new(arena->allocator, copy, &limits, &documents, &why)
                       : mv_err_oom(&why);
        if (r == 0)
                r = read_only_document(arena, documents, ret, &why);
        mv_document_reader_free(documents);
        if (r < 0 && err)
                *err = why;
        return r;
}
