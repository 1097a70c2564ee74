/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certs_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mv_certificate_view_make(gnutls_x509_crt_t cert, const char *file, struct mv_certificate_view *view,
                             struct mv_err *err) {
        view->file = file ? strdup(file) : NULL;
        if (file && !view->file)
                return mv_err_oom(err);
        mv_cert_subject(cert, view->subject, sizeof view->subject);
        mv_cert_issuer(cert, view->issuer, sizeof view->issuer);
        view->validity = mv_cert_validity(cert);
        int r = mv_cert_fingerprint(cert, view->fingerprint, err);
        return r < 0 ? r : mv_cert_names(cert, &view->names, err);
}

void mv_certificate_view_done(struct mv_certificate_view *view) {
        free(view->file);
        mv_names_done(&view->names);
}

bool mv_certificate_view_problem(const struct mv_certificate_view *view, const char *what, time_t now,
                                 char *out, size_t size) {
        char when[MV_TIME_TEXT];
        if (view->validity.not_after <= now)
                snprintf(out, size, "%s expired on %s", what, mv_time_format(view->validity.not_after, when));
        else if (view->validity.not_before > now)
                snprintf(out, size, "%s is not valid before %s", what,
                         mv_time_format(view->validity.not_before, when));
        else
                return false;
        return true;
}

static long long days_left(const struct mv_certificate_view *view, time_t now) {
        long long seconds = (long long)view->validity.not_after - (long long)now;
        return seconds <= 0 ? 0 : seconds / (24 * 3600);
}

/* Names come from a file: a terminal must not act on what stands in it. */
static void print_plain(const char *text) {
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;
                putchar(c < ' ' || c == 0x7f ? '?' : c);
        }
}

void mv_certificate_view_print(const struct mv_certificate_view *view, time_t now) {
        char from[MV_TIME_TEXT], to[MV_TIME_TEXT], fingerprint[MV_FINGERPRINT_TEXT];
        printf("  Subject      ");
        print_plain(view->subject);
        if (view->names.n_dns + view->names.n_ips > 0) {
                printf("\n  DNS names    ");
                for (size_t i = 0; i < view->names.n_dns; i++) {
                        printf("%s", i ? ", " : "");
                        print_plain(view->names.dns[i]);
                }
                printf("\n  Addresses    ");
                for (size_t i = 0; i < view->names.n_ips; i++)
                        printf("%s%s", i ? ", " : "", view->names.ips[i]);
        }
        printf("\n  Issuer       ");
        print_plain(view->issuer);
        printf("\n  Valid        %s to %s\n", mv_time_format(view->validity.not_before, from),
               mv_time_format(view->validity.not_after, to));
        printf("  Days left    %lld\n", days_left(view, now));
        printf("  SHA-256      %s\n", mv_fingerprint_format(view->fingerprint, fingerprint));
}

struct json_object *mv_certificate_view_json(const struct mv_certificate_view *view, time_t now) {
        char text[MV_TIME_TEXT], fingerprint[MV_FINGERPRINT_TEXT];
        struct json_object *o = json_object_new_object();
        if (view->file)
                json_object_object_add(o, "file", json_object_new_string(view->file));
        json_object_object_add(o, "subject", json_object_new_string(view->subject));
        json_object_object_add(o, "issuer", json_object_new_string(view->issuer));
        json_object_object_add(o, "notBefore",
                               json_object_new_string(mv_time_format(view->validity.not_before, text)));
        json_object_object_add(o, "notAfter",
                               json_object_new_string(mv_time_format(view->validity.not_after, text)));
        json_object_object_add(o, "daysLeft", json_object_new_int64(days_left(view, now)));
        json_object_object_add(o, "sha256",
                               json_object_new_string(mv_fingerprint_format(view->fingerprint, fingerprint)));
        return o;
}
