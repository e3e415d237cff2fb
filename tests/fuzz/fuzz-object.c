/* SPDX-License-Identifier: Apache-2.0 */
/* A body is refused with a sentence, or decodes, defaults, and then conforms without a change. */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "object/kinds.h"
#include "object/prepare.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_strict_ struct strict_report again = { .n = 0 };
	_cleanup_field_errors_ struct field_errors errors;
	_cleanup_json_ json_t *tree = NULL;

	field_errors_init(&errors);
	if (object_decode(&kind_pod, (struct str){ .p = (const char *)data, .n = size }, &report,
			  &message, &tree) != 0) {
		assert(message.n > 0 && tree == NULL);
		return 0;
	}
	object_default(&kind_pod, tree);
	object_check(&kind_pod, tree, NULL, &errors);
	_cleanup_json_ json_t *copy = json_deep_copy(tree);
	assert(object_conform(&kind_pod, copy, &again, &message) == 0 && again.n == 0);
	object_default(&kind_pod, copy);
	assert(json_equal(tree, copy) == 1);
	return 0;
}
