/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "object/kinds/container_rules.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Probes and hooks: how a node asks a container whether it lives, is ready, and ends.
 */

static void exec_action_check(const json_t *action, const char *path, struct field_errors *errors)
{
	if (json_array_size(json_object_get(action, "command")) == 0) {
		field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL, "", "%s.command", path);
	}
}

static void port_check(const json_t *action, const char *path, struct field_errors *errors)
{
	rule_port_present(action, "port", path, errors);
}

static const struct field exec_action_fields[] = {
	ROW(STRING, "command", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_exec_action = {
	.name = "io.k8s.api.core.v1.ExecAction",
	.doc = "",
	SCHEMA_TABLE(exec_action_fields),
	.check = exec_action_check,
};

static const struct field http_header_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "value", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_http_header = {
	.name = "io.k8s.api.core.v1.HTTPHeader",
	.doc = "",
	SCHEMA_TABLE(http_header_fields),
};

static const struct field http_get_action_fields[] = {
	ROW(STRING, "path", 1, "", .default_json = "\"/\""),
	ROW(INT_OR_STRING, "port", 2, "", .flags = FIELD_EXPECTED, .format = FORMAT_PORT_OR_NAME),
	ROW(STRING, "host", 3, ""),
	ROW(STRING, "scheme", 4, "", .default_json = "\"HTTP\"", .one_of = "HTTP|HTTPS"),
	ROW(MESSAGE, "httpHeaders", 5, "", .shape = FIELD_LIST, .message = &type_http_header,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_http_get_action = {
	.name = "io.k8s.api.core.v1.HTTPGetAction",
	.doc = "",
	SCHEMA_TABLE(http_get_action_fields),
	.check = port_check,
};

static const struct field tcp_socket_action_fields[] = {
	ROW(INT_OR_STRING, "port", 1, "", .flags = FIELD_EXPECTED, .format = FORMAT_PORT_OR_NAME),
	ROW(STRING, "host", 2, ""),
};

static const struct type type_tcp_socket_action = {
	.name = "io.k8s.api.core.v1.TCPSocketAction",
	.doc = "",
	SCHEMA_TABLE(tcp_socket_action_fields),
	.check = port_check,
};

static const struct field grpc_action_fields[] = {
	ROW(INT32, "port", 1, "", .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "service", 2, "", .flags = FIELD_POINTER, .default_json = "\"\""),
};

static const struct type type_grpc_action = {
	.name = "io.k8s.api.core.v1.GRPCAction",
	.doc = "",
	SCHEMA_TABLE(grpc_action_fields),
	.check = port_check,
};

static const char *const handlers[] = { "exec", "httpGet", "tcpSocket", "grpc", "sleep" };

static void handler_check(const json_t *handler, const char *path, struct field_errors *errors)
{
	check_exactly_one(handler, handlers, ARRAY_SIZE(handlers), "must specify a handler type",
			  "may not specify more than 1 handler type", path, errors);
}

static const struct field probe_handler_fields[] = {
	ROW(MESSAGE, "exec", 1, "", .message = &type_exec_action, .flags = FIELD_POINTER),
	ROW(MESSAGE, "httpGet", 2, "", .message = &type_http_get_action, .flags = FIELD_POINTER),
	ROW(MESSAGE, "tcpSocket", 3, "", .message = &type_tcp_socket_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "grpc", 4, "", .message = &type_grpc_action, .flags = FIELD_POINTER),
};

static const struct type type_probe_handler = {
	.name = "io.k8s.api.core.v1.ProbeHandler",
	.doc = "",
	SCHEMA_TABLE(probe_handler_fields),
};

/* 0 is how some clients write "the default". */
static void probe_complete(json_t *probe)
{
	static const struct {
		const char *key;
		int value;
	} defaults[] = {
		{ "timeoutSeconds", 1 },
		{ "periodSeconds", 10 },
		{ "successThreshold", 1 },
		{ "failureThreshold", 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		if (json_int_at(probe, defaults[i].key, 0) == 0) {
			json_object_set_new(probe, defaults[i].key,
					    json_integer(defaults[i].value));
		}
	}
}

static const struct field probe_fields[] = {
	ROW(MESSAGE, "", 1, "", .message = &type_probe_handler, .flags = FIELD_INLINE),
	ROW(INT32, "initialDelaySeconds", 2, "", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "timeoutSeconds", 3, "", .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "periodSeconds", 4, "", .default_json = "10", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "successThreshold", 5, "", .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "failureThreshold", 6, "", .default_json = "3", .format = FORMAT_NON_NEGATIVE),
	ROW(INT64, "terminationGracePeriodSeconds", 7, "", .flags = FIELD_POINTER),
};

const struct type type_probe = {
	.name = "io.k8s.api.core.v1.Probe",
	.doc = "",
	SCHEMA_TABLE(probe_fields),
	.complete = probe_complete,
	.check = handler_check,
};

static const struct field sleep_action_fields[] = {
	ROW(INT64, "seconds", 1, "", .flags = FIELD_EXPECTED),
};

static const struct type type_sleep_action = {
	.name = "io.k8s.api.core.v1.SleepAction",
	.doc = "",
	SCHEMA_TABLE(sleep_action_fields),
};

static const struct field lifecycle_handler_fields[] = {
	ROW(MESSAGE, "exec", 1, "", .message = &type_exec_action, .flags = FIELD_POINTER),
	ROW(MESSAGE, "httpGet", 2, "", .message = &type_http_get_action, .flags = FIELD_POINTER),
	ROW(MESSAGE, "tcpSocket", 3, "", .message = &type_tcp_socket_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "sleep", 4, "", .message = &type_sleep_action, .flags = FIELD_POINTER),
};

static const struct type type_lifecycle_handler = {
	.name = "io.k8s.api.core.v1.LifecycleHandler",
	.doc = "",
	SCHEMA_TABLE(lifecycle_handler_fields),
	.check = handler_check,
};

static const struct field lifecycle_fields[] = {
	ROW(MESSAGE, "postStart", 1, "", .message = &type_lifecycle_handler,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "preStop", 2, "", .message = &type_lifecycle_handler, .flags = FIELD_POINTER),
	ROW(STRING, "stopSignal", 3, "", .flags = FIELD_POINTER),
};

const struct type type_lifecycle = {
	.name = "io.k8s.api.core.v1.Lifecycle",
	.doc = "",
	SCHEMA_TABLE(lifecycle_fields),
};
