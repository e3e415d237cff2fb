/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/field_path.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

/*
 * There are two ways of being wrong, as in Kubernetes: a path that no version knows, and one that
 * is known but not for this use.
 */

#define KNOWN                                                                                      \
	FIELD_PATHS_OF_VARIABLES "|" FIELD_PATHS_OF_FILES                                          \
				 "|spec.restartPolicy|spec.schedulerName|status.phase"

static bool is_listed(struct str path, const char *list)
{
	struct str rest = str_from(list);

	while (rest.p != NULL) {
		if (str_eq(str_cut(&rest, '|'), path)) {
			return true;
		}
	}
	return false;
}

/* metadata.labels['KEY'] with a KEY */
static bool is_subscript(struct str path)
{
	static const char *const maps[] = { "metadata.labels['", "metadata.annotations['" };

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		struct str prefix = str_from(maps[i]);

		if (str_starts(path, prefix) && str_ends(path, STR("']")) &&
		    path.n > prefix.n + 2) {
			return true;
		}
	}
	return false;
}

void field_path_check(const json_t *selector, const char *allowed, const char *path,
		      struct field_errors *errors)
{
	const json_t *value = json_object_get(selector, "fieldPath");
	struct str text = str_from(json_string_at(selector, "fieldPath"));

	if (text.n == 0 || is_listed(text, allowed) || is_subscript(text)) {
		return; /* an empty one is required: its row says so */
	}
	if (is_listed(text, KNOWN)) {
		field_errors_addf(errors, FIELD_ERROR_NOT_SUPPORTED, value, allowed, "%s.fieldPath",
				  path);
		return;
	}
	_cleanup_free_ char *detail =
		mem_printf("error converting fieldPath: field label not supported: %.*s",
			   STR_ARG(text));

	field_errors_addf(errors, FIELD_ERROR_INVALID, value, detail, "%s.fieldPath", path);
}
