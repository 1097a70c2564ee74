/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/load.h"

#include "certs/clock.h"
#include "cluster/kube/resources.h"

#include <stdlib.h>

enum {
        TIMEOUT_MS = 120 * 1000,
        LONGEST_WAIT_MS = 100, /* then cancel is looked at */
        MOST_DISCOVERIES = 2,  /* failures until it is given up */
        MOST_LISTS = 5,        /* of one kind */
};

struct mv_kube_loaded {
        struct mv_store *store;
        struct mv_live *live;
        const struct mv_snapshot *snapshot;
        struct mv_kube_kind_status kinds[MV_KIND_COUNT];
};

struct mv_kube_loaded *mv_kube_loaded_free(struct mv_kube_loaded *loaded) {
        if (!loaded)
                return NULL;
        if (loaded->store)
                mv_store_return(loaded->store, loaded->snapshot);
        mv_store_free(loaded->store);
        mv_live_free(loaded->live);
        free(loaded);
        return NULL;
}

const struct mv_snapshot *mv_kube_loaded_snapshot(const struct mv_kube_loaded *loaded) {
        return loaded->snapshot;
}

const struct mv_kube_kind_status *mv_kube_loaded_status(const struct mv_kube_loaded *loaded,
                                                        enum mv_kind kind) {
        return &loaded->kinds[kind];
}

struct counts {
        size_t done, kinds, objects;
};

/* Returns the error of a kind that is given up. */
static int look(struct mv_kube_loaded *loaded, const struct mv_kube_informers *informers, struct counts *ret,
                struct mv_err *err) {
        *ret = (struct counts){ 0 };
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                struct mv_kube_kind_status *status = &loaded->kinds[kind];
                mv_kube_informers_status(informers, (enum mv_kind)kind, status);
                ret->kinds += status->needed;
                ret->done += status->needed && status->settled;
                ret->objects += status->objects;
                if (status->failures >= MOST_LISTS && !status->settled)
                        return mv_err_set(err, MV_EIO, "%s cannot be listed: %s", mv_kinds[kind].plural,
                                          status->reason);
        }
        return 0;
}

/* Why loading must end now; 0: it need not. */
static int look_for_end(const struct mv_kube_load_options *options, const struct mv_kube_informers *informers,
                        long long end_ms, struct mv_err *err) {
        const struct mv_err *why;
        if (mv_kube_informers_unreachable(informers, &why) >= MOST_DISCOVERIES) {
                if (err)
                        *err = *why;
                return why->code;
        }
        if (options->cancel && atomic_load(options->cancel))
                return mv_err_set(err, MV_EIO, "cancelled");
        if (mv_clock_ms() >= end_ms)
                return mv_err_set(err, MV_ETIMEOUT, "%.*s did not answer in time",
                                  MV_STR_ARG(options->config->server));
        return 0;
}

static int run(const struct mv_kube_load_options *options, struct mv_kube_loaded *loaded,
               struct mv_kube_client *client, struct mv_kube_informers *informers, struct mv_err *err) {
        struct counts counts, before = { 0 };
        long long end_ms = mv_clock_ms() + (options->timeout_ms ? options->timeout_ms : TIMEOUT_MS);
        for (;;) {
                long long now = mv_clock_ms(), until = mv_kube_informers_step(informers, now);
                int r = look(loaded, informers, &counts, err);
                if (r || (r = look_for_end(options, informers, end_ms, err)))
                        return r;
                if (options->progress && memcmp(&counts, &before, sizeof counts) != 0)
                        options->progress(options->context, counts.done, counts.kinds, counts.objects);
                before = counts;
                if (mv_kube_informers_ready(informers))
                        return mv_live_publish(loaded->live, true, err);
                long long wait = until - now < LONGEST_WAIT_MS ? until - now : LONGEST_WAIT_MS;
                mv_kube_client_run(client, wait > 0 ? (unsigned)wait : 0);
        }
}

int mv_kube_load(const struct mv_kube_load_options *options, struct mv_kube_loaded **ret,
                 struct mv_err *err) {
        struct mv_kube_client *client = NULL;
        struct mv_kube_informers *informers = NULL;
        struct mv_kube_loaded *loaded = calloc(1, sizeof *loaded);
        if (!loaded)
                return mv_err_oom(err);
        int r = mv_kube_client_new(options->config, &client, err);
        if (!r && (loaded->store = mv_store_new()))
                loaded->live = mv_live_new(loaded->store);
        if (loaded->live) {
                mv_live_make_entries(loaded->live); /* commands choose among all objects */
                mv_live_keep_texts(loaded->live, options->texts);
        }
        if (loaded->live)
                informers = mv_kube_informers_new(&(struct mv_kube_informers_options){
                        .client = client,
                        .live = loaded->live,
                        .kinds = options->kinds ? options->kinds : mv_kube_needed(),
                        .once = true,
                        .logger = options->logger });
        if (!r)
                r = informers ? run(options, loaded, client, informers, err) : mv_err_oom(err);
        if (!r && !(loaded->snapshot = mv_store_borrow(loaded->store)))
                r = mv_err_oom(err);
        mv_kube_informers_free(informers);
        mv_kube_client_free(client);
        if (r)
                mv_kube_loaded_free(loaded);
        else
                *ret = loaded;
        return r;
}
