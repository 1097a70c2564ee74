/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/exec_thread.h"

#include "certs/certificate.h"
#include "cluster/kube/wipe.h"

#include <signal.h>

void mv_kube_exec_thread_init(struct mv_kube_exec_thread *run, const struct mv_kube_config *config) {
        *run = (struct mv_kube_exec_thread){ .config = config };
        atomic_init(&run->over, false);
        atomic_init(&run->cancel, false);
        mv_buf_init(&run->authority, &mv_allocator_wiping, MV_PEM_MAX_BYTES);
}

static void *work(void *context) {
        struct mv_kube_exec_thread *run = context;
        run->code = mv_kube_exec_run(run->config, mv_buf_str(&run->authority), 0, &run->cancel,
                                     &run->credential, &run->err);
        atomic_store(&run->over, true);
        if (run->ended)
                run->ended(run->context);
        return NULL;
}

int mv_kube_exec_thread_begin(struct mv_kube_exec_thread *run, struct mv_str authority_pem,
                              struct mv_err *err) {
        sigset_t all, before;
        mv_buf_clear(&run->authority);
        mv_buf_append_str(&run->authority, authority_pem);
        if (mv_buf_failed(&run->authority))
                return mv_err_oom(err);
        run->credential = (struct mv_kube_credential){ 0 };
        run->err = (struct mv_err){ 0 };
        atomic_store(&run->over, false);
        /* Signals are for those who wait for them. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int number = pthread_create(&run->thread, NULL, work, run);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (number)
                return mv_err_set(err, MV_EIO, "there can be no thread for exec plugin %s",
                                  run->config->exec.command.p);
        run->running = true;
        return 0;
}

bool mv_kube_exec_thread_end(struct mv_kube_exec_thread *run, int *ret_code, struct mv_kube_credential *ret,
                             struct mv_err *err) {
        if (!run->running || !atomic_load(&run->over))
                return false;
        pthread_join(run->thread, NULL);
        run->running = false;
        *ret_code = run->code;
        *ret = run->credential;
        if (err)
                *err = run->err;
        return true;
}

void mv_kube_exec_thread_done(struct mv_kube_exec_thread *run) {
        if (run->running) {
                atomic_store(&run->cancel, true);
                pthread_join(run->thread, NULL);
                run->running = false;
                if (run->code == 0)
                        mv_kube_credential_done(&run->credential);
        }
        mv_buf_done(&run->authority);
}
