/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing one object of the API, for threads that wait for each answer. Buffers are the caller's; use
 * mv_allocator_wiping for those that will hold a Secret.
 */
#pragma once

#include "cluster/kube/client.h"

struct mv_kube_caller {
        struct mv_kube_client *client;
        const atomic_bool *cancel; /* NULL, or: true ends a request at once */
        unsigned timeout_ms;       /* of each request */
        int status;                /* of the last answer; 0: there was none */
        long long clock_ahead; /* seconds by which the API server's clock was ahead of ours, as last heard */
};

enum {
        MV_KUBE_CONFLICT = 1, /* mv_kube_object_write: somebody else was first */
};

/* *ret_found: there is one; its JSON, followed by 8 zero bytes, is then in out. 0, or what went wrong. */
int mv_kube_object_get(struct mv_kube_caller *caller, struct mv_str path, struct mv_buf *out, bool *ret_found,
                       struct mv_err *err);

/* The same of a list, of whose objects only metadata is asked for. */
int mv_kube_metadata_list(struct mv_kube_caller *caller, struct mv_str path, struct mv_buf *out,
                          bool *ret_found, struct mv_err *err);

/*
 * POST to the path of a collection, PUT or PATCH to that of an object. 0: done, and the object as it is now is in out.
 * DELETE, too; its body, if any, are DeleteOptions.
 * MV_KUBE_CONFLICT: it exists already, or does not exist any more, or has changed (409, 404; 422 of a JSON Patch, where a
 * test failed): read it again. Else what went wrong.
 */
int mv_kube_object_write(struct mv_kube_caller *caller, const char *method, struct mv_str path,
                         const char *content_type, struct mv_str body, struct mv_buf *out,
                         struct mv_err *err);

/* What went wrong last says nothing of requests for other objects: the API server is there, and has time. */
bool mv_kube_was_of_one(const struct mv_kube_caller *caller);

#define MV_KUBE_JSON "application/json"
#define MV_KUBE_JSON_PATCH "application/json-patch+json"
#define MV_KUBE_MERGE_PATCH "application/merge-patch+json"
