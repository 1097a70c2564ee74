/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confirms what the snapshot says of single objects: the API server is asked for each, and the answer given when what the watch
 * has brought is as new as that. Belongs to the thread that drives the client; cluster/kube/watch.h lets other threads in.
 *
 * What always holds: each object is asked for after the question came, and nothing that is known is changed by the answer. The
 * watch brings what is newer, as always; only an object that it has not told of at all is fetched (cluster/kube/fetch.h).
 */
#pragma once

#include "cluster/kube/fetch.h"

struct mv_kube_confirm;

/* client, live and fetch outlive it. publish makes what is known visible; where it cannot, nothing is confirmed. NULL when out of
 * memory. */
struct mv_kube_confirm *mv_kube_confirm_new(struct mv_kube_client *client, struct mv_live *live,
                                            struct mv_kube_fetch *fetch, bool (*publish)(void *context),
                                            void *context);
/* Questions that are open are answered with "not known". Takes NULL; returns NULL. */
struct mv_kube_confirm *mv_kube_confirm_free(struct mv_kube_confirm *confirm);
/* Which versions there are. */
void mv_kube_confirm_use(struct mv_kube_confirm *confirm, struct mv_kube_informers *informers);

/* Begin. Takes the question. */
void mv_kube_confirm_begin(struct mv_kube_confirm *confirm, struct mv_kube_ask *ask);
/* Answer what can be answered, and what must be. Returns when to call this again (mv_clock_ms). */
long long mv_kube_confirm_step(struct mv_kube_confirm *confirm, long long now_ms);
