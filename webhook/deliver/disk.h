/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the outbox: read whole, read in parts, written at a place, their names listed. Each error names its file. */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Append the whole file to buf. MV_ENOTFOUND, MV_EIO, MV_ELIMIT (more than maximum bytes), MV_ENOMEM. */
int mv_disk_read(const char *path, size_t maximum, struct mv_buf *buf, struct mv_err *err);
/* How many of the n bytes at offset were read, fewer than n where the file ends; less than 0 with errno set. */
ssize_t mv_disk_read_at(int fd, uint64_t offset, char *to, size_t n);
/* All bytes were written at offset; false with errno set: some of them may have been. */
bool mv_disk_write_at(int fd, uint64_t offset, struct mv_str bytes);
/* What was written to the file is on the disk. */
int mv_disk_sync(const char *path, struct mv_err *err);

/* Call see for each name in the directory, in no order, until it returns less than 0, which is then returned. */
int mv_disk_list(const char *directory, int (*see)(void *context, const char *name, struct mv_err *err),
                 void *context, struct mv_err *err);

/* A name of `digits` digits and then `suffix`, as its number. */
bool mv_disk_number(const char *name, size_t digits, const char *suffix, uint64_t *ret);
