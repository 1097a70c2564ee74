/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mirror.h"

#include "policy/snapshot/kindtable.h"
#include "policy/object/schema.h"

enum { MOST_CAUSES = 10 };

/* --- refusing --- */

static void refuse(struct mv_mirror_answer *answer, int code, struct mv_str message) {
        answer->decision->allowed = false;
        answer->decision->code = code;
        answer->decision->message = message;
}

void mv_mirror_error(struct mv_mirror_answer *answer, struct mv_str message) {
        refuse(answer, 400, message);
}

void mv_mirror_retry(struct mv_mirror_answer *answer, struct mv_str message) {
        refuse(answer, 429, message);
}

void mv_mirror_cause(struct mv_mirror_answer *answer, const char *reason, struct mv_str message,
                     struct mv_str field) {
        struct mv_decision *decision = answer->decision;
        if (answer->n_causes++ >= MOST_CAUSES)
                return;
        mv_decision_cause(answer->in->arena, decision, mv_str_from(reason), message, field);
        decision->reason = MV_STR("Invalid");
        /* As KubeVirt joins them: no comma behind messages that are empty so far. */
        refuse(answer, 422,
               decision->message.n ? mv_mirror_text(answer, "%.*s, %.*s", MV_STR_ARG(decision->message),
                                                    MV_STR_ARG(message))
                                   : message);
}

void mv_mirror_causes(struct mv_mirror_answer *answer, const struct mv_refused_cause *causes, size_t n) {
        for (size_t i = 0; i < n; i++)
                mv_mirror_cause(answer, causes[i].reason, causes[i].message, causes[i].field);
}

void mv_mirror_unfamiliar(struct mv_mirror_answer *answer) {
        answer->decision->unfamiliar = true;
}

/* --- what several kinds ask --- */

static void complain(void *context, struct mv_str message) {
        mv_mirror_unfamiliar(context);
        mv_mirror_cause(context, "", message, (struct mv_str){ 0 });
}

bool mv_mirror_schema(struct mv_mirror_answer *answer, const struct mv_shape *spec) {
        if (answer->fitted == spec)
                return true;
        mv_schema_check(answer->in->arena, answer->in->request->object, spec, complain, answer);
        return !answer->n_causes;
}

bool mv_mirror_has_resource(const struct mv_mirror_answer *answer, const char *resource) {
        const struct mv_group_version_kind *asked = &answer->in->request->resource;
        return mv_str_is(asked->resource, resource) && mv_str_is(asked->group, "kubevirt.io") &&
               (mv_str_is(asked->version, "v1") || mv_str_is(asked->version, "v1alpha3"));
}

bool mv_mirror_decode(const struct mv_mirror_answer *answer, struct mv_str text, const struct mv_table *table,
                      void *ret, struct mv_err *err) {
        static const char nothing[2 + MV_SCAN_PADDING] = "{}";
        const struct mv_decode decode = { .arena = answer->in->arena };
        return mv_decode(&decode, text.n ? text : (struct mv_str){ nothing, 2 }, table, ret, err) == 0;
}

const void *mv_mirror_object(struct mv_mirror_answer *answer, enum mv_kind kind,
                             const struct mv_shape *shape) {
        const struct mv_mirror_input *in = answer->in;
        if (in->object && in->kind == kind)
                return in->object;
        const struct mv_table *table = mv_kinds[kind].table;
        void *object = mv_arena_allocate(in->arena, table->size, table->align);
        bool fits = false;
        const struct mv_decode decode = { .arena = in->arena, .shape = shape, .ret_fits = &fits };
        if (!object || mv_decode(&decode, in->request->object, table, object, NULL) < 0)
                return NULL;
        if (fits)
                answer->fitted = mv_shape_find(shape, "spec", 4)->shape;
        struct mv_meta *meta = (struct mv_meta *)(void *)((char *)object + mv_kinds[kind].meta_offset);
        if (!meta->namespace.n)
                meta->namespace = in->request->namespace;
        return object;
}

bool mv_mirror_user_is_kubevirt(const struct mv_mirror_answer *answer, const char *name) {
        static const char *const accounts[] = { "kubevirt-apiserver", "kubevirt-controller",
                                                "kubevirt-handler", "kubevirt-synchronization-controller" };
        struct mv_str user = mv_kubevirt_account(answer->config, answer->in->request->user.username);
        if (name)
                return mv_str_is(user, name);
        for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
                if (mv_str_is(user, accounts[i]))
                        return true;
        return false;
}

/* --- which webhook --- */

struct webhook {
        const char *kind, *resource, *sub_resource;
        const char *operation;
        void (*answer)(struct mv_mirror_answer *answer);
};

static const struct webhook webhooks[] = {
        { "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations", "", "CREATE",
          mv_mirror_migration_create },
        { "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations", "", "UPDATE",
          mv_mirror_migration_update },
        { "VirtualMachineInstance", "virtualmachineinstances", "", "CREATE", mv_mirror_vmi_create },
        { "VirtualMachineInstance", "virtualmachineinstances", "", "UPDATE", mv_mirror_vmi_update },
        { "VirtualMachine", "virtualmachines", "", "CREATE", mv_mirror_vm },
        { "VirtualMachine", "virtualmachines", "", "UPDATE", mv_mirror_vm },
        { "MigrationPolicy", "migrationpolicies", "", "CREATE", mv_mirror_policy },
        { "MigrationPolicy", "migrationpolicies", "", "UPDATE", mv_mirror_policy },
        { "Eviction", "pods", "eviction", "CREATE", mv_mirror_eviction },
};

static bool is_kubevirt_group(struct mv_str group) {
        return mv_str_is(group, "kubevirt.io") || mv_str_ends_with(group, MV_STR(".kubevirt.io"));
}

/* A webhook gets what its configuration sends it, by resource or by kind; that it got the wrong thing it says itself.
 * Other people's resources of the same name are not KubeVirt's. */
static bool is_for(const struct webhook *webhook, const struct mv_review_request *request) {
        bool by_resource = mv_str_is(request->resource.resource, webhook->resource);
        bool by_kind = mv_str_is(request->kind.kind, webhook->kind);
        if (!mv_str_is(request->operation, webhook->operation) ||
            !mv_str_is(request->sub_resource, webhook->sub_resource))
                return false;
        if (webhook->sub_resource[0])
                return by_resource && !request->resource.group.n;
        return (by_resource && is_kubevirt_group(request->resource.group)) ||
               (by_kind && is_kubevirt_group(request->kind.group));
}

/* Every answer depends on KubeVirt's configuration, wherever it comes from (policy/kubevirt_config.h). */
static void note_configuration(const struct mv_mirror_input *in) {
        static const enum mv_kind kinds[] = { MV_KIND_KUBEVIRT, MV_KIND_HYPERCONVERGED };
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !in->lookups->n; k++)
                for (size_t i = 0; i < mv_snapshot_count(in->snapshot, kinds[k]); i++) {
                        const struct mv_meta *meta =
                                mv_kind_meta(kinds[k], mv_snapshot_at(in->snapshot, kinds[k], i));
                        mv_lookups_add(in->lookups, kinds[k], meta->namespace, meta->name);
                }
}

bool mv_mirror(const struct mv_mirror_input *in, struct mv_decision *decision) {
        struct mv_mirror_answer answer = {
                .in = in, .config = in->config, .decision = decision, .fitted = in->fitted
        };
        if (in->lookups)
                note_configuration(in);
        for (size_t i = 0; i < sizeof webhooks / sizeof *webhooks; i++) {
                if (!is_for(&webhooks[i], in->request))
                        continue;
                if (in->request->object.n || webhooks[i].sub_resource[0])
                        webhooks[i].answer(&answer);
                break;
        }
        if (answer.n_causes > MOST_CAUSES)
                decision->message =
                        mv_mirror_text(&answer, "%.*s, and %zu more validation errors",
                                       MV_STR_ARG(decision->message), answer.n_causes - MOST_CAUSES);
        return !decision->allowed;
}
