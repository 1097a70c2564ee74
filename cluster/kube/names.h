/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which objects a list brought, where it is not the only one of its kind: so that those that did not come again can be
 * dropped, and no other's. A table by hash: whoever may create such objects in every namespace makes it large, not slow.
 */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>

struct mv_kube_name {
        struct mv_kube_name *next; /* in its chain */
        bool came;
        struct mv_str namespace, name; /* behind the struct */
};
/* Zeroed: none. It stays where it is while there are names in it. */
struct mv_kube_names {
        struct mv_kube_name **chains;
        size_t n, n_chains;
};

void mv_kube_names_done(struct mv_kube_names *names);
/* A list begins. */
void mv_kube_names_begin(struct mv_kube_names *names);
/* It has come. False when out of memory. */
bool mv_kube_names_add(struct mv_kube_names *names, struct mv_str namespace, struct mv_str name);
/* It is there no more. */
void mv_kube_names_remove(struct mv_kube_names *names, struct mv_str namespace, struct mv_str name);
/* The list is complete: those that did not come are told and forgotten. */
void mv_kube_names_end(struct mv_kube_names *names,
                       void (*drop)(void *context, struct mv_str namespace, struct mv_str name),
                       void *context);
