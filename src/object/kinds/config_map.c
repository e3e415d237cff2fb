/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/data_rules.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A config map: settings as files or variables. What is marked immutable stays as it is.
 */

static const struct field config_map_fields[] = {
	KIND_ROWS,
	ROW(BOOL, "immutable", 4, "Once true, the data never changes again.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "data", 2, "Values that are text.", .shape = FIELD_MAP),
	ROW(BYTES, "binaryData", 3, "Values that are bytes, in base64; no key may be in data too.",
	    .shape = FIELD_MAP),
};

static const struct type type_config_map = {
	.name = "io.k8s.api.core.v1.ConfigMap",
	.doc = "Settings by key, for pods to read as files or variables.",
	SCHEMA_TABLE(config_map_fields),
};

static json_t *cell_data(const json_t *map, int64_t now)
{
	return json_integer((json_int_t)(json_object_size(json_object_get(map, "data")) +
					 json_object_size(json_object_get(map, "binaryData"))));
}

static const struct column config_map_columns[] = {
	COLUMN_NAME,
	COLUMN("Data", "string", cell_data, "Number of entries."),
	COLUMN_AGE,
};

static void config_map_check(const json_t *map, struct field_errors *errors)
{
	const json_t *data = json_object_get(map, "data");
	const json_t *binary = json_object_get(map, "binaryData");
	const char *key;
	json_t *value;
	size_t size = 0;

	json_object_foreach ((json_t *)data, key, value) {
		data_check_key("data", key, errors);
		if (json_object_get(binary, key) != NULL) {
			rule_error_text(errors, FIELD_ERROR_INVALID, key,
					"duplicate of key present in binaryData", "data[%s]", key);
		}
		size += json_string_length(value);
	}
	json_object_foreach ((json_t *)binary, key, value) {
		data_check_key("binaryData", key, errors);
		size += data_bytes(value);
	}
	data_check_size("", size, errors);
}

static void config_map_check_update(const json_t *map, const json_t *old,
				    struct field_errors *errors)
{
	static const char *const frozen[] = { "data", "binaryData", NULL };

	data_check_immutable(map, old, frozen, errors);
}

const struct kind kind_config_map = {
	.group = "",
	.version = "v1",
	.kind = "ConfigMap",
	.plural = "configmaps",
	.singular = "configmap",
	.short_names = "cm",
	.type = &type_config_map,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(config_map_columns),
	.check = config_map_check,
	.check_update = config_map_check_update,
};
