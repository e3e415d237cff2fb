/* SPDX-License-Identifier: Apache-2.0 */
#include "control/generate_name.h"

#include "base/mem.h"
#include "base/random.h"

enum { GENERATED_BASE_MAX = 57, GENERATED_SUFFIX = 5 };

char *generate_name(const struct view *view, struct str base)
{
	/* The alphabet of generateName: no vowels, nothing that reads like another letter. */
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	char suffix[GENERATED_SUFFIX + 1] = "";

	for (size_t i = 0; i < GENERATED_SUFFIX; i++) {
		suffix[i] = letters[random_below(view->random, sizeof(letters) - 1)];
	}
	if (base.n > GENERATED_BASE_MAX) {
		base.n = GENERATED_BASE_MAX;
	}
	return mem_printf("%.*s-%s", STR_ARG(base), suffix);
}
