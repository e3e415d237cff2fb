/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/data_rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A secret: a config map whose values are bytes and whose type says which keys it must have.
 */

/* stringData is for writing only: its entries become data, and win over it. */
static void secret_complete(json_t *secret)
{
	json_t *plain = json_object_get(secret, "stringData");
	const char *key;
	json_t *value;

	if (plain == NULL) {
		return;
	}
	json_t *data = json_object_get(secret, "data");

	if (!json_is_object(data)) {
		data = json_object();
		json_object_set_new(secret, "data", data);
	}
	json_object_foreach (plain, key, value) {
		struct buffer text = BUFFER_INIT(LIMIT_OBJECT);

		base64_encode((struct str){ json_string_value(value), json_string_length(value) },
			      &text);
		json_object_set_new(data, key, json_stringn(text.p, text.n));
		buffer_deinit(&text);
	}
	json_object_del(secret, "stringData");
}

static const struct field secret_fields[] = {
	KIND_ROWS,
	ROW(BOOL, "immutable", 5, "Once true, the data never changes again.",
	    .flags = FIELD_POINTER),
	ROW(BYTES, "data", 2, "The values, in base64.", .shape = FIELD_MAP),
	ROW(STRING, "stringData", 4,
	    "Values as plain text; turned into data when written, never read back.",
	    .shape = FIELD_MAP),
	ROW(STRING, "type", 3, "What the secret is for; cannot change.", .flags = FIELD_IMMUTABLE,
	    .default_json = "\"Opaque\""),
};

static const struct type type_secret = {
	.name = "io.k8s.api.core.v1.Secret",
	.doc = "Bytes by key that not everybody should read.",
	SCHEMA_TABLE(secret_fields),
	.complete = secret_complete,
};

static json_t *cell_type(const json_t *secret, int64_t now)
{
	return cell_string_at(secret, "type", "");
}

static json_t *cell_data(const json_t *secret, int64_t now)
{
	return json_integer((json_int_t)json_object_size(json_object_get(secret, "data")));
}

static const struct column secret_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", "string", cell_type, "What the secret is for."),
	COLUMN("Data", "string", cell_data, "Number of entries."),
	COLUMN_AGE,
};

static const struct selectable secret_selectables[] = {
	{ .name = "type" },
};

/* Keys without which a secret of a type is of no use. */
struct secret_keys {
	const char *type;
	const char *keys[2];
	bool any; /* one of them is enough */
};

static const struct secret_keys secret_keys[] = {
	{ "kubernetes.io/dockercfg", { ".dockercfg" }, false },
	{ "kubernetes.io/dockerconfigjson", { ".dockerconfigjson" }, false },
	{ "kubernetes.io/basic-auth", { "username", "password" }, true },
	{ "kubernetes.io/ssh-auth", { "ssh-privatekey" }, false },
	{ "kubernetes.io/tls", { "tls.crt", "tls.key" }, false },
};

static void check_keys(const json_t *secret, const struct secret_keys *wanted,
		       struct field_errors *errors)
{
	const json_t *data = json_object_get(secret, "data");
	size_t missing = 0;
	size_t n = 0;

	for (; n < ARRAY_SIZE(wanted->keys) && wanted->keys[n] != NULL; n++) {
		missing += json_object_get(data, wanted->keys[n]) == NULL;
	}
	if (missing == 0 || (wanted->any && missing < n)) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (json_object_get(data, wanted->keys[i]) == NULL) {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "", "data[%s]",
					  wanted->keys[i]);
		}
	}
}

static void secret_check(const json_t *secret, struct field_errors *errors)
{
	const char *type = json_string_at(secret, "type");
	const char *key;
	json_t *value;
	size_t size = 0;

	json_object_foreach (json_object_get(secret, "data"), key, value) {
		data_check_key("data", key, errors);
		size += data_bytes(value);
	}
	data_check_size("data", size, errors);
	for (size_t i = 0; i < ARRAY_SIZE(secret_keys); i++) {
		if (strcmp(type, secret_keys[i].type) == 0) {
			check_keys(secret, &secret_keys[i], errors);
		}
	}
	const json_t *account = json_object_get(json_at(secret, "metadata.annotations"),
						"kubernetes.io/service-account.name");

	if (strcmp(type, "kubernetes.io/service-account-token") == 0 && account == NULL) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED,
				 "metadata.annotations[kubernetes.io/service-account.name]", NULL,
				 "");
	}
}

static void secret_check_update(const json_t *secret, const json_t *old,
				struct field_errors *errors)
{
	static const char *const frozen[] = { "data", NULL };

	data_check_immutable(secret, old, frozen, errors);
}

const struct kind kind_secret = {
	.group = "",
	.version = "v1",
	.kind = "Secret",
	.plural = "secrets",
	.singular = "secret",
	.type = &type_secret,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(secret_columns),
	KIND_SELECTABLES(secret_selectables),
	.check = secret_check,
	.check_update = secret_check_update,
};
