/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the plugins of a Corefile and the options of `kubernetes` share. */

#include "ops/corefile.h"

struct parsing {
	const char *name;
	char *message;
	void (*warn)(void *userdata, const char *line);
	void *userdata;
	struct corefile *corefile;
	const struct corefile_line *block; /* whose plugins are being read */
};

/*
 * A word that may stand there: a plugin, or an option in a plugin's block. `apply` NULL: there is
 * nothing to do; and when `missing` is set that is a loss, which a warning tells.
 */
struct corefile_word {
	const char *word;
	int (*apply)(struct parsing *parsing, const struct corefile_line *line);
	const char *missing;
};

/* Deals with every line of `lines` by the table; `of` says what the words are, for messages. */
int corefile_apply(struct parsing *parsing, const struct corefile_line *lines,
		   const struct corefile_word *words, size_t n, const char *of);

/* COREFILE_SYNTAX, with the message made. */
int corefile_bad(struct parsing *parsing, const struct corefile_line *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void corefile_warn(struct parsing *parsing, const struct corefile_line *line, const char *format,
		   ...) __attribute__((format(printf, 3, 4)));

/* "5s", "1m30s", "500ms" in milliseconds; false when it is none, or longer than a day. */
bool corefile_duration(const char *text, uint32_t *ret_ms);

/* "dns://cluster.local.:53" into zone ("cluster.local", "" for the root) and port (0: none). */
void corefile_split_key(struct str key, struct str *ret_zone, uint16_t *ret_port);

/* The plugin `dnstap`. */
int corefile_dnstap(struct parsing *parsing, const struct corefile_line *line);

/* The plugin `kubernetes`. */
int corefile_kubernetes(struct parsing *parsing, const struct corefile_line *line);
