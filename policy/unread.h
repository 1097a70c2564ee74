/* SPDX-License-Identifier: Apache-2.0 */
/* What a live cluster does not tell: kinds that may not be listed, or were not read yet, and that decide as a whole. Of the others
 * the rules say which object is missing. */
#pragma once

#include "policy/rule.h"

/* Report it as the notice cluster-unread, before the rules run. */
void mv_report_unread(struct mv_context *ctx);
