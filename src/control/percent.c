/* SPDX-License-Identifier: Apache-2.0 */
#include "control/percent.h"

#include "base/str.h"

int64_t percent_of(const json_t *value, int64_t total, enum percent_rounding rounding,
		   int64_t otherwise)
{
	struct str text = str_from(json_string_value(value));
	uint64_t percent = 0;

	if (json_is_integer(value)) {
		return json_integer_value(value);
	}
	if (!str_ends(text, STR("%")) ||
	    !str_to_u64((struct str){ .p = text.p, .n = text.n - 1 }, INT32_MAX, &percent)) {
		return otherwise;
	}
	return (total * (int64_t)percent + (rounding == PERCENT_UP ? 99 : 0)) / 100;
}
