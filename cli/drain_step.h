/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet drain --step`: what KubeVirt does next. */
#pragma once

#include "cli/options.h"
#include "policy/drain/drain_step.h"

/* Print the step; returns an enum mv_exit. */
int mv_drain_step_print(const struct mv_options *options, const struct mv_drain_question *question);
