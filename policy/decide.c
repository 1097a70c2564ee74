/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide.h"

#include "policy/base/hash.h"
#include "policy/render.h"
#include "policy/resolve.h"

enum { WARNING_CHARACTERS = 120, MESSAGE_REASONS = 10 };

void mv_decide_config_init(struct mv_decide_config *config) {
        *config = (struct mv_decide_config){
                .enforce = MV_LEVEL_NONE,
                .warn = MV_LEVEL_DECLARED,
                .audit = MV_LEVEL_MIGRATABLE,
                .migrations = MV_ACTION_DENY,
                .unknown = MV_ACTION_WARN,
                .cluster_scoped = MV_ACTION_WARN,
                .own_namespace = MV_STR("migvet"),
        };
}

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

bool mv_request_is_exempt(const struct mv_decide_config *config, const struct mv_kubevirt_config *kubevirt,
                          const struct mv_review_request *request) {
        return mv_user_is_controller(kubevirt, request->user.username) ||
               mv_str_is(request->namespace, "kube-system") ||
               mv_str_equal(request->namespace, kubevirt->namespace) ||
               mv_str_equal(request->namespace, config->own_namespace);
}

bool mv_object_is_exempt(const struct mv_decide_config *config, const struct mv_kubevirt_config *kubevirt,
                         const struct mv_review_request *request, enum mv_kind kind,
                         const struct mv_meta *meta) {
        const struct mv_owner *owner = mv_meta_controller(meta);
        return meta->deletion_timestamp.n || mv_request_is_exempt(config, kubevirt, request) ||
               (kind == MV_KIND_VMI && owner && mv_str_is(owner->kind, "VirtualMachine") &&
                !config->deny_vm_start);
}

/* --- levels --- */

static const char *const level_names[] = { "none", "declared", "migratable", "resilient" };
static const char *const action_names[] = { "audit", "warn", "deny" };

/* The value of a label of the namespace among names; -1 when the label is not there, or says something else (which is
 * warned about). */
static int label_value(const struct mv_decide_input *in, const char *label, const char *const *names, int n,
                       struct mv_decision *decision) {
        const struct mv_namespace *namespace = mv_snapshot_find(in->snapshot, MV_KIND_NAMESPACE,
                                                                (struct mv_str){ 0 }, in->request->namespace);
        const struct mv_str *value =
                namespace ? mv_map_get(&namespace->meta.labels, mv_str_from(label)) : NULL;
        if (!value)
                return -1;
        for (int i = 0; i < n; i++)
                if (mv_str_is(*value, names[i]))
                        return i;
        if (!in->before)
                mv_decision_warn(in->arena, decision, mv_str_from(label),
                                 mv_arena_format(in->arena,
                                                 "unknown value \"%.*s\" on namespace %.*s is passed over",
                                                 MV_STR_ARG(*value), MV_STR_ARG(in->request->namespace)));
        return -1;
}

static enum mv_level level(const struct mv_decide_input *in, const char *label, enum mv_level fallback,
                           struct mv_decision *decision) {
        int value = label_value(in, label, level_names, 4, decision);
        /* Room on other nodes is not looked at yet, and nobody shall think it was. */
        if (value == MV_LEVEL_RESILIENT && !in->before)
                mv_decision_warn(in->arena, decision, mv_str_from(label),
                                 MV_STR("level resilient is judged as migratable by this version"));
        return value < 0 ? fallback : (enum mv_level)value;
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

/* Whether the verdict passes the level; UNKNOWN when a missing fact decides. */
static enum mv_outcome passes(const struct mv_verdict *verdict, enum mv_level level_) {
        if (level_ == MV_LEVEL_NONE ||
            (level_ == MV_LEVEL_DECLARED && !mv_str_is(verdict->eviction_strategy, "LiveMigrate")))
                return MV_OUTCOME_PASS;
        return instance_outcome(verdict);
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

static void deny(const struct mv_decide_input *in, enum mv_outcome because, struct mv_str why,
                 struct mv_decision *decision) {
        struct mv_str reasons = { 0 };
        size_t n = 0;
        decision->allowed = false;
        decision->code = 403;
        decision->reason = MV_STR("Forbidden");
        for (const struct mv_finding *f = in->now->findings; f; f = f->next) {
                if ((f->rule->subject == MV_SUBJECT_REQUEST && because == MV_OUTCOME_FAIL) ||
                    f->severity != MV_SEVERITY_BLOCKER || f->outcome != because)
                        continue;
                mv_decision_cause(in->arena, decision, mv_str_from(f->rule->id), f->message, f->field);
                if (n++ < MESSAGE_REASONS)
                        reasons = mv_arena_format(in->arena, "%.*s%s%s: %.*s", MV_STR_ARG(reasons),
                                                  reasons.n ? "; " : "", f->rule->id, MV_STR_ARG(f->message));
        }
        if (n > MESSAGE_REASONS)
                reasons = mv_arena_format(in->arena, "%.*s; and %zu more", MV_STR_ARG(reasons),
                                          n - MESSAGE_REASONS);
        decision->message = mv_arena_format(in->arena, "%.*s: %.*s", MV_STR_ARG(why), MV_STR_ARG(reasons));
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
        int value = label_value(in, "migvet.io/migrations", action_names, 3, decision);
        enum mv_action action = value < 0 ? in->config->migrations : (enum mv_action)value;
        enum mv_outcome outcome = instance_outcome(in->now);
        decision->level = mv_str_from(action_names[action]);
        if (outcome == MV_OUTCOME_UNKNOWN && in->config->unknown < action)
                action = in->config->unknown;
        if (outcome == MV_OUTCOME_PASS || exempt || action == MV_ACTION_AUDIT)
                return;
        if (action == MV_ACTION_WARN) {
                warn_about(in, true, decision);
                return;
        }
        const struct mv_instance *instance = in->now->instance;
        deny(in, outcome,
             mv_arena_format(
                     in->arena, "VirtualMachineInstance %.*s/%.*s %s", MV_STR_ARG(in->request->namespace),
                     MV_STR_ARG(instance ? instance->vmi.meta.name : in->now->subject.name),
                     outcome == MV_OUTCOME_FAIL ? "cannot migrate" : "is not known to be able to migrate"),
             decision);
}

static void decide_vm(const struct mv_decide_input *in, bool exempt, struct mv_decision *decision) {
        bool template_only = in->kind == MV_KIND_POOL || in->kind == MV_KIND_REPLICA_SET;
        enum mv_level enforce = level(in, "migvet.io/enforce", in->config->enforce, decision);
        enum mv_level warn = level(in, "migvet.io/warn", in->config->warn, decision);
        enum mv_level audit = level(in, "migvet.io/audit", in->config->audit, decision);
        enum mv_outcome enforced = template_only ? MV_OUTCOME_PASS : passes(in->now, enforce);
        decision->level = mv_str_from(level_names[enforce]);
        if (passes(in->now, audit) == MV_OUTCOME_PASS)
                decision->rules = (struct mv_str){ 0 };
        if (exempt)
                return;
        bool refuse = enforced == MV_OUTCOME_FAIL || (enforced == MV_OUTCOME_UNKNOWN &&
                                                      in->config->unknown == MV_ACTION_DENY && !in->before);
        if (refuse && is_worse(in)) {
                deny(in, enforced,
                     mv_arena_format(in->arena, "%.*s %s, and namespace %.*s asks for it (level %s)",
                                     MV_STR_ARG(object_name(in)),
                                     enforced == MV_OUTCOME_FAIL ? "cannot live-migrate"
                                                                 : "is not known to be able to live-migrate",
                                     MV_STR_ARG(in->request->namespace), level_names[enforce]),
                     decision);
                return;
        }
        enum mv_outcome warned = passes(in->now, warn > enforce ? warn : enforce);
        if (warned == MV_OUTCOME_FAIL ||
            (warned == MV_OUTCOME_UNKNOWN && in->config->unknown != MV_ACTION_AUDIT))
                warn_about(in, true, decision);
}

/* Of a NodeMaintenance the verdict is whether its drain can end, and the rules are all that failed: no VM is judged. */
static void annotate_maintenance(const struct mv_decide_input *in, struct mv_decision *decision) {
        enum mv_outcome drain = MV_OUTCOME_PASS;
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
        decision->level = mv_str_from(action_names[action]);
        if (exempt || action == MV_ACTION_AUDIT)
                return;
        if (action == MV_ACTION_DENY && in->now->migratable == MV_OUTCOME_FAIL && is_worse(in)) {
                deny(in, MV_OUTCOME_FAIL,
                     mv_arena_format(in->arena, "%.*s %.*s cannot work", MV_STR_ARG(in->now->subject.kind),
                                     MV_STR_ARG(in->now->subject.name)),
                     decision);
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

/* What every answer about an object that was judged says of it. */
static void annotate(const struct mv_decide_input *in, struct mv_decision *decision) {
        const struct mv_policy_match *policy = mv_resolution_policy(in->now->resolution);
        decision->verdict = mv_str_from(mv_verdict_word(instance_outcome(in->now)));
        decision->rules = mv_verdict_blockers(in->arena, in->now);
        if (in->now->resolution)
                decision->policy = policy ? policy->policy->meta.name : MV_STR("none");
}

void mv_decide_refused(const struct mv_decide_input *input, struct mv_decision *decision) {
        struct mv_decide_input indexed = *input;
        const struct mv_decide_input *in = &indexed;
        index_before(&indexed);
        annotate(in, decision);
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

void mv_decide(const struct mv_decide_input *input, struct mv_decision *decision) {
        struct mv_decide_input indexed = *input;
        const struct mv_decide_input *in = &indexed;
        index_before(&indexed);
        bool exempt = mv_object_is_exempt(in->config, mv_snapshot_config(in->snapshot), in->request, in->kind,
                                          in->meta);
        annotate(in, decision);
        if (in->kind == MV_KIND_MIGRATION)
                decide_migration(in, exempt, decision);
        else if (in->kind == MV_KIND_MIGRATION_POLICY || in->kind == MV_KIND_MAINTENANCE ||
                 in->kind == MV_KIND_LEGACY_MAINTENANCE)
                decide_cluster_scoped(in, exempt, decision);
        else
                decide_vm(in, exempt, decision);
        drop_warnings_of_controllers(in, decision);
}
