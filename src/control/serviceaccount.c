/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every active namespace has: the ServiceAccount "default" and the ConfigMap
 * "kube-root-ca.crt", made again when somebody removes or changes them.
 */
#include <string.h>

#include "control/controllers.h"
#include "object/kinds.h"
#include "json/json.h"

#define ACCOUNT "default"
#define ROOT_CA "kube-root-ca.crt"
#define ROOT_CA_KEY "ca.crt"

/* `body` has no metadata yet. */
static void plan_make(struct plan *plan, const struct kind *kind, struct str space,
		      const char *name, json_t *body)
{
	json_object_set_new(body, "apiVersion", json_string("v1"));
	json_object_set_new(body, "kind", json_string(kind->kind));
	json_put(body, "metadata.name", json_string(name));
	json_put(body, "metadata.namespace", json_stringn(space.p, space.n));
	plan_create(plan, kind, space, body);
	plan_tolerate(plan, "AlreadyExists");
	plan_tolerate(plan, "NotFound");
}

static void sync_account(const struct view *view, struct str space, struct plan *plan)
{
	if (cache_get(view->cache, &kind_service_account, space, STR(ACCOUNT)) == NULL) {
		plan_make(plan, &kind_service_account, space, ACCOUNT, json_object());
	}
}

static void sync_root_ca(const struct view *view, struct str space, struct plan *plan)
{
	const struct controller_settings *settings = view->settings;
	struct object *object = cache_get(view->cache, &kind_config_map, space, STR(ROOT_CA));

	if (settings == NULL || settings->ca_certificate == NULL) {
		return;
	}
	json_t *data = json_pack("{s:s}", ROOT_CA_KEY, settings->ca_certificate);

	if (object == NULL) {
		json_t *body = json_pack(
			"{s:{s:{s:s}}, s:O}", "metadata", "annotations",
			"kubernetes.io/description",
			"The certificate of the authority that signs the API server's: what a "
			"client inside the cluster verifies it with.",
			"data", data);

		plan_make(plan, &kind_config_map, space, ROOT_CA, body);
	} else if (!object_is_deleting(object) &&
		   !json_equal(json_object_get(object_tree(object), "data"), data)) {
		json_t *body = json_deep_copy(object_tree(object));

		json_object_set(body, "data", data);
		plan_update(plan, &kind_config_map, body);
		plan_tolerate(plan, "NotFound");
	}
	json_decref(data);
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *space = cache_get(view->cache, &kind_namespace, STR_NONE, key);

	if (space != NULL && !object_is_deleting(space)) {
		sync_account(view, key, plan);
		sync_root_ca(view, key, plan);
	}
}

static void keys_of(struct object *object, const char *name, struct key_sink *sink)
{
	if (str_is(object->name, name)) {
		key_sink_add(sink, object->space);
	}
}

static void keys_of_account(const struct cache *cache, struct object *old, struct object *now,
			    struct key_sink *sink)
{
	keys_of(now != NULL ? now : old, ACCOUNT, sink);
}

static void keys_of_root_ca(const struct cache *cache, struct object *old, struct object *now,
			    struct key_sink *sink)
{
	keys_of(now != NULL ? now : old, ROOT_CA, sink);
}

const struct controller controller_serviceaccount = {
	.name = "serviceaccount-controller",
	.sources = {
		{ .kind = &kind_namespace, .keys = source_self },
		{ .kind = &kind_service_account, .keys = keys_of_account },
		{ .kind = &kind_config_map, .keys = keys_of_root_ca },
	},
	.reconcile = reconcile,
};
