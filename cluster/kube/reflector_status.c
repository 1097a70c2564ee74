/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/reflector_status.h"

#include "cluster/kube/jitter.h"
#include "cluster/kube/wire.h"

#include <stdio.h>

enum {
        PAUSE_MS = 800,        /* after the first failure, twice as long after each further one */
        MOST_PAUSE_MS = 20000, /* and up to half as much more */
};

/* In the order of the enum. */
const char *const mv_reflector_error_names[MV_REFLECTOR_ERRORS] = {
        "connection", "expired", "throttled", "unauthorized", "forbidden",
        "absent",     "refused", "malformed", "memory",       "object",
};

const struct mv_reflector_status mv_reflector_status_none = { .knowledge = MV_KNOWLEDGE_NONE,
                                                              .reason = "not listed yet",
                                                              .down_ms = -1,
                                                              .synced_ms = -1,
                                                              .event_ms = -1 };

long long mv_reflector_pause(uint64_t *random, unsigned failures) {
        unsigned doublings = failures ? failures - 1 : 0;
        long long ms = doublings < 5 ? (long long)PAUSE_MS << doublings : MOST_PAUSE_MS;
        return mv_jitter(random, ms < MOST_PAUSE_MS ? ms : MOST_PAUSE_MS);
}

void mv_reflector_note_failure(struct mv_reflector_status *status, enum mv_reflector_error error,
                               long long now) {
        status->errors[error]++;
        status->restarts++;
        status->failures++;
        if (status->down_ms < 0)
                status->down_ms = now;
}

void mv_reflector_note_object(struct mv_reflector_status *status, struct mv_str json,
                              const struct mv_err *why) {
        struct mv_str namespace = { 0 }, name = { 0 };
        char text[sizeof status->object_error];
        status->errors[MV_REFLECTOR_OBJECT]++;
        mv_err_format(why, text, sizeof text);
        if (mv_kube_object_name(json, &namespace, &name, NULL) < 0)
                snprintf(status->object_error, sizeof status->object_error, "%s", text);
        else
                snprintf(status->object_error, sizeof status->object_error, "%.*s%s%.*s: %.200s",
                         (int)(namespace.n < 63 ? namespace.n : 63), namespace.p ? namespace.p : "",
                         namespace.n ? "/" : "", (int)(name.n < 253 ? name.n : 253), name.p ? name.p : "",
                         text);
}

bool mv_reflector_keep_version(struct mv_reflector_status *status, struct mv_str version) {
        if (!version.n)
                return true;
        if (version.n >= sizeof status->resource_version)
                return false;
        memcpy(status->resource_version, version.p, version.n);
        status->resource_version[version.n] = '\0';
        return true;
}

enum mv_knowledge mv_reflector_age(const struct mv_reflector_status *status, long long now,
                                   long long *until) {
        static const struct {
                enum mv_knowledge from, to;
                long long ms;
        } steps[] = { { MV_KNOWLEDGE_ALL, MV_KNOWLEDGE_LOST, MV_REFLECTOR_LOST_MS },
                      { MV_KNOWLEDGE_LOST, MV_KNOWLEDGE_OUTDATED, MV_REFLECTOR_OUTDATED_MS } };
        enum mv_knowledge knowledge = status->knowledge;
        for (size_t i = 0; status->down_ms >= 0 && i < sizeof steps / sizeof *steps; i++) {
                long long at = status->down_ms + steps[i].ms;
                if (knowledge != steps[i].from)
                        continue;
                if (now >= at)
                        knowledge = steps[i].to;
                else if (at < *until)
                        *until = at;
        }
        return knowledge;
}
