/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolve.h"

#include "policy/behaviour.h"
#include "policy/kubevirt_config.h"
#include "policy/object/node.h"
#include "policy/object/quantity.h"

#include <stdlib.h>

/* --- what can be set --- */

/* `experimental` of a MigrationPolicy (staging/src/kubevirt.io/api/core/v1/types.go: ExperimentalMigrationOptions). */
struct stall_detector {
        enum mv_optional search_local_minima;
        struct mv_optional_int stall_margin, stall_progress_timeout, switchover_timeout;
        struct mv_str completion_timeout_factor, ewma_alpha, patience_window_decay_factor,
                precopy_possible_factor;
};
struct downtime_tuning {
        struct mv_optional_int cooldown_seconds, initial_ms, start_after_iteration, steps;
};
struct experimental {
        struct mv_str compression;
        struct downtime_tuning *downtime_tuning;
        struct stall_detector *stall_detector;
};

static const struct mv_field stall_detector_fields[] = {
        MV_FIELD(struct stall_detector, "completionTimeoutFactor", MV_TYPE_TEXT, completion_timeout_factor),
        MV_FIELD(struct stall_detector, "ewmaAlpha", MV_TYPE_TEXT, ewma_alpha),
        MV_FIELD(struct stall_detector, "patienceWindowDecayFactor", MV_TYPE_TEXT,
                 patience_window_decay_factor),
        MV_FIELD(struct stall_detector, "precopyPossibleFactor", MV_TYPE_TEXT, precopy_possible_factor),
        MV_FIELD(struct stall_detector, "searchLocalMinima", MV_TYPE_OPTIONAL, search_local_minima),
        MV_FIELD(struct stall_detector, "stallMargin", MV_TYPE_INT, stall_margin),
        MV_FIELD(struct stall_detector, "stallProgressTimeout", MV_TYPE_INT, stall_progress_timeout),
        MV_FIELD(struct stall_detector, "switchoverTimeout", MV_TYPE_INT, switchover_timeout),
};
static const struct mv_table stall_detector_table = MV_TABLE(stall_detector_fields, struct stall_detector);
static const struct mv_field downtime_tuning_fields[] = {
        MV_FIELD(struct downtime_tuning, "cooldownSeconds", MV_TYPE_INT, cooldown_seconds),
        MV_FIELD(struct downtime_tuning, "initialMs", MV_TYPE_INT, initial_ms),
        MV_FIELD(struct downtime_tuning, "startAfterIteration", MV_TYPE_INT, start_after_iteration),
        MV_FIELD(struct downtime_tuning, "steps", MV_TYPE_INT, steps),
};
static const struct mv_table downtime_tuning_table = MV_TABLE(downtime_tuning_fields, struct downtime_tuning);
static const struct mv_field experimental_fields[] = {
        MV_FIELD(struct experimental, "compression", MV_TYPE_STRING, compression),
        MV_FIELD_TABLE(struct experimental, "downtimeTuning", MV_TYPE_POINTER, downtime_tuning,
                       &downtime_tuning_table),
        MV_FIELD_TABLE(struct experimental, "stallDetector", MV_TYPE_POINTER, stall_detector,
                       &stall_detector_table),
};
static const struct mv_table experimental_table = MV_TABLE(experimental_fields, struct experimental);

/* All that one object sets, in one flat struct, so that a row below needs nothing but an offset. */
struct layer {
        struct mv_str from;
        struct mv_migration_settings set;
        enum mv_optional experimental, downtime_tuning, stall_detector; /* MV_TRUE: the object is there */
        struct mv_str compression;
        struct downtime_tuning tuning;
        struct stall_detector stall;
};

enum { DEFAULTS = 2, ALLOW_POST_COPY = 1 };

/* A default in force since a version (0: from the beginning). */
struct default_value {
        bool given;
        unsigned since;
        int64_t number;
        const char *text;
};

/*
 * One row a setting, sorted by path. An object that cannot set it leaves it unset: what a policy may override is what
 * its decode table knows. What is not set falls to the next layer, unless the same object sets what this setting
 * follows. The defaults are those of pkg/virt-config/configuration.go: defaultClusterConfig.
 */
static const struct row {
        const char *path;
        enum mv_setting_type type;
        unsigned since; /* first version that knows it; 0: from the beginning */
        size_t offset;  /* in struct layer: mv_optional, mv_optional_int or mv_str, as type says */
        size_t follows; /* row of the same type whose value counts where the object leaves this one unset; 0: none */
        struct default_value defaults[DEFAULTS]; /* oldest first */
} rows[] = {
#define AT(member) .offset = offsetof(struct layer, member)
#define SINCE(minor) .since = MV_KUBEVIRT(1, minor)
#define NUMBER(value) .defaults = { { .given = true, .number = (value) } }
#define TEXT(value) .defaults = { { .given = true, .text = (value) } }
        { "allowAutoConverge", MV_SETTING_BOOL, AT(set.allow_auto_converge), NUMBER(false) },
        [ALLOW_POST_COPY] = { "allowPostCopy", MV_SETTING_BOOL, AT(set.allow_post_copy), NUMBER(false) },
        { "allowWorkloadDisruption", MV_SETTING_BOOL, AT(set.allow_workload_disruption), SINCE(5),
          .follows = ALLOW_POST_COPY, NUMBER(false) },
        { "bandwidthPerMigration", MV_SETTING_QUANTITY, AT(set.bandwidth_per_migration), TEXT("0") },
        { "completionTimeoutPerGiB", MV_SETTING_INT, AT(set.completion_timeout_per_gib),
          .defaults = { { .given = true, .number = 800 },
                        { .given = true, .since = MV_KUBEVIRT(1, 4), .number = 150 } } },
        { "disableTLS", MV_SETTING_BOOL, AT(set.disable_tls) },
        { "experimental", MV_SETTING_GROUP, AT(experimental), SINCE(9) },
        { "experimental.compression", MV_SETTING_STRING, AT(compression), SINCE(9) },
        { "experimental.downtimeTuning", MV_SETTING_GROUP, AT(downtime_tuning), SINCE(10) },
        { "experimental.downtimeTuning.cooldownSeconds", MV_SETTING_INT, AT(tuning.cooldown_seconds),
          SINCE(10) },
        { "experimental.downtimeTuning.initialMs", MV_SETTING_INT, AT(tuning.initial_ms), SINCE(10) },
        { "experimental.downtimeTuning.startAfterIteration", MV_SETTING_INT, AT(tuning.start_after_iteration),
          SINCE(10) },
        { "experimental.downtimeTuning.steps", MV_SETTING_INT, AT(tuning.steps), SINCE(10) },
        { "experimental.stallDetector", MV_SETTING_GROUP, AT(stall_detector), SINCE(9) },
        { "experimental.stallDetector.completionTimeoutFactor", MV_SETTING_QUANTITY,
          AT(stall.completion_timeout_factor), SINCE(9) },
        { "experimental.stallDetector.ewmaAlpha", MV_SETTING_QUANTITY, AT(stall.ewma_alpha), SINCE(9) },
        { "experimental.stallDetector.patienceWindowDecayFactor", MV_SETTING_QUANTITY,
          AT(stall.patience_window_decay_factor), SINCE(9) },
        { "experimental.stallDetector.precopyPossibleFactor", MV_SETTING_QUANTITY,
          AT(stall.precopy_possible_factor), SINCE(9) },
        { "experimental.stallDetector.searchLocalMinima", MV_SETTING_BOOL, AT(stall.search_local_minima),
          SINCE(9) },
        { "experimental.stallDetector.stallMargin", MV_SETTING_INT, AT(stall.stall_margin), SINCE(9) },
        { "experimental.stallDetector.stallProgressTimeout", MV_SETTING_INT, AT(stall.stall_progress_timeout),
          SINCE(9) },
        { "experimental.stallDetector.switchoverTimeout", MV_SETTING_INT, AT(stall.switchover_timeout),
          SINCE(9) },
        { "matchSELinuxLevelOnMigration", MV_SETTING_BOOL, AT(set.match_selinux_level) },
        { "maxDowntimeMs", MV_SETTING_INT, AT(set.max_downtime_ms), SINCE(9), NUMBER(900) },
        { "network", MV_SETTING_STRING, AT(set.network) },
        { "nodeDrainTaintKey", MV_SETTING_STRING, AT(set.node_drain_taint_key), TEXT("kubevirt.io/drain") },
        { "parallelMigrationsPerCluster", MV_SETTING_INT, AT(set.parallel_per_cluster), NUMBER(5) },
        { "parallelOutboundMigrationsPerNode", MV_SETTING_INT, AT(set.parallel_outbound_per_node),
          NUMBER(2) },
        { "progressTimeout", MV_SETTING_INT, AT(set.progress_timeout), NUMBER(150) },
        { "unsafeMigrationOverride", MV_SETTING_BOOL, AT(set.unsafe_override), NUMBER(false) },
        { "utilityVolumesTimeout", MV_SETTING_INT, AT(set.utility_volumes_timeout), SINCE(8), NUMBER(150) },
#undef AT
#undef SINCE
#undef NUMBER
#undef TEXT
};
enum { ROWS = sizeof rows / sizeof *rows };

/* --- which policy --- */

void mv_policy_place_of(const struct mv_snapshot *snapshot, struct mv_str namespace,
                        struct mv_policy_place *place) {
        const struct mv_namespace *object =
                mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace);
        /* The API server gives every namespace this label. */
        place->name = (struct mv_pair){ MV_STR("kubernetes.io/metadata.name"), namespace };
        place->only_name = (struct mv_map){ .items = &place->name, .n = 1, .present = true };
        place->known = object != NULL;
        place->labels = object ? &object->meta.labels : &place->only_name;
}

/* The first pair of the selector that is not among the labels; NULL when all are. */
static const struct mv_pair *first_miss(const struct mv_map *selector, const struct mv_map *labels) {
        for (size_t i = 0; i < selector->n; i++)
                if (!mv_map_has(labels, selector->items[i].key, selector->items[i].value))
                        return &selector->items[i];
        return NULL;
}

/* No pair of the selector contradicts a label: it would match if there were more of them. */
static bool could_select(const struct mv_map *selector, const struct mv_map *labels) {
        for (size_t i = 0; i < selector->n; i++) {
                const struct mv_str *value = mv_map_get(labels, selector->items[i].key);
                if (value && !mv_str_equal(*value, selector->items[i].value))
                        return false;
        }
        return true;
}

/*
 * countMatchingLabels passes over both selectors for an instance that has no label at all, but none gets there:
 * kubevirt.io/migrationTargetNodeName was set on it just before. So no label is simply a miss.
 */
void mv_policy_score_of(const struct mv_migration_policy *policy, const struct mv_map *labels,
                        const struct mv_policy_place *place, struct mv_policy_score *ret) {
        const struct mv_policy_selectors *selectors = policy->spec.selectors;
        *ret = (struct mv_policy_score){ .match.policy = policy };
        if (!selectors) {
                ret->miss = MV_POLICY_NO_SELECTORS;
                return;
        }
        if ((ret->label = first_miss(&selectors->vmi_labels, labels))) {
                ret->miss = MV_POLICY_MISSES_INSTANCE;
                ret->found = mv_map_get(labels, ret->label->key);
        } else if ((ret->label = first_miss(&selectors->namespace_labels, place->labels))) {
                ret->miss = place->known || !could_select(&selectors->namespace_labels, place->labels)
                                    ? MV_POLICY_MISSES_NAMESPACE
                                    : MV_POLICY_NAMESPACE_UNKNOWN;
                ret->found = mv_map_get(place->labels, ret->label->key);
        } else {
                ret->match.namespace_labels = selectors->namespace_labels.n;
                ret->match.vmi_labels = selectors->vmi_labels.n;
        }
}

/* Best first: greaterThan, then the name. */
int mv_policy_match_compare(const struct mv_policy_match *a, const struct mv_policy_match *b) {
        size_t total_a = a->namespace_labels + a->vmi_labels, total_b = b->namespace_labels + b->vmi_labels;
        if (total_a != total_b)
                return total_a > total_b ? -1 : 1;
        if (a->vmi_labels != b->vmi_labels)
                return a->vmi_labels > b->vmi_labels ? -1 : 1;
        return mv_str_compare(a->policy->meta.name, b->policy->meta.name);
}

static int compare_matches(const void *left, const void *right) {
        return mv_policy_match_compare(left, right);
}

static int compare_scores(const void *left, const void *right) {
        const struct mv_policy_score *a = left, *b = right;
        bool matches_a = a->miss == MV_POLICY_MATCHES, matches_b = b->miss == MV_POLICY_MATCHES;
        if (matches_a != matches_b)
                return matches_a ? -1 : 1;
        return mv_policy_match_compare(&a->match, &b->match); /* without labels: by name */
}

const struct mv_policy_score *mv_policy_scores(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                               const struct mv_vmi *vmi, size_t *ret_n) {
        size_t n = mv_snapshot_count(snapshot, MV_KIND_MIGRATION_POLICY);
        struct mv_policy_score *scores = n ? mv_arena_new_array(arena, struct mv_policy_score, n) : NULL;
        struct mv_policy_place *place = scores ? mv_arena_new(arena, struct mv_policy_place) : NULL;
        *ret_n = place ? n : 0;
        if (!place)
                return NULL;
        mv_policy_place_of(snapshot, vmi->meta.namespace, place);
        for (size_t i = 0; i < n; i++)
                mv_policy_score_of(mv_snapshot_at(snapshot, MV_KIND_MIGRATION_POLICY, i), &vmi->meta.labels,
                                   place, &scores[i]);
        qsort(scores, n, sizeof *scores, compare_scores);
        return scores;
}

static void find_matches(struct mv_arena *arena, const struct mv_snapshot *snapshot, const struct mv_vmi *vmi,
                         struct mv_resolution *ret) {
        size_t n = mv_snapshot_count(snapshot, MV_KIND_MIGRATION_POLICY);
        struct mv_policy_match *matches = n ? mv_arena_new_array(arena, struct mv_policy_match, n) : NULL;
        struct mv_policy_place place;
        if (!matches)
                return;
        mv_policy_place_of(snapshot, vmi->meta.namespace, &place);
        for (size_t i = 0; i < n; i++) {
                struct mv_policy_score score;
                mv_policy_score_of(mv_snapshot_at(snapshot, MV_KIND_MIGRATION_POLICY, i), &vmi->meta.labels,
                                   &place, &score);
                if (score.miss == MV_POLICY_MATCHES)
                        matches[ret->n_matches++] = score.match;
                else if (score.miss == MV_POLICY_NAMESPACE_UNKNOWN)
                        ret->namespace_matters = true;
        }
        if (ret->n_matches > 1)
                qsort(matches, ret->n_matches, sizeof *matches, compare_matches);
        ret->matches = matches;
}

/* --- merging --- */

static struct mv_str canonical(struct mv_arena *arena, struct mv_str text) {
        struct mv_quantity quantity;
        struct mv_err err = { 0 };
        char out[MV_QUANTITY_TEXT];
        if (mv_quantity_parse(text, &quantity, &err) < 0)
                return text; /* no API server lets it through */
        return mv_arena_copy(arena, mv_quantity_print(&quantity, out));
}

/* The layer sets it. ret, unless NULL, gets the value. */
static bool read_row(const struct layer *layer, const struct row *row, struct mv_setting *ret) {
        const void *at = (const char *)layer + row->offset;
        int64_t number = 0;
        struct mv_str text = { 0 };
        bool set = false;
        switch (row->type) {
        case MV_SETTING_BOOL:
        case MV_SETTING_GROUP:
                set = *(const enum mv_optional *)at != MV_UNSET;
                number = *(const enum mv_optional *)at == MV_TRUE;
                break;
        case MV_SETTING_INT:
                set = ((const struct mv_optional_int *)at)->set;
                number = ((const struct mv_optional_int *)at)->value;
                break;
        case MV_SETTING_QUANTITY:
        case MV_SETTING_STRING:
                text = *(const struct mv_str *)at;
                set = text.p != NULL;
                break;
        }
        if (set && ret) {
                ret->number = number;
                ret->text = text;
                ret->from = layer->from;
        }
        return set;
}

static bool read_default(const struct row *row, unsigned version, struct mv_setting *ret) {
        const struct default_value *value = NULL;
        for (size_t i = 0; i < DEFAULTS; i++)
                if (row->defaults[i].given && row->defaults[i].since <= version)
                        value = &row->defaults[i];
        if (!value)
                return false;
        ret->number = value->number;
        ret->text = mv_str_from(value->text);
        ret->from = MV_STR("default");
        return true;
}

/* The text of `experimental` into the layer. A text of other types than the API's cannot be stored, and counts as none. */
static void read_experimental(struct mv_arena *arena, struct mv_str text, struct layer *layer) {
        char *copy = text.n ? mv_arena_allocate(arena, text.n + MV_SCAN_PADDING, 1) : NULL;
        struct experimental experimental;
        struct mv_err err = { 0 };
        if (!copy)
                return;
        memcpy(copy, text.p, text.n);
        if (mv_decode(&(struct mv_decode){ .arena = arena }, (struct mv_str){ copy, text.n },
                      &experimental_table, &experimental, &err) < 0)
                return;
        layer->experimental = MV_TRUE;
        layer->compression = experimental.compression;
        if (experimental.downtime_tuning) {
                layer->downtime_tuning = MV_TRUE;
                layer->tuning = *experimental.downtime_tuning;
        }
        if (experimental.stall_detector) {
                layer->stall_detector = MV_TRUE;
                layer->stall = *experimental.stall_detector;
        }
}

/* The layers are those that set something, the one that wins first; below them are the defaults. */
static void merge(struct mv_arena *arena, const struct layer *layers, size_t n, unsigned version,
                  struct mv_resolution *ret) {
        struct mv_setting *settings = mv_arena_new_array(arena, struct mv_setting, ROWS);
        if (!settings)
                return;
        for (size_t i = 0; i < ROWS; i++) {
                const struct row *row = &rows[i];
                struct mv_setting setting = { .path = row->path, .type = row->type };
                bool set = false;
                if (row->since > version)
                        continue;
                for (size_t k = 0; k < n && !set; k++) {
                        set = read_row(&layers[k], row, &setting);
                        if (!set && row->follows)
                                set = setting.follows = read_row(&layers[k], &rows[row->follows], &setting);
                }
                if (!set && !read_default(row, version, &setting))
                        continue;
                if (row->type == MV_SETTING_QUANTITY)
                        setting.text = canonical(arena, setting.text);
                settings[ret->n_settings++] = setting;
        }
        ret->settings = settings;
}

static bool sets_something(const struct layer *layer, unsigned version) {
        for (size_t i = 0; i < ROWS; i++)
                if (rows[i].since <= version && read_row(layer, &rows[i], NULL))
                        return true;
        return false;
}

const struct mv_resolution *mv_resolve(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                       const struct mv_vmi *vmi, unsigned version) {
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        struct mv_resolution *resolution = mv_arena_new(arena, struct mv_resolution);
        struct layer *layers = mv_arena_new_array(arena, struct layer, 2);
        if (!resolution || !layers)
                return NULL;
        find_matches(arena, snapshot, vmi, resolution);
        size_t n = 0;
        if (resolution->n_matches) {
                const struct mv_migration_policy *policy = resolution->matches[0].policy;
                struct layer *layer = &layers[n++];
                layer->from = mv_arena_format(arena, "MigrationPolicy/%.*s", MV_STR_ARG(policy->meta.name));
                layer->set = policy->spec.settings;
                read_experimental(arena, policy->spec.settings.experimental, layer);
                resolution->recorded =
                        mv_behaviour_of(version)->empty_policies_named || sets_something(layer, version);
        }
        layers[n].from = config->from;
        layers[n++].set = config->spec->migrations;
        merge(arena, layers, n, version, resolution);
        return mv_arena_failed(arena) ? NULL : resolution;
}

const struct mv_setting *mv_resolution_setting(const struct mv_resolution *resolution, const char *path) {
        for (size_t i = 0; resolution && i < resolution->n_settings; i++)
                if (strcmp(resolution->settings[i].path, path) == 0)
                        return &resolution->settings[i];
        return NULL;
}

int64_t mv_resolution_number(const struct mv_resolution *resolution, const char *path) {
        const struct mv_setting *setting = mv_resolution_setting(resolution, path);
        return setting ? setting->number : 0;
}

const struct mv_policy_match *mv_resolution_policy(const struct mv_resolution *resolution) {
        return resolution && resolution->recorded ? &resolution->matches[0] : NULL;
}

const struct mv_setting *mv_settings_of(struct mv_arena *arena, const struct mv_kubevirt_configuration *spec,
                                        struct mv_str from, unsigned version, size_t *ret_n) {
        struct mv_resolution resolution = { 0 };
        struct layer *layer = mv_arena_new(arena, struct layer);
        if (!layer)
                return NULL;
        layer->from = from;
        layer->set = spec->migrations;
        merge(arena, layer, 1, version, &resolution);
        *ret_n = resolution.n_settings;
        return mv_arena_failed(arena) ? NULL : resolution.settings;
}

const struct mv_setting *mv_setting_find(const struct mv_setting *settings, size_t n, const char *path) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(settings[i].path, path) == 0)
                        return &settings[i];
        return NULL;
}

bool mv_setting_exists(const char *path, unsigned version) {
        for (size_t i = 0; i < ROWS; i++)
                if (strcmp(rows[i].path, path) == 0)
                        return rows[i].since <= version;
        return false;
}

struct mv_str mv_setting_text(struct mv_arena *arena, const struct mv_setting *setting) {
        switch (setting->type) {
        case MV_SETTING_BOOL:
                return setting->number ? MV_STR("true") : MV_STR("false");
        case MV_SETTING_INT:
                return mv_arena_format(arena, "%lld", (long long)setting->number);
        case MV_SETTING_QUANTITY:
        case MV_SETTING_STRING:
        case MV_SETTING_GROUP:
                break;
        }
        return setting->text;
}
