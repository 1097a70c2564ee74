/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a site: siteRules of the configuration. Each says of one field which values are right.
 *
 * A site rule is a struct mv_rule like those of the registry, made when the configuration is read, so its findings go
 * wherever findings go; it has no part in KubeVirt's conditions. It looks at the JSON text that somebody wrote
 * (mv_meta.text), since decoded objects do not have all fields.
 *
 * What always holds: what cannot be known (an object that is missing, a text that was not kept, a match that takes too
 * much work) is UNKNOWN. It is never taken for a field that is not there, or for a value that does not match.
 */
#pragma once

#include "policy/pattern.h"
#include "policy/rule.h"
#include "policy/sitepath.h"

enum { MV_MOST_SITE_RULES = 128 };

struct mv_site_rule {
        struct mv_rule rule; /* the first member */
        unsigned number;     /* its place among the rules of its site */
        struct mv_str field; /* the path as it is written */
        struct mv_site_path path;
        struct mv_pattern pattern;
        bool of_vms, of_instances; /* kinds that it judges */
        bool may_be_absent;        /* absent: pass */
};
struct mv_site_rules {
        struct mv_site_rule *items;
        size_t n;
};

/* Make the descriptor of a rule whose other members are set. The texts are copied into arena, whose failure the caller
 * tests. */
void mv_site_rule_init(struct mv_arena *arena, struct mv_site_rule *rule, struct mv_str name,
                       enum mv_severity severity, struct mv_str message, struct mv_str fix);
/* That of this name, or NULL. */
const struct mv_site_rule *mv_site_rules_find(const struct mv_site_rules *rules, struct mv_str name);
/* The kinds of objects whose text they read (MV_NEED, or-ed), beside the text of the object that is judged. */
uint64_t mv_site_rules_texts(const struct mv_site_rules *rules);
