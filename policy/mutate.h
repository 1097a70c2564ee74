/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /mutate does to an object: it keeps migvet's annotations, the stamp, and says how as a JSONPatch (RFC 6902).
 *
 * Stamped are VirtualMachines and VirtualMachineInstanceMigrations when they are created, and VirtualMachines when their
 * spec changes; another update of a VM gets back the stamp that it had, whatever the client made of it. Who asks, and in
 * which namespace, does not matter: a stamp denies nothing. What is being deleted is left alone.
 *
 * A patch holds only what differs, so that it is empty for an object that was patched already.
 *
 * Where the configuration has fillNodeSelector, a person's migration also gets the node selector of policy/narrow.h.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/decide.h"

/* The values of the annotations; p is NULL where the annotation is not there. */
struct mv_stamp {
        struct mv_str verdict; /* migvet.io/verdict: True, False, Unknown */
        struct mv_str rules;   /* migvet.io/rules: those that found a blocker; absent when none did */
        struct mv_str policy;  /* migvet.io/policy: its name, "none", "unknown" */
        struct mv_str
                targets; /* migvet.io/targets: number of nodes that fit; absent while the nodes are not known */
        struct mv_str inputs; /* migvet.io/inputs: mv_inputs_digest; absent where nothing was read */
};

/* Of an object that was judged; spec is its JSON text, and selector what is filled into it (NULL: nothing). The values are
 * in the arena, whose failure the caller tests. */
void mv_stamp_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, enum mv_kind kind,
                   struct mv_str spec, const struct mv_pair *selector, const struct mv_verdict *verdict,
                   struct mv_stamp *ret);
/* Of one that was not. */
void mv_stamp_unknown(struct mv_stamp *ret);
/* The one that an object with these annotations has. */
void mv_stamp_read(const struct mv_map *map, struct mv_stamp *ret);

/* An object to be patched. */
struct mv_patched {
        struct mv_meta *meta; /* NULL: there is none */
        struct mv_str spec;   /* its JSON text; "" when there is none */
};
/* Read it; false when it cannot be read. */
bool mv_patched_read(struct mv_arena *arena, struct mv_str object, struct mv_patched *ret);

/* What fillNodeSelector puts into spec.addedNodeSelector of this migration, which was judged: false when it is off, a
 * controller asks, one is given, KubeVirt is not known to have the field, or no label would do. */
bool mv_selector_fill(struct mv_arena *arena, const struct mv_config *config,
                      const struct mv_kubevirt_config *kubevirt, struct mv_str user,
                      const struct mv_migration *migration, const struct mv_verdict *verdict,
                      struct mv_pair *ret);

/* Append the patch that gives the object that stamp, and its spec that selector (NULL: none); nothing when it has them. */
void mv_patch_write(struct mv_buf *out, const struct mv_patched *object, const struct mv_stamp *stamp,
                    const struct mv_pair *selector);
