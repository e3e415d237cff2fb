/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admission.h"

#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "object/kinds.h"
#include "watch/hub.h"
#include "json/json.h"

json_t *timestamp_after(const struct api *api, int64_t seconds)
{
	char text[TIMESTAMP_TEXT];

	timestamp_format(clock_wall_seconds(api->clock) + seconds, text);
	return json_string(text);
}

static json_t *list_of(const char *one)
{
	return json_pack("[s]", one);
}

/* ---- namespaces ---- */

static bool is_terminating(struct str namespace_text)
{
	_cleanup_json_ json_t *space = NULL;
	struct json_read_error error;

	/* Only a namespace on its way out has the word in it; parse just those. */
	if (memmem(namespace_text.p, namespace_text.n, "deletionTimestamp", 17) == NULL) {
		return false;
	}
	return json_read(namespace_text, NULL, &space, &error) == 0 &&
	       json_at(space, "metadata.deletionTimestamp") != NULL;
}

static json_t *check_namespace(struct write *write)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);

	if (!(write->kind->flags & KIND_NAMESPACED) || write->unchecked) {
		return NULL;
	}
	key_of(&kind_namespace, STR_NONE, write->space, &key);
	const struct hub_item *item = hub_get(write->api->hub, buffer_str(&key));
	if (item == NULL) {
		return status_not_found(&kind_namespace, write->space);
	}
	if (!is_terminating(item->text)) {
		return NULL;
	}
	json_t *status = status_forbidden(write->kind, write->name,
					  "unable to create new content in namespace %.*s because "
					  "it is being terminated",
					  STR_ARG(write->space));
	_cleanup_buffer_ struct buffer cause = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	buffer_printf(&cause, "namespace %.*s is being terminated", STR_ARG(write->space));
	status_add_cause(status, "NamespaceTerminating", buffer_text(&cause), "metadata.namespace");
	return status;
}

static void default_namespace(json_t *space, const json_t *old)
{
	if (old == NULL) {
		json_put(space, "spec.finalizers", list_of("kubernetes"));
	}
	json_t *labels = json_at(space, "metadata.labels");
	if (!json_is_object(labels)) {
		labels = json_object();
		json_put(space, "metadata.labels", labels);
	}
	json_object_set_new(labels, "kubernetes.io/metadata.name",
			    json_string(json_string_at(space, "metadata.name")));
}

/* ---- pods ---- */

static bool tolerates(const json_t *tolerations, const char *key)
{
	const json_t *toleration;
	size_t i;

	json_array_foreach (tolerations, i, toleration) {
		const char *effect = json_string_at(toleration, "effect");
		const char *its_key = json_string_at(toleration, "key");
		if ((strcmp(its_key, key) == 0 || its_key[0] == '\0') &&
		    (effect[0] == '\0' || strcmp(effect, "NoExecute") == 0)) {
			return true;
		}
	}
	return false;
}

/* As the DefaultTolerationSeconds plugin: a lost node keeps its pods for five minutes. */
static void default_tolerations(json_t *pod)
{
	static const char *const keys[] = { "node.kubernetes.io/not-ready",
					    "node.kubernetes.io/unreachable" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *tolerations = json_at(pod, "spec.tolerations");
		if (tolerates(tolerations, keys[i])) {
			continue;
		}
		if (!json_is_array(tolerations)) {
			tolerations = json_array();
			json_put(pod, "spec.tolerations", tolerations);
		}
		json_array_append_new(tolerations,
				      json_pack("{s:s, s:s, s:s, s:i}", "key", keys[i], "operator",
						"Exists", "effect", "NoExecute",
						"tolerationSeconds", 300));
	}
}

#define TOKEN_PATH "/var/run/secrets/kubernetes.io/serviceaccount"

/* The pod's account (new reference); NULL when it is not there. */
static json_t *account_of(struct write *write, const char *name)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	json_t *account = NULL;
	struct json_read_error error;

	key_of(&kind_service_account, write->space, str_from(name), &key);
	const struct hub_item *item = hub_get(write->api->hub, buffer_str(&key));
	if (item != NULL) {
		json_read(item->text, NULL, &account, &error);
	}
	return account;
}

/* The pod's word counts, then its account's; nobody's is yes. */
static bool wants_token(struct write *write, const json_t *pod, const json_t *account)
{
	const json_t *own = json_at(pod, "spec.automountServiceAccountToken");

	if (write->api->token_key == NULL) {
		return false;
	}
	return own != NULL ? json_is_true(own)
			   : json_bool_at(account, "automountServiceAccountToken", true);
}

/* Adds the mount where nothing is mounted there; returns whether it did. */
static bool mount_token(json_t *containers, const char *volume)
{
	bool added = false;
	json_t *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *mounts = json_object_get(container, "volumeMounts");
		bool taken = false;
		const json_t *mount;
		size_t j;

		json_array_foreach (mounts, j, mount) {
			taken = taken ||
				strcmp(json_string_at(mount, "mountPath"), TOKEN_PATH) == 0;
		}
		if (taken) {
			continue;
		}
		if (!json_is_array(mounts)) {
			mounts = json_array();
			json_object_set_new(container, "volumeMounts", mounts);
		}
		json_array_append_new(mounts, json_pack("{s:s, s:b, s:s}", "name", volume,
							"readOnly", 1, "mountPath", TOKEN_PATH));
		added = true;
	}
	return added;
}

/*
 * As the ServiceAccount plugin: a token that ends with the pod, what to verify the API with, and
 * the namespace, where client libraries look for them.
 */
static void add_token(json_t *pod)
{
	char suffix[6];

	random_name_suffix(suffix, sizeof(suffix) - 1);
	_cleanup_free_ char *name = mem_printf("kube-api-access-%s", suffix);
	bool first = mount_token(json_at(pod, "spec.containers"), name);
	bool second = mount_token(json_at(pod, "spec.initContainers"), name);
	if (!first && !second) {
		return;
	}
	json_t *volumes = json_at(pod, "spec.volumes");
	if (!json_is_array(volumes)) {
		volumes = json_array();
		json_put(pod, "spec.volumes", volumes);
	}
	json_array_append_new(volumes,
			      json_pack("{s:s, s:{s:[{s:{s:i, s:s}}, {s:{s:s, s:[{s:s, s:s}]}}, "
					"{s:{s:[{s:s, s:{s:s, s:s}}]}}], s:i}}",
					"name", name, "projected", "sources", "serviceAccountToken",
					"expirationSeconds", 3607, "path", "token", "configMap",
					"name", "kube-root-ca.crt", "items", "key", "ca.crt",
					"path", "ca.crt", "downwardAPI", "items", "path",
					"namespace", "fieldRef", "apiVersion", "v1", "fieldPath",
					"metadata.namespace", "defaultMode", 0644));
}

/* As the ServiceAccount plugin. */
static void default_pod(struct write *write, json_t *pod)
{
	const char *account = json_string_at(pod, "spec.serviceAccountName");

	if (account[0] == '\0') {
		account = json_string_at(pod, "spec.serviceAccount");
	}
	if (account[0] == '\0') {
		account = "default";
	}
	_cleanup_json_ json_t *name = json_string(account);
	json_put(pod, "spec.serviceAccountName", json_incref(name));
	json_put(pod, "spec.serviceAccount", json_incref(name));
	default_tolerations(pod);
	_cleanup_json_ json_t *account_tree = account_of(write, json_string_value(name));
	json_t *secrets = json_object_get(account_tree, "imagePullSecrets");
	if (json_array_size(json_at(pod, "spec.imagePullSecrets")) == 0 &&
	    json_array_size(secrets) != 0) {
		json_put(pod, "spec.imagePullSecrets", json_deep_copy(secrets));
	}
	if (wants_token(write, pod, account_tree)) {
		add_token(pod);
	}
}

/* ---- claims ---- */

static bool is_default_class(struct str text)
{
	_cleanup_json_ json_t *class = NULL;
	struct json_read_error error;

	if (json_read(text, NULL, &class, &error) != 0) {
		return false;
	}
	const json_t *annotations = json_at(class, "metadata.annotations");
	const char *value = json_string_value(
		json_object_get(annotations, "storageclass.kubernetes.io/is-default-class"));
	return value != NULL && strcmp(value, "true") == 0;
}

/* As the DefaultStorageClass plugin: who names no class gets the default one, if there is one. */
static void default_claim(struct write *write, json_t *claim)
{
	_cleanup_buffer_ struct buffer prefix = BUFFER_INIT(LIMIT_STORE_KEY);
	struct hub *hub = write->api->hub;

	if (json_at(claim, "spec.storageClassName") != NULL || json_at(claim, "spec") == NULL) {
		return;
	}
	key_prefix(&kind_storage_class, STR_NONE, &prefix);
	for (struct hub_item *item = hub_next(hub, buffer_str(&prefix), STR_NONE); item != NULL;
	     item = hub_next(hub, buffer_str(&prefix), item->key)) {
		if (is_default_class(item->text)) {
			struct str name = str_skip(item->key, prefix.n);

			json_put(claim, "spec.storageClassName", json_stringn(name.p, name.n));
			return;
		}
	}
}

/* ---- metadata ---- */

/* Sets `key` in `to` as it is in `from`, absent if it is absent there. */
static void keep(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value != NULL) {
		json_object_set(to, key, value);
	} else {
		json_object_del(to, key);
	}
}

static void begin_metadata(struct write *write, json_t *object)
{
	static const char *const servers[] = {
		"resourceVersion",
		"selfLink",
		"deletionTimestamp",
		"deletionGracePeriodSeconds",
		"uid",
		"managedFields",
		"creationTimestamp",
		"generation",
	};
	json_t *meta = json_object_get(object, "metadata");
	char uid[RANDOM_UUID_TEXT];

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		json_object_del(meta, servers[i]);
	}
	random_uuid(uid);
	json_object_set_new(meta, "name", json_stringn(write->name.p, write->name.n));
	if (write->kind->flags & KIND_NAMESPACED) {
		json_object_set_new(meta, "namespace",
				    json_stringn(write->space.p, write->space.n));
	} else {
		json_object_del(meta, "namespace");
	}
	json_object_set_new(meta, "uid", json_string(uid));
	json_object_set_new(meta, "creationTimestamp", timestamp_after(write->api, 0));
	if (write->kind->flags & KIND_GENERATION) {
		json_object_set_new(meta, "generation", json_integer(1));
	}
}

static void carry_metadata(json_t *object, const json_t *old)
{
	static const char *const kept[] = {
		"name",
		"namespace",
		"generateName",
		"uid",
		"creationTimestamp",
		"deletionTimestamp",
		"deletionGracePeriodSeconds",
		"generation",
		"resourceVersion",
	};
	json_t *meta = json_object_get(object, "metadata");
	const json_t *old_meta = json_object_get(old, "metadata");

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		keep(meta, old_meta, kept[i]);
	}
	json_object_del(meta, "selfLink");
	json_object_del(meta, "managedFields");
}

static void count_generation(const struct kind *kind, json_t *object, const json_t *old)
{
	if (!(kind->flags & KIND_GENERATION) ||
	    json_equal(json_object_get(object, "spec"), json_object_get(old, "spec"))) {
		return;
	}
	json_put(object, "metadata.generation",
		 json_integer(json_int_at(old, "metadata.generation", 0) + 1));
}

/* ---- all together ---- */

static json_t *check(struct write *write, const json_t *object, const json_t *old)
{
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	if (write->unchecked) {
		return NULL;
	}
	object_check(write->kind, object, old, &errors);
	if (errors.n == 0) {
		return NULL;
	}
	return status_invalid(write->kind, str_from(json_string_at(object, "metadata.name")),
			      &errors);
}

json_t *admit_create(struct write *write, json_t *object)
{
	json_t *refusal = check_namespace(write);

	if (refusal != NULL) {
		return refusal;
	}
	begin_metadata(write, object);
	if (write->kind->create != NULL) {
		write->kind->create(object);
	}
	object_default(write->kind, object);
	if (write->kind == &kind_namespace) {
		default_namespace(object, NULL);
	} else if (write->kind == &kind_pod) {
		default_pod(write, object);
	} else if (write->kind == &kind_persistent_volume_claim) {
		default_claim(write, object);
	}
	refusal = check(write, object, NULL);
	if (refusal == NULL && write->kind == &kind_service) {
		refusal =
			addresses_assign(write->api->addresses, object, NULL, &write->reservation);
	}
	return refusal;
}

json_t *admit_update(struct write *write, json_t *object, const json_t *old)
{
	carry_metadata(object, old);
	if (write->kind->update != NULL && write->part == PART_WHOLE) {
		write->kind->update(object, old);
	}
	object_default(write->kind, object);
	if (write->kind == &kind_namespace) {
		default_namespace(object, old);
	}
	json_t *refusal = check(write, object, old);
	if (refusal == NULL && write->kind == &kind_service) {
		refusal = addresses_assign(write->api->addresses, object, old, &write->reservation);
	}
	if (refusal == NULL) {
		count_generation(write->kind, object, old);
	}
	return refusal;
}

json_t *admit_delete(struct write *write, const json_t *old)
{
	static const char *const immortal[] = { "default", "kube-system", "kube-public" };

	if (write->kind != &kind_namespace) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof(immortal) / sizeof(immortal[0]); i++) {
		if (str_is(write->name, immortal[i])) {
			return status_forbidden(write->kind, write->name,
						"this namespace may not be deleted");
		}
	}
	return NULL;
}

bool is_released(const struct kind *kind, const json_t *object)
{
	return json_array_size(json_at(object, "metadata.finalizers")) == 0 &&
	       json_int_at(object, "metadata.deletionGracePeriodSeconds", 0) == 0 &&
	       (kind != &kind_namespace ||
		json_array_size(json_at(object, "spec.finalizers")) == 0);
}
