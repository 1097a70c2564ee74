/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit-range: a migration's target pod must keep to the namespace's LimitRanges.
 *
 * Reads the LimitRanges of the namespace and what the containers of the launcher pod request.
 */
#include "policy/launcher/quota.h"
#include "policy/rule.h"

enum { MOST_TOLD = 6 }; /* by one message */

/* What one LimitRange has against the pod. */
struct judging {
        struct mv_context *ctx;
        const struct mv_limit_range_item *item;
        struct mv_str text;
        size_t n;
};

static void tell(struct judging *j, struct mv_str text) {
        if (j->n++ < MOST_TOLD)
                j->text = mv_text(j->ctx, "%.*s%s%.*s", MV_STR_ARG(j->text), j->text.n ? "; " : "",
                                  MV_STR_ARG(text));
}
#define AGAINST(j, ...) tell((j), mv_text((j)->ctx, __VA_ARGS__))

static struct mv_str shown(const struct judging *j, struct mv_str name, int64_t amount) {
        return mv_amount_show(j->ctx->arena, name, amount);
}

/* --- what the API server's defaults make of a container (plugin/pkg/admission/limitranger: mergePodResourceRequirements;
 * pkg/apis/core/v1/defaults.go: SetDefaults_LimitRangeItem) --- */

static bool default_amount(const struct mv_limit_range_item *item, struct mv_str name, bool limit,
                           int64_t *ret) {
        const struct mv_map *const sources[] = { limit ? NULL : &item->default_requests, &item->defaults,
                                                 &item->max, limit ? NULL : &item->min };
        for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
                const struct mv_str *text = sources[i] ? mv_map_get(sources[i], name) : NULL;
                if (text)
                        return mv_amount_read(name, *text, ret);
        }
        return false;
}

/* Both lists of a container with what the items for containers, of all LimitRanges of the namespace, add. */
struct container {
        struct mv_str name;
        struct mv_amounts requests, limits;
};

/* Add a default for each resource that the item names and the list does not have. */
static void add_defaults(struct mv_context *ctx, const struct mv_limit_range_item *item, bool limit,
                         struct mv_amounts *amounts) {
        const struct mv_map *const names[] = { &item->defaults, &item->default_requests, &item->max,
                                               &item->min };
        struct mv_amounts_builder builder;
        mv_amounts_builder_init(&builder, ctx->arena);
        for (size_t m = 0; m < sizeof names / sizeof *names; m++)
                for (size_t i = 0; i < names[m]->n; i++) {
                        int64_t amount;
                        if (default_amount(item, names[m]->items[i].key, limit, &amount))
                                mv_amounts_set(&builder, names[m]->items[i].key, amount);
                }
        for (size_t i = 0; i < amounts->n; i++)
                mv_amounts_set(&builder, amounts->items[i].name, amounts->items[i].amount);
        *amounts = mv_amounts_build(&builder);
}

static const void *const *ranges_of(const struct mv_context *ctx, size_t *ret_n) {
        return mv_snapshot_of_namespace(ctx->snapshot, MV_KIND_LIMIT_RANGE, ctx->vmi->meta.namespace, ret_n);
}

static struct container *containers_of(struct mv_context *ctx, const struct mv_launcher *launcher) {
        size_t n;
        const void *const *ranges = ranges_of(ctx, &n);
        struct container *containers =
                mv_arena_new_array(ctx->arena, struct container, launcher->n_containers);
        for (size_t c = 0; containers && c < launcher->n_containers; c++) {
                containers[c] = (struct container){ mv_str_from(launcher->containers[c].name),
                                                    launcher->containers[c].requests,
                                                    launcher->containers[c].limits };
                for (size_t i = 0; i < n; i++) {
                        const struct mv_limit_range *range = ranges[i];
                        for (size_t k = 0; k < range->spec.limits.n; k++) {
                                if (!mv_str_is(range->spec.limits.items[k].type, "Container"))
                                        continue;
                                add_defaults(ctx, &range->spec.limits.items[k], true, &containers[c].limits);
                                add_defaults(ctx, &range->spec.limits.items[k], false,
                                             &containers[c].requests);
                        }
                }
        }
        return containers;
}

/* --- the checks (plugin/pkg/admission/limitranger: PodValidateLimitFunc) --- */

static void check_min(struct judging *j, const struct container *c, struct mv_str name, int64_t min) {
        const struct mv_amount *request = mv_amounts_find(&c->requests, name);
        const struct mv_amount *limit = mv_amounts_find(&c->limits, name);
        struct mv_str least = shown(j, name, min);
        if (!request)
                AGAINST(j, "%.*s requests no %.*s, and min is %.*s", MV_STR_ARG(c->name), MV_STR_ARG(name),
                        MV_STR_ARG(least));
        else if (request->amount < min)
                AGAINST(j, "%.*s requests %.*s %.*s, and min is %.*s", MV_STR_ARG(c->name), MV_STR_ARG(name),
                        MV_STR_ARG(shown(j, name, request->amount)), MV_STR_ARG(least));
        else if (limit && limit->amount < min)
                AGAINST(j, "%.*s has a limit of %.*s %.*s, and min is %.*s", MV_STR_ARG(c->name),
                        MV_STR_ARG(name), MV_STR_ARG(shown(j, name, limit->amount)), MV_STR_ARG(least));
}

/* The request of a pod can be above it where the limits are not: a container without any adds none. */
static void check_max(struct judging *j, const struct container *c, struct mv_str name, int64_t max) {
        const struct mv_amount *limit = mv_amounts_find(&c->limits, name);
        const struct mv_amount *request = mv_amounts_find(&c->requests, name);
        struct mv_str most = shown(j, name, max);
        if (!limit)
                AGAINST(j, "%.*s has no limit of %.*s, and max is %.*s", MV_STR_ARG(c->name),
                        MV_STR_ARG(name), MV_STR_ARG(most));
        else if (limit->amount > max)
                AGAINST(j, "%.*s has a limit of %.*s %.*s, and max is %.*s", MV_STR_ARG(c->name),
                        MV_STR_ARG(name), MV_STR_ARG(shown(j, name, limit->amount)), MV_STR_ARG(most));
        else if (request && request->amount > max)
                AGAINST(j, "%.*s requests %.*s %.*s, and max is %.*s", MV_STR_ARG(c->name), MV_STR_ARG(name),
                        MV_STR_ARG(shown(j, name, request->amount)), MV_STR_ARG(most));
}

/* text is a quantity: the limit may be that many times the request. */
static void check_ratio(struct judging *j, const struct container *c, struct mv_str name,
                        struct mv_str text) {
        const struct mv_amount *request = mv_amounts_find(&c->requests, name);
        const struct mv_amount *limit = mv_amounts_find(&c->limits, name);
        int64_t thousandths;
        if (!mv_amount_read(MV_STR("cpu"), text, &thousandths))
                return;
        if (!request || !request->amount || !limit || !limit->amount)
                AGAINST(j, "%.*s has no %s of %.*s, and maxLimitRequestRatio is %.*s", MV_STR_ARG(c->name),
                        !request || !request->amount ? "request" : "limit", MV_STR_ARG(name),
                        MV_STR_ARG(text));
        else if ((double)limit->amount / (double)request->amount * 1000 > (double)thousandths)
                AGAINST(j,
                        "%.*s has a limit of %.*s %.*s on a request of %.*s, and maxLimitRequestRatio is %.*s",
                        MV_STR_ARG(c->name), MV_STR_ARG(name), MV_STR_ARG(shown(j, name, limit->amount)),
                        MV_STR_ARG(shown(j, name, request->amount)), MV_STR_ARG(text));
}

static void check_item(struct judging *j, const struct container *c) {
        int64_t amount;
        for (size_t i = 0; i < j->item->min.n; i++)
                if (mv_amount_read(j->item->min.items[i].key, j->item->min.items[i].value, &amount))
                        check_min(j, c, j->item->min.items[i].key, amount);
        for (size_t i = 0; i < j->item->max.n; i++)
                if (mv_amount_read(j->item->max.items[i].key, j->item->max.items[i].value, &amount))
                        check_max(j, c, j->item->max.items[i].key, amount);
        for (size_t i = 0; i < j->item->max_limit_request_ratio.n; i++)
                check_ratio(j, c, j->item->max_limit_request_ratio.items[i].key,
                            j->item->max_limit_request_ratio.items[i].value);
}

/* A default limit below what KubeVirt requests makes a pod that the API server does not take. */
static void check_defaults(struct judging *j, const struct container *c) {
        for (size_t i = 0; i < c->limits.n; i++) {
                struct mv_str name = c->limits.items[i].name;
                int64_t given;
                if (mv_amounts_get(&c->requests, name) > c->limits.items[i].amount &&
                    default_amount(j->item, name, true, &given) && given == c->limits.items[i].amount)
                        AGAINST(j, "%.*s requests %.*s %.*s, more than the default limit %.*s",
                                MV_STR_ARG(c->name), MV_STR_ARG(name),
                                MV_STR_ARG(shown(j, name, mv_amounts_get(&c->requests, name))),
                                MV_STR_ARG(shown(j, name, given)));
        }
}

/* The whole pod, with the defaults of its containers. */
static struct container whole_pod(struct mv_context *ctx, const struct mv_launcher *launcher,
                                  const struct container *containers) {
        struct container pod = { .name = MV_STR("the pod") };
        struct mv_pod_part *parts =
                mv_arena_new_array(ctx->arena, struct mv_pod_part, launcher->n_containers);
        for (int limits = 0; parts && limits < 2; limits++) {
                for (size_t i = 0; i < launcher->n_containers; i++)
                        parts[i] = (struct mv_pod_part){
                                .role = launcher->containers[i].role,
                                .count = launcher->containers[i].count,
                                .amounts = limits ? containers[i].limits : containers[i].requests,
                        };
                *(limits ? &pod.limits : &pod.requests) =
                        mv_amounts_of_pod(ctx->arena, parts, launcher->n_containers);
        }
        return pod;
}

static void check_range(struct mv_context *ctx, const struct mv_limit_range *range,
                        const struct mv_launcher *launcher, const struct container *containers) {
        const struct container pod = whole_pod(ctx, launcher, containers);
        struct judging j = { .ctx = ctx };
        bool about_pods = false;
        for (size_t k = 0; k < range->spec.limits.n; k++) {
                j.item = &range->spec.limits.items[k];
                bool of_containers = mv_str_is(j.item->type, "Container");
                if (mv_str_is(j.item->type, "Pod"))
                        check_item(&j, &pod);
                else if (!of_containers)
                        continue;
                about_pods = true;
                for (size_t c = 0; of_containers && c < launcher->n_containers; c++) {
                        check_defaults(&j, &containers[c]);
                        check_item(&j, &containers[c]);
                }
        }
        if (!about_pods)
                return;
        bool runs = ctx->vmi->status.node_name.n && !mv_vmi_is_final(ctx->vmi);
        struct mv_finding *finding =
                j.n ? mv_report(
                              ctx, MV_OUTCOME_FAIL,
                              "the launcher pod breaks LimitRange %.*s, so the API server refuses %s: %.*s%s",
                              MV_STR_ARG(range->meta.name),
                              runs ? "the target pod of a migration (the pod that runs was made before it)"
                                   : "the VM's pod and a migration's",
                              MV_STR_ARG(j.text), j.n > MOST_TOLD ? "; and more" : "")
                    : mv_report(ctx, MV_OUTCOME_PASS, "the launcher pod keeps to LimitRange %.*s",
                                MV_STR_ARG(range->meta.name));
        finding->field = mv_spec_field(ctx, "domain.resources");
        finding->thing = range->meta.name;
        if (j.n)
                finding->fix = mv_text(
                        ctx, "change LimitRange %.*s, or requests and limits in the VM's domain.resources",
                        MV_STR_ARG(range->meta.name));
}

static void check(struct mv_context *ctx) {
        const struct mv_launcher *launcher = NULL;
        const struct container *containers = NULL;
        size_t n;
        const void *const *ranges = ranges_of(ctx, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_limit_range *range = ranges[i];
                if (!launcher) {
                        const struct mv_launcher_namespace namespace =
                                mv_launcher_namespace_of(ctx->snapshot, ctx->vmi->meta.namespace);
                        launcher = mv_launcher_make_in(ctx->arena, ctx->config, ctx->version, ctx->vmi,
                                                       &namespace);
                        containers = launcher ? containers_of(ctx, launcher) : NULL;
                }
                if (!containers)
                        return;
                check_range(ctx, range, launcher, containers);
        }
}

const struct mv_rule mv_rule_limit_range = {
        .id = "limit-range",
        .area = MV_AREA_PLACEMENT,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(LIMIT_RANGE) | MV_NEED(RESOURCE_QUOTA) | MV_NEED(NAMESPACE) | MV_NEED(KUBEVIRT),
        .reason = "",
        .targets = true,
        .summary = "a migration's target pod must keep to the namespace's LimitRanges",
        .documentation =
                "The target pod of a migration is a new pod, and the API server holds it against the LimitRanges of the "
                "namespace as they are now: min, max and maxLimitRequestRatio of each container and of the whole pod, "
                "with the defaults that they give. KubeVirt's overhead counts, and its small containers too (5m and 35M "
                "for the console log), which a min often forgets. A default limit below what compute requests makes a pod "
                "that is refused. KubeVirt cannot create the pod then, and the migration stays Pending.",
        .source =
                "Kubernetes plugin/pkg/admission/limitranger: PodValidateLimitFunc, mergePodResourceRequirements; KubeVirt "
                "pkg/virt-controller/services/template.go: renderLaunchManifest",
        .fix = "make the LimitRange allow KubeVirt's launcher pods",
        .revisions = { { 0, check, 0, 0, NULL } },
};
