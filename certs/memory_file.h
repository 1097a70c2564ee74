/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text as a file that only we can open, without a name on any disk: libcurl with GnuTLS takes certificates and keys from
 * files only.
 *
 * The path differs from those of all texts before, of this file and of others, as libcurl takes connections with the same
 * path for ones with the same certificate. The text before the current one can still be opened, for a connection that is just being made.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

struct mv_memory_file {
        int fd, previous; /* -1: none */
        char path[80];    /* "" when there is no text */
};

#define MV_MEMORY_FILE_NONE \
        { .fd = -1, .previous = -1 }

/* MV_EIO; the text is then as it was. */
int mv_memory_file_set(struct mv_memory_file *file, struct mv_str text, struct mv_err *err);
void mv_memory_file_done(struct mv_memory_file *file);
