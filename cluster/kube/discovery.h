/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the kinds a server has, and in which version: read from its discovery documents. Pure; whoever asks the server
 * hands the bodies in.
 *
 *     all at once    /api and /apis with mv_kube_discovery_accept
 *     or             /apis/GROUP/VERSION for each of them, where the server does not know that
 */
#pragma once

#include "policy/base/err.h"
#include "policy/snapshot/kind.h"

struct mv_kube_discovery {
        const char *versions
                [MV_KIND_COUNT]; /* of mv_kube_resources, the best that it serves; NULL: it has none */
};

/* The header Accept for documents that hold all groups. */
extern const char *const mv_kube_discovery_accept;

/* Read the answer to /api (core) or /apis, for the kinds of these groups; the others are left as they are. *ret_aggregated is
 * false when the server does not know that form: nothing is read then. Errors as mv_decode; nothing has changed then. */
int mv_kube_discovery_read(struct mv_kube_discovery *discovery, bool core, struct mv_str body,
                           bool *ret_aggregated, struct mv_err *err);

/* Read one version of one group, which is an APIResourceList. Start with no versions; the best one stays. */
int mv_kube_discovery_read_version(struct mv_kube_discovery *discovery, const char *group,
                                   const char *version, struct mv_str body, struct mv_err *err);
