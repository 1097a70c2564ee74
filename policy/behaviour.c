/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/behaviour.h"

#include "policy/kubevirt_config.h"

/* Oldest first. The first four by running the versions' own code (checkVolumesForMigration and
 * calculateLiveStorageMigrationCondition of pkg/virt-handler/vm.go); what a target pod selects by reading it (createTargetPod
 * of pkg/virt-controller/watch/migration/migration.go, pkg/virt-controller/services/nodeselectorrenderer.go), where the CPU
 * vendor came to 1.6 and 1.7 by patch releases; and handleLegacyConvergence of
 * pkg/virt-launcher/virtwrap/live-migration-source.go. */
#define FROM_1_4 \
        .migrated_volumes = MV_MIGRATED_COPIED, .storage_condition = true, .bindings_discontinued = true
#define FROM_1_5_1 FROM_1_4, .machine_type = true
#define FROM_1_6 \
        FROM_1_5_1, .host_disk_by_claim = true, .added_node_selector = true, .ends_when_completed = true
static const struct mv_behaviour behaviours[] = {
        { .since = 0, .filesystems_copied = true },
        { .since = MV_KUBEVIRT(1, 3),
          .filesystems_copied = true,
          .migrated_volumes = MV_MIGRATED_PASS,
          .bindings_discontinued = true },
        { .since = MV_KUBEVIRT(1, 4), .filesystems_copied = true, FROM_1_4 },
        { .since = MV_KUBEVIRT(1, 5), FROM_1_4 },
        { .since = MV_KUBEVIRT_PATCH(1, 5, 1), FROM_1_5_1 },
        { .since = MV_KUBEVIRT(1, 6), FROM_1_6 },
        { .since = MV_KUBEVIRT_PATCH(1, 6, 4), FROM_1_6, .cpu_vendor = true },
        { .since = MV_KUBEVIRT(1, 7), FROM_1_6 },
        { .since = MV_KUBEVIRT_PATCH(1, 7, 1), FROM_1_6, .cpu_vendor = true },
        { .since = MV_KUBEVIRT(1, 9),
          FROM_1_6,
          .cpu_vendor = true,
          .vfio_in_pre_copy = true,
          .empty_policies_named = true },
};

const struct mv_behaviour *mv_behaviour_of(unsigned version) {
        const struct mv_behaviour *found = &behaviours[0];
        for (unsigned i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
                if (behaviours[i].since <= version)
                        found = &behaviours[i];
        return found;
}
