/* SPDX-License-Identifier: Apache-2.0 */
/* policy/base: arena, buf, str, hash, err. The JSON writer has its own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/arena.h"
#include "policy/base/base64.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/base/growing.h"
#include "policy/base/hash.h"
#include "policy/base/names.h"

#include <stdio.h>

/* --- arena --- */

static void test_arena_memory(void **state) {
        (void)state;
        struct test_allocator a;
        struct mv_arena arena;
        test_allocator_init(&a, 0);
        mv_arena_init(&arena, &a.allocator, 0);
        assert_int_equal(a.calls, 0);
        char *previous = NULL;
        for (size_t i = 0; i < 2000; i++) {
                size_t size = i % 97 + 1, align = (size_t)1 << i % 5;
                unsigned char *p = mv_arena_allocate(&arena, size, align);
                assert_non_null(p);
                assert_int_equal((uintptr_t)p % align, 0);
                for (size_t k = 0; k < size; k++)
                        assert_int_equal(p[k], 0);
                memset(p, 0xff, size); /* overlaps with nothing, or the next is not zero */
                assert_ptr_not_equal(p, previous);
                previous = (char *)p;
        }
        assert_true(a.calls > 1 && a.calls < 10);
        size_t before = a.calls;
        char *large = mv_arena_allocate(&arena, 3 << 20, 8); /* more than the largest chunk */
        assert_non_null(large);
        large[(3 << 20) - 1] = 1;
        assert_int_equal(a.calls, before + 1);
        assert_false(mv_arena_failed(&arena));
        assert_int_equal(a.live, a.calls);
        mv_arena_done(&arena);
        assert_int_equal(a.live, 0);
        assert_int_equal(arena.held, 0);
        assert_non_null(mv_arena_allocate(&arena, 1, 1)); /* may be used again */
        mv_arena_done(&arena);
        assert_int_equal(a.live, 0);
}

static void test_arena_cap(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 100);
        assert_non_null(mv_arena_allocate(&arena, 60, 1));
        assert_non_null(mv_arena_allocate(&arena, 40, 1));
        assert_int_equal(arena.held, 100);
        assert_null(mv_arena_allocate(&arena, 1, 1));
        assert_true(mv_arena_failed(&arena));
        mv_arena_clear(&arena);
        assert_false(mv_arena_failed(&arena));
        assert_null(mv_arena_allocate(&arena, 101, 1));
        assert_null(mv_arena_allocate(&arena, 1, 1)); /* sticky, though there is room */
        assert_null(mv_arena_copy(&arena, MV_STR("x")).p);
        struct mv_str text = mv_arena_format(&arena, "%d", 1);
        assert_null(text.p);
        assert_int_equal(text.n, 0);
        mv_arena_done(&arena);
        assert_false(mv_arena_failed(&arena));

        /* Many small ones never pass the cap, in however many chunks. */
        mv_arena_init(&arena, &mv_allocator_system, 100000);
        size_t got = 0;
        while (mv_arena_allocate(&arena, 1000, 1))
                got++;
        assert_true(got >= 80 && got <= 100);
        assert_true(arena.held <= 100000);
        mv_arena_done(&arena);
}

static void test_arena_clear(void **state) {
        (void)state;
        struct test_allocator a;
        struct mv_arena arena;
        test_allocator_init(&a, 0);
        mv_arena_init(&arena, &a.allocator, 0);
        mv_arena_clear(&arena); /* of nothing */
        size_t calls = 0;
        for (int round = 0; round < 3; round++) {
                calls = a.calls;
                for (int i = 0; i < 20; i++) {
                        unsigned char *some = mv_arena_allocate(&arena, 10000, 8);
                        assert_non_null(some);
                        for (int k = 0; k < 10000; k++)
                                assert_int_equal(some[k], 0);
                        memset(some, 0xff, 10000);
                }
                assert_true(round > 0 || a.live > 1);
                mv_arena_clear(&arena);
                assert_int_equal(a.live, 1);
        }
        assert_int_equal(a.calls, calls); /* the last round had room for all in what was kept */

        /* A chunk that is very large is not kept, and a cap counts what is. */
        assert_non_null(mv_arena_allocate(&arena, 2000000, 8));
        mv_arena_clear(&arena);
        assert_true(arena.held > 100000 && arena.held <= 262144);
        arena.cap = 100000;
        assert_null(mv_arena_allocate(&arena, arena.held + 1, 8));
        mv_arena_done(&arena);
        assert_int_equal(a.live, 0);
}

static void test_arena_failing_allocator(void **state) {
        (void)state;
        struct test_allocator a;
        struct mv_arena arena;
        test_allocator_init(&a, 2);
        mv_arena_init(&arena, &a.allocator, 0);
        assert_non_null(mv_arena_allocate(&arena, 16000, 1));
        assert_null(mv_arena_allocate(&arena, 16000, 1));
        assert_true(mv_arena_failed(&arena));
        assert_null(
                mv_arena_allocate(&arena, 1, 1)); /* the allocator would have more, the arena stays failed */
        assert_int_equal(a.calls, 2);
        mv_arena_done(&arena);
        assert_int_equal(a.live, 0);
}

static void test_arena_overflow(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        uint64_t *array = mv_arena_new_array(&arena, uint64_t, 100);
        assert_non_null(array);
        for (int i = 0; i < 100; i++)
                assert_int_equal(array[i], 0);
        assert_non_null(mv_arena_new_array(&arena, uint64_t, 0));
        assert_null(mv_arena_allocate_array(&arena, SIZE_MAX / 2, 3, 1));
        assert_true(mv_arena_failed(&arena));
        mv_arena_done(&arena);
        assert_null(mv_arena_allocate(&arena, SIZE_MAX, 1));
        assert_true(mv_arena_failed(&arena));
        mv_arena_done(&arena);
        assert_null(mv_arena_copy(&arena, (struct mv_str){ "", SIZE_MAX }).p);
        mv_arena_done(&arena);
}

static void test_arena_extend(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        char *first = mv_arena_allocate(&arena, 100, 1);
        memset(first, 'x', 100);
        assert_true(mv_arena_extend(&arena, first, 100, 50));
        for (size_t i = 0; i < 50; i++)
                assert_int_equal(first[100 + i], 0);
        assert_int_equal(first[99], 'x');
        assert_ptr_equal(mv_arena_allocate(&arena, 1, 1), first + 150);
        /* No longer the newest; nothing; more than there is. */
        assert_false(mv_arena_extend(&arena, first, 150, 10));
        assert_false(mv_arena_extend(&arena, NULL, 0, 10));
        char *last = mv_arena_allocate(&arena, 8, 1);
        assert_false(mv_arena_extend(&arena, last, 8, (size_t)1 << 20));
        assert_false(mv_arena_extend(&arena, last, 8, SIZE_MAX));
        assert_false(mv_arena_failed(&arena));
        mv_arena_done(&arena);
}

static void test_arena_marks(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 1024 * 1024);
        const struct mv_arena_mark empty = mv_arena_mark(&arena);
        assert_non_null(mv_arena_allocate(&arena, 100000, 8));
        mv_arena_return(&arena, empty);
        assert_int_equal(arena.held, 0);
        char *first = mv_arena_allocate(&arena, 10, 1);
        const size_t held = arena.held;
        const struct mv_arena_mark mark = mv_arena_mark(&arena);
        for (int i = 0; i < 20; i++) {
                assert_non_null(mv_arena_allocate(&arena, 100000, 8));
                assert_non_null(mv_arena_allocate(&arena, 300000, 8));
                mv_arena_return(&arena, mark); /* or there would soon be no room */
                assert_int_equal(arena.held, held);
        }
        assert_ptr_equal(mv_arena_allocate(&arena, 1, 1), first + 10);
        assert_null(mv_arena_allocate(&arena, 2 * 1024 * 1024, 1));
        mv_arena_return(&arena, mark);
        assert_true(mv_arena_failed(&arena));
        mv_arena_done(&arena);
}

static void test_arena_texts(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_str copy = mv_arena_copy(&arena, (struct mv_str){ "a\0bc", 3 });
        assert_int_equal(copy.n, 3);
        assert_memory_equal(copy.p, "a\0b\0", 4);
        copy = mv_arena_copy(&arena, (struct mv_str){ 0 });
        assert_int_equal(copy.n, 0);
        assert_non_null(copy.p);
        assert_int_equal(copy.p[0], 0);
        assert_str(mv_arena_format(&arena, "%s-%d", "node", 7), "node-7");
        const struct mv_str parts[] = { MV_STR("taint:"), { 0 }, MV_STR("a"), MV_STR("=b") };
        struct mv_str joined = mv_arena_join(&arena, parts, 4);
        assert_str(joined, "taint:a=b");
        assert_int_equal(joined.p[joined.n], '\0');
        assert_str(mv_arena_join(&arena, NULL, 0), "");
        struct mv_str wide = mv_arena_format(&arena, "%50000d", 1);
        assert_int_equal(wide.n, 50000);
        assert_int_equal(wide.p[49999], '1');
        assert_int_equal(wide.p[50000], 0);
        mv_arena_done(&arena);
}

/* --- buf --- */

/* The memory that a text took is a small multiple of it, so its pieces were not copied again and again. */
static void test_growing(void **state) {
        (void)state;
        enum { PIECES = 20000 };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_growing text = { .arena = &arena };
        assert_int_equal(mv_growing_text(&text).n, 0);
        for (int i = 0; i < PIECES; i++)
                mv_growing_add(&text, "%s%04d", i ? ", " : "", i % 10000);
        struct mv_str whole = mv_growing_text(&text);
        assert_int_equal(whole.n, PIECES * 6 - 2);
        assert_int_equal(strlen(whole.p), whole.n);
        for (size_t i = 0; i < PIECES; i += 1111) {
                char piece[8];
                snprintf(piece, sizeof piece, "%04d", (int)(i % 10000));
                assert_memory_equal(whole.p + i * 6, piece, 4);
        }
        assert_true(arena.held < 8 * whole.n);
        mv_arena_done(&arena);

        mv_arena_init(&arena, &mv_allocator_system, 5000);
        text = (struct mv_growing){ .arena = &arena };
        for (int i = 0; i < PIECES; i++)
                mv_growing_add(&text, "%04d", i % 10000);
        assert_true(mv_arena_failed(&arena));
        assert_int_equal(strlen(mv_growing_text(&text).p), mv_growing_text(&text).n);
        mv_arena_done(&arena);
}

static void test_buf(void **state) {
        (void)state;
        struct test_allocator a;
        struct mv_buf buf;
        test_allocator_init(&a, 0);
        mv_buf_init(&buf, &a.allocator, 100000);
        assert_int_equal(a.calls, 0);
        assert_int_equal(mv_buf_str(&buf).n, 0);
        for (int i = 0; i < 1000; i++) {
                mv_buf_append_text(&buf, "ab");
                mv_buf_append_byte(&buf, 'c');
                mv_buf_append_str(&buf, MV_STR("d"));
                mv_buf_format(&buf, "%03d", i);
        }
        mv_buf_append(&buf, NULL, 0);
        assert_int_equal(buf.n, 7000);
        assert_int_equal(strlen(buf.p), 7000);
        assert_memory_equal(buf.p + 6993, "abcd999", 7);
        assert_int_equal(a.live, 1);
        char *room = mv_buf_reserve(&buf, 5);
        assert_ptr_equal(room, buf.p + 7000);
        assert_int_equal(buf.n, 7000);
        mv_buf_clear(&buf);
        assert_int_equal(buf.n, 0);
        assert_string_equal(buf.p, "");
        mv_buf_done(&buf);
        assert_int_equal(a.live, 0);
        assert_null(buf.p);
        struct mv_buf never = { 0 };
        mv_buf_done(&never);
}

static void test_buf_maximum(void **state) {
        (void)state;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 10);
        mv_buf_append_text(&buf, "0123456789");
        assert_false(mv_buf_failed(&buf));
        assert_string_equal(buf.p, "0123456789");
        mv_buf_append(&buf, "", 0);
        assert_false(mv_buf_failed(&buf));
        mv_buf_append_byte(&buf, 'x');
        assert_true(mv_buf_failed(&buf));
        assert_int_equal(buf.n, 10);
        mv_buf_clear(&buf);
        assert_false(mv_buf_failed(&buf));
        mv_buf_append_text(&buf, "01234567890"); /* cut nothing: all or none */
        assert_true(mv_buf_failed(&buf));
        assert_int_equal(buf.n, 0);
        mv_buf_append_text(&buf, "0"); /* sticky */
        mv_buf_format(&buf, "%d", 1);
        assert_int_equal(buf.n, 0);
        assert_null(mv_buf_reserve(&buf, 0));
        mv_buf_clear(&buf);
        mv_buf_format(&buf, "%s", "too long for ten");
        assert_true(mv_buf_failed(&buf));
        mv_buf_done(&buf);
        mv_buf_init(&buf, &mv_allocator_system, SIZE_MAX);
        assert_null(mv_buf_reserve(&buf, SIZE_MAX - 1));
        mv_buf_done(&buf);
}

static void test_buf_failing_allocator(void **state) {
        (void)state;
        for (size_t n = 1; n < 6; n++) {
                struct test_allocator a;
                struct mv_buf buf;
                test_allocator_init(&a, n);
                mv_buf_init(&buf, &a.allocator, 1 << 20);
                for (int i = 0; i < 5000; i++)
                        mv_buf_append_byte(&buf, 'x');
                assert_true(mv_buf_failed(&buf));
                assert_true(buf.n < 5000);
                assert_int_equal(a.calls, n);
                mv_buf_done(&buf);
                assert_int_equal(a.live, 0);
        }
}

/* --- str --- */

static void test_str(void **state) {
        (void)state;
        const struct mv_str none = { 0 }, empty = MV_STR(""), a = MV_STR("a"), ab = MV_STR("ab"),
                            b = MV_STR("b");
        const struct mv_str high = MV_STR("\xc3\xa9");
        assert_true(mv_str_equal(none, empty));
        assert_false(mv_str_equal(a, ab));
        assert_false(mv_str_equal(a, b));
        assert_true(mv_str_is(none, ""));
        assert_true(mv_str_is(none, NULL));
        assert_false(mv_str_is((struct mv_str){ "a\0b", 3 }, "a"));
        assert_true(mv_str_compare(a, ab) < 0 && mv_str_compare(ab, b) < 0 && mv_str_compare(b, a) > 0);
        assert_true(mv_str_compare(none, a) < 0 && mv_str_compare(a, none) > 0);
        assert_int_equal(mv_str_compare(none, empty), 0);
        assert_true(mv_str_compare(b, high) < 0); /* by unsigned bytes */
        assert_true(mv_str_starts_with(ab, a) && mv_str_starts_with(ab, none) && !mv_str_starts_with(a, ab));
        assert_true(mv_str_ends_with(ab, b) && mv_str_ends_with(ab, none) && !mv_str_ends_with(b, ab));
        assert_false(mv_str_ends_with(ab, a));
        assert_true(mv_str_starts_with(none, none) && mv_str_ends_with(none, none));
        assert_str(mv_str_skip(ab, 1), "b");
        assert_str(mv_str_skip(ab, 2), "");
        assert_int_equal(mv_str_find_byte(ab, 'b'), 1);
        assert_int_equal(mv_str_find_byte(ab, 'c'), 2);
        assert_int_equal(mv_str_find_byte(none, 'c'), 0);
}

static void test_str_cut(void **state) {
        (void)state;
        static const char *const expected[] = {
                "", "a", "a", "a\xc3\xa9", "a\xc3\xa9", "a\xc3\xa9", "a\xc3\xa9\xe2\x82\xac"
        };
        const struct mv_str text = MV_STR("a\xc3\xa9\xe2\x82\xac");
        for (size_t n = 0; n < sizeof expected / sizeof *expected; n++)
                assert_str(mv_str_cut(text, n), expected[n]);
        assert_str(mv_str_cut(text, SIZE_MAX), expected[6]);
        assert_str(mv_str_cut((struct mv_str){ 0 }, 3), "");
        assert_str(mv_str_cut(MV_STR("\x80\x80\x80"), 2), "");
}

static void test_str_to_unsigned(void **state) {
        (void)state;
        static const struct {
                const char *text;
                unsigned long long limit;
                bool ok;
                unsigned long long value;
        } cases[] = {
                { "0", 0, true, 0 },
                { "0", 10, true, 0 },
                { "007", 7, true, 7 },
                { "10", 10, true, 10 },
                { "11", 10, false, 0 },
                { "9", 8, false, 0 },
                { "1", 0, false, 0 },
                { "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
                { "18446744073709551616", UINT64_MAX, false, 0 },
                { "99999999999999999999", UINT64_MAX, false, 0 },
                { "9223372036854775807", INT64_MAX, true, INT64_MAX },
                { "9223372036854775808", INT64_MAX, false, 0 },
                { "", 10, false, 0 },
                { "+1", 10, false, 0 },
                { "-1", 10, false, 0 },
                { " 1", 10, false, 0 },
                { "1 ", 10, false, 0 },
                { "1a", 100, false, 0 },
                { "0x1", 100, false, 0 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                unsigned long long value = 42;
                bool ok = mv_str_to_unsigned(mv_str_from(cases[i].text), cases[i].limit, &value);
                if (ok != cases[i].ok || (ok ? value != cases[i].value : value != 42))
                        fail_msg("\"%s\" up to %llu: %d %llu", cases[i].text, cases[i].limit, ok, value);
        }
}

/* --- hash, err --- */

static uint64_t hash_of(const char *text) {
        return mv_hash_add(MV_HASH_START, mv_str_from(text));
}

static void test_hash(void **state) {
        (void)state;
        /* By another program for SipHash-1-3, that agrees with Python's; the key is the hash so far, and 0x9e37...7c15. */
        assert_true(hash_of("") == UINT64_C(0x13e8171613f495e7));
        assert_true(hash_of("abc") == UINT64_C(0xac9b8b06d21db1db));
        assert_true(hash_of("virt-handler-1.example") == UINT64_C(0x12be473e288b79e2));
        assert_true(mv_hash_seed(&state) != mv_hash_seed(&state + 1));
        assert_true(hash_of("abc") == hash_of("abc"));
        assert_true(hash_of("abc") != hash_of("abd"));
        assert_true(hash_of("") != MV_HASH_START);
        assert_true(hash_of("a") != mv_hash_add(MV_HASH_START, (struct mv_str){ "a\0", 2 }));
        /* The length counts, so the border between two parts does. */
        assert_true(mv_hash_add(hash_of("a"), MV_STR("bc")) != mv_hash_add(hash_of("ab"), MV_STR("c")));
        assert_true(mv_hash_add(hash_of(""), MV_STR("abc")) != mv_hash_add(hash_of("abc"), MV_STR("")));
        const uint64_t number = UINT64_C(0x0123456789abcdef);
        assert_true(mv_hash_add_number(hash_of("a"), number) ==
                    mv_hash_add(hash_of("a"), (struct mv_str){ (const char *)&number, sizeof number }));
        /* Every bit of a text of any length matters. */
        for (size_t n = 1; n <= 20; n++) {
                char text[20] = { 0 };
                uint64_t plain = mv_hash_add(MV_HASH_START, (struct mv_str){ text, n });
                for (size_t bit = 0; bit < n * 8; bit++) {
                        text[bit / 8] = (char)(1 << bit % 8);
                        assert_true(mv_hash_add(MV_HASH_START, (struct mv_str){ text, n }) != plain);
                        text[bit / 8] = 0;
                }
        }
        /* Names that look alike spread over the low bits, which is where tables look. */
        bool seen[4096] = { 0 };
        size_t distinct = 0;
        for (int i = 0; i < 4096; i++) {
                char name[32];
                snprintf(name, sizeof name, "vm-%d", i);
                bool *slot = &seen[hash_of(name) & 4095];
                distinct += !*slot;
                *slot = true;
        }
        assert_true(distinct > 2300); /* random: 2,589 */
}

static void test_err(void **state) {
        (void)state;
        char line[1024], small[8];
        struct mv_err err = { 0 };
        assert_int_equal(mv_err_set(NULL, MV_EIO, "%d", 1), MV_EIO);
        assert_int_equal(mv_err_oom(NULL), MV_ENOMEM);
        assert_int_equal(mv_err_set(&err, MV_ETYPE, "must be %s", "a string"), MV_ETYPE);
        assert_int_equal(err.code, MV_ETYPE);
        assert_string_equal(mv_err_format(&err, line, sizeof line), "must be a string");
        snprintf(err.path, sizeof err.path, "spec.running");
        assert_string_equal(mv_err_format(&err, line, sizeof line), "spec.running: must be a string");
        err.line = 3;
        err.column = 7;
        assert_string_equal(mv_err_format(&err, line, sizeof line),
                            "line 3, column 7: spec.running: must be a string");
        snprintf(err.file, sizeof err.file, "a.yaml");
        assert_string_equal(mv_err_format(&err, line, sizeof line),
                            "a.yaml:3:7: spec.running: must be a string");
        err.line = 0;
        assert_string_equal(mv_err_format(&err, line, sizeof line), "a.yaml: spec.running: must be a string");
        assert_string_equal(mv_err_format(&err, small, sizeof small), "a.yaml:");
        mv_err_write(&err, MV_ESYNTAX, "%2000d", 1);
        assert_int_equal(strlen(err.message), sizeof err.message - 1);
        assert_string_equal(err.path, "spec.running");
}

static void test_names(void **state) {
        (void)state;
        struct item {
                int before;
                struct mv_str name;
        } items[300];
        char texts[300][8];
        struct mv_arena arena;
        struct mv_names_index index;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_true(mv_names_index_build(&arena, &index, NULL, 0, sizeof *items));
        assert_true(mv_names_index_find(&index, MV_STR("x")) == SIZE_MAX);
        for (int i = 0; i < 300; i++) {
                snprintf(texts[i], sizeof texts[i], "n%d", i % 200); /* the last hundred repeat the first */
                items[i].name = mv_str_from(texts[i]);
        }
        assert_true(mv_names_index_build(&arena, &index, &items[0].name, 300, sizeof *items));
        for (size_t i = 0; i < 200; i++)
                assert_int_equal(mv_names_index_find(&index, mv_str_from(texts[i])), i);
        assert_true(mv_names_index_find(&index, MV_STR("n200")) == SIZE_MAX);
        assert_true(mv_names_index_find(&index, MV_STR("")) == SIZE_MAX);
        mv_arena_done(&arena);

        mv_arena_init(&arena, &mv_allocator_system, 64); /* no room for the table */
        assert_false(mv_names_index_build(&arena, &index, &items[0].name, 300, sizeof *items));
        assert_true(mv_names_index_find(&index, MV_STR("n1")) == SIZE_MAX);
        mv_arena_done(&arena);
}

static void test_base64(void **state) {
        (void)state;
        static const char *const pairs[][2] = {
                { "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
                { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfd", "//79" }
        };
        static const char *const none[] = { "Zg", "Zg=", "=", "Zg===", "Zg==Zg==", "Z-==", "Zm9vY" };
        unsigned char bytes[32];
        size_t n;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 64);
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                mv_buf_clear(&buf);
                mv_buf_append_base64(&buf, mv_str_from(pairs[i][0]));
                assert_true(mv_str_is(mv_buf_str(&buf), pairs[i][1]));
                assert_true(mv_base64_decode(mv_str_from(pairs[i][1]), bytes, &n));
                assert_true(mv_str_is((struct mv_str){ (char *)bytes, n }, pairs[i][0]));
        }
        assert_true(mv_base64_decode(MV_STR("Zm\n9v\r\n"), bytes, &n));
        assert_memory_equal(bytes, "foo", n);
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
                assert_false(mv_base64_decode(mv_str_from(none[i]), bytes, &n));
        mv_buf_done(&buf);
        mv_buf_init(&buf, &mv_allocator_system, 7);
        mv_buf_append_base64(&buf, MV_STR("foob"));
        assert_true(mv_buf_failed(&buf));
        mv_buf_done(&buf);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arena_memory),
                cmocka_unit_test(test_arena_cap),
                cmocka_unit_test(test_arena_clear),
                cmocka_unit_test(test_arena_failing_allocator),
                cmocka_unit_test(test_arena_overflow),
                cmocka_unit_test(test_arena_extend),
                cmocka_unit_test(test_arena_marks),
                cmocka_unit_test(test_arena_texts),
                cmocka_unit_test(test_growing),
                cmocka_unit_test(test_buf),
                cmocka_unit_test(test_buf_maximum),
                cmocka_unit_test(test_buf_failing_allocator),
                cmocka_unit_test(test_str),
                cmocka_unit_test(test_str_cut),
                cmocka_unit_test(test_str_to_unsigned),
                cmocka_unit_test(test_hash),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_base64),
                cmocka_unit_test(test_err),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
