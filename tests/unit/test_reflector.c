/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the replays in tests/replay: each is the story of one reflector, a server that does what the script says, and a clock that
 * moves when the script says so. tests/replay/README.md has the language.
 */
#include "tests/unit/support_sink.h"
#include "tests/unit/support.h"

#include <glob.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct replay {
        const char *file;
        unsigned line;
        long long now;
        char path[256], selector[256];
        bool once;
        struct mv_reflector_server server;
        struct mv_reflector *reflector;
        struct sink sink;
        bool in_flight, ended; /* ended: data has ended the request */
};

#define problem(replay, ...)                                            \
        do {                                                            \
                print_error("%s:%u: ", (replay)->file, (replay)->line); \
                print_error(__VA_ARGS__);                               \
                print_error("\n");                                      \
                fail();                                                 \
        } while (0)

static struct mv_reflector *reflector_of(struct replay *replay) {
        if (!replay->reflector)
                replay->reflector = mv_reflector_new(
                        &(struct mv_reflector_options){ .path = mv_str_from(replay->path),
                                                        .selector = mv_str_from(replay->selector),
                                                        .once = replay->once,
                                                        .seed = 42,
                                                        .server = &replay->server,
                                                        .sink = &sink_functions,
                                                        .context = &replay->sink });
        assert_non_null(replay->reflector);
        return replay->reflector;
}

static struct mv_reflector_step next_of(struct replay *replay) {
        struct mv_reflector_step step;
        mv_reflector_next(reflector_of(replay), replay->now, &step);
        if ((step.what == MV_REFLECTOR_REQUEST) == (step.what == MV_REFLECTOR_CANCEL))
                return step;
        if (replay->in_flight == (step.what == MV_REFLECTOR_REQUEST))
                problem(replay, "%s request is in flight", replay->in_flight ? "a" : "no");
        replay->in_flight = !replay->in_flight;
        replay->ended = false;
        return step;
}

static const char *what_of(const struct mv_reflector_step *step) {
        static const char *const names[] = { "idle", "wait", "request", "cancel" };
        return names[step->what];
}

/* --- what the reflector must do --- */

/* In pattern, * stands for digits. */
static bool fits(const char *pattern, struct mv_str text) {
        size_t i = 0;
        for (; *pattern; pattern++) {
                if (*pattern == '*') {
                        while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
                                i++;
                } else if (i == text.n || text.p[i++] != *pattern)
                        return false;
        }
        return i == text.n;
}

static void want_request(struct replay *replay, char *argument) {
        struct mv_reflector_step step = next_of(replay);
        if (step.what != MV_REFLECTOR_REQUEST)
                problem(replay, "it does %s", what_of(&step));
        if (!fits(argument, step.path))
                problem(replay, "it asks for %.*s", MV_STR_ARG(step.path));
        if (step.stream != (strstr(argument, "watch=true") != NULL))
                problem(replay, "stream is %d", step.stream);
}

/* MIN..MAX: it waits so long, which then passes. */
static void want_wait(struct replay *replay, char *argument) {
        long long least = 0, most = 0;
        if (sscanf(argument, "%lld..%lld", &least, &most) != 2)
                problem(replay, "wait MIN..MAX");
        struct mv_reflector_step step = next_of(replay);
        if (step.what != MV_REFLECTOR_WAIT)
                problem(replay, "it does %s", what_of(&step));
        long long ms = step.until_ms - replay->now;
        if (ms < least || ms > most)
                problem(replay, "it waits %lld ms", ms);
        replay->now = step.until_ms;
}

static void want_step(struct replay *replay, enum mv_reflector_do what) {
        struct mv_reflector_step step = next_of(replay);
        if (step.what != what)
                problem(replay, "it does %s", what_of(&step));
}

static void want_idle(struct replay *replay, char *argument) {
        (void)argument;
        want_step(replay, MV_REFLECTOR_NOTHING);
}

static void want_cancel(struct replay *replay, char *argument) {
        (void)argument;
        want_step(replay, MV_REFLECTOR_CANCEL);
}

static void want_objects(struct replay *replay, char *argument) {
        char text[4096];
        sink_text(&replay->sink, text, sizeof text);
        if (strcmp(text, argument) != 0)
                problem(replay, "there are: %s", text);
}

static void want_know(struct replay *replay, char *argument) {
        static const char *const names[] = {
                [MV_KNOWLEDGE_SOME] = "some",
                [MV_KNOWLEDGE_NONE] = "none",
                [MV_KNOWLEDGE_ALL] = "all",
                [MV_KNOWLEDGE_ABSENT] = "absent",
                [MV_KNOWLEDGE_FORBIDDEN] = "forbidden",
                [MV_KNOWLEDGE_LOST] = "lost",
                [MV_KNOWLEDGE_OUTDATED] = "outdated",
        };
        enum mv_knowledge knowledge = mv_reflector_status(reflector_of(replay))->knowledge;
        char *reason = strchr(argument, ' ');
        if (reason)
                *reason++ = '\0';
        if (strcmp(names[knowledge], argument) != 0)
                problem(replay, "it knows: %s", names[knowledge]);
        if (replay->sink.knows && replay->sink.knowledge != knowledge)
                problem(replay, "the sink was told: %s", names[replay->sink.knowledge]);
        if (reason && !strstr(mv_reflector_status(replay->reflector)->reason, reason))
                problem(replay, "the reason is: %s", mv_reflector_status(replay->reflector)->reason);
}

/* NAME=COUNT... of those that are not 0. */
static void want_errors(struct replay *replay, char *argument) {
        char text[512] = "";
        const struct mv_reflector_status *status = mv_reflector_status(reflector_of(replay));
        for (size_t i = 0; i < MV_REFLECTOR_ERRORS; i++)
                if (status->errors[i])
                        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s=%llu",
                                 text[0] ? " " : "", mv_reflector_error_names[i], status->errors[i]);
        if (strcmp(text, argument) != 0)
                problem(replay, "errors: %s", text);
}

static void want_object_error(struct replay *replay, char *argument) {
        const char *text = mv_reflector_status(reflector_of(replay))->object_error;
        if (strcmp(text, argument) != 0)
                problem(replay, "the last object that could not be read: %s", text);
}

static void want_finished(struct replay *replay, char *argument) {
        (void)argument;
        if (!mv_reflector_status(reflector_of(replay))->finished)
                problem(replay, "it is not finished");
}

static void want_version(struct replay *replay, char *argument) {
        const char *version = mv_reflector_status(reflector_of(replay))->resource_version;
        if (strcmp(version, argument) != 0)
                problem(replay, "resourceVersion is %s", version);
}

/* --- what the server does --- */

static void in_flight(struct replay *replay) {
        if (!replay->in_flight)
                problem(replay, "no request is in flight");
}

/* A block of its own, so that a sanitizer sees what is read behind the piece. */
static void tell_piece(struct replay *replay, const char *bytes, size_t n) {
        struct mv_err err = { 0 };
        in_flight(replay);
        char *piece = malloc(n ? n : 1);
        assert_non_null(piece);
        memcpy(piece, bytes, n);
        for (size_t i = 0; i < n; i++)
                piece[i] = piece[i] == '\'' ? '"' : piece[i];
        if (mv_reflector_data(reflector_of(replay), replay->now, (struct mv_str){ piece, n }, &err) < 0) {
                assert_true(err.code < 0 && err.message[0]);
                replay->ended = true;
        }
        free(piece);
}

static void tell_raw(struct replay *replay, char *argument) {
        tell_piece(replay, argument, strlen(argument));
}

/* So many bytes without an end of the line. */
static void tell_fill(struct replay *replay, char *argument) {
        static char bytes[65536];
        size_t n = strtoul(argument, NULL, 10);
        memset(bytes, ' ', sizeof bytes);
        for (size_t piece; n; n -= piece) {
                piece = n < sizeof bytes ? n : sizeof bytes;
                tell_piece(replay, bytes, piece);
        }
}

static void tell_line(struct replay *replay, char *argument) {
        tell_raw(replay, argument);
        tell_piece(replay, "\n", 1);
}

static void tell_event(struct replay *replay, const char *type, char *argument, const char *annotations) {
        char text[512], name[64] = "", version[64] = "";
        int n = sscanf(argument, "%63s %63s", name, version);
        if (n == 1)
                n = snprintf(text, sizeof text,
                             "{'type':'%s','object':{'metadata':{'resourceVersion':'%s'%s}}}\n", type, name,
                             annotations);
        else
                n = snprintf(text, sizeof text,
                             "{'type':'%s','object':{'kind':'X','metadata':{'name':'%s','namespace':'ns',"
                             "'resourceVersion':'%s'}}}\n",
                             type, name, version);
        tell_piece(replay, text, (size_t)n);
}

static void tell_added(struct replay *replay, char *argument) {
        tell_event(replay, "ADDED", argument, "");
}
static void tell_modified(struct replay *replay, char *argument) {
        tell_event(replay, "MODIFIED", argument, "");
}
static void tell_deleted(struct replay *replay, char *argument) {
        tell_event(replay, "DELETED", argument, "");
}
static void tell_bookmark(struct replay *replay, char *argument) {
        tell_event(replay, "BOOKMARK", argument, "");
}
static void tell_listed(struct replay *replay, char *argument) {
        tell_event(replay, "BOOKMARK", argument, ",'annotations':{'k8s.io/initial-events-end':'true'}");
}

/* STATUS [retry=MS] [BODY] */
static void tell_answer(struct replay *replay, char *argument) {
        struct mv_reflector_answer answer = { .retry_after_ms = -1 };
        int used = 0;
        in_flight(replay);
        if (sscanf(argument, "%d%n", &answer.status, &used) != 1)
                problem(replay, "answer STATUS [retry=MS] [BODY]");
        argument += used + strspn(argument + used, " ");
        if (sscanf(argument, "retry=%lld%n", &answer.retry_after_ms, &used) == 1)
                argument += used + (int)strspn(argument + used, " ");
        struct mv_str body = json_make(argument);
        answer.body = body;
        replay->in_flight = false;
        mv_reflector_done(reflector_of(replay), replay->now, &answer);
        text_free(body);
}

/* The next word, or NULL. */
static char *next_word(char **text) {
        char *word = *text + strspn(*text, " "), *end = word + strcspn(word, " ");
        *text = end + (*end != '\0');
        *end = '\0';
        return *word ? word : NULL;
}

/* VERSION [next=TOKEN] NAME=VERSION...: a page of a list. */
static void tell_page(struct replay *replay, char *argument) {
        char text[4096], *word = next_word(&argument), *sign;
        size_t n = (size_t)snprintf(text, sizeof text, "200 {'kind':'XList','items':[");
        char version[64], token[64] = "";
        if (!word)
                problem(replay, "page VERSION [next=TOKEN] NAME=VERSION...");
        snprintf(version, sizeof version, "%s", word);
        for (bool first = true; (word = next_word(&argument));) {
                if (strncmp(word, "next=", 5) == 0) {
                        snprintf(token, sizeof token, "%s", word + 5);
                        continue;
                }
                if (!(sign = strchr(word, '=')))
                        problem(replay, "%s is no NAME=VERSION", word);
                *sign = '\0';
                n += (size_t)snprintf(text + n, sizeof text - n,
                                      "%s{'metadata':{'name':'%s','resourceVersion':'%s'}}", first ? "" : ",",
                                      word, sign + 1);
                first = false;
        }
        snprintf(text + n, sizeof text - n, "],'metadata':{'resourceVersion':'%s','continue':'%s'}}", version,
                 token);
        tell_answer(replay, text);
}

static void tell_break(struct replay *replay, int code, const char *message) {
        in_flight(replay);
        replay->in_flight = false;
        mv_reflector_done(
                reflector_of(replay), replay->now,
                &(struct mv_reflector_answer){ .code = code, .message = message, .retry_after_ms = -1 });
}

static void tell_lost(struct replay *replay, char *argument) {
        tell_break(replay, MV_EIO, argument);
}

static void tell_large(struct replay *replay, char *argument) {
        tell_break(replay, MV_ELIMIT, argument);
}

/* The stream ends: cleanly, or since data has ended it. */
static void tell_end(struct replay *replay, char *argument) {
        (void)argument;
        in_flight(replay);
        if (replay->ended)
                problem(replay, "the stream was refused already: use refused");
        replay->in_flight = false;
        mv_reflector_done(reflector_of(replay), replay->now,
                          &(struct mv_reflector_answer){ .status = 200, .retry_after_ms = -1 });
}

static void tell_refused(struct replay *replay, char *argument) {
        (void)argument;
        if (!replay->ended)
                problem(replay, "the stream was not refused");
        tell_break(replay, MV_EIO, "refused by us");
}

static void tell_started(struct replay *replay, char *argument) {
        (void)argument;
        in_flight(replay);
        mv_reflector_started(reflector_of(replay), replay->now);
}

static void tell_absent(struct replay *replay, char *argument) {
        replay->in_flight = false;
        mv_reflector_suspend(reflector_of(replay), argument);
}

static void tell_present(struct replay *replay, char *argument) {
        (void)argument;
        mv_reflector_resume(reflector_of(replay), replay->now);
}

static void tell_elsewhere(struct replay *replay, char *argument) {
        (void)argument;
        mv_reflector_hurry(reflector_of(replay), replay->now);
}

/* --- the stage --- */

static void set_path(struct replay *replay, char *argument) {
        snprintf(replay->path, sizeof replay->path, "%s", argument);
}
static void set_selector(struct replay *replay, char *argument) {
        snprintf(replay->selector, sizeof replay->selector, "%s", argument);
}
static void set_once(struct replay *replay, char *argument) {
        (void)argument;
        replay->once = true;
}
static void set_no_streaming(struct replay *replay, char *argument) {
        (void)argument;
        replay->server.no_streaming = true;
}
static void set_no_memory(struct replay *replay, char *argument) {
        replay->sink.no_memory = strcmp(argument, "on") == 0;
}
static void set_unreadable(struct replay *replay, char *argument) {
        snprintf(replay->sink.unreadable, sizeof replay->sink.unreadable, "%s", argument);
}

/* So many milliseconds go by, in which it does nothing. */
static void pass(struct replay *replay, char *argument) {
        long long ms = 0;
        if (sscanf(argument, "%lld", &ms) != 1)
                problem(replay, "pass MS");
        replay->now += ms;
        struct mv_reflector_step step = next_of(replay);
        if (step.what == MV_REFLECTOR_REQUEST || step.what == MV_REFLECTOR_CANCEL)
                problem(replay, "it does %s", what_of(&step));
}

static const struct {
        const char *name;
        void (*run)(struct replay *replay, char *argument);
} commands[] = {
        { "path", set_path },
        { "selector", set_selector },
        { "once", set_once },
        { "no-memory", set_no_memory },
        { "unreadable", set_unreadable },
        { "no-streaming", set_no_streaming },
        { "pass", pass },
        { "request", want_request },
        { "wait", want_wait },
        { "idle", want_idle },
        { "cancel", want_cancel },
        { "objects", want_objects },
        { "know", want_know },
        { "errors", want_errors },
        { "object-error", want_object_error },
        { "finished", want_finished },
        { "version", want_version },
        { "started", tell_started },
        { "raw", tell_raw },
        { "line", tell_line },
        { "added", tell_added },
        { "modified", tell_modified },
        { "deleted", tell_deleted },
        { "bookmark", tell_bookmark },
        { "listed", tell_listed },
        { "answer", tell_answer },
        { "page", tell_page },
        { "lost", tell_lost },
        { "large", tell_large },
        { "end", tell_end },
        { "refused", tell_refused },
        { "absent", tell_absent },
        { "present", tell_present },
        { "elsewhere", tell_elsewhere },
        { "fill", tell_fill },
};

static void run_line(struct replay *replay, char *text) {
        char *argument = text + strcspn(text, " ");
        if (*argument)
                *argument++ = '\0';
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
                if (strcmp(commands[i].name, text) == 0) {
                        commands[i].run(replay, argument);
                        return;
                }
        problem(replay, "no such command: %s", text);
}

static void run_file(void **state) {
        struct replay *replay = calloc(1, sizeof *replay);
        char line[4096 + 2];
        assert_non_null(replay);
        replay->file = *state;
        snprintf(replay->path, sizeof replay->path, "/api/v1/things");
        FILE *file = fopen(replay->file, "r");
        assert_non_null(file);
        unsigned commands_run = 0;
        while (fgets(line, sizeof line - 2, file)) {
                replay->line++;
                line[strcspn(line, "\n")] = '\0';
                if (line[0] && line[0] != '#') {
                        run_line(replay, line);
                        commands_run++;
                }
        }
        fclose(file);
        if (!commands_run)
                problem(replay, "an empty script");
        mv_reflector_free(replay->reflector);
        assert_false(replay->sink.listing);
        free(replay);
}

int main(void) {
        glob_t files;
        if (glob("tests/replay/*.replay", 0, NULL, &files) != 0 || !files.gl_pathc) {
                fprintf(stderr, "no tests/replay/*.replay: run this from the top of the tree\n");
                return 1;
        }
        struct CMUnitTest *tests = calloc(files.gl_pathc, sizeof *tests);
        if (!tests)
                return 1;
        for (size_t i = 0; i < files.gl_pathc; i++)
                tests[i] = (struct CMUnitTest){ .name = files.gl_pathv[i],
                                                .test_func = run_file,
                                                .initial_state = files.gl_pathv[i] };
        int failed = _cmocka_run_group_tests("replay", tests, files.gl_pathc, NULL, NULL);
        free(tests);
        globfree(&files);
        return failed;
}
