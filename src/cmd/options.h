/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Command line options as tables: a row an option, one parser, one --help. An option is `--name
 * VALUE` or `--name=VALUE`, or `-l VALUE`, `-lVALUE` where it has a letter; a switch has no
 * value; a list option may be given more than once. Behind `--` stand words only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTION_LIST_MAX = 32, /* values of one list option */
};

struct option_list {
	const char *items[OPTION_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

/* "127.0.0.1:6443", "[::1]:53", ":53" (every address) taken apart. */
struct listen_address {
	char host[64];
	uint16_t port;
};

enum option_type {
	OPTION_TEXT, /* const char * */
	OPTION_LIST, /* struct option_list */
	OPTION_NUMBER, /* int64_t, within min and max */
	OPTION_SWITCH, /* bool */
	OPTION_LISTEN, /* struct listen_address */
	OPTION_LISTENS, /* struct option_listens */
};

struct option_listens {
	struct listen_address items[OPTION_LIST_MAX];
	size_t n;
};

struct option {
	const char *name; /* without dashes */
	const char *value; /* for --help: "ADDR:PORT"; NULL for switches */
	const char *help;
	enum option_type type;
	size_t offset; /* in the settings struct */
	int64_t min;
	int64_t max;
	const char *one_of; /* OPTION_TEXT: allowed values, '|'-separated, or NULL */
	char letter; /* the short form; 0: none */
};

/*
 * Parses argv[first…] into `settings` (which holds the defaults already). Words that are no
 * options go to `words` (NULL: none are allowed). Returns true; or false after one line on
 * standard error that says what is wrong and what to do.
 */
bool options_parse(const struct option *options, size_t n, int argc, char **argv, int first,
		   void *settings, struct option_list *words);

/* Prints the table for --help on standard output. */
void options_help(const struct option *options, size_t n);

/* Parses an address and port. Returns false when it is neither. */
bool listen_parse(const char *text, struct listen_address *ret);

/* "127.0.0.1:6443", "[::1]:53" */
void listen_format(const struct listen_address *address, char *ret_text, size_t size);
