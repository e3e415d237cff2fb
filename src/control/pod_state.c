/* SPDX-License-Identifier: Apache-2.0 */
/* The rules follow the pod life cycle of Kubernetes ("available": ready for minReadySeconds). */
#include "control/pod_state.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "control/status.h"
#include "json/json.h"

static void add_ip(struct pod_facts *facts, const char *text)
{
	struct ip ip;

	if (facts->n_ips < ARRAY_SIZE(facts->ips) && ip_parse(str_from(text), &ip) &&
	    (facts->n_ips == 0 || facts->ips[0].n != ip.n)) {
		facts->ips[facts->n_ips++] = ip;
	}
}

/* status.podIPs, or status.podIP alone where a kubelet says no more. */
static void add_ips(struct pod_facts *facts, const json_t *status)
{
	const json_t *addresses = json_object_get(status, "podIPs");
	const json_t *address;
	size_t i;

	json_array_foreach ((json_t *)addresses, i, address) {
		add_ip(facts, json_string_at(address, "ip"));
	}
	if (json_array_size(addresses) == 0) {
		add_ip(facts, json_string_at(status, "podIP"));
	}
}

static void *make_facts(struct object *pod)
{
	const json_t *spec = json_object_get(object_tree(pod), "spec");
	const json_t *status = json_object_get(object_tree(pod), "status");
	const json_t *ready = condition_find(json_object_get(status, "conditions"), "Ready");
	const char *const texts[POD_TEXTS] = {
		[POD_PHASE] = json_string_at(status, "phase"),
		[POD_NODE] = json_string_at(spec, "nodeName"),
		[POD_HOSTNAME] = json_string_at(spec, "hostname"),
		[POD_SUBDOMAIN] = json_string_at(spec, "subdomain"),
		[POD_READY_CHANGED] = json_string_at(ready, "lastTransitionTime"),
	};
	size_t size = 0;

	for (size_t i = 0; i < POD_TEXTS; i++) {
		size += strlen(texts[i]) + 1;
	}
	struct pod_facts *facts = mem_alloc(sizeof(*facts) + size);
	char *at = facts->bytes;

	for (size_t i = 0; i < POD_TEXTS; i++) {
		facts->text[i] = at;
		at = stpcpy(at, texts[i]) + 1;
	}
	facts->finished = strcmp(texts[POD_PHASE], "Failed") == 0 ||
			  strcmp(texts[POD_PHASE], "Succeeded") == 0;
	facts->ready = strcmp(json_string_at(ready, "status"), "True") == 0;
	facts->ready_since =
		facts->ready ? status_time_at(ready, "lastTransitionTime", 0) : INT64_MAX;
	facts->n_ips = 0;
	add_ips(facts, status);
	return facts;
}

const struct pod_facts *pod_facts(struct object *pod)
{
	return object_facts(pod, make_facts);
}

const char *pod_phase(struct object *pod)
{
	const char *phase = pod_facts(pod)->text[POD_PHASE];

	return phase[0] != '\0' ? phase : "Pending";
}

bool pod_is_finished(struct object *pod)
{
	return pod_facts(pod)->finished;
}

bool pod_is_active(struct object *pod)
{
	return !object_is_deleting(pod) && !pod_is_finished(pod);
}

bool pod_is_ready(struct object *pod)
{
	return pod_facts(pod)->ready;
}

bool pod_is_running_and_ready(struct object *pod)
{
	return strcmp(pod_phase(pod), "Running") == 0 && pod_is_ready(pod);
}

int64_t pod_ready_since(struct object *pod)
{
	return pod_facts(pod)->ready_since;
}

uint64_t pod_available_in(struct object *pod, int64_t min_ready_seconds, int64_t now)
{
	int64_t since = pod_ready_since(pod);
	int64_t passed = (now - since) / (int64_t)NS_PER_S;

	if (since == INT64_MAX) {
		return POD_NOT_READY;
	}
	if (min_ready_seconds <= 0 || passed >= min_ready_seconds) {
		return 0;
	}
	return (uint64_t)(min_ready_seconds - (passed > 0 ? passed : 0)) * NS_PER_S;
}

const char *pod_node(struct object *pod)
{
	return pod_facts(pod)->text[POD_NODE];
}
