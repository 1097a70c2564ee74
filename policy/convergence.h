/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a migration copies, how long that takes, and how long KubeVirt lets it take.
 *
 * Units: sizes are bytes, rates are bytes per second, times are milliseconds, except where KubeVirt itself counts whole
 * seconds. Everything saturates at INT64_MAX, which as a time means never. Pure arithmetic: the same figures for the
 * rule `convergence`, for `migvet policy`, and for whoever simulates many migrations.
 *
 * What KubeVirt does (pkg/virt-launcher/virtwrap/live-migration-source.go, manager.go: getVMIMigrationDataSize;
 * converter/vcpu: QuantityToMebiByte):
 *  - The deadline is completionTimeoutPerGiB times the size, in units of 10^9 bytes (not GiB) and rounded up. The size is
 *    the guest's memory; with block migration also the files that launcher keeps for container disks, ephemeral volumes
 *    and cloud-init; and the volumes under migration. Empty disks are copied but not counted.
 *  - bandwidthPerMigration becomes whole MiB per second, at least one; 0 is no limit.
 *  - It is passed when more whole seconds than the deadline have gone by.
 * libvirt copies the disks first, and then the memory. The volumes that KubeVirt writes itself (cloud-init, config maps,
 * secrets) are so small that they are left out here.
 *
 * Disks are thin: what has not been written is not copied, and neither are pages of zeroes. So a size is a range.
 */
#pragma once

#include "policy/claims.h"
#include "policy/object/quantity.h"
#include "policy/resolve.h"

struct mv_copy_disk {
        struct mv_str volume;
        size_t index;  /* of the volume in the spec */
        int64_t most;  /* bytes that are copied at most; INT64_MAX when nothing says how large it is */
        bool migrated; /* under migration to other storage, so all of it that was written is copied */
        int64_t counts; /* bytes that KubeVirt counts for it into the deadline; -1 when only the launcher knows */
};

/* The data of one instance. */
struct mv_copy_size {
        int64_t memory; /* the guest's; 0 when the instance names none (KubeVirt refuses that) */
        bool block;     /* the method is BlockMigration */
        int64_t least;  /* copied in one pass, if disks hold nothing: the memory */
        int64_t most;   /* if all disks are full; INT64_MAX when one is of unknown size */
        int64_t disks;  /* the sum of the disks whose size is known */
        int64_t counted; /* what KubeVirt counts into the deadline, as far as that is known: at least this much */
        bool counts_more; /* it counts more: disks of which only the launcher knows how much was written */
        const struct mv_copy_disk *copied; /* the disks that are copied, in the order of the spec */
        size_t n_copied;
};

/* claims has one struct a volume of the instance, from mv_claims_resolve. False when the arena has failed. */
bool mv_copy_size_of(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                     const struct mv_behaviour *behaviour, const struct mv_instance *instance,
                     const struct mv_claim_facts *claims, struct mv_copy_size *ret);

/* What bandwidthPerMigration comes to in bytes per second, in whole MiB as KubeVirt rounds them; 0: no limit. */
int64_t mv_copy_rate(const struct mv_quantity *bandwidth);
/* The time to copy so many bytes at a rate, rounded up to a millisecond. A rate of 0 or less: never. */
int64_t mv_copy_time(int64_t bytes, int64_t rate);
/* The seconds that KubeVirt allows for so many bytes; 0: it sets no deadline. */
int64_t mv_copy_deadline(int64_t timeout_per_unit, int64_t bytes);
/* The least rate at which so many bytes are copied within so many seconds; 0 when there is no deadline. */
int64_t mv_copy_rate_needed(int64_t bytes, int64_t deadline_seconds);

/* How long the whole migration takes. */
struct mv_copy_span {
        int64_t least; /* ms: nothing is written meanwhile, so that one pass over the memory is enough */
        int64_t most; /* ms: full disks, and the guest writes at the dirty rate; never when it keeps up with the rate */
};
/*
 * At a rate, while the guest writes dirty_rate bytes of memory per second (0 when it is not known: then `most` is one pass
 * too). Each pass copies what was written during the one before, which is a geometric series: memory / (rate - dirty_rate).
 * Before that the disks are copied; one of unknown size makes `most` never.
 */
struct mv_copy_span mv_copy_span_of(const struct mv_copy_size *size, int64_t rate, int64_t dirty_rate);

/* What happens when the deadline passes. */
enum mv_deadline_action {
        MV_DEADLINE_NONE,      /* there is none */
        MV_DEADLINE_ABORT,     /* the migration fails, the VM stays where it is */
        MV_DEADLINE_POST_COPY, /* the guest moves at once and fetches its memory afterwards */
        MV_DEADLINE_PAUSE, /* the guest is paused until the rest is copied, for as long again; then it fails */
        MV_DEADLINE_DOWNTIME, /* likewise for VFIO devices: a very long downtime is allowed */
        MV_DEADLINE_DETECTOR, /* the stall detector has its own rules (gate MigrationStallDetection) */
};

struct mv_convergence {
        int64_t rate;     /* of bandwidthPerMigration; 0: no limit */
        int64_t per_unit; /* completionTimeoutPerGiB, seconds */
        int64_t deadline; /* seconds; 0: none. At least this much when size.counts_more */
        int64_t needed;   /* rate that one pass over the memory needs to meet it; 0 without a deadline */
        int64_t progress_timeout; /* seconds; 0: none */
        enum mv_deadline_action action;
        struct mv_copy_span pass; /* ms of one pass at the rate; both never when there is no limit */
        bool compressed; /* experimental.compression is on: less than the size goes over the network */
};

/* Both together, as a verdict has them. */
struct mv_copy {
        struct mv_copy_size size;
        struct mv_convergence figures;
};

/* The figures of an instance under its effective configuration. */
void mv_convergence_of(const struct mv_copy_size *size, const struct mv_resolution *resolution,
                       const struct mv_kubevirt_config *config, const struct mv_behaviour *behaviour,
                       const struct mv_vmi *vmi, struct mv_convergence *ret);

/* Whether one pass is over before the deadline. */
enum mv_in_time {
        MV_IN_TIME_YES,
        MV_IN_TIME_NO,        /* not even without anything on the disks */
        MV_IN_TIME_DEPENDS,   /* on what was written to the disks, or on how well the data compress */
        MV_IN_TIME_UNLIMITED, /* no deadline, or no limit of the rate */
};
enum mv_in_time mv_convergence_in_time(const struct mv_copy_size *size, const struct mv_convergence *figures);

/* The instance has a device that is passed through (pkg/vmitrait: HasVFIO). */
bool mv_has_vfio(const struct mv_vmi_spec *spec);

enum { MV_COPY_TEXT = 32 }; /* bytes that the texts below need at most, with their NUL */

/* For people, into out, returned as a slice: bytes as "8Gi" or "1.5Gi" (rates too, "64Mi"), times as "1h2m3s" or "never". */
struct mv_str mv_copy_bytes_text(int64_t bytes, char *out);
struct mv_str mv_copy_time_text(int64_t milliseconds, char *out);
struct mv_str mv_copy_seconds_text(int64_t seconds, char *out);
