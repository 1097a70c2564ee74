/* SPDX-License-Identifier: Apache-2.0 */
/* What a review names and the snapshot does not have yet is fetched, and the review judged again. */
#include "cli/reviewer.h"

#include "cli/config.h"

#include "cluster/live.h"
#include "tests/unit/support.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REVIEW                                                                                                \
        "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u1','kind':{'group':" \
        "'kubevirt.io','version':'v1','kind':'VirtualMachineInstanceMigration'},'resource':{'group':"         \
        "'kubevirt.io','version':'v1','resource':'virtualmachineinstancemigrations'},'namespace':'a','name':" \
        "'m','operation':'CREATE','userInfo':{'username':'alice'},'object':{'apiVersion':'kubevirt.io/v1',"   \
        "'kind':'VirtualMachineInstanceMigration','metadata':{'name':'m','namespace':'a'},'spec':{'vmiName':" \
        "'db'}}}}"

/* A cluster that is a moment ahead of its snapshot. */
struct cluster {
        struct mv_store *store;
        struct mv_live *live;
        struct mv_config_watch *configs;
        struct mv_reviewer reviewer;
        struct mv_fetcher fetcher;
        struct mv_review_note note;
        bool has_vmi, refuses, dull, late;
        uint64_t known; /* what the fetch found out about */
        uint64_t confirmed;
        int fetches, confirmations, put_offs, resumptions;
        char asked[256];
        char answer[4096]; /* the last one */
};

static void put(struct cluster *cluster, enum mv_kind kind, const char *text) {
        struct mv_str json = json_make(text);
        struct mv_err err = { 0 };
        assert_int_equal(mv_live_put(cluster->live, kind, json, &err), 0);
        text_free(json);
}

static void publish(struct cluster *cluster) {
        struct mv_err err = { 0 };
        assert_int_equal(mv_live_publish(cluster->live, true, &err), 0);
}

static bool fetch(void *context, const struct mv_missing *missing, size_t n, long long deadline_ns,
                  void (*done)(void *done_context, uint64_t known), void *done_context) {
        struct cluster *cluster = context;
        size_t at = 0;
        (void)deadline_ns;
        cluster->fetches++;
        if (cluster->refuses)
                return false;
        for (size_t i = 0; i < n; i++)
                at += (size_t)snprintf(cluster->asked + at, sizeof cluster->asked - at, "%s %.*s/%.*s;",
                                       mv_kinds[missing[i].kind].kind, MV_STR_ARG(missing[i].namespace),
                                       MV_STR_ARG(missing[i].name));
        if (cluster->has_vmi)
                put(cluster, MV_KIND_VMI,
                    "{'metadata':{'name':'db','namespace':'a'},'spec':{'networks':[{'name':'d','pod':{}}],'domain':{'devices':{'interfaces':[{'name':'d','masquerade':{}}]}}},'status':{'phase':"
                    "'Running','nodeName':'n1'}}");
        put(cluster, MV_KIND_NAMESPACE, "{'metadata':{'name':'a'}}");
        publish(cluster);
        done(done_context, cluster->known);
        return true;
}

static bool confirm(void *context, const struct mv_missing *objects, size_t n, long long deadline_ns,
                    void (*done)(void *done_context, uint64_t confirmed), void *done_context) {
        struct cluster *cluster = context;
        size_t at = 0;
        (void)deadline_ns;
        cluster->confirmations++;
        for (size_t i = 0; i < n; i++)
                at += (size_t)snprintf(cluster->asked + at, sizeof cluster->asked - at, "%s %.*s/%.*s;",
                                       mv_kinds[objects[i].kind].kind, MV_STR_ARG(objects[i].namespace),
                                       MV_STR_ARG(objects[i].name));
        done(done_context, cluster->confirmed);
        return true;
}

static bool wants(void *context, const struct mv_missing *missing) {
        const struct cluster *cluster = context;
        return !cluster->dull && (missing->kind == MV_KIND_VMI || missing->kind == MV_KIND_NAMESPACE);
}

static void *put_off(const struct mv_review_call *call) {
        struct cluster *cluster = call->server;
        if (cluster->late)
                return NULL;
        cluster->put_offs++;
        return cluster;
}

static void resume(void *ticket, uint64_t answer) {
        struct cluster *cluster = ticket;
        cluster->resumptions++;
        cluster->note.answer |= answer;
}

/* config is a file, or NULL. */
static void cluster_init_with(struct cluster *cluster, const char *config) {
        *cluster = (struct cluster){ .store = mv_store_new() };
        cluster->live = mv_live_new(cluster->store);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                mv_live_know(cluster->live, (enum mv_kind)kind, MV_KNOWLEDGE_ALL, MV_STR(""));
        put(cluster, MV_KIND_KUBEVIRT,
            "{'metadata':{'name':'kubevirt','namespace':'kubevirt'},'status':{'phase':'Deployed'}}");
        publish(cluster);
        struct mv_err err = { 0 };
        assert_int_equal(mv_config_watch_new(config, MV_STR("migvet"), NULL, &cluster->configs, &err), 0);
        mv_reviewer_init(&cluster->reviewer, cluster->store, cluster->configs);
        cluster->reviewer.live = true;
        cluster->fetcher = (struct mv_fetcher){ fetch, wants, confirm, cluster };
        cluster->reviewer.fetcher = &cluster->fetcher;
}

static void cluster_init(struct cluster *cluster) {
        cluster_init_with(cluster, NULL);
}

static void cluster_done(struct cluster *cluster) {
        mv_store_free(cluster->store);
        mv_live_free(cluster->live);
        mv_config_watch_free(cluster->configs);
}

/* What the server hands over for a request. */
struct handed {
        struct mv_str body;
        struct mv_buf response;
        struct mv_review_call call;
};

static void hand_over(struct handed *handed, struct cluster *cluster, const char *body, unsigned put_offs) {
        if (!put_offs)
                cluster->note = (struct mv_review_note){ 0 };
        handed->body = json_make(body);
        handed->call = (struct mv_review_call){ .body = handed->body,
                                                .deadline_ns = LLONG_MAX,
                                                .put_offs = put_offs,
                                                .note = &cluster->note,
                                                .put_off = put_off,
                                                .resume = resume,
                                                .server = cluster };
        mv_buf_init(&handed->response, &mv_allocator_system, 65536);
}

static void take_back(struct handed *handed, struct cluster *cluster) {
        snprintf(cluster->answer, sizeof cluster->answer, "%.*s", MV_STR_ARG(mv_buf_str(&handed->response)));
        mv_buf_done(&handed->response);
        text_free(handed->body);
}

/* The status; the answer says `verdict`, when there is one. */
static int ask(struct cluster *cluster, unsigned put_offs, const char *verdict) {
        const struct mv_review_backend *backend = &cluster->reviewer.backend;
        struct mv_review_summary summary = { .verdict = "", .level = "" };
        struct handed handed;
        hand_over(&handed, cluster, REVIEW, put_offs);
        int status = backend->review(backend->context, &handed.call, &handed.response, &summary);
        if (status == 200)
                assert_string_equal(summary.verdict, verdict);
        take_back(&handed, cluster);
        return status;
}

static void test_fetched(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        cluster.has_vmi = true;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(cluster.put_offs, 1);
        assert_int_equal(cluster.resumptions, 1);
        assert_string_equal(cluster.asked, "Namespace /a;VirtualMachineInstance a/db;");
        assert_int_equal(ask(&cluster, 1, "True"), 200);
        assert_int_equal(ask(&cluster, 0, "True"), 200); /* and is there from now on */
        assert_int_equal(cluster.fetches, 1);
        cluster_done(&cluster);
}

static void test_not_there(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask(&cluster, 1, "Unknown"), 200); /* asked once only */
        assert_int_equal(cluster.fetches, 1);
        cluster_done(&cluster);
}

/* What nobody can tell is not asked; whoever cannot be asked resumes at once. */
static void test_not_asked(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        cluster.dull = true;
        assert_int_equal(ask(&cluster, 0, "Unknown"), 200);
        assert_int_equal(cluster.put_offs, 0);
        cluster.dull = false;
        cluster.refuses = true;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(cluster.resumptions, 1);
        cluster.reviewer.fetcher = NULL;
        assert_int_equal(ask(&cluster, 0, "Unknown"), 200);
        cluster_done(&cluster);
}

/* Whoever can wait no longer is answered, and nobody is asked. */
static void test_late(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        cluster.has_vmi = cluster.late = true;
        assert_int_equal(ask(&cluster, 0, "Unknown"), 200);
        assert_int_equal(cluster.fetches, 0);
        assert_int_equal(cluster.resumptions, 0);
        cluster_done(&cluster);
}

static bool is_unknown(const struct cluster *cluster, enum mv_kind kind, struct mv_str namespace,
                       struct mv_str name) {
        const struct mv_missing missing = { .kind = kind, .namespace = namespace, .name = name };
        return mv_reviewer_is_unknown(&cluster->fetcher, &cluster->note, &missing);
}

/* Not found is one thing, no answer another. */
static void test_unknown(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        assert_true(is_unknown(&cluster, MV_KIND_VMI, MV_STR("a"), MV_STR("db")));
        assert_false(is_unknown(&cluster, MV_KIND_NODE, MV_STR(""), MV_STR("n1"))); /* never asked for */
        cluster.known = 2;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_string_equal(cluster.asked, "Namespace /a;VirtualMachineInstance a/db;");
        assert_true(is_unknown(&cluster, MV_KIND_NAMESPACE, MV_STR(""), MV_STR("a")));
        assert_false(is_unknown(&cluster, MV_KIND_VMI, MV_STR("a"), MV_STR("db")));
        assert_true(is_unknown(&cluster, MV_KIND_VMI, MV_STR("a"), MV_STR("other")));
        /* The note of a second question goes on where the first ended. */
        cluster.note = (struct mv_review_note){ .words = { 1, 2, 3 }, .n = 3, .answer = 1 };
        cluster.known = 1;
        assert_int_equal(ask(&cluster, 1, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(cluster.note.answer, 1 | 1 << 3);
        cluster.refuses = true;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_true(is_unknown(&cluster, MV_KIND_VMI, MV_STR("a"), MV_STR("db")));
        cluster_done(&cluster);
}

#define QUESTION \
        "{'subject':{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','namespace':'a','name':'db'}}"

/* The status of a question about an instance; the summary says `verdict`. */
static int ask_question(struct cluster *cluster, const char *question, unsigned put_offs,
                        const char *verdict) {
        const struct mv_review_backend *backend = &cluster->reviewer.backend;
        struct mv_verdict_summary summary = { .verdict = "" };
        struct handed handed;
        hand_over(&handed, cluster, question, put_offs);
        int status = backend->verdict(backend->context, &handed.call, &handed.response, &summary);
        assert_string_equal(summary.verdict, verdict);
        if (status)
                assert_str(summary.name, "db");
        take_back(&handed, cluster);
        return status;
}

static int ask_verdict(struct cluster *cluster, unsigned put_offs, const char *verdict) {
        return ask_question(cluster, QUESTION, put_offs, verdict);
}

/* A subject that the snapshot does not have yet. */
static void test_subject_fetched(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        cluster.has_vmi = true;
        assert_int_equal(ask_verdict(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_string_equal(cluster.asked, "VirtualMachineInstance a/db;");
        assert_int_equal(ask_verdict(&cluster, 1, "True"), 200);
        assert_int_equal(ask_verdict(&cluster, 0, "True"), 200);
        assert_int_equal(cluster.fetches, 1);
        cluster_done(&cluster);
}

/* One that does not exist is not there; one that nobody could look up may be. */
static void test_subject_not_there(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        assert_int_equal(ask_verdict(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask_verdict(&cluster, 1, ""), 503);
        cluster.known = 1;
        assert_int_equal(ask_verdict(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask_verdict(&cluster, 1, ""), 404);
        cluster.late = true;
        assert_int_equal(ask_verdict(&cluster, 0, ""), 503);
        cluster.reviewer.fetcher = NULL; /* the snapshot is all there is */
        assert_int_equal(ask_verdict(&cluster, 0, ""), 404);
        cluster_done(&cluster);
}

#define INSTANCE_OF(uid)                                                                                   \
        "{'metadata':{'name':'db','namespace':'a','uid':'" uid                                             \
        "'},'spec':{'networks':[{'name':'d','pod':{}}],"                                                   \
        "'domain':{'devices':{'interfaces':[{'name':'d','masquerade':{}}]}}},'status':{'phase':'Running'," \
        "'nodeName':'n1'}}"
#define QUESTION_OF(uid)                                                                                         \
        "{'subject':{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','namespace':'a','name':'db'," \
        "'uid':'" uid "'}}"

/* An object of the same name that was just made again is not taken for one that does not exist. */
static void test_subject_made_again(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        put(&cluster, MV_KIND_NAMESPACE, "{'metadata':{'name':'a'}}");
        put(&cluster, MV_KIND_VMI, INSTANCE_OF("1"));
        publish(&cluster);
        assert_int_equal(ask_question(&cluster, QUESTION_OF("1"), 0, "True"), 200);
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 0, ""), MV_REVIEW_PUT_OFF);
        assert_string_equal(cluster.asked, "VirtualMachineInstance a/db;");
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 1, ""), 503);
        cluster.confirmed = 1;
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 1, ""), 404); /* it is the old one still */
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 0, ""), MV_REVIEW_PUT_OFF);
        put(&cluster, MV_KIND_VMI, INSTANCE_OF("2"));
        publish(&cluster);
        assert_int_equal(ask_question(&cluster, QUESTION_OF("2"), 1, "True"), 200);
        assert_int_equal(cluster.confirmations, 3);
        cluster.fetcher.confirm = NULL; /* nobody can be asked */
        assert_int_equal(ask_question(&cluster, QUESTION_OF("1"), 0, ""), 404);
        cluster.reviewer.fetcher = NULL;
        assert_int_equal(ask_question(&cluster, QUESTION_OF("1"), 0, ""), 404);
        cluster_done(&cluster);
}

/* What could not be read in time may be there: it is Unknown, and nobody says that it does not exist. */
static void test_in_doubt(void **state) {
        (void)state;
        struct cluster cluster;
        cluster_init(&cluster);
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask(&cluster, 1, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "VirtualMachineInstance a/db could not be read in time"));
        assert_null(strstr(cluster.answer, "does not exist"));
        cluster.known = 3;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask(&cluster, 1, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "does not exist"));
        assert_null(strstr(cluster.answer, "in time"));
        cluster.late = true; /* nobody can be asked any more */
        assert_int_equal(ask(&cluster, 0, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "VirtualMachineInstance a/db could not be read in time"));
        cluster_done(&cluster);
}

/* With `mirror: deny` KubeVirt's refusal is denied when all that it rests on was read again; otherwise it is a warning. */
static void test_confirmed(void **state) {
        (void)state;
        char path[] = "/tmp/migvet-test-reviewer-XXXXXX";
        static const char text[] =
                "apiVersion: config.migvet.io/v1alpha1\nkind: Configuration\nmirror: deny\n";
        int fd = mkstemp(path);
        assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
        close(fd);
        struct cluster cluster;
        cluster_init_with(&cluster, path);
        unlink(path);
        cluster.known = 3;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF); /* for what is missing */
        assert_int_equal(cluster.confirmations, 0);
        assert_int_equal(ask(&cluster, 1, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(cluster.confirmations, 1);
        assert_string_equal(cluster.asked, "KubeVirt kubevirt/kubevirt;VirtualMachineInstance a/db;");
        assert_int_equal(ask(&cluster, 2, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "\"allowed\":true"));
        assert_non_null(strstr(cluster.answer, "admission: the VMI"));
        for (uint64_t confirmed = 1; confirmed <= 3; confirmed++) {
                cluster.confirmed = confirmed;
                assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
                assert_int_equal(ask(&cluster, 1, ""), MV_REVIEW_PUT_OFF);
                assert_int_equal(ask(&cluster, 2, "Unknown"), 200);
                bool denied =
                        strstr(cluster.answer, "\"allowed\":false") && strstr(cluster.answer, "\"code\":400");
                assert_int_equal(denied, confirmed == 3);
        }
        /* Nobody could be asked. */
        cluster.fetcher.confirm = NULL;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        assert_int_equal(ask(&cluster, 1, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "admission: the VMI"));
        /* The last time that it is put off may be over. */
        cluster.fetcher.confirm = confirm;
        assert_int_equal(ask(&cluster, 0, ""), MV_REVIEW_PUT_OFF);
        cluster.late = true;
        assert_int_equal(ask(&cluster, 1, "Unknown"), 200);
        assert_non_null(strstr(cluster.answer, "\"allowed\":true"));
        cluster_done(&cluster);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fetched),           cmocka_unit_test(test_not_there),
                cmocka_unit_test(test_not_asked),         cmocka_unit_test(test_late),
                cmocka_unit_test(test_unknown),           cmocka_unit_test(test_in_doubt),
                cmocka_unit_test(test_confirmed),         cmocka_unit_test(test_subject_fetched),
                cmocka_unit_test(test_subject_not_there), cmocka_unit_test(test_subject_made_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
