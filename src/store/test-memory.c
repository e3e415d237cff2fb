/* SPDX-License-Identifier: Apache-2.0 */
#include "store/conformance.h"

int main(void)
{
	const struct conformance_backend memory = {
		.name = "memory",
		.create = store_memory_new,
	};

	return conformance_run(&memory);
}
