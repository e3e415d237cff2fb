/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives every Node that has none a network for its pods out of the cluster's: the first /24 (IPv6:
 * /64) that no other Node holds. All Nodes are one key, so no two get the same. (Simulated nodes
 * come with theirs.)
 */
#include "control/controllers.h"

#include "base/ip.h"
#include "base/limits.h"
#include "base/str.h"
#include "object/kinds.h"
#include "json/json.h"

#define KEY "nodes"

static bool overlaps_any(const json_t *texts, const struct ip_network *part)
{
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text) {
		struct ip_network other;

		if (ip_network_parse(str_from(json_string_value(text)), &other) &&
		    ip_network_overlaps(part, &other)) {
			return true;
		}
	}
	return false;
}

static bool is_cut(const struct cache *cache, const json_t *planned, const struct ip_network *part)
{
	if (overlaps_any(planned, part)) {
		return true;
	}
	cache_for_each (node, cache, &kind_node, STR_NONE) {
		if (overlaps_any(json_at(object_tree(node), "spec.podCIDRs"), part)) {
			return true;
		}
	}
	return false;
}

/* The first free part as text; false: none is left. */
static bool cut(const struct cache *cache, const json_t *planned, const struct ip_network *all,
		char ret_text[IP_NETWORK_TEXT])
{
	uint8_t bits = all->ip.n == 4 ? 24 : 64;

	bits = bits > all->bits ? bits : all->bits;
	uint64_t parts = ip_network_parts(all, bits);

	for (uint64_t i = 0; i < parts && i < LIMIT_CACHE_OBJECTS; i++) {
		struct ip_network part = ip_network_part(all, bits, i);

		if (!is_cut(cache, planned, &part)) {
			ip_network_text(&part, ret_text);
			return true;
		}
	}
	return false;
}

/* NULL when nothing is left. What it returns stands in `planned`, too. */
static json_t *cut_all(const struct view *view, json_t *planned)
{
	const struct controller_settings *settings = view->settings;
	json_t *cidrs = json_array();

	for (size_t i = 0; i < 2 && settings->pod_cidrs[i] != NULL; i++) {
		struct ip_network all;
		char text[IP_NETWORK_TEXT];

		if (!ip_network_parse(str_from(settings->pod_cidrs[i]), &all) ||
		    !cut(view->cache, planned, &all, text)) {
			json_decref(cidrs);
			return NULL;
		}
		json_array_append_new(cidrs, json_string(text));
		json_array_append_new(planned, json_string(text));
	}
	return cidrs;
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	const struct controller_settings *settings = view->settings;
	_cleanup_json_ json_t *planned = json_array();

	if (settings == NULL || settings->pod_cidrs[0] == NULL) {
		return;
	}
	cache_for_each (node, view->cache, &kind_node, STR_NONE) {
		if (json_array_size(json_at(object_tree(node), "spec.podCIDRs")) != 0 ||
		    object_is_deleting(node)) {
			continue;
		}
		_cleanup_json_ json_t *cidrs = cut_all(view, planned);

		if (cidrs == NULL) {
			plan_event(plan, node, "Warning", "CIDRNotAvailable",
				   "every part of the pod network %s is taken",
				   settings->pod_cidrs[0]);
			continue;
		}
		plan_patch(plan, &kind_node, STR_NONE, node->name, NULL,
			   json_pack("{s:{s:O, s:O}}", "spec", "podCIDR", json_array_get(cidrs, 0),
				     "podCIDRs", cidrs));
		plan_tolerate(plan, "NotFound");
	}
}

static void keys(const struct cache *cache, struct object *old, struct object *now,
		 struct key_sink *sink)
{
	key_sink_add(sink, STR(KEY));
}

const struct controller controller_pod_networks = {
	.name = "node-ipam-controller",
	.sources = { { .kind = &kind_node, .keys = keys } },
	.reconcile = reconcile,
};
