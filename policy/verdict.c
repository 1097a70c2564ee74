/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/verdict.h"

const char *mv_verdict_word(enum mv_outcome migratable) {
        static const char *const words[] = { "True", "False", "Unknown" };
        return words[migratable];
}

const char *mv_severity_name(enum mv_severity severity) {
        static const char *const names[] = { "note", "risk", "blocker" };
        return names[severity];
}

const char *mv_outcome_name(enum mv_outcome outcome) {
        static const char *const names[] = { "pass", "fail", "unknown" };
        return names[outcome];
}

const char *mv_area_name(enum mv_area area) {
        static const char *const names[] = { "storage",       "network",   "cpu",         "device",
                                             "security",      "placement", "eviction",    "request",
                                             "configuration", "policy",    "convergence", "maintenance",
                                             "site",          "verdict" };
        return names[area];
}
