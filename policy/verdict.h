/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluation says of one object. Everything in it lives in the arena it was made with, or in the object. */
#pragma once

#include "policy/rule.h"

struct mv_fit;        /* policy/nodes/nodefit.h */
struct mv_refused;    /* policy/instancetype.h */
struct mv_resolution; /* policy/resolve.h */
struct mv_copy;       /* policy/convergence.h */

struct mv_verdict_condition {
        const char *type;   /* "LiveMigratable" */
        const char *status; /* "True", "False" */
        struct mv_str reason, message;
};

struct mv_subject {
        struct mv_str api_version, kind, namespace, name, uid;
};

struct mv_verdict {
        struct mv_subject subject;
        enum mv_outcome migratable;
        const char *method; /* "LiveMigration", "BlockMigration"; "" when there is no instance */
        struct mv_verdict_condition conditions[2];
        size_t n_conditions;
        struct mv_str eviction_strategy, eviction_from;
        const struct mv_finding *findings; /* all outcomes, in the order of the registry */
        const struct mv_finding *
                off; /* of rules that the configuration turns off; what KubeVirt says because of them stands */
        const struct mv_conditions *observed; /* of the instance's status; NULL when it has none */
        struct mv_str version, version_from;
        const struct mv_instance *instance;         /* what was judged; NULL when there is none */
        const struct mv_refused *refused;           /* why KubeVirt makes no instance; NULL otherwise */
        const struct mv_fit *fit;                   /* where it could go; NULL when the input has no node */
        const struct mv_fit_question *fit_question; /* what that was asked with; NULL likewise */
        const struct mv_resolution *resolution; /* the policy and settings of its migrations; NULL likewise */
        const struct mv_copy *copy; /* how much they copy, and how long that takes; NULL likewise */
};

/* "True", "False", "Unknown". */
const char *mv_verdict_word(enum mv_outcome migratable);
const char *mv_severity_name(enum mv_severity severity);
const char *mv_outcome_name(enum mv_outcome outcome);
const char *mv_area_name(enum mv_area area);
