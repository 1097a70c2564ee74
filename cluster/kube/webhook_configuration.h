/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ValidatingWebhookConfiguration or MutatingWebhookConfiguration, as far as the authorities in it go: whom does the
 * API server believe to be the webhook? Nothing but `webhooks[*].clientConfig.caBundle` is ever written, by a JSON
 * patch that first tests the resourceVersion.
 */
#pragma once

#include "cluster/kube/authority_secret.h"
#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct mv_webhook_entry {
        struct mv_str name;
        bool has_bundle;           /* the field is there, whatever is in it */
        struct mv_str bundle;      /* caBundle, decoded; "" when it is none */
        struct mv_str server_name; /* of the service, or the host of the URL; followed by a NUL byte */
};

struct mv_webhook_configuration {
        bool exists; /* else the rest is empty */
        char version[MV_VERSION_TEXT];
        struct mv_str injector; /* annotation by which cert-manager keeps caBundle; "": nobody else does */
        struct mv_webhook_entry *webhooks;
        size_t n;
};

/* From the API server's answer, which is followed by 8 zero bytes. Everything lives in the arena. */
int mv_webhook_configuration_decode(struct mv_str json, struct mv_arena *arena,
                                    struct mv_webhook_configuration *ret, struct mv_err *err);
/* Every webhook of it believes all authorities of that bundle. True when it does not exist. */
bool mv_webhook_configuration_trusts(const struct mv_webhook_configuration *configuration,
                                     struct mv_str bundle);
/* The bundle is to be written: it exists, nobody else keeps it, and some webhook of it has other authorities. */
bool mv_webhook_configuration_differs(const struct mv_webhook_configuration *configuration,
                                      struct mv_str bundle);
/* The JSON patch that writes the bundle where it differs. */
void mv_webhook_configuration_encode_patch(const struct mv_webhook_configuration *configuration,
                                           struct mv_str bundle, struct mv_buf *out);
