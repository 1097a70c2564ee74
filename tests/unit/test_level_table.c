/* SPDX-License-Identifier: Apache-2.0 */
/* tests/levels.txt, line by line and request by request: what is answered to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what there is of each column --- */

enum { MODE, LEVEL, VERDICT, KIND, OPERATION, WHO, COLUMNS, MOST_VALUES = 9 };
enum { MOST_LINES = 200, WORD = 64 };

static const char *const values[COLUMNS][MOST_VALUES] = {
        [MODE] = { "live", "files", "strict" },
        [LEVEL] = { "none", "declared", "migratable", "resilient" },
        [VERDICT] = { "True", "False", "Unknown" },
        [KIND] = { "VM", "VMI", "VMI-of-VM", "VMIM", "Pool", "ReplicaSet", "MigrationPolicy",
                   "NodeMaintenance" },
        [OPERATION] = { "CREATE", "UPDATE-better", "UPDATE-same", "UPDATE-worse", "DELETE" },
        [WHO] = { "person", "controller", "kube-system", "exempt", "backup" },
};
enum { LIVE, FILES, STRICT };
enum { TRUE, FALSE, UNKNOWN };
enum { VM, VMI, VMI_OF_VM, VMIM, POOL, REPLICA_SET, POLICY, MAINTENANCE };
enum { CREATE, BETTER, SAME, WORSE, DELETE };
enum { PERSON, CONTROLLER, KUBE_SYSTEM, EXEMPT, BACKUP };

static const char *const users[] = {
        [PERSON] = "jane",
        [CONTROLLER] = "system:serviceaccount:kubevirt:kubevirt-controller",
        [KUBE_SYSTEM] = "system:serviceaccount:kube-system:replicaset-controller",
        [EXEMPT] = "trusted",
        [BACKUP] = "system:serviceaccount:backup:restorer",
};
static const char config_text[] =
        "apiVersion: " MV_CONFIG_API_VERSION "\nkind: Configuration\n"
        "exemptions: [{users: [\"system:serviceaccount:backup:.*\"], reason: restores}]\n"
        "annotationExemptions: {users: [trusted]}\n";

/* In mode strict. */
static const char strict_text[] = "unknown: deny\nvmStart: deny\nclusterScoped: deny\n"
                                  "rules: {maintenance-blocked: blocker}\n";

static const struct {
        const char *group, *version, *resource;
} resources[] = {
        [VM] = { "kubevirt.io", "v1", "virtualmachines" },
        [VMI] = { "kubevirt.io", "v1", "virtualmachineinstances" },
        [VMI_OF_VM] = { "kubevirt.io", "v1", "virtualmachineinstances" },
        [VMIM] = { "kubevirt.io", "v1", "virtualmachineinstancemigrations" },
        [POOL] = { "pool.kubevirt.io", "v1beta1", "virtualmachinepools" },
        [REPLICA_SET] = { "kubevirt.io", "v1", "virtualmachineinstancereplicasets" },
        [POLICY] = { "migrations.kubevirt.io", "v1alpha1", "migrationpolicies" },
        [MAINTENANCE] = { "nodemaintenance.medik8s.io", "v1beta1", "nodemaintenances" },
};

/* --- the table --- */

struct line {
        unsigned number;
        char columns[COLUMNS][WORD];
        char allowed[WORD], code[WORD], warned[WORD], level[WORD];
        bool used;
};
static struct line lines[MOST_LINES];
static size_t n_lines;

/* One of the words between | is value, or ends with * and value begins like it. */
static bool names(const char *words, const char *value) {
        for (const char *at = words; *at;) {
                size_t n = strcspn(at, "|");
                bool prefix = n && at[n - 1] == '*';
                if (prefix ? strncmp(at, value, n - 1) == 0
                           : strlen(value) == n && strncmp(at, value, n) == 0)
                        return true;
                at += n + (at[n] == '|');
        }
        return false;
}

/* Each word is there for something that there is. */
static void check_words(const struct line *line) {
        for (int column = 0; column < COLUMNS; column++) {
                char words[WORD];
                snprintf(words, sizeof words, "%s", line->columns[column]);
                char *rest = words;
                for (const char *word; (word = strsep(&rest, "|"));) {
                        bool known = false;
                        for (int i = 0; values[column][i]; i++)
                                known |= names(word, values[column][i]);
                        if (!known)
                                fail_msg("tests/levels.txt:%u: there is no %s", line->number, word);
                }
        }
}

static int read_table(void **state) {
        char text[512], mode[WORD] = "";
        (void)state;
        FILE *file = fopen("tests/levels.txt", "r");
        assert_non_null(file);
        for (unsigned number = 1; fgets(text, sizeof text, file); number++) {
                struct line *line = &lines[n_lines];
                if (text[0] == '#' || text[0] == '\n')
                        continue;
                if (sscanf(text, "[%63[a-z]]", mode) == 1)
                        continue;
                assert_true(n_lines < MOST_LINES);
                *line = (struct line){ .number = number };
                snprintf(line->columns[MODE], WORD, "%s", mode);
                int n = sscanf(text, "%63s %63s %63s %63s %63s %63s %63s %63s %63s", line->columns[LEVEL],
                               line->columns[VERDICT], line->columns[KIND], line->columns[OPERATION],
                               line->columns[WHO], line->allowed, line->code, line->warned, line->level);
                if (n != 9)
                        fail_msg("tests/levels.txt:%u: nine words are expected", number);
                check_words(line);
                n_lines++;
        }
        fclose(file);
        return 0;
}

/* The line of a request; cell has an index for each column. */
static const struct line *line_of(const int cell[COLUMNS]) {
        struct line *found = NULL;
        for (size_t i = 0; i < n_lines; i++) {
                bool is = true;
                for (int column = 0; column < COLUMNS; column++)
                        is = is && names(lines[i].columns[column], values[column][cell[column]]);
                if (!is)
                        continue;
                lines[i].used = true;
                if (found &&
                    (strcmp(found->allowed, lines[i].allowed) != 0 ||
                     strcmp(found->code, lines[i].code) != 0 || strcmp(found->warned, lines[i].warned) != 0 ||
                     strcmp(found->level, lines[i].level) != 0))
                        fail_msg("tests/levels.txt: lines %u and %u disagree", found->number,
                                 lines[i].number);
                found = &lines[i];
        }
        return found;
}

/* --- the cluster --- */

/* What is wrong with a spec. */
enum { NOTHING = 0, BRIDGE = 1, GPU = 2, ABSENT_CLAIM = 4, RISK = 8, CHANGED = 16 };

static const char *spec_of(int wrong) {
        static char specs[4][1024];
        static unsigned next;
        char *spec = specs[next++ % 4];
        snprintf(
                spec, sizeof *specs,
                "{'architecture':'amd64','evictionStrategy':'%s',%s'domain':{'machine':{'type':'q35'},'cpu':{'model':"
                "'Haswell'},'memory':{'guest':'1Gi'},'devices':{'interfaces':[{'name':'n','%s':{}}]%s%s}},'networks':[{"
                "'name':'n','pod':{}}]%s}",
                wrong & RISK ? "None" : "LiveMigrate",
                wrong & CHANGED ? "'terminationGracePeriodSeconds':30," : "",
                wrong & BRIDGE ? "bridge" : "masquerade",
                wrong & GPU ? ",'gpus':[{'name':'g','deviceName':'a/b'}]" : "",
                wrong & ABSENT_CLAIM ? ",'disks':[{'name':'d','disk':{'bus':'virtio'}}]" : "",
                wrong & ABSENT_CLAIM
                        ? ",'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'absent'}}]"
                        : "");
        return spec;
}

static int wrong_of(int verdict) {
        return verdict == FALSE ? BRIDGE : verdict == UNKNOWN ? ABSENT_CLAIM : NOTHING;
}

static struct mv_snapshot *cluster_make(void) {
        static char text[64 * 1024];
        size_t at = (size_t)snprintf(
                text, sizeof text,
                "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt','namespace':'kubevirt'},"
                "'status':{'phase':'Deployed'}}");
        for (int verdict = 0; values[VERDICT][verdict]; verdict++)
                at += (size_t)snprintf(
                        text + at, sizeof text - at,
                        ",{'apiVersion':'v1','kind':'Node','metadata':{'name':'node-%s','labels':{"
                        "'kubevirt.io/schedulable':'true','kubernetes.io/arch':'amd64','kubernetes.io/hostname':'node-%s',"
                        "'machine-type.node.kubevirt.io/q35':'true','cpu-model.node.kubevirt.io/Haswell':'true'}},'status':{"
                        "'allocatable':{'cpu':'80','memory':'160Gi','pods':'100','devices.kubevirt.io/kvm':'100',"
                        "'devices.kubevirt.io/tun':'100','devices.kubevirt.io/vhost-net':'100'}}}",
                        values[VERDICT][verdict], values[VERDICT][verdict]);
        for (int level = 0; values[LEVEL][level]; level++) {
                at += (size_t)snprintf(
                        text + at, sizeof text - at,
                        ",{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'l-%s','labels':{'migvet.io/enforce':"
                        "'%s'}}}",
                        values[LEVEL][level], values[LEVEL][level]);
                for (int verdict = 0; values[VERDICT][verdict]; verdict++)
                        at += (size_t)snprintf(
                                text + at, sizeof text - at,
                                ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vmi-%s',"
                                "'namespace':'l-%s','labels':{'app':'a'}},'spec':%s,'status':{'phase':'Running','nodeName':"
                                "'node-%s'%s}}",
                                values[VERDICT][verdict], values[LEVEL][level], spec_of(wrong_of(verdict)),
                                values[VERDICT][verdict],
                                verdict == TRUE ? ",'conditions':[{'type':'LiveMigratable','status':'True'}]"
                                                : "");
        }
        return snapshot_make(text);
}

/* --- the requests --- */

/* What is wrong with the new object, or the one before. */
static int wrong_in(int verdict, int operation, bool before) {
        int now = wrong_of(verdict) | (verdict == TRUE && operation == WORSE ? RISK : NOTHING);
        if (!before)
                return now;
        if (operation == BETTER)
                return verdict == FALSE ? BRIDGE | GPU : BRIDGE;
        return operation == WORSE ? NOTHING : now;
}

static void write_policy(char *out, size_t size, int verdict, int operation, bool before) {
        const char *spec = verdict == FALSE     ? ",'completionTimeoutPerGiB':-1"
                           : verdict == UNKNOWN ? ",'completionTimeoutPerGiB':'soon'"
                                                : "";
        if (verdict == TRUE && operation == WORSE && !before)
                spec = ",'bandwidthPerMigration':'64'"; /* as bytes it counts as 1Mi: a risk */
        if (before && operation == BETTER)
                spec = ",'completionTimeoutPerGiB':-1,'bandwidthPerMigration':'-1'";
        if (before && operation == WORSE)
                spec = "";
        snprintf(out, size, "'spec':{'selectors':{'virtualMachineInstanceSelector':{'app':'a'}}%s%s}",
                 before ? "" : ",'allowAutoConverge':true", spec);
}

static void write_spec(char *out, size_t size, const int cell[COLUMNS], bool before) {
        int verdict = cell[VERDICT], operation = cell[OPERATION], kind = cell[KIND];
        int wrong = wrong_in(verdict, operation, before);
        bool instance = kind == VMI || kind == VMI_OF_VM;
        /* A spec that is the same is not judged; of instances that is what `same` is about. */
        const char *spec = spec_of(wrong | (!before && !instance ? CHANGED : NOTHING));
        switch (kind) {
        case VM:
                snprintf(out, size, "'spec':{'runStrategy':'Always','template':{'spec':%s}}", spec);
                break;
        case VMI:
        case VMI_OF_VM:
                snprintf(out, size, "'spec':%s", spec);
                break;
        case VMIM:
                snprintf(out, size, "'spec':{'vmiName':'vmi-%s'}",
                         before && (operation == BETTER || operation == WORSE) ? "other"
                                                                               : values[VERDICT][verdict]);
                break;
        case POOL:
                snprintf(
                        out, size,
                        "'spec':{'replicas':1,'selector':{'matchLabels':{'a':'b'}},'virtualMachineTemplate':{'metadata':{"
                        "'labels':{'a':'b'}},'spec':{'runStrategy':'Always','template':{'spec':%s}}}}",
                        spec);
                break;
        case REPLICA_SET:
                snprintf(
                        out, size,
                        "'spec':{'replicas':1,'selector':{'matchLabels':{'a':'b'}},'template':{'metadata':{'labels':{"
                        "'a':'b'}},'spec':%s}}",
                        spec);
                break;
        case POLICY:
                write_policy(out, size, verdict, operation, before);
                break;
        default: /* which node is drained; one that is not there is not known */
                snprintf(out, size, "'spec':{'nodeName':'%s%s','reason':'%s'}",
                         verdict == UNKNOWN ? "absent-" : "node-", values[VERDICT][verdict],
                         before ? "before" : "now");
        }
}

static void write_object(char *out, size_t size, const int cell[COLUMNS], bool before) {
        static const char owner[] =
                ",'ownerReferences':[{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','name':"
                "'m','uid':'1','controller':true}]";
        char spec[2048];
        write_spec(spec, sizeof spec, cell, before);
        snprintf(out, size, "{'metadata':{'name':'m','labels':{'when':'%s'}%s", before ? "before" : "now",
                 cell[KIND] == VMI_OF_VM ? owner : "");
        if (cell[WHO] == EXEMPT)
                snprintf(out + strlen(out), size - strlen(out),
                         ",'annotations':{'migvet.io/exempt':'l-%s/m: as it was'}",
                         values[LEVEL][cell[LEVEL]]);
        snprintf(out + strlen(out), size - strlen(out), "},%s}", spec);
}

static struct mv_str review_make(const int cell[COLUMNS], bool dry_run) {
        static char text[16 * 1024], now[4096], before[4096];
        int kind = cell[KIND], operation = cell[OPERATION];
        bool cluster_scoped = kind == POLICY || kind == MAINTENANCE, created = operation == CREATE,
             deleted = operation == DELETE;
        write_object(now, sizeof now, cell, false);
        write_object(before, sizeof before, cell, true);
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','resource':{'group':"
                "'%s','version':'%s','resource':'%s'},'operation':'%s','namespace':'%s%s','name':'m','userInfo':{"
                "'username':'%s'},'dryRun':%s%s%s%s%s}}",
                resources[kind].group, resources[kind].version, resources[kind].resource,
                created   ? "CREATE"
                : deleted ? "DELETE"
                          : "UPDATE",
                cluster_scoped ? "" : "l-", cluster_scoped ? "" : values[LEVEL][cell[LEVEL]],
                users[cell[WHO]], dry_run ? "true" : "false", deleted ? "" : ",'object':", deleted ? "" : now,
                created ? "" : ",'oldObject':", created ? "" : before);
        return json_make(text);
}

struct cluster {
        struct mv_snapshot *snapshot;
        struct mv_arena memory;
        struct mv_config config, strict;
};

/* The bytes of the answer, in out. */
static void answer(const struct cluster *cluster, const int cell[COLUMNS], bool dry_run, char *out,
                   size_t size) {
        struct mv_str body = review_make(cell, dry_run);
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_review_result result;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_review_input input = {
                .arena = &arena,
                .snapshot = cluster->snapshot,
                .config = cell[MODE] == STRICT ? &cluster->strict : &cluster->config,
                .mirror = cell[MODE] == FILES ? MV_MIRROR_DENY : MV_MIRROR_WARN,
                .live = cell[MODE] != FILES
        };
        assert_int_equal(mv_review_answer(&input, body, &response, &result), 200);
        snprintf(out, size, "%.*s", MV_STR_ARG(mv_buf_str(&response)));
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
}

/* --- each cell --- */

static bool has(const char *text, const char *key, const char *value) {
        char wanted[128];
        snprintf(wanted, sizeof wanted, "\"%s\":%s", key, value);
        return strstr(text, wanted) != NULL;
}

/* What the answer has to say for that line. */
static bool is_right(const struct line *line, const int cell[COLUMNS], const char *text) {
        char level[WORD + 2], verdict[WORD + 2];
        bool allowed = strcmp(line->allowed, "yes") == 0;
        snprintf(level, sizeof level, "\"%s\"",
                 strcmp(line->level, "=") == 0 ? values[LEVEL][cell[LEVEL]] : line->level);
        snprintf(verdict, sizeof verdict, "\"%s\"", values[VERDICT][cell[VERDICT]]);
        bool judged = strcmp(line->level, "-") != 0;
        return has(text, "allowed", allowed ? "true" : "false") &&
               (allowed ? !strstr(text, "\"status\":") : has(text, "code", line->code)) &&
               (strcmp(line->warned, "yes") == 0) == (strstr(text, "\"warnings\":[") != NULL) &&
               (judged ? has(text, "level", level) && has(text, "verdict", verdict)
                       : !strstr(text, "\"level\":"));
}

static void next_cell(int cell[COLUMNS]) {
        for (int column = COLUMNS - 1; column >= 0; column--) {
                if (values[column][++cell[column]])
                        return;
                if (column)
                        cell[column] = 0;
        }
}

static void test_cells(void **state) {
        static char text[1 << 16], again[1 << 16];
        struct cluster cluster = { .snapshot = cluster_make() };
        struct mv_err err = { 0 };
        unsigned n = 0, wrong = 0;
        (void)state;
        mv_arena_init(&cluster.memory, &mv_allocator_system, 0);
        snprintf(text, sizeof text, "%s%s", config_text, strict_text);
        assert_int_equal(mv_config_read(&cluster.memory, mv_str_from(config_text), &cluster.config, &err), 0);
        assert_int_equal(mv_config_read(&cluster.memory, mv_str_from(text), &cluster.strict, &err), 0);
        for (int cell[COLUMNS] = { 0 }; values[MODE][cell[MODE]]; next_cell(cell), n++) {
                const struct line *line = line_of(cell);
                answer(&cluster, cell, false, text, sizeof text);
                answer(&cluster, cell, true, again, sizeof again);
                assert_string_equal(text,
                                    again); /* a dry run is answered the same, and so is who asks twice */
                if (line && is_right(line, cell, text))
                        continue;
                wrong++;
                print_error("%s %s %s %s %s %s: %s%u\n%s\n", values[MODE][cell[MODE]],
                            values[LEVEL][cell[LEVEL]], values[VERDICT][cell[VERDICT]],
                            values[KIND][cell[KIND]], values[OPERATION][cell[OPERATION]],
                            values[WHO][cell[WHO]], line ? "not as line " : "no line, ",
                            line ? line->number : 0, text);
        }
        assert_int_equal(n, 3 * 4 * 3 * 8 * 5 * 5);
        assert_int_equal(wrong, 0);
        for (size_t i = 0; i < n_lines; i++)
                if (!lines[i].used)
                        fail_msg("tests/levels.txt:%u is for no request", lines[i].number);
        mv_arena_done(&cluster.memory);
        mv_snapshot_free(cluster.snapshot);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_cells) };
        return cmocka_run_group_tests(tests, read_table, NULL);
}
