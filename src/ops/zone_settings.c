/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables, one of flags and one of TTLs, make the JSON and read it back. */
#include "ops/zone_settings.h"

#include <string.h>

#include "base/mem.h"
#include "http/exchange.h"
#include "json/json.h"

static const struct {
	const char *name;
	size_t offset;
} flags[] = {
	{ "fallthrough", offsetof(struct zone_config, fallthrough) },
	{ "reverseFallthrough", offsetof(struct zone_config, reverse_fallthrough) },
	{ "noEndpoints", offsetof(struct zone_config, no_endpoints) },
	{ "ignoreEmptyService", offsetof(struct zone_config, ignore_empty_service) },
	{ "endpointPodNames", offsetof(struct zone_config, endpoint_pod_names) },
	{ "zonal", offsetof(struct zone_config, zonal) },
};

static const char *const ttl_names[ZONE_TTLS] = {
	[ZONE_TTL_SERVICE] = "service",   [ZONE_TTL_HEADLESS] = "headless",
	[ZONE_TTL_ENDPOINT] = "endpoint", [ZONE_TTL_POD] = "pod",
	[ZONE_TTL_EXTERNAL] = "external", [ZONE_TTL_POINTER] = "ptr",
	[ZONE_TTL_NEGATIVE] = "negative",
};

static const char *const pods_modes[] = {
	[ZONE_PODS_DISABLED] = "disabled",
	[ZONE_PODS_INSECURE] = "insecure",
	[ZONE_PODS_VERIFIED] = "verified",
};

static bool *flag_of(struct zone_config *config, size_t i)
{
	return (bool *)(void *)((char *)config + flags[i].offset);
}

void zone_settings_write(const struct zone_config *config, struct buffer *out)
{
	struct zone_config copy = *config;
	json_t *tree = json_object();
	json_t *ttls = json_object();
	json_t *namespaces = json_array();

	json_object_set_new(tree, "domain", json_string(config->domain));
	if (config->clusterset_domain != NULL) {
		json_object_set_new(tree, "clustersetDomain",
				    json_string(config->clusterset_domain));
	}
	json_object_set_new(tree, "ttl", json_integer(config->ttl));
	for (size_t i = 0; i < ZONE_TTLS; i++) {
		if (config->ttls[i].set) {
			json_object_set_new(ttls, ttl_names[i],
					    json_integer(config->ttls[i].seconds));
		}
	}
	json_object_set_new(tree, "ttls", ttls);
	json_object_set_new(tree, "pods", json_string(pods_modes[config->pods]));
	for (size_t i = 0; i < config->n_namespaces; i++) {
		json_array_append_new(namespaces, json_string(config->namespaces[i]));
	}
	json_object_set_new(tree, "namespaces", namespaces);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		json_object_set_new(tree, flags[i].name, json_boolean(*flag_of(&copy, i)));
	}
	json_write(tree, out);
	json_decref(tree);
}

void zone_settings_handle(void *userdata, struct http_exchange *exchange)
{
	const struct str *text = userdata;
	struct buffer body = BUFFER_INIT(LIMIT_ZONE_SETTINGS);
	int status = 200;

	if (strcmp(exchange->path, ZONE_SETTINGS_PATH) != 0) {
		status = 404;
	} else if (exchange->method != HTTP_GET && exchange->method != HTTP_HEAD) {
		status = 405;
	}
	if (status == 200) {
		buffer_append(&body, text->p, text->n);
	} else {
		buffer_append_text(&body,
				   "{\"message\":\"here is " ZONE_SETTINGS_PATH ", for GET\"}");
	}
	http_reply(exchange, status, "application/json", &body);
}

/* ---- reading ---- */

static bool read_ttl(const json_t *value, uint32_t *ret)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > ZONE_TTL_MAX) {
		return false;
	}
	*ret = (uint32_t)json_integer_value(value);
	return true;
}

static bool read_ttls(const json_t *tree, struct zone_config *config)
{
	const json_t *ttls = json_object_get(tree, "ttls");

	if (!read_ttl(json_object_get(tree, "ttl"), &config->ttl)) {
		return false;
	}
	for (size_t i = 0; i < ZONE_TTLS; i++) {
		const json_t *value = json_object_get(ttls, ttl_names[i]);

		config->ttls[i].set = value != NULL;
		if (value != NULL && !read_ttl(value, &config->ttls[i].seconds)) {
			return false;
		}
	}
	return true;
}

static bool read_pods(const json_t *tree, enum zone_pods *ret)
{
	const char *mode = json_string_at(tree, "pods");

	for (size_t i = 0; i < ARRAY_SIZE(pods_modes); i++) {
		if (strcmp(mode, pods_modes[i]) == 0) {
			*ret = (enum zone_pods)i;
			return true;
		}
	}
	return false;
}

static bool read_namespaces(const json_t *tree, struct zone_settings *settings)
{
	const json_t *list = json_object_get(tree, "namespaces");
	size_t n = json_array_size(list);

	if (n > ZONE_NAMESPACES_MAX) {
		return false;
	}
	settings->namespaces = mem_alloc((n + 1) * sizeof(settings->namespaces[0]));
	for (size_t i = 0; i < n; i++) {
		settings->namespaces[i] = json_string_value(json_array_get(list, i));
		if (settings->namespaces[i] == NULL) {
			return false;
		}
	}
	settings->config.namespaces = settings->namespaces;
	settings->config.n_namespaces = n;
	return true;
}

int zone_settings_read(struct str text, struct zone_settings *ret)
{
	struct zone_settings settings = { .has_corefile = false };
	struct zone_config *config = &settings.config;
	struct json_read_error error;
	json_t *tree = NULL;

	if (text.n > LIMIT_ZONE_SETTINGS || json_read(text, NULL, &tree, &error) != 0) {
		return ZONE_SETTINGS_BAD;
	}
	settings.tree = tree;
	config->domain = json_string_value(json_object_get(tree, "domain"));
	config->clusterset_domain = json_string_value(json_object_get(tree, "clustersetDomain"));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		*flag_of(config, i) = json_is_true(json_object_get(tree, flags[i].name));
	}
	if (config->domain == NULL || !read_ttls(tree, config) || !read_pods(tree, &config->pods) ||
	    !read_namespaces(tree, &settings)) {
		zone_settings_deinit(&settings);
		return ZONE_SETTINGS_BAD;
	}
	*ret = settings;
	return 0;
}

static void pass_over(void *userdata, const char *line)
{
}

int zone_settings_read_corefile(struct str text, struct zone_settings *ret)
{
	struct zone_settings settings = { .has_corefile = true };
	struct corefile *corefile = &settings.corefile;
	char message[COREFILE_MESSAGE];

	if (corefile_parse("Corefile", text, pass_over, NULL, corefile, message) != 0) {
		return ZONE_SETTINGS_BAD;
	}
	settings.config = (struct zone_config){
		.domain = corefile->domain != NULL ? corefile->domain : "cluster.local",
		.ttl = corefile->ttl,
		.pods = corefile->pods,
		.fallthrough = corefile->fallthrough,
		.reverse_fallthrough = corefile->reverse_fallthrough,
		.namespaces = (const char *const *)corefile->namespaces,
		.n_namespaces = corefile->n_namespaces,
		.no_endpoints = corefile->no_endpoints,
		.ignore_empty_service = corefile->ignore_empty_service,
		.endpoint_pod_names = corefile->endpoint_pod_names,
		.zonal = corefile->zonal,
	};
	*ret = settings;
	return 0;
}

void zone_settings_init(struct zone_settings *settings)
{
	*settings = (struct zone_settings){
		.config = { .domain = "cluster.local",
			    .ttl = ZONE_TTL_DEFAULT,
			    .pods = ZONE_PODS_INSECURE },
	};
}

void zone_settings_deinit(struct zone_settings *settings)
{
	if (settings->has_corefile) {
		corefile_deinit(&settings->corefile);
	}
	json_decref(settings->tree);
	mem_free(settings->namespaces);
}
