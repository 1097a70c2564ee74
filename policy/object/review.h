/* SPDX-License-Identifier: Apache-2.0 */
/* AdmissionReview (admission.k8s.io/v1), the request side. Unknown keys are passed over, so a newer API server is fine. */
#pragma once

#include "policy/object/decode.h"

struct mv_group_version_kind {
        struct mv_str group, version, kind, resource; /* kind or resource, as the place says */
};

struct mv_review_request {
        struct mv_str uid, name, namespace, operation, sub_resource;
        struct mv_group_version_kind kind, resource;
        struct mv_user_info {
                struct mv_str username;
                struct mv_strings groups;
                struct mv_str extra; /* JSON text: an object of lists of strings */
        } user;
        struct mv_str object, old_object; /* JSON text; "" when absent or null */
        struct mv_inner inner, old_inner; /* of them, what was decoded with the review */
        bool dry_run;
};

struct mv_review {
        struct mv_str api_version, kind;
        struct mv_review_request *request;
};

extern const struct mv_table mv_table_review;
