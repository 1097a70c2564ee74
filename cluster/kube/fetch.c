/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/fetch.h"

#include "certs/clock.h"
#include "cluster/kube/resources.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

enum {
        GET_MS = 5 * 1000,
        KEPT_MS = 60 * 1000, /* what was fetched, and the watch does not tell of */
        MOST_GETS = 256,     /* at a time */
};

/* A GET in flight, or what it brought. */
struct object {
        struct object *next;
        struct mv_kube_fetch *fetch;
        enum mv_kind kind;
        struct mv_str namespace, name; /* behind the struct */
        struct mv_kube_call *call;     /* NULL: it has ended */
        bool sure;                     /* the server has the version that it is asked for in */
        bool told;                     /* the watch has spoken of it meanwhile */
        bool put, missing;             /* what came of it */
        long long until;               /* it is forgotten then */
};

struct mv_kube_fetch {
        struct mv_kube_client *client;
        struct mv_live *live;
        struct mv_kube_informers *informers;
        bool (*publish)(void *context);
        void *context;
        struct object *objects;
        size_t n_calls;
        struct mv_kube_ask *asks;
};

/* --- objects --- */

static bool is_object(const struct object *object, enum mv_kind kind, struct mv_str namespace,
                      struct mv_str name) {
        return object->kind == kind && mv_str_equal(object->name, name) &&
               (!mv_kinds[kind].namespaced || mv_str_equal(object->namespace, namespace));
}

static struct object *object_of(const struct mv_kube_fetch *fetch, const struct mv_kube_wanted *wanted) {
        for (struct object *object = fetch->objects; object; object = object->next)
                if (is_object(object, wanted->kind, wanted->namespace, wanted->name))
                        return object;
        return NULL;
}

/* The informers name objects while there is something to compare them with. */
static void tell_kinds(struct mv_kube_fetch *fetch) {
        uint64_t kinds = 0;
        for (const struct object *object = fetch->objects; object; object = object->next)
                kinds |= UINT64_C(1) << object->kind;
        mv_kube_informers_name(fetch->informers, kinds);
}

static void done(void *context, const struct mv_kube_response *response) {
        struct object *object = context;
        struct mv_kube_fetch *fetch = object->fetch;
        object->call = NULL;
        fetch->n_calls--;
        object->until = LLONG_MIN;
        object->missing = response->status == 404 && object->sure;
        if (response->status != 200 || object->told ||
            mv_live_find(fetch->live, object->kind, object->namespace, object->name))
                return;
        if (mv_live_put(fetch->live, object->kind, response->body, NULL) < 0)
                return;
        object->put = true;
        object->until = mv_clock_ms() + KEPT_MS;
}

/* Returns NULL when that cannot be asked for now. */
static struct object *get(struct mv_kube_fetch *fetch, const struct mv_kube_wanted *wanted,
                          const char *version, bool sure) {
        struct object *object = NULL;
        struct mv_buf path;
        mv_buf_init(&path, &mv_allocator_system, 4096);
        mv_kube_object_path(&path, wanted->kind, version, wanted->namespace, wanted->name);
        if (fetch->n_calls < MOST_GETS && !mv_buf_failed(&path))
                object = calloc(1, sizeof *object + wanted->namespace.n + wanted->name.n);
        if (object) {
                char *text = (char *)(object + 1);
                *object = (struct object){ .fetch = fetch,
                                           .kind = wanted->kind,
                                           .sure = sure,
                                           .namespace = { text, wanted->namespace.n },
                                           .name = { text + wanted->namespace.n, wanted->name.n } };
                memcpy(text, wanted->namespace.p, wanted->namespace.n);
                memcpy(text + wanted->namespace.n, wanted->name.p, wanted->name.n);
                object->call = mv_kube_client_start(
                        fetch->client,
                        &(struct mv_kube_request){ .method = "GET",
                                                   .path = mv_buf_str(&path),
                                                   .accept = mv_kube_accept(wanted->kind, MV_KUBE_OBJECT),
                                                   .timeout_ms = GET_MS,
                                                   .done = done,
                                                   .context = object },
                        NULL);
        }
        mv_buf_done(&path);
        if (object && !object->call) {
                free(object);
                object = NULL;
        }
        if (object) {
                object->next = fetch->objects;
                fetch->objects = object;
                fetch->n_calls++;
                tell_kinds(fetch);
        }
        return object;
}

void mv_kube_fetch_named(struct mv_kube_fetch *fetch, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name) {
        for (struct object *object = fetch->objects; object; object = object->next)
                if (is_object(object, kind, namespace, name)) {
                        object->told = true;
                        if (!object->call)
                                object->until = LLONG_MIN;
                }
}

static void forget_old(struct mv_kube_fetch *fetch, long long now) {
        bool fewer = false;
        for (struct object **at = &fetch->objects; *at;) {
                struct object *object = *at;
                if (object->call || now < object->until) {
                        at = &object->next;
                        continue;
                }
                if (object->put && !object->told)
                        mv_live_remove(fetch->live, object->kind, object->namespace, object->name);
                *at = object->next;
                free(object);
                fewer = true;
        }
        if (fewer)
                tell_kinds(fetch);
}

/* What was put and is not there any more, since its kind was dropped or the watch told of its end, says nothing. */
static void forget_dropped(struct mv_kube_fetch *fetch, const struct mv_kube_wanted *wanted) {
        struct object *dropped = object_of(fetch, wanted);
        if (!dropped || dropped->call || !(dropped->put || dropped->told))
                return;
        struct object **at = &fetch->objects;
        while (*at != dropped)
                at = &(*at)->next;
        *at = dropped->next;
        free(dropped);
}

/* --- answers --- */

/* The object, not known yet, is asked for. Returns whether there is an answer to wait for. */
static bool ask_for(struct mv_kube_fetch *fetch, const struct mv_kube_wanted *wanted, const char *version,
                    bool known) {
        const struct mv_kube_resource *resource = &mv_kube_resources[wanted->kind];
        if (!resource->fetched || !wanted->name.n ||
            (mv_kinds[wanted->kind].namespaced && !wanted->namespace.n))
                return false;
        forget_dropped(fetch, wanted);
        return object_of(fetch, wanted) ||
               get(fetch, wanted, version ? version : resource->versions[0], known || !resource->versions[1]);
}

void mv_kube_fetch_begin(struct mv_kube_fetch *fetch, struct mv_kube_ask *ask) {
        for (size_t i = 0; i < ask->n; i++) {
                const struct mv_kube_wanted *wanted = &ask->wanted[i];
                bool known = false;
                if (mv_live_find(fetch->live, wanted->kind, wanted->namespace, wanted->name)) {
                        if (mv_live_shows(fetch->live, wanted->kind))
                                ask->found[i] = MV_KUBE_FOUND;
                        continue;
                }
                const char *version = mv_kube_informers_version(fetch->informers, wanted->kind, &known);
                if (known && !version)
                        ask->found[i] = MV_KUBE_NOT_THERE;
                else
                        ask->open[i] = ask_for(fetch, wanted, version, known);
        }
        ask->next = fetch->asks;
        fetch->asks = ask;
}

/* What has come of the open ones. Returns whether one is still open. */
static bool look(struct mv_kube_fetch *fetch, struct mv_kube_ask *ask) {
        bool open = false;
        for (size_t i = 0; i < ask->n; i++) {
                const struct mv_kube_wanted *wanted = &ask->wanted[i];
                const struct object *object = ask->open[i] ? object_of(fetch, wanted) : NULL;
                if (!ask->open[i])
                        continue;
                bool found = mv_live_find(fetch->live, wanted->kind, wanted->namespace, wanted->name);
                if (found && mv_live_shows(fetch->live, wanted->kind))
                        ask->found[i] = MV_KUBE_FOUND;
                else if (!found && object && !object->call && object->missing)
                        ask->found[i] = MV_KUBE_NOT_THERE;
                ask->open[i] = !found && object && object->call;
                open |= ask->open[i];
        }
        return open;
}

/* What is found must be in force; where that fails, it is not known. */
static void put_in_force(struct mv_kube_fetch *fetch, struct mv_kube_ask *ready) {
        bool any = false;
        for (const struct mv_kube_ask *ask = ready; ask; ask = ask->next)
                for (size_t i = 0; i < ask->n; i++)
                        any |= ask->found[i] == MV_KUBE_FOUND;
        if (!any || fetch->publish(fetch->context))
                return;
        for (struct mv_kube_ask *ask = ready; ask; ask = ask->next)
                for (size_t i = 0; i < ask->n; i++)
                        if (ask->found[i] == MV_KUBE_FOUND)
                                ask->found[i] = MV_KUBE_NOT_KNOWN;
}

long long mv_kube_fetch_step(struct mv_kube_fetch *fetch, long long now) {
        struct mv_kube_ask *ready = NULL;
        long long until = LLONG_MAX;
        for (struct mv_kube_ask **at = &fetch->asks; *at;) {
                struct mv_kube_ask *ask = *at;
                if (look(fetch, ask) && now < ask->deadline_ms) {
                        until = ask->deadline_ms < until ? ask->deadline_ms : until;
                        at = &ask->next;
                        continue;
                }
                *at = ask->next;
                ask->next = ready;
                ready = ask;
        }
        put_in_force(fetch, ready);
        for (struct mv_kube_ask *ask = ready, *next; ask; ask = next) {
                next = ask->next;
                mv_kube_ask_answer(ask);
        }
        forget_old(fetch, now);
        for (const struct object *object = fetch->objects; object; object = object->next)
                if (!object->call && object->until < until)
                        until = object->until;
        return until;
}

/* --- life --- */

struct mv_kube_fetch *mv_kube_fetch_new(struct mv_kube_client *client, struct mv_live *live,
                                        bool (*publish)(void *context), void *context) {
        struct mv_kube_fetch *fetch = calloc(1, sizeof *fetch);
        if (fetch)
                *fetch = (struct mv_kube_fetch){
                        .client = client, .live = live, .publish = publish, .context = context
                };
        return fetch;
}

void mv_kube_fetch_use(struct mv_kube_fetch *fetch, struct mv_kube_informers *informers) {
        fetch->informers = informers;
}

struct mv_kube_fetch *mv_kube_fetch_free(struct mv_kube_fetch *fetch) {
        if (!fetch)
                return NULL;
        for (struct mv_kube_ask *ask = fetch->asks, *next; ask; ask = next) {
                next = ask->next;
                look(fetch, ask);
                mv_kube_ask_answer(ask);
        }
        for (struct object *object = fetch->objects, *next; object; object = next) {
                next = object->next;
                if (object->call)
                        mv_kube_client_cancel(fetch->client, object->call);
                free(object);
        }
        free(fetch);
        return NULL;
}
