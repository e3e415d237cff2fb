/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EndpointSlices: what DNS is made of. Pods that are ready and slices that do not say so differ for
 * the moment that the controller needs, or for good when none runs.
 */
#include <stdio.h>
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "json/json.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

/* ---- facts ---- */

void explain_each_endpoint(const struct explain *x,
			   bool (*visit)(void *userdata, struct object *slice,
					 const json_t *endpoint),
			   void *userdata)
{
	char key[LIMIT_CACHE_KEY];
	int n = snprintf(key, sizeof(key), "%.*s/%.*s", STR_ARG(x->space),
			 STR_ARG(x->service_name));
	struct str by = { .p = key, .n = (size_t)n };

	cache_for_index (slice, x->cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE, by) {
		const json_t *endpoints = json_at(object_tree(slice), "endpoints");
		const json_t *endpoint;
		size_t i;

		json_array_foreach (endpoints, i, endpoint) {
			if (!visit(userdata, slice, endpoint)) {
				return;
			}
		}
	}
}

/* Unknown is ready, for those who consume slices. */
bool endpoint_fact_ready(const json_t *endpoint)
{
	return !json_is_false(json_at(endpoint, "conditions.ready"));
}

bool endpoint_fact_is_at(const json_t *endpoint, const struct ip *address)
{
	const json_t *addresses = json_object_get(endpoint, "addresses");
	const json_t *each;
	size_t i;

	json_array_foreach (addresses, i, each) {
		struct ip own;
		struct str text = { .p = json_string_value(each), .n = json_string_length(each) };

		if (ip_parse(text, &own) && own.n == address->n &&
		    memcmp(own.bytes, address->bytes, own.n) == 0) {
			return true;
		}
	}
	return false;
}

void endpoint_fact_label(const struct explain *x, const json_t *endpoint,
			 char ret_label[LIMIT_DNS_LABEL + 1])
{
	const char *pod = json_string_at(endpoint, "targetRef.name");
	const char *hostname = json_string_at(endpoint, "hostname");
	const char *address =
		json_string_value(json_array_get(json_object_get(endpoint, "addresses"), 0));
	char dashed[ADDRESS_LABEL];
	size_t n;

	if (hostname[0] != '\0') {
		snprintf(ret_label, LIMIT_DNS_LABEL + 1, "%s", hostname);
		return;
	}
	if (x->question->zone != NULL && x->question->zone->endpoint_pod_names &&
	    explain_is_label(str_from(pod))) {
		snprintf(ret_label, LIMIT_DNS_LABEL + 1, "%s", pod);
		return;
	}
	n = address_dashed(str_from(address), dashed);
	snprintf(ret_label, LIMIT_DNS_LABEL + 1, "%.*s", (int)n, dashed);
}

/* ---- what is wrong with them ---- */

static const char *list_command(struct explain *x)
{
	return explain_say(x, "kubectl get endpointslices -n %.*s -l " SERVICE_LABEL "=%.*s",
			   STR_ARG(x->space), STR_ARG(x->service_name));
}

/* A slice that somebody made for the Service, by its name, but without the label; or NULL. */
static struct object *find_unlabelled(const struct explain *x)
{
	cache_for_each (slice, x->cache, &kind_endpoint_slice, x->space) {
		if (object_label(slice, SERVICE_LABEL)[0] == '\0' &&
		    str_starts(slice->name, x->service_name)) {
			return slice;
		}
	}
	return NULL;
}

static bool no_slice_by_hand(struct explain *x)
{
	struct object *slice = find_unlabelled(x);

	if (slice != NULL) {
		return explain_broken(
			x, "Slice",
			explain_say(x,
				    "EndpointSlice %.*s lacks the label " SERVICE_LABEL
				    "=%.*s, which ties it to the Service.",
				    STR_ARG(slice->name), STR_ARG(x->service_name)),
			"Label it.",
			explain_say(x,
				    "kubectl label endpointslice %.*s -n %.*s " SERVICE_LABEL
				    "=%.*s",
				    STR_ARG(slice->name), STR_ARG(x->space),
				    STR_ARG(x->service_name)));
	}
	return explain_broken(
		x, "Slice", "No EndpointSlice: without a selector nobody makes one.",
		explain_say(x,
			    "Make an EndpointSlice with the addresses and the label " SERVICE_LABEL
			    ": %.*s, or give the Service a selector.",
			    STR_ARG(x->service_name)),
		"kubectl explain endpointslice");
}

static bool by_hand(struct explain *x)
{
	const struct explain_slices *slices = &x->slices;

	if (slices->n == 0) {
		return no_slice_by_hand(x);
	}
	if (slices->endpoints == 0) {
		return explain_broken(x, "Slice", "Its EndpointSlices hold no endpoints.",
				      "Put the addresses into them.", list_command(x));
	}
	return explain_broken(
		x, "Slice",
		explain_say(x, "All %zu endpoints say conditions.ready: false.", slices->endpoints),
		"Set conditions.ready to true for those that serve.", list_command(x));
}

/* Whether a pod that matches has an address of a family ("IPv4" or "IPv6"). */
static bool pods_have_family(const struct explain *x, const char *family)
{
	bool wants_v6 = strcmp(family, "IPv6") == 0;

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		const json_t *ips = json_at(object_tree(pod), "status.podIPs");
		const char *first = json_string_at(object_tree(pod), "status.podIP");
		const json_t *ip;
		size_t i;

		if (!explain_selects(x, pod)) {
			continue;
		}
		json_array_foreach (ips, i, ip) {
			if ((strchr(json_string_at(ip, "ip"), ':') != NULL) == wants_v6) {
				return true;
			}
		}
		if (first[0] != '\0' && (strchr(first, ':') != NULL) == wants_v6) {
			return true;
		}
	}
	return false;
}

/* The families of the Service as "IPv4, IPv6"; *ret_fit: the pods have an address of one. */
static const char *families(struct explain *x, bool *ret_fit)
{
	const json_t *list = json_at(object_tree(x->service), "spec.ipFamilies");
	struct enumeration all = ENUMERATION(ENUMERATION_MAX);
	const json_t *family;
	size_t i;

	*ret_fit = json_array_size(list) == 0;
	json_array_foreach (list, i, family) {
		enumeration_add(&all, str_from(json_string_value(family)));
		*ret_fit |= pods_have_family(x, json_string_value(family));
	}
	return enumeration_end(x, &all);
}

static bool by_controller(struct explain *x)
{
	const struct explain_slices *slices = &x->slices;
	bool fit;
	const char *wanted = families(x, &fit);

	if (!fit) {
		return explain_broken(
			x, "Slice",
			explain_say(x, "The Service is %s, but no pod has such an address.",
				    wanted),
			"Create it anew with the ipFamilies that the pods have.",
			explain_say(x, "kubectl get pods -n %.*s -o wide", STR_ARG(x->space)));
	}
	return explain_broken(
		x, "Slice",
		slices->n == 0
			? explain_say(x, "No EndpointSlice is there for the pods that are ready.")
			: explain_say(
				  x,
				  "The EndpointSlices are behind the pods: %zu of %zu endpoints "
				  "are ready.",
				  slices->ready, slices->endpoints),
		"The controller makes them within moments; if not, see that "
		"kube-controller-manager runs.",
		list_command(x));
}

static bool of_domain_names(struct explain *x)
{
	return explain_broken(x, "Slice",
			      "Its EndpointSlices are of addressType FQDN, which gives no records.",
			      "Use addressType IPv4 or IPv6; for a domain name a Service of type "
			      "ExternalName.",
			      list_command(x));
}

/* A family that the Service has and its endpoints do not. */
static void say_families(struct explain *x)
{
	const json_t *list = json_at(object_tree(x->service), "spec.ipFamilies");
	const json_t *family;
	size_t i;

	json_array_foreach (list, i, family) {
		bool v6 = strcmp(json_string_value(family), "IPv6") == 0;

		if ((v6 ? x->slices.v6 : x->slices.v4) == 0) {
			explain_info(x, "Family",
				     explain_say(x,
						 "%s is a family of the Service, but no endpoint "
						 "has such an address: %s queries get an empty "
						 "answer.",
						 json_string_value(family), v6 ? "AAAA" : "A"),
				     NULL, NULL);
		}
	}
}

struct host_search {
	const struct explain *x;
	bool ready;
};

static bool match_host(void *userdata, struct object *slice, const json_t *endpoint)
{
	struct host_search *search = userdata;
	char label[LIMIT_DNS_LABEL + 1];

	endpoint_fact_label(search->x, endpoint, label);
	search->ready =
		str_eq_nocase(search->x->host, str_from(label)) && endpoint_fact_ready(endpoint);
	return !search->ready;
}

/* Whether the slices hold what the name asks for. */
static bool is_held(const struct explain *x)
{
	struct host_search search = { .x = x };

	if (x->shape != SHAPE_HOST) {
		return x->slices.ready != 0;
	}
	explain_each_endpoint(x, match_host, &search);
	return search.ready;
}

static void say_held(struct explain *x)
{
	const struct explain_slices *slices = &x->slices;

	explain_ok(x, "Slice",
		   explain_say(x, "%zu %s %zu %s, %zu ready.", slices->n,
			       plural(slices->n, "EndpointSlice holds", "EndpointSlices hold"),
			       slices->endpoints,
			       plural(slices->endpoints, "endpoint", "endpoints"), slices->ready));
	if (x->headless && slices->ready != 0) {
		say_families(x);
	}
}

bool explain_slices(struct explain *x)
{
	const struct explain_slices *slices = &x->slices;
	bool empty = x->selector == NULL || x->pods.ready == 0;

	if (is_held(x) || (x->resolves && x->headless)) {
		say_held(x);
		return true;
	}
	if (!x->headless && x->shape != SHAPE_HOST && empty) {
		explain_info(x, "Slice", "No endpoint is ready: connections go nowhere.",
			     x->selector == NULL ? "Make an EndpointSlice, or give the Service a "
						   "selector."
						 : NULL,
			     list_command(x));
		return true;
	}
	if (slices->n != 0 && slices->fqdn == slices->n) {
		return of_domain_names(x);
	}
	return x->selector == NULL ? by_hand(x) : by_controller(x);
}
