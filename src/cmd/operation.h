/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options about DNS as something to operate, the same for every subcommand that answers: a struct
 * to embed and the rows for its table of options.
 */

#include "base/limits.h"
#include "cmd/options.h"

struct operation {
	const char *nsid; /* NULL: none */
	int64_t rate_limit; /* 0: none */
	struct option_list rate_exempt;
	struct option_list transfer_to;
	bool no_sandbox;
	const char *log_queries; /* NULL: none */
	const char *dnstap; /* the receiver's socket; NULL: none */
};

/* `settings` is the struct, `member` its struct operation. */
#define OPERATION_AT(settings, member, field)                                                      \
	(offsetof(settings, member) + offsetof(struct operation, field))

#define OPERATION_OPTIONS(settings, member)                                                        \
	{ "nsid",                                                                                  \
	  "TEXT",                                                                                  \
	  "who we are, for clients that ask by NSID (says nothing)",                               \
	  OPTION_TEXT,                                                                             \
	  OPERATION_AT(settings, member, nsid),                                                    \
	  0,                                                                                       \
	  0,                                                                                       \
	  NULL },                                                                                  \
		{ "rate-limit",                                                                    \
		  "N",                                                                             \
		  "answers a second over UDP for each /24 or /56 outside the pods (no limit)",     \
		  OPTION_NUMBER,                                                                   \
		  OPERATION_AT(settings, member, rate_limit),                                      \
		  1,                                                                               \
		  LIMIT_DNS_RATE,                                                                  \
		  NULL },                                                                          \
		{ "rate-limit-exempt",                                                             \
		  "CIDR",                                                                          \
		  "a network without that limit, may be repeated",                                 \
		  OPTION_LIST,                                                                     \
		  OPERATION_AT(settings, member, rate_exempt),                                     \
		  0,                                                                               \
		  0,                                                                               \
		  NULL },                                                                          \
		{ "log-queries",                                                                   \
		  "WHICH",                                                                         \
		  "a line on standard error: all, success, denial or error (none)",                \
		  OPTION_TEXT,                                                                     \
		  OPERATION_AT(settings, member, log_queries),                                     \
		  0,                                                                               \
		  0,                                                                               \
		  "all|success|denial|error" },                                                    \
		{ "dnstap",                                                                        \
		  "SOCKET",                                                                        \
		  "queries and answers for who listens: unix:///PATH or tcp://ADDR:PORT (none)",   \
		  OPTION_TEXT,                                                                     \
		  OPERATION_AT(settings, member, dnstap),                                          \
		  0,                                                                               \
		  0,                                                                               \
		  NULL },                                                                          \
		{ "no-sandbox",                                                                    \
		  NULL,                                                                            \
		  "threads keep privileges that they do not need",                                 \
		  OPTION_SWITCH,                                                                   \
		  OPERATION_AT(settings, member, no_sandbox),                                      \
		  0,                                                                               \
		  0,                                                                               \
		  NULL },                                                                          \
	{                                                                                          \
		"transfer-to", "ADDR[/LEN]",                                                       \
			"may have whole zones (AXFR), may be repeated (nobody)", OPTION_LIST,      \
			OPERATION_AT(settings, member, transfer_to), 0, 0, NULL                    \
	}
