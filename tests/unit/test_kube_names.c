/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { N = 1000 };

struct dropped {
        size_t n;
        char last[64];
};

static void drop(void *context, struct mv_str namespace, struct mv_str name) {
        struct dropped *dropped = context;
        dropped->n++;
        snprintf(dropped->last, sizeof dropped->last, "%.*s/%.*s", MV_STR_ARG(namespace), MV_STR_ARG(name));
}

static void add(struct mv_kube_names *names, unsigned i) {
        char namespace[16];
        snprintf(namespace, sizeof namespace, "n%u", i);
        assert_true(mv_kube_names_add(names, mv_str_from(namespace), MV_STR("kubevirt-config")));
}

static void test_lists(void **state) {
        (void)state;
        struct mv_kube_names names = { 0 };
        struct dropped dropped = { 0 };
        mv_kube_names_begin(&names);
        mv_kube_names_remove(&names, MV_STR("n1"), MV_STR("kubevirt-config")); /* of none */
        for (unsigned i = 0; i < 2 * N; i++)
                add(&names, i % N);
        mv_kube_names_end(&names, drop, &dropped);
        assert_int_equal(names.n, N);
        assert_int_equal(dropped.n, 0);
        /* what was deleted is not told of again, and takes no room */
        for (unsigned i = 0; i < 3; i++)
                mv_kube_names_remove(&names, MV_STR("n7"), MV_STR("kubevirt-config"));
        mv_kube_names_remove(&names, MV_STR("n8"), MV_STR("other"));
        assert_int_equal(names.n, N - 1);
        mv_kube_names_begin(&names);
        for (unsigned i = 0; i < N; i++)
                if (i != 7 && i != 500)
                        add(&names, i);
        mv_kube_names_end(&names, drop, &dropped);
        assert_int_equal(dropped.n, 1);
        assert_string_equal(dropped.last, "n500/kubevirt-config");
        assert_int_equal(names.n, N - 2);
        /* a list of nothing */
        mv_kube_names_begin(&names);
        mv_kube_names_end(&names, drop, &dropped);
        assert_int_equal(dropped.n, N - 1);
        assert_int_equal(names.n, 0);
        add(&names, 1);
        mv_kube_names_done(&names);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
