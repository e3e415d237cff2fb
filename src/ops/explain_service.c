/* SPDX-License-Identifier: Apache-2.0 */
/* The links from the namespace to pods that are ready. */
#include <stdio.h>
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "ops/explain_intern.h"
#include "json/json.h"

/* ---- finding it ---- */

static void count_pods(struct explain *x)
{
	struct explain_pods *pods = &x->pods;

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		pods->in_space++;
		if (!explain_selects(x, pod)) {
			continue;
		}
		bool usable = !pod_fact_finished(pod) && pod_fact_has_address(pod);

		pods->matching++;
		pods->with_address += usable;
		pods->ready += usable && pod_fact_ready(pod) && !object_is_deleting(pod);
		pods->on_host += json_bool_at(object_tree(pod), "spec.hostNetwork", false);
	}
}

static bool count_endpoint(void *userdata, struct object *slice, const json_t *endpoint)
{
	struct explain_slices *slices = userdata;
	const char *type = json_string_at(object_tree(slice), "addressType");
	size_t n = json_array_size(json_object_get(endpoint, "addresses"));

	slices->endpoints++;
	if (endpoint_fact_ready(endpoint) && strcmp(type, "FQDN") != 0) {
		slices->ready++;
		*(strcmp(type, "IPv6") == 0 ? &slices->v6 : &slices->v4) += n;
	}
	return true;
}

void explain_find_service(struct explain *x)
{
	const json_t *tree;
	const json_t *map;

	x->service = cache_get(x->cache, &kind_service, x->space, x->service_name);
	if (x->service == NULL) {
		return;
	}
	tree = object_tree(x->service);
	map = json_at(tree, "spec.selector");
	x->external = strcmp(json_string_at(tree, "spec.type"), "ExternalName") == 0;
	x->headless =
		strcmp(json_string_at(tree, "spec.clusterIP"), "None") == 0 ||
		strcmp(json_string_value(json_array_get(json_at(tree, "spec.clusterIPs"), 0)) ?: "",
		       "None") == 0;
	x->publishes_unready = json_bool_at(tree, "spec.publishNotReadyAddresses", false);
	if (json_object_size(map) != 0) {
		x->selector = selector_from_map(map);
	}
	count_pods(x);
	explain_each_endpoint(x, count_endpoint, &x->slices);
	x->slices.n = 0;
	x->slices.fqdn = 0;
	char key[LIMIT_CACHE_KEY];
	int n = snprintf(key, sizeof(key), "%.*s/%.*s", STR_ARG(x->space),
			 STR_ARG(x->service_name));
	struct str by = { .p = key, .n = (size_t)n };

	cache_for_index (slice, x->cache, &kind_endpoint_slice, CACHE_SLICES_BY_SERVICE, by) {
		x->slices.n++;
		x->slices.fqdn +=
			strcmp(json_string_at(object_tree(slice), "addressType"), "FQDN") == 0;
	}
}

/* ---- namespace ---- */

static bool no_such_namespace(struct explain *x)
{
	struct nearest nearest = { .wanted = x->space };
	const char *text = explain_say(x, "There is no namespace \"%.*s\".", STR_ARG(x->space));

	cache_for_each (space, x->cache, &kind_namespace, STR_NONE) {
		nearest_offer(&nearest, space->name);
	}
	for (size_t i = 0; i < nearest.n; i++) {
		if (x->service_name.n != 0) {
			explain_add_closest(x, explain_say(x, "%.*s.%s.svc.%s",
							   STR_ARG(x->service_name),
							   nearest.best[i], x->question->domain));
		}
	}
	if (nearest.n != 0) {
		return explain_broken(x, "Namespace", text,
				      explain_say(x, "Did you mean namespace \"%s\"?",
						  nearest.best[0]),
				      "kubectl get namespaces");
	}
	if (!explain_is_label(x->space)) {
		return explain_broken(x, "Namespace", text, "See which there are.",
				      "kubectl get namespaces");
	}
	return explain_broken(x, "Namespace", text,
			      "Create it, or ask for a name in one that exists.",
			      explain_say(x, "kubectl create namespace %.*s", STR_ARG(x->space)));
}

bool explain_namespace(struct explain *x)
{
	struct object *space = cache_get(x->cache, &kind_namespace, STR_NONE, x->space);

	if (space == NULL) {
		return no_such_namespace(x);
	}
	if (object_is_deleting(space) ||
	    strcmp(json_string_at(object_tree(space), "status.phase"), "Terminating") == 0) {
		explain_info(x, "Namespace",
			     explain_say(x, "%.*s is being deleted, with everything in it.",
					 STR_ARG(x->space)),
			     "Names in it go one by one.", NULL);
		return true;
	}
	explain_ok(x, "Namespace", explain_say(x, "%.*s exists.", STR_ARG(x->space)));
	return true;
}

/* ---- Service ---- */

void explain_closest_services(struct explain *x)
{
	struct nearest nearest = { .wanted = x->service_name };
	const char *prefix =
		x->shape == SHAPE_HOST ? explain_say(x, "%.*s.", STR_ARG(x->host))
		: x->shape == SHAPE_PORT
			? explain_say(x, "_%.*s._%.*s.", STR_ARG(x->port), STR_ARG(x->protocol))
			: "";

	cache_for_each (service, x->cache, &kind_service, x->space) {
		nearest_offer(&nearest, service->name);
	}
	for (size_t i = 0; i < nearest.n; i++) {
		explain_add_closest(x, explain_say(x, "%s%s.%.*s.svc.%s", prefix, nearest.best[i],
						   STR_ARG(x->space), x->question->domain));
	}
}

/* The Services of all namespaces that are called so, as "a, b". */
static const char *same_name_elsewhere(struct explain *x, size_t *ret_n)
{
	struct enumeration spaces = ENUMERATION(ENUMERATION_MAX);
	const char *text;

	cache_for_each (service, x->cache, &kind_service, STR_NONE) {
		if (str_eq(service->name, x->service_name)) {
			enumeration_add(&spaces, service->space);
		}
	}
	*ret_n = spaces.n;
	text = enumeration_end(x, &spaces);
	return text;
}

/* What a Service that is gone leaves behind: pods that name it. */
static size_t count_orphans(const struct explain *x)
{
	size_t n = 0;

	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		n += str_is(x->service_name, pod_fact_subdomain(pod));
	}
	return n;
}

static bool no_such_service(struct explain *x)
{
	size_t orphans = count_orphans(x);
	size_t elsewhere;
	const char *spaces = same_name_elsewhere(x, &elsewhere);
	const char *text = explain_say(
		x, "There is no Service \"%.*s\" in namespace %.*s: it was never made, or deleted",
		STR_ARG(x->service_name), STR_ARG(x->space));

	text = orphans != 0 ? explain_say(x, "%s; %zu %s as their subdomain.", text, orphans,
					  plural(orphans, "pod names it", "pods name it"))
			    : explain_say(x, "%s.", text);
	explain_closest_services(x);
	if (orphans == 0 && x->out->n_closest != 0) {
		return explain_broken(
			x, "Service", text, explain_say(x, "Did you mean %s?", x->out->closest[0]),
			explain_say(x, "kubectl get services -n %.*s", STR_ARG(x->space)));
	}
	if (orphans == 0 && elsewhere != 0) {
		return explain_broken(x, "Service", text,
				      explain_say(x,
						  "There is one in namespace %s: ask for "
						  "%.*s.NAMESPACE, or add -n.",
						  spaces, STR_ARG(x->service_name)),
				      "kubectl get services -A");
	}
	if (!explain_is_label(x->service_name)) {
		return explain_broken(x, "Service", text, "See which there are.",
				      explain_say(x, "kubectl get services -n %.*s",
						  STR_ARG(x->space)));
	}
	return explain_broken(
		x, "Service", text,
		explain_say(x,
			    "Apply its manifest again, or make it: this one is headless and "
			    "selects app=%.*s.",
			    STR_ARG(x->service_name)),
		explain_say(x, "kubectl create service clusterip %.*s --clusterip=None -n %.*s",
			    STR_ARG(x->service_name), STR_ARG(x->space)));
}

/* ---- type ---- */

static bool explain_alias(struct explain *x)
{
	const char *target = json_string_at(object_tree(x->service), "spec.externalName");
	const char *command = explain_say(x,
					  "kubectl patch service %.*s -n %.*s --type merge -p "
					  "'{\"spec\":{\"externalName\":\"NAME\"}}'",
					  STR_ARG(x->service_name), STR_ARG(x->space));
	const char *text = explain_say(x, "ExternalName: an alias (CNAME) for %s", target);
	struct ip address;

	if (x->shape != SHAPE_SERVICE) {
		return explain_broken(x, "Type",
				      explain_say(x, "%s, which has no names below it.", text),
				      explain_say(x, "Ask for %s itself.", target), NULL);
	}
	if (ip_parse(str_from(target), &address)) {
		return explain_broken(x, "Type",
				      explain_say(x,
						  "ExternalName %s is an address; an alias "
						  "needs a domain name.",
						  target),
				      "For an address make a headless Service without a selector "
				      "and an EndpointSlice that holds it.",
				      "kubectl explain endpointslice");
	}
	if (x->reason.cause == ZONE_CAUSE_ALIAS_LOOP) {
		return explain_broken(x, "Type",
				      explain_say(x, "%s, which leads back to itself.", text),
				      "Give it a target that is no alias of it.", command);
	}
	if (!x->resolves) {
		return explain_broken(
			x, "Type",
			explain_say(x, "%s, a name of this cluster that has no records.", text),
			explain_say(x, "Mend that name first: headlessd explain %s", target),
			command);
	}
	struct name name;
	size_t ignored;
	bool inside = name_parse(str_from(target), &name) == 0 &&
		      name_is_below(&name, zone_domain(x->zone), &ignored);

	explain_info(x, "Type",
		     inside ? explain_say(x, "%s, a name of this cluster.", text)
			    : explain_say(x,
					  "%s; its addresses come from the servers of that name, "
					  "outside of the cluster.",
					  text),
		     NULL, NULL);
	return false;
}

static bool explain_type(struct explain *x)
{
	const json_t *tree = object_tree(x->service);
	const json_t *ips = json_at(tree, "spec.clusterIPs");
	struct enumeration addresses = ENUMERATION(ENUMERATION_MAX);
	const json_t *ip;
	size_t i;

	if (x->external) {
		return explain_alias(x);
	}
	if (x->headless) {
		explain_ok(x, "Type",
			   "Headless (clusterIP: None): the name is the pods' own addresses.");
		return true;
	}
	json_array_foreach (ips, i, ip) {
		enumeration_add(&addresses, str_from(json_string_value(ip)));
	}
	if (addresses.n == 0) {
		enumeration_add(&addresses, str_from(json_string_at(tree, "spec.clusterIP")));
	}
	const char *list = enumeration_end(x, &addresses);

	if (list[0] == '\0') {
		return explain_broken(x, "Type", "Not headless, and without a cluster IP yet.",
				      "See why none was allocated.",
				      explain_say(x, "kubectl describe service %.*s -n %.*s",
						  STR_ARG(x->service_name), STR_ARG(x->space)));
	}
	explain_info(x, "Type",
		     explain_say(x,
				 "Not headless: the name is the Service's own address %s, whether "
				 "pods are ready or not.",
				 list),
		     x->shape == SHAPE_SERVICE && x->selector != NULL
			     ? "For the pods' own addresses create it anew with clusterIP: None; "
			       "the field cannot change."
			     : NULL,
		     NULL);
	return true;
}

bool explain_service(struct explain *x)
{
	if (x->service == NULL) {
		return no_such_service(x);
	}
	if (object_is_deleting(x->service)) {
		explain_info(x, "Service",
			     explain_say(x, "%.*s/%.*s is being deleted; a finalizer holds it.",
					 STR_ARG(x->space), STR_ARG(x->service_name)),
			     "Its names end with it.",
			     explain_say(x,
					 "kubectl get service %.*s -n %.*s -o "
					 "jsonpath='{.metadata.finalizers}'",
					 STR_ARG(x->service_name), STR_ARG(x->space)));
	} else {
		explain_ok(x, "Service",
			   explain_say(x, "%.*s/%.*s exists.", STR_ARG(x->space),
				       STR_ARG(x->service_name)));
	}
	return explain_type(x);
}

/* ---- pods ---- */

static const char *selector_said(struct explain *x)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_EXPLAIN_TEXT);

	selector_text(x->selector, &text);
	return explain_say(x, "%s", buffer_text(&text));
}

bool explain_selector(struct explain *x)
{
	if (x->selector == NULL) {
		explain_info(x, "Selector",
			     "None: its EndpointSlices are made by hand, not from pods.", NULL,
			     NULL);
		return true;
	}
	explain_ok(x, "Selector", explain_say(x, "%s", selector_said(x)));
	return true;
}

static bool no_pod_matches(struct explain *x)
{
	const char *text =
		explain_say(x, "The selector %s matches no pod in namespace %.*s (of %zu)",
			    selector_said(x), STR_ARG(x->space), x->pods.in_space);

	if (x->pods.in_space == 0) {
		text = explain_say(x, "There are no pods in namespace %.*s", STR_ARG(x->space));
	}
	return explain_near_labels(x, text);
}

bool explain_pods(struct explain *x)
{
	const struct explain_pods *pods = &x->pods;

	if (x->selector == NULL) {
		return true;
	}
	if (pods->matching == 0) {
		return no_pod_matches(x);
	}
	explain_ok(x, "Pods",
		   explain_say(x, "%zu of %zu %s in namespace %.*s %s.", pods->matching,
			       pods->in_space, plural(pods->in_space, "pod", "pods"),
			       STR_ARG(x->space), plural(pods->matching, "matches", "match")));
	if (pods->on_host != 0) {
		explain_info(x, "Network",
			     explain_say(x,
					 "%zu of them %s the network of the node: the address is "
					 "the node's, and pods of one node share it.",
					 pods->on_host, plural(pods->on_host, "uses", "use")),
			     NULL, NULL);
	}
	return true;
}

/* "web-0 (it is terminating), web-1 (…)": the matching pods that are not ready. */
static const char *list_unready(struct explain *x, struct object **ret_first)
{
	struct enumeration unready = ENUMERATION(ENUMERATION_MAX - 2);

	*ret_first = NULL;
	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		if (!explain_selects(x, pod) ||
		    (pod_fact_ready(pod) && pod_fact_has_address(pod) && !object_is_deleting(pod) &&
		     !pod_fact_finished(pod))) {
			continue;
		}
		const char *item = "";

		if (unready.n < unready.max) {
			item = explain_say(x, "%.*s (%s)", STR_ARG(pod->name),
					   pod_fact_why(x, pod));
		}
		enumeration_add(&unready, str_from(item));
		*ret_first = *ret_first == NULL ? pod : *ret_first;
	}
	return enumeration_end(x, &unready);
}

static bool none_ready(struct explain *x, const char *unready, struct object *first)
{
	const char *hint =
		x->headless && x->pods.with_address != 0
			? " Should names come before readiness, as for peers that find each "
			  "other, set publishNotReadyAddresses: true in the Service."
			: "";

	return explain_broken(x, "Ready",
			      explain_say(x, "0 of %zu %s ready: %s.", x->pods.matching,
					  plural(x->pods.matching, "pod is", "pods are"), unready),
			      explain_say(x, "Make them ready.%s", hint),
			      pod_fact_command(x, first));
}

bool explain_ready(struct explain *x)
{
	const struct explain_pods *pods = &x->pods;
	struct object *first;
	const char *unready;

	if (x->selector == NULL || pods->matching == 0) {
		return true;
	}
	unready = list_unready(x, &first);
	if (pods->ready == pods->matching) {
		explain_ok(x, "Ready",
			   explain_say(x, "%s.",
				       pods->matching == 1 ? "It is ready"
							   : "All of them are ready"));
		return true;
	}
	if (x->publishes_unready && pods->with_address != 0) {
		explain_info(x, "Ready",
			     explain_say(x,
					 "%zu of %zu are ready, but with publishNotReadyAddresses "
					 "that does not matter.",
					 pods->ready, pods->matching),
			     NULL, NULL);
		return true;
	}
	if (pods->ready == 0) {
		return none_ready(x, unready, first);
	}
	explain_info(x, "Ready",
		     explain_say(x, "%zu of %zu are ready; not: %s.", pods->ready, pods->matching,
				 unready),
		     "Those that are not have no records yet.", pod_fact_command(x, first));
	return true;
}
