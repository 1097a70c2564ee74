/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decision: a verdict, who asks, and the levels of the namespace -> allow, warn or deny.
 *
 * The first to say decides: the namespace's label, then the first entry of the configuration that matches the namespace,
 * then its defaults. As shipped nothing is enforced on VMs, VMs that declare LiveMigrate are warned about, and a person's
 * migration that cannot work is refused.
 *
 * Who is never denied, whatever the configuration says: DELETE, whatever is being deleted, status, KubeVirt's controllers
 * and accounts of kube-system, instances that a VM controls (unless vmStart is deny), and objects in kube-system, KubeVirt's
 * and our own namespace; on a live cluster nobody is as long as KubeVirt's namespace is not known. An update is denied for a
 * blocker that the old object did not have, and for nothing else.
 */
#pragma once

#include "policy/config/scope.h"
#include "policy/verdict.h"

/* An object can have any number of findings; a person reads a few. kube-apiserver cuts warnings beyond 4,096 characters
 * in all. */
enum { MV_MOST_WARNINGS = 24, MV_MOST_CAUSES = 256 };

struct mv_cause {
        struct mv_str reason, message, field;
        struct mv_cause *next;
};
struct mv_warning {
        struct mv_str text; /* at most 120 characters */
        struct mv_warning *next;
};

struct mv_decision {
        bool allowed;
        bool mirrored;        /* KubeVirt's own refusal is in it already, as the answer or as a warning */
        bool unfamiliar;      /* which is because of a field or value that this version does not know */
        int code;             /* of a denial: 403, or what KubeVirt says; 200 otherwise */
        struct mv_str reason; /* "Forbidden", "Invalid", "" */
        struct mv_str message;
        struct mv_cause *causes, **causes_end;
        struct mv_warning *warnings, **warnings_end;
        struct mv_warning spare; /* for when there is no memory */
        bool undecided; /* there was not even memory to find out what becomes of the unknown here: no decision */
        size_t n_causes, n_warnings; /* also of those that were too many to be kept */
        /* Audit annotations; "" is left out. */
        struct mv_str verdict, rules, policy, level, exempt;
        struct mv_str evacuation; /* the node that KubeVirt marks the instance to leave, for an eviction */
};

/* What a decision is about. */
struct mv_decide_input {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_config *config;
        const struct mv_review_request *request;
        const struct mv_meta *meta;      /* of the object */
        const struct mv_verdict *now;    /* of the object */
        const struct mv_verdict *before; /* of the old object, for an update; both on the same snapshot */
        enum mv_kind kind;
        bool live; /* the snapshot is of a live cluster, not of files */
        /* Filled by mv_decide: what the configuration says, and the findings of `before`, by rule, outcome and thing. lenient: what
         * would be denied is warned about. */
        bool lenient;
        struct mv_scope scope;
        struct mv_exempt exempt;
        const struct mv_finding **slots;
        size_t n_slots;
};

void mv_decision_init(struct mv_decision *decision);
void mv_decision_warn(struct mv_arena *arena, struct mv_decision *decision, struct mv_str rule,
                      struct mv_str message);
void mv_decision_cause(struct mv_arena *arena, struct mv_decision *decision, struct mv_str reason,
                       struct mv_str message, struct mv_str field);

/* What is enforced on the VMs of a namespace: its label decides, then the configuration. */
enum mv_level mv_enforced_level(struct mv_arena *arena, const struct mv_config *config,
                                const struct mv_snapshot *snapshot, struct mv_str namespace);

/* What every answer about an object that was judged says of it: verdict, rules, policy. */
void mv_decision_annotate(struct mv_arena *arena, const struct mv_verdict *verdict,
                          struct mv_decision *decision);

/* Decide on an object that was judged. decision is initialised; warnings that it holds are kept. */
void mv_decide(const struct mv_decide_input *input, struct mv_decision *decision);
/* KubeVirt itself refuses the request, and decision says so already: add migvet's findings as warnings. */
void mv_decide_refused(const struct mv_decide_input *input, struct mv_decision *decision);

/* Whether the object passes that level of its namespace; Unknown, too, where the configuration's entries for the namespace are in
 * doubt. Of input `before`, and who asks, are not looked at. */
enum mv_outcome mv_decide_level(const struct mv_decide_input *input, enum mv_level asked);

/* What was not judged, for want of time or memory, is denied: the configuration says so of what is unknown, and the level of
 * the namespace, or `migrations`, asks for something. Of input just the first members are read, to `meta` (NULL: it cannot be
 * read), and kind and live. *ret_level is the level that counts, a literal. */
bool mv_decide_denies_unjudged(const struct mv_decide_input *input, struct mv_str *ret_level);

/* The request is one that is never denied, whatever its object is: by who asks, or by its namespace. */
bool mv_request_is_exempt(const struct mv_config *config, const struct mv_kubevirt_config *kubevirt,
                          const struct mv_review_request *request);
/* Likewise by what its object is: it is being deleted, or an instance that a VM controls. */
bool mv_object_is_exempt(const struct mv_config *config, const struct mv_kubevirt_config *kubevirt,
                         const struct mv_review_request *request, enum mv_kind kind,
                         const struct mv_meta *meta);
/* The user is one of KubeVirt's controllers or an account of kube-system; anybody else counts as a person. */
bool mv_user_is_controller(const struct mv_kubevirt_config *config, struct mv_str username);
