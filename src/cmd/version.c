/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

struct asked {
	bool help;
};

static const struct option options[] = {
	{ "help", NULL, "show this", OPTION_SWITCH, offsetof(struct asked, help), .letter = 'h' },
};

static int run(int argc, char **argv)
{
	struct asked asked = { .help = false };

	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, &asked, NULL)) {
		return EXIT_USAGE;
	}
	if (asked.help) {
		printf("usage: headlessd version\n\nPrints the version.\n\n");
		options_help(options, ARRAY_SIZE(options));
	} else {
		printf("headlessd %s\n", HEADLESSD_VERSION);
	}
	return EXIT_FINE;
}

const struct cmd cmd_version = {
	.name = "version",
	.usage = "",
	.help = "print the version",
	.run = run,
};
