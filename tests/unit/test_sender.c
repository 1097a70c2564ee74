/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that delivers, while what it waits for does not answer: nobody else is held up by it. */
#include "tests/unit/test_outbox.h"

#include "policy/config/config.h"
#include "webhook/deliver/sender.h"

#include <pthread.h>

/* A log whose lines the thread can be made to wait for. */
struct slow {
        struct mv_logger logger;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool stuck;         /* lines wait */
        bool waiting;       /* one does */
        unsigned forgotten; /* receivers that were taken out of the list */
};

static void line(void *context, enum mv_log_level level, const char *component, const char *message,
                 const struct mv_log_field *fields, size_t n) {
        struct slow *slow = context;
        (void)level, (void)component, (void)fields, (void)n;
        pthread_mutex_lock(&slow->lock);
        slow->forgotten += strstr(message, "not configured any more") != NULL;
        slow->waiting = true;
        pthread_cond_broadcast(&slow->changed);
        while (slow->stuck)
                pthread_cond_wait(&slow->changed, &slow->lock);
        slow->waiting = false;
        pthread_mutex_unlock(&slow->lock);
}

static void set_stuck(struct slow *slow, bool stuck) {
        pthread_mutex_lock(&slow->lock);
        slow->stuck = stuck;
        pthread_cond_broadcast(&slow->changed);
        pthread_mutex_unlock(&slow->lock);
}

static void wait_for_line(struct slow *slow) {
        pthread_mutex_lock(&slow->lock);
        while (!slow->waiting)
                pthread_cond_wait(&slow->changed, &slow->lock);
        pthread_mutex_unlock(&slow->lock);
}

struct stage {
        struct slow slow;
        char *directory, *token;
        struct mv_outbox *outbox;
        struct mv_sender *sender;
};

static void begin(struct stage *stage, unsigned answer_ms) {
        *stage = (struct stage){ .slow.logger = { .line = line, .context = &stage->slow },
                                 .directory = outbox_directory() };
        pthread_mutex_init(&stage->slow.lock, NULL);
        pthread_cond_init(&stage->slow.changed, NULL);
        stage->token = mv_path_join(stage->directory, "token");
        stage->outbox = outbox_open_with(stage->directory, MIB, &stage->slow.logger);
        const struct mv_sender_options options = {
                .outbox = stage->outbox, .version = "0", .answer_ms = answer_ms, .logger = &stage->slow.logger
        };
        assert_int_equal(mv_sender_new(&options, &stage->sender, NULL), 0);
}

static void end(struct stage *stage) {
        mv_sender_free(stage->sender, 0);
        mv_outbox_close(stage->outbox);
        pthread_cond_destroy(&stage->slow.changed);
        pthread_mutex_destroy(&stage->slow.lock);
        free(stage->token);
        outbox_remove(stage->directory);
}

/* A receiver of that name alone. */
static int configure(const struct stage *stage, const char *name, struct mv_err *err) {
        struct mv_arena arena;
        struct mv_config config;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct mv_str text =
                mv_arena_format(&arena,
                                "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\n"
                                "receivers: [{name: %s, url: \"https://127.0.0.1:9/\", tokenFile: %s}]\n",
                                name, stage->token);
        assert_int_equal(mv_config_read(&arena, text, &config, NULL), 0);
        int r = mv_sender_configure(stage->sender, &config, err);
        mv_arena_done(&arena);
        return r;
}

/* As soon as the thread answers again. */
static void configure_later(const struct stage *stage, const char *name) {
        int r = MV_ETIMEOUT;
        for (int i = 0; r == MV_ETIMEOUT && i < 1000; i++)
                r = configure(stage, name, NULL);
        assert_int_equal(r, 0);
}

static unsigned forgotten(struct stage *stage) {
        pthread_mutex_lock(&stage->slow.lock);
        unsigned n = stage->slow.forgotten;
        pthread_mutex_unlock(&stage->slow.lock);
        return n;
}

/* It makes the change, and does not come to an end: the change may come later, and the next one does not wait either. */
static void test_stuck_in_a_change(void **state) {
        (void)state;
        struct stage stage;
        struct mv_err err = { 0 };
        begin(&stage, 50);
        set_stuck(&stage.slow, true); /* it says that there is no token */
        assert_int_equal(configure(&stage, "a", &err), MV_ETIMEOUT);
        assert_non_null(strstr(err.message, "cannot be changed now"));
        assert_int_equal(configure(&stage, "b", NULL), MV_ETIMEOUT);
        set_stuck(&stage.slow, false);
        configure_later(&stage, "c");
        assert_int_equal(forgotten(&stage), 1); /* a, and there never was b */
        end(&stage);
}

/* It is busy with something else: the change is not made. */
static void test_stuck_elsewhere(void **state) {
        (void)state;
        struct stage stage;
        begin(&stage, 50);
        configure_later(&stage, "a");
        set_stuck(&stage.slow, true);
        file_put(stage.token, MV_STR("secret")); /* it says that all is well, within a second */
        wait_for_line(&stage.slow);
        assert_int_equal(configure(&stage, "b", NULL), MV_ETIMEOUT);
        set_stuck(&stage.slow, false);
        configure_later(&stage, "a");
        assert_int_equal(forgotten(&stage), 0);
        end(&stage);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stuck_in_a_change),
                cmocka_unit_test(test_stuck_elsewhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
