/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of Kubernetes Events: a thread with a client of its own, and the queue in front of it (event_queue.h). Who has
 * something to say never waits for the API server.
 */
#pragma once

#include "cluster/kube/config.h"
#include "cluster/kube/event_queue.h"
#include "policy/base/log.h"

struct mv_kube_events;

struct mv_kube_events_options {
        const struct mv_kube_config *config; /* outlives the writer, as all that is borrowed here */
        const char *instance;                /* this replica */
        const struct mv_logger *logger;
};

/* Starts the thread. The API need not be there. MV_ENOMEM, MV_EIO. */
int mv_kube_events_start(const struct mv_kube_events_options *options, struct mv_kube_events **ret,
                         struct mv_err *err);
/* Any thread. What has no room is dropped, and counted. */
void mv_kube_events_put(struct mv_kube_events *events, const struct mv_event *event);
/* Any thread. */
void mv_kube_events_count(struct mv_kube_events *events, struct mv_event_counts *ret);
/* Ends the thread; what waits is not written. Takes NULL; returns NULL. */
struct mv_kube_events *mv_kube_events_stop(struct mv_kube_events *events);
