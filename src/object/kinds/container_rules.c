/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/container_rules.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "object/kinds/rules.h"
#include "object/quantity.h"
#include "json/json.h"

/*
 * What one container can be asked about without knowing its pod.
 */

/* An image without tag and digest is "latest", and that may be another one tomorrow. */
const char *image_pull_policy(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *name = slash != NULL ? slash + 1 : image;
	const char *digest = strchr(name, '@');
	const char *tag = strchr(name, ':');

	if (digest != NULL && tag != NULL && tag > digest) {
		tag = NULL; /* that colon belongs to the digest */
	}
	if (tag == NULL) {
		return digest != NULL ? "IfNotPresent" : "Always";
	}
	size_t n = digest != NULL ? (size_t)(digest - tag) - 1 : strlen(tag + 1);

	return n == 6 && memcmp(tag + 1, "latest", 6) == 0 ? "Always" : "IfNotPresent";
}

void container_complete(json_t *container)
{
	if (json_string_at(container, "imagePullPolicy")[0] == '\0') {
		const char *image = json_string_at(container, "image");

		json_object_set_new(container, "imagePullPolicy",
				    json_string(image_pull_policy(image)));
	}
}

void container_port_check(const json_t *port, const char *path, struct field_errors *errors)
{
	const json_t *host = json_object_get(port, "hostPort");
	int64_t number = json_integer_value(host);

	if (number < 0 || number > 65535) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, host,
				  "must be between 1 and 65535, inclusive", "%s.hostPort", path);
	}
}

static void check_amounts(const json_t *amounts, const char *key, const char *path,
			  struct field_errors *errors)
{
	const char *resource;
	json_t *amount;

	json_object_foreach (json_object_get(amounts, key), resource, amount) {
		if (quantity_compare(str_from(json_string_value(amount)), STR("0")) < 0) {
			field_errors_addf(errors, FIELD_ERROR_INVALID, amount,
					  "must be greater than or equal to 0", "%s.%s[%s]", path,
					  key, resource);
		}
	}
}

/* Nobody is promised more than it may use. */
void resource_requirements_check(const json_t *requirements, const char *path,
				 struct field_errors *errors)
{
	const json_t *limits = json_object_get(requirements, "limits");
	const char *resource;
	json_t *request;

	check_amounts(requirements, "limits", path, errors);
	check_amounts(requirements, "requests", path, errors);
	json_object_foreach (json_object_get(requirements, "requests"), resource, request) {
		const char *limit = json_string_value(json_object_get(limits, resource));

		if (limit == NULL ||
		    quantity_compare(str_from(json_string_value(request)), str_from(limit)) <= 0) {
			continue;
		}
		_cleanup_free_ char *detail =
			mem_printf("must be less than or equal to %s limit of %s", resource, limit);

		field_errors_addf(errors, FIELD_ERROR_INVALID, request, detail, "%s.requests",
				  path);
	}
}

/* A probe that is to notice failure has succeeded as soon as it does once. */
static void check_threshold(const json_t *container, const char *probe, const char *path,
			    struct field_errors *errors)
{
	const json_t *threshold =
		json_object_get(json_object_get(container, probe), "successThreshold");

	if (threshold != NULL && json_integer_value(threshold) != 1) {
		field_errors_addf(errors, FIELD_ERROR_INVALID, threshold, "must be 1",
				  "%s.%s.successThreshold", path, probe);
	}
}

static bool is_padded(const char *text)
{
	size_t n = strlen(text);

	return n > 0 &&
	       (strchr(" \t\r\n", text[0]) != NULL || strchr(" \t\r\n", text[n - 1]) != NULL);
}

void container_check(const json_t *container, const char *path, struct field_errors *errors)
{
	const char *image = json_string_at(container, "image");
	_cleanup_free_ char *ports = mem_printf("%s.ports", path);

	if (image[0] == '\0') {
		field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "", "%s.image", path);
	} else if (is_padded(image)) {
		rule_error_text(errors, FIELD_ERROR_INVALID, image,
				"must not have leading or trailing whitespace", "%s.image", path);
	}
	rule_unique(json_object_get(container, "ports"), "name", ports, errors);
	check_threshold(container, "livenessProbe", path, errors);
	check_threshold(container, "startupProbe", path, errors);
}

void check_exactly_one(const json_t *value, const char *const *keys, size_t n, const char *none,
		       const char *many, const char *path, struct field_errors *errors)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (json_object_get(value, keys[i]) == NULL) {
			continue;
		}
		if (found++ > 0) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL, many, "%s.%s", path,
					  keys[i]);
		}
	}
	if (found == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, path, NULL, none);
	}
}
