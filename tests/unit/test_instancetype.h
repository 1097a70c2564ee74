/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of policy/instancetype: objects in a line, and what becomes of a VM that names them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/instancetype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API "'apiVersion':'instancetype.kubevirt.io/v1beta1',"
#define TYPE(name, spec) \
        "{" API "'kind':'VirtualMachineClusterInstancetype','metadata':{'name':'" name "'},'spec':{" spec "}}"
#define OWN_TYPE(name, spec) \
        "{" API "'kind':'VirtualMachineInstancetype','metadata':{'name':'" name "'},'spec':{" spec "}}"
#define PREFERENCE(name, spec) \
        "{" API "'kind':'VirtualMachineClusterPreference','metadata':{'name':'" name "'},'spec':{" spec "}}"
#define REVISION(name, label, data)                                                                    \
        "{'apiVersion':'apps/v1','kind':'ControllerRevision','metadata':{'name':'" name "','labels':{" \
        "'instancetype.kubevirt.io/object-name':'" label "'}},'revision':1,'data':" data "}"
#define CLAIM(name, labels)                                                                                 \
        "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name "','labels':{" labels \
        "}},'spec':{'accessModes':['ReadWriteMany']}}"
#define LABEL "instancetype.kubevirt.io/default-"
#define TWO_GI "'cpu':{'guest':2},'memory':{'guest':'2Gi'}"
#define MEDIUM TYPE("medium", TWO_GI)
#define NAMED "'instancetype':{'name':'medium'}"
#define BOTH NAMED ",'preference':{'name':'p'}"
#define CONFLICT(path) "VM field(s) " path " conflicts with selected instance type"
#define AT "spec.template.spec."

struct made {
        struct mv_snapshot *snapshot;
        struct mv_arena arena;
        struct mv_made made;
};

/* members stand beside the template in the VM's spec; template is its spec; objects may be "". */
static inline const struct mv_made *make_status(struct made *m, const char *members, const char *template,
                                                const char *objects, const char *status) {
        static char items[16384];
        snprintf(items, sizeof items,
                 "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'vm'},'spec':{"
                 "'runStrategy':'Halted',%s%s'template':{'spec':%s}}%s%s}%s%s",
                 members, members[0] ? "," : "", template, status[0] ? ",'status':" : "", status,
                 objects[0] ? "," : "", objects);
        m->snapshot = snapshot_make(items);
        mv_arena_init(&m->arena, &mv_allocator_system, 0);
        mv_instancetype_make(&m->arena, m->snapshot, mv_snapshot_config(m->snapshot),
                             mv_snapshot_at(m->snapshot, MV_KIND_VM, 0), true, &m->made);
        assert_false(mv_arena_failed(&m->arena));
        return &m->made;
}

static inline const struct mv_made *make(struct made *m, const char *members, const char *template,
                                         const char *objects) {
        return make_status(m, members, template, objects, "");
}

static inline void done(struct made *m) {
        mv_arena_done(&m->arena);
        mv_snapshot_free(m->snapshot);
}

static inline void makes(const char *members, const char *template, const char *objects, const char *topology,
                         const char *memory) {
        struct made m;
        char text[64];
        const struct mv_made *made = make(&m, members, template, objects);
        if (made->refused)
                fail_msg("refused: %.*s", MV_STR_ARG(made->refused->message));
        const struct mv_cpu *cpu = made->template.spec.domain.cpu;
        snprintf(text, sizeof text, "%dx%dx%d", (int)cpu->sockets.value, (int)cpu->cores.value,
                 (int)cpu->threads.value);
        assert_string_equal(text, topology);
        assert_str(made->template.spec.domain.memory->guest, memory);
        done(&m);
}

/* fields are those of the causes, separated by spaces. */
static inline void refuses_status(const char *members, const char *template, const char *objects,
                                  const char *status, int code, const char *reason, const char *message,
                                  const char *fields) {
        struct made m;
        char text[2048] = "";
        const struct mv_made *made = make_status(&m, members, template, objects, status);
        assert_non_null(made->refused);
        assert_str(made->refused->message, message);
        assert_int_equal(made->refused->code, code);
        assert_string_equal(made->refused->reason, reason);
        for (size_t i = 0; i < made->refused->n_causes; i++) {
                size_t at = strlen(text);
                snprintf(text + at, sizeof text - at, "%s%.*s", i ? " " : "",
                         MV_STR_ARG(made->refused->causes[i].field));
        }
        assert_string_equal(text, fields);
        assert_true(strlen(mv_refused_title(made->refused)) > 0 && strlen(mv_refused_fix(made->refused)) > 0);
        done(&m);
}

static inline void refuses(const char *members, const char *template, const char *objects, int code,
                           const char *reason, const char *message, const char *fields) {
        refuses_status(members, template, objects, "", code, reason, message, fields);
}
