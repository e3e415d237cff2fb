/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver of dnstap says: a frame is whole or not, whatever stands behind it. */
#include <assert.h>

#include "dns/dnstap_wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dnstap_control_read read, again;
	int result = dnstap_control_read(data, size, &read);

	assert(result != DNSTAP_MORE || size < DNSTAP_CONTROL_MAX);
	if (result == 0) {
		assert(read.used <= size && read.used <= DNSTAP_CONTROL_MAX);
		assert(dnstap_control_read(data, read.used, &again) == 0);
		assert(again.type == read.type && again.ours == read.ours);
		assert(dnstap_control_read(data, read.used - 1, &again) == DNSTAP_MORE);
	}
	return 0;
}
