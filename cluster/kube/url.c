/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

/* --- URLs --- */

/* Part of a URL as text in the arena; "" when it has none. */
static struct mv_str part_of(struct mv_arena *arena, CURLU *url, CURLUPart part, unsigned flags) {
        char *text = NULL;
        if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
                return (struct mv_str){ 0 };
        struct mv_str copy = mv_arena_copy(arena, mv_str_from(text));
        curl_free(text);
        return copy;
}

/* Plain text that is a URL with a scheme. NULL when it is none. */
static CURLU *parse(struct mv_arena *arena, struct mv_str text) {
        struct mv_str copy = mv_arena_copy(arena, text);
        for (size_t i = 0; i < copy.n; i++)
                if ((unsigned char)copy.p[i] <= ' ' || copy.p[i] == 0x7f)
                        return NULL;
        CURLU *url = copy.n ? curl_url() : NULL;
        if (url && curl_url_set(url, CURLUPART_URL, copy.p, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
                return url;
        curl_url_cleanup(url);
        return NULL;
}

static int to_server(struct mv_arena *arena, CURLU *url, struct mv_kube_url *ret, struct mv_err *err) {
        static const CURLUPart none[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
                                          CURLUPART_FRAGMENT };
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
                if (part_of(arena, url, none[i], 0).p)
                        return mv_err_set(
                                err, MV_ETYPE,
                                "must be https://HOST, maybe with :PORT and /PATH, and nothing else");
        struct mv_str host = part_of(arena, url, CURLUPART_HOST, 0);
        struct mv_str port = part_of(arena, url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        struct mv_str path = part_of(arena, url, CURLUPART_PATH, 0);
        unsigned long long number = 0;
        if (!host.n || !mv_str_to_unsigned(port, 65535, &number) || !number)
                return mv_err_set(err, MV_ETYPE, "has no host, or a port that is none");
        while (mv_str_ends_with(path, MV_STR("/")))
                path.n--;
        if (host.p[0] == '[')
                host = (struct mv_str){ host.p + 1, host.n - 2 };
        struct mv_str origin = mv_kube_url_join(arena, host, port);
        *ret = (struct mv_kube_url){
                .host = mv_arena_copy(arena, host),
                .port = (unsigned)number,
                .path = mv_arena_copy(arena, path),
                .text = mv_arena_format(arena, "%.*s%.*s", MV_STR_ARG(origin), MV_STR_ARG(path)),
        };
        return mv_arena_failed(arena) ? mv_err_oom(err) : 0;
}

int mv_kube_url_server(struct mv_arena *arena, struct mv_str text, struct mv_kube_url *ret,
                       struct mv_err *err) {
        CURLU *url = parse(arena, text);
        struct mv_str scheme = url ? part_of(arena, url, CURLUPART_SCHEME, 0) : (struct mv_str){ 0 };
        int r;
        if (mv_arena_failed(arena))
                r = mv_err_oom(err);
        else if (mv_str_is(scheme, "http"))
                r = mv_err_set(err, MV_EUSAGE, "is http: the API server is only talked to by https");
        else if (!mv_str_is(scheme, "https"))
                r = mv_err_set(err, MV_ETYPE, "must be a URL that begins with https://");
        else
                r = to_server(arena, url, ret, err);
        curl_url_cleanup(url);
        return r;
}

int mv_kube_url_proxy(struct mv_arena *arena, struct mv_str text, struct mv_str *ret, struct mv_err *err) {
        static const struct {
                const char *scheme, *curl, *port;
        } kinds[] = { { "http", "http", "80" },
                      { "https", "https", "443" },
                      { "socks5", "socks5h", "1080" },
                      { "socks5h", "socks5h", "1080" } };
        CURLU *url = parse(arena, text);
        struct mv_str scheme = url ? part_of(arena, url, CURLUPART_SCHEME, 0) : (struct mv_str){ 0 };
        struct mv_str made = { 0 };
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !made.p; i++)
                if (mv_str_is(scheme, kinds[i].scheme)) {
                        /* What libcurl takes for the port when there is none differs. */
                        if (!part_of(arena, url, CURLUPART_PORT, 0).n)
                                curl_url_set(url, CURLUPART_PORT, kinds[i].port, 0);
                        curl_url_set(url, CURLUPART_SCHEME, kinds[i].curl, CURLU_NON_SUPPORT_SCHEME);
                        made = part_of(arena, url, CURLUPART_URL, 0);
                }
        curl_url_cleanup(url);
        if (mv_arena_failed(arena))
                return mv_err_oom(err);
        if (!made.n)
                return mv_err_set(err, MV_ETYPE,
                                  "must be a URL that begins with http://, https:// or socks5://");
        *ret = made;
        return 0;
}

struct mv_str mv_kube_url_join(struct mv_arena *arena, struct mv_str host, struct mv_str port) {
        bool address = mv_str_find_byte(host, ':') < host.n;
        return mv_arena_format(arena, "https://%s%.*s%s:%.*s", address ? "[" : "", MV_STR_ARG(host),
                               address ? "]" : "", MV_STR_ARG(port));
}

/* --- NO_PROXY --- */

/* 16 bytes: IPv4 addresses as ::ffff:a.b.c.d. */
struct address {
        unsigned char bytes[16];
};

enum { IPV4_BITS = 96 };

static bool to_address(struct mv_str text, struct address *ret, bool *ret_four) {
        char copy[INET6_ADDRSTRLEN];
        if (text.n >= sizeof copy || !text.n)
                return false;
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
        memcpy(ret->bytes, mapped, sizeof mapped);
        *ret_four = inet_pton(AF_INET, copy, ret->bytes + sizeof mapped) == 1;
        return *ret_four || inet_pton(AF_INET6, copy, ret->bytes) == 1;
}

static bool same_network(const struct address *a, const struct address *b, unsigned bits) {
        unsigned bytes = bits / 8, rest = bits % 8;
        return memcmp(a->bytes, b->bytes, bytes) == 0 &&
               (!rest || (a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest) == 0);
}

/* "10.0.0.0/8" */
static bool in_network(const struct address *host, struct mv_str network) {
        size_t slash = mv_str_find_byte(network, '/');
        struct address address;
        bool four;
        unsigned long long bits;
        if (slash == network.n || !to_address((struct mv_str){ network.p, slash }, &address, &four) ||
            !mv_str_to_unsigned(mv_str_skip(network, slash + 1), four ? 32 : 128, &bits))
                return false;
        return same_network(host, &address, (unsigned)bits + (four ? IPV4_BITS : 0));
}

static bool is_loopback(struct mv_str host, const struct address *address) {
        struct address one = { { [15] = 1 } }, local;
        bool four;
        if (!address)
                return host.n == 9 && strncasecmp(host.p, "localhost", 9) == 0;
        return memcmp(address->bytes, one.bytes, sizeof one.bytes) == 0 ||
               (to_address(MV_STR("127.0.0.0"), &local, &four) &&
                same_network(address, &local, IPV4_BITS + 8));
}

/* host is name, or below it; only below when name begins with a dot. */
static bool matches_name(struct mv_str host, struct mv_str name) {
        if (mv_str_starts_with(name, MV_STR("*.")))
                name = mv_str_skip(name, 1);
        bool below = mv_str_starts_with(name, MV_STR("."));
        if (name.n == 0 || host.n < name.n || strncasecmp(host.p + (host.n - name.n), name.p, name.n) != 0)
                return false;
        return below ? host.n > name.n : host.n == name.n || host.p[host.n - name.n - 1] == '.';
}

/* Take ":port" off; a text with more colons is an address of its own unless it has brackets. */
static struct mv_str without_port(struct mv_str item, struct mv_str *ret_port) {
        size_t end, close = mv_str_find_byte(item, ']');
        *ret_port = (struct mv_str){ 0 };
        if (close < item.n) {
                if (close + 1 < item.n && item.p[close + 1] == ':')
                        *ret_port = mv_str_skip(item, close + 2);
                return item.p[0] == '[' ? (struct mv_str){ item.p + 1, close - 1 } : item;
        }
        end = mv_str_find_byte(item, ':');
        if (end == item.n || mv_str_find_byte(mv_str_skip(item, end + 1), ':') < item.n - end - 1)
                return item;
        *ret_port = mv_str_skip(item, end + 1);
        return (struct mv_str){ item.p, end };
}

static bool matches(struct mv_str item, struct mv_str host, const struct address *address, unsigned port) {
        struct mv_str port_text;
        unsigned long long number = 0;
        struct address other;
        bool four;
        if (mv_str_is(item, "*"))
                return true;
        if (mv_str_find_byte(item, '/') < item.n)
                return address && in_network(address, item);
        item = without_port(item, &port_text);
        if (port_text.n && (!mv_str_to_unsigned(port_text, 65535, &number) || number != port))
                return false;
        if (address)
                return to_address(item, &other, &four) && same_network(address, &other, 128);
        return matches_name(host, item);
}

static bool is_space(char c) {
        return c == ' ' || c == '\t';
}

bool mv_kube_url_bypasses_proxy(const char *no_proxy, struct mv_str host, unsigned port) {
        struct address bytes;
        bool four;
        const struct address *address = to_address(host, &bytes, &four) ? &bytes : NULL;
        if (is_loopback(host, address))
                return true;
        struct mv_str rest = mv_str_from(no_proxy);
        while (rest.n) {
                size_t end = mv_str_find_byte(rest, ',');
                struct mv_str item = { rest.p, end };
                rest = mv_str_skip(rest, end < rest.n ? end + 1 : end);
                while (item.n && is_space(item.p[0]))
                        item = mv_str_skip(item, 1);
                while (item.n && is_space(item.p[item.n - 1]))
                        item.n--;
                if (item.n && matches(item, host, address, port))
                        return true;
        }
        return false;
}
