/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoints of a Service get connections (Kubernetes: KEP-1669 for those that end). Slices
 * may overlap while endpoints move between them, so each address and port counts once, and is as
 * good as the best slice says.
 */
#include "proxy/ruleset_intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/object.h"
#include "json/json.h"

const char *protocol_of(const json_t *port)
{
	const char *protocol = json_string_at(port, "protocol");

	if (protocol[0] == '\0' || strcmp(protocol, "TCP") == 0) {
		return "tcp";
	}
	if (strcmp(protocol, "UDP") == 0) {
		return "udp";
	}
	return strcmp(protocol, "SCTP") == 0 ? "sctp" : NULL;
}

void endpoints_deinit(struct endpoints *endpoints)
{
	mem_free(endpoints->items);
	*endpoints = (struct endpoints){ 0 };
}

static void add(struct endpoints *endpoints, const struct endpoint *endpoint)
{
	if (endpoints->n == endpoints->size) {
		endpoints->size = endpoints->size != 0 ? 2 * endpoints->size : 16;
		endpoints->items =
			mem_resize(endpoints->items, endpoints->size * sizeof(endpoints->items[0]));
	}
	endpoints->items[endpoints->n++] = *endpoint;
}

/* The slice's number for a port; 0: it has none of that name. */
static uint16_t slice_port(const json_t *slice, const char *name, const char *protocol)
{
	const json_t *port;
	size_t i;

	json_array_foreach (json_object_get(slice, "ports"), i, port) {
		int64_t number = json_int_at(port, "port", 0);
		const char *its = protocol_of(port);

		if (its != NULL && strcmp(its, protocol) == 0 && number > 0 &&
		    number <= UINT16_MAX && strcmp(json_string_at(port, "name"), name) == 0) {
			return (uint16_t)number;
		}
	}
	return 0;
}

static void read_slice(struct endpoints *endpoints, const struct ruleset *ruleset,
		       const json_t *slice, const struct family *family, uint16_t port)
{
	const json_t *each;
	size_t i;

	json_array_foreach (json_object_get(slice, "endpoints"), i, each) {
		/* Further addresses of one endpoint mean the same peer: the first is taken. */
		const char *address =
			json_string_value(json_array_get(json_object_get(each, "addresses"), 0));
		const json_t *conditions = json_object_get(each, "conditions");
		const char *node = json_string_at(each, "nodeName");
		bool ready = json_bool_at(conditions, "ready", true);
		struct endpoint endpoint = {
			.port = port,
			.ready = ready,
			.draining = json_bool_at(conditions, "serving", ready) &&
				    json_bool_at(conditions, "terminating", false),
			.local = ruleset->node_name[0] != '\0' &&
				 strcmp(node, ruleset->node_name) == 0,
		};

		if (endpoints->n < LIMIT_PROXY_ENDPOINTS && address != NULL &&
		    ip_parse(str_from(address), &endpoint.ip) && endpoint.ip.n == family->bytes) {
			ip_text(&endpoint.ip, endpoint.text);
			add(endpoints, &endpoint);
		}
	}
}

static int compare(const void *a, const void *b)
{
	const struct endpoint *left = a;
	const struct endpoint *right = b;
	int order = memcmp(left->ip.bytes, right->ip.bytes, sizeof(left->ip.bytes));

	return order != 0 ? order : (int)left->port - (int)right->port;
}

static void join_doubles(struct endpoints *endpoints)
{
	size_t n = 0;

	if (endpoints->n == 0) {
		return;
	}
	qsort(endpoints->items, endpoints->n, sizeof(endpoints->items[0]), compare);
	for (size_t i = 1; i < endpoints->n; i++) {
		struct endpoint *last = &endpoints->items[n];
		const struct endpoint *next = &endpoints->items[i];

		if (compare(last, next) == 0) {
			last->ready |= next->ready;
			last->draining |= next->draining;
			last->local |= next->local;
		} else {
			endpoints->items[++n] = *next;
		}
	}
	endpoints->n = n + 1;
}

/* Slices of headless Services, and those that another proxy is to look after. */
static bool is_for_us(const json_t *slice)
{
	const json_t *labels = json_at(slice, "metadata.labels");

	return json_object_get(labels, "service.kubernetes.io/headless") == NULL &&
	       json_object_get(labels, "service.kubernetes.io/service-proxy-name") == NULL;
}

void endpoints_read(struct endpoints *endpoints, const struct ruleset *ruleset,
		    const struct cache *cache, struct str service_key, const struct family *family,
		    const char *port_name, const char *protocol)
{
	cache_for_index (slice, cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE, service_key) {
		const json_t *tree = object_tree(slice);
		uint16_t port = slice_port(tree, port_name, protocol);

		if (port != 0 && is_for_us(tree) &&
		    strcmp(json_string_at(tree, "addressType"), family->slices) == 0) {
			read_slice(endpoints, ruleset, tree, family, port);
		}
	}
	join_doubles(endpoints);
}

static size_t choose(const struct endpoints *endpoints, bool local, bool draining,
		     const struct endpoint **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < endpoints->n; i++) {
		const struct endpoint *each = &endpoints->items[i];

		if ((draining ? each->draining : each->ready) && (each->local || !local)) {
			ret[n++] = each;
		}
	}
	return n;
}

size_t endpoints_usable(const struct endpoints *endpoints, bool local, const struct endpoint **ret)
{
	size_t n = choose(endpoints, local, /* draining= */ false, ret);

	return n != 0 ? n : choose(endpoints, local, /* draining= */ true, ret);
}
