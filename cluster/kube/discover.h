/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a server, again and again, which of the kinds it has (cluster/kube/discovery.h). Driven by its owner, who runs the
 * client; belongs to that thread.
 */
#pragma once

#include "cluster/kube/client.h"
#include "cluster/kube/discovery.h"

#include <stdint.h>

struct mv_kube_discover;

/* changed is called when an answer is complete, also when it is as before. It may call functions of the client that `done`
 * may call. NULL when out of memory. */
struct mv_kube_discover *mv_kube_discover_new(struct mv_kube_client *client, uint64_t kinds,
                                              void (*complete)(void *context), void *context);
/* Takes NULL; returns NULL. */
struct mv_kube_discover *mv_kube_discover_free(struct mv_kube_discover *discover);

/* Ask when it is due. Returns when to call this again, LLONG_MAX while an answer is awaited. */
long long mv_kube_discover_step(struct mv_kube_discover *discover, long long now_ms);
/* Ask again then, or earlier when that was said since the last question. */
void mv_kube_discover_again(struct mv_kube_discover *discover, long long at_ms);

/* As of the last complete answer. */
const struct mv_kube_discovery *mv_kube_discover_current(const struct mv_kube_discover *discover);
/* Discovery is forbidden to us: the version is the best one that there may be, and maybe there is another, or none. */
bool mv_kube_discover_is_guess(const struct mv_kube_discover *discover, enum mv_kind kind);
/* Answers that were complete so far. */
unsigned long long mv_kube_discover_answers(const struct mv_kube_discover *discover);
/* Questions in a row that failed, and why the last one did; 0: all is well. */
unsigned mv_kube_discover_failures(const struct mv_kube_discover *discover, const struct mv_err **ret_err);
