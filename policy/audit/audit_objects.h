/* SPDX-License-Identifier: Apache-2.0 */
/* For policy/audit/auditor.c: what came, changed and went between two looks at the cluster. */
#pragma once

#include "policy/audit/audit_table.h"
#include "policy/audit/auditor.h"

struct mv_audit_object {
        struct mv_audit_key key;
        uint64_t digest;
        const void *object; /* as seen last, to be compared only */
        uint32_t version;   /* hash of its resourceVersion */
        uint32_t seen;      /* the look that saw it last */
        uint32_t
                changed; /* the look at which it had come, changed or gone; 0: it was there from the beginning */
        enum mv_audit_how how;
        struct mv_audit_object *newer, *older; /* of its kind, by `changed` */
};

struct mv_audit_objects {
        struct mv_audit_table table;
        uint32_t look;
        struct mv_audit_object *newest[MV_KIND_COUNT];
        uint8_t knowledge[MV_KIND_COUNT];
        uint32_t known_since
                [MV_KIND_COUNT]; /* the look that found it otherwise; 0: it was so from the beginning */
};

void mv_audit_objects_init(struct mv_audit_objects *objects, const struct mv_allocator *allocator);
void mv_audit_objects_done(struct mv_audit_objects *objects);
/* All that was judged was judged since that look: what went before need not be remembered. */
void mv_audit_objects_forget(struct mv_audit_objects *objects, uint32_t look);
/* An object of the kind that is not in the snapshot may be there all the same. */
bool mv_audit_objects_may_hide(const struct mv_snapshot *snapshot, enum mv_kind kind);
/* What is remembered of a kind of which nothing is known any more stays as it was. */
int mv_audit_objects_look(struct mv_audit_objects *objects, const struct mv_snapshot *snapshot, bool versions,
                          struct mv_err *err);

/* It is another one than at that look; object is what it is now, NULL: it is not there. */
bool mv_audit_objects_differs(const struct mv_audit_objects *objects, enum mv_kind kind,
                              struct mv_str namespace, struct mv_str name, const void *object, uint32_t since,
                              enum mv_audit_how *ret_how);
