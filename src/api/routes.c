/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "api/messages.h"
#include "base/mem.h"
#include "object/kinds.h"

const struct kind *const virtual_kinds[] = {
	&kind_self_subject_review,         &kind_token_review,
	&kind_self_subject_access_review,  &kind_subject_access_review,
	&kind_local_subject_access_review, &kind_self_subject_rules_review,
};
const size_t n_virtual_kinds = ARRAY_SIZE(virtual_kinds);

#define PROXY_VERBS "create,delete,get,patch,update"

const struct subresource subresources[] = {
	{ "status", KIND_STATUS, NULL, NULL, "get,patch,update" },
	{ "scale", KIND_SCALE, NULL, &kind_scale, "get,patch,update" },
	{ "binding", 0, &kind_pod, &kind_binding, "create" },
	{ "eviction", 0, &kind_pod, &kind_eviction, "create" },
	{ "finalize", 0, &kind_namespace, NULL, "update" },
	{ "approval", 0, &kind_certificate_signing_request, NULL, "get,patch,update" },
	{ "token", 0, &kind_service_account, &kind_token_request, "create" },
	{ "log", 0, &kind_pod, NULL, "get" },
	{ "exec", 0, &kind_pod, NULL, "create,get", "PodExecOptions" },
	{ "attach", 0, &kind_pod, NULL, "create,get", "PodAttachOptions" },
	{ "portforward", 0, &kind_pod, NULL, "create,get", "PodPortForwardOptions" },
	{ "proxy", 0, &kind_pod, NULL, PROXY_VERBS, "PodProxyOptions" },
	{ "proxy", 0, &kind_service, NULL, PROXY_VERBS, "ServiceProxyOptions" },
	{ "proxy", 0, &kind_node, NULL, PROXY_VERBS, "NodeProxyOptions" },
};
const size_t n_subresources = ARRAY_SIZE(subresources);

enum place { COLLECTION, ITEM };

static const struct {
	enum http_method method;
	enum place place;
	const char *part;
	verb_fn verb;
} verbs[] = {
	{ HTTP_GET, COLLECTION, "", verb_list },
	{ HTTP_POST, COLLECTION, "", verb_create },
	{ HTTP_DELETE, COLLECTION, "", verb_delete_collection },
	{ HTTP_GET, ITEM, "", verb_get },
	{ HTTP_PUT, ITEM, "", verb_update },
	{ HTTP_PATCH, ITEM, "", verb_patch },
	{ HTTP_DELETE, ITEM, "", verb_delete },
	{ HTTP_GET, ITEM, "status", verb_get },
	{ HTTP_PUT, ITEM, "status", verb_update },
	{ HTTP_PATCH, ITEM, "status", verb_patch },
	{ HTTP_GET, ITEM, "approval", verb_get },
	{ HTTP_PUT, ITEM, "approval", verb_approve },
	{ HTTP_PATCH, ITEM, "approval", verb_patch },
	{ HTTP_GET, ITEM, "scale", verb_get_scale },
	{ HTTP_PUT, ITEM, "scale", verb_update_scale },
	{ HTTP_PATCH, ITEM, "scale", verb_patch_scale },
	{ HTTP_POST, ITEM, "binding", verb_bind },
	{ HTTP_POST, ITEM, "eviction", verb_evict },
	{ HTTP_PUT, ITEM, "finalize", verb_finalize },
	{ HTTP_POST, ITEM, "token", verb_token },
	{ HTTP_GET, ITEM, "log", verb_log },
	{ HTTP_GET, ITEM, "exec", verb_exec },
	{ HTTP_POST, ITEM, "exec", verb_exec },
	{ HTTP_GET, ITEM, "attach", verb_exec },
	{ HTTP_POST, ITEM, "attach", verb_exec },
	{ HTTP_GET, ITEM, "portforward", verb_port_forward },
	{ HTTP_POST, ITEM, "portforward", verb_port_forward },
	{ HTTP_GET, ITEM, "proxy", verb_proxy },
	{ HTTP_POST, ITEM, "proxy", verb_proxy },
	{ HTTP_PUT, ITEM, "proxy", verb_proxy },
	{ HTTP_PATCH, ITEM, "proxy", verb_proxy },
	{ HTTP_DELETE, ITEM, "proxy", verb_proxy },
	{ HTTP_OPTIONS, ITEM, "proxy", verb_proxy },
};

static struct str next(struct str *rest)
{
	return str_cut(rest, '/');
}

/* .../namespaces/NS/RESOURCE/NAME/PART; a namespace itself is namespaces/NAME. */
static bool parse_resource(struct str rest, struct route *ret)
{
	struct str first = next(&rest);

	if (str_is(first, "watch") && rest.n != 0) {
		ret->watch = true;
		first = next(&rest);
	}
	ret->resource = first;
	if (str_is(first, "namespaces") && rest.n != 0) {
		struct str name = next(&rest);
		bool own = rest.n == 0 || str_is(rest, "status") || str_is(rest, "finalize");
		if (own) {
			ret->name = name;
			ret->part = rest;
			return name.n != 0;
		}
		ret->space = name;
		ret->resource = next(&rest);
	}
	ret->name = next(&rest);
	ret->part = rest;
	return ret->resource.n != 0 && (rest.n == 0 || ret->name.n != 0);
}

bool route_parse(const char *path, struct route *ret)
{
	struct str rest = str_skip(str_from(path), 1);
	struct str root = next(&rest);

	*ret = (struct route){ .group = STR_NONE };
	if (str_is(root, "apis")) {
		ret->group = next(&rest);
	} else if (!str_is(root, "api")) {
		return false;
	}
	ret->version = next(&rest);
	if (rest.n != 0 && rest.p[rest.n - 1] == '/') {
		rest.n--;
	}
	return parse_resource(rest, ret);
}

static bool serves(const struct kind *kind, const struct route *route)
{
	return str_is(route->group, kind->group) && str_is(route->version, kind->version) &&
	       str_is(route->resource, kind->plural);
}

const struct kind *route_kind(const struct route *route)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (serves(kinds[i], route)) {
			return kinds[i];
		}
	}
	for (size_t i = 0; i < n_virtual_kinds; i++) {
		if (serves(virtual_kinds[i], route)) {
			return virtual_kinds[i];
		}
	}
	return NULL;
}

bool kind_is_virtual(const struct kind *kind)
{
	for (size_t i = 0; i < n_virtual_kinds; i++) {
		if (virtual_kinds[i] == kind) {
			return true;
		}
	}
	return false;
}

bool kind_has_subresource(const struct kind *kind, const struct subresource *subresource)
{
	return subresource->of == kind || (kind->flags & subresource->flag);
}

/* What is behind proxy/ is somebody else's path. */
static struct str part_name(struct str part)
{
	return str_starts(part, STR("proxy/")) ? STR("proxy") : part;
}

static bool has_part(const struct kind *kind, struct str part)
{
	if (part.n == 0) {
		return true;
	}
	for (size_t i = 0; i < n_subresources; i++) {
		if (str_is(part_name(part), subresources[i].name) &&
		    kind_has_subresource(kind, &subresources[i])) {
			return true;
		}
	}
	return false;
}

/* A namespaced object is created, changed and deleted in a namespace; lists may span them all. */
static bool is_located(const struct kind *kind, const struct route *route, enum http_method method)
{
	if (!(kind->flags & KIND_NAMESPACED)) {
		return route->space.n == 0;
	}
	return route->space.n != 0 || (route->name.n == 0 && method == HTTP_GET);
}

verb_fn route_verb(const struct kind *kind, const struct route *route, enum http_method method,
		   bool *ret_known)
{
	enum place place = route->name.n != 0 ? ITEM : COLLECTION;

	*ret_known = has_part(kind, route->part) && is_located(kind, route, HTTP_GET);
	if (kind_is_virtual(kind)) {
		*ret_known = place == COLLECTION;
		return place == COLLECTION && method == HTTP_POST ? verb_review : NULL;
	}
	if (!*ret_known || !is_located(kind, route, method)) {
		return NULL;
	}
	method = method == HTTP_HEAD ? HTTP_GET : method;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (verbs[i].method == method && verbs[i].place == place &&
		    str_is(part_name(route->part), verbs[i].part)) {
			return verbs[i].verb;
		}
	}
	return NULL;
}
