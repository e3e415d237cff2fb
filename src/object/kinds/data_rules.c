/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/data_rules.h"

#include "base/mem.h"
#include "object/formats.h"
#include "object/kinds/rules.h"
#include "json/json.h"

/*
 * Keys become file names in a volume, so they are checked as such. The limit is for all data of one
 * object together: it is what a node is ready to hold in memory for it.
 */

void data_check_key(const char *name, const char *key, struct field_errors *errors)
{
	_cleanup_problems_ struct format_problems problems = { 0 };

	format_check_text(FORMAT_CONFIG_KEY, key, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		rule_error_text(errors, FIELD_ERROR_INVALID, key, problems.items[i], "%s[%s]", name,
				key);
	}
}

size_t data_bytes(const json_t *base64)
{
	const char *text = json_string_value(base64);
	size_t n = json_string_length(base64);

	while (n > 0 && text[n - 1] == '=') {
		n--;
	}
	return n / 4 * 3 + n % 4 * 3 / 4;
}

void data_check_size(const char *path, size_t size, struct field_errors *errors)
{
	_cleanup_free_ char *detail = mem_printf("may not be more than %d bytes", LIMIT_DATA);

	if (size > LIMIT_DATA) {
		field_errors_add(errors, FIELD_ERROR_TOO_LONG, path, NULL, detail);
	}
}

void data_check_immutable(const json_t *object, const json_t *old, const char *const *frozen,
			  struct field_errors *errors)
{
	const char *detail = "field is immutable when `immutable` is set";

	if (!json_bool_at(old, "immutable", false)) {
		return;
	}
	if (!json_bool_at(object, "immutable", false)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "immutable", NULL, detail);
	}
	for (; *frozen != NULL; frozen++) {
		if (!rule_is_same(json_object_get(object, *frozen),
				  json_object_get(old, *frozen))) {
			field_errors_add(errors, FIELD_ERROR_FORBIDDEN, *frozen, NULL, detail);
		}
	}
}
