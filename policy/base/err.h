/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors.
 *
 * A function that can fail returns 0 or one of the negative MV_E... codes, and takes a `struct mv_err *`
 * of its caller as last parameter, which says what failed in words. The struct has a fixed size, so that
 * reporting that memory ran out needs no memory. On success it is not touched. It may be NULL where the
 * caller only wants the code.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

enum mv_code {
        MV_OK = 0,
        MV_ENOMEM = -1,    /* out of memory, or an arena or buffer is at its cap */
        MV_EUSAGE = -2,    /* the command line or a parameter is wrong */
        MV_ESYNTAX = -3,   /* the input is no JSON, YAML, PEM, ... */
        MV_ETYPE = -4,     /* well-formed, but a field has the wrong type or value */
        MV_ELIMIT = -5,    /* a stated limit (size, depth, number of nodes) is exceeded */
        MV_ENOTFOUND = -6, /* what was named does not exist */
        MV_EIO = -7,       /* the operating system refused */
        MV_ECRYPTO = -8,   /* keys, certificates, handshakes */
        MV_ETIMEOUT = -9,  /* the other side did not answer in time */
        MV_EDENIED = -10,  /* the operating system does not permit it: nothing that passes by itself */
};

struct mv_err {
        int code; /* an enum mv_code, 0 when nothing was reported */
        size_t offset; /* byte where the decoder stopped, in the text it was given; its owner makes line and column of it */
        unsigned line;   /* 1-based; 0 when the error has no place in a text */
        unsigned column; /* 1-based, in characters; 0 as above */
        char file[256];  /* the file the text came from, "" when unknown */
        char path[256];  /* path of the field in the object (`spec.volumes[0].name`), "" when none */
        char message[512];
};

/* Fill *err (when not NULL) with code and a message in printf format; line, column, file and path are left as they
 * are. */
void mv_err_write(struct mv_err *err, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same, with the value code, so that `return mv_err_set(err, MV_EIO, "...")` reads well. A macro, so that the
 * compiler sees which value that is; code is evaluated twice. */
#define mv_err_set(err, code, ...) (mv_err_write((err), (code), __VA_ARGS__), (code))

/* Out of memory, in the same words everywhere. */
static inline int mv_err_oom(struct mv_err *err) {
        return mv_err_set(err, MV_ENOMEM, "out of memory");
}

/* Print "file:line:column: path: message", without the parts that are not known, into out (always
 * NUL-terminated, cut if too small). Returns out. */
char *mv_err_format(const struct mv_err *err, char *out, size_t size);
