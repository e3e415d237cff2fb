/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A namespace: a room for names. It ends in two steps: marked Terminating, it waits for its
 * finalizers; one of them, "kubernetes", is given to every namespace so that its objects go before
 * it does.
 */

static const struct field namespace_spec_fields[] = {
	ROW(STRING, "finalizers", 1, "Who still has to tidy up before a deleted namespace may go.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_namespace_spec = {
	.name = "io.k8s.api.core.v1.NamespaceSpec",
	.doc = "What holds for a namespace.",
	SCHEMA_TABLE(namespace_spec_fields),
};

static const struct field namespace_condition_fields[] = {
	ROW(STRING, "type", 1, "Aspect that this is about.", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastTransitionTime", 4, "When the status last changed."),
	ROW(STRING, "reason", 5, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 6, "Why it last changed, in a sentence for people."),
};

static const struct type type_namespace_condition = {
	.name = "io.k8s.api.core.v1.NamespaceCondition",
	.doc = "One aspect of a namespace's state.",
	SCHEMA_TABLE(namespace_condition_fields),
};

static const struct field namespace_status_fields[] = {
	ROW(STRING, "phase", 1, "Active, or Terminating.", .default_json = "\"Active\""),
	ROW(MESSAGE, "conditions", 2, "What keeps a deleted namespace from going.",
	    .shape = FIELD_LIST, .message = &type_namespace_condition,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "type", .list_keys = "type"),
};

static const struct type type_namespace_status = {
	.name = "io.k8s.api.core.v1.NamespaceStatus",
	.doc = "Whether a namespace lives.",
	SCHEMA_TABLE(namespace_status_fields),
};

/* Every namespace carries its name as a label, so that selectors can name it. */
static void namespace_complete(json_t *space)
{
	const char *name = json_string_at(space, "metadata.name");

	if (name[0] == '\0') {
		return;
	}
	if (!json_is_object(json_at(space, "metadata.labels"))) {
		json_put(space, "metadata.labels", json_object());
	}
	json_object_set_new(json_at(space, "metadata.labels"), "kubernetes.io/metadata.name",
			    json_string(name));
}

static const struct field namespace_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What holds for it.", .message = &type_namespace_spec),
	ROW(MESSAGE, "status", 3, "Whether it lives.", .message = &type_namespace_status,
	    .default_json = "{\"phase\":\"Active\"}"),
};

static const struct type type_namespace = {
	.name = "io.k8s.api.core.v1.Namespace",
	.doc = "A room for the names of objects.",
	SCHEMA_TABLE(namespace_fields),
	.complete = namespace_complete,
};

static json_t *cell_status(const json_t *space, int64_t now)
{
	return cell_string_at(space, "status.phase", "");
}

static const struct column namespace_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "string", cell_status, "Active, or Terminating."),
	COLUMN_AGE,
};

static const struct selectable namespace_selectables[] = {
	{ .name = "status.phase" },
};

static bool has_finalizer(const json_t *finalizers, const char *wanted)
{
	size_t i;
	json_t *finalizer;

	json_array_foreach (finalizers, i, finalizer) {
		const char *name = json_string_value(finalizer);

		if (name != NULL && strcmp(name, wanted) == 0) {
			return true;
		}
	}
	return false;
}

static void namespace_create(json_t *space)
{
	json_t *finalizers = json_at(space, "spec.finalizers");

	json_put(space, "status", json_pack("{s:s}", "phase", "Active"));
	if (has_finalizer(finalizers, "kubernetes")) {
		return;
	}
	if (!json_is_array(finalizers)) {
		finalizers = json_array();
		json_put(space, "spec.finalizers", finalizers);
	}
	json_array_append_new(finalizers, json_string("kubernetes"));
}

/* Only the finalize subresource takes finalizers away, so that nobody skips the tidying up. */
static void namespace_update(json_t *space, const json_t *old)
{
	const json_t *finalizers = json_at(old, "spec.finalizers");

	if (finalizers != NULL) {
		json_put(space, "spec.finalizers", json_deep_copy(finalizers));
	} else {
		json_remove(space, "spec.finalizers");
	}
}

const struct kind kind_namespace = {
	.group = "",
	.version = "v1",
	.kind = "Namespace",
	.plural = "namespaces",
	.singular = "namespace",
	.short_names = "ns",
	.type = &type_namespace,
	.flags = KIND_STATUS | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_LABEL,
	KIND_COLUMNS(namespace_columns),
	KIND_SELECTABLES(namespace_selectables),
	.create = namespace_create,
	.update = namespace_update,
};
