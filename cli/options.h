/* SPDX-License-Identifier: Apache-2.0 */
/* The flags that mean the same in every command that reads objects. */
#pragma once

#include "cli/cli.h"
#include "policy/config/config.h"
#include "policy/object/selector.h"
#include "policy/verdict.h"

enum mv_fail_on { MV_FAIL_ON_BLOCKER, MV_FAIL_ON_UNKNOWN, MV_FAIL_ON_RISK, MV_FAIL_ON_NEVER };
enum mv_color { MV_COLOR_AUTO, MV_COLOR_ALWAYS, MV_COLOR_NEVER };

/* Which flags a command takes beside --help. */
enum {
        MV_OPTION_FILES = 1 << 0,   /* -f, -R, -n, --kubeconfig, --context, -v */
        MV_OPTION_SELECT = 1 << 1,  /* -A, -l */
        MV_OPTION_OUTPUT = 1 << 2,  /* -o */
        MV_OPTION_VERSION = 1 << 3, /* --kubevirt-version */
        MV_OPTION_FAIL_ON = 1 << 4, /* --fail-on */
        MV_OPTION_COLOR = 1 << 5,   /* --color */
        MV_OPTION_MUTATE = 1 << 6,  /* --mutate */
        MV_OPTION_NODES = 1 << 7,   /* --node-selector, --baseline */
        MV_OPTION_DRAIN = 1 << 8,   /* --step, --one-by-one, --link-bandwidth, --dirty-rate */
        MV_OPTION_SERVER = 1 << 9,  /* --server, --ca-file */
        MV_OPTION_CONFIG = 1 << 10, /* --config */
};

struct mv_options {
        const char **filenames; /* of argv; n_filenames of them */
        size_t n_filenames;
        bool recursive;
        bool verbose;          /* say on stderr what is read */
        const char *namespace; /* NULL when not given; on a live cluster that of the context then */
        const char *kubeconfig, *context; /* NULL when not given */
        bool all_namespaces;
        struct mv_selector *selector; /* NULL when not given */
        const char *output;           /* NULL when not given */
        const char *kubevirt_version; /* NULL when not given */
        const char *config_file;      /* NULL when not given */
        struct mv_config config;      /* of that file, or as shipped */
        enum mv_fail_on fail_on;
        enum mv_color color;
        bool mutate;
        const char *server, *ca_file; /* NULL when not given */
        bool baseline;
        struct mv_selector *node_selector; /* NULL when not given */
        char **models;                     /* CPU models among the arguments; n_models of them */
        size_t n_models;
        bool step, one_by_one;
        bool lines; /* no flag, but the command: keep where the objects of files stand */
        const char *link_bandwidth, *dirty_rate; /* NULL when not given */
        char **arguments;                        /* what is no flag */
        size_t n_arguments;
        struct mv_arena arena; /* of the selectors and the configuration */
};

/* Returns -1 when the command is to go on (then mv_options_done), else the exit code: a wrong flag was reported, or
 * the help was printed. */
int mv_options_parse(const struct mv_command *command, int argc, char **argv, unsigned taken,
                     struct mv_options *ret);
void mv_options_done(struct mv_options *options);
/* -1 when it is a version of KubeVirt, else the exit code: it was told. */
int mv_options_check_version(const struct mv_command *command, const char *value);

/* How they are explained, in the help of every command that takes MV_OPTION_FILES. */
#define MV_USAGE_CLUSTER                                                                     \
        "  -f, --filename FILE|DIR|-     manifests that are the cluster (YAML or JSON,\n"    \
        "                                List kinds unpacked), repeatable; without it the\n" \
        "                                live cluster is asked\n"                            \
        "  -R, --recursive               directories with what is below them\n"              \
        "      --kubeconfig FILE         which cluster (default: $KUBECONFIG,\n"             \
        "                                ~/.kube/config, the pod's service account)\n"       \
        "      --context NAME            of the kubeconfig (default: its current one)\n"     \
        "  -v, --verbose                 say on stderr what is read, and how long that\n"    \
        "                                takes\n"

/* Colour is wanted on that stream: --color, NO_COLOR, and whether it is a terminal. */
bool mv_options_color(const struct mv_options *options, int fd);

/* The finding is at or above --fail-on; and: the verdict holds one that is. */
bool mv_options_fails_on(const struct mv_options *options, const struct mv_finding *finding);
bool mv_options_fails(const struct mv_options *options, const struct mv_verdict *verdict);
