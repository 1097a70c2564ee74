/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the claim behind each volume, and how it is known.
 *
 * A claim that exists outranks everything. Without one, what virt-controller wrote into the instance's status stands
 * (pkg/virt-controller/watch/vmi/storage.go: updateVolumeStatus). Without that, a DataVolume (or a template of one in
 * the VirtualMachine) says what CDI will make: its own access modes, else those of the StorageProfile of its storage
 * class, else of the default class (the one for virtualization first, but not for an archive); of a class that there is
 * not, those of a PersistentVolume that would do. The last to be asked is the ConfigMap kubevirt-storage-class-defaults.
 * (containerized-data-importer pkg/controller/datavolume/util.go: renderPvcSpecVolumeModeAndAccessModesAndStorageClass;
 * pkg/controller/common/util.go: getStorageClassByName.)
 */
#pragma once

#include "policy/behaviour.h"
#include "policy/expand.h"
#include "policy/snapshot/snapshot.h"

enum mv_claim_source_kind {
        MV_CLAIM_NONE,     /* the volume has no claim */
        MV_CLAIM_EXISTS,   /* the PersistentVolumeClaim is in the input */
        MV_CLAIM_STATUS,   /* status.volumeStatus[].persistentVolumeClaimInfo */
        MV_CLAIM_TEMPLATE, /* a DataVolume or a template says what it will be */
        MV_CLAIM_UNKNOWN,  /* nothing says */
};

struct mv_claim_facts {
        enum mv_claim_source_kind source;
        struct mv_str name;             /* of the claim */
        const struct mv_strings *modes; /* access modes; NULL when unknown */
        struct mv_str chain;   /* how they were found: "VM → DataVolume template → StorageProfile nfs" */
        bool outranks;         /* the claim exists, and a template of its name has no say */
        struct mv_str problem; /* why the modes are unknown */
        bool incomplete;       /* the DataVolume has neither pvc nor storage */
        struct mv_str storage_class; /* "" when unknown */
        bool copied;                 /* local: a migration copies it (checkVolumesForMigration) */
        bool migrated; /* the volume is in status.migratedVolumes, and the version knows of that */
        /* What is missing, when unknown. */
        enum mv_kind missing_kind;
        struct mv_str missing_name;
};

/* One struct a volume of the spec, from arena; NULL when it is exhausted (or there are no volumes). */
struct mv_claim_facts *mv_claims_resolve(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                         const struct mv_behaviour *behaviour,
                                         const struct mv_instance *instance);

static inline bool mv_claim_is_shared(const struct mv_claim_facts *facts) {
        return facts->modes && mv_strings_have(facts->modes, MV_STR("ReadWriteMany"));
}
