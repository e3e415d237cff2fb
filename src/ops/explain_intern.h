/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of explain(): explain_name.c reads the question, explain_answer.c asks the zone,
 * explain.c walks the chain, whose links stand in explain_service.c (namespace, Service, selector,
 * pods, ready), explain_labels.c (near misses of a selector), explain_host.c, explain_slice.c,
 * explain_port.c, explain_pod.c and explain_address.c; explain_text.c has the words.
 */

#include <jansson.h>

#include "base/str.h"
#include "object/object.h"
#include "ops/explain.h"
#include "zone/address.h"
#include "zone/lookup.h"
#include "zone/name.h"
#include "zone/zone.h"

struct selector;

/* What a name is by its form. */
enum explain_shape {
	SHAPE_OUTSIDE, /* not below the domain */
	SHAPE_REVERSE, /* of an address */
	SHAPE_SERVICE, /* SERVICE.NAMESPACE.svc */
	SHAPE_HOST, /* HOST.SERVICE.NAMESPACE.svc */
	SHAPE_PORT, /* _PORT._PROTOCOL.SERVICE.NAMESPACE.svc */
	SHAPE_POD, /* a-b-c-d.NAMESPACE.pod */
	SHAPE_IMPORT, /* below the domain of the cluster set */
	SHAPE_SPACE, /* NAMESPACE.svc, NAMESPACE.pod */
	SHAPE_OTHER, /* the domain itself, "svc", too many labels… */
};

/* What the objects say of the pods of the Service's namespace. */
struct explain_pods {
	size_t in_space;
	size_t matching;
	size_t with_address; /* matching, not finished, with an address */
	size_t ready; /* of those, the ready ones that are not going */
	size_t on_host; /* matching, with the network of their node */
};

/* And of the Service's slices. */
struct explain_slices {
	size_t n;
	size_t fqdn; /* slices of domain names, which the zone does not serve */
	size_t endpoints;
	size_t ready;
	size_t v4; /* ready addresses */
	size_t v6;
};

struct explain {
	const struct cache *cache;
	const struct explain_question *question;
	struct explanation *out;
	struct zone *zone;

	/* The name. */
	struct name name;
	enum explain_shape shape;
	bool resolves;
	bool asked_pod; /* pod/NAME: the namespace and the pod have been looked at */
	struct zone_reason reason;
	struct ip address; /* SHAPE_REVERSE */
	/* Labels of the name, by shape; empty where there is none. */
	struct str host;
	struct str port;
	struct str protocol;
	struct str service_name;
	struct str space;

	/* The Service, once it is found. */
	struct object *service;
	struct selector *selector; /* NULL: selects nothing */
	bool external;
	bool headless;
	bool publishes_unready;
	struct explain_pods pods;
	struct explain_slices slices;
};

/* ---- words (explain_text.c) ---- */

/* printf into the arena; control characters become spaces, too long a text is cut. */
const char *explain_say(struct explain *x, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Steps. `advice` and `command` may be NULL. */
void explain_ok(struct explain *x, const char *title, const char *text);
void explain_info(struct explain *x, const char *title, const char *text, const char *advice,
		  const char *command);

/*
 * The link is broken. Returns true: the chain goes on, because the name resolves all the same (the
 * step becomes information), or false: it ends here.
 */
bool explain_broken(struct explain *x, const char *title, const char *text, const char *advice,
		    const char *command);

/* "a, b, c and 4 more". */
struct enumeration {
	struct buffer text;
	size_t n;
	size_t max;
};
#define ENUMERATION(most)                                                                          \
	{                                                                                          \
		.text = BUFFER_INIT(LIMIT_EXPLAIN_TEXT), .max = (most)                             \
	}
enum { ENUMERATION_MAX = 6 };
void enumeration_add(struct enumeration *all, struct str item);
/* Into the arena; frees the rest. "none" when empty. */
const char *enumeration_end(struct explain *x, struct enumeration *all);

/* "1 pod", "3 pods": for "%zu %s". */
static inline const char *plural(size_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* Letters to insert, remove, change or swap, at most 255; only the first 64 of each count. */
unsigned edit_distance(struct str a, struct str b);

/* Candidates for what somebody meant; keeps the nearest. */
struct nearest {
	struct str wanted;
	char best[LIMIT_EXPLAIN_CLOSEST][LIMIT_DNS_NAME + 1];
	unsigned distance[LIMIT_EXPLAIN_CLOSEST];
	size_t n;
};
void nearest_offer(struct nearest *nearest, struct str candidate);

/* A label as `kubectl` would take it for a name. */
bool explain_is_label(struct str s);

/* ---- the name (explain_name.c) ---- */

/* Takes `x->name` apart into shape and labels. */
void explain_read_name(struct explain *x);

/*
 * Decides which name a question means: sets x->name and says how it was found. Returns 0 or
 * EXPLAIN_BAD_QUESTION with *ret_message.
 */
int explain_find_name(struct explain *x, char **ret_message);

/* Sets x->name to `labels` ("web-0.web") below NAMESPACE.svc and reads it. False when too long. */
bool explain_set_service_name(struct explain *x, const char *labels, struct str space);

/* ---- the answer (explain_answer.c) ---- */

/* A zone of everything in the cache. The caller frees it. NULL: *ret_message says why not. */
struct zone *explain_zone(const struct cache *cache, const struct explain_question *question,
			  char ret_message[ZONE_MESSAGE]);

/*
 * Whether a name has an answer with something in it, aliases followed. Otherwise *ret_reason says
 * why.
 */
bool explain_resolves(const struct zone *zone, const struct name *name,
		      struct zone_reason *ret_reason);

/* Offers a whole name (in the arena) as one that would answer, if it does. */
void explain_add_closest(struct explain *x, const char *text);

/* Fills answer, cause, negative_ttl and the records of the explanation. */
void explain_answer(struct explain *x);

/* The name as text with its final dot, in the arena. */
const char *explain_name_text(struct explain *x, const struct name *name);

/* ---- links; each returns whether the chain goes on ---- */

bool explain_namespace(struct explain *x);
bool explain_service(struct explain *x); /* exists, and what type */
bool explain_selector(struct explain *x);
bool explain_pods(struct explain *x); /* that match */
bool explain_ready(struct explain *x);
bool explain_hostnames(struct explain *x); /* of the whole Service */
bool explain_host(struct explain *x); /* the one in the name */
bool explain_slices(struct explain *x);
bool explain_ports(struct explain *x);
bool explain_pod_label(struct explain *x); /* of a-b-c-d.NAMESPACE.pod */
bool explain_reverse(struct explain *x);
bool explain_import(struct explain *x); /* the ServiceImport is there */

/* No pod matches the selector: which labels come near, and the patch. `text` begins the step. */
bool explain_near_labels(struct explain *x, const char *text);

/* The question pod/NAME: the pod's links up to the name it has, which becomes x->name. */
bool explain_pod_question(struct explain *x, struct str name);

/* Services (and namespaces) whose name is near. */
void explain_closest_services(struct explain *x);

/* Finds x->service and counts its pods and slices. */
void explain_find_service(struct explain *x);

/* ---- pods ---- */

/* Matches the Service's selector. */
bool explain_selects(const struct explain *x, struct object *pod);
bool pod_fact_finished(struct object *pod);
bool pod_fact_ready(struct object *pod);
bool pod_fact_has_address(struct object *pod);
bool pod_fact_is_at(struct object *pod, const struct ip *address);
/* "container nginx waits: ImagePullBackOff"; why it is not ready, in the arena. */
const char *pod_fact_why(struct explain *x, struct object *pod);
/* What shows more of it. */
const char *pod_fact_command(struct explain *x, struct object *pod);
const char *pod_fact_hostname(struct object *pod);
const char *pod_fact_subdomain(struct object *pod);

/* ---- slices ---- */

/* Calls `visit` for each endpoint of the Service's slices until it returns false. */
void explain_each_endpoint(const struct explain *x,
			   bool (*visit)(void *userdata, struct object *slice,
					 const json_t *endpoint),
			   void *userdata);
bool endpoint_fact_ready(const json_t *endpoint);
bool endpoint_fact_is_at(const json_t *endpoint, const struct ip *address);
/* Its label below the Service: the hostname, or its first address with dashes; NUL-terminated. */
void endpoint_fact_label(const struct explain *x, const json_t *endpoint,
			 char ret_label[LIMIT_DNS_LABEL + 1]);
