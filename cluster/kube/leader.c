/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/leader.h"

#include "certs/clock.h"

#include <stdio.h>
#include <time.h>

enum { LEASE_BYTES = 64 * 1024 };

void mv_leader_init(struct mv_leader *leader, struct mv_kube_caller *caller, struct mv_str namespace,
                    struct mv_str name, const struct mv_lease_options *options,
                    const struct mv_logger *logger) {
        *leader = (struct mv_leader){ .caller = caller,
                                      .namespace = namespace,
                                      .name = name,
                                      .trouble = { .logger = logger, .component = "certs" } };
        snprintf(leader->collection, sizeof leader->collection,
                 "/apis/coordination.k8s.io/v1/namespaces/%.*s/leases", MV_STR_ARG(namespace));
        snprintf(leader->path, sizeof leader->path, "%s/%.*s", leader->collection, MV_STR_ARG(name));
        mv_lease_init(&leader->lease, options, mv_clock_ms());
}

static int get(struct mv_leader *leader, struct mv_buf *buf, struct mv_err *err) {
        struct mv_lease_record record;
        char version[sizeof leader->lease.version];
        bool found;
        int r = mv_kube_object_get(leader->caller, mv_str_from(leader->path), buf, &found, err);
        if (r >= 0 && !found) {
                mv_lease_absent(&leader->lease, mv_clock_ms());
                return 0;
        }
        if (r >= 0)
                r = mv_lease_decode(mv_buf_str(buf), &record, version, sizeof version, err);
        if (r < 0) {
                mv_lease_failed(&leader->lease, false, mv_clock_ms());
                return r;
        }
        mv_lease_seen(&leader->lease, &record, mv_str_from(version), mv_clock_ms());
        return 0;
}

/* POST what is not there, patch what is; the answer goes into buf. */
static int send(struct mv_leader *leader, const struct mv_lease_record *record, bool create,
                struct mv_buf *buf, struct mv_err *err) {
        struct mv_buf body;
        mv_buf_init(&body, &mv_allocator_system, LEASE_BYTES);
        mv_lease_encode(record, leader->namespace, leader->name,
                        create ? MV_STR("") : mv_str_from(leader->lease.version), &body);
        int r = mv_buf_failed(&body)
                        ? mv_err_oom(err)
                        : mv_kube_object_write(leader->caller, create ? "POST" : "PATCH",
                                               mv_str_from(create ? leader->collection : leader->path),
                                               create ? MV_KUBE_JSON : MV_KUBE_MERGE_PATCH, mv_buf_str(&body),
                                               buf, err);
        mv_buf_done(&body);
        return r;
}

static int put(struct mv_leader *leader, bool create, struct mv_buf *buf, struct mv_err *err) {
        struct mv_lease_record record, written;
        char version[sizeof leader->lease.version];
        mv_lease_wanted(&leader->lease, mv_wall_us(), mv_clock_ms(), &record);
        int r = send(leader, &record, create, buf, err);
        if (r == 0)
                r = mv_lease_decode(mv_buf_str(buf), &written, version, sizeof version, err);
        if (r == 0)
                mv_lease_written(&leader->lease, mv_str_from(version), mv_clock_ms());
        else
                mv_lease_failed(&leader->lease, r == MV_KUBE_CONFLICT, mv_clock_ms());
        return r < 0 ? r : 0;
}

static void tell(struct mv_leader *leader) {
        const bool leads = mv_leader_leads(leader);
        if (leads == leader->told)
                return;
        leader->told = leads;
        const struct mv_log_field fields[] = { { "lease", leader->name },
                                               { "identity", mv_str_from(leader->lease.options.identity) } };
        mv_trouble_say(&leader->trouble, MV_LOG_INFO, leads ? "leading" : "not leading any more", fields, 2);
}

long long mv_leader_tend(struct mv_leader *leader) {
        struct mv_err err = { 0 };
        struct mv_buf buf;
        long long at = 0;
        int r = 0;
        unsigned requests = 0;
        mv_buf_init(&buf, &mv_allocator_system, LEASE_BYTES + MV_KUBE_FAILURE_BYTES);
        /* A read that finds it free is followed by the write. */
        for (; r >= 0 && requests < 2; requests++) {
                enum mv_lease_step step = mv_lease_next(&leader->lease, mv_clock_ms(), &at);
                if (step == MV_LEASE_WAIT)
                        break;
                r = step == MV_LEASE_GET ? get(leader, &buf, &err)
                                         : put(leader, step == MV_LEASE_CREATE, &buf, &err);
        }
        mv_buf_done(&buf);
        if (r < 0)
                mv_trouble_tell(&leader->trouble, MV_LOG_WARNING, "the Lease cannot be used", &err);
        else if (requests)
                mv_trouble_over(&leader->trouble, "the Lease can be used again");
        tell(leader);
        return leader->lease.next_ms;
}

bool mv_leader_leads(const struct mv_leader *leader) {
        return mv_lease_is_leader(&leader->lease, mv_clock_ms());
}

void mv_leader_release(struct mv_leader *leader) {
        struct mv_lease_record record;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, LEASE_BYTES + MV_KUBE_FAILURE_BYTES);
        /* A write that was cancelled may have arrived. Whatever comes of all this: others take over in time. */
        if (!leader->lease.known)
                get(leader, &buf, NULL);
        if (mv_leader_leads(leader) && mv_lease_release(&leader->lease, mv_wall_us(), &record))
                send(leader, &record, false, &buf, NULL);
        mv_buf_done(&buf);
        leader->lease.ours = false;
        tell(leader);
}
