/* SPDX-License-Identifier: Apache-2.0 */
/* A name that was read is within its limits and reads the same again; and so does one from text. */
#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "zone/name.h"

static void check(const struct name *name)
{
	struct name again;
	size_t n = 1;

	assert(name->n <= LIMIT_DNS_NAME && name->n_labels <= LIMIT_DNS_LABELS);
	for (size_t i = 0; i < name->n_labels; i++) {
		assert(name_label(name, i).n != 0 && name_label(name, i).n <= LIMIT_DNS_LABEL);
		n += name_label_wire(name, i).n;
	}
	assert(n == name->n && name->wire[n - 1] == 0);
	assert(name_read(name->wire, name->n, &again) == 0);
	assert(again.n == name->n && memcmp(again.wire, name->wire, name->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name name;

	if (name_read(data, size, &name) == 0) {
		assert(name.n <= size);
		check(&name);
	}
	if (name_parse((struct str){ .p = (const char *)data, .n = size }, &name) == 0) {
		check(&name);
	}
	return 0;
}
