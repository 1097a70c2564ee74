/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of a configuration, taken apart, and whether a proxy of the environment is for a server. Pure. */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>

struct mv_kube_url {
        struct mv_str text; /* normal form, no slash at its end */
        struct mv_str host; /* IPv6 addresses without brackets */
        unsigned port;
        struct mv_str path; /* "" or "/path" */
};

/* The URL of an API server: https, a host, maybe port and path, nothing else. MV_EUSAGE (http), MV_ETYPE, MV_ENOMEM. The
 * result is in the arena. */
int mv_kube_url_server(struct mv_arena *arena, struct mv_str text, struct mv_kube_url *ret,
                       struct mv_err *err);
/* The URL of a proxy as libcurl wants it: http, https or socks5 (which resolves names itself). Errors never show it, since
 * it may have a password. MV_ETYPE, MV_ENOMEM. */
int mv_kube_url_proxy(struct mv_arena *arena, struct mv_str text, struct mv_str *ret, struct mv_err *err);
/* "https://HOST:PORT", an IPv6 address in brackets. */
struct mv_str mv_kube_url_join(struct mv_arena *arena, struct mv_str host, struct mv_str port);

/* The rules of Go's HTTP client: no proxy of the environment for localhost and loopback addresses, nor for what
 * $NO_PROXY has: names (with all below them), ".name" (only what is below), addresses, networks, each maybe with a
 * port; "*" is all. */
bool mv_kube_url_bypasses_proxy(const char *no_proxy, struct mv_str host, unsigned port);
