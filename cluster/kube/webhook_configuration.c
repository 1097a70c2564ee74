/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/webhook_configuration.h"

#include "certs/bundle.h"
#include "policy/base/base64.h"
#include "policy/base/json.h"
#include "policy/object/meta.h"

#include <stdio.h>

struct service {
        struct mv_str namespace, name;
};
struct webhook {
        struct mv_str name;
        struct client_config {
                struct mv_str bundle, url;
                struct service *service;
        } client_config;
};
struct configuration {
        struct mv_meta meta;
        MV_LIST(struct webhook) webhooks;
};

static const struct mv_field service_fields[] = {
        MV_FIELD(struct service, "name", MV_TYPE_STRING, name),
        MV_FIELD(struct service, "namespace", MV_TYPE_STRING, namespace),
};
static const struct mv_table service_table = MV_TABLE(service_fields, struct service);
static const struct mv_field client_config_fields[] = {
        MV_FIELD(struct client_config, "caBundle", MV_TYPE_STRING, bundle),
        MV_FIELD_TABLE(struct client_config, "service", MV_TYPE_POINTER, service, &service_table),
        MV_FIELD(struct client_config, "url", MV_TYPE_STRING, url),
};
static const struct mv_table client_config_table = MV_TABLE(client_config_fields, struct client_config);
static const struct mv_field webhook_fields[] = {
        MV_FIELD_TABLE(struct webhook, "clientConfig", MV_TYPE_OBJECT, client_config, &client_config_table),
        MV_FIELD(struct webhook, "name", MV_TYPE_STRING, name),
};
static const struct mv_table webhook_table = MV_TABLE(webhook_fields, struct webhook);
static const struct mv_field configuration_fields[] = {
        MV_FIELD_TABLE(struct configuration, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
        MV_FIELD_TABLE(struct configuration, "webhooks", MV_TYPE_LIST, webhooks, &webhook_table),
};
static const struct mv_table configuration_table = MV_TABLE(configuration_fields, struct configuration);

/* cert-manager writes caBundle where one of these stands. */
static const char *const injectors[] = {
        "cert-manager.io/inject-ca-from",
        "cert-manager.io/inject-ca-from-secret",
        "cert-manager.io/inject-apiserver-ca",
};

/* The host of https://HOST[:PORT][/PATH]. */
static struct mv_str host_of(struct mv_str url) {
        if (mv_str_starts_with(url, MV_STR("https://")))
                url = mv_str_skip(url, sizeof "https://" - 1);
        if (url.n && url.p[0] == '[') {
                url = mv_str_skip(url, 1);
                url.n = mv_str_find_byte(url, ']');
                return url;
        }
        url.n = mv_str_find_byte(url, '/');
        url.n = mv_str_find_byte(url, ':');
        return url;
}

static void take(const struct webhook *from, struct mv_arena *arena, struct mv_webhook_entry *to) {
        const struct client_config *config = &from->client_config;
        size_t n;
        to->name = from->name;
        to->has_bundle = config->bundle.p != NULL;
        unsigned char *bytes = mv_arena_new_array(arena, unsigned char, config->bundle.n + 1);
        if (bytes && mv_base64_decode(config->bundle, bytes, &n))
                to->bundle = (struct mv_str){ (const char *)bytes, n };
        to->server_name = config->service
                                  ? mv_arena_format(arena, "%.*s.%.*s.svc", MV_STR_ARG(config->service->name),
                                                    MV_STR_ARG(config->service->namespace))
                                  : mv_arena_copy(arena, host_of(config->url));
}

int mv_webhook_configuration_decode(struct mv_str json, struct mv_arena *arena,
                                    struct mv_webhook_configuration *ret, struct mv_err *err) {
        const struct mv_decode decode = { .arena = arena, .copy = true };
        struct configuration all;
        int r = mv_decode(&decode, json, &configuration_table, &all, err);
        if (r < 0)
                return r;
        struct mv_webhook_configuration c = { .exists = true, .n = all.webhooks.n };
        snprintf(c.version, sizeof c.version, "%.*s", MV_STR_ARG(all.meta.resource_version));
        for (size_t i = 0; i < sizeof injectors / sizeof *injectors && !c.injector.n; i++)
                if (mv_map_get(&all.meta.annotations, mv_str_from(injectors[i])))
                        c.injector = mv_str_from(injectors[i]);
        c.webhooks = mv_arena_new_array(arena, struct mv_webhook_entry, c.n + 1);
        for (size_t i = 0; c.webhooks && i < c.n; i++)
                take(&all.webhooks.items[i], arena, &c.webhooks[i]);
        if (mv_arena_failed(arena))
                return mv_err_oom(err);
        *ret = c;
        return 0;
}

static bool compare(struct mv_str has, struct mv_str wanted,
                    int (*how)(struct mv_str, struct mv_str, bool *, struct mv_err *)) {
        bool yes;
        /* What is no bundle has none of them. */
        return how(has, wanted, &yes, NULL) >= 0 && yes;
}

bool mv_webhook_configuration_trusts(const struct mv_webhook_configuration *configuration,
                                     struct mv_str bundle) {
        for (size_t i = 0; i < configuration->n; i++)
                if (!compare(configuration->webhooks[i].bundle, bundle, mv_bundle_covers))
                        return false;
        return true;
}

bool mv_webhook_configuration_differs(const struct mv_webhook_configuration *configuration,
                                      struct mv_str bundle) {
        if (configuration->injector.n)
                return false;
        for (size_t i = 0; i < configuration->n; i++)
                if (!compare(configuration->webhooks[i].bundle, bundle, mv_bundle_equal))
                        return true;
        return false;
}

static void write_operation(struct mv_json *json, const char *operation, struct mv_str path,
                            struct mv_str value) {
        mv_json_object(json);
        mv_json_member(json, "op", mv_str_from(operation));
        mv_json_member(json, "path", path);
        mv_json_member(json, "value", value);
        mv_json_end(json);
}

void mv_webhook_configuration_encode_patch(const struct mv_webhook_configuration *configuration,
                                           struct mv_str bundle, struct mv_buf *out) {
        struct mv_json json;
        struct mv_buf base64;
        mv_buf_init(&base64, &mv_allocator_system, out->maximum);
        mv_buf_append_base64(&base64, bundle);
        mv_json_init(&json, out);
        mv_json_array(&json);
        write_operation(&json, "test", MV_STR("/metadata/resourceVersion"),
                        mv_str_from(configuration->version));
        for (size_t i = 0; i < configuration->n; i++) {
                char path[64];
                const struct mv_webhook_entry *webhook = &configuration->webhooks[i];
                if (compare(webhook->bundle, bundle, mv_bundle_equal))
                        continue;
                snprintf(path, sizeof path, "/webhooks/%zu/clientConfig/caBundle", i);
                write_operation(&json, webhook->has_bundle ? "replace" : "add", mv_str_from(path),
                                mv_buf_str(&base64));
        }
        mv_json_end(&json);
        if (mv_buf_failed(&base64))
                out->failed = true;
        mv_buf_done(&base64);
}
