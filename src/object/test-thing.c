/* SPDX-License-Identifier: Apache-2.0 */
#include "object/test-thing.h"

#include <string.h>

#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/types.h"
#include "json/json.h"

static const struct field empty_dir_fields[] = {
	{ .name = "medium", .number = 1 },
};
static const struct type empty_dir_type = { .name = "test.EmptyDir",
					    SCHEMA_TABLE(empty_dir_fields) };

static const struct field source_fields[] = {
	{ .name = "emptyDir",
	  .number = 2,
	  .type = FIELD_MESSAGE,
	  .message = &empty_dir_type,
	  .flags = FIELD_POINTER },
	{ .name = "path", .number = 3, .format = FORMAT_PATH },
};

/* A volume without any source is an emptyDir. */
static void complete_source(json_t *volume)
{
	if (json_object_get(volume, "path") == NULL &&
	    json_object_get(volume, "emptyDir") == NULL) {
		json_object_set_new(volume, "emptyDir", json_object());
	}
}

static const struct type source_type = {
	.name = "test.Source",
	SCHEMA_TABLE(source_fields),
	.complete = complete_source,
};

static const struct field volume_fields[] = {
	{ .name = "name", .number = 1, .flags = FIELD_REQUIRED, .format = FORMAT_DNS_LABEL },
	{ .name = "",
	  .number = 2,
	  .type = FIELD_MESSAGE,
	  .message = &source_type,
	  .flags = FIELD_INLINE },
};
static const struct type volume_type = { .name = "test.Volume", SCHEMA_TABLE(volume_fields) };

static const struct field port_fields[] = {
	{ .name = "name", .number = 1, .format = FORMAT_PORT_NAME },
	{ .name = "protocol", .number = 2, .default_json = "\"TCP\"", .one_of = "TCP|UDP|SCTP" },
	{ .name = "port",
	  .number = 3,
	  .type = FIELD_INT32,
	  .flags = FIELD_REQUIRED,
	  .format = FORMAT_PORT },
	{ .name = "targetPort",
	  .number = 4,
	  .type = FIELD_INT_OR_STRING,
	  .format = FORMAT_PORT_OR_NAME },
};

static void complete_port(json_t *port)
{
	const json_t *number = json_object_get(port, "port");

	if (json_object_get(port, "targetPort") == NULL && number != NULL) {
		json_object_set_new(port, "targetPort", json_integer(json_integer_value(number)));
	}
}

static void check_port(const json_t *port, const char *path, struct field_errors *errors)
{
	if (json_int_at(port, "port", 0) == 666) {
		field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL, "not this one", "%s.port",
				  path);
	}
}

static const struct type port_type = {
	.name = "test.Port",
	SCHEMA_TABLE(port_fields),
	.complete = complete_port,
	.check = check_port,
};

static const struct field spec_fields[] = {
	{ .name = "replicas",
	  .number = 1,
	  .type = FIELD_INT32,
	  .flags = FIELD_POINTER,
	  .default_json = "1",
	  .format = FORMAT_NON_NEGATIVE },
	{ .name = "flavour", .number = 2, .flags = FIELD_IMMUTABLE },
	{ .name = "ports",
	  .number = 3,
	  .type = FIELD_MESSAGE,
	  .message = &port_type,
	  .shape = FIELD_LIST },
	{ .name = "volumes",
	  .number = 4,
	  .type = FIELD_MESSAGE,
	  .message = &volume_type,
	  .shape = FIELD_LIST },
	{ .name = "selector", .number = 5, .shape = FIELD_MAP, .format = FORMAT_LABEL_VALUE },
	{ .name = "limits", .number = 6, .type = FIELD_QUANTITY, .shape = FIELD_MAP },
	{ .name = "groups", .number = 7, .type = FIELD_INT64, .shape = FIELD_LIST },
	{ .name = "secret", .number = 8, .type = FIELD_BYTES, .shape = FIELD_MAP },
	{ .name = "blob", .number = 9, .type = FIELD_BYTES },
	{ .name = "renewed", .number = 10, .type = FIELD_MICRO_TIME, .flags = FIELD_POINTER },
	{ .name = "raw", .number = 11, .type = FIELD_RAW },
	{ .name = "size", .number = 12, .type = FIELD_QUANTITY },
	{ .name = "maxUnavailable",
	  .number = 13,
	  .type = FIELD_INT_OR_STRING,
	  .flags = FIELD_POINTER,
	  .format = FORMAT_PERCENT_OR_INT },
	{ .name = "paused", .number = 14, .type = FIELD_BOOL },
	{ .name = "ready", .number = 15, .type = FIELD_BOOL, .flags = FIELD_POINTER },
	{ .name = "addresses", .number = 16, .shape = FIELD_LIST, .format = FORMAT_IP },
	{ .name = "offset", .number = 17, .type = FIELD_INT64 },
	{ .name = "data", .number = 18, .shape = FIELD_MAP, .format = FORMAT_CONFIG_KEY },
};
static const struct type spec_type = { .name = "test.ThingSpec", SCHEMA_TABLE(spec_fields) };

static const struct field status_fields[] = {
	{ .name = "phase", .number = 1 },
};
static const struct type status_type = { .name = "test.ThingStatus", SCHEMA_TABLE(status_fields) };

static const struct field thing_fields[] = {
	{ .name = "apiVersion" },
	{ .name = "kind" },
	{ .name = "metadata", .number = 1, .type = FIELD_MESSAGE, .message = &type_object_meta },
	{ .name = "spec",
	  .number = 2,
	  .type = FIELD_MESSAGE,
	  .message = &spec_type,
	  .default_json = "{}" },
	{ .name = "status", .number = 3, .type = FIELD_MESSAGE, .message = &status_type },
};
static const struct type thing_type = { .name = "test.Thing", SCHEMA_TABLE(thing_fields) };

static void check_thing(const json_t *thing, struct field_errors *errors)
{
	if (json_bool_at(thing, "spec.paused", false)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.paused", NULL, "never");
	}
}

static void check_thing_update(const json_t *thing, const json_t *old, struct field_errors *errors)
{
	if (json_int_at(thing, "spec.offset", 0) < json_int_at(old, "spec.offset", 0)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.offset", NULL,
				 "may not shrink");
	}
}

const struct kind kind_thing = {
	.group = "test.example",
	.version = "v1",
	.kind = "Thing",
	.plural = "things",
	.singular = "thing",
	.type = &thing_type,
	.flags = KIND_NAMESPACED | KIND_STATUS,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	.check = check_thing,
	.check_update = check_thing_update,
};

const struct kind *const kinds[] = { &kind_thing };
const size_t n_kinds = ARRAY_SIZE(kinds);
