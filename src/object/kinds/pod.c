/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/age.h"
#include "object/kinds/cells.h"
#include "object/kinds/pod_rules.h"
#include "object/kinds/pod_summary.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A pod: containers that share an address and a fate. Its spec is made of the tables in pod_spec.c
 * and its neighbours, its status of those in pod_status.c; the rules are in pod_rules.c.
 */

static const struct field pod_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What it runs, where, and under what names.",
	    .message = &type_pod_spec),
	ROW(MESSAGE, "status", 3, "How it is doing; written by its node.",
	    .message = &type_pod_status),
};

static const struct type type_pod = {
	.name = "io.k8s.api.core.v1.Pod",
	.doc = "Containers that share an address and a fate.",
	SCHEMA_TABLE(pod_fields),
	.complete = pod_complete,
};

static json_t *cell_ready(const json_t *pod, int64_t now)
{
	_cleanup_summary_ struct pod_summary summary;

	pod_summary_init(pod, &summary);
	return json_sprintf("%lld/%lld", (long long)summary.ready, (long long)summary.containers);
}

static json_t *cell_status(const json_t *pod, int64_t now)
{
	_cleanup_summary_ struct pod_summary summary;

	pod_summary_init(pod, &summary);
	return cell_of(&summary.status, "");
}

/* "2 (45m ago)" */
static json_t *cell_restarts(const json_t *pod, int64_t now)
{
	_cleanup_summary_ struct pod_summary summary;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	pod_summary_init(pod, &summary);
	buffer_printf(&text, "%lld", (long long)summary.restarts);
	if (summary.restarts > 0 && summary.last_restart > 0) {
		buffer_append_text(&text, " (");
		age_write(now - summary.last_restart, &text);
		buffer_append_text(&text, " ago)");
	}
	return cell_of(&text, "");
}

static json_t *cell_ip(const json_t *pod, int64_t now)
{
	const json_t *first = json_array_get(json_at(pod, "status.podIPs"), 0);

	return cell_string_at(first, "ip", "<none>");
}

static json_t *cell_node(const json_t *pod, int64_t now)
{
	return cell_string_at(pod, "spec.nodeName", "<none>");
}

static json_t *cell_nominated_node(const json_t *pod, int64_t now)
{
	return cell_string_at(pod, "status.nominatedNodeName", "<none>");
}

static bool is_condition_true(const json_t *pod, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(pod, "status.conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			return strcmp(json_string_at(condition, "status"), "True") == 0;
		}
	}
	return false;
}

static json_t *cell_readiness_gates(const json_t *pod, int64_t now)
{
	const json_t *gates = json_at(pod, "spec.readinessGates");
	unsigned passed = 0;
	size_t i;
	json_t *gate;

	if (json_array_size(gates) == 0) {
		return json_string("<none>");
	}
	json_array_foreach (gates, i, gate) {
		passed += is_condition_true(pod, json_string_at(gate, "conditionType"));
	}
	return json_sprintf("%u/%u", passed, (unsigned)json_array_size(gates));
}

static const struct column pod_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", "string", cell_ready,
	       "Containers that are ready, of all that run together."),
	COLUMN("Status", "string", cell_status, "What the pod is doing, in a word."),
	COLUMN("Restarts", "string", cell_restarts,
	       "Restarts of its containers, and the last one."),
	COLUMN_AGE,
	COLUMN("IP", "string", cell_ip, "Primary address of the pod.", .priority = 1),
	COLUMN("Node", "string", cell_node, "Node the pod is bound to.", .priority = 1),
	COLUMN("Nominated Node", "string", cell_nominated_node,
	       "Node that is being cleared for the pod.", .priority = 1),
	COLUMN("Readiness Gates", "string", cell_readiness_gates,
	       "Extra conditions that hold, of those the pod waits for.", .priority = 1),
};

static void select_host_network(const json_t *pod, struct buffer *out)
{
	buffer_append_text(out, json_bool_at(pod, "spec.hostNetwork", false) ? "true" : "false");
}

static void select_ip(const json_t *pod, struct buffer *out)
{
	const json_t *first = json_array_get(json_at(pod, "status.podIPs"), 0);

	buffer_append_text(out, json_string_at(first, "ip"));
}

static const struct selectable pod_selectables[] = {
	{ .name = "spec.nodeName" },
	{ .name = "spec.restartPolicy" },
	{ .name = "spec.schedulerName" },
	{ .name = "spec.serviceAccountName" },
	{ .name = "spec.hostNetwork", .value = select_host_network },
	{ .name = "status.phase" },
	{ .name = "status.podIP", .value = select_ip },
	{ .name = "status.nominatedNodeName" },
};

const struct kind kind_pod = {
	.group = "",
	.version = "v1",
	.kind = "Pod",
	.plural = "pods",
	.singular = "pod",
	.short_names = "po",
	.categories = "all",
	.type = &type_pod,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_GENERATION | KIND_GRACEFUL |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(pod_columns),
	KIND_SELECTABLES(pod_selectables),
	.create = pod_create,
	.update = pod_update,
	.check = pod_check,
	.check_update = pod_check_update,
};
