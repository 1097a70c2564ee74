/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory store: `ca.crt` (a bundle), `ca.key`, `tls.crt`, `tls.key`.
 *
 * Where ca.key is, migvet renews what is in the directory. Without it the files are somebody else's (a
 * mounted Secret, cert-manager) and are only read. Keys are written with mode 0600, certificates with
 * 0644, a directory that is made with 0700.
 *
 * What always holds, wherever a call is interrupted:
 * - each file is whole, an old one or a new one;
 * - the certificate of ca.key is in ca.crt, and an authority is in ca.crt before anything is signed with
 *   it;
 * - a pair tls.crt, tls.key that is not whole is issued again by the next mv_store_dir_ensure; an
 *   authority that is not whole is an error, unless nothing was ever signed with it (ca.key alone).
 *
 * Several processes may start on one directory: changes are made under a lock (flock on `.lock`). A
 * directory in which nothing is due may be read-only.
 */
#pragma once

#include "certs/names.h"
#include "certs/rotation.h"
#include "policy/base/err.h"

#include <stdbool.h>
#include <time.h>

#define MV_STORE_CA_CERTIFICATE "ca.crt"
#define MV_STORE_CA_KEY "ca.key"
#define MV_STORE_CERTIFICATE "tls.crt"
#define MV_STORE_KEY "tls.key"

struct mv_store_dir_result {
        enum mv_rotation_step step; /* what was done: NONE, LEAF or CA */
        const char *reason;         /* why, static text; "" for NONE */
        bool external;              /* there is no ca.key: others renew these files */
        time_t next;                /* call mv_store_dir_ensure again by then; 0 when external */
};

/*
 * Make sure that the directory holds an identity for (at least) the names, and renew what is due: the
 * first start, each later one, and now and then while running (hourly, or at ret->next). Names that the
 * present certificate has beyond the wanted ones are kept. Errors: MV_EIO, MV_ENOTFOUND, MV_ESYNTAX,
 * MV_ECRYPTO, ...; err->file names the file at fault.
 */
int mv_store_dir_ensure(const char *directory, const struct mv_names *names, time_t now,
                        struct mv_store_dir_result *ret, struct mv_err *err);

/* Make an authority and a leaf where there is nothing yet. MV_EUSAGE when one of the four files exists;
 * nothing is changed then. */
int mv_store_dir_create(const char *directory, const struct mv_names *names, time_t now, struct mv_err *err);

/* A new leaf for exactly these names, due or not; with new_ca under a new authority, the old one staying in
 * ca.crt. An authority that is not migvet's own is not replaced (MV_EUSAGE). */
int mv_store_dir_rotate(const char *directory, const struct mv_names *names, bool new_ca, time_t now,
                        struct mv_err *err);
