/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log of queries: workers copy what a line needs into rings, a thread of its own writes the
 * lines. Whoever writes too slowly loses lines, which are counted; no worker ever waits.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"

struct query_log;
struct ring;

/* Which answers get a line, by what became of them. */
enum query_class {
	QUERY_SUCCESS = 1, /* NOERROR with records */
	QUERY_DENIAL = 2, /* NXDOMAIN, or NOERROR without */
	QUERY_ERROR = 4, /* any other RCODE */
	QUERY_ALL = 7,
};

/* One answer. The query is cut at what is kept; sizes are those of the whole messages. */
struct query_record {
	uint64_t took; /* ns */
	uint8_t address[16];
	uint8_t address_n;
	bool tcp;
	uint16_t port;
	uint16_t rcode; /* the extended one */
	uint16_t flags; /* of the answer's header */
	uint16_t n_records; /* in its answer section */
	uint16_t query_n;
	uint32_t answer_n;
	uint8_t query[LIMIT_QUERY_LOG_QUERY];
};

/* `fd` gets the lines; it stays the caller's. Returns 0 or a negative errno. */
int query_log_new(int fd, unsigned classes, unsigned workers, struct query_log **ret);
/* Starts the thread. */
int query_log_start(struct query_log *log);
/* The workers have ended. Writes what waits, ends the thread. NULL is fine; returns NULL. */
struct query_log *query_log_free(struct query_log *log);

/* Worker `worker`: copies the record if its class is wanted. No lock, no allocation, no waiting. */
void query_log_put(struct query_log *log, unsigned worker, const struct query_record *record,
		   const uint8_t *query);

/* Lines that were lost. Any thread. */
uint64_t query_log_lost(const struct query_log *log);

/*
 * Appends the line, as CoreDNS has it: `[INFO] 10.0.0.1:40212 - 12345 "A IN name. udp 54 false
 * 1232" NOERROR qr,aa,rd 106 0.000050s`.
 */
void query_log_line(const struct query_record *record, struct buffer *out);
