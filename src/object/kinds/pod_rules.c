/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/pod_rules.h"

#include <string.h>

#include "base/mem.h"
#include "object/formats.h"
#include "object/kinds/rules.h"
#include "json/json.h"

/*
 * Rules that look across a pod's spec: names that must be unique, and names that must name
 * something. They hold for pods and for templates. What one container or one volume can say for
 * itself is checked with its rows.
 */

struct spec {
	const json_t *tree;
	const json_t *claims;
	const char *path;
	struct field_errors *errors;
};

/* ---- names ---- */

static void check_names(const struct spec *spec)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };
	_cleanup_json_ json_t *seen = json_object();

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		size_t i;
		json_t *container;

		json_array_foreach (json_object_get(spec->tree, lists[l]), i, container) {
			const char *name = json_string_at(container, "name");

			if (name[0] != '\0' && json_object_get(seen, name) != NULL) {
				rule_error_text(spec->errors, FIELD_ERROR_DUPLICATE, name, "",
						"%s.%s[%zu].name", spec->path, lists[l], i);
			}
			json_object_set_new(seen, name, json_true());
		}
	}
}

static bool has_volume(const struct spec *spec, const char *name)
{
	return rule_has(json_object_get(spec->tree, "volumes"), "name", name) ||
	       rule_has(spec->claims, "metadata.name", name);
}

static void check_mounts(const struct spec *spec, const json_t *container, const char *list,
			 size_t index)
{
	_cleanup_json_ json_t *paths = json_object();
	size_t i;
	json_t *mount;

	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		const char *name = json_string_at(mount, "name");
		const char *place = json_string_at(mount, "mountPath");

		if (name[0] != '\0' && !has_volume(spec, name)) {
			rule_error_text(spec->errors, FIELD_ERROR_NOT_FOUND, name, "",
					"%s.%s[%zu].volumeMounts[%zu].name", spec->path, list,
					index, i);
		}
		if (place[0] != '\0' && json_object_get(paths, place) != NULL) {
			rule_error_text(spec->errors, FIELD_ERROR_INVALID, place, "must be unique",
					"%s.%s[%zu].volumeMounts[%zu].mountPath", spec->path, list,
					index, i);
		}
		json_object_set_new(paths, place, json_true());
	}
	json_array_foreach (json_object_get(container, "volumeDevices"), i, mount) {
		const char *name = json_string_at(mount, "name");

		if (name[0] != '\0' && !has_volume(spec, name)) {
			rule_error_text(spec->errors, FIELD_ERROR_NOT_FOUND, name, "",
					"%s.%s[%zu].volumeDevices[%zu].name", spec->path, list,
					index, i);
		}
	}
}

/* ---- ports of the node ---- */

/* One node port, one container: `seen` spans the containers that run at the same time. */
static void check_host_ports(const struct spec *spec, const json_t *container, size_t index,
			     json_t *seen)
{
	bool host_network = json_bool_at(spec->tree, "hostNetwork", false);
	size_t i;
	json_t *port;

	json_array_foreach (json_object_get(container, "ports"), i, port) {
		const json_t *host = json_object_get(port, "hostPort");
		int64_t number = json_integer_value(host);
		_cleanup_free_ char *key =
			mem_printf("%s/%s/%lld", json_string_at(port, "protocol"),
				   json_string_at(port, "hostIP"), (long long)number);

		if (number == 0) {
			continue;
		}
		if (host_network && number != json_int_at(port, "containerPort", 0)) {
			field_errors_addf(spec->errors, FIELD_ERROR_INVALID,
					  json_object_get(port, "containerPort"),
					  "must match `hostPort` when `hostNetwork` is true",
					  "%s.containers[%zu].ports[%zu].containerPort", spec->path,
					  index, i);
		}
		if (json_object_get(seen, key) != NULL) {
			rule_error_text(spec->errors, FIELD_ERROR_DUPLICATE, key, "",
					"%s.containers[%zu].ports[%zu].hostPort", spec->path, index,
					i);
		}
		json_object_set_new(seen, key, json_true());
	}
}

/* ---- containers that start before the others ---- */

/* Only what keeps running can be probed, or be asked to stop. */
static void check_init_container(const struct spec *spec, const json_t *container, size_t index)
{
	static const char *const forbidden[] = { "livenessProbe", "readinessProbe", "startupProbe",
						 "lifecycle" };

	if (strcmp(json_string_at(container, "restartPolicy"), "Always") == 0) {
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		if (json_object_get(container, forbidden[i]) != NULL) {
			field_errors_addf(spec->errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "may not be set for init containers without "
					  "restartPolicy=Always",
					  "%s.initContainers[%zu].%s", spec->path, index,
					  forbidden[i]);
		}
	}
}

/* ---- names of the pod ---- */

static void check_dns(const struct spec *spec)
{
	enum { NAMESERVERS_MAX = 3, SEARCHES_MAX = 32 };
	const json_t *config = json_object_get(spec->tree, "dnsConfig");
	const json_t *servers = json_object_get(config, "nameservers");
	const json_t *searches = json_object_get(config, "searches");

	if (strcmp(json_string_at(spec->tree, "dnsPolicy"), "None") == 0 &&
	    json_array_size(servers) == 0) {
		field_errors_addf(spec->errors, FIELD_ERROR_REQUIRED, NULL,
				  "must provide at least one DNS nameserver when `dnsPolicy` is "
				  "None",
				  "%s.dnsConfig.nameservers", spec->path);
	}
	if (json_array_size(servers) > NAMESERVERS_MAX) {
		field_errors_addf(spec->errors, FIELD_ERROR_INVALID, servers,
				  "must not have more than 3 nameservers",
				  "%s.dnsConfig.nameservers", spec->path);
	}
	if (json_array_size(searches) > SEARCHES_MAX) {
		field_errors_addf(spec->errors, FIELD_ERROR_INVALID, searches,
				  "must not have more than 32 search paths",
				  "%s.dnsConfig.searches", spec->path);
	}
}

static void check_spec(const struct spec *spec)
{
	_cleanup_json_ json_t *host_ports = json_object();
	_cleanup_free_ char *volumes = mem_printf("%s.volumes", spec->path);
	const json_t *deadline = json_object_get(spec->tree, "activeDeadlineSeconds");
	size_t i;
	json_t *container;

	check_names(spec);
	rule_unique(json_object_get(spec->tree, "volumes"), "name", volumes, spec->errors);
	json_array_foreach (json_object_get(spec->tree, "containers"), i, container) {
		check_mounts(spec, container, "containers", i);
		check_host_ports(spec, container, i, host_ports);
	}
	json_array_foreach (json_object_get(spec->tree, "initContainers"), i, container) {
		check_mounts(spec, container, "initContainers", i);
		check_init_container(spec, container, i);
	}
	check_dns(spec);
	if (deadline != NULL && json_integer_value(deadline) < 1) {
		field_errors_addf(spec->errors, FIELD_ERROR_INVALID, deadline,
				  "must be between 1 and 2147483647, inclusive",
				  "%s.activeDeadlineSeconds", spec->path);
	}
}

void pod_check(const json_t *pod, struct field_errors *errors)
{
	struct spec spec = { .tree = json_object_get(pod, "spec"),
			     .path = "spec",
			     .errors = errors };

	if (spec.tree == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.containers", NULL, "");
		return;
	}
	check_spec(&spec);
}

void pod_check_template(const json_t *template, const json_t *claims, const char *path,
			struct field_errors *errors)
{
	struct spec spec = { .tree = json_object_get(template, "spec"),
			     .claims = claims,
			     .path = path,
			     .errors = errors };

	if (template == NULL) {
		return; /* required: its row says so */
	}
	if (spec.tree == NULL) {
		field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "", "%s.containers", path);
		return;
	}
	check_spec(&spec);
}

/* ---- updates ---- */

#define CHANGES                                                                                    \
	"pod updates may not change fields other than `spec.containers[*].image`,"                 \
	"`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"                             \
	"`spec.tolerations` (only additions to existing tolerations),"                             \
	"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "      \
	"negative)"

static void put_back(json_t *spec, const json_t *old, const char *key)
{
	json_t *value = json_object_get(old, key);

	if (value != NULL) {
		json_object_set(spec, key, value);
	} else {
		json_object_del(spec, key);
	}
}

static void put_back_images(json_t *containers, const json_t *old)
{
	size_t i;
	json_t *container;

	json_array_foreach (containers, i, container) {
		put_back(container, json_array_get(old, i), "image");
	}
}

static bool contains(const json_t *array, const json_t *wanted)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item) {
		if (json_equal(item, wanted)) {
			return true;
		}
	}
	return false;
}

/* A toleration that is there stays there; how long it lasts may change. */
static void check_tolerations(const json_t *tolerations, const json_t *old,
			      struct field_errors *errors)
{
	_cleanup_json_ json_t *timeless = json_deep_copy(tolerations);
	size_t i;
	json_t *toleration;

	json_array_foreach (timeless, i, toleration) {
		json_object_del(toleration, "tolerationSeconds");
	}
	json_array_foreach (old, i, toleration) {
		_cleanup_json_ json_t *wanted = json_deep_copy(toleration);

		json_object_del(wanted, "tolerationSeconds");
		if (!contains(timeless, wanted)) {
			field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.tolerations", NULL,
					 "existing toleration can not be modified except its "
					 "tolerationSeconds");
			return;
		}
	}
}

/* A deadline may be set, or come nearer; never go. */
static void check_deadline(const json_t *spec, const json_t *old, struct field_errors *errors)
{
	const json_t *now = json_object_get(spec, "activeDeadlineSeconds");
	const json_t *before = json_object_get(old, "activeDeadlineSeconds");

	if (before == NULL) {
		return;
	}
	if (now == NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.activeDeadlineSeconds", NULL,
				 "must not update from a positive integer to nil value");
	} else if (json_integer_value(now) > json_integer_value(before)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.activeDeadlineSeconds", now,
				 "must be less than or equal to previous value");
	}
}

/* Gates open one by one; none is ever added to a pod that exists. */
static bool only_opens_gates(const json_t *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "schedulingGates");
	size_t i;
	json_t *gate;

	json_array_foreach (json_object_get(spec, "schedulingGates"), i, gate) {
		if (!contains(before, gate)) {
			return false;
		}
	}
	return true;
}

/*
 * Compares what is left when everything that may change is put back as it was. Being bound to a
 * node is the scheduler's one change.
 */
void pod_check_update(const json_t *pod, const json_t *old_pod, struct field_errors *errors)
{
	static const char *const lists[] = { "containers", "initContainers" };
	const json_t *old = json_object_get(old_pod, "spec");
	_cleanup_json_ json_t *spec = json_deep_copy(json_object_get(pod, "spec"));

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		json_t *containers = json_object_get(spec, lists[l]);

		if (json_array_size(containers) !=
		    json_array_size(json_object_get(old, lists[l]))) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "pod updates may not add or remove containers", "spec.%s",
					  lists[l]);
			return;
		}
		put_back_images(containers, json_object_get(old, lists[l]));
	}
	check_deadline(spec, old, errors);
	check_tolerations(json_object_get(spec, "tolerations"), json_object_get(old, "tolerations"),
			  errors);
	put_back(spec, old, "activeDeadlineSeconds");
	put_back(spec, old, "tolerations");
	if (json_int_at(old, "terminationGracePeriodSeconds", 0) < 0 &&
	    json_int_at(spec, "terminationGracePeriodSeconds", 0) == 1) {
		put_back(spec, old, "terminationGracePeriodSeconds");
	}
	if (json_string_at(old, "nodeName")[0] == '\0') {
		put_back(spec, old, "nodeName");
	}
	if (only_opens_gates(spec, old)) {
		put_back(spec, old, "schedulingGates");
	}
	if (spec != NULL && old != NULL && !json_equal(spec, old)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec", NULL, CHANGES);
	}
}
