/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outbox against a naive one, which keeps lists in memory: whatever is done, in any order, closed and opened again
 * or cut off at any moment, both have the same records for each receiver. After a crash the outbox may give again what
 * was done since the last sync.
 */
#include "tests/unit/test_outbox.h"

#include "webhook/deliver/requests.h"

enum { NAMES = 4, MOST = 2000, ROUNDS = 12, STEPS = 250 };

static const char *const names[NAMES] = { "a", "b", "c", "d" };

struct entry {
        uint64_t sequence;
        unsigned number;
        bool waits, dead;
        bool unsynced; /* not any more since the last sync */
};

/* Of one receiver, by sequence; those that are neither waiting nor dead any more stay. */
struct naive {
        bool configured;
        struct entry entries[MOST];
        size_t n;
};

struct both {
        char *directory;
        struct mv_outbox *outbox;
        struct naive naive[NAMES];
        size_t number[NAMES]; /* of a receiver in the list */
        unsigned next;        /* number of the next record */
        uint64_t seed;
};

static uint32_t below(struct both *both, uint32_t n) {
        both->seed = both->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        return (uint32_t)(both->seed >> 33) % n;
}

static void start(struct both *both) {
        both->outbox = outbox_open_with(both->directory, 256 * 1024, NULL);
}

/* --- comparing --- */

static void compare(struct both *both) {
        size_t dead = 0;
        for (size_t i = 0; i < NAMES; i++) {
                const struct naive *naive = &both->naive[i];
                struct mv_outbox_receiver_status status;
                char text[8192] = "";
                size_t n = 0, waits = 0, own_dead = 0;
                for (size_t k = 0; k < naive->n; k++) {
                        own_dead += naive->entries[k].dead;
                        if (naive->entries[k].waits)
                                n += (size_t)snprintf(text + n, sizeof text - n, "%s%u", waits++ ? " " : "",
                                                      naive->entries[k].number);
                }
                dead += own_dead;
                if (!naive->configured)
                        continue;
                assert_string_equal(outbox_waiting(both->outbox, both->number[i]), text);
                assert_true(mv_outbox_receiver_status(both->outbox, both->number[i], &status));
                assert_int_equal(status.waiting, waits);
                assert_int_equal(status.dead, own_dead);
                assert_int_equal(status.oldest != 0, waits > 0);
                assert_string_equal(status.name, names[i]);
        }
        assert_int_equal(outbox_status(both->outbox).dead, dead);
        assert_int_equal(outbox_status(both->outbox).damaged, 0);
}

/* --- what is done to both --- */

static void configure(struct both *both) {
        struct mv_str list[NAMES];
        size_t n = 0, from = below(both, NAMES);
        for (size_t k = 0; k < NAMES; k++) {
                size_t i = (from + k) % NAMES;
                struct naive *naive = &both->naive[i];
                bool configured = below(both, 5) > 0;
                if (configured) {
                        both->number[i] = n;
                        list[n++] = mv_str_from(names[i]);
                } else
                        for (size_t e = 0; e < naive->n; e++)
                                naive->entries[e].waits = false;
                naive->configured = configured;
        }
        assert_int_equal(mv_outbox_receivers(both->outbox, list, n, NULL), 0);
        for (size_t i = 0; i < NAMES; i++) /* positions are written, then */
                for (size_t e = 0; e < both->naive[i].n; e++)
                        both->naive[i].entries[e].unsynced = false;
}

static void add(struct naive *naive, uint64_t sequence, unsigned number) {
        assert_true(naive->n < MOST);
        naive->entries[naive->n++] = (struct entry){ .sequence = sequence, .number = number, .waits = true };
}

static void append(struct both *both) {
        const uint64_t sequence = outbox_append(both->outbox, both->next);
        for (size_t i = 0; i < NAMES; i++)
                if (both->naive[i].configured)
                        add(&both->naive[i], sequence, both->next);
        both->next++;
}

/* Some entry of the receiver that waits or, if asked, is dead. */
static struct entry *choose(struct both *both, struct naive *naive, bool dead) {
        size_t from = naive->n ? below(both, (uint32_t)naive->n) : 0;
        for (size_t k = 0; k < naive->n; k++) {
                struct entry *entry = &naive->entries[(from + k) % naive->n];
                if (dead ? entry->dead : entry->waits)
                        return entry;
        }
        return NULL;
}

static void finish(struct both *both, size_t i, bool bury) {
        struct entry *entry = choose(both, &both->naive[i], false);
        if (!both->naive[i].configured || !entry)
                return;
        if (bury) {
                struct mv_outbox_record record;
                struct mv_buf buf;
                mv_buf_init(&buf, &mv_allocator_system, MV_OUTBOX_BUF);
                assert_int_equal(
                        mv_outbox_next(both->outbox, both->number[i], entry->sequence - 1, &buf, &record), 1);
                assert_int_equal(record.sequence, entry->sequence);
                assert_int_equal(
                        mv_outbox_bury(both->outbox, both->number[i], &record, 3, MV_STR("400"), NULL), 0);
                mv_buf_done(&buf);
                entry->dead = true;
        } else
                mv_outbox_done(both->outbox, both->number[i], entry->sequence);
        entry->waits = false;
        entry->unsynced = true;
}

/* One item, of all receivers or of one; or all of one. */
static void ask(struct both *both, size_t i, bool retry) {
        struct naive *naive = &both->naive[i];
        struct entry *entry = choose(both, naive, retry || below(both, 2));
        const bool all = below(both, 8) == 0;
        char id[32];
        if (!naive->configured || !entry)
                return;
        snprintf(id, sizeof id, "id-%u", entry->number);
        const unsigned number = entry->number;
        const struct mv_str item = mv_str_from(id);
        const struct mv_outbox_request request = {
                .retry = retry, .receiver = mv_str_from(names[i]), .items = &item, .n_items = !all
        };
        struct mv_outbox_answer answer;
        assert_int_equal(mv_outbox_carry_out(both->outbox, &request, &answer, NULL), 0);
        assert_int_equal(answer.unmatched, 0);
        uint64_t sequence = outbox_status(both->outbox).last_sequence - (retry ? answer.dead : 0);
        const size_t n = naive->n;
        for (size_t k = 0; k < n; k++) {
                struct entry *one = &naive->entries[k];
                if (!all && one->number != number)
                        continue;
                if (retry && one->dead)
                        add(naive, ++sequence, one->number);
                if (!retry && one->waits) {
                        one->waits = false;
                        one->unsynced = true;
                }
                one->dead = false;
        }
}

static void sync_both(struct both *both) {
        assert_int_equal(mv_outbox_sync(both->outbox, NULL), 0);
        for (size_t i = 0; i < NAMES; i++)
                for (size_t e = 0; e < both->naive[i].n; e++)
                        both->naive[i].entries[e].unsynced = false;
}

static void reopen(struct both *both) {
        mv_outbox_close(both->outbox);
        start(both);
        for (size_t i = 0; i < NAMES; i++)
                for (size_t e = 0; e < both->naive[i].n; e++)
                        both->naive[i].entries[e].unsynced = false;
        configure(both);
}

static void copy_files(const char *from, const char *to) {
        struct dirent **found;
        int n = scandir(from, &found, NULL, NULL);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                char *source = mv_path_join(from, found[i]->d_name),
                     *target = mv_path_join(to, found[i]->d_name);
                struct stat st;
                assert_int_equal(stat(source, &st), 0);
                if (S_ISREG(st.st_mode)) {
                        struct mv_str text = file_take(source);
                        file_put(target, text);
                        text_free(text);
                } else if (found[i]->d_name[0] != '.') {
                        assert_int_equal(mkdir(target, 0700), 0);
                        copy_files(source, target);
                }
                free(source);
                free(target);
                free(found[i]);
        }
        free(found);
}

/* What was done since the last sync may wait again. */
static void accept_repeats(struct both *both, size_t i) {
        struct naive *naive = &both->naive[i];
        for (size_t k = 0; k < naive->n; k++) {
                struct entry *entry = &naive->entries[k];
                const bool waits = mv_outbox_waits(both->outbox, both->number[i], entry->sequence);
                if (entry->unsynced && waits)
                        entry->waits = true;
                else
                        assert_int_equal(waits, entry->waits);
                entry->unsynced = false;
        }
}

/* Go on with the files as they are at this moment. */
static void crash(struct both *both) {
        char *directory = outbox_directory();
        copy_files(both->directory, directory);
        mv_outbox_close(both->outbox);
        outbox_remove(both->directory);
        both->directory = directory;
        start(both);
        /* The list as it was. */
        struct mv_str list[NAMES];
        size_t n = 0;
        for (size_t k = 0; k < NAMES; k++)
                for (size_t i = 0; i < NAMES; i++)
                        if (both->naive[i].configured && both->number[i] == k) {
                                list[n++] = mv_str_from(names[i]);
                                break;
                        }
        assert_int_equal(mv_outbox_receivers(both->outbox, list, n, NULL), 0);
        for (size_t i = 0; i < NAMES; i++)
                if (both->naive[i].configured)
                        accept_repeats(both, i);
}

static void step(struct both *both) {
        const size_t i = below(both, NAMES);
        const uint32_t what = below(both, 100);
        if (what < 40)
                append(both);
        else if (what < 70)
                finish(both, i, false);
        else if (what < 78)
                finish(both, i, true);
        else if (what < 82)
                ask(both, i, true);
        else if (what < 86)
                ask(both, i, false);
        else if (what < 91)
                sync_both(both);
        else if (what < 93)
                configure(both);
        else if (what < 96)
                reopen(both);
        else
                crash(both);
        compare(both);
}

static void test_random(void **state) {
        (void)state;
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct both *both = calloc(1, sizeof *both);
                assert_non_null(both);
                both->seed = round + 1;
                both->next = 1;
                both->directory = outbox_directory();
                start(both);
                configure(both);
                for (unsigned k = 0; k < STEPS; k++)
                        step(both);
                mv_outbox_close(both->outbox);
                outbox_remove(both->directory);
                free(both);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
