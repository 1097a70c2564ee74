/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes to say how many nodes could take a VM, among 5,000 nodes with 250 labels each, as the node labeller
 * sets them, and with 100, 10,000 and 100,000 pods in the cluster. Each figure stands beside a ratio: to ANDing as many
 * plain bitmaps as the fit has checks, in the same run, which can be compared between machines.
 *
 *   nodefit [NODES [CASE PODS ROUNDS]]    one case alone is for callgrind, which counts instructions exactly
 */
#include "certs/clock.h"
#include "policy/base/buf.h"
#include "policy/expand.h"
#include "policy/nodes/nodefit.h"
#include "policy/object/scan.h"
#include "tests/bench/support.h"

enum { LABEL_FEATURES = 100, LABEL_MODELS = 40, REQUIRED_FEATURES = 60, GROUP = 10 };

static const char *const cases[] = {
        /* A named model with 5 features. */
        "'cpu':{'model':'Model-7','features':[{'name':'feature-1'},{'name':'feature-2'},{'name':'feature-3'},"
        "{'name':'feature-4'},{'name':'feature-5'}]}}",
        /* host-model, with what the source requires. */
        "'cpu':{'model':'host-model'}}",
        /* One of a group that keeps apart. */
        "'cpu':{'model':'Model-7'}},'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':"
        "[{'topologyKey':'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':'group-7'}}}]}}",
};
static const char *const names[] = { "named model, 5 features", "host-model, 60 features", "anti-affinity" };
enum { CASES = sizeof cases / sizeof *cases };

/* --- the cluster --- */

static void add(struct mv_snapshot_builder *builder, struct mv_buf *text) {
        struct mv_err err = { 0 };
        for (size_t i = 0; i < text->n; i++)
                if (text->p[i] == '\'')
                        text->p[i] = '"';
        if (!mv_buf_reserve(text, MV_SCAN_PADDING))
                bench_stop("nodefit: out of memory");
        memset(text->p + text->n, 0, MV_SCAN_PADDING);
        if (mv_snapshot_builder_add(builder, mv_buf_str(text), MV_STR("bench"), &err) < 0)
                bench_stop(err.message);
        mv_buf_clear(text);
}

static void add_node(struct mv_snapshot_builder *builder, struct mv_buf *text, unsigned i) {
        /* One node in 50 is a little different: it lacks a feature and a model. */
        unsigned lacks = i % 50 ? LABEL_FEATURES : i / 50 % LABEL_FEATURES;
        mv_buf_format(
                text,
                "{'apiVersion':'v1','kind':'Node','metadata':{'name':'node-%u','labels':{'kubernetes.io/hostname'"
                ":'node-%u','kubernetes.io/arch':'amd64','kubevirt.io/schedulable':'true','topology.kubernetes.io/"
                "zone':'zone-%u','topology.kubernetes.io/rack':'rack-%u','cpu-vendor.node.kubevirt.io/Intel':'true',"
                "'host-model-cpu.node.kubevirt.io/Model-%u':'true','machine-type.node.kubevirt.io/q35':'true',"
                "'machine-type.node.kubevirt.io/pc-q35-rhel9.6.0':'true'",
                i, i, i % 3, i / 40, i % 3);
        for (unsigned k = 0; k < LABEL_FEATURES; k++)
                if (k != lacks)
                        mv_buf_format(text, ",'cpu-feature.node.kubevirt.io/feature-%u':'true'", k);
        for (unsigned k = 0; k < LABEL_MODELS; k++) {
                if (k != lacks)
                        mv_buf_format(text, ",'cpu-model.node.kubevirt.io/Model-%u':'true'", k);
                mv_buf_format(text, ",'cpu-model-migration.node.kubevirt.io/Model-%u':'true'", k);
        }
        for (unsigned k = 0; k < REQUIRED_FEATURES; k++)
                mv_buf_format(text, ",'host-model-required-features.node.kubevirt.io/feature-%u':'true'", k);
        mv_buf_format(
                text,
                "}},'spec':{'unschedulable':%s%s},'status':{'allocatable':{'cpu':'%u','memory':'%uGi','pods':'500',"
                "'ephemeral-storage':'900Gi','devices.kubevirt.io/kvm':'1k','devices.kubevirt.io/tun':'1k',"
                "'devices.kubevirt.io/vhost-net':'1k'}}}",
                i % 97 ? "false" : "true",
                i % 101 ? "" : ",'taints':[{'key':'dedicated','value':'db','effect':'NoSchedule'}]",
                64 + i % 7 * 16, 256 + i % 11 * 64);
        add(builder, text);
}

static void add_pod(struct mv_snapshot_builder *builder, struct mv_buf *text, unsigned i, unsigned nodes) {
        unsigned group = i / GROUP;
        mv_buf_format(
                text,
                "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'pod-%u','namespace':'default','labels':{'app':"
                "'group-%u','kubevirt.io':'virt-launcher','kubevirt.io/created-by':'uid-%u'}},'spec':{'nodeName':"
                "'node-%u','affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{"
                "'topologyKey':'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':'group-%u'}}}]}},"
                "'containers':[{'name':'compute','resources':{'requests':{'cpu':'200m','memory':'%uMi'}}}]},'status'"
                ":{'phase':'Running'}}",
                i, group, i, i * 7 % nodes, group, 512 + i % 13 * 256);
        add(builder, text);
}

static struct mv_snapshot *build(unsigned nodes, unsigned pods) {
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_snapshot *snapshot;
        struct mv_buf text;
        struct mv_err err = { 0 };
        if (!builder)
                bench_stop("nodefit: out of memory");
        mv_buf_init(&text, &mv_allocator_system, 1 << 24);
        for (unsigned i = 0; i < nodes; i++)
                add_node(builder, &text, i);
        for (unsigned i = 0; i < pods; i++)
                add_pod(builder, &text, i, nodes);
        for (unsigned i = 0; i < CASES; i++) {
                mv_buf_format(
                        &text,
                        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm-%u',"
                        "'namespace':'default','uid':'vm-%u','labels':{'app':'group-7'}},'spec':{'architecture':"
                        "'amd64','domain':{'machine':{'type':'q35'},'memory':{'guest':'4Gi'},%s},'status':{'phase':"
                        "'Running','nodeName':'node-%u'}}",
                        i, i, cases[i], 3 % nodes);
                add(builder, &text);
        }
        if (mv_snapshot_builder_finish(builder, &snapshot, &err) < 0)
                bench_stop(err.message);
        mv_buf_done(&text);
        return snapshot;
}

/* --- the question --- */

struct asked {
        struct mv_arena arena, scratch;
        struct mv_instance instance;
        struct mv_fit_question question;
};

static void ask(struct asked *asked, const struct mv_snapshot *snapshot, unsigned number) {
        const unsigned version = MV_KUBEVIRT(1, 9);
        const struct mv_kubevirt_config *config = mv_snapshot_config(snapshot);
        mv_arena_init(&asked->arena, &mv_allocator_system, 0);
        mv_arena_init(&asked->scratch, &mv_allocator_system, 0);
        mv_expand_vmi(&asked->arena, config, mv_snapshot_at(snapshot, MV_KIND_VMI, number), &asked->instance);
        asked->question = (struct mv_fit_question){
                .snapshot = snapshot,
                .config = config,
                .behaviour = mv_behaviour_of(version),
                .vmi = &asked->instance.vmi,
                .launcher = mv_launcher_make(&asked->arena, config, version, &asked->instance.vmi),
        };
}

static void forget(struct asked *asked) {
        mv_arena_done(&asked->scratch);
        mv_arena_done(&asked->arena);
}

/* The number of nodes that could take it. */
static size_t answer(struct asked *asked, size_t *ret_checks) {
        mv_arena_clear(&asked->scratch);
        const struct mv_fit *fit = mv_fit_make(&asked->scratch, &asked->question);
        if (!fit)
                bench_stop("nodefit: out of memory");
        *ret_checks = fit->n_checks;
        return mv_node_set_count(fit->index, fit->feasible);
}

static double time_answers(struct asked *asked, size_t rounds, size_t *ret_n, size_t *ret_checks) {
        double begin = bench_now();
        for (size_t i = 0; i < rounds; i++)
                *ret_n = answer(asked, ret_checks);
        return (bench_now() - begin) / (double)rounds;
}

/* As many bitmaps of all nodes, one AND after the other, and a count. */
static double time_ands(size_t nodes, size_t bitmaps, size_t rounds) {
        size_t words = (nodes + 63) / 64, total = 0;
        uint64_t *sets = malloc((bitmaps + 1) * words * sizeof *sets), *set = sets + bitmaps * words;
        if (!sets)
                bench_stop("nodefit: out of memory");
        for (size_t i = 0; i < bitmaps * words; i++)
                sets[i] = ~(UINT64_C(1) << i % 64);
        double begin = bench_now();
        for (size_t round = 0; round < rounds; round++) {
                memcpy(set, sets, words * sizeof *set);
                for (size_t i = 0; i < bitmaps; i++)
                        for (size_t k = 0; k < words; k++)
                                set[k] &= sets[i * words + k];
                for (size_t k = 0; k < words; k++)
                        total += (size_t)__builtin_popcountll(set[k]);
                sets[round % words] ^= total & 1;
        }
        double seconds = (bench_now() - begin) / (double)rounds;
        free(sets);
        return seconds;
}

static double best_of(double a, double b) {
        return a < b ? a : b;
}

static void measure(unsigned nodes, unsigned pods) {
        double begin = bench_now();
        struct mv_snapshot *snapshot = build(nodes, pods);
        printf("%u nodes, %u pods: snapshot of %.1f MB in %.1f s\n", nodes, pods,
               (double)mv_snapshot_bytes(snapshot) / 1e6, bench_now() - begin);
        for (unsigned i = 0; i < CASES; i++) {
                struct asked asked;
                size_t n = 0, checks = 0;
                double ours = 1, plain = 1;
                ask(&asked, snapshot, i);
                for (unsigned round = 0; round < 5; round++) {
                        ours = best_of(ours, time_answers(&asked, 2000, &n, &checks));
                        plain = best_of(plain, time_ands(nodes, checks, 2000));
                }
                printf("  %-26s %8.2f us   %5zu of %u nodes, %3zu checks   x %5.2f of plain ANDs\n", names[i],
                       ours * 1e6, n, nodes, checks, ours / plain);
                forget(&asked);
        }
        mv_snapshot_free(snapshot);
}

int main(int argc, char **argv) {
        unsigned nodes = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5000;
        if (!nodes)
                bench_stop("nodefit: how many nodes?");
        if (argc == 5) {
                struct mv_snapshot *snapshot = build(nodes, (unsigned)strtoul(argv[3], NULL, 10));
                struct asked asked;
                size_t n = 0, checks;
                ask(&asked, snapshot, (unsigned)strtoul(argv[2], NULL, 10) % CASES);
                for (size_t i = strtoul(argv[4], NULL, 10); i; i--)
                        n = answer(&asked, &checks);
                printf("%zu\n", n);
                forget(&asked);
                mv_snapshot_free(snapshot);
                return 0;
        }
        static const unsigned pods[] = { 100, 10000, 100000 };
        for (unsigned i = 0; i < sizeof pods / sizeof *pods; i++)
                measure(nodes, pods[i]);
        return 0;
}
