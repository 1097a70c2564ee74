/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What migvet asks an API server for: of each kind the versions that are understood, which objects, and how much of them.
 * Few objects are better twice: they cost memory, and what is not asked for needs no permission.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/snapshot/kind.h"

#include <stdint.h>

enum { MV_KUBE_MOST_VERSIONS = 2, MV_KUBE_MOST_SELECTORS = 2 };

struct mv_kube_resource {
        const char
                *versions[MV_KUBE_MOST_VERSIONS + 1]; /* that the tables of the kind understand, best first */
        /* Parts of a query, encoded, that choose objects; each is listed and watched by itself. None: all objects. */
        const char *selectors[MV_KUBE_MOST_SELECTORS + 1];
        /* Why one that is not among them may be there all the same; NULL: whatever counts is among them. */
        const char *some;
        bool listed;   /* false: nothing is asked for, and `some` says why */
        bool fetched;  /* one that is missing may be asked for by name */
        bool metadata; /* nothing but metadata is read */
};

extern const struct mv_kube_resource mv_kube_resources[MV_KIND_COUNT];

/* The kinds (bits, as in policy/rule.h) that reviews read: what rules need, evaluation itself, and the answers to requests. */
uint64_t mv_kube_needed(void);

/* Append the path of the collection of all namespaces, or that of one object. */
void mv_kube_collection_path(struct mv_buf *out, enum mv_kind kind, const char *version);
void mv_kube_object_path(struct mv_buf *out, enum mv_kind kind, const char *version, struct mv_str namespace,
                         struct mv_str name);

enum mv_kube_form { MV_KUBE_PAGE, MV_KUBE_STREAM, MV_KUBE_OBJECT };

/* The header Accept for it. */
const char *mv_kube_accept(enum mv_kind kind, enum mv_kube_form form);
