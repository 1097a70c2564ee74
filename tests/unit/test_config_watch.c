/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration that `serve` follows: what is refused for a reason outside of its text is tried again. */
#include "tests/unit/test_outbox.h"

#include "cli/config.h"

#include <time.h>

struct acceptor {
        struct mv_logger logger;
        const char *trouble; /* NULL: whatever comes is taken */
        unsigned asked, errors;
};

static int take(void *context, const struct mv_config *config, struct mv_err *err) {
        struct acceptor *acceptor = context;
        (void)config;
        acceptor->asked++;
        return acceptor->trouble ? mv_err_set(err, MV_EIO, "%s", acceptor->trouble) : 0;
}

static void count_errors(void *context, enum mv_log_level level, const char *component, const char *message,
                         const struct mv_log_field *fields, size_t n) {
        struct acceptor *acceptor = context;
        (void)component, (void)message, (void)fields, (void)n;
        acceptor->errors += level == MV_LOG_ERROR;
}

static void wait_a_moment(void) {
        nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
}

/* Poll until so many were asked for, or this long. */
static void poll_until(struct mv_config_watch *watch, const struct acceptor *acceptor, unsigned asked,
                       unsigned seconds) {
        for (unsigned i = 0; i < seconds * 50 && acceptor->asked < asked; i++) {
                mv_config_watch_poll(watch);
                wait_a_moment();
        }
}

static struct mv_config_status status_of(struct mv_config_watch *watch) {
        struct mv_config_status status;
        mv_config_watch_status(watch, &status);
        return status;
}

#define HEAD "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"

static void test_refused(void **state) {
        (void)state;
        char *directory = outbox_directory(), *path = mv_path_join(directory, "config.yaml");
        struct acceptor acceptor = { .logger = { .line = count_errors, .context = &acceptor } };
        struct mv_config_watch *watch = NULL;
        file_put(path, MV_STR(HEAD));
        assert_int_equal(mv_config_watch_new(path, MV_STR("migvet"), &acceptor.logger, &watch, NULL), 0);
        mv_config_watch_accept(watch, take, &acceptor);
        acceptor.trouble = "the disk is full";
        file_put(path, MV_STR(HEAD "unknown: allow\n"));
        poll_until(watch, &acceptor, 2, 20);
        assert_int_equal(acceptor.asked, 2); /* the file did not change */
        assert_int_equal(acceptor.errors, 1);
        assert_int_equal(status_of(watch).generation, 1);
        assert_string_equal(status_of(watch).err.message, "the disk is full");
        acceptor.trouble = NULL;
        poll_until(watch, &acceptor, 3, 20);
        assert_int_equal(status_of(watch).generation, 2);
        assert_int_equal(status_of(watch).err.code, 0);
        /* Neither what is in force nor a text that is wrong is tried again. */
        file_put(path, MV_STR(HEAD "unknown: perhaps\n"));
        poll_until(watch, &acceptor, 4, 4);
        assert_int_equal(acceptor.asked, 3);
        assert_int_equal(acceptor.errors, 2);
        assert_int_equal(status_of(watch).generation, 2);
        mv_config_watch_free(watch);
        free(path);
        outbox_remove(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
