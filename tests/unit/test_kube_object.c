/* SPDX-License-Identifier: Apache-2.0 */
/* Writes of single objects (cluster/kube/object.h), and what their answers mean. */
#include "cluster/kube/object.h"
#include "tests/unit/test_kube.h"

static int written(struct kube *kube, const char *method, const char *type, const char *path,
                   struct mv_err *err) {
        struct mv_kube_caller caller = { .client = kube->client, .timeout_ms = 20000 };
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 1 << 20);
        *err = (struct mv_err){ 0 };
        int r = mv_kube_object_write(&caller, method, mv_str_from(path), type, MV_STR("[]"), &out, err);
        mv_buf_done(&out);
        return r;
}

static void test_conflicts(void **state) {
        (void)state;
        struct kube kube = kube_new("", "");
        struct mv_err err;
        assert_int_equal(written(&kube, "PATCH", MV_KUBE_JSON_PATCH, "/test/echo", &err), 0);
        assert_int_equal(written(&kube, "PUT", MV_KUBE_JSON, "/test/failure?code=409", &err),
                         MV_KUBE_CONFLICT);
        assert_int_equal(written(&kube, "PUT", MV_KUBE_JSON, "/test/failure?code=404", &err),
                         MV_KUBE_CONFLICT);
        assert_int_equal(written(&kube, "POST", MV_KUBE_JSON, "/test/failure?code=404", &err), MV_ENOTFOUND);
        kube_done(&kube);
}

/* A failed test of a JSON Patch, and an object that is wrong. */
static void test_unprocessable(void **state) {
        (void)state;
        static const char *const wrong =
                "/test/failure?code=422&text=%7B%22kind%22:%22Status%22,%22message%22:%22name%20is%20wrong%22,"
                "%22details%22:%7B%22causes%22:%5B%7B%22field%22:%22metadata.name%22%7D%5D%7D%7D";
        struct kube kube = kube_new("", "");
        struct mv_err err;
        assert_int_equal(written(&kube, "PATCH", MV_KUBE_JSON_PATCH, "/test/failure?code=422", &err),
                         MV_KUBE_CONFLICT);
        assert_int_equal(written(&kube, "PATCH", MV_KUBE_JSON_PATCH, wrong, &err), MV_EUSAGE);
        assert_string_equal(err.message, "name is wrong");
        assert_int_equal(written(&kube, "PATCH", MV_KUBE_MERGE_PATCH, "/test/failure?code=422", &err),
                         MV_EUSAGE);
        kube_done(&kube);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conflicts),
                cmocka_unit_test(test_unprocessable),
        };
        return cmocka_run_group_tests(tests, set_up_api, tear_down_api);
}
