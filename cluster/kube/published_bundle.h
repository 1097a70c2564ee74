/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caBundle of the ValidatingWebhookConfiguration and the MutatingWebhookConfiguration of one name: read again and
 * again, kept right by the leader, and asked whether it believes what we serve. One that does not exist is passed
 * over until it appears; one that cert-manager keeps is only read. Belongs to one thread.
 */
#pragma once

#include "cluster/kube/object.h"
#include "cluster/kube/trouble.h"
#include "cluster/kube/webhook_configuration.h"

enum { MV_CONFIGURATIONS = 2 };

struct mv_published_bundle {
        struct mv_kube_caller *caller; /* borrowed */
        struct mv_str name;            /* borrowed */
        struct mv_arena arenas[MV_CONFIGURATIONS];
        struct mv_webhook_configuration configurations[MV_CONFIGURATIONS];
        bool known; /* all were read the last time that was tried */
        struct mv_trouble reading[MV_CONFIGURATIONS], writing[MV_CONFIGURATIONS];
};

void mv_published_bundle_init(struct mv_published_bundle *published, struct mv_kube_caller *caller,
                              struct mv_str name, const struct mv_logger *logger);
void mv_published_bundle_done(struct mv_published_bundle *published);

/* What could not be read stays as it was. */
void mv_published_bundle_read(struct mv_published_bundle *published);
/* How many configurations there are. */
size_t mv_published_bundle_count(const struct mv_published_bundle *published);
/* Why one could not be read; "" when all were. */
const char *mv_published_bundle_problem(const struct mv_published_bundle *published);
/* All were read, and every webhook believes these authorities. */
bool mv_published_bundle_trusts(const struct mv_published_bundle *published, struct mv_str authorities);
/* For the leader: write the bundle where it differs; true when something was written. */
bool mv_published_bundle_write(struct mv_published_bundle *published, struct mv_str bundle);
/* Shake hands with our own listener as the API server would for each webhook. 0, or what it would not believe; 0, too,
 * when there is no webhook. */
int mv_published_bundle_probe(const struct mv_published_bundle *published, const char *address, unsigned port,
                              struct mv_err *err);
