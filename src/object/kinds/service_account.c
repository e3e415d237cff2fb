/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A service account: who a pod is to the API.
 */

static const struct field service_account_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "secrets", 2, "Secrets that its pods may use.", .shape = FIELD_LIST,
	    .message = &type_object_reference, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "imagePullSecrets", 3, "Secrets for registries that its pods get.",
	    .shape = FIELD_LIST, .message = &type_local_object_reference,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(BOOL, "automountServiceAccountToken", 4, "Whether its pods get a token mounted.",
	    .flags = FIELD_POINTER),
};

static const struct type type_service_account = {
	.name = "io.k8s.api.core.v1.ServiceAccount",
	.doc = "Who a pod is to the API.",
	SCHEMA_TABLE(service_account_fields),
};

static json_t *cell_secrets(const json_t *account, int64_t now)
{
	return json_integer((json_int_t)json_array_size(json_object_get(account, "secrets")));
}

static const struct column service_account_columns[] = {
	COLUMN_NAME,
	COLUMN("Secrets", "string", cell_secrets, "Number of secrets its pods may use."),
	COLUMN_AGE,
};

const struct kind kind_service_account = {
	.group = "",
	.version = "v1",
	.kind = "ServiceAccount",
	.plural = "serviceaccounts",
	.singular = "serviceaccount",
	.short_names = "sa",
	.type = &type_service_account,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(service_account_columns),
};
