/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents: a tree is built from the tables (openapi_schema.c, openapi_paths.c), then written
 * as JSON or as protobuf (openapi_gnostic.c). Nothing but kinds[] goes in, so a document never
 * changes while the program runs and whoever serves it may keep it.
 */

#include "object/openapi.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "object/kinds/types.h"
#include "object/meta.h"
#include "object/openapi_intern.h"
#include "json/json.h"

static bool is_in(const struct kind *kind, const char *group, const char *version)
{
	return strcmp(kind->group, group) == 0 && strcmp(kind->version, version) == 0;
}

/* The first kind of each group version stands for it. */
static bool is_first_of_its_group_version(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (is_in(kinds[i], kinds[index]->group, kinds[index]->version)) {
			return false;
		}
	}
	return true;
}

static void add_kind(struct openapi *api, const struct kind *kind)
{
	openapi_add_kind(api, kind);
	openapi_add_paths(api, kind);
	if ((kind->flags & KIND_SCALE) != 0 &&
	    json_object_get(api->schemas, type_scale.name) == NULL) {
		openapi_add_type(api, &type_scale);
		openapi_mark(api, type_scale.name, "autoscaling", "v1", "Scale");
	}
}

/* What every group version has beside its kinds. */
static void add_common(struct openapi *api)
{
	openapi_add_type(api, &type_delete_options);
	for (size_t i = 0; i < n_kinds; i++) {
		if (is_first_of_its_group_version(i)) {
			openapi_mark(api, type_delete_options.name, kinds[i]->group,
				     kinds[i]->version, "DeleteOptions");
		}
	}
	openapi_add_type(api, &type_status);
	openapi_mark(api, type_status.name, "", "v1", "Status");
	openapi_add_object(api, "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
			   "A patch, in the form that its media type says.");
}

static json_t *document_of(struct openapi *api)
{
	json_t *document = json_object();
	json_t *schemas = api->schemas;

	json_object_set_new(document, api->flavor == OPENAPI_V2 ? "swagger" : "openapi",
			    json_string(api->flavor == OPENAPI_V2 ? "2.0" : "3.0.0"));
	json_object_set_new(document, "info",
			    json_pack("{s:s,s:s}", "title", "headlessd", "version", "unversioned"));
	json_object_set_new(document, "paths", api->paths);
	if (api->flavor == OPENAPI_V2) {
		json_object_set_new(document, "definitions", schemas);
	} else {
		json_object_set_new(document, "components", json_pack("{s:o}", "schemas", schemas));
	}
	return document;
}

static struct openapi openapi_begin(enum openapi_flavor flavor)
{
	return (struct openapi){ .flavor = flavor,
				 .schemas = json_object(),
				 .paths = json_object() };
}

bool openapi_v3_document(const char *group, const char *version, struct buffer *out)
{
	struct openapi api = openapi_begin(OPENAPI_V3);
	bool served = false;

	for (size_t i = 0; i < n_kinds; i++) {
		if (is_in(kinds[i], group, version)) {
			add_kind(&api, kinds[i]);
			served = true;
		}
	}
	if (served) {
		add_common(&api);
	}
	_cleanup_json_ json_t *document = document_of(&api);
	if (served) {
		json_write(document, out);
	}
	return served;
}

/* FNV-1a: tells one document from another, no more is asked of it. */
static uint64_t hash(struct str text)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < text.n; i++) {
		value = (value ^ (unsigned char)text.p[i]) * 0x100000001b3;
	}
	return value;
}

void openapi_v3_index(struct buffer *out)
{
	const char *separator = "";

	buffer_append_text(out, "{\"paths\":{");
	for (size_t i = 0; i < n_kinds; i++) {
		if (!is_first_of_its_group_version(i)) {
			continue;
		}
		_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OPENAPI);
		_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_JSON_PATH);
		openapi_v3_document(kinds[i]->group, kinds[i]->version, &text);
		buffer_append_text(&path, kinds[i]->group[0] != '\0' ? "apis/" : "api/");
		kind_api_version(kinds[i], &path);
		buffer_printf(out,
			      "%s\"%s\":{\"serverRelativeURL\":\"/openapi/v3/%s?hash=%016" PRIX64
			      "\"}",
			      separator, buffer_text(&path), buffer_text(&path),
			      hash(buffer_str(&text)));
		separator = ",";
	}
	buffer_append_text(out, "}}");
}

static json_t *v2_document(void)
{
	struct openapi api = openapi_begin(OPENAPI_V2);

	for (size_t i = 0; i < n_kinds; i++) {
		add_kind(&api, kinds[i]);
	}
	add_common(&api);
	return document_of(&api);
}

void openapi_v2_json(struct buffer *out)
{
	_cleanup_json_ json_t *document = v2_document();

	json_write(document, out);
}

void openapi_v2_protobuf(struct buffer *out)
{
	_cleanup_json_ json_t *document = v2_document();

	openapi_gnostic(document, out);
}
