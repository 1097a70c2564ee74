/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster that just remembers: what a reflector told it, for tests. */
#pragma once

#include "cluster/kube/reflector.h"

enum { SINK_MOST = 600 };

struct sink_object {
        char name[64], version[32];
        bool here, came; /* came: in the list under way */
};

struct sink {
        struct sink_object objects[SINK_MOST];
        size_t n;
        bool listing;
        enum mv_knowledge knowledge;
        char reason[320];
        unsigned lists, knows;
        bool no_memory;      /* put fails */
        char unreadable[64]; /* put of that name is MV_ETYPE */
};

extern const struct mv_reflector_sink sink_functions; /* context: struct sink */

/* "a=1 b=7": name and resourceVersion of each object, sorted by name. */
void sink_text(const struct sink *sink, char *out, size_t size);
