/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve_options.h"

#include "cli/flags.h"
#include "cli/options.h"
#include "webhook/address.h"

#include <stdlib.h>
#include <string.h>

const char mv_serve_usage[] =
        "Usage: migvet serve [-f FILE|DIR] [flags]\n"
        "\n"
        "Runs the HTTPS admission webhook. Without -f it lists and watches the live\n"
        "cluster. With -f the cluster is what the files hold: it watches them and sees an\n"
        "edit within a second; a broken file leaves the last good state in force, and\n"
        "/readyz says so. SIGHUP reads the files again, SIGTERM and SIGINT end it without\n"
        "losing an answer.\n"
        "\n"
        "Flags:\n"
        "  -f, --filename FILE|DIR       manifests that are the cluster, repeatable\n"
        "  -R, --recursive               directories with what is below them\n"
        "      --kubeconfig FILE         which live cluster (default: $KUBECONFIG,\n"
        "                                ~/.kube/config, or the pod's service account)\n"
        "      --context NAME            of the kubeconfig (default: its current one)\n"
        "  -n, --namespace NAME          our own namespace (default: the pod's, or that\n"
        "                                of the context); that of objects in files that\n"
        "                                name none (default: `default`)\n"
        "      --listen ADDR:PORT        HTTPS: POST /validate and /mutate (default\n"
        "                                :8443; port 0: any), and /v1alpha1/verdicts\n"
        "                                where --config says so\n"
        "      --management ADDR:PORT    plain HTTP: /livez, /readyz, /metrics (default\n"
        "                                :9443)\n"
        "      --certs DIR               TLS identity in a directory (ca.crt, ca.key,\n"
        "                                tls.crt, tls.key), made on the first start and\n"
        "                                renewed (default: the user's state directory)\n"
        "      --dns NAME[,NAME...]      DNS names of the certificate made in --certs\n"
        "                                (default: localhost, migvet, migvet.migvet.svc),\n"
        "                                repeatable\n"
        "      --cert FILE --key FILE    a TLS identity of your own instead, taken up\n"
        "                                when the files change\n"
        "      --certs-secret NAME       the authority is kept in that Secret of our own\n"
        "                                namespace, made when it is missing, and shared\n"
        "                                by all replicas; each signs its certificate\n"
        "                                itself\n"
        "      --webhook-configuration NAME\n"
        "                                keep the caBundle of the\n"
        "                                ValidatingWebhookConfiguration and the\n"
        "                                MutatingWebhookConfiguration of that name right\n"
        "      --lease NAME              Lease of our own namespace: only its holder\n"
        "                                writes (default: migvet)\n"
        "      --lease-duration DURATION\n"
        "                                how long a holder that is silent keeps it\n"
        "                                (default 15s)\n"
        "      --identity NAME           this replica in the Lease (default: $POD_NAME,\n"
        "                                or the host's name)\n"
        "      --rotation-settle DURATION\n"
        "                                between publishing a new authority and using it\n"
        "                                (default 30s)\n"
        "      --ca-lifetime DURATION    of an authority made in --certs-secret (default\n"
        "                                8760h)\n"
        "      --leaf-lifetime DURATION  of a certificate signed with it (default 720h)\n"
        "      --client-ca FILE          answer only clients with a certificate of these\n"
        "                                authorities\n"
        "      --config FILE             what is asked of VMs, and of whom; taken up when\n"
        "                                the file changes\n"
        "      --kubevirt-version VER    judge as this version of KubeVirt does\n"
        "      --drain DURATION          how long to go on serving after SIGTERM, not\n"
        "                                ready any more, while clients learn of it\n"
        "                                (default 0s; 5s behind a Service)\n"
        "      --log-format FORMAT       text (default) or json, on stderr\n"
        "      --log-level LEVEL         debug, info (default), warning, error\n"
        "  -h, --help                    this text\n"
        "\n"
        "Exit codes: 0 ended by a signal, 2 wrong input or command line, 3 no cluster to\n"
        "read.\n";

enum { LONGEST_DRAIN_MS = 600000, LONGEST_LEASE_MS = 3600000 };
#define LONGEST_LIFE_MS (100ULL * 366 * 24 * 3600 * 1000)

static int take_filename(const struct mv_command *command, void *target, const char *value) {
        struct mv_serve_options *options = target;
        (void)command;
        options->cluster.filenames[options->cluster.n_filenames++] = value;
        return -1;
}

static int take_namespace(const struct mv_command *command, void *target, const char *value) {
        struct mv_serve_options *options = target;
        (void)command;
        options->cluster.namespace = options->identity.namespace = value;
        return -1;
}

static int take_dns(const struct mv_command *command, void *target, const char *value) {
        struct mv_serve_options *options = target;
        return mv_flags_take_names(command, "--dns", true, &options->identity.names, value);
}

static int take_version(const struct mv_command *command, void *target, const char *value) {
        struct mv_serve_options *options = target;
        options->version = value;
        return mv_options_check_version(command, value);
}

static int take_level(const struct mv_command *command, void *target, const char *value) {
        struct mv_serve_options *options = target;
        return mv_log_level_parse(value, &options->level)
                       ? -1
                       : mv_cli_usage_error(
                                 command, "--log-level \"%s\" is none of debug, info, warning, error", value);
}

static const char *const log_formats[] = { "text", "json", NULL };

#define ROW(name_, letter_, kind_, member_) \
        MV_FLAG_ROW(name_, letter_, kind_, struct mv_serve_options, member_)
#define DURATION(name_, most_ms_, member_) \
        MV_FLAG_ROW_DURATION(name_, most_ms_, struct mv_serve_options, member_)
static const struct mv_flag flags[] = {
        MV_FLAG_ROW_HELP,
        MV_FLAG_ROW_TAKE("filename", 'f', take_filename),
        ROW("recursive", 'R', SWITCH, cluster.recursive),
        MV_FLAG_ROW_TAKE("namespace", 'n', take_namespace),
        ROW("kubeconfig", 0, TEXT, kube.kubeconfig),
        ROW("context", 0, TEXT, kube.context),
        ROW("listen", 0, TEXT, listen),
        ROW("management", 0, TEXT, management),
        ROW("certs", 0, TEXT, identity.certs),
        MV_FLAG_ROW_TAKE("dns", 0, take_dns),
        ROW("cert", 0, TEXT, identity.cert),
        ROW("key", 0, TEXT, identity.key),
        ROW("certs-secret", 0, TEXT, identity.secret),
        ROW("webhook-configuration", 0, TEXT, identity.configuration),
        ROW("lease", 0, TEXT, identity.lease),
        DURATION("lease-duration", LONGEST_LEASE_MS, identity.lease_ms),
        ROW("identity", 0, TEXT, identity.replica),
        DURATION("rotation-settle", LONGEST_LEASE_MS, identity.settle_ms),
        DURATION("ca-lifetime", LONGEST_LIFE_MS, identity.ca_ms),
        DURATION("leaf-lifetime", LONGEST_LIFE_MS, identity.leaf_ms),
        ROW("client-ca", 0, TEXT, identity.client_ca),
        ROW("config", 0, TEXT, config),
        MV_FLAG_ROW_TAKE("kubevirt-version", 0, take_version),
        DURATION("drain", LONGEST_DRAIN_MS, drain_ms),
        MV_FLAG_ROW_CHOICE("log-format", log_formats, struct mv_serve_options, log_format),
        MV_FLAG_ROW_TAKE("log-level", 0, take_level),
};

static int check(const struct mv_serve_options *options) {
        for (size_t i = 0; i < options->cluster.n_filenames; i++)
                if (strcmp(options->cluster.filenames[i], "-") == 0)
                        return mv_cli_usage_error(&mv_command_serve,
                                                  "-f - cannot be watched: name files or directories");
        struct mv_address address;
        struct mv_err err = { 0 };
        if (mv_address_parse(options->listen, &address, &err) < 0 ||
            (options->management[0] && mv_address_parse(options->management, &address, &err) < 0))
                return mv_cli_usage_error(&mv_command_serve, "%s", err.message);
        if (mv_serve_identity_check(&options->identity, &err) < 0)
                return mv_cli_usage_error(&mv_command_serve, "%s", err.message);
        return -1;
}

int mv_serve_options_parse(struct mv_serve_options *options, int argc, char **argv) {
        *options = (struct mv_serve_options){
                .cluster = { .filenames = calloc((size_t)argc + 1, sizeof *options->cluster.filenames),
                             .namespace = "default" },
                .listen = ":8443",
                .management = ":9443",
                .level = MV_LOG_INFO,
        };
        mv_names_init(&options->identity.names);
        struct mv_err err = { 0 };
        if (!options->cluster.filenames) {
                mv_err_oom(&err);
                return mv_cli_error(&mv_command_serve, &err);
        }
        int first;
        int code = mv_flags_parse(&mv_command_serve, flags, sizeof flags / sizeof *flags, options, argc, argv,
                                  &first);
        if (code < 0 && first < argc)
                return mv_cli_usage_error(&mv_command_serve, "unexpected \"%s\"", argv[first]);
        return code < 0 ? check(options) : code;
}

void mv_serve_options_done(struct mv_serve_options *options) {
        mv_names_done(&options->identity.names);
        free(options->cluster.filenames);
}
