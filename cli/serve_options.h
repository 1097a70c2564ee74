/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `migvet serve`. */
#pragma once

#include "cli/log.h"
#include "cli/serve_cluster.h"
#include "cli/serve_identity.h"

enum mv_log_format { MV_LOG_TEXT, MV_LOG_JSON };

struct mv_serve_options {
        struct mv_serve_cluster_options cluster;
        const char *listen, *management, *config, *version;
        struct mv_serve_identity_options identity;
        struct mv_kube_config_options kube;
        unsigned long long drain_ms;
        enum mv_log_format log_format;
        enum mv_log_level level;
};

extern const char mv_serve_usage[];

/* Returns -1 when the command is to go on, else the exit code; mv_serve_options_done is to be called in any case. */
int mv_serve_options_parse(struct mv_serve_options *options, int argc, char **argv);
void mv_serve_options_done(struct mv_serve_options *options);
