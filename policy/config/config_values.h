/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For policy/config/config.c: reading one value of a configuration, and saying where and why it is wrong. The first error is
 * kept; afterwards values are read on, and nobody uses them.
 */
#pragma once

#include "policy/config/config.h"

struct mv_config_reading {
        struct mv_arena *arena;
        struct mv_str json; /* the document; all slices point into it, or into the arena */
        struct mv_err *err; /* not NULL */
        const struct mv_site_rules *site_rules; /* that were read; their severities may be set, too */
        int code;                               /* 0, or that of the first error */
};

/* Paths of fields, for the calls below. */
#define MV_AT(parent_, key_) (&(const struct mv_path){ .parent = (parent_), .key = MV_STR(key_) })
#define MV_AT_ITEM(parent_, index_) (&(const struct mv_path){ .parent = (parent_), .index = (index_) })
#define MV_AT_KEY(parent_, key_) (&(const struct mv_path){ .parent = (parent_), .key = (key_) })

/* The rule of the registry, or of siteRules, that has this name; NULL when there is none. */
const struct mv_rule *mv_config_find_rule(const struct mv_config_reading *reading, struct mv_str name);
/* The value at path, or what comes next above it, is wrong. */
void mv_config_wrong(struct mv_config_reading *reading, const struct mv_path *path, int code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Likewise the key. */
void mv_config_wrong_key(struct mv_config_reading *reading, const struct mv_path *path, const char *problem);
/* There is a value other than null. */
bool mv_config_given(const struct mv_config_reading *reading, const struct mv_path *path);

/* A text that is not empty; absent: it is an error when it is required. */
void mv_config_text(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                    bool required);
/* The position of value among names (ends with NULL); absent: fallback. */
int mv_config_choice(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                     const char *const *names, int fallback);
/* Likewise of its JSON text, which may be a boolean: YAML takes `off` for false, `True` for true. */
int mv_config_choice_json(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str json,
                          const char *const *names, int fallback);
/* "1h30m", "90s", "500ms": milliseconds from least to most; absent: fallback. */
unsigned mv_config_duration(struct mv_config_reading *reading, const struct mv_path *path,
                            struct mv_str value, unsigned least, unsigned most, unsigned fallback);
/* A quantity of bytes, likewise. */
size_t mv_config_bytes(struct mv_config_reading *reading, const struct mv_path *path, struct mv_str value,
                       size_t least, size_t most, size_t fallback);
unsigned mv_config_number(struct mv_config_reading *reading, const struct mv_path *path,
                          struct mv_optional_int value, unsigned least, unsigned most, unsigned fallback);
/* Compile the patterns of a list that must not be empty where it is given. */
struct mv_patterns mv_config_patterns(struct mv_config_reading *reading, const struct mv_path *path,
                                      const struct mv_strings *texts, bool may_be_empty);
/* The selector is one that Kubernetes takes. */
void mv_config_selector(struct mv_config_reading *reading, const struct mv_path *path,
                        const struct mv_label_selector *selector);
/* An object of severities by rule; "" gives none. */
struct mv_rule_severities mv_config_severities(struct mv_config_reading *reading, const struct mv_path *path,
                                               struct mv_str json);
