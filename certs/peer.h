/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For a TLS client whose handshakes somebody else makes (libcurl): what can be said of its files before, and of a refused
 * server after.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stddef.h>

/* The first certificate of the text is that of the key. MV_ESYNTAX, MV_ECRYPTO, MV_ELIMIT, MV_ENOMEM. */
int mv_peer_check_pair(struct mv_str certificate_pem, struct mv_str key_pem, struct mv_err *err);
/* There are certificates, and none is broken. Likewise. */
int mv_peer_check_certificates(struct mv_str pem, struct mv_err *err);
/* In words why GnuTLS trusts no certificate that has this verification status, cut to size. Returns out. */
char *mv_peer_problem(unsigned status, char *out, size_t size);
