/* SPDX-License-Identifier: Apache-2.0 */
/* A small cluster that the reviews of fuzz targets refer to, and words that mean something to those who judge them. In
 * namespace `strict` a level is enforced. */
#pragma once

#include "policy/config/config.h"
#include "policy/snapshot/snapshot.h"
#include "tests/fuzz/support.h"

/* Made once, and never freed. */
const struct mv_snapshot *fuzz_cluster(void);

/* Likewise: levels and severities by name and labels of a namespace, exemptions, and rules of the site. */
const struct mv_config *fuzz_config(void);

extern const struct fuzz_words fuzz_review_words;
