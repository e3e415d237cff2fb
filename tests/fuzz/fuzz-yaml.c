/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever yaml_read() takes is a tree that can be written as JSON; what it refuses has a message.
 */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json/json.h"
#include "json/yaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_RESPONSE);
	_cleanup_json_ json_t *tree = NULL;

	if (yaml_read((struct str){ .p = (const char *)data, .n = size }, &message, &tree) == 0) {
		json_write(tree, &text);
		assert(text.n != 0 && !text.overflowed);
	} else {
		assert(message.n != 0);
	}
	return 0;
}
