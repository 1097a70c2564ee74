/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/confirm.h"

#include "certs/clock.h"
#include "cluster/kube/resources.h"

#include <limits.h>
#include <stdlib.h>

enum {
        MOST_READS = 256, /* at a time */
        LOOK_MS = 5,      /* between two looks whether the watch has caught up */
};

enum read_state {
        READ_CALLED,
        READ_FAILED,  /* no answer that counts */
        READ_ABSENT,  /* it is not there */
        READ_PRESENT, /* json is what it is */
};

/* One object, read for one question. */
struct read {
        struct read *next;
        struct mv_kube_confirm *confirm;
        struct mv_kube_ask *ask; /* open, or the read would be gone */
        size_t i;                /* of what is wanted */
        struct mv_kube_call *call;
        bool sure;    /* the server has the version that it is asked for in */
        bool fetched; /* it was unknown to the watch, and fetching it has begun */
        enum read_state state;
        struct mv_str json; /* of the heap, padded; p is NULL when there is none */
};

struct mv_kube_confirm {
        struct mv_kube_client *client;
        struct mv_live *live;
        struct mv_kube_fetch *fetch;
        struct mv_kube_informers *informers;
        bool (*publish)(void *context);
        void *context;
        struct mv_kube_ask *asks;
        struct read *reads;
        size_t n_calls;
};

/* --- reading --- */

static void done(void *context, const struct mv_kube_response *response) {
        struct read *read = context;
        read->call = NULL;
        read->confirm->n_calls--;
        read->state = response->status == 404 && read->sure ? READ_ABSENT : READ_FAILED;
        char *copy = response->status == 200 ? malloc(response->body.n + MV_KUBE_PADDING) : NULL;
        if (!copy)
                return;
        memcpy(copy, response->body.p, response->body.n + MV_KUBE_PADDING);
        read->json = (struct mv_str){ copy, response->body.n };
        read->state = READ_PRESENT;
}

static bool begin_call(struct mv_kube_confirm *confirm, struct read *read, const char *version) {
        const struct mv_kube_wanted *wanted = &read->ask->wanted[read->i];
        struct mv_buf path;
        mv_buf_init(&path, &mv_allocator_system, 4096);
        mv_kube_object_path(&path, wanted->kind, version, wanted->namespace, wanted->name);
        long long left = read->ask->deadline_ms - mv_clock_ms();
        if (!mv_buf_failed(&path) && left > 0)
                read->call = mv_kube_client_start(
                        confirm->client,
                        &(struct mv_kube_request){ .method = "GET",
                                                   .path = mv_buf_str(&path),
                                                   .accept = mv_kube_accept(wanted->kind, MV_KUBE_OBJECT),
                                                   .timeout_ms = left < INT_MAX ? (unsigned)left : INT_MAX,
                                                   .done = done,
                                                   .context = read },
                        NULL);
        mv_buf_done(&path);
        return read->call;
}

/* Returns whether there is an answer to wait for. */
static bool begin_read(struct mv_kube_confirm *confirm, struct mv_kube_ask *ask, size_t i) {
        const struct mv_kube_wanted *wanted = &ask->wanted[i];
        const struct mv_kube_resource *resource = &mv_kube_resources[wanted->kind];
        bool known = false;
        const char *version = mv_kube_informers_version(confirm->informers, wanted->kind, &known);
        if (!resource->fetched || !wanted->name.n || (known && !version) || confirm->n_calls >= MOST_READS ||
            (mv_kinds[wanted->kind].namespaced && !wanted->namespace.n))
                return false;
        struct read *read = calloc(1, sizeof *read);
        if (!read)
                return false;
        *read = (struct read){
                .confirm = confirm, .ask = ask, .i = i, .sure = known || !resource->versions[1]
        };
        if (!begin_call(confirm, read, version ? version : resource->versions[0])) {
                free(read);
                return false;
        }
        confirm->n_calls++;
        read->next = confirm->reads;
        confirm->reads = read;
        return true;
}

void mv_kube_confirm_begin(struct mv_kube_confirm *confirm, struct mv_kube_ask *ask) {
        for (size_t i = 0; i < ask->n; i++)
                ask->open[i] = begin_read(confirm, ask, i);
        ask->next = confirm->asks;
        confirm->asks = ask;
}

/* --- answers --- */

static void ignore(void *context, const enum mv_kube_found *found, size_t n) {
        (void)context;
        (void)found;
        (void)n;
}

/* Nothing is known of an object that is there: have it put where the watch would put it. */
static void fetch_unknown(struct mv_kube_confirm *confirm, struct read *read) {
        struct mv_kube_ask *ask = read->fetched
                                          ? NULL
                                          : mv_kube_ask_new(&read->ask->wanted[read->i], 1,
                                                            read->ask->deadline_ms * 1000000, ignore, NULL);
        read->fetched = true;
        if (ask)
                mv_kube_fetch_begin(confirm->fetch, ask);
}

/* Whether what is known is as new as what was read. False as long as that may still come. */
static bool look_at(struct mv_kube_confirm *confirm, struct read *read) {
        struct mv_kube_ask *ask = read->ask;
        const struct mv_kube_wanted *wanted = &ask->wanted[read->i];
        bool known = mv_live_find(confirm->live, wanted->kind, wanted->namespace, wanted->name);
        switch (read->state) {
        case READ_CALLED:
                return false;
        case READ_FAILED:
                return true;
        case READ_ABSENT:
                if (!known)
                        ask->found[read->i] = MV_KUBE_NOT_THERE;
                return !known;
        case READ_PRESENT:
                if (!known)
                        fetch_unknown(confirm, read);
                else if (mv_live_shows(confirm->live, wanted->kind) &&
                         mv_live_is_current(confirm->live, wanted->kind, read->json)) {
                        ask->found[read->i] = MV_KUBE_FOUND;
                        return true;
                }
                return false;
        }
        return true;
}

static void free_read(struct mv_kube_confirm *confirm, struct read *read) {
        if (read->call) {
                mv_kube_client_cancel(confirm->client, read->call);
                confirm->n_calls--;
        }
        free((void *)(uintptr_t)read->json.p);
        free(read);
}

/* Those of one question, or all. */
static void free_reads(struct mv_kube_confirm *confirm, const struct mv_kube_ask *ask) {
        for (struct read **at = &confirm->reads; *at;) {
                struct read *read = *at;
                if (ask && read->ask != ask) {
                        at = &read->next;
                        continue;
                }
                *at = read->next;
                free_read(confirm, read);
        }
}

static bool is_open(const struct mv_kube_ask *ask) {
        for (size_t i = 0; i < ask->n; i++)
                if (ask->open[i])
                        return true;
        return false;
}

long long mv_kube_confirm_step(struct mv_kube_confirm *confirm, long long now) {
        long long until = LLONG_MAX;
        for (struct read *read = confirm->reads; read; read = read->next)
                if (read->ask->open[read->i])
                        read->ask->open[read->i] = !look_at(confirm, read);
        for (struct mv_kube_ask **at = &confirm->asks; *at;) {
                struct mv_kube_ask *ask = *at;
                if (is_open(ask) && now < ask->deadline_ms) {
                        long long next = now + LOOK_MS < ask->deadline_ms ? now + LOOK_MS : ask->deadline_ms;
                        until = next < until ? next : until;
                        at = &ask->next;
                        continue;
                }
                *at = ask->next;
                free_reads(confirm, ask);
                if (confirm->publish(confirm->context))
                        mv_kube_ask_answer(ask);
                else
                        mv_kube_ask_drop(ask);
        }
        return until;
}

/* --- life --- */

struct mv_kube_confirm *mv_kube_confirm_new(struct mv_kube_client *client, struct mv_live *live,
                                            struct mv_kube_fetch *fetch, bool (*publish)(void *context),
                                            void *context) {
        struct mv_kube_confirm *confirm = calloc(1, sizeof *confirm);
        if (confirm)
                *confirm = (struct mv_kube_confirm){
                        .client = client, .live = live, .fetch = fetch, .publish = publish, .context = context
                };
        return confirm;
}

void mv_kube_confirm_use(struct mv_kube_confirm *confirm, struct mv_kube_informers *informers) {
        confirm->informers = informers;
}

struct mv_kube_confirm *mv_kube_confirm_free(struct mv_kube_confirm *confirm) {
        if (!confirm)
                return NULL;
        free_reads(confirm, NULL);
        for (struct mv_kube_ask *ask = confirm->asks, *next; ask; ask = next) {
                next = ask->next;
                mv_kube_ask_drop(ask);
        }
        free(confirm);
        return NULL;
}
