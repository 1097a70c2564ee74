/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reflector against a naive server on thousands of random histories: objects come, change and go; pages expire; watches
 * are cut in the middle of a line, end, are refused, forget the past. Whenever the server says that a state is known, and
 * at the end, when nothing breaks any more, the sink must have just what the server has.
 */
#include "tests/unit/support_sink.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NAMES = 12, HISTORY = 4000, HISTORIES = 3000, STEPS = 120, FIRST_VERSION = 10 };

struct change {
        unsigned name;
        bool deleted;
        bool created;
};

struct world {
        uint64_t random;
        struct change history[HISTORY]; /* of version FIRST_VERSION + i + 1 */
        unsigned n;
        bool here[NAMES];
        unsigned compacted; /* changes that are forgotten */

        struct mv_reflector_server server;
        bool streams; /* the server has streaming lists */
        struct sink sink;
        struct mv_reflector *reflector;
        long long now;

        /* The request in flight. */
        bool in_flight, watch, initial;
        unsigned sent; /* changes that the watch has told */
        char path[512];
};

static unsigned any_below(struct world *w, unsigned n) {
        w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(w->random >> 33) % n;
}

static void change_something(struct world *w) {
        if (w->n == HISTORY)
                return;
        unsigned name = any_below(w, NAMES);
        bool deleted = w->here[name] && any_below(w, 2);
        w->history[w->n++] = (struct change){ name, deleted, !w->here[name] };
        w->here[name] = !deleted;
}

/* The version of each object after n changes, 0 for those that are not there. */
static void state_at(const struct world *w, unsigned n, unsigned versions[NAMES]) {
        memset(versions, 0, NAMES * sizeof *versions);
        for (unsigned i = 0; i < n; i++)
                versions[w->history[i].name] = w->history[i].deleted ? 0 : FIRST_VERSION + i + 1;
}

static void check_state(struct world *w, unsigned n) {
        unsigned versions[NAMES];
        char want[1024] = "", have[1024];
        state_at(w, n, versions);
        for (unsigned i = 0; i < NAMES; i++)
                if (versions[i])
                        snprintf(want + strlen(want), sizeof want - strlen(want), "%so%02u=%u",
                                 want[0] ? " " : "", i, versions[i]);
        sink_text(&w->sink, have, sizeof have);
        assert_string_equal(have, want);
}

/* --- what the server sends --- */

static void end_request(struct world *w, int status, int code, const char *body) {
        char padded[8192] = "";
        snprintf(padded, sizeof padded - 8, "%s", body);
        w->in_flight = false;
        mv_reflector_done(w->reflector, w->now,
                          &(struct mv_reflector_answer){ .status = status,
                                                         .code = code,
                                                         .message = code ? "broken" : NULL,
                                                         .body = { padded, strlen(padded) },
                                                         .retry_after_ms = -1 });
}

static const char *expired = "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}";

/* In pieces that end anywhere. Returns false when the reflector has ended the request. */
static bool send_text(struct world *w, const char *text, size_t n) {
        while (n) {
                size_t piece = 1 + any_below(w, (unsigned)n);
                if (mv_reflector_data(w->reflector, w->now, (struct mv_str){ text, piece }, NULL) < 0) {
                        end_request(w, 0, MV_EIO, "");
                        return false;
                }
                text += piece;
                n -= piece;
        }
        return true;
}

static bool send_event(struct world *w, const char *type, unsigned name, unsigned version, bool cut) {
        char text[256];
        int n = snprintf(
                text, sizeof text,
                "{\"type\":\"%s\",\"object\":{\"metadata\":{\"name\":\"o%02u\",\"resourceVersion\":\"%u\"}}}\n",
                type, name, version);
        if (!cut)
                return send_text(w, text, (size_t)n);
        if (send_text(w, text, any_below(w, (unsigned)n)))
                end_request(w, 0, MV_EIO, "");
        return false;
}

static bool send_bookmark(struct world *w, bool initial) {
        char text[256];
        int n = snprintf(text, sizeof text,
                         "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%u\"%s}}}\n",
                         FIRST_VERSION + w->sent,
                         initial ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
        return send_text(w, text, (size_t)n);
}

static bool send_initial(struct world *w, bool faults) {
        unsigned versions[NAMES];
        w->sent = w->n;
        state_at(w, w->sent, versions);
        for (unsigned i = 0; i < NAMES; i++)
                if (versions[i] && !send_event(w, "ADDED", i, versions[i], faults && any_below(w, 60) == 0))
                        return false;
        w->initial = false;
        if (!send_bookmark(w, true))
                return false;
        check_state(w, w->sent);
        return true;
}

static void serve_watch(struct world *w, bool faults) {
        if (w->initial && !send_initial(w, faults))
                return;
        if (w->sent < w->compacted) {
                char text[256];
                int n = snprintf(text, sizeof text, "{\"type\":\"ERROR\",\"object\":%s}\n", expired);
                assert_false(send_text(w, text, (size_t)n));
                return;
        }
        while (w->sent < w->n && (!faults || any_below(w, 4))) {
                const struct change *change = &w->history[w->sent];
                const char *type = change->deleted ? "DELETED" : change->created ? "ADDED" : "MODIFIED";
                if (!send_event(w, type, change->name, FIRST_VERSION + w->sent + 1,
                                faults && any_below(w, 12) == 0))
                        return;
                w->sent++;
                check_state(w, w->sent);
        }
        if (any_below(w, 3) == 0 && !send_bookmark(w, false))
                return;
        if (faults && any_below(w, 8) == 0)
                end_request(w, any_below(w, 2) ? 200 : 0, 0, "");
}

/* The token of the next page is "VERSION-FIRST". */
static void serve_page(struct world *w) {
        unsigned versions[NAMES], at = w->n, first = 0, limit = 1 + any_below(w, 6);
        char body[8192];
        const char *token = strstr(w->path, "&continue=");
        if (token && sscanf(token, "&continue=%u-%u", &at, &first) != 2)
                fail_msg("%s", w->path);
        if (token && at < w->compacted) {
                end_request(w, 410, 0, expired);
                return;
        }
        state_at(w, at, versions);
        size_t n = (size_t)snprintf(body, sizeof body, "{\"items\":[");
        for (unsigned sent = 0; first < NAMES && sent < limit; first++)
                if (versions[first])
                        n += (size_t)snprintf(
                                body + n, sizeof body - n,
                                "%s{\"metadata\":{\"name\":\"o%02u\",\"resourceVersion\":\"%u\"}}",
                                sent++ ? "," : "", first, versions[first]);
        n += (size_t)snprintf(body + n, sizeof body - n, "],\"metadata\":{\"resourceVersion\":\"%u\"",
                              FIRST_VERSION + at);
        if (first < NAMES)
                n += (size_t)snprintf(body + n, sizeof body - n, ",\"continue\":\"%u-%u\"", at, first);
        snprintf(body + n, sizeof body - n, "}}");
        bool last = first == NAMES;
        end_request(w, 200, 0, body);
        if (last)
                check_state(w, at);
}

static void serve(struct world *w, bool faults) {
        static const int refusals[] = { 401, 403, 410, 429, 500, 503, 504 };
        if (faults && any_below(w, 6) == 0 && (!w->watch || w->initial))
                end_request(w, refusals[any_below(w, sizeof refusals / sizeof *refusals)], 0, "");
        else if (faults && any_below(w, 8) == 0)
                end_request(w, 0, MV_EIO, "");
        else if (w->watch && w->initial && !w->streams)
                end_request(w, 422, 0, "{\"kind\":\"Status\",\"code\":422}");
        else if (w->watch)
                serve_watch(w, faults);
        else
                serve_page(w);
}

/* --- a history --- */

static void accept_request(struct world *w, struct mv_str path) {
        snprintf(w->path, sizeof w->path, "%.*s", MV_STR_ARG(path));
        w->in_flight = true;
        w->watch = strstr(w->path, "watch=true") != NULL;
        w->initial = strstr(w->path, "sendInitialEvents=true") != NULL;
        const char *version = strstr(w->path, "&resourceVersion=");
        if (w->watch && !w->initial) {
                unsigned from = 0;
                if (!version || sscanf(version, "&resourceVersion=%u", &from) != 1 || from < FIRST_VERSION)
                        fail_msg("%s", w->path);
                w->sent = from - FIRST_VERSION;
        }
}

static void step(struct world *w, bool faults) {
        struct mv_reflector_step next;
        mv_reflector_next(w->reflector, w->now, &next);
        if (next.what == MV_REFLECTOR_CANCEL)
                w->in_flight = false;
        else if (next.what == MV_REFLECTOR_REQUEST)
                accept_request(w, next.path);
        else if (w->in_flight)
                serve(w, faults);
        else if (next.what == MV_REFLECTOR_WAIT)
                w->now = next.until_ms;
        else
                fail_msg("it waits for nothing");
        w->now += any_below(w, 700);
}

static bool is_settled(const struct world *w) {
        return w->in_flight && w->watch && !w->initial && w->sent == w->n &&
               w->sink.knowledge == MV_KNOWLEDGE_ALL && !w->sink.listing;
}

static void run_history(uint64_t seed) {
        struct world *w = calloc(1, sizeof *w);
        assert_non_null(w);
        w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        w->streams = any_below(w, 2);
        w->reflector = mv_reflector_new(&(struct mv_reflector_options){ .path = MV_STR("/api/v1/things"),
                                                                        .seed = seed,
                                                                        .server = &w->server,
                                                                        .sink = &sink_functions,
                                                                        .context = &w->sink });
        assert_non_null(w->reflector);
        for (unsigned i = 0; i < STEPS; i++) {
                for (unsigned changes = any_below(w, 3); changes; changes--)
                        change_something(w);
                if (any_below(w, 12) == 0)
                        w->compacted = w->n - any_below(w, w->n - w->compacted + 1);
                step(w, true);
        }
        unsigned more = 0;
        while (!is_settled(w)) {
                step(w, false);
                if (++more > 200)
                        fail_msg("history %llu does not settle", (unsigned long long)seed);
        }
        check_state(w, w->n);
        mv_reflector_free(w->reflector);
        free(w);
}

static void test_random_histories(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed <= HISTORIES; seed++)
                run_history(seed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_histories),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
