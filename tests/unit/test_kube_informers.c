/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of a fake API server (cluster/kube/informers.h) whose discovery is forbidden. */
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

static void test_discovery_is_forbidden(void **state) {
        (void)state;
        static const enum mv_kind kinds[] = { MV_KIND_POOL, MV_KIND_REPLICA_SET, MV_KIND_CLAIM };
        static const struct mv_logger logger = { .line = line };
        struct kube kube = kube_new("", "");
        struct mv_store *store = mv_store_new();
        struct mv_live *live = mv_live_new(store);
        uint64_t needed = 0;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                needed |= UINT64_C(1) << kinds[i];
        struct mv_kube_informers *informers = mv_kube_informers_new(&(struct mv_kube_informers_options){
                .client = kube.client, .live = live, .kinds = needed, .once = true, .logger = &logger });
        for (long long end = mv_clock_ms() + 20000; !mv_kube_informers_ready(informers);) {
                assert_true(mv_clock_ms() < end);
                mv_kube_informers_step(informers, mv_clock_ms());
                mv_kube_client_run(kube.client, 100);
        }
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
        mv_kube_informers_free(informers);
        mv_store_free(store);
        mv_live_free(live);
        kube_done(&kube);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_discovery_is_forbidden),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
