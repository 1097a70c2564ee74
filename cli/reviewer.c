/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reviewer.h"

#include "certs/clock.h"
#include "cli/serve_audit.h"
#include "cli/serve_delivery.h"
#include "policy/ask.h"
#include "policy/audit/audit.h"
#include "policy/base/hash.h"

#include <pthread.h>
#include <stdlib.h>

/* An instance, its claims, their volumes and classes: what one names is known when it is there. And once what KubeVirt's
 * refusal rests on. */
enum { MOST_PUT_OFFS = 5 };
/* Work that can be cut short (a namespace's VMs) ends then: a server thread has others to answer, too. */
#define HURRY_NS 500000000LL

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t memory_key;

/* Of a server thread, which uses it again with the next request. */
struct memory {
        struct mv_arena arena;
        struct mv_delivery_room room;
};

static void free_memory(void *context) {
        struct memory *memory = context;
        mv_arena_done(&memory->arena);
        mv_delivery_room_done(&memory->room);
        free(memory);
}

static void make_key(void) {
        pthread_key_create(&memory_key, free_memory);
}

/* The memory of this server thread, its arena cleared. The arena outlives the answer: the request's log line points into it. */
static struct memory *thread_memory(void) {
        pthread_once(&once, make_key);
        struct memory *memory = pthread_getspecific(memory_key);
        if (memory) {
                mv_arena_clear(&memory->arena);
                return memory;
        }
        memory = malloc(sizeof *memory);
        if (!memory)
                return NULL;
        mv_arena_init(&memory->arena, &mv_allocator_system, 0);
        mv_delivery_room_init(&memory->room);
        if (pthread_setspecific(memory_key, memory) != 0) {
                free(memory);
                return NULL;
        }
        return memory;
}

static void summarize(const struct mv_review_result *result, struct mv_review_summary *summary) {
        const struct mv_review_request *request = result->request;
        const struct mv_decision *decision = &result->decision;
        *summary = (struct mv_review_summary){
                .allowed = decision->allowed, .code = decision->code, .verdict = "", .level = ""
        };
        if (!request) {
                summary->allowed = false;
                return;
        }
        summary->uid = request->uid;
        summary->operation = request->operation;
        summary->resource = request->resource.resource;
        summary->namespace = request->namespace;
        summary->name = request->name;
        summary->user = request->user.username;
        summary->dry_run = request->dry_run;
        if (!result->judged)
                return;
        /* Verdicts and levels are literals, so they end with a NUL byte. */
        summary->verdict = decision->verdict.n ? decision->verdict.p : "";
        summary->level = decision->level.n ? decision->level.p : "";
        summary->rules = decision->rules;
}

/* One request, for the callbacks of its answer too, and what is borrowed for it. */
struct answering {
        const struct mv_reviewer *reviewer;
        const struct mv_review_call *call;
        struct mv_buf *response;
        long long hurry_ns;
        const struct mv_config *config;
        const struct mv_snapshot *snapshot;
        struct mv_arena *arena; /* of the thread, as is the room */
        struct mv_delivery_room *room;
        struct mv_arena view; /* of a snapshot in doubt, which outlives an attempt */
};

static bool is_over(void *context) {
        const struct answering *answering = context;
        return mv_now() > answering->call->deadline_ns;
}

static bool is_hurried(void *context) {
        const struct answering *answering = context;
        return mv_now() > answering->hurry_ns;
}

/* --- what was asked for --- */

/* An object may be fetched because it is missing, and be confirmed later. */
enum question_kind { FETCH, CONFIRM };

static uint64_t hash_of(enum question_kind kind, const struct mv_missing *object) {
        return mv_hash_add(mv_hash_add(MV_HASH_START + (uint64_t)object->kind * 2 + kind, object->namespace),
                           object->name);
}

/* A note's words are the hashes of what was asked; the bits of its answer say which of it was answered. */
static bool note_find(const struct mv_review_note *note, enum question_kind kind,
                      const struct mv_missing *object, size_t *ret) {
        uint64_t hash = hash_of(kind, object);
        for (size_t i = 0; i < note->n; i++)
                if (note->words[i] == hash) {
                        *ret = i;
                        return true;
                }
        return false;
}

static bool was_answered(const struct mv_review_note *note, enum question_kind kind,
                         const struct mv_missing *object) {
        size_t at;
        return note_find(note, kind, object, &at) && (note->answer >> at & 1);
}

bool mv_reviewer_is_unknown(const struct mv_fetcher *fetcher, const struct mv_review_note *note,
                            const struct mv_missing *missing) {
        return fetcher->wants(fetcher->context, missing) && !was_answered(note, FETCH, missing);
}

static bool is_confirmed(void *context, const struct mv_missing *object) {
        const struct answering *answering = context;
        return was_answered(answering->call->note, CONFIRM, object);
}

/* It was not asked before, and is noted now. */
static bool note_question(struct mv_review_note *note, enum question_kind kind,
                          const struct mv_missing *object) {
        size_t at;
        if (note_find(note, kind, object, &at) || note->n == sizeof note->words / sizeof *note->words)
                return false;
        note->words[note->n++] = hash_of(kind, object);
        return true;
}

struct question {
        void (*resume)(void *ticket, uint64_t answer);
        void *ticket;
        size_t first, n; /* of the note's words */
};

static void answered(void *context, uint64_t known) {
        struct question question = *(struct question *)context;
        free(context);
        known &= (UINT64_C(1) << question.n) - 1; /* there are fewer words than bits */
        question.resume(question.ticket, known << question.first);
}

/* Ask of these. True: the request was put off. */
static bool ask(const struct mv_fetcher *fetcher, const struct mv_review_call *call, enum question_kind kind,
                const struct mv_missing *objects, size_t n_objects) {
        struct mv_missing wanted[MV_MOST_MISSING];
        size_t n = 0, first = call->note->n;
        for (size_t i = 0; i < n_objects && n < MV_MOST_MISSING; i++)
                if ((kind == CONFIRM || fetcher->wants(fetcher->context, &objects[i])) &&
                    note_question(call->note, kind, &objects[i]))
                        wanted[n++] = objects[i];
        struct question *question = n ? malloc(sizeof *question) : NULL;
        if (!question)
                return false;
        /* First, since the answer may be there before the question returns. */
        void *ticket = call->put_off(call);
        if (!ticket) {
                free(question);
                return false;
        }
        *question = (struct question){ call->resume, ticket, first, n };
        if (!(kind == CONFIRM ? fetcher->confirm : fetcher->fetch)(fetcher->context, wanted, n,
                                                                   call->deadline_ns, answered, question))
                answered(question, 0);
        return true;
}

/* What would make a better answer, first what is missing. True: the request was put off. */
static bool put_off(const struct mv_reviewer *reviewer, const struct mv_review_call *call,
                    const struct mv_missing_list *missing, const struct mv_missing *unconfirmed,
                    size_t n_unconfirmed) {
        const struct mv_fetcher *fetcher = reviewer->fetcher;
        if (!fetcher || call->put_offs >= MOST_PUT_OFFS)
                return false;
        return ask(fetcher, call, FETCH, missing->items, missing->n) ||
               (fetcher->confirm && ask(fetcher, call, CONFIRM, unconfirmed, n_unconfirmed));
}

/* --- the answer --- */

/* The snapshot with the kinds in doubt of which an object was asked for, or would have been, and nobody has said that it is not
 * there: what could not be read in time is Unknown. NULL when there are none, or memory is out. */
static const struct mv_snapshot *doubted(const struct mv_reviewer *reviewer,
                                         const struct mv_review_call *call,
                                         const struct mv_missing_list *missing, struct mv_arena *arena,
                                         const struct mv_snapshot *snapshot) {
        uint64_t kinds = 0;
        for (size_t i = 0; reviewer->fetcher && i < missing->n; i++)
                if (mv_reviewer_is_unknown(reviewer->fetcher, call->note, &missing->items[i]))
                        kinds |= UINT64_C(1) << missing->items[i].kind;
        return kinds ? mv_snapshot_doubt(arena, snapshot, kinds) : NULL;
}

/* Receivers are told before the answer is there, so that what was answered is never lost. Of an update only when the verdict
 * changed. What fails is told by the delivery. */
static void tell_receivers(struct mv_delivery *delivery, const struct mv_config *config,
                           struct mv_delivery_room *room, const struct mv_review_result *result) {
        const struct mv_review_request *request = result->request;
        if (!config->receivers.n || !request || !result->verdict || request->dry_run ||
            (result->before && !mv_verdict_differs(result->before, result->verdict)))
                return;
        const struct mv_delivery_event event = { .verdict = result->verdict,
                                                 .id = request->uid,
                                                 .allowed = result->decision.allowed,
                                                 .level = result->decision.level,
                                                 .operation = request->operation };
        mv_delivery_send(delivery, room, config, &event, NULL);
}

static bool may_exist(void *context, const struct mv_missing *object) {
        const struct answering *answering = context;
        return answering->reviewer->fetcher &&
               mv_reviewer_is_unknown(answering->reviewer->fetcher, answering->call->note, object);
}

/* Also where nobody can be asked. */
static bool is_current(void *context, const struct mv_missing *object) {
        const struct mv_fetcher *fetcher = ((const struct answering *)context)->reviewer->fetcher;
        return !fetcher || !fetcher->confirm || is_confirmed(context, object);
}

/* False: there is no memory, and nothing to give back. */
static bool begin(struct answering *answering, const struct mv_reviewer *reviewer,
                  const struct mv_review_call *call, struct mv_buf *response) {
        struct memory *memory = thread_memory();
        if (!memory)
                return false;
        *answering = (struct answering){ .reviewer = reviewer,
                                         .call = call,
                                         .response = response,
                                         .hurry_ns = mv_now() + HURRY_NS,
                                         .arena = &memory->arena,
                                         .room = &memory->room };
        answering->config = mv_config_borrow(reviewer->configs);
        answering->arena->cap = mv_review_memory(answering->config, call->body.n);
        answering->snapshot = mv_store_borrow(reviewer->store);
        mv_arena_init(&answering->view, &mv_allocator_system, 0);
        return true;
}

static int give_back(struct answering *answering, int status) {
        mv_arena_done(&answering->view);
        mv_store_return(answering->reviewer->store, answering->snapshot);
        mv_config_return(answering->reviewer->configs, answering->config);
        return status;
}

/* What would make an answer better. */
struct questions {
        const struct mv_missing_list *missing;
        const struct mv_missing *unconfirmed;
        size_t n_unconfirmed;
};

/* Answer from that snapshot; the HTTP status. */
typedef int attempt(struct answering *answering, const struct mv_snapshot *snapshot, void *result,
                    struct questions *ret);

/* Answer, unless it is better to wait for what is missing; and once more where some of that is in doubt. */
static int answer(struct answering *answering, attempt *try, void *result) {
        const struct mv_reviewer *reviewer = answering->reviewer;
        struct questions questions;
        int status = try(answering, answering->snapshot, result, &questions);
        if (put_off(reviewer, answering->call, questions.missing, questions.unconfirmed,
                    questions.n_unconfirmed))
                return MV_REVIEW_PUT_OFF;
        const struct mv_snapshot *doubt =
                doubted(reviewer, answering->call, questions.missing, &answering->view, answering->snapshot);
        if (!doubt || status != 200)
                return status;
        mv_arena_clear(answering->arena);
        mv_buf_clear(answering->response);
        return try(answering, doubt, result, &questions);
}

static int attempt_verdict(struct answering *answering, const struct mv_snapshot *snapshot, void *result,
                           struct questions *ret) {
        const struct mv_ask_input input = {
                .arena = answering->arena,
                .snapshot = snapshot,
                .config = answering->config,
                .version = answering->reviewer->version,
                .may_exist = may_exist,
                .confirmed = is_current,
                .expired = is_over,
                .context = answering,
        };
        const struct mv_ask_result *asked = result;
        int status = mv_ask_answer(&input, answering->call->body, answering->response, result);
        *ret = (struct questions){ &asked->missing, asked->unconfirmed.items, asked->unconfirmed.n };
        return status;
}

static int verdict(void *context, const struct mv_review_call *call, struct mv_buf *response,
                   struct mv_verdict_summary *summary) {
        struct answering answering;
        struct mv_ask_result result;
        if (!begin(&answering, context, call, response))
                return 503;
        int status = answer(&answering, attempt_verdict, &result);
        if (status != MV_REVIEW_PUT_OFF)
                *summary = (struct mv_verdict_summary){ .kind = result.subject.kind,
                                                        .namespace = result.subject.namespace,
                                                        .name = result.subject.name,
                                                        .verdict = result.verdict,
                                                        .rules = result.rules };
        return give_back(&answering, status);
}

static int attempt_review(struct answering *answering, const struct mv_snapshot *snapshot, void *result,
                          struct questions *ret) {
        const struct mv_reviewer *reviewer = answering->reviewer;
        const struct mv_review_input input = {
                .arena = answering->arena,
                .snapshot = snapshot,
                .config = answering->config,
                .version = reviewer->version,
                .mirror = reviewer->live ? answering->config->mirror : MV_MIRROR_DENY,
                .live = reviewer->live,
                .mutate = answering->call->mutate,
                .expired = is_over,
                .hurried = is_hurried,
                .confirmed = is_confirmed,
                .context = answering,
        };
        const struct mv_review_result *review = result;
        int status = mv_review_answer(&input, answering->call->body, answering->response, result);
        *ret = (struct questions){ &review->missing, review->unconfirmed, review->n_unconfirmed };
        return status;
}

static int review(void *context, const struct mv_review_call *call, struct mv_buf *response,
                  struct mv_review_summary *summary) {
        const struct mv_reviewer *reviewer = context;
        struct answering answering;
        struct mv_review_result result;
        if (!begin(&answering, reviewer, call, response))
                return 503;
        int status = answer(&answering, attempt_review, &result);
        if (status != MV_REVIEW_PUT_OFF) {
                if (reviewer->delivery && !call->mutate)
                        tell_receivers(reviewer->delivery, answering.config, answering.room, &result);
                if (!call->mutate)
                        mv_serve_audit_reviewed(reviewer->audit, &result);
                summarize(&result, summary);
        }
        return give_back(&answering, status);
}

void mv_reviewer_init(struct mv_reviewer *reviewer, struct mv_store *store, struct mv_config_watch *configs) {
        *reviewer = (struct mv_reviewer){
                .store = store,
                .configs = configs,
                .backend = { .review = review, .verdict = verdict, .context = reviewer },
        };
}
