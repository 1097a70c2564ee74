/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do clients believe what we serve? A TLS handshake with a listener, verified against given authorities under a given
 * name, as the API server would. It says nothing over the connection and ends it at once.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

struct mv_probe {
        const char *address; /* numeric; "127.0.0.1" */
        unsigned port;
        const char *server_name;   /* what the certificate must be for, "migvet.migvet.svc" */
        struct mv_str authorities; /* PEM */
        unsigned timeout_ms;       /* for all of it */
};

/* 0: believed. MV_ECRYPTO: not, and why. MV_EIO: no connection; MV_ETIMEOUT; MV_ESYNTAX: no authorities in the text. */
int mv_probe_run(const struct mv_probe *probe, struct mv_err *err);
