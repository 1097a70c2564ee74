/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses to listen on, as people write them: "127.0.0.1:8443", "[::1]:8443", ":8443". Host names are not
 * resolved. An empty host, and "[::]", mean every address of the machine, IPv4 and IPv6 on one socket; where
 * the machine has no IPv6, every IPv4 address.
 */
#pragma once

#include "policy/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct mv_address {
        struct sockaddr_storage socket;
        socklen_t size;  /* bytes of socket that count */
        bool dual_stack; /* IPv6 that also takes IPv4 */
        bool any_family; /* the host was empty: IPv4 will do */
};

/* Understand text. MV_EUSAGE when it is no address. */
int mv_address_parse(const char *text, struct mv_address *ret, struct mv_err *err);

/* A listening, non-blocking socket, and the port it got (the kernel chooses one for port 0). The caller
 * closes it. MV_EIO when the address cannot be had; text is only for the message. */
int mv_address_listen(const struct mv_address *address, const char *text, int *ret_fd, uint16_t *ret_port,
                      struct mv_err *err);
