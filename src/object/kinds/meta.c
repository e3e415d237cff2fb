/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/formats.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Messages of apimachinery that many kinds carry: metadata, selectors, conditions.
 */

static const struct field owner_reference_fields[] = {
	ROW(STRING, "apiVersion", 5, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "kind", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "name", 3, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "uid", 4, "", .flags = FIELD_EXPECTED),
	ROW(BOOL, "controller", 6, "", .flags = FIELD_POINTER),
	ROW(BOOL, "blockOwnerDeletion", 7, "", .flags = FIELD_POINTER),
};

static const struct type type_owner_reference = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
	.doc = "",
	SCHEMA_TABLE(owner_reference_fields),
	.atomic = true,
};

static const struct field managed_fields_entry_fields[] = {
	ROW(STRING, "manager", 1, ""),     ROW(STRING, "operation", 2, ""),
	ROW(STRING, "apiVersion", 3, ""),  ROW(TIME, "time", 4, "", .flags = FIELD_POINTER),
	ROW(STRING, "fieldsType", 6, ""),  ROW(RAW, "fieldsV1", 7, ""),
	ROW(STRING, "subresource", 8, ""),
};

static const struct type type_managed_fields_entry = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
	.doc = "",
	SCHEMA_TABLE(managed_fields_entry_fields),
};

static const struct field object_meta_fields[] = {
	ROW(STRING, "name", 1, ""),
	ROW(STRING, "generateName", 2, ""),
	ROW(STRING, "namespace", 3, ""),
	ROW(STRING, "selfLink", 4, ""),
	ROW(STRING, "uid", 5, ""),
	ROW(STRING, "resourceVersion", 6, ""),
	ROW(INT64, "generation", 7, ""),
	ROW(TIME, "creationTimestamp", 8, ""),
	ROW(TIME, "deletionTimestamp", 9, "", .flags = FIELD_POINTER),
	ROW(INT64, "deletionGracePeriodSeconds", 10, "", .flags = FIELD_POINTER),
	ROW(STRING, "labels", 11, "", .shape = FIELD_MAP),
	ROW(STRING, "annotations", 12, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "ownerReferences", 13, "", .shape = FIELD_LIST,
	    .message = &type_owner_reference, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "uid", .list_keys = "uid"),
	ROW(STRING, "finalizers", 14, "", .shape = FIELD_LIST,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_SET),
	ROW(MESSAGE, "managedFields", 17, "", .shape = FIELD_LIST,
	    .message = &type_managed_fields_entry, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_object_meta = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
	.doc = "",
	SCHEMA_TABLE(object_meta_fields),
};

static void label_selector_requirement_check(const json_t *requirement, const char *path,
					     struct field_errors *errors)
{
	const json_t *operator= json_object_get(requirement, "operator");
	const char *text = json_string_at(requirement, "operator");
	size_t n = json_array_size(json_object_get(requirement, "values"));

	if (strcmp(text, "In") == 0 || strcmp(text, "NotIn") == 0) {
		if (n == 0) {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL,
					  "must be specified when `operator` is 'In' or 'NotIn'",
					  "%s.values", path);
		}
	} else if (strcmp(text, "Exists") == 0 || strcmp(text, "DoesNotExist") == 0) {
		if (n > 0) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "may not be specified when `operator` is 'Exists' or "
					  "'DoesNotExist'",
					  "%s.values", path);
		}
	} else {
		field_errors_addf(errors, FIELD_ERROR_INVALID, operator,
				  "not a valid selector operator", "%s.operator", path);
	}
}

static const struct field label_selector_requirement_fields[] = {
	ROW(STRING, "key", 1, "", .flags = FIELD_EXPECTED, .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "operator", 2, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "values", 3, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_label_selector_requirement = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
	.doc = "",
	SCHEMA_TABLE(label_selector_requirement_fields),
	.check = label_selector_requirement_check,
};

static void label_selector_check(const json_t *selector, const char *path,
				 struct field_errors *errors)
{
	_cleanup_free_ char *place = mem_printf("%s.matchLabels", path);
	const json_t *labels = json_object_get(selector, "matchLabels");

	if (labels != NULL) {
		format_check_labels(labels, place, errors);
	}
}

static const struct field label_selector_fields[] = {
	ROW(STRING, "matchLabels", 1, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "matchExpressions", 2, "", .shape = FIELD_LIST,
	    .message = &type_label_selector_requirement, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_label_selector = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
	.doc = "",
	SCHEMA_TABLE(label_selector_fields),
	.check = label_selector_check,
	.atomic = true,
};

static const struct field condition_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "status", 2, "", .flags = FIELD_REQUIRED, .one_of = "False|True|Unknown"),
	ROW(INT64, "observedGeneration", 3, ""),
	ROW(TIME, "lastTransitionTime", 4, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "reason", 5, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "message", 6, "", .flags = FIELD_EXPECTED),
};

const struct type type_condition = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.Condition",
	.doc = "",
	SCHEMA_TABLE(condition_fields),
};
