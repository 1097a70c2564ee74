/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/parallel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 10000, SLOTS = 8 };

struct count {
        atomic_int made[ITEMS];
        atomic_size_t highest; /* item that was made, plus 1 */
        size_t taken;
        size_t most_ahead;
        size_t end; /* take ends with this item, which it returns */
};

static void make(void *context, size_t item, void *slot) {
        struct count *count = context;
        atomic_fetch_add(&count->made[item], 1);
        size_t highest = atomic_load(&count->highest);
        while (highest < item + 1 && !atomic_compare_exchange_weak(&count->highest, &highest, item + 1))
                ;
        *(size_t *)slot = item * 3;
}

static int take(void *context, size_t item, void *slot) {
        struct count *count = context;
        assert_int_equal(item, count->taken);
        assert_int_equal(*(size_t *)slot, item * 3);
        size_t ahead = atomic_load(&count->highest) - item;
        if (ahead > count->most_ahead)
                count->most_ahead = ahead;
        count->taken++;
        return item == count->end ? (int)item : 0;
}

static void check(size_t n, size_t end, bool alone) {
        static struct count count;
        size_t slots[SLOTS];
        memset(&count, 0, sizeof count);
        count.end = end;
        const struct mv_parallel work = { .n = n,
                                          .slots = slots,
                                          .n_slots = SLOTS,
                                          .slot_size = sizeof *slots,
                                          .alone = alone,
                                          .make = make,
                                          .take = take,
                                          .context = &count };
        assert_int_equal(mv_parallel_run(&work), end < n ? (int)end : 0);
        assert_int_equal(count.taken, end < n ? end + 1 : n);
        assert_true(count.most_ahead <= SLOTS);
        for (size_t i = 0; i < ITEMS; i++) {
                int made = atomic_load(&count.made[i]);
                assert_true(i < count.taken ? made == 1
                                            : made == 0 || (made == 1 && i < count.taken + SLOTS && i < n));
        }
}

static void test_order(void **state) {
        (void)state;
        static const size_t counts[] = { 0, 1, SLOTS, SLOTS + 1, ITEMS };
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
                check(counts[i], SIZE_MAX, false);
                check(counts[i], SIZE_MAX, true);
        }
}

static void test_end(void **state) {
        (void)state;
        static const size_t ends[] = { 1, SLOTS, 500, ITEMS - 1 };
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
                check(ITEMS, ends[i], false);
                check(ITEMS, ends[i], true);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_order), cmocka_unit_test(test_end) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
