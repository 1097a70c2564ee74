/* SPDX-License-Identifier: Apache-2.0 */
/* What every object has: metadata, conditions, references. Slices are borrowed from the text or the arena that the
 * object was decoded with; an object lives as long as they do. */
#pragma once

#include "policy/object/decode.h"

struct mv_owner {
        struct mv_str api_version, kind, name, uid;
        bool controller;
};

struct mv_meta {
        struct mv_str name, generate_name, namespace, uid, resource_version;
        struct mv_str creation_timestamp;
        struct mv_str deletion_timestamp; /* "" when it is not being deleted */
        struct mv_map labels, annotations;
        MV_LIST(struct mv_owner) owners;
        /* The whole object as JSON, which nobody decodes: for the siteRules of a configuration. p is NULL where whoever made
         * the object did not keep it. */
        struct mv_str text;
};

struct mv_condition {
        struct mv_str type, status, reason, message;
};
struct mv_conditions {
        struct mv_condition *items;
        size_t n;
};

/* apiVersion, kind and metadata of an object whose kind is not known yet. */
struct mv_any {
        struct mv_str api_version, kind;
        struct mv_meta meta;
};

extern const struct mv_table mv_table_meta;
extern const struct mv_table mv_table_owner;
extern const struct mv_table mv_table_condition;
extern const struct mv_table mv_table_any;

/* The condition of that type, or NULL. */
const struct mv_condition *mv_condition_find(const struct mv_conditions *conditions, struct mv_str type);
/* The owner that controls the object, or NULL. */
const struct mv_owner *mv_meta_controller(const struct mv_meta *meta);
/* "group/version" -> "group"; "v1" -> "". */
struct mv_str mv_api_group(struct mv_str api_version);
