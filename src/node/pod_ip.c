/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address is free when no pod in the cache has it, on this node or any other, finished or not,
 * and this reconcile has not given it away. All pods of a node are one key, and a key is not
 * reconciled again before the cache has seen what its last plan did, so nothing else needs to be
 * remembered: not over a restart either.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "client/cache.h"
#include "node/simulated_intern.h"
#include "object/kinds.h"
#include "json/json.h"

#define PODS_BY_IP "ip"

/* The network itself and its gateway come first and are nobody's. */
enum { FIRST_OFFSET = 2 };

static void keys_by_ip(struct object *pod, struct cache_index_keys *keys)
{
	const json_t *address;
	size_t i;

	if (json_bool_at(object_tree(pod), "spec.hostNetwork", false)) {
		return;
	}
	json_array_foreach (json_at(object_tree(pod), "status.podIPs"), i, address) {
		cache_index_key(keys, str_from(json_string_at(address, "ip")));
	}
}

void pod_ip_prepare(struct cache *cache)
{
	cache_index(cache, &kind_pod, PODS_BY_IP, keys_by_ip);
}

void pod_ips_init(struct pod_ips *ips, const struct view *view, struct object *node, size_t index)
{
	*ips = (struct pod_ips){ .view = view, .node = node, .index = index };
	map_init(&ips->given, LIMIT_CACHE_OBJECTS);
}

void pod_ips_deinit(struct pod_ips *ips)
{
	map_deinit(&ips->given, NULL);
}

static bool is_free(const struct pod_ips *ips, const char *text)
{
	return map_get(&ips->given, str_from(text)) == NULL &&
	       cache_index_next(ips->view->cache, &kind_pod, PODS_BY_IP, str_from(text), NULL) ==
		       NULL;
}

/* Offsets that pods may have: [FIRST_OFFSET, end). The last IPv4 address is the broadcast's. */
static uint64_t end_offset(const struct ip_network *network)
{
	uint64_t size = ip_network_size(network);

	size = size < LIMIT_NODE_PODS ? size : LIMIT_NODE_PODS;
	return network->ip.n == 4 ? size - 1 : size;
}

/* Takes the next free one behind the cursor, around the network; false: none. */
static bool take_from(struct pod_ips *ips, const struct ip_network *network, json_t *addresses)
{
	uint64_t *cursor = &view_simulated(ips->view)->cursors[ips->index];
	uint64_t end = end_offset(network);
	uint64_t offset = *cursor;

	for (uint64_t n = FIRST_OFFSET; n < end; n++, offset++) {
		char text[IP_TEXT];
		struct ip ip;

		offset = offset < FIRST_OFFSET || offset >= end ? FIRST_OFFSET : offset;
		ip = ip_network_at(network, offset);
		ip_text(&ip, text);
		if (is_free(ips, text)) {
			map_put(&ips->given, str_from(text), ips);
			json_array_append_new(addresses, json_pack("{ss}", "ip", text));
			*cursor = offset; /* the other family looks at the same number first */
			return true;
		}
	}
	return false;
}

json_t *pod_ips_take(struct pod_ips *ips)
{
	const json_t *cidrs = json_at(object_tree(ips->node), "spec.podCIDRs");
	json_t *addresses = json_array();
	const json_t *cidr;
	size_t i;

	json_array_foreach ((json_t *)cidrs, i, cidr) {
		struct ip_network network;

		if (!ip_network_parse(str_from(json_string_value(cidr)), &network) ||
		    !take_from(ips, &network, addresses)) {
			json_decref(addresses);
			return NULL;
		}
	}
	if (json_array_size(addresses) == 0) {
		json_decref(addresses);
		return NULL;
	}
	view_simulated(ips->view)->cursors[ips->index]++;
	return addresses;
}

static bool is_older(struct object *a, struct object *b)
{
	int order = strcmp(json_string_at(object_tree(a), "metadata.creationTimestamp"),
			   json_string_at(object_tree(b), "metadata.creationTimestamp"));

	return order != 0 ? order < 0 : strcmp(object_uid(a), object_uid(b)) < 0;
}

bool pod_ip_is_taken(const struct cache *cache, struct object *pod)
{
	const json_t *address;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "status.podIPs"), i, address) {
		struct str ip = str_from(json_string_at(address, "ip"));

		cache_for_index (other, cache, &kind_pod, PODS_BY_IP, ip) {
			if (other != pod && is_older(other, pod)) {
				return true;
			}
		}
	}
	return false;
}
