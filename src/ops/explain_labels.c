/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A selector that matches nothing: which labels are nearest to it. Every pod is weighed by what
 * would have to change in the selector to match it; a slip of the finger is mended, anything
 * farther is only shown.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "ops/explain_intern.h"
#include "json/json.h"

enum { FAR = 1000, LABELS_MAX = 4096 };

/* Written by controllers, one for each pod or revision: nobody selects by them. */
static bool is_generated(const char *key)
{
	static const char *const keys[] = {
		"pod-template-hash",
		"controller-revision-hash",
		"pod-template-generation",
		"statefulset.kubernetes.io/pod-name",
		"apps.kubernetes.io/pod-index",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_slip(struct str a, struct str b, unsigned *ret_distance)
{
	size_t shorter = a.n < b.n ? a.n : b.n;
	size_t bound = shorter / 3 > 1 ? shorter / 3 : 1;
	bool part = shorter >= 3 &&
		    (memmem(a.p, a.n, b.p, b.n) != NULL || memmem(b.p, b.n, a.p, a.n) != NULL);
	unsigned distance = edit_distance(a, b);

	*ret_distance = distance <= bound ? distance : (unsigned)bound + 1;
	return distance <= bound || part;
}

/* The pod's label that one term of the selector may have meant; NULL for none. */
static const char *meant(const json_t *labels, const char *key, const char *value,
			 unsigned *ret_cost)
{
	const char *own = json_string_value(json_object_get(labels, key));
	const char *best = NULL;
	const char *label;
	json_t *each;

	*ret_cost = FAR;
	if (own != NULL) {
		unsigned cost = 0;

		if (strcmp(own, value) == 0 || is_slip(str_from(own), str_from(value), &cost)) {
			*ret_cost = cost;
			best = key;
		}
		return best;
	}
	json_object_foreach ((json_t *)(uintptr_t)labels, label, each) {
		unsigned of_key = 0, of_value = 0;
		bool same_value = strcmp(json_string_value(each), value) == 0;
		bool near_key = is_slip(str_from(label), str_from(key), &of_key);

		if (is_generated(label) ||
		    !(same_value || (near_key && is_slip(str_from(json_string_value(each)),
							 str_from(value), &of_value)))) {
			continue;
		}
		unsigned cost = 2 + of_value + (near_key ? of_key : 4);

		if (cost < *ret_cost) {
			*ret_cost = cost;
			best = label;
		}
	}
	return best;
}

/* What to change in the selector (a merge patch of it) to match the pod; NULL when too far. */
static json_t *mend(const json_t *selector, const json_t *labels, unsigned *ret_cost)
{
	json_t *patch = json_object();
	unsigned sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)selector, key, value) {
		unsigned cost;
		const char *label = meant(labels, key, json_string_value(value), &cost);

		if (label == NULL) {
			json_decref(patch);
			return NULL;
		}
		sum += cost;
		if (strcmp(label, key) != 0) {
			json_object_set_new(patch, key, json_null());
		}
		if (cost != 0) {
			json_object_set(patch, label, json_object_get(labels, label));
		}
	}
	*ret_cost = sum;
	return patch;
}

/* The labels that the patch sets, "app=nginx". */
static const char *labels_said(struct explain *x, const json_t *patch)
{
	struct enumeration all = ENUMERATION(ENUMERATION_MAX);
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)patch, key, value) {
		if (json_is_string(value)) {
			const char *item = explain_say(x, "%s=%s", key, json_string_value(value));

			enumeration_add(&all, str_from(item));
		}
	}
	return enumeration_end(x, &all);
}

static bool say_mended(struct explain *x, const char *text, const char *pod, json_t *patch)
{
	_cleanup_json_ json_t *whole = json_pack("{s{sO}}", "spec", "selector", patch);
	_cleanup_buffer_ struct buffer json = BUFFER_INIT(LIMIT_EXPLAIN_TEXT);
	const char *labels = labels_said(x, patch);

	json_write(whole, &json);
	return explain_broken(
		x, "Pods", explain_say(x, "%s; nearest is pod %s with %s.", text, pod, labels),
		explain_say(x, "Make the Service select %s, or label the pods as it asks.", labels),
		explain_say(x, "kubectl patch service %.*s -n %.*s --type merge -p '%s'",
			    STR_ARG(x->service_name), STR_ARG(x->space), buffer_text(&json)));
}

/* Pods of other namespaces that match, as "3 in prod". */
static const char *matching_elsewhere(struct explain *x)
{
	struct object *first = NULL;
	size_t n = 0;

	cache_for_each (pod, x->cache, &kind_pod, STR_NONE) {
		if (explain_selects(x, pod) &&
		    (first == NULL || str_eq(pod->space, first->space))) {
			first = first == NULL ? pod : first;
			n++;
		}
	}
	return first == NULL ? NULL
			     : explain_say(x, "%zu in namespace %.*s", n, STR_ARG(first->space));
}

/* The labels that the pods there have; those with a key of the selector when there are any. */
static const char *labels_there(struct explain *x, const json_t *selector, bool by_key)
{
	struct enumeration all = ENUMERATION(ENUMERATION_MAX);
	struct map seen = MAP_INIT(LABELS_MAX);

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		const char *key;
		json_t *value;

		json_object_foreach (json_at(object_tree(pod), "metadata.labels"), key, value) {
			char item[LIMIT_EXPLAIN_TEXT / 2];

			if (is_generated(key) || seen.n == LABELS_MAX ||
			    (by_key && json_object_get(selector, key) == NULL)) {
				continue;
			}
			snprintf(item, sizeof(item), "%s=%s", key, json_string_value(value));
			if (map_put(&seen, str_from(item), x) == NULL) {
				enumeration_add(&all, str_from(item));
			}
		}
	}
	map_deinit(&seen, NULL);
	bool nothing = all.n == 0;
	const char *text = enumeration_end(x, &all);

	return nothing && by_key ? labels_there(x, selector, /* by_key= */ false) : text;
}

static bool say_far(struct explain *x, const char *text, const json_t *selector)
{
	const char *elsewhere = matching_elsewhere(x);

	if (elsewhere != NULL) {
		return explain_broken(
			x, "Pods",
			explain_say(x, "%s, but %s; a Service selects pods of its own namespace.",
				    text, elsewhere),
			"Make the Service in the namespace of its pods.", "kubectl get pods -A");
	}
	if (x->pods.in_space == 0) {
		return explain_broken(x, "Pods", explain_say(x, "%s.", text),
				      "Start the workload, or scale it up if it stands at 0.",
				      explain_say(x, "kubectl get statefulsets,deployments -n %.*s",
						  STR_ARG(x->space)));
	}
	return explain_broken(
		x, "Pods",
		explain_say(x, "%s; labels there: %s.", text,
			    labels_there(x, selector, /* by_key= */ true)),
		"Give the pods the labels that the selector asks for, or the Service a selector "
		"that fits; or scale up the workload that should be there.",
		explain_say(x, "kubectl get pods -n %.*s --show-labels", STR_ARG(x->space)));
}

bool explain_near_labels(struct explain *x, const char *text)
{
	const json_t *selector = json_at(object_tree(x->service), "spec.selector");
	_cleanup_json_ json_t *best = NULL;
	struct object *nearest = NULL;
	unsigned best_cost = 0;

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		unsigned cost = 0;
		json_t *patch = pod_fact_finished(pod)
					? NULL
					: mend(selector,
					       json_at(object_tree(pod), "metadata.labels"), &cost);

		if (patch != NULL && (best == NULL || cost < best_cost)) {
			json_decref(best);
			best = json_incref(patch);
			best_cost = cost;
			nearest = pod;
		}
		json_decref(patch);
	}
	if (best == NULL) {
		return say_far(x, text, selector);
	}
	return say_mended(x, text, explain_say(x, "%.*s", STR_ARG(nearest->name)), best);
}
