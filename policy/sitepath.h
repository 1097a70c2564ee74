/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field that a rule of the configuration's siteRules looks at, as a path: spec.template.spec.volumes[*].name,
 * metadata.labels['example.org/tier'], claim.spec.storageClassName, storageClass.provisioner.
 *
 * What always holds of one that was parsed: it begins with what an object of Kubernetes has, and has from one to
 * MV_SITE_STEPS steps.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/err.h"

#include <stddef.h>

enum { MV_SITE_STEPS = 32 };

/* Where the path begins. */
enum mv_site_root {
        MV_SITE_OBJECT,        /* the object that is judged */
        MV_SITE_CLAIM,         /* each PersistentVolumeClaim that its volumes use */
        MV_SITE_STORAGE_CLASS, /* the StorageClass of each of these */
};

struct mv_site_path {
        enum mv_site_root root;
        struct mv_str *steps; /* a member of an object; one whose p is NULL is every element of a list */
        size_t n;
};

/* Parse text, which the steps point into, as long as the path is used. MV_ESYNTAX with a message that says what is wrong and
 * behind how many bytes of it; MV_ELIMIT; MV_ENOMEM. */
int mv_site_path_parse(struct mv_arena *arena, struct mv_str text, struct mv_site_path *ret,
                       struct mv_err *err);
/* The path is just these members: "metadata.name". */
bool mv_site_path_is(const struct mv_site_path *path, const char *first, const char *second);
