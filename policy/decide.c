/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide.h"

#include "policy/base/hash.h"
#include "policy/nodes/fitgroups.h"
#include "policy/notice.h"
#include "policy/render.h"
#include "policy/resolve.h"

enum { WARNING_CHARACTERS = 120, MESSAGE_REASONS = 10 };

void mv_decision_init(struct mv_decision *decision) {
        *decision = (struct mv_decision){ .allowed = true, .code = 200 };
        decision->causes_end = &decision->causes;
        decision->warnings_end = &decision->warnings;
}

/* The first characters of s, cut at a character's border. */
static struct mv_str cut(struct mv_arena *arena, struct mv_str s, size_t characters) {
        size_t seen = 0, keep = 0;
        for (size_t i = 0; i < s.n; i++) {
                if (((unsigned char)s.p[i] & 0xc0) == 0x80)
                        continue;
                if (++seen == characters - 2)
                        keep = i;
                if (seen > characters)
                        return mv_arena_format(arena, "%.*s...", (int)keep, s.p);
        }
        return s;
}

void mv_decision_warn(struct mv_arena *arena, struct mv_decision *decision, struct mv_str rule,
                      struct mv_str message) {
        struct mv_warning *warning =
                decision->n_warnings++ < MV_MOST_WARNINGS ? mv_arena_new(arena, struct mv_warning) : NULL;
        if (!warning)
                return;
        warning->text =
                cut(arena, mv_arena_format(arena, "%.*s: %.*s", MV_STR_ARG(rule), MV_STR_ARG(message)),
                    WARNING_CHARACTERS);
        *decision->warnings_end = warning;
        decision->warnings_end = &warning->next;
}

void mv_decision_cause(struct mv_arena *arena, struct mv_decision *decision, struct mv_str reason,
                       struct mv_str message, struct mv_str field) {
        struct mv_cause *cause =
                decision->n_causes++ < MV_MOST_CAUSES ? mv_arena_new(arena, struct mv_cause) : NULL;
        if (!cause)
                return;
        *cause = (struct mv_cause){ reason, message, field, NULL };
        *decision->causes_end = cause;
        decision->causes_end = &cause->next;
}

bool mv_user_is_controller(const struct mv_kubevirt_config *config, struct mv_str username) {
        static const char *const names[] = { "kubevirt-controller", "kubevirt-handler",
                                             "kubevirt-synchronization-controller" };
        struct mv_str account = mv_kubevirt_account(config, username);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (mv_str_is(account, names[i]))
                        return true;
        return mv_str_starts_with(username, MV_STR("system:serviceaccount:kube-system:"));
}

bool mv_request_is_exempt(const struct mv_config *config, const struct mv_kubevirt_config *kubevirt,
                          const struct mv_review_request *request) {
        return mv_user_is_controller(kubevirt, request->user.username) ||
               mv_str_is(request->namespace, "kube-system") ||
               mv_str_equal(request->namespace, kubevirt->namespace) ||
               mv_str_equal(request->namespace, config->own_namespace);
}

bool mv_object_is_exempt(const struct mv_config *config, const struct mv_kubevirt_config *kubevirt,
                         const struct mv_review_request *request, enum mv_kind kind,
                         const struct mv_meta *meta) {
        const struct mv_owner *owner = mv_meta_controller(meta);
        return meta->deletion_timestamp.n || mv_request_is_exempt(config, kubevirt, request) ||
               (kind == MV_KIND_VMI && owner && mv_str_is(owner->kind, "VirtualMachine") &&
                !config->deny_vm_start);
}

/* --- levels --- */

/* The value of a label of the namespace among names; -1 when the label is not there, or says something else (which is
 * warned about). */
static int label_value(const struct mv_decide_input *in, const char *label, const char *const *names, int n,
                       struct mv_decision *decision) {
        const struct mv_namespace *namespace = mv_snapshot_find(in->snapshot, MV_KIND_NAMESPACE,
                                                                (struct mv_str){ 0 }, in->request->namespace);
        const struct mv_str *value =
                namespace ? mv_map_get(&namespace->meta.labels, mv_str_from(label)) : NULL;
        if (!value)
                return MV_UNSAID;
        for (int i = 0; i < n; i++)
                if (mv_str_is(*value, names[i]))
                        return i;
        if (!in->before && decision)
                mv_decision_warn(in->arena, decision, mv_str_from(label),
                                 mv_arena_format(in->arena,
                                                 "unknown value \"%.*s\" on namespace %.*s is passed over",
                                                 MV_STR_ARG(*value), MV_STR_ARG(in->request->namespace)));
        return MV_UNSAID;
}

static enum mv_level level(const struct mv_decide_input *in, const char *label, int configured,
                           struct mv_decision *decision) {
        int value = label_value(in, label, mv_level_names, 4, decision);
        return (enum mv_level)(value == MV_UNSAID ? configured : value);
}

enum mv_level mv_enforced_level(struct mv_arena *arena, const struct mv_config *config,
                                const struct mv_snapshot *snapshot, struct mv_str namespace) {
        const struct mv_review_request request = { .namespace = namespace };
        struct mv_decide_input in = {
                .arena = arena, .snapshot = snapshot, .config = config, .request = &request
        };
        mv_scope_of(arena, config, snapshot, namespace, &in.scope);
        return level(&in, "migvet.io/enforce", in.scope.levels.enforce, NULL);
}

static enum mv_action migrations(const struct mv_decide_input *in, struct mv_decision *decision) {
        int value = label_value(in, "migvet.io/migrations", mv_action_names, 3, decision);
        return (enum mv_action)(value == MV_UNSAID ? in->scope.levels.migrations : value);
}

/* Requests are KubeVirt's to judge; what counts for a level is whether the instance can move. */
static enum mv_outcome instance_outcome(const struct mv_verdict *verdict) {
        /* A migration whose instance is not there: nothing was judged. */
        enum mv_outcome outcome = verdict->instance ? MV_OUTCOME_PASS : MV_OUTCOME_UNKNOWN;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->rule->subject == MV_SUBJECT_REQUEST || f->severity != MV_SEVERITY_BLOCKER ||
                    f->outcome == MV_OUTCOME_PASS)
                        continue;
                if (f->outcome == MV_OUTCOME_FAIL)
                        return MV_OUTCOME_FAIL;
                outcome = MV_OUTCOME_UNKNOWN;
        }
        return outcome;
}

/* So many other nodes have room now, and so many must have for level resilient. */
struct room {
        enum mv_outcome outcome;
        size_t n, needed;
};

/* Of an instance without a node: it must start somewhere, and have as many others left. */
static struct room room_of(const struct mv_decide_input *in, const struct mv_verdict *verdict) {
        const unsigned now = MV_FIT_EVERYTHING & ~(MV_FIT_BIT(MV_FIT_ADDED) | MV_FIT_BIT(MV_FIT_SPREAD));
        const struct mv_fit *fit = verdict->fit;
        struct room room = { MV_OUTCOME_UNKNOWN, 0, in->config->other_nodes };
        if (!fit || verdict->fit_question->launcher->problem.n)
                return room;
        room.needed += fit->source == SIZE_MAX && !fit->source_unknown;
        room.n = mv_fit_others(in->arena, fit, now);
        room.outcome = room.n >= room.needed && mv_fit_has_target(in->arena, verdict->fit_question, fit, now)
                               ? MV_OUTCOME_PASS
                               : MV_OUTCOME_FAIL;
        return room;
}

static struct mv_str room_text(const struct mv_decide_input *in, const struct room *room) {
        if (room->outcome == MV_OUTCOME_UNKNOWN)
                return MV_STR(
                        "which nodes have room for it now is not known, and level resilient asks for that");
        return mv_arena_format(in->arena, "%zu node%s %s room for it now, and level resilient asks for %zu",
                               room->n, room->n == 1 ? "" : "s", room->n == 1 ? "has" : "have", room->needed);
}

/* Where it is not known what the configuration asks for, nothing fails. */
static enum mv_outcome doubted(const struct mv_decide_input *in, enum mv_outcome outcome) {
        bool doubt = in->scope.doubt.n || in->exempt.match == MV_MATCH_UNKNOWN;
        return outcome == MV_OUTCOME_FAIL && doubt ? MV_OUTCOME_UNKNOWN : outcome;
}

static struct mv_str doubt_text(const struct mv_decide_input *in) {
        return in->scope.doubt.n                      ? in->scope.doubt
               : in->exempt.match == MV_MATCH_UNKNOWN ? in->exempt.reason
                                                      : (struct mv_str){ 0 };
}

/* Whether the object passes the level; UNKNOWN when a missing fact decides. */
static enum mv_outcome passes(const struct mv_decide_input *in, enum mv_level level_) {
        const struct mv_verdict *verdict = in->now;
        if (level_ == MV_LEVEL_NONE ||
            (level_ == MV_LEVEL_DECLARED && !mv_str_is(verdict->eviction_strategy, "LiveMigrate")))
                return MV_OUTCOME_PASS;
        enum mv_outcome outcome = instance_outcome(verdict);
        if (outcome == MV_OUTCOME_FAIL || level_ != MV_LEVEL_RESILIENT)
                return doubted(in, outcome);
        struct room room = room_of(in, verdict);
        return doubted(in, room.outcome == MV_OUTCOME_PASS ? outcome : room.outcome);
}

enum mv_outcome mv_decide_level(const struct mv_decide_input *input, enum mv_level asked) {
        struct mv_decide_input in = *input;
        mv_scope_of(in.arena, in.config, in.snapshot, in.request->namespace, &in.scope);
        in.exempt = (struct mv_exempt){ .match = MV_MATCH_NO };
        enum mv_outcome outcome = passes(&in, asked);
        /* Without memory no node has room. */
        return outcome == MV_OUTCOME_FAIL && mv_arena_failed(in.arena) ? MV_OUTCOME_UNKNOWN : outcome;
}

/* The level asks for room, and there is not enough, or nobody knows. */
static bool lacks_room(const struct mv_decide_input *in, enum mv_level level_, struct room *ret) {
        if (level_ != MV_LEVEL_RESILIENT)
                return false;
        *ret = room_of(in, in->now);
        return ret->outcome != MV_OUTCOME_PASS;
}

/* --- updates --- */

static size_t slot_of(const struct mv_decide_input *in, const struct mv_finding *finding) {
        uint64_t hash = mv_hash_add(mv_hash_seed(in->slots) + (uint64_t)finding->outcome,
                                    mv_str_from(finding->rule->id));
        size_t at = (size_t)mv_hash_add(hash, finding->thing) & (in->n_slots - 1);
        for (;; at = (at + 1) & (in->n_slots - 1)) {
                const struct mv_finding *other = in->slots[at];
                if (!other || (other->rule == finding->rule && other->outcome == finding->outcome &&
                               mv_str_equal(other->thing, finding->thing)))
                        return at;
        }
}

/* Index what was found before. When memory is out nothing is, and the review's arena has failed: its answer is Unknown. */
static void index_before(struct mv_decide_input *in) {
        size_t n = 0;
        for (const struct mv_finding *f = in->before ? in->before->findings : NULL; f; f = f->next)
                n++;
        in->n_slots = 4;
        while (in->n_slots < n * 2)
                in->n_slots *= 2;
        in->slots = n ? mv_arena_new_array(in->arena, const struct mv_finding *, in->n_slots) : NULL;
        for (const struct mv_finding *f = in->slots ? in->before->findings : NULL; f; f = f->next)
                in->slots[slot_of(in, f)] = f;
}

/* The old object had a finding of the same rule about the same thing. */
static bool had_before(const struct mv_decide_input *in, const struct mv_finding *finding) {
        return in->slots && in->slots[slot_of(in, finding)];
}

/* An update is worse when it brings a blocker that was not there. Unknown is never worse. */
static bool is_worse(const struct mv_decide_input *in) {
        if (!in->before)
                return true;
        for (const struct mv_finding *f = in->now->findings; f; f = f->next)
                if (f->severity == MV_SEVERITY_BLOCKER && f->outcome == MV_OUTCOME_FAIL &&
                    f->rule->subject != MV_SUBJECT_REQUEST && !had_before(in, f))
                        return true;
        return false;
}

/* --- saying it --- */

/* What people are told: what keeps the VM from migrating, and what a drain does because of it. */
static bool worth_saying(const struct mv_finding *f) {
        return f->outcome != MV_OUTCOME_PASS &&
               (f->severity == MV_SEVERITY_BLOCKER ||
                (f->severity == MV_SEVERITY_RISK && f->rule->area == MV_AREA_EVICTION));
}

/* requests: what is wrong with the request for a migration is said, too. */
static void warn_about(const struct mv_decide_input *in, bool requests, struct mv_decision *decision) {
        for (const struct mv_finding *f = in->now->findings; f; f = f->next)
                if (worth_saying(f) && (requests || f->rule->subject != MV_SUBJECT_REQUEST) &&
                    !(decision->mirrored && f->rule->area == MV_AREA_VERDICT) && !had_before(in, f))
                        mv_decision_warn(in->arena, decision, mv_str_from(f->rule->id), f->message);
}

/* The rules' findings that decide, and extra, a reason beside them, unless its text is "". */
struct extra {
        const char *name;
        struct mv_str text;
};

/* A blocker that makes the request fail, or that is not known; where it is in doubt what is asked for, both. */
static bool is_reason(const struct mv_decide_input *in, const struct mv_finding *f, enum mv_outcome because) {
        if (f->severity != MV_SEVERITY_BLOCKER || f->outcome == MV_OUTCOME_PASS)
                return false;
        if (f->rule->subject == MV_SUBJECT_REQUEST && because == MV_OUTCOME_FAIL)
                return false;
        return f->outcome == because || (because == MV_OUTCOME_UNKNOWN && doubt_text(in).n);
}

static void deny(const struct mv_decide_input *in, enum mv_outcome because, struct mv_str why,
                 const struct extra *extra, struct mv_decision *decision) {
        struct mv_str reasons = { 0 };
        size_t n = 0;
        decision->allowed = false;
        decision->code = 403;
        decision->reason = MV_STR("Forbidden");
        for (const struct mv_finding *f = in->now->findings; f; f = f->next) {
                if (!is_reason(in, f, because))
                        continue;
                mv_decision_cause(in->arena, decision, mv_str_from(f->rule->id), f->message, f->field);
                if (n++ < MESSAGE_REASONS)
                        reasons = mv_arena_format(in->arena, "%.*s%s%s: %.*s", MV_STR_ARG(reasons),
                                                  reasons.n ? "; " : "", f->rule->id, MV_STR_ARG(f->message));
        }
        if (n > MESSAGE_REASONS)
                reasons = mv_arena_format(in->arena, "%.*s; and %zu more", MV_STR_ARG(reasons),
                                          n - MESSAGE_REASONS);
        if (extra->text.n) {
                mv_decision_cause(in->arena, decision, mv_str_from(extra->name), extra->text,
                                  (struct mv_str){ 0 });
                reasons = mv_arena_format(in->arena, "%.*s%s%s: %.*s", MV_STR_ARG(reasons),
                                          reasons.n ? "; " : "", extra->name, MV_STR_ARG(extra->text));
        }
        decision->message = mv_arena_format(in->arena, "%.*s%s%.*s", MV_STR_ARG(why), reasons.n ? ": " : "",
                                            MV_STR_ARG(reasons));
}

/* What beside the findings a person must know of a denial or a warning for that outcome. */
static struct extra doubt_of(const struct mv_decide_input *in, enum mv_outcome outcome) {
        /* The verdict has a finding of it already. */
        bool told = in->scope.severities_in_doubt;
        return (struct extra){ mv_notice_configuration.id, outcome == MV_OUTCOME_UNKNOWN && !told
                                                                   ? doubt_text(in)
                                                                   : (struct mv_str){ 0 } };
}

static void warn_extra(const struct mv_decide_input *in, const struct extra *extra,
                       struct mv_decision *decision) {
        if (extra->text.n)
                mv_decision_warn(in->arena, decision, mv_str_from(extra->name), extra->text);
}

static struct mv_str object_name(const struct mv_decide_input *in) {
        const struct mv_subject *subject = &in->now->subject;
        return mv_arena_format(in->arena, "%.*s %.*s/%.*s", MV_STR_ARG(subject->kind),
                               MV_STR_ARG(subject->namespace), MV_STR_ARG(subject->name));
}

static void decide_migration(const struct mv_decide_input *in, bool exempt, struct mv_decision *decision) {
        for (const struct mv_finding *f = in->now->findings; f; f = f->next)
                if (f->rule->subject == MV_SUBJECT_REQUEST && f->severity == MV_SEVERITY_NOTE &&
                    f->outcome == MV_OUTCOME_FAIL)
                        mv_decision_warn(in->arena, decision, mv_str_from(f->rule->id), f->message);
        enum mv_action action = migrations(in, decision);
        enum mv_outcome outcome = doubted(in, instance_outcome(in->now));
        const struct extra doubt = doubt_of(in, outcome);
        decision->level = mv_str_from(mv_action_names[action]);
        if (outcome == MV_OUTCOME_UNKNOWN && in->config->unknown < action)
                action = in->config->unknown;
        if (outcome == MV_OUTCOME_PASS || exempt || action == MV_ACTION_AUDIT)
                return;
        if (action == MV_ACTION_WARN || in->lenient) {
                warn_about(in, true, decision);
                warn_extra(in, &doubt, decision);
                return;
        }
        const struct mv_instance *instance = in->now->instance;
        deny(in, outcome,
             mv_arena_format(
                     in->arena, "VirtualMachineInstance %.*s/%.*s %s", MV_STR_ARG(in->request->namespace),
                     MV_STR_ARG(instance ? instance->vmi.meta.name : in->now->subject.name),
                     outcome == MV_OUTCOME_FAIL ? "cannot migrate" : "is not known to be able to migrate"),
             &doubt, decision);
}

/* What KubeVirt makes VMs or instances of: it is warned about and audited, as Pod Security does with workloads. */
static bool is_template(enum mv_kind kind) {
        return kind == MV_KIND_POOL || kind == MV_KIND_REPLICA_SET;
}

static void deny_vm(const struct mv_decide_input *in, enum mv_level enforce, enum mv_outcome outcome,
                    struct mv_decision *decision) {
        struct extra extra = doubt_of(in, outcome);
        struct room room;
        bool movable = instance_outcome(in->now) == MV_OUTCOME_PASS;
        if (!extra.text.n && lacks_room(in, enforce, &room) && room.outcome == outcome)
                extra = (struct extra){ "node-capacity", room_text(in, &room) };
        deny(in, outcome,
             mv_arena_format(in->arena, "%.*s %s, and namespace %.*s asks for it (level %s)",
                             MV_STR_ARG(object_name(in)),
                             outcome != MV_OUTCOME_FAIL ? "is not known to be able to live-migrate"
                             : movable                  ? "has not enough nodes to live-migrate to"
                                                        : "cannot live-migrate",
                             MV_STR_ARG(in->request->namespace), mv_level_names[enforce]),
             &extra, decision);
}

static void warn_vm(const struct mv_decide_input *in, enum mv_level level_, enum mv_outcome outcome,
                    struct mv_decision *decision) {
        const struct extra doubt = doubt_of(in, outcome);
        struct room room, before = { MV_OUTCOME_PASS, 0, 0 };
        warn_about(in, true, decision);
        warn_extra(in, &doubt, decision);
        if (!lacks_room(in, level_, &room))
                return;
        if (in->before)
                before = room_of(in, in->before);
        const struct extra capacity = { "node-capacity", room_text(in, &room) };
        if (before.outcome == MV_OUTCOME_PASS &&
            (room.outcome == MV_OUTCOME_FAIL || in->config->unknown != MV_ACTION_AUDIT))
                warn_extra(in, &capacity, decision);
}

static void decide_vm(const struct mv_decide_input *in, bool exempt, struct mv_decision *decision) {
        const struct mv_config_levels *said = &in->scope.levels;
        enum mv_level enforce = level(in, "migvet.io/enforce", said->enforce, decision);
        enum mv_level warn = level(in, "migvet.io/warn", said->warn, decision);
        enum mv_level audit = level(in, "migvet.io/audit", said->audit, decision);
        enum mv_outcome enforced = is_template(in->kind) ? MV_OUTCOME_PASS : passes(in, enforce);
        struct room room;
        decision->level = mv_str_from(mv_level_names[enforce]);
        if (passes(in, audit) == MV_OUTCOME_PASS)
                decision->rules = (struct mv_str){ 0 };
        else if (lacks_room(in, audit, &room) && room.outcome == MV_OUTCOME_FAIL)
                decision->rules = mv_arena_format(in->arena, "%.*s%snode-capacity",
                                                  MV_STR_ARG(decision->rules), decision->rules.n ? "," : "");
        if (exempt)
                return;
        bool refuse = enforced == MV_OUTCOME_FAIL || (enforced == MV_OUTCOME_UNKNOWN &&
                                                      in->config->unknown == MV_ACTION_DENY && !in->before);
        if (refuse && !in->lenient && is_worse(in)) {
                deny_vm(in, enforce, enforced, decision);
                return;
        }
        enum mv_level told = warn > enforce ? warn : enforce;
        enum mv_outcome warned = passes(in, told);
        if (warned == MV_OUTCOME_FAIL ||
            (warned == MV_OUTCOME_UNKNOWN && in->config->unknown != MV_ACTION_AUDIT))
                warn_vm(in, told, warned, decision);
}

/* Of a NodeMaintenance the verdict is whether its drain can end, and the rules are all that failed: no VM is judged. Nor is
 * there an answer where the drain could not be tried. */
static void annotate_maintenance(const struct mv_decide_input *in, struct mv_decision *decision) {
        enum mv_outcome drain =
                in->now->migratable == MV_OUTCOME_UNKNOWN ? MV_OUTCOME_UNKNOWN : MV_OUTCOME_PASS;
        decision->rules = (struct mv_str){ 0 };
        for (const struct mv_finding *f = in->now->findings; f; f = f->next) {
                if (strcmp(f->rule->id, "maintenance-blocked") == 0 && drain != MV_OUTCOME_FAIL)
                        drain = f->outcome;
                if (f->outcome == MV_OUTCOME_FAIL)
                        decision->rules = mv_arena_format(in->arena, "%.*s%s%s", MV_STR_ARG(decision->rules),
                                                          decision->rules.n ? "," : "", f->rule->id);
        }
        decision->verdict = mv_str_from(mv_verdict_word(drain));
}

/* Of a MigrationPolicy or a NodeMaintenance, which KubeVirt admits: what is found is said, and refused only where the
 * configuration says so. */
static void decide_cluster_scoped(const struct mv_decide_input *in, bool exempt,
                                  struct mv_decision *decision) {
        enum mv_action action = in->config->cluster_scoped;
        decision->verdict = mv_str_from(mv_verdict_word(in->now->migratable));
        if (in->kind != MV_KIND_MIGRATION_POLICY)
                annotate_maintenance(in, decision);
        decision->level = mv_str_from(mv_action_names[action]);
        if (exempt || action == MV_ACTION_AUDIT)
                return;
        enum mv_outcome outcome = doubted(in, in->now->migratable);
        const struct extra doubt = doubt_of(in, outcome);
        bool refuse = outcome == MV_OUTCOME_FAIL ||
                      (outcome == MV_OUTCOME_UNKNOWN && in->config->unknown == MV_ACTION_DENY && !in->before);
        if (action == MV_ACTION_DENY && refuse && !in->lenient && is_worse(in)) {
                deny(in, outcome,
                     mv_arena_format(in->arena, "%.*s %.*s %s", MV_STR_ARG(in->now->subject.kind),
                                     MV_STR_ARG(in->now->subject.name),
                                     outcome == MV_OUTCOME_FAIL ? "cannot work" : "is not known to work"),
                     &doubt, decision);
                return;
        }
        /* What is not known of a policy is of no use to who writes it; of a drain it is. */
        bool unknown_too = in->kind != MV_KIND_MIGRATION_POLICY && in->config->unknown != MV_ACTION_AUDIT;
        for (const struct mv_finding *f = in->now->findings; f; f = f->next)
                if ((f->outcome == MV_OUTCOME_FAIL || (unknown_too && f->outcome == MV_OUTCOME_UNKNOWN)) &&
                    !had_before(in, f))
                        mv_decision_warn(in->arena, decision, mv_str_from(f->rule->id), f->message);
}

/* Only people read warnings. */
static void drop_warnings_of_controllers(const struct mv_decide_input *in, struct mv_decision *decision) {
        if (!mv_user_is_controller(mv_snapshot_config(in->snapshot), in->request->user.username))
                return;
        decision->warnings = NULL;
        decision->n_warnings = 0;
        decision->warnings_end = &decision->warnings;
}

void mv_decision_annotate(struct mv_arena *arena, const struct mv_verdict *verdict,
                          struct mv_decision *decision) {
        const struct mv_policy_match *policy = mv_resolution_policy(verdict->resolution);
        decision->verdict = mv_str_from(mv_verdict_word(instance_outcome(verdict)));
        decision->rules = mv_verdict_blockers(arena, verdict);
        if (verdict->resolution)
                decision->policy = policy ? policy->policy->meta.name : MV_STR("none");
}

void mv_decide_refused(const struct mv_decide_input *input, struct mv_decision *decision) {
        struct mv_decide_input indexed = *input;
        const struct mv_decide_input *in = &indexed;
        index_before(&indexed);
        mv_decision_annotate(in->arena, in->now, decision);
        /* Of a policy KubeVirt's causes say what its values lack; the rest is said, too. */
        bool policy = in->kind == MV_KIND_MIGRATION_POLICY;
        if (policy)
                decision->verdict = mv_str_from(mv_verdict_word(in->now->migratable));
        for (const struct mv_finding *f = in->now->findings; policy && f; f = f->next)
                if (f->outcome == MV_OUTCOME_FAIL && f->severity != MV_SEVERITY_BLOCKER && !had_before(in, f))
                        mv_decision_warn(in->arena, decision, mv_str_from(f->rule->id), f->message);
        if (!policy)
                warn_about(in, false, decision);
        drop_warnings_of_controllers(in, decision);
}

/* Of what the configuration exempts, and why it does not do so though the object asks for it. */
static void tell_exemption(const struct mv_decide_input *in, struct mv_decision *decision) {
        if (in->exempt.match == MV_MATCH_YES)
                decision->exempt = in->exempt.reason;
        else if (in->exempt.remark.n && !in->before && (!decision->allowed || decision->n_warnings))
                mv_decision_warn(in->arena, decision, MV_STR(MV_EXEMPT_ANNOTATION), in->exempt.remark);
}

/* As long as KubeVirt's namespace is not known, neither is who may never be denied. */
static bool nobody_is_known(const struct mv_decide_input *in, const struct mv_kubevirt_config *kubevirt) {
        return in->live && mv_str_is(kubevirt->from, "default");
}

static bool is_cluster_scoped(enum mv_kind kind) {
        return kind == MV_KIND_MIGRATION_POLICY || kind == MV_KIND_MAINTENANCE ||
               kind == MV_KIND_LEGACY_MAINTENANCE;
}

bool mv_decide_denies_unjudged(const struct mv_decide_input *input, struct mv_str *ret_level) {
        struct mv_decide_input copy = *input;
        const struct mv_decide_input *in = &copy;
        const struct mv_kubevirt_config *kubevirt = mv_snapshot_config(in->snapshot);
        mv_scope_of(in->arena, in->config, in->snapshot, in->request->namespace, &copy.scope);
        mv_exempt_of(in->arena, in->config, in->request, in->kind, in->meta, &copy.exempt);
        enum mv_action action =
                in->kind == MV_KIND_MIGRATION ? migrations(in, NULL) : in->config->cluster_scoped;
        enum mv_level enforce = level(in, "migvet.io/enforce", in->scope.levels.enforce, NULL);
        bool levels = in->kind != MV_KIND_MIGRATION && !is_cluster_scoped(in->kind);
        *ret_level = mv_str_from(levels ? mv_level_names[enforce] : mv_action_names[action]);
        bool exempt = in->meta ? mv_object_is_exempt(in->config, kubevirt, in->request, in->kind, in->meta)
                               : mv_request_is_exempt(in->config, kubevirt, in->request);
        /* Unknown is never worse than what was before. */
        if (exempt || nobody_is_known(in, kubevirt) || in->config->unknown != MV_ACTION_DENY ||
            mv_str_is(in->request->operation, "UPDATE") || in->exempt.match == MV_MATCH_YES ||
            doubt_text(in).n)
                return false;
        if (!levels)
                return action == MV_ACTION_DENY;
        return (in->kind == MV_KIND_VM || in->kind == MV_KIND_VMI) && enforce != MV_LEVEL_NONE;
}

void mv_decide(const struct mv_decide_input *input, struct mv_decision *decision) {
        struct mv_decide_input indexed = *input;
        const struct mv_decide_input *in = &indexed;
        const struct mv_kubevirt_config *kubevirt = mv_snapshot_config(in->snapshot);
        index_before(&indexed);
        mv_scope_of(in->arena, in->config, in->snapshot, in->request->namespace, &indexed.scope);
        mv_exempt_of(in->arena, in->config, in->request, in->kind, in->meta, &indexed.exempt);
        indexed.lenient = nobody_is_known(in, kubevirt);
        bool exempt = in->exempt.match == MV_MATCH_YES ||
                      mv_object_is_exempt(in->config, kubevirt, in->request, in->kind, in->meta);
        mv_decision_annotate(in->arena, in->now, decision);
        if (in->kind == MV_KIND_MIGRATION)
                decide_migration(in, exempt, decision);
        else if (is_cluster_scoped(in->kind))
                decide_cluster_scoped(in, exempt, decision);
        else
                decide_vm(in, exempt, decision);
        tell_exemption(in, decision);
        drop_warnings_of_controllers(in, decision);
}
