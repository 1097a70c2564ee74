/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/behaviour.h"

#include "policy/kubevirt_config.h"

/* Oldest first. Found by running the versions' own code: checkVolumesForMigration and
 * calculateLiveStorageMigrationCondition of pkg/virt-handler/vm.go; sync and createTargetPod of
 * pkg/virt-controller/watch/migration/migration.go. */
static const struct mv_behaviour behaviours[] = {
        { .since = 0, .filesystems_copied = true },
        { .since = MV_KUBEVIRT(1, 3), .filesystems_copied = true, .migrated_volumes = MV_MIGRATED_PASS },
        { .since = MV_KUBEVIRT(1, 4),
          .filesystems_copied = true,
          .migrated_volumes = MV_MIGRATED_COPIED,
          .storage_condition = true },
        { .since = MV_KUBEVIRT(1, 5), .migrated_volumes = MV_MIGRATED_COPIED, .storage_condition = true },
        { .since = MV_KUBEVIRT(1, 6),
          .migrated_volumes = MV_MIGRATED_COPIED,
          .storage_condition = true,
          .host_disk_by_claim = true,
          .ends_when_completed = true },
        { .since = MV_KUBEVIRT(1, 8),
          .migrated_volumes = MV_MIGRATED_COPIED,
          .storage_condition = true,
          .host_disk_by_claim = true,
          .ends_when_completed = true,
          .target_has_vendor = true },
};

const struct mv_behaviour *mv_behaviour_of(unsigned version) {
        const struct mv_behaviour *found = &behaviours[0];
        for (unsigned i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
                if (behaviours[i].since <= version)
                        found = &behaviours[i];
        return found;
}
