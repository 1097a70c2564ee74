/* SPDX-License-Identifier: Apache-2.0 */
/* Taking part in a leader election: the requests that cluster/kube/lease.h decides on. Belongs to one thread. */
#pragma once

#include "cluster/kube/lease.h"
#include "cluster/kube/object.h"
#include "cluster/kube/trouble.h"

struct mv_leader {
        struct mv_kube_caller *caller;   /* borrowed */
        struct mv_str namespace, name;   /* borrowed */
        char collection[600], path[900]; /* of the Lease in the API */
        struct mv_lease lease;
        struct mv_trouble trouble;
        bool told; /* that we lead */
};

/* options: as mv_lease_init. */
void mv_leader_init(struct mv_leader *leader, struct mv_kube_caller *caller, struct mv_str namespace,
                    struct mv_str name, const struct mv_lease_options *options,
                    const struct mv_logger *logger);
/* Do what is due; at most one request or two. Returns when to come back (mv_clock_ms). */
long long mv_leader_tend(struct mv_leader *leader);
/* For writes: false as soon as another one may lead. */
bool mv_leader_leads(const struct mv_leader *leader);
/* On a clean end: others need not wait. The caller's cancel flag must not be set. */
void mv_leader_release(struct mv_leader *leader);
