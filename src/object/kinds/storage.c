/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/storage.h"

#include <string.h>

#include "base/mem.h"
#include "object/kinds/cells.h"
#include "object/quantity.h"
#include "json/json.h"

static bool has_mode(const json_t *modes, const char *wanted)
{
	const json_t *mode;
	size_t i;

	json_array_foreach (modes, i, mode) {
		if (strcmp(json_string_value(mode), wanted) == 0) {
			return true;
		}
	}
	return false;
}

json_t *storage_modes_cell(const json_t *modes)
{
	static const char *const short_forms[][2] = {
		{ "ReadWriteOnce", "RWO" },
		{ "ReadOnlyMany", "ROX" },
		{ "ReadWriteMany", "RWX" },
		{ "ReadWriteOncePod", "RWOP" },
	};
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(short_forms); i++) {
		if (has_mode(modes, short_forms[i][0])) {
			cell_append_item(&text, short_forms[i][1]);
		}
	}
	return cell_of(&text, "");
}

json_t *storage_phase_cell(const json_t *object, int64_t now)
{
	if (json_at(object, "metadata.deletionTimestamp") != NULL) {
		return json_string("Terminating");
	}
	return cell_string_at(object, "status.phase", "");
}

json_t *storage_attributes_cell(const json_t *object, int64_t now)
{
	return cell_string_at(object, "spec.volumeAttributesClassName", "<unset>");
}

json_t *storage_mode_cell(const json_t *object, int64_t now)
{
	return cell_string_at(object, "spec.volumeMode", "<unset>");
}

void storage_add_finalizer(json_t *object, const char *finalizer)
{
	json_t *finalizers = json_at(object, "metadata.finalizers");

	if (!json_is_array(finalizers)) {
		finalizers = json_array();
		json_put(object, "metadata.finalizers", finalizers);
	}
	if (!has_mode(finalizers, finalizer)) {
		json_array_append_new(finalizers, json_string(finalizer));
	}
}

void storage_check_amount(const json_t *amount, const char *path, struct field_errors *errors)
{
	if (amount == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, path, NULL, "");
	} else if (quantity_compare(str_from(json_string_value(amount)), STR("0")) <= 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, path, amount,
				 "must be greater than zero");
	}
}

void storage_check_exclusive(const json_t *spec, struct field_errors *errors)
{
	const json_t *modes = json_object_get(spec, "accessModes");

	if (json_array_size(modes) > 1 && has_mode(modes, "ReadWriteOncePod")) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.accessModes", NULL,
				 "may not use ReadWriteOncePod with other access modes");
	}
}

bool storage_is_less(const json_t *a, const json_t *b)
{
	return a != NULL && b != NULL &&
	       quantity_compare(str_from(json_string_value(a)), str_from(json_string_value(b))) < 0;
}
