/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the configuration says of one object: its namespace's levels and severities, and whether who asks is exempt.
 *
 * Where a regular expression reaches its bounds, or the labels of the namespace are not known, nobody guesses: `doubt`
 * says why, and what would be refused is Unknown.
 */
#pragma once

#include "policy/config/config.h"
#include "policy/object/review.h"

#define MV_EXEMPT_ANNOTATION "migvet.io/exempt"

/* Borrowed from the configuration; doubt is of the arena. */
struct mv_scope {
        struct mv_config_levels levels;         /* of the first entry that matches, and of the defaults */
        const struct mv_rule_severities *entry; /* of that entry; NULL: none matches */
        const struct mv_rule_severities *all;   /* of the configuration */
        struct mv_str doubt;                    /* why it is not known which entry matches; "" otherwise */
        bool severities_in_doubt;               /* one that may match sets the severity of a rule */
};

/* namespace is "" for what has none. */
void mv_scope_of(struct mv_arena *arena, const struct mv_config *config, const struct mv_snapshot *snapshot,
                 struct mv_str namespace, struct mv_scope *ret);

/* What the list, which may be NULL, says of the rule; NULL: nothing. */
const struct mv_rule_severity *mv_rule_severity_find(const struct mv_rule_severities *list,
                                                     const struct mv_rule *rule);
/* Give the findings of the list their severities. Those that are off go to *ret_off, behind what is there. Returns where the
 * next one is to be appended. */
struct mv_finding **mv_scope_apply(const struct mv_scope *scope, struct mv_finding **findings,
                                   struct mv_finding **ret_off);

/* Whether the configuration exempts a request. */
struct mv_exempt {
        enum mv_match match;
        struct mv_str reason; /* with YES, why; with UNKNOWN, why that is not known */
        struct mv_str remark; /* why the object's annotation is passed over; "" otherwise */
};
/* meta is of the object, NULL when it cannot be read. */
void mv_exempt_of(struct mv_arena *arena, const struct mv_config *config,
                  const struct mv_review_request *request, enum mv_kind kind, const struct mv_meta *meta,
                  struct mv_exempt *ret);
