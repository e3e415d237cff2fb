/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes as some kind and conforms is the same object after encoding and decoding it. */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "object/prepare.h"
#include "json/json.h"

static json_t *decoded(const struct kind *kind, struct str body)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	json_t *tree = NULL;

	if (protobuf_decode(kind, body, &message, &tree) != 0) {
		assert(message.n > 0 && tree == NULL);
	} else if (object_conform(kind, tree, &report, &message) != 0) {
		assert(message.n > 0);
		json_decref(tree);
		tree = NULL;
	}
	return tree;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < n_kinds; i++) {
		_cleanup_buffer_ struct buffer body = BUFFER_INIT(4 * LIMIT_BODY);
		struct str given = { .p = (const char *)data, .n = size };
		_cleanup_json_ json_t *tree = decoded(kinds[i], given);

		if (tree != NULL) {
			protobuf_encode(kinds[i], tree, &body);
			_cleanup_json_ json_t *again = decoded(kinds[i], buffer_str(&body));
			assert(again != NULL && json_equal(tree, again) == 1);
		}
	}
	return 0;
}
