/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostnames below a Service. A pod's hostname becomes a name where spec.hostname is set and
 * spec.subdomain is the Service's name; otherwise its name is made of its address.
 */
#include <stdio.h>
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "json/json.h"

/* ---- mending a subdomain ---- */

/* The Deployment a pod comes from, by its ReplicaSet's name; empty for none. */
static struct str deployment_of(struct object *pod)
{
	const json_t *owner = object_controller(pod);
	struct str name = str_from(json_string_at(owner, "name"));
	struct str hash = str_from(object_label(pod, "pod-template-hash"));

	if (strcmp(json_string_at(owner, "kind"), "ReplicaSet") != 0 || hash.n == 0 ||
	    !str_ends(name, hash) || name.n <= hash.n + 1) {
		return STR_NONE;
	}
	name.n -= hash.n + 1;
	return name;
}

/* The Service that the pod's subdomain names, or NULL. */
static struct object *own_service(const struct explain *x, struct object *pod)
{
	return cache_get(x->cache, &kind_service, x->space, str_from(pod_fact_subdomain(pod)));
}

static bool mend_set(struct explain *x, struct object *pod, const char *text)
{
	const char *set = json_string_at(object_controller(pod), "name");
	const char *subdomain = pod_fact_subdomain(pod);
	const char *other =
		subdomain[0] != '\0'
			? explain_say(x, "Make a headless Service %s, which the pods name; or ",
				      subdomain)
			: "";

	return explain_broken(
		x, "Hostname", text,
		explain_say(x,
			    "%sgive StatefulSet %s the serviceName %.*s (the field cannot change: "
			    "delete the set with --cascade=orphan, apply it anew, restart its "
			    "pods).",
			    other, set, STR_ARG(x->service_name)),
		explain_say(x,
			    "kubectl get statefulset %s -n %.*s -o jsonpath='{.spec.serviceName}'",
			    set, STR_ARG(x->space)));
}

/* Breaks the chain: the pod's subdomain is not the Service's name. */
static bool wrong_subdomain(struct explain *x, struct object *pod, const char *text)
{
	const json_t *owner = object_controller(pod);
	struct str deployment = deployment_of(pod);

	if (own_service(x, pod) != NULL) {
		const char *name =
			explain_say(x, "%s.%s", pod_fact_hostname(pod), pod_fact_subdomain(pod));

		explain_add_closest(x, explain_say(x, "%s.%.*s.svc.%s", name, STR_ARG(x->space),
						   x->question->domain));
		return explain_broken(x, "Hostname", text, explain_say(x, "Ask for %s.", name),
				      NULL);
	}
	if (strcmp(json_string_at(owner, "kind"), "StatefulSet") == 0) {
		return mend_set(x, pod, text);
	}
	if (deployment.n != 0) {
		return explain_broken(
			x, "Hostname", text,
			explain_say(x, "Set the subdomain in the template of Deployment %.*s.",
				    STR_ARG(deployment)),
			explain_say(
				x,
				"kubectl patch deployment %.*s -n %.*s -p "
				"'{\"spec\":{\"template\":{\"spec\":{\"subdomain\":\"%.*s\"}}}}'",
				STR_ARG(deployment), STR_ARG(x->space), STR_ARG(x->service_name)));
	}
	return explain_broken(
		x, "Hostname", text,
		explain_say(
			x,
			"Set spec.subdomain: %.*s where the pod is made; in a pod that runs the "
			"field cannot change, so replace it.",
			STR_ARG(x->service_name)),
		explain_say(x, "kubectl get pod %.*s -n %.*s -o yaml", STR_ARG(pod->name),
			    STR_ARG(x->space)));
}

/* ---- hostnames of the whole Service ---- */

/* A matching pod whose hostname is no name below any Service; NULL for none. */
static struct object *find_lost_hostname(const struct explain *x)
{
	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		if (explain_selects(x, pod) && pod_fact_hostname(pod)[0] != '\0' &&
		    own_service(x, pod) == NULL) {
			return pod;
		}
	}
	return NULL;
}

struct hostname_list {
	struct enumeration names;
	size_t dashed;
};

static bool list_hostname(void *userdata, struct object *slice, const json_t *endpoint)
{
	struct hostname_list *list = userdata;
	const char *hostname = json_string_at(endpoint, "hostname");

	if (!endpoint_fact_ready(endpoint)) {
		return true;
	}
	if (hostname[0] == '\0') {
		list->dashed++;
	} else {
		enumeration_add(&list->names, str_from(hostname));
	}
	return true;
}

bool explain_hostnames(struct explain *x)
{
	struct hostname_list list = { .names = ENUMERATION(ENUMERATION_MAX) };
	struct object *pod = find_lost_hostname(x);

	if (!x->headless || x->slices.ready == 0) {
		return true;
	}
	if (pod != NULL) {
		const char *subdomain = pod_fact_subdomain(pod);
		bool resolves = x->resolves;

		x->resolves = true; /* not in the way of the Service's own name */
		(void)wrong_subdomain(
			x, pod,
			explain_say(x, "%s.%.*s is no name: pod %.*s has the hostname, but %s%s.",
				    pod_fact_hostname(pod), STR_ARG(x->service_name),
				    STR_ARG(pod->name),
				    subdomain[0] == '\0' ? "no subdomain" : "the subdomain ",
				    subdomain));
		x->resolves = resolves;
		return true;
	}
	explain_each_endpoint(x, list_hostname, &list);
	size_t named = list.names.n;
	const char *names = enumeration_end(x, &list.names);

	if (named != 0) {
		explain_ok(x, "Hostname",
			   explain_say(x, "Endpoints have names of their own below it: %s.",
				       names));
	} else {
		explain_info(x, "Hostname",
			     "No endpoint has a hostname; their names are made of addresses.", NULL,
			     NULL);
	}
	return true;
}

/* ---- one hostname ---- */

struct endpoint_search {
	struct explain *x;
	const json_t *endpoint; /* by label: a ready one, or else any */
	const json_t *at; /* by address */
	struct ip address;
	bool by_address;
	struct nearest nearest; /* labels of ready ones */
	struct enumeration labels;
};

static bool visit_endpoint(void *userdata, struct object *slice, const json_t *endpoint)
{
	struct endpoint_search *search = userdata;
	char label[LIMIT_DNS_LABEL + 1];
	bool ready = endpoint_fact_ready(endpoint);

	endpoint_fact_label(search->x, endpoint, label);
	if (str_eq_nocase(str_from(label), search->x->host) &&
	    (search->endpoint == NULL || ready)) {
		search->endpoint = endpoint;
	}
	if (search->by_address && endpoint_fact_is_at(endpoint, &search->address)) {
		search->at = endpoint;
	}
	if (ready) {
		nearest_offer(&search->nearest, str_from(label));
		enumeration_add(&search->labels, str_from(label));
	}
	return true;
}

/* The pod that the label means: by hostname and subdomain, by hostname, or by its own name. */
static struct object *find_pod(const struct explain *x)
{
	struct object *best = NULL;
	unsigned best_rank = 0;

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		bool host = str_is(x->host, pod_fact_hostname(pod));
		unsigned rank = host && str_is(x->service_name, pod_fact_subdomain(pod)) ? 4
				: host && explain_selects(x, pod)                        ? 3
				: host                                                   ? 2
				: str_eq(x->host, pod->name)                             ? 1
											 : 0;

		if (rank > best_rank) {
			best = pod;
			best_rank = rank;
		}
	}
	return best;
}

static void add_closest_hosts(struct explain *x, const struct nearest *nearest)
{
	for (size_t i = 0; i < nearest->n; i++) {
		explain_add_closest(x, explain_say(x, "%s.%.*s.%.*s.svc.%s", nearest->best[i],
						   STR_ARG(x->service_name), STR_ARG(x->space),
						   x->question->domain));
	}
}

/* "web-7" of StatefulSet web, which has fewer pods: its number, or -1. */
static int64_t ordinal_of_set(const struct explain *x, const char **ret_set)
{
	size_t dash = x->host.n;
	uint64_t number;

	while (dash > 0 && x->host.p[dash - 1] != '-') {
		dash--;
	}
	if (dash < 2 || !str_to_u64(str_skip(x->host, dash), 1000000, &number)) {
		return -1;
	}
	struct str base = { .p = x->host.p, .n = dash - 1 };

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		const json_t *owner = object_controller(pod);

		if (explain_selects(x, pod) && str_is(base, json_string_at(owner, "name")) &&
		    strcmp(json_string_at(owner, "kind"), "StatefulSet") == 0) {
			*ret_set = json_string_at(owner, "name");
			return (int64_t)number;
		}
	}
	return -1;
}

static bool unknown_host(struct explain *x, struct endpoint_search *search)
{
	const char *set = NULL;
	int64_t ordinal = ordinal_of_set(x, &set);
	size_t n = search->labels.n;
	const char *there = enumeration_end(x, &search->labels);
	const char *text = explain_say(x, "No endpoint is called %.*s; there %s: %s.",
				       STR_ARG(x->host), plural(n, "is", "are"), there);

	add_closest_hosts(x, &search->nearest);
	if (search->at != NULL) {
		char label[LIMIT_DNS_LABEL + 1];

		endpoint_fact_label(x, search->at, label);
		return explain_broken(
			x, "Hostname",
			explain_say(x,
				    "The endpoint with this address has a hostname, %s, and no "
				    "name made of its address.",
				    label),
			explain_say(x, "Ask for %s.%.*s.", label, STR_ARG(x->service_name)), NULL);
	}
	if (set != NULL) {
		return explain_broken(
			x, "Hostname", text,
			explain_say(x,
				    "StatefulSet %s has no pod %.*s: scale it up, if there should "
				    "be one.",
				    set, STR_ARG(x->host)),
			explain_say(x, "kubectl scale statefulset %s -n %.*s --replicas=%lld", set,
				    STR_ARG(x->space), (long long)ordinal + 1));
	}
	return explain_broken(
		x, "Hostname", text,
		x->out->n_closest != 0
			? explain_say(x, "Did you mean %s?", x->out->closest[0])
			: "A hostname is a name when spec.hostname and spec.subdomain of a pod say "
			  "so.",
		explain_say(x, "kubectl get pods -n %.*s", STR_ARG(x->space)));
}

static bool not_selected(struct explain *x, struct object *pod)
{
	const json_t *selector = json_at(object_tree(x->service), "spec.selector");
	const json_t *labels = json_at(object_tree(pod), "metadata.labels");
	struct enumeration missing = ENUMERATION(ENUMERATION_MAX);
	_cleanup_buffer_ struct buffer words = BUFFER_INIT(LIMIT_EXPLAIN_TEXT);
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)selector, key, value) {
		const char *own = json_string_value(json_object_get(labels, key));
		const char *item = explain_say(x, "%s=%s", key, json_string_value(value));

		if (own == NULL || strcmp(own, json_string_value(value)) != 0) {
			enumeration_add(&missing, str_from(item));
			buffer_printf(&words, " %s", item);
		}
	}
	return explain_broken(
		x, "Hostname",
		explain_say(x, "Pod %.*s is there, but the selector wants %s, which it lacks.",
			    STR_ARG(pod->name), enumeration_end(x, &missing)),
		"Label the pod, and the template it is made of.",
		explain_say(x, "kubectl label pod %.*s -n %.*s --overwrite%s", STR_ARG(pod->name),
			    STR_ARG(x->space), buffer_text(&words)));
}

/* What keeps a pod that exists from being an endpoint with this label. */
static bool host_of_pod(struct explain *x, struct object *pod)
{
	const char *hostname = pod_fact_hostname(pod);
	const char *subdomain = pod_fact_subdomain(pod);
	struct str name = pod->name;

	if (x->selector != NULL && !explain_selects(x, pod)) {
		return not_selected(x, pod);
	}
	if (hostname[0] == '\0') {
		return explain_broken(
			x, "Hostname",
			explain_say(x,
				    "Pod %.*s has no spec.hostname: names of pods are no names in "
				    "DNS.",
				    STR_ARG(name)),
			"Run it in a StatefulSet, or set spec.hostname and spec.subdomain; its "
			"name now is made of its address.",
			explain_say(x, "headlessd explain pod/%.*s -n %.*s", STR_ARG(name),
				    STR_ARG(x->space)));
	}
	if (!str_is(x->host, hostname)) {
		return explain_broken(x, "Hostname",
				      explain_say(x, "Pod %.*s has another hostname: %s.",
						  STR_ARG(name), hostname),
				      explain_say(x, "Ask for %s.%.*s.", hostname,
						  STR_ARG(x->service_name)),
				      NULL);
	}
	if (subdomain[0] == '\0') {
		return wrong_subdomain(x, pod,
				       explain_say(x,
						   "Pod %.*s has the hostname %s but no subdomain.",
						   STR_ARG(name), hostname));
	}
	if (!str_is(x->service_name, subdomain)) {
		return wrong_subdomain(
			x, pod,
			explain_say(x, "Pod %.*s has the subdomain %s, which is not this Service.",
				    STR_ARG(name), subdomain));
	}
	explain_ok(x, "Hostname",
		   explain_say(x, "Pod %.*s has hostname %s and subdomain %s.", STR_ARG(name),
			       hostname, subdomain));
	return true;
}

/* The pod behind the name is not ready, or not there for long. */
static bool host_not_ready(struct explain *x, struct object *pod)
{
	bool usable = pod_fact_has_address(pod) && !pod_fact_finished(pod);
	bool up = usable && pod_fact_ready(pod) && !object_is_deleting(pod);

	if (up || (usable && x->publishes_unready)) {
		explain_ok(
			x, "Ready",
			up ? "It is ready."
			   : "It is not, but with publishNotReadyAddresses that does not matter.");
		return true; /* the slices' turn */
	}
	return explain_broken(
		x, "Ready",
		explain_say(x, "Pod %.*s is not ready: %s.", STR_ARG(pod->name),
			    pod_fact_why(x, pod)),
		usable && !object_is_deleting(pod)
			? "Make it ready. Should names come before readiness, as for peers that "
			  "find each other, set publishNotReadyAddresses: true in the Service."
		: object_is_deleting(pod)
			? "It goes; the name comes back with a pod that takes its place."
			: "Its name comes when it is ready.",
		pod_fact_command(x, pod));
}

static bool say_endpoint(struct explain *x, const struct endpoint_search *search)
{
	const char *hostname = json_string_at(search->endpoint, "hostname");
	const char *pod = json_string_at(search->endpoint, "targetRef.name");

	char label[LIMIT_DNS_LABEL + 1];

	endpoint_fact_label(x, search->endpoint, label);
	if (hostname[0] == '\0' && pod[0] != '\0' && strcmp(pod, label) == 0) {
		explain_ok(x, "Hostname",
			   explain_say(x, "It is called like its pod, %s (endpoint_pod_names).",
				       pod));
	} else if (hostname[0] == '\0') {
		explain_ok(x, "Hostname",
			   "The endpoint has none; its name is made of its address.");
	} else if (pod[0] != '\0') {
		explain_ok(x, "Hostname",
			   explain_say(x, "%s is pod %s, with subdomain %.*s.", hostname, pod,
				       STR_ARG(x->service_name)));
	} else {
		explain_ok(x, "Hostname",
			   explain_say(x, "%s stands in an EndpointSlice.", hostname));
	}
	return true;
}

static bool host_unready_endpoint(struct explain *x, const struct endpoint_search *search)
{
	struct str name = str_from(json_string_at(search->endpoint, "targetRef.name"));
	struct object *pod = cache_get(x->cache, &kind_pod, x->space, name);

	(void)say_endpoint(x, search);
	if (pod != NULL) {
		return host_not_ready(x, pod);
	}
	return explain_broken(x, "Ready", "Its EndpointSlice says conditions.ready: false.",
			      "Set conditions.ready to true when it serves.",
			      explain_say(x, "kubectl get endpointslices -n %.*s -o yaml",
					  STR_ARG(x->space)));
}

/* _tcp.web or _http.web: half of a port's name. */
static bool half_a_port(struct explain *x)
{
	return explain_broken(
		x, "Port",
		explain_say(x, "%.*s is half of a port's name: those are _PORT._PROTOCOL.%.*s.",
			    STR_ARG(x->host), STR_ARG(x->service_name)),
		"Ask for SRV records of _PORT._tcp or _PORT._udp.",
		explain_say(x, "kubectl get service %.*s -n %.*s", STR_ARG(x->service_name),
			    STR_ARG(x->space)));
}

bool explain_host(struct explain *x)
{
	struct endpoint_search search = {
		.x = x,
		.nearest = { .wanted = x->host },
		.labels = ENUMERATION(ENUMERATION_MAX),
	};
	struct object *pod;
	bool on;

	if (x->host.p[0] == '_') {
		return half_a_port(x);
	}
	search.by_address = address_from_dashed(x->host, &search.address);
	explain_each_endpoint(x, visit_endpoint, &search);
	pod = find_pod(x);
	if (x->resolves) {
		on = search.endpoint != NULL ? say_endpoint(x, &search) : true;
	} else if (search.endpoint != NULL) {
		on = host_unready_endpoint(x, &search);
	} else if (pod != NULL) {
		on = host_of_pod(x, pod) && host_not_ready(x, pod);
	} else {
		on = unknown_host(x, &search);
	}
	buffer_deinit(&search.labels.text);
	return on;
}
