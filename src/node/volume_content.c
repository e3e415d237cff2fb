/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a volume say: entries of ConfigMaps and Secrets, fields of the pod, tokens; and
 * several of them in one directory. Decides, and touches no file.
 * https://kubernetes.io/docs/concepts/storage/projected-volumes/
 */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "node/volumes_intern.h"
#include "object/kinds.h"
#include "json/json.h"

struct filling {
	const struct pod_inputs *inputs;
	const struct volumes_pod *pod;
	struct map *files;
	mode_t mode; /* defaultMode of the volume */
	char *message;
	enum pod_config_outcome outcome;
};

/* ---- parts ---- */

static const struct {
	enum pod_volume_sort sort;
	const char *key; /* in a projected volume */
	const char *name; /* the member that names the object, in a plain one; else "name" */
} parts[] = {
	{ POD_VOLUME_CONFIG_MAP, "configMap", "name" },
	{ POD_VOLUME_SECRET, "secret", "secretName" },
	{ POD_VOLUME_DOWNWARD, "downwardAPI", NULL },
	{ POD_VOLUME_UNKNOWN, "serviceAccountToken", NULL },
};

const json_t *volume_part(const struct pod_volume *volume, size_t i, enum pod_volume_sort *ret_sort,
			  const char **ret_key)
{
	if (volume->sort != POD_VOLUME_PROJECTED) {
		*ret_sort = volume->sort;
		*ret_key = volume->sort == POD_VOLUME_SECRET ? "secretName" : "name";
		return i == 0 ? volume->source : NULL;
	}
	const json_t *source = json_array_get(json_object_get(volume->source, "sources"), i);

	*ret_sort = POD_VOLUME_EMPTY;
	*ret_key = "name";
	for (size_t j = 0; j < ARRAY_SIZE(parts); j++) {
		const json_t *part = json_object_get(source, parts[j].key);

		if (part != NULL) {
			*ret_sort = parts[j].sort;
			return part;
		}
	}
	return source;
}

/* ---- filling ---- */

__attribute__((format(printf, 3, 4))) static void
give_up(struct filling *filling, enum pod_config_outcome outcome, const char *format, ...)
{
	va_list arguments;

	if (filling->outcome != POD_CONFIG_FINE) {
		return;
	}
	filling->outcome = outcome;
	va_start(arguments, format);
	vsnprintf(filling->message, POD_CONFIG_MESSAGE, format, arguments);
	va_end(arguments);
}

static void put(struct filling *filling, const char *path, struct str bytes, const json_t *item)
{
	mode_t mode = (mode_t)json_int_at(item, "mode", filling->mode);

	if (!volume_files_put(filling->files, path, bytes, mode)) {
		give_up(filling, POD_CONFIG_IMPOSSIBLE, "\"%s\" is no path below a volume", path);
	}
}

/* The bytes of an entry; false when it is not there. */
static bool append_entry(const json_t *tree, const char *key, bool encoded, struct buffer *out)
{
	const json_t *value = json_object_get(json_object_get(tree, "data"), key);
	const json_t *binary = json_object_get(json_object_get(tree, "binaryData"), key);

	if (value != NULL && !encoded) {
		buffer_append_text(out, json_string_value(value));
		return true;
	}
	if (value == NULL) {
		value = binary;
	}
	return value != NULL && base64_decode(str_from(json_string_value(value)), out);
}

static void put_entry(struct filling *filling, struct object *object, const char *key,
		      const char *path, const json_t *item, bool optional)
{
	struct buffer bytes _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);

	if (append_entry(object_tree(object), key, object->kind == &kind_secret, &bytes)) {
		put(filling, path, buffer_str(&bytes), item);
	} else if (!optional) {
		give_up(filling, POD_CONFIG_WAIT, "references non-existent %s key: %s",
			object->kind == &kind_secret ? "secret" : "config", key);
	}
}

static void put_members(struct filling *filling, struct object *object, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)map, key, value) {
		put_entry(filling, object, key, key, NULL, true);
	}
}

/* A ConfigMap or a Secret: the entries that are named, or all. */
static void put_object(struct filling *filling, const struct kind *kind, const json_t *source,
		       const char *name)
{
	bool optional = json_bool_at(source, "optional", false);
	const json_t *items = json_object_get(source, "items");
	struct object *object = cache_get(filling->inputs->cache, kind, filling->inputs->pod->space,
					  str_from(name));
	const json_t *item;
	size_t i;

	if (object == NULL) {
		if (!optional) {
			give_up(filling, POD_CONFIG_WAIT, "%s \"%s\" not found",
				kind == &kind_secret ? "secret" : "configmap", name);
		}
		return;
	}
	if (json_array_size(items) == 0) {
		put_members(filling, object, json_object_get(object_tree(object), "data"));
		put_members(filling, object, json_object_get(object_tree(object), "binaryData"));
	}
	json_array_foreach (items, i, item) {
		put_entry(filling, object, json_string_at(item, "key"),
			  json_string_at(item, "path"), item, optional);
	}
}

static void put_fields(struct filling *filling, const json_t *source)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(source, "items"), i, item) {
		struct buffer bytes _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT);
		const json_t *field = json_object_get(item, "fieldRef");
		const json_t *amount = json_object_get(item, "resourceFieldRef");
		bool known = field != NULL
				     ? pod_field(filling->inputs,
						 json_string_at(field, "fieldPath"), &bytes)
				     : pod_resource_field(filling->inputs, amount, NULL, &bytes);

		if (!known) {
			give_up(filling, POD_CONFIG_IMPOSSIBLE, "unsupported field of file %s",
				json_string_at(item, "path"));
			return;
		}
		put(filling, json_string_at(item, "path"), buffer_str(&bytes), item);
	}
}

/* ---- tokens ---- */

/* The user that all containers run as; -1 when they differ, or the images decide. */
static int64_t user_of(const json_t *spec)
{
	static const char *const lists[] = { "containers", "initContainers" };
	int64_t otherwise = json_int_at(spec, "securityContext.runAsUser", -1);
	int64_t user = -2;
	const json_t *container;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach (json_object_get(spec, lists[k]), i, container) {
			int64_t own =
				json_int_at(container, "securityContext.runAsUser", otherwise);

			if (own < 0 || (user != -2 && user != own)) {
				return -1;
			}
			user = own;
		}
	}
	return user < 0 ? -1 : user;
}

/* A token is for the eyes of one user, or of the volumes' group, when that is known. */
static void put_token(struct filling *filling, const json_t *source)
{
	const char *path = json_string_at(source, "path");
	const struct volume_token *token =
		volume_token_find(filling->pod, json_string_at(source, "audience"),
				  json_int_at(source, "expirationSeconds", 3600));
	int64_t user = user_of(json_object_get(object_tree(filling->inputs->pod), "spec"));
	mode_t mode = filling->mode;

	if (token == NULL || token->text == NULL) {
		give_up(filling, POD_CONFIG_WAIT, "failed to fetch token: %s",
			token != NULL && token->failure != NULL ? token->failure
								: "it has not come yet");
		return;
	}
	if (user >= 0 || volume_group(filling->inputs->pod) >= 0) {
		mode = 0600;
	}
	if (!volume_files_put(filling->files, path, str_from(token->text), mode)) {
		give_up(filling, POD_CONFIG_IMPOSSIBLE, "\"%s\" is no path below a volume", path);
		return;
	}
	struct volume_file *file = map_get(filling->files, str_from(path));

	file->owner = user > 0 ? (uid_t)user : 0;
}

/* ---- all of it ---- */

static void put_part(struct filling *filling, enum pod_volume_sort sort, const json_t *part,
		     const char *name)
{
	switch (sort) {
	case POD_VOLUME_CONFIG_MAP:
		put_object(filling, &kind_config_map, part, name);
		break;
	case POD_VOLUME_SECRET:
		put_object(filling, &kind_secret, part, name);
		break;
	case POD_VOLUME_DOWNWARD:
		put_fields(filling, part);
		break;
	case POD_VOLUME_UNKNOWN:
		put_token(filling, part);
		break;
	default:
		give_up(filling, POD_CONFIG_IMPOSSIBLE,
			"a projected volume has a source that this node does not know");
	}
}

enum pod_config_outcome volume_content(const struct pod_inputs *inputs,
				       const struct volumes_pod *pod,
				       const struct pod_volume *volume, struct map *files,
				       char message[POD_CONFIG_MESSAGE])
{
	struct filling filling = {
		.inputs = inputs,
		.pod = pod,
		.files = files,
		.mode = (mode_t)json_int_at(volume->source, "defaultMode", 0644),
		.message = message,
	};
	enum pod_volume_sort sort;
	const json_t *part;
	const char *key;

	for (size_t i = 0; (part = volume_part(volume, i, &sort, &key)) != NULL; i++) {
		put_part(&filling, sort, part, json_string_at(part, key));
	}
	return filling.outcome;
}

bool volume_is_immutable(const struct pod_inputs *inputs, const struct pod_volume *volume)
{
	const struct kind *kind = volume->sort == POD_VOLUME_CONFIG_MAP ? &kind_config_map
				  : volume->sort == POD_VOLUME_SECRET   ? &kind_secret
									: NULL;
	const char *key;
	enum pod_volume_sort sort;
	const json_t *part = volume_part(volume, 0, &sort, &key);
	struct object *object = kind == NULL ? NULL
					     : cache_get(inputs->cache, kind, inputs->pod->space,
							 str_from(json_string_at(part, key)));

	return object != NULL && json_bool_at(object_tree(object), "immutable", false);
}
