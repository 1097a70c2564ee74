/* SPDX-License-Identifier: Apache-2.0 */
/* NetworkAttachmentDefinition (k8s.cni.cncf.io/v1): that it is there, and the device resource its annotation names. */
#pragma once

#include "policy/object/meta.h"

struct mv_network_attachment {
        struct mv_meta meta;
};

extern const struct mv_table mv_table_network_attachment;

/* The resource that a pod on this network requests, such as "intel.com/vf"; "" when there is none. */
struct mv_str mv_network_attachment_resource(const struct mv_network_attachment *attachment);
