/* SPDX-License-Identifier: Apache-2.0 */
/* What json_read() takes, json_write() gives back, and it reads as the same. */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json/json.h"

static void on_duplicate(struct json_duplicates *self, const char *path)
{
	assert(strlen(path) <= LIMIT_JSON_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_duplicates duplicates = { .found = on_duplicate };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	struct json_read_error error;
	_cleanup_json_ json_t *value = NULL;
	_cleanup_json_ json_t *again = NULL;

	if (json_read((struct str){ .p = (const char *)data, .n = size }, &duplicates, &value,
		      &error) == 0) {
		json_write(value, &text);
		assert(json_read(buffer_str(&text), NULL, &again, &error) == 0);
		assert(json_equal(value, again));
	}
	return 0;
}
