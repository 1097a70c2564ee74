/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/bundle.h"

#include "certs/certificate.h"
#include "certs/rotation.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(struct mv_str text) {
        for (size_t i = 0; i < text.n; i++)
                if (!strchr(" \t\r\n", text.p[i]) || text.p[i] == '\0')
                        return false;
        return true;
}

static int parse(struct mv_str pem, struct mv_cert_list *ret, struct mv_err *err) {
        if (is_blank(pem)) {
                *ret = (struct mv_cert_list){ 0 };
                return 0;
        }
        return mv_cert_list_parse(pem, ret, err);
}

static bool holds(const struct mv_cert_list *list, unsigned n, gnutls_x509_crt_t cert) {
        for (unsigned i = 0; i < n; i++)
                if (mv_cert_same(list->certs[i], cert))
                        return true;
        return false;
}

static int finish(struct mv_buf *out, int r, char **ret, struct mv_err *err) {
        if (r >= 0 && !out->p)
                mv_buf_append_text(out, ""); /* so that there is a text */
        if (r >= 0 && mv_buf_failed(out))
                r = mv_err_oom(err);
        if (r < 0) {
                mv_buf_done(out);
                return r;
        }
        *ret = out->p; /* from malloc: mv_allocator_system */
        return 0;
}

int mv_bundle_merge(struct mv_str first, struct mv_str second, time_t now, char **ret, struct mv_err *err) {
        struct mv_cert_list a, b;
        struct mv_buf out;
        int r = parse(first, &a, err);
        if (r < 0)
                return r;
        r = parse(second, &b, err);
        if (r < 0) {
                mv_cert_list_done(&a);
                return r;
        }
        mv_buf_init(&out, &mv_allocator_system, 2 * MV_PEM_MAX_BYTES);
        for (unsigned i = 0; r >= 0 && i < a.n; i++)
                if (mv_cert_validity(a.certs[i]).not_after > now && !holds(&a, i, a.certs[i]))
                        r = mv_cert_to_pem(a.certs[i], &out, err);
        for (unsigned i = 0; r >= 0 && i < b.n; i++)
                if (mv_cert_validity(b.certs[i]).not_after > now && !holds(&a, a.n, b.certs[i]) &&
                    !holds(&b, i, b.certs[i]))
                        r = mv_cert_to_pem(b.certs[i], &out, err);
        mv_cert_list_done(&a);
        mv_cert_list_done(&b);
        return finish(&out, r, ret, err);
}

static bool holds_all(const struct mv_cert_list *list, const struct mv_cert_list *part) {
        for (unsigned i = 0; i < part->n; i++)
                if (!holds(list, list->n, part->certs[i]))
                        return false;
        return true;
}

/* b is in a; unless only that is asked, a is in b, too. */
static int compare(struct mv_str a, struct mv_str b, bool both, bool *ret, struct mv_err *err) {
        struct mv_cert_list x, y;
        int r = parse(a, &x, err);
        if (r < 0)
                return r;
        r = parse(b, &y, err);
        if (r < 0) {
                mv_cert_list_done(&x);
                return r;
        }
        *ret = holds_all(&x, &y) && (!both || holds_all(&y, &x));
        mv_cert_list_done(&x);
        mv_cert_list_done(&y);
        return 0;
}

int mv_bundle_equal(struct mv_str a, struct mv_str b, bool *ret, struct mv_err *err) {
        return compare(a, b, true, ret, err);
}

int mv_bundle_covers(struct mv_str bundle, struct mv_str part, bool *ret, struct mv_err *err) {
        return compare(bundle, part, false, ret, err);
}

int mv_bundle_retire(struct mv_str bundle, struct mv_str current_key_pem, time_t now, char **ret,
                     struct mv_err *err) {
        struct mv_cert_list list;
        gnutls_privkey_t key;
        struct mv_buf out;
        int r = mv_cert_list_parse(bundle, &list, err);
        if (r < 0)
                return r;
        r = mv_key_parse(current_key_pem, &key, err);
        if (r < 0) {
                mv_cert_list_done(&list);
                return r;
        }
        mv_buf_init(&out, &mv_allocator_system, 2 * MV_PEM_MAX_BYTES);
        int at = mv_cert_list_find_key(&list, key);
        if (at < 0)
                r = mv_err_set(err, MV_ECRYPTO, "the key belongs to no certificate of the bundle");
        else {
                const struct mv_validity current = mv_cert_validity(list.certs[at]);
                for (unsigned i = 0; r >= 0 && i < list.n; i++) {
                        const struct mv_validity v = mv_cert_validity(list.certs[i]);
                        bool older = v.not_before <= current.not_before;
                        time_t until = older ? mv_rotation_old_ca_until(&v, &current) : v.not_after;
                        if ((unsigned)at == i || (until > now && !holds(&list, i, list.certs[i])))
                                r = mv_cert_to_pem(list.certs[i], &out, err);
                }
        }
        gnutls_privkey_deinit(key);
        mv_cert_list_done(&list);
        return finish(&out, r, ret, err);
}

int mv_bundle_count(struct mv_str bundle, unsigned *ret, struct mv_err *err) {
        struct mv_cert_list list;
        int r = parse(bundle, &list, err);
        if (r < 0)
                return r;
        *ret = list.n;
        mv_cert_list_done(&list);
        return 0;
}
