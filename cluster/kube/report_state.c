/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/report_state.h"

#include "policy/base/hash.h"

struct entry {
        struct mv_audit_key key;
        uint64_t version; /* hash of the resourceVersion */
        uint64_t digest;  /* of what it says */
        uint32_t listing; /* that told of it last */
        bool known;       /* what it says */
};

void mv_report_state_init(struct mv_report_state *state) {
        *state = (struct mv_report_state){ 0 };
        mv_audit_table_init(&state->table, &mv_allocator_system, sizeof(struct entry));
}

void mv_report_state_done(struct mv_report_state *state) {
        mv_audit_table_done(&state->table);
}

static struct entry *find(const struct mv_report_state *state, struct mv_str namespace) {
        return mv_audit_table_find(&state->table, MV_KIND_NAMESPACE, MV_STR(""), namespace);
}

static struct entry *put(struct mv_report_state *state, struct mv_str namespace) {
        return mv_audit_table_put(&state->table, MV_KIND_NAMESPACE, MV_STR(""), namespace);
}

void mv_report_state_begin(struct mv_report_state *state) {
        state->listing++;
}

bool mv_report_state_listed(struct mv_report_state *state, struct mv_str namespace, struct mv_str version) {
        struct entry *entry = put(state, namespace);
        uint64_t hash = mv_hash_add(MV_HASH_START, version);
        if (!entry)
                return false;
        entry->listing = state->listing;
        entry->known = entry->known && entry->version == hash;
        entry->version = hash;
        return true;
}

static bool was_not_listed(void *context, void *item) {
        const struct mv_report_state *state = context;
        return ((const struct entry *)item)->listing != state->listing;
}

void mv_report_state_end(struct mv_report_state *state) {
        mv_audit_table_drop(&state->table, was_not_listed, state);
}

bool mv_report_state_wants(const struct mv_report_state *state, struct mv_str namespace, uint64_t digest) {
        const struct entry *entry = find(state, namespace);
        return !entry || !entry->known || entry->digest != digest;
}

void mv_report_state_written(struct mv_report_state *state, struct mv_str namespace, struct mv_str version,
                             uint64_t digest) {
        struct entry *entry = put(state, namespace);
        if (!entry)
                return; /* it is written once more */
        entry->version = mv_hash_add(MV_HASH_START, version);
        entry->digest = digest;
        entry->known = true;
        entry->listing = state->listing;
}

bool mv_report_state_has(const struct mv_report_state *state, struct mv_str namespace) {
        return find(state, namespace) != NULL;
}

static bool is_that(void *context, void *item) {
        return context == item;
}

void mv_report_state_forget(struct mv_report_state *state, struct mv_str namespace) {
        struct entry *entry = find(state, namespace);
        if (entry)
                mv_audit_table_drop(&state->table, is_that, entry);
}

bool mv_report_state_each(const struct mv_report_state *state, size_t *at, struct mv_str *ret) {
        const struct entry *entry = mv_audit_table_each(&state->table, at);
        if (entry)
                *ret = entry->key.name;
        return entry != NULL;
}

size_t mv_report_state_count(const struct mv_report_state *state) {
        return state->table.n;
}
