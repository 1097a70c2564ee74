/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of `migvet serve`: a thread that judges what `migvet check` judges, again and again, and says which verdicts
 * have changed and why: in the log, the metrics, as Kubernetes Events, in reports, and to receivers. Where there is a Lease
 * only its holder does it. It borrows a snapshot for moments, so that old ones can go, and never holds up an admission.
 *
 * It also owns the writer of Events, which the reviewer has something for, too, whether this replica leads or not.
 */
#pragma once

#include "cli/config.h"
#include "cluster/kube/events.h"
#include "cluster/store.h"
#include "policy/review.h"

struct mv_serve_audit;

/* Told to receivers; cli/serve_delivery.h has it. */
struct mv_audit_delivery {
        /* The current verdict on an object. Returns 0, or an error that was told already. */
        int (*send)(void *context, const struct mv_config *config, const struct mv_verdict *verdict,
                    struct mv_str id, struct mv_str level, struct mv_err *err);
        void *context;
};

struct mv_serve_audit_options {
        struct mv_store *store; /* outlives the audit, as all that is borrowed here */
        struct mv_config_watch *configs;
        struct mv_str version; /* --kubevirt-version, or "" */
        /* The cluster that is judged; NULL: files are, and neither Events nor reports are written. */
        const struct mv_kube_config *kube;
        const char *replica;
        const struct mv_logger *logger;
        bool (*ready)(void *context, struct mv_buf *remark); /* the cluster was read */
        void *ready_context;
        bool (*leads)(void *context); /* NULL: there is nobody else */
        void *leads_context;
        struct mv_audit_delivery delivery; /* send is NULL: there is none */
};

/* Starts the threads. MV_ENOMEM, MV_EIO. On failure, too, mv_serve_audit_stop is to be called. */
int mv_serve_audit_start(const struct mv_serve_audit_options *options, struct mv_serve_audit **ret,
                         struct mv_err *err);
/* Takes NULL; returns NULL. */
struct mv_serve_audit *mv_serve_audit_stop(struct mv_serve_audit *audit);

/* A review was answered so: a migration that was refused is told of on its instance. Any thread. Takes NULL. */
void mv_serve_audit_reviewed(struct mv_serve_audit *audit, const struct mv_review_result *result);

/* For struct mv_collector; context is the audit. */
void mv_serve_audit_collect(void *context, struct mv_buf *out);
