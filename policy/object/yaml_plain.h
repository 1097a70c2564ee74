/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the YAML reader: the YAML that programs write and most people, without libyaml and without a tree. One pass
 * over the lines writes the JSON text; that is several times as fast, and needs no memory but the JSON's.
 *
 * It reads ASCII without tabs: block mappings and sequences with simple keys, scalars on one line, literal texts (`|` and
 * `|-`), `{}` and `[]`, comments. What it reads means exactly what libyaml and yaml_tree.c make of it: same JSON, same
 * places. For the rest (anchors, tags, flow collections, a key that comes twice, limits that are exceeded) and for
 * whatever it is not sure of it has no error, but leaves the document to them.
 */
#pragma once

#include "policy/object/yaml_tree.h"

enum mv_yaml_plain {
        MV_YAML_PLAIN_READ, /* yaml->json and yaml->places have the next document that is not empty */
        MV_YAML_PLAIN_END,  /* there is none */
        MV_YAML_PLAIN_OTHER, /* yaml->at is where the one begins that libyaml has to read; json and places are of no use */
};

/* Read on at yaml->at. Whether there was memory enough is to be asked of json, places and arena. */
enum mv_yaml_plain mv_yaml_plain_next(struct mv_yaml *yaml);
