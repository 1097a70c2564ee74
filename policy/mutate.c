/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/mutate.h"

#include "policy/base/json.h"
#include "policy/behaviour.h"
#include "policy/inputs.h"
#include "policy/narrow.h"
#include "policy/nodes/nodefit.h"
#include "policy/resolve.h"

#include <inttypes.h>

/* --- the stamp --- */

/* The step of a JSON pointer (RFC 6901) has "~1" for "/". */
#define ANNOTATION(name, member) \
        { "migvet.io/" name, "/metadata/annotations/migvet.io~1" name, offsetof(struct mv_stamp, member) }
static const struct {
        const char *key, *path;
        size_t offset;
} annotations[] = {
        ANNOTATION("inputs", inputs),   ANNOTATION("policy", policy),   ANNOTATION("rules", rules),
        ANNOTATION("targets", targets), ANNOTATION("verdict", verdict),
};
enum { ANNOTATIONS = sizeof annotations / sizeof *annotations };

static struct mv_str value_of(const struct mv_stamp *stamp, size_t i) {
        return *(const struct mv_str *)(const void *)((const char *)stamp + annotations[i].offset);
}

/* Another policy might apply than the one that was found. */
static bool policy_in_doubt(const struct mv_snapshot *snapshot, const struct mv_resolution *resolution) {
        return !resolution || resolution->namespace_matters ||
               mv_snapshot_is_blind(snapshot, MV_KIND_MIGRATION_POLICY);
}

/* The spec with the selector in it, so that its digest is that of the object as it will be. */
static struct mv_str filled(struct mv_arena *arena, struct mv_str spec, const struct mv_pair *selector) {
        static const char padding[MV_SCAN_PADDING];
        struct mv_str rest = mv_str_skip(spec, 1), copy;
        struct mv_scan scan;
        struct mv_buf buf;
        mv_scan_init(&scan, rest);
        mv_buf_init(&buf, arena->allocator, spec.n + 4096);
        mv_buf_append_text(&buf, "{\"addedNodeSelector\":{");
        mv_buf_append_quoted(&buf, selector->key);
        mv_buf_append_byte(&buf, ':');
        mv_buf_append_quoted(&buf, selector->value);
        mv_buf_append_text(&buf, mv_scan_peek(&scan) == '}' ? "}" : "},");
        mv_buf_append_str(&buf, rest);
        mv_buf_append(&buf, padding, sizeof padding);
        copy = mv_arena_copy(arena, mv_buf_str(&buf));
        copy.n -= copy.n ? sizeof padding : 0;
        mv_buf_done(&buf);
        return copy;
}

void mv_stamp_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, enum mv_kind kind,
                   struct mv_str spec, const struct mv_pair *selector, const struct mv_verdict *verdict,
                   struct mv_stamp *ret) {
        if (selector)
                spec = filled(arena, spec, selector);
        const struct mv_fit *fit = verdict->fit;
        struct mv_decision said;
        mv_decision_init(&said);
        mv_decision_annotate(arena, verdict, &said);
        *ret = (struct mv_stamp){
                .verdict = said.verdict,
                .rules = said.rules,
                .policy = policy_in_doubt(snapshot, verdict->resolution) ? MV_STR("unknown") : said.policy,
                .inputs = mv_arena_format(arena, "%016" PRIx64,
                                          mv_inputs_digest(arena, snapshot, kind, spec, verdict)),
        };
        if (fit)
                ret->targets = mv_arena_format(arena, "%zu", mv_node_set_count(fit->index, fit->feasible));
}

void mv_stamp_unknown(struct mv_stamp *ret) {
        *ret = (struct mv_stamp){ .verdict = MV_STR("Unknown"), .policy = MV_STR("unknown") };
}

void mv_stamp_read(const struct mv_map *map, struct mv_stamp *ret) {
        *ret = (struct mv_stamp){ 0 };
        for (size_t i = 0; i < ANNOTATIONS; i++) {
                const struct mv_str *value = mv_map_get(map, mv_str_from(annotations[i].key));
                if (value)
                        *(struct mv_str *)(void *)((char *)ret + annotations[i].offset) = *value;
        }
}

/* --- the selector --- */

bool mv_selector_fill(struct mv_arena *arena, const struct mv_config *config,
                      const struct mv_kubevirt_config *kubevirt, struct mv_str user,
                      const struct mv_migration *migration, const struct mv_verdict *verdict,
                      struct mv_pair *ret) {
        unsigned version = kubevirt->version_number;
        if (!config->fill_node_selector || mv_user_is_controller(kubevirt, user) ||
            migration->spec.added_node_selector.present || !version ||
            !mv_behaviour_of(version)->added_node_selector || mv_migration_is_decentralized(migration))
                return false;
        /* What the pod requests decides where it fits. */
        if (!verdict->fit_question || verdict->fit_question->launcher->problem.n)
                return false;
        return mv_narrow(arena, verdict->fit, ret);
}

/* --- the patch --- */

bool mv_patched_read(struct mv_arena *arena, struct mv_str object, struct mv_patched *ret) {
        static const struct mv_field fields[] = {
                MV_FIELD_TABLE(struct mv_patched, "metadata", MV_TYPE_POINTER, meta, &mv_table_meta),
                MV_FIELD(struct mv_patched, "spec", MV_TYPE_RAW, spec),
        };
        static const struct mv_table table = MV_TABLE(fields, struct mv_patched);
        struct mv_table metadata = table;
        const struct mv_decode decode = { .arena = arena };
        metadata.n = 1; /* one whose spec comes twice is stamped Unknown */
        return mv_decode(&decode, object, &table, ret, NULL) == 0 ||
               mv_decode(&decode, object, &metadata, ret, NULL) == 0;
}

static void add_members(struct mv_json *json, const struct mv_stamp *stamp) {
        mv_json_object(json);
        for (size_t i = 0; i < ANNOTATIONS; i++)
                if (value_of(stamp, i).p)
                        mv_json_member(json, annotations[i].key, value_of(stamp, i));
        mv_json_end(json);
}

/* There is no map of annotations yet, maybe not even metadata: add it whole. */
static void add_map(struct mv_json *json, bool has_metadata, const struct mv_stamp *stamp) {
        mv_json_object(json);
        mv_json_member(json, "op", MV_STR("add"));
        mv_json_member(json, "path", has_metadata ? MV_STR("/metadata/annotations") : MV_STR("/metadata"));
        mv_json_key(json, "value");
        if (!has_metadata) {
                mv_json_object(json);
                mv_json_key(json, "annotations");
        }
        add_members(json, stamp);
        if (!has_metadata)
                mv_json_end(json);
        mv_json_end(json);
}

/* Bring one annotation from its old value (NULL: it is not there) to the one in the stamp. */
static void change(struct mv_json *json, const char *path, const struct mv_str *old, struct mv_str new) {
        if (old ? new.p &&mv_str_equal(*old, new) : !new.p)
                return;
        mv_json_object(json);
        mv_json_member(json, "op", mv_str_from(!old ? "add" : new.p ? "replace" : "remove"));
        mv_json_member(json, "path", mv_str_from(path));
        if (new.p)
                mv_json_member(json, "value", new);
        mv_json_end(json);
}

static bool is_empty(const struct mv_stamp *stamp) {
        for (size_t i = 0; i < ANNOTATIONS; i++)
                if (value_of(stamp, i).p)
                        return false;
        return true;
}

static void fill(struct mv_json *json, const struct mv_pair *selector) {
        mv_json_object(json);
        mv_json_member(json, "op", MV_STR("add"));
        mv_json_member(json, "path", MV_STR("/spec/addedNodeSelector"));
        mv_json_key(json, "value");
        mv_json_object(json);
        mv_json_key_str(json, selector->key);
        mv_json_string(json, selector->value);
        mv_json_end(json);
        mv_json_end(json);
}

void mv_patch_write(struct mv_buf *out, const struct mv_patched *object, const struct mv_stamp *stamp,
                    const struct mv_pair *selector) {
        const struct mv_map *map = object->meta ? &object->meta->annotations : NULL;
        size_t before = out->n;
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_array(&json);
        if (!map || !map->present) {
                if (!is_empty(stamp))
                        add_map(&json, map != NULL, stamp);
        } else
                for (size_t i = 0; i < ANNOTATIONS; i++)
                        change(&json, annotations[i].path, mv_map_get(map, mv_str_from(annotations[i].key)),
                               value_of(stamp, i));
        if (selector)
                fill(&json, selector);
        mv_json_end(&json);
        if (!mv_buf_failed(out) && out->n == before + 2)
                out->n = before; /* "[]" */
}
