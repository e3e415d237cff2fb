/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials for registries: the Secrets that a pod names in imagePullSecrets (those of its
 * ServiceAccount have been put there when it was made), of both forms that docker ever wrote.
 * https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod
 */
#include "node/pod_intern.h"

#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/limits.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "json/json.h"

#define DOCKER_HUB "docker.io"

/* The host of an image: what stands before the first '/', if it looks like one. */
static struct str registry_of(const char *image)
{
	struct str rest = str_from(image);
	struct str first = str_cut(&rest, '/');

	if (rest.p == NULL ||
	    (memchr(first.p, '.', first.n) == NULL && memchr(first.p, ':', first.n) == NULL &&
	     !str_is(first, "localhost"))) {
		return STR(DOCKER_HUB);
	}
	return first;
}

/* "https://index.docker.io/v1/" is how the hub calls itself there. */
static struct str host_of(struct str key)
{
	struct str rest = key;

	if (str_starts(rest, STR("https://"))) {
		rest = str_skip(rest, 8);
	} else if (str_starts(rest, STR("http://"))) {
		rest = str_skip(rest, 7);
	}
	rest = str_cut(&rest, '/');
	return str_is(rest, "index.docker.io") || str_is(rest, "registry-1.docker.io")
		       ? STR(DOCKER_HUB)
		       : rest;
}

static json_t *find_auth(const json_t *auths, const char *image)
{
	struct str registry = registry_of(image);
	const char *key;
	json_t *auth;

	json_object_foreach ((json_t *)auths, key, auth) {
		if (str_eq_nocase(host_of(str_from(key)), registry)) {
			return json_incref(auth);
		}
	}
	return NULL;
}

static json_t *decode(struct object *secret, const char *key)
{
	const json_t *data = json_object_get(object_tree(secret), "data");
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_DATA);
	struct json_read_error error;
	json_t *tree = NULL;

	if (base64_decode(str_from(json_string_value(json_object_get(data, key))), &text) &&
	    json_read(buffer_str(&text), NULL, &tree, &error) == 0) {
		return tree;
	}
	return NULL;
}

json_t *pull_secret(const struct cache *cache, struct object *pod, const char *image)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), "spec.imagePullSecrets"), i, reference) {
		struct object *secret = cache_get(cache, &kind_secret, pod->space,
						  str_from(json_string_at(reference, "name")));
		_cleanup_json_ json_t *config = NULL;
		json_t *auth;

		if (secret == NULL) {
			continue;
		}
		config = decode(secret, ".dockerconfigjson");
		if (config == NULL) {
			/* The older form is the table alone. */
			config = decode(secret, ".dockercfg");
			auth = find_auth(config, image);
		} else {
			auth = find_auth(json_object_get(config, "auths"), image);
		}
		if (auth != NULL) {
			return auth;
		}
	}
	return NULL;
}
