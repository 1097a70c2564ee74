/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of the HTTPS port: POST /validate and POST /mutate for API servers, POST /v1alpha1/verdicts for controllers.
 *
 * Who may ask is another question for each of the two: reviews are answered to anybody, or to whom the authorities of
 * client_ca know; verdicts to whom `access` admits, whatever client_ca says.
 *
 * The header is judged on the first call: what is no request for us is refused there, with a JSON Status. A
 * refusal is sent after the body was read and thrown away, since an answer to a body that is still coming is
 * lost when TCP resets; only bodies beyond four times the limit, and those whose end is in doubt, are
 * answered at once, and their connection closed. A body is copied by pieces into memory by its
 * Content-Length, counted against the sum of all bodies in flight as it arrives, and followed by 8 zero
 * bytes.
 */
#pragma once

#include "policy/base/log.h"
#include "webhook/backend.h"
#include "webhook/listen.h"
#include "webhook/metrics.h"

#include <stdatomic.h>
#include <stddef.h>

struct mv_trust_slot;

struct mv_route {
        const struct mv_review_backend *backend;
        struct mv_trust_slot *client_ca; /* NULL: anybody may ask */
        const char *const *client_names; /* see certs/trust.h */
        size_t n_client_names;
        struct mv_access_slot *access; /* NULL: nobody asks for verdicts */
        size_t body_bytes;             /* largest body */
        size_t bodies_bytes;           /* of all bodies in flight */
        _Atomic size_t in_flight;
        struct mv_metrics *metrics;     /* may be NULL */
        const struct mv_logger *logger; /* may be NULL */
};

/* For struct mv_listener_handler; context is a struct mv_route. */
enum MHD_Result mv_route_handle(void *context, struct mv_listener *listener, struct mv_connection *connection,
                                struct MHD_Connection *mhd, const char *method, const char *version,
                                const char *data, size_t *n_data);
void mv_route_finish(void *context, struct mv_connection *connection);
bool mv_route_wants_certificate(void *context);

/* When the answer to a request that began at `begun` must be ready, so that it arrives within timeout_ns. */
long long mv_route_deadline(long long begun, long long timeout_ns);
