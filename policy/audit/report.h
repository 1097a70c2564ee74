/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a namespace: a Report of openreports.io/v1alpha1, or a PolicyReport of wgpolicyk8s.io/v1alpha2, both named
 * `migvet`. Memory to memory.
 *
 * A blocker that failed is a result `fail` of severity high, a risk `warn` of severity medium; what is not known is `error`;
 * an object with neither has one result `pass` of the rule `live-migration`. Of what an exemption covers, each is `skip`.
 * Notes are left out. There are at most MV_REPORT_RESULTS results, and MV_REPORT_BYTES, the worst first; an annotation says
 * how many were left out, and the summary counts those, too. Nothing in a report differs from one moment to the next when the
 * verdicts do not.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/config/config.h"
#include "policy/verdict.h"

enum { MV_REPORT_RESULTS = 1000, MV_REPORT_BYTES = 900 * 1024, MV_REPORT_CLASSES = 6 };
#define MV_REPORT_NAME "migvet"
#define MV_REPORT_LABEL "app.kubernetes.io/managed-by" /* with the value MV_REPORT_NAME: it is ours */
#define MV_REPORT_LEFT_OUT "migvet.io/results-left-out"

struct mv_report_result {
        struct mv_str text; /* JSON */
        uint64_t digest;
};
struct mv_report {
        enum mv_reports api;
        struct mv_arena arena;                               /* of what the results are made of */
        struct mv_str namespace;                             /* of the arena */
        struct mv_report_result *classes[MV_REPORT_CLASSES]; /* the worst first */
        size_t n[MV_REPORT_CLASSES];
        size_t counts[5]; /* of all results: pass, fail, warn, error, skip */
        bool failed;      /* memory was out: it is good for nothing */
};

/* The API group and version, and the plural name of its reports: "openreports.io/v1alpha1", "reports". */
const char *mv_report_api(enum mv_reports api);
const char *mv_report_plural(enum mv_reports api);

void mv_report_init(struct mv_report *report, enum mv_reports api, struct mv_str namespace);
void mv_report_done(struct mv_report *report);
/* The results of one object. exempt: why an exemption covers it; "": none does. */
void mv_report_add(struct mv_report *report, const struct mv_verdict *verdict, struct mv_str exempt);
/* Of all that is in the report. */
uint64_t mv_report_digest(const struct mv_report *report);

/* The object, to be made. */
void mv_report_encode(const struct mv_report *report, struct mv_buf *out);
/*
 * A JSON Patch that makes the object what the report says: results that went are removed and those that came added, one by
 * one, unless most of them did. json is the object as it is, followed by MV_SCAN_PADDING zero bytes. *ret_any: there is
 * something to change. Returns 0; MV_EUSAGE when the object is not ours; or what is wrong with it.
 */
int mv_report_patch(const struct mv_report *report, struct mv_str json, struct mv_buf *out, bool *ret_any,
                    struct mv_err *err);
/* The object is ours, and has that resourceVersion; errors as above. *ret_version is of the arena. */
int mv_report_owned(struct mv_arena *arena, struct mv_str json, struct mv_str *ret_version,
                    struct mv_err *err);
