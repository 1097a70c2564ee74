/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body of the webhook, whatever it holds: it never crashes, and is answered with valid JSON: a review (200)
 * or a Status (400); with hardly any memory also 503. A review that is not allowed says why. Asked for as a verdict, it
 * gives one (200), or a Status.
 */
#include "policy/ask.h"
#include "policy/base/arena.h"
#include "policy/object/scan.h"
#include "policy/review.h"
#include "policy/snapshot.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A small cluster, which a review may refer to; ' stands for ". Namespace strict enforces a level. */
#define INSTANCE(name, binding, rest)                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'" name "'}," \
        "'spec':{'architecture':'amd64','evictionStrategy':'LiveMigrate',"                               \
        "'domain':{'cpu':{'model':'Haswell'},'devices':{"                                                \
        "'interfaces':[{'name':'default','" binding "':{}}],'disks':[{'name':'d','disk':{}}]}},"         \
        "'networks':[{'name':'default','pod':{}}],"                                                      \
        "'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'shared'}}]}" rest "}"
#define NODE(name)                                                                  \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':{" \
        "'kubevirt.io/schedulable':'true','kubernetes.io/arch':'amd64',"            \
        "'cpu-vendor.node.kubevirt.io/Intel':'true',"                               \
        "'cpu-model.node.kubevirt.io/Haswell':'true'}}}"
#define CLAIM(name, mode)                                                                   \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name "'}," \
        "'spec':{'accessModes':['" mode "']}}"

static const char *const objects[] = {
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt',"
        "'metadata':{'name':'kubevirt','namespace':'kubevirt'},"
        "'status':{'phase':'Deployed','observedKubeVirtVersion':'v1.8.4'}}",
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'strict','labels':{"
        "'migvet.io/enforce':'migratable','migvet.io/warn':'banana'}}}",
        "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'local',"
        "'annotations':{'storageclass.kubernetes.io/is-default-class':'true'}},'provisioner':'x'}",
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':"
        "{'name':'m','uid':'1','labels':{'kubevirt.io/vmi-name':'web'}},'spec':{'vmiName':'web'}}",
        NODE("a"),
        NODE("b"),
        CLAIM("shared", "ReadWriteMany"),
        CLAIM("ledger", "ReadWriteOnce"),
        INSTANCE("fine", "masquerade", ""),
        INSTANCE("web", "masquerade", ""),
        INSTANCE("db", "bridge", ""),
        INSTANCE("gone", "masquerade", ",'status':{'phase':'Failed'}"),
        INSTANCE("stuck", "bridge",
                 ",'status':{'phase':'Running','conditions':[{'type':'LiveMigratable','status':'False',"
                 "'reason':'InterfaceNotLiveMigratable','message':'no'}]}"),
};

/* Followed by what the scanner may read beyond the end. */
static int add(struct mv_snapshot_builder *builder, const char *object, struct mv_err *err) {
        char text[2048] = "";
        size_t n = strlen(object);
        if (n + MV_SCAN_PADDING > sizeof text)
                abort();
        for (size_t i = 0; i < n; i++)
                text[i] = (char)(object[i] == '\'' ? '"' : object[i]);
        return mv_snapshot_builder_add(builder, (struct mv_str){ text, n }, MV_STR("cluster"), err);
}

static struct mv_snapshot *make_snapshot(void) {
        struct mv_err err = { 0 };
        struct mv_snapshot *snapshot = NULL;
        struct mv_snapshot_builder *builder = mv_snapshot_builder_new(&mv_allocator_system, MV_STR("shop"));
        char text[1152];
        int r = builder ? 0 : -1;
        for (size_t i = 0; r == 0 && i < sizeof objects / sizeof *objects; i++)
                r = add(builder, objects[i], &err);
        if (r < 0 || mv_snapshot_builder_finish(builder, &snapshot, &err) < 0) {
                fprintf(stderr, "%s\n", mv_err_format(&err, text, sizeof text));
                abort();
        }
        return snapshot;
}

static bool holds(struct mv_str text, const char *what) {
        return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static void check(bool right, const char *what, struct mv_str response) {
        if (right)
                return;
        fprintf(stderr, "%s: %.*s\n", what, MV_STR_ARG(response));
        abort();
}

static void answer(const struct mv_review_input *input, struct mv_str body, bool short_of_memory) {
        struct mv_buf buf;
        struct mv_review_result result;
        mv_buf_init(&buf, &mv_allocator_system, 16 << 20);
        int status = mv_review_answer(input, body, &buf, &result);
        struct mv_str response = mv_buf_str(&buf);
        check(!mv_buf_failed(&buf) && response.n > 0, "no answer", response);
        check(status == 200 || status == 400 || (short_of_memory && status == 503), "an odd status",
              response);
        check((status == 200) == (result.request != NULL), "a status that does not fit", response);
        /* The scanner reads beyond the end. */
        memset(mv_buf_reserve(&buf, MV_SCAN_PADDING), 0, MV_SCAN_PADDING);
        check(mv_json_validate(mv_buf_str(&buf), NULL) == 0, "no JSON", response);
        response = mv_buf_str(&buf);
        if (status == 200) {
                bool allowed = holds(response, ",\"allowed\":true");
                check(holds(response, "\"kind\":\"AdmissionReview\""), "no review", response);
                check(allowed == result.decision.allowed, "another decision", response);
                check(allowed || !input->mutate, "refused by /mutate", response);
                check(!holds(response, "\"patch\"") || input->mutate, "a patch of /validate", response);
                check(allowed || (result.decision.code >= 400 && result.decision.message.n &&
                                  holds(response, "\"code\":4")),
                      "refused without a reason", response);
        } else
                check(holds(response, "\"kind\":\"Status\"") && !holds(response, "\"allowed\""), "no Status",
                      response);
        mv_buf_done(&buf);
}

static bool may_exist(void *context, const struct mv_missing *object) {
        (void)context;
        return object->name.n % 2;
}

static void ask(const struct mv_review_input *review, struct mv_str body, bool short_of_memory) {
        struct mv_arena arena;
        struct mv_buf buf;
        struct mv_ask_result result;
        mv_arena_init(&arena, &mv_allocator_system, short_of_memory ? 16384 : 4 << 20);
        mv_buf_init(&buf, &mv_allocator_system, 16 << 20);
        const struct mv_ask_input input = { .arena = &arena,
                                            .snapshot = review->snapshot,
                                            .config = review->config,
                                            .version = review->version,
                                            .may_exist = review->mutate ? may_exist : NULL };
        int status = mv_ask_answer(&input, body, &buf, &result);
        struct mv_str response = mv_buf_str(&buf);
        check(!mv_buf_failed(&buf) && response.n > 0, "no answer", response);
        check(status == 200 || status == 400 || status == 404 || status == 503, "an odd status", response);
        check((status == 200) == (result.verdict[0] != '\0'), "a verdict that does not fit", response);
        check(status == 200 || result.missing.n == 0 || status == 404 || status == 503,
              "missing, and nobody said", response);
        memset(mv_buf_reserve(&buf, MV_SCAN_PADDING), 0, MV_SCAN_PADDING);
        check(mv_json_validate(mv_buf_str(&buf), NULL) == 0, "no JSON", response);
        response = mv_buf_str(&buf);
        check(holds(response, status == 200 ? "\"kind\":\"Verdict\"" : "\"kind\":\"Status\""), "another kind",
              response);
        mv_buf_done(&buf);
        mv_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct mv_snapshot *snapshot;
        static struct mv_config config;
        static const struct {
                size_t cap; /* of memory; 0: the server's */
                bool cluster, mutate;
                enum mv_mirror mirror;
        } runs[] = {
                { 0, true, false, MV_MIRROR_DENY },     { 0, true, false, MV_MIRROR_OFF },
                { 0, false, false, MV_MIRROR_DENY },    { 0, true, true, MV_MIRROR_DENY },
                { 16384, true, false, MV_MIRROR_DENY }, { 16384, true, true, MV_MIRROR_DENY },
        };
        if (!snapshot) {
                snapshot = make_snapshot();
                mv_config_init(&config);
                config.fill_node_selector = true;
        }
        char *body = malloc(size + MV_SCAN_PADDING);
        if (!body)
                return 0;
        if (size)
                memcpy(body, data, size);
        memset(body + size, 0, MV_SCAN_PADDING);
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, runs[i].cap ? runs[i].cap : 4 << 20);
                const struct mv_review_input input = {
                        .arena = &arena,
                        .snapshot = runs[i].cluster ? snapshot : NULL,
                        .config = &config,
                        .version = MV_STR(""),
                        .mirror = runs[i].mirror,
                        .mutate = runs[i].mutate,
                };
                answer(&input, (struct mv_str){ .p = body, .n = size }, runs[i].cap != 0);
                ask(&input, (struct mv_str){ .p = body, .n = size }, runs[i].cap != 0);
                mv_arena_done(&arena);
        }
        free(body);
        return 0;
}
