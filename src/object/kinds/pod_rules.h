/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What holds for pods beyond their rows: defaults of whole pods, rules across fields, updates. */

#include <jansson.h>

#include "object/field_errors.h"

void pod_complete(json_t *pod);
void pod_create(json_t *pod);
void pod_update(json_t *pod, const json_t *old);
void pod_check(const json_t *pod, struct field_errors *errors);
void pod_check_update(const json_t *pod, const json_t *old, struct field_errors *errors);

/*
 * The rules of a pod's spec for a template (a PodTemplateSpec, or NULL). Each of `claims` (volume
 * claim templates of a stateful set, or NULL) gives a volume of its name. `path` is the spec's
 * place.
 */
void pod_check_template(const json_t *template, const json_t *claims, const char *path,
			struct field_errors *errors);
