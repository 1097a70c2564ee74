/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/names.h"

#include "policy/base/hash.h"

#include <stdlib.h>

enum { FEWEST_CHAINS = 16 };

static struct mv_kube_name **chain_of(const struct mv_kube_names *names, struct mv_str namespace,
                                      struct mv_str name) {
        uint64_t hash = mv_hash_add(mv_hash_add(mv_hash_seed(names), namespace), name);
        return &names->chains[hash & (names->n_chains - 1)];
}

/* Where it is in its chain; the end of that when it is not. There are chains. */
static struct mv_kube_name **find(const struct mv_kube_names *names, struct mv_str namespace,
                                  struct mv_str name) {
        struct mv_kube_name **at = chain_of(names, namespace, name);
        while (*at && !(mv_str_equal((*at)->namespace, namespace) && mv_str_equal((*at)->name, name)))
                at = &(*at)->next;
        return at;
}

static void take_out(struct mv_kube_names *names, struct mv_kube_name **at) {
        struct mv_kube_name *item = *at;
        *at = item->next;
        free(item);
        names->n--;
}

/* As many chains as there may be names. */
static bool grow(struct mv_kube_names *names) {
        struct mv_kube_names old = *names;
        size_t n_chains = old.n_chains ? old.n_chains * 2 : FEWEST_CHAINS;
        struct mv_kube_name **chains = calloc(n_chains, sizeof *chains);
        if (!chains)
                return false;
        names->chains = chains;
        names->n_chains = n_chains;
        for (size_t i = 0; i < old.n_chains; i++)
                for (struct mv_kube_name *item = old.chains[i], *next; item; item = next) {
                        struct mv_kube_name **chain = chain_of(names, item->namespace, item->name);
                        next = item->next;
                        item->next = *chain;
                        *chain = item;
                }
        free(old.chains);
        return true;
}

void mv_kube_names_done(struct mv_kube_names *names) {
        for (size_t i = 0; i < names->n_chains; i++)
                while (names->chains[i])
                        take_out(names, &names->chains[i]);
        free(names->chains);
        *names = (struct mv_kube_names){ 0 };
}

void mv_kube_names_begin(struct mv_kube_names *names) {
        for (size_t i = 0; i < names->n_chains; i++)
                for (struct mv_kube_name *item = names->chains[i]; item; item = item->next)
                        item->came = false;
}

bool mv_kube_names_add(struct mv_kube_names *names, struct mv_str namespace, struct mv_str name) {
        if (names->n >= names->n_chains && !grow(names))
                return false;
        struct mv_kube_name **at = find(names, namespace, name);
        if (*at) {
                (*at)->came = true;
                return true;
        }
        struct mv_kube_name *item = malloc(sizeof *item + namespace.n + name.n);
        if (!item)
                return false;
        char *text = (char *)(item + 1);
        *item = (struct mv_kube_name){ .came = true,
                                       .namespace = { text, namespace.n },
                                       .name = { text + namespace.n, name.n } };
        if (namespace.n)
                memcpy(text, namespace.p, namespace.n);
        if (name.n)
                memcpy(text + namespace.n, name.p, name.n);
        *at = item;
        names->n++;
        return true;
}

void mv_kube_names_remove(struct mv_kube_names *names, struct mv_str namespace, struct mv_str name) {
        struct mv_kube_name **at = names->n ? find(names, namespace, name) : NULL;
        if (at && *at)
                take_out(names, at);
}

void mv_kube_names_end(struct mv_kube_names *names,
                       void (*drop)(void *context, struct mv_str namespace, struct mv_str name),
                       void *context) {
        for (size_t i = 0; i < names->n_chains; i++)
                for (struct mv_kube_name **at = &names->chains[i]; *at;) {
                        if ((*at)->came) {
                                at = &(*at)->next;
                                continue;
                        }
                        drop(context, (*at)->namespace, (*at)->name);
                        take_out(names, at);
                }
}
