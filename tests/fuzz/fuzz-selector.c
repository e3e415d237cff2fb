/* SPDX-License-Identifier: Apache-2.0 */
/* A selector's canonical text is a selector with the same canonical text. */

#include <assert.h>

#include "base/limits.h"
#include "fuzz.h"
#include "object/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer again = BUFFER_INIT(LIMIT_BODY);
	struct selector *selector;

	if (selector_parse((struct str){ .p = (const char *)data, .n = size }, &message,
			   &selector) != 0) {
		assert(message.n > 0);
		return 0;
	}
	selector_matches(selector, NULL);
	selector_text(selector, &text);
	selector_free(selector);
	assert(selector_parse(buffer_str(&text), &message, &selector) == 0);
	selector_text(selector, &again);
	selector_free(selector);
	assert(str_eq(buffer_str(&text), buffer_str(&again)));
	return 0;
}
