/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/certs_secret.h"

#include "certs/rotation.h"
#include "certs/shared_authority.h"
#include "cli/certs_view.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "cluster/kube/authority_secret.h"
#include "cluster/kube/object.h"
#include "cluster/kube/wipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES = 4 * MV_PEM_MAX_BYTES, REQUEST_MS = 30000, TRIES = 5 };

struct session {
        const struct mv_certs_secret_options *options;
        struct mv_kube_config *config;
        struct mv_kube_client *client;
        struct mv_kube_caller caller;
        char *path;      /* of the Secret in the API */
        char where[256]; /* for people */
        struct mv_shared_authority stored;
        struct mv_secret_state state;
        char version[MV_VERSION_TEXT];
};

static void close_session(struct session *s) {
        mv_shared_authority_done(&s->stored);
        mv_kube_client_free(s->client);
        mv_kube_config_free(s->config);
        free(s->path);
}

static int open_session(const struct mv_certs_secret_options *options, struct session *s,
                        struct mv_err *err) {
        *s = (struct session){ .options = options };
        int r = mv_kube_config_load(&options->kube, &s->config, err);
        if (r < 0)
                return r;
        const struct mv_str namespace =
                options->namespace ? mv_str_from(options->namespace) : s->config->namespace;
        snprintf(s->where, sizeof s->where, "Secret %.*s/%.200s", MV_STR_ARG(namespace), options->name);
        if (asprintf(&s->path, "/api/v1/namespaces/%.*s/secrets/%s", MV_STR_ARG(namespace), options->name) <
            0) {
                s->path = NULL;
                return mv_err_oom(err);
        }
        r = mv_kube_client_new(s->config, &s->client, err);
        s->caller = (struct mv_kube_caller){ .client = s->client, .timeout_ms = REQUEST_MS };
        return r;
}

/* The API could not be asked, or what it has is wrong: the exit code for that. */
static int failed(const struct session *s, int code, bool of_the_secret, struct mv_err *err) {
        if (!err->file[0] && s->where[0])
                memcpy(err->file, s->where, sizeof s->where);
        return of_the_secret || code == MV_ENOTFOUND || code == MV_EUSAGE ? MV_EXIT_USAGE : MV_EXIT_UNREACHED;
}

/* 0, or the exit code. */
static int read_secret(struct session *s, struct mv_err *err) {
        struct mv_buf answer;
        bool found = false;
        mv_shared_authority_done(&s->stored);
        mv_buf_init(&answer, &mv_allocator_wiping, SECRET_BYTES);
        int r = mv_kube_object_get(&s->caller, mv_str_from(s->path), &answer, &found, err);
        int code = r < 0 ? failed(s, r, false, err) : 0;
        if (r >= 0 && !found)
                r = mv_err_set(err, MV_ENOTFOUND, "does not exist; `serve --certs-secret` makes it");
        if (r >= 0)
                r = mv_authority_secret_decode(mv_buf_str(&answer), &s->stored, s->version, err);
        if (r >= 0)
                r = mv_shared_authority_study(&s->stored, &s->state, err);
        if (r >= 0 && !s->state.has_ca)
                r = mv_err_set(err, MV_ENOTFOUND, "holds no authority yet; `serve --certs-secret` makes it");
        mv_buf_done(&answer);
        if (code)
                return code;
        return r < 0 ? failed(s, r, true, err) : 0;
}

/* --- show --- */

/* What an authority of the bundle is to us. */
static const char *role_of(const struct mv_shared_authority *stored, gnutls_x509_crt_t cert) {
        gnutls_privkey_t key;
        const char *role = "earlier";
        if (mv_key_parse(mv_str_from(stored->key), &key, NULL) >= 0) {
                role = mv_cert_has_key(cert, key) ? "in use" : role;
                gnutls_privkey_deinit(key);
        }
        if (stored->next_key && mv_key_parse(mv_str_from(stored->next_key), &key, NULL) >= 0) {
                role = mv_cert_has_key(cert, key) ? "next" : role;
                gnutls_privkey_deinit(key);
        }
        return role;
}

static const char *what_goes_on(const struct mv_secret_state *state) {
        if (state->has_next)
                return "the next authority is staged: it is published, then put in use";
        if (state->requested)
                return "asked for: the leader stages the next authority";
        return state->has_old ? "done; earlier authorities stay until none of their certificates can be alive"
                              : "";
}

static bool print_one(const struct session *s, const struct mv_certificate_view *view, const char *role,
                      time_t now, struct json_object *list) {
        char problem[200];
        const bool bad = view->in_use && mv_certificate_view_problem(view, "the authority in use", now,
                                                                     problem, sizeof problem);
        if (list) {
                struct json_object *one = mv_certificate_view_json(view, now);
                json_object_object_add(one, "role", json_object_new_string(role));
                json_object_object_add(one, "inUse", json_object_new_boolean(view->in_use));
                json_object_array_add(list, one);
                return bad;
        }
        printf("Authority, %s\n", role);
        mv_certificate_view_print(view, now);
        if (view->in_use) {
                char when[MV_TIME_TEXT];
                if (s->stored.in_use_since)
                        printf("  In use since %s\n", mv_time_format(s->stored.in_use_since, when));
                if (s->state.ca_is_ours)
                        printf("  Renewal      %s\n",
                               mv_time_format(mv_rotation_renewal(&s->state.ca), when));
                else
                        printf("  Renewal      not by migvet, which did not make it\n");
        }
        if (bad)
                printf("Problem: %s\n", problem);
        putchar('\n');
        return bad;
}

/* Returns an exit code. */
static int print(const struct session *s, struct mv_err *err) {
        const time_t now = time(NULL);
        struct mv_cert_list list;
        bool bad = false;
        int r = mv_cert_list_parse(mv_str_from(s->stored.bundle), &list, err);
        if (r < 0)
                return failed(s, r, true, err);
        struct json_object *o = s->options->json ? json_object_new_object() : NULL;
        struct json_object *authorities = o ? json_object_new_array() : NULL;
        if (o) {
                json_object_object_add(o, "secret", json_object_new_string(s->where + sizeof "Secret " - 1));
                json_object_object_add(o, "authorities", authorities);
                json_object_object_add(o, "rotation", json_object_new_string(what_goes_on(&s->state)));
                json_object_object_add(o, "rotationRequested", json_object_new_boolean(s->state.requested));
        } else
                printf("%s\n\n", s->where);
        for (unsigned i = 0; r >= 0 && i < list.n; i++) {
                struct mv_certificate_view view = { 0 };
                const char *role = role_of(&s->stored, list.certs[i]);
                r = mv_certificate_view_make(list.certs[i], NULL, &view, err);
                view.in_use = strcmp(role, "in use") == 0;
                if (r >= 0)
                        bad = print_one(s, &view, role, now, authorities) || bad;
                mv_certificate_view_done(&view);
        }
        mv_cert_list_done(&list);
        if (o)
                puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                               JSON_C_TO_STRING_NOSLASHESCAPE));
        else if (what_goes_on(&s->state)[0])
                printf("Rotation: %s\n", what_goes_on(&s->state));
        json_object_put(o);
        return r < 0 ? failed(s, r, true, err) : bad ? MV_EXIT_FOUND : MV_EXIT_OK;
}

int mv_certs_secret_show(const struct mv_certs_secret_options *options, struct mv_err *err) {
        struct session s;
        int r = open_session(options, &s, err);
        int code = r < 0 ? failed(&s, r, false, err) : read_secret(&s, err);
        if (!code)
                code = print(&s, err);
        close_session(&s);
        return code;
}

/* --- rotate --- */

/* 0, MV_KUBE_CONFLICT, or an error. */
static int ask(struct session *s, struct mv_err *err) {
        struct mv_buf body, answer;
        mv_buf_init(&body, &mv_allocator_system, SECRET_BYTES);
        mv_buf_init(&answer, &mv_allocator_wiping, SECRET_BYTES);
        mv_authority_secret_encode_request(time(NULL), mv_str_from(s->version), &body);
        int r = mv_buf_failed(&body)
                        ? mv_err_oom(err)
                        : mv_kube_object_write(&s->caller, "PATCH", mv_str_from(s->path), MV_KUBE_MERGE_PATCH,
                                               mv_buf_str(&body), &answer, err);
        mv_buf_done(&body);
        mv_buf_done(&answer);
        return r;
}

static int rotate(struct session *s, struct mv_err *err) {
        int r = MV_KUBE_CONFLICT;
        for (unsigned tries = 0; r == MV_KUBE_CONFLICT && tries < TRIES; tries++) {
                int code = read_secret(s, err);
                if (code)
                        return code;
                if (!s->state.ca_is_ours)
                        return failed(s,
                                      mv_err_set(err, MV_EUSAGE,
                                                 "the authority was not made by migvet and is not replaced"),
                                      true, err);
                if (s->state.has_next || s->state.requested) {
                        printf("%s: a rotation goes on already: %s.\n", s->where, what_goes_on(&s->state));
                        return MV_EXIT_OK;
                }
                r = ask(s, err);
        }
        if (r == MV_KUBE_CONFLICT)
                r = mv_err_set(err, MV_EIO, "changes too often");
        if (r < 0)
                return failed(s, r, false, err);
        printf("%s: a rotation is asked for. What happens next, while `serve` runs:\n"
               "  1. the leader makes the next authority and publishes both;\n"
               "  2. when every webhook configuration has it, and API servers know, it is put in use,\n"
               "     and each replica signs a new certificate;\n"
               "  3. the one before is believed until none of its certificates can be alive.\n"
               "`certs show` says how far it is.\n",
               s->where);
        return MV_EXIT_OK;
}

int mv_certs_secret_rotate(const struct mv_certs_secret_options *options, struct mv_err *err) {
        struct session s;
        int r = open_session(options, &s, err);
        int code = r < 0 ? failed(&s, r, false, err) : rotate(&s, err);
        close_session(&s);
        return code;
}
