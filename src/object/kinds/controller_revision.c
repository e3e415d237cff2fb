/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <ctype.h>
#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A controller revision: a template as it was, so that a rollout can be undone.
 */

static const struct field controller_revision_fields[] = {
	KIND_ROWS,
	ROW(RAW, "data", 2, "The template; cannot change."),
	ROW(INT64, "revision", 3, "Place in the history, counting up.", .flags = FIELD_EXPECTED,
	    .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_controller_revision = {
	.name = "io.k8s.api.apps.v1.ControllerRevision",
	.doc = "A template as it was, kept so that it can be restored.",
	SCHEMA_TABLE(controller_revision_fields),
};

/* "statefulset.apps/web" */
static json_t *cell_controller(const json_t *revision, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	size_t i;
	json_t *owner;

	json_array_foreach (json_at(revision, "metadata.ownerReferences"), i, owner) {
		if (!json_bool_at(owner, "controller", false)) {
			continue;
		}
		const char *version = json_string_at(owner, "apiVersion");
		const char *slash = strchr(version, '/');

		for (const char *c = json_string_at(owner, "kind"); *c != '\0'; c++) {
			buffer_append_char(&text, (char)tolower((unsigned char)*c));
		}
		if (slash != NULL) {
			buffer_append_char(&text, '.');
			buffer_append(&text, version, (size_t)(slash - version));
		}
		buffer_printf(&text, "/%s", json_string_at(owner, "name"));
		break;
	}
	return cell_of(&text, "<none>");
}

static json_t *cell_revision(const json_t *revision, int64_t now)
{
	return cell_int_at(revision, "revision");
}

static const struct column controller_revision_columns[] = {
	COLUMN_NAME,
	COLUMN("Controller", "string", cell_controller, "Whose history this belongs to."),
	COLUMN("Revision", "string", cell_revision, "Place in the history, counting up."),
	COLUMN_AGE,
};

static void controller_revision_check(const json_t *revision, struct field_errors *errors)
{
	if (json_object_get(revision, "data") == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "data", NULL, "data is mandatory");
	}
}

static void controller_revision_check_update(const json_t *revision, const json_t *old,
					     struct field_errors *errors)
{
	const json_t *data = json_object_get(revision, "data");

	if (!rule_is_same(data, json_object_get(old, "data"))) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "data", data, "field is immutable");
	}
}

const struct kind kind_controller_revision = {
	.group = "apps",
	.version = "v1",
	.kind = "ControllerRevision",
	.plural = "controllerrevisions",
	.singular = "controllerrevision",
	.type = &type_controller_revision,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(controller_revision_columns),
	.check = controller_revision_check,
	.check_update = controller_revision_check_update,
};
