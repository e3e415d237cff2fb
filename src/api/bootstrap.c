/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there before anybody asks. Made by ordinary writes, without the checks that a newborn
 * cluster could not pass: its namespaces are not there yet, and its API may well stand on loopback,
 * where no user may point endpoints.
 */
#include <errno.h>
#include <string.h>

#include "api/intern.h"
#include "api/keys.h"
#include "api/write.h"
#include "base/limits.h"
#include "base/log.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

struct birth {
	struct api *api;
	int error;
};

static void born(struct write *write, const json_t *refusal)
{
	struct birth *birth = write->userdata;

	/* Somebody else was there first: fine. */
	if (refusal != NULL && json_int_at(refusal, "code", 0) != 409) {
		log_error("api", "%s %.*s could not be made: %s", write->kind->kind,
			  STR_ARG(write->name), json_string_at(refusal, "message"));
		birth->error = -EIO;
	}
}

static bool is_there(struct birth *birth, const struct kind *kind, const char *space,
		     const char *name)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);

	key_of(kind, str_from(space), str_from(name), &key);
	return hub_get(birth->api->hub, buffer_str(&key)) != NULL;
}

static void make(struct birth *birth, const struct kind *kind, const char *space, const char *name,
		 json_t *body, bool update)
{
	write_change_fn change = create_change;

	if (is_there(birth, kind, space, name)) {
		if (!update) {
			json_decref(body);
			return;
		}
		change = update_change;
	}
	struct write *write = write_new(birth->api, kind, str_from(space), str_from(name), body);
	write->unchecked = true;
	write_run(write, change, born, birth);
}

static void make_namespaces(struct birth *birth)
{
	static const char *const names[] = { "default", "kube-node-lease", "kube-public",
					     "kube-system" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make(birth, &kind_namespace, "", names[i],
		     json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "Namespace",
			       "metadata", "name", names[i]),
		     /* update= */ false);
	}
}

static json_t *metadata(const char *label, const char *value)
{
	return json_pack("{s:s, s:s, s:{s:s}}", "name", "kubernetes", "namespace", "default",
			 "labels", label, value);
}

static void make_service(struct birth *birth, uint16_t port)
{
	char address[ADDRESS_TEXT];
	json_t *meta = metadata("component", "apiserver");

	addresses_at(birth->api->addresses, 0, 1, address);
	json_object_set_new(json_object_get(meta, "labels"), "provider", json_string("kubernetes"));
	make(birth, &kind_service, "default", "kubernetes",
	     json_pack("{s:s, s:s, s:o, s:{s:s, s:s, s:[{s:s, s:s, s:i, s:i}], s:s}}", "apiVersion",
		       "v1", "kind", "Service", "metadata", meta, "spec", "clusterIP", address,
		       "type", "ClusterIP", "ports", "name", "https", "protocol", "TCP", "port",
		       443, "targetPort", (int)port, "sessionAffinity", "None"),
	     /* update= */ false);
}

static void make_endpoints(struct birth *birth, const char *address, uint16_t port)
{
	bool v6 = strchr(address, ':') != NULL;

	make(birth, &kind_endpoints, "default", "kubernetes",
	     json_pack("{s:s, s:s, s:o, s:[{s:[{s:s}], s:[{s:s, s:i, s:s}]}]}", "apiVersion", "v1",
		       "kind", "Endpoints", "metadata",
		       metadata("endpointslice.kubernetes.io/skip-mirror", "true"), "subsets",
		       "addresses", "ip", address, "ports", "name", "https", "port", (int)port,
		       "protocol", "TCP"),
	     /* update= */ true);
	make(birth, &kind_endpoint_slice, "default", "kubernetes",
	     json_pack("{s:s, s:s, s:o, s:s, s:[{s:[s], s:{s:b}}], s:[{s:s, s:i, s:s}]}",
		       "apiVersion", "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata",
		       metadata("kubernetes.io/service-name", "kubernetes"), "addressType",
		       v6 ? "IPv6" : "IPv4", "endpoints", "addresses", address, "conditions",
		       "ready", 1, "ports", "name", "https", "port", (int)port, "protocol", "TCP"),
	     /* update= */ true);
}

/* ---- storage ---- */

/* Directories of nodes, made when the first pod has its node; under both names that people use. */
static void make_classes(struct birth *birth)
{
	static const char *const names[] = { "standard", "local-path" };

	for (size_t i = 0; i < 2; i++) {
		json_t *class =
			json_pack("{s:s, s:s, s:{s:s}, s:s, s:s, s:s}", "apiVersion",
				  "storage.k8s.io/v1", "kind", "StorageClass", "metadata", "name",
				  names[i], "provisioner", PROVISIONER_LOCAL_PATH, "reclaimPolicy",
				  "Delete", "volumeBindingMode", "WaitForFirstConsumer");

		if (i == 0) {
			json_object_set_new(json_object_get(class, "metadata"), "annotations",
					    json_pack("{s:s}",
						      "storageclass.kubernetes.io/is-default-class",
						      "true"));
		}
		make(birth, &kind_storage_class, "", names[i], class, /* update= */ false);
	}
}

/* ---- kube-dns ---- */

/*
 * It has no selector: whoever answers stands on the Service's own address, on every node that
 * carries it, so its one endpoint a family is that address. The labels are those by which programs
 * find the DNS of a cluster.
 */
static json_t *dns_metadata(const char *name, const char *label, const char *value)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "name", name, "namespace", "kube-system",
			 "labels", "k8s-app", "kube-dns", "kubernetes.io/cluster-service", "true",
			 label, value);
}

static json_t *dns_ports(void)
{
	static const struct {
		const char *name;
		const char *protocol;
		int port;
	} ports[] = { { "dns", "UDP", 53 }, { "dns-tcp", "TCP", 53 }, { "metrics", "TCP", 9153 } };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", ports[i].name,
						      "protocol", ports[i].protocol, "port",
						      ports[i].port));
	}
	return list;
}

static void make_dns_service(struct birth *birth)
{
	char *const *addresses = birth->api->cluster_dns;
	bool dual = addresses[1] != NULL;
	json_t *list = json_pack(dual ? "[s, s]" : "[s]", addresses[0], addresses[1]);

	make(birth, &kind_service, "kube-system", "kube-dns",
	     json_pack("{s:s, s:s, s:o, s:{s:s, s:o, s:s, s:s, s:o}}", "apiVersion", "v1", "kind",
		       "Service", "metadata",
		       dns_metadata("kube-dns", "kubernetes.io/name", "headlessd"), "spec",
		       "clusterIP", addresses[0], "clusterIPs", list, "ipFamilyPolicy",
		       dual ? "PreferDualStack" : "SingleStack", "type", "ClusterIP", "ports",
		       dns_ports()),
	     /* update= */ false);
}

static void make_dns_endpoints(struct birth *birth)
{
	char *const *addresses = birth->api->cluster_dns;

	make(birth, &kind_endpoints, "kube-system", "kube-dns",
	     json_pack("{s:s, s:s, s:o, s:[{s:[{s:s}], s:o}]}", "apiVersion", "v1", "kind",
		       "Endpoints", "metadata",
		       dns_metadata("kube-dns", "endpointslice.kubernetes.io/skip-mirror", "true"),
		       "subsets", "addresses", "ip", addresses[0], "ports", dns_ports()),
	     /* update= */ true);
	for (size_t i = 0; i < API_FAMILIES && addresses[i] != NULL; i++) {
		bool v6 = strchr(addresses[i], ':') != NULL;
		const char *name = v6 ? "kube-dns-ipv6" : "kube-dns-ipv4";

		make(birth, &kind_endpoint_slice, "kube-system", name,
		     json_pack("{s:s, s:s, s:o, s:s, s:[{s:[s], s:{s:b}}], s:o}", "apiVersion",
			       "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata",
			       dns_metadata(name, "kubernetes.io/service-name", "kube-dns"),
			       "addressType", v6 ? "IPv6" : "IPv4", "endpoints", "addresses",
			       addresses[i], "conditions", "ready", 1, "ports", dns_ports()),
		     /* update= */ true);
	}
}

int api_bootstrap(struct api *api, const char *address, uint16_t port)
{
	struct birth birth = { .api = api };

	make_namespaces(&birth);
	make_classes(&birth);
	make_service(&birth, port);
	make_endpoints(&birth, address, port);
	if (api->cluster_dns[0] != NULL) {
		make_dns_service(&birth);
		make_dns_endpoints(&birth);
	}
	store_drain(api->store);
	return birth.error;
}
