/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write side of a live cluster: objects as an API server sends them, kept one block each, and made into snapshots.
 *
 * One thread (the watch) calls everything here. Readers see what mv_live_publish put into the store: const snapshots, as with
 * files. Objects that did not change are shared by the snapshots, so a new one costs what changed.
 */
#pragma once

#include "cluster/store.h"
#include "policy/kind.h"

/* What is known of a kind. */
enum mv_knowledge {
        MV_KNOWLEDGE_SOME,      /* files: what is not there may exist */
        MV_KNOWLEDGE_NONE,      /* not listed yet */
        MV_KNOWLEDGE_ALL,       /* listed and watched: what is not there does not exist */
        MV_KNOWLEDGE_ABSENT,    /* the API server does not have the kind: there is none */
        MV_KNOWLEDGE_FORBIDDEN, /* we may not list it */
        MV_KNOWLEDGE_LOST,      /* was ALL; the server has not answered for a while: what is there may be stale */
};

struct mv_live;

struct mv_live *mv_live_new(struct mv_store *store); /* NULL when out of memory */
struct mv_live *mv_live_free(struct mv_live *live);

/* A whole list comes: between begin and end each object is put; what was there and did not come again is dropped at the end.
 * A list that is not ended (mv_live_abandon, or another begin) changes only what it has put. */
void mv_live_begin(struct mv_live *live, enum mv_kind kind);
void mv_live_end(struct mv_live *live, enum mv_kind kind);
void mv_live_abandon(struct mv_live *live, enum mv_kind kind);
/* An object that was added or has changed; json is followed by 8 readable bytes. An object that cannot be decoded is kept out, and
 * counts as a failure (MV_ETYPE with its name in err->message; the others go on). */
int mv_live_put(struct mv_live *live, enum mv_kind kind, struct mv_str json, struct mv_err *err);
void mv_live_remove(struct mv_live *live, enum mv_kind kind, struct mv_str namespace, struct mv_str name);
/* reason in words, for people; copied. */
void mv_live_know(struct mv_live *live, enum mv_kind kind, enum mv_knowledge knowledge, struct mv_str reason);
/* The number of objects of that kind now. */
size_t mv_live_count(const struct mv_live *live, enum mv_kind kind);
/* Publish a snapshot of what is there now, when anything changed since the last one. */
int mv_live_publish(struct mv_live *live, struct mv_err *err);
/* When it should be published (CLOCK_MONOTONIC milliseconds): at once when little changed, at most a tenth of the time
 * otherwise; LLONG_MAX: nothing changed. */
long long mv_live_due(const struct mv_live *live, long long now_ms);
