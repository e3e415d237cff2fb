/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: from an address to the Service or endpoint that has it. */
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "json/json.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

static bool has_cluster_ip(struct object *service, const struct ip *wanted)
{
	const json_t *ips = json_at(object_tree(service), "spec.clusterIPs");
	struct str single = str_from(json_string_at(object_tree(service), "spec.clusterIP"));
	struct ip address;
	const json_t *ip;
	size_t i;

	json_array_foreach (ips, i, ip) {
		if (ip_parse(str_from(json_string_value(ip)), &address) && address.n == wanted->n &&
		    memcmp(address.bytes, wanted->bytes, wanted->n) == 0) {
			return true;
		}
	}
	return ip_parse(single, &address) && address.n == wanted->n &&
	       memcmp(address.bytes, wanted->bytes, wanted->n) == 0;
}

/* An endpoint with the address: a ready one when there is any. */
struct found {
	struct object *slice;
	const json_t *endpoint;
	size_t n;
};

static void find_endpoints(const struct explain *x, struct found *ret)
{
	*ret = (struct found){ 0 };
	cache_for_each (slice, x->cache, &kind_endpoint_slice, STR_NONE) {
		const json_t *endpoints = json_at(object_tree(slice), "endpoints");
		const json_t *endpoint;
		size_t i;

		json_array_foreach (endpoints, i, endpoint) {
			if (!endpoint_fact_is_at(endpoint, &x->address)) {
				continue;
			}
			ret->n++;
			if (ret->endpoint == NULL || (endpoint_fact_ready(endpoint) &&
						      !endpoint_fact_ready(ret->endpoint))) {
				ret->slice = slice;
				ret->endpoint = endpoint;
			}
		}
	}
}

/* The pod that has the address; one that has not finished when there is any. */
static struct object *find_pod(const struct explain *x)
{
	struct object *found = NULL;

	cache_for_each (pod, x->cache, &kind_pod, STR_NONE) {
		if (pod_fact_is_at(pod, &x->address) &&
		    (found == NULL || pod_fact_finished(found))) {
			found = pod;
		}
	}
	return found;
}

static bool say_pod(struct explain *x, const char *text, struct object *pod)
{
	if (pod == NULL) {
		return explain_broken(x, "Address",
				      explain_say(x,
						  "No Service, endpoint or pod of the cluster has "
						  "%s.",
						  text),
				      "See the addresses that there are.",
				      "kubectl get pods,services,endpointslices -A -o wide");
	}
	if (pod_fact_finished(pod)) {
		return explain_broken(x, "Pod",
				      explain_say(x, "%s was the address of pod %.*s/%.*s: %s.",
						  text, STR_ARG(pod->space), STR_ARG(pod->name),
						  pod_fact_why(x, pod)),
				      "A pod that has finished is no endpoint.",
				      pod_fact_command(x, pod));
	}
	return explain_broken(
		x, "Service",
		explain_say(x, "%s is the address of pod %.*s/%.*s, which no Service selects.",
			    text, STR_ARG(pod->space), STR_ARG(pod->name)),
		"Addresses of pods have names through a Service: make a headless one.",
		explain_say(x, "kubectl expose pod %.*s -n %.*s --cluster-ip=None --port=80",
			    STR_ARG(pod->name), STR_ARG(pod->space)));
}

static bool say_endpoint(struct explain *x, const char *text, const struct found *found,
			 struct object *pod)
{
	struct str service = str_from(object_label(found->slice, SERVICE_LABEL));
	struct str space = found->slice->space;

	if (cache_get(x->cache, &kind_service, space, service) == NULL) {
		return explain_broken(
			x, "Service",
			explain_say(x,
				    "%s stands in EndpointSlice %.*s/%.*s, but there is no Service "
				    "\"%.*s\".",
				    text, STR_ARG(space), STR_ARG(found->slice->name),
				    STR_ARG(service)),
			"Make the Service again.",
			explain_say(x, "kubectl get services -n %.*s", STR_ARG(space)));
	}
	explain_ok(x, "Endpoint",
		   explain_say(x, "%s is an endpoint of Service %.*s/%.*s%s.", text, STR_ARG(space),
			       STR_ARG(service), found->n > 1 ? ", among others" : ""));
	if (endpoint_fact_ready(found->endpoint)) {
		explain_ok(x, "Ready", "The endpoint is ready.");
		return true;
	}
	return explain_broken(
		x, "Ready",
		pod != NULL ? explain_say(x, "Pod %.*s is not ready: %s.", STR_ARG(pod->name),
					  pod_fact_why(x, pod))
			    : "The EndpointSlice says conditions.ready: false.",
		"An address has a name while its endpoint is ready.",
		pod != NULL ? pod_fact_command(x, pod)
			    : explain_say(x, "kubectl get endpointslice %.*s -n %.*s -o yaml",
					  STR_ARG(found->slice->name), STR_ARG(space)));
}

bool explain_reverse(struct explain *x)
{
	struct object *pod = find_pod(x);
	struct found found;
	char address[IP_TEXT];

	ip_text(&x->address, address);
	cache_for_each (service, x->cache, &kind_service, STR_NONE) {
		if (has_cluster_ip(service, &x->address)) {
			explain_ok(x, "Service",
				   explain_say(x, "%s is the cluster IP of Service %.*s/%.*s.",
					       address, STR_ARG(service->space),
					       STR_ARG(service->name)));
			return true;
		}
	}
	find_endpoints(x, &found);
	if (found.endpoint == NULL) {
		return say_pod(x, address, pod);
	}
	if (pod != NULL && !pod_fact_finished(pod)) {
		explain_ok(x, "Pod",
			   explain_say(x, "%s is the address of pod %.*s/%.*s%s.", address,
				       STR_ARG(pod->space), STR_ARG(pod->name),
				       json_bool_at(object_tree(pod), "spec.hostNetwork", false)
					       ? ", which shares it with its node"
					       : ""));
	}
	return say_endpoint(x, address, &found, pod);
}
