/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/page.h"

static const char before_title[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n";

static const char style[] =
        "<style>\n"
        ":root {\n"
        "  --page: #f6f7f9; --card: #fff; --text: #1c2430; --quiet: #5b6676; --line: #d8dde5; --head: #eef1f5;\n"
        "  --feasible: #17693a; --feasible-bg: #dcf3e4; --source: #2d4f9e; --source-bg: #dfe8fb;\n"
        "  --momentary: #7a5200; --momentary-bg: #fdeebf; --lasting: #9c2330; --lasting-bg: #fbe1e3;\n"
        "}\n"
        "@media (prefers-color-scheme: dark) {\n"
        "  :root {\n"
        "    --page: #12161c; --card: #1a2028; --text: #e4e8ee; --quiet: #9aa6b6; --line: #323b47; --head: #222a34;\n"
        "    --feasible: #8fe0ad; --feasible-bg: #173526; --source: #a9c3ff; --source-bg: #1d2c4d;\n"
        "    --momentary: #f4d27a; --momentary-bg: #3c3010; --lasting: #ffb0b7; --lasting-bg: #451b21;\n"
        "  }\n"
        "}\n"
        "* { box-sizing: border-box; }\n"
        "body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 110rem; background: var(--page);\n"
        "  color: var(--text); font: 15px/1.5 system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif; }\n"
        "h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2rem 0 .75rem; font-size: 1.15rem; }\n"
        ".lead { margin: .25rem 0 1.25rem; color: var(--quiet); }\n"
        ".legend { display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; margin: 0 0 1rem; padding: 0; list-style: none; }\n"
        ".mark { display: inline-block; min-width: 1.6em; padding: 0 .35em; border-radius: .3em; text-align: center;\n"
        "  font-weight: 700; font-family: ui-monospace, \"DejaVu Sans Mono\", monospace; }\n"
        ".feasible { color: var(--feasible); background: var(--feasible-bg); }\n"
        ".source { color: var(--source); background: var(--source-bg); }\n"
        ".momentary { color: var(--momentary); background: var(--momentary-bg); }\n"
        ".lasting { color: var(--lasting); background: var(--lasting-bg); }\n"
        ".unknown { color: var(--quiet); background: var(--head); }\n"
        ".frame { max-height: 80vh; overflow: auto; border: 1px solid var(--line); border-radius: .6rem;\n"
        "  background: var(--card); width: fit-content; max-width: 100%; }\n"
        ".frame:focus-visible, a:focus-visible, summary:focus-visible { outline: 3px solid var(--source);\n"
        "  outline-offset: 2px; }\n"
        "table { border-collapse: separate; border-spacing: 0; }\n"
        "caption { padding: .6rem .9rem; text-align: left; color: var(--quiet); caption-side: bottom; }\n"
        "th, td { padding: .35rem .75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }\n"
        "thead th { position: sticky; top: 0; z-index: 2; background: var(--head); font-weight: 600; }\n"
        "tbody th, thead th:first-child { position: sticky; left: 0; text-align: left; background: var(--card); }\n"
        "thead th:first-child { z-index: 3; background: var(--head); }\n"
        "tbody th { z-index: 1; font-weight: 500; border-right: 1px solid var(--line); }\n"
        "tbody tr:hover th, tbody tr:hover td { background: var(--head); }\n"
        "td { text-align: center; font-variant-numeric: tabular-nums; }\n"
        "a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: .2em; }\n"
        ".kind { color: var(--quiet); font-weight: 400; }\n"
        ".words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);\n"
        "  white-space: nowrap; }\n"
        "details { margin: 0 0 .5rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }\n"
        "details:target { border-color: var(--source); }\n"
        "summary { padding: .5rem .9rem; cursor: pointer; } summary b { font-weight: 600; }\n"
        ".standing { margin-left: .5rem; padding: .05rem .5rem; border-radius: 1rem; font-size: .85em; }\n"
        "details ul { margin: 0; padding: 0 .9rem .7rem; list-style: none; }\n"
        "details li { margin: .25rem 0; display: flex; gap: .6rem; align-items: baseline; }\n"
        "code { font-family: ui-monospace, \"DejaVu Sans Mono\", monospace; font-size: .92em; overflow-wrap: anywhere; }\n"
        "svg { display: block; height: auto; }\n"
        "svg text { font: 12px system-ui, sans-serif; fill: var(--text); } svg .tick { fill: var(--quiet); }\n"
        "svg line { stroke: var(--line); } rect.feasible { fill: var(--feasible); }\n"
        "rect.momentary { fill: var(--momentary); } rect.lasting { fill: var(--lasting); }\n"
        "svg text.feasible, svg text.momentary, svg text.lasting { font-weight: 600; }\n"
        "svg text.momentary { fill: var(--momentary); } svg text.lasting { fill: var(--lasting); }\n"
        ".late { opacity: .35; } .frame svg { margin: .6rem .9rem; }\n"
        ".swatch { display: inline-block; width: 2em; height: .8em; background: var(--feasible); }\n"
        ".prose td { text-align: left; vertical-align: top; white-space: normal; min-width: 7rem; }\n"
        ".prose td:last-child { min-width: 20rem; } .prose th { vertical-align: top; text-align: left; }\n"
        ".prose .mark { white-space: nowrap; } .lead .standing { margin-left: 0; }\n"
        "main:has(#can:not(:checked)) .can, main:has(#cannot:not(:checked)) .cannot,\n"
        "main:has(#may:not(:checked)) .may, main:has(#blocker:not(:checked)) .blocker,\n"
        "main:has(#risk:not(:checked)) .risk, main:has(#note:not(:checked)) .note { display: none !important; }\n"
        ".filter label { cursor: pointer; } .filter input { accent-color: var(--source); vertical-align: -.1em; }\n"
        ".filter { margin-bottom: .5rem; } .where { color: var(--quiet); }\n"
        ".found p { margin: 0; overflow-wrap: anywhere; } details > p { margin: 0; padding: 0 .9rem .7rem; }\n"
        "@media print { .frame { max-height: none; overflow: visible; } }\n"
        "</style>\n"
        "</head>\n"
        "<body>\n"
        "<main>\n";

void mv_page_begin(FILE *stream, const char *title) {
        fprintf(stream, "%s<title>%s</title>\n%s", before_title, title, style);
}

void mv_page_end(FILE *stream) {
        fputs("</main>\n</body>\n</html>\n", stream);
}

void mv_page_text(FILE *stream, struct mv_str s) {
        for (size_t i = 0; i < s.n; i++)
                switch (s.p[i]) {
                case '&':
                        fputs("&amp;", stream);
                        break;
                case '<':
                        fputs("&lt;", stream);
                        break;
                case '>':
                        fputs("&gt;", stream);
                        break;
                case '"':
                        fputs("&quot;", stream);
                        break;
                case '\'':
                        fputs("&#39;", stream);
                        break;
                default: /* control characters are no HTML */
                        putc((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i], stream);
                }
}

void mv_page_element(FILE *stream, const char *tag, const char *class, struct mv_str text) {
        fprintf(stream, "<%s%s%s%s>", tag, class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
        mv_page_text(stream, text);
        fprintf(stream, "</%s>", tag);
}
