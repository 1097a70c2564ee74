/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that delivers, while what it waits for does not answer: nobody else is held up by it. */
#include "tests/unit/test_outbox.h"

#include "policy/config/config.h"
#include "webhook/deliver/sender.h"

#include <pthread.h>
#include <sys/syscall.h>

/* A log whose lines the thread can be made to wait for. */
struct slow {
        struct mv_logger logger;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool stuck;         /* lines wait */
        bool waiting;       /* one does */
        unsigned lines;     /* there were */
        unsigned forgotten; /* receivers that were taken out of the list */
};

static void line(void *context, enum mv_log_level level, const char *component, const char *message,
                 const struct mv_log_field *fields, size_t n) {
        struct slow *slow = context;
        (void)level, (void)component, (void)fields, (void)n;
        pthread_mutex_lock(&slow->lock);
        slow->forgotten += strstr(message, "not configured any more") != NULL;
        slow->lines++;
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

static void wait_for_first_line(struct slow *slow) {
        pthread_mutex_lock(&slow->lock);
        while (!slow->lines)
                pthread_cond_wait(&slow->changed, &slow->lock);
        pthread_mutex_unlock(&slow->lock);
}

/* A disk that can be made to wait, too. */
static struct slow disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

int fsync(int fd) {
        pthread_mutex_lock(&disk.lock);
        disk.waiting = true;
        pthread_cond_broadcast(&disk.changed);
        while (disk.stuck)
                pthread_cond_wait(&disk.changed, &disk.lock);
        disk.waiting = false;
        pthread_mutex_unlock(&disk.lock);
        return (int)syscall(SYS_fsync, fd);
}

static bool is_waiting(struct slow *slow) {
        pthread_mutex_lock(&slow->lock);
        bool waiting = slow->waiting;
        pthread_mutex_unlock(&slow->lock);
        return waiting;
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

/* In the end, when the thread has said all that it says. */
static unsigned forgotten(struct stage *stage) {
        stage->sender = mv_sender_free(stage->sender, 0);
        return stage->slow.forgotten;
}

/* What it says of a change that is made holds nobody up, but for the next change. */
static void test_stuck_behind_a_change(void **state) {
        (void)state;
        struct stage stage;
        struct mv_err err = { 0 };
        begin(&stage, 50);
        set_stuck(&stage.slow, true); /* it says that there is no token */
        configure_later(&stage, "a");
        wait_for_line(&stage.slow);
        assert_int_equal(configure(&stage, "b", &err), MV_ETIMEOUT);
        assert_non_null(strstr(err.message, "cannot be changed now"));
        set_stuck(&stage.slow, false);
        configure_later(&stage, "c");
        assert_int_equal(forgotten(&stage), 1); /* a, and there never was b */
        end(&stage);
}

/* The disk keeps it from the change, so nobody waits for that any more: it is not made later, either. */
static void test_stuck_in_a_change(void **state) {
        (void)state;
        struct stage stage;
        struct mv_outbox_receiver_status receiver;
        begin(&stage, 50);
        configure_later(&stage, "a");
        outbox_append(stage.outbox, 1);
        set_stuck(&disk, true);
        do /* until the thread has begun with it */
                assert_int_equal(configure(&stage, "b", NULL), MV_ETIMEOUT);
        while (!is_waiting(&disk));
        assert_int_equal(configure(&stage, "c", NULL), MV_ETIMEOUT);
        set_stuck(&disk, false);
        configure_later(&stage, "a");
        assert_int_equal(forgotten(&stage), 0);
        assert_true(mv_outbox_receiver_status(stage.outbox, 0, &receiver));
        assert_string_equal(receiver.name, "a");
        assert_int_equal(receiver.waiting, 1);

        /* Nor is it on the disk. */
        mv_outbox_close(stage.outbox);
        stage.outbox = outbox_open_with(stage.directory, MIB, NULL);
        outbox_receivers(stage.outbox, "a b");
        assert_string_equal(outbox_waiting(stage.outbox, 0), "1");
        assert_string_equal(outbox_waiting(stage.outbox, 1), "");
        end(&stage);
}

/* It is busy with something else: the change is not made. */
static void test_stuck_elsewhere(void **state) {
        (void)state;
        struct stage stage;
        begin(&stage, 50);
        configure_later(&stage, "a");
        wait_for_first_line(&stage.slow); /* there is no token */
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
                cmocka_unit_test(test_stuck_behind_a_change),
                cmocka_unit_test(test_stuck_in_a_change),
                cmocka_unit_test(test_stuck_elsewhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
