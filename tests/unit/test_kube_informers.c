/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of a fake API server (cluster/kube/informers.h) whose discovery is forbidden, or that of one group. */
#include "certs/clock.h"
#include "cluster/kube/informers.h"
#include "tests/unit/test_kube.h"

static unsigned n_unread;
static char unread[1024];

static void line(void *context, enum mv_log_level level, const char *component, const char *message,
                 const struct mv_log_field *fields, size_t n) {
        (void)context;
        (void)component;
        if (strcmp(message, "an object cannot be read") != 0)
                return;
        assert_int_equal(level, MV_LOG_WARNING);
        assert_int_equal(n, 2);
        snprintf(unread, sizeof unread, "%.*s %.*s", MV_STR_ARG(fields[0].value),
                 MV_STR_ARG(fields[1].value));
        n_unread++;
}

static struct mv_kube_kind_status status_of(const struct mv_kube_informers *informers, enum mv_kind kind) {
        struct mv_kube_kind_status status;
        mv_kube_informers_status(informers, kind, &status);
        return status;
}

/* Informers that have listed what they can of three kinds. */
struct listed {
        struct kube kube;
        struct mv_store *store;
        struct mv_live *live;
        struct mv_kube_informers *informers;
};

static struct listed list(struct kube kube) {
        static const enum mv_kind kinds[] = { MV_KIND_POOL, MV_KIND_REPLICA_SET, MV_KIND_CLAIM };
        static const struct mv_logger logger = { .line = line };
        struct listed listed = { .kube = kube, .store = mv_store_new() };
        uint64_t needed = 0;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                needed |= UINT64_C(1) << kinds[i];
        n_unread = 0;
        listed.live = mv_live_new(listed.store);
        listed.informers = mv_kube_informers_new(&(struct mv_kube_informers_options){ .client = kube.client,
                                                                                      .live = listed.live,
                                                                                      .kinds = needed,
                                                                                      .once = true,
                                                                                      .logger = &logger });
        for (long long end = mv_clock_ms() + 20000; !mv_kube_informers_ready(listed.informers);) {
                assert_true(mv_clock_ms() < end);
                mv_kube_informers_step(listed.informers, mv_clock_ms());
                mv_kube_client_run(kube.client, 100);
        }
        return listed;
}

static void listed_done(struct listed *listed) {
        mv_kube_informers_free(listed->informers);
        mv_store_free(listed->store);
        mv_live_free(listed->live);
        kube_done(&listed->kube);
}

static void test_discovery_is_forbidden(void **state) {
        (void)state;
        struct listed listed = list(kube_new("", ""));
        const struct mv_kube_informers *informers = listed.informers;
        /* the older version is there; of the others neither is */
        struct mv_kube_kind_status pool = status_of(informers, MV_KIND_POOL);
        assert_int_equal(pool.knowledge, MV_KNOWLEDGE_ALL);
        assert_string_equal(pool.version, "v1alpha1");
        assert_int_equal(pool.errors[MV_REFLECTOR_OBJECT], 1);
        assert_int_equal(status_of(informers, MV_KIND_REPLICA_SET).knowledge, MV_KNOWLEDGE_ABSENT);
        assert_int_equal(status_of(informers, MV_KIND_CLAIM).knowledge, MV_KNOWLEDGE_ABSENT);
        /* which object could not be read, and where */
        const char *expected = "VirtualMachinePool a/bad: metadata.labels: ";
        assert_string_equal(pool.object_error, strchr(unread, ' ') + 1);
        assert_memory_equal(unread, expected, strlen(expected));
        assert_int_equal(n_unread, 1);
        listed_done(&listed);
}

/* Of a server that is asked for each version, one group may not be asked for: the rest is known all the same. */
static void test_discovery_of_one_group_is_forbidden(void **state) {
        (void)state;
        struct listed listed =
                list(kube_at("https://127.0.0.1:PORT/old", "certificate-authority: ca.crt, ", ""));
        assert_int_equal(status_of(listed.informers, MV_KIND_CLAIM).knowledge, MV_KNOWLEDGE_ALL);
        assert_int_equal(status_of(listed.informers, MV_KIND_REPLICA_SET).knowledge, MV_KNOWLEDGE_ABSENT);
        struct mv_kube_kind_status pool = status_of(listed.informers, MV_KIND_POOL);
        assert_int_equal(pool.knowledge, MV_KNOWLEDGE_ALL);
        assert_string_equal(pool.version, "v1alpha1");
        listed_done(&listed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_discovery_is_forbidden),
                cmocka_unit_test(test_discovery_of_one_group_is_forbidden),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
