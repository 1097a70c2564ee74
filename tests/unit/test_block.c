/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: what is in them is what was decoded, however much of it is shared, in whatever order they come and go. */
#include "policy/snapshot/block.h"

#include "policy/base/pieces.h"
#include "policy/object/same.h"
#include "policy/object/scan.h"
#include "policy/object/storage.h"
#include "policy/object/vm.h"
#include "tests/unit/support.h"
#include "tests/unit/support_random_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- objects --- */

enum { TEXT = 4096 };

static unsigned roll(struct test_random *random, unsigned n) {
        return (unsigned)(random_next(random) >> 33) % n;
}

/* A machine with members of most types; few values, so that there is much to share. */
static int write_machine(struct test_random *random, unsigned name, char *text) {
        static const char *const strategies[] = { "", "'evictionStrategy':'',", "'evictionStrategy':null,",
                                                  "'evictionStrategy':'LiveMigrate'," };
        static const char *const disks[] = {
                "", "{'name':'a','disk':{}}",
                "{'name':'a','disk':{}},{'name':'b\\u0062','lun':{'reservation':true}}"
        };
        static const char *const selectors[] = { "{}", "{'zone':'a'}", "{'zone':'a','rack':''}",
                                                 "{'x':'\\u00e4'}" };
        return snprintf(
                text, TEXT,
                "{'metadata':{'name':'vm-%u','namespace':'team-%u','resourceVersion':'1','labels':{'app':'app-%u','n':'%u'},"
                "'annotations':{},'ownerReferences':[{'kind':'Pool','name':'p%u'}]},'spec':{'runStrategy':'Always',"
                "'domain':{'wrong':%u},'dataVolumeTemplates':[{'metadata':{'name':'dv-%u'},'spec':{'storage':{"
                "'accessModes':['ReadWriteMany','%u'],'resources':{'requests':{'storage':%u}}}}}],'template':{'spec':{"
                "%s'nodeSelector':%s,'domain':{'cpu':{'cores':%u},'memory':{'guest':' %uGi '},'devices':{'disks':[%s]},"
                "'clock':{'utc':{'offsetSeconds':%u}}},'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'vm-%u'}},"
                "{'name':'c','containerDisk':{'image':'i'}}]}}}}",
                name, roll(random, 3), roll(random, 5), name, roll(random, 2), roll(random, 3), name,
                roll(random, 3), roll(random, 3), strategies[roll(random, 4)], selectors[roll(random, 4)],
                roll(random, 3), roll(random, 3), disks[roll(random, 3)], roll(random, 3), name);
}

static int write_claim(struct test_random *random, unsigned name, char *text) {
        return snprintf(
                text, TEXT,
                "{'metadata':{'name':'vm-%u','namespace':'team-%u'},'spec':{'accessModes':['ReadWriteMany'%s],"
                "'storageClassName':'%s','resources':{'requests':{'storage':'%uGi'}}},'status':{'phase':'Bound'}}",
                name, roll(random, 3), roll(random, 2) ? ",null" : "", roll(random, 2) ? "ceph" : "",
                roll(random, 4));
}

/* Objects with free keys, and more than the table says: an object that is read beside it. */
static int write_hyperconverged(struct test_random *random, unsigned name, char *text) {
        return snprintf(
                text, TEXT,
                "{'apiVersion':'hco.kubevirt.io/v1beta1','metadata':{'name':'hco-%u','namespace':'n'},'spec':{"
                "'networkBinding':{'b':{'networkAttachmentDefinition':'x%u'},'a':{}},'defaultCPUModel':'m'}}",
                name, roll(random, 3));
}

static int write_kubevirt(struct test_random *random, unsigned name, char *text) {
        return snprintf(
                text, TEXT,
                "{'metadata':{'name':'kv-%u','namespace':'n'},'spec':{'configuration':{'network':{'binding':{"
                "'b%u':{'networkAttachmentDefinition':'x'},'a':{}}},'obsoleteCPUModels':{'a':true,'b%u':false}}}}",
                name, roll(random, 3), roll(random, 3));
}

static const struct {
        enum mv_kind kind;
        int (*write)(struct test_random *random, unsigned name, char *text);
} sorts[] = { { MV_KIND_VM, write_machine },
              { MV_KIND_CLAIM, write_claim },
              { MV_KIND_HYPERCONVERGED, write_hyperconverged },
              { MV_KIND_KUBEVIRT, write_kubevirt } };
enum { SORTS = sizeof sorts / sizeof *sorts };

/* A block of an object, and its text. */
struct made {
        struct mv_block *block;
        struct mv_str json;
};

static void make_json(struct test_random *random, unsigned sort, unsigned name, struct mv_str *ret) {
        char text[TEXT];
        assert_in_range(sorts[sort].write(random, name, text), 1, TEXT - 1);
        *ret = json_make(text);
}

/* The block says what its text says. */
static void check(const struct made *made) {
        const struct mv_kind_info *info = &mv_kinds[made->block->kind];
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_decode decode = { .arena = &arena };
        void *object = mv_arena_allocate(&arena, info->table->size, info->table->align);
        assert_int_equal(mv_decode(&decode, made->json, info->table, object, NULL), 0);
        assert_true(mv_decoded_same(info->table, object, made->block->object));
        if (made->block->kind == MV_KIND_VM) {
                const struct mv_vm *a = object, *b = made->block->object;
                const struct mv_str x = a->spec.template->spec.eviction_strategy,
                                    y = b->spec.template->spec.eviction_strategy;
                assert_int_equal(x.p == NULL, y.p == NULL);
                assert_str(b->meta.resource_version, "1");
                assert_int_equal(b->meta.name.p[b->meta.name.n], 0);
                assert_true(b->meta.annotations.present);
        }
        mv_arena_done(&arena);
}

static void forget(struct mv_block_pool *pool, struct made *made) {
        mv_block_free(pool, made->block);
        text_free(made->json);
        *made = (struct made){ 0 };
}

/* --- tests --- */

static void test_they_come_and_go(void **state) {
        (void)state;
        enum { HELD = 60, STEPS = 4000 };
        struct test_random random = { 7 };
        struct made held[HELD] = { 0 };
        struct test_allocator counting;
        test_allocator_init(&counting, 0);
        struct mv_block_pool *pool = mv_block_pool_new(&counting.allocator);
        assert_non_null(pool);
        size_t most = 0;
        for (unsigned step = 0; step < STEPS; step++) {
                struct made *made = &held[roll(&random, HELD)];
                unsigned sort = roll(&random, SORTS);
                if (made->block)
                        forget(pool, made);
                make_json(&random, sort, step, &made->json);
                mv_block_pool_keep_texts(pool, roll(&random, 2) ? UINT64_MAX : 0);
                assert_int_equal(mv_block_new(pool, sorts[sort].kind, made->json, &made->block, NULL), 0);
                if (mv_block_meta(made->block)->text.p) {
                        assert_true(mv_str_equal(mv_block_meta(made->block)->text, made->json));
                        static const char zeros[MV_SCAN_PADDING];
                        assert_memory_equal(mv_block_meta(made->block)->text.p + made->json.n, zeros,
                                            sizeof zeros);
                }
                most = mv_block_pool_bytes(pool) > most ? mv_block_pool_bytes(pool) : most;
                for (unsigned i = 0; i < HELD; i++)
                        if (held[i].block)
                                check(&held[i]);
        }
        assert_true(most > 0);
        for (unsigned i = 0; i < HELD; i++)
                forget(pool, &held[i]);
        assert_int_equal(mv_block_pool_bytes(pool), 0);
        mv_block_pool_free(pool);
        assert_int_equal(counting.live, 0);
}

/* What all have in common is there once, and is made of pieces to the top. */
static void test_what_is_alike_is_shared(void **state) {
        (void)state;
        enum { N = 40 };
        struct made held[N] = { 0 };
        struct mv_block_pool *pool = mv_block_pool_new(&mv_allocator_system);
        size_t pieces = 0;
        for (unsigned i = 0; i < N; i++) {
                struct test_random random = { 1 };
                make_json(&random, 0, 1000 + i, &held[i].json);
                assert_int_equal(mv_block_new(pool, MV_KIND_VM, held[i].json, &held[i].block, NULL), 0);
                check(&held[i]);
                if (i == N - 10)
                        pieces = mv_block_pool_bytes(pool);
        }
        assert_int_equal(mv_block_pool_bytes(pool), pieces);
        const struct mv_vm *a = held[N - 1].block->object, *b = held[N - 2].block->object;
        assert_ptr_equal(a->spec.template->spec.domain.devices.disks.items,
                         b->spec.template->spec.domain.devices.disks.items);
        assert_ptr_equal(a->spec.template->spec.domain.cpu, b->spec.template->spec.domain.cpu);
        assert_ptr_equal(a->meta.namespace.p, b->meta.namespace.p);
        assert_ptr_equal(a->meta.owners.items, b->meta.owners.items);
        assert_ptr_not_equal(a->meta.name.p, b->meta.name.p);
        assert_true(held[N - 1].block->bytes < held[0].block->bytes);
        for (unsigned i = 0; i < N; i++)
                forget(pool, &held[i]);
        mv_block_pool_free(pool);
}

/* Without memory there is no block, or one that shares less. */
static void test_memory_runs_out(void **state) {
        (void)state;
        enum { N = 24 };
        for (unsigned sort = 0; sort < SORTS; sort++) {
                struct test_allocator counting;
                bool failed = true;
                for (size_t at = 3; failed; at++) { /* the pool takes two */
                        struct made held[N] = { 0 };
                        test_allocator_init(&counting, at);
                        struct mv_block_pool *pool = mv_block_pool_new(&counting.allocator);
                        for (unsigned i = 0; i < N; i++) {
                                struct test_random random = { i % 2 };
                                make_json(&random, sort, i, &held[i].json);
                                int r = mv_block_new(pool, sorts[sort].kind, held[i].json, &held[i].block,
                                                     NULL);
                                if (r < 0) {
                                        assert_int_equal(r, MV_ENOMEM);
                                        assert_null(held[i].block);
                                } else
                                        check(&held[i]);
                        }
                        failed = counting.calls >= at;
                        for (unsigned i = 0; i < N; i++)
                                forget(pool, &held[i]);
                        assert_int_equal(mv_block_pool_bytes(pool), 0);
                        mv_block_pool_free(pool);
                        assert_int_equal(counting.live, 0);
                }
        }
}

/* One that does not fit into the scratch. */
static void test_a_huge_one(void **state) {
        (void)state;
        enum { LABELS = 40000, BYTES = LABELS * 24 + 200 };
        char *text = malloc(BYTES);
        struct made made = { 0 };
        struct mv_block_pool *pool = mv_block_pool_new(&mv_allocator_system);
        int n = snprintf(text, BYTES,
                         "{'metadata':{'name':'n','namespace':'m','resourceVersion':'1','labels':{'a':''");
        for (unsigned i = 0; i < LABELS; i++)
                n += snprintf(text + n, BYTES - (size_t)n, ",'label-%u':'%u'", i, i);
        snprintf(text + n, BYTES - (size_t)n, "}},'spec':{'template':{'spec':{'evictionStrategy':''}}}}");
        made.json = json_make(text);
        assert_int_equal(mv_block_new(pool, MV_KIND_VM, made.json, &made.block, NULL), 0);
        assert_true(made.block->bytes > 2 << 20);
        const struct mv_vm *vm = made.block->object;
        assert_int_equal(vm->meta.labels.n, LABELS + 1);
        assert_true(mv_map_has(&vm->meta.labels, MV_STR("label-7"), MV_STR("7")));
        forget(pool, &made);
        assert_int_equal(mv_block_pool_bytes(pool), 0);
        mv_block_pool_free(pool);
        free(text);
}

/* Uses are given up by the rows of a table, so no member may be there twice. */
static void test_no_member_has_two_rows(void **state) {
        (void)state;
        enum { MOST = 512, TABLES = 1024 };
        static const struct mv_table *tables[TABLES];
        size_t n_tables = 0;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++)
                tables[n_tables++] = mv_kinds[kind].table;
        for (size_t t = 0; t < n_tables; t++) {
                /* Tables of embedded structs are rows of this one. */
                struct {
                        const struct mv_table *table;
                        size_t offset;
                } embedded[MOST] = { { tables[t], 0 } };
                size_t n_embedded = 1, n = 0, offsets[MOST];
                for (size_t e = 0; e < n_embedded; e++)
                        for (size_t i = 0; i < embedded[e].table->n; i++) {
                                const struct mv_field *field = &embedded[e].table->fields[i];
                                size_t offset = embedded[e].offset + field->offset, known = 0;
                                if (field->type == MV_TYPE_OBJECT) {
                                        assert_true(n_embedded < MOST);
                                        embedded[n_embedded].table = field->table;
                                        embedded[n_embedded++].offset = offset;
                                        continue;
                                }
                                while (field->table && known < n_tables && tables[known] != field->table)
                                        known++;
                                assert_true(n_tables < TABLES && n < MOST);
                                if (field->table && known == n_tables)
                                        tables[n_tables++] = field->table;
                                if (field->type == MV_TYPE_ANY)
                                        continue;
                                for (size_t k = 0; k < n; k++)
                                        if (offsets[k] == offset)
                                                fail_msg(
                                                        "%.*s of a table of %zu rows fills what another one fills",
                                                        MV_STR_ARG(field->key), tables[t]->n);
                                offsets[n++] = offset;
                        }
        }
}

static void test_pieces(void **state) {
        (void)state;
        struct test_allocator counting;
        struct mv_pieces pieces;
        static const char type, other;
        bool made;
        const void *piece = NULL, *second;
        test_allocator_init(&counting, 0);
        mv_pieces_init(&pieces, &counting.allocator);
        int times = 0;
        while (!piece && times++ < 100)
                piece = mv_pieces_take(&pieces, &type, "abc", 3, &made);
        assert_in_range(times, 2, 8);
        assert_true(made);
        assert_string_equal(piece, "abc");
        assert_null(mv_pieces_take(&pieces, &other, "abc", 3, &made));
        assert_null(mv_pieces_take(&pieces, &type, "ab", 2, &made));
        second = mv_pieces_take(&pieces, &type, "abc", 3, &made);
        assert_ptr_equal(second, piece);
        assert_false(made);
        assert_false(mv_pieces_release(piece));
        assert_true(mv_pieces_release(piece));
        mv_pieces_drop(&pieces, piece);
        assert_int_equal(pieces.bytes, 0);
        /* Many, some of which go again: the others are still found. */
        enum { MANY = 3000 };
        static const void *many[MANY];
        for (unsigned i = 0; i < MANY; i++)
                for (int k = 0; k < 8 && !many[i]; k++)
                        many[i] = mv_pieces_take(&pieces, &type, &i, sizeof i, &made);
        for (unsigned i = 0; i < MANY; i += 3)
                if (mv_pieces_release(many[i]))
                        mv_pieces_drop(&pieces, many[i]);
        for (unsigned i = 0; i < MANY; i++)
                if (i % 3) {
                        assert_ptr_equal(mv_pieces_take(&pieces, &type, &i, sizeof i, &made), many[i]);
                        assert_false(mv_pieces_release(many[i]));
                        assert_true(mv_pieces_release(many[i]));
                        mv_pieces_drop(&pieces, many[i]);
                }
        assert_int_equal(pieces.bytes, 0);
        mv_pieces_done(&pieces);
        assert_int_equal(counting.live, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pieces),
                cmocka_unit_test(test_no_member_has_two_rows),
                cmocka_unit_test(test_what_is_alike_is_shared),
                cmocka_unit_test(test_they_come_and_go),
                cmocka_unit_test(test_memory_runs_out),
                cmocka_unit_test(test_a_huge_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
