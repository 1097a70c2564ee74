/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, with padding), as Secrets and kubeconfig files hold it. */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* The bytes of text, line breaks passed over, into out, which has room for text.n of them. False when it is no base64. */
bool mv_base64_decode(struct mv_str text, unsigned char *out, size_t *ret_n);
/* Append bytes as base64, in one line. */
void mv_buf_append_base64(struct mv_buf *buf, struct mv_str bytes);
