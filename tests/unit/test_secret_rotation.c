/* SPDX-License-Identifier: Apache-2.0 */
/* The authority in a Secret: each state as a row, and a model of leader, replicas and API server in which anything
 * may stop at any moment. */
#include "certs/secret_rotation.h"

#include "certs/authority.h"
#include "certs/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COMMON .leaf_seconds = 300, .settle_ms = 5000
#define CA(from, to) COMMON, .has_ca = true, .ca_is_ours = true, .ca = { from, to }
#define THEIR_CA(from, to) COMMON, .has_ca = true, .ca = { from, to }
#define NEXT(from, to) .has_next = true, .next = { from, to }
#define SEEN(ms) .published = true, .published_ms = (ms)
#define OLD(since) .has_old = true, .in_use_since = (since)

static void test_decide(void **state) {
        static const struct {
                const char *what;
                struct mv_secret_state state;
                time_t now;
                enum mv_secret_step step;
                long long next; /* or wait_ms */
        } rows[] = {
                { "nothing", { COMMON }, 100, MV_SECRET_CREATE, 0 },
                { "all well", { CA(0, 3000) }, 100, MV_SECRET_NONE, 2000 },
                { "a second before", { CA(0, 3000) }, 1999, MV_SECRET_NONE, 2000 },
                { "two thirds", { CA(0, 3000) }, 2000, MV_SECRET_STAGE, 0 },
                { "asked for", { CA(0, 3000), .requested = true }, 100, MV_SECRET_STAGE, 0 },
                /* A crash behind STAGE, and each one later: it goes on where it was. */
                { "staged", { CA(0, 3000), NEXT(2000, 5000) }, 2001, MV_SECRET_PUBLISH, 0 },
                { "staged on request, asked again",
                  { CA(0, 3000), NEXT(2000, 5000), .requested = true },
                  2001,
                  MV_SECRET_PUBLISH,
                  0 },
                { "published", { CA(0, 3000), NEXT(2000, 5000), SEEN(0) }, 2001, MV_SECRET_SETTLE, 5000 },
                { "settling", { CA(0, 3000), NEXT(2000, 5000), SEEN(4999) }, 2006, MV_SECRET_SETTLE, 1 },
                { "settled", { CA(0, 3000), NEXT(2000, 5000), SEEN(5000) }, 2006, MV_SECRET_SWITCH, 0 },
                { "tampered with while settling",
                  { CA(0, 3000), NEXT(2000, 5000), .published_ms = 9000 },
                  2006,
                  MV_SECRET_PUBLISH,
                  0 },
                { "switched", { CA(2000, 5000), OLD(2010) }, 2011, MV_SECRET_NONE, 2910 },
                { "old leaves may live", { CA(2000, 5000), OLD(2010) }, 2909, MV_SECRET_NONE, 2910 },
                { "no old leaf lives", { CA(2000, 5000), OLD(2010) }, 2910, MV_SECRET_DROP, 0 },
                { "dropped", { CA(2000, 5000), .in_use_since = 2010 }, 2911, MV_SECRET_NONE, 4000 },
                { "since when is lost", { CA(2000, 5000), OLD(0) }, 2911, MV_SECRET_MARK, 0 },
                { "asked for again before the drop",
                  { CA(2000, 5000), OLD(2010), .requested = true },
                  2011,
                  MV_SECRET_STAGE,
                  0 },
                { "old, and due", { CA(2000, 5000), OLD(3900) }, 4000, MV_SECRET_STAGE, 0 },
                { "staged with old ones: nothing is dropped",
                  { CA(2000, 5000), OLD(2010), NEXT(4000, 7000), SEEN(1) },
                  4001,
                  MV_SECRET_SETTLE,
                  4999 },
                /* Over. */
                { "expired", { CA(0, 3000) }, 3000, MV_SECRET_REPLACE, 0 },
                { "expired, the next is there",
                  { CA(0, 3000), NEXT(2000, 5000) },
                  3000,
                  MV_SECRET_SWITCH,
                  0 },
                { "both expired", { CA(0, 3000), NEXT(2000, 5000) }, 5000, MV_SECRET_REPLACE, 0 },
                { "the next one expired", { CA(0, 9000), NEXT(2000, 5000) }, 5000, MV_SECRET_STAGE, 0 },
                { "theirs, old", { THEIR_CA(0, 3000) }, 2900, MV_SECRET_NONE, 3000 },
                { "theirs, over", { THEIR_CA(0, 3000) }, 3000, MV_SECRET_STUCK, 0 },
                { "theirs, asked for", { THEIR_CA(0, 3000), .requested = true }, 100, MV_SECRET_STUCK, 0 },
                /* The clock leaps. */
                { "before everything, and sure", { CA(500, 3000) }, 100, MV_SECRET_REPLACE, 0 },
                { "before everything", { CA(500, 3000), .clock_in_doubt = true }, 100, MV_SECRET_NONE, 0 },
                { "far ahead", { CA(0, 3000), .clock_in_doubt = true }, 1000000, MV_SECRET_NONE, 0 },
                { "ahead by age", { CA(0, 3000), .clock_in_doubt = true }, 2500, MV_SECRET_NONE, 0 },
                { "asked for, in doubt",
                  { CA(0, 3000), .requested = true, .clock_in_doubt = true },
                  100,
                  MV_SECRET_NONE,
                  0 },
                { "settled, in doubt",
                  { CA(0, 3000), NEXT(2000, 5000), SEEN(5000), .clock_in_doubt = true },
                  2006,
                  MV_SECRET_NONE,
                  0 },
                { "to be dropped, in doubt",
                  { CA(2000, 5000), OLD(2010), .clock_in_doubt = true },
                  2910,
                  MV_SECRET_NONE,
                  2910 },
                { "staged in the future",
                  { CA(0, 3000), NEXT(2500, 5500), SEEN(9000) },
                  2001,
                  MV_SECRET_STAGE,
                  0 },
                { "in use since the future", { CA(0, 3000), OLD(1500) }, 100, MV_SECRET_NONE, 2000 },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct mv_secret_decision d = mv_secret_decide(&rows[i].state, rows[i].now);
                long long next = d.step == MV_SECRET_SETTLE ? d.wait_ms : (long long)d.next;
                if (d.step != rows[i].step || next != rows[i].next)
                        fail_msg("%s: %s, next %lld", rows[i].what, mv_secret_step_name(d.step), next);
                assert_non_null(d.reason);
                if (d.step != MV_SECRET_NONE)
                        assert_true(d.reason[0] != '\0');
        }
}

static void test_leaf(void **state) {
        static const struct {
                const char *what;
                struct mv_secret_leaf_state state;
                time_t now;
                bool due;
        } rows[] = {
#define AUTHORITY .ca = { 0, 9000 }, .ca_published = true, .leaf_seconds = 300
#define LEAF(from, to) .has_leaf = true, .from_ca = true, .has_names = true, .leaf = { from, to }
                { "none", { AUTHORITY, .read = 100 }, 100, true },
                { "none, authority not in time", { AUTHORITY, .read = 9000 }, 9000, false },
                { "none, and a Secret of long ago", { AUTHORITY, .read = 100 }, 400, false },
                { "well", { AUTHORITY, LEAF(0, 300), .read = 100 }, 100, false },
                { "two thirds", { AUTHORITY, LEAF(0, 300), .read = 200 }, 200, true },
                { "two thirds, the API is away", { AUTHORITY, LEAF(0, 300), .read = 0 }, 200, false },
                { "expired", { AUTHORITY, LEAF(0, 300), .read = 300 }, 300, true },
                { "not valid yet", { AUTHORITY, LEAF(500, 800), .read = 100 }, 100, true },
                { "a name is missing",
                  { AUTHORITY, .has_leaf = true, .from_ca = true, .leaf = { 0, 300 }, .read = 100 },
                  100,
                  true },
                { "of another one",
                  { AUTHORITY, .has_leaf = true, .has_names = true, .leaf = { 0, 300 }, .read = 100 },
                  100,
                  true },
                { "of another one, which alone is published",
                  { .ca = { 0, 9000 },
                    .leaf_seconds = 300,
                    .has_leaf = true,
                    .leaf = { 0, 300 },
                    .read = 100 },
                  250,
                  false },
                { "the same, but it has expired",
                  { .ca = { 0, 9000 },
                    .leaf_seconds = 300,
                    .has_leaf = true,
                    .leaf = { 0, 300 },
                    .read = 300 },
                  300,
                  true },
                { "ends with its authority",
                  { .ca = { 0, 300 }, .ca_published = true, .leaf_seconds = 900, LEAF(0, 300), .read = 250 },
                  250,
                  false },
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const char *reason = NULL;
                if (mv_secret_leaf_due(&rows[i].state, rows[i].now, &reason) != rows[i].due)
                        fail_msg("%s: not %d", rows[i].what, rows[i].due);
                assert_int_equal(reason != NULL, rows[i].due);
        }
}

/* --- a model --- */

enum {
        REPLICAS = 3,
        LEAF_LIFE = 1800,
        CA_LIFE = 6000,
        SETTLE = 30,
        AUTHORITIES = 400,
        RUNS = 60,
        LONG = 60000,
};

/* Bundles as sets: authority i is bit i of the words. */
struct set {
        uint64_t words[(AUTHORITIES + 63) / 64];
};
static bool has(const struct set *set, int i) {
        return i >= 0 && (set->words[i / 64] >> (i % 64) & 1);
}
static void put(struct set *set, int i) {
        set->words[i / 64] |= 1ULL << (i % 64);
}
static bool covers(const struct set *set, const struct set *part) {
        for (size_t w = 0; w < sizeof set->words / sizeof *set->words; w++)
                if (part->words[w] & ~set->words[w])
                        return false;
        return true;
}

struct secret {
        int ca, next; /* -1: none */
        struct set bundle;
        time_t in_use_since;
        bool requested;
};

struct model {
        struct mv_validity authorities[AUTHORITIES];
        int n;
        struct secret secret;
        struct set configuration, api_server; /* what is stored; and what the API server verifies with */
        time_t configuration_changed;
        int leader;
        time_t published_since; /* as this leader has seen it; 0: not */
        struct {
                struct secret secret; /* as read last */
                time_t read, asleep_until;
                int leaf_of;
                struct mv_validity leaf;
        } replicas[REPLICAS];
        unsigned switches, drops;
};

static uint64_t random_state;
static unsigned roll(unsigned below) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (unsigned)(random_state >> 32) % below;
}

static int make_authority(struct model *m, time_t now) {
        assert_true(m->n < AUTHORITIES);
        m->authorities[m->n] = (struct mv_validity){ now - MV_CERT_BACKDATE_SECONDS, now + CA_LIFE };
        return m->n++;
}

/* One step of the leader, which is one write. */
static void lead(struct model *m, time_t now) {
        struct secret *s = &m->secret;
        struct mv_secret_state state = { .leaf_seconds = LEAF_LIFE, .settle_ms = SETTLE * 1000 };
        bool published = covers(&m->configuration, &s->bundle);
        if (!published)
                m->published_since = 0;
        else if (!m->published_since)
                m->published_since = now;
        state.has_ca = s->ca >= 0;
        state.ca_is_ours = true;
        if (s->ca >= 0)
                state.ca = m->authorities[s->ca];
        state.has_next = s->next >= 0;
        if (s->next >= 0)
                state.next = m->authorities[s->next];
        for (int i = 0; i < m->n; i++)
                state.has_old = state.has_old || (i != s->ca && i != s->next && has(&s->bundle, i));
        state.in_use_since = s->in_use_since;
        state.requested = s->requested;
        state.published = published;
        state.published_ms = published ? (now - m->published_since) * 1000 : 0;
        switch (mv_secret_decide(&state, now).step) {
        case MV_SECRET_CREATE:
                s->ca = make_authority(m, now);
                put(&s->bundle, s->ca);
                s->in_use_since = now;
                break;
        case MV_SECRET_STAGE:
                s->next = make_authority(m, now);
                put(&s->bundle, s->next);
                s->requested = false;
                m->published_since = 0; /* that was another bundle */
                break;
        case MV_SECRET_SWITCH:
                s->ca = s->next;
                s->next = -1;
                s->in_use_since = now;
                m->switches++;
                break;
        case MV_SECRET_DROP:
                memset(&s->bundle, 0, sizeof s->bundle);
                put(&s->bundle, s->ca);
                m->drops++;
                break;
        case MV_SECRET_NONE:
        case MV_SECRET_PUBLISH:
        case MV_SECRET_SETTLE:
                break;
        default:
                fail();
        }
}

static void act(struct model *m, int i, time_t now) {
        const char *reason;
        if (now < m->replicas[i].asleep_until)
                return;
        if (roll(2000) == 0) { /* cut off, but it goes on serving */
                m->replicas[i].asleep_until = now + roll(500);
                return;
        }
        if (m->secret.ca >= 0) {
                m->replicas[i].secret = m->secret;
                m->replicas[i].read = now;
                const int ca = m->secret.ca, of = m->replicas[i].leaf_of;
                const struct mv_secret_leaf_state state = {
                        .has_leaf = of >= 0,
                        .leaf = m->replicas[i].leaf,
                        .from_ca = of == ca,
                        .has_names = true,
                        .ca = m->authorities[ca],
                        .ca_published = has(&m->configuration, ca),
                        .read = now,
                        .leaf_seconds = LEAF_LIFE,
                };
                if (mv_secret_leaf_due(&state, now, &reason)) {
                        m->replicas[i].leaf_of = ca;
                        m->replicas[i].leaf =
                                (struct mv_validity){ now - MV_CERT_BACKDATE_SECONDS, now + LEAF_LIFE };
                        if (m->replicas[i].leaf.not_after > m->authorities[ca].not_after)
                                m->replicas[i].leaf.not_after = m->authorities[ca].not_after;
                }
        }
        if (m->leader != i)
                return;
        /* The two writes of a leader: either may be the last before it ends. */
        if (roll(3) == 0 && !covers(&m->configuration, &m->secret.bundle)) {
                m->configuration = m->secret.bundle;
                m->configuration_changed = now;
        }
        if (roll(3) == 0) {
                const struct set before = m->secret.bundle;
                lead(m, now);
                if (memcmp(&before, &m->secret.bundle, sizeof before) != 0 && roll(2)) {
                        m->configuration = m->secret.bundle;
                        m->configuration_changed = now;
                }
        }
}

static void test_model(void **state) {
        (void)state;
        unsigned switches = 0, drops = 0;
        for (unsigned run = 0; run < RUNS; run++) {
                static struct model m;
                m = (struct model){ .secret = { .ca = -1, .next = -1 } };
                random_state = 0x9e3779b97f4a7c15ULL * (run + 1);
                for (int i = 0; i < REPLICAS; i++)
                        m.replicas[i].leaf_of = -1;
                for (time_t now = 100000; now < 100000 + LONG; now++) {
                        if (roll(500) == 0 || now < m.replicas[m.leader].asleep_until) {
                                m.leader = (int)roll(REPLICAS); /* it ended, or was cut off */
                                m.published_since = 0;
                        }
                        if (roll(700) == 0)
                                m.secret.requested = m.secret.ca >= 0;
                        for (int i = 0; i < REPLICAS; i++)
                                act(&m, i, now);
                        /* The API server learns of a change within the time to settle. */
                        if (now >= m.configuration_changed + SETTLE - 1 || roll(SETTLE) == 0)
                                m.api_server = m.configuration;
                        for (int i = 0; now > 100000 + 2 * SETTLE && i < REPLICAS; i++) {
                                const struct mv_validity *leaf = &m.replicas[i].leaf;
                                if (!has(&m.api_server, m.replicas[i].leaf_of))
                                        fail_msg("run %u, %lld: replica %d serves a leaf of %d, which is not "
                                                 "believed",
                                                 run, (long long)now, i, m.replicas[i].leaf_of);
                                if (now < leaf->not_before || now >= leaf->not_after)
                                        fail_msg("run %u, %lld: replica %d serves a leaf that has expired",
                                                 run, (long long)now, i);
                        }
                }
                switches += m.switches;
                drops += m.drops;
        }
        assert_true(switches > 10 * RUNS);
        assert_true(drops > RUNS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decide),
                cmocka_unit_test(test_leaf),
                cmocka_unit_test(test_model),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
