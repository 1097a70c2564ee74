/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live cluster, read once into a snapshot, for commands: which kinds there are, then one list of each, several at a time.
 * What may not be listed is known as such in the snapshot, with the reason.
 */
#pragma once

#include "cluster/kube/informers.h"

#include <stdatomic.h>

struct mv_kube_load_options {
        const struct mv_kube_config *config;
        uint64_t kinds;                 /* bits; 0: mv_kube_needed() */
        uint64_t texts;                 /* bits of kinds whose objects keep their text (mv_meta.text) */
        const struct mv_logger *logger; /* NULL: nothing is logged */
        unsigned timeout_ms;            /* for all of it; 0: two minutes */
        const atomic_bool *cancel;      /* unless NULL: when it becomes true, MV_EIO */
        /* Unless NULL: called when more is there. */
        void (*progress)(void *context, size_t kinds_done, size_t kinds, size_t objects);
        void *context;
};

struct mv_kube_loaded;

/* MV_EIO, MV_ETIMEOUT and others when the server cannot be reached, or a list fails again and again; err names the server
 * or the kind. */
int mv_kube_load(const struct mv_kube_load_options *options, struct mv_kube_loaded **ret, struct mv_err *err);
/* Takes NULL; returns NULL. */
struct mv_kube_loaded *mv_kube_loaded_free(struct mv_kube_loaded *loaded);

/* Lives as long as loaded. */
const struct mv_snapshot *mv_kube_loaded_snapshot(const struct mv_kube_loaded *loaded);
/* How reading the kind went; errors[MV_REFLECTOR_OBJECT] objects could not be read. */
const struct mv_kube_kind_status *mv_kube_loaded_status(const struct mv_kube_loaded *loaded,
                                                        enum mv_kind kind);
