/* SPDX-License-Identifier: Apache-2.0 */
#include "invariants.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "json/json.h"

#define SLICE_CONTROLLER "endpointslice-controller.k8s.io"
#define MIRROR_CONTROLLER "endpointslicemirroring-controller.k8s.io"

enum { SLICE_MOST = 100 };

static const char *space_of(const json_t *object)
{
	return json_string_at(object, "metadata.namespace");
}

static const char *name_of(const json_t *object)
{
	return json_string_at(object, "metadata.name");
}

static const char *uid_of(const json_t *object)
{
	return json_string_at(object, "metadata.uid");
}

static bool is_deleting(const json_t *object)
{
	return json_at(object, "metadata.deletionTimestamp") != NULL;
}

static bool is_finished(const json_t *pod)
{
	const char *phase = json_string_at(pod, "status.phase");

	return strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0;
}

static const char *label_of(const json_t *object, const char *key)
{
	const char *value =
		json_string_value(json_object_get(json_at(object, "metadata.labels"), key));

	return value != NULL ? value : "";
}

/* The controlling owner's uid; "". */
static const char *owner_of(const json_t *object)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (json_at(object, "metadata.ownerReferences"), i, reference) {
		if (json_bool_at(reference, "controller", false)) {
			return json_string_at(reference, "uid");
		}
	}
	return "";
}

/* Adds `key` to a set; says so when it is there already. */
static void once(json_t *set, const char *key, const char *who, const char *what,
		 struct buffer *problems)
{
	const char *other = json_string_value(json_object_get(set, key));

	if (other != NULL) {
		buffer_printf(problems, "%s %s is given twice: to %s and %s\n", what, key, other,
			      who);
	}
	json_object_set_new(set, key, json_string(who));
}

/* ---- always ---- */

static void check_pod_addresses(const struct snapshot *snapshot, struct buffer *problems)
{
	_cleanup_json_ json_t *set = json_object();
	const json_t *pod;
	const json_t *ip;
	size_t i;
	size_t j;

	json_array_foreach (snapshot->pods, i, pod) {
		if (is_finished(pod)) {
			continue;
		}
		json_array_foreach (json_at(pod, "status.podIPs"), j, ip) {
			once(set, json_string_at(ip, "ip"), name_of(pod), "pod address", problems);
		}
	}
}

static void check_service_addresses(const struct snapshot *snapshot, struct buffer *problems)
{
	_cleanup_json_ json_t *addresses = json_object();
	_cleanup_json_ json_t *ports = json_object();
	const json_t *service;
	const json_t *it;
	size_t i;
	size_t j;

	json_array_foreach (snapshot->services, i, service) {
		json_array_foreach (json_at(service, "spec.clusterIPs"), j, it) {
			if (strcmp(json_string_value(it), "None") != 0) {
				once(addresses, json_string_value(it), name_of(service),
				     "cluster IP", problems);
			}
		}
		json_array_foreach (json_at(service, "spec.ports"), j, it) {
			int64_t port = json_int_at(it, "nodePort", 0);
			char *key _cleanup_free_ =
				mem_printf("%s/%" PRId64, json_string_at(it, "protocol"), port);

			if (port != 0) {
				once(ports, key, name_of(service), "node port", problems);
			}
		}
	}
}

void invariants_check_always(const struct snapshot *snapshot, struct buffer *problems)
{
	check_pod_addresses(snapshot, problems);
	check_service_addresses(snapshot, problems);
}

/* ---- pods ---- */

static void check_pods(const struct snapshot *snapshot, struct buffer *problems)
{
	const json_t *pod;
	size_t i;

	json_array_foreach (snapshot->pods, i, pod) {
		const char *phase = json_string_at(pod, "status.phase");

		if (is_deleting(pod)) {
			buffer_printf(problems, "pod %s is still being deleted\n", name_of(pod));
		} else if (!is_finished(pod) && strcmp(phase, "Running") != 0) {
			buffer_printf(problems, "pod %s is %s\n", name_of(pod), phase);
		}
	}
}

/* ---- stateful sets ---- */

static int64_t ordinal_of(const json_t *set, const json_t *pod)
{
	size_t n = strlen(name_of(set));
	const char *name = name_of(pod);

	return strncmp(name, name_of(set), n) == 0 && name[n] == '-' ? atoll(name + n + 1) : -1;
}

struct ordinals {
	const json_t *set;
	int64_t start;
	int64_t end;
	json_t *pods; /* ordinal as text -> pod */
	bool all_ready; /* of those in the range, none missing */
	unsigned n_sick; /* wherever they are */
	int64_t sick; /* the lowest in the range that is not ready; INT64_MAX: none */
};

static const json_t *pod_at(const struct ordinals *ordinals, int64_t at)
{
	char *key _cleanup_free_ = mem_printf("%" PRId64, at);

	return json_object_get(ordinals->pods, key);
}

static void gather_ordinals(const struct snapshot *snapshot, struct ordinals *ordinals)
{
	const json_t *pod;
	size_t i;

	ordinals->pods = json_object();
	json_array_foreach (snapshot->pods, i, pod) {
		if (strcmp(owner_of(pod), uid_of(ordinals->set)) == 0) {
			char *key _cleanup_free_ =
				mem_printf("%" PRId64, ordinal_of(ordinals->set, pod));

			json_object_set(ordinals->pods, key, (json_t *)pod);
			ordinals->n_sick += pod_is_ready_now(pod) ? 0 : 1;
		}
	}
	ordinals->sick = INT64_MAX;
	for (int64_t at = ordinals->start; at < ordinals->end; at++) {
		pod = pod_at(ordinals, at);
		if ((pod == NULL || !pod_is_ready_now(pod)) && ordinals->sick == INT64_MAX) {
			ordinals->sick = at;
		}
	}
}

/* A pod of the set's name that is somebody else's takes its place: the set waits. */
static bool is_blocked(const struct snapshot *snapshot, const struct ordinals *ordinals)
{
	for (int64_t at = ordinals->start; at < ordinals->end; at++) {
		char *name _cleanup_free_ = mem_printf("%s-%" PRId64, name_of(ordinals->set), at);
		const json_t *pod = snapshot_find(snapshot->pods, space_of(ordinals->set), name);

		if (pod != NULL && strcmp(owner_of(pod), uid_of(ordinals->set)) != 0) {
			return true;
		}
	}
	return false;
}

static void check_set(const struct snapshot *snapshot, const json_t *set, struct buffer *problems)
{
	bool ordered = strcmp(json_string_at(set, "spec.podManagementPolicy"), "Parallel") != 0;
	struct ordinals ordinals = {
		.set = set,
		.start = json_int_at(set, "spec.ordinals.start", 0),
	};
	const char *key;
	json_t *pod;

	ordinals.end = ordinals.start + json_int_at(set, "spec.replicas", 1);
	gather_ordinals(snapshot, &ordinals);
	if (is_blocked(snapshot, &ordinals)) {
		json_decref(ordinals.pods);
		return;
	}
	for (int64_t at = ordinals.start; at < ordinals.end; at++) {
		if (pod_at(&ordinals, at) == NULL && (!ordered || ordinals.sick >= at)) {
			buffer_printf(problems, "%s-%" PRId64 " is missing\n", name_of(set), at);
		}
	}
	json_object_foreach (ordinals.pods, key, pod) {
		int64_t at = atoll(key);

		/*
		 * An ordered set removes nothing while one that stays is sick, and no sick one
		 * while a lower one is sick, too.
		 */
		if ((at < ordinals.start || at >= ordinals.end) &&
		    (!ordered || (ordinals.sick == INT64_MAX && ordinals.n_sick < 2))) {
			buffer_printf(problems, "%s should be gone\n", name_of(pod));
		}
		if (strcmp(json_string_at(pod, "spec.hostname"), name_of(pod)) != 0) {
			buffer_printf(problems, "%s: its hostname is %s\n", name_of(pod),
				      json_string_at(pod, "spec.hostname"));
		}
	}
	if (json_int_at(set, "status.replicas", 0) != (int64_t)json_object_size(ordinals.pods)) {
		buffer_printf(problems, "%s: status.replicas %" PRId64 ", pods %zu\n", name_of(set),
			      json_int_at(set, "status.replicas", 0),
			      json_object_size(ordinals.pods));
	}
	if (json_int_at(set, "status.observedGeneration", 0) !=
	    json_int_at(set, "metadata.generation", 0)) {
		buffer_printf(problems, "%s: its generation is not observed\n", name_of(set));
	}
	json_decref(ordinals.pods);
}

/* All are ready, and nothing holds the update back: all are of the update revision. */
static void check_rollout(const struct snapshot *snapshot, const json_t *set,
			  struct buffer *problems)
{
	int64_t start = json_int_at(set, "spec.ordinals.start", 0);
	int64_t end = start + json_int_at(set, "spec.replicas", 1);
	int64_t from = start + json_int_at(set, "spec.updateStrategy.rollingUpdate.partition", 0);
	const char *update = json_string_at(set, "status.updateRevision");

	if (strcmp(json_string_at(set, "spec.updateStrategy.type"), "OnDelete") == 0 ||
	    json_int_at(set, "status.readyReplicas", 0) != end - start ||
	    json_int_at(set, "status.replicas", 0) != end - start) {
		return;
	}
	for (int64_t at = from; at < end; at++) {
		char *name _cleanup_free_ = mem_printf("%s-%" PRId64, name_of(set), at);
		const json_t *pod = snapshot_find(snapshot->pods, space_of(set), name);

		if (strcmp(label_of(pod, "controller-revision-hash"), update) != 0) {
			buffer_printf(problems, "%s is not updated\n", name);
		}
	}
}

/* ---- replica sets and deployments ---- */

static void check_replica_set(const struct snapshot *snapshot, const json_t *set,
			      struct buffer *problems)
{
	int64_t replicas = json_int_at(set, "spec.replicas", 1);
	int64_t n = 0;
	const json_t *pod;
	size_t i;

	json_array_foreach (snapshot->pods, i, pod) {
		n += strcmp(owner_of(pod), uid_of(set)) == 0 && !is_finished(pod) ? 1 : 0;
	}
	if (n != replicas) {
		buffer_printf(problems, "replica set %s has %" PRId64 " pods of %" PRId64 "\n",
			      name_of(set), n, replicas);
	}
	if (json_int_at(set, "status.replicas", 0) != n) {
		buffer_printf(problems,
			      "replica set %s: status.replicas %" PRId64 ", pods %" PRId64 "\n",
			      name_of(set), json_int_at(set, "status.replicas", 0), n);
	}
}

static void check_deployment(const struct snapshot *snapshot, const json_t *deployment,
			     struct buffer *problems)
{
	int64_t replicas = json_int_at(deployment, "spec.replicas", 1);
	int64_t sum = 0;
	unsigned sets = 0;
	bool all_ready = true;
	const json_t *it;
	size_t i;

	json_array_foreach (snapshot->replica_sets, i, it) {
		if (strcmp(owner_of(it), uid_of(deployment)) == 0) {
			int64_t n = json_int_at(it, "spec.replicas", 1);

			sum += n;
			sets += n != 0 ? 1 : 0;
			all_ready &= json_int_at(it, "status.readyReplicas", 0) == n;
		}
	}
	if (all_ready && !json_bool_at(deployment, "spec.paused", false) &&
	    (sum != replicas || sets > 1)) {
		buffer_printf(problems,
			      "deployment %s: %u replica sets with %" PRId64 " pods of %" PRId64
			      "\n",
			      name_of(deployment), sets, sum, replicas);
	}
	if (json_int_at(deployment, "status.observedGeneration", 0) !=
	    json_int_at(deployment, "metadata.generation", 0)) {
		buffer_printf(problems, "%s: its generation is not observed\n",
			      name_of(deployment));
	}
}

/* ---- endpoints ---- */

static bool is_slice_of(const json_t *slice, const json_t *service, const char *maker)
{
	return strcmp(space_of(slice), space_of(service)) == 0 &&
	       strcmp(label_of(slice, "kubernetes.io/service-name"), name_of(service)) == 0 &&
	       strcmp(label_of(slice, "endpointslice.kubernetes.io/managed-by"), maker) == 0;
}

static bool wants_family(const json_t *service, const char *address)
{
	const char *family = strchr(address, ':') != NULL ? "IPv6" : "IPv4";
	const json_t *it;
	size_t i;

	json_array_foreach (json_at(service, "spec.ipFamilies"), i, it) {
		if (strcmp(json_string_value(it), family) == 0) {
			return true;
		}
	}
	return false;
}

/* "ADDRESS ready serving terminating uid" */
static void add_wanted(json_t *set, const json_t *service, const json_t *pod)
{
	const json_t *ip;
	size_t i;

	json_array_foreach (json_at(pod, "status.podIPs"), i, ip) {
		const char *address = json_string_at(ip, "ip");
		char *key _cleanup_free_ =
			mem_printf("%s %d %d %d %s", address, pod_is_answering(service, pod),
				   pod_is_ready_now(pod), is_deleting(pod), uid_of(pod));

		if (wants_family(service, address)) {
			json_object_set_new(set, key, json_string(name_of(pod)));
		}
	}
}

static void add_shown(json_t *set, const json_t *slice, struct buffer *problems)
{
	const json_t *endpoint;
	size_t i;

	json_array_foreach (json_object_get(slice, "endpoints"), i, endpoint) {
		char *key _cleanup_free_ =
			mem_printf("%s %d %d %d %s",
				   json_string_value(json_array_get(
					   json_object_get(endpoint, "addresses"), 0)),
				   json_bool_at(endpoint, "conditions.ready", true),
				   json_bool_at(endpoint, "conditions.serving", true),
				   json_bool_at(endpoint, "conditions.terminating", false),
				   json_string_at(endpoint, "targetRef.uid"));

		once(set, key, name_of(slice), "endpoint", problems);
	}
	if (json_array_size(json_object_get(slice, "endpoints")) > SLICE_MOST) {
		buffer_printf(problems, "slice %s has %zu endpoints\n", name_of(slice),
			      json_array_size(json_object_get(slice, "endpoints")));
	}
}

static void compare_sets(const json_t *wanted, const json_t *shown, const char *who,
			 struct buffer *problems)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)wanted, key, value) {
		if (json_object_get(shown, key) == NULL) {
			buffer_printf(problems, "%s lacks %s\n", who, key);
		}
	}
	json_object_foreach ((json_t *)shown, key, value) {
		if (json_object_get(wanted, key) == NULL) {
			buffer_printf(problems, "%s has %s, which is not there\n", who, key);
		}
	}
}

static void check_slices_of(const struct snapshot *snapshot, const json_t *service,
			    struct buffer *problems)
{
	_cleanup_json_ json_t *wanted = json_object();
	_cleanup_json_ json_t *shown = json_object();
	const json_t *it;
	size_t i;

	json_array_foreach (snapshot->pods, i, it) {
		if (service_selects_pod(service, it) && pod_is_shown(it)) {
			add_wanted(wanted, service, it);
		}
	}
	json_array_foreach (snapshot->slices, i, it) {
		if (is_slice_of(it, service, SLICE_CONTROLLER)) {
			add_shown(shown, it, problems);
		}
	}
	compare_sets(wanted, shown, name_of(service), problems);
}

/* Addresses of Endpoints as "+a" (ready) and "-a". */
static json_t *addresses_of(const json_t *endpoints)
{
	json_t *set = json_object();
	const json_t *subset;
	const json_t *it;
	size_t i;
	size_t j;

	json_array_foreach (json_object_get(endpoints, "subsets"), i, subset) {
		json_array_foreach (json_object_get(subset, "addresses"), j, it) {
			char *key _cleanup_free_ = mem_printf("+%s", json_string_at(it, "ip"));

			json_object_set_new(set, key, json_true());
		}
		json_array_foreach (json_object_get(subset, "notReadyAddresses"), j, it) {
			char *key _cleanup_free_ = mem_printf("-%s", json_string_at(it, "ip"));

			json_object_set_new(set, key, json_true());
		}
	}
	return set;
}

/* Of a service with a selector: the pods' first family, none that is being deleted. */
static void check_endpoints_of(const struct snapshot *snapshot, const json_t *service,
			       struct buffer *problems)
{
	const json_t *endpoints =
		snapshot_find(snapshot->endpoints, space_of(service), name_of(service));
	_cleanup_json_ json_t *shown = addresses_of(endpoints);
	_cleanup_json_ json_t *wanted = json_object();
	const char *family =
		json_string_value(json_array_get(json_at(service, "spec.ipFamilies"), 0));
	bool publish = json_bool_at(service, "spec.publishNotReadyAddresses", false);
	const json_t *pod;
	const json_t *ip;
	size_t i;
	size_t j;

	if (endpoints == NULL) {
		buffer_printf(problems, "service %s has no Endpoints\n", name_of(service));
		return;
	}
	json_array_foreach (snapshot->pods, i, pod) {
		if (!service_selects_pod(service, pod) || !pod_is_shown(pod) ||
		    (is_deleting(pod) && !publish)) {
			continue;
		}
		json_array_foreach (json_at(pod, "status.podIPs"), j, ip) {
			const char *address = json_string_at(ip, "ip");
			char *key _cleanup_free_ =
				mem_printf("%c%s", publish || pod_is_ready_now(pod) ? '+' : '-',
					   address);

			if ((strchr(address, ':') != NULL) == (strcmp(family, "IPv6") == 0)) {
				json_object_set_new(wanted, key, json_true());
			}
		}
	}
	compare_sets(wanted, shown, "Endpoints", problems);
}

/* Of a service without a selector: what its Endpoints say stands in slices, and nothing else. */
static void check_mirror_of(const struct snapshot *snapshot, const json_t *service,
			    struct buffer *problems)
{
	const json_t *endpoints =
		snapshot_find(snapshot->endpoints, space_of(service), name_of(service));
	_cleanup_json_ json_t *wanted = addresses_of(endpoints);
	_cleanup_json_ json_t *shown = json_object();
	const json_t *slice;
	const json_t *it;
	size_t i;
	size_t j;

	if (strcmp(label_of(endpoints, "endpointslice.kubernetes.io/skip-mirror"), "true") == 0) {
		return;
	}
	json_array_foreach (snapshot->slices, i, slice) {
		if (!is_slice_of(slice, service, MIRROR_CONTROLLER)) {
			continue;
		}
		json_array_foreach (json_object_get(slice, "endpoints"), j, it) {
			char *key _cleanup_free_ = mem_printf(
				"%c%s", json_bool_at(it, "conditions.ready", true) ? '+' : '-',
				json_string_value(
					json_array_get(json_object_get(it, "addresses"), 0)));

			json_object_set_new(shown, key, json_true());
		}
	}
	if (json_object_size(json_at(service, "spec.selector")) > 0) {
		json_object_clear(wanted);
	}
	compare_sets(wanted, shown, name_of(service), problems);
}

/* Slices that a controller made and still owns are of a service that is there. */
static void check_slice(const struct snapshot *snapshot, const json_t *slice,
			struct buffer *problems)
{
	const char *maker = label_of(slice, "endpointslice.kubernetes.io/managed-by");
	const char *service = label_of(slice, "kubernetes.io/service-name");

	if (owner_of(slice)[0] != '\0' &&
	    (strcmp(maker, SLICE_CONTROLLER) == 0 || strcmp(maker, MIRROR_CONTROLLER) == 0) &&
	    snapshot_find(snapshot->services, space_of(slice), service) == NULL) {
		buffer_printf(problems, "slice %s is left over\n", name_of(slice));
	}
}

/* ---- owners and namespaces ---- */

static void gather_uids(const json_t *list, json_t *uids)
{
	const json_t *object;
	size_t i;

	json_array_foreach ((json_t *)list, i, object) {
		json_object_set_new(uids, uid_of(object), json_true());
	}
}

static void check_owners(const struct snapshot *snapshot, const json_t *uids, const json_t *list,
			 struct buffer *problems)
{
	const json_t *object;
	const json_t *reference;
	size_t i;
	size_t j;

	json_array_foreach ((json_t *)list, i, object) {
		json_array_foreach (json_at(object, "metadata.ownerReferences"), j, reference) {
			if (json_object_get(uids, json_string_at(reference, "uid")) == NULL) {
				buffer_printf(problems, "%s %s outlived its owner %s %s\n",
					      space_of(object), name_of(object),
					      json_string_at(reference, "kind"),
					      json_string_at(reference, "name"));
			}
		}
		if (space_of(object)[0] != '\0' &&
		    snapshot_find(snapshot->namespaces, "", space_of(object)) == NULL) {
			buffer_printf(problems, "%s outlived its namespace %s\n", name_of(object),
				      space_of(object));
		}
		if (is_deleting(object)) {
			buffer_printf(problems, "%s %s is still being deleted\n", space_of(object),
				      name_of(object));
		}
	}
}

static void check_all_owners(const struct snapshot *snapshot, struct buffer *problems)
{
	const json_t *const lists[] = {
		snapshot->namespaces,    snapshot->nodes,       snapshot->services,
		snapshot->pods,          snapshot->slices,      snapshot->endpoints,
		snapshot->stateful_sets, snapshot->deployments, snapshot->replica_sets,
		snapshot->revisions,
	};
	_cleanup_json_ json_t *uids = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		gather_uids(lists[i], uids);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		check_owners(snapshot, uids, lists[i], problems);
	}
}

void invariants_check(const struct snapshot *snapshot, struct buffer *problems)
{
	const json_t *it;
	size_t i;

	invariants_check_always(snapshot, problems);
	check_pods(snapshot, problems);
	json_array_foreach (snapshot->stateful_sets, i, it) {
		check_set(snapshot, it, problems);
		check_rollout(snapshot, it, problems);
	}
	json_array_foreach (snapshot->replica_sets, i, it) {
		check_replica_set(snapshot, it, problems);
	}
	json_array_foreach (snapshot->deployments, i, it) {
		check_deployment(snapshot, it, problems);
	}
	json_array_foreach (snapshot->services, i, it) {
		if (service_is_selecting(it)) {
			check_slices_of(snapshot, it, problems);
			check_endpoints_of(snapshot, it, problems);
		}
		check_mirror_of(snapshot, it, problems);
	}
	json_array_foreach (snapshot->slices, i, it) {
		check_slice(snapshot, it, problems);
	}
	check_all_owners(snapshot, problems);
}
