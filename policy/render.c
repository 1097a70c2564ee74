/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/render.h"

#include "policy/nodes/fitgroups.h"
#include "policy/instancetype.h"
#include "policy/resolve.h"

void mv_render_value(struct mv_json *json, const char *key, struct mv_str value, struct mv_str from) {
        mv_json_key(json, key);
        mv_json_object(json);
        mv_json_member(json, "value", value);
        mv_json_member(json, "from", from);
        mv_json_end(json);
}

static void condition(struct mv_json *json, struct mv_str type, struct mv_str status, struct mv_str reason,
                      struct mv_str message) {
        mv_json_object(json);
        mv_json_member(json, "type", type);
        mv_json_member(json, "status", status);
        mv_json_member(json, "reason", reason);
        mv_json_member(json, "message", message);
        mv_json_end(json);
}

void mv_render_finding(struct mv_json *json, const struct mv_finding *f) {
        mv_json_object(json);
        mv_json_member(json, "rule", mv_str_from(f->rule->id));
        mv_json_member(json, "severity", mv_str_from(mv_severity_name(f->severity)));
        mv_json_member(json, "outcome", mv_str_from(mv_outcome_name(f->outcome)));
        mv_json_member(json, "field", f->field);
        mv_json_member(json, "message", f->message);
        mv_json_member(json, "fix", f->outcome == MV_OUTCOME_PASS ? (struct mv_str){ 0 } : f->fix);
        mv_json_member(json, "reason", mv_str_from(f->rule->reason));
        if (f->n_missing && f->outcome == MV_OUTCOME_UNKNOWN) {
                mv_json_key(json, "missing");
                mv_json_array(json);
                for (size_t i = 0; i < f->n_missing; i++) {
                        mv_json_object(json);
                        mv_json_member(json, "kind", mv_str_from(mv_kinds[f->missing[i].kind].kind));
                        mv_json_member(json, "namespace", f->missing[i].namespace);
                        mv_json_member(json, "name", f->missing[i].name);
                        mv_json_end(json);
                }
                mv_json_end(json);
        }
        mv_json_end(json);
}

static void observed(struct mv_json *json, const struct mv_verdict *verdict) {
        mv_json_key(json, "observed");
        mv_json_array(json);
        for (size_t i = 0; verdict->observed && i < verdict->observed->n; i++) {
                const struct mv_condition *c = &verdict->observed->items[i];
                if (mv_str_is(c->type, "LiveMigratable") || mv_str_is(c->type, "StorageLiveMigratable"))
                        condition(json, c->type, c->status, c->reason, c->message);
        }
        mv_json_end(json);
}

void mv_render_policy_match(struct mv_json *json, const struct mv_policy_match *match) {
        mv_json_member(json, "name", match->policy->meta.name);
        mv_json_key(json, "matched");
        mv_json_object(json);
        mv_json_key(json, "namespaceLabels");
        mv_json_int(json, (long long)match->namespace_labels);
        mv_json_key(json, "virtualMachineInstanceLabels");
        mv_json_int(json, (long long)match->vmi_labels);
        mv_json_end(json);
}

/* The policy in force, with the others that match. */
void mv_render_policy(struct mv_json *json, const struct mv_resolution *resolution) {
        const struct mv_policy_match *match = mv_resolution_policy(resolution);
        mv_json_key(json, "policy");
        if (!match) {
                mv_json_null(json);
                return;
        }
        mv_json_object(json);
        mv_render_policy_match(json, match);
        mv_json_key(json, "candidates");
        mv_json_array(json);
        for (size_t i = 1; i < resolution->n_matches; i++) {
                mv_json_object(json);
                mv_render_policy_match(json, &resolution->matches[i]);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_end(json);
}

static void setting_value(struct mv_json *json, const struct mv_setting *setting) {
        mv_json_object(json);
        mv_json_key(json, "value");
        switch (setting->type) {
        case MV_SETTING_BOOL:
                mv_json_bool(json, setting->number != 0);
                break;
        case MV_SETTING_INT:
                mv_json_int(json, setting->number);
                break;
        case MV_SETTING_QUANTITY:
        case MV_SETTING_STRING:
        case MV_SETTING_GROUP:
                mv_json_string(json, setting->text);
                break;
        }
        mv_json_member(json, "from", setting->from);
        mv_json_end(json);
}

/* The settings; "a.b" is b in the object a, which stands before it. */
void mv_render_migration_configuration(struct mv_json *json, const struct mv_resolution *resolution) {
        size_t open = 0;
        mv_json_key(json, "migrationConfiguration");
        mv_json_object(json);
        for (size_t i = 0; resolution && i < resolution->n_settings; i++) {
                const struct mv_setting *setting = &resolution->settings[i];
                const char *name = setting->path;
                size_t depth = 0;
                for (const char *dot = strchr(name, '.'); dot; dot = strchr(name, '.')) {
                        name = dot + 1;
                        depth++;
                }
                for (; open > depth; open--)
                        mv_json_end(json);
                mv_json_key(json, name);
                if (setting->type == MV_SETTING_GROUP) {
                        mv_json_object(json);
                        open++;
                } else
                        setting_value(json, setting);
        }
        for (; open; open--)
                mv_json_end(json);
        mv_json_end(json);
}

static void refused(struct mv_json *json, const struct mv_refused *refusal) {
        mv_json_key(json, "refused");
        mv_json_object(json);
        mv_json_key(json, "code");
        mv_json_int(json, refusal->code);
        mv_json_member(json, "reason", mv_str_from(refusal->reason));
        mv_json_member(json, "message", refusal->message);
        mv_json_key(json, "fields");
        mv_json_array(json);
        for (size_t i = 0; i < refusal->n_causes && i < MV_REFUSED_SHOWN; i++)
                mv_json_string(json, refusal->causes[i].field);
        mv_json_end(json);
        mv_json_end(json);
}

static void infeasible_node(struct mv_json *json, struct mv_arena *arena, const struct mv_fit *fit,
                            size_t node) {
        size_t n;
        const struct mv_str *causes = mv_fit_causes(arena, fit, node, &n);
        mv_json_object(json);
        mv_json_member(json, "node", mv_node_index_at(fit->index, node)->meta.name);
        mv_json_key(json, "causes");
        mv_json_array(json);
        for (size_t i = 0; i < n; i++)
                mv_json_string(json, causes[i]);
        mv_json_end(json);
        mv_json_end(json);
}

void mv_render_subject(struct mv_json *json, const struct mv_subject *subject) {
        mv_json_key(json, "subject");
        mv_json_object(json);
        mv_json_member(json, "apiVersion", subject->api_version);
        mv_json_member(json, "kind", subject->kind);
        mv_json_member(json, "namespace", subject->namespace);
        mv_json_member(json, "name", subject->name);
        mv_json_member(json, "uid", subject->uid);
        mv_json_end(json);
}

void mv_render_targets(struct mv_json *json, struct mv_arena *arena, const struct mv_fit *fit,
                       const uint64_t *nodes, size_t most) {
        const struct mv_node_index *index = fit->index;
        const uint64_t *all = nodes ? nodes : mv_node_index_all(index);
        uint64_t *feasible = mv_node_set_new(index, arena), *infeasible = mv_node_set_new(index, arena);
        if (!feasible || !infeasible) {
                json->buf->failed = true;
                return;
        }
        mv_node_set_or(index, feasible, all);
        mv_node_set_and(index, feasible, fit->feasible);
        mv_node_set_or(index, infeasible, all);
        mv_node_set_without(index, infeasible, fit->feasible);
        const size_t more_feasible = most ? mv_node_set_limit(index, feasible, most) : 0,
                     more_infeasible = most ? mv_node_set_limit(index, infeasible, most) : 0;
        size_t n;
        mv_json_object(json);
        mv_json_key(json, "total");
        mv_json_int(json, (long long)mv_node_set_count(index, all));
        mv_json_key(json, "feasible");
        mv_json_array(json);
        const size_t *sorted = mv_node_set_by_name(arena, index, feasible, &n);
        for (size_t i = 0; i < n; i++)
                mv_json_string(json, mv_node_index_at(index, sorted[i])->meta.name);
        mv_json_end(json);
        mv_json_key(json, "infeasible");
        mv_json_array(json);
        sorted = mv_node_set_by_name(arena, index, infeasible, &n);
        for (size_t i = 0; i < n; i++)
                infeasible_node(json, arena, fit, sorted[i]);
        mv_json_end(json);
        if (more_feasible || more_infeasible) {
                mv_json_key(json, "omitted");
                mv_json_object(json);
                mv_json_key(json, "feasible");
                mv_json_int(json, (long long)more_feasible);
                mv_json_key(json, "infeasible");
                mv_json_int(json, (long long)more_infeasible);
                mv_json_end(json);
        }
        mv_json_end(json);
        json->buf->failed |= mv_arena_failed(arena);
}

static void render_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                           bool passes, size_t most_nodes, struct mv_str instance) {
        mv_json_object(json);
        mv_json_member(json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(json, "kind", MV_STR("Verdict"));
        mv_render_subject(json, &verdict->subject);
        mv_json_member(json, "migratable", mv_str_from(mv_verdict_word(verdict->migratable)));
        mv_json_member(json, "method", mv_str_from(verdict->method));
        mv_json_key(json, "conditions");
        mv_json_array(json);
        for (size_t i = 0; i < verdict->n_conditions; i++)
                condition(json, mv_str_from(verdict->conditions[i].type),
                          mv_str_from(verdict->conditions[i].status), verdict->conditions[i].reason,
                          verdict->conditions[i].message);
        mv_json_end(json);
        mv_render_value(json, "evictionStrategy", verdict->eviction_strategy, verdict->eviction_from);
        mv_json_key(json, "findings");
        mv_json_array(json);
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (passes || f->outcome != MV_OUTCOME_PASS)
                        mv_render_finding(json, f);
        mv_json_end(json);
        observed(json, verdict);
        mv_render_value(json, "kubevirtVersion", verdict->version, verdict->version_from);
        mv_render_policy(json, verdict->resolution);
        mv_render_migration_configuration(json, verdict->resolution);
        if (verdict->fit) {
                mv_json_key(json, "targets");
                mv_render_targets(json, arena, verdict->fit, NULL, most_nodes);
        }
        if (verdict->refused)
                refused(json, verdict->refused);
        if (instance.n) {
                mv_json_key(json, "instance");
                mv_json_raw(json, instance);
        }
        mv_json_end(json);
}

void mv_render_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                       bool passes, struct mv_str instance) {
        render_verdict(json, arena, verdict, passes, 0, instance);
}

void mv_render_short_verdict(struct mv_json *json, struct mv_arena *arena, const struct mv_verdict *verdict,
                             size_t most_nodes) {
        render_verdict(json, arena, verdict, false, most_nodes, (struct mv_str){ 0 });
}

struct mv_str mv_verdict_blockers(struct mv_arena *arena, const struct mv_verdict *verdict) {
        struct mv_str names = { 0 };
        const struct mv_rule *previous = NULL; /* findings of one rule stand together */
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->severity != MV_SEVERITY_BLOCKER || f->outcome != MV_OUTCOME_FAIL ||
                    f->rule == previous)
                        continue;
                names = mv_arena_format(arena, "%.*s%s%s", MV_STR_ARG(names), names.n ? "," : "",
                                        f->rule->id);
                previous = f->rule;
        }
        return names;
}
