/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports below a Service. Of a headless one they are those of its EndpointSlices, so a targetPort by
 * name that no pod has is a port without records.
 */
#include <stdio.h>
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "json/json.h"

static const char *protocol_of(const json_t *port)
{
	const char *protocol = json_string_at(port, "protocol");

	return protocol[0] != '\0' ? protocol : "TCP";
}

/* Adds the names of container ports of the list to `names`; returns whether `wanted` is one. */
static bool container_ports(const json_t *containers, const char *wanted, const char *protocol,
			    struct nearest *names)
{
	const json_t *container, *port;
	bool found = false;
	size_t i, j;

	json_array_foreach (containers, i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			const char *name = json_string_at(port, "name");

			found |= strcmp(name, wanted) == 0 &&
				 strcmp(protocol_of(port), protocol) == 0;
			if (name[0] != '\0') {
				nearest_offer(names, str_from(name));
			}
		}
	}
	return found;
}

/* A named targetPort that no matching pod has; *ret_near is a name they have, or "". */
static bool is_unresolved(const struct explain *x, const json_t *port, struct nearest *ret_near)
{
	const char *wanted = json_string_at(port, "targetPort");
	bool found = wanted[0] == '\0' || x->selector == NULL || x->pods.matching == 0;

	*ret_near = (struct nearest){ .wanted = str_from(wanted) };
	cache_for_each (pod, x->cache, &kind_pod, x->space) {
		if (found) {
			break;
		}
		if (explain_selects(x, pod)) {
			const json_t *tree = object_tree(pod);

			found = container_ports(json_at(tree, "spec.containers"), wanted,
						protocol_of(port), ret_near) ||
				container_ports(json_at(tree, "spec.initContainers"), wanted,
						protocol_of(port), ret_near);
		}
	}
	return !found;
}

static bool unresolved_port(struct explain *x, const json_t *port, size_t index,
			    const struct nearest *near)
{
	return explain_broken(
		x, "Port",
		explain_say(x,
			    "Port %s wants the container port \"%s\" (%s), but no matching pod has "
			    "one of that name: it has no SRV records.",
			    json_string_at(port, "name"), json_string_at(port, "targetPort"),
			    protocol_of(port)),
		near->n != 0 ? explain_say(x, "Set targetPort to a port that they have: %s.",
					   near->best[0])
			     : "Name the container's port so, or set targetPort to its number.",
		explain_say(x,
			    "kubectl patch service %.*s -n %.*s --type json -p "
			    "'[{\"op\":\"replace\",\"path\":\"/spec/ports/%zu/targetPort\","
			    "\"value\":%s%s%s}]'",
			    STR_ARG(x->service_name), STR_ARG(x->space), index,
			    near->n != 0 ? "\"" : "", near->n != 0 ? near->best[0] : "NUMBER",
			    near->n != 0 ? "\"" : ""));
}

/* "http/TCP 80", "(unnamed)/TCP 8080". */
static const char *port_said(struct explain *x, const json_t *port)
{
	const char *name = json_string_at(port, "name");

	return explain_say(x, "%s/%s %lld", name[0] != '\0' ? name : "(unnamed)", protocol_of(port),
			   (long long)json_int_at(port, "port", 0));
}

static const char *protocol_label(const json_t *port)
{
	const char *protocol = protocol_of(port);

	return strcmp(protocol, "UDP") == 0    ? "udp"
	       : strcmp(protocol, "SCTP") == 0 ? "sctp"
					       : "tcp";
}

/* The whole name of a port; NULL when DNS has no such name. */
static const char *port_name(struct explain *x, const json_t *port)
{
	const char *text = explain_say(x, "_%s._%s.%.*s.%.*s.svc.%s", json_string_at(port, "name"),
				       protocol_label(port), STR_ARG(x->service_name),
				       STR_ARG(x->space), x->question->domain);
	struct zone_reason ignored;
	struct name name;

	return name_parse(str_from(text), &name) == 0 && explain_resolves(x->zone, &name, &ignored)
		       ? text
		       : NULL;
}

/* Wrong ports are told until half of the steps are used. */
static bool tell_unresolved(struct explain *x, const json_t *port, size_t index)
{
	struct nearest near;

	if (!x->headless || x->out->n_steps >= LIMIT_EXPLAIN_STEPS / 2 ||
	    !is_unresolved(x, port, &near)) {
		return false;
	}
	(void)unresolved_port(x, port, index, &near);
	return true;
}

static bool ports_of_service(struct explain *x, const json_t *ports)
{
	struct enumeration names = ENUMERATION(ENUMERATION_MAX);
	const json_t *port;
	size_t unnamed = 0;
	size_t i;

	json_array_foreach (ports, i, port) {
		const char *name = json_string_at(port, "name");

		unnamed += name[0] == '\0';
		if (!tell_unresolved(x, port, i) && name[0] != '\0' && port_name(x, port) != NULL) {
			const char *item = explain_say(x, "_%s._%s", name, protocol_label(port));

			enumeration_add(&names, str_from(item));
		}
	}
	size_t n = names.n;
	const char *list = enumeration_end(x, &names);

	if (n != 0) {
		explain_ok(x, "Port", explain_say(x, "SRV records below it: %s.", list));
	}
	if (unnamed != 0) {
		explain_info(x, "Port",
			     explain_say(x, "%zu %s no name, and so no SRV name.", unnamed,
					 plural(unnamed, "port has", "ports have")),
			     NULL, NULL);
	} else if (json_array_size(ports) == 0) {
		explain_info(x, "Port", "It has no ports, and so no SRV records.", NULL, NULL);
	}
	return true;
}

static bool is_port(const struct explain *x, const json_t *port, bool *ret_protocol)
{
	*ret_protocol = str_eq_nocase(x->protocol, str_from(protocol_of(port)));
	return str_eq_nocase(x->port, str_from(json_string_at(port, "name")));
}

static void add_closest_ports(struct explain *x, const json_t *ports)
{
	struct nearest nearest = { .wanted = x->port };
	const json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		nearest_offer(&nearest, str_from(json_string_at(port, "name")));
	}
	for (size_t k = 0; k < nearest.n; k++) {
		json_array_foreach (ports, i, port) {
			const char *text = port_name(x, port);

			if (text != NULL &&
			    strcmp(json_string_at(port, "name"), nearest.best[k]) == 0) {
				explain_add_closest(x, text);
			}
		}
	}
}

static bool no_such_port(struct explain *x, const json_t *ports)
{
	struct enumeration all = ENUMERATION(ENUMERATION_MAX);
	const json_t *port;
	size_t i, n = json_array_size(ports);
	const char *list;

	json_array_foreach (ports, i, port) {
		enumeration_add(&all, str_from(port_said(x, port)));
	}
	list = enumeration_end(x, &all);
	add_closest_ports(x, ports);
	const char *text =
		explain_say(x, "Service %.*s has no port %.*s/%.*s; it has: %s.",
			    STR_ARG(x->service_name), STR_ARG(x->port), STR_ARG(x->protocol), list);

	if (x->out->n_closest != 0) {
		return explain_broken(x, "Port", text,
				      explain_say(x, "Did you mean %s?", x->out->closest[0]), NULL);
	}
	if (n == 1 && json_string_at(json_array_get(ports, 0), "name")[0] == '\0' &&
	    explain_is_label(x->port)) {
		return explain_broken(
			x, "Port", text, "Its only port has no name: give it this one.",
			explain_say(x,
				    "kubectl patch service %.*s -n %.*s --type json -p "
				    "'[{\"op\":\"add\",\"path\":\"/spec/ports/0/name\",\"value\":"
				    "\"%.*s\"}]'",
				    STR_ARG(x->service_name), STR_ARG(x->space), STR_ARG(x->port)));
	}
	return explain_broken(x, "Port", text,
			      "Ask for a port that it has, or add this one to the Service.",
			      explain_say(x, "kubectl edit service %.*s -n %.*s",
					  STR_ARG(x->service_name), STR_ARG(x->space)));
}

static bool port_in_name(struct explain *x, const json_t *ports)
{
	const json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		struct nearest near;
		bool protocol;

		if (!is_port(x, port, &protocol)) {
			continue;
		}
		if (protocol && x->resolves) {
			explain_ok(x, "Port", explain_say(x, "%s.", port_said(x, port)));
			return true;
		}
		if (protocol && is_unresolved(x, port, &near)) {
			return unresolved_port(x, port, i, &near);
		}
		if (protocol && !x->resolves) {
			return explain_broken(
				x, "Port",
				explain_say(x,
					    "The Service has port %s, but its EndpointSlices lack "
					    "it.",
					    port_said(x, port)),
				"Give the EndpointSlices a port of this name and protocol.",
				explain_say(x, "kubectl get endpointslices -n %.*s -o yaml",
					    STR_ARG(x->space)));
		}
	}
	if (x->resolves) {
		explain_ok(x, "Port", "It stands in an EndpointSlice.");
		return true;
	}
	return no_such_port(x, ports);
}

bool explain_ports(struct explain *x)
{
	const json_t *ports = json_at(object_tree(x->service), "spec.ports");

	return x->shape == SHAPE_PORT ? port_in_name(x, ports) : ports_of_service(x, ports);
}
