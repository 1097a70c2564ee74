/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files `-f` names, in the order in which they are read, and a fingerprint that tells when any of
 * them changed.
 *
 * A directory stands for its *.yaml, *.yml and *.json, sorted by name, and with recursion for those of its
 * directories too. Names that begin with a dot are passed over, but symbolic links are followed: a mounted
 * ConfigMap (`a.yaml -> ..data/a.yaml`, `..data -> ..2026_01_01`) shows each file once, and changes by its
 * `..data` link. What is no regular file is passed over in a directory; named itself (`-`, a pipe) it is a
 * stream.
 */
#pragma once

#include "policy/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct mv_listed {
        char *path;
        bool stream; /* read to its end: a pipe, or standard input when the path is "-" */
};

struct mv_listing {
        struct mv_listed *items;
        size_t n, capacity;
        uint64_t fingerprint;   /* of path, device, inode, size and times of each file */
        struct timespec newest; /* when the latest of the files was changed */
};

/*
 * List what the names stand for. Returns 0; MV_ENOTFOUND, MV_EIO, MV_ELIMIT (more than limit files, or
 * directories nest deeper than 32), MV_EUSAGE (`-` twice) with err->file set, or MV_ENOMEM. A directory
 * without such files adds none, and is no error.
 */
int mv_listing_make(const char *const *names, size_t n_names, bool recursive, size_t limit,
                    struct mv_listing *ret, struct mv_err *err);
void mv_listing_done(struct mv_listing *listing);

/* Report an error about the file at path. Returns code. */
int mv_listing_error(struct mv_err *err, int code, const char *path, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
