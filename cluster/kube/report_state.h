/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of our reports: which namespaces have one, and what was written into it. Pure: the requests are made by
 * reports.c. A report is written when it says something else than what was written last, or when the server has another
 * one than that: somebody changed or deleted it.
 */
#pragma once

#include "policy/audit/audit_table.h"

#include <stdint.h>

struct mv_report_state {
        struct mv_audit_table table;
        uint32_t listing;
};

void mv_report_state_init(struct mv_report_state *state);
void mv_report_state_done(struct mv_report_state *state);

/* The server tells of all reports that are ours: begin, each one, end. Without the end nothing is concluded. False: memory
 * is out. */
void mv_report_state_begin(struct mv_report_state *state);
bool mv_report_state_listed(struct mv_report_state *state, struct mv_str namespace, struct mv_str version);
void mv_report_state_end(struct mv_report_state *state);

/* A report of that digest is to be written. */
bool mv_report_state_wants(const struct mv_report_state *state, struct mv_str namespace, uint64_t digest);
/* It was; version is its resourceVersion now. */
void mv_report_state_written(struct mv_report_state *state, struct mv_str namespace, struct mv_str version,
                             uint64_t digest);
/* There is one, as far as is known. */
bool mv_report_state_has(const struct mv_report_state *state, struct mv_str namespace);
/* It is gone, or not known any more. */
void mv_report_state_forget(struct mv_report_state *state, struct mv_str namespace);
/* Each namespace that has one; *at is 0 at first. False: that was all. Good until the next call of another function. */
bool mv_report_state_each(const struct mv_report_state *state, size_t *at, struct mv_str *ret);
size_t mv_report_state_count(const struct mv_report_state *state);
