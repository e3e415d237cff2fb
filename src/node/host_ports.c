/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of the node that pods ask for (hostPort). The scheduler keeps pods apart that want the same
 * one; a pod that names its node itself goes round it, and is turned away here, as a kubelet does.
 */
#include "node/host_ports.h"

#include <string.h>

#include "client/cache.h"
#include "node/simulated_intern.h"
#include "object/kinds.h"
#include "json/json.h"

static const char *protocol_of(const json_t *port)
{
	const char *protocol = json_string_at(port, "protocol");

	return protocol[0] != '\0' ? protocol : "TCP";
}

/* "" and the unspecified addresses are all of the node's. */
static bool is_any(const char *ip)
{
	return ip[0] == '\0' || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

static bool collides(const json_t *a, const json_t *b)
{
	const char *x = json_string_at(a, "hostIP");
	const char *y = json_string_at(b, "hostIP");

	return json_int_at(a, "hostPort", 0) == json_int_at(b, "hostPort", 0) &&
	       strcmp(protocol_of(a), protocol_of(b)) == 0 &&
	       (is_any(x) || is_any(y) || strcmp(x, y) == 0);
}

static bool has_port(const json_t *pod, const json_t *wanted)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (json_at(pod, "spec.containers"), i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			if (collides(port, wanted)) {
				return true;
			}
		}
	}
	return false;
}

bool host_ports_collide(const json_t *pod, const json_t *other)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (json_at(pod, "spec.containers"), i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			if (json_int_at(port, "hostPort", 0) != 0 && has_port(other, port)) {
				return true;
			}
		}
	}
	return false;
}

static bool asks_for_any(const json_t *pod)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (json_at(pod, "spec.containers"), i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			if (json_int_at(port, "hostPort", 0) != 0) {
				return true;
			}
		}
	}
	return false;
}

bool host_ports_are_taken(const struct cache *cache, struct object *pod)
{
	const json_t *tree = object_tree(pod);
	bool before = true; /* others that start in this plan, too: the first one wins */

	if (!asks_for_any(tree)) {
		return false;
	}
	cache_for_index (other, cache, &kind_pod, CACHE_PODS_BY_NODE,
			 str_from(json_string_at(tree, "spec.nodeName"))) {
		if (other == pod) {
			before = false;
		} else if ((before || pod_has_address(other)) && !pod_has_ended(other) &&
			   host_ports_collide(tree, object_tree(other))) {
			return true;
		}
	}
	return false;
}
