/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the client: one request as libcurl sees it. client.c decides when it begins and ends.
 */
#pragma once

#include "cluster/kube/client.h"
#include "cluster/kube/credentials.h"

#include <curl/curl.h>

struct mv_kube_call {
        struct mv_kube_client *client;
        struct mv_kube_call *previous, *next;

        /* of the request, copied */
        struct mv_kube_request request;
        struct mv_buf text; /* what its slices point to */

        CURL *easy; /* NULL before it begins */
        struct curl_slist *headers;
        char problem[CURL_ERROR_SIZE];
        unsigned generation; /* of the credentials that it shows */

        long long started_ms, heard_ms; /* heard: when the last byte came */
        bool *plain;                    /* of the client: the server was heard to speak no HTTP/2 */
        struct mv_buf body;
        struct mv_err err; /* code 0, or why we ended it */
        bool cancelled;    /* by one of its own callbacks */
};

/* A copy of the request; NULL when out of memory. */
struct mv_kube_call *mv_kube_call_new(struct mv_kube_client *client, const struct mv_kube_request *request,
                                      bool *plain);
void mv_kube_call_free(struct mv_kube_call *call);

/* Make call->easy for it. connect_to may be NULL. MV_ENOMEM, MV_EIO. */
int mv_kube_call_prepare(struct mv_kube_call *call, const struct mv_kube_credentials *credentials,
                         struct curl_slist *connect_to, struct mv_err *err);
/* libcurl ended it with this code: what to tell. The slices of *ret are the call's. */
void mv_kube_call_result(struct mv_kube_call *call, const struct mv_kube_config *config, CURLcode code,
                         struct mv_kube_response *ret);
/* The socket it uses, or CURL_SOCKET_BAD. */
curl_socket_t mv_kube_call_socket(const struct mv_kube_call *call);
