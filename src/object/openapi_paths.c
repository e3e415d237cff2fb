/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From kinds to paths. kubectl looks here for three things: which path serves a group, version and
 * kind; whether its PATCH takes a fieldValidation parameter (else it validates on its own); and
 * whether PATCH takes a strategic merge patch (else apply falls back to what it was compiled with).
 */

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/meta.h"
#include "object/openapi_intern.h"
#include "json/json.h"

#define PATCH_NAME "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
#define SCALE_NAME "io.k8s.api.autoscaling.v1.Scale"

/* Groups of parameters an operation takes, as bits. */
enum {
	TAKES_WRITE = 1 << 0, /* dryRun, fieldManager, fieldValidation */
	TAKES_LIST = 1 << 1, /* selectors, limit, watch… */
	TAKES_DELETE = 1 << 2, /* gracePeriodSeconds… */
	TAKES_DRY_RUN = 1 << 3,
};

struct parameter {
	const char *name;
	const char *type;
	unsigned taken_by;
	const char *doc;
};

static const struct parameter parameters[] = {
	{ "allowWatchBookmarks", "boolean", TAKES_LIST,
	  "Send events that tell nothing but a revision." },
	{ "continue", "string", TAKES_LIST, "Token of an earlier list: go on where it ended." },
	{ "fieldSelector", "string", TAKES_LIST, "Only objects whose fields match." },
	{ "labelSelector", "string", TAKES_LIST, "Only objects whose labels match." },
	{ "limit", "integer", TAKES_LIST, "At most so many objects in one answer." },
	{ "resourceVersion", "string", TAKES_LIST, "The revision to read at, or to watch from." },
	{ "resourceVersionMatch", "string", TAKES_LIST, "How resourceVersion is meant." },
	{ "sendInitialEvents", "boolean", TAKES_LIST, "Begin a watch with what there is." },
	{ "timeoutSeconds", "integer", TAKES_LIST, "End a watch after so long." },
	{ "watch", "boolean", TAKES_LIST, "Stream what changes instead of a list." },
	{ "gracePeriodSeconds", "integer", TAKES_DELETE, "Seconds the object gets to end." },
	{ "orphanDependents", "boolean", TAKES_DELETE, "Deprecated: use propagationPolicy." },
	{ "propagationPolicy", "string", TAKES_DELETE,
	  "What happens to objects that it owns: Orphan, Background or Foreground." },
	{ "dryRun", "string", TAKES_WRITE | TAKES_DELETE | TAKES_DRY_RUN,
	  "All: go through every step but the last." },
	{ "fieldManager", "string", TAKES_WRITE, "Name of the program that changes the object." },
	{ "fieldValidation", "string", TAKES_WRITE,
	  "What to do about unknown and duplicate fields: Ignore, Warn or Strict." },
};

enum body {
	BODY_NONE,
	BODY_OBJECT,
	BODY_PATCH,
	BODY_DELETE_OPTIONS,
};

enum answer {
	ANSWER_OBJECT,
	ANSWER_LIST,
	ANSWER_STATUS,
};

struct action {
	const char *method;
	const char *name; /* x-kubernetes-action */
	const char *word; /* first word of the operation's id */
	const char *doc;
	unsigned takes;
	enum body body;
	enum answer answer;
};

static const struct action list_action = {
	"get", "list", "list", "list objects of kind", TAKES_LIST, BODY_NONE, ANSWER_LIST
};
static const struct action collection_actions[] = {
	{ "get", "list", "list", "list objects of kind", TAKES_LIST, BODY_NONE, ANSWER_LIST },
	{ "post", "post", "create", "create an object of kind", TAKES_WRITE, BODY_OBJECT,
	  ANSWER_OBJECT },
	{ "delete", "deletecollection", "deleteCollection", "delete objects of kind",
	  TAKES_LIST | TAKES_DELETE, BODY_DELETE_OPTIONS, ANSWER_STATUS },
};
static const struct action object_actions[] = {
	{ "get", "get", "read", "read an object of kind", 0, BODY_NONE, ANSWER_OBJECT },
	{ "put", "put", "replace", "replace an object of kind", TAKES_WRITE, BODY_OBJECT,
	  ANSWER_OBJECT },
	{ "patch", "patch", "patch", "change some of an object of kind", TAKES_WRITE, BODY_PATCH,
	  ANSWER_OBJECT },
	{ "delete", "delete", "delete", "delete an object of kind", TAKES_DELETE,
	  BODY_DELETE_OPTIONS, ANSWER_STATUS },
};
/* Subresources have no delete. */
enum { N_SUBRESOURCE_ACTIONS = 3 };

/* One path and what it serves: the kind itself, or a subresource that may speak of another kind. */
struct place {
	const struct kind *kind;
	const char *group;
	const char *version;
	const char *name; /* "Pod", "Scale" */
	const char *schema;
	const char *suffix; /* of the operation's id: "Status" */
	bool in_namespace;
	bool has_name;
};

static const char *const patch_media[] = {
	"application/json-patch+json",
	"application/merge-patch+json",
	"application/strategic-merge-patch+json",
};
static const char *const object_media[] = {
	"application/json",
	"application/vnd.kubernetes.protobuf",
};
static const char *const watch_media[] = {
	"application/json;stream=watch",
	"application/vnd.kubernetes.protobuf;stream=watch",
};

static void append_texts(json_t *array, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(array, json_string(texts[i]));
	}
}

/* {"application/json": {"schema": …}, …} */
static void add_content(const struct openapi *api, json_t *content, const char *const *media,
			size_t n, const char *schema)
{
	for (size_t i = 0; i < n; i++) {
		json_t *type = json_object();
		openapi_set(type, "schema", openapi_reference(api, schema));
		openapi_set(content, media[i], type);
	}
}

static void add_parameter(const struct openapi *api, json_t *array, const char *name,
			  const char *type, const char *in, const char *doc)
{
	json_t *parameter = json_object();
	json_t *schema = parameter;

	openapi_set_text(parameter, "name", name);
	openapi_set_text(parameter, "in", in);
	openapi_set_text(parameter, "description", doc);
	if (strcmp(in, "path") == 0) {
		openapi_set(parameter, "required", json_true());
	}
	if (api->flavor == OPENAPI_V3) {
		schema = json_object();
		openapi_set(parameter, "schema", schema);
	}
	openapi_set_text(schema, "type", type);
	openapi_set(schema, "uniqueItems", json_true());
	json_array_append_new(array, parameter);
}

/* Upper-cases the first letter: "apps" is "Apps" in an operation's id. */
static void append_capital(struct buffer *out, struct str word)
{
	buffer_append_char(out, (char)toupper((unsigned char)word.p[0]));
	buffer_append_str(out, str_skip(word, 1));
}

/* "readAppsV1NamespacedDeploymentStatus" */
static void append_operation_id(struct buffer *out, const struct place *place,
				const struct action *action)
{
	struct str group = str_from(place->kind->group);
	bool all = (place->kind->flags & KIND_NAMESPACED) != 0 && !place->in_namespace;

	buffer_append_text(out, action->word);
	append_capital(out, group.n > 0 ? str_cut(&group, '.') : STR("core"));
	append_capital(out, str_from(place->kind->version));
	buffer_append_text(out, place->in_namespace ? "Namespaced" : "");
	buffer_append_text(out, place->kind->kind);
	buffer_append_text(out, place->suffix);
	buffer_append_text(out, all ? "ForAllNamespaces" : "");
}

static const char *body_schema(const struct place *place, const struct action *action)
{
	switch (action->body) {
	case BODY_PATCH:
		return PATCH_NAME;
	case BODY_DELETE_OPTIONS:
		return type_delete_options.name;
	default:
		return place->schema;
	}
}

static void add_body(const struct openapi *api, json_t *operation, json_t *array,
		     const struct place *place, const struct action *action)
{
	const char *schema = body_schema(place, action);
	bool required = action->body != BODY_DELETE_OPTIONS;
	json_t *body = json_object();

	if (api->flavor == OPENAPI_V2) {
		openapi_set_text(body, "name", "body");
		openapi_set_text(body, "in", "body");
		openapi_set(body, "schema", openapi_reference(api, schema));
		json_array_append_new(array, body);
	} else {
		bool patch = action->body == BODY_PATCH;
		json_t *content = json_object();
		add_content(api, content, patch ? patch_media : object_media,
			    patch ? ARRAY_SIZE(patch_media) : ARRAY_SIZE(object_media), schema);
		openapi_set(body, "content", content);
		openapi_set(operation, "requestBody", body);
	}
	if (required) {
		openapi_set(body, "required", json_true());
	}
}

static json_t *answer_of(const struct openapi *api, const struct place *place,
			 const struct action *action)
{
	_cleanup_free_ char *list = mem_printf("%sList", place->schema);
	const char *schema = action->answer == ANSWER_LIST     ? list
			     : action->answer == ANSWER_STATUS ? type_status.name
							       : place->schema;
	json_t *answer = json_object();

	openapi_set_text(answer, "description", "OK");
	if (api->flavor == OPENAPI_V2) {
		openapi_set(answer, "schema", openapi_reference(api, schema));
		return answer;
	}
	json_t *content = json_object();
	add_content(api, content, object_media, ARRAY_SIZE(object_media), schema);
	if (action->answer == ANSWER_LIST) {
		add_content(api, content, watch_media, ARRAY_SIZE(watch_media), schema);
	}
	openapi_set(answer, "content", content);
	return answer;
}

static json_t *answers_of(const struct openapi *api, const struct place *place,
			  const struct action *action)
{
	json_t *answers = json_object();
	json_t *denied = json_object();

	openapi_set(answers, "200", answer_of(api, place, action));
	if (action->body == BODY_OBJECT || action->body == BODY_PATCH) {
		openapi_set(answers, "201", answer_of(api, place, action));
	}
	openapi_set_text(denied, "description", "Unauthorized");
	openapi_set(answers, "401", denied);
	return answers;
}

/* Version 2 says for an operation, not for each body, which types of media it takes and gives. */
static void add_media(json_t *operation, const struct action *action)
{
	json_t *consumes = json_array();
	json_t *produces = json_array();
	json_t *schemes = json_array();

	if (action->body == BODY_PATCH) {
		append_texts(consumes, patch_media, ARRAY_SIZE(patch_media));
	} else {
		json_array_append_new(consumes, json_string("*/*"));
	}
	append_texts(produces, object_media, ARRAY_SIZE(object_media));
	if (action->answer == ANSWER_LIST) {
		append_texts(produces, watch_media, ARRAY_SIZE(watch_media));
	}
	json_array_append_new(schemes, json_string("https"));
	openapi_set(operation, "consumes", consumes);
	openapi_set(operation, "produces", produces);
	openapi_set(operation, "schemes", schemes);
}

static json_t *operation_of(const struct openapi *api, const struct place *place,
			    const struct action *action)
{
	_cleanup_buffer_ struct buffer id = BUFFER_INIT(LIMIT_JSON_PATH);
	_cleanup_free_ char *doc = mem_printf("%s %s", action->doc, place->name);
	json_t *operation = json_object();
	json_t *array = json_array();

	append_operation_id(&id, place, action);
	openapi_set_text(operation, "description", doc);
	openapi_set_text(operation, "operationId", buffer_text(&id));
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		const struct parameter *parameter = &parameters[i];
		if ((parameter->taken_by & action->takes) != 0) {
			add_parameter(api, array, parameter->name, parameter->type, "query",
				      parameter->doc);
		}
	}
	if (action->body != BODY_NONE) {
		add_body(api, operation, array, place, action);
	}
	if (api->flavor == OPENAPI_V2) {
		add_media(operation, action);
	}
	openapi_set(operation, "parameters", array);
	openapi_set(operation, "responses", answers_of(api, place, action));
	openapi_set_text(operation, "x-kubernetes-action", action->name);
	openapi_set(operation, "x-kubernetes-group-version-kind",
		    openapi_group_version_kind(place->group, place->version, place->name));
	return operation;
}

static void add_path(struct openapi *api, const struct place *place, const char *subresource,
		     const struct action *actions, size_t n)
{
	_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_JSON_PATH);
	json_t *item = json_object();
	json_t *in_path = json_array();

	buffer_append_text(&path, place->kind->group[0] != '\0' ? "/apis/" : "/api/");
	kind_api_version(place->kind, &path);
	buffer_append_text(&path, place->in_namespace ? "/namespaces/{namespace}" : "");
	buffer_printf(&path, "/%s%s%s", place->kind->plural, place->has_name ? "/{name}" : "",
		      subresource);
	for (size_t i = 0; i < n; i++) {
		openapi_set(item, actions[i].method, operation_of(api, place, &actions[i]));
	}
	if (place->has_name) {
		add_parameter(api, in_path, "name", "string", "path", "Name of the object.");
	}
	if (place->in_namespace) {
		add_parameter(api, in_path, "namespace", "string", "path",
			      "Namespace of the object.");
	}
	if (json_array_size(in_path) > 0) {
		openapi_set(item, "parameters", json_incref(in_path));
	}
	json_decref(in_path);
	openapi_set(api->paths, buffer_text(&path), item);
}

void openapi_add_paths(struct openapi *api, const struct kind *kind)
{
	struct place place = {
		.kind = kind,
		.group = kind->group,
		.version = kind->version,
		.name = kind->kind,
		.schema = kind->type->name,
		.suffix = "",
	};

	if ((kind->flags & KIND_NAMESPACED) != 0) {
		add_path(api, &place, "", &list_action, 1);
		place.in_namespace = true;
	}
	add_path(api, &place, "", collection_actions, ARRAY_SIZE(collection_actions));
	place.has_name = true;
	add_path(api, &place, "", object_actions, ARRAY_SIZE(object_actions));
	if ((kind->flags & KIND_STATUS) != 0) {
		place.suffix = "Status";
		add_path(api, &place, "/status", object_actions, N_SUBRESOURCE_ACTIONS);
	}
	if ((kind->flags & KIND_SCALE) != 0) {
		place.group = "autoscaling";
		place.version = "v1";
		place.name = place.suffix = "Scale";
		place.schema = SCALE_NAME;
		add_path(api, &place, "/scale", object_actions, N_SUBRESOURCE_ACTIONS);
	}
}
