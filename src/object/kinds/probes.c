/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "object/kinds/container_rules.h"
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

static const struct field exec_action_fields[] = {
	ROW(STRING, "command", 1, "Program and arguments; no shell is involved.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_exec_action = {
	.name = "io.k8s.api.core.v1.ExecAction",
	.doc = "Runs a program in the container; exit code 0 is success.",
	SCHEMA_TABLE(exec_action_fields),
	.check = exec_action_check,
};

static const struct field http_header_fields[] = {
	ROW(STRING, "name", 1, "Name of the header.", .flags = FIELD_REQUIRED),
	ROW(STRING, "value", 2, "Value of the header.", .flags = FIELD_EXPECTED),
};

static const struct type type_http_header = {
	.name = "io.k8s.api.core.v1.HTTPHeader",
	.doc = "A header of an HTTP request.",
	SCHEMA_TABLE(http_header_fields),
};

static const struct field http_get_action_fields[] = {
	ROW(STRING, "path", 1, "Path to ask for.", .default_json = "\"/\""),
	ROW(INT_OR_STRING, "port", 2, "Port number, or name of a container port.",
	    .flags = FIELD_EXPECTED, .format = FORMAT_PORT_OR_NAME),
	ROW(STRING, "host", 3, "Host to connect to; the pod's address when empty."),
	ROW(STRING, "scheme", 4, "HTTP or HTTPS.", .default_json = "\"HTTP\"",
	    .one_of = "HTTP|HTTPS"),
	ROW(MESSAGE, "httpHeaders", 5, "Headers to send.", .shape = FIELD_LIST,
	    .message = &type_http_header, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_http_get_action = {
	.name = "io.k8s.api.core.v1.HTTPGetAction",
	.doc = "Sends a GET request; a status from 200 to 399 is success.",
	SCHEMA_TABLE(http_get_action_fields),
};

static const struct field tcp_socket_action_fields[] = {
	ROW(INT_OR_STRING, "port", 1, "Port number, or name of a container port.",
	    .flags = FIELD_EXPECTED, .format = FORMAT_PORT_OR_NAME),
	ROW(STRING, "host", 2, "Host to connect to; the pod's address when empty."),
};

static const struct type type_tcp_socket_action = {
	.name = "io.k8s.api.core.v1.TCPSocketAction",
	.doc = "Opens a TCP connection; being accepted is success.",
	SCHEMA_TABLE(tcp_socket_action_fields),
};

static const struct field grpc_action_fields[] = {
	ROW(INT32, "port", 1, "Port number.", .flags = FIELD_EXPECTED, .format = FORMAT_PORT),
	ROW(STRING, "service", 2, "Service to ask about; the server as a whole when empty.",
	    .flags = FIELD_POINTER, .default_json = "\"\""),
};

static const struct type type_grpc_action = {
	.name = "io.k8s.api.core.v1.GRPCAction",
	.doc = "Asks the gRPC health service; SERVING is success.",
	SCHEMA_TABLE(grpc_action_fields),
};

static const char *const handlers[] = { "exec", "httpGet", "tcpSocket", "grpc", "sleep" };

static void handler_check(const json_t *handler, const char *path, struct field_errors *errors)
{
	check_exactly_one(handler, handlers, ARRAY_SIZE(handlers), "must specify a handler type",
			  "may not specify more than 1 handler type", path, errors);
}

static const struct field probe_handler_fields[] = {
	ROW(MESSAGE, "exec", 1, "Run a program in the container.", .message = &type_exec_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "httpGet", 2, "Send an HTTP request.", .message = &type_http_get_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "tcpSocket", 3, "Open a TCP connection.", .message = &type_tcp_socket_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "grpc", 4, "Ask the gRPC health service.", .message = &type_grpc_action,
	    .flags = FIELD_POINTER),
};

static const struct type type_probe_handler = {
	.name = "io.k8s.api.core.v1.ProbeHandler",
	.doc = "How to probe; exactly one of these is set.",
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
	ROW(MESSAGE, "", 1, "How to probe, beside these fields.", .message = &type_probe_handler,
	    .flags = FIELD_INLINE),
	ROW(INT32, "initialDelaySeconds", 2,
	    "Seconds between the start of the container and the first probe.",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "timeoutSeconds", 3, "Seconds after which a probe without an answer has failed.",
	    .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "periodSeconds", 4, "Seconds from one probe to the next.", .default_json = "10",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "successThreshold", 5, "Successes in a row that end a failure.",
	    .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "failureThreshold", 6, "Failures in a row that count as one.",
	    .default_json = "3", .format = FORMAT_NON_NEGATIVE),
	ROW(INT64, "terminationGracePeriodSeconds", 7,
	    "Seconds to end when this probe failed; the pod's own when absent.",
	    .flags = FIELD_POINTER),
};

const struct type type_probe = {
	.name = "io.k8s.api.core.v1.Probe",
	.doc = "A question asked of a container again and again.",
	SCHEMA_TABLE(probe_fields),
	.complete = probe_complete,
	.check = handler_check,
};

static const struct field sleep_action_fields[] = {
	ROW(INT64, "seconds", 1, "How long.", .flags = FIELD_EXPECTED),
};

static const struct type type_sleep_action = {
	.name = "io.k8s.api.core.v1.SleepAction",
	.doc = "Waits.",
	SCHEMA_TABLE(sleep_action_fields),
};

static const struct field lifecycle_handler_fields[] = {
	ROW(MESSAGE, "exec", 1, "Run a program in the container.", .message = &type_exec_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "httpGet", 2, "Send an HTTP request.", .message = &type_http_get_action,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "tcpSocket", 3, "Without effect; kept for old clients.",
	    .message = &type_tcp_socket_action, .flags = FIELD_POINTER),
	ROW(MESSAGE, "sleep", 4, "Wait.", .message = &type_sleep_action, .flags = FIELD_POINTER),
};

static const struct type type_lifecycle_handler = {
	.name = "io.k8s.api.core.v1.LifecycleHandler",
	.doc = "What to do at a moment of a container's life; exactly one is set.",
	SCHEMA_TABLE(lifecycle_handler_fields),
	.check = handler_check,
};

static const struct field lifecycle_fields[] = {
	ROW(MESSAGE, "postStart", 1,
	    "Right after the start; when it fails, the container is killed.",
	    .message = &type_lifecycle_handler, .flags = FIELD_POINTER),
	ROW(MESSAGE, "preStop", 2, "Before the stop signal; its time is part of the grace period.",
	    .message = &type_lifecycle_handler, .flags = FIELD_POINTER),
	ROW(STRING, "stopSignal", 3, "Signal that asks the container to end, such as SIGTERM.",
	    .flags = FIELD_POINTER),
};

const struct type type_lifecycle = {
	.name = "io.k8s.api.core.v1.Lifecycle",
	.doc = "What to do at moments of a container's life.",
	SCHEMA_TABLE(lifecycle_fields),
};
