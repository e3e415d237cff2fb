/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https://github.com/kubernetes/dns/blob/master/docs/specification.md, and which pods are
 * endpoints: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
 * Sets are JSON objects whose keys are the members.
 */
#include "oracle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "world.h"
#include "json/json.h"

#define DOMAIN "svc.cluster.local"
#define SLICE_CONTROLLER "endpointslice-controller.k8s.io"

enum { NAME_MOST = 512, ANSWER_MOST = 1 << 20 };

/* ---- objects ---- */

static json_t *items_of(struct world *world, const char *path)
{
	json_t *list = world_get(world, path);
	json_t *items = json_incref(json_object_get(list, "items"));

	json_decref(list);
	return items;
}

void snapshot_take(struct world *world, struct snapshot *ret)
{
	*ret = (struct snapshot){
		.namespaces = items_of(world, "/api/v1/namespaces"),
		.nodes = items_of(world, "/api/v1/nodes"),
		.services = items_of(world, "/api/v1/services"),
		.pods = items_of(world, "/api/v1/pods"),
		.slices = items_of(world, "/apis/discovery.k8s.io/v1/endpointslices"),
		.endpoints = items_of(world, "/api/v1/endpoints"),
		.stateful_sets = items_of(world, "/apis/apps/v1/statefulsets"),
		.deployments = items_of(world, "/apis/apps/v1/deployments"),
		.replica_sets = items_of(world, "/apis/apps/v1/replicasets"),
		.revisions = items_of(world, "/apis/apps/v1/controllerrevisions"),
	};
}

void snapshot_deinit(struct snapshot *snapshot)
{
	json_decref(snapshot->namespaces);
	json_decref(snapshot->nodes);
	json_decref(snapshot->services);
	json_decref(snapshot->pods);
	json_decref(snapshot->slices);
	json_decref(snapshot->endpoints);
	json_decref(snapshot->stateful_sets);
	json_decref(snapshot->deployments);
	json_decref(snapshot->replica_sets);
	json_decref(snapshot->revisions);
}

static bool is_at(const json_t *object, const char *space, const char *name)
{
	return strcmp(json_string_at(object, "metadata.namespace"), space) == 0 &&
	       strcmp(json_string_at(object, "metadata.name"), name) == 0;
}

const json_t *snapshot_find(const json_t *list, const char *space, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach ((json_t *)list, i, object) {
		if (is_at(object, space, name)) {
			return object;
		}
	}
	return NULL;
}

static const char *space_of(const json_t *object)
{
	return json_string_at(object, "metadata.namespace");
}

static const char *name_of(const json_t *object)
{
	return json_string_at(object, "metadata.name");
}

static bool is_of_type(const json_t *service, const char *type)
{
	return strcmp(json_string_at(service, "spec.type"), type) == 0;
}

bool service_is_selecting(const json_t *service)
{
	return json_object_size(json_at(service, "spec.selector")) > 0 &&
	       !is_of_type(service, "ExternalName");
}

bool service_selects_pod(const json_t *service, const json_t *pod)
{
	const json_t *labels = json_at(pod, "metadata.labels");
	const char *key;
	json_t *value;

	if (!service_is_selecting(service) || strcmp(space_of(service), space_of(pod)) != 0) {
		return false;
	}
	json_object_foreach (json_at(service, "spec.selector"), key, value) {
		if (!json_equal(json_object_get(labels, key), value)) {
			return false;
		}
	}
	return true;
}

bool pod_is_shown(const json_t *pod)
{
	const char *phase = json_string_at(pod, "status.phase");

	return strcmp(phase, "Failed") != 0 && strcmp(phase, "Succeeded") != 0 &&
	       json_array_size(json_at(pod, "status.podIPs")) > 0;
}

bool pod_is_ready_now(const json_t *pod)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (json_at(pod, "status.conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type"), "Ready") == 0) {
			return strcmp(json_string_at(condition, "status"), "True") == 0;
		}
	}
	return false;
}

bool pod_is_answering(const json_t *service, const json_t *pod)
{
	return pod_is_shown(pod) &&
	       (json_bool_at(service, "spec.publishNotReadyAddresses", false) ||
		(pod_is_ready_now(pod) && json_at(pod, "metadata.deletionTimestamp") == NULL));
}

/* ---- names ---- */

static json_t *get_set(json_t *object, const char *key)
{
	json_t *set = json_object_get(object, key);

	if (set == NULL) {
		set = json_object();
		json_object_set_new(object, key, set);
	}
	return set;
}

static void add(json_t *names, const char *name, const char *type, const char *data)
{
	json_object_set_new(get_set(get_set(names, name), type), data, json_true());
}

static bool is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

static void reverse_of(const char *address, char *out)
{
	unsigned char bytes[16];
	int n = is_v6(address) ? 16 : 4;

	inet_pton(n == 16 ? AF_INET6 : AF_INET, address, bytes);
	for (int i = n - 1; i >= 0; i--) {
		out += n == 4 ? sprintf(out, "%u.", bytes[i])
			      : sprintf(out, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
	}
	strcpy(out, n == 4 ? "in-addr.arpa" : "ip6.arpa");
}

/* The label of an endpoint without a hostname. */
static void dashed(const char *address, char *out)
{
	char last = '\0';

	for (; *address != '\0'; address++) {
		last = *address == '.' || *address == ':' ? '-' : *address;
		*out++ = last;
	}
	if (last == '-') {
		*out++ = '0';
	}
	*out = '\0';
}

/* A Service's address has one PTR, and none beside it. */
static bool is_cluster_ip(const struct snapshot *snapshot, const char *address)
{
	const json_t *service;
	size_t i;
	size_t j;

	json_array_foreach (snapshot->services, i, service) {
		const json_t *ip;

		json_array_foreach (json_at(service, "spec.clusterIPs"), j, ip) {
			if (strcmp(json_string_value(ip), address) == 0) {
				return true;
			}
		}
	}
	return false;
}

struct building {
	const struct snapshot *snapshot;
	json_t *names;
	const json_t *service;
	bool headless;
};

/* One address of one endpoint that DNS shows. */
static void add_endpoint(const struct building *to, const char *hostname, const char *address)
{
	const char *type = is_v6(address) ? "AAAA" : "A";
	char label[NAME_MOST];
	char base[NAME_MOST];
	char name[NAME_MOST * 2];
	char text[NAME_MOST * 2 + 2];

	snprintf(base, sizeof(base), "%s.%s." DOMAIN, name_of(to->service), space_of(to->service));
	if (hostname[0] != '\0') {
		snprintf(label, sizeof(label), "%s", hostname);
	} else {
		dashed(address, label);
	}
	snprintf(name, sizeof(name), "%s.%s", label, base);
	add(to->names, name, type, address);
	if (to->headless) {
		add(to->names, base, type, address);
	}
	if (!is_cluster_ip(to->snapshot, address)) {
		char reverse[NAME_MOST];

		reverse_of(address, reverse);
		snprintf(text, sizeof(text), "%s.", name);
		add(to->names, reverse, "PTR", text);
	}
}

static bool has_family(const json_t *service, const char *address)
{
	const json_t *family;
	size_t i;

	json_array_foreach (json_at(service, "spec.ipFamilies"), i, family) {
		if (is_v6(address) == (strcmp(json_string_value(family), "IPv6") == 0)) {
			return true;
		}
	}
	return false;
}

/* The first of each family: that is what an endpoint takes. */
static void add_pod(const struct building *to, const json_t *pod)
{
	bool here = strcmp(json_string_at(pod, "spec.subdomain"), name_of(to->service)) == 0;
	const char *hostname = here ? json_string_at(pod, "spec.hostname") : "";
	bool taken[2] = { false, false };
	const json_t *ip;
	size_t i;

	json_array_foreach (json_at(pod, "status.podIPs"), i, ip) {
		const char *address = json_string_at(ip, "ip");

		if (!taken[is_v6(address)] && has_family(to->service, address)) {
			add_endpoint(to, hostname, address);
			taken[is_v6(address)] = true;
		}
	}
}

static const char *label_of(const json_t *object, const char *key)
{
	const char *value =
		json_string_value(json_object_get(json_at(object, "metadata.labels"), key));

	return value != NULL ? value : "";
}

static void add_slice(const struct building *to, const json_t *slice)
{
	const json_t *endpoint;
	const json_t *address;
	size_t i;
	size_t j;

	json_array_foreach (json_object_get(slice, "endpoints"), i, endpoint) {
		if (!json_bool_at(endpoint, "conditions.ready", true)) {
			continue;
		}
		json_array_foreach (json_object_get(endpoint, "addresses"), j, address) {
			add_endpoint(to, json_string_at(endpoint, "hostname"),
				     json_string_value(address));
		}
	}
}

/*
 * Slices that are nobody's but their maker's: all of a service without a selector; of one with a
 * selector, those that the controller has not made.
 */
static void add_slices(const struct building *to)
{
	bool selecting = service_is_selecting(to->service);
	const json_t *slice;
	size_t i;

	json_array_foreach (to->snapshot->slices, i, slice) {
		const char *maker = label_of(slice, "endpointslice.kubernetes.io/managed-by");

		if (strcmp(space_of(slice), space_of(to->service)) == 0 &&
		    strcmp(label_of(slice, "kubernetes.io/service-name"), name_of(to->service)) ==
			    0 &&
		    !(selecting && strcmp(maker, SLICE_CONTROLLER) == 0)) {
			add_slice(to, slice);
		}
	}
}

static void add_cluster_ips(const struct building *to)
{
	char base[NAME_MOST];
	char text[NAME_MOST + 1];
	const json_t *ip;
	size_t i;

	snprintf(base, sizeof(base), "%s.%s." DOMAIN, name_of(to->service), space_of(to->service));
	snprintf(text, sizeof(text), "%s.", base);
	json_array_foreach (json_at(to->service, "spec.clusterIPs"), i, ip) {
		char reverse[NAME_MOST];

		add(to->names, base, is_v6(json_string_value(ip)) ? "AAAA" : "A",
		    json_string_value(ip));
		reverse_of(json_string_value(ip), reverse);
		add(to->names, reverse, "PTR", text);
	}
}

static void add_service(struct building *to)
{
	const json_t *pod;
	size_t i;

	if (is_of_type(to->service, "ExternalName")) {
		char base[NAME_MOST];
		char target[NAME_MOST];

		snprintf(base, sizeof(base), "%s.%s." DOMAIN, name_of(to->service),
			 space_of(to->service));
		snprintf(target, sizeof(target), "%s.",
			 json_string_at(to->service, "spec.externalName"));
		add(to->names, base, "CNAME", target);
		return;
	}
	to->headless = strcmp(json_string_at(to->service, "spec.clusterIP"), "None") == 0;
	if (!to->headless) {
		add_cluster_ips(to);
	}
	json_array_foreach (to->snapshot->pods, i, pod) {
		if (service_selects_pod(to->service, pod) && pod_is_answering(to->service, pod)) {
			add_pod(to, pod);
		}
	}
	add_slices(to);
}

json_t *oracle_names(const struct snapshot *snapshot)
{
	struct building to = { .snapshot = snapshot, .names = json_object() };
	size_t i;

	json_array_foreach (snapshot->services, i, to.service) {
		if (snapshot_find(snapshot->namespaces, "", space_of(to.service)) != NULL) {
			add_service(&to);
		}
	}
	return to.names;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *oracle_answer(const json_t *names, const char *name, const char *type)
{
	static struct buffer out = BUFFER_INIT(ANSWER_MOST);
	json_t *types = json_object_get(names, name);
	json_t *set = json_object_get(types, type);
	size_t n = json_object_size(set);
	const char **data;
	const char *key;
	json_t *value;
	size_t i = 0;

	if (types == NULL) {
		return "NXDOMAIN";
	}
	if (set == NULL) {
		return "NODATA";
	}
	data = mem_alloc_array(n, sizeof(*data));
	json_object_foreach (set, key, value) {
		data[i++] = key;
	}
	qsort(data, n, sizeof(*data), compare);
	buffer_clear(&out);
	buffer_append_text(&out, "NOERROR ");
	for (i = 0; i < n; i++) {
		buffer_printf(&out, "%s%s", i == 0 ? "" : ", ", data[i]);
	}
	mem_free(data);
	return buffer_text(&out);
}
