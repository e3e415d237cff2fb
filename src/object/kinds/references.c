/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * References to other objects.
 */

static const struct field object_reference_fields[] = {
	ROW(STRING, "kind", 1, ""),       ROW(STRING, "namespace", 2, ""),
	ROW(STRING, "name", 3, ""),       ROW(STRING, "uid", 4, ""),
	ROW(STRING, "apiVersion", 5, ""), ROW(STRING, "resourceVersion", 6, ""),
	ROW(STRING, "fieldPath", 7, ""),
};

const struct type type_object_reference = {
	.name = "io.k8s.api.core.v1.ObjectReference",
	.doc = "",
	SCHEMA_TABLE(object_reference_fields),
	.atomic = true,
};

static const struct field local_object_reference_fields[] = {
	ROW(STRING, "name", 1, ""),
};

const struct type type_local_object_reference = {
	.name = "io.k8s.api.core.v1.LocalObjectReference",
	.doc = "",
	SCHEMA_TABLE(local_object_reference_fields),
	.atomic = true,
};

static const struct field typed_local_object_reference_fields[] = {
	ROW(STRING, "apiGroup", 1, "", .flags = FIELD_POINTER),
	ROW(STRING, "kind", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "name", 3, "", .flags = FIELD_REQUIRED),
};

const struct type type_typed_local_object_reference = {
	.name = "io.k8s.api.core.v1.TypedLocalObjectReference",
	.doc = "",
	SCHEMA_TABLE(typed_local_object_reference_fields),
	.atomic = true,
};

static const struct field typed_object_reference_fields[] = {
	ROW(STRING, "apiGroup", 1, "", .flags = FIELD_POINTER),
	ROW(STRING, "kind", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "name", 3, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "namespace", 4, "", .flags = FIELD_POINTER),
};

const struct type type_typed_object_reference = {
	.name = "io.k8s.api.core.v1.TypedObjectReference",
	.doc = "",
	SCHEMA_TABLE(typed_object_reference_fields),
};
