/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kubeconfig: what is loaded keeps the promises of cluster/kube/config.h, and what is not has an error in the file's name.
 */
#include "cluster/kube/config.h"
#include "certs/memory_file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
        if (!good)
                abort();
}

static bool is_text(struct mv_str s) {
        return !s.n || s.p[s.n] == '\0';
}

static bool is_header_text(struct mv_str s) {
        for (size_t i = 0; i < s.n; i++)
                if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
                        return false;
        return is_text(s);
}

static void check_config(const struct mv_kube_config *c) {
        check(mv_str_starts_with(c->server, MV_STR("https://")) && is_header_text(c->server));
        check(!mv_str_ends_with(c->server, MV_STR("/")) && mv_str_ends_with(c->server, c->prefix));
        check(c->host.n && is_header_text(c->host) && c->port > 0 && c->port < 65536);
        check(c->namespace.n && is_header_text(c->namespace) && is_header_text(c->tls_server_name));
        check(!(c->authority.file.n && c->authority.data.n) && is_text(c->authority.file));
        check((c->certificate.file.n || c->certificate.data.n) == (c->key.file.n || c->key.data.n));
        check(is_header_text(c->token) && is_text(c->token_file) && is_text(c->proxy));
        check(!c->exec.command.n || (!c->token.n && !c->token_file.n && !c->certificate.file.n));
        for (size_t i = 0; i < c->exec.n_args; i++)
                check(is_text(c->exec.args[i]));
        for (size_t i = 0; i < c->exec.n_env; i++)
                check(c->exec.env[i].name.n && is_text(c->exec.env[i].value));
        check(is_header_text(c->impersonate.user) && is_header_text(c->impersonate.uid));
        for (size_t i = 0; i < c->impersonate.n_groups; i++)
                check(is_header_text(c->impersonate.groups[i]));
        for (size_t i = 0; i < c->impersonate.n_extra; i++)
                check(c->impersonate.extra[i].name.n && is_header_text(c->impersonate.extra[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_memory_file file = MV_MEMORY_FILE_NONE;
        struct mv_kube_config *config = NULL;
        struct mv_err err = { 0 };
        unsetenv("HTTPS_PROXY");
        unsetenv("https_proxy");
        if (mv_memory_file_set(&file, (struct mv_str){ (const char *)data, size }, NULL))
                return 0;
        const struct mv_kube_config_options options = { .kubeconfig = file.path };
        int r = mv_kube_config_load(&options, &config, &err);
        if (r)
                check(!config && r == err.code && err.message[0] && strcmp(err.file, file.path) == 0);
        else
                check_config(config);
        mv_kube_config_free(config);
        mv_memory_file_done(&file);
        return 0;
}
