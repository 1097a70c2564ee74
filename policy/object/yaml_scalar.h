/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a YAML scalar means: null, a boolean, a number or text. This is YAML 1.1 as kubectl reads it, that
 * is as go.yaml.in/yaml/v2 resolves scalars and Go's encoding/json prints them: `yes` is true, `017` is 15,
 * `1:30` is text. Only yaml.c uses it.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>

enum mv_yaml_type { MV_YAML_NULL, MV_YAML_BOOL, MV_YAML_INT, MV_YAML_FLOAT, MV_YAML_TEXT };

struct mv_yaml_scalar {
        enum mv_yaml_type type;
        bool boolean;                 /* BOOL: the value. INT: it is negative */
        unsigned long long magnitude; /* INT */
        double number;                /* FLOAT; may be infinite or not a number */
        struct mv_str text;           /* TEXT */
};

enum { MV_YAML_NUMBER_SIZE = 64 };

/*
 * Resolve text. plain: libyaml's plain_implicit, true of unquoted scalars without a tag. tag is the full
 * tag ("tag:yaml.org,2002:int"), empty when there is none. What is text is borrowed from text, or
 * (!!binary) lies in arena. Returns 0, or MV_ETYPE when the text is no value of its tag, or MV_ENOMEM.
 */
int mv_yaml_scalar_resolve(struct mv_arena *arena, struct mv_str text, struct mv_str tag, bool plain,
                           struct mv_yaml_scalar *ret, struct mv_err *err);

/* Print an INT, or a finite FLOAT, as JSON. out has MV_YAML_NUMBER_SIZE bytes. Returns out as slice. */
struct mv_str mv_yaml_scalar_print(const struct mv_yaml_scalar *scalar, char *out);

/* The text that a scalar is as key of a mapping: numbers are printed, floats with the precision of 32
 * bits (sic). False when it cannot be a key (null, integers from 2^63 on). out has MV_YAML_NUMBER_SIZE
 * bytes; *ret may lie in it. */
bool mv_yaml_scalar_key(const struct mv_yaml_scalar *scalar, char *out, struct mv_str *ret);
