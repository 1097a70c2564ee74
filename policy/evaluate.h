/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation: an object and a snapshot in, a verdict out. The only caller of rules.
 *
 * Where KubeVirt would make no instance the verdict is Unknown and says why (`refused`). Who is refused: what is created
 * now, by KubeVirt's webhooks first and then by its controller, as if a person did it. An instance that runs is not, and
 * neither is the VM that it belongs to. A VM that KubeVirt has given a status (mv_vm_is_stored) was admitted once, so only
 * what the controller says counts; an instance that has a uid or a phase is there, and nobody asks any more.
 *
 * It is a pure function: the same input gives the same verdict. It never fails: when memory is out, the verdict is
 * Unknown and says so.
 */
#pragma once

#include "policy/verdict.h"

struct mv_config; /* policy/config/config.h */

struct mv_evaluation {
        struct mv_arena *arena; /* what the verdict is made of; cleared by the caller */
        const struct mv_snapshot *snapshot;
        const struct mv_config *config; /* for the severities of rules; NULL: as shipped */
        struct mv_str version;          /* --kubevirt-version; "" to go by the KubeVirt object */
        struct mv_str user;             /* who asks, for the rules about requests; "" offline */
        struct mv_str cpu_model;        /* judge as though the instance had this CPU model; "" for its own */
        bool terse;                     /* findings of what passed need no message */
};

/* A VirtualMachine: the running instance of it that the snapshot has, else the one that KubeVirt would make. With
 * from_template always the latter, with the running one's status. */
void mv_evaluate_vm(const struct mv_evaluation *evaluation, const struct mv_vm *vm, bool from_template,
                    struct mv_verdict *ret);
void mv_evaluate_vmi(const struct mv_evaluation *evaluation, const struct mv_vmi *vmi,
                     struct mv_verdict *ret);
/* A migration: the instance it names, and what KubeVirt's webhook says of the request. */
void mv_evaluate_migration(const struct mv_evaluation *evaluation, const struct mv_migration *migration,
                           struct mv_verdict *ret);
/* The template of a pool's VMs, or of a replica set's instances. */
void mv_evaluate_pool(const struct mv_evaluation *evaluation, const struct mv_pool *pool,
                      struct mv_verdict *ret);
void mv_evaluate_replica_set(const struct mv_evaluation *evaluation, const struct mv_replica_set *set,
                             struct mv_verdict *ret);
/* A MigrationPolicy, in the place of the one of its name that the snapshot may have: the findings of the policy-* rules.
 * The verdict is True unless KubeVirt would refuse the policy, or it has values that cannot be. */
void mv_evaluate_policy(const struct mv_evaluation *evaluation, const struct mv_migration_policy *policy,
                        struct mv_verdict *ret);
/* A NodeMaintenance: the findings of the maintenance-* rules on the drain that it starts. The verdict is True unless one of
 * them is configured to be a blocker. */
void mv_evaluate_maintenance(const struct mv_evaluation *evaluation, const struct mv_maintenance *maintenance,
                             struct mv_verdict *ret);
/* Any of these; entry->kind says which. False for a kind that is not judged. */
bool mv_evaluate_entry(const struct mv_evaluation *evaluation, const struct mv_entry *entry,
                       struct mv_verdict *ret);

/* The instance of this VM in the snapshot (of its name, and not another object's), or NULL. */
const struct mv_vmi *mv_vm_instance(const struct mv_snapshot *snapshot, const struct mv_vm *vm);
