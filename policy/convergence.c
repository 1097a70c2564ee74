/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/convergence.h"

#include "policy/base/names.h"

#include <stdio.h>

#define MEBIBYTE (INT64_C(1) << 20)
#define GIGABYTE INT64_C(1000000000) /* what completionTimeoutPerGiB is really counted in */

static int64_t saturated(__int128 value) {
        return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

static int64_t sum(int64_t a, int64_t b) {
        return saturated((__int128)a + b);
}

/* Rounded up; both are positive. */
static int64_t quotient(__int128 a, __int128 b) {
        return saturated((a + b - 1) / b);
}

/* --- how much --- */

/* A quantity as bytes; -1 when the text is none, or negative. */
static int64_t bytes_of(struct mv_str text) {
        struct mv_quantity quantity;
        if (!text.n || mv_quantity_parse(text, &quantity, NULL) < 0 || mv_quantity_sign(&quantity) < 0)
                return -1;
        return mv_quantity_value(&quantity);
}

static int64_t storage_of(const struct mv_map *amounts) {
        const struct mv_str *text = mv_map_get(amounts, MV_STR("storage"));
        return text ? bytes_of(*text) : -1;
}

/* What the claim holds at most; INT64_MAX when nothing says. */
static int64_t claim_bytes(const struct mv_snapshot *snapshot, struct mv_str namespace, struct mv_str name) {
        const struct mv_claim *claim = mv_snapshot_find(snapshot, MV_KIND_CLAIM, namespace, name);
        if (!claim)
                return INT64_MAX;
        int64_t bytes = storage_of(&claim->status.capacity);
        if (bytes < 0)
                bytes = storage_of(&claim->spec.resources.requests);
        return bytes < 0 ? INT64_MAX : bytes;
}

/* pkg/storage/types: GetTotalSizeMigratedVolumes, GetDiskCapacity: nothing unless both are told. */
static int64_t migrated_counts(const struct mv_claim_info *source) {
        int64_t capacity = source ? storage_of(&source->capacity) : -1,
                request = source ? storage_of(&source->requests) : -1;
        return capacity < 0 || request < 0 ? 0 : capacity < request ? capacity : request;
}

static int64_t migrated_most(const struct mv_snapshot *snapshot, struct mv_str namespace,
                             const struct mv_claim_info *source) {
        if (!source)
                return INT64_MAX;
        int64_t capacity = storage_of(&source->capacity);
        return capacity < 0 ? claim_bytes(snapshot, namespace, source->claim_name) : capacity;
}

struct measure {
        const struct mv_snapshot *snapshot;
        const struct mv_vmi *vmi;
        struct mv_names_index disks, migrated;
};

/* The disk that a migration copies for this volume; false when it copies none (getDiskTargetsForMigration). */
static bool copied_disk(const struct measure *m, const struct mv_volume *volume,
                        const struct mv_claim_facts *claim, struct mv_copy_disk *ret) {
        size_t disk = mv_names_index_find(&m->disks, volume->name);
        struct mv_str namespace = m->vmi->meta.namespace;
        if (disk == SIZE_MAX || m->vmi->spec.domain.devices.disks.items[disk].cdrom)
                return false;
        *ret = (struct mv_copy_disk){ .volume = volume->name, .most = INT64_MAX, .counts = -1 };
        if (claim->migrated) {
                size_t i = mv_names_index_find(&m->migrated, volume->name);
                const struct mv_claim_info *source = m->vmi->status.migrated_volumes.items[i].source;
                ret->migrated = true;
                ret->counts = migrated_counts(source);
                ret->most = migrated_most(m->snapshot, namespace, source);
                return true;
        }
        if (volume->empty_disk) {
                int64_t capacity = bytes_of(volume->empty_disk->capacity);
                ret->counts = 0;
                ret->most = capacity < 0 ? INT64_MAX : capacity;
                return true;
        }
        if (volume->ephemeral && volume->ephemeral->persistent_volume_claim)
                ret->most = claim_bytes(m->snapshot, namespace,
                                        volume->ephemeral->persistent_volume_claim->claim_name);
        return volume->ephemeral || volume->container_disk;
}

static void add_disk(struct mv_copy_size *size, const struct mv_copy_disk *disk) {
        size->most = sum(size->most, disk->most);
        if (disk->most != INT64_MAX)
                size->disks = sum(size->disks, disk->most);
        if (disk->counts < 0)
                size->counts_more = true;
        else
                size->counted = sum(size->counted, disk->counts);
}

bool mv_copy_size_of(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                     const struct mv_behaviour *behaviour, const struct mv_instance *instance,
                     const struct mv_claim_facts *claims, struct mv_copy_size *ret) {
        const struct mv_vmi *vmi = &instance->vmi;
        const struct mv_domain *domain = &vmi->spec.domain;
        struct measure m = { .snapshot = snapshot, .vmi = vmi };
        int64_t memory = domain->memory ? bytes_of(domain->memory->guest) : -1;
        *ret = (struct mv_copy_size){ .memory = memory < 0 ? 0 : memory };
        ret->least = ret->most = ret->counted = ret->memory;
        struct mv_copy_disk *disks = mv_arena_new_array(arena, struct mv_copy_disk, vmi->spec.volumes.n);
        if ((!disks && vmi->spec.volumes.n) ||
            !mv_names_index_list(arena, &m.disks, domain->devices.disks, name) ||
            !mv_names_index_list(arena, &m.migrated, vmi->status.migrated_volumes, volume_name))
                return false;
        ret->copied = disks;
        ret->block = vmi->status.migrated_volumes.n && behaviour->migrated_volumes == MV_MIGRATED_COPIED;
        for (size_t i = 0; i < vmi->spec.volumes.n; i++) {
                struct mv_copy_disk *disk = &disks[ret->n_copied];
                ret->block |= claims[i].copied;
                if (!copied_disk(&m, &vmi->spec.volumes.items[i], &claims[i], disk))
                        continue;
                disk->index = i;
                add_disk(ret, disk);
                ret->n_copied++;
        }
        return !mv_arena_failed(arena);
}

/* --- how long --- */

int64_t mv_copy_rate(const struct mv_quantity *bandwidth) {
        int64_t bytes = mv_quantity_value(bandwidth);
        if (bytes <= 0)
                return 0;
        if (bytes < MEBIBYTE)
                return MEBIBYTE;
        return saturated(((__int128)bytes + MEBIBYTE / 2) / MEBIBYTE * MEBIBYTE);
}

int64_t mv_copy_time(int64_t bytes, int64_t rate) {
        if (bytes <= 0)
                return 0;
        return rate <= 0 || bytes == INT64_MAX ? INT64_MAX : quotient((__int128)bytes * 1000, rate);
}

int64_t mv_copy_deadline(int64_t timeout_per_unit, int64_t bytes) {
        return bytes <= 0 ? 0 : saturated((__int128)timeout_per_unit * quotient(bytes, GIGABYTE));
}

int64_t mv_copy_rate_needed(int64_t bytes, int64_t deadline_seconds) {
        if (deadline_seconds == 0 || bytes <= 0)
                return 0;
        return deadline_seconds < 0 || bytes == INT64_MAX ? INT64_MAX : quotient(bytes, deadline_seconds);
}

struct mv_copy_span mv_copy_span_of(const struct mv_copy_size *size, int64_t rate, int64_t dirty_rate) {
        int64_t disks = size->most == INT64_MAX ? INT64_MAX : size->most - size->memory;
        int64_t left = dirty_rate > 0 ? rate - dirty_rate : rate; /* none: never */
        return (struct mv_copy_span){
                .least = mv_copy_time(size->least, rate),
                .most = sum(mv_copy_time(disks, rate), mv_copy_time(size->memory, left)),
        };
}

/* --- under a configuration --- */

bool mv_has_vfio(const struct mv_vmi_spec *spec) {
        const struct mv_devices *devices = &spec->domain.devices;
        if (devices->host_devices.n || devices->gpus.n)
                return true;
        for (size_t i = 0; i < devices->interfaces.n; i++)
                if (devices->interfaces.items[i].sriov)
                        return true;
        return false;
}

static enum mv_deadline_action deadline_action(const struct mv_resolution *resolution,
                                               const struct mv_kubevirt_config *config, bool vfio) {
        bool post_copy = mv_resolution_number(resolution, "allowPostCopy") != 0;
        /* Versions without the setting go by allowPostCopy alone. */
        const struct mv_setting *disruption = mv_resolution_setting(resolution, "allowWorkloadDisruption");
        if (mv_kubevirt_gate(config, "MigrationStallDetection"))
                return MV_DEADLINE_DETECTOR;
        if (disruption ? !disruption->number : !post_copy)
                return MV_DEADLINE_ABORT;
        if (post_copy && !vfio)
                return MV_DEADLINE_POST_COPY;
        return vfio ? MV_DEADLINE_DOWNTIME : MV_DEADLINE_PAUSE;
}

void mv_convergence_of(const struct mv_copy_size *size, const struct mv_resolution *resolution,
                       const struct mv_kubevirt_config *config, const struct mv_behaviour *behaviour,
                       const struct mv_vmi *vmi, struct mv_convergence *ret) {
        const struct mv_setting *bandwidth = mv_resolution_setting(resolution, "bandwidthPerMigration"),
                                *compression = mv_resolution_setting(resolution, "experimental.compression");
        struct mv_quantity quantity;
        *ret = (struct mv_convergence){
                .per_unit = mv_resolution_number(resolution, "completionTimeoutPerGiB"),
                .progress_timeout = mv_resolution_number(resolution, "progressTimeout"),
                .compressed = compression && mv_str_is(compression->text, "zstd"),
        };
        if (bandwidth && mv_quantity_parse(bandwidth->text, &quantity, NULL) == 0)
                ret->rate = mv_copy_rate(&quantity);
        ret->deadline = mv_copy_deadline(ret->per_unit, size->counted);
        ret->needed = mv_copy_rate_needed(size->least, ret->deadline);
        if (ret->deadline)
                ret->action = deadline_action(resolution, config,
                                              behaviour->vfio_in_pre_copy && mv_has_vfio(&vmi->spec));
        ret->pass = mv_copy_span_of(size, ret->rate, 0);
}

/* KubeVirt compares whole seconds gone by. */
static bool passes(int64_t milliseconds, int64_t deadline) {
        return milliseconds / 1000 > deadline;
}

enum mv_in_time mv_convergence_in_time(const struct mv_copy_size *size,
                                       const struct mv_convergence *figures) {
        bool depends = false;
        int64_t fixed = size->memory;
        if (!figures->rate || !figures->deadline)
                return MV_IN_TIME_UNLIMITED;
        if (passes(figures->pass.least, figures->deadline)) {
                /* Bytes on a disk that only the launcher knows add to both; what they add to the deadline is less, but
                 * for the rounding to one unit more. */
                int64_t latest =
                        size->counts_more ? sum(figures->deadline, figures->per_unit) : figures->deadline;
                depends = figures->compressed || !passes(figures->pass.least, latest);
                return depends ? MV_IN_TIME_DEPENDS : MV_IN_TIME_NO;
        }
        for (size_t i = 0; i < size->n_copied; i++)
                if (size->copied[i].counts >= 0)
                        fixed = sum(fixed, size->copied[i].most);
        /* Each byte more that is counted brings GIGABYTE / per_unit bytes per second with it. */
        depends = size->counts_more && (__int128)figures->rate * figures->per_unit < GIGABYTE;
        return depends || passes(mv_copy_time(fixed, figures->rate), figures->deadline) ? MV_IN_TIME_DEPENDS
                                                                                        : MV_IN_TIME_YES;
}

/* --- for people --- */

struct mv_str mv_copy_bytes_text(int64_t bytes, char *out) {
        static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
        size_t unit = 0;
        __int128 scale = 1;
        for (; unit + 1 < sizeof units / sizeof *units && (__int128)bytes >= scale * 1024; unit++)
                scale *= 1024;
        int64_t tenths = (int64_t)(((__int128)bytes * 10 + scale / 2) / scale);
        if (bytes % (int64_t)scale == 0 || tenths % 10 == 0)
                snprintf(out, MV_COPY_TEXT, "%lld%s", (long long)(tenths / 10), units[unit]);
        else
                snprintf(out, MV_COPY_TEXT, "%lld.%lld%s", (long long)(tenths / 10), (long long)(tenths % 10),
                         units[unit]);
        return mv_str_from(out);
}

struct mv_str mv_copy_time_text(int64_t milliseconds, char *out) {
        long long seconds = milliseconds / 1000 + (milliseconds % 1000 >= 500);
        long long hours = seconds / 3600, minutes = seconds / 60 % 60;
        if (milliseconds == INT64_MAX)
                snprintf(out, MV_COPY_TEXT, "never");
        else if (milliseconds < 1000)
                snprintf(out, MV_COPY_TEXT, "%lldms", (long long)milliseconds);
        else {
                int n = 0;
                if (hours)
                        n = snprintf(out, MV_COPY_TEXT, "%lldh", hours);
                if (minutes)
                        n += snprintf(out + n, MV_COPY_TEXT - (size_t)n, "%lldm", minutes);
                if (seconds % 60 || !n)
                        snprintf(out + n, MV_COPY_TEXT - (size_t)n, "%llds", seconds % 60);
        }
        return mv_str_from(out);
}

struct mv_str mv_copy_seconds_text(int64_t seconds, char *out) {
        return mv_copy_time_text(saturated((__int128)seconds * 1000), out);
}
