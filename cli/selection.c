/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects of the input a command is about. */
#include "cli/input.h"
#include "policy/audit/subjects.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

/* The word is name, in any case; a short name may have an s behind it, as kubectl has vm and vms. */
static bool is_word(struct mv_str word, const char *name) {
        size_t n = strlen(name);
        bool plural = n && n < 8 && word.n == n + 1 && (word.p[n] | 0x20) == 's';
        return n && (word.n == n || plural) && strncasecmp(name, word.p, n) == 0;
}

enum mv_kind mv_kind_typed(struct mv_str word) {
        size_t dot = mv_str_find_byte(word, '.');
        struct mv_str group = dot < word.n ? mv_str_skip(word, dot + 1) : (struct mv_str){ 0 };
        word.n = dot;
        if (!word.p || !word.n)
                return MV_KIND_COUNT;
        for (int i = 0; i < MV_KIND_COUNT; i++) {
                const char *const names[] = { mv_kinds[i].word, mv_kinds[i].plural, mv_kinds[i].shorthand };
                if (group.n && !mv_str_is(group, mv_kinds[i].group))
                        continue;
                for (size_t j = 0; j < 3; j++)
                        if (is_word(word, names[j]))
                                return (enum mv_kind)i;
        }
        return MV_KIND_COUNT;
}

static bool in_scope(const void *context, const struct mv_meta *meta) {
        const struct mv_options *options = context;
        if (options->namespace && !options->all_namespaces && !mv_str_is(meta->namespace, options->namespace))
                return false;
        return !options->selector || mv_selector_matches(options->selector, &meta->labels);
}

/* Add the objects that one KIND/NAME names; the exit code when there are none. */
static int add_named(const struct mv_command *command, const struct mv_options *options,
                     const struct mv_snapshot *snapshot, const char *argument,
                     struct mv_selection *selection) {
        struct mv_str text = mv_str_from(argument);
        size_t slash = mv_str_find_byte(text, '/'), n, before = selection->n;
        if (slash == text.n || slash + 1 == text.n)
                return mv_cli_usage_error(command, "\"%s\" is not of the form KIND/NAME, such as vm/db",
                                          argument);
        enum mv_kind kind = mv_kind_typed((struct mv_str){ text.p, slash });
        struct mv_str name = mv_str_from(argument + slash + 1);
        if (!mv_kind_is_judged(kind))
                return mv_cli_usage_error(command, "\"%.*s\" is none of vm, vmi, vmim, vmpool, vmirs",
                                          (int)slash, argument);
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        for (size_t i = 0; i < n; i++)
                if (entries[i].kind == kind && mv_str_equal(entries[i].meta->name, name) &&
                    in_scope(options, entries[i].meta))
                        selection->entries[selection->n++] = &entries[i];
        if (selection->n == before)
                return mv_cli_usage_error(command, "%s %s%s%.*s %s", mv_kinds[kind].kind,
                                          options->namespace ? options->namespace : "",
                                          options->namespace ? "/" : "", MV_STR_ARG(name),
                                          mv_snapshot_absent(snapshot, kind));
        return -1;
}

int mv_selection_make(const struct mv_command *command, const struct mv_options *options,
                      const struct mv_snapshot *snapshot, struct mv_selection *ret) {
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(snapshot, &n);
        size_t most = n * (options->n_arguments ? options->n_arguments : 1);
        *ret = (struct mv_selection){ .entries = calloc(most + 1, sizeof *ret->entries) };
        if (!ret->entries) {
                struct mv_err err = { 0 };
                mv_err_oom(&err);
                return mv_cli_error(command, &err);
        }
        for (size_t i = 0; i < options->n_arguments; i++) {
                int code = add_named(command, options, snapshot, options->arguments[i], ret);
                if (code >= 0)
                        return code;
        }
        if (!options->n_arguments)
                for (size_t i = 0; i < n; i++)
                        if (mv_is_subject(snapshot, entries[i].kind, entries[i].object, in_scope, options))
                                ret->entries[ret->n++] = &entries[i];
        return -1;
}

void mv_selection_done(struct mv_selection *selection) {
        free(selection->entries);
        selection->entries = NULL;
}
