/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices: what a finding says when no rule can: there is no instance to judge, no memory to judge it with, the cluster
 * does not tell what decides, or it is not known what the configuration says of it. They have
 * a name and documentation as rules have, so that `migvet rules` explains every name that a finding can carry, and no
 * check.
 */
#pragma once

#include "policy/rule.h"

extern const struct mv_rule mv_notice_admission, mv_notice_instancetype, mv_notice_cluster_unread,
        mv_notice_out_of_memory, mv_notice_configuration;
