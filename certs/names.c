/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

void mv_names_init(struct mv_names *names) {
        *names = (struct mv_names){ 0 };
}

static void list_free(char **list, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(list[i]);
        free(list);
}

void mv_names_done(struct mv_names *names) {
        if (!names)
                return;
        list_free(names->dns, names->n_dns);
        list_free(names->ips, names->n_ips);
        mv_names_init(names);
}

static bool list_has(char *const *list, size_t n, struct mv_str text) {
        for (size_t i = 0; i < n; i++)
                if (mv_str_is(text, list[i]))
                        return true;
        return false;
}

static int list_add(char ***list, size_t *n, struct mv_str text, struct mv_err *err) {
        if (list_has(*list, *n, text))
                return 0;
        if (*n >= MV_NAMES_MAX)
                return mv_err_set(err, MV_ELIMIT, "more than %d names", MV_NAMES_MAX);
        char *copy = strndup(text.p, text.n);
        char **longer = copy ? realloc(*list, (*n + 1) * sizeof **list) : NULL;
        if (!longer) {
                free(copy);
                return mv_err_oom(err);
        }
        longer[*n] = copy;
        *list = longer;
        (*n)++;
        return 0;
}

static bool is_address(const char *text) {
        unsigned char bytes[16];
        return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* name is in lower case. */
static bool is_host_name(struct mv_str name) {
        if (name.n > 2 && name.p[0] == '*' && name.p[1] == '.')
                name = mv_str_skip(name, 2);
        for (;;) {
                size_t n = mv_str_find_byte(name, '.');
                if (n == 0 || n > LABEL_MAX_BYTES || !is_alnum(name.p[0]) || !is_alnum(name.p[n - 1]))
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (!is_alnum(name.p[i]) && name.p[i] != '-')
                                return false;
                if (n == name.n)
                        return true;
                name = mv_str_skip(name, n + 1);
        }
}

static int add_dns(struct mv_names *names, struct mv_str name, bool strict, struct mv_err *err) {
        char lower[NAME_MAX_BYTES + 1];
        if (name.n == 0 || name.n > NAME_MAX_BYTES)
                return mv_err_set(err, MV_EUSAGE, "a DNS name has 1 to %d characters", NAME_MAX_BYTES);
        for (size_t i = 0; i < name.n; i++) {
                char c = name.p[i];
                if (c <= ' ' || c >= 0x7f)
                        return mv_err_set(err, MV_EUSAGE,
                                          "a DNS name consists of letters, digits, hyphens and dots");
                lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        lower[name.n] = '\0';
        struct mv_str s = { .p = lower, .n = name.n };
        if (strict && is_address(lower))
                return mv_err_set(err, MV_EUSAGE, "%s is an IP address, not a DNS name", lower);
        if (strict && !is_host_name(s))
                return mv_err_set(err, MV_EUSAGE, "%s is not a DNS name", lower);
        return list_add(&names->dns, &names->n_dns, s, err);
}

int mv_names_add_dns(struct mv_names *names, struct mv_str name, struct mv_err *err) {
        return add_dns(names, name, true, err);
}

int mv_names_add_dns_as_is(struct mv_names *names, struct mv_str name, struct mv_err *err) {
        return add_dns(names, name, false, err);
}

int mv_names_add_ip_bytes(struct mv_names *names, const void *bytes, size_t n, struct mv_err *err) {
        char text[INET6_ADDRSTRLEN];
        if ((n != 4 && n != 16) || !inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text))
                return mv_err_set(err, MV_EUSAGE, "an IP address has 4 or 16 bytes, not %zu", n);
        return list_add(&names->ips, &names->n_ips, mv_str_from(text), err);
}

int mv_names_add_ip(struct mv_names *names, struct mv_str address, struct mv_err *err) {
        char text[INET6_ADDRSTRLEN];
        unsigned char bytes[16];
        if (address.n > 0 && address.n < sizeof text && !memchr(address.p, '\0', address.n)) {
                memcpy(text, address.p, address.n);
                text[address.n] = '\0';
                if (inet_pton(AF_INET, text, bytes) == 1)
                        return mv_names_add_ip_bytes(names, bytes, 4, err);
                if (inet_pton(AF_INET6, text, bytes) == 1)
                        return mv_names_add_ip_bytes(names, bytes, 16, err);
        }
        return mv_err_set(err, MV_EUSAGE, "%.*s is not an IP address",
                          (int)(address.n < 100 ? address.n : 100), address.p ? address.p : "");
}

int mv_names_add_all(struct mv_names *names, const struct mv_names *more, struct mv_err *err) {
        for (size_t i = 0; i < more->n_dns; i++) {
                int r = list_add(&names->dns, &names->n_dns, mv_str_from(more->dns[i]), err);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < more->n_ips; i++) {
                int r = list_add(&names->ips, &names->n_ips, mv_str_from(more->ips[i]), err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mv_names_add_default_dns(struct mv_names *names, struct mv_err *err) {
        static const char *const defaults[] = { "localhost", "migvet", "migvet.migvet.svc" };
        for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
                int r = mv_names_add_dns(names, mv_str_from(defaults[i]), err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mv_names_add_default_ips(struct mv_names *names, struct mv_err *err) {
        int r = mv_names_add_ip(names, MV_STR("127.0.0.1"), err);
        return r < 0 ? r : mv_names_add_ip(names, MV_STR("::1"), err);
}

bool mv_names_cover(const struct mv_names *names, const struct mv_names *wanted) {
        for (size_t i = 0; i < wanted->n_dns; i++)
                if (!list_has(names->dns, names->n_dns, mv_str_from(wanted->dns[i])))
                        return false;
        for (size_t i = 0; i < wanted->n_ips; i++)
                if (!list_has(names->ips, names->n_ips, mv_str_from(wanted->ips[i])))
                        return false;
        return true;
}
