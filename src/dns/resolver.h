/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names outside the cluster: one thread with libunbound, which forwards to the upstreams and
 * caches. A caller hands in a question and gets it back, answered, in its own mailbox; it never
 * waits. The number of questions under way is bounded; beyond it the newest is refused at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "dns/answer.h"
#include "dns/stats.h"

struct dns_resolver;
struct sandbox;

enum { DNS_RESOLVER_UPSTREAMS = 16, DNS_RESOLVER_MESSAGE = 256 };

struct dns_resolver_config {
	/* "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53", "2001:db8::1". */
	const char *const *upstreams;
	size_t n_upstreams; /* 0: every question fails at once */
	uint32_t timeout_ms; /* 0: 4000 */
	const struct sandbox *sandbox; /* its thread enters it; outlives it; NULL: none */
};

/*
 * Returns 0 with a running thread, DNS_RESOLVER_BAD with one line in `ret_message`, or a negative
 * errno.
 */
enum { DNS_RESOLVER_BAD = 1 };
int dns_resolver_new(const struct dns_resolver_config *config, struct dns_resolver **ret,
		     char ret_message[DNS_RESOLVER_MESSAGE]);

/*
 * Ends the thread. Every mailbox that questions were asked for has been forgotten before. NULL is
 * fine; returns NULL.
 */
struct dns_resolver *dns_resolver_free(struct dns_resolver *resolver);

/* "192.0.2.1:53", "[2001:db8::1]:53": upstream `i` of those configured. */
enum { DNS_UPSTREAM_TEXT = 72 };
size_t dns_resolver_upstreams(const struct dns_resolver *resolver);
void dns_resolver_upstream(const struct dns_resolver *resolver, size_t i,
			   char ret_text[DNS_UPSTREAM_TEXT]);

/* What happened so far. Counters of the resolver's thread; any thread reads. */
struct dns_resolver_stats {
	struct counter questions; /* that came to the cache */
	struct counter hits[2]; /* answered from it: names that exist, names that do not */
	struct counter rejects; /* too many under way */
	/* What the upstreams were asked, by the RCODE that came of it (SERVFAIL: nothing came). */
	struct dns_times times[DNS_RCODES];
};
const struct dns_resolver_stats *dns_resolver_stats(const struct dns_resolver *resolver);

/* A question under way. Embed it; it belongs to the resolver until it lies in `answer_to`. */
struct dns_query {
	struct mail mail;
	struct mailbox *answer_to; /* must have room for every question of its owner */
	struct dns_question question;
	/* Filled by the resolver. `packet` is the receiver's: free it with mem_free(). */
	uint8_t *packet;
	size_t n;
	const char *failure; /* static text when packet is NULL */
	uint16_t failure_code;
};

/* Any thread. Returns 0, or DNS_RESOLVER_FULL (the caller keeps the query and answers SERVFAIL). */
enum { DNS_RESOLVER_FULL = 1 };
int dns_resolver_ask(struct dns_resolver *resolver, struct dns_query *query);

/*
 * Takes back all questions whose answer belongs into `mailbox`: when it returns, none of them will
 * be touched again, and those that were answered lie in the mailbox. Waits for the resolver's
 * thread.
 */
void dns_resolver_forget(struct dns_resolver *resolver, struct mailbox *mailbox);

/*
 * The nameserver lines of a resolv.conf text, without those that are one of `own` ("127.0.0.1:53":
 * our own listen addresses, which would make a loop; port 53 is what a resolv.conf means). Returns
 * how many were written to `ret_upstreams` (heap strings of the caller).
 */
size_t dns_resolv_conf(const char *text, size_t n, const char *const *own, size_t n_own,
		       char *ret_upstreams[DNS_RESOLVER_UPSTREAMS]);
