/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster made of files: what `-f` names, read into a snapshot. Documents may be YAML or JSON, many in
 * one file, single objects or Lists.
 *
 * What always holds: a file is taken whole and within the limits, and read again when its size or times change
 * meanwhile (what is written in place, in one go, can still be seen half written: replace files by renaming);
 * and an error names the file, and line and column where the problem has a place.
 */
#pragma once

#include "cluster/listing.h"
#include "policy/base/alloc.h"
#include "policy/base/err.h"
#include "policy/base/str.h"
#include "policy/snapshot/snapshot.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A member that is 0 stands for the default beside it. */
struct mv_files_limits {
        size_t files;       /* 10,000 */
        size_t file_bytes;  /* 1 GiB, of one file */
        size_t total_bytes; /* 2 GiB, of all files */
        size_t nodes;       /* 10,000,000, of one YAML document; aliases and merges may add 100,000 */
};

struct mv_files_options {
        const struct mv_allocator *allocator; /* NULL: malloc and free */
        const char *const *names;             /* files, directories, "-" */
        size_t n_names;
        bool recursive; /* -R */
        bool ahead; /* with several threads, which need an allocator that they may all use; else with one */
        bool lines; /* keep where the fields of the objects stand, in a snapshot */
        uint64_t texts; /* kinds whose objects keep their text (mv_snapshot_builder_keep_texts) */
        struct mv_files_limits limits;
        /* Unless NULL: called before the first and after each file. */
        void (*progress)(void *context, size_t files_done, size_t files);
        void *context;
        /* Unless NULL: when it becomes true, reading ends early with MV_EIO. */
        const atomic_bool *cancel;
};

struct mv_files_counts {
        size_t files, documents;
        size_t bytes;
};

/* Takes one document: json is followed by 8 zero bytes and borrowed, as is origin (the file's name). On
 * error err->offset is the byte in json where the problem is. */
typedef int mv_files_document(void *context, struct mv_str json, struct mv_str origin, struct mv_err *err);

/*
 * List the files and hand each document to take. counts may be NULL; it is also filled on failure. Returns
 * 0; MV_ENOTFOUND (a name that does not exist), MV_EIO, MV_ELIMIT, MV_ENOMEM, MV_EUSAGE, what the document
 * reader returns (policy/object/document.h), or what take returned; with err->file, line and column.
 */
int mv_files_read(const struct mv_files_options *options, mv_files_document *take, void *context,
                  struct mv_files_counts *counts, struct mv_err *err);
/* The same of files that are listed already. */
int mv_files_read_listing(const struct mv_files_options *options, const struct mv_listing *listing,
                          mv_files_document *take, void *context, struct mv_files_counts *counts,
                          struct mv_err *err);

/* Read the files into a snapshot; *ret is the caller's, to be freed with mv_snapshot_free.
 * default_namespace is given to objects without one. Errors as above, and those of
 * mv_snapshot_builder_add. */
int mv_files_load(const struct mv_files_options *options, struct mv_str default_namespace,
                  struct mv_snapshot **ret, struct mv_files_counts *counts, struct mv_err *err);
int mv_files_load_listing(const struct mv_files_options *options, const struct mv_listing *listing,
                          struct mv_str default_namespace, struct mv_snapshot **ret,
                          struct mv_files_counts *counts, struct mv_err *err);

/* The limit on the number of files that holds. */
size_t mv_files_limit(const struct mv_files_options *options);
