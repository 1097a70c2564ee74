/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an API server sends: the first byte says into what pieces the rest is cut. Two reflectors get the same bytes for every
 * request, one of them whole and the other in pieces: both hand on the same objects and think the same of the server. Each
 * object is JSON, each slice lies in the text, and no answer is asked for again at once for ever.
 */
#include "cluster/kube/reflector.h"
#include "cluster/kube/wire.h"
#include "tests/fuzz/support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 12, STEP_MS = 1000 };

/* What a reflector told its sink, as one number. */
struct told {
        uint64_t sum;
        unsigned calls;
        bool listing;
};

static void note(struct told *told, const char *what, struct mv_str text) {
        told->calls++;
        for (; *what; what++)
                told->sum = (told->sum ^ (unsigned char)*what) * UINT64_C(1099511628211);
        for (size_t i = 0; i < text.n; i++)
                told->sum = (told->sum ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
}

static void on_begin(void *context) {
        struct told *told = context;
        fuzz_check(!told->listing, "a list in a list");
        told->listing = true;
        note(told, "begin", MV_STR(""));
}

static int on_put(void *context, struct mv_str json, struct mv_err *err) {
        fuzz_check(fuzz_is_json(json), "an object that is no JSON");
        note(context, "put", json);
        /* Some cannot be read. */
        return mv_str_contains(json, MV_STR("unreadable"))
                       ? mv_err_set(err, MV_ETYPE, "this one cannot be read")
                       : 0;
}

static void on_remove(void *context, struct mv_str namespace, struct mv_str name) {
        note(context, "remove", namespace);
        note(context, "/", name);
}

static void on_end(void *context) {
        struct told *told = context;
        fuzz_check(told->listing, "an end without a list");
        told->listing = false;
        note(told, "end", MV_STR(""));
}

static void on_abandon(void *context) {
        struct told *told = context;
        fuzz_check(told->listing, "no list to be abandoned");
        told->listing = false;
        note(told, "abandon", MV_STR(""));
}

static void on_know(void *context, enum mv_knowledge knowledge, struct mv_str reason) {
        struct told *told = context;
        fuzz_check(knowledge != MV_KNOWLEDGE_ALL || !told->listing, "all is known in the middle of a list");
        note(told, "know", reason);
}

static const struct mv_reflector_sink sink = { on_begin, on_put, on_remove, on_end, on_abandon, on_know };

/* The whole stream; the code that ended it. */
static int send_stream(struct mv_reflector *reflector, long long now, struct mv_str text, unsigned piece) {
        int r = 0;
        while (text.n && r == 0) {
                size_t n = !piece || piece > text.n ? text.n : piece;
                r = mv_reflector_data(reflector, now, (struct mv_str){ text.p, n }, NULL);
                text = mv_str_skip(text, n);
                piece = piece ? piece % 61 + 1 : 0; /* another one each time */
        }
        return r;
}

static void run(struct mv_str text, unsigned piece, struct told *told) {
        struct mv_reflector_server server = { 0 };
        struct mv_reflector *reflector =
                mv_reflector_new(&(struct mv_reflector_options){ .path = MV_STR("/api/v1/things"),
                                                                 .seed = 7,
                                                                 .server = &server,
                                                                 .sink = &sink,
                                                                 .context = told });
        fuzz_check(reflector, "no reflector");
        long long now = 0;
        unsigned requests = 0;
        for (unsigned i = 0; i < STEPS; i++, now += STEP_MS) {
                struct mv_reflector_step step;
                mv_reflector_next(reflector, now, &step);
                if (step.what == MV_REFLECTOR_WAIT && step.until_ms > now)
                        now = step.until_ms;
                if (step.what != MV_REFLECTOR_REQUEST)
                        continue;
                requests++;
                bool refused = i % 3 == 2; /* with the bytes as the reason */
                struct mv_reflector_answer answer = { .status = refused ? 403 : 200, .retry_after_ms = -1 };
                if (step.stream && !refused)
                        answer.code = send_stream(reflector, now, text, piece);
                else
                        answer.body = text;
                answer.message = answer.code ? "broken" : NULL;
                mv_reflector_done(reflector, now, &answer);
        }
        const struct mv_reflector_status *status = mv_reflector_status(reflector);
        note(told, "version", mv_str_from(status->resource_version));
        note(told, "reason", mv_str_from(status->reason));
        note(told, "error", mv_str_from(status->object_error));
        fuzz_check(requests > 0, "it never asks");
        mv_reflector_free(reflector);
        fuzz_check(!told->listing, "a list that is neither ended nor abandoned");
}

static bool within(struct mv_str part, struct mv_str all) {
        return !part.n || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void check_event(struct mv_str line) {
        struct mv_kube_event event = { 0 };
        struct mv_err err = { 0 };
        int r = mv_kube_event_read(line, &event, &err);
        if (r) {
                fuzz_check(r == err.code && err.message[0], "no event, and no reason");
                return;
        }
        struct mv_str namespace, name;
        struct mv_kube_status status;
        fuzz_check(within(event.object, line) && within(event.namespace, line) && within(event.name, line) &&
                           within(event.resource_version, line),
                   "a slice of another text");
        char *object = fuzz_copy(event.object);
        struct mv_str json = { object, event.object.n };
        fuzz_check(mv_kube_object_name(json, &namespace, &name, NULL) == 0 &&
                           mv_str_equal(namespace, event.namespace) && mv_str_equal(name, event.name),
                   "another name");
        mv_kube_status_read(json, &status);
        fuzz_check(status.code >= 0 && status.code < 1000 && status.retry_after_ms >= -1 &&
                           memchr(status.message, '\0', sizeof status.message),
                   "an odd status");
        free(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct told whole = { 0 }, pieces = { 0 };
        if (!size)
                return 0;
        unsigned piece = data[0] % 61 + 1;
        struct mv_str all = fuzz_str(data + 1, size - 1);
        char *copy = fuzz_copy(all);
        struct mv_str text = { copy, all.n };
        run(text, 0, &whole);
        run(text, piece, &pieces);
        fuzz_check(whole.sum == pieces.sum && whole.calls == pieces.calls,
                   "pieces say something else than the whole");
        while (text.n) { /* each line as an event of its own */
                struct mv_str line = { text.p, mv_str_find_byte(text, '\n') };
                char *padded = fuzz_copy(line);
                check_event((struct mv_str){ padded, line.n });
                free(padded);
                text = mv_str_skip(text, line.n < text.n ? line.n + 1 : line.n);
        }
        free(copy);
        return 0;
}
