/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/ask.h"

#include <stdlib.h>
#include <string.h>

struct mv_kube_ask *mv_kube_ask_new(const struct mv_kube_wanted *wanted, size_t n, long long deadline_ns,
                                    mv_kube_fetched *done, void *context) {
        size_t bytes =
                sizeof(struct mv_kube_ask) + n * (sizeof *wanted + sizeof(enum mv_kube_found) + sizeof(bool));
        for (size_t i = 0; i < n; i++)
                bytes += wanted[i].namespace.n + wanted[i].name.n;
        struct mv_kube_ask *ask = calloc(1, bytes);
        if (!ask)
                return NULL;
        ask->deadline_ms = deadline_ns / 1000000;
        ask->done = done;
        ask->context = context;
        ask->n = n;
        ask->wanted = (struct mv_kube_wanted *)(void *)(ask + 1);
        ask->found = (enum mv_kube_found *)(void *)(ask->wanted + n);
        ask->open = (bool *)(void *)(ask->found + n);
        char *text = (char *)(ask->open + n);
        for (size_t i = 0; i < n; i++) {
                struct mv_str *slices[] = { &ask->wanted[i].namespace, &ask->wanted[i].name };
                ask->wanted[i] = wanted[i];
                for (size_t j = 0; j < 2; j++) {
                        if (slices[j]->n)
                                memcpy(text, slices[j]->p, slices[j]->n);
                        slices[j]->p = text;
                        text += slices[j]->n;
                }
        }
        return ask;
}

void mv_kube_ask_answer(struct mv_kube_ask *ask) {
        ask->done(ask->context, ask->found, ask->n);
        free(ask);
}

void mv_kube_ask_drop(struct mv_kube_ask *ask) {
        memset(ask->found, 0, ask->n * sizeof *ask->found);
        mv_kube_ask_answer(ask);
}
