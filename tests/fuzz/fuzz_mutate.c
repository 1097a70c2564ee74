/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object that /mutate stamps, as a VirtualMachine and as a migration: it is allowed, the patch is a JSONPatch that can be
 * applied, changes nothing but migvet's annotations and the node selector of a migration, and leaves nothing to be patched.
 */
#include "policy/base/arena.h"
#include "policy/base/base64.h"
#include "policy/review.h"
#include "tests/fuzz/cluster.h"

#include <json-c/json.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

enum { MOST_BYTES = 1 << 20 };

static const char *text_of(struct json_object *value) {
        return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static struct json_object *parse(const char *text) {
        struct json_tokener *tokener = json_tokener_new_ex(200);
        struct json_object *value = json_tokener_parse_ex(tokener, text, (int)strlen(text));
        json_tokener_free(tokener);
        return value;
}

static struct json_object *member(struct json_object *object, const char *key) {
        struct json_object *value = NULL;
        if (json_object_is_type(object, json_type_object))
                json_object_object_get_ex(object, key, &value);
        return value;
}

/* The patch of the answer, or NULL: there is none. What the answer says beside it is looked at. */
static struct json_object *ask(const char *object, const char *kind, const char *resource) {
        struct mv_buf body, answer;
        struct mv_arena arena;
        struct mv_review_result result;
        mv_buf_init(&body, &mv_allocator_system, 2 * MOST_BYTES);
        mv_buf_init(&answer, &mv_allocator_system, 16 << 20);
        mv_arena_init(&arena, &mv_allocator_system, 64 << 20);
        mv_buf_format(
                &body,
                "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
                "\"kind\":{\"group\":\"kubevirt.io\",\"version\":\"v1\",\"kind\":\"%s\"},"
                "\"resource\":{\"group\":\"kubevirt.io\",\"version\":\"v1\",\"resource\":\"%s\"},"
                "\"namespace\":\"shop\",\"operation\":\"CREATE\",\"userInfo\":{\"username\":\"jane\"},\"object\":",
                kind, resource);
        mv_buf_append_text(&body, object);
        mv_buf_append_text(&body, "}}");
        char *padded = fuzz_copy(mv_buf_str(&body));
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = fuzz_cluster(),
                                               .config = fuzz_config(),
                                               .version = MV_STR(""),
                                               .mirror = MV_MIRROR_DENY,
                                               .mutate = true };
        int status = mv_review_answer(&input, (struct mv_str){ padded, body.n }, &answer, &result);
        fuzz_check(status == 200 || status == 400, "an odd status");
        struct json_object *patch = NULL;
        if (status == 200) {
                struct json_object *review = parse(answer.p), *response = member(review, "response");
                fuzz_check(json_object_get_boolean(member(response, "allowed")), "refused by /mutate");
                struct json_object *encoded = member(response, "patch");
                if (encoded) {
                        struct mv_str base64 = { json_object_get_string(encoded),
                                                 (size_t)json_object_get_string_len(encoded) };
                        char *text = fuzz_copy(base64);
                        size_t n = 0;
                        fuzz_check(mv_base64_decode(base64, (unsigned char *)text, &n), "no base64");
                        text[n] = '\0';
                        patch = parse(text);
                        free(text);
                        fuzz_check(json_object_is_type(patch, json_type_array) &&
                                           json_object_array_length(patch) > 0,
                                   "a patch of nothing");
                        fuzz_check(strcmp(json_object_get_string(member(response, "patchType")),
                                          "JSONPatch") == 0,
                                   "another kind of patch");
                }
                json_object_put(review);
        }
        free(padded);
        mv_arena_done(&arena);
        mv_buf_done(&answer);
        mv_buf_done(&body);
        return patch;
}

/* The next part of a JSON pointer, unescaped. */
static bool next_part(const char **pointer, char *out, size_t size) {
        const char *p = *pointer;
        size_t n = 0;
        if (*p++ != '/')
                return false;
        for (; *p && *p != '/'; p++) {
                char c = *p;
                if (c == '~') {
                        c = p[1] == '1' ? '/' : '~';
                        fuzz_check(p[1] == '0' || p[1] == '1', "a wrong escape");
                        p++;
                }
                fuzz_check(n + 1 < size, "a long path");
                out[n++] = c;
        }
        out[n] = '\0';
        *pointer = p;
        return true;
}

static void apply(struct json_object *root, struct json_object *operation) {
        const char *op = json_object_get_string(member(operation, "op"));
        const char *path = json_object_get_string(member(operation, "path"));
        char key[128] = "", next[128];
        struct json_object *at = root;
        fuzz_check(op && path, "no operation");
        fuzz_check(strcmp(path, "/metadata") == 0 || strcmp(path, "/metadata/annotations") == 0 ||
                           strncmp(path, "/metadata/annotations/migvet.io~1", 33) == 0 ||
                           strcmp(path, "/spec/addedNodeSelector") == 0,
                   "a patch of something else");
        fuzz_check(next_part(&path, key, sizeof key), "no path");
        while (next_part(&path, next, sizeof next)) {
                at = member(at, key);
                fuzz_check(json_object_is_type(at, json_type_object), "a path into nothing");
                memcpy(key, next, sizeof key);
        }
        struct json_object *old = NULL; /* of null, too */
        bool there = json_object_object_get_ex(at, key, &old);
        if (strcmp(op, "remove") == 0) {
                fuzz_check(there, "removes what is not there");
                json_object_object_del(at, key);
                return;
        }
        fuzz_check(strcmp(op, "add") == 0 || (strcmp(op, "replace") == 0 && there),
                   "replaces what is not there");
        fuzz_check(strcmp(op, "replace") == 0 || !old, "adds what is there");
        json_object_object_add(at, key, json_object_get(member(operation, "value")));
}

static void drop(struct json_object *object, const char *key) {
        if (json_object_is_type(object, json_type_object))
                json_object_object_del(object, key);
}

/* Nothing, or as good as nothing. */
static bool is_empty(struct json_object *value) {
        return !value ||
               (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0);
}

/* Without all that /mutate may add. */
static struct json_object *bare(struct json_object *object) {
        static const char *const stamp[] = { "migvet.io/verdict", "migvet.io/rules", "migvet.io/policy",
                                             "migvet.io/targets", "migvet.io/inputs" };
        struct json_object *copy = parse(text_of(object)), *metadata = member(copy, "metadata"),
                           *annotations = member(metadata, "annotations");
        drop(member(copy, "spec"), "addedNodeSelector");
        for (size_t i = 0; i < sizeof stamp / sizeof *stamp; i++)
                drop(annotations, stamp[i]);
        if (is_empty(annotations))
                drop(metadata, "annotations");
        if (is_empty(metadata))
                json_object_object_del(copy, "metadata");
        return copy;
}

static void check(struct json_object *object, const char *kind, const char *resource) {
        struct json_object *patched = parse(text_of(object));
        struct json_object *patch = ask(text_of(patched), kind, resource);
        if (patch) {
                for (size_t i = 0; i < json_object_array_length(patch); i++)
                        apply(patched, json_object_array_get_idx(patch, i));
                struct json_object *before = bare(object), *after = bare(patched);
                fuzz_check(strcmp(text_of(before), text_of(after)) == 0, "something else was changed");
                json_object_put(before);
                json_object_put(after);
                struct json_object *again = ask(text_of(patched), kind, resource);
                fuzz_check(!again, "something is left to be patched");
        }
        json_object_put(patch);
        json_object_put(patched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_str text = fuzz_str(data, size);
        if (size > MOST_BYTES / 8 || !fuzz_is_json(text))
                return 0;
        char *copy = fuzz_copy(text);
        /* json-c takes the second of two equal keys, and cuts a key at a NUL byte: what it has read is the input. */
        struct json_object *object = parse(copy);
        if (json_object_is_type(object, json_type_object)) {
                check(object, "VirtualMachine", "virtualmachines");
                check(object, "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations");
        }
        json_object_put(object);
        free(copy);
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
        return fuzz_mutate_json(data, size, most, seed, &fuzz_review_words);
}
