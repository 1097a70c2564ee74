/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of `migvet check` that other programs read, one file each, memory to memory: what a form is made of, and what
 * they share. A printer takes the verdicts one by one and appends to `buf`, which is printed when all is told.
 */
#pragma once

#include "cli/options.h"
#include "policy/base/buf.h"
#include "policy/snapshot/snapshot.h"
#include "policy/verdict.h"

struct mv_check_output {
        const struct mv_options *options;
        struct mv_buf buf;       /* the text */
        struct mv_arena arena;   /* of what is kept until the end */
        struct mv_str directory; /* the working directory, "" when it is not known */
        size_t count[3];         /* of verdicts, by enum mv_outcome; the one at hand is counted */
        /* What was found of the cluster, each once. */
        struct mv_finding *cluster, **cluster_end;
        void *state; /* the printer's */
};

/* Failure is that of buf or arena. What belongs to a verdict is gone when the next one comes; the scratch arena, too. */
struct mv_check_printer {
        const char *name;
        bool lines; /* it tells where objects stand in their files */
        void (*begin)(struct mv_check_output *output);
        void (*object)(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                       const struct mv_verdict *verdict);
        void (*end)(struct mv_check_output *output);
};
extern const struct mv_check_printer mv_check_printer_csv, mv_check_printer_sarif, mv_check_printer_junit,
        mv_check_printer_github, mv_check_printer_html;

void mv_check_output_init(struct mv_check_output *output, const struct mv_options *options);
void mv_check_output_done(struct mv_check_output *output);
static inline bool mv_check_output_failed(const struct mv_check_output *output) {
        return mv_buf_failed(&output->buf) || mv_arena_failed(&output->arena);
}

/* The rule finds the same for every object, and this was found of an earlier one. Otherwise it is kept. */
bool mv_check_is_repeated(struct mv_check_output *output, const struct mv_finding *finding);

/* The findings that are told: all but those that passed. */
const struct mv_finding *mv_check_next(const struct mv_finding *finding);
#define mv_check_each(f, verdict)                                        \
        const struct mv_finding *f = mv_check_next((verdict)->findings); \
        f;                                                               \
        f = mv_check_next(f->next)

/* error, warning or note: a blocker that is not known is a warning. */
enum mv_check_level { MV_CHECK_NOTE, MV_CHECK_WARNING, MV_CHECK_ERROR };
enum mv_check_level mv_check_level(const struct mv_finding *finding);

/* "VirtualMachine shop/db". */
struct mv_str mv_check_subject(struct mv_arena *arena, const struct mv_subject *subject);

/* The file of the object as seen from the working directory; its whole path when it is not below that; "" when there is no
 * file. */
struct mv_str mv_check_file(const struct mv_check_output *output, struct mv_arena *arena,
                            const struct mv_entry *entry);
/* Where the finding stands in it; with NULL, the object. */
struct mv_place mv_check_place(const struct mv_entry *entry, const struct mv_finding *finding);
