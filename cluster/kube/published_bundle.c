/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/published_bundle.h"

#include "certs/certificate.h"
#include "certs/probe.h"

#include <stdio.h>

enum { CONFIGURATION_BYTES = 8 * 1024 * 1024, PROBE_MS = 2000 };

static const struct {
        const char *resource, *kind;
} resources[MV_CONFIGURATIONS] = {
        { "validatingwebhookconfigurations", "ValidatingWebhookConfiguration" },
        { "mutatingwebhookconfigurations", "MutatingWebhookConfiguration" },
};

void mv_published_bundle_init(struct mv_published_bundle *published, struct mv_kube_caller *caller,
                              struct mv_str name, const struct mv_logger *logger) {
        *published = (struct mv_published_bundle){ .caller = caller, .name = name };
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++) {
                mv_arena_init(&published->arenas[i], &mv_allocator_system, 4 * CONFIGURATION_BYTES);
                published->reading[i] = published->writing[i] =
                        (struct mv_trouble){ .logger = logger, .component = "certs" };
        }
}

void mv_published_bundle_done(struct mv_published_bundle *published) {
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                mv_arena_done(&published->arenas[i]);
}

static void path_of(const struct mv_published_bundle *published, size_t i, char *out, size_t size) {
        snprintf(out, size, "/apis/admissionregistration.k8s.io/v1/%s/%.*s", resources[i].resource,
                 MV_STR_ARG(published->name));
}

static int in_configuration(const struct mv_published_bundle *published, size_t i, int code,
                            struct mv_err *err) {
        if (err && !err->file[0])
                snprintf(err->file, sizeof err->file, "%s %.*s", resources[i].kind,
                         MV_STR_ARG(published->name));
        return code;
}

/* What the API server answered takes the place of what we had. */
static int take(struct mv_published_bundle *published, size_t i, struct mv_str json, struct mv_err *err) {
        struct mv_webhook_configuration configuration = { 0 };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 4 * CONFIGURATION_BYTES);
        int r = json.n ? mv_webhook_configuration_decode(json, &arena, &configuration, err) : 0;
        if (r < 0) {
                mv_arena_done(&arena);
                return in_configuration(published, i, r, err);
        }
        mv_arena_done(&published->arenas[i]);
        published->arenas[i] = arena;
        published->configurations[i] = configuration;
        return 0;
}

static int read_one(struct mv_published_bundle *published, size_t i, struct mv_err *err) {
        char path[600];
        struct mv_buf answer;
        bool found;
        path_of(published, i, path, sizeof path);
        mv_buf_init(&answer, &mv_allocator_system, CONFIGURATION_BYTES + MV_KUBE_PADDING);
        int r = mv_kube_object_get(published->caller, mv_str_from(path), &answer, &found, err);
        if (r >= 0)
                r = take(published, i, found ? mv_buf_str(&answer) : MV_STR(""), err);
        mv_buf_done(&answer);
        return in_configuration(published, i, r, err);
}

void mv_published_bundle_read(struct mv_published_bundle *published) {
        published->known = true;
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++) {
                struct mv_err err = { 0 };
                const bool existed = published->configurations[i].exists;
                if (read_one(published, i, &err) < 0) {
                        published->known = false;
                        mv_trouble_tell(&published->reading[i], MV_LOG_WARNING,
                                        "a webhook configuration cannot be read", &err);
                        continue;
                }
                mv_trouble_over(&published->reading[i], "the webhook configuration can be read again");
                const struct mv_webhook_configuration *now = &published->configurations[i];
                if (now->exists == existed)
                        continue;
                const struct mv_log_field fields[] = { { "kind", mv_str_from(resources[i].kind) },
                                                       { "name", published->name },
                                                       { "caBundleKeptBy", now->injector } };
                mv_trouble_say(&published->reading[i], MV_LOG_INFO,
                               now->exists ? "webhook configuration found" : "webhook configuration is gone",
                               fields, now->injector.n ? 3 : 2);
        }
}

size_t mv_published_bundle_count(const struct mv_published_bundle *published) {
        size_t n = 0;
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                n += published->configurations[i].exists;
        return n;
}

const char *mv_published_bundle_problem(const struct mv_published_bundle *published) {
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                if (published->reading[i].text[0])
                        return published->reading[i].text;
        return "";
}

bool mv_published_bundle_trusts(const struct mv_published_bundle *published, struct mv_str authorities) {
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                if (!mv_webhook_configuration_trusts(&published->configurations[i], authorities))
                        return false;
        return published->known;
}

/* 0: written. MV_KUBE_CONFLICT: it has changed, and is read again next time. */
static int write_one(struct mv_published_bundle *published, size_t i, struct mv_str bundle,
                     struct mv_err *err) {
        char path[600];
        struct mv_buf body, answer;
        path_of(published, i, path, sizeof path);
        mv_buf_init(&body, &mv_allocator_system, CONFIGURATION_BYTES);
        mv_buf_init(&answer, &mv_allocator_system, CONFIGURATION_BYTES + MV_KUBE_PADDING);
        mv_webhook_configuration_encode_patch(&published->configurations[i], bundle, &body);
        int r = mv_buf_failed(&body)
                        ? mv_err_oom(err)
                        : mv_kube_object_write(published->caller, "PATCH", mv_str_from(path),
                                               MV_KUBE_JSON_PATCH, mv_buf_str(&body), &answer, err);
        if (r == 0)
                r = take(published, i, mv_buf_str(&answer), err);
        mv_buf_done(&body);
        mv_buf_done(&answer);
        return r < 0 ? in_configuration(published, i, r, err) : r;
}

bool mv_published_bundle_write(struct mv_published_bundle *published, struct mv_str bundle) {
        bool written = false;
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++) {
                struct mv_err err = { 0 };
                if (!mv_webhook_configuration_differs(&published->configurations[i], bundle))
                        continue;
                int r = write_one(published, i, bundle, &err);
                if (r < 0) {
                        mv_trouble_tell(&published->writing[i], MV_LOG_WARNING,
                                        "the caBundle cannot be written", &err);
                        continue;
                }
                mv_trouble_over(&published->writing[i], "the caBundle can be written again");
                if (r == MV_KUBE_CONFLICT)
                        continue;
                written = true;
                const struct mv_log_field fields[] = { { "kind", mv_str_from(resources[i].kind) },
                                                       { "name", published->name } };
                mv_trouble_say(&published->writing[i], MV_LOG_INFO, "caBundle written", fields, 2);
        }
        return written;
}

/* The same question was asked of an earlier webhook. */
static bool asked(const struct mv_published_bundle *published, size_t i, size_t k) {
        const struct mv_webhook_entry *this = &published->configurations[i].webhooks[k];
        for (size_t a = 0; a <= i; a++)
                for (size_t b = 0; b < (a == i ? k : published->configurations[a].n); b++) {
                        const struct mv_webhook_entry *other = &published->configurations[a].webhooks[b];
                        if (mv_str_equal(this->bundle, other->bundle) &&
                            mv_str_equal(this->server_name, other->server_name))
                                return true;
                }
        return false;
}

int mv_published_bundle_probe(const struct mv_published_bundle *published, const char *address, unsigned port,
                              struct mv_err *err) {
        for (size_t i = 0; i < MV_CONFIGURATIONS; i++)
                for (size_t k = 0; k < published->configurations[i].n; k++) {
                        const struct mv_webhook_entry *webhook = &published->configurations[i].webhooks[k];
                        if (asked(published, i, k))
                                continue;
                        const struct mv_probe probe = {
                                .address = address,
                                .port = port,
                                .server_name = webhook->server_name.n ? webhook->server_name.p : "",
                                .authorities = webhook->bundle,
                                .timeout_ms = PROBE_MS,
                        };
                        int r = mv_probe_run(&probe, err);
                        if (r < 0)
                                return in_configuration(published, i, r, err);
                }
        return 0;
}
