/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: which verdicts have changed because the cluster did, and why. What it remembers of each object of the cluster
 * (but Pods and Secrets) is its name and a digest of what is read of it, and of each object that is judged, a digest of the
 * verdict, the rules that found something, and a filter of the objects that it was made of: so it needs no snapshot in
 * between, and some 200 bytes an object.
 *
 *     look at a snapshot: what came, changed and went is numbered with this look
 *     begin a round: what is due (everything, what may have changed, or whole namespaces), by namespace
 *     for each that is due: judge it, in any snapshot since that look, and say so: has it changed, and why
 *
 * A verdict that has not been judged before is not changed, so the first round after a start is a baseline. The cause is
 * what it was made of and has changed since it was judged last: the object and its instance, claims and what is behind
 * them, what configures the cluster, instancetype and preference; and what the rules that find something else now say that
 * they read: Nodes, quotas. Pure; belongs to one thread.
 */
#pragma once

#include "policy/snapshot/snapshot.h"
#include "policy/verdict.h"

struct mv_auditor;

/* NULL when out of memory. */
struct mv_auditor *mv_auditor_new(const struct mv_allocator *allocator);
/* Takes NULL; returns NULL. */
struct mv_auditor *mv_auditor_free(struct mv_auditor *auditor);

/* Enough is known for a round: not while a kind that is judged was not read yet, or too long ago, nor while the VMs or their
 * instances may not be read. */
bool mv_auditor_may_judge(const struct mv_snapshot *snapshot);

/* Look at what there is. What was there of a kind of which nothing is known now (mv_snapshot_is_blind), or of which some objects cannot be read, counts as being there: what cannot be read has not gone. versions: an object that has its resourceVersion still has not changed, so of a live cluster; in
 * files people forget it. MV_ENOMEM: what was seen counts. */
int mv_auditor_look(struct mv_auditor *auditor, const struct mv_snapshot *snapshot, bool versions,
                    struct mv_err *err);
/* migvet's own configuration is another one: everything is due, and that is a cause. */
void mv_auditor_reconfigured(struct mv_auditor *auditor);

enum mv_audit_round {
        MV_AUDIT_ALL,
        MV_AUDIT_CHANGED, /* objects that came or changed at the last look, and those made of what did */
        MV_AUDIT_NAMESPACES, /* all objects of namespaces where a verdict, or its being there, has changed since such a
                                round or one of all */
};
/* How many are due. MV_ENOMEM: none is. */
int mv_auditor_begin(struct mv_auditor *auditor, enum mv_audit_round round, size_t *ret_n,
                     struct mv_err *err);

/* The slices are the auditor's, and good until the next look. */
struct mv_audit_subject {
        enum mv_kind kind;
        struct mv_str namespace, name;
        void *item; /* the auditor's own */
};
/* The next that is due, by namespace, kind and name. False: that was all. */
bool mv_auditor_next(struct mv_auditor *auditor, struct mv_audit_subject *ret);
/* The round is given up: what is left of it is judged at the next one of all. */
void mv_auditor_abandon(struct mv_auditor *auditor);

enum mv_audit_how {
        MV_AUDIT_ADDED,
        MV_AUDIT_WAS_CHANGED,
        MV_AUDIT_REMOVED,
        MV_AUDIT_KNOWN_OTHERWISE, /* all of the kind: may they be read? */
};
struct mv_audit_cause {
        enum mv_kind kind; /* MV_KIND_COUNT: migvet's configuration */
        struct mv_str namespace, name;
        enum mv_audit_how how;
};
enum { MV_AUDIT_CAUSES = 8, MV_AUDIT_RULE_WORDS = 4 };
struct mv_audit_change {
        bool first;   /* it was not judged before */
        bool changed; /* it was, and the verdict is another one */
        enum mv_outcome was, is;
        bool policy;                         /* nothing but the policy of its migrations is another one */
        uint64_t rules[MV_AUDIT_RULE_WORDS]; /* that find something now and did not, or the other way round */
        struct mv_audit_cause causes[MV_AUDIT_CAUSES];
        size_t n_causes; /* also of those that were too many to be kept; 0: it is not known */
};
/* The verdict on a subject of this round. */
void mv_auditor_judged(struct mv_auditor *auditor, struct mv_arena *arena, const struct mv_snapshot *snapshot,
                       const struct mv_audit_subject *subject, const struct mv_verdict *verdict,
                       struct mv_audit_change *ret);

/* "StorageProfile ceph was changed, Node node-c was removed, and 2 more"; "" when it is not known. */
struct mv_str mv_audit_cause_text(struct mv_arena *arena, const struct mv_audit_change *change);

/* The next namespace that was due as a whole, and has nothing in it any more that is judged. False: that was all, or nobody
 * can say, since of a kind that is judged nothing is known. */
bool mv_auditor_next_empty(struct mv_auditor *auditor, struct mv_str *ret);
/* A namespace has something in it that is judged, or may have. */
bool mv_auditor_has(const struct mv_auditor *auditor, struct mv_str namespace);

struct mv_audit_counts {
        size_t verdicts[3]; /* by enum mv_outcome */
        size_t objects;     /* that are remembered */
        bool waiting;       /* a namespace is due as a whole */
        uint64_t
                unread; /* kinds that are judged (1 << kind) of which the last look could not read all objects */
};
void mv_auditor_count(const struct mv_auditor *auditor, struct mv_audit_counts *ret);
/* How many verdicts have a finding that failed or is unknown, of all rules in one pass; and of one rule, from these. Of a rule of
 * a site only verdicts count that were made since the configuration is what it is: before, it may have been another rule. */
struct mv_audit_rule_counts {
        size_t n[64 * MV_AUDIT_RULE_WORDS];
};
void mv_auditor_count_rules(const struct mv_auditor *auditor, struct mv_audit_rule_counts *ret);
size_t mv_audit_rule_count(const struct mv_audit_rule_counts *counts, const struct mv_rule *rule);
