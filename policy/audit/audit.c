/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/audit.h"

#include "policy/base/hash.h"
#include "policy/object/digest.h"
#include "policy/refusal.h"
#include "policy/resolve.h"

static uint64_t add_refused(uint64_t digest, const struct mv_refused *refused) {
        digest = mv_digest_add(digest, (uint64_t)(unsigned)refused->code);
        digest = mv_hash_add(digest, mv_str_from(refused->reason));
        for (size_t i = 0; i < refused->n_causes; i++)
                digest = mv_hash_add(digest, refused->causes[i].field);
        return mv_hash_add(digest, refused->missing_name);
}

uint64_t mv_verdict_digest(const struct mv_verdict *verdict) {
        const struct mv_policy_match *match = mv_resolution_policy(verdict->resolution);
        uint64_t digest = mv_digest_add(MV_HASH_START, verdict->migratable);
        digest = mv_digest_add(digest, verdict->refused != NULL);
        if (verdict->refused)
                digest = add_refused(digest, verdict->refused);
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                if (f->outcome == MV_OUTCOME_PASS)
                        continue;
                digest = mv_hash_add(digest, mv_str_from(f->rule->id));
                digest = mv_digest_add(digest, f->severity);
                digest = mv_digest_add(digest, f->outcome);
                digest = mv_hash_add(digest, f->field);
        }
        return mv_hash_add(digest, match ? match->policy->meta.name : MV_STR(""));
}

bool mv_verdict_differs(const struct mv_verdict *a, const struct mv_verdict *b) {
        return mv_verdict_digest(a) != mv_verdict_digest(b);
}
