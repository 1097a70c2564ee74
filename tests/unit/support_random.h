/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the maker of random clusters share. */
#pragma once

#include "tests/unit/support_random_cluster.h"

/* A cluster in the making. */
struct maker {
        struct test_random random;
        struct mv_buf *out;
        unsigned n_nodes, n_instances;
        unsigned have;    /* percent of the labels that a node has */
        unsigned trouble; /* percent of nodes with taints, pods with affinity and so on */
        unsigned demands; /* percent of the wishes that an instance has */
};

/* One random choice a statement: which of two arguments a compiler evaluates first is its own business. */
#define COUNT(array) (unsigned)(sizeof(array) / sizeof *(array))
#define PICK(m, array) (array)[random_below(&(m)->random, COUNT(array))]
#define put(m, ...) mv_buf_format((m)->out, __VA_ARGS__)

static const char *const namespaces[] = { "default", "default", "ns-a", "ns-b", "ns-c" };
static const char *const zones[] = { "a", "b", "c" };
static const char *const racks[] = { "1", "2", "3", "4", "-7", "x", "12" };
static const char *const models[] = { "Haswell", "Skylake", "EPYC" };
static const char *const features[] = { "vmx", "aes", "avx", "invtsc" };
static const char *const enlightenments[] = { "vpindex",         "runtime",     "reset",
                                              "synic",           "synictimer",  "tlbflush",
                                              "reenlightenment", "frequencies", "ipi" };
static const char *const machines[] = { "q35", "pc-q35-rhel9" };
static const char *const topologies[] = { "zone", "zone", "rack", "kubernetes.io/hostname", "nowhere" };
static const char *const apps[] = { "web", "db", "cache" };
static const char *const tiers[] = { "1", "2" };
static const char *const taint_keys[] = { "dedicated",
                                          "gpu",
                                          "node.kubernetes.io/not-ready",
                                          "node.kubernetes.io/unreachable",
                                          "node.kubernetes.io/unschedulable",
                                          "kubevirt.io/drain",
                                          "custom/drain",
                                          "medik8s.io/drain" };
static const char *const effects[] = { "NoSchedule", "NoSchedule", "NoExecute", "PreferNoSchedule" };

/* True in so many of a hundred cases. */
static inline bool chance(struct maker *m, unsigned percent) {
        return random_chance(&m->random, percent);
}

/* A comma, unless it is the first of n so far. */
void put_separate(struct maker *m, unsigned *n);
/* A member "key": "value" of an object that has n so far; and a label that is mostly "true", in so many percent. */
void put_member(struct maker *m, unsigned *n, const char *key, const char *value);
void put_flag(struct maker *m, unsigned *n, unsigned percent, const char *prefix, const char *name);
void put_node_name(struct maker *m, unsigned unknown);
/* Parts that pods and instances have in common. */
void put_pod_labels(struct maker *m, unsigned *n);
void put_affinity(struct maker *m, unsigned percent);
void put_label_selector(struct maker *m);
void put_keys(struct maker *m, const char *name, unsigned percent);
/* One object each. */
void put_instance(struct maker *m, unsigned i);
void put_machine(struct maker *m, unsigned i);
void put_migration(struct maker *m, unsigned i);
