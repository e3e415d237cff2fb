/* SPDX-License-Identifier: Apache-2.0 */
#include "object/meta.h"

#include "object/field_errors.h"
#include "object/kinds/types.h"
#include "json/json.h"

static const struct field list_meta_fields[] = {
	ROW(STRING, "selfLink", 1, "No longer filled in."),
	ROW(STRING, "resourceVersion", 2, "Revision of the store at which this list was true."),
	ROW(STRING, "continue", 3, "Token with which a client asks for the rest of the list."),
	ROW(INT64, "remainingItemCount", 4, "How many items are left after this part.",
	    .flags = FIELD_POINTER),
};

const struct type type_list_meta = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta",
	.doc = "What is known of a list as a whole.",
	SCHEMA_TABLE(list_meta_fields),
};

static const struct field preconditions_fields[] = {
	ROW(STRING, "uid", 1, "Delete only the object with this UID.", .flags = FIELD_POINTER),
	ROW(STRING, "resourceVersion", 2, "Delete only the object at this revision.",
	    .flags = FIELD_POINTER),
};

static const struct type type_preconditions = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions",
	.doc = "What must hold for an object to be deleted.",
	SCHEMA_TABLE(preconditions_fields),
};

static const struct field delete_options_fields[] = {
	ROW(STRING, "apiVersion", 0, "Group and version of this message."),
	ROW(STRING, "kind", 0, "\"DeleteOptions\"."),
	ROW(INT64, "gracePeriodSeconds", 1, "Seconds the object gets to end; 0 is at once.",
	    .flags = FIELD_POINTER, .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "preconditions", 2, "What must hold for the deletion to happen.",
	    .message = &type_preconditions, .flags = FIELD_POINTER),
	ROW(BOOL, "orphanDependents", 3, "Deprecated: use propagationPolicy.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "propagationPolicy", 4, "What happens to the objects that this one owns.",
	    .flags = FIELD_POINTER, .one_of = "Foreground|Background|Orphan"),
	ROW(STRING, "dryRun", 5, "\"All\": go through every step but the last.",
	    .shape = FIELD_LIST, .one_of = "All", .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "ignoreStoreReadErrorWithClusterBreakingPotential", 6,
	    "Delete even what cannot be read; without meaning here.", .flags = FIELD_POINTER),
};

static void check_delete_options(const json_t *options, const char *path,
				 struct field_errors *errors)
{
	const json_t *policy = json_object_get(options, "propagationPolicy");

	if (policy != NULL && json_object_get(options, "orphanDependents") != NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "propagationPolicy", policy,
				 "orphanDependents and deletionPropagation cannot be both set");
	}
}

const struct type type_delete_options = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
	.doc = "How an object is deleted.",
	SCHEMA_TABLE(delete_options_fields),
	.check = check_delete_options,
};

static const struct field status_cause_fields[] = {
	ROW(STRING, "reason", 1, "Machine-readable cause."),
	ROW(STRING, "message", 2, "The cause in words."),
	ROW(STRING, "field", 3, "Path of the field that caused it."),
};

static const struct type type_status_cause = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause",
	.doc = "One of several reasons why a request failed.",
	SCHEMA_TABLE(status_cause_fields),
};

static const struct field status_details_fields[] = {
	ROW(STRING, "name", 1, "Name of the object that the status is about."),
	ROW(STRING, "group", 2, "Group of that object."),
	ROW(STRING, "kind", 3, "Kind or resource of that object."),
	ROW(MESSAGE, "causes", 4, "All that was wrong.", .message = &type_status_cause,
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(INT32, "retryAfterSeconds", 5, "When to try again."),
	ROW(STRING, "uid", 6, "UID of that object."),
};

static const struct type type_status_details = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails",
	.doc = "What a status is about, and why.",
	SCHEMA_TABLE(status_details_fields),
};

static const struct field status_fields[] = {
	ROW(STRING, "apiVersion", 0, "Group and version of this message."),
	ROW(STRING, "kind", 0, "\"Status\"."),
	ROW(MESSAGE, "metadata", 1, "Without content.", .message = &type_list_meta),
	ROW(STRING, "status", 2, "\"Success\" or \"Failure\"."),
	ROW(STRING, "message", 3, "What happened, in words."),
	ROW(STRING, "reason", 4, "What happened, in one word that programs test for."),
	ROW(MESSAGE, "details", 5, "What it is about.", .message = &type_status_details,
	    .flags = FIELD_POINTER),
	ROW(INT32, "code", 6, "HTTP status."),
};

const struct type type_status = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.Status",
	.doc = "The answer to a request that does not return an object.",
	SCHEMA_TABLE(status_fields),
};

static const struct field partial_object_metadata_fields[] = {
	KIND_ROWS,
};

const struct type type_partial_object_metadata = {
	.name = "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata",
	.doc = "An object of any kind, without all but its metadata.",
	SCHEMA_TABLE(partial_object_metadata_fields),
};
