/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node selector that a migration can be given so that it goes only where it fits (fillNodeSelector): one label that all
 * nodes which could ever take the instance carry, and no other node but the one that it leaves. A CPU model comes first,
 * then the zone.
 *
 * What is full or cordoned now can be free in a moment, so only obstacles that last count.
 */
#pragma once

#include "policy/nodes/nodefit.h"

/* False when there is no such label, or no need of one, or it is not known which nodes can take the instance. */
bool mv_narrow(struct mv_arena *arena, const struct mv_fit *fit, struct mv_pair *ret);
