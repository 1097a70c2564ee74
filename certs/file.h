/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of keys and certificates: read whole, written so that a reader or a crash sees the old one or the new
 * one and nothing between, compared cheaply. Every error carries the file's name in err->file.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

/* What is compared to see that a file changed. All zero: there is none. Symbolic links are followed, so a
 * Secret that Kubernetes swaps by its `..data` link is seen. */
struct mv_file_stamp {
        bool exists;
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec modified, changed;
};

struct mv_file_stamp mv_file_stamp(const char *path);
bool mv_file_stamp_equal(const struct mv_file_stamp *a, const struct mv_file_stamp *b);

/* A text that mv_file_read gave; wiped by mv_file_done, since it may be a key. */
struct mv_file {
        char *text; /* NUL-terminated; NULL when there is no file */
        size_t n;
        mode_t mode;
};

/* A regular file of at most MV_PEM_MAX_BYTES. MV_ENOTFOUND, MV_EIO, MV_ELIMIT, MV_ENOMEM. */
int mv_file_read(const char *path, struct mv_file *ret, struct mv_err *err);
void mv_file_done(struct mv_file *file);

static inline struct mv_str mv_file_str(const struct mv_file *file) {
        return (struct mv_str){ .p = file->text, .n = file->n };
}

/*
 * Replace DIRECTORY/NAME: temporary file in the same directory, fsync, rename, fsync of the directory.
 * What an interrupted call left behind is overwritten by the next; the caller holds the directory's lock.
 */
int mv_file_replace(const char *directory, const char *name, mode_t mode, struct mv_str text,
                    struct mv_err *err);

#define MV_DIRECTORY_LOCK ".lock"

/* Make the directory, mode 0700, when there is none. */
int mv_directory_make(const char *directory, struct mv_err *err);
/* What was made, renamed and removed in it is on the disk. */
int mv_directory_sync(const char *directory, struct mv_err *err);
/* Take the lock of the directory (flock on DIRECTORY/.lock), waiting up to seconds; MV_ETIMEOUT when another process holds it
 * for longer. *ret is a file descriptor: close it to release the lock. */
int mv_directory_lock(const char *directory, unsigned seconds, int *ret, struct mv_err *err);

/* DIRECTORY/NAME, to be freed; NULL when out of memory. */
char *mv_path_join(const char *directory, const char *name);

/* What the system said of a file, as number (errno) has it. Returns MV_ENOTFOUND or MV_EIO. */
int mv_err_of_file(struct mv_err *err, const char *path, const char *what, int number);
/* Set err->file (when err is not NULL). Returns code. */
int mv_err_in_file(struct mv_err *err, const char *path, int code);
