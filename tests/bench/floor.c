/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor under the webhook's speed: a server of the same libraries and TLS settings that reads each request's body,
 * looks at nothing and gives one fixed answer. One epoll thread. It prints its port, and ends when its standard input
 * does.
 *
 *   floor CERTIFICATE KEY ANSWER    PEM files, and the file that is the answer
 */
#include "tests/bench/support.h"
#include "webhook/tls.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POOL_BYTES = 32768 }; /* as in webhook/listen.c */

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data, size_t *n_data,
                              void **request) {
        static char begun;
        const struct bench_text *answer = context;
        (void)url, (void)method, (void)version, (void)data;
        if (!*request) {
                *request = &begun;
                return MHD_YES;
        }
        if (*n_data) {
                *n_data = 0;
                return MHD_YES;
        }
        struct MHD_Response *response =
                MHD_create_response_from_buffer(answer->n, answer->p, MHD_RESPMEM_PERSISTENT);
        if (!response)
                return MHD_NO;
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
        enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
        MHD_destroy_response(response);
        return queued;
}

static int listen_anywhere(unsigned *ret_port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t size = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                bench_stop("floor: cannot listen");
        *ret_port = ntohs(address.sin_port);
        return fd;
}

int main(int argc, char **argv) {
        if (argc != 4)
                bench_stop("usage: floor CERTIFICATE KEY ANSWER");
        unsigned port;
        struct bench_text certificate = bench_read(argv[1]), key = bench_read(argv[2]),
                          answer = bench_read(argv[3]);
        int fd = listen_anywhere(&port);
        struct MHD_Daemon *daemon = MHD_start_daemon(
                MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle,
                &answer, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_PRIORITIES, mv_tls_priorities,
                MHD_OPTION_HTTPS_MEM_CERT, certificate.p, MHD_OPTION_HTTPS_MEM_KEY, key.p,
                MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                MHD_OPTION_END);
        if (!daemon)
                bench_stop("floor: the server cannot start");
        printf("%u\n", port);
        fflush(stdout);
        char byte;
        while (read(STDIN_FILENO, &byte, 1) > 0)
                ;
        MHD_stop_daemon(daemon);
        free(answer.p);
        free(certificate.p);
        free(key.p);
        return 0;
}
