/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verdict was made of, as one number: another number says that a stamp (policy/mutate.h) is stale.
 *
 * In it are: the kind and the whole spec of the object; the version of KubeVirt; the KubeVirt and HyperConverged objects
 * and the ConfigMaps that configure the cluster; the Namespace; every MigrationPolicy; the instance, as KubeVirt makes or
 * has made it, with its labels, annotations and status, so that instancetype and preference count by what comes of them;
 * the VM that it belongs to; and of each volume the claim, the PersistentVolume, the DataVolume, the storage class and its
 * profile. An object that is not there counts, too: when it comes, the number changes.
 *
 * Objects count by what migvet reads of them, not by their resourceVersion: replicas that have watched for different times
 * hold different ones of an object whose changes did not matter.
 *
 * Not in it are Nodes and Pods, which change all the time, and what else is of the moment: quotas, limit ranges,
 * disruption budgets, other instances and migrations; and migvet's own configuration.
 */
#pragma once

#include "policy/snapshot/snapshot.h"
#include "policy/verdict.h"

/* Who is told of them. */
struct mv_inputs_visitor {
        /* One object, and its name; NULL: it is not there. */
        void (*one)(void *context, enum mv_kind kind, struct mv_str namespace, struct mv_str name,
                    const void *object);
        /* All of a kind. */
        void (*all)(void *context, enum mv_kind kind);
        void *context;
};
/* Every object that is in the number, but for the object itself, its instance and its VM. Memory as below. */
void mv_inputs_visit(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                     const struct mv_verdict *verdict, const struct mv_inputs_visitor *visitor);

/* kind and spec (its JSON text) are those of the object that was judged. The arena's failure is the caller's to test. */
uint64_t mv_inputs_digest(struct mv_arena *arena, const struct mv_snapshot *snapshot, enum mv_kind kind,
                          struct mv_str spec, const struct mv_verdict *verdict);
