/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include "cli/progress.h"
#include "cli/text.h"
#include "cluster/files.h"
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

int mv_input_load(const struct mv_command *command, const struct mv_options *options,
                  struct mv_snapshot **ret) {
        if (!options->n_filenames) {
                fprintf(stderr,
                        "%s %s: no -f is given, and this version reads no live cluster: name files, a directory or -\n",
                        mv_cli_program(), command->name);
                return MV_EXIT_UNREACHED;
        }
        struct mv_progress progress;
        mv_progress_init(&progress, "reading files");
        const struct mv_files_options files = {
                .names = options->filenames,
                .n_names = options->n_filenames,
                .recursive = options->recursive,
                .progress = mv_progress_show,
                .context = &progress,
        };
        struct mv_str namespace = mv_str_from(options->namespace ? options->namespace : "default");
        struct mv_snapshot *snapshot = NULL;
        struct mv_err err = { 0 };
        struct mv_files_counts counts = { 0 };
        int r = mv_files_load(&files, namespace, &snapshot, &counts, &err);
        mv_progress_done(&progress);
        if (r < 0)
                return mv_cli_error(command, &err);
        /* A review may be asked of a cluster that is empty. */
        if (!counts.documents && command != &mv_command_review) {
                mv_snapshot_free(snapshot);
                return no_object(command, options);
        }
        size_t n;
        const struct mv_str *notes = mv_snapshot_notes(snapshot, &n);
        for (size_t i = 0; i < n; i++)
                print_note(command, notes[i]);
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        if (config->problem.n)
                print_note(command, config->problem);
        *ret = snapshot;
        return -1;
}
