/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential plugins: a program that is run and writes an ExecCredential (client.authentication.k8s.io) to its output.
 *
 * It runs with our environment and what its entry adds, without the shell; its stderr is ours. Where it may ask something,
 * it has our terminal. It has one minute, and where it may ask, five; then it is killed, and all that it started.
 */
#pragma once

#include "cluster/kube/config.h"

#include <stdatomic.h>
#include <stdint.h>

/* What a plugin gave. Owned; wiped by mv_kube_credential_done. */
struct mv_kube_credential {
        struct mv_arena arena;
        struct mv_str token;            /* "" */
        struct mv_str certificate, key; /* PEM, both or neither; they belong together */
        int64_t expires;                /* seconds since 1970; INT64_MAX: it did not say */
};

/* Run the plugin of config, waiting for it. authority_pem is what a plugin that asks for the cluster is told. timeout_ms is 0
 * but in tests. cancel may be NULL; when it becomes true the plugin is killed, and the error is MV_EIO. MV_ENOTFOUND, MV_EIO, MV_ETIMEOUT, MV_ELIMIT, MV_ESYNTAX, MV_ETYPE, MV_ECRYPTO, MV_ENOMEM; no error shows
 * what it wrote. */
int mv_kube_exec_run(const struct mv_kube_config *config, struct mv_str authority_pem, unsigned timeout_ms,
                     const atomic_bool *cancel, struct mv_kube_credential *ret, struct mv_err *err);
/* All zero is fine, too. */
void mv_kube_credential_done(struct mv_kube_credential *credential);
