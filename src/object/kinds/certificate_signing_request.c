/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <stdio.h>
#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Somebody asks for a certificate: who asks is noted by the API, somebody approves or denies, a
 * signer signs.
 */

static const struct field request_spec_fields[] = {
	ROW(BYTES, "request", 1, "The request (PKCS#10) as PEM.", .flags = FIELD_REQUIRED),
	ROW(STRING, "username", 2, "Who asks; the API fills it in."),
	ROW(STRING, "uid", 3, "The asker's uid; the API fills it in."),
	ROW(STRING, "groups", 4, "The asker's groups; the API fills them in.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "usages", 5, "What the key is to be used for.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "signerName", 7, "Who is to sign.", .flags = FIELD_REQUIRED,
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(INT32, "expirationSeconds", 8, "How long the certificate should be good, at least 600.",
	    .flags = FIELD_POINTER),
};

static const struct type type_request_spec = {
	.name = "io.k8s.api.certificates.v1.CertificateSigningRequestSpec",
	.doc = "What is asked for, and by whom.",
	SCHEMA_TABLE(request_spec_fields),
};

static const struct field request_condition_fields[] = {
	ROW(STRING, "type", 1, "Approved, Denied or Failed.", .flags = FIELD_REQUIRED),
	ROW(STRING, "reason", 2, "Why, in one word for programs."),
	ROW(STRING, "message", 3, "Why, in a sentence for people."),
	ROW(TIME, "lastUpdateTime", 4, "When it was last changed."),
	ROW(TIME, "lastTransitionTime", 5, "When the status last changed."),
	ROW(STRING, "status", 6, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_REQUIRED),
};

static const struct type type_request_condition = {
	.name = "io.k8s.api.certificates.v1.CertificateSigningRequestCondition",
	.doc = "What was decided about a request.",
	SCHEMA_TABLE(request_condition_fields),
};

static const struct field request_status_fields[] = {
	ROW(MESSAGE, "conditions", 1, "What was decided.", .shape = FIELD_LIST,
	    .message = &type_request_condition, .flags = FIELD_LIST_MAP, .list_keys = "type"),
	ROW(BYTES, "certificate", 2, "The certificate as PEM, once it is signed."),
};

static const struct type type_request_status = {
	.name = "io.k8s.api.certificates.v1.CertificateSigningRequestStatus",
	.doc = "What has become of a request.",
	SCHEMA_TABLE(request_status_fields),
};

static const struct field request_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What is asked for.", .message = &type_request_spec,
	    .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "status", 3, "What has become of it.", .message = &type_request_status),
};

static const struct type type_request = {
	.name = "io.k8s.api.certificates.v1.CertificateSigningRequest",
	.doc = "Somebody asks for a certificate.",
	SCHEMA_TABLE(request_fields),
};

/* ---- columns ---- */

static json_t *cell_signer(const json_t *request, int64_t now)
{
	return cell_string_at(request, "spec.signerName", "<none>");
}

static json_t *cell_requestor(const json_t *request, int64_t now)
{
	return cell_string_at(request, "spec.username", "");
}

static json_t *cell_duration(const json_t *request, int64_t now)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "m" }, { 1, "s" } };
	int64_t seconds = json_int_at(request, "spec.expirationSeconds", 0);
	char text[32];
	size_t i = 0;

	if (seconds <= 0) {
		return json_string("<none>");
	}
	/* As kubectl words a duration, when it is a round one. */
	while (seconds % units[i].seconds != 0) {
		i++;
	}
	snprintf(text, sizeof(text), "%lld%s", (long long)(seconds / units[i].seconds),
		 units[i].unit);
	return json_string(text);
}

static json_t *cell_condition(const json_t *request, int64_t now)
{
	const json_t *conditions = json_at(request, "status.conditions");
	struct buffer text = BUFFER_INIT(CELL_MAX);
	const json_t *condition;
	json_t *cell;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		cell_append_item(&text, json_string_at(condition, "type"));
	}
	if (json_string_at(request, "status.certificate")[0] != '\0') {
		cell_append_item(&text, "Issued");
	}
	cell = cell_of(&text, "Pending");
	buffer_deinit(&text);
	return cell;
}

static const struct column request_columns[] = {
	COLUMN_NAME,
	COLUMN_AGE,
	COLUMN("SignerName", "string", cell_signer, "Who is to sign."),
	COLUMN("Requestor", "string", cell_requestor, "Who asks."),
	COLUMN("RequestedDuration", "string", cell_duration, "How long it should be good."),
	COLUMN("Condition", "string", cell_condition, "What has become of it."),
};

static const struct selectable request_selectables[] = { { .name = "spec.signerName" } };

/* ---- rules ---- */

static void request_create(json_t *request)
{
	json_object_del(request, "status");
}

static void request_check(const json_t *request, struct field_errors *errors)
{
	const json_t *seconds = json_at(request, "spec.expirationSeconds");
	const char *signer = json_string_at(request, "spec.signerName");

	if (seconds != NULL && json_integer_value(seconds) < 600) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.expirationSeconds", seconds,
				 "may not specify a duration less than 600 seconds (10 minutes)");
	}
	if (signer[0] != '\0' && strchr(signer, '/') == NULL) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.signerName",
				 json_at(request, "spec.signerName"),
				 "must be a fully qualified domain and path of the form "
				 "'example.com/signer-name'");
	}
	if (json_array_size(json_at(request, "spec.usages")) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.usages", NULL, "");
	}
}

static void request_check_update(const json_t *request, const json_t *old,
				 struct field_errors *errors)
{
	if (!json_equal(json_object_get(request, "spec"), json_object_get(old, "spec"))) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec", NULL, "field is immutable");
	}
}

const struct kind kind_certificate_signing_request = {
	.group = "certificates.k8s.io",
	.version = "v1",
	.kind = "CertificateSigningRequest",
	.plural = "certificatesigningrequests",
	.singular = "certificatesigningrequest",
	.short_names = "csr",
	.type = &type_request,
	.flags = KIND_STATUS,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(request_columns),
	KIND_SELECTABLES(request_selectables),
	.create = request_create,
	.check = request_check,
	.check_update = request_check_update,
};
