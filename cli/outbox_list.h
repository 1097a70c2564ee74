/* SPDX-License-Identifier: Apache-2.0 */
/* What `migvet outbox` shows: records that wait and dead letters, collected and printed. */
#pragma once

#include "policy/base/arena.h"
#include "webhook/deliver/view.h"

struct mv_outbox_row {
        struct mv_str receiver;
        bool dead;
        struct mv_outbox_letter letter; /* without its body */
};

struct mv_outbox_list {
        struct mv_arena arena;
        struct mv_str receiver;     /* only of this one; empty: of all */
        const struct mv_str *items; /* only these; none: all */
        size_t n_items;
        struct mv_outbox_row *rows; /* by receiver, what waits before what is dead, by sequence */
        size_t n, capacity;
        size_t damaged; /* records that could not be read */
};

/* Read the directory. receiver and items are the caller's. */
int mv_outbox_list_read(const char *directory, struct mv_outbox_list *list, struct mv_err *err);
void mv_outbox_list_done(struct mv_outbox_list *list);

/* Print it to stdout; false: out of memory. */
bool mv_outbox_list_print_table(const struct mv_outbox_list *list);
bool mv_outbox_list_print_json(const struct mv_outbox_list *list);
bool mv_outbox_list_print_csv(const struct mv_outbox_list *list);
