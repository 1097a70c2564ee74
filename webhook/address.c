/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/address.h"

#include "policy/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static void address_set_any4(struct mv_address *address, in_port_t port) {
        struct sockaddr_in in = { .sin_family = AF_INET,
                                  .sin_port = port,
                                  .sin_addr = { htonl(INADDR_ANY) } };
        memcpy(&address->socket, &in, sizeof in);
        address->size = sizeof in;
}

int mv_address_parse(const char *text, struct mv_address *ret, struct mv_err *err) {
        const char *colon = text ? strrchr(text, ':') : NULL;
        unsigned long long number = 0;
        if (!colon || !mv_str_to_unsigned(mv_str_from(colon + 1), 65535, &number))
                return mv_err_set(err, MV_EUSAGE, "\"%s\" is not ADDRESS:PORT", text ? text : "");
        in_port_t port = htons((uint16_t)number);

        struct mv_str host = { .p = text, .n = (size_t)(colon - text) };
        bool bracketed = host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
        if (bracketed)
                host = (struct mv_str){ .p = host.p + 1, .n = host.n - 2 };
        char name[INET6_ADDRSTRLEN];
        if (host.n >= sizeof name || memchr(host.p, '\0', host.n))
                return mv_err_set(err, MV_EUSAGE, "\"%s\" is not ADDRESS:PORT", text);
        memcpy(name, host.p, host.n);
        name[host.n] = '\0';

        struct mv_address address = { .any_family = host.n == 0 && !bracketed };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };
        struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = port };
        if (address.any_family || (bracketed && inet_pton(AF_INET6, name, &in6.sin6_addr) == 1)) {
                address.dual_stack = IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
                memcpy(&address.socket, &in6, sizeof in6);
                address.size = sizeof in6;
        } else if (!bracketed && inet_pton(AF_INET, name, &in4.sin_addr) == 1) {
                memcpy(&address.socket, &in4, sizeof in4);
                address.size = sizeof in4;
        } else
                return mv_err_set(err, MV_EUSAGE,
                                  "\"%s\" is not ADDRESS:PORT (an IPv4 address, [IPv6 address], or nothing, "
                                  "before the port)",
                                  text);
        *ret = address;
        return 0;
}

static int address_bind(const struct mv_address *address, int *ret_fd) {
        int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int on = 1, v6only = !address->dual_stack;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (address->socket.ss_family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
        if (bind(fd, (const struct sockaddr *)&address->socket, address->size) < 0 ||
            listen(fd, BACKLOG) < 0) {
                int failure = -errno;
                close(fd);
                return failure;
        }
        *ret_fd = fd;
        return 0;
}

int mv_address_listen(const struct mv_address *address, const char *text, int *ret_fd, uint16_t *ret_port,
                      struct mv_err *err) {
        int fd = -1;
        int r = address_bind(address, &fd);
        if (r < 0 && address->any_family) {
                struct sockaddr_in6 in6;
                memcpy(&in6, &address->socket, sizeof in6);
                struct mv_address any4 = { 0 };
                address_set_any4(&any4, in6.sin6_port);
                r = address_bind(&any4, &fd);
        }
        if (r < 0)
                return mv_err_set(err, MV_EIO, "cannot listen on %s: %s", text, strerrordesc_np(-r));

        struct sockaddr_storage bound = { 0 };
        socklen_t size = sizeof bound;
        if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0) {
                close(fd);
                return mv_err_set(err, MV_EIO, "cannot listen on %s: %s", text, strerrordesc_np(errno));
        }
        in_port_t bound_port = 0;
        if (bound.ss_family == AF_INET)
                memcpy(&bound_port, (const char *)&bound + offsetof(struct sockaddr_in, sin_port),
                       sizeof bound_port);
        else
                memcpy(&bound_port, (const char *)&bound + offsetof(struct sockaddr_in6, sin6_port),
                       sizeof bound_port);
        *ret_port = ntohs(bound_port);
        *ret_fd = fd;
        return 0;
}
