/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * References to other objects.
 */

static const struct field object_reference_fields[] = {
	ROW(STRING, "kind", 1, "Kind of the object."),
	ROW(STRING, "namespace", 2, "Namespace of the object."),
	ROW(STRING, "name", 3, "Name of the object."),
	ROW(STRING, "uid", 4, "UID of the object."),
	ROW(STRING, "apiVersion", 5, "Group and version of the object."),
	ROW(STRING, "resourceVersion", 6, "Revision of the object that is meant."),
	ROW(STRING, "fieldPath", 7, "Part of the object, as in spec.containers{web}."),
};

const struct type type_object_reference = {
	.name = "io.k8s.api.core.v1.ObjectReference",
	.doc = "A pointer to some object, or to a part of it.",
	SCHEMA_TABLE(object_reference_fields),
	.atomic = true,
};

static const struct field local_object_reference_fields[] = {
	ROW(STRING, "name", 1, "Name of the object."),
};

const struct type type_local_object_reference = {
	.name = "io.k8s.api.core.v1.LocalObjectReference",
	.doc = "The name of an object in the same namespace.",
	SCHEMA_TABLE(local_object_reference_fields),
	.atomic = true,
};

static const struct field typed_local_object_reference_fields[] = {
	ROW(STRING, "apiGroup", 1, "Group of the object's kind; empty for the core group.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "kind", 2, "Kind of the object.", .flags = FIELD_REQUIRED),
	ROW(STRING, "name", 3, "Name of the object.", .flags = FIELD_REQUIRED),
};

const struct type type_typed_local_object_reference = {
	.name = "io.k8s.api.core.v1.TypedLocalObjectReference",
	.doc = "An object of any kind in the same namespace.",
	SCHEMA_TABLE(typed_local_object_reference_fields),
	.atomic = true,
};

static const struct field typed_object_reference_fields[] = {
	ROW(STRING, "apiGroup", 1, "Group of the object's kind; empty for the core group.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "kind", 2, "Kind of the object.", .flags = FIELD_REQUIRED),
	ROW(STRING, "name", 3, "Name of the object.", .flags = FIELD_REQUIRED),
	ROW(STRING, "namespace", 4, "Namespace of the object; the referrer's own when empty.",
	    .flags = FIELD_POINTER),
};

const struct type type_typed_object_reference = {
	.name = "io.k8s.api.core.v1.TypedObjectReference",
	.doc = "An object of any kind in any namespace.",
	SCHEMA_TABLE(typed_object_reference_fields),
};
