/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet certs`: make, show and renew the webhook's TLS identity in a directory. */
#include "certs/authority.h"
#include "certs/certificate.h"
#include "certs/file.h"
#include "certs/names.h"
#include "certs/rotation.h"
#include "certs/store_dir.h"
#include "cli/certs_secret.h"
#include "cli/certs_view.h"
#include "cli/flags.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
        "Usage: migvet certs create|show|rotate --certs DIR [flags]\n"
        "       migvet certs show|rotate --certs-secret NAME [-n NAMESPACE] [flags]\n"
        "\n"
        "The TLS identity of `migvet serve --certs DIR`. The directory holds ca.crt and\n"
        "ca.key (the authority) and tls.crt and tls.key (the server's certificate).\n"
        "`serve` makes and renews them by itself; this command is for making them\n"
        "beforehand, looking at them and renewing them at once. A running `serve` takes\n"
        "up new files.\n"
        "\n"
        "  create   make an authority (10 years) and a certificate (1 year); refuses when\n"
        "           there is one already\n"
        "  show     print names, validity and fingerprints; exit code 1 when something is\n"
        "           wrong with them\n"
        "  rotate   in a directory: make a new certificate now, with --ca also a new\n"
        "           authority; ca.crt keeps the old one until none of its certificates\n"
        "           can be alive. In a Secret: ask the running replicas for a new\n"
        "           authority; they publish it, put it in use and sign new certificates,\n"
        "           in that order\n"
        "\n"
        "Flags:\n"
        "      --certs DIR          the directory; create makes it when it is missing\n"
        "      --dns NAME[,NAME...] DNS names of the server, repeatable. create: default\n"
        "                           localhost, migvet, migvet.migvet.svc; rotate:\n"
        "                           default those of the present certificate\n"
        "      --ip ADDR[,ADDR...]  IP addresses, repeatable; default 127.0.0.1 and ::1,\n"
        "                           likewise\n"
        "      --ca                 rotate: a new authority too\n"
        "      --certs-secret NAME  the Secret of `migvet serve --certs-secret NAME`, in\n"
        "                           the cluster\n"
        "  -n, --namespace NAME     its namespace (default: that of the kubeconfig's\n"
        "                           context)\n"
        "      --kubeconfig FILE    (default: $KUBECONFIG, ~/.kube/config, or the pod's\n"
        "                           service account)\n"
        "      --context NAME       of the kubeconfig (default: its current one)\n"
        "  -o, --output FORMAT      table (default) or json\n"
        "  -h, --help               this text\n"
        "\n"
        "Exit codes: 0 done, 1 show found something wrong, 2 a wrong command line or\n"
        "unusable files, 3 the cluster could not be reached.\n";

enum action { CREATE, SHOW, ROTATE };
enum output { TABLE, JSON };

struct options {
        enum action action;
        const char *directory;
        struct mv_names names;
        enum output output;
        bool ca, json;
        struct mv_certs_secret_options secret; /* with its name: instead of a directory */
};

enum { AUTHORITIES_MAX = 32, PROBLEMS_MAX = 8 };

struct report {
        const char *directory;
        time_t now;
        struct mv_certificate_view authorities[AUTHORITIES_MAX];
        size_t n_authorities;
        struct mv_certificate_view leaf;
        char *key_file, *ca_key_file; /* ca_key_file is NULL when there is none */
        time_t renewal;               /* of the leaf; 0 when somebody else renews it */
        char problems[PROBLEMS_MAX][160];
        size_t n_problems;
};

static void report_done(struct report *report) {
        for (size_t i = 0; i < report->n_authorities; i++)
                mv_certificate_view_done(&report->authorities[i]);
        mv_certificate_view_done(&report->leaf);
        free(report->key_file);
        free(report->ca_key_file);
}

static void add_problem(struct report *report, const char *text) {
        if (report->n_problems < PROBLEMS_MAX)
                snprintf(report->problems[report->n_problems++], sizeof report->problems[0], "%s", text);
}

static void check_time(struct report *report, const char *what, const struct mv_certificate_view *view) {
        char text[160];
        if (mv_certificate_view_problem(view, what, report->now, text, sizeof text))
                add_problem(report, text);
}

/* A file of the directory as a list of certificates. */
static int read_certificates(const char *path, struct mv_cert_list *ret, struct mv_err *err) {
        struct mv_file file;
        int r = mv_file_read(path, &file, err);
        if (r < 0)
                return r;
        r = mv_cert_list_parse(mv_file_str(&file), ret, err);
        mv_file_done(&file);
        return r < 0 ? mv_err_in_file(err, path, r) : 0;
}

static int read_key(const char *path, gnutls_privkey_t *ret, struct mv_err *err) {
        struct mv_file file;
        int r = mv_file_read(path, &file, err);
        if (r < 0)
                return r;
        r = mv_key_parse(mv_file_str(&file), ret, err);
        mv_file_done(&file);
        return r < 0 ? mv_err_in_file(err, path, r) : 0;
}

static int report_authorities(struct report *report, const char *path, const struct mv_cert_list *list,
                              struct mv_err *err) {
        gnutls_privkey_t key = NULL;
        int r = read_key(report->ca_key_file, &key, err);
        if (r == MV_ENOTFOUND) { /* somebody else renews these files */
                free(report->ca_key_file);
                report->ca_key_file = NULL;
        } else if (r < 0)
                return r;
        r = 0;
        int in_use = key ? mv_cert_list_find_key(list, key) : -1;
        if (key && in_use < 0)
                add_problem(report, MV_STORE_CA_KEY " belongs to no certificate of " MV_STORE_CA_CERTIFICATE);
        if (key)
                gnutls_privkey_deinit(key);
        for (unsigned i = 0; r >= 0 && i < list->n && i < AUTHORITIES_MAX; i++) {
                struct mv_certificate_view *view = &report->authorities[report->n_authorities++];
                r = mv_certificate_view_make(list->certs[i], path, view, err);
                view->in_use = (int)i == in_use;
                if (view->in_use)
                        check_time(report, "the authority", view);
        }
        return r;
}

static int report_leaf(struct report *report, const char *path, const struct mv_cert_list *leaf,
                       const struct mv_cert_list *authorities, struct mv_err *err) {
        gnutls_privkey_t key;
        int r = mv_certificate_view_make(leaf->certs[0], path, &report->leaf, err);
        if (r < 0)
                return r;
        check_time(report, "the certificate", &report->leaf);
        bool signed_by_one = authorities->n == 0; /* a Secret without ca.crt: nothing to compare with */
        for (unsigned i = 0; i < authorities->n; i++)
                for (unsigned k = 0; k < leaf->n; k++)
                        signed_by_one =
                                signed_by_one || mv_cert_signed_by(leaf->certs[k], authorities->certs[i]);
        if (!signed_by_one)
                add_problem(report, "the certificate was signed by no authority of " MV_STORE_CA_CERTIFICATE);
        r = read_key(report->key_file, &key, err);
        if (r < 0)
                return r;
        if (!mv_cert_has_key(leaf->certs[0], key))
                add_problem(report, MV_STORE_CERTIFICATE " and " MV_STORE_KEY " do not match");
        gnutls_privkey_deinit(key);
        if (report->ca_key_file)
                report->renewal = mv_rotation_renewal(&report->leaf.validity);
        return 0;
}

static int make_report(const char *directory, struct report *report, struct mv_err *err) {
        struct mv_cert_list authorities = { 0 }, leaf = { 0 };
        char *ca_path = mv_path_join(directory, MV_STORE_CA_CERTIFICATE);
        char *path = mv_path_join(directory, MV_STORE_CERTIFICATE);
        *report = (struct report){
                .directory = directory,
                .now = time(NULL),
                .key_file = mv_path_join(directory, MV_STORE_KEY),
                .ca_key_file = mv_path_join(directory, MV_STORE_CA_KEY),
        };
        int r = ca_path && path && report->key_file && report->ca_key_file ? 0 : mv_err_oom(err);
        if (r >= 0)
                r = read_certificates(path, &leaf, err);
        if (r >= 0) {
                struct mv_err local = { 0 };
                r = read_certificates(ca_path, &authorities, &local);
                if (r == MV_ENOTFOUND && !mv_file_stamp(report->ca_key_file).exists)
                        r = 0;
                else if (r < 0)
                        *err = local;
        }
        if (r >= 0)
                r = report_authorities(report, ca_path, &authorities, err);
        if (r >= 0)
                r = report_leaf(report, path, &leaf, &authorities, err);
        mv_cert_list_done(&leaf);
        mv_cert_list_done(&authorities);
        free(ca_path);
        free(path);
        return r;
}

static void print_table(const struct report *report) {
        char when[MV_TIME_TEXT];
        printf("Server certificate\n  File         %s\n  Key          %s\n", report->leaf.file,
               report->key_file);
        mv_certificate_view_print(&report->leaf, report->now);
        if (report->renewal)
                printf("  Renewal      %s\n", mv_time_format(report->renewal, when));
        else
                printf("  Renewal      not by migvet: there is no " MV_STORE_CA_KEY "\n");
        for (size_t i = 0; i < report->n_authorities; i++) {
                const struct mv_certificate_view *view = &report->authorities[i];
                printf("\nAuthority %zu of %zu%s\n  File         %s\n", i + 1, report->n_authorities,
                       view->in_use ? ", in use" : "", view->file);
                if (view->in_use)
                        printf("  Key          %s\n", report->ca_key_file);
                mv_certificate_view_print(view, report->now);
        }
        for (size_t i = 0; i < report->n_problems; i++)
                printf("%sProblem: %s\n", i ? "" : "\n", report->problems[i]);
}

static struct json_object *texts_to_json(char *const *texts, size_t n) {
        struct json_object *list = json_object_new_array();
        for (size_t i = 0; i < n; i++)
                json_object_array_add(list, json_object_new_string(texts[i]));
        return list;
}

static void print_json(const struct report *report) {
        char text[MV_TIME_TEXT];
        struct json_object *o = json_object_new_object();
        struct json_object *leaf = mv_certificate_view_json(&report->leaf, report->now);
        struct json_object *authorities = json_object_new_array();
        struct json_object *problems = json_object_new_array();
        json_object_object_add(o, "directory", json_object_new_string(report->directory));
        json_object_object_add(leaf, "keyFile", json_object_new_string(report->key_file));
        json_object_object_add(leaf, "dnsNames",
                               texts_to_json(report->leaf.names.dns, report->leaf.names.n_dns));
        json_object_object_add(leaf, "ipAddresses",
                               texts_to_json(report->leaf.names.ips, report->leaf.names.n_ips));
        if (report->renewal)
                json_object_object_add(leaf, "renewal",
                                       json_object_new_string(mv_time_format(report->renewal, text)));
        json_object_object_add(o, "certificate", leaf);
        for (size_t i = 0; i < report->n_authorities; i++) {
                const struct mv_certificate_view *view = &report->authorities[i];
                struct json_object *one = mv_certificate_view_json(view, report->now);
                json_object_object_add(one, "inUse", json_object_new_boolean(view->in_use));
                if (view->in_use)
                        json_object_object_add(one, "keyFile", json_object_new_string(report->ca_key_file));
                json_object_array_add(authorities, one);
        }
        json_object_object_add(o, "authorities", authorities);
        for (size_t i = 0; i < report->n_problems; i++)
                json_object_array_add(problems, json_object_new_string(report->problems[i]));
        json_object_object_add(o, "problems", problems);
        puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
}

/* No cluster was asked: whatever failed, it was the command line or the files. */
static int fail(const struct mv_err *err) {
        mv_cli_error(&mv_command_certs, err);
        return MV_EXIT_USAGE;
}

static int show(const struct options *options) {
        struct mv_err err = { 0 };
        struct report report;
        int r = make_report(options->directory, &report, &err);
        if (r >= 0) {
                if (options->json)
                        print_json(&report);
                else
                        print_table(&report);
        }
        r = r < 0 ? fail(&err) : report.n_problems ? MV_EXIT_FOUND : MV_EXIT_OK;
        report_done(&report);
        return r;
}

/* What was not given: the present certificate's names for rotate, else the defaults. */
static int complete_names(struct options *options, struct mv_err *err) {
        struct mv_names present;
        mv_names_init(&present);
        int r = 0;
        if (options->action == ROTATE) {
                struct mv_cert_list list;
                char *path = mv_path_join(options->directory, MV_STORE_CERTIFICATE);
                if (!path)
                        return mv_err_oom(err);
                if (read_certificates(path, &list, NULL) >= 0) {
                        r = mv_cert_names(list.certs[0], &present, err);
                        mv_cert_list_done(&list);
                }
                free(path);
        }
        bool any = present.n_dns + present.n_ips > 0;
        if (options->names.n_dns > 0) {
                for (size_t i = 0; i < present.n_dns; i++)
                        free(present.dns[i]);
                present.n_dns = 0;
        } else if (r >= 0 && !any)
                r = mv_names_add_default_dns(&options->names, err);
        if (options->names.n_ips > 0) {
                for (size_t i = 0; i < present.n_ips; i++)
                        free(present.ips[i]);
                present.n_ips = 0;
        } else if (r >= 0 && !any)
                r = mv_names_add_default_ips(&options->names, err);
        if (r >= 0)
                r = mv_names_add_all(&options->names, &present, err);
        mv_names_done(&present);
        return r;
}

static int make(struct options *options) {
        struct mv_err err = { 0 };
        int r = complete_names(options, &err);
        if (r >= 0 && options->action == CREATE)
                r = mv_store_dir_create(options->directory, &options->names, time(NULL), &err);
        else if (r >= 0)
                r = mv_store_dir_rotate(options->directory, &options->names, options->ca, time(NULL), &err);
        return r < 0 ? fail(&err) : show(options);
}

static bool is_object_name(const char *text) {
        return text[0] && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static int check_secret(struct options *options) {
        const struct mv_command *command = &mv_command_certs;
        const struct mv_certs_secret_options *secret = &options->secret;
        if (options->action == CREATE)
                return mv_cli_usage_error(command,
                                          "`serve --certs-secret` makes the Secret; create is for --certs");
        if (options->directory || options->ca || options->names.n_dns + options->names.n_ips > 0)
                return mv_cli_usage_error(command,
                                          "--certs, --ca, --dns and --ip do not go with --certs-secret");
        if (!is_object_name(secret->name))
                return mv_cli_usage_error(command, "--certs-secret \"%s\" is no name of an object",
                                          secret->name);
        if (secret->namespace && !is_object_name(secret->namespace))
                return mv_cli_usage_error(command, "--namespace \"%s\" is no name of an object",
                                          secret->namespace);
        options->secret.json = options->json;
        return -1;
}

static int check_options(struct options *options) {
        const struct mv_command *command = &mv_command_certs;
        if (options->secret.name)
                return check_secret(options);
        if (options->secret.namespace || options->secret.kube.kubeconfig || options->secret.kube.context)
                return mv_cli_usage_error(command,
                                          "--namespace, --kubeconfig and --context are for --certs-secret");
        if (!options->directory || !*options->directory)
                return mv_cli_usage_error(command, "--certs DIR or --certs-secret NAME is needed");
        if (options->ca && options->action != ROTATE)
                return mv_cli_usage_error(command, "--ca is for rotate");
        if (options->action == SHOW && options->names.n_dns + options->names.n_ips > 0)
                return mv_cli_usage_error(command, "--dns and --ip are for create and rotate");
        return -1;
}

static int take_dns(const struct mv_command *command, void *target, const char *value) {
        struct options *options = target;
        return mv_flags_take_names(command, "--dns", true, &options->names, value);
}

static int take_ip(const struct mv_command *command, void *target, const char *value) {
        struct options *options = target;
        return mv_flags_take_names(command, "--ip", false, &options->names, value);
}

static const char *const outputs[] = { "table", "json", NULL };

#define ROW(name_, letter_, kind_, member_) MV_FLAG_ROW(name_, letter_, kind_, struct options, member_)
static const struct mv_flag flags[] = {
        MV_FLAG_ROW_HELP,
        ROW("certs", 0, TEXT, directory),
        MV_FLAG_ROW_TAKE("dns", 0, take_dns),
        MV_FLAG_ROW_TAKE("ip", 0, take_ip),
        ROW("ca", 0, SWITCH, ca),
        ROW("certs-secret", 0, TEXT, secret.name),
        ROW("namespace", 'n', TEXT, secret.namespace),
        ROW("kubeconfig", 0, TEXT, secret.kube.kubeconfig),
        ROW("context", 0, TEXT, secret.kube.context),
        { .name = "output",
          .letter = 'o',
          .type = MV_FLAG_CHOICE,
          .offset = offsetof(struct options, output),
          .choices = outputs },
};

/* Returns -1 when the options are complete, else an exit code. */
static int parse(int argc, char **argv, struct options *options) {
        const struct mv_command *command = &mv_command_certs;
        int first;
        int code = mv_flags_parse(command, flags, sizeof flags / sizeof *flags, options, argc, argv, &first);
        if (code >= 0)
                return code;
        options->json = options->output == JSON;
        if (first >= argc)
                return mv_cli_usage_error(command, "say what to do: create, show or rotate");
        if (first + 1 < argc)
                return mv_cli_usage_error(command, "unexpected argument %s", argv[first + 1]);
        const char *action = argv[first];
        if (strcmp(action, "create") == 0)
                options->action = CREATE;
        else if (strcmp(action, "show") == 0)
                options->action = SHOW;
        else if (strcmp(action, "rotate") == 0)
                options->action = ROTATE;
        else
                return mv_cli_usage_error(command, "unknown action %s: it is create, show or rotate", action);
        return check_options(options);
}

static int in_secret(const struct options *options) {
        struct mv_err err = { 0 };
        int code = options->action == SHOW ? mv_certs_secret_show(&options->secret, &err)
                                           : mv_certs_secret_rotate(&options->secret, &err);
        if (err.code)
                mv_cli_error(&mv_command_certs, &err);
        return code;
}

static int run(int argc, char **argv) {
        struct options options = { 0 };
        int r = parse(argc, argv, &options);
        if (r < 0 && options.secret.name)
                r = in_secret(&options);
        else if (r < 0)
                r = options.action == SHOW ? show(&options) : make(&options);
        mv_names_done(&options.names);
        return r;
}

const struct mv_command mv_command_certs = {
        .name = "certs",
        .summary = "make, show and renew the webhook's TLS identity",
        .usage = usage,
        .run = run,
};
