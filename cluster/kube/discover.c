/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/discover.h"

#include "certs/clock.h"
#include "cluster/kube/resources.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        TIMEOUT_MS = 15 * 1000,
        PAUSE_MS = 500,
        MOST_PAUSE_MS = 10 * 1000,
        MOST_DOCUMENT = 64 << 20,
        HALVES = 2, /* /api and /apis */
        MOST_QUESTIONS = HALVES + MV_KIND_COUNT * MV_KUBE_MOST_VERSIONS,
};

struct question {
        struct mv_kube_discover *discover;
        struct mv_kube_call *call;
        int half; /* 0: /api, 1: /apis, -1: one version of one group, as follows */
        const char *group, *version;
        bool forbidden; /* that version of that group */
};

struct mv_kube_discover {
        struct mv_kube_client *client;
        uint64_t kinds;
        void (*complete)(void *context);
        void *context;
        struct question questions[MOST_QUESTIONS];
        unsigned n_questions, open;
        char etags[HALVES][256];
        uint64_t guessed, draft_guessed; /* kinds (1 << kind, or-ed): we may not ask for them */
        bool old;                        /* the server does not know the document of all groups */
        bool failed;                     /* a question of this round */
        struct mv_err err;
        unsigned failures;
        unsigned long long answers;
        long long at;
        struct mv_kube_discovery current, draft;
};

static void finish_round(struct mv_kube_discover *discover);

static void note_failure(struct mv_kube_discover *discover, int status, struct mv_str body,
                         const struct mv_err *err) {
        struct mv_err why = { 0 };
        if (status)
                mv_kube_status_error(status, body, &why);
        else
                why = *err;
        discover->failed = true;
        discover->err = why;
}

static uint64_t kinds_of_half(int half) {
        uint64_t kinds = 0;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if ((half == 0) == !*mv_kinds[kind].group)
                        kinds |= (uint64_t)1 << kind;
        return kinds;
}

/* We may not ask whether these are there: what is not, or not in this version, will answer 404. */
static void assume(struct mv_kube_discover *discover, uint64_t kinds) {
        discover->draft_guessed |= kinds;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (kinds >> kind & 1)
                        discover->draft.versions[kind] = mv_kube_resources[kind].versions[0];
}

/* Of the group whose version we may not ask for, the kinds that are in no other one. */
static void assume_rest(struct mv_kube_discover *discover, const char *group) {
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                if (!discover->draft.versions[kind] && strcmp(mv_kinds[kind].group, group) == 0)
                        assume(discover, (uint64_t)1 << kind);
}

static void take_half(struct mv_kube_discover *discover, int half, const struct mv_kube_response *response) {
        bool aggregated = true;
        struct mv_err err = { 0 };
        if (response->status == 304)
                return;
        if (response->status == 403) {
                discover->etags[half][0] = '\0'; /* of a document that does not count any more */
                assume(discover, kinds_of_half(half));
                return;
        }
        if (response->status != 200) {
                note_failure(discover, response->status, response->body, &response->err);
                return;
        }
        if (mv_kube_discovery_read(&discover->draft, half == 0, response->body, &aggregated, &err) < 0) {
                note_failure(discover, 0, response->body, &err);
                return;
        }
        discover->draft_guessed &= ~kinds_of_half(half);
        discover->old |= !aggregated;
        bool fits = aggregated && response->etag.n < sizeof discover->etags[half];
        snprintf(discover->etags[half], sizeof discover->etags[half], "%.*s",
                 fits ? (int)response->etag.n : 0, fits ? response->etag.p : "");
}

static void take_version(struct question *question, const struct mv_kube_response *response) {
        struct mv_kube_discover *discover = question->discover;
        struct mv_err err = { 0 };
        question->forbidden = response->status == 403;
        if (response->status == 404 || question->forbidden)
                return;
        if (response->status != 200)
                note_failure(discover, response->status, response->body, &response->err);
        else if (mv_kube_discovery_read_version(&discover->draft, question->group, question->version,
                                                response->body, &err) < 0)
                note_failure(discover, 0, response->body, &err);
}

static void done(void *context, const struct mv_kube_response *response) {
        struct question *question = context;
        struct mv_kube_discover *discover = question->discover;
        question->call = NULL;
        if (question->half >= 0)
                take_half(discover, question->half, response);
        else
                take_version(question, response);
        if (--discover->open == 0)
                finish_round(discover);
}

static void ask(struct mv_kube_discover *discover, int half, const char *group, const char *version) {
        char path[256];
        struct question *question = &discover->questions[discover->n_questions++];
        struct mv_str etag = { 0 };
        *question =
                (struct question){ .discover = discover, .half = half, .group = group, .version = version };
        if (half >= 0) {
                snprintf(path, sizeof path, "%s", half ? "/apis" : "/api");
                etag = mv_str_from(discover->etags[half]);
        } else
                snprintf(path, sizeof path, "%s%s/%s", *group ? "/apis/" : "/api", group, version);
        question->call = mv_kube_client_start(
                discover->client,
                &(struct mv_kube_request){ .method = "GET",
                                           .path = mv_str_from(path),
                                           .accept = half >= 0 ? mv_kube_discovery_accept : NULL,
                                           .if_none_match = etag,
                                           .most = MOST_DOCUMENT,
                                           .timeout_ms = TIMEOUT_MS,
                                           .done = done,
                                           .context = question },
                &discover->err);
        if (question->call)
                discover->open++;
        else
                discover->failed = true;
}

static bool was_asked(const struct mv_kube_discover *discover, const char *group, const char *version) {
        for (unsigned i = 0; i < discover->n_questions; i++)
                if (discover->questions[i].half < 0 && strcmp(discover->questions[i].group, group) == 0 &&
                    strcmp(discover->questions[i].version, version) == 0)
                        return true;
        return false;
}

static void ask_each_version(struct mv_kube_discover *discover) {
        discover->draft = (struct mv_kube_discovery){ { NULL } };
        discover->draft_guessed = 0;
        discover->n_questions = 0;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                for (const char *const *version = mv_kube_resources[kind].versions; *version; version++)
                        if (discover->kinds >> kind & 1 &&
                            !was_asked(discover, mv_kinds[kind].group, *version))
                                ask(discover, -1, mv_kinds[kind].group, *version);
}

static void pause_after_failure(struct mv_kube_discover *discover) {
        unsigned doublings = discover->failures++;
        long long ms = doublings < 5 ? (long long)PAUSE_MS << doublings : MOST_PAUSE_MS;
        discover->at = mv_clock_ms() + (ms < MOST_PAUSE_MS ? ms : MOST_PAUSE_MS);
        discover->etags[0][0] = discover->etags[1][0] = '\0';
}

static void finish_round(struct mv_kube_discover *discover) {
        if (discover->failed) {
                pause_after_failure(discover);
                return;
        }
        if (discover->old && discover->questions[0].half >= 0) {
                ask_each_version(discover);
                if (!discover->open)
                        pause_after_failure(discover);
                return;
        }
        for (unsigned i = 0; i < discover->n_questions; i++)
                if (discover->questions[i].forbidden)
                        assume_rest(discover, discover->questions[i].group);
        discover->current = discover->draft;
        discover->guessed = discover->draft_guessed;
        discover->answers++;
        discover->failures = 0;
        discover->err = (struct mv_err){ 0 };
        discover->complete(discover->context);
}

long long mv_kube_discover_step(struct mv_kube_discover *discover, long long now) {
        if (discover->open)
                return LLONG_MAX;
        if (now < discover->at)
                return discover->at;
        discover->at = LLONG_MAX;
        discover->draft = discover->current;
        discover->draft_guessed = discover->guessed;
        discover->n_questions = 0;
        discover->failed = discover->old = false;
        ask(discover, 0, NULL, NULL);
        ask(discover, 1, NULL, NULL);
        if (!discover->open)
                pause_after_failure(discover);
        return discover->open ? LLONG_MAX : discover->at;
}

void mv_kube_discover_again(struct mv_kube_discover *discover, long long at_ms) {
        if (at_ms < discover->at)
                discover->at = at_ms;
}

const struct mv_kube_discovery *mv_kube_discover_current(const struct mv_kube_discover *discover) {
        return &discover->current;
}

bool mv_kube_discover_is_guess(const struct mv_kube_discover *discover, enum mv_kind kind) {
        return discover->guessed >> kind & 1;
}

unsigned long long mv_kube_discover_answers(const struct mv_kube_discover *discover) {
        return discover->answers;
}

unsigned mv_kube_discover_failures(const struct mv_kube_discover *discover, const struct mv_err **ret_err) {
        *ret_err = &discover->err;
        return discover->failures;
}

struct mv_kube_discover *mv_kube_discover_new(struct mv_kube_client *client, uint64_t kinds,
                                              void (*complete)(void *context), void *context) {
        struct mv_kube_discover *discover = calloc(1, sizeof *discover);
        if (discover) {
                discover->client = client;
                discover->kinds = kinds;
                discover->complete = complete;
                discover->context = context;
                discover->at = LLONG_MIN;
        }
        return discover;
}

struct mv_kube_discover *mv_kube_discover_free(struct mv_kube_discover *discover) {
        if (!discover)
                return NULL;
        for (unsigned i = 0; i < discover->n_questions; i++)
                if (discover->questions[i].call)
                        mv_kube_client_cancel(discover->client, discover->questions[i].call);
        free(discover);
        return NULL;
}
