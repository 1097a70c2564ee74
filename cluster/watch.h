/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a store in step with files: a thread looks at them several times a second, and when they changed
 * and then stayed as they are for a moment, reads all of them into a new snapshot and publishes it.
 *
 * What always holds: a state that cannot be read never replaces one that could; the last good snapshot
 * stays in force, and status says what is wrong, since when. An edit that keeps name, size and inode is
 * seen by its times. Polling needs nothing of the file system, so network mounts and mounted ConfigMaps
 * work too.
 */
#pragma once

#include "cluster/files.h"
#include "cluster/store.h"
#include "policy/base/err.h"
#include "policy/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct mv_files_watch;

struct mv_files_status {
        unsigned long long generation; /* snapshots published so far; 0: there is none yet */
        unsigned long long failures;   /* attempts to read them that failed */
        struct mv_files_counts counts; /* of the snapshot in force */
        time_t published;              /* when it was published */
        time_t failing_since;          /* 0 while all is well */
        struct mv_err err;             /* why it fails; code 0 while all is well */
};

struct mv_files_watch_options {
        /* Copied; the names too. progress, context and cancel are not used. "-" is refused. */
        struct mv_files_options files;
        struct mv_str default_namespace; /* copied */
        struct mv_store *store;          /* outlives the watch */
        const struct mv_logger *logger;  /* NULL: nothing is logged */
        unsigned interval_ms;            /* between two looks; 0: 250 */
        unsigned settle_ms;              /* the files must be unchanged for so long; 0: 100 */
        bool lenient;                    /* start even when the first state cannot be read */
        /* Unless NULL: called after each attempt to read the files, from the thread that made it, with a
         * status that is borrowed for the call. It must not call functions of this header. */
        void (*changed)(void *context, const struct mv_files_status *status);
        void *context;
};

/* Read the files, publish them, and start the thread. Returns 0; MV_EUSAGE; MV_EIO when there is no
 * thread to be had; or, unless lenient, what mv_files_load returned for the first state. */
int mv_files_watch_start(const struct mv_files_watch_options *options, struct mv_files_watch **ret,
                         struct mv_err *err);
/* Stop the thread and free the watch. What was published stays in the store. Takes NULL; returns NULL. */
struct mv_files_watch *mv_files_watch_stop(struct mv_files_watch *watch);

/* Read the files again, changed or not, in the watch's thread: what SIGHUP asks for. Any thread; not a
 * signal handler. */
void mv_files_watch_reload(struct mv_files_watch *watch);

/* How the files are. Any thread. */
void mv_files_status(struct mv_files_watch *watch, struct mv_files_status *ret);
