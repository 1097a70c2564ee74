/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `migvet nodes` share: a row a VM, and the forms in which rows are printed. */
#pragma once

#include "cli/input.h"
#include "cli/places.h"
#include "policy/base/json.h"
#include "policy/evaluate.h"

/* How a VM stands with the nodes that were asked about. */
enum mv_standing {
        MV_STANDING_FREE, /* it has a node to go to; without a node yet: to start on, and another one to go to */
        MV_STANDING_NOT_NOW, /* it would have one, but nothing is free or open right now */
        MV_STANDING_NOWHERE,
        MV_STANDING_UNKNOWN, /* what would decide is not in the input, or KubeVirt makes no instance */
        MV_STANDING_AWAY,    /* it leaves for another cluster */
        MV_STANDINGS
};

struct mv_nodes_row {
        const struct mv_entry *entry;
        const struct mv_verdict *verdict;
        const struct mv_fit *fit; /* among the nodes that were asked about; NULL: nothing can be said */
        const struct mv_fit_groups *groups; /* NULL likewise */
        const struct mv_stranded *stranded; /* NULL: it is not */
        enum mv_standing standing;
        struct mv_arena *arena; /* for what is worked out on the way; cleared behind each row */
};

/* A part of the output that is printed behind another one: kept in memory until then. */
struct mv_nodes_part {
        FILE *stream;
        char *text;
        size_t size;
};
bool mv_nodes_part_open(struct mv_nodes_part *part);
/* Print it, and free it; false when there was no memory for it. */
bool mv_nodes_part_print(struct mv_nodes_part *part);

struct mv_nodes_run {
        const struct mv_options *options;
        const struct mv_snapshot *snapshot;
        const struct mv_selection *selection;
        struct mv_arena arena;
        struct mv_style style;
        const struct mv_node_index *index;
        const uint64_t *nodes; /* that were asked about */
        const size_t *columns; /* the same in the order of their names */
        size_t n_columns;
        size_t count[MV_STANDINGS]; /* of rows */
        bool found;                 /* something at or above --fail-on */
        struct mv_buf buf;          /* of the printer */
        struct mv_json json;
        struct mv_nodes_part reasons; /* likewise */
        int layout;                   /* likewise */
        size_t name_width;            /* likewise */
        size_t number;                /* of the row, from 0 */
};

/* A form of output. begin and end say whether there was memory for it. */
struct mv_nodes_printer {
        const char *name;
        bool (*begin)(struct mv_nodes_run *run);
        void (*row)(struct mv_nodes_run *run, const struct mv_nodes_row *row);
        bool (*end)(struct mv_nodes_run *run);
};
extern const struct mv_nodes_printer mv_nodes_printer_table, mv_nodes_printer_json, mv_nodes_printer_csv,
        mv_nodes_printer_html;

/* "shop/db"; what people call the object. */
struct mv_str mv_nodes_name(struct mv_arena *arena, const struct mv_subject *subject);
/* Where the instance is: " is on node-a", " has no node yet". */
struct mv_str mv_nodes_whereabouts(const struct mv_nodes_row *row);
/* What there is to say of its standing, "" for nothing. */
struct mv_str mv_nodes_standing(const struct mv_nodes_row *row);
/* It has no node yet. */
bool mv_nodes_starts(const struct mv_nodes_row *row);
/* "6 VMs, 4 nodes: 4 have somewhere to go, ..."; from the run's arena. */
struct mv_str mv_nodes_summary(struct mv_nodes_run *run);

/* Fill in a row for that entry. The verdict is made in row->arena. False when memory is out. */
bool mv_nodes_judge(const struct mv_nodes_run *run, const struct mv_entry *entry, struct mv_verdict *verdict,
                    struct mv_nodes_row *row);

/* The row counts, and for the exit code. */
void mv_nodes_count(struct mv_nodes_run *run, enum mv_standing standing);
/* Say so; the exit code. */
int mv_nodes_out_of_memory(void);
/* The keys "pod" and "causes". */
void mv_nodes_render_stranded(struct mv_json *json, const struct mv_stranded *stranded);

/* `migvet nodes --baseline`: an exit code. */
int mv_nodes_baseline(struct mv_nodes_run *run);
