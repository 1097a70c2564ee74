/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Secret that holds a shared authority (certs/shared_authority.h):
 *
 *   data.ca.crt    every authority that is to be believed, PEM
 *   data.ca.key    the key of the one in use
 *   data.next.key  the key of the one that comes next, while a rotation goes on
 *   annotations    migvet.io/authority-in-use-since; migvet.io/rotate: somebody asks for a rotation
 *
 * What else it holds is left alone. Writes are merge patches that name the resourceVersion. Buffers and arenas that
 * come near it use mv_allocator_wiping.
 */
#pragma once

#include "certs/shared_authority.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <time.h>

#define MV_ANNOTATION_IN_USE_SINCE "migvet.io/authority-in-use-since"
#define MV_ANNOTATION_ROTATE "migvet.io/rotate"

enum { MV_VERSION_TEXT = 64 }; /* bytes of a resourceVersion */

/* From the API server's answer, which is followed by 8 zero bytes. A Secret without an authority is one, too.
 * MV_ETYPE, MV_ESYNTAX with err->path. */
int mv_authority_secret_decode(struct mv_str json, struct mv_shared_authority *ret,
                               char version[MV_VERSION_TEXT], struct mv_err *err);
/* The whole Secret, for a POST. */
void mv_authority_secret_encode(const struct mv_shared_authority *authority, struct mv_str namespace,
                                struct mv_str name, struct mv_buf *out);
/* A merge patch that makes this of the Secret of that version. */
void mv_authority_secret_encode_patch(const struct mv_shared_authority *authority, struct mv_str version,
                                      struct mv_buf *out);
/* A merge patch that asks for a rotation. */
void mv_authority_secret_encode_request(time_t now, struct mv_str version, struct mv_buf *out);
