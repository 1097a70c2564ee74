/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a VirtualMachine: the instance that KubeVirt makes of it, with the instancetype and the preference that
 * it names, or why it makes none (pkg/instancetype, pkg/virt-api/webhooks/mutating-webhook/mutators/vm-mutator.go,
 * pkg/virt-api/webhooks/validating-webhook/admitters/vms-admitter.go, pkg/virt-controller/watch/vm/vm.go: startVMI).
 *
 * A VM goes through KubeVirt's hands three times, and the order decides:
 *   - the mutating webhook checks the matchers, infers names from volumes, and stores some preferences in the VM;
 *   - the validating webhook applies both to a copy and refuses conflicts. What it does not find it leaves out;
 *   - the controller, at the start, insists on finding both, gives who lists no networks the cluster's default one, and
 *     only then applies them. With the cluster's referencePolicy `expand` or `expandAll` it writes the result into the
 *     VM instead, and there the default network comes before everything.
 *
 * Pure. Memory comes from an arena, whose failure the caller tests; what is applied is a copy, never the VM itself.
 */
#pragma once

#include "policy/expand.h"
#include "policy/object/instancetype.h"
#include "policy/refusal.h"
#include "policy/snapshot/snapshot.h"

/* What becomes of a VM. */
struct mv_made {
        struct mv_vm vm;                  /* as the mutating webhook stores it */
        struct mv_vmi_template template;  /* of the instance, before the defaults that every instance gets */
        bool default_network;             /* the user named neither networks nor interfaces, and got one */
        const struct mv_refused *refused; /* NULL when an instance is made; else the template means nothing */
        /* Who supplies the parts of the instance that the user did not write. */
        struct mv_supplied *supplied;
        size_t n_supplied;
};

/* The VM has been through the webhooks long ago: the controller has written a status. It counts then what the controller
 * says; with files, a VM without status.printableStatus is judged as if it were created now, whatever its uid. */
bool mv_vm_is_stored(const struct mv_vm *vm);

/* Work it out. It does for every VM, whether it names anything or not. submitted: somebody creates the VM (or changes it),
 * so the webhooks have their say before the controller. */
void mv_instancetype_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                          const struct mv_kubevirt_config *config, const struct mv_vm *vm, bool submitted,
                          struct mv_made *ret);

/*
 * What the webhooks say of the VM: NULL when nothing. old is the VM before an update, NULL when it is created; kubevirt:
 * who asks is a service account of KubeVirt. The code is 0 where KubeVirt crashes, which is no answer.
 */
const struct mv_refused *mv_instancetype_refusal(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                                 const struct mv_kubevirt_config *config,
                                                 const struct mv_vm *vm, const struct mv_vm *old,
                                                 bool kubevirt);

/* The first VM of a pool, of index 0: its DataVolume templates have names of their own, and the volumes follow
 * (pkg/virt-controller/watch/pool/pool.go: indexVMSpec). */
void mv_instancetype_pool_vm(struct mv_arena *arena, const struct mv_pool *pool, struct mv_vm *ret);

/* --- for the files of policy/instancetype --- */

enum mv_matcher_of { MV_OF_INSTANCETYPE, MV_OF_PREFERENCE };

/* Found: object is a struct mv_instancetype or struct mv_preference. Not found: problem says why in KubeVirt's words.
 * Neither when the VM names none. */
struct mv_matched {
        const void *object;
        struct mv_str problem;
        enum mv_kind missing_kind; /* MV_KIND_COUNT when the problem is another one */
        struct mv_str missing_name;
};
/* The one that counts for this VM: of a revision, or the current one. */
struct mv_matched mv_instancetype_find(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                       const struct mv_vm *vm, enum mv_matcher_of of);
/* The one of that name and kind, whatever revision is recorded. */
struct mv_matched mv_instancetype_find_current(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                               const struct mv_vm *vm, enum mv_matcher_of of);
/* A matcher's kind means objects of one namespace, or (also when empty) of the cluster. MV_KIND_COUNT: neither. */
enum mv_kind mv_instancetype_kind(struct mv_str kind, enum mv_matcher_of of);
const struct mv_matcher *mv_instancetype_matcher(const struct mv_vm *vm, enum mv_matcher_of of);
const struct mv_matcher_status *mv_instancetype_status(const struct mv_vm *vm, enum mv_matcher_of of);

/* Put the name that a volume's labels carry into a matcher with inferFromVolume. Returns why KubeVirt cannot, or "".
 * A matcher is dropped where the VM says to ignore that. */
struct mv_str mv_instancetype_infer(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                    struct mv_vm *vm, enum mv_matcher_of of);

enum mv_applied {
        MV_APPLIED,
        MV_APPLIED_CONFLICT, /* causes say where; the template means nothing */
        MV_APPLIED_CRASH,    /* KubeVirt dereferences nil or divides by zero here */
};
/* Apply both, of which either may be NULL. path is where KubeVirt says the spec stands. */
enum mv_applied mv_instancetype_apply(struct mv_arena *arena, const char *path,
                                      const struct mv_instancetype_spec *instancetype,
                                      const struct mv_preference_spec *preference,
                                      struct mv_vmi_template *template, struct mv_causes *causes);
enum mv_applied mv_preference_apply(struct mv_arena *arena, const struct mv_preference_spec *preference,
                                    struct mv_vmi_template *template);
void mv_preference_apply_autoattach(const struct mv_preference_spec *preference, struct mv_vmi_spec *spec);

/* Spread the vCPUs of an instancetype over sockets, cores and threads, as the preference (or NULL) likes it. */
enum mv_applied mv_topology_apply(uint32_t vcpus, const struct mv_preference_spec *preference,
                                  struct mv_cpu *cpu);
/* Whether they can be spread like that. */
enum mv_applied mv_topology_check(const struct mv_instancetype_spec *instancetype,
                                  const struct mv_preference_spec *preference, struct mv_causes *causes);
enum mv_topology {
        MV_TOPOLOGY_SOCKETS,
        MV_TOPOLOGY_CORES,
        MV_TOPOLOGY_THREADS,
        MV_TOPOLOGY_SPREAD,
        MV_TOPOLOGY_ANY,
        MV_TOPOLOGY_OTHER
};
enum mv_topology mv_topology_preferred(const struct mv_preference_spec *preference);
/* What `spread` goes across: "SocketsCores" unless the preference says otherwise. */
struct mv_str mv_topology_across(const struct mv_preference_spec *preference);

/* What the preference asks of the VM or its instancetype; a cause for the first that is not there. spec is the result of
 * applying both, with its defaults. */
void mv_requirements_check(const struct mv_instancetype_spec *instancetype,
                           const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                           struct mv_causes *causes);

/* A copy of the VM whose template may be changed. False when memory is out. */
bool mv_own_vm(struct mv_arena *arena, const struct mv_vm *vm, struct mv_vm *ret);
/* Copies that may be changed. A zeroed struct where there was none; NULL when memory is out. */
void *mv_own_bytes(struct mv_arena *arena, const void *object, size_t size);
#define mv_own(arena, object) mv_own_bytes((arena), (object), sizeof *(object))
/* The map with that key set to value. */
void mv_map_set(struct mv_arena *arena, struct mv_map *map, struct mv_str key, struct mv_str value);
/* A quantity as Kubernetes writes it; the text itself when it is none. */
struct mv_str mv_quantity_text(struct mv_arena *arena, struct mv_str text);
