/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/registry.h"

#include "policy/notice.h"

/* A line a rule. A static library drops object files that nobody names, so rules cannot register themselves. */
#define RULES(X)                   \
        X(request_vmi_missing)     \
        X(request_priority)        \
        X(request_vmi_final)       \
        X(request_condition)       \
        X(request_in_flight)       \
        X(request_decentralized)   \
        X(request_node_selector)   \
        X(request_name)            \
        X(request_limits)          \
        X(pod_network_binding)     \
        X(bridge_migration_limits) \
        X(migration_port)          \
        X(sriov)                   \
        X(migration_network)       \
        X(cpu_host_model)          \
        X(cpu_model)               \
        X(cpu_host_passthrough)    \
        X(cpu_model_obsolete)      \
        X(cpu_pinning)             \
        X(host_device)             \
        X(gpu)                     \
        X(sev)                     \
        X(tdx)                     \
        X(secure_execution)        \
        X(tsc_frequency)           \
        X(hyperv_passthrough)      \
        X(pvc_access_mode)         \
        X(host_disk)               \
        X(volume_not_found)        \
        X(volume_block_migration)  \
        X(persistent_reservation)  \
        X(persistent_state)        \
        X(virtiofs)                \
        X(volume_topology)         \
        X(node_pinned)             \
        X(node_fit)                \
        X(node_capacity)           \
        X(topology_spread)         \
        X(scheduler)               \
        X(resource_quota)          \
        X(limit_range)             \
        X(pod_security)            \
        X(misplaced_field)         \
        X(convergence)             \
        X(post_copy_support)       \
        X(policy_values)           \
        X(policy_empty_selector)   \
        X(policy_never_matches)    \
        X(policy_shadowed)         \
        X(maintenance_blocked)     \
        X(maintenance_last_node)   \
        X(config_conflict)         \
        X(config_ignored)          \
        X(kubevirt_version)        \
        X(observed_condition)      \
        X(eviction_strategy)

#define DECLARE(name) extern const struct mv_rule mv_rule_##name;
RULES(DECLARE)
#define ROW(name) &mv_rule_##name,
const struct mv_rule *const mv_rules[] = { RULES(ROW) NULL };

const struct mv_rule *const mv_notices[] = { &mv_notice_admission,      &mv_notice_instancetype,
                                             &mv_notice_cluster_unread, &mv_notice_out_of_memory,
                                             &mv_notice_configuration,  NULL };

static const struct mv_rule *find(const struct mv_rule *const *list, struct mv_str id) {
        while (*list && !mv_str_is(id, (*list)->id))
                list++;
        return *list;
}

const struct mv_rule *mv_rule_find(struct mv_str id) {
        const struct mv_rule *rule = find(mv_rules, id);
        return rule ? rule : find(mv_notices, id);
}

const struct mv_revision *mv_rule_revision(const struct mv_rule *rule, unsigned version) {
        const struct mv_revision *found = NULL;
        for (size_t i = 0; i < MV_REVISIONS && rule->revisions[i].check; i++)
                if (rule->revisions[i].since <= version)
                        found = &rule->revisions[i];
        return found;
}
