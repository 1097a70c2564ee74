/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names a certificate is for: DNS names and IP addresses, each kept once, DNS names in lower case and
 * addresses in the form inet_ntop prints. The set owns its texts.
 *
 * Functions that add return MV_EUSAGE for what is no name or no address, MV_ELIMIT for too many, MV_ENOMEM.
 * A failed call leaves the set as it was.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { MV_NAMES_MAX = 256 }; /* most names, and most addresses, in one set */

struct mv_names {
        char **dns;
        size_t n_dns;
        char **ips;
        size_t n_ips;
};

/* An empty set needs no memory: all zero. */
void mv_names_init(struct mv_names *names);
/* Frees the texts; the set is empty then. */
void mv_names_done(struct mv_names *names);

/* A host name such as `migvet.migvet.svc` or `*.example.org`. An address is refused: it is no DNS name. */
int mv_names_add_dns(struct mv_names *names, struct mv_str name, struct mv_err *err);
/* The same for a name that stands in a certificate already: any printable ASCII. */
int mv_names_add_dns_as_is(struct mv_names *names, struct mv_str name, struct mv_err *err);
/* An IPv4 or IPv6 address as text. */
int mv_names_add_ip(struct mv_names *names, struct mv_str address, struct mv_err *err);
/* An address as it stands in a certificate, 4 or 16 bytes. */
int mv_names_add_ip_bytes(struct mv_names *names, const void *bytes, size_t n, struct mv_err *err);
/* Everything that more holds. On failure part of it may have been added. */
int mv_names_add_all(struct mv_names *names, const struct mv_names *more, struct mv_err *err);

/* What a server of migvet is called when nobody says otherwise: localhost, migvet, migvet.migvet.svc;
 * 127.0.0.1, ::1. */
int mv_names_add_default_dns(struct mv_names *names, struct mv_err *err);
int mv_names_add_default_ips(struct mv_names *names, struct mv_err *err);

/* Every name and address of wanted is in names, letter by letter: a wildcard covers only itself. */
bool mv_names_cover(const struct mv_names *names, const struct mv_names *wanted);
