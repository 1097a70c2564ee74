/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One review, answered by a `migvet serve` that runs somewhere: sent as kube-apiserver sends it, and trusting just what it
 * is told to trust. That it was answered shows that name, port, certificate and server fit together.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

struct mv_remote {
        const char *server;  /* https://HOST[:PORT] */
        const char *ca_file; /* PEM; NULL: the authorities of the system */
        bool mutate;         /* ask /mutate, not /validate */
};

/* Server is an https URL without anything behind host and port, but for a slash. */
int mv_remote_check(const char *server, struct mv_err *err);

/*
 * Send the review, which is followed by MV_SCAN_PADDING zero bytes. Returns 0 when the answer is one to this very review;
 * MV_ETYPE when the server says that it is no review, ret_answer then holds its Status; MV_EIO when there was no answer, or
 * not one of a webhook.
 */
int mv_remote_review(const struct mv_remote *remote, struct mv_str review, struct mv_buf *ret_answer,
                     struct mv_err *err);
