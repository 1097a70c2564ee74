/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hot reload: the files of an identity, or of a trust list, looked at now and then (every 500 ms) and
 * loaded into a slot when they changed. A look at unchanged files costs one or two calls of stat, which
 * follows symbolic links: a mounted Secret changes by its `..data` link.
 *
 * When new files are broken, what is in the slot stays, and the poll that found it fails once; the watch
 * then stays `failed`, silently, until the files change again. While an identity is in service a failure
 * is only reported when a second look finds the same, since certificate and key are two files and cannot
 * change at once.
 *
 * A watch belongs to one thread; the slots may be used by all.
 */
#pragma once

#include "certs/file.h"
#include "certs/identity.h"
#include "certs/trust.h"
#include "policy/base/err.h"

#include <stdbool.h>
#include <time.h>

struct mv_certs_watch {
        char *paths[2];
        unsigned n_paths;
        struct mv_file_stamp stamps[2]; /* of the last look */
        unsigned char digest[32];       /* of the contents that were last judged */
        bool judged;                    /* digest is set */
        bool again;                     /* the next look reads whatever the stamps say */
        bool doubtful;                  /* the last failure is not reported yet */
        bool failed;                    /* what the files hold now cannot be used */
        char note[400]; /* a remark about what was loaded last, in words; "" when there is none */
};

/* The functions copy the paths. They fail only with MV_ENOMEM. */
int mv_certs_watch_init_files(struct mv_certs_watch *watch, const char *certificate_file,
                              const char *key_file, struct mv_err *err);
/* tls.crt and tls.key of a directory. */
int mv_certs_watch_init_directory(struct mv_certs_watch *watch, const char *directory, struct mv_err *err);
/* The PEM file of --client-ca; or ca.crt. */
int mv_certs_watch_init_trust(struct mv_certs_watch *watch, const char *file, struct mv_err *err);
void mv_certs_watch_done(struct mv_certs_watch *watch);

/*
 * Look, and load what changed into the slot; the first poll always loads. *ret_changed: the slot holds
 * something new. err->file names the file at fault. Files that have expired are broken as long as the slot
 * holds an identity that is valid at now; else they are taken, with a note.
 */
int mv_certs_watch_poll_identity(struct mv_certs_watch *watch, struct mv_identity_slot *slot, time_t now,
                                 bool *ret_changed, struct mv_err *err);
int mv_certs_watch_poll_trust(struct mv_certs_watch *watch, struct mv_trust_slot *slot, bool *ret_changed,
                              struct mv_err *err);

/* Load a certificate and a key once. note (unless NULL) gets a remark, such as that others can read the key,
 * or "". */
int mv_identity_load(const char *certificate_file, const char *key_file, time_t now, struct mv_identity **ret,
                     char *note, size_t note_size, struct mv_err *err);
