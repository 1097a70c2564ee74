/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"

#include <stdio.h>

/* Print the JSON text in json as one YAML document. The buffer is given the padding that the scanner needs. */
int mv_yaml_print(FILE *stream, struct mv_buf *json, struct mv_err *err);
