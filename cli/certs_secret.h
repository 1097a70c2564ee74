/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet certs show` and `migvet certs rotate` of an authority that is kept in a Secret. */
#pragma once

#include "cluster/kube/config.h"
#include "policy/base/err.h"

#include <stdbool.h>

struct mv_certs_secret_options {
        const char *name, *namespace; /* namespace: NULL for that of the kubeconfig */
        struct mv_kube_config_options kube;
        bool json;
};

/* Both print, and return an enum mv_exit; err is set when that is MV_EXIT_USAGE or MV_EXIT_UNREACHED. */
int mv_certs_secret_show(const struct mv_certs_secret_options *options, struct mv_err *err);
/* Ask the running replicas for a rotation, and say what happens next. */
int mv_certs_secret_rotate(const struct mv_certs_secret_options *options, struct mv_err *err);
