/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask `migvet serve` for verdicts: what `verdicts` of the configuration says, with the tokens and the authorities of
 * its files, kept in step with all of them. It owns the slot that requests are judged by.
 *
 * A token file that is gone, or has no token any more, lets nobody in: that is how tokens are revoked. Otherwise a file that
 * cannot be read leaves what it held before in force; where the configuration names another one, nothing of the old one stays.
 */
#pragma once

#include "certs/watch.h"
#include "cli/config.h"
#include "webhook/access.h"

/* What can be wrong, each for itself. */
enum mv_verdicts_problem {
        MV_PROBLEM_TOKENS,
        MV_PROBLEM_AUTHORITIES,
        MV_PROBLEM_CONFIGURATION,
        MV_PROBLEMS,
};

struct mv_serve_verdicts {
        struct mv_config_watch *configs;
        struct mv_trust_slot *client_ca; /* of --client-ca, or NULL */
        const struct mv_logger *logger;
        struct mv_access_slot slot;

        /* Of the thread that tends. */
        unsigned long long generation; /* of the configuration that is in force here */
        char *token_file, *ca_file;    /* NULL: none */
        struct mv_file_stamp stamp;    /* of the token file, at the last look */
        uint64_t found;                /* what that look found, as a number */
        struct mv_str tokens;          /* in force; wiped when it goes */
        struct mv_trust_slot trust;    /* of ca_file */
        struct mv_certs_watch trust_watch;

        pthread_mutex_t lock;
        char problems[MV_PROBLEMS][512]; /* under the lock; "" while all is well */
};

/* configs, client_ca and logger must outlive it. */
void mv_serve_verdicts_init(struct mv_serve_verdicts *verdicts, struct mv_config_watch *configs,
                            struct mv_trust_slot *client_ca, const struct mv_logger *logger);
/* Fill the slot; what is wrong with the files is an error. */
int mv_serve_verdicts_start(struct mv_serve_verdicts *verdicts, struct mv_err *err);
/* Take up what changed: every half second, from one thread. What fails is logged. */
void mv_serve_verdicts_tend(struct mv_serve_verdicts *verdicts);
/* No request may be under way. It may be all zero. */
void mv_serve_verdicts_done(struct mv_serve_verdicts *verdicts);

/* For struct mv_health_check; context is the verdicts. Any thread. */
bool mv_serve_verdicts_ready(void *context, struct mv_buf *remark);
