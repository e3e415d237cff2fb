/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After each change what is wanted (of all Nodes) is compared with what the kernel has (of ours):
 * few routes, no memory of the past, so whatever happened meanwhile is put right, too.
 */
#include "node/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rtnetlink.h"
#include "client/cache.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

#define COMPONENT "routes"

enum {
	/* "h": above RTPROT_STATIC, and no routing program's (/etc/iproute2/rt_protos). */
	PROTOCOL = 104,
	ROUTE_TEXT = IP_NETWORK_TEXT + IP_TEXT + 8,
};

struct routes {
	struct loop *loop;
	struct cache *cache;
	char *node_name;
	struct loop_timer *timer;
	struct map wanted; /* network -> struct rtnetlink_route */
	struct map refused; /* network -> us: the kernel did not take it, which was said */
	struct map stale; /* network -> struct rtnetlink_route */
};

static void route_text(const struct rtnetlink_route *route, char ret_text[ROUTE_TEXT])
{
	char network[IP_NETWORK_TEXT];
	char via[IP_TEXT];

	ip_network_text(&route->to, network);
	ip_text(&route->via, via);
	snprintf(ret_text, ROUTE_TEXT, "%s via %s", network, via);
}

static void release(void *value)
{
	mem_free(value);
}

static void keep(struct map *map, const struct rtnetlink_route *route)
{
	struct rtnetlink_route *copy = MEM_NEW(struct rtnetlink_route);
	char key[IP_NETWORK_TEXT];

	*copy = *route;
	ip_network_text(&route->to, key);
	mem_free(map_put(map, str_from(key), copy));
}

/* ---- what is wanted ---- */

/* The node's own address of a family; false: it has none. */
static bool node_address(const json_t *node, uint8_t family, struct ip *ret)
{
	const json_t *address;
	size_t i;

	json_array_foreach (json_at(node, "status.addresses"), i, address) {
		if (strcmp(json_string_at(address, "type"), "InternalIP") == 0 &&
		    ip_parse(str_from(json_string_at(address, "address")), ret) &&
		    ret->n == family) {
			return true;
		}
	}
	return false;
}

static void want_routes(struct routes *routes)
{
	map_deinit(&routes->wanted, release);
	map_init(&routes->wanted, LIMIT_NODE_ROUTES);
	cache_for_each (node, routes->cache, &kind_node, STR_NONE) {
		const json_t *tree = object_tree(node);
		const json_t *cidr;
		size_t i;

		if (str_is(node->name, routes->node_name)) {
			continue;
		}
		json_array_foreach (json_at(tree, "spec.podCIDRs"), i, cidr) {
			struct rtnetlink_route route;

			if (routes->wanted.n < LIMIT_NODE_ROUTES &&
			    ip_network_parse(str_from(json_string_value(cidr)), &route.to) &&
			    node_address(tree, route.to.ip.n, &route.via)) {
				keep(&routes->wanted, &route);
			}
		}
	}
}

/* ---- what is done ---- */

/* A route of ours that the kernel has: right, to be replaced, or to go. */
static void found(void *userdata, const struct rtnetlink_route *route)
{
	struct routes *routes = userdata;
	char key[IP_NETWORK_TEXT];

	ip_network_text(&route->to, key);
	const struct rtnetlink_route *wanted = map_get(&routes->wanted, str_from(key));

	if (wanted != NULL && ip_eq(&wanted->via, &route->via)) {
		mem_free(map_remove(&routes->wanted, str_from(key)));
	} else if (wanted == NULL && routes->stale.n < LIMIT_NODE_ROUTES) {
		keep(&routes->stale, route);
	}
}

static void set(struct routes *routes, struct str key, const struct rtnetlink_route *route)
{
	char text[ROUTE_TEXT];
	int result = rtnetlink_route_set(route, PROTOCOL);

	route_text(route, text);
	if (result == 0) {
		map_remove(&routes->refused, key);
		log_info(COMPONENT, "%s", text);
	} else if (map_get(&routes->refused, key) == NULL &&
		   routes->refused.n < LIMIT_NODE_ROUTES) {
		/* Simulated nodes, or ones behind a router. */
		log_warning(COMPONENT, "%s cannot be set: %s", text, strerror(-result));
		map_put(&routes->refused, key, routes);
	}
}

static void sync(void *userdata)
{
	struct routes *routes = userdata;
	int result;

	want_routes(routes);
	result = rtnetlink_routes(PROTOCOL, found, routes);
	if (result < 0) {
		log_error(COMPONENT, "cannot read the routes: %s", strerror(-result));
		return;
	}
	map_for_each (entry, &routes->stale) {
		char text[ROUTE_TEXT];

		route_text(entry->value, text);
		log_info(COMPONENT, "%s goes", text);
		(void)rtnetlink_route_remove(entry->value, PROTOCOL);
		map_remove(&routes->refused, entry->key);
	}
	map_deinit(&routes->stale, release);
	map_init(&routes->stale, LIMIT_NODE_ROUTES);
	map_for_each (entry, &routes->wanted) {
		set(routes, entry->key, entry->value);
	}
}

/* Changes that come together are looked at together, and never half a list. */
static void node_changed(void *userdata, struct object *old, struct object *now)
{
	struct routes *routes = userdata;

	if (cache_is_synced(routes->cache)) {
		loop_timer_set(routes->timer, 0);
	}
}

struct routes *routes_new(struct loop *loop, struct cache *cache, const char *node_name)
{
	struct routes *routes = MEM_NEW(struct routes);

	routes->loop = loop;
	routes->cache = cache;
	routes->node_name = mem_strdup(node_name);
	routes->timer = loop_timer_new(loop, sync, routes);
	map_init(&routes->wanted, LIMIT_NODE_ROUTES);
	map_init(&routes->refused, LIMIT_NODE_ROUTES);
	map_init(&routes->stale, LIMIT_NODE_ROUTES);
	cache_subscribe(cache, &kind_node, node_changed, routes);
	cache_on_synced(cache, sync, routes);
	return routes;
}

struct routes *routes_free(struct routes *routes)
{
	if (routes != NULL) {
		routes->timer = loop_timer_free(routes->timer);
		map_deinit(&routes->wanted, release);
		map_deinit(&routes->stale, release);
		map_deinit(&routes->refused, NULL);
		mem_free(routes->node_name);
		mem_free(routes);
	}
	return NULL;
}
