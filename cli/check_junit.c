/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet check -o junit`: a testsuite a namespace, a testcase an object. What is at or above --fail-on is a failure, or an
 * error when all of it is unknown; one element with all of it, since readers look at the first one only. The rest is
 * system-out.
 */
#include "cli/check_output.h"

struct suite {
        struct suite *next;
        struct mv_str namespace;
        struct mv_buf cases;
        size_t tests, failures, errors;
};

struct suites {
        struct suite *first, **end;
        size_t tests, failures, errors;
};

static void begin(struct mv_check_output *output) {
        struct suites *suites = mv_arena_new(&output->arena, struct suites);
        if (suites)
                suites->end = &suites->first;
        output->state = suites;
}

/* --- XML --- */

/* XML 1.0 has no other control characters, not even escaped, nor U+FFFE and U+FFFF. */
static bool is_allowed(struct mv_str character) {
        unsigned char c = (unsigned char)character.p[0];
        if (character.n == 1)
                return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
        return !(mv_str_starts_with(character, MV_STR("\xef\xbf\xbe")) ||
                 mv_str_starts_with(character, MV_STR("\xef\xbf\xbf")));
}

/* In an element or a quoted attribute, where a newline would become a space. */
static void text(struct mv_buf *buf, struct mv_str s) {
        while (s.n) {
                struct mv_str character = { s.p, mv_str_character(s) };
                bool valid = character.n > 0;
                s = mv_str_skip(s, valid ? character.n : 1);
                if (!valid || !is_allowed(character))
                        mv_buf_append_text(buf, "\xef\xbf\xbd");
                else if (strchr("&<>\"'\t\n\r", character.p[0]))
                        mv_buf_format(buf, "&#%d;", character.p[0]);
                else
                        mv_buf_append_str(buf, character);
        }
}

static void attribute(struct mv_buf *buf, const char *name, struct mv_str value) {
        mv_buf_format(buf, " %s=\"", name);
        text(buf, value);
        mv_buf_append_byte(buf, '"');
}

static void counts(struct mv_buf *buf, size_t tests, size_t failures, size_t errors) {
        mv_buf_format(buf, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"0\"", tests,
                      failures, errors);
}

/* --- a case --- */

static struct suite *suite_of(struct mv_check_output *output, struct mv_str namespace) {
        struct suites *suites = output->state;
        if (!suites)
                return NULL;
        for (struct suite *suite = suites->first; suite; suite = suite->next)
                if (mv_str_equal(suite->namespace, namespace))
                        return suite;
        struct suite *suite = mv_arena_new(&output->arena, struct suite);
        if (!suite)
                return NULL;
        suite->namespace = mv_arena_copy(&output->arena, namespace);
        mv_buf_init(&suite->cases, &mv_allocator_system, output->buf.maximum);
        *suites->end = suite;
        suites->end = &suite->next;
        return suite;
}

/* Those that fail, or those that do not. */
static void findings(struct mv_check_output *output, struct mv_buf *buf, const struct mv_verdict *verdict,
                     bool failing) {
        for (mv_check_each(f, verdict)) {
                if (mv_options_fails_on(output->options, f) != failing)
                        continue;
                mv_buf_format(buf, "%s (%s%s)", f->rule->id, mv_severity_name(f->severity),
                              f->outcome == MV_OUTCOME_UNKNOWN ? ", unknown" : "");
                if (f->field.n) {
                        mv_buf_append_text(buf, " at ");
                        text(buf, f->field);
                }
                mv_buf_append_text(buf, "\n  ");
                text(buf, f->message);
                mv_buf_append_text(buf, "\n  fix: ");
                text(buf, f->fix);
                mv_buf_append_byte(buf, '\n');
        }
}

static void problem(struct mv_check_output *output, struct suite *suite, const struct mv_verdict *verdict,
                    const struct mv_finding *first, const char *element) {
        struct mv_buf *buf = &suite->cases;
        mv_buf_format(buf, "      <%s", element);
        attribute(buf, "type", mv_str_from(first->rule->id));
        attribute(buf, "message", first->message);
        mv_buf_append_byte(buf, '>');
        findings(output, buf, verdict, true);
        mv_buf_format(buf, "</%s>\n", element);
}

static void object(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict) {
        const struct mv_finding *failure = NULL, *error = NULL;
        bool rest = false;
        struct suite *suite = suite_of(output, verdict->subject.namespace);
        if (!suite)
                return;
        for (mv_check_each(f, verdict)) {
                bool fails = mv_options_fails_on(output->options, f);
                if (fails && f->outcome == MV_OUTCOME_FAIL)
                        failure = failure ? failure : f;
                else if (fails)
                        error = error ? error : f;
                rest |= !fails;
        }
        struct mv_buf *buf = &suite->cases;
        struct mv_str file = mv_check_file(output, scratch, entry);
        struct mv_place place = mv_check_place(entry, NULL);
        suite->tests++;
        mv_buf_append_text(buf, "    <testcase");
        attribute(buf, "classname",
                  mv_arena_format(scratch, "%.*s%s%.*s", MV_STR_ARG(suite->namespace),
                                  suite->namespace.n ? "." : "", MV_STR_ARG(verdict->subject.kind)));
        attribute(buf, "name", verdict->subject.name);
        if (file.n)
                attribute(buf, "file", file);
        if (file.n && place.line)
                mv_buf_format(buf, " line=\"%u\"", place.line);
        mv_buf_append_text(buf, " time=\"0\">\n");
        if (failure) {
                suite->failures++;
                problem(output, suite, verdict, failure, "failure");
        } else if (error) {
                suite->errors++;
                problem(output, suite, verdict, error, "error");
        }
        mv_buf_format(buf, "      <system-out>migratable: %s\n", mv_verdict_word(verdict->migratable));
        if (rest)
                findings(output, buf, verdict, false);
        mv_buf_append_text(buf, "</system-out>\n    </testcase>\n");
}

static void end(struct mv_check_output *output) {
        struct suites *suites = output->state;
        struct mv_buf *buf = &output->buf;
        for (const struct suite *suite = suites ? suites->first : NULL; suite; suite = suite->next) {
                suites->tests += suite->tests;
                suites->failures += suite->failures;
                suites->errors += suite->errors;
        }
        mv_buf_append_text(buf,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"migvet check\"");
        counts(buf, suites ? suites->tests : 0, suites ? suites->failures : 0, suites ? suites->errors : 0);
        mv_buf_append_text(buf, ">\n");
        for (struct suite *suite = suites ? suites->first : NULL; suite; suite = suite->next) {
                mv_buf_append_text(buf, "  <testsuite");
                attribute(buf, "name", suite->namespace);
                counts(buf, suite->tests, suite->failures, suite->errors);
                mv_buf_append_text(buf, ">\n");
                mv_buf_append_str(buf, mv_buf_str(&suite->cases));
                mv_buf_append_text(buf, "  </testsuite>\n");
                buf->failed |= mv_buf_failed(&suite->cases);
                mv_buf_done(&suite->cases);
        }
        mv_buf_append_text(buf, "</testsuites>\n");
}

const struct mv_check_printer mv_check_printer_junit = { "junit", true, begin, object, end };
