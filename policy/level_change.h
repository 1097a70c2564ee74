/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody changes a level label of a namespace: he is told which VMs of it break the new level already, as far as they can be
 * judged in the time that there is. Nothing is refused, and what is there stays.
 *
 * VMs count, and instances that no VM controls. They are judged as they would be on their next update, without exemptions.
 */
#pragma once

#include "policy/review.h"

/* The request is an update of a Namespace. */
bool mv_request_is_of_namespace(const struct mv_review_request *request);

/* Add the warnings to decision. in->snapshot may be NULL. */
void mv_review_level_change(const struct mv_review_input *in, const struct mv_review_request *asked,
                            struct mv_decision *decision);
