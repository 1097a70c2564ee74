/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single objects, asked for by name: what a review needs and the watch has not brought yet. Belongs to the thread that
 * drives the client; cluster/kube/watch.h lets other threads in.
 *
 * What always holds: what a GET brings is put only while the watch has nothing of that name and has told of nothing
 * meanwhile; and it goes again after a minute, unless the watch has told of it by then. So the watch has the last word.
 */
#pragma once

#include "cluster/kube/ask.h"
#include "cluster/kube/informers.h"

struct mv_kube_fetch;

/* client, live and informers outlive it. publish makes what was put visible; it is called only for an answer that says that
 * something was found, and false, when it could not, makes "not known" of that. NULL when out of memory. */
struct mv_kube_fetch *mv_kube_fetch_new(struct mv_kube_client *client, struct mv_live *live,
                                        bool (*publish)(void *context), void *context);
/* Questions that are open are answered with what is known. Takes NULL; returns NULL. */
struct mv_kube_fetch *mv_kube_fetch_free(struct mv_kube_fetch *fetch);
/* Which versions there are, and who is told which kinds to name. */
void mv_kube_fetch_use(struct mv_kube_fetch *fetch, struct mv_kube_informers *informers);

/* Begin. Takes the question. */
void mv_kube_fetch_begin(struct mv_kube_fetch *fetch, struct mv_kube_ask *ask);
/* Answer what can be answered, and what must be. Returns when to call this again (mv_clock_ms). */
long long mv_kube_fetch_step(struct mv_kube_fetch *fetch, long long now_ms);
/* The watch has told of this object: `named` of the informers. */
void mv_kube_fetch_named(struct mv_kube_fetch *fetch, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name);
