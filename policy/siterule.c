/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/siterule.h"

#include "policy/base/growing.h"
#include "policy/claims.h"
#include "policy/object/scan.h"

/* Of one rule and object. KubeVirt's own lists hold at most 256 elements. */
enum { MOST_VALUES = 1000 };

/* What a rule finds as it goes. */
struct search {
        struct mv_context *ctx;
        const struct mv_site_rule *rule;
        struct mv_str volume,
                volume_field; /* whose claim, or its class, is looked at; "" of the object itself */
        size_t n_values, n_absent;
        bool wrong;   /* something was found that is not right, or not known */
        bool stopped; /* it makes no sense to go on */
};

/* --- reporting --- */

static void write_path(struct mv_growing *text, const struct mv_path *path) {
        if (!path)
                return;
        write_path(text, path->parent);
        if (!path->key.p)
                mv_growing_add(text, "[%zu]", path->index);
        else if (mv_str_find_byte(path->key, '.') < path->key.n)
                mv_growing_add(text, "['%.*s']", MV_STR_ARG(path->key));
        else
                mv_growing_add(text, "%s%.*s", text->n ? "." : "", MV_STR_ARG(path->key));
}

static struct mv_str path_text(struct mv_context *ctx, const struct mv_path *path) {
        struct mv_growing text = { .arena = ctx->arena };
        write_path(&text, path);
        return mv_growing_text(&text);
}

static struct mv_str field_of(struct search *search, const struct mv_path *path) {
        return search->volume.n ? search->volume_field : path_text(search->ctx, path);
}

/* value tells this from another thing of the rule, as far as there is one. */
static void fail(struct search *search, const struct mv_path *path, struct mv_str value) {
        struct mv_finding *finding =
                mv_report(search->ctx, MV_OUTCOME_FAIL, "%s", search->rule->rule.summary);
        finding->field = field_of(search, path);
        finding->thing = search->volume.n ? search->volume : value.n ? value : finding->field;
        search->wrong = true;
}

static struct mv_finding *doubt(struct search *search, struct mv_str field, struct mv_str why) {
        struct mv_finding *finding = mv_report(search->ctx, MV_OUTCOME_UNKNOWN, "not known (%.*s): %s",
                                               MV_STR_ARG(why), search->rule->rule.summary);
        finding->field = field;
        finding->thing = search->volume.n ? search->volume : field;
        search->wrong = true;
        return finding;
}

static void give_up(struct search *search, const struct mv_path *path, const char *why, const char *fix) {
        struct mv_finding *finding = doubt(search, field_of(search, path), mv_str_from(why));
        finding->fix = mv_str_from(fix);
        search->stopped = true;
}

/* --- values --- */

static void take_absent(struct search *search, const struct mv_path *path) {
        search->n_absent++;
        if (!search->rule->may_be_absent)
                fail(search, path, (struct mv_str){ 0 });
}

static void take_text(struct search *search, const struct mv_path *path, struct mv_str value) {
        if (search->n_values++ == MOST_VALUES) {
                give_up(search, path, "there are more than 1000 values", "give it fewer elements");
                return;
        }
        const struct mv_allocator lender = mv_arena_lender(search->ctx->arena);
        switch (mv_pattern_match(&lender, &search->rule->pattern, value)) {
        case MV_MATCH_YES:
                return;
        case MV_MATCH_NO:
                fail(search, path, value);
                return;
        case MV_MATCH_UNKNOWN:
                give_up(search, path, "matching the pattern took too much work",
                        "write a simpler pattern in siteRules of the configuration");
                return;
        }
}

static struct mv_str unescaped(struct mv_arena *arena, const struct mv_scan_string *string) {
        char *out = string->escaped ? mv_arena_allocate(arena, string->raw.n + 1, 1) : NULL;
        return out ? (struct mv_str){ out, mv_scan_unescape(string->raw, out) } : string->raw;
}

/* A text, a number or a boolean; objects and lists match nothing. */
static bool take_value(struct search *search, struct mv_scan *scan, const struct mv_path *path) {
        struct mv_scan_string string;
        struct mv_str raw;
        char c = mv_scan_peek(scan);
        if (c == '"') {
                if (!mv_scan_string(scan, &string))
                        return false;
                take_text(search, path, unescaped(search->ctx->arena, &string));
                return true;
        }
        if (!mv_scan_skip(scan, &raw))
                return false;
        if (c == 'n')
                take_absent(search, path);
        else if (c == '{' || c == '[')
                fail(search, path, (struct mv_str){ 0 });
        else
                take_text(search, path, raw);
        return true;
}

/* Look at the value where scan stands, from that step of the path on, and pass over it. False: it is no JSON. */
static bool walk(struct search *search, struct mv_scan *scan, const struct mv_str *steps, size_t n,
                 const struct mv_path *path);

static bool walk_members(struct search *search, struct mv_scan *scan, const struct mv_str *steps, size_t n,
                         const struct mv_path *path) {
        struct mv_scan_string key;
        bool first = true, found = false;
        if (!mv_scan_object(scan))
                return false;
        while (mv_scan_key(scan, &first, &key)) {
                bool here = !found && mv_str_equal(unescaped(search->ctx->arena, &key), *steps);
                found |= here;
                if (!(here ? walk(search, scan, steps + 1, n - 1, path) : mv_scan_skip(scan, NULL)))
                        return false;
        }
        if (!found)
                take_absent(search, path);
        return !scan->code;
}

static bool walk_elements(struct search *search, struct mv_scan *scan, const struct mv_str *steps, size_t n,
                          const struct mv_path *parent) {
        struct mv_path path = { .parent = parent };
        bool first = true;
        if (!mv_scan_array(scan))
                return false;
        for (; mv_scan_element(scan, &first); path.index++)
                if (!(search->stopped ? mv_scan_skip(scan, NULL)
                                      : walk(search, scan, steps + 1, n - 1, &path)))
                        return false;
        if (!path.index)
                take_absent(search, parent);
        return !scan->code;
}

static bool walk(struct search *search, struct mv_scan *scan, const struct mv_str *steps, size_t n,
                 const struct mv_path *path) {
        if (!n)
                return take_value(search, scan, path);
        bool member = steps->p != NULL;
        const struct mv_path below = { .parent = path, .key = *steps };
        char c = mv_scan_peek(scan);
        if (member && c == '{')
                return walk_members(search, scan, steps, n, &below);
        if (!member && c == '[')
                return walk_elements(search, scan, steps, n, path);
        take_absent(search, member ? &below : path);
        return mv_scan_skip(scan, NULL);
}

/* --- objects --- */

/* An instance is what a VirtualMachine's spec.template says, so the same path serves both. */
static size_t steps_of_template(const struct mv_site_path *path, enum mv_kind kind) {
        return kind == MV_KIND_VMI && path->n > 2 && mv_str_is(path->steps[0], "spec") &&
                               mv_str_is(path->steps[1], "template") &&
                               (mv_str_is(path->steps[2], "spec") || mv_str_is(path->steps[2], "metadata"))
                       ? 2
                       : 0;
}

/* What has a value though the text need not say it: a request and -n name it, too. */
static struct mv_str value_beside(const struct mv_site_path *path, const struct mv_meta *meta) {
        return mv_site_path_is(path, "metadata", "name")        ? meta->name
               : mv_site_path_is(path, "metadata", "namespace") ? meta->namespace
                                                                : (struct mv_str){ 0 };
}

static void search_object(struct search *search, enum mv_kind kind, const struct mv_meta *meta) {
        const struct mv_site_path *path = &search->rule->path;
        const struct mv_path metadata = { .key = MV_STR("metadata") },
                             named = { .parent = &metadata, .key = path->steps[path->n - 1] };
        struct mv_str beside = value_beside(path, meta);
        size_t skip = steps_of_template(path, kind);
        struct mv_scan scan;
        if (beside.n) {
                take_text(search, &named, beside);
                return;
        }
        if (!meta->text.p) {
                struct mv_finding *finding = doubt(search, search->volume_field,
                                                   mv_text(search->ctx, "migvet keeps only a part of %s %.*s",
                                                           mv_kinds[kind].kind, MV_STR_ARG(meta->name)));
                finding->fix = MV_STR("restart migvet, so that it keeps what the rules of siteRules look at");
                return;
        }
        mv_scan_init(&scan, meta->text);
        if (!walk(search, &scan, path->steps + skip, path->n - skip, NULL))
                give_up(search, NULL, "the object could not be read", "make the object valid JSON");
}

static void search_missing(struct search *search, enum mv_kind kind, struct mv_str namespace,
                           struct mv_str name, bool to_come) {
        struct mv_context *ctx = search->ctx;
        struct mv_finding *finding = doubt(
                search, search->volume_field,
                mv_text(ctx, "%s %.*s%s%.*s %s", mv_kinds[kind].kind, MV_STR_ARG(namespace),
                        namespace.n ? "/" : "", MV_STR_ARG(name), mv_snapshot_absent(ctx->snapshot, kind)));
        finding->fix = to_come ? MV_STR("ask again when the claim is there")
                               : mv_missing_fix(ctx, kind, namespace, name);
        mv_report_missing(finding, kind, namespace, name);
}

static void search_claim(struct search *search, const struct mv_claim_facts *facts, struct mv_str name) {
        const struct mv_site_path *path = &search->rule->path;
        struct mv_str namespace = search->ctx->vmi->meta.namespace;
        const struct mv_claim *claim =
                mv_snapshot_find(search->ctx->snapshot, MV_KIND_CLAIM, namespace, name);
        const struct mv_meta expected = { .name = name, .namespace = namespace };
        struct mv_str known = value_beside(path, &expected);
        if (!claim && mv_site_path_is(path, "spec", "storageClassName"))
                known = facts->storage_class;
        if (claim)
                search_object(search, MV_KIND_CLAIM, &claim->meta);
        else if (known.n)
                take_text(search, NULL, known);
        else
                search_missing(search, MV_KIND_CLAIM, namespace, name, facts->source == MV_CLAIM_TEMPLATE);
}

static void search_storage_class(struct search *search, const struct mv_claim_facts *facts) {
        const struct mv_context *ctx = search->ctx;
        struct mv_str name = facts->storage_class, none = { 0 };
        const struct mv_storage_class *class =
                name.n ? mv_snapshot_find(ctx->snapshot, MV_KIND_STORAGE_CLASS, none, name) : NULL;
        const struct mv_meta expected = { .name = name };
        struct mv_str known = value_beside(&search->rule->path, &expected);
        if (known.n)
                take_text(search, NULL, known);
        else if (class)
                search_object(search, MV_KIND_STORAGE_CLASS, &class->meta);
        else if (name.n)
                search_missing(search, MV_KIND_STORAGE_CLASS, none, name, false);
        else if (facts->source == MV_CLAIM_EXISTS)
                take_absent(search, NULL); /* a claim of no class */
        else
                search_missing(search, MV_KIND_CLAIM, ctx->vmi->meta.namespace, facts->name,
                               facts->source == MV_CLAIM_TEMPLATE);
}

/* False when there are none. */
static bool search_volumes(struct search *search) {
        struct mv_context *ctx = search->ctx;
        bool any = false;
        for (size_t i = 0; ctx->claims && i < ctx->vmi->spec.volumes.n && !search->stopped; i++) {
                const struct mv_claim_facts *facts = &ctx->claims[i];
                if (facts->source == MV_CLAIM_NONE)
                        continue;
                any = true;
                const struct mv_volume *volume = &ctx->vmi->spec.volumes.items[i];
                search->volume = volume->name;
                search->volume_field = mv_spec_field(ctx, "volumes[%zu]", i);
                if (search->rule->path.root == MV_SITE_CLAIM)
                        /* Of two sources the DataVolume's name counts, as in policy/claims.h. */
                        search_claim(search, facts,
                                     volume->data_volume ? volume->data_volume->name : facts->name);
                else
                        search_storage_class(search, facts);
        }
        return any;
}

static void check(struct mv_context *ctx) {
        const struct mv_site_rule *rule = (const struct mv_site_rule *)(const void *)ctx->rule;
        struct search search = { .ctx = ctx, .rule = rule };
        if (!ctx->written || !(ctx->written_kind == MV_KIND_VM ? rule->of_vms : rule->of_instances))
                return;
        if (rule->path.root == MV_SITE_OBJECT)
                search_object(&search, ctx->written_kind, ctx->written);
        else if (!search_volumes(&search))
                return;
        if (!search.wrong)
                mv_report(ctx, MV_OUTCOME_PASS, search.n_values ? "it matches %.*s" : "it is not there",
                          MV_STR_ARG(rule->pattern.text));
}

/* --- rules --- */

static uint64_t needs(const struct mv_site_rule *rule) {
        switch (rule->path.root) {
        case MV_SITE_CLAIM:
                return MV_NEED(CLAIM);
        case MV_SITE_STORAGE_CLASS:
                return MV_NEED(CLAIM) | MV_NEED(STORAGE_CLASS);
        case MV_SITE_OBJECT:
                break;
        }
        return 0;
}

/* What the configuration says, in words. */
static struct mv_str document(struct mv_arena *arena, const struct mv_site_rule *rule) {
        const bool both = rule->of_vms && rule->of_instances;
        return mv_arena_format(
                arena,
                "A rule of this site for %s%s%s: %.*s must match %.*s as a whole. Where it is not there, %s.",
                rule->of_vms ? mv_kinds[MV_KIND_VM].kind : "", both ? " and " : "",
                rule->of_instances ? mv_kinds[MV_KIND_VMI].kind : "", MV_STR_ARG(rule->field),
                MV_STR_ARG(rule->pattern.text), rule->may_be_absent ? "that is in order" : "the rule fails");
}

void mv_site_rule_init(struct mv_arena *arena, struct mv_site_rule *rule, struct mv_str name,
                       enum mv_severity severity, struct mv_str message, struct mv_str fix) {
        const char *copied[] = { mv_arena_copy(arena, name).p, mv_arena_copy(arena, message).p,
                                 mv_arena_copy(arena, fix).p, document(arena, rule).p };
        for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
                if (!copied[i])
                        copied[i] = "";
        rule->rule = (struct mv_rule){
                .id = copied[0],
                .area = MV_AREA_SITE,
                .severity = severity,
                .needs = needs(rule),
                .reason = "",
                .subject = MV_SUBJECT_INSTANCE,
                .summary = copied[1],
                .documentation = copied[3],
                .source = "siteRules of the configuration",
                .fix = copied[2],
                .revisions = { { .check = check } },
        };
}

const struct mv_site_rule *mv_site_rules_find(const struct mv_site_rules *rules, struct mv_str name) {
        for (size_t i = 0; i < rules->n; i++)
                if (mv_str_is(name, rules->items[i].rule.id))
                        return &rules->items[i];
        return NULL;
}

uint64_t mv_site_rules_texts(const struct mv_site_rules *rules) {
        uint64_t kinds = 0;
        for (size_t i = 0; i < rules->n; i++)
                switch (rules->items[i].path.root) {
                case MV_SITE_CLAIM:
                        kinds |= MV_NEED(CLAIM);
                        break;
                case MV_SITE_STORAGE_CLASS:
                        kinds |= MV_NEED(STORAGE_CLASS);
                        break;
                case MV_SITE_OBJECT:
                        kinds |= (rules->items[i].of_vms ? MV_NEED(VM) : 0) |
                                 (rules->items[i].of_instances ? MV_NEED(VMI) : 0);
                        break;
                }
        return kinds;
}
