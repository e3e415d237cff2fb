/* SPDX-License-Identifier: Apache-2.0 */
/* A list in one piece and byte by byte gives the same items. */

#include <assert.h>

#include "client/list_scan.h"
#include "fuzz.h"

static bool item(void *userdata, struct str text)
{
	buffer_append_str(userdata, text);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer once = BUFFER_INIT(1 << 20);
	_cleanup_buffer_ struct buffer slow = BUFFER_INIT(1 << 20);
	struct str text = { .p = (const char *)data, .n = size };
	struct list_scan whole;
	struct list_scan pieces;
	int result = 0;

	list_scan_init(&whole, item, &once);
	list_scan_init(&pieces, item, &slow);
	for (size_t i = 0; i < size && result == 0; i++) {
		result = list_scan_feed(&pieces, (struct str){ .p = text.p + i, .n = 1 });
	}
	assert(list_scan_feed(&whole, text) == result);
	assert(str_eq(buffer_str(&once), buffer_str(&slow)));
	list_scan_deinit(&whole);
	list_scan_deinit(&pieces);
	return 0;
}
