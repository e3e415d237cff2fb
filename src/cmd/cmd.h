/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Subcommands: one file each, ending in one of these; main.c holds the table. */

enum {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct cmd {
	const char *name;
	const char *usage; /* behind the name */
	const char *help; /* one line */
	/* argv[0] is the subcommand's name. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_dns;
extern const struct cmd cmd_explain;
extern const struct cmd cmd_join;
extern const struct cmd cmd_node;
extern const struct cmd cmd_proxy;
extern const struct cmd cmd_token;
extern const struct cmd cmd_peers;
extern const struct cmd cmd_standalone;
extern const struct cmd cmd_version;
