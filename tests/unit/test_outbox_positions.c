/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: ranges against a plain array of what is done, and their text. */
#include "tests/unit/test_outbox.h"

#include "webhook/deliver/checksum.h"
#include "webhook/deliver/positions.h"

enum { MOST = 60 };

static uint32_t random_below(uint64_t *seed, uint32_t n) {
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        return (uint32_t)(*seed >> 33) % n;
}

static void compare(const struct mv_position *position, const bool *done) {
        uint64_t next = 1;
        for (uint64_t i = 1; i <= MOST; i++)
                assert_int_equal(mv_position_has(position, i), done[i]);
        while (done[next])
                next++;
        assert_int_equal(position->upto, next - 1);
        for (uint64_t after = 0; after < MOST; after++) {
                for (next = after + 1; done[next];)
                        next++;
                assert_int_equal(mv_position_next(position, after), next);
        }
        for (size_t i = 0; i < position->n; i++) {
                const struct mv_range *range = &position->above[i];
                assert_true(range->from <= range->to);
                assert_true(range->from > (i ? range[-1].to : position->upto) + 1);
        }
}

static void test_random(void **state) {
        (void)state;
        uint64_t seed = 42;
        for (unsigned round = 0; round < 300; round++) {
                struct mv_position position = { 0 };
                bool done[MOST + 2] = { true };
                for (unsigned step = 0; step < 40; step++) {
                        uint32_t from = 1 + random_below(&seed, MOST), length = random_below(&seed, 6);
                        uint32_t to = from + (round % 2 ? length : 0);
                        to = to > MOST ? MOST : to;
                        assert_true(mv_position_add(&position, &mv_allocator_system, from, to));
                        for (uint32_t i = from; i <= to; i++)
                                done[i] = true;
                        compare(&position, done);
                }
                mv_position_done(&position, &mv_allocator_system);
        }
}

static void test_no_memory(void **state) {
        (void)state;
        struct test_allocator allocator;
        struct mv_position position = { 0 };
        test_allocator_init(&allocator, 1);
        allocator.fail_after = true;
        assert_false(mv_position_add(&position, &allocator.allocator, 5, 5));
        assert_false(mv_position_has(&position, 5));
        assert_true(mv_position_add(&position, &allocator.allocator, 1, 3)); /* needs none */
        assert_int_equal(position.upto, 3);
        mv_position_done(&position, &allocator.allocator);
}

/* --- the text --- */

static void fill(struct mv_positions *positions, const struct mv_allocator *allocator) {
        *positions = (struct mv_positions){ .allocator = allocator, .n = 2, .last = 100, .reserved = 200 };
        positions->items = allocator->allocate(allocator->context, 2 * sizeof *positions->items);
        assert_non_null(positions->items);
        memset(positions->items, 0, 2 * sizeof *positions->items);
        snprintf(positions->boot, sizeof positions->boot, "boot-1");
        snprintf(positions->items[0].name, sizeof positions->items[0].name, "mover");
        snprintf(positions->items[1].name, sizeof positions->items[1].name, "with a space");
        assert_true(mv_position_add(&positions->items[0], allocator, 1, 17));
        assert_true(mv_position_add(&positions->items[0], allocator, 20, 23));
        assert_true(mv_position_add(&positions->items[0], allocator, 25, 25));
        assert_true(mv_position_add(&positions->items[1], allocator, 1, 100));
}

static void write_text(const struct mv_positions *positions, struct mv_buf *buf) {
        mv_buf_init(buf, &mv_allocator_system, MIB);
        mv_positions_write(positions, positions->items, positions->n, buf);
        assert_false(mv_buf_failed(buf));
}

static void test_text(void **state) {
        (void)state;
        struct mv_positions positions, read = { .allocator = &mv_allocator_system };
        struct mv_buf buf, again;
        struct mv_err err = { 0 };
        fill(&positions, &mv_allocator_system);
        write_text(&positions, &buf);
        assert_int_equal(mv_positions_read(&read, mv_buf_str(&buf), &err), 0);
        assert_int_equal(read.n, 2);
        assert_int_equal(read.last, 100);
        assert_int_equal(read.reserved, 200);
        assert_int_equal(mv_positions_find(&read, MV_STR("mover"))->n, 2);
        assert_int_equal(mv_positions_find(&read, MV_STR("with a space"))->upto, 100);
        assert_null(mv_positions_find(&read, MV_STR("with")));
        write_text(&read, &again);
        assert_string_equal(again.p, buf.p);
        mv_positions_done(&read);

        /* Every cut, and every flipped byte. */
        for (size_t n = 0; n < buf.n; n++) {
                struct mv_str cut = exact_make(buf.p, n);
                assert_int_equal(mv_positions_read(&read, cut, &err), MV_ESYNTAX);
                assert_int_equal(read.n, 0);
                text_free(cut);
                buf.p[n] = (char)(buf.p[n] ^ 1);
                assert_int_equal(mv_positions_read(&read, mv_buf_str(&buf), &err), MV_ESYNTAX);
                buf.p[n] = (char)(buf.p[n] ^ 1);
        }
        mv_buf_done(&again);
        mv_buf_done(&buf);
        mv_positions_done(&positions);
}

static const char too_long_a_boot[] = "migvet outbox positions 1\nlast 9 reserved 9\nboot "
                                      "0123456789012345678901234567890123456789012345678901234567890123\n";

/* What no writer writes, with a checksum that is right all the same. */
static void test_odd_text(void **state) {
        (void)state;
        static const char *const odd[] = {
                "",
                "something else\n",
                "migvet outbox positions 2\nlast 1 reserved 1\nboot \n",
                "migvet outbox positions 1\nlast 2 reserved 1\nboot \n",
                "migvet outbox positions 1\nlast 1\nboot \n",
                "migvet outbox positions 1\nlast 9 reserved 9\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 10 - a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 3-3,5-11 a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 3-3,4-5 a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 2-3 a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 5-4 a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 5 a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 - a\nreceiver 1 - a\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 - \n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 -\n",
                "migvet outbox positions 1\nlast 9 reserved 9\nboot x\nreceiver 1 - a\nmore",
                too_long_a_boot,
        };
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                struct mv_positions read = { .allocator = &mv_allocator_system };
                char *text = NULL;
                int n = asprintf(&text, "%scrc32 %08x\n", odd[i], mv_checksum(0, mv_str_from(odd[i])));
                assert_true(n > 0);
                struct mv_str padded = exact_make(text, (size_t)n);
                if (mv_positions_read(&read, padded, NULL) != MV_ESYNTAX)
                        fail_msg("%s", odd[i]);
                text_free(padded);
                free(text);
        }
}

static void test_text_without_memory(void **state) {
        (void)state;
        struct mv_positions positions;
        struct mv_buf buf;
        int r = MV_ENOMEM;
        fill(&positions, &mv_allocator_system);
        write_text(&positions, &buf);
        for (size_t fail_at = 1; r != 0; fail_at++) {
                struct test_allocator allocator;
                test_allocator_init(&allocator, fail_at);
                struct mv_positions read = { .allocator = &allocator.allocator };
                r = mv_positions_read(&read, mv_buf_str(&buf), NULL);
                assert_true(r == 0 || r == MV_ENOMEM);
                assert_true(r == 0 || allocator.live == 0);
                assert_true(fail_at > 1 || r == MV_ENOMEM);
                mv_positions_done(&read);
                assert_int_equal(allocator.live, 0);
        }
        mv_buf_done(&buf);
        mv_positions_done(&positions);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_odd_text),
                cmocka_unit_test(test_text_without_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
