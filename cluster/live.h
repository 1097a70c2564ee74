/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write side of a live cluster: objects as an API server sends them, kept one block each, and made into snapshots.
 *
 * One thread (the watch) calls everything here. Readers see what mv_live_publish put into the store: const snapshots, as
 * with files. What did not change from one snapshot to the next is shared by both, so a new one costs what changed; what is
 * superseded is freed when no snapshot is left that can see it.
 *
 * Two speeds: tables of objects are cheap and renewed by every publication. The placement (which node has room, who keeps
 * away from whom) takes up to a tenth of a second in the largest clusters; together with the Nodes and Pods that it is made
 * of, it is renewed so that this takes at most a tenth of the time.
 */
#pragma once

#include "cluster/store.h"
#include "policy/snapshot/kind.h"

struct mv_live;

/* The store outlives nothing here: mv_live_free wants it freed, or all snapshots of this live cluster replaced and
 * returned, before. NULL when out of memory. */
struct mv_live *mv_live_new(struct mv_store *store);
/* Takes NULL; returns NULL. */
struct mv_live *mv_live_free(struct mv_live *live);

/* Snapshots are to have entries (policy/snapshot/snapshot.h). */
void mv_live_make_entries(struct mv_live *live);
/* Objects of these kinds (1 << kind, or-ed) that are put from now on keep their text (mv_meta.text). */
void mv_live_keep_texts(struct mv_live *live, uint64_t kinds);

/* A whole list comes: between begin and end each object is put; what was there and did not come again is dropped at the
 * end. A list that is not ended (mv_live_abandon, or another begin) changes only what it has put. */
void mv_live_begin(struct mv_live *live, enum mv_kind kind);
void mv_live_end(struct mv_live *live, enum mv_kind kind);
void mv_live_abandon(struct mv_live *live, enum mv_kind kind);
/* An object that was added or has changed; json is followed by 8 readable bytes. Errors as mv_block_new: of an object that
 * cannot be decoded nothing is kept, what was known of it before neither; and as long as it is there, what is not there of its
 * kind is not known (MV_KNOWLEDGE_NAMED in the place of ALL), since it may be this one. */
int mv_live_put(struct mv_live *live, enum mv_kind kind, struct mv_str json, struct mv_err *err);
void mv_live_remove(struct mv_live *live, enum mv_kind kind, struct mv_str namespace, struct mv_str name);
/* The object as it is now, or NULL; good until the next call. */
const void *mv_live_find(const struct mv_live *live, enum mv_kind kind, struct mv_str namespace,
                         struct mv_str name);
/* Objects of that kind are in the snapshots that are published now: not those of one that is outdated, nor Nodes or Pods that
 * are but a part. */
bool mv_live_shows(const struct mv_live *live, enum mv_kind kind);
/* What is known under the name of the object in json (as for mv_live_put) is as new as that: it says the same, or its
 * resourceVersion is the same or a later one. False when nothing is known of it, or json cannot be read. */
bool mv_live_is_current(struct mv_live *live, enum mv_kind kind, struct mv_str json);
/* reason is in words, for people; copied. */
void mv_live_know(struct mv_live *live, enum mv_kind kind, enum mv_knowledge knowledge, struct mv_str reason);
/* The number of objects of that kind now. */
size_t mv_live_count(const struct mv_live *live, enum mv_kind kind);

/* Publish a snapshot of what is there now, when anything changed since the last one. all: the placement, too, however long
 * that takes. MV_ENOMEM: the snapshot in force stays. */
int mv_live_publish(struct mv_live *live, bool all, struct mv_err *err);
/* When it should be published, in milliseconds of CLOCK_MONOTONIC: now, unless the last time took long; LLONG_MAX when
 * nothing changed. */
long long mv_live_due(const struct mv_live *live);
