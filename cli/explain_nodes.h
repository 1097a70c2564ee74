/* SPDX-License-Identifier: Apache-2.0 */
/* The part of `migvet explain` about nodes: where the VM could go, and what its launcher pod requests. */
#pragma once

#include "cli/text.h"
#include "policy/verdict.h"

/* Prints nothing when the verdict knows no nodes. */
void mv_explain_nodes(const struct mv_verdict *verdict, const struct mv_style *style);
