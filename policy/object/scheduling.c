/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/scheduling.h"

/* --- tables --- */

static const struct mv_field requirement_fields[] = {
        MV_FIELD(struct mv_requirement, "key", MV_TYPE_STRING, key),
        MV_FIELD(struct mv_requirement, "operator", MV_TYPE_STRING, operator),
        MV_FIELD(struct mv_requirement, "values", MV_TYPE_STRINGS, values),
};
static const struct mv_table requirement_table = MV_TABLE(requirement_fields, struct mv_requirement);

static const struct mv_field label_selector_fields[] = {
        MV_FIELD_TABLE(struct mv_label_selector, "matchExpressions", MV_TYPE_LIST, match_expressions,
                       &requirement_table),
        MV_FIELD(struct mv_label_selector, "matchLabels", MV_TYPE_MAP, match_labels),
};
const struct mv_table mv_table_label_selector = MV_TABLE(label_selector_fields, struct mv_label_selector);

static const struct mv_field term_fields[] = {
        MV_FIELD_TABLE(struct mv_node_selector_term, "matchExpressions", MV_TYPE_LIST, match_expressions,
                       &requirement_table),
        MV_FIELD_TABLE(struct mv_node_selector_term, "matchFields", MV_TYPE_LIST, match_fields,
                       &requirement_table),
};
static const struct mv_table term_table = MV_TABLE(term_fields, struct mv_node_selector_term);
static const struct mv_field node_selector_fields[] = {
        MV_FIELD_TABLE(struct mv_node_selector, "nodeSelectorTerms", MV_TYPE_LIST, terms, &term_table),
};
const struct mv_table mv_table_node_selector = MV_TABLE(node_selector_fields, struct mv_node_selector);

static const struct mv_field pod_term_fields[] = {
        MV_FIELD_TABLE(struct mv_pod_affinity_term, "labelSelector", MV_TYPE_POINTER, label_selector,
                       &mv_table_label_selector),
        MV_FIELD(struct mv_pod_affinity_term, "matchLabelKeys", MV_TYPE_STRINGS, match_label_keys),
        MV_FIELD(struct mv_pod_affinity_term, "mismatchLabelKeys", MV_TYPE_STRINGS, mismatch_label_keys),
        MV_FIELD_TABLE(struct mv_pod_affinity_term, "namespaceSelector", MV_TYPE_POINTER, namespace_selector,
                       &mv_table_label_selector),
        MV_FIELD(struct mv_pod_affinity_term, "namespaces", MV_TYPE_STRINGS, namespaces),
        MV_FIELD(struct mv_pod_affinity_term, "topologyKey", MV_TYPE_STRING, topology_key),
};
static const struct mv_table pod_term_table = MV_TABLE(pod_term_fields, struct mv_pod_affinity_term);
static const struct mv_field pod_affinity_fields[] = {
        MV_FIELD_TABLE(struct mv_pod_affinity, "requiredDuringSchedulingIgnoredDuringExecution", MV_TYPE_LIST,
                       required, &pod_term_table),
};
static const struct mv_table pod_affinity_table = MV_TABLE(pod_affinity_fields, struct mv_pod_affinity);

static const struct mv_field node_affinity_fields[] = {
        MV_FIELD_TABLE(struct mv_node_affinity, "requiredDuringSchedulingIgnoredDuringExecution",
                       MV_TYPE_POINTER, required, &mv_table_node_selector),
};
static const struct mv_table node_affinity_table = MV_TABLE(node_affinity_fields, struct mv_node_affinity);
static const struct mv_field affinity_fields[] = {
        MV_FIELD_TABLE(struct mv_affinity, "nodeAffinity", MV_TYPE_POINTER, node, &node_affinity_table),
        MV_FIELD_TABLE(struct mv_affinity, "podAffinity", MV_TYPE_POINTER, pod, &pod_affinity_table),
        MV_FIELD_TABLE(struct mv_affinity, "podAntiAffinity", MV_TYPE_POINTER, pod_anti, &pod_affinity_table),
};
const struct mv_table mv_table_affinity = MV_TABLE(affinity_fields, struct mv_affinity);

static const struct mv_field toleration_fields[] = {
        MV_FIELD(struct mv_toleration, "effect", MV_TYPE_STRING, effect),
        MV_FIELD(struct mv_toleration, "key", MV_TYPE_STRING, key),
        MV_FIELD(struct mv_toleration, "operator", MV_TYPE_STRING, operator),
        MV_FIELD(struct mv_toleration, "value", MV_TYPE_STRING, value),
};
const struct mv_table mv_table_toleration = MV_TABLE(toleration_fields, struct mv_toleration);

static const struct mv_field topology_spread_fields[] = {
        MV_FIELD_TABLE(struct mv_topology_spread, "labelSelector", MV_TYPE_POINTER, label_selector,
                       &mv_table_label_selector),
        MV_FIELD(struct mv_topology_spread, "matchLabelKeys", MV_TYPE_STRINGS, match_label_keys),
        MV_FIELD(struct mv_topology_spread, "maxSkew", MV_TYPE_INT, max_skew),
        MV_FIELD(struct mv_topology_spread, "minDomains", MV_TYPE_INT, min_domains),
        MV_FIELD(struct mv_topology_spread, "nodeAffinityPolicy", MV_TYPE_STRING, node_affinity_policy),
        MV_FIELD(struct mv_topology_spread, "nodeTaintsPolicy", MV_TYPE_STRING, node_taints_policy),
        MV_FIELD(struct mv_topology_spread, "topologyKey", MV_TYPE_STRING, topology_key),
        MV_FIELD(struct mv_topology_spread, "whenUnsatisfiable", MV_TYPE_STRING, when_unsatisfiable),
};
const struct mv_table mv_table_topology_spread = MV_TABLE(topology_spread_fields, struct mv_topology_spread);

static const struct mv_field taint_fields[] = {
        MV_FIELD(struct mv_taint, "effect", MV_TYPE_STRING, effect),
        MV_FIELD(struct mv_taint, "key", MV_TYPE_STRING, key),
        MV_FIELD(struct mv_taint, "value", MV_TYPE_STRING, value),
};
const struct mv_table mv_table_taint = MV_TABLE(taint_fields, struct mv_taint);

/* --- questions --- */

/* A label's value as an integer, as strconv.ParseInt(s, 10, 64) reads it. */
static bool parse_integer(struct mv_str text, int64_t *ret) {
        bool negative = text.n && text.p[0] == '-';
        unsigned long long value;
        struct mv_str digits = mv_str_skip(text, text.n && (negative || text.p[0] == '+') ? 1 : 0);
        if (!digits.n || digits.p[0] == '+' || digits.p[0] == '-' ||
            !mv_str_to_unsigned(digits, (unsigned long long)INT64_MAX + negative, &value))
                return false;
        *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
        return true;
}

static bool compares(const struct mv_requirement *r, const struct mv_str *value) {
        int64_t left, right;
        if (!value || r->values.n != 1 || !parse_integer(*value, &left) ||
            !parse_integer(r->values.items[0], &right))
                return false;
        return mv_str_is(r->operator, "Gt") ? left > right : left < right;
}

/* value is that of the label, NULL when there is none. */
static bool holds(const struct mv_requirement *r, const struct mv_str *value) {
        if (mv_str_is(r->operator, "In"))
                return value && mv_strings_have(&r->values, *value);
        if (mv_str_is(r->operator, "NotIn"))
                return !value || !mv_strings_have(&r->values, *value);
        if (mv_str_is(r->operator, "Exists"))
                return value != NULL;
        if (mv_str_is(r->operator, "DoesNotExist"))
                return !value;
        return (mv_str_is(r->operator, "Gt") || mv_str_is(r->operator, "Lt")) && compares(r, value);
}

bool mv_requirement_holds(const struct mv_requirement *requirement, const struct mv_map *labels) {
        return holds(requirement, mv_map_get(labels, requirement->key));
}

bool mv_label_selector_matches(const struct mv_label_selector *selector, const struct mv_map *labels) {
        if (!selector)
                return false;
        for (size_t i = 0; i < selector->match_labels.n; i++)
                if (!mv_map_has(labels, selector->match_labels.items[i].key,
                                selector->match_labels.items[i].value))
                        return false;
        for (size_t i = 0; i < selector->match_expressions.n; i++)
                if (!mv_requirement_holds(&selector->match_expressions.items[i], labels))
                        return false;
        return true;
}

bool mv_node_selector_term_matches(const struct mv_node_selector_term *term, struct mv_str name,
                                   const struct mv_map *labels) {
        if (!term->match_expressions.n && !term->match_fields.n)
                return false;
        for (size_t i = 0; i < term->match_expressions.n; i++)
                if (!mv_requirement_holds(&term->match_expressions.items[i], labels))
                        return false;
        for (size_t i = 0; i < term->match_fields.n; i++) {
                const struct mv_requirement *r = &term->match_fields.items[i];
                if (!mv_str_is(r->key, "metadata.name") || !holds(r, &name))
                        return false;
        }
        return true;
}

bool mv_node_selector_matches(const struct mv_node_selector *selector, struct mv_str name,
                              const struct mv_map *labels) {
        for (size_t i = 0; i < selector->terms.n; i++)
                if (mv_node_selector_term_matches(&selector->terms.items[i], name, labels))
                        return true;
        return false;
}

static bool tolerates(const struct mv_toleration *t, const struct mv_taint *taint) {
        if (t->effect.n && !mv_str_equal(t->effect, taint->effect))
                return false;
        if (t->key.n && !mv_str_equal(t->key, taint->key))
                return false;
        if (mv_str_is(t->operator, "Exists"))
                return true;
        return (!t->operator.n || mv_str_is(t->operator, "Equal")) && mv_str_equal(t->value, taint->value);
}

bool mv_tolerations_tolerate(const struct mv_tolerations *tolerations, const struct mv_taint *taint) {
        for (size_t i = 0; i < tolerations->n; i++)
                if (tolerates(&tolerations->items[i], taint))
                        return true;
        return false;
}

bool mv_pod_affinity_has_namespace(const struct mv_pod_affinity_term *term, struct mv_str own,
                                   struct mv_str namespace, const struct mv_map *labels) {
        static const struct mv_map none = { 0 };
        if (!term->namespaces.n && !term->namespace_selector)
                return mv_str_equal(own, namespace);
        if (mv_strings_have(&term->namespaces, namespace))
                return true;
        return term->namespace_selector &&
               mv_label_selector_matches(term->namespace_selector, labels ? labels : &none);
}
