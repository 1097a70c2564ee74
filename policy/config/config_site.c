/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config/config_site.h"

#define TEXT(key_, member_) MV_FIELD(struct mv_written_site_rule, key_, MV_TYPE_STRING, member_)

static const struct mv_field fields[] = {
        TEXT("name", name),
        MV_FIELD(struct mv_written_site_rule, "kinds", MV_TYPE_STRINGS, kinds),
        TEXT("field", field),
        TEXT("pattern", pattern),
        MV_FIELD(struct mv_written_site_rule, "absent", MV_TYPE_RAW, absent),
        MV_FIELD(struct mv_written_site_rule, "severity", MV_TYPE_RAW, severity),
        TEXT("message", message),
        TEXT("fix", fix),
};
const struct mv_table mv_table_site_rule = MV_TABLE_CLOSED(fields, struct mv_written_site_rule);

/* It is told apart from all other rules, also in a list with commas between them. */
static void check_rule_name(struct mv_config_reading *reading, const struct mv_path *path,
                            struct mv_str name) {
        enum { MOST = 63 };
        size_t n = 0;
        mv_config_text(reading, path, name, true);
        while (n < name.n && ((name.p[n] >= 'a' && name.p[n] <= 'z') ||
                              (n && ((name.p[n] >= '0' && name.p[n] <= '9') || name.p[n] == '-'))))
                n++;
        if (n < name.n || n > MOST)
                mv_config_wrong(reading, path, MV_ETYPE,
                                "must be at most %d small letters, digits and -, a letter first", MOST);
        else if (mv_site_rules_find(reading->site_rules, name))
                mv_config_wrong(reading, path, MV_ETYPE, "another rule of siteRules has this name");
        else if (mv_config_find_rule(reading, name))
                mv_config_wrong(reading, path, MV_ETYPE,
                                "a rule of migvet has this name: rules sets its severity");
}

/* It goes into warnings and tables. */
static void check_line(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str text) {
        mv_config_text(reading, path, text, true);
        for (size_t i = 0; i < text.n; i++)
                if ((unsigned char)text.p[i] < ' ')
                        mv_config_wrong(reading, path, MV_ETYPE,
                                        "must be one line, without control characters");
}

static void read_site_rule(struct mv_config_reading *reading, const struct mv_path *path,
                           const struct mv_written_site_rule *from, struct mv_site_rule *ret) {
        static const char *const absents[] = { "fail", "pass", NULL };
        static const char *const severities[] = { "note", "risk", "blocker", NULL };
        static const char *const kinds[] = { "VirtualMachine", "VirtualMachineInstance", NULL };
        struct mv_err err = { 0 };
        check_rule_name(reading, MV_AT(path, "name"), from->name);
        if (!from->kinds.n)
                mv_config_wrong(reading, MV_AT(path, "kinds"), MV_ETYPE, "must name a kind");
        for (size_t i = 0; i < from->kinds.n; i++) {
                const struct mv_path *at = MV_AT_ITEM(MV_AT(path, "kinds"), i);
                mv_config_text(reading, at, from->kinds.items[i], true);
                bool instance = mv_config_choice(reading, at, from->kinds.items[i], kinds, 0) == 1;
                ret->of_vms |= !instance;
                ret->of_instances |= instance;
        }
        mv_config_text(reading, MV_AT(path, "field"), from->field, true);
        ret->field = from->field;
        int r = from->field.n ? mv_site_path_parse(reading->arena, from->field, &ret->path, &err) : 0;
        if (r < 0)
                mv_config_wrong(reading, MV_AT(path, "field"), r, "%s", err.message);
        mv_config_text(reading, MV_AT(path, "pattern"), from->pattern, true);
        r = from->pattern.n ? mv_pattern_compile(reading->arena, from->pattern, &ret->pattern, &err) : 0;
        if (r < 0)
                mv_config_wrong(reading, MV_AT(path, "pattern"), r, "%s", err.message);
        ret->may_be_absent =
                mv_config_choice_json(reading, MV_AT(path, "absent"), from->absent, absents, 0) == 1;
        int severity = mv_config_choice_json(reading, MV_AT(path, "severity"), from->severity, severities,
                                             MV_SEVERITY_RISK);
        check_line(reading, MV_AT(path, "message"), from->message);
        check_line(reading, MV_AT(path, "fix"), from->fix);
        mv_site_rule_init(reading->arena, ret, from->name, (enum mv_severity)severity, from->message,
                          from->fix);
}

void mv_config_site_rules(struct mv_config_reading *reading, const struct mv_path *path,
                          const struct mv_written_site_rules *from, struct mv_site_rules *ret) {
        if (from->n > MV_MOST_SITE_RULES)
                mv_config_wrong(reading, path, MV_ELIMIT, "more than %d rules", MV_MOST_SITE_RULES);
        ret->items = mv_arena_new_array(reading->arena, struct mv_site_rule, from->n);
        for (size_t i = 0; ret->items && i < from->n && !reading->code; i++) {
                read_site_rule(reading, MV_AT_ITEM(path, i), &from->items[i], &ret->items[i]);
                ret->items[i].number = (unsigned)i;
                ret->n = i + 1;
        }
}
