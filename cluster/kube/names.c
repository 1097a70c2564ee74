/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/names.h"

#include <stdlib.h>

static void release(struct mv_kube_name *item) {
        free(item->namespace);
        free(item->name);
}

void mv_kube_names_done(struct mv_kube_names *names) {
        for (size_t i = 0; i < names->n; i++)
                release(&names->items[i]);
        free(names->items);
        *names = (struct mv_kube_names){ 0 };
}

void mv_kube_names_begin(struct mv_kube_names *names) {
        for (size_t i = 0; i < names->n; i++)
                names->items[i].came = false;
}

bool mv_kube_names_add(struct mv_kube_names *names, struct mv_str namespace, struct mv_str name) {
        for (size_t i = 0; i < names->n; i++)
                if (mv_str_is(namespace, names->items[i].namespace) &&
                    mv_str_is(name, names->items[i].name)) {
                        names->items[i].came = true;
                        return true;
                }
        if (names->n == names->capacity) {
                size_t capacity = names->capacity ? names->capacity * 2 : 8;
                struct mv_kube_name *items = reallocarray(names->items, capacity, sizeof *items);
                if (!items)
                        return false;
                names->items = items;
                names->capacity = capacity;
        }
        struct mv_kube_name item = { .namespace = strndup(namespace.n ? namespace.p : "", namespace.n),
                                     .name = strndup(name.n ? name.p : "", name.n),
                                     .came = true };
        if (!item.namespace || !item.name) {
                release(&item);
                return false;
        }
        names->items[names->n++] = item;
        return true;
}

void mv_kube_names_end(struct mv_kube_names *names,
                       void (*drop)(void *context, struct mv_str namespace, struct mv_str name),
                       void *context) {
        size_t kept = 0;
        for (size_t i = 0; i < names->n; i++) {
                struct mv_kube_name *item = &names->items[i];
                if (item->came) {
                        names->items[kept++] = *item;
                        continue;
                }
                drop(context, mv_str_from(item->namespace), mv_str_from(item->name));
                release(item);
        }
        names->n = kept;
}
