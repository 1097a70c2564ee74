/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/watch.h"

#include "certs/store_dir.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        CERTIFICATE,
        KEY,
        TRIES = 3,        /* to see the files twice alike around reading them */
        RACY_SECONDS = 2, /* a file as young as this may change again without a change of its stamp */
};

static int watch_init(struct mv_certs_watch *watch, char *first, char *second, unsigned n,
                      struct mv_err *err) {
        if (!first || (n > 1 && !second)) {
                free(first);
                free(second);
                return mv_err_oom(err);
        }
        *watch = (struct mv_certs_watch){ .paths = { first, second }, .n_paths = n, .again = true };
        return 0;
}

int mv_certs_watch_init_files(struct mv_certs_watch *watch, const char *certificate_file,
                              const char *key_file, struct mv_err *err) {
        return watch_init(watch, strdup(certificate_file), strdup(key_file), 2, err);
}

int mv_certs_watch_init_directory(struct mv_certs_watch *watch, const char *directory, struct mv_err *err) {
        return watch_init(watch, mv_path_join(directory, MV_STORE_CERTIFICATE),
                          mv_path_join(directory, MV_STORE_KEY), 2, err);
}

int mv_certs_watch_init_trust(struct mv_certs_watch *watch, const char *file, struct mv_err *err) {
        return watch_init(watch, strdup(file), NULL, 1, err);
}

void mv_certs_watch_done(struct mv_certs_watch *watch) {
        if (!watch)
                return;
        free(watch->paths[0]);
        free(watch->paths[1]);
        *watch = (struct mv_certs_watch){ 0 };
}

/* Takes new stamps; true when something moved since the last ones. */
static bool take_stamps(struct mv_certs_watch *watch) {
        bool moved = false;
        for (unsigned i = 0; i < watch->n_paths; i++) {
                struct mv_file_stamp stamp = mv_file_stamp(watch->paths[i]);
                moved = moved || !mv_file_stamp_equal(&stamp, &watch->stamps[i]);
                watch->stamps[i] = stamp;
        }
        return moved;
}

static bool is_racy(const struct mv_certs_watch *watch) {
        struct timespec now; /* the kernel's, as that of the stamps */
        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return true;
        for (unsigned i = 0; i < watch->n_paths; i++)
                if (watch->stamps[i].exists && watch->stamps[i].changed.tv_sec >= now.tv_sec - RACY_SECONDS &&
                    watch->stamps[i].changed.tv_sec <= now.tv_sec)
                        return true;
        return false;
}

/* What the files hold, or why they cannot be read: one digest for both. */
static int read_all(const struct mv_certs_watch *watch, struct mv_file files[2], unsigned char digest[32],
                    struct mv_err *err) {
        gnutls_hash_hd_t hash;
        int result = 0;
        if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
                return mv_err_oom(err);
        for (unsigned i = 0; i < watch->n_paths; i++) {
                struct mv_err local = { 0 };
                int r = mv_file_read(watch->paths[i], &files[i], &local);
                const struct {
                        size_t n;
                        int code;
                        unsigned mode;
                } head = { .n = files[i].n, .code = r, .mode = files[i].mode };
                gnutls_hash(hash, &head.n, sizeof head.n);
                gnutls_hash(hash, &head.code, sizeof head.code);
                gnutls_hash(hash, &head.mode, sizeof head.mode);
                if (r >= 0)
                        gnutls_hash(hash, files[i].text, files[i].n);
                else if (result >= 0) {
                        result = r;
                        if (err)
                                *err = local;
                }
        }
        gnutls_hash_deinit(hash, digest);
        return result;
}

/* Makes what goes into the slot out of the files; does the judging. */
typedef int (*load_function)(struct mv_certs_watch *watch, const struct mv_file *files, void *slot,
                             time_t now, struct mv_err *err);

/* in_service: the slot holds something, which a pair of files seen in the middle of a change must not
 * disturb. */
static int poll_files(struct mv_certs_watch *watch, load_function load, void *slot, bool in_service,
                      time_t now, bool *ret_changed, struct mv_err *err) {
        if (!take_stamps(watch) && !watch->again) {
                *ret_changed = false;
                return 0;
        }
        struct mv_file files[2] = { { 0 }, { 0 } };
        struct mv_err local = { 0 };
        unsigned char digest[32];
        int r = 0;
        for (unsigned tries = 0; tries < TRIES; tries++) {
                mv_file_done(&files[0]);
                mv_file_done(&files[1]);
                local = (struct mv_err){ 0 };
                r = read_all(watch, files, digest, &local);
                if (!take_stamps(watch))
                        break;
        }
        watch->again = is_racy(watch);
        bool changed = false;
        if (watch->judged && !watch->doubtful && memcmp(digest, watch->digest, sizeof digest) == 0)
                r = 0; /* as before, good or bad */
        else {
                bool second_look = watch->doubtful && memcmp(digest, watch->digest, sizeof digest) == 0;
                if (r >= 0)
                        r = load(watch, files, slot, now, &local);
                memcpy(watch->digest, digest, sizeof digest);
                watch->judged = r != MV_ENOMEM; /* which says nothing about the files */
                watch->doubtful = r < 0 && in_service && !second_look;
                watch->again = watch->again || watch->doubtful || !watch->judged;
                watch->failed = r < 0;
                changed = r >= 0;
                if (watch->doubtful)
                        r = 0;
        }
        mv_file_done(&files[0]);
        mv_file_done(&files[1]);
        if (r < 0) {
                if (err)
                        *err = local;
                return r;
        }
        *ret_changed = changed;
        return 0;
}

/* The note of an identity: who can read the key, whether it is in its time. */
static void make_note(const char *certificate_file, const char *key_file, mode_t key_mode,
                      const struct mv_validity *validity, time_t now, char *note, size_t size) {
        char when[MV_TIME_TEXT];
        if (validity->not_after <= now)
                snprintf(note, size, "%s expired on %s", certificate_file,
                         mv_time_format(validity->not_after, when));
        else if (validity->not_before > now)
                snprintf(note, size, "%s is not valid before %s", certificate_file,
                         mv_time_format(validity->not_before, when));
        else if (key_mode & 0007)
                snprintf(note, size, "%s can be read by others (mode %04o)", key_file, (unsigned)key_mode);
        else if (size)
                note[0] = '\0';
}

static int make_identity(const char *certificate_file, const char *key_file, const struct mv_file files[2],
                         struct mv_identity **ret, struct mv_err *err) {
        gnutls_privkey_t key;
        /* Alone first, so that the error names the file that is broken. */
        int r = mv_key_parse(mv_file_str(&files[KEY]), &key, err);
        if (r < 0)
                return mv_err_in_file(err, key_file, r);
        gnutls_privkey_deinit(key);
        r = mv_identity_new(mv_file_str(&files[CERTIFICATE]), mv_file_str(&files[KEY]), ret, err);
        return r < 0 ? mv_err_in_file(err, certificate_file, r) : 0;
}

static int load_identity(struct mv_certs_watch *watch, const struct mv_file *files, void *slot, time_t now,
                         struct mv_err *err) {
        struct mv_identity *identity = NULL, *current;
        int r = make_identity(watch->paths[CERTIFICATE], watch->paths[KEY], files, &identity, err);
        if (r < 0)
                return r;
        const struct mv_validity validity = mv_identity_validity(identity);
        current = mv_identity_slot_ref(slot);
        bool current_is_valid = current && mv_identity_validity(current).not_after > now;
        mv_identity_unref(current);
        if (current_is_valid && validity.not_after <= now) {
                char when[MV_TIME_TEXT];
                mv_identity_unref(identity);
                mv_err_write(err, MV_ECRYPTO,
                             "the certificate expired on %s; the present one stays in service",
                             mv_time_format(validity.not_after, when));
                return mv_err_in_file(err, watch->paths[CERTIFICATE], MV_ECRYPTO);
        }
        make_note(watch->paths[CERTIFICATE], watch->paths[KEY], files[KEY].mode, &validity, now, watch->note,
                  sizeof watch->note);
        mv_identity_slot_set(slot, identity);
        return 0;
}

static int load_trust(struct mv_certs_watch *watch, const struct mv_file *files, void *slot, time_t now,
                      struct mv_err *err) {
        struct mv_trust *trust;
        (void)now;
        int r = mv_trust_new(mv_file_str(&files[0]), &trust, err);
        if (r < 0)
                return mv_err_in_file(err, watch->paths[0], r);
        mv_trust_slot_set(slot, trust);
        return 0;
}

int mv_certs_watch_poll_identity(struct mv_certs_watch *watch, struct mv_identity_slot *slot, time_t now,
                                 bool *ret_changed, struct mv_err *err) {
        struct mv_identity *current = mv_identity_slot_ref(slot);
        bool in_service = current != NULL;
        mv_identity_unref(current);
        return poll_files(watch, load_identity, slot, in_service, now, ret_changed, err);
}

int mv_certs_watch_poll_trust(struct mv_certs_watch *watch, struct mv_trust_slot *slot, bool *ret_changed,
                              struct mv_err *err) {
        return poll_files(watch, load_trust, slot, false, 0, ret_changed, err);
}

int mv_identity_load(const char *certificate_file, const char *key_file, time_t now, struct mv_identity **ret,
                     char *note, size_t note_size, struct mv_err *err) {
        struct mv_file files[2] = { { 0 }, { 0 } };
        int r = mv_file_read(certificate_file, &files[CERTIFICATE], err);
        if (r >= 0)
                r = mv_file_read(key_file, &files[KEY], err);
        if (r >= 0)
                r = make_identity(certificate_file, key_file, files, ret, err);
        if (r >= 0 && note) {
                const struct mv_validity validity = mv_identity_validity(*ret);
                make_note(certificate_file, key_file, files[KEY].mode, &validity, now, note, note_size);
        }
        mv_file_done(&files[CERTIFICATE]);
        mv_file_done(&files[KEY]);
        return r;
}
