/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's variables. Those of envFrom come first, those of env take their place and may refer
 * to them and to one another in their order; variables of Services come last and give way to both,
 * but may be referred to from the start.
 *
 * As variables refer to others their size can double with each: everything together is held to
 * LIMIT_POD_ENVIRONMENT.
 */
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "json/json.h"

enum { ENTRY_SIZE = 128 }; /* what one variable takes beside its texts */

struct making {
	struct pod_environment *environment;
	struct pod_config *config;
	const json_t *container;
	struct map services; /* name -> value (in the arena) */
	size_t size; /* items allocated */
};

/* ---- putting in ---- */

static bool has_room(struct pod_environment *environment, struct pod_config *config, size_t n)
{
	if (n > LIMIT_POD_ENVIRONMENT - environment->size) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
				"environment, command and arguments take more than %d bytes",
				LIMIT_POD_ENVIRONMENT);
		return false;
	}
	environment->size += n;
	return true;
}

static void grow(struct making *making)
{
	struct pod_environment *environment = making->environment;

	if (environment->n < making->size) {
		return;
	}
	making->size = making->size == 0 ? 64 : making->size * 2;
	Runtime__V1__KeyValue **items =
		arena_alloc(making->config->arena, making->size * sizeof(*items));

	if (environment->n != 0) {
		memcpy(items, environment->items, environment->n * sizeof(*items));
	}
	environment->items = items;
}

static void put(struct making *making, struct str name, struct str value)
{
	struct pod_environment *environment = making->environment;
	struct arena *arena = making->config->arena;
	Runtime__V1__KeyValue *variable = map_get(&environment->names, name);

	if (!has_room(environment, making->config, name.n + value.n + ENTRY_SIZE)) {
		return;
	}
	if (variable == NULL) {
		grow(making);
		variable = arena_alloc(arena, sizeof(*variable));
		runtime__v1__key_value__init(variable);
		variable->key = (char *)arena_str(arena, name).p;
		environment->items[environment->n++] = variable;
		map_put(&environment->names, name, variable);
	}
	variable->value = (char *)arena_str(arena, value).p;
}

static struct str lookup_variable(void *userdata, struct str name)
{
	const struct making *making = userdata;
	const char *value = pod_environment_get(making->environment, name);

	return str_from(value != NULL ? value : map_get(&making->services, name));
}

/* ---- envFrom ---- */

/*
 * The object that `reference` names; NULL when it is not there: then `reference` may be optional.
 */
static struct object *referred(struct making *making, const struct kind *kind, const char *noun,
			       const json_t *reference)
{
	const char *name = json_string_at(reference, "name");
	struct str space = making->config->inputs->pod->space;
	struct object *object =
		cache_get(making->config->inputs->cache, kind, space, str_from(name));

	if (object == NULL && !json_bool_at(reference, "optional", false)) {
		pod_config_fail(making->config, POD_CONFIG_WAIT, "%s \"%s\" not found", noun, name);
	}
	return object;
}

static void put_all(struct making *making, const json_t *data, const char *prefix, bool encoded)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)data, key, value) {
		struct buffer bytes _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
		char *name _cleanup_free_ = mem_printf("%s%s", prefix, key);
		struct str text = str_from(json_string_value(value));

		if (strchr(name, '=') != NULL) {
			continue;
		}
		if (encoded) {
			base64_decode(text, &bytes);
			text = str_from(buffer_text(&bytes));
		}
		put(making, str_from(name), text);
	}
}

static void put_from(struct making *making, const json_t *source)
{
	const char *prefix = json_string_at(source, "prefix");
	const json_t *map = json_object_get(source, "configMapRef");
	const json_t *secret = json_object_get(source, "secretRef");
	struct object *object = map != NULL ? referred(making, &kind_config_map, "configmap", map)
					    : referred(making, &kind_secret, "secret", secret);

	if (object != NULL) {
		put_all(making, json_object_get(object_tree(object), "data"), prefix, map == NULL);
	}
}

/* ---- env ---- */

/* False: an optional one is not there, so there is no such variable. */
static bool append_key(struct making *making, const struct kind *kind, const json_t *reference,
		       struct buffer *out)
{
	bool is_secret = kind == &kind_secret;
	const char *key = json_string_at(reference, "key");
	struct object *object =
		referred(making, kind, is_secret ? "secret" : "configmap", reference);
	const json_t *data = object != NULL ? json_object_get(object_tree(object), "data") : NULL;
	const json_t *value = json_object_get(data, key);

	if (value == NULL) {
		if (object != NULL && !json_bool_at(reference, "optional", false)) {
			pod_config_fail(making->config, POD_CONFIG_WAIT,
					"couldn't find key %s in %s %.*s/%.*s", key, kind->kind,
					STR_ARG(object->space), STR_ARG(object->name));
		}
		return false;
	}
	if (is_secret) {
		base64_decode(str_from(json_string_value(value)), out);
	} else {
		buffer_append_text(out, json_string_value(value));
	}
	return true;
}

static bool append_from(struct making *making, const json_t *from, struct buffer *out)
{
	const struct pod_inputs *inputs = making->config->inputs;
	const json_t *reference;

	if ((reference = json_object_get(from, "configMapKeyRef")) != NULL) {
		return append_key(making, &kind_config_map, reference, out);
	}
	if ((reference = json_object_get(from, "secretKeyRef")) != NULL) {
		return append_key(making, &kind_secret, reference, out);
	}
	if ((reference = json_object_get(from, "fieldRef")) != NULL) {
		if (!pod_field(inputs, json_string_at(reference, "fieldPath"), out)) {
			pod_config_fail(making->config, POD_CONFIG_IMPOSSIBLE,
					"unsupported fieldPath: %s",
					json_string_at(reference, "fieldPath"));
		}
		return true;
	}
	if ((reference = json_object_get(from, "resourceFieldRef")) != NULL) {
		if (!pod_resource_field(inputs, reference, making->container, out)) {
			pod_config_fail(making->config, POD_CONFIG_IMPOSSIBLE,
					"unsupported container resource: %s",
					json_string_at(reference, "resource"));
		}
		return true;
	}
	pod_config_fail(making->config, POD_CONFIG_IMPOSSIBLE,
			"a variable has a source that this node does not know");
	return true;
}

static void put_variable(struct making *making, const json_t *variable)
{
	struct buffer value _cleanup_buffer_ = BUFFER_INIT(LIMIT_POD_ENVIRONMENT);
	const char *name = json_string_at(variable, "name");
	const char *text = json_string_at(variable, "value");
	const json_t *from = json_object_get(variable, "valueFrom");

	if (text[0] != '\0') {
		pod_expand(str_from(text), lookup_variable, making, &value);
	} else if (from != NULL && !append_from(making, from, &value)) {
		return;
	}
	if (value.overflowed) {
		has_room(making->environment, making->config, LIMIT_POD_ENVIRONMENT + 1UL);
		return;
	}
	put(making, str_from(name), str_from(buffer_text(&value)));
}

/* ---- services, and all together ---- */

static void note_service(void *userdata, const char *name, const char *value)
{
	struct making *making = userdata;

	if (has_room(making->environment, making->config,
		     strlen(name) + strlen(value) + ENTRY_SIZE)) {
		map_put(&making->services, str_from(name),
			(void *)arena_str(making->config->arena, str_from(value)).p);
	}
}

void pod_environment_init(struct pod_environment *environment, struct pod_config *config,
			  const json_t *container)
{
	struct making making = {
		.environment = environment,
		.config = config,
		.container = container,
		.services = MAP_INIT(LIMIT_POD_ENVIRONMENT / ENTRY_SIZE),
	};
	const json_t *item;
	size_t i;

	*environment = (struct pod_environment){
		.names = MAP_INIT(LIMIT_POD_ENVIRONMENT / ENTRY_SIZE),
	};
	pod_services(config->inputs, json_bool_at(config->spec, "enableServiceLinks", true),
		     note_service, &making);
	json_array_foreach (json_object_get(container, "envFrom"), i, item) {
		put_from(&making, item);
	}
	json_array_foreach (json_object_get(container, "env"), i, item) {
		put_variable(&making, item);
	}
	map_for_each (entry, &making.services) {
		if (map_get(&environment->names, entry->key) == NULL) {
			put(&making, entry->key, str_from(entry->value));
		}
	}
	map_deinit(&making.services, NULL);
}

void pod_environment_deinit(struct pod_environment *environment)
{
	map_deinit(&environment->names, NULL);
}

const char *pod_environment_get(const struct pod_environment *environment, struct str name)
{
	const Runtime__V1__KeyValue *variable = map_get(&environment->names, name);

	return variable != NULL ? variable->value : NULL;
}

static struct str lookup_done(void *userdata, struct str name)
{
	return str_from(pod_environment_get(userdata, name));
}

const char *pod_environment_expand(struct pod_environment *environment, struct pod_config *config,
				   const char *text)
{
	struct buffer out _cleanup_buffer_ = BUFFER_INIT(LIMIT_POD_ENVIRONMENT);

	pod_expand(str_from(text), lookup_done, environment, &out);
	if (!has_room(environment, config, out.overflowed ? LIMIT_POD_ENVIRONMENT + 1UL : out.n)) {
		return "";
	}
	return arena_str(config->arena, buffer_str(&out)).p;
}
