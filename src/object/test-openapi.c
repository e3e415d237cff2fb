/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/openapi.h"
#include "object/schema.h"
#include "json/json.h"

static json_t *tree_of(struct buffer *text)
{
	struct json_read_error error;
	json_t *tree = NULL;

	assert_false(text->overflowed);
	assert_int_equal(json_read(buffer_str(text), NULL, &tree, &error), 0);
	return tree;
}

static json_t *v3_document(const char *group, const char *version)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OPENAPI);

	assert_true(openapi_v3_document(group, version, &text));
	return tree_of(&text);
}

static json_t *v2_document(void)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OPENAPI);

	openapi_v2_json(&text);
	return tree_of(&text);
}

/* Steps down by keys that may hold dots and slashes; ends with NULL. */
static const json_t *at(const json_t *value, ...)
{
	va_list keys;
	const char *key;

	va_start(keys, value);
	while ((key = va_arg(keys, const char *)) != NULL) {
		const json_t *next = json_object_get(value, key);
		if (next == NULL) {
			fail_msg("nothing at %s", key);
		}
		value = next;
	}
	va_end(keys);
	return value;
}

static const json_t *schema(const json_t *document, const char *name)
{
	return at(document, "components", "schemas", name, NULL);
}

static void assert_text(const json_t *value, const char *expected)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OPENAPI);

	json_write(value, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static bool holds(const json_t *array, const char *text)
{
	const json_t *element;
	size_t i;

	json_array_foreach (array, i, element) {
		if (strcmp(json_string_value(element), text) == 0) {
			return true;
		}
	}
	return false;
}

/* Every "$ref" below `value` must name a schema. */
static size_t check_references(const json_t *value, const json_t *schemas, const char *prefix)
{
	size_t n = 0;
	const char *key;
	json_t *child;
	size_t i;

	json_array_foreach ((json_t *)value, i, child) {
		n += check_references(child, schemas, prefix);
	}
	json_object_foreach ((json_t *)value, key, child) {
		if (strcmp(key, "$ref") == 0) {
			struct str target = str_from(json_string_value(child));
			assert_true(str_starts(target, str_from(prefix)));
			assert_non_null(json_get(schemas, str_skip(target, strlen(prefix))));
			n++;
		} else {
			n += check_references(child, schemas, prefix);
		}
	}
	return n;
}

static void every_reference_leads_to_a_schema(void **state)
{
	_cleanup_json_ json_t *v2 = v2_document();

	assert_true(check_references(v2, at(v2, "definitions", NULL), "#/definitions/") > 500);
	for (size_t i = 0; i < n_kinds; i++) {
		_cleanup_json_ json_t *v3 = v3_document(kinds[i]->group, kinds[i]->version);
		assert_true(check_references(v3, at(v3, "components", "schemas", NULL),
					     "#/components/schemas/") > 20);
	}
}

static const json_t *parameter_named(const json_t *operation, const char *name)
{
	const json_t *parameter;
	size_t i;

	json_array_foreach (json_object_get(operation, "parameters"), i, parameter) {
		if (strcmp(json_string_at(parameter, "name"), name) == 0) {
			return parameter;
		}
	}
	return NULL;
}

/* "/apis/apps/v1/namespaces/{namespace}/deployments/{name}" */
static void append_path(const struct kind *kind, struct buffer *out)
{
	buffer_append_text(out, kind->group[0] != '\0' ? "/apis/" : "/api/");
	kind_api_version(kind, out);
	buffer_printf(out, "%s/%s/{name}",
		      (kind->flags & KIND_NAMESPACED) != 0 ? "/namespaces/{namespace}" : "",
		      kind->plural);
}

static void assert_kind(const json_t *marked, const struct kind *kind)
{
	const json_t *gvk = at(marked, "x-kubernetes-group-version-kind", NULL);

	gvk = json_is_array(gvk) ? json_array_get(gvk, 0) : gvk;
	assert_string_equal(json_string_at(gvk, "group"), kind->group);
	assert_string_equal(json_string_at(gvk, "version"), kind->version);
	assert_string_equal(json_string_at(gvk, "kind"), kind->kind);
	assert_int_equal(json_object_size(gvk), 3);
}

static void every_kind_can_be_patched_as_kubectl_checks_before_apply(void **state)
{
	_cleanup_json_ json_t *v2 = v2_document();

	for (size_t i = 0; i < n_kinds; i++) {
		_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_JSON_PATH);
		_cleanup_json_ json_t *v3 = v3_document(kinds[i]->group, kinds[i]->version);
		append_path(kinds[i], &path);
		const json_t *patch = at(v3, "paths", buffer_text(&path), "patch", NULL);
		assert_kind(patch, kinds[i]);
		assert_string_equal(json_string_at(patch, "x-kubernetes-action"), "patch");
		assert_string_equal(json_string_at(parameter_named(patch, "fieldValidation"), "in"),
				    "query");
		assert_non_null(parameter_named(patch, "fieldManager"));
		assert_non_null(parameter_named(patch, "dryRun"));
		at(patch, "requestBody", "content", "application/strategic-merge-patch+json",
		   "schema", NULL);
		assert_kind(schema(v3, kinds[i]->type->name), kinds[i]);

		patch = at(v2, "paths", buffer_text(&path), "patch", NULL);
		assert_kind(patch, kinds[i]);
		assert_string_equal(json_string_at(parameter_named(patch, "fieldValidation"), "in"),
				    "query");
		assert_true(holds(at(patch, "consumes", NULL),
				  "application/strategic-merge-patch+json"));
		assert_kind(at(v2, "definitions", kinds[i]->type->name, NULL), kinds[i]);
	}
}

static void paths_follow_the_scope_and_subresources_of_a_kind(void **state)
{
	_cleanup_json_ json_t *core = v3_document("", "v1");
	_cleanup_json_ json_t *apps = v3_document("apps", "v1");
	const json_t *paths = at(core, "paths", NULL);

	at(paths, "/api/v1/pods", "get", NULL);
	assert_null(json_object_get(at(paths, "/api/v1/pods", NULL), "post"));
	at(paths, "/api/v1/namespaces/{namespace}/pods", "post", NULL);
	at(paths, "/api/v1/namespaces/{namespace}/pods/{name}/status", "put", NULL);
	at(paths, "/api/v1/nodes", "post", NULL);
	at(paths, "/api/v1/nodes/{name}", "delete", NULL);
	assert_null(json_object_get(paths, "/api/v1/namespaces/{namespace}/nodes"));
	assert_null(json_object_get(paths, "/api/v1/namespaces/{namespace}/secrets/{name}/status"));
	const json_t *scale =
		at(apps, "paths", "/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale",
		   "patch", NULL);
	assert_text(at(scale, "x-kubernetes-group-version-kind", NULL),
		    "{\"group\":\"autoscaling\",\"kind\":\"Scale\",\"version\":\"v1\"}");
	schema(apps, "io.k8s.api.autoscaling.v1.Scale");
}

static void operations_have_ids_of_their_own(void **state)
{
	_cleanup_json_ json_t *v2 = v2_document();
	_cleanup_json_ json_t *seen = json_object();
	const char *key;
	json_t *item;

	json_object_foreach (json_object_get(v2, "paths"), key, item) {
		const char *method;
		json_t *operation;
		json_object_foreach (item, method, operation) {
			if (json_is_object(operation)) {
				const char *id = json_string_at(operation, "operationId");
				assert_null(json_object_get(seen, id));
				json_object_set_new(seen, id, json_true());
			}
		}
	}
	assert_non_null(json_object_get(seen, "readCoreV1NamespacedPodStatus"));
	assert_non_null(json_object_get(seen, "listDiscoveryV1EndpointSliceForAllNamespaces"));
	assert_non_null(json_object_get(seen, "createCoreV1Namespace"));
}

static void rows_become_properties_as_explain_reads_them(void **state)
{
	_cleanup_json_ json_t *document = v3_document("", "v1");
	const json_t *spec = schema(document, "io.k8s.api.core.v1.PodSpec");
	const json_t *port = schema(document, "io.k8s.api.core.v1.ContainerPort");
	const json_t *containers = at(spec, "properties", "containers", NULL);

	assert_true(holds(at(spec, "required", NULL), "containers"));
	assert_string_equal(json_string_at(containers, "type"), "array");
	assert_text(at(containers, "items", NULL),
		    "{\"allOf\":[{\"$ref\":\"#/components/schemas/io.k8s.api.core.v1.Container\"}],"
		    "\"default\":{}}");
	assert_string_equal(json_string_at(containers, "x-kubernetes-patch-strategy"), "merge");
	assert_string_equal(json_string_at(containers, "x-kubernetes-patch-merge-key"), "name");
	assert_string_equal(json_string_at(containers, "x-kubernetes-list-type"), "map");
	assert_text(at(containers, "x-kubernetes-list-map-keys", NULL), "[\"name\"]");
	assert_string_equal(json_string_at(at(spec, "properties", "volumes", NULL),
					   "x-kubernetes-patch-strategy"),
			    "merge,retainKeys");
	assert_true(holds(at(port, "required", NULL), "containerPort"));
	assert_string_equal(json_string_at(port, "properties.containerPort.format"), "int32");
	assert_string_equal(json_string_at(port, "properties.protocol.default"), "TCP");
	/* The sources of a volume are inlined. */
	at(schema(document, "io.k8s.api.core.v1.Volume"), "properties", "emptyDir", NULL);
	assert_text(at(schema(document, "io.k8s.apimachinery.pkg.util.intstr.IntOrString"), "oneOf",
		       NULL),
		    "[{\"type\":\"integer\"},{\"type\":\"string\"}]");
}

static void lists_and_messages_of_meta_are_described(void **state)
{
	_cleanup_json_ json_t *document = v3_document("", "v1");
	const json_t *list = schema(document, "io.k8s.api.core.v1.PodList");

	assert_text(at(list, "x-kubernetes-group-version-kind", NULL),
		    "[{\"group\":\"\",\"kind\":\"PodList\",\"version\":\"v1\"}]");
	assert_text(at(list, "required", NULL), "[\"items\"]");
	schema(document, "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
	schema(document, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
	schema(document, "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
	schema(document, "io.k8s.apimachinery.pkg.apis.meta.v1.Patch");
	schema(document, "io.k8s.apimachinery.pkg.apis.meta.v1.Status");
}

static void the_index_leads_to_every_group_version(void **state)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OPENAPI);
	_cleanup_buffer_ struct buffer none = BUFFER_INIT(LIMIT_OPENAPI);

	openapi_v3_index(&text);
	_cleanup_json_ json_t *index = tree_of(&text);
	const char *url =
		json_string_value(at(index, "paths", "apis/apps/v1", "serverRelativeURL", NULL));
	static const char start[] = "/openapi/v3/apis/apps/v1?hash=";
	assert_memory_equal(url, start, sizeof(start) - 1);
	assert_int_equal(strlen(url), sizeof(start) - 1 + 16);
	for (size_t i = 0; i < n_kinds; i++) {
		_cleanup_buffer_ struct buffer path = BUFFER_INIT(LIMIT_JSON_PATH);
		buffer_append_text(&path, kinds[i]->group[0] != '\0' ? "apis/" : "api/");
		kind_api_version(kinds[i], &path);
		at(index, "paths", buffer_text(&path), NULL);
	}
	assert_false(openapi_v3_document("apps", "v9", &none));
	assert_int_equal(none.n, 0);
}

/* One field of a protobuf message; false at its end. */
static bool next_field(struct str *message, unsigned *ret_number, struct str *ret_bytes)
{
	uint64_t numbers[2] = { 0, 0 };

	if (message->n == 0) {
		return false;
	}
	for (int i = 0; i < 2; i++) {
		for (int shift = 0;; shift += 7) {
			assert_true(message->n > 0 && shift < 63);
			unsigned char byte = (unsigned char)message->p[0];
			*message = str_skip(*message, 1);
			numbers[i] |= (uint64_t)(byte & 0x7f) << shift;
			if (byte < 0x80) {
				break;
			}
		}
	}
	*ret_number = (unsigned)(numbers[0] >> 3);
	*ret_bytes = STR_NONE;
	if ((numbers[0] & 7) == 2) {
		assert_true(numbers[1] <= message->n);
		*ret_bytes = (struct str){ .p = message->p, .n = (size_t)numbers[1] };
		*message = str_skip(*message, (size_t)numbers[1]);
	}
	return true;
}

/* The first field `number` of a message. */
static struct str field_of(struct str message, unsigned number)
{
	unsigned found;
	struct str bytes;

	while (next_field(&message, &found, &bytes)) {
		if (found == number) {
			return bytes;
		}
	}
	fail_msg("no field %u", number);
	return STR_NONE;
}

/* The value of the entry `name` in a list of {name = 1, value = 2} with field number `number`. */
static struct str entry_of(struct str message, unsigned number, const char *name)
{
	unsigned found;
	struct str bytes;

	while (next_field(&message, &found, &bytes)) {
		if (found == number && str_is(field_of(bytes, 1), name)) {
			return field_of(bytes, 2);
		}
	}
	fail_msg("no entry %s", name);
	return STR_NONE;
}

static size_t count(struct str message, unsigned number)
{
	unsigned found;
	struct str bytes;
	size_t n = 0;

	while (next_field(&message, &found, &bytes)) {
		n += found == number;
	}
	return n;
}

static void the_protobuf_document_says_what_the_json_says(void **state)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_OPENAPI);
	_cleanup_json_ json_t *json = v2_document();

	openapi_v2_protobuf(&bytes);
	assert_false(bytes.overflowed);
	struct str document = buffer_str(&bytes);
	struct str definitions = field_of(document, 9);
	struct str paths = field_of(document, 8);
	assert_true(str_is(field_of(document, 1), "2.0"));
	assert_int_equal(count(definitions, 1), json_object_size(at(json, "definitions", NULL)));
	assert_int_equal(count(paths, 2), json_object_size(at(json, "paths", NULL)));

	/* Schema: type 22, required 19, properties 25, items 23, vendor extensions 31. */
	struct str spec = entry_of(definitions, 1, "io.k8s.api.core.v1.PodSpec");
	struct str containers = entry_of(field_of(spec, 25), 1, "containers");
	assert_true(str_is(field_of(field_of(spec, 22), 1), "object"));
	assert_true(str_is(field_of(spec, 19), "containers"));
	assert_true(str_is(field_of(field_of(field_of(containers, 23), 1), 1),
			   "#/definitions/io.k8s.api.core.v1.Container"));
	assert_true(str_is(field_of(entry_of(containers, 31, "x-kubernetes-patch-merge-key"), 2),
			   "\"name\""));
	struct str pod = entry_of(definitions, 1, "io.k8s.api.core.v1.Pod");
	assert_true(str_is(field_of(entry_of(pod, 31, "x-kubernetes-group-version-kind"), 2),
			   "[{\"group\":\"\",\"kind\":\"Pod\",\"version\":\"v1\"}]"));
}

static void operations_are_in_the_protobuf_document(void **state)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_OPENAPI);
	unsigned number;
	struct str item;
	bool validates = false;

	openapi_v2_protobuf(&bytes);
	struct str paths = field_of(buffer_str(&bytes), 8);
	/* PathItem: patch 8, parameters 9; Operation: consumes 7, parameters 8, responses 9. */
	struct str path = entry_of(paths, 2, "/api/v1/namespaces/{namespace}/pods/{name}");
	struct str patch = field_of(path, 8);
	assert_int_equal(count(path, 9), 2);
	assert_int_equal(count(patch, 7), 3);
	assert_true(str_is(field_of(entry_of(patch, 13, "x-kubernetes-group-version-kind"), 2),
			   "{\"group\":\"\",\"kind\":\"Pod\",\"version\":\"v1\"}"));
	/*
	 * ParametersItem.parameter.{body | non_body.query}, ResponseValue.response.schema.schema.
	 */
	struct str rest = patch;
	while (next_field(&rest, &number, &item)) {
		struct str parameter = number == 8 ? field_of(item, 1) : STR_NONE;
		if (count(parameter, 2) > 0) {
			struct str query = field_of(field_of(parameter, 2), 3);
			validates = validates || str_is(field_of(query, 4), "fieldValidation");
		}
	}
	assert_true(validates);
	struct str ok = field_of(entry_of(field_of(patch, 9), 1, "200"), 1);
	assert_true(str_is(field_of(field_of(field_of(ok, 2), 1), 1),
			   "#/definitions/io.k8s.api.core.v1.Pod"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reference_leads_to_a_schema),
		cmocka_unit_test(every_kind_can_be_patched_as_kubectl_checks_before_apply),
		cmocka_unit_test(paths_follow_the_scope_and_subresources_of_a_kind),
		cmocka_unit_test(operations_have_ids_of_their_own),
		cmocka_unit_test(rows_become_properties_as_explain_reads_them),
		cmocka_unit_test(lists_and_messages_of_meta_are_described),
		cmocka_unit_test(the_index_leads_to_every_group_version),
		cmocka_unit_test(the_protobuf_document_says_what_the_json_says),
		cmocka_unit_test(operations_are_in_the_protobuf_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
