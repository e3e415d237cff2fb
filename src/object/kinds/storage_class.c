/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A class of storage: who makes its volumes, and when.
 */

static const struct field topology_selector_requirement_fields[] = {
	ROW(STRING, "key", 1, "Label of nodes.", .flags = FIELD_REQUIRED),
	ROW(STRING, "values", 2, "Its values, of which one must match.", .shape = FIELD_LIST,
	    .flags = FIELD_EXPECTED | FIELD_LIST_ATOMIC),
};

static const struct type type_topology_selector_requirement = {
	.name = "io.k8s.api.core.v1.TopologySelectorLabelRequirement",
	.doc = "A condition on a label of nodes.",
	SCHEMA_TABLE(topology_selector_requirement_fields),
};

static const struct field topology_selector_term_fields[] = {
	ROW(MESSAGE, "matchLabelExpressions", 1, "Conditions, all of which must hold.",
	    .shape = FIELD_LIST, .message = &type_topology_selector_requirement,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_topology_selector_term = {
	.name = "io.k8s.api.core.v1.TopologySelectorTerm",
	.doc = "Conditions on a node.",
	SCHEMA_TABLE(topology_selector_term_fields),
	.atomic = true,
};

static const struct field storage_class_fields[] = {
	KIND_ROWS,
	ROW(STRING, "provisioner", 2, "Who makes its volumes.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "parameters", 3, "Settings for the provisioner.", .shape = FIELD_MAP),
	ROW(STRING, "reclaimPolicy", 4, "What becomes of volumes whose claim goes.",
	    .flags = FIELD_POINTER, .default_json = "\"Delete\"",
	    .one_of = "Delete|Recycle|Retain"),
	ROW(STRING, "mountOptions", 5, "Options of the mounts of its volumes.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "allowVolumeExpansion", 6, "Whether its volumes can grow.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "volumeBindingMode", 7,
	    "Immediate, or WaitForFirstConsumer to wait for the first pod's node.",
	    .flags = FIELD_POINTER, .default_json = "\"Immediate\"",
	    .one_of = "Immediate|WaitForFirstConsumer"),
	ROW(MESSAGE, "allowedTopologies", 8, "Nodes that volumes may be made for.",
	    .shape = FIELD_LIST, .message = &type_topology_selector_term,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_storage_class = {
	.name = "io.k8s.api.storage.v1.StorageClass",
	.doc = "A class of storage.",
	SCHEMA_TABLE(storage_class_fields),
};

static bool is_default(const json_t *class)
{
	static const char *const keys[] = { "storageclass.kubernetes.io/is-default-class",
					    "storageclass.beta.kubernetes.io/is-default-class" };
	const json_t *annotations = json_at(class, "metadata.annotations");

	for (size_t i = 0; i < 2; i++) {
		const char *value = json_string_value(json_object_get(annotations, keys[i]));

		if (value != NULL && strcmp(value, "true") == 0) {
			return true;
		}
	}
	return false;
}

static json_t *cell_marked_name(const json_t *class, int64_t now)
{
	return json_sprintf("%s%s", json_string_at(class, "metadata.name"),
			    is_default(class) ? " (default)" : "");
}

static json_t *cell_provisioner(const json_t *class, int64_t now)
{
	return cell_string_at(class, "provisioner", "");
}

static json_t *cell_policy(const json_t *class, int64_t now)
{
	return cell_string_at(class, "reclaimPolicy", "Delete");
}

static json_t *cell_binding(const json_t *class, int64_t now)
{
	return cell_string_at(class, "volumeBindingMode", "<unset>");
}

static json_t *cell_expansion(const json_t *class, int64_t now)
{
	return json_boolean(json_bool_at(class, "allowVolumeExpansion", false));
}

static const struct column class_columns[] = {
	{ .name = "Name",
	  .type = "string",
	  .format = "name",
	  .cell = cell_marked_name,
	  .doc = "Name of the class." },
	COLUMN("Provisioner", "string", cell_provisioner, "Who makes its volumes."),
	COLUMN("ReclaimPolicy", "string", cell_policy, "What becomes of volumes."),
	COLUMN("VolumeBindingMode", "string", cell_binding, "When volumes are bound."),
	COLUMN("AllowVolumeExpansion", "boolean", cell_expansion, "Whether volumes can grow."),
	COLUMN_AGE,
};

static void class_check_update(const json_t *class, const json_t *old, struct field_errors *errors)
{
	static const char *const fixed[] = { "parameters", "provisioner", "reclaimPolicy",
					     "volumeBindingMode" };

	for (size_t i = 0; i < 4; i++) {
		if (!rule_is_same(json_object_get(class, fixed[i]),
				  json_object_get(old, fixed[i]))) {
			field_errors_add(errors, FIELD_ERROR_FORBIDDEN, fixed[i], NULL,
					 "updates to this field are forbidden.");
		}
	}
}

const struct kind kind_storage_class = {
	.group = "storage.k8s.io",
	.version = "v1",
	.kind = "StorageClass",
	.plural = "storageclasses",
	.singular = "storageclass",
	.short_names = "sc",
	.type = &type_storage_class,
	.flags = KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(class_columns),
	.check_update = class_check_update,
};
