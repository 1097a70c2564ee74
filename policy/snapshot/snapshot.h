/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cluster as rules see it: a const set of typed objects, looked up by kind, namespace and name.
 *
 * A snapshot is built once (by a loader of files, or from what an API server sent), never changes, may be read by any
 * number of threads, and is freed as a whole. Objects refer to one another by name only. Everything that a lookup
 * returns lives as long as the snapshot.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/err.h"
#include "policy/base/str.h"
#include "policy/snapshot/kind.h"
#include "policy/object/lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One object of a snapshot, whatever its kind. */
struct mv_entry {
        enum mv_kind kind;
        const struct mv_meta *meta;
        const void *object;   /* struct mv_vm, struct mv_vmi, ..., as kind says */
        struct mv_str origin; /* the file it came from, "" when none */
        const struct mv_lines
                *lines;  /* where its fields stand there, when that was asked for and its kind is judged */
        uint64_t digest; /* of its text: tells a repetition from another object of the same name */
        bool superseded; /* a later one has its name: lookups and lists by kind do not see this one */
};

/* Objects of a kind that no rule reads. */
struct mv_passed_over {
        struct mv_str api_version, kind;
        size_t n;
};

/* What is known of the objects of a kind. */
enum mv_knowledge {
        MV_KNOWLEDGE_SOME,      /* files: what is not among them may exist */
        MV_KNOWLEDGE_NONE,      /* a live cluster that was not asked yet, or has not answered yet */
        MV_KNOWLEDGE_ALL,       /* all that the cluster has are here */
        MV_KNOWLEDGE_ABSENT,    /* the cluster does not have the kind, so there is no object of it */
        MV_KNOWLEDGE_FORBIDDEN, /* they may not be listed */
        MV_KNOWLEDGE_LOST,      /* all that the cluster had when it last answered are here */
        MV_KNOWLEDGE_OUTDATED, /* the cluster has not answered for so long that what it had is not here any more */
        /* A live cluster: others than are here may exist, since only some are read, or there are some that cannot be read. */
        MV_KNOWLEDGE_NAMED,
        /* Only in the view of one request: an object that it names could not be read in time. It holds for the kind, whatever
         * namespace the object is in, so another of the kind that is known not to exist is doubted, too: that is said of what
         * is not there, and never changes what is found. */
        MV_KNOWLEDGE_LATE,
};
struct mv_known {
        enum mv_knowledge knowledge;
        struct mv_str reason; /* of NONE, FORBIDDEN, LOST and OUTDATED in words, "" when there are none */
};

struct mv_snapshot;
struct mv_config_map;
struct mv_kubevirt_config;
struct mv_node_index;
struct mv_node_usage;
struct mv_pod_index;
struct mv_node;
struct mv_volume_index;

/* --- reading --- */

/* NULL when there is no such object. namespace is ignored for kinds that have none. */
const void *mv_snapshot_find(const struct mv_snapshot *snapshot, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name);
/* All objects of a kind, in the order in which they came. */
size_t mv_snapshot_count(const struct mv_snapshot *snapshot, enum mv_kind kind);
const void *mv_snapshot_at(const struct mv_snapshot *snapshot, enum mv_kind kind, size_t i);
/* Those of a namespace, *ret_n of them, in that order: found without looking at the others. */
const void *const *mv_snapshot_of_namespace(const struct mv_snapshot *snapshot, enum mv_kind kind,
                                            struct mv_str namespace, size_t *ret_n);
/* Of migrations, which stay when they have ended: those that have not, *ret_n of them, in that order. */
const void *const *mv_snapshot_unfinished(const struct mv_snapshot *snapshot, enum mv_kind kind,
                                          size_t *ret_n);
/* What is known of that kind. */
/* Nothing is to be made of what is not there: objects of the kind were not read yet, or too long ago, or may not be read. */
bool mv_snapshot_is_blind(const struct mv_snapshot *snapshot, enum mv_kind kind);
const struct mv_known *mv_snapshot_known(const struct mv_snapshot *snapshot, enum mv_kind kind);
/* What is to be said of an object of that kind that is not there: "is not in the input", "does not exist", ... */
const char *mv_snapshot_absent(const struct mv_snapshot *snapshot, enum mv_kind kind);
/* What is not there does not exist, as far as the cluster has told. */
bool mv_snapshot_has_all(const struct mv_snapshot *snapshot, enum mv_kind kind);
/* All objects, in the order in which they came; of a live cluster by kind, namespace and name. The snapshots of a server on
 * a live cluster have no entries. */
const struct mv_entry *mv_snapshot_entries(const struct mv_snapshot *snapshot, size_t *ret_n);

/* What is odd about the input and was passed over, in words: objects that are given twice. */
const struct mv_str *mv_snapshot_notes(const struct mv_snapshot *snapshot, size_t *ret_n);

/* The kinds that were passed over: in the order in which they came, the first 16 by name. */
const struct mv_passed_over *mv_snapshot_passed_over(const struct mv_snapshot *snapshot, size_t *ret_n);

/* The effective configuration of KubeVirt. */
const struct mv_kubevirt_config *mv_snapshot_config(const struct mv_snapshot *snapshot);
/* The ConfigMap of that name which configures the cluster: that of KubeVirt's namespace, else of one where installers put
 * it. Where the input has neither a KubeVirt nor a HyperConverged, the only one of that name. NULL when there is none:
 * one elsewhere is anybody's. name is MV_LEGACY_CONFIG or MV_STORAGE_CLASS_DEFAULTS. */
const struct mv_config_map *mv_snapshot_cluster_config_map(const struct mv_snapshot *snapshot,
                                                           struct mv_str name);
/* The PersistentVolumes by class and mode; NULL when there are none. */
const struct mv_volume_index *mv_snapshot_volumes(const struct mv_snapshot *snapshot);
/* The nodes, inverted; what is free on each; and the pods that are on them. */
const struct mv_node_index *mv_snapshot_node_index(const struct mv_snapshot *snapshot);
const struct mv_node_usage *mv_snapshot_node_usage(const struct mv_snapshot *snapshot);
const struct mv_pod_index *mv_snapshot_pod_index(const struct mv_snapshot *snapshot);
/* The lowest TSC frequency in Hz that a node shows which is schedulable or runs an instance; 0 when none does
 * (pkg/virt-controller/watch/topology/hinter.go: LowestTSCFrequencyOnCluster). */
int64_t mv_snapshot_lowest_tsc_frequency(const struct mv_snapshot *snapshot);
/* Nodes whose kernel lets processes without privileges not use userfaultfd unless a sysctl says so: from 5.11 on. */
struct mv_kernels {
        size_t newer;                /* so many */
        const struct mv_node *first; /* of them; NULL: there is none */
};
const struct mv_kernels *mv_snapshot_kernels(const struct mv_snapshot *snapshot);
/* Bytes that the snapshot holds. */
size_t mv_snapshot_bytes(const struct mv_snapshot *snapshot);

/* --- building --- */

struct mv_snapshot_builder;

/* default_namespace is given to objects of namespaced kinds that name none. NULL when out of memory. */
struct mv_snapshot_builder *mv_snapshot_builder_new(const struct mv_allocator *allocator,
                                                    struct mv_str default_namespace);
struct mv_snapshot_builder *mv_snapshot_builder_free(struct mv_snapshot_builder *builder);
/*
 * Add one document: an object or a List of them, as JSON text that is followed by at least 8 zero bytes and may be
 * freed afterwards. Kinds that no rule reads are passed over. origin is the name of the file. Of objects with one name
 * the last counts, as when the files are applied in their order; mv_snapshot_entries has them all, and a note says so.
 * On error err has code, path, message and offset (byte in json), and the builder is good for nothing but
 * mv_snapshot_builder_free.
 */
int mv_snapshot_builder_add(struct mv_snapshot_builder *builder, struct mv_str json, struct mv_str origin,
                            struct mv_err *err);
/* Keep the lines of what is added from now on and judged: finder tells the place of a byte of the document that is being added. NULL: do
 * not. */
void mv_snapshot_builder_keep_lines(struct mv_snapshot_builder *builder,
                                    const struct mv_place_finder *finder);
/* Keep the text of objects of these kinds (1 << kind, or-ed) that are added from now on, as mv_meta.text. */
void mv_snapshot_builder_keep_texts(struct mv_snapshot_builder *builder, uint64_t kinds);
/* Work on n items: make for each, on any thread, with a slot of its own until take is done with it; take for one after the
 * other, on the caller's thread. Returns what take returned last, which ends it unless it is 0. */
struct mv_snapshot_work {
        size_t n;
        void *slots;
        size_t n_slots, slot_size;
        void (*make)(void *context, size_t item, void *slot);
        int (*take)(void *context, size_t item, void *slot);
        void *context;
};
typedef int mv_snapshot_worker(const struct mv_snapshot_work *work);
/* The items of large Lists are decoded by this worker, which any thread may take memory for; the same comes of it. */
void mv_snapshot_builder_use_worker(struct mv_snapshot_builder *builder, mv_snapshot_worker *worker);
/* Say what is known of a kind, which is MV_KNOWLEDGE_SOME unless it is said; reason is copied. */
void mv_snapshot_builder_know(struct mv_snapshot_builder *builder, enum mv_kind kind,
                              enum mv_knowledge knowledge, struct mv_str reason);
/* Make the snapshot and free the builder (also on error). The ConfigMaps that configure the cluster may be wrong: then err
 * has file, path and message. */
int mv_snapshot_builder_finish(struct mv_snapshot_builder *builder, struct mv_snapshot **ret,
                               struct mv_err *err);
/* Takes NULL. */
void mv_snapshot_free(struct mv_snapshot *snapshot);

/* --- assembling, from objects that outlive it --- */

struct mv_kind_table; /* policy/snapshot/kindtable.h */
struct mv_placement;  /* policy/nodes/placement.h */

/* What several snapshots of a live cluster share, for whatever did not change from one to the next. */
struct mv_snapshot_parts {
        const struct mv_kind_table *tables[MV_KIND_COUNT]; /* NULL: no object of that kind */
        struct mv_known known[MV_KIND_COUNT];              /* copied */
        const struct mv_placement *placement; /* made of these tables of Nodes, Pods, and instances */
        size_t bytes;                         /* that all of it holds */
        bool entries;                         /* make mv_snapshot_entries, for commands */
        /* Called when the snapshot is freed: its parts are not used any more. From any thread. */
        void (*released)(void *context);
        void *context;
};

/* The placement of what is in these tables; everything lives in arena. False when that is exhausted. */
bool mv_placement_of(struct mv_arena *arena, const struct mv_kind_table *const tables[MV_KIND_COUNT],
                     struct mv_placement *ret);
/* A ConfigMap that configures the cluster and is wrong is passed over, and a note says so. MV_ENOMEM; released is not called
 * then. */
int mv_snapshot_assemble(const struct mv_allocator *allocator, const struct mv_snapshot_parts *parts,
                         struct mv_snapshot **ret, struct mv_err *err);
