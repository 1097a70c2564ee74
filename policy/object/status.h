/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error as Kubernetes tells it: a `Status` object in JSON, so that kube-apiserver can show its message.
 */
#pragma once

#include "policy/base/buf.h"

/* The reason that Kubernetes gives for an HTTP code ("NotFound"); for one that it has none for, that of 400 or 500.
 * Static. */
const char *mv_status_reason(int code);

/* Append a Status with this code and message; reason comes from the code. */
void mv_status_write(struct mv_buf *out, int code, const char *message);
