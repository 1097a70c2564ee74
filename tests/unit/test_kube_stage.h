/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what asks for single objects: a live cluster, and a fake API server that nothing is listed or watched of. */
#pragma once

#include "certs/clock.h"
#include "cluster/kube/confirm.h"
#include "cluster/kube/resources.h"
#include "tests/unit/test_kube.h"

struct stage {
        struct kube kube;
        struct mv_store *store;
        struct mv_live *live;
        struct mv_kube_informers *informers; /* they ask for nothing: which versions there are is not known */
        struct mv_kube_fetch *fetch;
        struct mv_kube_confirm *confirm;
        unsigned publications;
        bool no_memory; /* for publishing */
        bool answered;
        enum mv_kube_found found;
};

static inline bool publish(void *context) {
        struct stage *stage = context;
        stage->publications++;
        return !stage->no_memory && mv_live_publish(stage->live, false, NULL) == 0;
}

static inline void answered(void *context, const enum mv_kube_found *found, size_t n) {
        struct stage *stage = context;
        assert_int_equal(n, 1);
        assert_false(stage->answered);
        stage->answered = true;
        stage->found = *found;
}

static inline void stage_begin(struct stage *stage) {
        *stage = (struct stage){ .kube = kube_new("", "") };
        stage->store = mv_store_new();
        stage->live = mv_live_new(stage->store);
        stage->fetch = mv_kube_fetch_new(stage->kube.client, stage->live, publish, stage);
        stage->confirm = mv_kube_confirm_new(stage->kube.client, stage->live, stage->fetch, publish, stage);
        stage->informers = mv_kube_informers_new(&(struct mv_kube_informers_options){
                .client = stage->kube.client, .live = stage->live, .kinds = mv_kube_needed() });
        assert_non_null(stage->informers);
        mv_kube_fetch_use(stage->fetch, stage->informers);
        mv_kube_confirm_use(stage->confirm, stage->informers);
        mv_live_know(stage->live, MV_KIND_NODE, MV_KNOWLEDGE_ALL, MV_STR("")); /* so that they are shown */
}

static inline void stage_end(struct stage *stage) {
        mv_kube_confirm_free(stage->confirm);
        mv_kube_fetch_free(stage->fetch);
        mv_kube_informers_free(stage->informers);
        mv_store_free(stage->store);
        mv_live_free(stage->live);
        kube_done(&stage->kube);
}
