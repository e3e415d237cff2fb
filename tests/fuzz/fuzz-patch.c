/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"target": …, "patch": …}: a JSON Patch leaves its target alone and nests no deeper than allowed.
 */
#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json/json.h"
#include "json/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_RESPONSE);
	_cleanup_json_ json_t *input = NULL;
	_cleanup_json_ json_t *result = NULL;
	_cleanup_json_ json_t *again = NULL;
	struct json_read_error error;
	struct patch_message message;

	json_read((struct str){ .p = (const char *)data, .n = size }, NULL, &input, &error);
	_cleanup_json_ json_t *same = json_clone(json_at(input, "target"));
	if (json_at(input, "target") != NULL && json_at(input, "patch") != NULL &&
	    json_patch(same, json_at(input, "patch"), &result, &message) == 0) {
		assert(json_equal(same, json_at(input, "target")));
		json_write(result, &text);
		assert(json_read(buffer_str(&text), NULL, &again, &error) == 0);
	}
	return 0;
}
