/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between versions of KubeVirt and belongs to no single rule: how volumes are looked at, which conditions
 * there are, and what a migration's target pod selects. (What belongs to a rule is a revision of it.)
 */
#pragma once

#include <stdbool.h>

enum mv_migrated_volumes {
        MV_MIGRATED_IGNORED, /* there is no status.migratedVolumes */
        MV_MIGRATED_PASS,    /* a volume in it need not be shared */
        MV_MIGRATED_COPIED,  /* and the method is BlockMigration */
};

struct mv_behaviour {
        unsigned since;          /* MV_KUBEVIRT(...) */
        bool storage_condition;  /* there is a condition StorageLiveMigratable */
        bool filesystems_copied; /* a volume shown through virtiofs counts like a disk */
        bool host_disk_by_claim; /* a host disk in the place of a claim is judged by the claim */
        bool vfio_in_pre_copy;   /* an instance with a device passed through never goes to post-copy */
        enum mv_migrated_volumes migrated_volumes;
        bool added_node_selector;   /* a migration has spec.addedNodeSelector */
        bool machine_type;          /* the pod selects nodes that have the instance's machine type */
        bool cpu_vendor;            /* the target must have the CPU vendor of the source */
        bool bindings_discontinued; /* slirp, passt and macvtap are no bindings of interfaces any more */
        bool empty_policies_named;  /* a matching policy that sets nothing is named all the same */
        bool ends_when_completed; /* a migration has ended for its instance with `completed`, not with endTimestamp */
};

/* The behaviour of that version. */
const struct mv_behaviour *mv_behaviour_of(unsigned version);
