/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/lease.h"

#include "cluster/kube/jitter.h"
#include "policy/base/json.h"
#include "policy/object/meta.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { JITTER_PERCENT = 120 };

static void copy_text(char *out, size_t size, struct mv_str text) {
        snprintf(out, size, "%.*s", MV_STR_ARG(text));
}

static bool same_record(const struct mv_lease_record *a, const struct mv_lease_record *b) {
        return strcmp(a->holder, b->holder) == 0 && strcmp(a->acquire_time, b->acquire_time) == 0 &&
               strcmp(a->renew_time, b->renew_time) == 0 && a->duration_seconds == b->duration_seconds &&
               a->transitions == b->transitions;
}

void mv_lease_init(struct mv_lease *lease, const struct mv_lease_options *options, long long now_ms) {
        *lease = (struct mv_lease){
                .options = *options,
                .renew_ms = options->duration_ms * 2 / 3,
                .retry_ms = options->duration_ms * 2 / 15,
                .next_ms = now_ms,
                .random = options->seed,
        };
}

/* Candidates that start together do not ask together for ever. */
static long long jittered(struct mv_lease *lease, long long ms) {
        return ms + ms * (long long)(mv_random_next(&lease->random) % JITTER_PERCENT) / 100;
}

/* Nobody holds it, as far as can be told without a wall clock. */
static bool is_free(const struct mv_lease *lease, long long now_ms) {
        const struct mv_lease_record *record = &lease->record;
        const long long duration =
                record->duration_seconds > 0 ? record->duration_seconds * 1000 : lease->options.duration_ms;
        return !record->holder[0] || now_ms - lease->changed_ms >= duration;
}

enum mv_lease_step mv_lease_next(struct mv_lease *lease, long long now_ms, long long *ret_at) {
        *ret_at = lease->next_ms;
        if (now_ms < lease->next_ms)
                return MV_LEASE_WAIT;
        if (!lease->known)
                return MV_LEASE_GET;
        if (lease->absent)
                return MV_LEASE_CREATE;
        if (lease->ours || is_free(lease, now_ms))
                return MV_LEASE_UPDATE;
        lease->known = false; /* somebody else's: look again */
        return MV_LEASE_GET;
}

void mv_lease_seen(struct mv_lease *lease, const struct mv_lease_record *record, struct mv_str version,
                   long long now_ms) {
        if (!lease->version[0] || !same_record(&lease->record, record)) {
                lease->record = *record;
                lease->changed_ms = now_ms;
                lease->ours = lease->pending.holder[0] && same_record(&lease->pending, record);
                if (lease->ours) /* the answer to our write was lost */
                        lease->leader_until_ms = lease->sent_ms + lease->renew_ms;
        }
        copy_text(lease->version, sizeof lease->version, version);
        lease->known = true;
        lease->absent = false;
        const bool act = lease->ours || is_free(lease, now_ms);
        lease->next_ms = act ? now_ms : now_ms + jittered(lease, lease->retry_ms);
}

void mv_lease_absent(struct mv_lease *lease, long long now_ms) {
        lease->record = (struct mv_lease_record){ 0 };
        lease->version[0] = '\0';
        lease->known = lease->absent = true;
        lease->ours = false;
        lease->next_ms = now_ms;
}

/* MicroTime. */
static void format_time(long long wall_us, char *out, size_t size) {
        const time_t seconds = (time_t)(wall_us / 1000000);
        char text[24] = "";
        struct tm tm;
        if (gmtime_r(&seconds, &tm))
                strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(out, size, "%s.%06lldZ", text, wall_us % 1000000);
}

void mv_lease_wanted(struct mv_lease *lease, long long wall_us, long long now_ms,
                     struct mv_lease_record *ret) {
        const struct mv_lease_record *present = &lease->record;
        struct mv_lease_record *wanted = &lease->pending;
        *wanted = (struct mv_lease_record){ .duration_seconds = lease->options.duration_ms / 1000 };
        copy_text(wanted->holder, sizeof wanted->holder, mv_str_from(lease->options.identity));
        format_time(wall_us, wanted->renew_time, sizeof wanted->renew_time);
        if (lease->ours) {
                memcpy(wanted->acquire_time, present->acquire_time, sizeof wanted->acquire_time);
                wanted->transitions = present->transitions;
        } else {
                memcpy(wanted->acquire_time, wanted->renew_time, sizeof wanted->acquire_time);
                wanted->transitions = lease->absent ? 0 : present->transitions + 1;
        }
        lease->sent_ms = now_ms;
        *ret = *wanted;
}

void mv_lease_written(struct mv_lease *lease, struct mv_str version, long long now_ms) {
        lease->record = lease->pending;
        copy_text(lease->version, sizeof lease->version, version);
        lease->known = lease->ours = true;
        lease->absent = false;
        lease->changed_ms = now_ms;
        lease->leader_until_ms = lease->sent_ms + lease->renew_ms;
        lease->next_ms = now_ms + lease->retry_ms;
}

void mv_lease_failed(struct mv_lease *lease, bool conflict, long long now_ms) {
        /* Whether a write that failed arrived is not known: read before the next one. A conflict is no failure of
         * the server, so there is no need to wait long. */
        lease->known = false;
        if (conflict)
                lease->pending = (struct mv_lease_record){ 0 }; /* it did not arrive */
        lease->next_ms = now_ms + jittered(lease, conflict ? lease->retry_ms / 4 : lease->retry_ms);
}

bool mv_lease_is_leader(const struct mv_lease *lease, long long now_ms) {
        return lease->ours && now_ms < lease->leader_until_ms;
}

bool mv_lease_release(const struct mv_lease *lease, long long wall_us, struct mv_lease_record *ret) {
        if (!lease->ours || !lease->version[0])
                return false;
        *ret = lease->record;
        ret->holder[0] = '\0';
        ret->duration_seconds = 1;
        format_time(wall_us, ret->renew_time, sizeof ret->renew_time);
        return true;
}

/* --- JSON --- */

void mv_lease_encode(const struct mv_lease_record *record, struct mv_str namespace, struct mv_str name,
                     struct mv_str version, struct mv_buf *out) {
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", MV_STR("coordination.k8s.io/v1"));
        mv_json_member(&json, "kind", MV_STR("Lease"));
        mv_json_key(&json, "metadata");
        mv_json_object(&json);
        mv_json_member(&json, "name", name);
        mv_json_member(&json, "namespace", namespace);
        if (version.n)
                mv_json_member(&json, "resourceVersion", version);
        mv_json_end(&json);
        mv_json_key(&json, "spec");
        mv_json_object(&json);
        mv_json_member(&json, "acquireTime", mv_str_from(record->acquire_time));
        mv_json_member(&json, "holderIdentity", mv_str_from(record->holder));
        mv_json_key(&json, "leaseDurationSeconds");
        mv_json_int(&json, record->duration_seconds);
        mv_json_key(&json, "leaseTransitions");
        mv_json_int(&json, record->transitions);
        mv_json_member(&json, "renewTime", mv_str_from(record->renew_time));
        mv_json_end(&json);
        mv_json_end(&json);
}

struct lease {
        struct mv_meta meta;
        struct spec {
                struct mv_str holder, acquire_time, renew_time;
                struct mv_optional_int duration, transitions;
        } spec;
};
static const struct mv_field spec_fields[] = {
        MV_FIELD(struct spec, "acquireTime", MV_TYPE_STRING, acquire_time),
        MV_FIELD(struct spec, "holderIdentity", MV_TYPE_STRING, holder),
        MV_FIELD(struct spec, "leaseDurationSeconds", MV_TYPE_INT, duration),
        MV_FIELD(struct spec, "leaseTransitions", MV_TYPE_INT, transitions),
        MV_FIELD(struct spec, "renewTime", MV_TYPE_STRING, renew_time),
};
static const struct mv_table spec_table = MV_TABLE(spec_fields, struct spec);
static const struct mv_field lease_fields[] = {
        MV_FIELD_TABLE(struct lease, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct lease, "spec", MV_TYPE_OBJECT, spec, &spec_table),
};
static const struct mv_table lease_table = MV_TABLE(lease_fields, struct lease);

/* Both are int32 in the API. */
static long long clamp(int64_t value) {
        return value < 0 ? 0 : value > INT32_MAX - 1 ? INT32_MAX - 1 : value;
}

int mv_lease_decode(struct mv_str json, struct mv_lease_record *ret, char *version, size_t size,
                    struct mv_err *err) {
        struct mv_arena arena;
        struct lease lease;
        mv_arena_init(&arena, &mv_allocator_system, 1 << 20);
        const struct mv_decode decode = { .arena = &arena };
        int r = mv_decode(&decode, json, &lease_table, &lease, err);
        if (r >= 0 && !lease.meta.resource_version.n)
                r = mv_err_set(err, MV_ETYPE, "the Lease has no resourceVersion");
        if (r >= 0) {
                *ret = (struct mv_lease_record){
                        .duration_seconds = clamp(lease.spec.duration.value),
                        .transitions = clamp(lease.spec.transitions.value),
                };
                copy_text(ret->holder, sizeof ret->holder, lease.spec.holder);
                copy_text(ret->acquire_time, sizeof ret->acquire_time, lease.spec.acquire_time);
                copy_text(ret->renew_time, sizeof ret->renew_time, lease.spec.renew_time);
                copy_text(version, size, lease.meta.resource_version);
        }
        mv_arena_done(&arena);
        return r;
}
