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
	ROW(STRING, "apiVersion", 5, "Group and version of the owner.", .flags = FIELD_EXPECTED),
	ROW(STRING, "kind", 1, "Kind of the owner.", .flags = FIELD_EXPECTED),
	ROW(STRING, "name", 3, "Name of the owner, in the same namespace or without any.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "uid", 4,
	    "UID of the owner; a later object of the same name does not own this one.",
	    .flags = FIELD_EXPECTED),
	ROW(BOOL, "controller", 6, "Whether this owner manages the object; at most one does.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "blockOwnerDeletion", 7,
	    "Whether a foreground deletion of the owner waits until this object is gone.",
	    .flags = FIELD_POINTER),
};

static const struct type type_owner_reference = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference",
	.doc = "An object that owns this one: when the last owner is gone, so is what it owned.",
	SCHEMA_TABLE(owner_reference_fields),
	.atomic = true,
};

static const struct field managed_fields_entry_fields[] = {
	ROW(STRING, "manager", 1, "Name of the writer."),
	ROW(STRING, "operation", 2, "Whether the fields were applied or updated."),
	ROW(STRING, "apiVersion", 3, "Version of the kind that the field paths are written in."),
	ROW(TIME, "time", 4, "When the entry was made, or its set of fields last changed.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "fieldsType", 6, "Format of the fields; only FieldsV1 exists."),
	ROW(RAW, "fieldsV1", 7, "The set of fields, as a tree of their names."),
	ROW(STRING, "subresource", 8, "Subresource through which the writer wrote, if any."),
};

static const struct type type_managed_fields_entry = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry",
	.doc = "Which fields one writer set, so that server-side apply can find conflicts.",
	SCHEMA_TABLE(managed_fields_entry_fields),
};

static const struct field object_meta_fields[] = {
	ROW(STRING, "name", 1,
	    "Name of the object, unique among its kind in the namespace; never changes."),
	ROW(STRING, "generateName", 2,
	    "Prefix for a name that the server makes when none is given."),
	ROW(STRING, "namespace", 3,
	    "Namespace the object lives in; empty for kinds without namespaces."),
	ROW(STRING, "selfLink", 4, "No longer filled in."),
	ROW(STRING, "uid", 5, "Identity of this object in time and space, given by the server."),
	ROW(STRING, "resourceVersion", 6,
	    "Revision of the last change; send it back to change only what you have seen."),
	ROW(INT64, "generation", 7,
	    "Counts changes of what is wanted (the spec); controllers report what they have seen."),
	ROW(TIME, "creationTimestamp", 8, "When the server created the object."),
	ROW(TIME, "deletionTimestamp", 9,
	    "When the object will be gone; set by the server once deletion is asked for.",
	    .flags = FIELD_POINTER),
	ROW(INT64, "deletionGracePeriodSeconds", 10,
	    "Seconds the object gets to end, counted from the deletion request.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "labels", 11, "Short attributes to select objects by.", .shape = FIELD_MAP),
	ROW(STRING, "annotations", 12, "Notes of tools and people; nothing selects by them.",
	    .shape = FIELD_MAP),
	ROW(MESSAGE, "ownerReferences", 13, "Objects this one belongs to.", .shape = FIELD_LIST,
	    .message = &type_owner_reference, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "uid", .list_keys = "uid"),
	ROW(STRING, "finalizers", 14, "Who still has to tidy up before a deleted object may go.",
	    .shape = FIELD_LIST, .flags = FIELD_PATCH_MERGE | FIELD_LIST_SET),
	ROW(MESSAGE, "managedFields", 17, "Which writer set which fields; kept by the server.",
	    .shape = FIELD_LIST, .message = &type_managed_fields_entry, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_object_meta = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
	.doc = "What every stored object has: names, versions, labels, owners.",
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
	ROW(STRING, "key", 1, "Label that the condition is about.", .flags = FIELD_EXPECTED,
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "operator", 2, "In, NotIn, Exists or DoesNotExist.", .flags = FIELD_EXPECTED),
	ROW(STRING, "values", 3, "Values to compare with; none for Exists and DoesNotExist.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_label_selector_requirement = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
	.doc = "One condition on a label.",
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
	ROW(STRING, "matchLabels", 1, "Labels and the values they must have.", .shape = FIELD_MAP),
	ROW(MESSAGE, "matchExpressions", 2, "Further conditions on labels.", .shape = FIELD_LIST,
	    .message = &type_label_selector_requirement, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_label_selector = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
	.doc = "Conditions on labels, all of which must hold; empty selects everything.",
	SCHEMA_TABLE(label_selector_fields),
	.check = label_selector_check,
	.atomic = true,
};

static const struct field condition_fields[] = {
	ROW(STRING, "type", 1, "Aspect that this is about.", .flags = FIELD_REQUIRED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_REQUIRED, .one_of = "False|True|Unknown"),
	ROW(INT64, "observedGeneration", 3, "Generation of the object that the observer had seen."),
	ROW(TIME, "lastTransitionTime", 4, "When the status last changed.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "reason", 5, "Why it last changed, in one word for programs.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "message", 6, "Why it last changed, in a sentence for people.",
	    .flags = FIELD_EXPECTED),
};

const struct type type_condition = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.Condition",
	.doc = "One aspect of an object's state, as somebody observed it.",
	SCHEMA_TABLE(condition_fields),
};
