/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A credential plugin that runs in a thread of its own: it may take a minute, and whoever needs what it gives has other
 * things to do meanwhile. One run at a time; begin, ask until it is over, begin the next one. What belongs to the run is
 * the thread's until it is over, and the owner's before and afterwards.
 */
#pragma once

#include "cluster/kube/exec.h"
#include "policy/base/buf.h"

#include <pthread.h>

struct mv_kube_exec_thread {
        const struct mv_kube_config *config;
        /* Unless NULL: told from the thread when a run is over. */
        void (*ended)(void *context);
        void *context;

        pthread_t thread;
        bool running; /* begun, and not asked for its end yet */
        atomic_bool over, cancel;
        struct mv_buf authority;
        struct mv_kube_credential credential;
        int code;
        struct mv_err err;
};

void mv_kube_exec_thread_init(struct mv_kube_exec_thread *run, const struct mv_kube_config *config);
/* Ends a run that is under way, and its plugin. May be called again. */
void mv_kube_exec_thread_done(struct mv_kube_exec_thread *run);

/* Begin a run. authority_pem is copied. MV_ENOMEM, MV_EIO. */
int mv_kube_exec_thread_begin(struct mv_kube_exec_thread *run, struct mv_str authority_pem,
                              struct mv_err *err);
/* The run that was begun is over: *ret_code and the others are what mv_kube_exec_run gave. False: it goes on. */
bool mv_kube_exec_thread_end(struct mv_kube_exec_thread *run, int *ret_code, struct mv_kube_credential *ret,
                             struct mv_err *err);
