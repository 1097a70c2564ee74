/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why KubeVirt would not make an instance of an object, and the causes that its webhooks give
 * (pkg/util/webhooks/webhooks.go: ToAdmissionResponse).
 *
 * Memory comes from an arena, whose failure the caller tests.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/vmi.h"
#include "policy/snapshot/snapshot.h"

enum { MV_REFUSED_SHOWN = 10 };

struct mv_refused_cause {
        const char *reason; /* "FieldValueInvalid", ... */
        struct mv_str message, field;
};

/* KubeVirt would not make an instance. */
struct mv_refused {
        int code; /* 422: causes; 400: a single error; 0: the webhooks admit the object, it just never starts */
        const char *reason; /* "Invalid" with causes; the controller's event with 0; "" */
        struct mv_str message;
        const struct mv_refused_cause
                *causes; /* all of them; KubeVirt's answer, and the message, have the first ten */
        size_t n_causes;
        bool named;      /* because of the instancetype or preference that the VM names */
        bool unfamiliar; /* because of a field or value that this version does not know; a later KubeVirt may */
        struct mv_str field;       /* where the user finds it in his object, "" when nowhere */
        enum mv_kind missing_kind; /* what KubeVirt does not find; MV_KIND_COUNT when it is something else */
        struct mv_str missing_name;
};

/* For people, without the message: "KubeVirt refuses this VM"; and what they can do. */
const char *mv_refused_title(const struct mv_refused *refused);
const char *mv_refused_fix(const struct mv_refused *refused);
/* The same with the name of what is missing in that namespace. One of its name may be in the other scope, the cluster's or
 * the namespace's. */
struct mv_str mv_refused_advice(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                const struct mv_refused *refused, struct mv_str namespace);

/* A refusal in the making. */
struct mv_causes {
        struct mv_arena *arena;
        struct mv_refused_cause *items;
        size_t n, capacity;
        bool unfamiliar; /* one of them is about a field or value that this version does not know */
};
void mv_causes_add(struct mv_causes *causes, const char *reason, struct mv_str message, struct mv_str field);
/* Likewise, about a value that this version does not know. */
void mv_causes_add_unfamiliar(struct mv_causes *causes, const char *reason, struct mv_str message,
                              struct mv_str field);
/* The fields of all, separated by commas. */
struct mv_str mv_causes_fields(const struct mv_causes *causes);
/* Their messages as KubeVirt joins them: the first ten, and how many more there are. */
struct mv_str mv_causes_message(const struct mv_causes *causes);
/* The refusal with these causes. NULL when there are none, and when memory is out. */
struct mv_refused *mv_causes_refuse(const struct mv_causes *causes);
/* One with a message alone. NULL when memory is out. */
struct mv_refused *mv_refused_new(struct mv_arena *arena, int code, const char *reason,
                                  struct mv_str message);
/* KubeVirt's webhook looks first for what its API does not have. NULL when there is nothing of that. */
const struct mv_refused *mv_refused_by_schema(struct mv_arena *arena, const struct mv_forbidden *forbidden);
