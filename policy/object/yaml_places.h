/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each key and value of a document stands in its YAML, by the byte of the JSON text that it begins at. Only the YAML
 * reader uses it.
 *
 * A large List has a million of them, so they are kept as differences, of some three bytes each.
 */
#pragma once

#include "policy/base/buf.h"

struct mv_yaml_place {
        size_t offset;         /* from this byte of the JSON text on, it comes from */
        unsigned line, column; /* there; both 1-based */
};

struct mv_yaml_places {
        struct mv_buf whole; /* each so manieth, and where those after it begin in */
        struct mv_buf steps; /* the others, as differences to the one before */
        size_t n;
        struct mv_yaml_place last;
};

void mv_yaml_places_init(struct mv_yaml_places *places, const struct mv_allocator *allocator);
void mv_yaml_places_done(struct mv_yaml_places *places);
void mv_yaml_places_clear(struct mv_yaml_places *places);

/* In the order of their offsets. A failure is told by mv_yaml_places_failed. */
void mv_yaml_places_add(struct mv_yaml_places *places, const struct mv_yaml_place *place);
bool mv_yaml_places_failed(const struct mv_yaml_places *places);

/* The last one at or before offset; 1:1 when there is none. */
struct mv_yaml_place mv_yaml_places_find(const struct mv_yaml_places *places, size_t offset);
