/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What users do, drawn at random from small pools of names, so that things meet: services created
 * again under the same name, two on the same pods, hand-made slices beside those of controllers.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"
#include "json/json.h"

enum { N_SERVICES = 5, N_SETS = 2, N_DEPLOYMENTS = 2, N_PODS = 4, REPLICAS_MOST = 6 };

static const char strategic[] = "application/strategic-merge-patch+json";
static const char merge[] = "application/merge-patch+json";

static const char *const spaces[] = { "default", "lab" };
static const char *const applications[] = { "a", "b" };

static const char *pick_space(struct sim *sim)
{
	return spaces[sim_chance(sim, 75) ? 0 : 1];
}

static const char *pick_application(struct sim *sim)
{
	return applications[sim_draw(sim, 2)];
}

static char *pick_service(struct sim *sim)
{
	return mem_printf("s%u", sim_draw(sim, N_SERVICES));
}

/* An object of a kind that is there, as its path; NULL: none. `ret_object` is a new reference. */
static char *pick_existing(struct sim *sim, const char *list, json_t **ret_object)
{
	_cleanup_json_ json_t *all = world_get(sim->world, list);
	const json_t *items = json_object_get(all, "items");
	size_t n = json_array_size(items);
	json_t *object;

	if (n == 0) {
		return NULL;
	}
	object = json_array_get(items, sim_draw(sim, (uint32_t)n));
	if (strncmp(json_string_at(object, "metadata.namespace"), "kube-", 5) == 0 ||
	    strcmp(json_string_at(object, "metadata.name"), "kubernetes") == 0) {
		return NULL;
	}
	*ret_object = json_incref(object);
	return mem_printf("%.*s/namespaces/%s/%s/%s", (int)(strrchr(list, '/') - list), list,
			  json_string_at(object, "metadata.namespace"), strrchr(list, '/') + 1,
			  json_string_at(object, "metadata.name"));
}

static void touch_group_of(struct sim *sim, const json_t *object)
{
	sim_touch_group(sim, json_string_at(object, "metadata.namespace"),
			json_string_at(object, "metadata.name"));
}

static void touch_service_of(struct sim *sim, const json_t *object)
{
	sim_touch_service(sim, json_string_at(object, "metadata.namespace"),
			  json_string_at(object, "metadata.name"));
}

static json_t *delete_options(struct sim *sim, unsigned no_grace)
{
	static const char *const policies[] = { "Background", "Foreground", "Orphan" };
	json_t *options = json_object();

	if (sim_chance(sim, no_grace)) {
		json_object_set_new(options, "gracePeriodSeconds", json_integer(0));
	}
	if (sim_chance(sim, 60)) {
		json_object_set_new(options, "propagationPolicy",
				    json_string(policies[sim_draw(sim, 3)]));
	}
	return options;
}

/* ---- services ---- */

static json_t *some_ports(struct sim *sim, bool may_be_none)
{
	static const char *const names[] = { "http", "db", "peer" };
	json_t *ports = json_array();
	uint32_t n = sim_draw(sim, 3) + (may_be_none ? 0 : 1);

	for (uint32_t i = 0; i < n; i++) {
		json_t *port = json_pack("{ss si}", "name", names[i], "port", 80 + (int)i);

		if (sim_chance(sim, 30)) {
			json_object_set_new(port, "targetPort", json_string("web"));
		}
		json_array_append_new(ports, port);
	}
	return ports;
}

static json_t *some_selector(struct sim *sim)
{
	json_t *selector = json_pack("{ss}", "app", pick_application(sim));

	if (sim_chance(sim, 25)) {
		json_object_set_new(selector, "tier", json_string("x"));
	}
	return selector;
}

static json_t *service_spec(struct sim *sim)
{
	json_t *spec = json_object();
	uint32_t type = sim_draw(sim, 10);
	bool headless = type < 6;

	if (type == 9) {
		json_object_set_new(spec, "type", json_string("ExternalName"));
		json_object_set_new(spec, "externalName", json_string("example.com"));
		return spec;
	}
	json_object_set_new(spec, "ports", some_ports(sim, headless));
	if (headless) {
		json_object_set_new(spec, "clusterIP", json_string("None"));
	} else if (type == 8) {
		json_object_set_new(spec, "type", json_string("NodePort"));
	}
	if (sim_chance(sim, 80)) {
		json_object_set_new(spec, "selector", some_selector(sim));
	}
	if (sim_chance(sim, 15)) {
		json_object_set_new(spec, "publishNotReadyAddresses", json_true());
	}
	if (sim->dual && sim_chance(sim, 50)) {
		json_object_set_new(spec, "ipFamilyPolicy", json_string("PreferDualStack"));
	} else if (sim->dual && sim_chance(sim, 30)) {
		json_object_set_new(spec, "ipFamilies", json_pack("[s]", "IPv6"));
	}
	return spec;
}

static void create_service(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *name _cleanup_free_ = pick_service(sim);
	char *target _cleanup_free_ = mem_printf("/api/v1/namespaces/%s/services", space);

	sim_touch_service(sim, space, name);
	sim_send(sim, "POST", target, NULL,
		 json_pack("{s{ss} so}", "metadata", "name", name, "spec", service_spec(sim)));
}

static void delete_service(struct sim *sim)
{
	_cleanup_json_ json_t *service = NULL;
	char *path _cleanup_free_ = pick_existing(sim, "/api/v1/services", &service);

	if (path != NULL) {
		touch_service_of(sim, service);
		sim_send(sim, "DELETE", path, NULL, delete_options(sim, 0));
	}
}

/* A merge patch of spec. */
static json_t *service_change(struct sim *sim)
{
	switch (sim_draw(sim, 8)) {
	case 0:
		return json_pack("{so}", "selector", json_null());
	case 1:
	case 2:
		return json_pack("{s{ss sn}}", "selector", "app", pick_application(sim), "tier");
	case 3:
		return json_pack("{sb}", "publishNotReadyAddresses", sim_chance(sim, 50));
	case 4:
		return json_pack("{so}", "ports", some_ports(sim, false));
	case 5:
		return json_pack("{ss ss so so so}", "type", "ExternalName", "externalName",
				 "example.org", "clusterIP", json_null(), "clusterIPs", json_null(),
				 "ports", json_null());
	case 6:
		return json_pack("{ss so so}", "type",
				 sim_chance(sim, 50) ? "NodePort" : "ClusterIP", "externalName",
				 json_null(), "ports", some_ports(sim, false));
	default:
		return json_pack("{ss so ss}", "type", "ClusterIP", "externalName", json_null(),
				 "clusterIP", "None");
	}
}

static void change_service(struct sim *sim)
{
	_cleanup_json_ json_t *service = NULL;
	char *path _cleanup_free_ = pick_existing(sim, "/api/v1/services", &service);

	if (path != NULL) {
		touch_service_of(sim, service);
		sim_send(sim, "PATCH", path, merge, json_pack("{so}", "spec", service_change(sim)));
	}
}

/* ---- workloads ---- */

static json_t *pod_spec(struct sim *sim)
{
	json_t *spec =
		json_pack("{s[{ss ss s[{ss si}]}]}", "containers", "name", "c", "image", "i:1",
			  "ports", "name", "web", "containerPort", 8080 + (int)sim_draw(sim, 2));

	if (sim_chance(sim, 10)) {
		json_object_set_new(spec, "terminationGracePeriodSeconds",
				    json_integer(sim_draw(sim, 5)));
	}
	return spec;
}

static json_t *labels(struct sim *sim, const char *name)
{
	json_t *map = json_pack("{ss ss}", "app", pick_application(sim), "set", name);

	if (sim_chance(sim, 40)) {
		json_object_set_new(map, "tier", json_string("x"));
	}
	return map;
}

static json_t *workload(struct sim *sim, const char *name)
{
	return json_pack("{s{ss} s{si s{s{ss}} s{s{so} so}}}", "metadata", "name", name, "spec",
			 "replicas", (int)sim_draw(sim, REPLICAS_MOST), "selector", "matchLabels",
			 "set", name, "template", "metadata", "labels", labels(sim, name), "spec",
			 pod_spec(sim));
}

static void create_set(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *name _cleanup_free_ = mem_printf("web%u", sim_draw(sim, N_SETS));
	char *service _cleanup_free_ = pick_service(sim);
	char *target _cleanup_free_ = mem_printf("/apis/apps/v1/namespaces/%s/statefulsets", space);
	json_t *set = workload(sim, name);

	json_put(set, "spec.serviceName", json_string(service));
	if (sim_chance(sim, 40)) {
		json_put(set, "spec.podManagementPolicy", json_string("Parallel"));
	}
	if (sim_chance(sim, 15)) {
		json_put(set, "spec.ordinals.start", json_integer(sim_draw(sim, 3)));
	}
	if (sim_chance(sim, 15)) {
		json_put(set, "spec.minReadySeconds", json_integer(sim_draw(sim, 20)));
	}
	sim_touch_group(sim, space, name);
	sim_send(sim, "POST", target, NULL, set);
}

static void create_deployment(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *name _cleanup_free_ = mem_printf("dep%u", sim_draw(sim, N_DEPLOYMENTS));
	char *target _cleanup_free_ = mem_printf("/apis/apps/v1/namespaces/%s/deployments", space);
	json_t *deployment = workload(sim, name);

	if (sim_chance(sim, 30)) {
		json_put(deployment, "spec.strategy", json_pack("{ss}", "type", "Recreate"));
	}
	sim_touch_group(sim, space, name);
	sim_send(sim, "POST", target, NULL, deployment);
}

static const char *pick_workloads(struct sim *sim)
{
	return sim_chance(sim, 65) ? "/apis/apps/v1/statefulsets" : "/apis/apps/v1/deployments";
}

static void delete_workload(struct sim *sim)
{
	_cleanup_json_ json_t *set = NULL;
	char *path _cleanup_free_ = pick_existing(sim, pick_workloads(sim), &set);

	if (path != NULL) {
		touch_group_of(sim, set);
		sim_send(sim, "DELETE", path, NULL, delete_options(sim, 0));
	}
}

static void scale_workload(struct sim *sim)
{
	_cleanup_json_ json_t *set = NULL;
	char *path _cleanup_free_ = pick_existing(sim, pick_workloads(sim), &set);
	int replicas = sim_chance(sim, 1) ? 105 : (int)sim_draw(sim, REPLICAS_MOST + 1);

	if (path != NULL) {
		char *scale _cleanup_free_ = mem_printf("%s/scale", path);

		touch_group_of(sim, set);
		sim_send(sim, "PATCH", scale, merge,
			 json_pack("{s{si}}", "spec", "replicas", replicas));
	}
}

static void update_workload(struct sim *sim)
{
	_cleanup_json_ json_t *set = NULL;
	char *path _cleanup_free_ = pick_existing(sim, pick_workloads(sim), &set);
	char *image _cleanup_free_ = mem_printf("i:%u", sim_draw(sim, 4));
	json_t *patch;

	if (path == NULL) {
		return;
	}
	if (strstr(path, "statefulsets") != NULL && sim_chance(sim, 30)) {
		patch = json_pack("{s{s{s{si}}}}", "spec", "updateStrategy", "rollingUpdate",
				  "partition", (int)sim_draw(sim, REPLICAS_MOST));
	} else {
		patch = json_pack("{s{s{s{s[{ss ss}]}}}}", "spec", "template", "spec", "containers",
				  "name", "c", "image", image);
	}
	touch_group_of(sim, set);
	sim_send(sim, "PATCH", path, strategic, patch);
}

/* ---- pods ---- */

static void create_pod(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *name _cleanup_free_ = mem_printf("p%u", sim_draw(sim, N_PODS));
	char *service _cleanup_free_ = pick_service(sim);
	char *target _cleanup_free_ = mem_printf("/api/v1/namespaces/%s/pods", space);
	json_t *spec = pod_spec(sim);

	if (sim_chance(sim, 60)) {
		json_object_set_new(spec, "hostname",
				    json_string(sim_chance(sim, 50) ? name : "same"));
		json_object_set_new(spec, "subdomain", json_string(service));
	}
	if (sim_chance(sim, 10)) {
		json_object_set_new(spec, "activeDeadlineSeconds", json_integer(20));
	}
	sim_touch_group(sim, space, name);
	sim_send(sim, "POST", target, NULL,
		 json_pack("{s{ss so} so}", "metadata", "name", name, "labels", labels(sim, name),
			   "spec", spec));
}

static char *pick_pod(struct sim *sim)
{
	json_t *pod = NULL;
	char *path = pick_existing(sim, "/api/v1/pods", &pod);

	if (path != NULL) {
		touch_group_of(sim, pod);
	}
	json_decref(pod);
	return path;
}

static void delete_pod(struct sim *sim)
{
	char *path _cleanup_free_ = pick_pod(sim);

	if (path != NULL) {
		sim_send(sim, "DELETE", path, NULL, delete_options(sim, 40));
	}
}

static void label_pod(struct sim *sim)
{
	char *path _cleanup_free_ = pick_pod(sim);
	json_t *map;

	if (path == NULL) {
		return;
	}
	map = json_pack("{ss}", "app", pick_application(sim));
	if (sim_chance(sim, 30)) {
		json_object_set_new(map, "tier",
				    sim_chance(sim, 50) ? json_string("x") : json_null());
	}
	/* Away from its owner; a stateful set would wait for ever for the name. */
	if (sim_chance(sim, 10) && strstr(path, "/pods/dep") != NULL) {
		json_object_set_new(map, "set", json_string("none"));
	}
	sim_send(sim, "PATCH", path, merge, json_pack("{s{so}}", "metadata", "labels", map));
}

static void set_ready(struct sim *sim)
{
	char *path _cleanup_free_ = pick_pod(sim);

	if (path != NULL) {
		char *status _cleanup_free_ = mem_printf("%s/status", path);

		sim_send(sim, "PATCH", status, strategic,
			 json_pack("{s{s[{ssss}]}}", "status", "conditions", "type", "Ready",
				   "status", sim_chance(sim, 35) ? "False" : "True"));
	}
}

static void delete_all_pods(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *target _cleanup_free_ =
		mem_printf("/api/v1/namespaces/%s/pods?labelSelector=app%%3D%s", space,
			   pick_application(sim));

	sim_touch_group(sim, space, "");
	sim_send(sim, "DELETE", target, NULL, NULL);
}

/* ---- endpoints by hand ---- */

static json_t *hand_address(struct sim *sim)
{
	return json_sprintf("192.168.0.%u", 1 + sim_draw(sim, 9));
}

static void create_slice(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *name _cleanup_free_ = mem_printf("hand%u", sim_draw(sim, 3));
	char *service _cleanup_free_ = pick_service(sim);
	char *target _cleanup_free_ =
		mem_printf("/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices", space);
	json_t *endpoints = json_array();

	for (uint32_t i = sim_draw(sim, 3) + 1; i > 0; i--) {
		json_t *endpoint = json_pack("{s[o]}", "addresses", hand_address(sim));

		if (sim_chance(sim, 40)) {
			json_object_set_new(endpoint, "hostname", json_string("hand"));
		}
		if (sim_chance(sim, 40)) {
			json_object_set_new(endpoint, "conditions",
					    json_pack("{sb}", "ready", sim_chance(sim, 50)));
		}
		json_array_append_new(endpoints, endpoint);
	}
	sim_touch_service(sim, space, service);
	sim_send(sim, "POST", target, NULL,
		 json_pack("{s{ss s{ss}} ss so s[{ss si}]}", "metadata", "name", name, "labels",
			   "kubernetes.io/service-name", service, "addressType", "IPv4",
			   "endpoints", endpoints, "ports", "name", "http", "port", 80));
}

/* Of users or of controllers, who must put it right. */
static void delete_slice(struct sim *sim)
{
	_cleanup_json_ json_t *slice = NULL;
	char *path _cleanup_free_ =
		pick_existing(sim, "/apis/discovery.k8s.io/v1/endpointslices", &slice);
	const char *service = json_string_value(
		json_object_get(json_at(slice, "metadata.labels"), "kubernetes.io/service-name"));

	if (path == NULL) {
		return;
	}
	sim_touch_service(sim, json_string_at(slice, "metadata.namespace"),
			  service != NULL ? service : "");
	if (sim_chance(sim, 60)) {
		sim_send(sim, "DELETE", path, NULL, delete_options(sim, 0));
	} else {
		sim_send(sim, "PATCH", path, merge, json_pack("{s[]}", "endpoints"));
	}
}

static void create_endpoints(struct sim *sim)
{
	const char *space = pick_space(sim);
	char *service _cleanup_free_ = pick_service(sim);
	char *target _cleanup_free_ =
		mem_printf("/api/v1/namespaces/%s/endpoints/%s", space, service);

	sim_touch_service(sim, space, service);
	sim_send(sim, "PUT", target, NULL,
		 json_pack("{s{ss} s[{s[{so}] s[{ss si}]}]}", "metadata", "name", service,
			   "subsets", "addresses", "ip", hand_address(sim), "ports", "name", "http",
			   "port", 80));
}

static void delete_endpoints(struct sim *sim)
{
	_cleanup_json_ json_t *endpoints = NULL;
	char *path _cleanup_free_ = pick_existing(sim, "/api/v1/endpoints", &endpoints);

	if (path != NULL) {
		touch_service_of(sim, endpoints);
		sim_send(sim, "DELETE", path, NULL, delete_options(sim, 0));
	}
}

/* ---- namespaces ---- */

static void create_space(struct sim *sim)
{
	sim_send(sim, "POST", "/api/v1/namespaces", NULL,
		 json_pack("{s{ss}}", "metadata", "name", spaces[1]));
}

static void delete_space(struct sim *sim)
{
	char *target _cleanup_free_ = mem_printf("/api/v1/namespaces/%s", spaces[1]);

	sim_touch_group(sim, spaces[1], "");
	sim_send(sim, "DELETE", target, NULL, NULL);
}

static const struct {
	unsigned weight;
	void (*operate)(struct sim *sim);
} operations[] = {
	{ 12, create_service },  { 5, delete_service },    { 8, change_service },
	{ 10, create_set },      { 4, create_deployment }, { 4, delete_workload },
	{ 12, scale_workload },  { 7, update_workload },   { 6, create_pod },
	{ 8, delete_pod },       { 8, label_pod },         { 14, set_ready },
	{ 1, delete_all_pods },  { 4, create_slice },      { 4, delete_slice },
	{ 3, create_endpoints }, { 2, delete_endpoints },  { 4, create_space },
	{ 1, delete_space },
};

void sim_operate(struct sim *sim)
{
	unsigned sum = 0;
	unsigned at;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		sum += operations[i].weight;
	}
	at = sim_draw(sim, sum);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (at < operations[i].weight) {
			operations[i].operate(sim);
			return;
		}
		at -= operations[i].weight;
	}
}
