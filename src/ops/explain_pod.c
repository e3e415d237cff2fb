/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods: what their objects say of being ready, the names a-b-c-d.NAMESPACE.pod, and the question
 * pod/NAME, which ends in the name that the pod has or should have.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "ops/explain_intern.h"
#include "json/json.h"

/* ---- facts ---- */

bool explain_selects(const struct explain *x, struct object *pod)
{
	return x->selector != NULL &&
	       selector_matches(x->selector, json_at(object_tree(pod), "metadata.labels"));
}

bool pod_fact_finished(struct object *pod)
{
	const char *phase = json_string_at(object_tree(pod), "status.phase");

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static const json_t *find_condition(struct object *pod, const char *type)
{
	const json_t *conditions = json_at(object_tree(pod), "status.conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			return condition;
		}
	}
	return NULL;
}

static bool is_true(const json_t *condition)
{
	return strcmp(json_string_at(condition, "status"), "True") == 0;
}

bool pod_fact_ready(struct object *pod)
{
	return is_true(find_condition(pod, "Ready"));
}

static bool is_address(const char *text, const struct ip *wanted)
{
	struct ip address;

	return ip_parse(str_from(text), &address) && address.n == wanted->n &&
	       memcmp(address.bytes, wanted->bytes, wanted->n) == 0;
}

bool pod_fact_is_at(struct object *pod, const struct ip *address)
{
	const json_t *ips = json_at(object_tree(pod), "status.podIPs");
	const json_t *ip;
	size_t i;

	json_array_foreach (ips, i, ip) {
		if (is_address(json_string_at(ip, "ip"), address)) {
			return true;
		}
	}
	return is_address(json_string_at(object_tree(pod), "status.podIP"), address);
}

bool pod_fact_has_address(struct object *pod)
{
	return json_string_at(object_tree(pod), "status.podIP")[0] != '\0' ||
	       json_array_size(json_at(object_tree(pod), "status.podIPs")) != 0;
}

const char *pod_fact_hostname(struct object *pod)
{
	return json_string_at(object_tree(pod), "spec.hostname");
}

const char *pod_fact_subdomain(struct object *pod)
{
	return json_string_at(object_tree(pod), "spec.subdomain");
}

/* ---- why a pod is not ready ---- */

/* " (message)", or nothing. */
static const char *in_brackets(struct explain *x, const char *text)
{
	return text[0] != '\0' ? explain_say(x, " (%.200s)", text) : "";
}

static bool has_readiness_probe(struct object *pod, const char *container)
{
	const json_t *containers = json_at(object_tree(pod), "spec.containers");
	const json_t *each;
	size_t i;

	json_array_foreach (containers, i, each) {
		if (strcmp(json_string_at(each, "name"), container) == 0) {
			return json_object_get(each, "readinessProbe") != NULL;
		}
	}
	return false;
}

/* What one container's status has against it; NULL for nothing. */
static const char *container_why(struct explain *x, struct object *pod, const json_t *status,
				 bool init)
{
	const char *name = json_string_at(status, "name");
	const json_t *waiting = json_at(status, "state.waiting");
	const json_t *ended = json_at(status, "state.terminated");

	if (waiting != NULL) {
		return explain_say(x, "container %s waits: %s%s", name,
				   json_string_at(waiting, "reason"),
				   in_brackets(x, json_string_at(waiting, "message")));
	}
	if (ended != NULL && (!init || json_int_at(ended, "exitCode", 0) != 0)) {
		return explain_say(x, "container %s has ended: %s, exit code %lld", name,
				   json_string_at(ended, "reason"),
				   (long long)json_int_at(ended, "exitCode", 0));
	}
	if (!init && json_at(status, "state.running") != NULL &&
	    !json_bool_at(status, "ready", true) && has_readiness_probe(pod, name)) {
		return explain_say(x, "container %s runs, but its readiness probe fails", name);
	}
	return NULL;
}

static const char *containers_why(struct explain *x, struct object *pod, const char *list,
				  bool init)
{
	const json_t *statuses = json_at(object_tree(pod), list);
	const json_t *status;
	const char *why = NULL;
	size_t i;

	json_array_foreach (statuses, i, status) {
		why = container_why(x, pod, status, init);
		if (why != NULL) {
			break;
		}
	}
	return why;
}

/* A readiness gate that is closed; NULL for none. */
static const char *gate_why(struct explain *x, struct object *pod)
{
	const json_t *gates = json_at(object_tree(pod), "spec.readinessGates");
	const json_t *gate;
	size_t i;

	json_array_foreach (gates, i, gate) {
		const char *type = json_string_at(gate, "conditionType");

		if (!is_true(find_condition(pod, type))) {
			return explain_say(x, "readiness gate %s is not True", type);
		}
	}
	return NULL;
}

static const char *condition_why(struct explain *x, struct object *pod)
{
	const json_t *scheduled = find_condition(pod, "PodScheduled");
	const json_t *ready = find_condition(pod, "Ready");

	if (scheduled != NULL && !is_true(scheduled)) {
		return explain_say(x, "it is on no node: %s%s", json_string_at(scheduled, "reason"),
				   in_brackets(x, json_string_at(scheduled, "message")));
	}
	if (json_string_at(object_tree(pod), "spec.nodeName")[0] == '\0') {
		return "it is on no node yet";
	}
	if (!pod_fact_has_address(pod)) {
		return explain_say(x, "phase %s, no address yet",
				   json_string_at(object_tree(pod), "status.phase"));
	}
	if (ready == NULL) {
		return "it has no condition Ready yet";
	}
	return explain_say(x, "condition Ready is %s%s%s%s", json_string_at(ready, "status"),
			   json_string_at(ready, "reason")[0] != '\0' ? ": " : "",
			   json_string_at(ready, "reason"),
			   in_brackets(x, json_string_at(ready, "message")));
}

const char *pod_fact_why(struct explain *x, struct object *pod)
{
	const char *why;

	if (object_is_deleting(pod)) {
		return "it is terminating";
	}
	if (pod_fact_finished(pod)) {
		return explain_say(x, "it has finished: %s",
				   json_string_at(object_tree(pod), "status.phase"));
	}
	why = containers_why(x, pod, "status.initContainerStatuses", /* init= */ true);
	if (why == NULL) {
		why = containers_why(x, pod, "status.containerStatuses", /* init= */ false);
	}
	if (why == NULL) {
		why = gate_why(x, pod);
	}
	return why != NULL ? why : condition_why(x, pod);
}

const char *pod_fact_command(struct explain *x, struct object *pod)
{
	const json_t *statuses = json_at(object_tree(pod), "status.containerStatuses");
	const json_t *status;
	size_t i;

	json_array_foreach (statuses, i, status) {
		if (strcmp(json_string_at(status, "state.waiting.reason"), "CrashLoopBackOff") ==
		    0) {
			return explain_say(x, "kubectl logs %.*s -n %.*s -c %s --previous",
					   STR_ARG(pod->name), STR_ARG(pod->space),
					   json_string_at(status, "name"));
		}
	}
	return explain_say(x, "kubectl describe pod %.*s -n %.*s", STR_ARG(pod->name),
			   STR_ARG(pod->space));
}

/* ---- a-b-c-d.NAMESPACE.pod ---- */

bool explain_pod_label(struct explain *x)
{
	struct ip address;
	char text[IP_TEXT];

	if (!address_from_dashed(x->host, &address)) {
		return explain_broken(
			x, "Pod",
			explain_say(x,
				    "Names below .pod are addresses with dashes, such as "
				    "10-244-0-5; \"%.*s\" is none.",
				    STR_ARG(x->host)),
			"Ask for HOSTNAME.SERVICE, or see which names the pod has.",
			explain_is_label(x->host) ? explain_say(x,
								"headlessd explain pod/%.*s "
								"-n %.*s",
								STR_ARG(x->host), STR_ARG(x->space))
						  : NULL);
	}
	ip_text(&address, text);
	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		if (pod_fact_is_at(pod, &address) && !pod_fact_finished(pod)) {
			explain_ok(x, "Pod",
				   explain_say(x, "%s is the address of pod %.*s.", text,
					       STR_ARG(pod->name)));
			return true;
		}
	}
	explain_info(x, "Pod",
		     explain_say(x,
				 "The name says the address itself: DNS answers %s, but no pod in "
				 "namespace %.*s has it.",
				 text, STR_ARG(x->space)),
		     "Names of pods that last are those below a headless Service.", NULL);
	return true;
}

/* ---- pod/NAME ---- */

static bool no_such_pod(struct explain *x, struct str name)
{
	struct nearest nearest = { .wanted = name };
	struct enumeration others = ENUMERATION(ENUMERATION_MAX);
	struct str space = str_from(x->question->space);
	const char *advice;

	cache_for_each (pod, x->cache, &kind_pod, STR_NONE) {
		if (str_eq(pod->space, space)) {
			nearest_offer(&nearest, pod->name);
		} else if (str_eq(pod->name, name)) {
			enumeration_add(&others, pod->space);
		}
	}
	bool elsewhere = others.n != 0;
	const char *spaces = enumeration_end(x, &others);

	advice = elsewhere       ? explain_say(x, "There is one in namespace %s: add -n.", spaces)
		 : nearest.n > 0 ? explain_say(x, "Did you mean pod/%s?", nearest.best[0])
				 : "See which pods there are.";
	return explain_broken(x, "Pod",
			      explain_say(x, "There is no pod %.*s in namespace %s.", STR_ARG(name),
					  x->question->space),
			      advice, explain_say(x, "kubectl get pods -n %s", x->question->space));
}

/* The Services that select the pod: a headless one first. */
static struct object *find_selecting_service(const struct explain *x, struct object *pod)
{
	struct object *found = NULL;

	cache_for_each (service, x->cache, &kind_service, pod->space) {
		const json_t *map = json_at(object_tree(service), "spec.selector");
		struct selector *selector = selector_from_map(map);
		bool selects =
			json_object_size(map) != 0 &&
			strcmp(json_string_at(object_tree(service), "spec.type"), "ExternalName") !=
				0 &&
			selector_matches(selector, json_at(object_tree(pod), "metadata.labels"));
		bool headless =
			strcmp(json_string_at(object_tree(service), "spec.clusterIP"), "None") == 0;

		selector_free(selector);
		if (selects && headless) {
			return service;
		}
		found = selects && found == NULL ? service : found;
	}
	return found;
}

static bool no_name(struct explain *x, struct object *pod)
{
	x->reason.cause = ZONE_CAUSE_NO_SUCH_NAME;
	return explain_broken(
		x, "Service",
		explain_say(x,
			    "Pod %.*s has no hostname and subdomain, and no Service selects it: it "
			    "has no name.",
			    STR_ARG(pod->name)),
		"Make a headless Service that selects it (--port is one the pod listens on).",
		explain_say(x, "kubectl expose pod %.*s -n %.*s --cluster-ip=None --port=80",
			    STR_ARG(pod->name), STR_ARG(pod->space)));
}

static bool no_subdomain(struct explain *x, struct object *pod)
{
	struct object *service = find_selecting_service(x, pod);

	x->reason.cause = ZONE_CAUSE_NO_SUCH_NAME;
	return explain_broken(
		x, "Hostname",
		explain_say(x,
			    "Pod %.*s has the hostname %s but no subdomain: its hostname is no "
			    "name in DNS.",
			    STR_ARG(pod->name), pod_fact_hostname(pod)),
		service != NULL
			? explain_say(x,
				      "Set spec.subdomain of the pod (in the template it is made "
				      "of) to %.*s, the Service that selects it.",
				      STR_ARG(service->name))
			: "Set spec.subdomain of the pod (in the template it is made of) to the "
			  "name of a headless Service that selects it.",
		"kubectl explain pod.spec.subdomain");
}

static void say_pod(struct explain *x, struct object *pod)
{
	const char *address = json_string_at(object_tree(pod), "status.podIP");
	const char *node = json_string_at(object_tree(pod), "spec.nodeName");

	explain_ok(x, "Pod",
		   explain_say(x, "%.*s/%.*s has the address %s%s.", STR_ARG(pod->space),
			       STR_ARG(pod->name), address[0] != '\0' ? address : "(none yet)",
			       json_bool_at(object_tree(pod), "spec.hostNetwork", false)
				       ? explain_say(x, ", which is that of its node %s", node)
				       : ""));
}

/* The name made of the address; false when there is none yet. */
static bool set_dashed_name(struct explain *x, struct object *pod, struct object *service)
{
	struct str address = str_from(json_string_at(object_tree(pod), "status.podIP"));
	char label[ADDRESS_LABEL];
	size_t n = address_dashed(address, label);
	char labels[2 * LIMIT_DNS_LABEL + 2];

	if (n == 0 || !explain_is_label(service->name)) {
		return explain_broken(x, "Address",
				      explain_say(x, "Pod %.*s has no address yet: %s.",
						  STR_ARG(pod->name), pod_fact_why(x, pod)),
				      "See what it waits for.", pod_fact_command(x, pod));
	}
	snprintf(labels, sizeof(labels), "%.*s.%.*s", (int)n, label, STR_ARG(service->name));
	return explain_set_service_name(x, labels, pod->space);
}

bool explain_pod_question(struct explain *x, struct str name)
{
	struct str space = str_from(x->question->space);
	struct object *pod = cache_get(x->cache, &kind_pod, space, name);
	char labels[2 * LIMIT_DNS_LABEL + 2];

	x->asked_pod = true;
	x->space = space;
	x->reason.cause = ZONE_CAUSE_NO_POD;
	if (!explain_namespace(x)) {
		x->reason.cause = ZONE_CAUSE_NO_NAMESPACE;
		return false;
	}
	if (pod == NULL) {
		return no_such_pod(x, name);
	}
	say_pod(x, pod);
	const char *hostname = pod_fact_hostname(pod);
	const char *subdomain = pod_fact_subdomain(pod);

	if (hostname[0] != '\0' && subdomain[0] == '\0') {
		return no_subdomain(x, pod);
	}
	if (hostname[0] == '\0') {
		struct object *service = find_selecting_service(x, pod);

		if (service == NULL) {
			return no_name(x, pod);
		}
		explain_info(x, "Hostname",
			     explain_say(x,
					 "Without a hostname its name is made of its address and "
					 "Service %.*s, and changes with the address.",
					 STR_ARG(service->name)),
			     "For a name that stays run it in a StatefulSet, or set spec.hostname "
			     "and spec.subdomain.",
			     NULL);
		return set_dashed_name(x, pod, service);
	}
	explain_ok(x, "Hostname",
		   explain_say(x, "hostname %s and subdomain %s make its name.", hostname,
			       subdomain));
	snprintf(labels, sizeof(labels), "%.63s.%.63s", hostname, subdomain);
	return explain_set_service_name(x, labels, pod->space);
}
