/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include "cli/log.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cluster/files.h"
#include "certs/clock.h"
#include "cluster/kube/load.h"
#include "policy/kubevirt_config.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void print_note(const struct mv_command *command, struct mv_str note) {
        fprintf(stderr, "%s %s: note: ", mv_cli_program(), command->name);
        mv_text_cell(stderr, note, 0);
        putc('\n', stderr);
}

/* The name is that of a directory which has others in it. */
static bool has_directories(const char *name) {
        DIR *dir = opendir(name);
        bool found = false;
        const struct dirent *entry;
        if (!dir)
                return false;
        while (!found && (entry = readdir(dir))) {
                struct stat st;
                found = entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
                        S_ISDIR(st.st_mode);
        }
        closedir(dir);
        return found;
}

/* An input without any object is a mistake: a build that looks at nothing must not be green. */
static int no_object(const struct mv_command *command, const struct mv_options *options) {
        bool nested = false;
        fprintf(stderr, "%s %s: ", mv_cli_program(), command->name);
        for (size_t i = 0; i < options->n_filenames; i++) {
                const char *name = options->filenames[i];
                nested = nested || (!options->recursive && has_directories(name));
                fputs(i ? ", " : "", stderr);
                mv_text_cell(stderr, mv_str_from(strcmp(name, "-") == 0 ? "<stdin>" : name), 0);
        }
        fprintf(stderr, ": no Kubernetes object is there%s\n",
                nested ? "; add -R to read the directories in it" : "");
        return MV_EXIT_USAGE;
}

static void print_notes(const struct mv_command *command, const struct mv_snapshot *snapshot) {
        size_t n;
        const struct mv_str *notes = mv_snapshot_notes(snapshot, &n);
        for (size_t i = 0; i < n; i++)
                print_note(command, notes[i]);
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        if (config->problem.n)
                print_note(command, config->problem);
}

/* --- files --- */

static int load_files(const struct mv_command *command, const struct mv_options *options,
                      struct mv_input *ret) {
        struct mv_progress progress;
        mv_progress_init(&progress, "reading files");
        const struct mv_files_options files = {
                .names = options->filenames,
                .n_names = options->n_filenames,
                .recursive = options->recursive,
                .ahead = true,
                .lines = options->lines,
                .texts = mv_site_rules_texts(&options->config.site_rules),
                .progress = mv_progress_show,
                .context = &progress,
        };
        struct mv_str namespace = mv_str_from(options->namespace ? options->namespace : "default");
        struct mv_err err = { 0 };
        struct mv_files_counts counts = { 0 };
        long long start = mv_clock_ms();
        int r = mv_files_load(&files, namespace, &ret->files, &counts, &err);
        mv_progress_done(&progress);
        if (r < 0)
                return mv_cli_error(command, &err);
        if (options->verbose)
                fprintf(stderr, "%s %s: %zu documents in %zu files, %zu bytes, read in %lld ms\n",
                        mv_cli_program(), command->name, counts.documents, counts.files, counts.bytes,
                        mv_clock_ms() - start);
        ret->snapshot = ret->files;
        /* A review may be asked of a cluster that is empty. */
        return counts.documents || command == &mv_command_review ? -1 : no_object(command, options);
}

/* --- a live cluster --- */

static int find_kube(const struct mv_command *command, const struct mv_options *options,
                     struct mv_input *ret) {
        const struct mv_kube_config_options kube = { .kubeconfig = options->kubeconfig,
                                                     .context = options->context };
        struct mv_err err = { 0 };
        int r = mv_kube_config_load(&kube, &ret->kube, &err);
        if (r == 0)
                return -1;
        bool named = options->kubeconfig || options->context;
        return r == MV_ENOTFOUND && !named ? mv_cli_no_cluster(command, &err) : mv_cli_error(command, &err);
}

/* What could not be read, and is not known therefore. */
static void print_unread(const struct mv_command *command, const struct mv_kube_loaded *live) {
        char text[512];
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                const struct mv_kube_kind_status *status = mv_kube_loaded_status(live, (enum mv_kind)kind);
                unsigned long long broken = status->errors[MV_REFLECTOR_OBJECT];
                if (status->knowledge == MV_KNOWLEDGE_FORBIDDEN) {
                        snprintf(text, sizeof text, "%s may not be listed: %s", mv_kinds[kind].plural,
                                 status->reason);
                        print_note(command, mv_str_from(text));
                }
                if (broken) {
                        snprintf(text, sizeof text, "%llu of %s could not be read and are not looked at",
                                 broken, mv_kinds[kind].plural);
                        print_note(command, mv_str_from(text));
                }
        }
}

static void show_kinds(void *context, size_t done, size_t total, size_t objects) {
        (void)objects;
        mv_progress_show(context, done, total);
}

static int load_live(const struct mv_command *command, struct mv_options *options, struct mv_input *ret) {
        struct mv_err err = { 0 };
        struct mv_progress progress;
        int code = find_kube(command, options, ret);
        if (code >= 0)
                return code;
        mv_progress_init(&progress, "reading kinds of the cluster");
        struct mv_log log;
        mv_log_init(&log, false, MV_LOG_DEBUG);
        const struct mv_kube_load_options load = { .config = ret->kube,
                                                   .logger = options->verbose ? &log.logger : NULL,
                                                   .texts = mv_site_rules_texts(&options->config.site_rules),
                                                   .progress = show_kinds,
                                                   .context = &progress };
        int r = mv_kube_load(&load, &ret->live, &err);
        mv_progress_done(&progress);
        if (r < 0) {
                mv_cli_error(command, &err);
                return MV_EXIT_UNREACHED;
        }
        ret->snapshot = mv_kube_loaded_snapshot(ret->live);
        if (!options->namespace && !options->all_namespaces)
                options->namespace = ret->kube->namespace.p;
        print_unread(command, ret->live);
        return -1;
}

/* --- either --- */

int mv_input_load(const struct mv_command *command, struct mv_options *options, struct mv_input *ret) {
        *ret = (struct mv_input){ 0 };
        int code =
                options->n_filenames ? load_files(command, options, ret) : load_live(command, options, ret);
        if (code < 0)
                print_notes(command, ret->snapshot);
        return code;
}

void mv_input_done(struct mv_input *input) {
        mv_snapshot_free(input->files);
        mv_kube_loaded_free(input->live);
        mv_kube_config_free(input->kube);
        *input = (struct mv_input){ 0 };
}
