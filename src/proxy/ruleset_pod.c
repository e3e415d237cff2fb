/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host ports: a port of the node, or of one of its addresses, that leads to a container of a pod of
 * this node. The client's address stays: answers come back by way of this node anyway. Chains bear
 * the pod's uid, because its name may be longer than a chain's.
 */
#include "proxy/ruleset_intern.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "object/object.h"
#include "json/json.h"

struct host_port {
	const char *protocol;
	unsigned host;
	unsigned container;
	const char *address; /* of the node; "": any */
};

static bool is_any(const char *address)
{
	return address[0] == '\0' || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static void add_front(struct pieces *pieces, const struct host_port *port,
		      const struct family *family, struct str target)
{
	char text[IP_TEXT];
	struct ip ip;

	if (is_any(port->address)) {
		pieces_add(pieces, target, "e ports%c %s . %u", family->digit, port->protocol,
			   port->host);
	} else if (ip_parse(str_from(port->address), &ip) && ip.n == family->bytes) {
		ip_text(&ip, text);
		pieces_add(pieces, target, "e fronts%c %s . %s . %u", family->digit, text,
			   port->protocol, port->host);
	}
}

static void add_flow(struct pieces *pieces, const struct host_port *port,
		     const struct family *family, const char *pod)
{
	char every[] = { '*', family->digit, '\0' };

	if (strcmp(port->protocol, "udp") == 0) {
		pieces_add(pieces, STR_NONE, "u %s %u %s %u",
			   is_any(port->address) ? every : port->address, port->host, pod,
			   port->container);
	}
}

static void add_port(struct pieces *pieces, const char *uid, const struct host_port *port,
		     const struct ip *ip)
{
	const struct family *family = ip->n == 4 ? &families[0] : &families[1];
	char address[IP_TEXT];
	char text[RULESET_ITEM];

	ip_text(ip, address);
	snprintf(text, sizeof(text),
		 ip->n == 4 ? "\nmeta l4proto %s dnat %s to %s:%u\n"
			    : "\nmeta l4proto %s dnat %s to [%s]:%u\n",
		 port->protocol, family->ip, address, port->container);
	pieces_add(pieces, str_from(text), "c pod%c/%s/%s/%u", family->digit, uid, port->protocol,
		   port->host);
	snprintf(text, sizeof(text), "goto pod%c/%s/%s/%u", family->digit, uid, port->protocol,
		 port->host);
	add_front(pieces, port, family, str_from(text));
	add_flow(pieces, port, family, address);
	pieces_add(pieces, STR_NONE, "e hairpin%c %s . %s", family->digit, address, address);
}

static void add_container(struct pieces *pieces, const char *uid, const json_t *pod,
			  const json_t *container)
{
	const json_t *each;
	size_t i;

	json_array_foreach (json_object_get(container, "ports"), i, each) {
		struct host_port port = {
			.protocol = protocol_of(each),
			.host = (unsigned)json_int_at(each, "hostPort", 0) & UINT16_MAX,
			.container = (unsigned)json_int_at(each, "containerPort", 0) & UINT16_MAX,
			.address = json_string_at(each, "hostIP"),
		};
		const json_t *address;
		size_t k;

		json_array_foreach (json_at(pod, "status.podIPs"), k, address) {
			struct ip ip;

			if (port.host != 0 && port.protocol != NULL &&
			    ip_parse(str_from(json_string_at(address, "ip")), &ip)) {
				add_port(pieces, uid, &port, &ip);
			}
		}
	}
}

/* Runs here, with a network of its own. */
static bool is_for_us(const struct ruleset *ruleset, const json_t *pod)
{
	const char *phase = json_string_at(pod, "status.phase");

	return ruleset->node_name[0] != '\0' &&
	       strcmp(json_string_at(pod, "spec.nodeName"), ruleset->node_name) == 0 &&
	       !json_bool_at(pod, "spec.hostNetwork", false) && strcmp(phase, "Failed") != 0 &&
	       strcmp(phase, "Succeeded") != 0;
}

void ruleset_pod(struct ruleset *ruleset, struct str space, struct str name, struct object *pod)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	struct pieces pieces = { .items = MAP_INIT(LIMIT_PROXY_ITEMS) };
	char owner[2 * RULESET_PATH];
	int n = snprintf(owner, sizeof(owner), "pod %.*s/%.*s", STR_ARG(space), STR_ARG(name));

	if (n <= 0 || (size_t)n >= sizeof(owner)) {
		return;
	}
	const json_t *tree = pod != NULL ? object_tree(pod) : NULL;

	for (size_t i = 0; i < 2 && tree != NULL && is_for_us(ruleset, tree); i++) {
		const json_t *container;
		size_t k;

		json_array_foreach (json_at(tree, lists[i]), k, container) {
			if (i == 0 ||
			    strcmp(json_string_at(container, "restartPolicy"), "Always") == 0) {
				add_container(&pieces, object_uid(pod), tree, container);
			}
		}
	}
	ruleset_own(ruleset, (struct str){ .p = owner, .n = (size_t)n }, &pieces);
}
