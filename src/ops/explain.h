/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why a name resolves, or does not: the chain from the Service over its selector, pods, their
 * readiness, hostnames, slices and ports to the record, cut at the first link that is broken,
 * with a sentence that says how to mend it. Whether the name resolves, and to what, is asked of a
 * zone that is built from the same objects, so an explanation never differs from DNS. Pure: a
 * filled cache goes in, text comes out. Control thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/limits.h"

struct cache;
struct object;
struct zone_config;

struct explain_question {
	/*
	 * "web", "web-0.web", "web.prod", "_http._tcp.web", "web.default.svc.cluster.local",
	 * "10-244-0-5.default.pod", "svc/web", "pod/web-0", "10.244.0.5", "fd00::5".
	 */
	const char *name;
	const char *space; /* of short names, svc/ and pod/: where the asking pod would be */
	const char *domain; /* "cluster.local" */
	uint32_t ttl; /* seconds, as the DNS server was told */
	/*
	 * All that it was told (ops/zone_settings.h); `domain` is its domain, `ttl` is not looked
	 * at. NULL: the usual. Names of the cluster set are explained when the cache holds
	 * ServiceImports.
	 */
	const struct zone_config *zone;
};

enum explain_state {
	EXPLAIN_OK,
	EXPLAIN_BROKEN, /* the chain ends here; at most one, the last */
	EXPLAIN_INFO, /* not in the way of the name; with advice it is worth a look */
};

struct explain_step {
	const char *title; /* one word: "Selector" */
	enum explain_state state;
	const char *text;
	const char *advice; /* a sentence, or NULL */
	const char *command; /* a kubectl command line that does it or shows more, or NULL */
};

struct explain_record {
	const char *owner; /* with its final dot */
	uint32_t ttl;
	const char *type; /* "A" */
	const char *data;
};

/* All text lives in the arena and is free of control characters. */
struct explanation {
	struct arena arena;
	const char *question;
	const char *name; /* the whole name that the chain is about, with its final dot */
	bool resolves;
	/*
	 * What a DNS client gets: "NOERROR", "NODATA", "NXDOMAIN". "OUTSIDE": somebody else
	 * answers; "NONE": there is no name to ask for.
	 */
	const char *answer;
	const char *cause; /* zone_cause_word(); "none" when it resolves */
	uint32_t negative_ttl; /* how long a negative answer may be kept */
	size_t n_steps;
	size_t n_records;
	size_t n_more_records; /* that the name has beside those */
	size_t n_closest;
	struct explain_step steps[LIMIT_EXPLAIN_STEPS];
	struct explain_record records[LIMIT_EXPLAIN_RECORDS];
	const char *closest[LIMIT_EXPLAIN_CLOSEST]; /* names that would answer, nearest first */
};

/*
 * Explains by what `cache` holds of Namespaces, Services, EndpointSlices and Pods. Returns 0 with
 * *ret owned by the caller, or EXPLAIN_BAD_QUESTION with one line in *ret_message (owned by the
 * caller) that says what is wrong with the question. Drops parsed trees (object_trees_trim), so the
 * caller holds none.
 */
enum { EXPLAIN_BAD_QUESTION = 1 };
int explain(const struct cache *cache, const struct explain_question *question,
	    struct explanation **ret, char **ret_message);
/* For cache_keep(): what explain() needs of a pod; a new reference. */
struct object *explain_keep_pod(struct object *pod);

struct explanation *explanation_free(struct explanation *explanation); /* NULL is fine */

/* For people: a line a step. `colour`: with terminal colours. */
void explanation_text(const struct explanation *explanation, bool colour, struct buffer *out);

/* For programs: one JSON object, fields named as above; docs/explain.md. */
void explanation_json(const struct explanation *explanation, struct buffer *out);
