/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet check -o html`: one page that needs nothing else. First how many can migrate, and what was found by rule; then each
 * object with its findings, those that cannot migrate first; then what the rules are about. Check boxes hide what can, cannot
 * or may, and findings of a severity, without a script.
 */
#include "cli/check_output.h"
#include "cli/page.h"

#include <stdlib.h>

struct used { /* a rule that found something */
        struct used *next;
        const struct mv_rule *rule;
        enum mv_severity severity; /* the highest */
        size_t objects;
        const struct mv_entry *last; /* that counts */
};

struct page {
        struct {
                FILE *stream;
                char *text;
                size_t size;
        } parts[3]; /* by verdict */
        struct used *first, **end;
};

/* By enum mv_outcome, and in the order of the page. */
static const char *const verdict_class[] = { "feasible", "lasting", "momentary" };
static const char *const verdict_words[] = { "can migrate", "cannot migrate", "unknown" };
static const char *const verdict_group[] = { "can", "cannot", "may" };
static const enum mv_outcome page_order[] = { MV_OUTCOME_FAIL, MV_OUTCOME_UNKNOWN, MV_OUTCOME_PASS };

static const char severity_class[][10] = { "unknown", "momentary", "lasting" };

static void begin(struct mv_check_output *output) {
        struct page *page = mv_arena_new(&output->arena, struct page);
        output->state = page;
        if (!page)
                return;
        page->end = &page->first;
        for (size_t i = 0; i < 3; i++) {
                page->parts[i].stream = open_memstream(&page->parts[i].text, &page->parts[i].size);
                output->buf.failed |= !page->parts[i].stream;
        }
}

static void count_rule(struct mv_check_output *output, const struct mv_entry *entry,
                       const struct mv_finding *f) {
        struct page *page = output->state;
        struct used *used = page->first;
        while (used && used->rule != f->rule)
                used = used->next;
        if (!used && (used = mv_arena_new(&output->arena, struct used))) {
                used->rule = f->rule;
                *page->end = used;
                page->end = &used->next;
        }
        if (!used)
                return;
        used->objects += used->last != entry;
        used->last = entry;
        if (f->severity > used->severity)
                used->severity = f->severity;
}

/* --- an object --- */

static const char *sign(const struct mv_finding *f) {
        static const char *const signs[] = { "-", "!", "x" };
        return f->outcome == MV_OUTCOME_UNKNOWN ? "?" : signs[f->severity];
}

static void print_finding(FILE *stream, const struct mv_finding *f) {
        bool unknown = f->outcome == MV_OUTCOME_UNKNOWN;
        fprintf(stream,
                "<li class=\"found %s\"><span class=\"mark %s\" aria-hidden=\"true\">%s</span> <div><p>"
                "<span class=\"words\">%s%s: </span><a href=\"#rule-%s\"><code>%s</code></a> ",
                mv_severity_name(f->severity),
                unknown && f->severity == MV_SEVERITY_BLOCKER ? "momentary" : severity_class[f->severity],
                sign(f), unknown ? "unknown " : "", mv_severity_name(f->severity), f->rule->id, f->rule->id);
        mv_page_text(stream, f->message);
        fputs("</p>", stream);
        if (f->field.n) {
                fputs("<p class=\"where\">at ", stream);
                mv_page_element(stream, "code", NULL, f->field);
                fputs("</p>", stream);
        }
        fputs("<p><b>fix</b> ", stream);
        mv_page_text(stream, f->fix);
        fputs("</p></div></li>\n", stream);
}

/* By severity, the worst first. True when there was any. */
static bool print_findings(FILE *stream, const struct mv_finding *findings, bool cluster) {
        bool any = false;
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_NOTE; severity--)
                for (const struct mv_finding *f = mv_check_next(findings); f; f = mv_check_next(f->next))
                        if ((int)f->severity == severity && f->rule->cluster == cluster) {
                                print_finding(stream, f);
                                any = true;
                        }
        return any;
}

static void print_place(FILE *stream, struct mv_str file, struct mv_place place) {
        if (!file.n)
                return;
        fputs(" · <span class=\"where\">", stream);
        mv_page_text(stream, file);
        if (place.line)
                fprintf(stream, ":%u", place.line);
        fputs("</span>", stream);
}

static void object(struct mv_check_output *output, struct mv_arena *scratch, const struct mv_entry *entry,
                   const struct mv_verdict *verdict) {
        struct page *page = output->state;
        FILE *stream = page ? page->parts[verdict->migratable].stream : NULL;
        if (!stream)
                return;
        for (mv_check_each(f, verdict)) {
                count_rule(output, entry, f);
                mv_check_is_repeated(output, f);
        }
        fprintf(stream, "<details class=\"%s\"%s><summary><span class=\"kind\">%s</span> <b>",
                verdict_group[verdict->migratable], verdict->migratable == MV_OUTCOME_PASS ? "" : " open",
                mv_kinds[entry->kind].shorthand);
        mv_page_text(stream, verdict->subject.namespace);
        putc('/', stream);
        mv_page_text(stream, verdict->subject.name);
        fprintf(stream, "</b> <span class=\"standing %s\">%s</span> <span class=\"where\">",
                verdict_class[verdict->migratable], verdict_words[verdict->migratable]);
        if (verdict->migratable == MV_OUTCOME_PASS && verdict->method[0])
                fprintf(stream, "%s · ", verdict->method);
        fputs("evictionStrategy ", stream);
        mv_page_text(stream, verdict->eviction_strategy);
        fputs("</span>", stream);
        print_place(stream, mv_check_file(output, scratch, entry), mv_check_place(entry, NULL));
        fputs("</summary>\n<ul>\n", stream);
        if (!print_findings(stream, verdict->findings, false))
                fputs("<li>nothing found</li>\n", stream);
        fputs("</ul></details>\n", stream);
}

/* --- the page --- */

static void open_box(const char *id, const char *class) {
        printf("<label class=\"standing %s\"><input type=\"checkbox\" id=\"%s\" checked> ", class, id);
}

static void print_filters(const struct mv_check_output *output) {
        fputs("<p class=\"filter\">Show ", stdout);
        for (size_t i = 0; i < 3; i++) {
                open_box(verdict_group[page_order[i]], verdict_class[page_order[i]]);
                printf("%zu %s</label>\n", output->count[page_order[i]], verdict_words[page_order[i]]);
        }
        fputs("with ", stdout);
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_NOTE; severity--) {
                const char *word = mv_severity_name((enum mv_severity)severity);
                open_box(word, severity_class[severity]);
                printf("%ss</label>\n", word);
        }
        fputs("</p>\n", stdout);
}

static void print_rules(const struct page *page) {
        if (!page->first)
                return;
        fputs("<h2 id=\"rules\">What was found</h2>\n<div class=\"frame\" role=\"region\" aria-labelledby=\"rules\" tabindex=\"0\">\n"
              "<table class=\"prose\">\n<thead><tr><th scope=\"col\">rule</th><th scope=\"col\">severity</th>"
              "<th scope=\"col\">objects</th><th scope=\"col\">what it says</th></tr></thead>\n<tbody>\n",
              stdout);
        for (int severity = MV_SEVERITY_BLOCKER; severity >= MV_SEVERITY_NOTE; severity--)
                for (const struct used *used = page->first; used; used = used->next) {
                        if ((int)used->severity != severity)
                                continue;
                        const char *word = mv_severity_name(used->severity);
                        printf("<tr class=\"%s\"><th scope=\"row\"><a href=\"#rule-%s\">%s</a></th><td><span class=\"mark "
                               "%s\">%s</span></td><td>%zu</td><td>",
                               word, used->rule->id, used->rule->id, severity_class[severity], word,
                               used->objects);
                        mv_page_text(stdout, mv_str_from(used->rule->summary));
                        fputs("</td></tr>\n", stdout);
                }
        fputs("</tbody>\n</table>\n</div>\n", stdout);
}

static void print_documentation(const struct page *page) {
        if (page->first)
                fputs("<h2>The rules</h2>\n", stdout);
        for (const struct used *used = page->first; used; used = used->next) {
                printf("<details id=\"rule-%s\"><summary><b>%s</b> ", used->rule->id, used->rule->id);
                mv_page_text(stdout, mv_str_from(used->rule->summary));
                fputs("</summary>\n<p>", stdout);
                mv_page_text(stdout, mv_str_from(used->rule->documentation));
                fputs("</p><p><b>Fix</b> ", stdout);
                mv_page_text(stdout, mv_str_from(used->rule->fix));
                fputs("</p><p class=\"where\">Source: ", stdout);
                mv_page_text(stdout, mv_str_from(used->rule->source));
                fputs("</p></details>\n", stdout);
        }
}

static void print_objects(const struct mv_check_output *output, const struct page *page) {
        static const char *const titles[] = { "Can migrate", "Cannot migrate", "Unknown" };
        for (size_t i = 0; i < 3; i++) {
                enum mv_outcome outcome = page_order[i];
                if (!output->count[outcome])
                        continue;
                printf("<h2 class=\"%s\">%s</h2>\n", verdict_group[outcome], titles[outcome]);
                fwrite(page->parts[outcome].text, 1, page->parts[outcome].size, stdout);
        }
}

static void print_page(const struct mv_check_output *output, const struct page *page) {
        mv_page_begin(stdout, "migvet check");
        printf("<h1>Can they live-migrate?</h1>\n<p class=\"lead\">%zu judged.</p>\n",
               output->count[0] + output->count[1] + output->count[2]);
        print_filters(output);
        if (output->cluster) {
                fputs("<h2>The cluster</h2>\n<details open><summary>of every object alike</summary>\n<ul>\n",
                      stdout);
                print_findings(stdout, output->cluster, true);
                fputs("</ul></details>\n", stdout);
        }
        print_rules(page);
        print_objects(output, page);
        print_documentation(page);
        mv_page_end(stdout);
}

static void end(struct mv_check_output *output) {
        struct page *page = output->state;
        if (!page)
                return;
        for (size_t i = 0; i < 3; i++)
                output->buf.failed |= page->parts[i].stream && fclose(page->parts[i].stream) != 0;
        if (!mv_check_output_failed(output))
                print_page(output, page);
        for (size_t i = 0; i < 3; i++)
                free(page->parts[i].text);
}

const struct mv_check_printer mv_check_printer_html = { "html", true, begin, object, end };
