/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/missing.h"

#include "policy/instancetype.h"

void mv_missing_add(struct mv_missing_list *list, const struct mv_missing *missing) {
        for (size_t i = 0; i < list->n; i++)
                if (list->items[i].kind == missing->kind &&
                    mv_str_equal(list->items[i].namespace, missing->namespace) &&
                    mv_str_equal(list->items[i].name, missing->name))
                        return;
        if (missing->name.n && list->n < MV_MOST_MISSING)
                list->items[list->n++] = *missing;
}

void mv_missing_collect(struct mv_missing_list *list, const struct mv_snapshot *snapshot,
                        struct mv_str namespace, const struct mv_verdict *verdict) {
        const struct mv_missing own = { MV_KIND_NAMESPACE, { 0 }, namespace };
        const struct mv_refused *refused = verdict->refused;
        if (namespace.n && !mv_snapshot_find(snapshot, MV_KIND_NAMESPACE, (struct mv_str){ 0 }, namespace))
                mv_missing_add(list, &own);
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                for (size_t i = 0; i < f->n_missing; i++)
                        mv_missing_add(list, &f->missing[i]);
        if (refused && refused->missing_kind != MV_KIND_COUNT)
                mv_missing_add(list, &(struct mv_missing){ refused->missing_kind,
                                                           mv_kinds[refused->missing_kind].namespaced
                                                                   ? namespace
                                                                   : (struct mv_str){ 0 },
                                                           refused->missing_name });
}
