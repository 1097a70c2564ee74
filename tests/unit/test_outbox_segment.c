/* SPDX-License-Identifier: Apache-2.0 */
/* The format of segments: every cut and every flipped byte of one is found, and costs no more than the record it is in. */
#include "tests/unit/test_outbox.h"

#include "webhook/deliver/checksum.h"
#include "webhook/deliver/segment.h"

enum { FIRST = 7, RECORDS = 4 };

/* A segment of RECORDS records, and where each ends. */
struct made {
        struct mv_buf buf;
        size_t ends[RECORDS + 1]; /* [0]: of the header */
};

static void make(struct made *made) {
        char header[MV_SEGMENT_HEADER];
        mv_buf_init(&made->buf, &mv_allocator_system, MIB);
        mv_segment_header(FIRST, header);
        mv_buf_append(&made->buf, header, sizeof header);
        made->ends[0] = made->buf.n;
        for (unsigned i = 0; i < RECORDS; i++) {
                const struct mv_outbox_letter letter = {
                        .record = { .sequence = FIRST + i,
                                    .subject = MV_STR("shop/VirtualMachine/db"),
                                    .kind = MV_STR("VirtualMachine"),
                                    .id = MV_STR("a-b"),
                                    .body = MV_STR("{\"sequence\":\"") },
                        .tries = i,
                        .why = i % 2 ? MV_STR("no") : MV_STR(""),
                };
                assert_true(mv_segment_write(&made->buf, &letter, MV_STR("\"}")));
                made->ends[i + 1] = made->buf.n;
        }
}

/* "7 9": the sequences that are found. */
static const char *found(struct mv_str file, struct mv_segment_scan *ret) {
        static char text[256];
        struct mv_outbox_letter letter;
        size_t n = 0;
        *ret = (struct mv_segment_scan){ .file = file, .first = FIRST, .limit = FIRST + RECORDS };
        text[0] = '\0';
        while (mv_segment_next(ret, &letter)) {
                char body[64];
                snprintf(body, sizeof body, "{\"sequence\":\"%020" PRIu64 "\"}", letter.record.sequence);
                assert_str(letter.record.body, body);
                assert_str(letter.record.subject, "shop/VirtualMachine/db");
                assert_int_equal(letter.tries, letter.record.sequence - FIRST);
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%" PRIu64, n ? " " : "",
                                      letter.record.sequence);
        }
        return text;
}

static void test_checksum(void **state) {
        (void)state;
        assert_int_equal(mv_checksum(0, MV_STR("123456789")), 0xcbf43926);
        assert_int_equal(mv_checksum(mv_checksum(0, MV_STR("1234")), MV_STR("56789")), 0xcbf43926);
        assert_int_equal(mv_checksum(0, MV_STR("")), 0);
        assert_int_equal(mv_checksum(0xcbf43926, (struct mv_str){ 0 }), 0xcbf43926);
}

static void test_whole(void **state) {
        (void)state;
        struct made made;
        struct mv_segment_scan scan;
        make(&made);
        assert_int_equal(mv_segment_check(mv_buf_str(&made.buf), FIRST), MV_SEGMENT_GOOD);
        assert_int_equal(mv_segment_check(mv_buf_str(&made.buf), FIRST + 1), MV_SEGMENT_DAMAGED);
        assert_string_equal(found(mv_buf_str(&made.buf), &scan), "7 8 9 10");
        assert_int_equal(scan.end, made.buf.n);
        assert_int_equal(scan.damaged, 0);
        /* Sequences that do not belong to it are none of its records. */
        scan = (struct mv_segment_scan){ .file = mv_buf_str(&made.buf), .first = FIRST, .limit = FIRST + 2 };
        struct mv_outbox_letter letter;
        while (mv_segment_next(&scan, &letter))
                assert_true(letter.record.sequence < FIRST + 2);
        assert_int_equal(scan.last, FIRST + 1);
        mv_buf_done(&made.buf);
}

/* The process ended after any number of bytes. */
static void test_torn(void **state) {
        (void)state;
        struct made made;
        struct mv_segment_scan scan;
        make(&made);
        for (size_t n = 0; n < made.buf.n; n++) {
                struct mv_str file = exact_make(made.buf.p, n);
                unsigned whole = 0;
                const char *expected[] = { "", "7", "7 8", "7 8 9" };
                while (whole + 1 < RECORDS && made.ends[whole + 1] <= n)
                        whole++;
                assert_string_equal(found(file, &scan), expected[whole]);
                assert_int_equal(scan.damaged, 0);
                assert_int_equal(scan.end, n < made.ends[0] ? n : made.ends[whole]);
                assert_true(mv_segment_torn(&scan));
                if (n < made.ends[0])
                        assert_int_equal(mv_segment_check(file, FIRST), MV_SEGMENT_DAMAGED);
                text_free(file);
        }
        mv_buf_done(&made.buf);
}

/* Where zeros were written ahead, these follow. */
static void test_torn_in_zeros(void **state) {
        (void)state;
        struct made made;
        struct mv_segment_scan scan;
        make(&made);
        for (size_t n = made.ends[1]; n < made.buf.n; n++) {
                const size_t zeros = n % 97 + 64;
                char *text = calloc(1, n + zeros);
                unsigned whole = 1;
                assert_non_null(text);
                memcpy(text, made.buf.p, n);
                while (made.ends[whole + 1] <= n)
                        whole++;
                found((struct mv_str){ text, n + zeros }, &scan);
                assert_int_equal(scan.end, made.ends[whole]);
                assert_int_equal(scan.last, FIRST + whole - 1);
                assert_int_equal(scan.damaged, 0);
                const size_t rest = mv_segment_rest(&scan);
                assert_true(rest <= n - scan.end && (rest > 0) == (n > scan.end));
                assert_true(mv_segment_torn(&scan));
                free(text);
        }
        mv_buf_done(&made.buf);
}

static void test_flipped(void **state) {
        (void)state;
        static const char *const without[] = { "8 9 10", "7 9 10", "7 8 10", "7 8 9" };
        struct made made;
        struct mv_segment_scan scan;
        make(&made);
        for (size_t at = 0; at < made.buf.n; at++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        made.buf.p[at] = (char)(made.buf.p[at] ^ 1 << bit);
                        const struct mv_str file = mv_buf_str(&made.buf);
                        if (at < MV_SEGMENT_HEADER) {
                                assert_int_equal(mv_segment_check(file, FIRST), MV_SEGMENT_DAMAGED);
                                assert_string_equal(found(file, &scan), "7 8 9 10");
                        } else {
                                unsigned record = 0;
                                while (made.ends[record + 1] <= at)
                                        record++;
                                assert_string_equal(found(file, &scan), without[record]);
                                assert_int_equal(scan.damaged, record < RECORDS - 1);
                        }
                        made.buf.p[at] = (char)(made.buf.p[at] ^ 1 << bit);
                }
        /* A newer version is not taken for damage. */
        char header[MV_SEGMENT_HEADER];
        mv_segment_header(FIRST, header);
        header[8] = 2;
        uint32_t crc = mv_checksum(0, (struct mv_str){ header, 28 });
        memcpy(header + 28, &crc, 4);
        assert_int_equal(mv_segment_check((struct mv_str){ header, sizeof header }, FIRST), MV_SEGMENT_NEWER);
        mv_buf_done(&made.buf);
}

/* Whatever stands between two records. */
static void test_rubbish(void **state) {
        (void)state;
        struct made made;
        struct mv_segment_scan scan;
        make(&made);
        for (size_t n = 1; n < 200; n++) {
                char *text = malloc(made.buf.n + n);
                assert_non_null(text);
                memcpy(text, made.buf.p, made.ends[2]);
                for (size_t i = 0; i < n; i++)
                        text[made.ends[2] + i] = made.buf.p[made.ends[2] + i % 5]; /* marks, too */
                memcpy(text + made.ends[2] + n, made.buf.p + made.ends[2], made.buf.n - made.ends[2]);
                assert_string_equal(found((struct mv_str){ text, made.buf.n + n }, &scan), "7 8 9 10");
                assert_int_equal(scan.damaged, 1);
                /* At the end it is damage, unless it may be the beginning of a record; zeros are nothing. */
                memset(text + made.buf.n, 'x', n);
                memcpy(text, made.buf.p, made.buf.n);
                assert_string_equal(found((struct mv_str){ text, made.buf.n + n }, &scan), "7 8 9 10");
                assert_int_equal(scan.end, made.buf.n);
                assert_int_equal(mv_segment_rest(&scan), n);
                assert_false(mv_segment_torn(&scan));
                memset(text + made.buf.n, 0, n);
                assert_string_equal(found((struct mv_str){ text, made.buf.n + n }, &scan), "7 8 9 10");
                assert_int_equal(scan.damaged, 0);
                assert_int_equal(mv_segment_rest(&scan), 0);
                free(text);
        }
        mv_buf_done(&made.buf);
}

/* A sequence that the bytes before it have no room for would make the index huge. */
static void test_sequence_from_nowhere(void **state) {
        (void)state;
        struct made made;
        struct mv_segment_scan scan;
        struct mv_outbox_letter letter = { .record = { .sequence = UINT64_MAX / 2, .body = MV_STR("{}") } };
        make(&made);
        assert_true(mv_segment_write(&made.buf, &letter, (struct mv_str){ 0 }));
        scan = (struct mv_segment_scan){ .file = mv_buf_str(&made.buf), .first = FIRST, .limit = UINT64_MAX };
        while (mv_segment_next(&scan, &letter))
                assert_true(letter.record.sequence < FIRST + RECORDS);
        assert_int_equal(scan.last, FIRST + RECORDS - 1);
        mv_buf_done(&made.buf);
}

static void test_too_long(void **state) {
        (void)state;
        struct mv_buf buf;
        char *text = calloc(1, MV_OUTBOX_RECORD_MAX);
        assert_non_null(text);
        struct mv_outbox_letter letter = { .record = { .sequence = 1, .id = { text, MV_OUTBOX_TEXT_MAX } } },
                                read;
        mv_buf_init(&buf, &mv_allocator_system, 4 * MV_OUTBOX_RECORD_MAX);
        assert_true(mv_segment_write(&buf, &letter, (struct mv_str){ 0 }));
        assert_int_equal(mv_segment_read(mv_buf_str(&buf), &read), buf.n);
        assert_int_equal(read.record.id.n, MV_OUTBOX_TEXT_MAX);
        letter.record.id.n++;
        const size_t n = buf.n;
        assert_false(mv_segment_write(&buf, &letter, (struct mv_str){ 0 }));
        letter.record.id.n = 0;
        letter.record.body = (struct mv_str){ text, MV_OUTBOX_RECORD_MAX };
        assert_false(mv_segment_write(&buf, &letter, (struct mv_str){ 0 }));
        assert_false(mv_buf_failed(&buf));
        assert_int_equal(buf.n, n);
        mv_buf_done(&buf);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_checksum),
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_torn),
                cmocka_unit_test(test_torn_in_zeros),
                cmocka_unit_test(test_flipped),
                cmocka_unit_test(test_rubbish),
                cmocka_unit_test(test_sequence_from_nowhere),
                cmocka_unit_test(test_too_long),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
