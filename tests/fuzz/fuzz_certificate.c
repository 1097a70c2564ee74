/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and keys as PEM, from a Secret, a kubeconfig, a file: what is read can be asked for all its facts, is the same
 * when it is written and read again, and as a bundle holds what it is made of. What is refused has a reason.
 */
#include "certs/bundle.h"
#include "certs/certificate.h"
#include "certs/peer.h"
#include "certs/trust.h"
#include "policy/base/base64.h"
#include "tests/fuzz/support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
/* libFuzzer's; there is none where files are only replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most) __attribute__((weak));

static void check_refusal(int r, const struct mv_err *err) {
        fuzz_check(r == err->code && err->message[0], "refused without a reason");
        fuzz_check(r == MV_ESYNTAX || r == MV_ELIMIT || r == MV_ECRYPTO, "refused for an odd reason");
}

static void check_facts(gnutls_x509_crt_t cert) {
        unsigned char fingerprint[MV_FINGERPRINT_BYTES];
        char text[MV_FINGERPRINT_TEXT], time[MV_TIME_TEXT], name[64];
        struct mv_names names = { 0 };
        struct mv_validity validity = mv_cert_validity(cert);
        fuzz_check(mv_cert_fingerprint(cert, fingerprint, NULL) == 0, "no fingerprint");
        fuzz_check(strlen(mv_fingerprint_format(fingerprint, text)) == MV_FINGERPRINT_TEXT - 1,
                   "half a fingerprint");
        mv_time_format(validity.not_before, time);
        mv_time_format(validity.not_after, time);
        fuzz_check(memchr(mv_cert_subject(cert, name, sizeof name), '\0', sizeof name) &&
                           memchr(mv_cert_issuer(cert, name, sizeof name), '\0', sizeof name),
                   "a name without an end");
        mv_cert_is_ca(cert);
        mv_cert_serves(cert, GNUTLS_KP_TLS_WWW_SERVER);
        mv_cert_signed_by(cert, cert);
        fuzz_check(mv_cert_same(cert, cert), "not the same as itself");
        if (mv_cert_names(cert, &names, NULL) == 0) {
                struct mv_names both = { 0 };
                fuzz_check(mv_names_cover(&names, &names), "names that do not cover themselves");
                fuzz_check(mv_names_add_all(&both, &names, NULL) < 0 || mv_names_cover(&both, &names),
                           "a name is lost");
                mv_names_done(&both);
                mv_names_done(&names);
        }
}

/* Written and read again. */
static void check_round(const struct mv_cert_list *list) {
        struct mv_buf text;
        struct mv_cert_list again;
        mv_buf_init(&text, &mv_allocator_system, 2 * MV_PEM_MAX_BYTES);
        for (unsigned i = 0; i < list->n; i++)
                fuzz_check(mv_cert_to_pem(list->certs[i], &text, NULL) == 0, "cannot be written");
        fuzz_check(mv_cert_list_parse(mv_buf_str(&text), &again, NULL) == 0 && again.n == list->n,
                   "cannot be read again");
        for (unsigned i = 0; i < list->n; i++)
                fuzz_check(mv_cert_same(list->certs[i], again.certs[i]), "is another when read again");
        mv_cert_list_done(&again);
        mv_buf_done(&text);
}

static void check_bundle(struct mv_str pem, unsigned n) {
        char *merged = NULL, *twice = NULL;
        bool yes = false;
        unsigned count = 0;
        fuzz_check(mv_bundle_count(pem, &count, NULL) == 0 && count == n, "another number of certificates");
        fuzz_check(mv_bundle_equal(pem, pem, &yes, NULL) == 0 && yes, "another bundle than itself");
        fuzz_check(mv_bundle_merge(pem, pem, 0, &merged, NULL) == 0, "cannot be merged");
        fuzz_check(mv_bundle_covers(pem, mv_str_from(merged), &yes, NULL) == 0 && yes,
                   "more than was merged");
        fuzz_check(mv_bundle_merge(mv_str_from(merged), pem, 0, &twice, NULL) == 0 &&
                           strcmp(merged, twice) == 0,
                   "merging it once more makes another bundle");
        fuzz_check(mv_bundle_count(mv_str_from(merged), &count, NULL) == 0 && count <= n,
                   "more than there were");
        free(twice);
        free(merged);
}

/* Without what is old: the certificate of the key stays, and there are no more than before. */
static void check_retired(struct mv_str pem, unsigned n, bool has_key) {
        static const time_t times[] = { 0, 1800000000 };
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
                char *left = NULL;
                unsigned count = 0;
                struct mv_err err = { 0 };
                int r = mv_bundle_retire(pem, pem, times[i], &left, &err);
                fuzz_check((r == 0) == has_key, "retired by the key of another, or not at all");
                if (r < 0) {
                        check_refusal(r, &err);
                        continue;
                }
                fuzz_check(mv_bundle_count(mv_str_from(left), &count, NULL) == 0 && count >= 1 && count <= n,
                           "retiring makes more of them");
                free(left);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_str pem = fuzz_str(data, size);
        struct mv_cert_list list;
        struct mv_err err = { 0 };
        gnutls_privkey_t key = NULL;
        int r = mv_cert_list_parse(pem, &list, &err);
        if (r)
                check_refusal(r, &err);
        else {
                fuzz_check(list.n > 0, "no certificate, and no error");
                for (unsigned i = 0; i < list.n; i++)
                        check_facts(list.certs[i]);
                check_round(&list);
                check_bundle(pem, list.n);
        }
        err = (struct mv_err){ 0 };
        int k = mv_key_parse(pem, &key, &err);
        if (k)
                check_refusal(k, &err);
        else if (r == 0) {
                int at = mv_cert_list_find_key(&list, key);
                fuzz_check(at < (int)list.n && (at < 0 || mv_cert_has_key(list.certs[at], key)),
                           "the certificate of another key");
                check_retired(pem, list.n, at >= 0);
                fuzz_check(at != 0 || mv_peer_check_pair(pem, pem, NULL) == 0, "no pair, and yet it is one");
        }
        if (r == 0)
                fuzz_check(mv_peer_check_certificates(pem, NULL) == 0, "broken, and yet it can be read");
        if (r == 0)
                mv_cert_list_done(&list);
        if (k == 0)
                gnutls_privkey_deinit(key);
        return 0;
}

/* --- mutation of what is inside --- */

/* The text between the first BEGIN line from `from` on and its END; false when there is none. */
static bool find_inside(struct mv_str text, size_t from, struct mv_str *ret) {
        static const char begin[] = "-----BEGIN ", end[] = "-----END ";
        const char *start = memmem(text.p + from, text.n - from, begin, sizeof begin - 1);
        const char *line = start ? memchr(start, '\n', text.n - (size_t)(start - text.p)) : NULL;
        const char *stop = line ? memmem(line, text.n - (size_t)(line - text.p), end, sizeof end - 1) : NULL;
        if (stop)
                *ret = (struct mv_str){ line + 1, (size_t)(stop - line) - 1 };
        return stop != NULL;
}

/* Two times of three the bytes of one block are mutated, not their base64: else hardly anything gets to the ASN.1. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
        struct mv_str text = fuzz_str(data, size), inside = { 0 }, next;
        size_t n = 0;
        if (!LLVMFuzzerMutate)
                return size;
        for (size_t from = 0; find_inside(text, from, &next); from = (size_t)(next.p + next.n - text.p))
                if (!inside.p || (seed >> n++) % 2)
                        inside = next;
        unsigned char *der = malloc(size + 64);
        fuzz_check(der, "no memory");
        if (seed % 3 == 0 || !inside.p || !mv_base64_decode(inside, der, &n)) {
                free(der);
                return LLVMFuzzerMutate(data, size, most);
        }
        n = LLVMFuzzerMutate(der, n, size + 64);
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 2 * most + 256);
        mv_buf_append_str(&out, (struct mv_str){ text.p, (size_t)(inside.p - text.p) });
        mv_buf_append_base64(&out, (struct mv_str){ (char *)der, n });
        mv_buf_append_text(&out, "\n");
        mv_buf_append_str(&out, mv_str_skip(text, (size_t)(inside.p - text.p) + inside.n));
        if (!mv_buf_failed(&out) && out.n <= most) {
                memcpy(data, out.p, out.n);
                size = out.n;
        }
        mv_buf_done(&out);
        free(der);
        return size;
}
