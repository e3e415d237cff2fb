/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cmd.h"

static const struct cmd *const commands[] = {
	&cmd_standalone, &cmd_dns,     &cmd_join,  &cmd_node,    &cmd_proxy,
	&cmd_token,      &cmd_explain, &cmd_peers, &cmd_version,
};

static void print_help(FILE *out)
{
	fprintf(out, "headlessd gives every pod a stable name: Kubernetes headless Services in one "
		     "program.\n\nusage: headlessd COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->help);
	}
	fprintf(out, "\nheadlessd COMMAND --help tells more about one of them.\n");
}

/* Each client is a descriptor; what the system allows is asked for, the limits are our own. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		rlim_t most =
			limit.rlim_max < LIMIT_DESCRIPTORS ? limit.rlim_max : LIMIT_DESCRIPTORS;

		if (limit.rlim_cur < most) {
			limit.rlim_cur = most;
			(void)setrlimit(RLIMIT_NOFILE, &limit);
		}
	}
}

int main(int argc, char **argv)
{
	raise_descriptors();
	/* A client that hangs up is an error of one write, never the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_FINE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i]->name) == 0) {
			return commands[i]->run(argc - 1, argv + 1);
		}
	}
	fprintf(stderr, "headlessd: unknown command \"%s\"; headlessd --help lists them\n",
		argv[1]);
	return EXIT_USAGE;
}
