/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports in the cluster, one a namespace: made, patched and deleted, and only those that carry our label. Belongs to one
 * thread, which waits for each answer, and has a client of its own.
 *
 * Where the cluster does not have the API there is nothing to write, which is no error: it is said once, and looked for again
 * with each mv_kube_reports_begin.
 */
#pragma once

#include "cluster/kube/config.h"
#include "cluster/kube/object.h"
#include "cluster/kube/report_left.h"
#include "cluster/kube/report_state.h"
#include "cluster/kube/trouble.h"
#include "policy/audit/report.h"

struct mv_kube_reports {
        const struct mv_kube_config *config; /* borrowed */
        const struct mv_logger *logger;
        enum mv_reports api;
        struct mv_kube_caller caller;
        atomic_bool cancel;
        struct mv_report_state state;
        bool usable; /* the reports of the cluster are known */
        bool absent; /* the cluster does not have the API */
        struct mv_trouble trouble;
        struct mv_report_left left; /* of APIs that are not in use any more */
        struct mv_trouble tidying;  /* of these, which is no trouble of the one in use */
        unsigned long long written, deleted, failed;
};

void mv_kube_reports_init(struct mv_kube_reports *reports, const struct mv_kube_config *config,
                          const struct mv_logger *logger);
void mv_kube_reports_done(struct mv_kube_reports *reports);

/* Find out which reports there are, of that API, and delete ours of those that were named here before. False: there is nothing to
 * be written now. */
bool mv_kube_reports_begin(struct mv_kube_reports *reports, enum mv_reports api);
/* Make the namespace's report say this, unless it does. False: what the API server answered makes others hopeless, too. */
bool mv_kube_reports_write(struct mv_kube_reports *reports, const struct mv_report *report);
/* Delete that of a namespace, if there is one. Likewise. */
bool mv_kube_reports_delete(struct mv_kube_reports *reports, struct mv_str namespace);
/* Any thread: end a request that is under way, and all that follow. */
void mv_kube_reports_cancel(struct mv_kube_reports *reports);
