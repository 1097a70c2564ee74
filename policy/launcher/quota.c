/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/quota.h"

#include "policy/object/node.h"

static bool names_namespaces(const struct mv_pod_affinity *affinity) {
        for (size_t i = 0; affinity && i < affinity->required.n; i++)
                if (affinity->required.items[i].namespaces.n ||
                    affinity->required.items[i].namespace_selector)
                        return true;
        return false;
}

static bool crosses(const struct mv_affinity *affinity) {
        return affinity && (names_namespaces(affinity->pod) || names_namespaces(affinity->pod_anti));
}

struct mv_quota_traits mv_quota_traits_of(const struct mv_pod *pod, const struct mv_amounts *requests,
                                          const struct mv_amounts *limits) {
        return (struct mv_quota_traits){
                .terminating = pod->spec.active_deadline_seconds.set,
                .best_effort = !mv_amounts_get(requests, MV_STR("cpu")) &&
                               !mv_amounts_get(requests, MV_STR("memory")) &&
                               !mv_amounts_get(limits, MV_STR("cpu")) &&
                               !mv_amounts_get(limits, MV_STR("memory")),
                .cross_namespace = crosses(pod->spec.affinity),
                .priority_class = pod->spec.priority_class_name,
        };
}

struct mv_quota_traits mv_quota_traits_of_launcher(const struct mv_vmi *vmi) {
        return (struct mv_quota_traits){
                .cross_namespace = crosses(vmi->spec.affinity),
                .priority_class = vmi->spec.priority_class_name,
        };
}

/* One scope, by itself or with an operator. A scope that is not about pods, or that is not known, holds for none. */
static bool scope_holds(struct mv_str scope, struct mv_str operator, const struct mv_strings * values,
                        const struct mv_quota_traits *traits) {
        const struct {
                const char *name;
                bool holds;
        } scopes[] = {
                { "Terminating", traits->terminating },
                { "NotTerminating", !traits->terminating },
                { "BestEffort", traits->best_effort },
                { "NotBestEffort", !traits->best_effort },
                { "CrossNamespacePodAffinity", traits->cross_namespace },
        };
        if (mv_str_is(scope, "PriorityClass")) {
                bool has = traits->priority_class.n != 0;
                bool named = has && values && mv_strings_have(values, traits->priority_class);
                return mv_str_is(operator, "In")             ? named
                       : mv_str_is(operator, "NotIn")        ? !named
                       : mv_str_is(operator, "DoesNotExist") ? !has
                                                             : has;
        }
        for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
                if (mv_str_is(scope, scopes[i].name))
                        return scopes[i].holds;
        return false;
}

bool mv_quota_counts(const struct mv_resource_quota *quota, const struct mv_quota_traits *traits) {
        const struct mv_scope_selector *selector = quota->spec.scope_selector;
        for (size_t i = 0; i < quota->spec.scopes.n; i++)
                if (!scope_holds(quota->spec.scopes.items[i], MV_STR("Exists"), NULL, traits))
                        return false;
        for (size_t i = 0; selector && i < selector->match_expressions.n; i++) {
                const struct mv_scope_requirement *r = &selector->match_expressions.items[i];
                if (!scope_holds(r->scope_name, r->operator, & r->values, traits))
                        return false;
        }
        return true;
}

static struct mv_str without(struct mv_str name, const char *prefix) {
        return mv_str_starts_with(name, mv_str_from(prefix)) ? mv_str_skip(name, strlen(prefix)) : name;
}

static bool is_extended(struct mv_str name) {
        size_t slash = mv_str_find_byte(name, '/');
        return slash < name.n && !mv_str_ends_with((struct mv_str){ name.p, slash }, MV_STR("kubernetes.io"));
}

bool mv_quota_usage(struct mv_str resource, const struct mv_amounts *requests,
                    const struct mv_amounts *limits, int64_t *ret) {
        bool of_limits = mv_str_starts_with(resource, MV_STR("limits."));
        struct mv_str request = without(resource, "requests."), name = without(request, "limits.");
        bool computed =
                mv_str_is(name, "cpu") || mv_str_is(name, "memory") || mv_str_is(name, "ephemeral-storage");
        if (mv_str_is(resource, "pods") || mv_str_is(resource, "count/pods")) {
                *ret = 1;
                return true;
        }
        if (of_limits ? !computed
                      : !computed && !mv_str_starts_with(name, MV_STR("hugepages-")) &&
                                !(name.n < resource.n && is_extended(name)))
                return false;
        *ret = mv_amounts_get(of_limits ? limits : requests, name);
        return true;
}

bool mv_quota_amount(struct mv_str resource, struct mv_str text, int64_t *ret) {
        return mv_amount_read(without(without(resource, "requests."), "limits."), text, ret);
}

struct mv_launcher_namespace mv_launcher_namespace_of(const struct mv_snapshot *snapshot,
                                                      struct mv_str namespace) {
        const struct mv_namespace *object =
                mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
        struct mv_launcher_namespace found = { .labels = object ? &object->meta.labels : NULL };
        size_t n;
        const void *const *quotas = mv_snapshot_of_namespace(snapshot, MV_KIND_RESOURCE_QUOTA, namespace, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_resource_quota *quota = quotas[i];
                found.quota_limits_cpu |= mv_map_get(&quota->spec.hard, MV_STR("limits.cpu")) != NULL;
                found.quota_limits_memory |= mv_map_get(&quota->spec.hard, MV_STR("limits.memory")) != NULL;
        }
        return found;
}
