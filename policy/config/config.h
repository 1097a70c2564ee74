/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migvet's own configuration, `--config FILE`: what is asked of VMs, and of whom.
 *
 * What always holds: a configuration that was read is complete and right. What the file does not say has the value as
 * shipped; whatever else is wrong with it (a key that nobody knows, a wrong type or value, a rule that does not exist, a
 * regular expression that is none, a feature that this version does not have) is an error that names line, column and
 * field. It is const, so any number of threads may use it; all of it lives in the arena that it was read into.
 */
#pragma once

#include "policy/object/scheduling.h"
#include "policy/pattern.h"
#include "policy/siterule.h"

#define MV_CONFIG_API_VERSION "config.migvet.io/v1alpha1"

enum mv_level { MV_LEVEL_NONE, MV_LEVEL_DECLARED, MV_LEVEL_MIGRATABLE, MV_LEVEL_RESILIENT };
enum mv_action { MV_ACTION_AUDIT, MV_ACTION_WARN, MV_ACTION_DENY };
/* KubeVirt's own refusals. */
enum mv_mirror { MV_MIRROR_OFF, MV_MIRROR_WARN, MV_MIRROR_DENY };

extern const char *const mv_level_names[4];  /* "none", "declared", ... */
extern const char *const mv_action_names[3]; /* "audit", "warn", "deny" */

/* What somebody who may say something says: enum mv_level or mv_action, or MV_UNSAID, and the next in line decides. */
enum { MV_UNSAID = -1 };
struct mv_config_levels {
        int enforce, warn, audit; /* of VMs */
        int migrations;           /* of a migration whose instance cannot move */
};

/* The severity of a rule's findings. */
struct mv_rule_severity {
        const struct mv_rule *rule;
        enum mv_severity severity;
        bool off; /* its findings do not count, and are not told */
};
struct mv_rule_severities {
        struct mv_rule_severity *items;
        size_t n;
};

/* An entry of `namespaces`. */
struct mv_config_namespace {
        struct mv_patterns names;                 /* one of them matches, or */
        const struct mv_label_selector *selector; /* unless NULL: the namespace's labels do */
        struct mv_config_levels levels;
        struct mv_rule_severities rules;
};

/* Requests that are never denied: all that is given must match. */
struct mv_exemption {
        struct mv_patterns users, groups, namespaces; /* n is 0: not given */
        const struct mv_label_selector *selector;     /* of the object; NULL: not given */
        struct mv_str reason;
};

/* Who is told of verdicts. Paths and URL end with a NUL byte that their lengths do not count; "" is not given. */
struct mv_config_receiver {
        struct mv_str name; /* unlike that of any other */
        struct mv_str url;  /* https, without user, password and fragment */
        struct mv_str ca_file;
        struct mv_str client_cert_file, token_file, hmac_key_file; /* one of them is given */
        unsigned kinds;                                            /* bit i: mv_config_receiver_kinds[i] */
        struct mv_patterns namespaces;                             /* n is 0: all */
        unsigned verdicts;                                         /* bit i: enum mv_outcome */
};
enum { MV_MOST_RECEIVERS = 32, MV_RECEIVER_KINDS = 5 };
extern const char *const mv_config_receiver_kinds[MV_RECEIVER_KINDS + 1]; /* ends with NULL */

/* Where verdicts wait for their receivers. */
struct mv_config_outbox {
        struct mv_str directory; /* ends with a NUL byte likewise */
        size_t max_bytes;
        unsigned tries; /* of one event, before it is put aside */
};

/* Of the server; they are taken up when it starts. */
struct mv_config_limits {
        size_t body_bytes, memory_per_review;
        unsigned connections, receive_ms, idle_ms;
};

/* POST /v1alpha1/verdicts: whether it is there, and who may ask. */
struct mv_config_verdicts {
        bool enabled;
        struct mv_str token_file;       /* "": no tokens */
        struct mv_strings client_names; /* of certificates; none: no certificate lets anybody in */
        struct mv_str client_ca_file;   /* whose certificates; "": those of --client-ca */
};

/* Where reports are written: the API's group and version. */
enum mv_reports { MV_REPORTS_NONE, MV_REPORTS_OPENREPORTS, MV_REPORTS_POLICY_REPORTS };
struct mv_config_audit {
        unsigned interval_ms; /* from one judgement of everything to the next */
        unsigned resync_ms;   /* from one sending of every verdict to the next */
        enum mv_reports reports;
};

struct mv_config {
        struct mv_str cluster_name;
        struct mv_config_levels defaults; /* none is MV_UNSAID */
        enum mv_action unknown;           /* AUDIT stands for "allow" */
        enum mv_action cluster_scoped;    /* of what has no namespace: MigrationPolicies, NodeMaintenances */
        bool deny_vm_start;               /* vmStart: deny */
        enum mv_mirror mirror;            /* on a live cluster */
        unsigned other_nodes;             /* level resilient */
        bool fill_node_selector;          /* of people's migrations, in /mutate */
        MV_LIST(struct mv_config_namespace) namespaces;
        MV_LIST(struct mv_exemption) exemptions;
        struct mv_patterns exempt_users, exempt_groups; /* who may use the annotation migvet.io/exempt */
        struct mv_rule_severities rules;
        struct mv_site_rules site_rules;
        MV_LIST(struct mv_config_receiver) receivers;
        struct mv_config_outbox outbox;
        struct mv_config_verdicts verdicts;
        struct mv_config_limits limits;
        struct mv_config_audit audit;
        struct mv_str own_namespace; /* where migvet runs; of the program, not of the file */
};

/* The values as shipped; needs no memory. */
void mv_config_init(struct mv_config *config);

/*
 * Read text, one document of YAML or JSON, into *ret, which lives in arena; text may go away. Returns 0; MV_ESYNTAX,
 * MV_ETYPE, MV_ELIMIT with err->line, column and path; MV_ENOMEM.
 */
int mv_config_read(struct mv_arena *arena, struct mv_str text, struct mv_config *ret, struct mv_err *err);

/* The receiver wants to be told of the verdict ("True", "False", "Unknown") on an object of that kind in that namespace. A
 * pattern of which it is not known whether it matches does. */
bool mv_config_receiver_wants(const struct mv_config_receiver *receiver, struct mv_str kind,
                              struct mv_str namespace, struct mv_str verdict);
