/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dig's part: the rig of dns/test-rig.h asks, around the world's own zone, and prints; here its
 * lines become one that a scenario can expect.
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "dns/test-rig.h"
#include "zone/name.h"

enum { RECORDS_MOST = 4096, TEXT_MOST = 1 << 20 };

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
	{ "A", RR_A },     { "AAAA", RR_AAAA },   { "SRV", RR_SRV },
	{ "PTR", RR_PTR }, { "CNAME", RR_CNAME }, { "TXT", RR_TXT },
	{ "SOA", RR_SOA }, { "NS", RR_NS },       { "ANY", RR_ANY },
};

uint16_t world_type(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, text) == 0) {
			return types[i].type;
		}
	}
	return 0;
}

const char *world_dig_whole(struct world *world, const char *name, uint16_t type)
{
	return rig_ask(world->rig, name, type);
}

/* The data of "an OWNER TTL TYPE DATA". */
static struct str data_of(struct str line)
{
	for (unsigned i = 0; i < 4; i++) {
		str_cut(&line, ' ');
	}
	return line;
}

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

const char *world_dig(struct world *world, const char *name, uint16_t type)
{
	static struct str records[RECORDS_MOST];
	static struct buffer out = BUFFER_INIT(TEXT_MOST);
	struct str rest = str_from(rig_ask(world->rig, name, type));
	struct str head = str_cut(&rest, '\n');
	struct str rcode = str_cut(&head, ' ');
	size_t n = 0;

	while (rest.n != 0 && n < RECORDS_MOST) {
		struct str line = str_cut(&rest, '\n');

		if (str_starts(line, STR("an "))) {
			records[n++] = data_of(line);
		}
	}
	qsort(records, n, sizeof(*records), compare);
	buffer_clear(&out);
	if (n == 0 && str_is(rcode, "NOERROR")) {
		buffer_append_text(&out, "NODATA");
	} else {
		buffer_append_str(&out, rcode);
	}
	if (str_starts(head, STR("tc")) || str_starts(head, STR("aa tc"))) {
		buffer_append_text(&out, " tc");
	}
	for (size_t i = 0; i < n; i++) {
		buffer_append_text(&out, i == 0 ? " " : ", ");
		buffer_append_str(&out, records[i]);
	}
	return buffer_text(&out);
}
