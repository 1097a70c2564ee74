/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/probe.h"

#include "certs/certificate.h"
#include "certs/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Wait until the socket can be used so; false when the deadline comes first. */
static bool wait_for(int fd, short events, long long deadline) {
        for (;;) {
                struct pollfd one = { .fd = fd, .events = events };
                const long long left = deadline - mv_clock_ms();
                const int n = left > 0 ? poll(&one, 1, (int)left) : 0;
                if (n > 0)
                        return true;
                if (n == 0 || errno != EINTR)
                        return false;
        }
}

static int open_socket(const struct mv_probe *probe, long long deadline, int *ret, struct mv_err *err) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)probe->port) };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)probe->port) };
        const bool is_v4 = inet_pton(AF_INET, probe->address, &v4.sin_addr) == 1;
        if (!is_v4 && inet_pton(AF_INET6, probe->address, &v6.sin6_addr) != 1)
                return mv_err_set(err, MV_EUSAGE, "%s is no address", probe->address);
        const int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return mv_err_set(err, MV_EIO, "no socket: %s", strerrordesc_np(errno));
        const struct sockaddr *address = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
        int r = connect(fd, address, is_v4 ? sizeof v4 : sizeof v6) < 0 ? errno : 0;
        if (r == EINPROGRESS) {
                socklen_t n = sizeof r;
                if (!wait_for(fd, POLLOUT, deadline))
                        r = ETIMEDOUT;
                else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &n) < 0)
                        r = errno;
        }
        if (r) {
                close(fd);
                return mv_err_set(err, r == ETIMEDOUT ? MV_ETIMEOUT : MV_EIO,
                                  "no connection to %s port %u: %s", probe->address, probe->port,
                                  strerrordesc_np(r));
        }
        *ret = fd;
        return 0;
}

/* Why the certificate is not believed, in words. */
static int refused(gnutls_session_t session, const struct mv_probe *probe, struct mv_err *err) {
        gnutls_datum_t text;
        const unsigned status = gnutls_session_get_verify_cert_status(session);
        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
                return mv_err_set(err, MV_ECRYPTO, "the certificate is not believed for %s",
                                  probe->server_name);
        int r = mv_err_set(err, MV_ECRYPTO, "the certificate is not believed for %s: %.*s",
                           probe->server_name, (int)strcspn((const char *)text.data, "\n"),
                           (const char *)text.data);
        gnutls_free(text.data);
        return r;
}

static int shake_hands(gnutls_session_t session, int fd, const struct mv_probe *probe, long long deadline,
                       struct mv_err *err) {
        for (;;) {
                const int r = gnutls_handshake(session);
                if (r >= 0)
                        return 0;
                if (r == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
                        return refused(session, probe, err);
                if (gnutls_error_is_fatal(r))
                        return mv_err_set(err, MV_ECRYPTO, "the handshake failed: %s", gnutls_strerror(r));
                if ((r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) &&
                    !wait_for(fd, gnutls_record_get_direction(session) ? POLLOUT : POLLIN, deadline))
                        return mv_err_set(err, MV_ETIMEOUT, "no handshake within %u ms", probe->timeout_ms);
        }
}

static int probe_socket(const struct mv_probe *probe, gnutls_certificate_credentials_t credentials, int fd,
                        long long deadline, struct mv_err *err) {
        gnutls_session_t session;
        if (gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0)
                return mv_err_oom(err);
        int code = gnutls_set_default_priority(session);
        if (code >= 0)
                code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
        if (code >= 0)
                code = gnutls_server_name_set(session, GNUTLS_NAME_DNS, probe->server_name,
                                              strlen(probe->server_name));
        /* An API server wants the purpose, too. The session keeps the pointer. */
        gnutls_typed_vdata_st wanted[] = {
                { .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)(uintptr_t)probe->server_name },
                { .type = GNUTLS_DT_KEY_PURPOSE_OID,
                  .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER },
        };
        gnutls_session_set_verify_cert2(session, wanted, sizeof wanted / sizeof *wanted, 0);
        gnutls_transport_set_int(session, fd);
        int r = code < 0 ? mv_err_set(err, MV_ECRYPTO, "no TLS client: %s", gnutls_strerror(code))
                         : shake_hands(session, fd, probe, deadline, err);
        if (r >= 0)
                gnutls_bye(session, GNUTLS_SHUT_WR);
        gnutls_deinit(session);
        return r;
}

int mv_probe_run(const struct mv_probe *probe, struct mv_err *err) {
        const long long deadline = mv_clock_ms() + probe->timeout_ms;
        gnutls_certificate_credentials_t credentials;
        struct mv_cert_list list;
        int fd;
        /* For the words: what GnuTLS says of a broken text is a number. */
        int r = mv_cert_list_parse(probe->authorities, &list, err);
        if (r < 0)
                return r;
        mv_cert_list_done(&list);
        if (gnutls_certificate_allocate_credentials(&credentials) < 0)
                return mv_err_oom(err);
        const gnutls_datum_t pem = { .data = (unsigned char *)probe->authorities.p,
                                     .size = (unsigned)probe->authorities.n };
        int code = gnutls_certificate_set_x509_trust_mem(credentials, &pem, GNUTLS_X509_FMT_PEM);
        if (code < 0)
                r = mv_err_set(err, MV_ECRYPTO, "the authorities cannot be used: %s", gnutls_strerror(code));
        else
                r = open_socket(probe, deadline, &fd, err);
        if (r >= 0) {
                r = probe_socket(probe, credentials, fd, deadline, err);
                close(fd);
        }
        gnutls_certificate_free_credentials(credentials);
        return r;
}
