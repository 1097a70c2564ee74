/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that `migvet certs show` says of one certificate, and how. */
#pragma once

#include "certs/certificate.h"
#include "certs/names.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <time.h>

struct mv_certificate_view {
        char *file; /* path; NULL when it is in no file */
        char subject[256], issuer[256];
        struct mv_validity validity;
        unsigned char fingerprint[MV_FINGERPRINT_BYTES];
        bool in_use; /* of an authority: its key is there, and in use */
        struct mv_names names;
};

/* *view is all zero before; on failure, too, it is to be freed. */
int mv_certificate_view_make(gnutls_x509_crt_t cert, const char *file, struct mv_certificate_view *view,
                             struct mv_err *err);
void mv_certificate_view_done(struct mv_certificate_view *view);

/* It is not valid at now: "the authority expired on ..."; false when it is. */
bool mv_certificate_view_problem(const struct mv_certificate_view *view, const char *what, time_t now,
                                 char *out, size_t size);
/* As lines of a table. */
void mv_certificate_view_print(const struct mv_certificate_view *view, time_t now);
struct json_object *mv_certificate_view_json(const struct mv_certificate_view *view, time_t now);
