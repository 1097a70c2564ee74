/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The management port, plain HTTP: /livez, /readyz and /metrics, for GET and HEAD.
 *
 * /livez says that the process answers. /readyz asks every check and says 200 or 503; `?verbose` lists them
 * as kube-apiserver does, `?exclude=NAME` passes over one. A server that drains is not ready.
 */
#pragma once

#include "policy/base/buf.h"
#include "webhook/backend.h"
#include "webhook/listen.h"
#include "webhook/metrics.h"

#include <stdatomic.h>
#include <stddef.h>

struct mv_health {
        const struct mv_health_check *checks;
        size_t n_checks;
        const struct mv_collector *collectors; /* asked for more metrics */
        size_t n_collectors;
        const struct mv_metrics *metrics;
        const atomic_bool *draining;
};

/* The answer to a request: the HTTP status; the body goes into out, its media type into *ret_type
 * (static). */
int mv_health_answer(const struct mv_health *health, const char *method, const struct mv_target *target,
                     struct mv_buf *out, const char **ret_type);

/* For struct mv_listener_handler; context is a struct mv_health. */
enum MHD_Result mv_health_handle(void *context, struct mv_listener *listener,
                                 struct mv_connection *connection, struct MHD_Connection *mhd,
                                 const char *method, const char *version, const char *data, size_t *n_data);
void mv_health_finish(void *context, struct mv_connection *connection);
