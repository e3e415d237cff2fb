/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two dialects of one table: the plain one (APIResourceList a group version) and the aggregated one
 * (APIGroupDiscoveryList, KEP-3352), which is everything in two answers. The second is recognised
 * by clients by its Content-Type, so that must be the exact text.
 */
#include "api/discovery.h"

#include "api/messages.h"
#include "api/routes.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

static const char all_verbs[] = "create,delete,deletecollection,get,list,patch,update,watch";

/* Stored and virtual kinds in one row. */
static size_t kind_count(void)
{
	return n_kinds + n_virtual_kinds;
}

static const struct kind *kind_at(size_t i)
{
	return i < n_kinds ? kinds[i] : virtual_kinds[i - n_kinds];
}

static json_t *split(const char *list)
{
	json_t *array = json_array();
	struct str rest = str_from(list);

	while (rest.n != 0) {
		struct str item = str_cut(&rest, ',');
		json_array_append_new(array, json_stringn(item.p, item.n));
	}
	return array;
}

static json_t *verbs_of(const struct kind *kind)
{
	return split(kind_is_virtual(kind) ? "create" : all_verbs);
}

static bool is_in(const struct kind *kind, const char *group, const char *version)
{
	return strcmp(kind->group, group) == 0 && strcmp(kind->version, version) == 0;
}

/* The first kind of a group version stands for it. */
static bool is_first_of_version(size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (is_in(kind_at(i), kind_at(at)->group, kind_at(at)->version)) {
			return false;
		}
	}
	return true;
}

static bool is_first_of_group(size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(kind_at(i)->group, kind_at(at)->group) == 0) {
			return false;
		}
	}
	return true;
}

/* ---- the plain dialect ---- */

static json_t *plain_resource(const struct kind *kind)
{
	json_t *resource =
		json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", kind->plural, "singularName",
			  kind->singular, "namespaced", (kind->flags & KIND_NAMESPACED) != 0,
			  "kind", kind->kind, "verbs", verbs_of(kind));

	if (kind->short_names != NULL) {
		json_object_set_new(resource, "shortNames", split(kind->short_names));
	}
	if (kind->categories != NULL) {
		json_object_set_new(resource, "categories", split(kind->categories));
	}
	return resource;
}

static json_t *plain_subresource(const struct kind *kind, const struct subresource *sub)
{
	_cleanup_free_ char *name = mem_printf("%s/%s", kind->plural, sub->name);
	const char *body = sub->kind != NULL      ? sub->kind->kind
			   : sub->options != NULL ? sub->options
						  : kind->kind;
	json_t *resource = json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", name, "singularName", "",
				     "namespaced", (kind->flags & KIND_NAMESPACED) != 0, "kind",
				     body, "verbs", split(sub->verbs));

	if (sub->kind != NULL) {
		json_object_set_new(resource, "group", json_string(sub->kind->group));
		json_object_set_new(resource, "version", json_string(sub->kind->version));
	}
	return resource;
}

static json_t *plain_version(const char *group, const char *version)
{
	json_t *resources = json_array();
	bool found = false;

	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind *kind = kind_at(i);
		if (!is_in(kind, group, version)) {
			continue;
		}
		found = true;
		json_array_append_new(resources, plain_resource(kind));
		for (size_t s = 0; s < n_subresources && !kind_is_virtual(kind); s++) {
			if (kind_has_subresource(kind, &subresources[s])) {
				json_array_append_new(resources,
						      plain_subresource(kind, &subresources[s]));
			}
		}
	}
	_cleanup_free_ char *name =
		group[0] != '\0' ? mem_printf("%s/%s", group, version) : mem_strdup(version);
	json_t *list = json_pack("{s:s, s:s, s:s, s:o}", "kind", "APIResourceList", "apiVersion",
				 "v1", "groupVersion", name, "resources", resources);
	if (!found) {
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *plain_group(const char *group)
{
	json_t *versions = json_array();

	for (size_t i = 0; i < kind_count(); i++) {
		const struct kind *kind = kind_at(i);
		if (strcmp(kind->group, group) == 0 && is_first_of_version(i)) {
			_cleanup_free_ char *name = mem_printf("%s/%s", group, kind->version);
			json_array_append_new(versions, json_pack("{s:s, s:s}", "groupVersion",
								  name, "version", kind->version));
		}
	}
	if (json_array_size(versions) == 0) {
		json_decref(versions);
		return NULL;
	}
	return json_pack("{s:s, s:O, s:o}", "name", group, "preferredVersion",
			 json_array_get(versions, 0), "versions", versions);
}

static json_t *plain_groups(void)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < kind_count(); i++) {
		if (kind_at(i)->group[0] != '\0' && is_first_of_group(i)) {
			json_array_append_new(groups, plain_group(kind_at(i)->group));
		}
	}
	return json_pack("{s:s, s:s, s:o}", "kind", "APIGroupList", "apiVersion", "v1", "groups",
			 groups);
}

static json_t *plain_versions(void)
{
	return json_pack("{s:s, s:[s], s:[]}", "kind", "APIVersions", "versions", "v1",
			 "serverAddressByClientCIDRs");
}

/* ---- the aggregated dialect ---- */

static json_t *response_kind(const struct kind *kind)
{
	return json_pack("{s:s, s:s, s:s}", "group", kind->group, "version", kind->version, "kind",
			 kind->kind);
}

static json_t *response_kind_of(const struct kind *kind, const struct subresource *sub)
{
	json_t *response = response_kind(sub->kind != NULL ? sub->kind : kind);

	if (sub->options != NULL) {
		json_object_set_new(response, "kind", json_string(sub->options));
	}
	return response;
}

static json_t *rich_resource(const struct kind *kind)
{
	json_t *subs = json_array();
	json_t *resource = json_pack("{s:s, s:o, s:s, s:s, s:o}", "resource", kind->plural,
				     "responseKind", response_kind(kind), "scope",
				     kind->flags & KIND_NAMESPACED ? "Namespaced" : "Cluster",
				     "singularResource", kind->singular, "verbs", verbs_of(kind));

	if (kind->short_names != NULL) {
		json_object_set_new(resource, "shortNames", split(kind->short_names));
	}
	if (kind->categories != NULL) {
		json_object_set_new(resource, "categories", split(kind->categories));
	}
	for (size_t s = 0; s < n_subresources && !kind_is_virtual(kind); s++) {
		const struct subresource *sub = &subresources[s];
		if (kind_has_subresource(kind, sub)) {
			json_array_append_new(subs,
					      json_pack("{s:s, s:o, s:o}", "subresource", sub->name,
							"responseKind", response_kind_of(kind, sub),
							"verbs", split(sub->verbs)));
		}
	}
	json_object_set_new(resource, "subresources", subs);
	return resource;
}

static json_t *rich_version(const struct kind *first)
{
	json_t *resources = json_array();

	for (size_t i = 0; i < kind_count(); i++) {
		if (is_in(kind_at(i), first->group, first->version)) {
			json_array_append_new(resources, rich_resource(kind_at(i)));
		}
	}
	return json_pack("{s:s, s:o, s:s}", "version", first->version, "resources", resources,
			 "freshness", "Current");
}

static json_t *rich_group(const char *group)
{
	json_t *versions = json_array();

	for (size_t i = 0; i < kind_count(); i++) {
		if (strcmp(kind_at(i)->group, group) == 0 && is_first_of_version(i)) {
			json_array_append_new(versions, rich_version(kind_at(i)));
		}
	}
	json_t *item =
		json_pack("{s:{s:n}, s:o}", "metadata", "creationTimestamp", "versions", versions);
	if (group[0] != '\0') {
		json_put(item, "metadata.name", json_string(group));
	}
	return item;
}

static json_t *rich_groups(bool core, const char *version)
{
	_cleanup_free_ char *api_version = mem_printf("apidiscovery.k8s.io/%s", version);
	json_t *items = json_array();

	for (size_t i = 0; i < kind_count(); i++) {
		bool is_core = kind_at(i)->group[0] == '\0';
		if (is_core == core && is_first_of_group(i)) {
			json_array_append_new(items, rich_group(kind_at(i)->group));
		}
	}
	return json_pack("{s:s, s:s, s:{}, s:o}", "kind", "APIGroupDiscoveryList", "apiVersion",
			 api_version, "metadata", "items", items);
}

/* ---- answers ---- */

static void answer(struct call *call, const char *content_type, json_t *tree)
{
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);

	json_write(tree, &body);
	json_decref(tree);
	answer_bytes(call, 200, content_type, &body);
}

static void answer_root(struct call *call, bool core)
{
	int dialect = form_negotiate_discovery(http_header(call->exchange, "accept"));

	if (dialect == DISCOVERY_PLAIN) {
		answer(call, "application/json", core ? plain_versions() : plain_groups());
		return;
	}
	bool beta = dialect == DISCOVERY_V2BETA1;
	answer(call,
	       beta ? "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
		    : "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
	       rich_groups(core, beta ? "v2beta1" : "v2"));
}

bool discovery_answer(struct call *call, const char *path)
{
	struct str rest = str_skip(str_from(path), 1);
	struct str root = str_cut(&rest, '/');
	bool core = str_is(root, "api");
	json_t *tree = NULL;

	if (!core && !str_is(root, "apis")) {
		return false;
	}
	if (rest.n == 0) {
		answer_root(call, core);
		return true;
	}
	_cleanup_free_ char *group = core ? mem_strdup("") : str_dup(str_cut(&rest, '/'));
	_cleanup_free_ char *version = str_dup(str_cut(&rest, '/'));
	if (rest.n != 0) {
		return false;
	}
	if (version[0] == '\0') {
		tree = plain_group(group);
		if (tree != NULL) {
			json_object_set_new(tree, "kind", json_string("APIGroup"));
			json_object_set_new(tree, "apiVersion", json_string("v1"));
		}
	} else {
		tree = plain_version(group, version);
	}
	if (tree == NULL) {
		return false;
	}
	answer(call, "application/json", tree);
	return true;
}
