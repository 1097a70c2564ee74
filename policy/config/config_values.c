/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/config_values.h"

#include "policy/base/duration.h"
#include "policy/object/quantity.h"
#include "policy/registry.h"

#include <stdio.h>

/* --- where --- */

/* Go to the value at path; *ret_key is where its key begins. False when it is not there: the scanner then stands at the
 * value that should hold it. */
static bool seek(struct mv_scan *scan, const struct mv_path *path, const char **ret_key) {
        struct mv_scan_string key;
        bool first = true;
        mv_scan_peek(scan);
        if (!path)
                return true;
        if (!seek(scan, path->parent, ret_key))
                return false;
        struct mv_scan inside = *scan;
        bool object = path->key.p != NULL;
        if (mv_scan_peek(&inside) != (object ? '{' : '['))
                return false;
        if (!(object ? mv_scan_object(&inside) : mv_scan_array(&inside)))
                return false;
        for (size_t i = 0;; i++) {
                if (!(object ? mv_scan_key(&inside, &first, &key) : mv_scan_element(&inside, &first)))
                        return false;
                mv_scan_peek(&inside);
                if (object ? mv_str_equal(key.raw, path->key) : i == path->index) {
                        *ret_key = object ? key.raw.p - 1 : inside.p;
                        *scan = inside;
                        return true;
                }
                if (!mv_scan_skip(&inside, NULL))
                        return false;
        }
}

static void wrong_at(struct mv_config_reading *reading, const struct mv_path *path, bool at_key, int code) {
        struct mv_scan scan;
        const char *key = reading->json.p;
        mv_scan_init(&scan, reading->json);
        bool found = seek(&scan, path, &key);
        mv_path_format(path, reading->err->path, sizeof reading->err->path);
        reading->err->offset = (size_t)((found && at_key ? key : scan.p) - reading->json.p);
        reading->code = code;
}

void mv_config_wrong(struct mv_config_reading *reading, const struct mv_path *path, int code,
                     const char *format, ...) {
        char message[sizeof reading->err->message];
        va_list args;
        if (reading->code)
                return;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        wrong_at(reading, path, false, code);
        mv_err_write(reading->err, code, "%s", message);
}

void mv_config_wrong_key(struct mv_config_reading *reading, const struct mv_path *path, const char *problem) {
        if (reading->code)
                return;
        wrong_at(reading, path, true, MV_ETYPE);
        mv_err_write(reading->err, MV_ETYPE, "%s", problem);
}

bool mv_config_given(const struct mv_config_reading *reading, const struct mv_path *path) {
        struct mv_scan scan;
        const char *key = NULL;
        mv_scan_init(&scan, reading->json);
        return seek(&scan, path, &key) && *scan.p != 'n';
}

/* --- texts --- */

void mv_config_text(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                    bool required) {
        if (!value.p && required)
                mv_config_wrong(reading, path, MV_ETYPE, "is missing");
        else if (value.p && !value.n)
                mv_config_wrong(reading, path, MV_ETYPE, "must not be empty");
}

struct word_list {
        char text[256]; /* "a, b or c" */
};

static struct word_list list_of(const char *const *names) {
        struct word_list list = { "" };
        size_t n = 0;
        for (int i = 0; names[i]; i++) {
                int wrote = snprintf(list.text + n, sizeof list.text - n, "%s%s",
                                     !i             ? ""
                                     : names[i + 1] ? ", "
                                                    : " or ",
                                     names[i]);
                n += wrote > 0 && (size_t)wrote < sizeof list.text - n ? (size_t)wrote : 0;
        }
        return list;
}

int mv_config_choice(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                     const char *const *names, int fallback) {
        if (!value.p)
                return fallback;
        for (int i = 0; names[i]; i++)
                if (mv_str_is(value, names[i]))
                        return i;
        mv_config_wrong(reading, path, MV_ETYPE, "\"%.*s\" is none of its values: it must be %s",
                        value.n < 100 ? (int)value.n : 100, value.p, list_of(names).text);
        return fallback;
}

/* The name that YAML takes for this boolean; -1: none. */
static int find_boolean(const char *const *names, bool value) {
        static const char *const trues[] = { "true", "True", "yes", "on", NULL };
        static const char *const falses[] = { "false", "False", "no", "off", NULL };
        for (int i = 0; names[i]; i++)
                for (const char *const *word = value ? trues : falses; *word; word++)
                        if (strcmp(names[i], *word) == 0)
                                return i;
        return -1;
}

int mv_config_choice_json(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str json,
                          const char *const *names, int fallback) {
        if (!json.n)
                return fallback;
        if (json.p[0] == '"')
                return mv_config_choice(reading, path, (struct mv_str){ json.p + 1, json.n - 2 }, names,
                                        fallback);
        const bool is_true = mv_str_is(json, "true");
        if (!is_true && !mv_str_is(json, "false")) {
                mv_config_wrong(reading, path, MV_ETYPE, "must be a string: %s", list_of(names).text);
                return fallback;
        }
        const int found = find_boolean(names, is_true);
        if (found < 0)
                mv_config_wrong(
                        reading, path, MV_ETYPE,
                        "%.*s is none of its values: it must be %s (in YAML, %s without quotes are %.*s)",
                        MV_STR_ARG(json), list_of(names).text, is_true ? "on and yes" : "off and no",
                        MV_STR_ARG(json));
        return found < 0 ? fallback : found;
}

/* --- amounts --- */

#define MS 1000000LL

unsigned mv_config_duration(struct mv_config_reading *reading, const struct mv_path *path,
                            struct mv_str value, unsigned least, unsigned most, unsigned fallback) {
        long long ns;
        if (!value.p)
                return fallback;
        if (!mv_duration_parse(value, INT64_MAX, &ns))
                mv_config_wrong(reading, path, MV_ETYPE, "must be a duration, such as 10m or 1h30m");
        else if (ns < least * MS || ns > most * MS)
                mv_config_wrong(reading, path, MV_ETYPE, "must be from %ums to %us", least, most / 1000);
        else
                return (unsigned)(ns / MS);
        return fallback;
}

size_t mv_config_bytes(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                       size_t least, size_t most, size_t fallback) {
        struct mv_quantity quantity;
        if (!value.p)
                return fallback;
        if (mv_quantity_parse(value, &quantity, NULL) < 0) {
                mv_config_wrong(reading, path, MV_ETYPE, "must be a quantity, such as 8Mi");
                return fallback;
        }
        int64_t bytes = mv_quantity_value(&quantity);
        if (bytes >= 0 && (uint64_t)bytes >= least && (uint64_t)bytes <= most)
                return (size_t)bytes;
        mv_config_wrong(reading, path, MV_ETYPE, "must be from %zu to %zu bytes", least, most);
        return fallback;
}

unsigned mv_config_number(struct mv_config_reading *reading, const struct mv_path *path,
                          struct mv_optional_int value, unsigned least, unsigned most, unsigned fallback) {
        if (!value.set)
                return fallback;
        if (value.value >= least && value.value <= most)
                return (unsigned)value.value;
        mv_config_wrong(reading, path, MV_ETYPE, "must be from %u to %u", least, most);
        return fallback;
}

/* --- patterns and selectors --- */

struct mv_patterns mv_config_patterns(struct mv_config_reading *reading, const struct mv_path *path,
                                      const struct mv_strings *texts, bool may_be_empty) {
        struct mv_patterns patterns = { mv_arena_new_array(reading->arena, struct mv_pattern, texts->n),
                                        texts->n };
        if (!texts->n && !may_be_empty && mv_config_given(reading, path))
                mv_config_wrong(reading, path, MV_ETYPE, "must not be empty");
        for (size_t i = 0; patterns.items && i < texts->n && !reading->code; i++) {
                struct mv_err err = { 0 };
                int r = mv_pattern_compile(reading->arena, texts->items[i], &patterns.items[i], &err);
                if (r < 0)
                        mv_config_wrong(reading, MV_AT_ITEM(path, i), r, "%s", err.message);
        }
        return patterns.items ? patterns : (struct mv_patterns){ 0 };
}

static bool is_name(struct mv_str text, size_t most, const char *inside) {
        if (!text.n || text.n > most)
                return false;
        for (size_t i = 0; i < text.n; i++) {
                char c = text.p[i];
                bool alphanumeric =
                        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                if (!alphanumeric && !(i > 0 && i + 1 < text.n && c && strchr(inside, c)))
                        return false;
        }
        return true;
}

static bool is_label_key(struct mv_str key) {
        size_t slash = mv_str_find_byte(key, '/');
        if (slash == key.n)
                return is_name(key, 63, "-_.");
        return is_name((struct mv_str){ key.p, slash }, 253, "-.") &&
               is_name(mv_str_skip(key, slash + 1), 63, "-_.");
}

static bool is_label_value(struct mv_str value) {
        return !value.n || is_name(value, 63, "-_.");
}

static void check_requirement(struct mv_config_reading *reading, const struct mv_path *path,
                              const struct mv_requirement *requirement) {
        static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist", NULL };
        mv_config_text(reading, MV_AT(path, "key"), requirement->key, true);
        mv_config_text(reading, MV_AT(path, "operator"), requirement->operator, true);
        if (requirement->key.p && !is_label_key(requirement->key))
                mv_config_wrong(reading, MV_AT(path, "key"), MV_ETYPE, "is no name of a label");
        int operator= mv_config_choice(reading, MV_AT(path, "operator"), requirement->operator, operators, 0);
        if (operator<= 1 && !requirement->values.n)
                mv_config_wrong(reading, MV_AT(path, "values"), MV_ETYPE, "must name a value for %s",
                                operators[operator]);
        if (operator> 1 && requirement->values.n)
                mv_config_wrong(reading, MV_AT(path, "values"), MV_ETYPE, "must be empty for %s",
                                operators[operator]);
        for (size_t i = 0; i < requirement->values.n; i++)
                if (!is_label_value(requirement->values.items[i]))
                        mv_config_wrong(reading, MV_AT_ITEM(MV_AT(path, "values"), i), MV_ETYPE,
                                        "is no value that a label can have");
}

void mv_config_selector(struct mv_config_reading *reading, const struct mv_path *path,
                        const struct mv_label_selector *selector) {
        for (size_t i = 0; i < selector->match_labels.n; i++) {
                const struct mv_pair *pair = &selector->match_labels.items[i];
                const struct mv_path *at = MV_AT_KEY(MV_AT(path, "matchLabels"), pair->key);
                if (!is_label_key(pair->key))
                        mv_config_wrong_key(reading, at, "is no name of a label");
                else if (!is_label_value(pair->value))
                        mv_config_wrong(reading, at, MV_ETYPE, "is no value that a label can have");
        }
        for (size_t i = 0; i < selector->match_expressions.n; i++)
                check_requirement(reading, MV_AT_ITEM(MV_AT(path, "matchExpressions"), i),
                                  &selector->match_expressions.items[i]);
}

/* --- severities --- */

const struct mv_rule *mv_config_find_rule(const struct mv_config_reading *reading, struct mv_str name) {
        const struct mv_site_rule *rule = mv_site_rules_find(reading->site_rules, name);
        return rule ? &rule->rule : mv_rule_find(name);
}

static void add_severity(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str name,
                         struct mv_str json, struct mv_rule_severities *list) {
        /* In the order of enum mv_severity. */
        static const char *const names[] = { "note", "risk", "blocker", "off", NULL };
        const struct mv_rule *rule = mv_config_find_rule(reading, name);
        int choice = mv_config_choice_json(reading, path, json, names, 0);
        if (!rule)
                mv_config_wrong_key(reading, path, "there is no rule of that name");
        else if (!rule->revisions[0].check)
                mv_config_wrong_key(reading, path,
                                    "says why nothing could be judged, so it has no severity to be set");
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].rule == rule)
                        mv_config_wrong_key(reading, path, "the same key comes twice");
        list->items[list->n++] = (struct mv_rule_severity){
                .rule = rule,
                .severity = choice <= MV_SEVERITY_BLOCKER ? (enum mv_severity)choice : MV_SEVERITY_NOTE,
                .off = choice > MV_SEVERITY_BLOCKER,
        };
}

struct mv_rule_severities mv_config_severities(struct mv_config_reading *reading, const struct mv_path *path,
                                               struct mv_str json) {
        struct mv_rule_severities list = { 0 };
        struct mv_scan scan;
        struct mv_scan_string key;
        struct mv_str value;
        bool first = true;
        size_t most = 0;
        if (!json.n)
                return list;
        mv_scan_init(&scan, json);
        if (json.p[0] != '{') {
                mv_config_wrong(reading, path, MV_ETYPE, "must be an object");
                return list;
        }
        while (mv_rules[most])
                most++;
        most += reading->site_rules->n;
        /* An error ends it, so a rule comes once, and one more is the one that is wrong. */
        list.items = mv_arena_new_array(reading->arena, struct mv_rule_severity, most + 1);
        mv_scan_object(&scan);
        while (list.items && !reading->code && mv_scan_key(&scan, &first, &key) &&
               mv_scan_skip(&scan, &value))
                add_severity(reading, MV_AT_KEY(path, key.raw), key.raw, value, &list);
        return list;
}
