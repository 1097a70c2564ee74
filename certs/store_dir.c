/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/store_dir.h"

#include "certs/authority.h"
#include "certs/bundle.h"
#include "certs/certificate.h"
#include "certs/file.h"
#include "certs/identity.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_SECONDS = 10 };

enum item { CA_CERTIFICATE, CA_KEY, CERTIFICATE, KEY, N_ITEMS };

static const char *const item_names[N_ITEMS] = { MV_STORE_CA_CERTIFICATE, MV_STORE_CA_KEY,
                                                 MV_STORE_CERTIFICATE, MV_STORE_KEY };

/* What a directory holds, and what can be said of it. */
struct contents {
        const char *directory;
        struct mv_file files[N_ITEMS]; /* text is NULL where there is none */
        struct mv_rotation_state state;
        struct mv_names leaf_names; /* of the present leaf */
        bool external;
};

static void contents_done(struct contents *c) {
        for (size_t i = 0; i < N_ITEMS; i++)
                mv_file_done(&c->files[i]);
        mv_names_done(&c->leaf_names);
}

static bool has(const struct contents *c, enum item item) {
        return c->files[item].text != NULL;
}

static struct mv_str text_of(const struct contents *c, enum item item) {
        return mv_file_str(&c->files[item]);
}

/* Name the file that an error is about. */
static int at_item(const struct contents *c, enum item item, int code, struct mv_err *err) {
        char *path = mv_path_join(c->directory, item_names[item]);
        if (path)
                mv_err_in_file(err, path, code);
        free(path);
        return code;
}

/* Against the order of writing, so that who reads without the lock never sees a leaf without the key of its
 * authority, nor that key without its certificate in a bundle that was there before. */
static const enum item reading_order[N_ITEMS] = { CERTIFICATE, KEY, CA_KEY, CA_CERTIFICATE };

static int read_files(struct contents *c, struct mv_err *err) {
        for (size_t k = 0; k < N_ITEMS; k++) {
                const enum item i = reading_order[k];
                struct mv_err local = { 0 };
                char *path = mv_path_join(c->directory, item_names[i]);
                if (!path)
                        return mv_err_oom(err);
                int r = mv_file_read(path, &c->files[i], &local);
                free(path);
                if (r < 0 && r != MV_ENOTFOUND) {
                        if (err)
                                *err = local;
                        return r;
                }
        }
        return 0;
}

/* Files of others: they must be usable as they are. */
static int study_external(struct contents *c, struct mv_err *err) {
        c->external = true;
        if (!has(c, CERTIFICATE) || !has(c, KEY)) {
                enum item missing = has(c, CERTIFICATE) ? KEY : CERTIFICATE;
                return at_item(c, missing,
                               mv_err_set(err, MV_ENOTFOUND,
                                          "is missing, and without %s no other can be issued",
                                          MV_STORE_CA_KEY),
                               err);
        }
        struct mv_identity *identity;
        int r = mv_identity_new(text_of(c, CERTIFICATE), text_of(c, KEY), &identity, err);
        if (r < 0)
                return at_item(c, CERTIFICATE, r, err);
        mv_identity_unref(identity);
        return 0;
}

/* The leaf, which may be anything: what is not whole is issued again. */
static int study_leaf(struct contents *c, gnutls_x509_crt_t ca, const struct mv_names *wanted,
                      struct mv_err *err) {
        struct mv_identity *identity;
        struct mv_cert_list list;
        if (!has(c, CERTIFICATE) || !has(c, KEY))
                return 0;
        int r = mv_identity_new(text_of(c, CERTIFICATE), text_of(c, KEY), &identity, NULL);
        if (r >= 0) {
                c->state.has_leaf = true;
                c->state.leaf = mv_identity_validity(identity);
                mv_identity_unref(identity);
        } else if (r == MV_ENOMEM)
                return mv_err_oom(err);
        r = mv_cert_list_parse(text_of(c, CERTIFICATE), &list, NULL);
        if (r < 0)
                return r == MV_ENOMEM ? mv_err_oom(err) : 0;
        r = mv_cert_names(list.certs[0], &c->leaf_names, err);
        c->state.leaf_from_ca = mv_cert_signed_by(list.certs[0], ca);
        c->state.leaf_has_names = mv_names_cover(&c->leaf_names, wanted);
        mv_cert_list_done(&list);
        return r == MV_ENOMEM ? r : 0;
}

static int study_authority(struct contents *c, const struct mv_names *wanted, struct mv_err *err) {
        gnutls_privkey_t key;
        struct mv_cert_list list;
        int r = mv_key_parse(text_of(c, CA_KEY), &key, err);
        if (r < 0)
                return at_item(c, CA_KEY, r, err);
        if (!has(c, CA_CERTIFICATE)) {
                gnutls_privkey_deinit(key);
                if (!has(c, CERTIFICATE))
                        return 0; /* the first start was interrupted: nothing was signed with this key */
                return at_item(c, CA_CERTIFICATE,
                               mv_err_set(err, MV_ENOTFOUND,
                                          "is missing, while " MV_STORE_CA_KEY " and " MV_STORE_CERTIFICATE
                                          " are there; put it back, or remove all to begin anew"),
                               err);
        }
        r = mv_cert_list_parse(text_of(c, CA_CERTIFICATE), &list, err);
        if (r < 0) {
                gnutls_privkey_deinit(key);
                return at_item(c, CA_CERTIFICATE, r, err);
        }
        int at = mv_cert_list_find_key(&list, key);
        gnutls_privkey_deinit(key);
        if (at < 0)
                r = at_item(
                        c, CA_KEY,
                        mv_err_set(err, MV_ECRYPTO, "belongs to no certificate of " MV_STORE_CA_CERTIFICATE),
                        err);
        else if (!mv_cert_is_ca(list.certs[at]))
                r = at_item(c, CA_CERTIFICATE,
                            mv_err_set(err, MV_ECRYPTO,
                                       "the certificate of " MV_STORE_CA_KEY
                                       " may not sign others (CA:FALSE)"),
                            err);
        else {
                c->state.has_ca = true;
                c->state.ca_is_ours = mv_authority_is_ours(list.certs[at]);
                c->state.ca = mv_cert_validity(list.certs[at]);
                r = study_leaf(c, list.certs[at], wanted, err);
        }
        mv_cert_list_done(&list);
        return r;
}

/* Read the directory. On failure there is nothing to free. */
static int study(const char *directory, const struct mv_names *wanted, struct contents *ret,
                 struct mv_err *err) {
        struct contents c = { .directory = directory };
        int r = read_files(&c, err);
        if (r >= 0 && has(&c, CA_KEY))
                r = study_authority(&c, wanted, err);
        else if (r >= 0 && (has(&c, CA_CERTIFICATE) || has(&c, CERTIFICATE) || has(&c, KEY)))
                r = study_external(&c, err);
        if (r < 0) {
                contents_done(&c);
                return r;
        }
        *ret = c;
        return 0;
}

static int replace(const struct contents *c, enum item item, const char *text, struct mv_err *err) {
        mode_t mode = item == CA_KEY || item == KEY ? 0600 : 0644;
        return mv_file_replace(c->directory, item_names[item], mode, mv_str_from(text), err);
}

/* Certificates about the authority of ca_pem that stand behind the present leaf: kept behind the next one. */
static int append_cross(const struct contents *c, struct mv_str ca_pem, time_t now, struct mv_buf *chain,
                        struct mv_err *err) {
        struct mv_cert_list list, cas;
        if (!has(c, CERTIFICATE) || mv_cert_list_parse(text_of(c, CERTIFICATE), &list, NULL) < 0)
                return 0;
        int r = mv_cert_list_parse(ca_pem, &cas, err);
        if (r < 0) {
                mv_cert_list_done(&list);
                return r;
        }
        gnutls_privkey_t key;
        r = mv_key_parse(text_of(c, CA_KEY), &key, err);
        if (r >= 0) {
                for (unsigned i = 1; r >= 0 && i < list.n; i++) {
                        bool known = false; /* its issuer is still in the bundle */
                        for (unsigned k = 0; !known && k < cas.n; k++)
                                known = mv_cert_signed_by(list.certs[i], cas.certs[k]);
                        if (known && mv_cert_has_key(list.certs[i], key) &&
                            mv_cert_validity(list.certs[i]).not_after > now)
                                r = mv_cert_to_pem(list.certs[i], chain, err);
                }
                gnutls_privkey_deinit(key);
        }
        mv_cert_list_done(&cas);
        mv_cert_list_done(&list);
        return r;
}

/* The key first: whoever sees the new certificate finds its key. behind: the rest of the chain. */
static int write_leaf(const struct contents *c, const struct mv_pem_pair *leaf, const struct mv_buf *behind,
                      struct mv_err *err) {
        struct mv_buf chain;
        mv_buf_init(&chain, &mv_allocator_system, MV_PEM_MAX_BYTES);
        mv_buf_append_text(&chain, leaf->certificate);
        mv_buf_append_str(&chain, mv_buf_str(behind));
        int r = mv_buf_failed(&chain) || mv_buf_failed(behind) ? mv_err_oom(err) : 0;
        if (r >= 0)
                r = replace(c, KEY, leaf->key, err);
        if (r >= 0)
                r = replace(c, CERTIFICATE, chain.p, err);
        mv_buf_done(&chain);
        return r;
}

static int issue_leaf(const struct contents *c, const struct mv_names *names, time_t now,
                      struct mv_err *err) {
        struct mv_pem_pair leaf = { 0 };
        struct mv_buf behind;
        char *bundle = NULL;
        mv_buf_init(&behind, &mv_allocator_system, MV_PEM_MAX_BYTES);
        int r = mv_bundle_retire(text_of(c, CA_CERTIFICATE), text_of(c, CA_KEY), now, &bundle, err);
        if (r >= 0)
                r = mv_authority_sign_leaf(mv_str_from(bundle), text_of(c, CA_KEY), names, now,
                                           MV_LEAF_SECONDS, &leaf, err);
        if (r >= 0)
                r = append_cross(c, mv_str_from(bundle), now, &behind, err);
        if (r < 0)
                r = at_item(c, CA_CERTIFICATE, r, err);
        if (r >= 0)
                r = write_leaf(c, &leaf, &behind, err);
        /* Only now, so that an earlier authority goes when its last leaf has gone. */
        bool same = true;
        if (r >= 0)
                r = mv_bundle_equal(text_of(c, CA_CERTIFICATE), mv_str_from(bundle), &same, err);
        if (r >= 0 && !same)
                r = replace(c, CA_CERTIFICATE, bundle, err);
        mv_buf_done(&behind);
        mv_pem_pair_done(&leaf);
        free(bundle);
        return r;
}

static int issue_ca(const struct contents *c, const struct mv_names *names, time_t now, struct mv_err *err) {
        struct mv_pem_pair ca = { 0 }, leaf = { 0 };
        struct mv_buf behind;
        char *bundle = NULL, *cross = NULL;
        const bool fresh = !has(c, CA_CERTIFICATE);
        mv_buf_init(&behind, &mv_allocator_system, MV_PEM_MAX_BYTES);

        int r = mv_authority_make_ca(fresh ? text_of(c, CA_KEY) : MV_STR(""), now, MV_CA_SECONDS, &ca, err);
        if (r >= 0)
                r = mv_authority_sign_leaf(mv_str_from(ca.certificate), mv_str_from(ca.key), names, now,
                                           MV_LEAF_SECONDS, &leaf, err);
        if (r >= 0)
                r = mv_bundle_merge(mv_str_from(ca.certificate), text_of(c, CA_CERTIFICATE), now, &bundle,
                                    err);
        if (r >= 0 && c->state.has_ca && c->state.ca.not_after > now) {
                r = mv_authority_cross_sign(text_of(c, CA_CERTIFICATE), text_of(c, CA_KEY),
                                            mv_str_from(ca.certificate), now, &cross, err);
                if (r >= 0)
                        mv_buf_append_text(&behind, cross);
        }
        /* The first time the key goes first: without it the certificate would be an authority that nobody
         * has. Later the certificate: both are published before the new one signs. */
        if (r >= 0 && fresh)
                r = replace(c, CA_KEY, ca.key, err);
        if (r >= 0)
                r = replace(c, CA_CERTIFICATE, bundle, err);
        if (r >= 0 && !fresh)
                r = replace(c, CA_KEY, ca.key, err);
        if (r >= 0)
                r = write_leaf(c, &leaf, &behind, err);
        free(cross);
        free(bundle);
        mv_buf_done(&behind);
        mv_pem_pair_done(&ca);
        mv_pem_pair_done(&leaf);
        return r;
}

/* The wanted names and those that the present leaf has. */
static int issue_for_all_names(const struct contents *c, enum mv_rotation_step step,
                               const struct mv_names *wanted, time_t now, struct mv_err *err) {
        struct mv_names all;
        mv_names_init(&all);
        int r = mv_names_add_all(&all, wanted, err);
        if (r >= 0)
                r = mv_names_add_all(&all, &c->leaf_names, err);
        if (r >= 0)
                r = step == MV_ROTATION_CA ? issue_ca(c, &all, now, err) : issue_leaf(c, &all, now, err);
        mv_names_done(&all);
        return r;
}

static int look(const char *directory, const struct mv_names *names, time_t now, struct contents *ret,
                struct mv_store_dir_result *result, struct mv_err *err) {
        struct contents c;
        int r = study(directory, names, &c, err);
        if (r < 0)
                return r;
        struct mv_rotation_decision d = { .step = MV_ROTATION_NONE, .reason = "" };
        if (!c.external)
                d = mv_rotation_decide(&c.state, now);
        if (d.step == MV_ROTATION_STUCK) {
                r = at_item(&c, CA_CERTIFICATE, mv_err_set(err, MV_ECRYPTO, "%s", d.reason), err);
                contents_done(&c);
                return r;
        }
        *result = (struct mv_store_dir_result){
                .step = d.step, .reason = d.reason, .external = c.external, .next = d.next
        };
        *ret = c;
        return 0;
}

/* Some process of ours worked here, so that another one may be at work now. */
static bool was_locked_once(const char *directory) {
        char *path = mv_path_join(directory, MV_DIRECTORY_LOCK);
        bool exists = path && mv_file_stamp(path).exists;
        free(path);
        return exists;
}

int mv_store_dir_ensure(const char *directory, const struct mv_names *names, time_t now,
                        struct mv_store_dir_result *ret, struct mv_err *err) {
        struct contents c;
        struct mv_store_dir_result result;
        struct mv_err local = { 0 };
        int lock;
        int r = look(directory, names, now, &c, &result, &local);
        if (r >= 0) {
                contents_done(&c);
                if (result.step == MV_ROTATION_NONE) {
                        *ret = result;
                        return 0;
                }
        } else if (r == MV_ENOMEM || !was_locked_once(directory)) {
                if (err)
                        *err = local;
                return r;
        }
        /* What is not whole may be another process' work in progress: judged again under the lock. */
        r = mv_directory_make(directory, err);
        if (r >= 0)
                r = mv_directory_lock(directory, LOCK_SECONDS, &lock, err);
        if (r < 0)
                return r;
        r = look(directory, names, now, &c, &result, err);
        if (r >= 0 && result.step != MV_ROTATION_NONE) {
                r = issue_for_all_names(&c, result.step, names, now, err);
                contents_done(&c);
                enum mv_rotation_step step = result.step;
                const char *reason = result.reason;
                if (r >= 0)
                        r = look(directory, names, now, &c, &result,
                                 err); /* proves it, and says what is next */
                result.step = step;
                result.reason = reason;
        }
        if (r >= 0) {
                contents_done(&c);
                *ret = result;
        }
        close(lock);
        return r;
}

int mv_store_dir_create(const char *directory, const struct mv_names *names, time_t now, struct mv_err *err) {
        struct contents c = { .directory = directory };
        int lock;
        int r = mv_directory_make(directory, err);
        if (r >= 0)
                r = mv_directory_lock(directory, LOCK_SECONDS, &lock, err);
        if (r < 0)
                return r;
        r = read_files(&c, err);
        for (enum item i = 0; r >= 0 && i < N_ITEMS; i++)
                if (has(&c, i))
                        r = at_item(&c, i, mv_err_set(err, MV_EUSAGE, "exists already; nothing was changed"),
                                    err);
        if (r >= 0)
                r = issue_ca(&c, names, now, err);
        contents_done(&c);
        close(lock);
        return r;
}

int mv_store_dir_rotate(const char *directory, const struct mv_names *names, bool new_ca, time_t now,
                        struct mv_err *err) {
        struct contents c;
        int lock;
        int r = mv_directory_lock(directory, LOCK_SECONDS, &lock, err);
        if (r < 0)
                return r;
        r = study(directory, names, &c, err);
        if (r < 0) {
                close(lock);
                return r;
        }
        if (c.external)
                r = at_item(
                        &c, CA_KEY,
                        mv_err_set(err, MV_EUSAGE, "is missing: whoever made these files must renew them"),
                        err);
        else if (!c.state.has_ca && !has(&c, CA_KEY))
                r = mv_err_in_file(err, directory,
                                   mv_err_set(err, MV_ENOTFOUND, "holds no authority to rotate"));
        else if (c.state.has_ca && !c.state.ca_is_ours && (new_ca || now >= c.state.ca.not_after))
                r = at_item(&c, CA_CERTIFICATE,
                            mv_err_set(err, MV_EUSAGE,
                                       "%sthe authority was not made by migvet and is not replaced",
                                       new_ca ? "" : "has expired; "),
                            err);
        else if (new_ca || !c.state.has_ca || now >= c.state.ca.not_after)
                r = issue_ca(&c, names, now, err);
        else
                r = issue_leaf(&c, names, now, err);
        contents_done(&c);
        close(lock);
        return r;
}
