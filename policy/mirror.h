/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KubeVirt's own answer to a request: what its validating webhooks say, code, message and causes to the letter
 * (pkg/virt-api/webhooks/validating-webhook/admitters, pkg/util/webhooks/webhooks.go). What is mirrored is what has to
 * do with migration; the rest of KubeVirt's validation is passed over.
 *
 * Pure: the answer depends on the request, the snapshot and the verdict, and on nothing else.
 */
#pragma once

#include "policy/decide.h"
#include "policy/kubevirt_config.h"
#include "policy/object/shape.h"
#include "policy/refusal.h"
#include "policy/snapshot/snapshot_view.h"

struct mv_mirror_input {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        struct mv_lookups *lookups;              /* unless NULL: the objects that the answer depends on */
        const struct mv_kubevirt_config *config; /* of the snapshot, or of another version of KubeVirt */
        const struct mv_review_request *request;
        const struct mv_verdict
                *verdict;   /* of the object, with its request-* rules; NULL when it was not judged */
        const void *object; /* request->object as it was decoded to be judged, of that kind; NULL */
        enum mv_kind kind;
        const struct mv_shape
                *fitted; /* the object is known to be as mv_schema_check with this shape wants it; NULL */
};

/* Refuse what KubeVirt refuses, or leave the decision as it is. Returns true when it refused. Of an eviction, and of an object
 * that was not judged, it does not say all that it depends on. */
bool mv_mirror(const struct mv_mirror_input *input, struct mv_decision *decision);

/* --- for the files of policy/mirror, one a kind --- */

/* An answer in the making. Causes that are reported are one refusal together. */
struct mv_mirror_answer {
        const struct mv_mirror_input *in;
        const struct mv_kubevirt_config *config;
        struct mv_decision *decision;
        const struct mv_shape *fitted; /* as that of in */
        size_t n_causes;
};

/* A single error: code 400, a message and nothing else. */
void mv_mirror_error(struct mv_mirror_answer *answer, struct mv_str message);
/* Code 429: try again. */
void mv_mirror_retry(struct mv_mirror_answer *answer, struct mv_str message);
/* One more cause: code 422; the message joins those of the first ten and counts the others. */
void mv_mirror_cause(struct mv_mirror_answer *answer, const char *reason, struct mv_str message,
                     struct mv_str field);
/* A cause for each of these. */
void mv_mirror_causes(struct mv_mirror_answer *answer, const struct mv_refused_cause *causes, size_t n);
/* The refusal is because of a field or value that this version does not know, and a later KubeVirt may. */
void mv_mirror_unfamiliar(struct mv_mirror_answer *answer);
#define mv_mirror_text(answer, ...) mv_arena_format((answer)->in->arena, __VA_ARGS__)

/* Causes for the fields of request.object that the API does not have. True when there are none. */
bool mv_mirror_schema(struct mv_mirror_answer *answer, const struct mv_shape *spec);
/* The request names that resource of kubevirt.io, in a version that KubeVirt serves. */
bool mv_mirror_has_resource(const struct mv_mirror_answer *answer, const char *resource);
/* Decode a part of the request. False when it has other types: KubeVirt could not read it either. */
bool mv_mirror_decode(const struct mv_mirror_answer *answer, struct mv_str text, const struct mv_table *table,
                      void *ret, struct mv_err *err);
/* The request's object, which is of that kind and should have that shape: as it was judged, or else decoded now. NULL when it has
 * other types. */
const void *mv_mirror_object(struct mv_mirror_answer *answer, enum mv_kind kind,
                             const struct mv_shape *shape);
/* Who asks is a service account of KubeVirt (pkg/virt-api/webhooks/serviceaccounts.go); with a name, that one. */
bool mv_mirror_user_is_kubevirt(const struct mv_mirror_answer *answer, const char *name);
void mv_mirror_migration_create(struct mv_mirror_answer *answer);
void mv_mirror_migration_update(struct mv_mirror_answer *answer);
void mv_mirror_policy(struct mv_mirror_answer *answer);
void mv_mirror_vm(struct mv_mirror_answer *answer);
void mv_mirror_vmi_create(struct mv_mirror_answer *answer);
void mv_mirror_vmi_update(struct mv_mirror_answer *answer);
void mv_mirror_eviction(struct mv_mirror_answer *answer);
