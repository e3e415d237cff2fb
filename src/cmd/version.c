/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"

static int run(int argc, char **argv)
{
	printf("headlessd %s\n", HEADLESSD_VERSION);
	return EXIT_FINE;
}

const struct cmd cmd_version = {
	.name = "version",
	.usage = "",
	.help = "print the version",
	.run = run,
};
