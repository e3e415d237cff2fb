/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taints, node affinity, host ports, capacity.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/
 *
 * A node that is cordoned or not ready counts as one with the taint that says so.
 */
#include <stdlib.h>
#include <string.h>

#include "control/claim.h"
#include "control/resources.h"
#include "control/scheduler_intern.h"
#include "control/status.h"
#include "object/quantity.h"
#include "json/json.h"

static bool is_text(const json_t *tree, const char *path, const char *text)
{
	return strcmp(json_string_at(tree, path), text) == 0;
}

/* ---- taints ---- */

static bool tolerates(const json_t *toleration, const char *key, const char *value,
		      const char *effect)
{
	const char *wanted_key = json_string_at(toleration, "key");
	const char *wanted_effect = json_string_at(toleration, "effect");
	bool exists = is_text(toleration, "operator", "Exists");

	if (wanted_effect[0] != '\0' && strcmp(wanted_effect, effect) != 0) {
		return false;
	}
	if (wanted_key[0] == '\0') {
		return exists;
	}
	return strcmp(wanted_key, key) == 0 && (exists || is_text(toleration, "value", value));
}

static bool pod_tolerates(struct object *pod, const char *key, const char *value,
			  const char *effect)
{
	const json_t *tolerations = json_at(object_tree(pod), "spec.tolerations");
	const json_t *toleration;
	size_t i;

	json_array_foreach (tolerations, i, toleration) {
		if (tolerates(toleration, key, value, effect)) {
			return true;
		}
	}
	return false;
}

static void refuse_taint(const char *key, const char *value, struct buffer *reason)
{
	buffer_printf(reason, "node(s) had untolerated taint {%s: %s}", key, value);
}

static void check_taints(struct object *node, struct object *pod, struct buffer *reason)
{
	const json_t *tree = object_tree(node);
	const json_t *taint;
	size_t i;

	if (json_bool_at(tree, "spec.unschedulable", false) &&
	    !pod_tolerates(pod, "node.kubernetes.io/unschedulable", "", "NoSchedule")) {
		buffer_append_text(reason, "node(s) were unschedulable");
		return;
	}
	json_array_foreach (json_at(tree, "spec.taints"), i, taint) {
		const char *key = json_string_at(taint, "key");
		const char *value = json_string_at(taint, "value");
		const char *effect = json_string_at(taint, "effect");

		if (strcmp(effect, "PreferNoSchedule") != 0 &&
		    !pod_tolerates(pod, key, value, effect)) {
			refuse_taint(key, value, reason);
			return;
		}
	}
	if (!condition_is_true(json_at(tree, "status.conditions"), "Ready") &&
	    !pod_tolerates(pod, "node.kubernetes.io/not-ready", "", "NoSchedule")) {
		refuse_taint("node.kubernetes.io/not-ready", "", reason);
	}
}

size_t place_deters(const struct place *place, struct object *pod)
{
	const json_t *taint;
	size_t n = 0;
	size_t i;

	json_array_foreach (json_at(object_tree(place->node), "spec.taints"), i, taint) {
		n += is_text(taint, "effect", "PreferNoSchedule") &&
		     !pod_tolerates(pod, json_string_at(taint, "key"),
				    json_string_at(taint, "value"), "PreferNoSchedule");
	}
	return n;
}

/* ---- node selector and affinity ---- */

static bool is_listed(const json_t *values, const char *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach (values, i, one) {
		if (strcmp(json_string_value(one), value) == 0) {
			return true;
		}
	}
	return false;
}

/* Gt and Lt compare integers; anything else does not match. */
static bool compare_numbers(const char *operator, const char * value, const json_t *values)
{
	const char *other = json_string_value(json_array_get(values, 0));
	char *end = NULL;
	char *other_end = NULL;

	if (other == NULL || value[0] == '\0' || other[0] == '\0') {
		return false;
	}
	long long a = strtoll(value, &end, 10);
	long long b = strtoll(other, &other_end, 10);

	if (*end != '\0' || *other_end != '\0') {
		return false;
	}
	return strcmp(operator, "Gt") == 0 ? a > b : a < b;
}

/* `value` NULL: the node has no such label. */
static bool matches_requirement(const json_t *requirement, const char *value)
{
	const char *operator= json_string_at(requirement, "operator");
	const json_t *values = json_object_get(requirement, "values");

	if (strcmp(operator, "In") == 0) {
		return value != NULL && is_listed(values, value);
	}
	if (strcmp(operator, "NotIn") == 0) {
		return value == NULL || !is_listed(values, value);
	}
	if (strcmp(operator, "Exists") == 0) {
		return value != NULL;
	}
	if (strcmp(operator, "DoesNotExist") == 0) {
		return value == NULL;
	}
	return value != NULL && compare_numbers(operator, value, values);
}

/* All expressions of a term; a term without any matches nothing. */
static bool matches_term(struct object *node, const json_t *term)
{
	const json_t *labels = json_at(object_tree(node), "metadata.labels");
	const json_t *expressions = json_object_get(term, "matchExpressions");
	const json_t *fields = json_object_get(term, "matchFields");
	const json_t *requirement;
	size_t i;

	json_array_foreach (expressions, i, requirement) {
		if (!matches_requirement(requirement,
					 json_string_value(json_object_get(
						 labels, json_string_at(requirement, "key"))))) {
			return false;
		}
	}
	json_array_foreach (fields, i, requirement) {
		if (!is_text(requirement, "key", "metadata.name") ||
		    !matches_requirement(requirement,
					 json_string_at(object_tree(node), "metadata.name"))) {
			return false;
		}
	}
	return json_array_size(expressions) + json_array_size(fields) != 0;
}

bool node_matches(struct object *node, const json_t *selector)
{
	const json_t *terms = json_object_get(selector, "nodeSelectorTerms");
	const json_t *term;
	size_t i;

	json_array_foreach (terms, i, term) {
		if (matches_term(node, term)) {
			return true;
		}
	}
	return terms == NULL;
}

static bool matches_affinity(struct object *node, struct object *pod)
{
	const json_t *tree = object_tree(pod);
	const json_t *labels = json_at(object_tree(node), "metadata.labels");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)json_at(tree, "spec.nodeSelector"), key, value) {
		if (!json_equal(json_object_get(labels, key), value)) {
			return false;
		}
	}
	return node_matches(node, json_at(tree, "spec.affinity.nodeAffinity."
						"requiredDuringSchedulingIgnoredDuringExecution"));
}

/* ---- host ports ---- */

static bool is_any_address(const char *address)
{
	return address[0] == '\0' || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static bool ports_collide(const json_t *a, const json_t *b)
{
	const char *protocol = json_string_at(a, "protocol");
	const char *other = json_string_at(b, "protocol");
	const char *address = json_string_at(a, "hostIP");
	const char *other_address = json_string_at(b, "hostIP");

	return json_int_at(a, "hostPort", 0) != 0 &&
	       json_int_at(a, "hostPort", 0) == json_int_at(b, "hostPort", 0) &&
	       strcmp(protocol[0] != '\0' ? protocol : "TCP", other[0] != '\0' ? other : "TCP") ==
		       0 &&
	       (is_any_address(address) || is_any_address(other_address) ||
		strcmp(address, other_address) == 0);
}

/* `port` collides with a host port of `pod`. */
static bool port_is_taken(struct object *pod, const json_t *port)
{
	const json_t *container;
	const json_t *other;
	size_t i;
	size_t j;

	json_array_foreach (json_at(object_tree(pod), "spec.containers"), i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, other) {
			if (ports_collide(port, other)) {
				return true;
			}
		}
	}
	return false;
}

static bool has_free_ports(const struct place *place, struct object *pod)
{
	const json_t *container;
	const json_t *port;
	size_t i;
	size_t j;

	json_array_foreach (json_at(object_tree(pod), "spec.containers"), i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			if (json_int_at(port, "hostPort", 0) == 0) {
				continue;
			}
			for (size_t k = 0; k < place->pods.n; k++) {
				if (port_is_taken(place->pods.items[k], port)) {
					return false;
				}
			}
		}
	}
	return true;
}

/* ---- capacity ---- */

static void check_capacity(const struct place *place, const json_t *requests, struct buffer *reason)
{
	const json_t *room = json_at(object_tree(place->node), "status.allocatable");
	const char *name;
	json_t *number;

	if (room == NULL) {
		room = json_at(object_tree(place->node), "status.capacity");
	}
	const json_t *pods = json_object_get(room, "pods");

	if (pods != NULL && (int64_t)place->pods.n >= quantity_milli(pods) / 1000) {
		buffer_append_text(reason, "Too many pods");
		return;
	}
	json_object_foreach ((json_t *)requests, name, number) {
		const json_t *quantity = json_object_get(room, name);
		int64_t used = json_integer_value(json_object_get(place->used, name));
		int64_t wanted = json_integer_value(number);
		/*
		 * A node that says nothing of cpu or memory has enough; of anything else it has
		 * none.
		 */
		bool unlimited = quantity == NULL && strchr(name, '/') == NULL;

		if (wanted != 0 && !unlimited && used + wanted > quantity_milli(quantity)) {
			buffer_printf(reason, "Insufficient %s", name);
			return;
		}
	}
}

void place_refuses(const struct place *place, struct object *pod, const json_t *requests,
		   struct buffer *reason)
{
	check_taints(place->node, pod, reason);
	if (reason->n == 0 && !matches_affinity(place->node, pod)) {
		buffer_append_text(reason, "node(s) didn't match Pod's node affinity/selector");
	}
	if (reason->n == 0 && !has_free_ports(place, pod)) {
		buffer_append_text(reason,
				   "node(s) didn't have free ports for the requested pod ports");
	}
	if (reason->n == 0) {
		check_capacity(place, requests, reason);
	}
}
