/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of rules. Its order is the order of findings. */
#pragma once

#include "policy/rule.h"

/* All rules; ends with NULL. */
extern const struct mv_rule *const mv_rules[];

/* Notices (policy/notice.h), likewise. */
extern const struct mv_rule *const mv_notices[];

/* The rule or notice of that name, or NULL. */
const struct mv_rule *mv_rule_find(struct mv_str id);
/* The check of the revision in force for that version; NULL when the rule does not exist there yet. */
const struct mv_revision *mv_rule_revision(const struct mv_rule *rule, unsigned version);
