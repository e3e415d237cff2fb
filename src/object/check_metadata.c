/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/mem.h"
#include "object/field_errors.h"
#include "object/field_intern.h"
#include "object/formats.h"
#include "json/json.h"

/*
 * The rules of an object's own metadata, the same for every kind but for the format of its name:
 * names, labels, annotations, owners, finalizers, and what may not change. managedFields belong to
 * whoever writes them and are not looked at.
 */

#define ORPHAN "orphan"
#define FOREGROUND "foregroundDeletion"

/* A name becomes a segment of a URL's path, whatever else its kind asks of it. */
static void check_path_segment(const json_t *name, const char *path, struct field_errors *errors)
{
	const char *text = json_string_value(name);

	if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		_cleanup_free_ char *detail = mem_printf("may not be '%s'", text);

		field_errors_add(errors, FIELD_ERROR_INVALID, path, name, detail);
		return;
	}
	if (strchr(text, '/') != NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, name, "may not contain '/'");
	}
	if (strchr(text, '%') != NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, name, "may not contain '%'");
	}
}

/* A prefix may end in the dash that what is generated continues. */
static void check_generate_name(const struct kind *kind, const json_t *prefix,
				struct field_errors *errors)
{
	_cleanup_problems_ struct format_problems problems = { .n = 0 };
	_cleanup_free_ char *text = mem_strdup(json_string_value(prefix));
	size_t n = json_string_length(prefix);

	if (n > 1 && text[n - 1] == '-') {
		text[n - 1] = 'a';
	}
	format_check_text(kind->name_format, text, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "metadata.generateName", prefix,
				 problems.items[i]);
	}
}

static void check_names(const struct kind *kind, const json_t *metadata,
			struct field_errors *errors)
{
	const json_t *prefix = json_object_get(metadata, "generateName");
	const json_t *name = json_object_get(metadata, "name");
	const json_t *space = json_object_get(metadata, "namespace");

	if (json_string_length(prefix) > 0) {
		check_generate_name(kind, prefix, errors);
	}
	if (json_string_length(name) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "metadata.name", NULL,
				 "name or generateName is required");
	} else if (kind->name_format == FORMAT_NONE) {
		check_path_segment(name, "metadata.name", errors);
	} else {
		format_check(kind->name_format, name, "metadata.name", errors);
	}
	if ((kind->flags & KIND_NAMESPACED) == 0) {
		if (json_string_length(space) > 0) {
			field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "metadata.namespace", NULL,
					 "not allowed on this type");
		}
	} else if (json_string_length(space) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "metadata.namespace", NULL, "");
	} else {
		format_check(FORMAT_DNS_LABEL, space, "metadata.namespace", errors);
	}
}

static void check_owner(const json_t *owner, size_t index, struct field_errors *errors)
{
	static const char *const required[] = { "apiVersion", "kind", "name", "uid" };
	const char *api_version = json_string_at(owner, "apiVersion");
	const char *slash = strchr(api_version, '/');

	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		if (json_string_at(owner, required[i])[0] == '\0') {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "must not be empty",
					  "metadata.ownerReferences[%zu].%s", index, required[i]);
		}
	}
	if (slash != NULL && (slash[1] == '\0' || strchr(slash + 1, '/') != NULL)) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, json_object_get(owner, "apiVersion"),
				  "must be <group>/<version> or <version>",
				  "metadata.ownerReferences[%zu].apiVersion", index);
	}
	if (strcmp(api_version, "v1") == 0 && strcmp(json_string_at(owner, "kind"), "Event") == 0) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, owner,
				  "/v1, Kind=Event is disallowed from being an owner",
				  "metadata.ownerReferences[%zu]", index);
	}
}

static void check_owners(const json_t *owners, struct field_errors *errors)
{
	const json_t *controller = NULL;
	const json_t *owner;
	size_t index;

	json_array_foreach (owners, index, owner) {
		check_owner(owner, index, errors);
		if (!json_bool_at(owner, "controller", false)) {
			continue;
		}
		if (controller != NULL) {
			_cleanup_free_ char *detail = mem_printf(
				"Only one reference can have Controller set to true. Found "
				"\"true\" in references for %s/%s and %s/%s",
				json_string_at(controller, "kind"),
				json_string_at(controller, "name"), json_string_at(owner, "kind"),
				json_string_at(owner, "name"));

			field_errors_add(errors, FIELD_ERROR_INVALID, "metadata.ownerReferences",
					 owners, detail);
		} else {
			controller = owner;
		}
	}
}

static bool has_text(const json_t *list, const char *text)
{
	const json_t *value;
	size_t index;

	json_array_foreach (list, index, value) {
		if (strcmp(json_string_value(value), text) == 0) {
			return true;
		}
	}
	return false;
}

static void check_finalizers(const json_t *finalizers, struct field_errors *errors)
{
	const json_t *value;
	size_t index;

	json_array_foreach (finalizers, index, value) {
		format_check(FORMAT_QUALIFIED_NAME, value, "metadata.finalizers", errors);
	}
	if (has_text(finalizers, ORPHAN) && has_text(finalizers, FOREGROUND)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "metadata.finalizers", finalizers,
				 "finalizer " ORPHAN " and " FOREGROUND " cannot be both set");
	}
}

/* What is being deleted may only lose finalizers. */
static void check_no_new_finalizers(const json_t *finalizers, const json_t *old,
				    struct field_errors *errors)
{
	_cleanup_buffer_ struct buffer detail = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const char *separator = "";
	const json_t *value;
	size_t index;

	buffer_append_text(&detail, "no new finalizers can be added if the object is being "
				    "deleted, found new finalizers []string{");
	json_array_foreach (finalizers, index, value) {
		if (!has_text(old, json_string_value(value))) {
			buffer_printf(&detail, "%s\"%s\"", separator, json_string_value(value));
			separator = ", ";
		}
	}
	buffer_append_char(&detail, '}');
	if (separator[0] != '\0') {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "metadata.finalizers", NULL,
				 buffer_text(&detail));
	}
}

static void check_generation(const json_t *metadata, const json_t *old, struct field_errors *errors)
{
	const json_t *generation = json_object_get(metadata, "generation");

	if (json_integer_value(generation) < 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "metadata.generation", generation,
				 "must be greater than or equal to 0");
	}
	if (old != NULL && json_integer_value(generation) < json_int_at(old, "generation", 0)) {
		_cleanup_json_ json_t *value = json_integer(json_integer_value(generation));

		field_errors_add(errors, FIELD_ERROR_INVALID, "metadata.generation", value,
				 "must not be decremented");
	}
}

static void check_unchanged(const json_t *metadata, const json_t *old, struct field_errors *errors)
{
	static const char *const constant[] = {
		"name",
		"namespace",
		"uid",
		"creationTimestamp",
		"deletionTimestamp",
		"deletionGracePeriodSeconds",
	};

	for (size_t i = 0; i < ARRAY_SIZE(constant); i++) {
		const json_t *value = json_object_get(metadata, constant[i]);
		const json_t *old_value = json_object_get(old, constant[i]);

		if (value != old_value &&
		    (value == NULL || old_value == NULL || json_equal(value, old_value) != 1)) {
			field_errors_addf(errors, FIELD_ERROR_INVALID, value, "field is immutable",
					  "metadata.%s", constant[i]);
		}
	}
	if (json_object_get(old, "deletionTimestamp") != NULL) {
		check_no_new_finalizers(json_object_get(metadata, "finalizers"),
					json_object_get(old, "finalizers"), errors);
	}
}

void check_metadata(const struct kind *kind, const json_t *metadata, const json_t *old_metadata,
		    struct field_errors *errors)
{
	check_names(kind, metadata, errors);
	check_generation(metadata, old_metadata, errors);
	format_check_labels(json_object_get(metadata, "labels"), "metadata.labels", errors);
	format_check_annotations(json_object_get(metadata, "annotations"), "metadata.annotations",
				 errors);
	check_owners(json_object_get(metadata, "ownerReferences"), errors);
	check_finalizers(json_object_get(metadata, "finalizers"), errors);
	if (old_metadata != NULL) {
		check_unchanged(metadata, old_metadata, errors);
	}
}
