/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet check -o sarif`: SARIF 2.1.0, for code scanning and editors. The rules that found something stand before the
 * results, so the results are made first. What concerns the whole cluster is told once.
 */
#include "cli/check_output.h"
#include "cli/version.h"
#include "policy/base/hash.h"
#include "policy/base/json.h"

#include <inttypes.h>
#include <stdio.h>

struct used { /* a rule that found something */
        struct used *next;
        const struct mv_rule *rule;
};

struct sarif {
        struct mv_buf results;
        struct mv_json json; /* writes them */
        struct used *first, **end;
};

static void begin(struct mv_check_output *output) {
        struct sarif *sarif = mv_arena_new(&output->arena, struct sarif);
        output->state = sarif;
        if (!sarif)
                return;
        sarif->end = &sarif->first;
        mv_buf_init(&sarif->results, &mv_allocator_system, output->buf.maximum);
        mv_json_init(&sarif->json, &sarif->results);
        mv_json_array(&sarif->json);
}

/* {"text": ...} */
static void message(struct mv_json *json, const char *key, struct mv_str text) {
        mv_json_key(json, key);
        mv_json_object(json);
        mv_json_member(json, "text", text);
        mv_json_end(json);
}

static const char *level_name(enum mv_check_level level) {
        static const char *const names[] = { "note", "warning", "error" };
        return names[level];
}

/* --- results --- */

static size_t rule_index(struct mv_check_output *output, const struct mv_rule *rule) {
        struct sarif *sarif = output->state;
        size_t i = 0;
        for (const struct used *used = sarif->first; used; used = used->next, i++)
                if (used->rule == rule)
                        return i;
        struct used *used = mv_arena_new(&output->arena, struct used);
        if (used) {
                used->rule = rule;
                *sarif->end = used;
                sarif->end = &used->next;
        }
        return i;
}

/* A reference to the file: relative to the working directory, or of a file elsewhere. */
static struct mv_str uri_of(struct mv_arena *arena, struct mv_str file) {
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
        struct mv_buf uri;
        mv_buf_init(&uri, &mv_allocator_system, (size_t)1 << 20);
        if (mv_str_starts_with(file, MV_STR("/")))
                mv_buf_append_text(&uri, "file://");
        for (size_t i = 0; i < file.n; i++) {
                if (file.p[i] && strchr(plain, file.p[i]))
                        mv_buf_append_byte(&uri, file.p[i]);
                else
                        mv_buf_format(&uri, "%%%02X", (unsigned char)file.p[i]);
        }
        arena->failed |= mv_buf_failed(&uri);
        struct mv_str text = mv_arena_copy(arena, mv_buf_str(&uri));
        mv_buf_done(&uri);
        return text;
}

static void physical_location(struct mv_json *json, struct mv_arena *scratch, struct mv_str file,
                              struct mv_place place) {
        mv_json_key(json, "physicalLocation");
        mv_json_object(json);
        mv_json_key(json, "artifactLocation");
        mv_json_object(json);
        mv_json_member(json, "uri", uri_of(scratch, file));
        if (!mv_str_starts_with(file, MV_STR("/")))
                mv_json_member(json, "uriBaseId", MV_STR("%SRCROOT%"));
        mv_json_end(json);
        if (place.line) {
                mv_json_key(json, "region");
                mv_json_object(json);
                mv_json_key(json, "startLine");
                mv_json_int(json, place.line);
                mv_json_key(json, "startColumn");
                mv_json_int(json, place.column);
                mv_json_end(json);
        }
        mv_json_end(json);
}

static void logical_location(struct mv_json *json, const char *kind, struct mv_str name,
                             struct mv_str full_name) {
        mv_json_object(json);
        mv_json_member(json, "name", name);
        mv_json_member(json, "fullyQualifiedName", full_name);
        mv_json_member(json, "kind", mv_str_from(kind));
        mv_json_end(json);
}

static void location(struct mv_json *json, struct mv_arena *scratch, const struct mv_subject *subject,
                     const struct mv_finding *f, struct mv_str file, struct mv_place place) {
        struct mv_str name = mv_arena_format(scratch, "%.*s/%.*s/%.*s", MV_STR_ARG(subject->namespace),
                                             MV_STR_ARG(subject->kind), MV_STR_ARG(subject->name));
        mv_json_key(json, "locations");
        mv_json_array(json);
        mv_json_object(json);
        if (file.n)
                physical_location(json, scratch, file, place);
        mv_json_key(json, "logicalLocations");
        mv_json_array(json);
        logical_location(json, "resource", subject->name, name);
        if (f->field.n)
                logical_location(
                        json, "member", f->field,
                        mv_arena_format(scratch, "%.*s/%.*s", MV_STR_ARG(name), MV_STR_ARG(f->field)));
        mv_json_end(json);
        mv_json_end(json);
        mv_json_end(json);
}

static struct mv_str identity(const struct mv_finding *f) {
        return f->thing.n ? f->thing : f->field;
}

/* What the finding is about, and not where it stands or how it is worded: the same while other things change. Code scanning
 * knows an alert again by the hash that it calls that of its line. */
static void fingerprints(struct mv_json *json, const struct mv_verdict *verdict, const struct mv_finding *f) {
        const struct mv_subject *subject = &verdict->subject;
        char text[64];
        size_t number = 1; /* among those that are about the same */
        const struct mv_str whose[] = { subject->kind, subject->namespace, subject->name };
        for (const struct mv_finding *other = verdict->findings; other != f; other = other->next)
                number += other->rule == f->rule && mv_str_equal(identity(other), identity(f));
        uint64_t hash = mv_hash_add(MV_HASH_START, mv_str_from(f->rule->id));
        for (size_t i = 0; i < sizeof whose / sizeof *whose && !f->rule->cluster; i++)
                hash = mv_hash_add(hash, whose[i]);
        hash = mv_hash_add(hash, identity(f));
        snprintf(text, sizeof text, "%016" PRIx64 ":%zu", hash, number);
        mv_json_key(json, "partialFingerprints");
        mv_json_object(json);
        mv_json_member(json, "migvet/v1", mv_str_from(text));
        mv_json_member(json, "primaryLocationLineHash", mv_str_from(text));
        mv_json_end(json);
}

static void result(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict, const struct mv_finding *f) {
        struct sarif *sarif = output->state;
        struct mv_json *json = &sarif->json;
        struct mv_str subject =
                f->rule->cluster ? MV_STR("The cluster") : mv_check_subject(scratch, &verdict->subject);
        mv_json_object(json);
        mv_json_member(json, "ruleId", mv_str_from(f->rule->id));
        mv_json_key(json, "ruleIndex");
        mv_json_int(json, (long long)rule_index(output, f->rule));
        mv_json_member(json, "level", mv_str_from(level_name(mv_check_level(f))));
        message(json, "message",
                mv_arena_format(scratch, "%.*s: %.*s.\nFix: %.*s.", MV_STR_ARG(subject),
                                MV_STR_ARG(f->message), MV_STR_ARG(f->fix)));
        location(json, scratch, &verdict->subject, f, mv_check_file(output, scratch, entry),
                 mv_check_place(entry, f));
        fingerprints(json, verdict, f);
        mv_json_key(json, "properties");
        mv_json_object(json);
        mv_json_member(json, "severity", mv_str_from(mv_severity_name(f->severity)));
        mv_json_member(json, "outcome", mv_str_from(mv_outcome_name(f->outcome)));
        mv_json_member(json, "migratable", mv_str_from(mv_verdict_word(verdict->migratable)));
        mv_json_end(json);
        mv_json_end(json);
}

static void object(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict) {
        for (mv_check_each(f, verdict))
                if (output->state && !mv_check_is_repeated(output, f))
                        result(output, scratch, entry, verdict, f);
}

/* --- rules --- */

/* The first paragraph: code scanning takes 1024 characters. */
static struct mv_str brief(const char *documentation) {
        struct mv_str text = mv_str_from(documentation);
        const char *end = strstr(documentation, "\n\n");
        if (end)
                text.n = (size_t)(end - documentation);
        return text;
}

static void reporting_descriptor(struct mv_json *json, struct mv_arena *arena, const struct mv_rule *rule) {
        enum mv_check_level level = mv_check_level(
                &(struct mv_finding){ .severity = rule->severity, .outcome = MV_OUTCOME_FAIL });
        static const char *const problems[] = { "recommendation", "warning", "error" };
        mv_json_object(json);
        mv_json_member(json, "id", mv_str_from(rule->id));
        message(json, "shortDescription", mv_str_from(rule->summary));
        message(json, "fullDescription", brief(rule->documentation));
        mv_json_key(json, "help");
        mv_json_object(json);
        mv_json_member(json, "text",
                       mv_arena_format(arena, "%s\n\nFix: %s\n\nSource: %s\n", rule->documentation, rule->fix,
                                       rule->source));
        mv_json_end(json);
        mv_json_key(json, "defaultConfiguration");
        mv_json_object(json);
        mv_json_member(json, "level", mv_str_from(level_name(level)));
        mv_json_end(json);
        mv_json_key(json, "properties");
        mv_json_object(json);
        mv_json_key(json, "tags");
        mv_json_array(json);
        mv_json_text(json, mv_area_name(rule->area));
        mv_json_text(json, "kubevirt");
        mv_json_end(json);
        mv_json_member(json, "problem.severity", mv_str_from(problems[rule->severity]));
        mv_json_end(json);
        mv_json_end(json);
}

static void driver(struct mv_json *json, struct mv_arena *arena, const struct sarif *sarif) {
        mv_json_key(json, "tool");
        mv_json_object(json);
        mv_json_key(json, "driver");
        mv_json_object(json);
        mv_json_member(json, "name", MV_STR("migvet"));
        mv_json_member(json, "version", mv_str_from(mv_version()));
        mv_json_key(json, "rules");
        mv_json_array(json);
        for (const struct used *used = sarif->first; used; used = used->next)
                reporting_descriptor(json, arena, used->rule);
        mv_json_end(json);
        mv_json_end(json);
        mv_json_end(json);
}

static void end(struct mv_check_output *output) {
        struct sarif *sarif = output->state;
        struct mv_json json;
        if (!sarif)
                return;
        mv_json_end(&sarif->json);
        mv_json_init(&json, &output->buf);
        mv_json_object(&json);
        mv_json_member(&json, "$schema", MV_STR("https://json.schemastore.org/sarif-2.1.0.json"));
        mv_json_member(&json, "version", MV_STR("2.1.0"));
        mv_json_key(&json, "runs");
        mv_json_array(&json);
        mv_json_object(&json);
        driver(&json, &output->arena, sarif);
        mv_json_key(&json, "originalUriBaseIds");
        mv_json_object(&json);
        mv_json_key(&json, "%SRCROOT%");
        mv_json_object(&json);
        message(&json, "description", MV_STR("the directory that migvet was run in"));
        mv_json_end(&json);
        mv_json_end(&json);
        mv_json_member(&json, "columnKind", MV_STR("unicodeCodePoints"));
        mv_json_key(&json, "results");
        mv_json_raw(&json, mv_buf_str(&sarif->results));
        mv_json_end(&json);
        mv_json_end(&json);
        mv_json_end(&json);
        mv_buf_append_byte(&output->buf, '\n');
        output->buf.failed |= mv_buf_failed(&sarif->results);
        mv_buf_done(&sarif->results);
}

const struct mv_check_printer mv_check_printer_sarif = { "sarif", true, begin, object, end };
