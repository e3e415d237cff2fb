/* SPDX-License-Identifier: Apache-2.0 */
/* A Corefile is taken, or refused with one line that names file and line. */

#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "ops/corefile.h"

static void warned(void *userdata, const char *line)
{
	assert(strncmp(line, "Corefile:", 9) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[COREFILE_MESSAGE] = "";
	struct str text = { .p = (const char *)data, .n = size };
	struct corefile corefile;

	if (corefile_parse("Corefile", text, warned, NULL, &corefile, message) == 0) {
		assert(corefile.ttl <= ZONE_TTL_MAX);
		corefile_deinit(&corefile);
	} else {
		assert(strncmp(message, "Corefile:", 9) == 0);
	}
	return 0;
}
