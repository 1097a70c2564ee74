/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: several authorities in one PEM text, as `ca.crt` and a webhook's caBundle hold them. An empty
 * text is an empty bundle. Results are PEM, NUL-terminated, owned by the caller, to be freed with free.
 * Errors: as mv_cert_list_parse.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <time.h>

/* The certificates of first, then those of second: each once, without those that have expired. The result
 * may be "". */
int mv_bundle_merge(struct mv_str first, struct mv_str second, time_t now, char **ret, struct mv_err *err);

/* Both hold the same certificates, in whatever order. */
int mv_bundle_equal(struct mv_str a, struct mv_str b, bool *ret, struct mv_err *err);

/* Every certificate of part is in bundle. */
int mv_bundle_covers(struct mv_str bundle, struct mv_str part, bool *ret, struct mv_err *err);

/* The bundle without what mv_rotation_old_ca_until says is over. current_key_pem is the key of the authority
 * in use, which always stays, as do authorities that are younger. */
int mv_bundle_retire(struct mv_str bundle, struct mv_str current_key_pem, time_t now, char **ret,
                     struct mv_err *err);

/* How many certificates there are. */
int mv_bundle_count(struct mv_str bundle, unsigned *ret, struct mv_err *err);
