/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the author of a rule reads.
 *
 * A rule is one file in policy/rules: a descriptor (struct mv_rule) with its documentation, source and fix, and one
 * check function a KubeVirt behaviour. A check is a pure function of its context: it looks at the instance, the
 * snapshot and the configuration, and reports. What it does not report does not apply: a VM without host devices has
 * no finding, not even a pass, from `host-device`.
 *
 *     static void check(struct mv_context *ctx) {
 *             const struct mv_features *features = ctx->vmi->spec.domain.features;
 *             if (!features || !features->hyperv_passthrough)
 *                     return;                          // not applicable
 *             if (features->hyperv_passthrough->enabled == MV_FALSE) {
 *                     mv_report(ctx, MV_OUTCOME_PASS, "Hyper-V passthrough is off");
 *                     return;
 *             }
 *             struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL, "...");
 *             finding->field = mv_spec_field(ctx, "domain.features.hypervPassthrough");
 *             finding->condition = MV_STR("VMI uses hyperv passthrough");
 *     }
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/expand.h"
#include "policy/kubevirt_config.h"
#include "policy/nodes/nodefit.h"
#include "policy/object/kubevirt.h"
#include "policy/object/maintenance.h"
#include "policy/object/migration.h"
#include "policy/object/node.h"
#include "policy/object/vm.h"
#include "policy/snapshot/snapshot.h"

enum mv_outcome { MV_OUTCOME_PASS, MV_OUTCOME_FAIL, MV_OUTCOME_UNKNOWN };

enum mv_severity {
        MV_SEVERITY_NOTE,    /* worth knowing */
        MV_SEVERITY_RISK,    /* a migration may fail, stall or disturb the guest */
        MV_SEVERITY_BLOCKER, /* a migration cannot work */
};

enum mv_area {
        MV_AREA_STORAGE,
        MV_AREA_NETWORK,
        MV_AREA_CPU,
        MV_AREA_DEVICE,
        MV_AREA_SECURITY,
        MV_AREA_PLACEMENT,
        MV_AREA_EVICTION,
        MV_AREA_REQUEST,
        MV_AREA_CONFIGURATION,
        MV_AREA_POLICY,
        MV_AREA_CONVERGENCE,
        MV_AREA_MAINTENANCE,
        MV_AREA_SITE,    /* of the configuration's siteRules (policy/siterule.h) */
        MV_AREA_VERDICT, /* of notices (policy/notice.h) */
};

/* What a rule judges: the kind of object, of which one is in its context. */
enum mv_rule_subject {
        MV_SUBJECT_INSTANCE,    /* an instance, or what would become one */
        MV_SUBJECT_REQUEST,     /* a migration that is asked for */
        MV_SUBJECT_POLICY,      /* a MigrationPolicy */
        MV_SUBJECT_MAINTENANCE, /* a NodeMaintenance */
};

/* Kinds a rule reads beside the object judged: what informers must watch, and what `unknown` may name. */
#define MV_NEED(kind) (UINT64_C(1) << MV_KIND_##kind)
/* What the claims behind the volumes (ctx->claims) are worked out from. */
#define MV_NEED_CLAIMS                                                                               \
        (MV_NEED(CLAIM) | MV_NEED(DATA_VOLUME) | MV_NEED(STORAGE_CLASS) | MV_NEED(STORAGE_PROFILE) | \
         MV_NEED(PERSISTENT_VOLUME) | MV_NEED(CONFIG_MAP))
/* What the instance of a VM that names an instancetype or a preference is made of. */
#define MV_NEED_INSTANCETYPES                                                          \
        (MV_NEED(INSTANCETYPE) | MV_NEED(CLUSTER_INSTANCETYPE) | MV_NEED(PREFERENCE) | \
         MV_NEED(CLUSTER_PREFERENCE) | MV_NEED(CONTROLLER_REVISION) | MV_NEED(CLAIM) | \
         MV_NEED(DATA_VOLUME) | MV_NEED(DATA_SOURCE) | MV_NEED(VOLUME_SNAPSHOT))
/* What evaluation itself reads, whatever the rules: which instance there is, or which one would be made; whose it is; the
 * claims behind its volumes; KubeVirt's version and configuration; the policy of its migrations. */
#define MV_NEED_ALWAYS                                                                                   \
        (MV_NEED(VM) | MV_NEED(VMI) | MV_NEED(KUBEVIRT) | MV_NEED(HYPERCONVERGED) | MV_NEED(NAMESPACE) | \
         MV_NEED(MIGRATION_POLICY) | MV_NEED_CLAIMS | MV_NEED_INSTANCETYPES)

struct mv_missing { /* an object that decides and is not in the input */
        enum mv_kind kind;
        struct mv_str namespace, name; /* no name: any of them */
};

/* KubeVirt's own webhook refuses the request because of this (pkg/virt-api/webhooks/validating-webhook/admitters). */
struct mv_refusal {
        unsigned
                step; /* of the webhook's checks, of which the first that fails decides; 0: it does not refuse */
        int code;     /* 400: a single error; 422: with a cause */
        struct mv_str message;
        const char *cause_reason, *cause_field; /* "" when the cause has none */
        struct mv_str
                migration; /* of the same namespace: the one that it is because of; "" when there is none */
};

struct mv_rule;

struct mv_finding {
        const struct mv_rule *rule;
        enum mv_outcome outcome;
        enum mv_severity severity; /* the rule's, unless the check says otherwise for this one */
        struct mv_str message, field, fix;
        struct mv_str
                thing; /* the volume, interface or device it is about, "" when none: tells two findings of a
                                rule apart when an update is compared with what was before */
        size_t index;  /* of that volume or interface: findings of one step are ordered by it */
        /* What KubeVirt's own condition says because of this, "" when KubeVirt does not look. */
        struct mv_str condition;
        struct mv_refusal refusal;
        struct mv_missing missing[4];
        size_t n_missing;
        unsigned live_step, storage_step; /* of the revision that reported it */
        struct mv_finding *next;
};

struct mv_behaviour;   /* policy/behaviour.h */
struct mv_claim_facts; /* policy/claims.h */
struct mv_resolution;  /* policy/resolve.h */
struct mv_copy;        /* policy/convergence.h */
struct mv_drain_plan;  /* policy/drain/drain.h */
struct mv_scope;       /* policy/config/scope.h */

/* What a check may look at, and where it reports. */
struct mv_context {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_kubevirt_config *config;
        unsigned version; /* MV_KUBEVIRT(...) whose behaviour counts; of the newest when unknown */
        bool version_known;
        const struct mv_behaviour *behaviour; /* of that version */
        const struct mv_instance *instance;
        const struct mv_vmi *vmi;                 /* &instance->vmi; NULL only for rules of other subjects */
        const struct mv_vm *vm;                   /* the VirtualMachine judged, or whose instance is; NULL */
        const struct mv_migration *migration;     /* the migration asked for; NULL */
        const struct mv_migration_policy *policy; /* the MigrationPolicy judged; NULL */
        const struct mv_maintenance *maintenance; /* the NodeMaintenance judged; NULL */
        const struct mv_drain_plan *drain;        /* the drain that it starts; NULL: its node is not known */
        struct mv_str user;                       /* who asks; "" when nobody does (offline) */
        const struct mv_claim_facts *claims;      /* one a volume, in the order of the spec */
        const struct mv_launcher *launcher;       /* its launcher pod; NULL without an instance */
        /* Where it could go, and what that was asked with; NULL when the input has no node, or the instance leaves for
         * another cluster. */
        const struct mv_fit *fit;
        const struct mv_fit_question *fit_question;
        const struct mv_resolution *resolution; /* the policy and settings of its migrations */
        const struct mv_copy *copy;             /* how much they copy, and how long that takes */
        struct mv_str eviction_strategy;        /* the effective one */
        bool eviction_set;                      /* somebody set it, on the object or for the cluster */
        /* The object whose fields the rules of a site look at, of that kind (VM or VMI); NULL: none. */
        const struct mv_meta *written;
        enum mv_kind written_kind;
        struct mv_str condition_status; /* LiveMigratable as computed, for rules with .last */
        enum mv_outcome
                so_far; /* FAIL when a blocker failed, UNKNOWN when one is unknown: for rules with .last */

        const struct mv_rule *rule; /* the one that runs */
        const struct mv_revision *revision;
        struct mv_finding *findings, **end;
        struct mv_finding *off; /* of rules that the configuration turns off */
        const struct mv_scope
                *scope;          /* which rules these are, and the severities of others; NULL: as shipped */
        struct mv_finding scrap; /* reports go here when memory is out */
        bool terse;              /* nobody reads what is said of what passed: mv_report does not print it */
        enum mv_optional roomy;  /* some node passes every check; unset: nobody has asked yet */
};

struct mv_revision {
        unsigned since; /* first KubeVirt version of this behaviour; 0: from the beginning */
        void (*check)(struct mv_context *ctx);
        /* The step of KubeVirt's chain of checks that this is, the lowest being the first: in LiveMigratable, which
         * stops at the first failing step, and in StorageLiveMigratable, which lists all. 0: in none. Steps are
         * MV_STEP_... below. */
        unsigned live_step, storage_step;
        const char
                *note; /* what is different in this revision, for `migvet rules NAME`; NULL for the first */
};

/* pkg/virt-handler/vm.go: calculateLiveMigrationCondition, calculateLiveStorageMigrationCondition. */
enum {
        MV_STEP_VOLUMES_FIRST = 5, /* until 1.5 */
        MV_STEP_NETWORK = 10,
        MV_STEP_HOST_MODEL = 20,
        MV_STEP_VIRTIOFS = 25, /* until 1.4 */
        MV_STEP_HOST_DEVICES = 30,
        MV_STEP_SEV = 40, /* in StorageLiveMigratable also TDX */
        MV_STEP_TDX = 50,
        MV_STEP_SECURE_EXECUTION = 60,
        MV_STEP_PERSISTENT_RESERVATION = 65,
        MV_STEP_TSC = 70,
        MV_STEP_HYPERV_PASSTHROUGH = 80,
        MV_STEP_VOLUMES = 90,
        MV_STEP_DEDICATED_CPUS = 95, /* 1.0 only */
};

enum { MV_REVISIONS = 4 };

struct mv_rule {
        const char *id; /* kebab-case; the same string everywhere */
        enum mv_area area;
        enum mv_severity severity;
        uint64_t needs; /* MV_NEED(...) of each kind that the check reads, or-ed; beside MV_NEED_ALWAYS */
        /* KubeVirt's reason in the condition, "" when it has none. */
        const char *reason;
        enum mv_rule_subject subject;
        bool last;    /* runs after the others and may look at ctx->so_far */
        bool cluster; /* what it finds is the same for every object: a table says it once */
        bool targets; /* asks about the nodes a VM could go to: another cluster's business when it is sent there */
        const char *summary;                        /* one line */
        const char *documentation;                  /* a paragraph or two */
        const char *source;                         /* where KubeVirt does it, or what it rests on */
        const char *fix;                            /* what to change, unless a finding says it better */
        struct mv_revision revisions[MV_REVISIONS]; /* oldest first; check is NULL behind the last */
};

/* Report. Never returns NULL. The message is in printf format. */
struct mv_finding *mv_report(struct mv_context *ctx, enum mv_outcome outcome, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Say what is missing for a finding that is unknown. */
void mv_report_missing(struct mv_finding *finding, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name);

/* What to do about an object that is not there and decides: "give migvet Node n too", or what helps on a live cluster. */
struct mv_str mv_missing_fix(struct mv_context *ctx, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name);

/* A field of the instance's spec, as the user finds it in his object: mv_spec_field(ctx, "volumes[%zu]", i). */
struct mv_str mv_spec_field(struct mv_context *ctx, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* Likewise of its metadata. */
struct mv_str mv_meta_field(struct mv_context *ctx, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* "a, b, and 3 more": each item once, in their order, without the empty ones; of very many the first dozen. */
struct mv_str mv_text_list(struct mv_context *ctx, const struct mv_str *items, size_t n);
/* A text in the context's arena. */
#define mv_text(ctx, ...) mv_arena_format((ctx)->arena, __VA_ARGS__)

/* --- questions that several rules ask --- */

/* The first network with `pod`, NULL when there is none; and the first interface of its name, NULL likewise. */
const struct mv_network *mv_pod_network(const struct mv_vmi_spec *spec);
const struct mv_interface *mv_network_interface(const struct mv_vmi_spec *spec, struct mv_str network,
                                                size_t *ret_index);

/*
 * Some node could be the target of a migration, as far as checks of these classes go (MV_FIT_BIT or-ed); ctx->fit is not
 * NULL. Of an instance that has no node yet: there is a node where it could start, and another one that could take it
 * from there. Where its node is not known, any node will do.
 */
bool mv_has_target(struct mv_context *ctx, unsigned classes);
/* How many: of an instance without a node, the nodes where it could start. */
size_t mv_count_targets(struct mv_context *ctx, unsigned classes);
/* "node-b (cpu-model:Haswell, taint:x), node-c (...), and 3 more": what stops the nodes of set (NULL: all) but the
 * source, among checks of these classes. */
struct mv_str mv_obstacles(struct mv_context *ctx, const uint64_t *set, unsigned classes);
/* Whether migvet could tell more if it knew the node that the instance is on: its CPU decides, and it is not in the
 * input. */
bool mv_source_matters(const struct mv_context *ctx);

#define MV_BRIDGE_ANNOTATION "kubevirt.io/allow-pod-bridge-network-live-migration"

/* For the evaluator, when the rules have run: what an instancetype or a preference supplies the user has not written, and
 * cannot remove from his VM, so message and fix name who has. */
void mv_name_supplier(struct mv_context *ctx);
