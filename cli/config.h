/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of --config FILE: read once by commands, kept in step with the file by `serve`.
 *
 * What always holds: a file that is wrong never replaces a configuration that is in force; status says what is wrong with
 * it, and since when. A configuration is const; who borrows one keeps it for as long as he has it, whatever comes after. The
 * file is looked at by its content, so that a mounted ConfigMap, which changes by its `..data` link, is seen.
 */
#pragma once

#include "policy/base/log.h"
#include "policy/config/config.h"
#include "webhook/server.h"

#include <time.h>

/* Read the file into ret, which lives in arena; NULL gives the values as shipped. err->file is set. */
int mv_config_load(const char *path, struct mv_arena *arena, struct mv_config *ret, struct mv_err *err);

struct mv_config_watch;

struct mv_config_status {
        unsigned long long generation; /* configurations taken into force so far */
        bool file;                     /* there is a file; else the values as shipped are in force */
        time_t failing_since;          /* 0 while all is well */
        struct mv_err err;             /* why it fails; code 0 while all is well */
        bool restart;                  /* limits were changed that are taken up at the next start */
        bool texts; /* rules of siteRules read what a server keeps only if it started with them */
};

/* Read the file (NULL: as shipped). path and own_namespace are copied; logger may be NULL. What mv_config_load returns. */
int mv_config_watch_new(const char *path, struct mv_str own_namespace, const struct mv_logger *logger,
                        struct mv_config_watch **ret, struct mv_err *err);
/* From now on accept is asked before a configuration that the file holds comes into force; a negative code keeps the present
 * one, and err says why: it is asked again every few seconds until it accepts, or the file changes. Called by
 * mv_config_watch_poll. */
typedef int mv_config_accept(void *context, const struct mv_config *config, struct mv_err *err);
void mv_config_watch_accept(struct mv_config_watch *watch, mv_config_accept *accept, void *context);
/* No configuration may be on loan. Takes NULL; returns NULL. */
struct mv_config_watch *mv_config_watch_free(struct mv_config_watch *watch);

/* Look at the file, several times a second, from one thread: what two looks find the same is read. */
void mv_config_watch_poll(struct mv_config_watch *watch);

/* The configuration in force. Give it back. Any thread. */
const struct mv_config *mv_config_borrow(struct mv_config_watch *watch);
void mv_config_return(struct mv_config_watch *watch, const struct mv_config *config);

/* Any thread. */
void mv_config_watch_status(struct mv_config_watch *watch, struct mv_config_status *ret);

/* For /readyz?verbose and /metrics; context is the watch. Any thread. */
bool mv_config_watch_ready(void *context, struct mv_buf *remark);
void mv_config_watch_collect(void *context, struct mv_buf *out);
/* The kinds whose text the rules of siteRules read, as they were when the watch was made. */
uint64_t mv_config_watch_texts(struct mv_config_watch *watch);
/* The limits of the server, as they were when the watch was made. */
struct mv_webhook_limits mv_config_watch_limits(struct mv_config_watch *watch);
