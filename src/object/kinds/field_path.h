/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fields of a pod that containers may see, as variables or as files (the downward API). */

#include <jansson.h>

#include "object/field_errors.h"

#define FIELD_PATHS_OF_VARIABLES                                                                   \
	"metadata.name|metadata.namespace|metadata.uid|spec.nodeName|spec.serviceAccountName|"     \
	"status.hostIP|status.hostIPs|status.podIP|status.podIPs"
#define FIELD_PATHS_OF_FILES                                                                       \
	"metadata.annotations|metadata.labels|metadata.name|metadata.namespace|metadata.uid"

/*
 * Checks an ObjectFieldSelector (or NULL) at `path`: its fieldPath is one of `allowed`, or one
 * label or annotation, as in metadata.labels['app'].
 */
void field_path_check(const json_t *selector, const char *allowed, const char *path,
		      struct field_errors *errors);
