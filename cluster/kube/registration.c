/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/registration.h"

#include "certs/clock.h"
#include "certs/authority.h"
#include "certs/bundle.h"
#include "certs/file.h"
#include "cluster/kube/leader.h"
#include "cluster/kube/published_bundle.h"
#include "cluster/kube/shared_identity.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        REQUEST_MS = 5000,
        PROBE_EACH_MS = 60000,
        KEEP_FILE_MS =
                600000, /* an authority of ca.crt that was replaced: replicas see the new file that late */
        SHORT_MS = 100, /* behind a write: look at what came of it */
        RELEASE_MS = 2000,
};

struct mv_registration {
        struct mv_registration_options options;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t woken;
        atomic_bool cancel; /* of requests under way */

        /* Under the lock. */
        bool stopping, poked;
        char address[64];
        unsigned port;
        struct mv_registration_status status;

        struct mv_kube_client *client; /* of the thread, which sets it once; others wake it */

        /* Of the thread. */
        struct mv_kube_caller caller;
        struct mv_leader leader;
        struct mv_shared_identity shared;
        struct mv_published_bundle published;
        struct mv_trouble client_trouble, clock_trouble, file_trouble, probe_trouble;
        struct mv_secret_decision decision;
        char *settling;           /* the bundle that is in all configurations, */
        long long settling_since; /* since when */
        char *file, *file_before; /* what ca.crt holds, and held until file_since */
        long long file_since;
        long long next_probe;
        unsigned char probed[MV_FINGERPRINT_BYTES]; /* the leaf that was probed */
        char probed_versions[MV_CONFIGURATIONS][MV_VERSION_TEXT];
};

/* --- time --- */

/* What the API server's clock says, where it is known: it is the judge of our certificates. */
static time_t now_there(const struct mv_registration *r) {
        return time(NULL) + (time_t)r->caller.clock_ahead;
}

static bool clock_in_doubt(struct mv_registration *r) {
        const long long ahead = r->caller.clock_ahead;
        if (llabs(ahead) <= MV_CERT_BACKDATE_SECONDS) {
                mv_trouble_over(&r->clock_trouble, "the clocks agree again");
                return false;
        }
        struct mv_err err = { 0 };
        mv_err_write(&err, MV_EUSAGE, "the API server's clock is %s ours by more than %d minutes",
                     ahead > 0 ? "ahead of" : "behind", MV_CERT_BACKDATE_SECONDS / 60);
        mv_trouble_tell(&r->clock_trouble, MV_LOG_WARNING,
                        "a clock is wrong: no authority is replaced or dropped", &err);
        return true;
}

/* --- what is to be published --- */

/* ca.crt of a directory, which somebody else may replace at any time: all replicas see that sooner or later. */
static void read_file(struct mv_registration *r) {
        struct mv_file file;
        struct mv_err err = { 0 };
        unsigned n;
        int code = mv_file_read(r->options.authorities_file, &file, &err);
        if (code >= 0)
                code = mv_bundle_count(mv_file_str(&file), &n, &err);
        if (code < 0) {
                mv_err_in_file(&err, r->options.authorities_file, code);
                mv_trouble_tell(&r->file_trouble, MV_LOG_WARNING,
                                "the authorities cannot be read; what was published stays", &err);
                return;
        }
        mv_trouble_over(&r->file_trouble, "the authorities can be read again");
        if (!r->file || strcmp(r->file, file.text) != 0) {
                free(r->file_before);
                r->file_before = r->file;
                r->file = strdup(file.text);
                r->file_since = mv_clock_ms();
        }
        mv_file_done(&file);
}

/* To be freed; NULL while it is not known. */
static char *wanted_bundle(struct mv_registration *r, time_t now) {
        char *merged;
        const char *bundle = r->options.secret ? r->shared.stored.bundle : r->file;
        const char *more = r->shared.lost; /* until the Secret has it again */
        if (!bundle)
                return NULL;
        if (!r->options.secret && mv_clock_ms() - r->file_since < KEEP_FILE_MS)
                more = r->file_before;
        if (!more) /* as it is: what has expired leaves it with the next step */
                return strdup(bundle);
        return mv_bundle_merge(mv_str_from(bundle), mv_str_from(more), now, &merged, NULL) < 0 ? NULL
                                                                                               : merged;
}

/* For how long that bundle has been seen in all configurations; -1: it is not there. */
static long long settled_ms(struct mv_registration *r, const char *bundle) {
        const long long now = mv_clock_ms();
        if (!bundle || !mv_published_bundle_trusts(&r->published, mv_str_from(bundle))) {
                free(r->settling);
                r->settling = NULL;
                return -1;
        }
        if (!r->settling || strcmp(r->settling, bundle) != 0) {
                free(r->settling);
                r->settling = strdup(bundle);
                r->settling_since = now;
        }
        return now - r->settling_since;
}

/* --- the probe --- */

static bool probe_is_due(struct mv_registration *r, struct mv_identity *identity) {
        bool changed = memcmp(r->probed, mv_identity_fingerprint(identity), sizeof r->probed) != 0;
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                changed =
                        changed || strcmp(r->probed_versions[i], r->published.configurations[i].version) != 0;
        return changed || mv_clock_ms() >= r->next_probe;
}

static void set_in_force(struct mv_registration *r, enum mv_in_force in_force, const char *problem) {
        pthread_mutex_lock(&r->lock);
        r->status.in_force = in_force;
        snprintf(r->status.problem, sizeof r->status.problem, "%s", problem);
        pthread_mutex_unlock(&r->lock);
}

static void probe(struct mv_registration *r) {
        struct mv_identity *identity = mv_identity_slot_ref(r->options.slot);
        struct mv_err err = { 0 };
        char address[sizeof r->address];
        pthread_mutex_lock(&r->lock);
        const unsigned port = r->port;
        memcpy(address, r->address, sizeof address);
        const enum mv_in_force before = r->status.in_force;
        pthread_mutex_unlock(&r->lock);
        if (port && identity && mv_published_bundle_count(&r->published) == 0)
                set_in_force(r, r->published.known ? MV_IN_FORCE_NO_CONFIGURATION : MV_IN_FORCE_NOT_ASKED,
                             mv_published_bundle_problem(&r->published));
        else if (port && identity && mv_published_bundle_count(&r->published) > 0 &&
                 (before != MV_IN_FORCE_YES || probe_is_due(r, identity))) {
                char text[sizeof r->status.problem];
                int code = mv_published_bundle_probe(&r->published, address, port, &err);
                memcpy(r->probed, mv_identity_fingerprint(identity), sizeof r->probed);
                for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                        memcpy(r->probed_versions[i], r->published.configurations[i].version,
                               MV_VERSION_TEXT);
                r->next_probe = mv_clock_ms() + PROBE_EACH_MS;
                if (code < 0)
                        mv_trouble_tell(&r->probe_trouble, MV_LOG_WARNING,
                                        "the API server would not believe this webhook", &err);
                else
                        mv_trouble_over(&r->probe_trouble, "the API server believes this webhook again");
                set_in_force(r, code < 0 ? MV_IN_FORCE_NO : MV_IN_FORCE_YES,
                             code < 0 ? mv_err_format(&err, text, sizeof text) : "");
        }
        mv_identity_unref(identity);
}

/* --- the thread --- */

static void tend_lease(struct mv_registration *r) {
        mv_leader_tend(&r->leader);
        pthread_mutex_lock(&r->lock);
        r->status.leader = mv_leader_leads(&r->leader);
        r->status.leader_until_ms = r->leader.lease.leader_until_ms;
        memcpy(r->status.holder, r->leader.lease.record.holder, sizeof r->status.holder);
        pthread_mutex_unlock(&r->lock);
}

static void set_rotation(struct mv_registration *r, long long looked_ms, long long published_ms) {
        pthread_mutex_lock(&r->lock);
        r->status.looked_ms = looked_ms;
        r->status.published_ms = published_ms;
        snprintf(r->status.rotation, sizeof r->status.rotation, "%s",
                 r->decision.reason ? r->decision.reason : "");
        r->status.rotations = r->shared.rotations;
        pthread_mutex_unlock(&r->lock);
}

/* One look at everything, and one step of what is due. True when something was written, and the next look should not
 * wait. The Lease is tended in between, since each request may take its time. */
static bool look(struct mv_registration *r) {
        const struct mv_registration_options *options = &r->options;
        const long long began = mv_clock_ms();
        bool written = false, read = true;
        if (options->secret)
                read = mv_shared_identity_read(&r->shared, now_there(r));
        else if (options->authorities_file)
                read_file(r);
        tend_lease(r);
        if (options->configuration)
                mv_published_bundle_read(&r->published);
        tend_lease(r);

        char *bundle = wanted_bundle(r, now_there(r));
        if (options->configuration && bundle && mv_leader_leads(&r->leader))
                written = mv_published_bundle_write(&r->published, mv_str_from(bundle));
        tend_lease(r);
        /* Of a file: just what it holds now, since cert-manager publishes no more than that. */
        const long long settled = settled_ms(r, options->secret ? bundle : r->file);
        if (options->secret) {
                const bool in_doubt = clock_in_doubt(r);
                const bool unknown = !r->published.known;
                mv_shared_identity_sign(&r->shared, unknown || settled >= options->settle_ms, now_there(r));
                r->decision = (struct mv_secret_decision){ 0 };
                if (read && mv_leader_leads(&r->leader))
                        written = mv_shared_identity_advance(&r->shared, settled >= 0, settled, in_doubt,
                                                             now_there(r), &r->decision) ||
                                  written;
        }
        set_rotation(r, began, settled);
        free(bundle);
        if (options->configuration)
                probe(r);
        return written;
}

static bool open_client(struct mv_registration *r) {
        struct mv_kube_client *client;
        struct mv_err err = { 0 };
        if (r->caller.client)
                return true;
        if (mv_kube_client_new(r->options.config, &client, &err) < 0) {
                mv_trouble_tell(&r->client_trouble, MV_LOG_WARNING, "the API cannot be reached", &err);
                return false;
        }
        mv_trouble_over(&r->client_trouble, "the API can be reached");
        pthread_mutex_lock(&r->lock);
        r->client = r->caller.client = client;
        pthread_mutex_unlock(&r->lock);
        return true;
}

/* Until that time, or until somebody wakes us. False: it is to end. */
static bool wait_until(struct mv_registration *r, long long at_ms) {
        const struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
        pthread_mutex_lock(&r->lock);
        while (!r->stopping && !r->poked && mv_clock_ms() < at_ms)
                pthread_cond_timedwait(&r->woken, &r->lock, &at);
        const bool go_on = !r->stopping;
        pthread_mutex_unlock(&r->lock);
        return go_on;
}

static bool was_poked(struct mv_registration *r) {
        pthread_mutex_lock(&r->lock);
        const bool poked = r->poked;
        r->poked = false;
        pthread_mutex_unlock(&r->lock);
        return poked;
}

static void *run(void *argument) {
        struct mv_registration *r = argument;
        const long long each_ms = r->options.lease_ms / 3;
        long long next_look = 0;
        bool led = false;
        for (long long now = mv_clock_ms();; now = mv_clock_ms()) {
                const bool poked = was_poked(r);
                long long at = now + each_ms;
                if (open_client(r)) {
                        tend_lease(r);
                        const bool leads = mv_leader_leads(&r->leader);
                        if (now >= next_look || leads != led || poked) {
                                led = leads;
                                next_look = mv_clock_ms() + (look(r) ? SHORT_MS : each_ms);
                        }
                        at = next_look < r->leader.lease.next_ms ? next_look : r->leader.lease.next_ms;
                }
                if (!wait_until(r, at))
                        break;
        }
        if (r->caller.client) {
                atomic_store(&r->cancel, false);
                r->caller.timeout_ms = RELEASE_MS;
                mv_leader_release(&r->leader);
        }
        return NULL;
}

/* --- start and stop --- */

static struct mv_registration *free_all(struct mv_registration *r) {
        mv_shared_identity_done(&r->shared);
        mv_published_bundle_done(&r->published);
        mv_kube_client_free(r->client);
        pthread_cond_destroy(&r->woken);
        pthread_mutex_destroy(&r->lock);
        free(r->settling);
        free(r->file);
        free(r->file_before);
        free(r);
        return NULL;
}

static void init_parts(struct mv_registration *r) {
        const struct mv_registration_options *o = &r->options;
        pthread_condattr_t attributes;
        struct timespec seed;
        pthread_mutex_init(&r->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&r->woken, &attributes);
        pthread_condattr_destroy(&attributes);
        clock_gettime(CLOCK_REALTIME, &seed);
        r->caller = (struct mv_kube_caller){ .cancel = &r->cancel,
                                             .timeout_ms = o->lease_ms / 3 < REQUEST_MS ? o->lease_ms / 3
                                                                                        : REQUEST_MS };
        r->client_trouble = r->clock_trouble = r->file_trouble = r->probe_trouble =
                (struct mv_trouble){ .logger = o->logger, .component = "certs" };
        const struct mv_lease_options lease = { .identity = o->identity,
                                                .duration_ms = o->lease_ms,
                                                .seed = (unsigned)seed.tv_nsec };
        mv_leader_init(&r->leader, &r->caller, mv_str_from(o->namespace), mv_str_from(o->lease), &lease,
                       o->logger);
        const struct mv_shared_identity_options shared = {
                .caller = &r->caller,
                .namespace = mv_str_from(o->namespace),
                .name = mv_str_from(o->secret),
                .names = o->names,
                .slot = o->slot,
                .logger = o->logger,
                .ca_seconds = o->ca_seconds,
                .leaf_seconds = o->leaf_seconds,
                .settle_ms = o->settle_ms,
        };
        mv_shared_identity_init(&r->shared, &shared);
        mv_published_bundle_init(&r->published, &r->caller, mv_str_from(o->configuration), o->logger);
        /* Without configurations there is nothing that could lack an authority. */
        r->published.known = !o->configuration;
}

int mv_registration_start(const struct mv_registration_options *options, struct mv_registration **ret,
                          struct mv_err *err) {
        if (options->lease_ms < 1000 || options->lease_ms % 1000 != 0)
                return mv_err_set(err, MV_EUSAGE, "a Lease lasts whole seconds, one at least");
        struct mv_registration *r = calloc(1, sizeof *r);
        if (!r)
                return mv_err_oom(err);
        r->options = *options;
        init_parts(r);
        if (pthread_create(&r->thread, NULL, run, r) != 0) {
                free_all(r);
                return mv_err_set(err, MV_EIO, "no thread to be had");
        }
        pthread_setname_np(r->thread, "certs");
        *ret = r;
        return 0;
}

static void poke(struct mv_registration *r, bool stop) {
        pthread_mutex_lock(&r->lock);
        r->poked = true;
        r->stopping = r->stopping || stop;
        if (stop && r->client)
                mv_kube_client_wake(r->client);
        pthread_cond_signal(&r->woken);
        pthread_mutex_unlock(&r->lock);
}

void mv_registration_listening(struct mv_registration *registration, const char *address, unsigned port) {
        pthread_mutex_lock(&registration->lock);
        snprintf(registration->address, sizeof registration->address, "%s", address);
        registration->port = port;
        pthread_mutex_unlock(&registration->lock);
        poke(registration, false);
}

void mv_registration_status(struct mv_registration *registration, struct mv_registration_status *ret) {
        pthread_mutex_lock(&registration->lock);
        *ret = registration->status;
        pthread_mutex_unlock(&registration->lock);
}

struct mv_registration *mv_registration_stop(struct mv_registration *registration) {
        if (!registration)
                return NULL;
        atomic_store(&registration->cancel, true);
        poke(registration, true);
        pthread_join(registration->thread, NULL);
        return free_all(registration);
}
